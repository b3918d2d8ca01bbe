//! What workers do, summed over time.

use super::{LatencyBreakdown, Part};
use crate::core::ids::{AppId, RequestId};
use crate::core::units::{Span, Time};
use std::collections::VecDeque;

/// What a worker does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Activity {
    Idle,
    Busy,
    Loading,
    Down,
    /// It has a free lane, and the link to it is taken by other batches.
    Sending,
    /// It has a free lane, and its host works on other batches before they start.
    Preparing,
}

pub(super) const ACTIVITIES: usize = 6;

/// What each activity means to a request that waits for a decision.
pub(super) const UNDECIDED: [Part; ACTIVITIES] =
    [Part::Window, Part::Queue, Part::Load, Part::Failure, Part::Link, Part::Host];
/// What each activity means to a request that waits for its worker: one that has a free lane waits
/// for the others before it loads.
pub(super) const ASSIGNED: [Part; ACTIVITIES] =
    [Part::Load, Part::Queue, Part::Load, Part::Failure, Part::Load, Part::Load];

/// Nanoseconds by activity; of an application times the number of its workers. Sums may wrap: their
/// differences are exact.
pub(super) type Sums = [u64; ACTIVITIES];

/// The workers that can serve an application.
#[derive(Debug)]
pub(super) struct AppClock {
    pub workers: u32,
    /// How many of them do what.
    pub counts: [u32; ACTIVITIES],
    pub since: Time,
    pub sums: Sums,
}

impl AppClock {
    pub fn advance(&mut self, to: Time) {
        let span = to.since(self.since).0;
        self.since = to;
        let mut add = |activity: usize, workers: u32| {
            let sum = &mut self.sums[activity];
            *sum = sum.wrapping_add(span.wrapping_mul(u64::from(workers)));
        };
        if self.workers == 0 || self.counts[Activity::Idle as usize] > 0 {
            return add(Activity::Idle as usize, self.workers.max(1));
        }
        self.counts.iter().enumerate().for_each(|(activity, count)| add(activity, *count));
    }

    /// Adds a wait for a decision since the sums were these, which ends now.
    pub fn waited(&self, from: &Sums, span: Span, into: &mut LatencyBreakdown) {
        let workers = u64::from(self.workers.max(1));
        let mut left = span;
        let mut longest = (Span::ZERO, Part::Window);
        for ((to, from), part) in self.sums.iter().zip(from).zip(UNDECIDED) {
            let sum = to.wrapping_sub(*from);
            if sum == 0 {
                continue;
            }
            let own = Span(if workers == 1 { sum } else { sum / workers });
            into.add(part, own);
            left = left - own;
            longest = longest.max((own, part));
        }
        // What division leaves.
        into.add(longest.1, left);
    }
}

/// A batch that a worker has not started.
#[derive(Debug)]
pub(super) struct Assigned {
    pub requests: Vec<RequestId>,
    pub at: Time,
    pub not_before: Time,
    /// The sums of the worker at `not_before`, once that has come.
    pub base: Option<Sums>,
}

#[derive(Debug)]
pub(super) struct WorkerClock {
    pub activity: Activity,
    pub down_until: Time,
    /// When the link to it, or its host, has passed on what was given to it.
    pub entry_until: Time,
    pub is_loading: bool,
    pub since: Time,
    pub sums: Sums,
    pub assigned: VecDeque<Assigned>,
    /// How many of them have no base yet.
    pub unknown: usize,
    /// By lane: the start, and the requests; none of a peek.
    pub running: Vec<Option<(Time, Vec<RequestId>)>>,
    pub apps: Vec<AppId>,
    /// What keeps a batch from starting between its decision and `not_before`.
    pub before: Part,
}

impl WorkerClock {
    pub fn now_at(&self, at: Time) -> Activity {
        match () {
            () if self.down_until > at => Activity::Down,
            () if self.is_loading => Activity::Loading,
            () if self.free_lanes() == 0 => Activity::Busy,
            () if self.before == Part::Overhead => Activity::Idle,
            () if self.entry_until <= at && self.free_lanes() > self.assigned.len() => {
                Activity::Idle
            }
            () if self.before == Part::Link => Activity::Sending,
            () => Activity::Preparing,
        }
    }

    fn free_lanes(&self) -> usize {
        self.running.iter().filter(|lane| lane.is_none()).count()
    }

    pub fn sums_at(&self, at: Time) -> Sums {
        let mut sums = self.sums;
        let sum = &mut sums[self.activity as usize];
        *sum = sum.wrapping_add(at.since(self.since).0);
        sums
    }

    pub fn advance(&mut self, to: Time) {
        if self.unknown > 0 {
            // A later decision may take less time: the order is not that of `not_before`.
            for at in 0..self.assigned.len() {
                let Assigned { base, not_before, .. } = self.assigned[at];
                if base.is_none() && not_before <= to {
                    self.assigned[at].base = Some(self.sums_at(not_before));
                    self.unknown -= 1;
                }
            }
        }
        self.sums = self.sums_at(to);
        self.since = to;
    }
}
