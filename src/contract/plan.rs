//! Decisions, applied in the order in which they were added.

use crate::core::ids::{RequestId, VariantId, WorkerId};
use crate::core::units::Time;
use std::ops::Range;

/// Why a request was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RejectReason {
    /// Its utility would be 0.
    Hopeless,
    /// Its answer would be late.
    Late,
    /// Admission control keeps capacity for other requests.
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
    /// Appends a batch to a worker's backlog.
    Assign {
        /// The worker that computes it.
        worker: WorkerId,
        /// The variant that answers.
        variant: VariantId,
        /// Indices into [`Plan::requests`].
        requests: Range<usize>,
    },
    /// Appends a load to a worker's backlog.
    Preload {
        /// The worker that loads.
        worker: WorkerId,
        /// The variant that is loaded.
        variant: VariantId,
    },
    /// Removes a variant from memory at once.
    Evict {
        /// The worker whose memory is freed.
        worker: WorkerId,
        /// The variant that is removed.
        variant: VariantId,
    },
    /// Ends the batch of a lane without a result.
    Preempt {
        /// The worker that computes it.
        worker: WorkerId,
        /// The index of the lane.
        lane: usize,
    },
    /// Refuses a request.
    Reject {
        /// A pending request.
        request: RequestId,
        /// The reason.
        reason: RejectReason,
    },
    /// Asks for a wake-up at an instant.
    WakeAt(Time),
    /// Ends the run with this error.
    Abort(String),
}

/// The decisions of one instant. The engine reuses it, so that decisions need no allocation.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    decisions: Vec<Decision>,
    requests: Vec<RequestId>,
}

impl Plan {
    /// Appends a batch to the worker's backlog. Its requests run together on `variant`, after
    /// all that was assigned to the worker before; the variant is loaded first if necessary.
    pub fn assign(
        &mut self,
        worker: WorkerId,
        variant: VariantId,
        requests: impl IntoIterator<Item = RequestId>,
    ) {
        self.assign_filled(worker, variant, |all| all.extend(requests));
    }

    /// [`Self::assign`] with the requests that `fill` appends to its argument.
    #[expect(clippy::inline_always, reason = "once a batch")]
    #[inline(always)]
    pub(crate) fn assign_filled(
        &mut self,
        worker: WorkerId,
        variant: VariantId,
        fill: impl FnOnce(&mut Vec<RequestId>),
    ) {
        let start = self.requests.len();
        fill(&mut self.requests);
        let requests = start..self.requests.len();
        self.decisions.push(Decision::Assign { worker, variant, requests });
    }

    /// Appends the load of a variant to the worker's backlog; no load if it is resident by then.
    ///
    /// ```
    /// use peeksim::prelude::*;
    ///
    /// /// Loads the smallest variant of an application on every idle worker, for its next request.
    /// fn warm_up(view: &View<'_>, app: AppId, plan: &mut Plan) {
    ///     for worker in view.idle_workers() {
    ///         let bytes = |variant: &VariantId| view.catalog().variant(*variant).bytes;
    ///         if let Some(smallest) = view.variants(worker, app).min_by_key(bytes) {
    ///             plan.preload(worker, smallest);
    ///         }
    ///     }
    /// }
    /// ```
    pub fn preload(&mut self, worker: WorkerId, variant: VariantId) {
        self.decisions.push(Decision::Preload { worker, variant });
    }

    /// Removes a variant that is neither running nor loading from the worker's memory at once, and
    /// with it all that share its weights.
    ///
    /// ```
    /// use peeksim::prelude::*;
    ///
    /// /// Frees the memory of an idle worker.
    /// fn evict_all(view: &View<'_>, worker: WorkerId, plan: &mut Plan) {
    ///     if view.worker(worker).is_idle() {
    ///         view.worker(worker).resident().for_each(|variant| plan.evict(worker, variant));
    ///     }
    /// }
    /// ```
    pub fn evict(&mut self, worker: WorkerId, variant: VariantId) {
        self.decisions.push(Decision::Evict { worker, variant });
    }

    /// Ends the batch that runs on a lane at once, where the experiment allows preemption. Its work
    /// is lost, the time counts as busy, and its requests are pending again: a later decision of
    /// the same plan can assign them. They are not in [`Trigger::arrived`](super::Trigger).
    ///
    /// ```
    /// use peeksim::prelude::*;
    ///
    /// /// Ends every batch on the first lane of a worker that is not expected to end in time.
    /// fn give_up(view: &View<'_>, worker: WorkerId, plan: &mut Plan) {
    ///     let Some((_, end, mut requests)) = view.batch_on(worker, 0) else { return };
    ///     if requests.all(|request| view.is_late(request, end)) {
    ///         plan.preempt(worker, 0);
    ///     }
    /// }
    /// ```
    pub fn preempt(&mut self, worker: WorkerId, lane: usize) {
        self.decisions.push(Decision::Preempt { worker, lane });
    }

    /// Refuses a pending request: it counts as missed, with utility 0.
    ///
    /// ```
    /// use peeksim::prelude::*;
    ///
    /// /// Admits as many requests as may wait; later ones are refused.
    /// fn admit(view: &View<'_>, most: usize, plan: &mut Plan) {
    ///     for request in view.pending().skip(most) {
    ///         plan.reject(request.id, RejectReason::Admission);
    ///     }
    /// }
    /// ```
    pub fn reject(&mut self, request: RequestId, reason: RejectReason) {
        self.decisions.push(Decision::Reject { request, reason });
    }

    /// Asks for a wake-up at `time`, in the future. Only the earliest of all that were asked for
    /// comes; a scheduler that needs another asks again then.
    pub fn wake_at(&mut self, time: Time) {
        self.decisions.push(Decision::WakeAt(time));
    }

    /// Ends the run with an error.
    pub fn abort(&mut self, why: impl Into<String>) {
        self.decisions.push(Decision::Abort(why.into()));
    }

    /// The decisions in order.
    pub fn decisions(&self) -> &[Decision] {
        &self.decisions
    }

    /// The requests of all batches in order.
    pub fn requests(&self) -> &[RequestId] {
        &self.requests
    }

    /// Removes all decisions.
    pub fn clear(&mut self) {
        self.decisions.clear();
        self.requests.clear();
    }
}
