//! What all dispatchers share: requests wait in one queue per application, in the scheduler's
//! order; an idle lane takes the first of all heads and fills a batch with requests behind it.
//!
//! Two rules are decided here. `batch = "deadline-aware"` keeps the head on time where it can
//! ([`BatchFill`]). `drop_policy` rejects heads that are late or hopeless even at their soonest end
//! ([`DropPolicy`]); a request is late if `View::is_late` says so, and hopeless if its penalty is
//! 1.
//!
//! Dispatchers decide for the present only. Per decision: O(log n) per request taken and O(apps)
//! to find the head.

use crate::config::settings::{Preset, names};
use crate::config::{ConfigNode, Decoder, Kind, Problem, Setting, Value, decode};
use crate::contract::{Plan, RejectReason, Scheduler, Timeline, Trigger, View};
use crate::core::ids::{AppId, Request, RequestId, VariantId, WorkerId};
use crate::core::units::Time;
use crate::scheduler::score::Score;
use crate::scheduler::{BuildContext, MAX_BATCH, MAX_BATCH_SETTING};
use crate::system::catalog::Catalog;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// How a variant is chosen for the request at the head.
pub enum VariantChoice {
    /// By worker class and application, fixed in advance.
    Fixed(Vec<FixedVariant>),
    /// Any rule on the head.
    Rule(VariantRule),
}

/// A variant for the head; `None` to leave the lane free.
pub type VariantRule = Box<dyn FnMut(&DecisionContext<'_>) -> Option<VariantId> + Send>;

/// The requests of one application, first key first.
type AppQueue = BinaryHeap<Reverse<(u64, RequestId)>>;

/// A free lane, and the request at the head of all queues.
pub struct DecisionContext<'a> {
    /// The state before this plan.
    pub view: &'a View<'a>,
    /// The worker's timeline, with the batches of this plan so far.
    pub timeline: &'a Timeline,
    /// The worker of the lane.
    pub worker: WorkerId,
    /// The request to serve.
    pub head: &'a Request,
    /// By worker, its timeline; up to date for all workers with `with_all_timelines` only.
    pub timelines: &'a [Timeline],
    queues: &'a [AppQueue],
}

impl DecisionContext<'_> {
    /// How many requests of an application wait.
    pub fn waiting(&self, app: AppId) -> usize {
        self.queues[app.index()].len()
    }

    /// The first request of an application's queue.
    pub fn first(&self, app: AppId) -> Option<&Request> {
        self.queues[app.index()].peek().and_then(|Reverse((_, id))| self.view.request(*id))
    }
}

/// A variant fixed in advance for one application.
#[derive(Clone, Debug)]
pub enum FixedVariant {
    /// The one with the shortest latency at batch 1.
    Fastest,
    /// The one with the highest profiled accuracy, the first listed of equals.
    Best,
    /// This one.
    This(VariantId),
}

/// How many requests of the head's application run with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchFill {
    /// As many as wait, up to the largest batch.
    Full,
    /// As many as keep the head on time; a head that is late anyway does not shrink its batch.
    DeadlineAware,
}

/// The batching parameters of a dispatcher.
#[derive(Clone, Copy, Debug)]
pub struct Batching {
    max_batch: usize,
    fill: BatchFill,
    drop: DropPolicy,
}

/// Which heads are rejected rather than served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum DropPolicy {
    /// None.
    Never,
    /// Those that would be worth nothing even if they ran at once in the quickest batch: alone,
    /// unless a larger one takes less time.
    Hopeless,
    /// Those that would be late even then.
    Late,
}

const FILLS: [(&str, BatchFill); 2] =
    [("full", BatchFill::Full), ("deadline-aware", BatchFill::DeadlineAware)];
const DROP_POLICIES: [(&str, DropPolicy); 3] =
    [("never", DropPolicy::Never), ("hopeless", DropPolicy::Hopeless), ("late", DropPolicy::Late)];

/// The settings of all dispatchers.
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

/// The settings of dispatchers with a fixed variant.
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
    /// Up to 32 that wait, none refused.
    pub const USUAL: Self =
        Self { max_batch: MAX_BATCH as usize, fill: BatchFill::Full, drop: DropPolicy::Never };

    pub fn read(fields: &mut Decoder<'_>) -> Self {
        Self {
            max_batch: fields.integer("max_batch") as usize,
            fill: fields.choice("batch", &FILLS),
            drop: fields.choice("drop_policy", &DROP_POLICIES),
        }
    }

    /// Why to reject a head that could end at `soonest`, if at all.
    fn drops(&self, view: &View<'_>, head: &Request, soonest: Time) -> Option<RejectReason> {
        let (gone, reason) = match self.drop {
            DropPolicy::Never => return None,
            DropPolicy::Hopeless => (view.penalty(head, soonest) >= 1.0, RejectReason::Hopeless),
            DropPolicy::Late => (view.is_late(head, soonest), RejectReason::Late),
        };
        gone.then_some(reason)
    }

    /// How many of `waiting` requests behind and including `head` to run.
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

