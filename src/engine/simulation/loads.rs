//! Loads of variants into a worker's memory.
//!
//! A load begins when its job is the next of the backlog, all lanes are idle and no other load is
//! in progress; it occupies all lanes until it ends. Least recently used variants are evicted when
//! it begins, as many as necessary.
//!
//! A load that takes no time occupies no lane and waits for none. It begins as soon as its job is
//! the next of the backlog, unless a running batch uses one of the variants to be evicted: then it
//! waits for that batch. It never evicts another variant instead, so that the content of memory
//! depends on the sequence of jobs alone.
//!
//! Variants that are resident at the start of a run take no load.

use super::Simulation;
use crate::contract::state::Loading;
use crate::contract::{Event, Observer};
use crate::core::ids::{VariantId, WorkerId};
use crate::core::units::Span;
use crate::engine::event_queue::EventKind;

impl Simulation {
    /// Whether lanes and memory allow the load of the next job; `start` has checked the rest.
    pub(super) fn may_load(&self, worker: WorkerId, variant: VariantId) -> bool {
        let (state, catalog) = (&self.state.workers[worker.index()], &self.state.catalog);
        if catalog.load(worker, variant) > Span::ZERO {
            return state.lanes.iter().all(Option::is_none);
        }
        let weights = |variant| catalog.weights(variant);
        let is_used =
            |victim| state.running().any(|running| weights(running.variant) == weights(victim));
        !state.memory.victims(catalog.variant(variant).bytes).any(is_used)
    }

    /// Begins a load; true if that takes no time.
    pub(super) fn load(
        &mut self,
        worker: WorkerId,
        variant: VariantId,
        observer: &mut impl Observer,
    ) -> bool {
        let (at, started) = (self.state.now, self.state.now);
        let end = at + self.state.catalog.load(worker, variant);
        let bytes = self.state.catalog.variant(variant).bytes;
        let state = &mut self.state.workers[worker.index()];
        state.memory.load(variant, bytes, |evicted| {
            observer.on(Event::Evicted { at, worker, variant: evicted });
        });
        observer.on(Event::LoadStarted { at, worker, variant, end });
        if end == at {
            observer.on(Event::LoadEnded { at, worker, variant, started });
            return true;
        }
        state.loading = Some(Loading { variant, started, end });
        self.queue.push(end, EventKind::LoadEnd(worker));
        false
    }

    pub(super) fn end_load(&mut self, worker: WorkerId, observer: &mut impl Observer) {
        let at = self.state.now;
        if let Some(Loading { variant, started, .. }) =
            self.state.workers[worker.index()].loading.take()
        {
            observer.on(Event::LoadEnded { at, worker, variant, started });
        }
        self.loaded.push(worker);
        self.start(worker, observer);
    }
}
