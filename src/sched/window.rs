//! What all window planners share: when to plan, what a plan is, how ties are broken.

use super::score::Score;
use crate::domain::{Request, RequestId, VariantId, WorkerId};
use crate::input::{Fields, fields};
use crate::policy::{Cursor, Plan, Trigger, View};
use crate::units::{Span, Time};

/// When to plan, and over which requests.
///
/// With `window_ms` alone, plans are made at multiples of it; at 0, whenever a worker is idle. With
/// `window_requests`, a plan is made as soon as so many wait, or the oldest of them has waited for
/// `window_ms` since its arrival; at 0 nobody's wait opens a window, and those that are too few at
/// the end of a run are planned when nothing else will happen. A worker must be idle all the same,
/// unless `while_busy`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    /// Multiples of this, or the longest wait if windows are counted; zero for neither.
    every: Span,
    /// So many waiting requests make a window, if windows are counted.
    count: Option<usize>,
    /// At most this many requests are planned at once, the oldest first.
    max: usize,
    /// Plan as soon as somebody waits, even if every worker is busy.
    while_busy: bool,
    /// Equal neighbours of a plan become one batch.
    merge: bool,
    /// The largest batch a plan may make.
    pub max_batch: usize,
}

impl Window {
    pub fn read(fields: &mut Fields<'_>) -> Self {
        let window = Self::read_up_to(fields, u64::MAX);
        Self { merge: fields.flag("merge", false), ..window }
    }

    /// For plans whose batches are not to be merged; `window_max` is `largest` at most.
    pub fn read_up_to(fields: &mut Fields<'_>, largest: u64) -> Self {
        Self {
            every: Span::from_ms(fields.number("window_ms", 0.0..=1e9, 0.0)),
            count: fields
                .take("window_requests")
                .and_then(|node| fields::integer(node, &(1..=4_000_000_000), fields.problems()))
                .map(|count| count as usize),
            max: fields.integer("window_max", 1..=largest, u64::MAX) as usize,
            while_busy: fields.flag("while_busy", false),
            merge: false,
            max_batch: fields.integer("max_batch", 1..=4096, 32) as usize,
        }
    }

    /// Whether to plan now: somebody waits, a worker is idle (or that does not matter), and it is
    /// time. If only the last is missing, asks to be woken when it is.
    pub fn is_open(&self, view: &View<'_>, trigger: Trigger<'_>, plan: &mut Plan) -> bool {
        let ready = self.while_busy || view.idle_workers().next().is_some();
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
    pub fn emit(&self, view: &View<'_>, draft: &Draft, plan: &mut Plan) {
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
pub(super) struct Draft {
    jobs: Vec<DraftJob>,
    requests: Vec<RequestId>,
}

#[derive(Clone, Copy, Debug)]
struct DraftJob {
    worker: WorkerId,
    variant: VariantId,
    start: usize,
    len: usize,
}

impl Draft {
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
        self.jobs.push(DraftJob { worker, variant, start, len: self.requests.len() - start });
    }

    fn requests(&self, job: &DraftJob) -> &[RequestId] {
        &self.requests[job.start..job.start + job.len]
    }
}

/// How equal utilities are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ties {
    /// Earlier finish, then listing order. An overloaded planner, all of whose utilities are
    /// zero, would otherwise take whatever is listed first.
    Finish,
    /// Listing order alone, as in the published windows.
    Listing,
}

impl Ties {
    pub fn read(fields: &mut Fields<'_>) -> Self {
        fields.choice("ties", &[("finish", Self::Finish), ("listing", Self::Listing)])
    }

    /// Whether a candidate listed later beats the best so far.
    #[inline]
    pub fn beats(self, score: Score, finish: Time, best: Option<(Score, Time)>) -> bool {
        match best {
            None => true,
            Some((best, _)) if score != best => score > best,
            Some((_, best)) => self == Self::Finish && finish < best,
        }
    }
}

/// The worker and variant of highest value, among the variants that may run on each worker, listed
/// by worker, then variant. `value` is a score and an expected finish, for ties.
pub(super) fn best_place<V: Iterator<Item = VariantId>>(
    cursors: &[Cursor],
    ties: Ties,
    variants: impl Fn(WorkerId) -> V,
    mut value: impl FnMut(&Cursor, WorkerId, VariantId) -> (Score, Time),
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
pub(super) fn tails(view: &View<'_>, cursors: &mut Vec<Cursor>) {
    cursors.resize_with(view.workers().count(), Cursor::default);
    for (worker, cursor) in view.workers().zip(cursors) {
        view.tail(worker.id, cursor);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::{Node, Problems};

    #[test]
    fn what_is_not_said_is_the_default() {
        let (node, mut problems) = (Node::parse_override("{}"), Problems::default());
        let usual = Window::read(&mut Fields::new(&node, &mut problems));
        assert!(!usual.merge && !usual.while_busy && usual.count.is_none());
        assert_eq!((usual.every, usual.max_batch, usual.max), (Span::ZERO, 32, usize::MAX));
    }

    #[test]
    fn settings_end_where_they_are_said_to() {
        let accepted = |text: &str| {
            let (node, mut problems) = (Node::parse_override(text), Problems::default());
            Window::read(&mut Fields::new(&node, &mut problems));
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
