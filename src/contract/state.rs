//! The state of a simulation: the view reads it, and only the engine changes it.
//!
//! **Invariant:** a request is in exactly one phase; the list of pending requests holds those in
//! [`Phase::Pending`], by arrival number. A request that leaves it stays listed until fewer than
//! half of the list are pending, so that removing one is O(1) wherever it stands.
//!
//! **Invariant:** every idle worker is open. After a change of a worker's lanes, load or backlog
//! the engine calls [`State::note_worker`], so that nothing looks for idle workers among all.

use crate::classifier::model::ClassifierBuffers;
use crate::contract::AccuracySource;
use crate::core::ids::{
    Answered, AppId, Arrival, Request, RequestId, TrueClass, VariantId, WorkerId,
};
use crate::core::units::Time;
use crate::system::catalog::Catalog;
use crate::system::lru_memory::LruMemory;
use std::collections::VecDeque;
use std::sync::Arc;

/// Workers in a word of bits.
const BITS: usize = 64;

/// Flags as bits, the first as the lowest.
fn bits(flags: impl DoubleEndedIterator<Item = bool>) -> u64 {
    flags.rev().fold(0, |bits, flag| bits << 1 | u64::from(flag))
}

/// A list of pending requests is not shortened before it has this many entries.
const SHORT: usize = 16;

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
    /// The end of the host's work before batches; `None` if there is none.
    pub prepared: Option<Time>,
    /// The end of the host's work after batches that is done one request after another.
    pub answered: Time,
}

impl WorkerState {
    /// Whether nothing that an event ends keeps the worker from being idle. Time alone opens the
    /// link to a worker, frees its host and ends its absence.
    pub fn is_open(&self) -> bool {
        self.sent.is_some()
            || self.prepared.is_some()
            || self.backlog.is_empty()
                && self.loading.is_none()
                && self.lanes.iter().any(Option::is_none)
    }

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
    /// By application, then row of its trace: what a peek at it gives, once it is known.
    pub by_row: Vec<Vec<Option<RowBeliefs>>>,
    pub buffers: ClassifierBuffers,
}

/// The beliefs about every request that replays a row.
#[derive(Debug)]
pub(crate) struct RowBeliefs {
    pub posterior: Box<[f64]>,
    pub accuracy: Box<[f64]>,
    pub answer: Option<u16>,
}

#[derive(Debug)]
pub(crate) struct State {
    pub now: Time,
    pub catalog: Arc<Catalog>,
    pub info: AccuracySource,
    pub workers: Vec<WorkerState>,
    /// Bits by worker, see [`WorkerState::is_open`].
    open: Vec<u64>,
    pub beliefs: RequestBeliefs,
    slots: Vec<Slot>,
    free: Vec<u32>,
    /// By arrival number.
    listed: Vec<RequestId>,
    pending: usize,
    arrived: u32,
}

impl State {
    pub fn new(catalog: Arc<Catalog>, info: AccuracySource) -> Self {
        let workers = catalog.worker_ids().map(|id| {
            let worker = catalog.worker(id);
            let mut memory = LruMemory::new(worker.memory_bytes, catalog.shared_weights());
            for variant in &worker.resident {
                let bytes = catalog.variant(*variant).bytes;
                if !memory.contains(*variant) && memory.fits(bytes) {
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
                prepared: worker.host[0].then_some(Time::ZERO),
                answered: Time::ZERO,
            }
        });
        let apps = || catalog.app_ids();
        let beliefs = RequestBeliefs {
            classes: apps().map(|a| catalog.app(a).classes.len()).max().unwrap_or(0),
            variants: apps().map(|a| catalog.variants_of(a).count() + 1).max().unwrap_or(0),
            ..RequestBeliefs::default()
        };
        let workers: Vec<WorkerState> = workers.collect();
        Self {
            now: Time::ZERO,
            info,
            open: workers
                .chunks(BITS)
                .map(|own| bits(own.iter().map(WorkerState::is_open)))
                .collect(),
            workers,
            beliefs,
            slots: Vec::new(),
            free: Vec::new(),
            listed: Vec::new(),
            pending: 0,
            arrived: 0,
            catalog,
        }
    }

    /// Follows a change of a worker's lanes, load or backlog.
    #[inline]
    pub fn note_worker(&mut self, worker: WorkerId) {
        let at = worker.index();
        let open = u64::from(self.workers[at].is_open());
        let bits = &mut self.open[at / BITS];
        *bits = *bits & !(1 << (at % BITS)) | open << (at % BITS);
    }

    /// The open workers in order.
    #[inline]
    pub fn open_workers(&self) -> impl Iterator<Item = WorkerId> + use<'_> {
        let (mut word, mut left) = (0, self.open.first().copied().unwrap_or(0));
        std::iter::from_fn(move || {
            while left == 0 {
                word += 1;
                left = *self.open.get(word)?;
            }
            let bit = left.trailing_zeros() as usize;
            left &= left - 1;
            Some(WorkerId((word * BITS + bit) as u16))
        })
    }

