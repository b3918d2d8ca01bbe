//! Stalls, slowdowns and failures of workers, and wrong beliefs of schedulers.

use crate::config::{Decoder, Group, Kind, Problem, Setting, decode};
use crate::core::units::{Span, Time};
use crate::system::faults::{BeliefError, Outage, Slowdown, Stalls};

/// The largest factor of a service time.
const MAX_FACTOR: f64 = 1e6;

/// `stalls`
pub(super) const STALLS: Group = Group::named("stalls").of(&[&[
    Setting::number("probability", [0.0, 1.0], 0.01).means("The share of batches that stall."),
    Setting::number("factor", [1.0, MAX_FACTOR], 10.0)
        .means("How many times as long a stalled batch takes."),
]]);

/// `belief_error`
pub(super) const BELIEF_ERROR: Group = Group::named("belief_error").of(&[&[
    Setting::number("latency", [0.0, 0.99], 0.0).means(
        "Schedulers see latencies times 1 + ε, with ε drawn evenly within plus or minus this, by \
         variant and replicate.",
    ),
    Setting::number("accuracy", [0.0, 1.0], 0.0)
        .means("The same for accuracies and recalls, which are cut at 1."),
]]);

/// `slowdown` of a worker.
pub(super) const SLOWDOWN: Group = Group::named("slowdown").of(&[&[
    Setting::number("at_s", [0.0, 1e9], 0.0).means("When the worker becomes slower."),
    Setting::required("factor", Kind::Number(1.0, MAX_FACTOR))
        .means("How many times as long its batches take from then on."),
]]);

/// An item of `failures` of a worker.
pub(super) const FAILURE: Group = Group::named("failure").of(&[&[
    Setting::required("at_s", Kind::Number(0.0, 1e9)).means("When the worker fails."),
    Setting::required("for_s", Kind::Number(1e-9, 1e9))
        .means("How long it is gone; it comes back with an empty memory."),
]]);

/// `stalls = { probability = 0.01, factor = 10 }`
pub(super) fn read_stalls(read: &mut Decoder<'_>) -> Stalls {
    let Some(node) = read.take("stalls") else { return Stalls::NONE };
    let mut stalls = Decoder::new(node, &STALLS, read.problems());
    let probability = stalls.number("probability");
    let factor = stalls.number("factor");
    stalls.finish();
    Stalls { probability, factor }
}

/// `belief_error = { latency = 0.2, accuracy = 0.05 }`
pub(super) fn read_belief_error(read: &mut Decoder<'_>) -> BeliefError {
    let Some(node) = read.take("belief_error") else { return BeliefError::default() };
    let mut error = Decoder::new(node, &BELIEF_ERROR, read.problems());
    let latency = error.number("latency");
    let accuracy = error.number("accuracy");
    error.finish();
    BeliefError { latency, accuracy }
}

/// `slowdown = { at_s = 60, factor = 1.5 }`
pub(super) fn read_slowdown(worker: &mut Decoder<'_>) -> Option<Slowdown> {
    let node = worker.take("slowdown")?;
    let mut slowdown = Decoder::new(node, &SLOWDOWN, worker.problems());
    let from = Time::ZERO + Span::from_s(slowdown.number("at_s"));
    let expected = "how many times as long batches take from then on";
    let factor = slowdown.required_number("factor", expected);
    slowdown.finish();
    factor.map(|factor| Slowdown { from, factor })
}

/// `failures = [{ at_s = 10, for_s = 5 }]`, in order and apart.
pub(super) fn read_outages(worker: &mut Decoder<'_>) -> Vec<Outage> {
    let Some(node) = worker.take("failures") else { return Vec::new() };
    let mut outages: Vec<Outage> = Vec::new();
    for item in decode::array(node, worker.problems()) {
        let mut read = Decoder::new(item, &FAILURE, worker.problems());
        let at = read.required_number("at_s", "when the worker fails, in seconds");
        let span = read.required_number("for_s", "how long it is gone, in seconds");
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
