//! Peek-plus, our own: a planner of groups by the pooled class posteriors of many requests.
//!
//! `sneakpeek` compares near-equal variants by the posteriors of single requests, which are noisy,
//! and loads large variants for single requests, which delays all later requests. Therefore:
//!
//! 1. Posteriors are averaged over the last `class_mix_horizon` requests of an application, and
//!    recalls are shrunk towards the variant's accuracy by `recall_shrinkage` pseudo-requests
//!    ([`super::class_mix_estimator`]). All requests of an application have the same accuracies, so
//!    that one group per application suffices.
//! 2. Groups are placed one after another, earliest mean deadline first, as by `grouped`.
//! 3. Local search improves that plan: each group is moved to every other worker and variant, and
//!    neighbours are swapped, as long as the summed utility of the window rises. So the cost of a
//!    load includes the delay of later groups.
//!
//! The objective is the utility of one window: a better plan may end later, which costs the next
//! window. On sources that it was not tuned on it is up to 0.06 points of utility below `grouped`
//! at 3,000 and 10,000 requests/s of the quickstart (experiments/peek-plus).
//!
//! Groups by class were not tried. Lookahead beyond the window was tried and rejected: simulated
//! later requests gained utility in overload and lost it at moderate loads, since they cannot be
//! planned again.
//!
//! With `accuracy = "profiled"` only the third step differs from `grouped`. An oracle is averaged
//! like a posterior.
//!
//! With G groups on W workers, V variants each and n requests, a window takes
//! O(rounds · G · W · V · n), with at most [`ROUNDS`] rounds. Source: ours; groups and greedy
//! placement after the grouped schedulers of dndfrink/SERIF bd12bb8.

use super::class_mix_estimator::ClassMixEstimator;
use super::group_planner::{Group, GroupKey, divide};
use super::plan_builder::{PlanBuilder, append_batches};
use super::planning_window::{Placement, PlanningWindow, WINDOW};
use super::priority::RequestOrder;
use super::search::window_problem::VariantFilter;
use crate::config::{Decoder, Setting};
use crate::contract::{AccuracySource, Plan, Scheduler, Timeline, Trigger, View};
use crate::core::ids::{Request, VariantId};
use crate::core::units::Time;
use crate::scheduler::score::{Score, by_mean_deadline};
use crate::scheduler::tie_break::{PlanValue, TIE_BREAK, TieBreak};
use crate::scheduler::{BuildContext, SchedulerEntry};

pub const ENTRY: SchedulerEntry = SchedulerEntry {
    name: "peek-plus",
    summary: "groups by application, accuracies at the pooled class mix, plans improved as a whole",
    source: "ours",
    settings: &[
        &[
            Setting::number("class_mix_horizon", [1.0, 1e9], 200.0).means(
                "The number of the last requests of an application over which the class mix is \
                 estimated.",
            ),
            Setting::number("recall_shrinkage", [0.0, 1e9], 100.0).means(
                "The number of imagined requests by which recalls are shrunk towards a variant's \
                 accuracy.",
            ),
            Setting::flag("local_search", true)
                .means("Whether the plan is improved by moves of groups and swaps of neighbours."),
        ],
        TIE_BREAK,
        WINDOW,
    ],
    accuracy: Some(AccuracySource::Posterior),
    build: |fields, context| Box::new(PeekPlus::read(fields, context)),
};

const ROUNDS: usize = 3;

#[derive(Clone, Copy, Debug)]
struct GroupStep {
    /// Index into `PeekPlus::groups`.
    group: usize,
    placement: Placement,
}

struct PeekPlus {
    class_mix: ClassMixEstimator,
    local_search: bool,
    /// One for each application of the window.
    groups: Vec<Group>,
    /// By variant, its accuracy at the class mix of its application.
    accuracy: Vec<Score>,
    builder: PlanBuilder,
    /// By worker, its timeline with a plan that is tried.
    trial: Vec<Timeline>,
}

impl PeekPlus {
    fn read(fields: &mut Decoder<'_>, context: &BuildContext<'_>) -> Self {
        let horizon = fields.number("class_mix_horizon");
        let shrinkage = fields.number("recall_shrinkage");
        Self {
            class_mix: ClassMixEstimator::new(context.catalog, horizon, shrinkage),
            local_search: fields.flag("local_search"),
            groups: Vec::new(),
            accuracy: vec![Score::default(); context.catalog.variant_ids().count()],
            // Groups run as full batches, which cannot be merged.
            builder: PlanBuilder::new(
                TieBreak::read(fields),
                PlanningWindow::read_up_to(fields, u64::MAX),
            ),
            trial: Vec::new(),
        }
    }

