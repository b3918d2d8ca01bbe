//! Hawkes arrivals excite each other: intensity μ + Σ n β e^(−β (t − tᵢ)) over the arrivals before,
//! of which each has n others in the end; μ = (1 − n) · rate. Counts tend to the index of
//! dispersion 1 / (1 − n)² (Hawkes 1971). Drawn by thinning (Ogata 1981): between arrivals the
//! intensity only falls.

use super::timed::poisson_gap;
use super::{ArrivalEntry, Process};
use crate::config::Setting;
use crate::core::units::{NS_PER_MS, NS_PER_S, Time};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

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
        Process::timed(move |rate_rps, _| {
            // Intensities per nanosecond.
            let base = rate_rps / NS_PER_S as f64 * (1.0 - branching);
            let (jump, mut excited) = (branching / decay_ns, 0.0);
            let mut now = Time::ZERO;
            move |rng: &mut ChaCha8Rng| loop {
                let highest = base + excited;
                let gap = poisson_gap(1.0 / highest, rng);
                now += gap;
                excited *= libm::exp(-(gap.0 as f64) / decay_ns);
                if rng.random::<f64>() * highest < base + excited {
                    excited += jump;
                    return now;
                }
            }
        })
    },
};
