//! Recorded arrivals: every source of a trace is replayed on its own clock, from a start offset
//! drawn per source and replicate, and wraps round at its end, where it waits its mean gap. Order
//! and gaps within a source, and so its drift of classes, are as recorded. A source of n rows has
//! the rate (n − 1) / (last − first), an application that of its sources together. How the sources
//! of an application come to its share of the rate is `replay`:
//!
//! - `scaled`: time is stretched, which keeps the shape of bursts; as recorded without a rate. The
//!   stretch is that of the run: its n requests have the rate, (n − 1) / (last − first).
//! - `exact`: the stamps themselves, to the end of the recording. The clock of each application
//!   begins at the first of its rows that arrive; `keep_offset` keeps the time before it. With
//!   `resample_s`, blocks of that (`resampled.rs`); without, all replicates are the same.
//! - `thinned`: each request is left out with the same probability, which makes bursts milder.
//! - `superposed`: `copies` of each source (by default as many as the rate takes) from offsets of
//!   their own, the excess thinned; this makes bursts milder, too.
//! - `refitted`: not the requests but their rate and the coefficient of variation of their gaps,
//!   interval by interval (`refitted.rs`).

use super::refit::{self, REFIT};
use super::resampled::{self, RESAMPLE, Resampled};
use super::sources::{Source, recorded};
use super::steps::{self, Steps};
use super::{ArrivalEntry, Arrivals, KEEP_OFFSET, MAX_TRACE_S, Process, WorkloadSpec};
use crate::config::settings::names;
use crate::config::{Decoder, Kind, Problem, Setting};
use crate::core::ids::{Arrival, TrueClass};
use crate::core::rng::{Label, Rng};
use crate::core::units::{Time, rate_rps};
use crate::system::ground_truth::GroundTruth;
use crate::traces::recorded::RecordedTrace;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

pub(super) const ENTRY: ArrivalEntry = ArrivalEntry {
    name: "recorded",
    summary: "sources in recorded order from drawn offsets, superposed; at a rate by `replay`",
    settings: &[REPLAY, KEEP_OFFSET, REFIT, RESAMPLE],
    source: "trace replay with time scaling; refit as in AlpaServe (Li et al., OSDI 2023)",
    read,
};

/// An application has no more sources than this, copies included: each takes memory.
const MAX_SOURCES: u64 = 1_000_000;

/// How recorded sources come to a rate.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Replay {
    Scaled,
    /// With the time before the first row, if that was said.
    Exact(bool),
    Thinned,
    /// With this number of copies, if it was given.
    Superposed(Option<u64>),
}

/// `None` is refitted, which is a process of its own.
const REPLAYS: [(&str, Option<Replay>); 5] = [
    ("scaled", Some(Replay::Scaled)),
    ("exact", Some(Replay::Exact(false))),
    ("thinned", Some(Replay::Thinned)),
    ("superposed", Some(Replay::Superposed(None))),
    ("refitted", None),
];

const REPLAY: &[Setting] = &[
    Setting::choice("replay", &names(&REPLAYS)).means(
        "How the recording comes to the rate: its time is scaled, it is played as it is, requests \
         are left out at random, copies from other offsets are superposed, or it is replaced by \
         gamma gaps with its rate and variation by interval.",
    ),
    Setting::optional("copies", Kind::Integer(1, 10_000), "as many as the rate asks for")
        .means("The number of copies of every source, for `replay = \"superposed\"`."),
];

fn read(read: &mut Decoder<'_>) -> Process {
    let Some(mut replay) = read.choice("replay", &REPLAYS) else { return refit::read(read) };
    match &mut replay {
        Replay::Exact(keep_offset) => *keep_offset = read.flag("keep_offset"),
        Replay::Superposed(copies) => *copies = read.optional_integer("copies"),
        _ => {}
    }
    let block = if matches!(replay, Replay::Exact(_)) { resampled::read(read) } else { None };
    Process::Whole(Arc::new(move |plan, truth, rng| {
        let mut recorded = Recorded::new(replay, plan, truth, rng)?;
        let Some(block) = block else { return Ok(Box::new(recorded)) };
        // Of the whole recording, however few requests a run has.
        recorded.left = u64::MAX;
        Ok(Box::new(Resampled::new(recorded, block, plan, truth, rng)?))
    }))
}

