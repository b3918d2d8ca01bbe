//! Stalls, slow and failing workers, and wrong beliefs, as experiments write them.

use crate::config::{Decoder, Problem, decode};
use crate::core::units::{Span, Time};
use crate::system::faults::{BeliefError, Outage, Slowdown, Stalls};

/// More times as long than this, nothing takes.
const MAX_FACTOR: f64 = 1e6;

/// `stalls = { probability = 0.01, factor = 10 }`
pub(super) fn read_stalls(read: &mut Decoder<'_>) -> Stalls {
    let Some(node) = read.take("stalls") else { return Stalls::NONE };
    let mut stalls = Decoder::new(node, read.problems());
    let probability = stalls.number("probability", 0.0..=1.0, 0.01);
    let factor = stalls.number("factor", 1.0..=MAX_FACTOR, 10.0);
    stalls.finish();
    Stalls { probability, factor }
}

/// `belief_error = { latency = 0.2, accuracy = 0.05 }`
pub(super) fn read_belief_error(read: &mut Decoder<'_>) -> BeliefError {
    let Some(node) = read.take("belief_error") else { return BeliefError::default() };
    let mut error = Decoder::new(node, read.problems());
    let latency = error.number("latency", 0.0..=0.99, 0.0);
    let accuracy = error.number("accuracy", 0.0..=1.0, 0.0);
    error.finish();
    BeliefError { latency, accuracy }
}

/// `slowdown = { at_s = 60, factor = 1.5 }`
pub(super) fn read_slowdown(worker: &mut Decoder<'_>) -> Option<Slowdown> {
    let node = worker.take("slowdown")?;
    let mut slowdown = Decoder::new(node, worker.problems());
    let from = Time::ZERO + Span::from_s(slowdown.number("at_s", 0.0..=1e9, 0.0));
    let factor = slowdown.require("factor", "how many times as long batches take from then on");
    let factor = factor.and_then(|n| decode::number(n, &(1.0..=MAX_FACTOR), slowdown.problems()));
    slowdown.finish();
    factor.map(|factor| Slowdown { from, factor })
}

/// `failures = [{ at_s = 10, for_s = 5 }]`, in order and apart.
pub(super) fn read_outages(worker: &mut Decoder<'_>) -> Vec<Outage> {
    let Some(node) = worker.take("failures") else { return Vec::new() };
    let mut outages: Vec<Outage> = Vec::new();
    for item in decode::array(node, worker.problems()) {
        let mut read = Decoder::new(item, worker.problems());
        let mut second = |key: &'static str, least: f64, what| {
            let node = read.require(key, what)?;
            decode::number(node, &(least..=1e9), read.problems())
        };
        let at = second("at_s", 0.0, "when the worker fails, in seconds");
        let span = second("for_s", 1e-9, "how long it is gone, in seconds");
        read.finish();
        let (Some(at), Some(span)) = (at, span) else { continue };
        let (from, span) = (Time::ZERO + Span::from_s(at), Span::from_s(span));
        if outages.last().is_some_and(|last| last.from + last.span > from) {
            let expected = "failures in order, each after the worker is back";
            let place = item.place.clone();
            worker.problems().push(Problem::new(place, item.canonical(), expected));
        }
        outages.push(Outage { from, span });
    }
    if outages.len() > usize::from(u16::MAX) {
        let found = format!("{} failures", outages.len());
        worker.problems().push(Problem::new(node.place.clone(), found, "65535 at most"));
    }
    outages
}
