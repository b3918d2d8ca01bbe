//! The warm-up of a run, which does not count: a fixed number of requests, or found by MSER-5.
//!
//! Every request that arrived after the warm-up counts, whenever and however it ends.
//! `measured_events.rs` says what else counts.

use crate::contract::{Event, Observer};
use crate::core::ids::Request;
use crate::core::units::Time;
use crate::stats::{Truncation, mser};

/// Where the part of a run that counts begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MeasurementWindow {
    /// How many arrivals at the beginning do not count.
    pub(super) skip: u32,
    /// By which rule, for the column `warmup_rule`.
    pub(super) rule: &'static str,
}

impl MeasurementWindow {
    /// The whole run.
    pub fn whole() -> Self {
        Self { skip: 0, rule: "none" }
    }

    /// Without this many arrivals at the beginning.
    pub fn after(requests: u32) -> Self {
        Self { skip: requests, rule: "fixed" }
    }
}

/// Requests in a mean of [`mser`].
const BATCH: u64 = 5;
/// The most means that are kept. A longer run has means of 10 requests, or 20, and so on: pairs of
/// means become one.
const MOST: usize = 1 << 14;

/// Times in the system of a run, for [`mser`]: from arrival until answered, refused or given up,
/// in the order of arrivals. Sums are integers, so the order of ends does not matter. Bounded
/// memory, 256 KiB.
#[derive(Clone, Debug)]
pub struct Transient {
    sums: Vec<u128>,
    batch: u64,
    arrived: u64,
}

impl Default for Transient {
    fn default() -> Self {
        Self { sums: Vec::new(), batch: BATCH, arrived: 0 }
    }
}

impl Transient {
    fn end(&mut self, request: &Request, at: Time) {
        let mut place = (u64::from(request.id.number()) / self.batch) as usize;
        while place >= MOST {
            self.sums = self.sums.chunks(2).map(|pair| pair.iter().sum()).collect();
            self.batch *= 2;
            place /= 2;
        }
        if place >= self.sums.len() {
            self.sums.resize(place + 1, 0);
        }
        self.sums[place] += u128::from(at.since(request.arrival).0);
    }

    /// The run without its transient. A transient longer than half of the run is cut at the half,
    /// and the rule is then `not-converged`.
    pub fn window(&self) -> MeasurementWindow {
        let whole = ((self.arrived / self.batch) as usize).min(self.sums.len());
        let means: Vec<f64> =
            self.sums[..whole].iter().map(|sum| *sum as f64 / self.batch as f64).collect();
        let Truncation { means, beyond_half } = mser(&means);
        let skip = (means as u64 * self.batch) as u32;
        let rule = if beyond_half { "not-converged" } else { "mser-5" };
        MeasurementWindow { skip, rule }
    }
}

impl Observer for Transient {
    fn on(&mut self, event: Event<'_>) {
        match event {
            Event::Arrived { .. } => self.arrived += 1,
            Event::Completed(completion) => self.end(completion.request, completion.finished),
            Event::Rejected { at, request, .. } | Event::Unfinished { at, request } => {
                self.end(request, at);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::ids::{AppId, RequestId};
    use crate::core::units::Span;

    /// Request `number` arrives at `number` ms.
    fn request(number: u64) -> Request {
        let arrival = Time::ZERO + Span::from_ms(number as f64);
        let id = RequestId::new(number as u32, 0);
        Request { id, app: AppId(0), source: None, arrival, deadline: arrival }
    }

    /// A run of `count` requests, of which the first `long` take 9 ms and the others 1, told in
    /// any order of ends.
    fn transient(count: u64, long: u64, order: impl Fn(u64) -> u64) -> Transient {
        let mut told = Transient::default();
        for number in 0..count {
            told.on(Event::Arrived { request: &request(number) });
        }
        for number in (0..count).map(order) {
            let request = request(number);
            let span = Span::from_ms(if number < long { 9.0 } else { 1.0 });
            told.on(Event::Unfinished { at: request.arrival + span, request: &request });
        }
        told
    }

    #[test]
    fn a_step_is_cut_where_it_is() {
        let cut = |count, long| transient(count, long, |number| number).window();
        let expected = MeasurementWindow { skip: 100, rule: "mser-5" };
        assert_eq!(cut(1_000, 100), expected);
        // Means are whole: a step within one is cut behind it.
        assert_eq!(cut(1_003, 98), expected);
        assert_eq!(cut(1_000, 0).skip, 0);
        assert_eq!(cut(1_000, 700), MeasurementWindow { skip: 500, rule: "not-converged" });
    }

    #[test]
    fn long_runs_collapse_whatever_the_order() {
        let count = 5 * MOST as u64 * 3;
        let forth = transient(count, 40_960, |number| number);
        let back = transient(count, 40_960, |number| count - 1 - number);
        assert_eq!((forth.batch, forth.sums.len()), (20, MOST * 3 / 4));
        assert_eq!((forth.sums.clone(), forth.batch), (back.sums, back.batch));
        assert_eq!(forth.window().skip, 40_960);
    }
}
