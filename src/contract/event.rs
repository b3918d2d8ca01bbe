//! The events of a run, for observers: metrics, logs, checkers.

use crate::contract::plan::RejectReason;
use crate::core::ids::{
    Answered, BatchAnswer, Completion, Request, RequestId, VariantId, WorkerId,
};
use crate::core::units::{Span, Time};

/// An event.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A request arrived; it may be hidden until its peek ends.
    Arrived {
        /// The request, which arrives now.
        request: &'a Request,
    },
    /// A request can be scheduled from now on.
    ReadyToSchedule {
        /// The time of the event.
        at: Time,
        /// The request.
        request: &'a Request,
    },
    /// The host began to look at requests for a SneakPeek model. Peeks on workers are batches.
    PeekStarted {
        /// The time of the event.
        at: Time,
        /// The end of the peek, at which the requests are ready or answered.
        end: Time,
        /// The requests, all of one application.
        requests: &'a [RequestId],
    },
    /// A batch was appended to the backlog of a worker.
    Assigned {
        /// The time of the decision.
        at: Time,
        /// The worker.
        worker: WorkerId,
        /// The variant.
        variant: VariantId,
        /// The requests of the batch.
        requests: &'a [RequestId],
        /// The earliest start: the overhead of the decision, the upload and the work of the host
        /// before batches are over.
        not_before: Time,
    },
    /// A worker began to load a variant, which occupies all its lanes if it takes any time.
    LoadStarted {
        /// The time of the event.
        at: Time,
        /// The worker.
        worker: WorkerId,
        /// The variant.
        variant: VariantId,
        /// The end of the load.
        end: Time,
    },
    /// A load ended; the variant is resident.
    LoadEnded {
        /// The time of the event.
        at: Time,
        /// The worker.
        worker: WorkerId,
        /// The variant.
        variant: VariantId,
        /// The start of the load.
        started: Time,
    },
    /// A variant left a worker's memory, and with it all that share its weights.
    Evicted {
        /// The time of the event.
        at: Time,
        /// The worker.
        worker: WorkerId,
        /// The variant that was loaded.
        variant: VariantId,
    },
    /// A batch is queued on the uplink to a worker; it arrives half a round trip after it was sent.
    UploadQueued {
        /// The time of the decision.
        at: Time,
        /// The receiver.
        worker: WorkerId,
        /// The payload.
        bytes: u64,
        /// The start of sending.
        start: Time,
        /// The end of sending.
        end: Time,
    },
    /// The answers of a batch have arrived over a link, or from the host of a worker; its
    /// completions follow.
    ResponseArrived {
        /// The time of the event.
        at: Time,
        /// The sender.
        worker: WorkerId,
        /// The variant of the batch.
        variant: VariantId,
        /// The time that the host worked on them, without waiting.
        host: Span,
    },
    /// A batch began to compute.
    BatchStarted {
        /// The time of the event.
        at: Time,
        /// The worker.
        worker: WorkerId,
        /// The index of the lane.
        lane: usize,
        /// The variant.
        variant: VariantId,
        /// The requests of the batch.
        requests: &'a [RequestId],
    },
    /// A batch ended; its completions follow, on a link or with a host when the answers have
    /// arrived.
    BatchEnded {
        /// The time of the event.
        at: Time,
        /// The worker.
        worker: WorkerId,
        /// The index of the lane.
        lane: usize,
        /// The variant.
        variant: VariantId,
        /// The start of the batch.
        started: Time,
        /// The number of requests.
        batch: usize,
    },
    /// A worker failed; its losses follow.
    WorkerFailed {
        /// The time of the event.
        at: Time,
        /// The worker.
        worker: WorkerId,
        /// The end of the outage.
        until: Time,
    },
    /// A batch was lost: its worker failed, or the scheduler ended it. Its requests wait again.
    BatchLost {
        /// The time of the event.
        at: Time,
        /// The worker.
        worker: WorkerId,
        /// The index of the lane.
        lane: usize,
        /// The variant.
        variant: VariantId,
        /// The start of the batch.
        started: Time,
        /// The requests of the batch.
        requests: &'a [RequestId],
    },
    /// A load was lost with its worker.
    LoadLost {
        /// The time of the event.
        at: Time,
        /// The worker.
        worker: WorkerId,
        /// The variant.
        variant: VariantId,
        /// The start of the load.
        started: Time,
        /// The expected end of the load.
        end: Time,
    },
    /// The unsent rest of a payload for a worker that failed.
    UploadAborted {
        /// The time of the event.
        at: Time,
        /// The receiver.
        worker: WorkerId,
        /// The unsent bytes.
        bytes: u64,
        /// The expected start of sending them, now at the earliest.
        start: Time,
        /// The expected end of sending.
        end: Time,
    },
    /// A request that was assigned to a worker that failed can be scheduled again.
    RequestRequeued {
        /// The time of the event.
        at: Time,
        /// The request.
        request: &'a Request,
    },
    /// A request was answered.
    Completed(&'a Completion<'a>),
    /// A request was refused.
    Rejected {
        /// The time of the event.
        at: Time,
        /// The request.
        request: &'a Request,
        /// The reason.
        reason: RejectReason,
    },
    /// The run is over and this request was never served.
    Unfinished {
        /// The time of the event.
        at: Time,
        /// The request.
        request: &'a Request,
    },
    /// A scheduler made decisions.
    Decided {
        /// The time of the event.
        at: Time,
        /// The number of decisions.
        decisions: usize,
    },
}

