//! Locally optimal planning: requests one by one in some order, each appended to the worker and
//! on the variant that is best for it alone, given what was placed before.
//!
//! Appending does not change earlier requests, so the best mean utility of the schedule is the
//! best utility of the request. O(n log n + n · variants · workers) per window.
//!
//! Source: dndfrink/SERIF bd12bb8 (locally optimal schedulers).

use super::BuildContext;
use super::dispatch::{Batching, DecisionContext, Dispatcher, VariantChoice};
use super::planning_window::{PlanBuilder, PlanningWindow, TieBreak, best_place, tails};
use super::priority::RequestOrder;
use super::score::Score;
use crate::config::settings::names;
use crate::config::{Decoder, Problem, Setting, decode};
use crate::contract::{Plan, Scheduler, Timeline, Trigger, View};
use crate::core::ids::{Request, VariantId};
use crate::core::units::Time;

/// What "best" means for one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Objective {
    /// Highest expected utility.
    Utility,
    /// Highest expected accuracy, whatever the time; ties by finish.
    Accuracy,
    /// Earliest expected finish.
    Finish,
}

impl Objective {
    /// How equal scores are told apart. Who ends soonest has no equals that end earlier: there
    /// the parameter would mean nothing, and is not known.
    fn ties(self, fields: &mut Decoder<'_>) -> TieBreak {
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
pub(super) struct SequentialPlanner {
    order: RequestOrder,
    goal: Objective,
    ties: TieBreak,
    window: PlanningWindow,
    requests: Vec<Request>,
    cursors: Vec<Timeline>,
    draft: PlanBuilder,
}

impl SequentialPlanner {
    pub fn read(fields: &mut Decoder<'_>, order: RequestOrder, goal: Objective) -> Self {
        Self {
            order,
            goal,
            ties: goal.ties(fields),
            window: PlanningWindow::read(fields),
            requests: Vec::new(),
            cursors: Vec::new(),
            draft: PlanBuilder::default(),
        }
    }
}

/// Whether all waiting requests are planned.
const MODES: [(&str, bool); 2] = [("window", true), ("dispatch", false)];

/// The setting that parts planners and dispatchers.
pub(super) const MODE: &[Setting] = &[Setting::choice(
    "mode",
    &names(&MODES),
    "Whether all waiting requests are planned at once, each by itself (then the settings of \
     windows count), or the first one is dispatched with a batch when a worker is idle (then \
     `batch` and `drop_policy` count).",
)];

/// `mode = "window"` plans all that wait; `mode = "dispatch"` decides for the head of the line when a
/// worker is idle, and lets requests of the same application ride in its batch.
pub(super) fn read(
    fields: &mut Decoder<'_>,
    context: &BuildContext<'_>,
    order: RequestOrder,
    goal: Objective,
) -> Box<dyn Scheduler> {
    let plan = fields.take("mode");
    let choice = plan.and_then(|node| decode::choice(node, &MODES, fields.problems()));
    if choice.unwrap_or(true) {
        return Box::new(SequentialPlanner::read(fields, order, goal));
    }
    if let (RequestOrder::Priority(priority), Some(node)) = (order, plan)
        && !priority.is_steady()
    {
        let found = "`dispatch` with a priority whose order changes with time";
        let expected = "priority = \"acc-deadline\" or \"acc-slack\"";
        fields.problems().push(Problem::new(node.place.clone(), found, expected));
    }
    let ties = goal.ties(fields);
    let batching = Batching::read(fields);
    let rule = move |moment: &DecisionContext<'_>| {
        let DecisionContext { view, cursor, worker, head, .. } = *moment;
        let mut best: Option<(Score, Time, VariantId)> = None;
        for variant in view.variants(worker, head.app) {
            // What the head would get in the batch that would really run.
            let size = batching.size(moment, variant);
            let finish = view.finish(cursor, variant, size);
            let score = goal.score(view, head, variant, finish);
            if ties.beats(score, finish, best.map(|(score, finish, _)| (score, finish))) {
                best = Some((score, finish, variant));
            }
        }
        best.map(|(_, _, variant)| variant)
    };
    let key = Box::new(move |view: &View<'_>, request: &Request| order.key(view, request));
    let choice = VariantChoice::Rule(Box::new(rule));
    Box::new(Dispatcher::new(context.catalog, key, choice, batching))
}

impl Scheduler for SequentialPlanner {
    fn decide(&mut self, view: &View<'_>, trigger: Trigger<'_>, plan: &mut Plan) {
        if !self.window.is_open(view, trigger, plan) {
            return;
        }
        self.window.fill(view, &mut self.requests);
        self.order.sort(view, &mut self.requests, self.ties == TieBreak::Listed);
        tails(view, &mut self.cursors);
        self.draft.clear();
        for request in &self.requests {
            let variants = |worker| view.variants(worker, request.app);
            let best = best_place(&self.cursors, self.ties, variants, |cursor, _, variant| {
                let finish = view.finish(cursor, variant, 1);
                (self.goal.score(view, request, variant, finish), finish)
            });
            if let Some((worker, variant)) = best {
                view.estimate_append(&mut self.cursors[worker.index()], variant, 1);
                self.draft.push(worker, variant, [request.id]);
            }
        }
        self.window.emit(view, &self.draft, plan);
    }
}
