//! Periodic arrivals, as the frames of a camera: one every 1 / rate, from a phase drawn within the
//! first period. Each is moved by up to `jitter` of a period to either side; half a period keeps
//! them in order.

use super::timed::InterarrivalProcess;
use super::{ArrivalEntry, Process};
use crate::config::Setting;
use crate::core::units::{NS_PER_S, Span, Time};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::sync::Arc;

pub(super) const ENTRY: ArrivalEntry = ArrivalEntry {
    name: "periodic",
    summary: "one request a period from a random phase, with jitter as a share of the period",
    settings: &[&[Setting::number(
        "jitter",
        [0.0, 0.5],
        0.0,
        "By how much an arrival is moved to either side at most, as a share of the period.",
    )]],
    source: "camera frames",
    read: |fields| {
        let jitter = fields.number("jitter");
        Process::Timed(Arc::new(move |rate_rps, rng| {
            let period_ns = NS_PER_S as f64 / rate_rps;
            Box::new(Periodic { period_ns, jitter, phase: rng.random(), count: 0 })
        }))
    },
};

struct Periodic {
    period_ns: f64,
    jitter: f64,
    /// In periods.
    phase: f64,
    count: u64,
}

impl InterarrivalProcess for Periodic {
    fn next_time(&mut self, rng: &mut ChaCha8Rng) -> Time {
        // Twice the jitter of a unit draw is a move from -jitter to jitter, after one by jitter.
        let moved = 2.0 * self.jitter * rng.random::<f64>();
        let periods = self.count as f64 + self.phase + moved;
        self.count += 1;
        Time::ZERO + Span::from_ns(periods * self.period_ns)
    }
}
