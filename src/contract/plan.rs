//! Decisions, pushed in order and applied in that order.

use crate::core::ids::{RequestId, VariantId, WorkerId};
use crate::core::units::Time;
use std::ops::Range;

/// Why a request was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RejectReason {
    /// No variant could answer it while it is worth anything.
    Hopeless,
    /// No variant could answer it in time.
    Late,
    /// The scheduler keeps room for others.
    Admission,
}

impl RejectReason {
    /// The name in results.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hopeless => "hopeless",
            Self::Late => "late",
            Self::Admission => "admission",
        }
    }
}

/// One decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Append a batch to a worker's backlog; the range points into the plan's requests.
    Assign {
        /// Where.
        worker: WorkerId,
        /// With what.
        variant: VariantId,
        /// Which, as indices into [`Plan::requests`].
        requests: Range<usize>,
    },
    /// Append a load to a worker's backlog.
    Preload {
        /// Where.
        worker: WorkerId,
        /// What.
        variant: VariantId,
    },
    /// Take a variant out of memory at once.
    Evict {
        /// Where.
        worker: WorkerId,
        /// What.
        variant: VariantId,
    },
    /// Refuse a request.
    Reject {
        /// Which.
        request: RequestId,
        /// Why.
        reason: RejectReason,
    },
    /// Ask to be woken at an instant, if nothing else is asked for earlier.
    WakeAt {
        /// When.
        time: Time,
    },
    /// End the run with an error.
    GiveUp {
        /// Why.
        why: String,
    },
}

/// The decisions of one instant. Reused between instants, so that deciding allocates nothing.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    decisions: Vec<Decision>,
    requests: Vec<RequestId>,
}

impl Plan {
    /// Appends a batch to the worker's backlog. Its requests run together on `variant`, after
    /// everything assigned to the worker before, loading the variant first if need be.
    pub fn assign(
        &mut self,
        worker: WorkerId,
        variant: VariantId,
        requests: impl IntoIterator<Item = RequestId>,
    ) {
        let start = self.requests.len();
        self.requests.extend(requests);
        let requests = start..self.requests.len();
        self.decisions.push(Decision::Assign { worker, variant, requests });
    }

    /// Appends the load of a variant to the worker's backlog; nothing if it is there by then.
    pub fn preload(&mut self, worker: WorkerId, variant: VariantId) {
        self.decisions.push(Decision::Preload { worker, variant });
    }

    /// Takes a variant that is neither running nor loading out of the worker's memory at once.
    pub fn evict(&mut self, worker: WorkerId, variant: VariantId) {
        self.decisions.push(Decision::Evict { worker, variant });
    }

    /// Refuses a pending request: it counts as missed, with utility 0.
    pub fn reject(&mut self, request: RequestId, reason: RejectReason) {
        self.decisions.push(Decision::Reject { request, reason });
    }

    /// Asks to be woken at `time`, in the future. The earliest wake-up asked for wins, and one
    /// wake-up answers all: whoever still waits asks again.
    pub fn wake_at(&mut self, time: Time) {
        self.decisions.push(Decision::WakeAt { time });
    }

    /// Ends the run with an error: the scheduler cannot keep what it promises.
    pub fn abort(&mut self, why: impl Into<String>) {
        self.decisions.push(Decision::GiveUp { why: why.into() });
    }

    /// The decisions in order.
    pub fn decisions(&self) -> &[Decision] {
        &self.decisions
    }

    /// The requests of all batches, one after another.
    pub fn requests(&self) -> &[RequestId] {
        &self.requests
    }

    /// Forgets everything and keeps the memory.
    pub fn clear(&mut self) {
        self.decisions.clear();
        self.requests.clear();
    }
}