#[derive(Clone)]
struct Recorded {
    left: u64,
    /// Whether stamps are kept as they are and nothing comes again.
    exact: bool,
    /// The rate to which the time of the run is still to be stretched.
    stretch_rps: Option<f64>,
    sources: Vec<Source>,
    /// The next request of each source: (time, source); empty before the first.
    heads: BinaryHeap<Reverse<(Time, usize)>>,
    truth: Arc<GroundTruth>,
    budgets: ChaCha8Rng,
    thinning: ChaCha8Rng,
}

impl Recorded {
    fn new(
        replay: Replay,
        plan: &WorkloadSpec,
        truth: &Arc<GroundTruth>,
        rng: Rng,
    ) -> Result<Self, Problem> {
        let mut offsets = rng.stream(Label::Offsets);
        let mut sources = Vec::new();
        let asked_rps = plan.rate_rps(truth.catalog())?;
        check(replay, plan, asked_rps)?;
        for app in truth.catalog().app_ids() {
            let share = plan.mix[app.index()];
            let rate = asked_rps.map(|rate| rate * share);
            if share > 0.0 {
                let (trace, own) = recorded(plan, truth, app)?;
                sources.extend(replay.paced(own, (trace, plan), rate, &mut offsets)?);
            }
        }
        let rate_rps: f64 = sources.iter().map(|source| source.rate_rps() * source.keep).sum();
        let seconds = plan.requests as f64 / rate_rps;
        if seconds > MAX_TRACE_S {
            let found = format!("recorded arrivals over {seconds:.1e} s");
            let expected = format!("{MAX_TRACE_S:e} s at most: fewer `requests`, or a `rate_rps`");
            return Err(Problem::new(plan.place.clone(), found, expected));
        }
        let before: f64 = sources.iter().map(Source::rate_rps).sum();
        let (count, what) = (seconds * before, "recorded requests, of which thinning leaves some,");
        let fewer = "`replay = \"scaled\"`, or fewer `copies`";
        steps::check(plan, rate_rps, [Steps { count, what, by_rate: true, fewer }])?;
        Ok(Self {
            left: plan.requests,
            exact: matches!(replay, Replay::Exact(_)),
            stretch_rps: asked_rps.filter(|_| replay == Replay::Scaled),
            heads: BinaryHeap::with_capacity(sources.len()),
            sources,
            truth: Arc::clone(truth),
            budgets: rng.stream(Label::Budgets),
            thinning: rng.stream(Label::Thinning),
        })
    }

    /// Puts the first request of every source into the heap, once.
    fn begin(&mut self) {
        if !self.heads.is_empty() {
            return;
        }
        if let Some(asked_rps) = self.stretch_rps.take() {
            let realised = self.clone().run_rps();
            let factor = realised.map_or(1.0, |realised| realised / asked_rps);
            self.sources.iter_mut().for_each(|source| source.scale *= factor);
        }
        for at in 0..self.sources.len() {
            self.queue(at);
        }
    }

    /// The rate of all requests that are left.
    fn run_rps(mut self) -> Option<f64> {
        self.begin();
        let (count, first) = (self.left, self.heads.peek()?.0.0);
        let mut last = first;
        for _ in 0..count {
            last = self.pop()?.0;
        }
        rate_rps(count, last.since(first))
    }

    /// The next request of any source, kept or not: its time, source and row.
    fn pop(&mut self) -> Option<(Time, usize, u32)> {
        let Reverse((time, at)) = self.heads.pop()?;
        let source = &mut self.sources[at];
        let row = source.rows[source.next];
        source.next += 1;
        self.queue(at);
        Some((time, at, row))
    }

    /// Puts the next request of a source into the heap.
    fn queue(&mut self, at: usize) {
        let source = &mut self.sources[at];
        if source.next == source.rows.len() {
            if self.exact {
                return;
            }
            source.next = 0;
            source.cycle += 1;
        }
        let Some(trace) = self.truth.trace(source.app) else { return };
        let row = source.rows[source.next];
        let time = if self.exact {
            trace.offset_ns[row as usize] - source.phase_ns
        } else {
            // Many cycles of a long recording exceed 64 bits before time is scaled.
            let clock = u128::from(source.cycle) * u128::from(source.period_ns)
                + u128::from(source.since_first(trace, row))
                - u128::from(source.phase_ns);
            (clock as f64 * source.scale).round() as u64
        };
        let time = Time(time);
        self.heads.push(Reverse((time, at)));
    }
}

