//! The ends of requests: answers and rejections, which closed loops depend on.

use super::{Answer, Simulation};
use crate::contract::{Event, Observer, RejectReason};
use crate::core::ids::{Answered, BatchAnswer, RequestId};
use std::sync::Arc;

impl Simulation {
    /// Ends requests with answers.
    #[inline(never)]
    pub(super) fn complete(
        &mut self,
        ids: &[RequestId],
        answer: Answer,
        observer: &mut impl Observer,
    ) {
        let Answer { worker, variant, batch, decided, started } = answer;
        let finished = self.state.now;
        let answer = BatchAnswer { worker, variant, batch, decided, started, finished };
        let ground_truth = Arc::clone(&self.truth);
        // Answers of a SneakPeek model are those of its votes.
        let is_peek = self.state.catalog.is_peek(variant);
        let outcomes = (!is_peek).then(|| ground_truth.outcomes(variant, self.rng));
        let same = self.state.accuracy_of_all(variant);
        let (state, view) = (&self.state, self.view());
        let answered = |id: &RequestId| {
            let slot = state.assigned(*id);
            let truth = slot.truth;
            let correct = match &outcomes {
                Some(outcomes) => outcomes.correct(truth, id.number()),
                None => state.beliefs.answer[id.slot()] == Some(truth.class),
            };
            let estimated = same.unwrap_or_else(|| view.accuracy(*id, variant));
            Answered { request: &slot.request, truth, correct, estimated }
        };
        observer.on_answers(&answer, ids.iter().map(answered));
        self.state.release(ids);
        self.counts.completed += ids.len() as u64;
        ids.iter().for_each(|id| self.ended(*id));
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
        self.state.release(&[id]);
        self.counts.rejected += 1;
        self.ended(id);
    }

    /// Reports the end of a request to a closed loop, which may move the next arrival forward.
    #[inline]
    fn ended(&mut self, id: RequestId) {
        if self.closed {
            // Arrivals of closed loops are drawn one by one: the list has the next one or none.
            let mut next = self.drawn.get(self.taken).copied();
            self.arrivals.request_ended(id.number(), self.state.now, &mut next);
            self.drawn.clear();
            self.drawn.extend(next);
            self.taken = 0;
        }
    }
}
