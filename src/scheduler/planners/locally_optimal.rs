//! Locally optimal planning: requests one by one in some order, each appended to the worker and
//! on the variant that is best for it alone, given what was placed before.
//!
//! Appending does not change earlier requests, so the best mean utility of the schedule is the
//! best utility of the request. O(n log n + n · variants · workers) per window.
//!
//! Source: dndfrink/SERIF bd12bb8 (locally optimal schedulers).

use super::plan_builder::PlanBuilder;
use super::planning_window::{MERGE, PlanningWindow, WINDOW};
use super::priority::RequestOrder;
use crate::config::settings::{Lists, names};
use crate::config::{Decoder, Problem, Setting, decode};
use crate::contract::{Plan, Scheduler, Trigger, View};
use crate::core::ids::{Request, VariantId};
use crate::core::units::Time;
use crate::scheduler::BuildContext;
use crate::scheduler::dispatch::dispatcher::{
    BATCHING, Batching, DecisionContext, Dispatcher, VariantRule,
};
use crate::scheduler::score::Score;
use crate::scheduler::tie_break::{PlanValue, TIE_BREAK, TieBreak};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Objective {
    Utility,
    /// Highest expected accuracy; ties by finish.
    Accuracy,
    Finish,
}

impl Objective {
    /// How equal scores are ordered. With `Finish` the parameter would have no effect, and is
    /// unknown.
    fn tie_break(self, fields: &mut Decoder<'_>) -> TieBreak {
        if self == Self::Finish { TieBreak::EarliestFinish } else { TieBreak::read(fields) }
    }

    #[inline]
    fn score(self, view: &View<'_>, request: &Request, variant: VariantId, finish: Time) -> Score {
        match self {
            Self::Utility => Score::of(view.utility(request, variant, finish)),
            Self::Accuracy => Score::of(view.accuracy(request.id, variant)),
            Self::Finish => Score::sooner(finish),
        }
    }
}

/// A planner that places one request after another.
pub struct SequentialPlanner {
    order: RequestOrder,
    objective: Objective,
    builder: PlanBuilder,
}

/// Whether windows are planned.
const MODES: [(&str, bool); 2] = [("window", true), ("dispatch", false)];

/// The settings of [`read`].
pub const SETTINGS: Lists = &[MODE, TIE_BREAK, WINDOW, MERGE, BATCHING];

/// The setting that parts planners and dispatchers.
pub const MODE: &[Setting] = &[Setting::choice("mode", &names(&MODES)).means(
    "Whether all waiting requests are planned at once, each by itself (then the settings of \
     windows count), or the first one is dispatched with a batch when a worker is idle (then \
     `batch` and `drop_policy` count).",
)];

/// `mode = "window"` plans all waiting requests; `mode = "dispatch"` decides for the first of them
/// when a worker is idle, and fills its batch with requests of the same application.
pub fn read(
    fields: &mut Decoder<'_>,
    context: &BuildContext<'_>,
    order: RequestOrder,
    objective: Objective,
) -> Box<dyn Scheduler> {
    let plan = fields.take("mode");
    let choice = plan.and_then(|node| decode::choice(node, &MODES, fields.problems()));
    if choice.unwrap_or(true) {
        let builder = PlanBuilder::new(objective.tie_break(fields), PlanningWindow::read(fields));
        return Box::new(SequentialPlanner { order, objective, builder });
    }
    if let (RequestOrder::Priority(priority), Some(node)) = (order, plan)
        && !priority.is_steady()
    {
        let found = "`dispatch` with a priority whose order changes with time";
        let expected = "priority = \"acc-deadline\" or \"acc-slack\"";
        fields.problems().push(Problem::new(node.place.clone(), found, expected));
    }
    let rule = HeadRule {
        objective,
        tie_break: objective.tie_break(fields),
        batching: Batching::read(fields),
    };
    let key = move |view: &View<'_>, request: &Request| order.key(view, request);
    Box::new(Dispatcher::new(context.catalog, key, rule, rule.batching))
}

/// The best variant for the head, in the batch that would run.
#[derive(Clone, Copy)]
struct HeadRule {
    objective: Objective,
    tie_break: TieBreak,
    batching: Batching,
}

impl VariantRule for HeadRule {
    fn choose(&mut self, context: &DecisionContext<'_>) -> Option<VariantId> {
        let DecisionContext { view, timeline, worker, head, .. } = *context;
        let mut best: Option<(PlanValue, VariantId)> = None;
        for variant in view.variants(worker, head.app) {
            let batch = self.batching.size(context, variant);
            let finish = view.finish(timeline, variant, batch);
            let sum = self.objective.score(view, head, variant, finish);
            let value = PlanValue { sum, finish };
            if self.tie_break.beats(value, best.map(|(value, _)| value)) {
                best = Some((value, variant));
            }
        }
        best.map(|(_, variant)| variant)
    }
}

impl Scheduler for SequentialPlanner {
    fn decide(&mut self, view: &View<'_>, trigger: Trigger<'_>, plan: &mut Plan) {
        if !self.builder.open(view, trigger, plan) {
            return;
        }
        self.builder.sort(view, self.order);
        for at in 0..self.builder.requests.len() {
            let request = self.builder.requests[at];
            let best = self.builder.best_request_placement(view, &request, |variant, finish| {
                self.objective.score(view, &request, variant, finish)
            });
            if let Some(placement) = best {
                self.builder.append(placement, |timeline| {
                    view.estimate_append(timeline, placement.variant, 1)
                });
                self.builder.push(placement, std::iter::once(request.id));
            }
        }
        self.builder.emit(view, plan);
    }

    fn waits_for_idle_workers(&self) -> bool {
        self.builder.window.waits_for_idle_workers()
    }
}
