//! Recent use of a worker: the share of its lanes that are busy, smoothed exponentially
//! ([`Reaction`](crate::system::device::Reaction)). A worker begins unused.

use super::Simulation;
use crate::contract::state::State;
use crate::core::ids::WorkerId;
use crate::core::units::{Span, Time};
use crate::system::ground_truth::GroundTruth;

#[derive(Clone, Copy, Debug)]
pub(super) struct RecentUse {
    /// The smoothed share, and when it was taken.
    share: f64,
    at: Time,
    /// The share of lanes that are busy since then.
    busy: f64,
}

impl RecentUse {
    /// One for each worker; none if no time depends on them.
    pub fn of(truth: &GroundTruth, state: &State) -> Vec<Self> {
        let unused = Self { share: 0.0, at: Time::ZERO, busy: 0.0 };
        let workers = if truth.reacts() { state.workers.len() } else { 0 };
        vec![unused; workers]
    }

    /// The smoothed share at a later instant.
    fn share(&self, now: Time, inertia: Span) -> f64 {
        let elapsed = now.since(self.at).0 as f64 / inertia.0.max(1) as f64;
        self.busy + (self.share - self.busy) * libm::exp(-elapsed)
    }
}

impl Simulation {
    /// Recent use of a worker; 1 if no time depends on it.
    pub(super) fn recent_use(&self, worker: WorkerId) -> f64 {
        let Some(recent) = self.recent_use.get(worker.index()) else { return 1.0 };
        recent.share(self.state.now, self.truth.inertia(worker))
    }

    /// Follows the start or the end of a batch, after it.
    #[inline]
    pub(super) fn note_use(&mut self, worker: WorkerId) {
        if !self.recent_use.is_empty() {
            self.update_use(worker);
        }
    }

    #[inline(never)]
    fn update_use(&mut self, worker: WorkerId) {
        let share = self.recent_use(worker);
        let lanes = &self.state.workers[worker.index()].lanes;
        let busy = lanes.iter().flatten().count() as f64 / lanes.len().max(1) as f64;
        self.recent_use[worker.index()] = RecentUse { share, at: self.state.now, busy };
    }
}
