//! The ends of requests: answers and rejections, which closed loops depend on.

use super::{Answer, Simulation};
use crate::contract::{Event, Observer, RejectReason};
use crate::core::ids::{Completion, RequestId};

impl Simulation {
    /// Ends a request with an answer.
    #[inline]
    pub(super) fn complete(&mut self, id: RequestId, answer: Answer, observer: &mut impl Observer) {
        let Some(slot) = self.state.slot(id) else { return };
        let Answer { worker, variant, batch, decided, started } = answer;
        let (truth, catalog) = (slot.truth, &self.state.catalog);
        let completion = Completion {
            request: &slot.request,
            truth,
            worker,
            variant,
            batch,
            decided,
            started,
            finished: self.state.now,
            correct: if catalog.is_peek(variant) {
                self.state.beliefs.answer[id.slot()] == Some(truth.class)
            } else {
                self.truth.correct(variant, truth, id.number(), self.rng)
            },
            estimated: self.view().accuracy(id, variant),
        };
        observer.on(Event::Completed(&completion));
        self.state.release(id);
        self.counts.completed += 1;
        self.ended(id);
    }

    /// Ends a request that the scheduler refuses.
    pub(super) fn reject(
        &mut self,
        id: RequestId,
        reason: RejectReason,
        observer: &mut impl Observer,
    ) {
        let at = self.state.now;
        if let Some(slot) = self.state.slot(id) {
            observer.on(Event::Rejected { at, request: &slot.request, reason });
        }
        self.state.take(id);
        self.state.release(id);
        self.counts.rejected += 1;
        self.ended(id);
    }

    /// Reports the end of a request to a closed loop, which may move the next arrival forward.
    #[inline]
    fn ended(&mut self, id: RequestId) {
        if self.closed {
            self.arrivals.request_ended(id.number(), self.state.now, &mut self.next);
        }
    }
}
