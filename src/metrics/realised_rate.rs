//! The rate at which requests of a run arrived, whatever was asked for: (n − 1) / (last − first)
//! over all its arrivals, a warm-up included.

use super::column::Cell;
use crate::core::units::{Time, rate_rps};

/// How many arrived, and when the first and the last of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct RealisedRate {
    count: u64,
    first: Time,
    last: Time,
}

impl Default for RealisedRate {
    fn default() -> Self {
        Self { count: 0, first: Time::MAX, last: Time::ZERO }
    }
}

impl RealisedRate {
    /// Takes note of an arrival, never earlier than the one before.
    #[inline]
    pub(super) fn push(&mut self, at: Time) {
        self.count += 1;
        self.first = self.first.min(at);
        self.last = at;
    }

    /// Requests per second; empty for fewer than two, or if all arrived at once.
    pub(super) fn rate(&self) -> Cell {
        rate_rps(self.count, self.last.since(self.first)).map_or(Cell::Empty, Cell::Number)
    }
}
