//! A worker that fails loses all it had, at once; whoever was given to it waits again, and the
//! scheduler is told.

use super::{Phase, Replay, Verdict};

impl Replay<'_> {
    /// It fails when it was drawn to, and what it loses has to follow within the instant.
    pub(super) fn fail(&mut self, at: u64, worker: u16, until: u64) -> Verdict {
        let facts = &self.facts.workers[usize::from(worker)];
        let drawn = facts.outages.iter().find(|(from, _)| *from == at);
        let (_, span) = drawn.ok_or("it was not to fail now")?;
        let state = &mut self.workers[usize::from(worker)];
        let expected = state.ready.max(at + span);
        if state.ready == at && at > 0 {
            // It has just become ready, of which the scheduler hears all the same.
            self.deciding.insert((at, worker));
        }
        ensure!(until == expected && !state.fails, "it is back at {expected}");
        (state.fails, state.ready) = (true, until);
        self.ways[usize::from(worker)].cut(at);
        for job in std::mem::take(&mut state.backlog) {
            for request in job.requests {
                self.step(request, Phase::Assigned, Phase::Lost)?;
            }
        }
        // What it was to hear of later it will not: plans whose making had not ended.
        self.deciding.retain(|(time, of)| *of != worker || *time <= at);
        Ok(())
    }

    pub(super) fn lose(
        &mut self,
        (worker, lane): (u16, usize),
        (variant, started, requests): (u16, u64, &[u32]),
    ) -> Verdict {
        let state = &mut self.workers[usize::from(worker)];
        let preempted = self.preempted.iter().position(|place| *place == (worker, lane));
        ensure!(state.fails || preempted.is_some(), "its worker works");
        let batch = state.lanes[lane].take().ok_or("nothing runs there")?;
        let ran = (batch.variant, batch.started, batch.requests.as_slice());
        ensure!(ran == (variant, started, requests), "{batch:?} ran there");
        if let Some(preempted) = preempted {
            // Its requests have waited since the decision.
            self.preempted.remove(preempted);
            self.given_back.extend(requests);
            return Ok(());
        }
        requests.iter().try_for_each(|id| self.step(*id, Phase::Running, Phase::Lost))
    }

    /// A decision ends a batch: its requests may be assigned by the next decision.
    pub(super) fn preempt(&mut self, worker: u16, lane: usize) -> Verdict {
        let lanes = &self.workers[usize::from(worker)].lanes;
        let batch = lanes.get(lane).and_then(Option::as_ref).ok_or("nothing runs there")?;
        let requests = batch.requests.clone();
        self.preempted.push((worker, lane));
        requests.iter().try_for_each(|id| self.step(*id, Phase::Running, Phase::Waiting))
    }

    pub(super) fn lose_load(&mut self, worker: u16, variant: u16, end: u64) -> Verdict {
        let state = &mut self.workers[usize::from(worker)];
        let loading = state.loading.take();
        ensure!(state.fails && loading == Some((variant, end)), "{loading:?} was loaded there");
        Ok(())
    }

    /// What takes its turn on the way: bytes, from when to when.
    pub(super) fn sends(&mut self, worker: u16, sent: (u64, (u64, u64))) -> Verdict {
        let expected = self.ways[usize::from(worker)].announced();
        ensure!(expected == Some(sent), "{expected:?} is sent");
        Ok(())
    }

    pub(super) fn sends_no_more(&mut self, worker: u16, lost: (u64, (u64, u64))) -> Verdict {
        let expected = self.ways[usize::from(worker)].lost();
        ensure!(expected == Some(lost), "{expected:?} is lost");
        Ok(())
    }

    pub(super) fn take_back(&mut self, request: u32) -> Verdict {
        if let Some(at) = self.given_back.iter().position(|id| *id == request) {
            self.given_back.remove(at);
            return Ok(());
        }
        self.arrived.push(request);
        self.step(request, Phase::Lost, Phase::Waiting)
    }

    /// Nothing is left on a worker that has failed, and nobody is lost for good.
    pub(super) fn failures_over(&mut self) -> Verdict {
        for (state, worker) in self.workers.iter_mut().zip(0u16..) {
            let empty = state.lanes.iter().all(Option::is_none) && state.backlog.is_empty();
            let bare = state.memory.is_empty() && state.loading.is_none();
            ensure!(!state.fails || (empty && bare), "worker {worker} failed and holds {state:?}");
            state.fails = false;
        }
        let left = (&self.preempted, &self.given_back);
        ensure!(left.0.is_empty() && left.1.is_empty(), "{left:?} have not been ended");
        let lost = self.requests.iter().position(|phase| *phase == Phase::Lost);
        ensure!(lost.is_none(), "request {lost:?} is lost");
        Ok(())
    }
}
