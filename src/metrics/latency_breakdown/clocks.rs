//! What workers do, summed over time.

use super::Part;
use crate::core::ids::{AppId, RequestId};
use crate::core::units::Time;
use std::collections::VecDeque;

/// What a worker does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Activity {
    Idle,
    Busy,
    Loading,
    Down,
}

pub(super) const ACTIVITIES: usize = 4;

/// What each activity means to a request that waits for a decision.
pub(super) const UNDECIDED: [Part; ACTIVITIES] =
    [Part::Window, Part::Queue, Part::Load, Part::Failure];
/// What each activity means to a request that waits for its worker: one that has a free lane waits
/// for the others before it loads.
pub(super) const ASSIGNED: [Part; ACTIVITIES] =
    [Part::Load, Part::Queue, Part::Load, Part::Failure];

/// Nanoseconds by activity; of an application times the number of its workers.
pub(super) type Sums = [u128; ACTIVITIES];

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
        let span = u128::from(to.since(self.since).0);
        self.since = to;
        if self.workers == 0 || self.counts[Activity::Idle as usize] > 0 {
            self.sums[Activity::Idle as usize] += span * u128::from(self.workers.max(1));
            return;
        }
        for (sum, count) in self.sums.iter_mut().zip(self.counts) {
            *sum += span * u128::from(count);
        }
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
            () if self.running.iter().all(Option::is_some) => Activity::Busy,
            () => Activity::Idle,
        }
    }

    pub fn sums_at(&self, at: Time) -> Sums {
        let mut sums = self.sums;
        sums[self.activity as usize] += u128::from(at.since(self.since).0);
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
