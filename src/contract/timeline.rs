//! Looking ahead on one worker: when a batch appended to a sequence would end.

use crate::core::ids::{VariantId, WorkerId};
use crate::core::units::{Span, Time};
use crate::system::link::at_rate;
use crate::system::lru_memory::LruMemory;

/// The expected end of what a worker has been given: when its lanes are free, and what is in its
/// memory then.
///
/// A planner takes it from [`View::backlog_end`](super::View::backlog_end), appends imagined
/// batches with [`View::estimate_append`](super::View::estimate_append), and meets the timeline
/// that the engine will realise if service takes as long as the tables say.
#[derive(Clone, Debug, Default)]
pub struct Timeline {
    pub(super) worker: Option<WorkerId>,
    pub(super) lanes: Vec<Lane>,
    pub(super) memory: LruMemory,
    pub(super) way: Option<LinkState>,
}

/// One lane of a worker.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lane {
    /// When it is free.
    pub free: Time,
    /// What its last batch runs with.
    pub variant: Option<VariantId>,
}

/// What lies between here and a worker behind a link, as far as it can be foreseen.
#[derive(Clone, Copy, Debug)]
pub(super) struct LinkState {
    /// When everything sent so far will have been sent.
    pub sent: Time,
    /// Bits per second of the moment; `None` if sending takes no time.
    pub rate_bps: Option<u64>,
    /// Half a round trip.
    pub delay: Span,
}

impl LinkState {
    /// When this many bytes would be sent and would arrive if they were sent next.
    #[inline]
    pub fn send(self, bytes: u64) -> (Time, Time) {
        let sent = self.sent + at_rate(self.rate_bps, bytes);
        (sent, sent + self.delay)
    }
}

impl Timeline {
    /// Whether batches travel to the worker and answers back.
    pub fn is_remote(&self) -> bool {
        self.way.is_some()
    }

    /// Whether a batch appended now would begin, or be sent, at `now`.
    pub fn is_open(&self, now: Time) -> bool {
        self.way.map_or_else(|| self.free_at(), |way| way.sent) <= now
    }

    /// When the first lane is free.
    pub fn free_at(&self) -> Time {
        self.lanes.iter().map(|lane| lane.free).min().unwrap_or(Time::ZERO)
    }

    /// When all lanes are free.
    pub fn all_free_at(&self) -> Time {
        self.lanes.iter().map(|lane| lane.free).max().unwrap_or(Time::ZERO)
    }

    /// When no batch needs what has to leave the memory before this many bytes fit.
    pub(super) fn room_at(&self, bytes: u64) -> Time {
        let ends = |victim| {
            let with = move |lane: &&Lane| lane.variant == Some(victim);
            self.lanes.iter().filter(with).map(|lane| lane.free)
        };
        self.memory.victims(bytes).flat_map(ends).max().unwrap_or(Time::ZERO)
    }

    /// Lets nothing begin before an instant.
    #[inline]
    pub(super) fn occupy_until(&mut self, until: Time) {
        self.lanes.iter_mut().for_each(|lane| lane.free = lane.free.max(until));
    }

    /// How many batches can run at once.
    pub fn lanes(&self) -> usize {
        self.lanes.len()
    }

    /// What is in memory.
    pub fn memory(&self) -> &LruMemory {
        &self.memory
    }

    /// Makes this a copy of `other` without allocation.
    pub fn copy_from(&mut self, other: &Self) {
        self.worker = other.worker;
        self.lanes.clone_from(&other.lanes);
        self.memory.copy_from(&other.memory);
        self.way = other.way;
    }
}
