//! Where late requests are dropped, those are that are late, and all of them before a question.

use super::{Asked, Phase, Replay, Verdict};

impl Replay<'_> {
    /// Whether a request would be late if it ran at once.
    fn is_late(&self, at: u64, request: u32) -> bool {
        let Some(shortest) = &self.facts.drops else { return false };
        let facts = &self.facts.requests[request as usize];
        let latency = at + shortest[usize::from(facts.app)] - facts.arrival;
        self.facts.late.late_ns(latency, facts.budget) > 0
    }

    /// A waiting request ends without a decision.
    pub(super) fn drop_late(&mut self, at: u64, request: u32) -> Verdict {
        ensure!(self.is_late(at, request), "it could be in time");
        self.drops = true;
        match self.arrived.iter().position(|other| *other == request) {
            Some(unheard) => drop(self.arrived.remove(unheard)),
            None => self.dropped.push(request),
        }
        self.step(request, Phase::Waiting, Phase::Over)
    }

    /// The scheduler hears of what was dropped, and no late request waits.
    pub(super) fn drops_over(&mut self, ask: &Asked) -> Verdict {
        let dropped = std::mem::take(&mut self.dropped);
        ensure!(ask.dropped == dropped, "{dropped:?} were dropped");
        let is_kept = |request: &u32| {
            self.requests[*request as usize] == Phase::Waiting && self.is_late(ask.at, *request)
        };
        let kept = (0..self.requests.len() as u32).find(is_kept);
        ensure!(kept.is_none(), "request {kept:?} is late and waits");
        Ok(())
    }
}