    /// The variant of the SneakPeek model, if schedulers may choose it.
    #[inline]
    pub fn peek_variant(&self, app: AppId) -> Option<VariantId> {
        let app = self.catalog.app(app);
        let is_offered = app.peek_is_offered && self.info == AccuracySource::Posterior;
        app.peek_variant.filter(|_| is_offered)
    }

    /// The accuracy of a variant that a scheduler sees, if it is the same for all requests.
    #[inline]
    pub fn accuracy_of_all(&self, variant: VariantId) -> Option<f64> {
        self.beliefs.accuracy.is_empty().then(|| self.catalog.variant(variant).accuracy)
    }

    /// How many requests have arrived.
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
    pub fn insert(&mut self, arrival: &Arrival) -> RequestId {
        let free = self.free.pop();
        let at = free.unwrap_or(self.slots.len() as u32);
        let id = RequestId::new(self.arrived, at);
        self.arrived += 1;
        let (request, truth) = (arrival.request(id), arrival.truth);
        let slot = Slot { request, truth, phase: Phase::Hidden, returned: false };
        match free {
            Some(at) => self.slots[at as usize] = slot,
            None => self.slots.push(slot),
        }
        id
    }

    /// Adds requests that are pending at once; what they become is added to `requests`.
    #[expect(clippy::inline_always, reason = "once a batch")]
    #[inline(always)]
    pub fn insert_pending(&mut self, arrivals: &[Arrival], requests: &mut Vec<Request>) {
        let (before, first) = (requests.len(), self.arrived);
        let (reused, added) = arrivals.split_at(arrivals.len().min(self.free.len()));
        let free = self.free.len() - reused.len();
        let pending = |number: u32, arrival: &Arrival, at: u32| {
            let request = arrival.request(RequestId::new(number, at));
            Slot { request, truth: arrival.truth, phase: Phase::Pending, returned: false }
        };
        let slots = &mut self.slots;
        requests.extend((first..).zip(reused).zip(self.free[free..].iter().rev()).map(
            |((number, arrival), at)| {
                let slot = pending(number, arrival, *at);
                slots[*at as usize] = slot;
                slot.request
            },
        ));
        self.free.truncate(free);
        for (number, arrival) in (first + reused.len() as u32..).zip(added) {
            let slot = pending(number, arrival, slots.len() as u32);
            slots.push(slot);
            requests.push(slot.request);
        }
        self.arrived += arrivals.len() as u32;
        self.pending += arrivals.len();
        self.listed.extend(requests[before..].iter().map(|request| request.id));
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
        self.slots[id.slot()].phase = Phase::Pending;
        self.pending += 1;
        if self.listed.last().is_none_or(|last| *last < id) {
            self.listed.push(id);
        } else if let Err(at) = self.listed.binary_search(&id) {
            self.listed.insert(at, id);
        }
    }

    /// Makes a request pending again that was assigned to a worker that failed.
    pub fn requeue(&mut self, id: RequestId) {
        self.slots[id.slot()].returned = true;
        self.show(id);
    }

