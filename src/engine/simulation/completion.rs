//! The ends of requests: answers and rejections, which closed loops depend on.

use super::{Answer, Simulation};
use crate::contract::{Event, Observer, RejectReason, View};
use crate::core::ids::{BatchAnswer, RequestId};

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
        let Self { state, truth, answers, rng, .. } = self;
        answers.clear();
        let same = state.accuracy_of_all(variant);
        state.free_answered(ids, same.unwrap_or(0.0), answers);
        if same.is_none() {
            let view = View::new(state);
            for answered in answers.iter_mut() {
                answered.estimated = view.accuracy(answered.request.id, variant);
            }
        }
        if state.catalog.is_peek(variant) {
            // Its answers are those of its votes.
            for answered in answers.iter_mut() {
                let class = state.beliefs.answer[answered.request.id.slot()];
                answered.correct = class == Some(answered.truth.class);
            }
        } else {
            truth.outcomes(variant, *rng).mark(answers);
        }
        observer.on_answers(&answer, answers);
        self.counts.completed += ids.len() as u64;
        ids.iter().for_each(|id| self.ended(*id));
    }

    /// Ends a request that is refused.
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
        self.state.free(id);
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
