//! Batches of one size and a timer, as Proteus' repository has them for its Nexus baseline.
//!
//! ```text
//! arrival   while idle: run b* if that many wait.   While busy: the first sets a timer
//! end       run b* if that many wait; otherwise, if anybody waits, a timer is set
//! timer     while idle: drop the oldest while late even with all that wait; then run b*, or
//!           fill(all) if fewer wait.   While busy: nothing
//! timer at  now + budget of the oldest - latency of b*
//! ```
//!
//! Every timer comes. Arrivals set one again only after the end of a batch has begun another.
//! Requests older than twice their budget are dropped when a batch is formed.
//!
//! Source: UMass-LIDS/Proteus 6967c93, `core/predictor.py`. O(log n) per request.

use crate::scheduler::published::acc_scale::{AllowedBatch, Line, Member, Step};
use std::collections::BTreeSet;

/// The line of a variant on a worker.
#[derive(Clone, Debug)]
pub struct NexusTimer<I> {
    line: Line<I>,
    /// Timers that have not come.
    timers: BTreeSet<u64>,
    /// Whether an arrival sets none.
    is_set: bool,
}

impl<I: Copy> NexusTimer<I> {
    /// An empty line with these batches, ascending; nothing without batches.
    pub fn new(batches: Vec<AllowedBatch>) -> Option<Self> {
        Some(Self { line: Line::new(batches)?, timers: BTreeSet::new(), is_set: false })
    }

    /// Those that wait, the oldest first.
    pub fn waiting(&self) -> impl ExactSizeIterator<Item = &Member<I>> {
        self.line.queue.iter()
    }

    fn is_full(&self) -> bool {
        self.line.queue.len() >= self.line.largest().size
    }

    fn set_timer(&mut self, now: u64) {
        let Some(oldest) = self.line.queue.front() else { return };
        let budget = oldest.deadline.saturating_sub(oldest.arrival);
        let wait = budget.saturating_sub(self.line.largest().latency);
        self.timers.insert(now.saturating_add(wait));
        self.is_set = true;
    }

    /// A request arrives.
    pub fn arrive(&mut self, now: u64, member: Member<I>, is_idle: bool) -> Step<I> {
        let mut step = Step::default();
        self.line.queue.push_back(member);
        if !is_idle {
            if !self.is_set {
                self.set_timer(now);
            }
        } else if self.is_full() {
            self.line.take(now, self.line.largest().size, &mut step);
        }
        step
    }

    /// The worker has ended a batch.
    pub fn ended(&mut self, now: u64) -> Step<I> {
        let mut step = Step::default();
        if self.is_full() {
            self.is_set = false;
            self.line.take(now, self.line.largest().size, &mut step);
        } else {
            self.set_timer(now);
        }
        step
    }

    /// The next instant at which a timer comes.
    pub fn next_timer(&self) -> Option<u64> {
        self.timers.first().copied()
    }

    /// The instant has come; arrivals of the same instant are known.
    pub fn timer(&mut self, now: u64, is_idle: bool) -> Step<I> {
        let mut step = Step::default();
        while self.timers.first().is_some_and(|at| *at <= now) {
            self.timers.pop_first();
        }
        if is_idle {
            self.line.prune(now, &mut step);
            let size = self.line.fill(self.line.queue.len()).size;
            self.line.take(now, size, &mut step);
        }
        step
    }
}