    /// Removes a request from those that are pending, for a variant of `app`; false if it is not
    /// pending, or of another application.
    #[inline]
    pub fn take_for(&mut self, app: AppId, id: RequestId) -> bool {
        let slot = self.slots.get(id.slot());
        let takes = slot.is_some_and(|slot| {
            slot.phase == Phase::Pending && slot.request.id == id && slot.request.app == app
        });
        if takes {
            self.take(id);
        }
        takes
    }

    /// Removes a request from those that are pending.
    #[inline]
    pub fn take(&mut self, id: RequestId) {
        self.slots[id.slot()].phase = Phase::Assigned;
        self.pending -= 1;
    }

    /// Shortens the list of pending requests if most of it is not pending any more.
    #[inline]
    pub fn tidy(&mut self) {
        if self.pending == 0 {
            self.listed.clear();
        } else if self.listed.len() > SHORT + 2 * self.pending {
            let slots = &self.slots;
            self.listed.retain(|id| {
                let slot = &slots[id.slot()];
                slot.phase == Phase::Pending && slot.request.id == *id
            });
        }
    }

    /// A request that is assigned.
    #[inline]
    pub fn assigned(&self, id: RequestId) -> &Slot {
        &self.slots[id.slot()]
    }

    /// Frees the slot of a request that is not pending.
    pub fn free(&mut self, id: RequestId) {
        self.slots[id.slot()].phase = Phase::Free;
        self.free.push(id.slot() as u32);
    }

    /// Frees the slots of requests that are answered, which are added to `answers` as wrong ones of
    /// this estimated accuracy.
    #[inline]
    pub fn free_answered(
        &mut self,
        ids: &[RequestId],
        estimated: f64,
        answers: &mut Vec<Answered>,
    ) {
        answers.extend(ids.iter().map(|id| {
            let slot = &mut self.slots[id.slot()];
            slot.phase = Phase::Free;
            let Slot { request, truth, .. } = *slot;
            Answered { request, truth, correct: false, estimated }
        }));
        self.free.extend(ids.iter().map(|id| id.slot() as u32));
    }

    /// The pending requests by arrival number.
    pub fn pending(&self) -> impl Iterator<Item = &Slot> {
        self.listed.iter().filter_map(|id| {
            let slot = &self.slots[id.slot()];
            (slot.phase == Phase::Pending && slot.request.id == *id).then_some(slot)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::units::Span;

    fn state() -> State {
        let catalog = Catalog::empty();
        State::new(Arc::new(catalog), AccuracySource::Profiled)
    }

    fn add(state: &mut State) -> RequestId {
        let truth = TrueClass { class: 0, row: TrueClass::NO_ROW };
        let (time, budget) = (Time::ZERO, Span::ZERO);
        state.insert(&Arrival { time, app: AppId(0), source: None, budget, truth })
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
    fn a_list_that_is_tidied_is_the_same_and_requests_come_back_to_their_place() {
        let mut state = state();
        let ids: Vec<_> = (0..100).map(|_| add(&mut state)).collect();
        ids.iter().for_each(|id| state.show(*id));
        for id in &ids[10..95] {
            state.take(*id);
            state.tidy();
        }
        assert!(state.listed.len() <= SHORT + 2 * 15);
        state.requeue(ids[50]);
        state.requeue(ids[94]);
        let expected: Vec<u32> = (0..10).chain([50]).chain(94..100).collect();
        assert_eq!(listed(&state), expected);
        state.take(ids[50]);
        state.free(ids[50]);
        let reused = add(&mut state);
        state.show(reused);
        assert_eq!(listed(&state).last(), Some(&100));
        assert_eq!(listed(&state).len(), state.pending_len());
    }

    #[test]
    fn slots_are_reused_and_stale_ids_noticed() {
        let mut state = state();
        let old = add(&mut state);
        state.show(old);
        state.take(old);
        state.free(old);
        assert!(state.slot(old).is_none());
        let new = add(&mut state);
        assert_eq!(new.slot(), old.slot());
        assert!(state.slot(old).is_none());
        assert_eq!(state.slot(new).map(|s| s.phase), Some(Phase::Hidden));
    }
}