/// The order of requests, fixed when they become visible: smaller first, ties by arrival.
pub type QueueKey = Box<dyn FnMut(&View<'_>, &Request) -> u64 + Send>;

/// A dispatcher.
pub struct Dispatcher {
    key: QueueKey,
    choice: VariantChoice,
    batching: Batching,
    queues: Vec<AppQueue>,
    /// By worker; those of busy workers are up to date only if the rule needs them.
    timelines: Vec<Timeline>,
    needs_all_timelines: bool,
    batch: Vec<RequestId>,
}

impl Dispatcher {
    pub fn new(
        catalog: &Catalog,
        key: QueueKey,
        choice: VariantChoice,
        batching: Batching,
    ) -> Self {
        Self {
            key,
            choice,
            batching,
            queues: catalog.app_ids().map(|_| BinaryHeap::new()).collect(),
            timelines: catalog.worker_ids().map(|_| Timeline::default()).collect(),
            needs_all_timelines: false,
            batch: Vec::new(),
        }
    }

    /// With a rule that needs the timelines of all workers.
    pub fn with_all_timelines(self) -> Self {
        Self { needs_all_timelines: true, ..self }
    }

    /// The application whose head comes first among those that `worker` can serve.
    fn first(&self, view: &View<'_>, worker: WorkerId) -> Option<AppId> {
        if let [queue] = self.queues.as_slice() {
            return queue.peek().filter(|_| self.serves(view, worker, AppId(0))).map(|_| AppId(0));
        }
        let heads = self.queues.iter().enumerate().filter_map(|(app, queue)| {
            let Reverse(head) = queue.peek()?;
            let app = AppId(app as u16);
            self.serves(view, worker, app).then_some((*head, app))
        });
        heads.min().map(|(_, app)| app)
    }

    /// Whether the choice of variants has one for `app` on this worker.
    fn serves(&self, view: &View<'_>, worker: WorkerId, app: AppId) -> bool {
        match &self.choice {
            VariantChoice::Fixed(fixed) => fixed[app.index()].runs(view, worker, app),
            VariantChoice::Rule(_) => view.variants(worker, app).next().is_some(),
        }
    }

    /// When the head could end at the earliest if it ran now, on any variant that the choice
    /// allows, alone or with others that wait.
    fn soonest(&self, view: &View<'_>, worker: WorkerId, app: AppId, chosen: VariantId) -> Time {
        let most = self.batching.max_batch.min(self.queues[app.index()].len());
        let soonest = |variant| view.soonest(&self.timelines[worker.index()], variant, most);
        match &self.choice {
            VariantChoice::Fixed(_) => soonest(chosen),
            VariantChoice::Rule(_) => {
                view.variants(worker, app).map(soonest).min().unwrap_or_else(|| soonest(chosen))
            }
        }
    }

    /// Fills one free lane; false if nothing can be started.
    fn fill_lane(&mut self, view: &View<'_>, worker: WorkerId, plan: &mut Plan) -> bool {
        loop {
            let Some(app) = self.first(view, worker) else { return false };
            let queue = &mut self.queues[app.index()];
            let Some(Reverse((_, id))) = queue.peek().copied() else { return false };
            let Some(head) = view.request(id) else {
                queue.pop();
                continue;
            };
            let (timelines, queues) = (self.timelines.as_slice(), self.queues.as_slice());
            let timeline = &timelines[worker.index()];
            let context = DecisionContext { view, timeline, worker, head, timelines, queues };
            let variant = match &mut self.choice {
                VariantChoice::Fixed(fixed) => fixed[app.index()].choose(view, worker, app),
                VariantChoice::Rule(rule) => rule(&context),
            };
            let Some(variant) = variant else { return false };
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
            self.batch.clear();
            while self.batch.len() < size {
                let Some(Reverse((_, id))) = queue.pop() else { break };
                self.batch.push(id);
            }
            view.estimate_append(&mut self.timelines[worker.index()], variant, self.batch.len());
            plan.assign(worker, variant, self.batch.iter().copied());
            return true;
        }
    }
}

impl Scheduler for Dispatcher {
    fn decide(&mut self, view: &View<'_>, trigger: Trigger<'_>, plan: &mut Plan) {
        for id in trigger.arrived {
            if let Some(request) = view.request(*id) {
                let key = (self.key)(view, request);
                self.queues[request.app.index()].push(Reverse((key, *id)));
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
        for worker in view.workers().filter(crate::contract::WorkerView::is_idle) {
            if !self.needs_all_timelines {
                view.backlog_end(worker.id, &mut self.timelines[worker.id.index()]);
            }
            for _ in 0..worker.free_lanes() {
                // The next batch would wait for the link: it is decided when the link is free.
                let timeline = &self.timelines[worker.id.index()];
                let taken = timeline.is_remote() && !timeline.is_open(view.now());
                if taken || !self.fill_lane(view, worker.id, plan) {
                    break;
                }
            }
        }
    }
}

impl FixedVariant {
    /// Whether some variant of `app` on this worker is the one.
    fn runs(&self, view: &View<'_>, worker: WorkerId, app: AppId) -> bool {
        let mut usable = view.variants(worker, app);
        match self {
            Self::This(variant) => usable.any(|v| v == *variant),
            Self::Fastest | Self::Best => usable.next().is_some(),
        }
    }

    /// The variant on a worker, if it can run there.
    fn choose(&self, view: &View<'_>, worker: WorkerId, app: AppId) -> Option<VariantId> {
        let mut usable = view.variants(worker, app);
        match self {
            Self::This(variant) => usable.find(|v| v == variant),
            Self::Fastest => usable.min_by_key(|v| (view.expected_latency(worker, *v, 1), *v)),
            Self::Best => usable.reduce(|best, v| {
                let accuracy = |v| Score::of(view.catalog().variant(v).accuracy);
                if accuracy(v) > accuracy(best) { v } else { best }
            }),
        }
    }
}

/// A dispatcher in a fixed order with a fixed variant by application.
pub fn read_fixed(
    fields: &mut Decoder<'_>,
    context: &BuildContext<'_>,
    key: fn(&Request) -> u64,
) -> Box<dyn Scheduler> {
    let choice = VariantChoice::Fixed(read_variant(fields, context));
    let batching = Batching::read(fields);
    let key = Box::new(move |_: &View<'_>, request: &Request| key(request));
    Box::new(Dispatcher::new(context.catalog, key, choice, batching))
}

/// Reads `variant`: `"fastest"`, `"best"`, the name of a variant, or names by application.
fn read_variant(fields: &mut Decoder<'_>, context: &BuildContext<'_>) -> Vec<FixedVariant> {
    let catalog = context.catalog;
    let node = fields.take("variant");
    let problems = fields.problems();
    let mut fixed: Vec<FixedVariant> = catalog.app_ids().map(|_| FixedVariant::Fastest).collect();
    let mut one = |app: AppId, node: &ConfigNode| {
        let Some(name) = decode::text(node, problems) else { return };
        fixed[app.index()] = match name {
            "fastest" => FixedVariant::Fastest,
            "best" => FixedVariant::Best,
            name => match catalog.variant_named(app, name) {
                Some(variant) if catalog.worker_ids().any(|w| catalog.usable(w, variant)) => {
                    FixedVariant::This(variant)
                }
                Some(_) => {
                    let found = format!("`{name}`, which no worker can run");
                    let expected = "a variant that fits the memory of a worker";
                    problems.push(Problem::new(node.place.clone(), found, expected));
                    return;
                }
                None => {
                    let own = catalog.variants_of(app).map(|v| catalog.variant(v).name.as_str());
                    let known: Vec<&str> = ["fastest", "best"].into_iter().chain(own).collect();
                    let unknown = Problem::unknown(node.place.clone(), "variant", name, known);
                    problems.push(unknown.of(&catalog.app(app).name));
                    return;
                }
            },
        };
    };
    match node.map(|node| (node, &node.value)) {
        None => {}
        Some((_, Value::Table(entries))) => {
            for (name, node) in entries.iter() {
                match catalog.app_named(name) {
                    Some(app) => one(app, node),
                    None => {
                        let known = catalog.app_ids().map(|app| catalog.app(app).name.as_str());
                        let place = node.place.clone();
                        fields.problems().push(Problem::unknown(place, "application", name, known));
                        return fixed;
                    }
                }
            }
        }
        Some((node, _)) => catalog.app_ids().for_each(|app| one(app, node)),
    }
    fixed
}
