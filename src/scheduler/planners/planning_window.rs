//! What all window planners share: when to plan, what a plan is, how ties are broken.

use crate::config::{Decoder, decode};
use crate::contract::{Plan, Timeline, Trigger, View};
use crate::core::ids::{Request, RequestId, VariantId, WorkerId};
use crate::core::units::{Span, Time};
use crate::scheduler::MAX_BATCH;
use crate::scheduler::score::Score;
use crate::scheduler::tie_break::TieBreak;

/// When to plan, and over which requests.
///
/// With `window_ms` alone, plans are made at multiples of it; at 0, whenever a worker is idle. With
/// `window_requests`, a plan is made as soon as so many wait, or the oldest of them has waited for
/// `window_ms` since its arrival; at 0 nobody's wait opens a window, and those that are too few at
/// the end of a run are planned when nothing else will happen. A worker must be idle all the same,
/// unless `plan_when_busy`.
#[derive(Clone, Copy, Debug)]
pub(in crate::scheduler) struct PlanningWindow {
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

impl PlanningWindow {
    pub fn read(fields: &mut Decoder<'_>) -> Self {
        let window = Self::read_up_to(fields, u64::MAX);
        Self { merge: fields.flag("merge_adjacent", false), ..window }
    }

    /// For plans whose batches are not to be merged; `window_max` is `largest` at most.
    pub fn read_up_to(fields: &mut Decoder<'_>, largest: u64) -> Self {
        Self {
            every: Span::from_ms(fields.number("window_ms", 0.0..=1e9, 0.0)),
            count: fields
                .take("window_requests")
                .and_then(|node| decode::integer(node, &(1..=4_000_000_000), fields.problems()))
                .map(|count| count as usize),
            max: fields.integer("window_max", 1..=largest, u64::MAX) as usize,
            plan_when_busy: fields.flag("plan_when_busy", false),
            merge: false,
            max_batch: fields.integer("max_batch", 1..=4096, MAX_BATCH) as usize,
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
pub(in crate::scheduler) struct PlanBuilder {
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

/// The worker and variant of highest value, among the variants that may run on each worker, listed
/// by worker, then variant. `value` is a score and an expected finish, for ties.
pub(in crate::scheduler) fn best_place<V: Iterator<Item = VariantId>>(
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
pub(in crate::scheduler) fn tails(view: &View<'_>, cursors: &mut Vec<Timeline>) {
    cursors.resize_with(view.workers().count(), Timeline::default);
    for (worker, cursor) in view.workers().zip(cursors) {
        view.backlog_end(worker.id, cursor);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{ConfigNode, Problems};

    #[test]
    fn what_is_not_said_is_the_default() {
        let (node, mut problems) = (ConfigNode::parse_override("{}"), Problems::default());
        let usual = PlanningWindow::read(&mut Decoder::new(&node, &mut problems));
        assert!(!usual.merge && !usual.plan_when_busy && usual.count.is_none());
        assert_eq!((usual.every, usual.max_batch, usual.max), (Span::ZERO, 32, usize::MAX));
    }

    #[test]
    fn settings_end_where_they_are_said_to() {
        let accepted = |text: &str| {
            let (node, mut problems) = (ConfigNode::parse_override(text), Problems::default());
            PlanningWindow::read(&mut Decoder::new(&node, &mut problems));
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