/// Receives the events of a run.
///
/// ```
/// use peeksim::prelude::{Event, Observer};
/// use peeksim::prelude::*;
///
/// /// Counts loads.
/// #[derive(Default)]
/// struct Loads(u64);
///
/// impl Observer for Loads {
///     fn on(&mut self, event: Event<'_>) {
///         self.0 += u64::from(matches!(event, Event::LoadStarted { .. }));
///     }
/// }
///
/// let set = ["workload.rate_rps=100", "workload.requests=50"].map(str::to_owned);
/// let sweep = Sweep::new(Experiment::load("quickstart", &set)?)?;
/// let run = sweep.runs().next().ok_or("no run")?;
/// let mut loads = Loads::default();
/// simulate(&sweep.scheduling()?[run.configuration], sweep.rng(run), &mut loads)?;
/// assert!(loads.0 > 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Observer {
    /// Called for every event, in order of time.
    fn on(&mut self, event: Event<'_>);

    /// Called for requests that are ready when they arrive, in order: an [`Event::Arrived`] and an
    /// [`Event::ReadyToSchedule`] for each. An observer that overrides it hears of these requests
    /// here alone.
    #[inline]
    fn on_arrivals(&mut self, requests: &[Request]) {
        for request in requests {
            self.on(Event::Arrived { request });
            self.on(Event::ReadyToSchedule { at: request.arrival, request });
        }
    }

    /// Called for the requests of a batch that are answered: an [`Event::Completed`] for each. An
    /// observer that overrides it hears of these requests here alone.
    #[inline]
    fn on_answers(&mut self, batch: &BatchAnswer, answers: &[Answered]) {
        for answered in answers {
            self.on(Event::Completed(&batch.completion(answered)));
        }
    }
}

/// Ignores all events.
impl Observer for () {
    #[inline]
    fn on(&mut self, _: Event<'_>) {}
}

/// Two observers.
impl<A: Observer, B: Observer> Observer for (A, B) {
    #[inline]
    fn on(&mut self, event: Event<'_>) {
        self.0.on(event);
        self.1.on(event);
    }

    #[inline]
    fn on_arrivals(&mut self, requests: &[Request]) {
        self.0.on_arrivals(requests);
        self.1.on_arrivals(requests);
    }

    #[inline]
    fn on_answers(&mut self, batch: &BatchAnswer, answers: &[Answered]) {
        self.0.on_answers(batch, answers);
        self.1.on_answers(batch, answers);
    }
}

impl<O: Observer> Observer for &mut O {
    #[inline]
    fn on(&mut self, event: Event<'_>) {
        (**self).on(event);
    }

    #[inline]
    fn on_arrivals(&mut self, requests: &[Request]) {
        (**self).on_arrivals(requests);
    }

    #[inline]
    fn on_answers(&mut self, batch: &BatchAnswer, answers: &[Answered]) {
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

    #[inline]
    fn on_arrivals(&mut self, requests: &[Request]) {
        if let Some(observer) = self {
            observer.on_arrivals(requests);
        }
    }

    #[inline]
    fn on_answers(&mut self, batch: &BatchAnswer, answers: &[Answered]) {
        if let Some(observer) = self {
            observer.on_answers(batch, answers);
        }
    }
}
