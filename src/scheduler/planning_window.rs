//! What all window planners share: when to plan, what a plan is, how ties are broken.

use super::MAX_BATCH_SETTING;
use super::score::Score;
use crate::config::settings::names;
use crate::config::{Decoder, Kind, Setting};
use crate::contract::{Plan, Timeline, Trigger, View};
use crate::core::ids::{Request, RequestId, VariantId, WorkerId};
use crate::core::units::{Span, Time};

/// When to plan, and over which requests.
///
/// With `window_ms` alone, plans are made at multiples of it; at 0, whenever a worker is idle. With
/// `window_requests`, a plan is made as soon as so many wait, or the oldest of them has waited for
/// `window_ms` since its arrival; at 0 nobody's wait opens a window, and those that are too few at
/// the end of a run are planned when nothing else will happen. A worker must be idle all the same,
/// unless `plan_when_busy`.
#[derive(Clone, Copy, Debug)]
pub(super) struct PlanningWindow {
    /// Multiples of this, or the longest wait if windows are counted; zero for neither.
    every: Span,
    /// So many waiting requests make a window, if windows are counted.
    count: Option<usize>,
    /// At most this many requests are planned at once, the oldest first.
    max: usize,
    /// Plan as soon as somebody waits, even if every worker is busy.
    plan_when_busy: bool,
    /// Equal neighbours of a plan become one batch.
    merge: bool,
    /// The largest batch a plan may make.
    pub max_batch: usize,
}

/// The settings of [`PlanningWindow::read_up_to`].
pub(super) const WINDOW: &[Setting] = &[
    Setting::number(
        "window_ms",
        [0.0, 1e9],
        0.0,
        "Plans are made at multiples of this; at 0, whenever a worker is idle and a request waits. \
         With `window_requests`, the longest time that a request waits for others.",
    ),
    Setting::optional(
        "window_requests",
        Kind::Integer(1, 4_000_000_000),
        "not counted",
        "A plan is made as soon as this many requests wait.",
    ),
    Setting::integer(
        "window_max",
        [1, u64::MAX],
        u64::MAX,
        "The most requests that are planned at once, the oldest first.",
    ),
    Setting::flag("plan_when_busy", false, "Whether plans are made while all workers are busy."),
    MAX_BATCH_SETTING,
];

/// The setting that [`PlanningWindow::read`] has besides.
pub(super) const MERGE: &[Setting] = &[Setting::flag(
    "merge_adjacent",
    false,
    "Whether neighbours of a plan with the same worker and variant become one batch.",
)];

impl PlanningWindow {
    pub fn read(fields: &mut Decoder<'_>) -> Self {
        let window = Self::read_up_to(fields, u64::MAX);
        Self { merge: fields.flag("merge_adjacent"), ..window }
    }

    /// For plans whose batches are not to be merged; `window_max` is `largest` at most.
    pub fn read_up_to(fields: &mut Decoder<'_>, largest: u64) -> Self {
        Self {
            every: Span::from_ms(fields.number("window_ms")),
            count: fields.optional_integer("window_requests").map(|count| count as usize),
            max: fields.integer_up_to("window_max", largest) as usize,
            plan_when_busy: fields.flag("plan_when_busy"),
            merge: false,
            max_batch: fields.integer("max_batch") as usize,
        }
    }

    /// Whether to plan now: somebody waits, a worker is idle (or that does not matter), and it is
    /// time. If only the last is missing, asks to be woken when it is.
    pub fn is_open(&self, view: &View<'_>, trigger: Trigger<'_>, plan: &mut Plan) -> bool {
        let ready = self.plan_when_busy || view.idle_workers().next().is_some();
        let Some(oldest) = view.pending().next().filter(|_| ready) else { return false };
        let now = view.now();
        let start = match self.count {
            None => now.round_up(self.every),
            Some(count) if view.pending_len() >= count => now,
            Some(_) if self.every > Span::ZERO => oldest.arrival + self.every,
            // No wake-up was asked for: this is the last question, and nobody else will come.
            Some(_) if trigger.woken => now,
            Some(_) => return false,
        };
        if start > now {
            plan.wake_at(start);
        }
        start <= now
    }

    /// The requests to plan, in arrival order.
    pub fn fill(&self, view: &View<'_>, into: &mut Vec<Request>) {
        into.clear();
        into.extend(view.pending().take(self.max).copied());
    }

    /// Hands a finished plan to the engine.
    pub fn emit(&self, view: &View<'_>, draft: &PlanBuilder, plan: &mut Plan) {
        for worker in view.workers().map(|worker| worker.id) {
            let mut jobs = draft.jobs.iter().filter(|job| job.worker == worker).peekable();
            while let Some(job) = jobs.next() {
                let largest = self.largest(view, worker, job.variant);
                let mut batch: Vec<RequestId> = draft.requests(job).to_vec();
                while let Some(next) = jobs.peek() {
                    let joined = batch.len() + next.len;
                    if !self.merge || next.variant != job.variant || joined > largest {
                        break;
                    }
                    batch.extend_from_slice(draft.requests(next));
                    jobs.next();
                }
                plan.assign(worker, job.variant, batch);
            }
        }
    }