    /// Divides the window into groups, earliest mean deadline first, ties by application.
    fn divide(&mut self, view: &View<'_>) {
        let catalog = view.catalog();
        let key =
            |request: &Request| GroupKey { allowed: VariantFilter::any(request.app), salt: 0 };
        divide(&self.builder.requests, key, &mut self.groups);
        self.groups.sort_by_key(|group| group.key.allowed.app);
        self.groups.sort_by(|a, b| by_mean_deadline(&a.requests, &b.requests));
        for group in &self.groups {
            let app = group.key.allowed.app;
            for variant in catalog.variants_of(app).chain(catalog.app(app).peek_variant) {
                let accuracy = self.class_mix.accuracy(catalog, variant);
                self.accuracy[variant.index()] = Score::of(accuracy);
            }
        }
    }

    fn greedy(&mut self, view: &View<'_>) -> Vec<GroupStep> {
        let backlog = self.builder.timelines.clone();
        let accuracy = &self.accuracy;
        let mut steps = Vec::with_capacity(self.groups.len());
        for (group, Group { key, requests }) in self.groups.iter().enumerate() {
            let variants = |worker| key.allowed.on(view, worker);
            let kept = |_, batch: &[Request], finish| kept(view, batch, finish);
            let total = |variant: VariantId, sum: Score| sum.times(accuracy[variant.index()]);
            let placed = self.builder.place(view, variants, requests, kept, total);
            steps.extend(placed.map(|(placement, _)| GroupStep { group, placement }));
        }
        self.builder.restore(backlog);
        steps
    }

    fn utility(&mut self, view: &View<'_>, steps: &[GroupStep]) -> Score {
        let mut trial = std::mem::take(&mut self.trial);
        trial.resize_with(self.builder.timelines.len(), Timeline::default);
        trial.iter_mut().zip(&self.builder.timelines).for_each(|(into, from)| into.copy_from(from));
        let mut utility = Score::default();
        for step in steps {
            let timeline = &mut trial[step.placement.worker.index()];
            let requests = &self.groups[step.group].requests;
            let (window, accuracy) = (self.builder.window, &self.accuracy);
            utility += append(view, window, accuracy, timeline, step.placement, requests).sum;
        }
        self.trial = trial;
        utility
    }

    /// Local search: moves groups to other workers and variants and swaps neighbours, as long as
    /// that raises the utility of the plan.
    fn improve(&mut self, view: &View<'_>, steps: &mut [GroupStep]) {
        let mut best = self.utility(view, steps);
        for _ in 0..ROUNDS {
            let before = best;
            for at in 0..steps.len() {
                let allowed = self.groups[steps[at].group].key.allowed;
                for worker in view.catalog().worker_ids() {
                    for variant in allowed.on(view, worker) {
                        let old = steps[at];
                        steps[at].placement = Placement { worker, variant };
                        if !self.improves(view, steps, &mut best) {
                            steps[at] = old;
                        }
                    }
                }
            }
            for at in 1..steps.len() {
                steps.swap(at - 1, at);
                if !self.improves(view, steps, &mut best) {
                    steps.swap(at - 1, at);
                }
            }
            if best <= before {
                break;
            }
        }
    }

    /// Whether a plan has more utility than the best so far, which is updated.
    fn improves(&mut self, view: &View<'_>, steps: &[GroupStep], best: &mut Score) -> bool {
        let before = *best;
        *best = self.utility(view, steps).max(before);
        *best > before
    }
}

/// The shares of the accuracy of requests that the penalty leaves, summed.
fn kept(view: &View<'_>, batch: &[Request], finish: Time) -> Score {
    batch.iter().map(|request| Score::of(1.0 - view.penalty(request, finish))).sum()
}

/// Appends a group to a timeline; its utility at the accuracies of the class mix, and its end.
fn append(
    view: &View<'_>,
    window: PlanningWindow,
    accuracy: &[Score],
    timeline: &mut Timeline,
    placement: Placement,
    requests: &[Request],
) -> PlanValue {
    let batches = window.batches(view, placement, requests);
    let value = append_batches(view, timeline, placement.variant, batches, |batch, finish| {
        kept(view, batch, finish)
    });
    PlanValue { sum: value.sum.times(accuracy[placement.variant.index()]), ..value }
}

impl Scheduler for PeekPlus {
    fn decide(&mut self, view: &View<'_>, trigger: Trigger<'_>, plan: &mut Plan) {
        // Requests of a failed worker were observed when they first arrived.
        let new = trigger.arrived.iter().filter(|id| !view.is_returned(**id));
        for request in new.filter_map(|id| view.request(*id)) {
            self.class_mix.observe(view, request);
        }
        if !self.builder.open(view, trigger, plan) {
            return;
        }
        self.builder.sort(view, RequestOrder::Deadline);
        self.divide(view);
        let mut steps = self.greedy(view);
        if self.local_search {
            self.improve(view, &mut steps);
        }
        for GroupStep { group, placement } in steps {
            self.builder.push_group(view, placement, &self.groups[group].requests);
        }
        self.builder.emit(view, plan);
    }

    fn waits_for_idle_workers(&self) -> bool {
        self.builder.window.waits_for_idle_workers()
    }
}
