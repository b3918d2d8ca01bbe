//! The state of a simulation: the view reads it, and only the engine changes it.
//!
//! **Invariant:** a request is in exactly one phase; those in [`Phase::Pending`] form a linked list
//! through the slots, by arrival number, so that removing one takes O(1).

use crate::classifier::model::ClassifierBuffers;
use crate::contract::AccuracySource;
use crate::core::ids::{AppId, Request, RequestId, TrueClass, VariantId};
use crate::core::units::Time;
use crate::system::catalog::Catalog;
use crate::system::lru_memory::LruMemory;
use std::collections::VecDeque;
use std::sync::Arc;

/// The end of the list of pending requests.
const NIL: u32 = u32::MAX;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// The slot is free.
    Free,
    /// Arrived; its peek has not ended.
    Hidden,
    Pending,
    Assigned,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Slot {
    pub request: Request,
    pub truth: TrueClass,
    pub phase: Phase,
    /// Whether it was assigned to a worker that failed.
    pub returned: bool,
    /// Slots of its neighbours in the list of pending requests, or [`NIL`].
    before: u32,
    after: u32,
}

/// An entry of a worker's backlog: a batch or a load.
#[derive(Debug)]
pub(crate) struct Job {
    pub variant: VariantId,
    /// Empty for a preload.
    pub requests: Vec<RequestId>,
    /// The earliest start: the end of the decision overhead and the arrival of the payload.
    pub not_before: Time,
    /// The time of the decision.
    pub decided: Time,
    /// The start of sending its payload to a worker behind a link.
    pub sent_from: Time,
}

#[derive(Debug)]
pub(crate) struct Running {
    pub variant: VariantId,
    pub requests: Vec<RequestId>,
    /// The time of the decision.
    pub decided: Time,
    pub started: Time,
    /// By the latency table, without noise.
    pub expected_end: Time,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Loading {
    pub variant: VariantId,
    pub started: Time,
    pub end: Time,
}

#[derive(Debug)]
pub(crate) struct WorkerState {
    pub memory: LruMemory,
    pub lanes: Vec<Option<Running>>,
    pub loading: Option<Loading>,
    pub backlog: VecDeque<Job>,
    /// Whether the last batch to start was a peek: then the backlog is next.
    pub peeked_last: bool,
    /// The start of its availability.
    pub ready: Time,
    /// The end of the uplink's queue; `None` for a local worker.
    pub sent: Option<Time>,
}

impl WorkerState {
    pub fn running(&self) -> impl Iterator<Item = &Running> {
        self.lanes.iter().flatten()
    }
}

/// The beliefs of schedulers about requests in flight, by slot.
#[derive(Debug, Default)]
pub(crate) struct RequestBeliefs {
    /// The row length of `posterior`: the most classes of any application.
    pub classes: usize,
    /// The row length of `accuracy`: the most variants of any application, and one for its peek.
    pub variants: usize,
    pub posterior: Vec<f64>,
    /// The class that the SneakPeek model answers, by slot.
    pub answer: Vec<Option<u16>>,
    /// Accuracy of each variant of the application by slot; empty if profiled accuracy is used.
    pub accuracy: Vec<f64>,
    pub buffers: ClassifierBuffers,
}

#[derive(Debug)]
pub(crate) struct State {
    pub now: Time,
    pub catalog: Arc<Catalog>,
    pub info: AccuracySource,
    pub workers: Vec<WorkerState>,
    pub beliefs: RequestBeliefs,
    slots: Vec<Slot>,
    free: Vec<u32>,
    first: u32,
    last: u32,
    pending: usize,
    arrived: u32,
}

impl State {
    pub fn new(catalog: Arc<Catalog>, info: AccuracySource) -> Self {
        let workers = catalog.worker_ids().map(|id| {
            let worker = catalog.worker(id);
            let mut memory = LruMemory::new(worker.memory_bytes);
            for variant in &worker.resident {
                let bytes = catalog.variant(*variant).bytes;
                if memory.fits(bytes) {
                    memory.load(*variant, bytes, |_| {});
                }
            }
            WorkerState {
                memory,
                lanes: (0..worker.lanes).map(|_| None).collect(),
                loading: None,
                backlog: VecDeque::new(),
                peeked_last: false,
                ready: worker.ready,
                sent: worker.link.as_ref().map(|_| Time::ZERO),
            }
        });
        let apps = || catalog.app_ids();
        let beliefs = RequestBeliefs {
            classes: apps().map(|a| catalog.app(a).classes.len()).max().unwrap_or(0),
            variants: apps().map(|a| catalog.variants_of(a).count() + 1).max().unwrap_or(0),
            ..RequestBeliefs::default()
        };
        Self {
            now: Time::ZERO,
            info,
            workers: workers.collect(),
            beliefs,
            slots: Vec::new(),
            free: Vec::new(),
            first: NIL,
            last: NIL,
            pending: 0,
            arrived: 0,
            catalog,
        }
    }

