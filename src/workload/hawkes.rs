//! Hawkes arrivals excite each other: intensity μ + Σ n β e^(−β (t − tᵢ)) over the arrivals before,
//! of which each has n others in the end; μ = (1 − n) · rate. Counts tend to the index of
//! dispersion 1 / (1 − n)² (Hawkes 1971). Drawn by thinning (Ogata 1981): between arrivals the
//! intensity only falls.

use super::timed::{InterarrivalProcess, poisson_gap};
use super::{ArrivalEntry, Process};
use crate::config::Setting;
use crate::core::units::{NS_PER_MS, NS_PER_S, Time};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::sync::Arc;

pub(super) const ENTRY: ArrivalEntry = ArrivalEntry {
    name: "hawkes",
    summary: "arrivals that bring on `branching` others each, over `decay_ms`",
    settings: &[&[
        Setting::number("branching", [0.0, 0.99], 0.5)
            .means("The mean number of arrivals that an arrival causes directly."),
        Setting::number("decay_ms", [1e-3, 1e12], 100.0)
            .means("The mean time from an arrival to one that it causes."),
    ]],
    source: "self-exciting process (Hawkes, Biometrika 1971)",
    read: |fields| {
        let branching = fields.number("branching");
        let decay_ns = fields.number("decay_ms") * NS_PER_MS as f64;
        Process::Timed(Arc::new(move |rate_rps, _| {
            let base = rate_rps / NS_PER_S as f64 * (1.0 - branching);
            let jump = branching / decay_ns;
            Box::new(Hawkes { now: Time::ZERO, base, jump, decay_ns, excited: 0.0 })
        }))
    },
};

/// Intensities per nanosecond.
struct Hawkes {
    now: Time,
    base: f64,
    jump: f64,
    decay_ns: f64,
    excited: f64,
}

impl InterarrivalProcess for Hawkes {
    fn next_time(&mut self, rng: &mut ChaCha8Rng) -> Time {
        loop {
            let highest = self.base + self.excited;
            let gap = poisson_gap(1.0 / highest, rng);
            self.now += gap;
            self.excited *= libm::exp(-(gap.0 as f64) / self.decay_ns);
            if rng.random::<f64>() * highest < self.base + self.excited {
                self.excited += self.jump;
                return self.now;
            }
        }
    }
}
