//! The event queue: a binary heap of keys packed into 128 bits, (time, kind rank, sequence).
//!
//! Events of one instant come in order of kind, then of insertion: a total order that does not
//! depend on the heap. Arrivals are not here; they are merged from their sorted source.

use crate::core::ids::WorkerId;
use crate::core::units::Time;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Kinds of future events, without arrivals and wake-ups, in the order of their rank.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum EventKind {
    BatchEnd(WorkerId, u16),
    LoadEnd(WorkerId),
    /// A worker becomes available, or its next job may begin.
    Ready(WorkerId),
    /// A batch of peeks ends on the host.
    PeekEnd,
    /// The SneakPeek model gives the answers that a scheduler chose.
    Answers,
    /// Answers arrive from a link or a host: their slot.
    Response(u32),
    /// A worker fails: the index of the outage.
    Failure(WorkerId, u16),
}

impl EventKind {
    fn rank(self) -> u128 {
        match self {
            Self::BatchEnd(..) => 0,
            Self::LoadEnd(_) => 1,
            Self::Ready(_) => 2,
            Self::PeekEnd => 3,
            Self::Answers => 4,
            Self::Response(_) => 5,
            Self::Failure(..) => 6,
        }
    }
}

/// An event with its key.
type Keyed = (u128, EventKind);

/// The next event, and a heap of the others: one worker has one event at a time.
#[derive(Debug, Default)]
pub(super) struct EventQueue {
    next: Option<Keyed>,
    later: BinaryHeap<Reverse<Keyed>>,
    sequence: u64,
}

impl EventQueue {
    #[inline]
    pub fn push(&mut self, time: Time, kind: EventKind) {
        let key = u128::from(time.0) << 64 | kind.rank() << 56 | u128::from(self.sequence);
        self.sequence += 1;
        let other = match &mut self.next {
            None => {
                self.next = Some((key, kind));
                return;
            }
            Some(next) if key < next.0 => std::mem::replace(next, (key, kind)),
            Some(_) => (key, kind),
        };
        self.later.push(Reverse(other));
    }

    /// The time of the next event.
    #[inline]
    pub fn next_time(&self) -> Time {
        self.next.map_or(Time::MAX, |(key, _)| Time((key >> 64) as u64))
    }

    /// Removes the ends and starts of jobs on a worker.
    pub fn forget(&mut self, worker: WorkerId) {
        self.retain(|kind| match kind {
            EventKind::BatchEnd(at, _) | EventKind::LoadEnd(at) | EventKind::Ready(at) => {
                at != worker
            }
            _ => true,
        });
    }

    /// Removes the end of the batch on a lane.
    pub fn forget_batch(&mut self, worker: WorkerId, lane: usize) {
        let end = EventKind::BatchEnd(worker, lane as u16);
        self.retain(|kind| kind != end);
    }

    fn retain(&mut self, is_kept: impl Fn(EventKind) -> bool) {
        self.later.retain(|Reverse((_, kind))| is_kept(*kind));
        if self.next.is_some_and(|(_, kind)| !is_kept(kind)) {
            self.next = self.later.pop().map(|Reverse(event)| event);
        }
    }

    /// Removes the next event if it happens at `now`.
    #[expect(clippy::inline_always, reason = "most instants have one event")]
    #[inline(always)]
    pub fn pop_at(&mut self, now: Time) -> Option<EventKind> {
        if self.next_time() != now {
            return None;
        }
        let later = if self.later.is_empty() { None } else { self.later.pop() };
        let next = std::mem::replace(&mut self.next, later.map(|Reverse(event)| event));
        next.map(|(_, kind)| kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_is_time_then_kind_then_insertion() {
        let mut queue = EventQueue::default();
        let w = WorkerId;
        queue.push(Time(2), EventKind::PeekEnd);
        queue.push(Time(2), EventKind::BatchEnd(w(1), 0));
        queue.push(Time(2), EventKind::BatchEnd(w(0), 0));
        queue.push(Time(1), EventKind::PeekEnd);
        assert_eq!(queue.next_time(), Time(1));
        assert_eq!(queue.pop_at(Time(2)), None);
        assert_eq!(queue.pop_at(Time(1)), Some(EventKind::PeekEnd));
        let rest: Vec<_> = std::iter::from_fn(|| queue.pop_at(Time(2))).collect();
        assert_eq!(
            rest,
            [EventKind::BatchEnd(w(1), 0), EventKind::BatchEnd(w(0), 0), EventKind::PeekEnd]
        );
        assert_eq!(queue.next_time(), Time::MAX);
    }
}
