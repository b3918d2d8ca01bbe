//! What happens in a run, for observers: metrics, logs, checkers.

use crate::contract::plan::RejectReason;
use crate::core::ids::{
    Answered, BatchAnswer, Completion, Request, RequestId, VariantId, WorkerId,
};
use crate::core::units::Time;

/// One thing that happened.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A request arrived (it may still have to be looked at).
    Arrived {
        /// The request; its arrival is the instant.
        request: &'a Request,
    },
    /// A request can be scheduled from now on.
    ReadyToSchedule {
        /// The instant.
        at: Time,
        /// The request.
        request: &'a Request,
    },
    /// A worker began to load a variant, which occupies all its lanes if it takes any time.
    LoadStarted {
        /// The instant.
        at: Time,
        /// Where.
        worker: WorkerId,
        /// What.
        variant: VariantId,
        /// When it will end.
        end: Time,
    },
    /// A load ended; the variant is resident.
    LoadEnded {
        /// The instant.
        at: Time,
        /// Where.
        worker: WorkerId,
        /// What.
        variant: VariantId,
        /// When it began.
        started: Time,
    },
    /// A variant left a worker's memory.
    Evicted {
        /// The instant.
        at: Time,
        /// Where.
        worker: WorkerId,
        /// What.
        variant: VariantId,
    },
    /// A batch takes its turn on the way to a worker behind a link; it arrives half a round trip
    /// after it was sent.
    UploadQueued {
        /// When it was assigned.
        at: Time,
        /// Where to.
        worker: WorkerId,
        /// What it sends.
        bytes: u64,
        /// When sending begins.
        start: Time,
        /// When sending ends.
        end: Time,
    },
    /// The answers of a batch are back from behind a link; its completions follow.
    ResponseArrived {
        /// The instant.
        at: Time,
        /// Where from.
        worker: WorkerId,
    },
    /// A batch began to compute.
    BatchStarted {
        /// The instant.
        at: Time,
        /// Where.
        worker: WorkerId,
        /// On which lane of it.
        lane: usize,
        /// With what.
        variant: VariantId,
        /// Which requests.
        requests: &'a [RequestId],
    },
    /// A batch ended; its completions follow, unless answers have to travel.
    BatchEnded {
        /// The instant.
        at: Time,
        /// Where.
        worker: WorkerId,
        /// On which lane of it.
        lane: usize,
        /// With what.
        variant: VariantId,
        /// When it began to compute.
        started: Time,
        /// How many requests.
        batch: usize,
    },
    /// A worker failed; what it loses follows.
    WorkerFailed {
        /// The instant.
        at: Time,
        /// Which.
        worker: WorkerId,
        /// When it will be back.
        until: Time,
    },
    /// A batch was lost with its worker; its requests wait again.
    BatchLost {
        /// The instant.
        at: Time,
        /// Where.
        worker: WorkerId,
        /// On which lane of it.
        lane: usize,
        /// With what.
        variant: VariantId,
        /// When it began to compute.
        started: Time,
        /// Which requests.
        requests: &'a [RequestId],
    },
    /// A load was lost with its worker.
    LoadLost {
        /// The instant.
        at: Time,
        /// Where.
        worker: WorkerId,
        /// What.
        variant: VariantId,
        /// When it began.
        started: Time,
        /// When it would have ended.
        end: Time,
    },
    /// The rest of what was being sent, or to be sent, to a worker that failed.
    UploadAborted {
        /// The instant.
        at: Time,
        /// Where to.
        worker: WorkerId,
        /// What has not been sent.
        bytes: u64,
        /// When sending it would have begun, now at the earliest.
        start: Time,
        /// When it would have ended.
        end: Time,
    },
    /// A request that was assigned to a worker that failed can be scheduled again.
    RequestRequeued {
        /// The instant.
        at: Time,
        /// The request.
        request: &'a Request,
    },
    /// A request was answered.
    Completed(&'a Completion<'a>),
    /// A request was refused.
    Rejected {
        /// The instant.
        at: Time,
        /// The request.
        request: &'a Request,
        /// Why.
        reason: RejectReason,
    },
    /// The run is over and this request was never served.
    Unfinished {
        /// The instant.
        at: Time,
        /// The request.
        request: &'a Request,
    },
    /// A scheduler was asked; how many decisions it took.
    Decided {
        /// The instant.
        at: Time,
        /// How many.
        decisions: usize,
    },
}

/// Listens to a run.
pub trait Observer {
    /// Called for every event, in order of time.
    fn on(&mut self, event: Event<'_>);

    /// Called for the requests of a batch that are answered: an [`Event::Completed`] for each.
    #[inline]
    fn on_answers<'a>(&mut self, batch: &BatchAnswer, answers: impl Iterator<Item = Answered<'a>>)
    where
        Self: Sized,
    {
        answers.for_each(|answered| self.on(Event::Completed(&batch.completion(answered))));
    }
}

/// Listens to nothing.
impl Observer for () {
    #[inline]
    fn on(&mut self, _: Event<'_>) {}
}

/// Two listeners at once.
impl<A: Observer, B: Observer> Observer for (A, B) {
    #[inline]
    fn on(&mut self, event: Event<'_>) {
        self.0.on(event);
        self.1.on(event);
    }
}

impl<O: Observer> Observer for &mut O {
    #[inline]
    fn on(&mut self, event: Event<'_>) {
        (**self).on(event);
    }

    #[inline]
    fn on_answers<'a>(&mut self, batch: &BatchAnswer, answers: impl Iterator<Item = Answered<'a>>) {
        (**self).on_answers(batch, answers);
    }
}

impl<O: Observer> Observer for Option<O> {
    #[inline]
    fn on(&mut self, event: Event<'_>) {
        if let Some(observer) = self {
            observer.on(event);
        }
    }
}