    /// The variant of the SneakPeek model, if schedulers may choose it.
    #[inline]
    pub fn peek_variant(&self, app: AppId) -> Option<VariantId> {
        let app = self.catalog.app(app);
        let is_offered = app.peek_is_offered && self.info == AccuracySource::Posterior;
        app.peek_variant.filter(|_| is_offered)
    }

    pub fn arrived(&self) -> u32 {
        self.arrived
    }

    pub fn pending_len(&self) -> usize {
        self.pending
    }

    /// The most slots that were in use at once.
    pub fn slots_len(&self) -> usize {
        self.slots.len()
    }

    /// Adds a request, which is hidden at first.
    #[inline]
    pub fn insert(
        &mut self,
        make: impl FnOnce(RequestId) -> Request,
        truth: TrueClass,
    ) -> RequestId {
        let free = self.free.pop();
        let at = free.unwrap_or(self.slots.len() as u32);
        let id = RequestId::new(self.arrived, at);
        self.arrived += 1;
        let (phase, returned) = (Phase::Hidden, false);
        let request = make(id);
        let slot = Slot { request, truth, phase, returned, before: NIL, after: NIL };
        match free {
            Some(at) => self.slots[at as usize] = slot,
            None => self.slots.push(slot),
        }
        id
    }

    /// The request, if it is still in flight.
    #[inline]
    pub fn slot(&self, id: RequestId) -> Option<&Slot> {
        let slot = self.slots.get(id.slot())?;
        (slot.request.id == id && slot.phase != Phase::Free).then_some(slot)
    }

    /// Makes a hidden request pending, in its place by arrival number.
    #[inline]
    pub fn show(&mut self, id: RequestId) {
        let mut before = self.last;
        while before != NIL && self.slots[before as usize].request.id > id {
            before = self.slots[before as usize].before;
        }
        let (at, after) = (id.slot() as u32, self.after(before));
        self.link(before, at);
        self.link(at, after);
        self.slots[id.slot()].phase = Phase::Pending;
        self.pending += 1;
    }

    /// The pending slot after another one; the first after [`NIL`].
    #[inline]
    fn after(&self, before: u32) -> u32 {
        if before == NIL { self.first } else { self.slots[before as usize].after }
    }

    /// Makes two slots neighbours in the list; [`NIL`] stands for its start and end.
    #[inline]
    fn link(&mut self, before: u32, after: u32) {
        match before {
            NIL => self.first = after,
            _ => self.slots[before as usize].after = after,
        }
        match after {
            NIL => self.last = before,
            _ => self.slots[after as usize].before = before,
        }
    }

    /// Makes a request pending again that was assigned to a worker that failed.
    pub fn requeue(&mut self, id: RequestId) {
        self.slots[id.slot()].returned = true;
        self.show(id);
    }

    /// Removes a request from the list of pending ones.
    #[inline]
    pub fn take(&mut self, id: RequestId) {
        let slot = &mut self.slots[id.slot()];
        slot.phase = Phase::Assigned;
        let (before, after) = (slot.before, slot.after);
        self.link(before, after);
        self.pending -= 1;
    }

    /// Frees the slot of a request that is not pending.
    #[inline]
    pub fn release(&mut self, id: RequestId) {
        self.slots[id.slot()].phase = Phase::Free;
        self.free.push(id.slot() as u32);
    }

    /// The pending requests by arrival number.
    pub fn pending(&self) -> impl Iterator<Item = &Slot> {
        let mut at = self.first;
        std::iter::from_fn(move || {
            let slot = self.slots.get(at as usize)?;
            at = slot.after;
            Some(slot)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state() -> State {
        let catalog = Catalog::empty();
        State::new(Arc::new(catalog), AccuracySource::Profiled)
    }

    fn add(state: &mut State) -> RequestId {
        let truth = TrueClass { class: 0, row: TrueClass::NO_ROW };
        let (arrival, deadline) = (Time::ZERO, Time::ZERO);
        state.insert(|id| Request { id, app: AppId(0), client: 0, arrival, deadline }, truth)
    }

    fn listed(state: &State) -> Vec<u32> {
        state.pending().map(|slot| slot.request.id.number()).collect()
    }

    #[test]
    fn pending_is_in_arrival_order_whatever_is_shown_and_taken_first() {
        let mut state = state();
        let ids: Vec<_> = (0..5).map(|_| add(&mut state)).collect();
        for at in [2, 0, 4, 1, 3] {
            state.show(ids[at]);
        }
        assert_eq!(listed(&state), [0, 1, 2, 3, 4]);
        for at in [2, 0, 4] {
            state.take(ids[at]);
        }
        assert_eq!(listed(&state), [1, 3]);
        assert_eq!(state.pending_len(), 2);
    }

    #[test]
    fn slots_are_reused_and_stale_ids_noticed() {
        let mut state = state();
        let old = add(&mut state);
        state.show(old);
        state.take(old);
        state.release(old);
        assert!(state.slot(old).is_none());
        let new = add(&mut state);
        assert_eq!(new.slot(), old.slot());
        assert!(state.slot(old).is_none());
        assert_eq!(state.slot(new).map(|s| s.phase), Some(Phase::Hidden));
    }
}
