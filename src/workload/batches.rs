//! Batch arrivals: at the instants of a Poisson process of rate / `size`, a geometric number of
//! requests with this mean. Their counts have the index of dispersion 2 · `size` − 1.

use super::timed::poisson_gap;
use super::{ArrivalEntry, Process};
use crate::config::Setting;
use crate::core::rng::exponential;
use crate::core::units::{NS_PER_S, Time};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

pub(super) const ENTRY: ArrivalEntry = ArrivalEntry {
    name: "batches",
    summary: "a geometric number of requests, `size` on average, at Poisson instants",
    settings: &[&[
        Setting::number("size", [1.0, 1e6], 4.0).means("The mean number of requests of a batch.")
    ]],
    source: "compound Poisson process",
    read: |fields| {
        let size = fields.number("size");
        Process::timed(move |rate_rps, _| {
            let gap_ns = NS_PER_S as f64 * size / rate_rps;
            // P(N > n) = (1 − 1/size)^n; a size of 1 divides by infinity.
            let decay = -libm::log1p(-1.0 / size);
            let (mut now, mut left) = (Time::ZERO, 0);
            move |rng: &mut ChaCha8Rng| {
                if left == 0 {
                    now += poisson_gap(gap_ns, rng);
                    left = 1 + (exponential(rng.random()) / decay) as u64;
                }
                left -= 1;
                now
            }
        })
    },
};
