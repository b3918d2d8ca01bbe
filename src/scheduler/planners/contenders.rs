//! The workers that may have the best next placement.
//!
//! On a local worker the end of a batch depends on its class and memory, on when its lanes are free
//! and on whether the variant is resident. Utility never rises with the end, and of equal values
//! the first worker wins. So a worker cannot win if one before it, of the same class, memory and
//! lanes and with the same variants resident, is free as early: of hundreds of workers in the same
//! condition one is tried.

use crate::contract::{Timeline, View};
use crate::core::ids::WorkerId;
use crate::core::units::Time;
use std::collections::BTreeMap;

/// Class, bytes of memory, lanes, and the resident variants as bits.
type Kind = (usize, u64, usize, u128);

#[derive(Debug, Default)]
pub struct Contenders {
    /// By worker, its class and its memory.
    machines: Vec<(usize, u64)>,
    standings: Vec<Standing>,
    kinds: BTreeMap<Kind, usize>,
    /// By kind, the earliest of the workers so far.
    earliest: Vec<Time>,
    workers: Vec<WorkerId>,
}

#[derive(Clone, Copy, Debug)]
struct Standing {
    /// `None` behind a link, and where the resident variants are too many for bits.
    kind: Option<usize>,
    /// When the first lane is free.
    first: Time,
    /// When all lanes are free, if it does not matter which batches they have had.
    all: Time,
}

impl Contenders {
    /// The contenders among all workers.
    pub fn begin(&mut self, view: &View<'_>, timelines: &[Timeline]) {
        if self.machines.len() != timelines.len() {
            let catalog = view.catalog();
            let machine = |id| (catalog.class_index(id), catalog.worker(id).memory_bytes);
            self.machines = catalog.worker_ids().map(machine).collect();
        }
        self.renew(timelines);
    }

    /// The same after a change of several timelines.
    pub fn renew(&mut self, timelines: &[Timeline]) {
        self.kinds.clear();
        self.earliest.clear();
        self.standings.clear();
        for (worker, timeline) in timelines.iter().enumerate() {
            let standing = self.standing(worker, timeline);
            self.standings.push(standing);
        }
        self.list();
    }

    /// The same after a change of the timeline of one worker.
    pub fn update(&mut self, worker: WorkerId, timeline: &Timeline) {
        // There is no choice.
        if self.standings.len() > 1 {
            self.standings[worker.index()] = self.standing(worker.index(), timeline);
            self.list();
        }
    }

    /// In order.
    pub fn workers(&self) -> &[WorkerId] {
        &self.workers
    }

    fn standing(&mut self, worker: usize, timeline: &Timeline) -> Standing {
        let bit = |bits: u128, at: usize| Some(bits | 1u128.checked_shl(at as u32)?);
        let resident = timeline.memory().iter().try_fold(0, |bits, v| bit(bits, v.index()));
        let (class, memory) = self.machines[worker];
        let kind = resident.filter(|_| !timeline.is_remote()).map(|resident| {
            let next = self.kinds.len();
            *self.kinds.entry((class, memory, timeline.lanes(), resident)).or_insert(next)
        });
        let all = if timeline.is_plain() { timeline.all_free_at() } else { Time::MAX };
        Standing { kind, first: timeline.free_at(), all }
    }

    fn list(&mut self) {
        self.earliest.clear();
        self.earliest.resize(self.kinds.len(), Time::MAX);
        self.workers.clear();
        for (worker, Standing { kind, first, all }) in (0..).map(WorkerId).zip(&self.standings) {
            if let Some(kind) = kind {
                let earliest = &mut self.earliest[*kind];
                if *earliest <= *first {
                    continue;
                }
                *earliest = (*earliest).min(*all);
            }
            self.workers.push(worker);
        }
    }
}
