//! Poisson arrivals: exponential gaps with mean 1 / rate.

use super::timed::{InterarrivalProcess, in_turn, poisson_gap};
use super::trace_rows::RequestSampler;
use super::{ArrivalEntry, Process};
use crate::core::ids::Arrival;
use crate::core::log::exponentials;
use crate::core::units::{NS_PER_S, Span, Time};
use rand_chacha::ChaCha8Rng;

pub(super) const ENTRY: ArrivalEntry = ArrivalEntry {
    name: "poisson",
    summary: "exponential gaps",
    settings: &[],
    source: "memoryless arrivals, the customary null model",
    read: |_| {
        Process::timed(|rate_rps, _| {
            let mean_ns = NS_PER_S as f64 / rate_rps;
            Poisson { now: Time::ZERO, mean_ns, units: Vec::new() }
        })
    },
};

struct Poisson {
    now: Time,
    mean_ns: f64,
    /// Of a block of gaps, the numbers in [0, 1) that they are drawn from; then gaps of mean 1.
    units: Vec<f64>,
}

impl InterarrivalProcess for Poisson {
    fn next_time(&mut self, rng: &mut ChaCha8Rng) -> Time {
        self.now += poisson_gap(self.mean_ns, rng);
        self.now
    }

    fn arrivals(&mut self, count: usize, requests: &mut RequestSampler, into: &mut Vec<Arrival>) {
        let first = into.len();
        self.units.clear();
        if !requests.draw_block(count, &mut self.units, into) {
            in_turn(self, count, requests, into);
            return;
        }
        exponentials(&mut self.units);
        for (arrival, gap) in into[first..].iter_mut().zip(&self.units) {
            self.now += Span::from_ns(gap * self.mean_ns);
            arrival.time = self.now;
        }
    }
}
