//! The common part of dispatchers: requests wait in one queue per application, in the scheduler's
//! order; an idle lane takes the first of all heads and fills a batch with the requests behind it.
//!
//! Two rules are decided here. `batch = "deadline-aware"` keeps the head on time where possible
//! ([`BatchFill`]). `drop_policy` rejects heads that are late or hopeless even at their earliest
//! end ([`DropPolicy`]): late by `View::is_late`, hopeless with a penalty of 1.
//!
//! O(log n) per request taken and O(apps) to find the head.

use crate::config::settings::{Preset, names};
use crate::config::{ConfigNode, Decoder, Kind, Problem, Problems, Setting, Value, decode};
use crate::contract::{Plan, RejectReason, Scheduler, Timeline, Trigger, View};
use crate::core::ids::{AppId, Request, RequestId, VariantId, WorkerId};
use crate::core::units::Time;
use crate::scheduler::dispatch::app_queue::AppQueue;
use crate::scheduler::score::Score;
use crate::scheduler::{BuildContext, MAX_BATCH, MAX_BATCH_SETTING};
use crate::system::catalog::Catalog;
use std::cell::OnceCell;

/// Chooses the variant of a batch.
pub trait VariantRule: Send {
    /// The variant for the head; `None` to leave the lane free.
    fn choose(&mut self, context: &DecisionContext<'_>) -> Option<VariantId>;

    /// Whether the rule has a variant for `app` on this worker.
    fn serves(&self, view: &View<'_>, worker: WorkerId, app: AppId) -> bool {
        view.variants(worker, app).next().is_some()
    }

    /// Whether only the chosen variant counts for `drop_policy`, instead of all that can run.
    fn is_fixed(&self) -> bool {
        false
    }
}

impl<F: FnMut(&DecisionContext<'_>) -> Option<VariantId> + Send> VariantRule for F {
    fn choose(&mut self, context: &DecisionContext<'_>) -> Option<VariantId> {
        self(context)
    }
}

/// A free lane, and the request at the head of all queues.
pub struct DecisionContext<'a> {
    /// The state before this plan.
    pub view: &'a View<'a>,
    /// The worker's timeline, with the batches of this plan so far.
    pub timeline: &'a Timeline,
    pub worker: WorkerId,
    pub head: &'a Request,
    /// Timelines by worker; up to date for all workers with `with_all_timelines` only.
    pub timelines: &'a [Timeline],
    queues: &'a [AppQueue],
}

impl DecisionContext<'_> {
    pub fn waiting(&self, app: AppId) -> usize {
        self.queues[app.index()].len()
    }

    pub fn first(&self, app: AppId) -> Option<&Request> {
        self.queues[app.index()].first().and_then(|(_, id)| self.view.request(id))
    }
}

/// A variant fixed in advance for one application.
#[derive(Clone, Copy, Debug)]
enum FixedVariant {
    /// The one with the shortest latency at batch 1.
    Fastest,
    /// The one with the highest profiled accuracy, the first listed of equals.
    Best,
    This(VariantId),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BatchFill {
    /// All waiting requests, up to the largest batch.
    Full,
    /// The most that keep the head on time; all, if it is late in any case.
    DeadlineAware,
}

/// The batching parameters of a dispatcher.
#[derive(Clone, Copy, Debug)]
pub struct Batching {
    max_batch: usize,
    fill: BatchFill,
    drop: DropPolicy,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum DropPolicy {
    Never,
    /// Those of utility 0 even if they ran at once in the quickest batch: alone, unless a larger
    /// one takes less time.
    Hopeless,
    Late,
}

const FILLS: [(&str, BatchFill); 2] =
    [("full", BatchFill::Full), ("deadline-aware", BatchFill::DeadlineAware)];
const DROP_POLICIES: [(&str, DropPolicy); 3] =
    [("never", DropPolicy::Never), ("hopeless", DropPolicy::Hopeless), ("late", DropPolicy::Late)];

pub const BATCHING: &[Setting] = &[
    MAX_BATCH_SETTING,
    Setting::choice("batch", &names(&FILLS)).means(
        "How many waiting requests of the head's application join its batch: as many as fit, or as \
         many as fit without making the head late.",
    ),
    Setting::choice("drop_policy", &names(&DROP_POLICIES)).means(
        "Which heads are rejected instead of served: none, those that would be worth nothing even \
         if they ran at once, or those that would be late even then.",
    ),
];

pub const FIXED: &[Setting] = &[Setting::new(
    "variant",
    Kind::OneOf(&[Kind::Text, Kind::ByName("application", &Kind::Text)]),
    Preset::Text("fastest"),
)
.means(
    "The variant of every application: `fastest`, `best` (the most accurate), a name, or a table \
     with one of these by application.",
)];

impl Batching {
    /// Full batches of up to 32 requests, without rejections.
    pub const DEFAULT: Self =
        Self { max_batch: MAX_BATCH as usize, fill: BatchFill::Full, drop: DropPolicy::Never };

