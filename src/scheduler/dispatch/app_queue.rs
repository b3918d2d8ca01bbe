//! The waiting requests of one application, first key first, ties by arrival.
//!
//! A short sorted list, which is all there is unless the device is overloaded, and a heap for what
//! does not fit in it. Every order of insertion gives the same sequence. O(log n) per request.

use crate::core::ids::RequestId;
use std::cell::Cell;
use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

/// A request with its key.
type Keyed = (u64, RequestId);

/// Requests in the sorted list at most: moving a few costs less than a step of the heap.
const SHORT: usize = 64;
/// Places for them: the list moves on as requests leave, and back when it reaches the end.
const PLACES: usize = 4 * SHORT;

/// A queue of requests by key.
#[derive(Debug)]
pub struct AppQueue {
    /// Those from `head` on, `length` of them, wait.
    sorted: Box<[Keyed; PLACES]>,
    head: usize,
    length: usize,
    heap: BinaryHeap<Reverse<Keyed>>,
    /// Requests of the heap that have left it; its first is not one of them.
    left: BTreeSet<Keyed>,
}

impl Default for AppQueue {
    fn default() -> Self {
        let sorted = Box::new([(0, RequestId::new(0, 0)); PLACES]);
        Self { sorted, head: 0, length: 0, heap: BinaryHeap::new(), left: BTreeSet::new() }
    }
}

impl AppQueue {
    /// How many requests wait.
    #[inline]
    pub fn len(&self) -> usize {
        self.length + self.heap.len() - self.left.len()
    }

    /// Adds a request.
    #[expect(clippy::inline_always, reason = "once a request")]
    #[inline(always)]
    pub fn push(&mut self, key: u64, id: RequestId) {
        let end = self.head + self.length;
        if self.length == SHORT || end == PLACES {
            self.push_beyond(key, id);
            return;
        }
        // The hole moves to the front until the one before it comes first.
        let places = Cell::from_mut(&mut self.sorted[self.head..=end]).as_slice_of_cells();
        let mut hole = &places[places.len() - 1];
        for pair in places.windows(2).rev() {
            if pair[0].get() < (key, id) {
                break;
            }
            pair[1].set(pair[0].get());
            hole = &pair[0];
        }
        hole.set((key, id));
        self.length += 1;
    }

    /// Adds a request where the list is full or has reached its end.
    #[cold]
    fn push_beyond(&mut self, key: u64, id: RequestId) {
        if self.length == SHORT {
            self.heap.push(Reverse((key, id)));
            return;
        }
        self.sorted.copy_within(self.head.., 0);
        self.head = 0;
        self.push(key, id);
    }

    /// The first request with its key.
    #[inline]
    pub fn first(&self) -> Option<Keyed> {
        let sorted = (self.length > 0).then(|| self.sorted[self.head]);
        match self.heap.peek() {
            Some(Reverse(other)) if sorted.is_none_or(|first| *other < first) => Some(*other),
            _ => sorted,
        }
    }

    /// Takes the first request.
    #[inline]
    pub fn pop(&mut self) -> Option<RequestId> {
        let first = self.first()?;
        if self.length > 0 && self.sorted[self.head] == first {
            self.head += 1;
            self.length -= 1;
        } else {
            self.heap.pop();
            self.forget_left();
        }
        Some(first.1)
    }

    /// Removes a request that waits here, wherever it stands.
    pub fn remove(&mut self, key: u64, id: RequestId) {
        let sorted = &mut self.sorted[self.head..][..self.length];
        if let Ok(at) = sorted.binary_search(&(key, id)) {
            sorted.copy_within(at + 1.., at);
            self.length -= 1;
        } else {
            self.left.insert((key, id));
            self.forget_left();
        }
    }

    fn forget_left(&mut self) {
        while !self.left.is_empty()
            && let Some(Reverse(first)) = self.heap.peek()
            && self.left.remove(first)
        {
            self.heap.pop();
        }
    }

    /// Takes the first `count` requests, or all if there are fewer.
    #[inline]
    pub fn take(&mut self, count: usize, into: &mut Vec<RequestId>) {
        if self.heap.is_empty() {
            let count = count.min(self.length);
            let first = &self.sorted[self.head..][..count];
            into.extend(first.iter().map(|(_, id)| *id));
            self.head += count;
            self.length -= count;
        } else {
            into.extend(std::iter::from_fn(|| self.pop()).take(count));
        }
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
            for pair in expected.chunks(2) {
                assert_eq!(queue.first(), Some(pair[0]));
                let mut taken = Vec::new();
                queue.take(2, &mut taken);
                assert_eq!(taken, pair.iter().map(|(_, id)| *id).collect::<Vec<_>>());
            }
            assert_eq!(queue.pop(), None);
        }
    }

    #[test]
    fn requests_leave_from_wherever_they_stand() {
        for count in [3_u32, 100, 300] {
            let keyed = |at: u32| (u64::from(at * 7919 % 50), RequestId::new(at, at));
            let mut queue = AppQueue::default();
            (0..count).map(keyed).for_each(|(key, id)| queue.push(key, id));
            let mut left: Vec<Keyed> = (0..count).filter(|at| at % 3 > 0).map(keyed).collect();
            for (key, id) in (0..count).filter(|at| at % 3 == 0).map(keyed) {
                queue.remove(key, id);
            }
            left.sort_unstable();
            assert_eq!(queue.len(), left.len());
            let mut taken = Vec::new();
            while let Some(first) = queue.first() {
                taken.push(first);
                queue.pop();
            }
            assert_eq!(taken, left);
            assert!(queue.left.is_empty() && queue.heap.is_empty());
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
