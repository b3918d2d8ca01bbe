//! Which events, and which part of them, lie in the measured part of a run.
//!
//! The measured part of a run begins when the first request after the warm-up arrives, and ends
//! with the run. The row of a run and all tables count the same:
//! - requests count by themselves: those that arrive in the measured part, whenever and however
//!   they end; what a batch holds of them counts as waiting, started or lost;
//! - what takes time (a batch, a load, sending, a worker that idles) counts as far as it lies in
//!   the measured part, and so do the bytes that are sent;
//! - what happens at an instant counts if that instant lies in the measured part: a load, with its
//!   bytes, when it begins; a batch, with its size, when it ends; a decision.
//!
//! Evictions are forwarded throughout: whether a load reloads a variant just evicted depends on
//! them.

use super::warmup::MeasurementWindow;
use crate::contract::Event;
use crate::core::ids::{RequestId, WorkerId};
use crate::core::units::Time;
use crate::system::catalog::Catalog;

/// What is being sent, or will be, to a worker.
#[derive(Clone, Copy, Debug)]
struct Upload {
    worker: WorkerId,
    bytes: u64,
    start: Time,
    end: Time,
}

/// Follows a run and forwards what counts.
#[derive(Clone, Debug)]
pub(super) struct MeasuredEvents {
    window: MeasurementWindow,
    /// When the measured part began.
    begun: Option<Time>,
    /// What was being sent before it began.
    sending: Vec<Upload>,
    /// The requests of a batch that count.
    counted: Vec<RequestId>,
}

impl MeasuredEvents {
    pub fn new(window: MeasurementWindow) -> Self {
        Self { window, begun: None, sending: Vec::new(), counted: Vec::new() }
    }

    pub fn window(&self) -> MeasurementWindow {
        self.window
    }

    /// When the measured part begins.
    pub fn start(&self) -> Time {
        self.begun.unwrap_or(Time::ZERO)
    }

    /// Whether everything counts.
    #[inline]
    pub fn is_whole(&self) -> bool {
        self.window.skip == 0
    }

    /// Forwards the part of an event that counts.
    pub fn forward(
        &mut self,
        catalog: &Catalog,
        event: Event<'_>,
        count: &mut dyn FnMut(Event<'_>),
    ) {
        let request = match event {
            Event::Arrived { request }
            | Event::ReadyToSchedule { request, .. }
            | Event::RequestRequeued { request, .. }
            | Event::Rejected { request, .. }
            | Event::Unfinished { request, .. } => request,
            Event::Completed(completion) => completion.request,
            Event::Evicted { .. } => return count(event),
            _ => {
                return match self.begun {
                    Some(start) => self.clip(event, start, count),
                    None => self.note(event),
                };
            }
        };
        if request.id.number() >= self.window.skip {
            if self.begun.is_none() && matches!(event, Event::Arrived { .. }) {
                self.begin(catalog, request.arrival, count);
            }
            count(event);
        }
    }

    /// Remembers what is being sent when the measured part begins.
    fn note(&mut self, event: Event<'_>) {
        match event {
            Event::UploadQueued { at, worker, bytes, start, end } => {
                self.sending.retain(|sending| sending.end > at);
                self.sending.push(Upload { worker, bytes, start, end });
            }
            // What has not been sent will not be.
            Event::WorkerFailed { worker, .. } => {
                self.sending.retain(|sending| sending.worker != worker);
            }
            _ => {}
        }
    }

    /// Forwards what is still to be sent when the measured part begins.
    fn begin(&mut self, catalog: &Catalog, at: Time, count: &mut dyn FnMut(Event<'_>)) {
        self.begun = Some(at);
        for Upload { worker, bytes, start, end } in std::mem::take(&mut self.sending) {
            let Some(link) = catalog.worker(worker).link.as_ref().filter(|_| end > at) else {
                continue;
            };
            let bytes = bytes.saturating_sub(link.carries(start, at));
            count(Event::UploadQueued { at, worker, bytes, start: start.max(at), end });
        }
    }

    /// Forwards the part of an event after `start`, with the requests that count.
    fn clip(&mut self, event: Event<'_>, start: Time, count: &mut dyn FnMut(Event<'_>)) {
        let skip = self.window.skip;
        let mut counted = |requests: &[RequestId]| {
            self.counted.clear();
            self.counted.extend(requests.iter().filter(|id| id.number() >= skip));
        };
        match event {
            Event::BatchStarted { at, worker, lane, variant, requests } => {
                counted(requests);
                count(Event::BatchStarted { at, worker, lane, variant, requests: &self.counted });
            }
            Event::BatchLost { at, worker, lane, variant, started, requests } => {
                counted(requests);
                let (started, requests) = (started.max(start), self.counted.as_slice());
                count(Event::BatchLost { at, worker, lane, variant, started, requests });
            }
            Event::BatchEnded { at, worker, lane, variant, started, batch } => {
                let started = started.max(start);
                count(Event::BatchEnded { at, worker, lane, variant, started, batch });
            }
            Event::LoadEnded { at, worker, variant, started } => {
                count(Event::LoadEnded { at, worker, variant, started: started.max(start) });
            }
            Event::LoadLost { at, worker, variant, started, end } => {
                count(Event::LoadLost { at, worker, variant, started: started.max(start), end });
            }
            other => count(other),
        }
    }
}

/// The instant of an event with which a run may end: an arrival, an answer, the end of a batch or
/// of a load.
#[expect(clippy::inline_always, reason = "the kind of event is known where it is made")]
#[inline(always)]
pub(super) fn last_instant(event: &Event<'_>) -> Option<Time> {
    match event {
        Event::Arrived { request } => Some(request.arrival),
        Event::Completed(completion) => Some(completion.finished),
        Event::BatchEnded { at, .. }
        | Event::BatchLost { at, .. }
        | Event::LoadEnded { at, .. }
        | Event::LoadLost { at, .. }
        | Event::ResponseArrived { at, .. } => Some(*at),
        _ => None,
    }
}