    /// The largest batch of a variant in a plan.
    #[inline]
    pub fn largest(&self, view: &View<'_>, worker: WorkerId, variant: VariantId) -> usize {
        self.max_batch.min(view.max_batch(worker, variant))
    }
}

/// A plan being made: batches in the order of each worker.
#[derive(Debug, Default)]
pub(super) struct PlanBuilder {
    jobs: Vec<PlannedBatch>,
    requests: Vec<RequestId>,
}

#[derive(Clone, Copy, Debug)]
struct PlannedBatch {
    worker: WorkerId,
    variant: VariantId,
    start: usize,
    len: usize,
}

impl PlanBuilder {
    pub fn clear(&mut self) {
        self.jobs.clear();
        self.requests.clear();
    }

    pub fn push(
        &mut self,
        worker: WorkerId,
        variant: VariantId,
        requests: impl IntoIterator<Item = RequestId>,
    ) {
        let start = self.requests.len();
        self.requests.extend(requests);
        self.jobs.push(PlannedBatch { worker, variant, start, len: self.requests.len() - start });
    }

    fn requests(&self, job: &PlannedBatch) -> &[RequestId] {
        &self.requests[job.start..job.start + job.len]
    }
}

/// How equal utilities are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TieBreak {
    /// Earlier finish, then listing order. An overloaded planner, all of whose utilities are
    /// zero, would otherwise take whatever is listed first.
    EarliestFinish,
    /// Listing order alone, as in the published windows.
    Listed,
}

const TIE_BREAKS: [(&str, TieBreak); 2] =
    [("earliest-finish", TieBreak::EarliestFinish), ("listed", TieBreak::Listed)];

/// The setting of [`TieBreak::read`].
pub(super) const TIE_BREAK: &[Setting] = &[Setting::choice(
    "tie_break",
    &names(&TIE_BREAKS),
    "Which of two choices of equal utility wins: the one that finishes earlier and then the one \
     that is listed first, or the one that is listed first.",
)];

impl TieBreak {
    pub fn read(fields: &mut Decoder<'_>) -> Self {
        fields.choice("tie_break", &TIE_BREAKS)
    }

    /// Whether a candidate listed later beats the best so far.
    #[inline]
    pub fn beats(self, score: Score, finish: Time, best: Option<(Score, Time)>) -> bool {
        match best {
            None => true,
            Some((best, _)) if score != best => score > best,
            Some((_, best)) => self == Self::EarliestFinish && finish < best,
        }
    }
}

/// The worker and variant of highest value, among the variants that may run on each worker, listed
/// by worker, then variant. `value` is a score and an expected finish, for ties.
pub(super) fn best_place<V: Iterator<Item = VariantId>>(
    cursors: &[Timeline],
    ties: TieBreak,
    variants: impl Fn(WorkerId) -> V,
    mut value: impl FnMut(&Timeline, WorkerId, VariantId) -> (Score, Time),
) -> Option<(WorkerId, VariantId)> {
    let mut best: Option<((Score, Time), WorkerId, VariantId)> = None;
    for (at, cursor) in cursors.iter().enumerate() {
        let worker = WorkerId(at as u16);
        // Inside the iterator, not through it: filters and chains then cost nothing.
        variants(worker).for_each(|variant| {
            let (score, finish) = value(cursor, worker, variant);
            if ties.beats(score, finish, best.map(|(value, _, _)| value)) {
                best = Some(((score, finish), worker, variant));
            }
        });
    }
    best.map(|(_, worker, variant)| (worker, variant))
}

/// The expected ends of all workers, one cursor each.
pub(super) fn tails(view: &View<'_>, cursors: &mut Vec<Timeline>) {
    cursors.resize_with(view.workers().count(), Timeline::default);
    for (worker, cursor) in view.workers().zip(cursors) {
        view.backlog_end(worker.id, cursor);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{ConfigNode, Group, Problems};

    const GROUP: Group = Group { name: "window", settings: &[WINDOW, MERGE], short: None };

    #[test]
    fn what_is_not_said_is_the_default() {
        let (node, mut problems) = (ConfigNode::parse_override("{}"), Problems::default());
        let usual = PlanningWindow::read(&mut Decoder::new(&node, &GROUP, &mut problems));
        assert!(!usual.merge && !usual.plan_when_busy && usual.count.is_none());
        assert_eq!((usual.every, usual.max_batch, usual.max), (Span::ZERO, 32, usize::MAX));
    }

    #[test]
    fn settings_end_where_they_are_said_to() {
        let accepted = |text: &str| {
            let (node, mut problems) = (ConfigNode::parse_override(text), Problems::default());
            PlanningWindow::read(&mut Decoder::new(&node, &GROUP, &mut problems));
            problems.is_empty()
        };
        for (inside, outside) in [
            ("{ window_ms = 1000000000 }", "{ window_ms = 1000000001 }"),
            ("{ window_requests = 4000000000 }", "{ window_requests = 4000000001 }"),
            ("{ window_max = 1 }", "{ window_max = 0 }"),
            ("{ max_batch = 4096 }", "{ max_batch = 4097 }"),
        ] {
            assert!(accepted(inside), "{inside}");
            assert!(!accepted(outside), "{outside}");
        }
    }
}
