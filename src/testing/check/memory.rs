//! What is in a worker's memory: loads, what leaves for them, and preloads.

use super::{Job, Replay, Verdict};

impl Replay<'_> {
    /// Room is made from the least recently used on, or because a decision says so.
    pub(super) fn evict(&mut self, worker: u16, variant: u16) -> Verdict {
        let state = &mut self.workers[usize::from(worker)];
        let place = state.memory.iter().position(|v| *v == variant).ok_or("not in memory")?;
        let is_same = |other| self.facts.is_same(other, variant);
        if state.fails {
            state.memory.remove(place);
            return Ok(());
        }
        let in_use = state.lanes.iter().flatten().any(|batch| is_same(batch.variant));
        ensure!(!in_use, "it is running");
        ensure!(state.loading.is_none_or(|(loading, _)| !is_same(loading)), "it is loading");
        let is_asked = |asked: &(u16, u16)| asked.0 == worker && is_same(asked.1);
        if let Some(at) = self.evicting.iter().position(is_asked) {
            self.evicting.remove(at);
        } else {
            ensure!(place == 0, "{:?} was used longer ago", state.memory[0]);
            state.room_made.push(variant);
        }
        state.memory.remove(place);
        Ok(())
    }

    /// A load comes next in the backlog, occupies the whole worker if it takes any time, and makes
    /// no more room than it needs.
    pub(super) fn load(&mut self, at: u64, worker: u16, variant: u16, end: u64) -> Verdict {
        let cost = self.facts.cost(worker, variant).ok_or("cannot run there")?;
        let facts = &self.facts.workers[usize::from(worker)];
        let bytes = |v: &u16| self.facts.variants[usize::from(*v)].bytes;
        let state = &mut self.workers[usize::from(worker)];
        ensure!(at >= state.ready && !state.fails, "the worker is not ready");
        ensure!(end - at == cost.load, "a load takes {}", cost.load);
        ensure!(state.loading.is_none(), "another load is under way");
        let idle = state.lanes.iter().all(Option::is_none);
        ensure!(idle || cost.load == 0, "a lane is busy");
        ensure!(self.facts.place(&state.memory, variant).is_none(), "it is in memory");
        let next = state.backlog.front().ok_or("nothing was assigned")?;
        ensure!(next.variant == variant && next.decided <= at, "{next:?} is next");
        let needed = state.memory.iter().map(bytes).sum::<u64>() + bytes(&variant);
        ensure!(needed <= facts.memory, "{needed} of {} bytes", facts.memory);
        if let Some(last) = state.room_made.last() {
            ensure!(needed + bytes(last) > facts.memory, "{last} was evicted without need");
        }
        state.room_made.clear();
        state.memory.push(variant);
        state.loading = Some((variant, end));
        Ok(())
    }

    /// A preload whose variant is in memory is done.
    pub(super) fn pass_preloads(&mut self, worker: u16, now: u64) {
        let state = &mut self.workers[usize::from(worker)];
        while let Some(Job { variant, requests, decided }) = state.backlog.front() {
            let Some(place) = self.facts.place(&state.memory, *variant) else { return };
            if !requests.is_empty() || state.loading.is_some() || *decided > now {
                return;
            }
            state.memory[place..].rotate_left(1);
            state.backlog.pop_front();
        }
    }

    /// Whether something has to leave for a variant that a running batch needs.
    pub(super) fn needs_room(&self, worker: u16, variant: u16) -> bool {
        let bytes = |v: &u16| self.facts.variants[usize::from(*v)].bytes;
        let state = &self.workers[usize::from(worker)];
        let room = self.facts.workers[usize::from(worker)].memory - bytes(&variant);
        let mut left: u64 = state.memory.iter().map(bytes).sum();
        state.memory.iter().any(|oldest| {
            let leaves = left > room;
            left -= bytes(oldest);
            let is_same = |batch: &super::Batch| self.facts.is_same(batch.variant, *oldest);
            leaves && state.lanes.iter().flatten().any(is_same)
        })
    }
}
