//! AccScale, the batching of Proteus: requests of one variant wait as long as the oldest allows, so
//! that batches fill, and those that can no longer be on time are dropped.
//!
//! ```text
//! fill(n)   the largest allowed batch of at most n requests
//! W         deadline of the oldest less the latency of fill(all that wait)
//! arrival   while idle: drop the oldest while late even with fill(all); wait until W, or run
//!           fill(all - 1) if W has come.   While busy: W is set again
//! W comes   while idle, if it still is the oldest's W: run fill(all).   While busy: remember it
//! end       if a W came during the batch: run fill(all); else, if more wait than the largest, it
//! run(b)    drop those older than twice their budget, take b, set W again
//! ```
//!
//! Any W that comes during a batch is remembered, even one that was replaced since: the code has it
//! that way, and whole traces differ without it. A line may wait while its worker is idle.
//!
//! Source: UMass-LIDS/Proteus 6967c93, `core/predictor.py`. O(log n) per request.

use std::collections::{BTreeSet, VecDeque};

/// A waiting request; times in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member<I> {
    /// Which request.
    pub id: I,
    /// Its arrival.
    pub arrival: u64,
    /// Its deadline.
    pub deadline: u64,
}

/// An allowed batch and its latency in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AllowedBatch {
    /// The number of requests.
    pub size: usize,
    /// The latency, which is charged even if fewer are left.
    pub latency: u64,
}

/// What happens at an instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step<I> {
    /// These are dropped, in order.
    pub dropped: Vec<I>,
    /// These run together, charged for this size.
    pub batch: Option<(usize, Vec<I>)>,
}

impl<I> Default for Step<I> {
    fn default() -> Self {
        Self { dropped: Vec::new(), batch: None }
    }
}

/// Requests that wait for a variant on a worker, and the batches that they may form.
#[derive(Clone, Debug)]
pub(super) struct Line<I> {
    /// Ascending; one at least.
    batches: Vec<AllowedBatch>,
    pub queue: VecDeque<Member<I>>,
}

impl<I: Copy> Line<I> {
    /// An empty line with these batches, ascending; nothing without batches.
    pub fn new(batches: Vec<AllowedBatch>) -> Option<Self> {
        let is_empty = batches.is_empty();
        (!is_empty).then_some(Self { batches, queue: VecDeque::new() })
    }

    pub fn fill(&self, waiting: usize) -> AllowedBatch {
        let fits = self.batches.partition_point(|batch| batch.size <= waiting);
        // Of no request at all, the code takes the last.
        self.batches[fits.checked_sub(1).unwrap_or(self.batches.len() - 1)]
    }

    pub fn largest(&self) -> AllowedBatch {
        self.batches[self.batches.len() - 1]
    }

    /// The last start of the oldest, if it runs with all that wait; before time began, the past.
    pub fn last_start(&self) -> Option<(i128, I)> {
        let oldest = self.queue.front()?;
        let latency = self.fill(self.queue.len()).latency;
        Some((i128::from(oldest.deadline) - i128::from(latency), oldest.id))
    }

    /// Drops the oldest while they are late even with all that wait.
    pub fn prune(&mut self, now: u64, step: &mut Step<I>) {
        while let Some((last, id)) = self.last_start()
            && i128::from(now) > last
        {
            step.dropped.push(id);
            self.queue.pop_front();
        }
    }

    /// Drops those older than twice their budget and takes a batch.
    pub fn take(&mut self, now: u64, size: usize, step: &mut Step<I>) {
        self.queue.retain(|member| {
            let budget = member.deadline.saturating_sub(member.arrival);
            let stays = now.saturating_sub(member.arrival) <= budget.saturating_mul(2);
            if !stays {
                step.dropped.push(member.id);
            }
            stays
        });
        let members = size.min(self.queue.len());
        let batch: Vec<I> = self.queue.drain(..members).map(|member| member.id).collect();
        step.batch = (!batch.is_empty()).then_some((size, batch));
    }
}

/// The line of a variant on a worker.
#[derive(Clone, Debug)]
pub struct AccScale<I> {
    line: Line<I>,
    /// Every W that was set and has not come, with the oldest of its time.
    timers: BTreeSet<(u64, I)>,
    /// The W that counts.
    current: Option<(u64, I)>,
    /// Whether a W came during the batch.
    is_late: bool,
}

impl<I: Copy + Ord> AccScale<I> {
    /// An empty line with these batches, ascending; nothing without batches.
    pub fn new(batches: Vec<AllowedBatch>) -> Option<Self> {
        let line = Line::new(batches)?;
        Some(Self { line, timers: BTreeSet::new(), current: None, is_late: false })
    }

    /// Those that wait, the oldest first.
    pub fn waiting(&self) -> impl ExactSizeIterator<Item = &Member<I>> {
        self.line.queue.iter()
    }

    /// The W of the oldest, as it was set last.
    pub fn last_set(&self) -> Option<(u64, I)> {
        self.current
    }

    /// Takes all that wait.
    pub fn into_waiting(self) -> impl Iterator<Item = Member<I>> {
        self.line.queue.into_iter()
    }

    /// Removes a request; whether it waited here.
    pub fn remove(&mut self, id: I) -> bool {
        let at = self.line.queue.iter().position(|member| member.id == id);
        let is_here = at.and_then(|at| self.line.queue.remove(at)).is_some();
        if is_here {
            self.set_timer();
        }
        is_here
    }

    fn set_timer(&mut self) {
        self.current = self.line.last_start().map(|(at, id)| (at.max(0) as u64, id));
        self.timers.extend(self.current);
    }

    fn run(&mut self, now: u64, size: usize, step: &mut Step<I>) {
        self.line.take(now, size, step);
        self.set_timer();
    }

    /// A request arrives.
    pub fn arrive(&mut self, now: u64, member: Member<I>, is_idle: bool) -> Step<I> {
        let mut step = Step::default();
        self.line.queue.push_back(member);
        if is_idle {
            self.line.prune(now, &mut step);
            if let Some((last, _)) = self.line.last_start()
                && i128::from(now) >= last
            {
                let size = self.line.fill(self.line.queue.len() - 1).size;
                self.run(now, size, &mut step);
                return step;
            }
        }
        self.set_timer();
        step
    }

    /// The worker has ended a batch.
    pub fn ended(&mut self, now: u64) -> Step<I> {
        let mut step = Step::default();
        while self.timers.first().is_some_and(|(at, _)| *at < now) {
            self.timers.pop_first();
            self.is_late = true;
        }
        let largest = self.line.largest().size;
        if std::mem::take(&mut self.is_late) {
            if !self.line.queue.is_empty() {
                self.run(now, self.line.fill(self.line.queue.len()).size, &mut step);
            }
        } else if self.line.queue.len() > largest {
            self.run(now, largest, &mut step);
        }
        step
    }

    /// The next instant at which a W comes.
    pub fn next_timer(&self) -> Option<u64> {
        self.timers.first().map(|(at, _)| *at)
    }

    /// The instant has come; arrivals of the same instant have been told.
    pub fn timer(&mut self, now: u64, is_idle: bool) -> Step<I> {
        let mut step = Step::default();
        while let Some(timer) = self.timers.first().copied()
            && timer.0 <= now
            && step.batch.is_none()
        {
            self.timers.pop_first();
            let oldest = self.line.queue.front().map(|member| member.id);
            if !is_idle {
                self.is_late = true;
            } else if self.current == Some(timer) && oldest == Some(timer.1) {
                self.run(now, self.line.fill(self.line.queue.len()).size, &mut step);
            }
        }
        step
    }
}
