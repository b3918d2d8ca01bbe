//! Periodic arrivals, as the frames of a camera: one every 1 / rate, from a phase drawn within the
//! first period. Each is moved by up to `jitter` of a period to either side; half a period keeps
//! them in order.

use super::{ArrivalEntry, Process};
use crate::config::Setting;
use crate::core::units::{NS_PER_S, Span, Time};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

pub(super) const ENTRY: ArrivalEntry = ArrivalEntry {
    name: "periodic",
    summary: "one request a period from a random phase, with jitter as a share of the period",
    settings: &[&[Setting::number("jitter", [0.0, 0.5], 0.0).means(
        "By how much an arrival is moved to either side at most, as a share of the period.",
    )]],
    source: "camera frames",
    read: |fields| {
        let jitter = fields.number("jitter");
        Process::timed(move |rate_rps, rng| {
            let period_ns = NS_PER_S as f64 / rate_rps;
            // In periods.
            let phase: f64 = rng.random();
            let mut count = 0u64;
            move |rng: &mut ChaCha8Rng| {
                // From -jitter to jitter, after a shift by jitter.
                let moved = 2.0 * jitter * rng.random::<f64>();
                let periods = count as f64 + phase + moved;
                count += 1;
                Time::ZERO + Span::from_ns(periods * period_ns)
            }
        })
    },
};