impl Arrivals for Recorded {
    fn next_arrival(&mut self) -> Option<Arrival> {
        self.begin();
        self.left = self.left.checked_sub(1)?;
        loop {
            let (time, at, row) = self.pop()?;
            let Source { app, keep, .. } = self.sources[at];
            if keep < 1.0 && self.thinning.random::<f64>() >= keep {
                continue;
            }
            let class = self.truth.trace(app)?.class[row as usize];
            let budget = self.truth.catalog().app(app).budget.draw(&mut self.budgets);
            let truth = TrueClass { class, row };
            return Some(Arrival { time, app, client: 0, budget, truth });
        }
    }
}

/// Recorded order has its classes, and exact stamps their rate.
fn check(replay: Replay, plan: &WorkloadSpec, rate: Option<f64>) -> Result<(), Problem> {
    let place = |field: &str| plan.place.clone().field(field);
    if matches!(replay, Replay::Exact(_)) && rate.is_some() {
        let expected = "no rate with `replay = \"exact\"`, or `scaled`";
        return Err(Problem::new(place("workload.rate_rps"), "a rate", expected));
    }
    if replay == Replay::Thinned && rate.is_none() {
        let expected = "the rate to which `replay = \"thinned\"` thins";
        return Err(Problem::new(place("workload.rate_rps"), "nothing", expected));
    }
    if plan.drift.is_some() || plan.sticky > 0.0 {
        let expected =
            "a process that draws requests, as `poisson`: recorded order has its own mix";
        return Err(Problem::new(
            plan.place.clone(),
            "`drift` or `class_autocorrelation`",
            expected,
        ));
    }
    Ok(())
}

impl Replay {
    /// The sources of an application as this makes them come to a rate.
    fn paced(
        self,
        sources: Vec<Source>,
        (trace, plan): (&RecordedTrace, &WorkloadSpec),
        rate: Option<f64>,
        offsets: &mut ChaCha8Rng,
    ) -> Result<Vec<Source>, Problem> {
        if let Self::Exact(keep_offset) = self {
            let firsts = sources.iter().map(|source| trace.offset_ns[source.rows[0] as usize]);
            let first = firsts.min().filter(|_| !keep_offset).unwrap_or(0);
            let all = sources.into_iter();
            return Ok(all.map(|source| Source { phase_ns: first, ..source }).collect());
        }
        let natural: f64 = sources.iter().map(Source::rate_rps).sum();
        let most = rate.map_or(1.0, |rate| rate / natural);
        let copies = match self {
            Self::Superposed(copies) => copies.unwrap_or((most.ceil() as u64).max(1)),
            _ => 1,
        };
        let (scale, keep) = match self {
            Self::Scaled => (rate.map_or(1.0, |rate| natural / rate), 1.0),
            _ => (1.0, rate.map_or(1.0, |_| most / copies as f64)),
        };
        // Rounding may put the ratio of equal rates above 1.
        if keep > 1.0 + 1e-9 || copies > 10_000 {
            let found = format!("{most} times the recorded rate in {copies} copies");
            let expected =
                "a lower rate, more `copies` with `replay = \"superposed\"`, or `scaled`";
            return Err(Problem::new(
                plan.place.clone().field("workload.rate_rps"),
                found,
                expected,
            ));
        }
        let count = copies.saturating_mul(sources.len() as u64);
        if count > MAX_SOURCES {
            let found = format!("{copies} copies of {} sources", sources.len());
            let expected = format!("{MAX_SOURCES} sources at most, copies included");
            return Err(Problem::new(plan.place.clone().field("workload.copies"), found, expected));
        }
        let all = (0..copies).flat_map(|_| &sources);
        let started = all.map(|source| Source { scale, keep, ..source.starting(trace, offsets) });
        Ok(started.collect())
    }
}
