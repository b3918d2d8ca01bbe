//! Number of requests in the system found by arrivals: for the column `stationary`.
//!
//! Fewer than 64 means over equally many arrivals in order: when there are 64, pairs are merged.
//! Constant memory, a few additions per event. Requests of a warm-up are in the system, but what
//! they find does not count.

use crate::contract::Event;
use crate::stats::Stationary;

/// Arrivals of a mean at first; runs of fewer than 32 such means are undecided.
const BATCH: u64 = 8;
/// Number of means at which pairs are merged.
const MOST: usize = 64;

/// Follows the number of requests in the system.
#[derive(Clone, Debug)]
pub(super) struct QueueLength {
    /// Arrivals before this number do not count.
    pub skip: u32,
    /// Requests in the system.
    present: u64,
    /// Sum of the mean that is not complete, and arrivals still missing of it.
    sum: u64,
    left: u64,
    /// Arrivals of a mean.
    batch: u64,
    sums: Vec<u64>,
}

impl Default for QueueLength {
    fn default() -> Self {
        let sums = Vec::with_capacity(MOST);
        Self { skip: 0, present: 0, sum: 0, left: BATCH, batch: BATCH, sums }
    }
}

impl QueueLength {
    #[expect(clippy::inline_always, reason = "as Summary::on")]
    #[inline(always)]
    pub fn on(&mut self, event: &Event<'_>) {
        match event {
            Event::Arrived { request } => {
                if request.id.number() < self.skip {
                    self.present += 1;
                } else {
                    self.arrive(1);
                }
            }
            Event::Completed(_) | Event::Rejected { .. } => self.depart(1),
            _ => {}
        }
    }

    /// Requests that count have arrived, each of which finds those before it.
    #[inline]
    pub fn arrive(&mut self, mut count: u64) {
        while count > 0 {
            let some = count.min(self.left);
            self.sum += some * self.present + some * (some - 1) / 2;
            self.present += some;
            self.left -= some;
            count -= some;
            if self.left == 0 {
                self.complete();
            }
        }
    }

    /// Requests have left the system.
    #[inline]
    pub fn depart(&mut self, count: u64) {
        self.present = self.present.saturating_sub(count);
    }

    #[cold]
    fn complete(&mut self) {
        self.sums.push(std::mem::take(&mut self.sum));
        if self.sums.len() == MOST {
            self.sums = self.sums.chunks(2).map(|pair| pair.iter().sum()).collect();
            self.batch *= 2;
        }
        self.left = self.batch;
    }

    /// Whether the queue of the run is stationary.
    pub fn stationary(&self) -> Stationary {
        let mean = |sum: &u64| *sum as f64 / self.batch as f64;
        Stationary::of(&self.sums.iter().map(mean).collect::<Vec<f64>>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::ids::{AppId, Request, RequestId};
    use crate::core::units::Time;

    /// A queue of which arrival `at` finds `length(at)`.
    fn queue(arrivals: u32, skip: u32, length: impl Fn(u32) -> u64) -> QueueLength {
        let mut queue = QueueLength { skip, ..QueueLength::default() };
        for at in 0..arrivals {
            queue.present = length(at);
            let id = RequestId::new(at, 0);
            let time = Time(u64::from(at));
            let request =
                Request { id, app: AppId(0), source: None, arrival: time, deadline: time };
            queue.on(&Event::Arrived { request: &request });
        }
        queue
    }

    #[test]
    fn means_are_of_equally_many_arrivals() {
        let kept = queue(1_000, 0, u64::from);
        // 64 means of 8 became 32 of 16, and 30 more came.
        assert_eq!((kept.batch, kept.sums.len()), (16, 62));
        for (place, sum) in kept.sums.iter().enumerate() {
            let first = place as u64 * 16;
            assert_eq!(*sum, (first..first + 16).sum::<u64>());
        }
        assert_eq!(kept.stationary(), Stationary::No);
    }

    #[test]
    fn arrivals_at_once_are_arrivals_one_by_one() {
        let (mut together, mut alone) = (QueueLength::default(), QueueLength::default());
        for count in (0..200).map(|at| at % 37) {
            together.arrive(count);
            (0..count).for_each(|_| alone.arrive(1));
            together.depart(count / 2);
            alone.depart(count / 2);
            let [ours, theirs] = [&together, &alone].map(|q| (q.present, q.sum, q.left, &q.sums));
            assert_eq!(ours, theirs);
        }
    }

    #[test]
    fn a_warm_up_does_not_count() {
        let length = |at| if at < 500 { u64::from(at) } else { 500 };
        assert_eq!(queue(1_000, 0, length).stationary(), Stationary::No);
        assert_eq!(queue(1_000, 500, length).stationary(), Stationary::Yes);
    }

    #[test]
    fn short_runs_are_undecided() {
        assert_eq!(queue(255, 0, |_| 0).stationary(), Stationary::Undecided);
        assert_eq!(queue(256, 0, |_| 0).stationary(), Stationary::Yes);
    }
}