    /// The settings of [`BATCHING`] that the scheduler has; the defaults of the others.
    pub fn read(fields: &mut Decoder<'_>) -> Self {
        let mut batching = Self::DEFAULT;
        if fields.describes("max_batch") {
            batching.max_batch = fields.integer("max_batch") as usize;
        }
        if fields.describes("batch") {
            batching.fill = fields.choice("batch", &FILLS);
        }
        if fields.describes("drop_policy") {
            batching.drop = fields.choice("drop_policy", &DROP_POLICIES);
        }
        batching
    }

    /// The reason to reject a head whose earliest end is `soonest`, if there is one.
    fn drops(&self, view: &View<'_>, head: &Request, soonest: Time) -> Option<RejectReason> {
        let (is_dropped, reason) = match self.drop {
            DropPolicy::Never => return None,
            DropPolicy::Hopeless => (view.penalty(head, soonest) >= 1.0, RejectReason::Hopeless),
            DropPolicy::Late => (view.is_late(head, soonest), RejectReason::Late),
        };
        is_dropped.then_some(reason)
    }

    /// The number of requests to run with the head, itself included.
    #[expect(clippy::inline_always, reason = "once a batch")]
    #[inline(always)]
    pub fn size(&self, context: &DecisionContext<'_>, variant: VariantId) -> usize {
        let DecisionContext { view, timeline, worker, head, .. } = *context;
        let waiting = context.waiting(head.app);
        let most = self.max_batch.min(view.max_batch(worker, variant)).min(waiting);
        let on_time = |batch| !view.is_late(head, view.finish(timeline, variant, batch));
        match self.fill {
            BatchFill::Full => most,
            // A measured table may fall, so that a batch of one can be late and a larger one not.
            BatchFill::DeadlineAware => {
                (1..=most).rev().find(|batch| on_time(*batch)).unwrap_or(most)
            }
        }
    }
}

/// The place of a request in its queue: smaller first, ties by arrival. It depends neither on the
/// time nor on workers, so that it may be asked for when a worker is idle.
pub trait QueueKey: Fn(&View<'_>, &Request) -> u64 + Send {}

impl<F: Fn(&View<'_>, &Request) -> u64 + Send> QueueKey for F {}

pub struct Dispatcher<K, R> {
    key: K,
    pub rule: R,
    batching: Batching,
    queues: Vec<AppQueue>,
    /// By worker; those of busy workers are up to date only if the rule needs them.
    timelines: Vec<Timeline>,
    needs_all_timelines: bool,
}

impl<K: QueueKey, R: VariantRule> Dispatcher<K, R> {
    pub fn new(catalog: &Catalog, key: K, rule: R, batching: Batching) -> Self {
        Self {
            key,
            rule,
            batching,
            queues: catalog.app_ids().map(|_| AppQueue::default()).collect(),
            timelines: catalog.worker_ids().map(|_| Timeline::default()).collect(),
            needs_all_timelines: false,
        }
    }

    /// With a rule that needs the timelines of all workers.
    pub fn with_all_timelines(self) -> Self {
        Self { needs_all_timelines: true, ..self }
    }

    /// The application whose head comes first among those that `worker` can serve, and the head.
    fn first(&self, view: &View<'_>, worker: WorkerId) -> Option<(AppId, RequestId)> {
        let mut first: Option<((u64, RequestId), AppId)> = None;
        for (app, queue) in (0..).map(AppId).zip(&self.queues) {
            if let Some(head) = queue.first()
                && first.is_none_or(|(other, _)| head < other)
                && self.rule.serves(view, worker, app)
            {
                first = Some((head, app));
            }
        }
        first.map(|((_, id), app)| (app, id))
    }

    /// The earliest end of the head if it ran now, alone or with others that wait.
    fn soonest(&self, view: &View<'_>, worker: WorkerId, app: AppId, chosen: VariantId) -> Time {
        let most = self.batching.max_batch.min(self.queues[app.index()].len());
        let soonest = |variant| view.soonest(&self.timelines[worker.index()], variant, most);
        let all = view.variants(worker, app).filter(|_| !self.rule.is_fixed());
        all.map(soonest).min().unwrap_or_else(|| soonest(chosen))
    }

    /// Fills one free lane; false if no batch can be started.
    fn fill_lane(
        &mut self,
        view: &View<'_>,
        worker: WorkerId,
        is_last: bool,
        plan: &mut Plan,
    ) -> bool {
        loop {
            let Some((app, id)) = self.first(view, worker) else { return false };
            let Some(head) = view.request(id) else {
                self.queues[app.index()].pop();
                continue;
            };
            let (timelines, queues) = (self.timelines.as_slice(), self.queues.as_slice());
            let timeline = &timelines[worker.index()];
            let context = DecisionContext { view, timeline, worker, head, timelines, queues };
            let Some(variant) = self.rule.choose(&context) else { return false };
            if self.batching.drop != DropPolicy::Never
                && let soonest = self.soonest(view, worker, app, variant)
                && let Some(reason) = self.batching.drops(view, head, soonest)
            {
                self.queues[app.index()].pop();
                plan.reject(id, reason);
                continue;
            }
            let size = self.batching.size(&context, variant);
            let queue = &mut self.queues[app.index()];
            if !is_last || self.needs_all_timelines {
                let timeline = &mut self.timelines[worker.index()];
                view.estimate_append(timeline, variant, size.min(queue.len()));
            }
            plan.assign_filled(worker, variant, |requests| queue.take(size, requests));
            return true;
        }
    }
}

impl<K: QueueKey, R: VariantRule> Scheduler for Dispatcher<K, R> {
    fn waits_for_idle_workers(&self) -> bool {
        true
    }

    fn decide(&mut self, view: &View<'_>, trigger: Trigger<'_>, plan: &mut Plan) {
        for request in trigger.dropped {
            let key = (self.key)(view, request);
            self.queues[request.app.index()].remove(key, request.id);
        }
        for id in trigger.arrived {
            if let Some(request) = view.request(*id) {
                let key = (self.key)(view, request);
                self.queues[request.app.index()].push(key, *id);
            }
        }
        if view.pending_len() == 0 {
            return;
        }
        if self.needs_all_timelines {
            for worker in view.workers() {
                view.backlog_end(worker.id, &mut self.timelines[worker.id.index()]);
            }
        }
        // A full batch with a fixed variant is chosen without its end.
        let needs_ends = !self.rule.is_fixed()
            || self.batching.fill != BatchFill::Full
            || self.batching.drop != DropPolicy::Never;
        for worker in view.idle_workers().map(|id| view.worker(id)) {
            let needs_timeline = needs_ends || worker.has_way_in();
            if needs_timeline && !self.needs_all_timelines {
                view.backlog_end(worker.id, &mut self.timelines[worker.id.index()]);
            }
            for left in (0..worker.free_lanes()).rev() {
                // The next batch would wait for the link or the host: it is decided when that is
                // free.
                let timeline = &self.timelines[worker.id.index()];
                let is_busy = worker.has_way_in() && !timeline.is_open(view.now());
                let is_last = left == 0 || !needs_timeline;
                if is_busy || !self.fill_lane(view, worker.id, is_last, plan) {
                    break;
                }
            }
            // Hundreds may be idle, and one request wait.
            if self.queues.iter().all(|queue| queue.first().is_none()) {
                break;
            }
        }
    }
}

/// The fixed variants of all applications on all workers.
pub struct FixedVariants {
    /// By application.
    rules: Vec<FixedVariant>,
    /// By worker and application, once it has been asked for.
    found: Vec<OnceCell<Option<VariantId>>>,
}

impl FixedVariants {
    /// The setting of [`FIXED`], or the fastest variants if the scheduler does not have it.
    pub fn read(fields: &mut Decoder<'_>, catalog: &Catalog) -> Self {
        let rules = read_variants(fields, catalog);
        let found = vec![OnceCell::new(); catalog.worker_ids().len() * rules.len()];
        Self { rules, found }
    }

    /// The variant of an application on a worker, if it can run there.
    #[inline]
    pub fn variant(&self, view: &View<'_>, worker: WorkerId, app: AppId) -> Option<VariantId> {
        let found = &self.found[worker.index() * self.rules.len() + app.index()];
        *found.get_or_init(|| self.rules[app.index()].choose(view, worker, app))
    }
}

impl VariantRule for FixedVariants {
    fn choose(&mut self, context: &DecisionContext<'_>) -> Option<VariantId> {
        let DecisionContext { view, worker, head, .. } = *context;
        self.variant(view, worker, head.app)
    }

    fn serves(&self, view: &View<'_>, worker: WorkerId, app: AppId) -> bool {
        self.variant(view, worker, app).is_some()
    }

    fn is_fixed(&self) -> bool {
        true
    }
}

impl FixedVariant {
    /// The variant on a worker, if it can run there.
    #[inline(never)]
    fn choose(self, view: &View<'_>, worker: WorkerId, app: AppId) -> Option<VariantId> {
        let mut usable = view.variants(worker, app);
        match self {
            Self::This(variant) => usable.find(|v| *v == variant),
            Self::Fastest => usable.min_by_key(|v| (view.expected_latency(worker, *v, 1), *v)),
            Self::Best => usable.reduce(|best, v| {
                let accuracy = |v| Score::of(view.catalog().variant(v).accuracy);
                if accuracy(v) > accuracy(best) { v } else { best }
            }),
        }
    }
}

/// A dispatcher in a fixed order with a fixed variant by application: the fastest, unless the
/// scheduler has the settings of [`FIXED`].
pub fn read_fixed(
    fields: &mut Decoder<'_>,
    context: &BuildContext<'_>,
    key: impl Fn(&Request) -> u64 + Send + 'static,
) -> Box<dyn Scheduler> {
    let rule = FixedVariants::read(fields, context.catalog);
    let batching = Batching::read(fields);
    let key = move |_: &View<'_>, request: &Request| key(request);
    Box::new(Dispatcher::new(context.catalog, key, rule, batching))
}

/// Reads `variant`: `"fastest"`, `"best"`, the name of a variant, or a table of these by
/// application.
fn read_variants(fields: &mut Decoder<'_>, catalog: &Catalog) -> Vec<FixedVariant> {
    let mut fixed = vec![FixedVariant::Fastest; catalog.app_ids().len()];
    if !fields.describes("variant") {
        return fixed;
    }
    let node = fields.take("variant");
    let problems = fields.problems();
    match node.map(|node| (node, &node.value)) {
        None => {}
        Some((_, Value::Table(entries))) => {
            for (name, node) in entries.iter() {
                let Some(app) = catalog.app_named(name) else {
                    let known = catalog.app_ids().map(|app| catalog.app(app).name.as_str());
                    let place = node.place.clone();
                    problems.push(Problem::unknown(place, "application", name, known));
                    break;
                };
                fixed[app.index()] = read_variant(node, catalog, app, problems);
            }
        }
        Some((node, _)) => {
            for app in catalog.app_ids() {
                fixed[app.index()] = read_variant(node, catalog, app, problems);
            }
        }
    }
    fixed
}

fn read_variant(
    node: &ConfigNode,
    catalog: &Catalog,
    app: AppId,
    problems: &mut Problems,
) -> FixedVariant {
    let name = match decode::text(node, problems) {
        None | Some("fastest") => return FixedVariant::Fastest,
        Some("best") => return FixedVariant::Best,
        Some(name) => name,
    };
    match catalog.variant_named(app, name) {
        Some(variant) if catalog.worker_ids().any(|w| catalog.usable(w, variant)) => {
            return FixedVariant::This(variant);
        }
        Some(_) => {
            let found = format!("`{name}`, which no worker can run");
            let expected = "a variant that fits the memory of a worker";
            problems.push(Problem::new(node.place.clone(), found, expected));
        }
        None => {
            let own = catalog.variants_of(app).map(|v| catalog.variant(v).name.as_str());
            let known: Vec<&str> = ["fastest", "best"].into_iter().chain(own).collect();
            let unknown = Problem::unknown(node.place.clone(), "variant", name, known);
            problems.push(unknown.of(&catalog.app(app).name));
        }
    }
    FixedVariant::Fastest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Group;

    const MAX_BATCH_ALONE: Group = Group::named("alone").of(&[&[MAX_BATCH_SETTING]]);

    #[test]
    fn a_scheduler_may_take_one_of_the_shared_settings() {
        let node = ConfigNode::parse_override("{ max_batch = 4 }");
        let mut problems = Problems::default();
        let mut fields = Decoder::new(&node, &MAX_BATCH_ALONE, &mut problems);
        let batching = Batching::read(&mut fields);
        assert_eq!((batching.max_batch, batching.fill), (4, Batching::DEFAULT.fill));
        assert!(read_variants(&mut fields, &Catalog::empty()).is_empty() && problems.is_empty());
    }
}
