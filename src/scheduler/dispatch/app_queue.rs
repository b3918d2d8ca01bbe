//! The waiting requests of one application, first key first, ties by arrival.
//!
//! A short sorted list, which is all there is unless the device is overloaded, and a heap for what
//! does not fit in it. Every order of insertion gives the same sequence. O(log n) per request.

use crate::core::ids::RequestId;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// A request with its key.
type Keyed = (u64, RequestId);

/// Requests in the sorted list at most: moving them costs less than a step of the heap.
const SHORT: usize = 64;

/// A queue of requests by key.
#[derive(Debug, Default)]
pub struct AppQueue {
    /// The last key first.
    short: Vec<Keyed>,
    long: BinaryHeap<Reverse<Keyed>>,
}

impl AppQueue {
    /// How many requests wait.
    #[inline]
    pub fn len(&self) -> usize {
        self.short.len() + self.long.len()
    }

    /// Adds a request.
    #[inline]
    pub fn push(&mut self, key: u64, id: RequestId) {
        if self.short.len() >= SHORT {
            self.long.push(Reverse((key, id)));
            return;
        }
        let at = self.short.iter().position(|other| *other < (key, id));
        self.short.insert(at.unwrap_or(self.short.len()), (key, id));
    }

    /// Whether the first request is in the heap.
    #[inline]
    fn is_long_first(&self) -> bool {
        let Some(Reverse(long)) = self.long.peek() else { return false };
        self.short.last().is_none_or(|short| long < short)
    }

    /// The first request with its key.
    #[inline]
    pub fn first(&self) -> Option<Keyed> {
        if self.is_long_first() {
            return self.long.peek().map(|Reverse(keyed)| *keyed);
        }
        self.short.last().copied()
    }

    /// Takes the first request.
    #[inline]
    pub fn pop(&mut self) -> Option<RequestId> {
        if self.is_long_first() {
            return self.long.pop().map(|Reverse((_, id))| id);
        }
        self.short.pop().map(|(_, id)| id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_leave_by_key_then_by_arrival_however_many_wait() {
        for count in [3, SHORT as u32, 200] {
            let keyed = |at: u32| (u64::from(at * 7919 % 50), RequestId::new(at, at));
            let mut expected: Vec<Keyed> = (0..count).map(keyed).collect();
            let mut queue = AppQueue::default();
            expected.iter().for_each(|(key, id)| queue.push(*key, *id));
            expected.sort_unstable();
            assert_eq!(queue.len(), count as usize);
            for (key, id) in expected {
                assert_eq!(queue.first(), Some((key, id)));
                assert_eq!(queue.pop(), Some(id));
            }
            assert_eq!(queue.pop(), None);
        }
    }

    #[test]
    fn pushes_between_pops_keep_the_order() {
        let mut queue = AppQueue::default();
        let mut model = std::collections::BTreeSet::new();
        for at in 0..1000_u32 {
            let keyed = (u64::from(at * 31 % 97), RequestId::new(at, at));
            queue.push(keyed.0, keyed.1);
            model.insert(keyed);
            if at % 3 == 0 {
                assert_eq!(queue.pop(), model.pop_first().map(|(_, id)| id));
            }
        }
    }
}
