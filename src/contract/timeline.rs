//! Lookahead on one worker: the expected end of batches appended to its backlog.

use crate::core::ids::{VariantId, WorkerId};
use crate::core::units::{Span, Time};
use crate::system::link::at_rate;
use crate::system::lru_memory::LruMemory;

/// The expected state of a worker at the end of its backlog: free times of lanes, memory content.
///
/// A planner takes it from [`View::backlog_end`](super::View::backlog_end) and appends batches with
/// [`View::estimate_append`](super::View::estimate_append): the timeline of the engine if service
/// times are those of the tables.
#[derive(Clone, Debug, Default)]
pub struct Timeline {
    pub(super) worker: Option<WorkerId>,
    pub(super) lanes: Vec<Lane>,
    pub(super) memory: LruMemory,
    pub(super) link: Option<LinkState>,
    /// The end of the host's work before batches; `None` if there is none.
    pub(super) prepared: Option<Time>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Lane {
    /// The end of its last batch.
    pub free: Time,
    /// The variant of its last batch.
    pub variant: Option<VariantId>,
}

/// The expected state of the link to a worker.
#[derive(Clone, Copy, Debug)]
pub(super) struct LinkState {
    /// The end of the uplink's queue.
    pub sent: Time,
    /// Current bits per second; `None` if sending takes no time.
    pub rate_bps: Option<u64>,
    /// Propagation delay: half a round trip.
    pub delay: Span,
}

impl LinkState {
    /// The end of sending and the arrival of this many bytes, if they are sent next.
    #[inline]
    pub fn send(self, bytes: u64) -> (Time, Time) {
        let sent = self.sent + at_rate(self.rate_bps, bytes);
        (sent, sent + self.delay)
    }
}

impl Timeline {
    /// Whether the worker is behind a link.
    pub fn is_remote(&self) -> bool {
        self.link.is_some()
    }

    /// Whether a batch appended now would begin, or be sent, at `now`.
    pub fn is_open(&self, now: Time) -> bool {
        let way = self.prepared.or(self.link.map(|link| link.sent));
        way.unwrap_or_else(|| self.free_at()) <= now
    }

    /// The instant at which the first lane is free.
    pub fn free_at(&self) -> Time {
        self.lanes.iter().map(|lane| lane.free).min().unwrap_or(Time::ZERO)
    }

    /// The instant at which all lanes are free.
    pub fn all_free_at(&self) -> Time {
        self.lanes.iter().map(|lane| lane.free).max().unwrap_or(Time::ZERO)
    }

    /// Whether later ends do not depend on which batches its lanes have had, only on when they are
    /// free: variants in use delay the loads of others.
    pub fn is_plain(&self) -> bool {
        self.lanes.len() == 1 || self.lanes.iter().all(|lane| lane.variant.is_none())
    }

    /// The end of all batches of variants that have to leave the memory before this many bytes fit.
    pub(super) fn evictable_at(&self, bytes: u64) -> Time {
        let weights = |variant| self.memory.weights(variant);
        let victims = self.memory.victims(bytes).map(weights);
        let lanes = victims.flat_map(|victim| {
            self.lanes.iter().filter(move |lane| lane.variant.map(weights) == Some(victim))
        });
        lanes.map(|lane| lane.free).max().unwrap_or(Time::ZERO)
    }

    /// Delays all later batches to an instant.
    #[inline]
    pub(super) fn occupy_until(&mut self, until: Time) {
        self.lanes.iter_mut().for_each(|lane| lane.free = lane.free.max(until));
    }

    /// The number of batches that can run at once.
    pub fn lanes(&self) -> usize {
        self.lanes.len()
    }

    /// The content of the memory.
    pub fn memory(&self) -> &LruMemory {
        &self.memory
    }

    /// Removes a variant from the memory, as [`Plan::evict`](super::Plan::evict) does.
    pub fn evict(&mut self, variant: VariantId) {
        self.memory.evict(variant);
    }

    /// Makes this a copy of `other` without allocation.
    pub fn copy_from(&mut self, other: &Self) {
        self.worker = other.worker;
        self.lanes.clone_from(&other.lanes);
        self.memory.copy_from(&other.memory);
        self.link = other.link;
        self.prepared = other.prepared;
    }
}
