//! Clockwork: which batches a worker is given next.
//!
//! For every waiting request and every allowed size there is a strategy: a batch of that size that
//! starts at the request's last instant at the latest. Strategies are tried in the order of these
//! instants, each once.
//!
//! ```text
//! avail      when the worker has done what it was given
//! skip       a strategy whose request is gone, or d <= avail + L(b)
//! drop       heads of its queue with d < avail; then skip, if fewer than b wait
//! behind     it and those behind it are n. Fewer than b: the b-th from the back takes its place
//!            if all from there on have d <= avail + L(b); else skip
//! larger     the largest size <= n; if it is more than b and would be late: skip, else b is that
//! drop       heads before the request with d < avail + L(b); the first b run
//! ```
//!
//! The condition of the fourth line is the code's: a smaller strategy of the same request usually
//! takes over. Equal instants: by model, then by age, then the smaller batch.
//!
//! Source: malixian/clockwork 5917620, a mirror of the authors' repository,
//! `controller/concurrent_infer_and_load_scheduler.cpp`. O(log strategies) per strategy.

use crate::scheduler::published::acc_scale::AllowedBatch;
use std::collections::{BTreeSet, VecDeque};

/// The requests that wait for a model, in order of arrival, numbered from 0.
#[derive(Clone, Debug)]
pub struct Waiting<I> {
    queue: VecDeque<Member<I>>,
    /// The number of the next.
    next: u64,
}

#[derive(Clone, Copy, Debug)]
struct Member<I> {
    number: u64,
    request: I,
    /// In nanoseconds.
    deadline: u64,
}

impl<I> Default for Waiting<I> {
    fn default() -> Self {
        Self { queue: VecDeque::new(), next: 0 }
    }
}

impl<I> Waiting<I> {
    /// Adds a request and returns its number.
    pub fn push(&mut self, request: I, deadline: u64) -> u64 {
        let number = self.next;
        self.queue.push_back(Member { number, request, deadline });
        self.next += 1;
        number
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.queue.len()
    }

    /// Whether no request waits.
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Whether no request has ever waited.
    pub fn is_new(&self) -> bool {
        self.next == 0
    }

    /// Numbers and deadlines.
    pub fn iter(&self) -> impl Iterator<Item = (u64, u64)> {
        self.queue.iter().map(|member| (member.number, member.deadline))
    }

    /// The place of a request in the queue.
    fn place(&self, number: u64) -> Option<usize> {
        self.queue.binary_search_by_key(&number, |member| member.number).ok()
    }

    /// Removes the first request if its deadline is before `instant`.
    pub fn pop_before(&mut self, instant: u64) -> Option<I> {
        if self.queue.front()?.deadline >= instant { None } else { self.pop() }
    }

    /// Removes the first request.
    pub fn pop(&mut self) -> Option<I> {
        self.queue.pop_front().map(|member| member.request)
    }

    /// Removes the first request of which `is_it` says so.
    pub fn remove(&mut self, is_it: impl Fn(&I) -> bool) -> Option<I> {
        let at = self.queue.iter().position(|member| is_it(&member.request))?;
        self.queue.remove(at).map(|member| member.request)
    }
}

/// Why a request was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dropped {
    /// The worker is not available before its deadline.
    CouldNotStart,
    /// A batch is formed of those behind it.
    Skipped,
}

/// A batch: model, instant of its start, requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action<I> {
    /// The index of the model.
    pub model: usize,
    /// Its start.
    pub start: u64,
    /// Its latency.
    pub latency: u64,
    /// Its requests.
    pub requests: Vec<I>,
}

/// The strategies of a worker: last start, model, number of the request, size.
#[derive(Clone, Debug, Default)]
pub struct Strategies(BTreeSet<(i128, usize, u64, usize)>);

impl Strategies {
    /// Adds those of a request.
    pub fn add(&mut self, model: usize, number: u64, deadline: u64, sizes: &[AllowedBatch]) {
        self.0.extend(sizes.iter().map(|batch| {
            (i128::from(deadline) - i128::from(batch.latency), model, number, batch.size)
        }));
    }

    /// Removes those of a model.
    pub fn remove(&mut self, model: usize) {
        self.0.retain(|(_, other, ..)| *other != model);
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next batch, with models' sizes, ascending, and the instant at which the worker is
    /// available for each model; `dropped` gets requests that are dropped on the way.
    pub fn next<I: Copy>(
        &mut self,
        models: &mut [Waiting<I>],
        sizes: &[Vec<AllowedBatch>],
        available: impl Fn(usize) -> u64,
        mut dropped: impl FnMut(I, Dropped),
    ) -> Option<Action<I>> {
        while let Some((_, model, number, size)) = self.0.pop_first() {
            let (waiting, avail) = (&mut models[model], available(model));
            if let Some((start, batch)) =
                form(waiting, &sizes[model], avail, (number, size), &mut dropped)
            {
                let end = avail.saturating_add(batch.latency);
                while waiting.queue.front().is_some_and(|first| first.number < start)
                    && let Some(request) = waiting.pop_before(end)
                {
                    dropped(request, Dropped::Skipped);
                }
                let requests = (0..batch.size).filter_map(|_| waiting.pop()).collect();
                return Some(Action { model, start: avail, latency: batch.latency, requests });
            }
        }
        None
    }
}

/// The number of the request before which heads may be dropped, and the size; nothing if the
/// strategy is skipped.
fn form<I: Copy>(
    waiting: &mut Waiting<I>,
    sizes: &[AllowedBatch],
    avail: u64,
    (number, size): (u64, usize),
    dropped: &mut impl FnMut(I, Dropped),
) -> Option<(u64, AllowedBatch)> {
    let batch = *sizes.iter().find(|batch| batch.size == size)?;
    let end = avail.saturating_add(batch.latency);
    let at = waiting.place(number)?;
    let deadline = waiting.queue[at].deadline;
    if deadline <= end {
        return None;
    }
    while let Some(request) = waiting.pop_before(avail) {
        dropped(request, Dropped::CouldNotStart);
    }
    let (at, len) = (waiting.place(number)?, waiting.len());
    if len < size {
        return None;
    }
    if len - at < size {
        let late = waiting.queue.iter().rev().take(size).all(|member| member.deadline <= end);
        return late.then_some((waiting.queue[len - size].number, batch));
    }
    let larger = *sizes.iter().rfind(|batch| batch.size <= len - at)?;
    let fits = larger.size == size || avail.saturating_add(larger.latency) <= deadline;
    fits.then_some((number, larger))
}
