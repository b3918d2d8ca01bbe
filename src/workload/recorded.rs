//! Recorded arrivals: every source of a trace is replayed on its own clock, from a start offset
//! drawn per source and replicate, and wraps round at its end after its mean gap. Order and gaps
//! within a source, and so its drift of classes, are as recorded. A source of n rows has the rate
//! (n − 1) / (last − first), an application that of its sources together. `replay` is how the
//! sources of an application get its share of the rate:
//!
//! - `scaled`: time is scaled, which keeps the shape of bursts; as recorded without a rate. The n
//!   requests of a run have the rate, (n − 1) / (last − first).
//! - `exact`: the stamps themselves, to the end of the recording. The clock of each application
//!   begins at the first of its rows that arrive; `keep_offset` keeps the time before it. With
//!   `resample_s`, blocks of that (`resampled.rs`); without, all replicates are equal.
//! - `thinned`: each request is left out with the same probability, which weakens bursts.
//! - `superposed`: `copies` of each source (by default as many as the rate needs) from offsets of
//!   their own, the excess thinned, which weakens bursts as well.
//! - `refitted`: only the rate and the coefficient of variation of gaps, interval by interval
//!   (`refit.rs`).

use super::refit::{self, REFIT};
use super::request_sources::{SourceSampler, check_budgets};
use super::resampled::{self, RESAMPLE};
use super::sources::{Source, recorded};
use super::steps::{self, Steps};
use super::{
    ArrivalEntry, Arrivals, KEEP_OFFSET, MAX_TRACE_S, Process, RequestSources, WorkloadSpec,
};
use crate::config::settings::names;
use crate::config::{Decoder, Kind, Problem, Setting};
use crate::core::ids::{Arrival, SourceId, TrueClass};
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

/// The most sources of an application, copies included: each takes memory.
const MAX_SOURCES: u64 = 1_000_000;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Replay {
    Scaled,
    /// Whether the time before the first row is kept.
    Exact(bool),
    Thinned,
    /// The number of copies, if it is set.
    Superposed(Option<u64>),
}

/// `None` is `refitted`, another process.
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
    Process::Whole(Arc::new(move |spec, truth, rng| {
        let mut recorded = Recorded::new(replay, spec, truth, rng)?;
        let Some(block) = block else { return Ok(Box::new(recorded)) };
        // Blocks are drawn from the whole recording.
        recorded.left = u64::MAX;
        resampled::resampled(recorded, block, spec, truth, rng)
    }))
}

#[derive(Clone)]
struct Recorded {
    left: u64,
    /// Whether stamps are kept and sources do not wrap round.
    exact: bool,
    /// The rate to which the time of the run is to be scaled at its first arrival.
    scale_to_rps: Option<f64>,
    sources: Vec<Source>,
    /// The next request of each source: (time, source); empty before the first.
    heads: BinaryHeap<Reverse<(Time, usize)>>,
    truth: Arc<GroundTruth>,
    /// Whether recorded sources are those of the requests.
    has_sources: bool,
    drawn: SourceSampler,
    budgets: ChaCha8Rng,
    thinning: ChaCha8Rng,
}

impl Recorded {
    fn new(
        replay: Replay,
        spec: &WorkloadSpec,
        truth: &Arc<GroundTruth>,
        rng: Rng,
    ) -> Result<Self, Problem> {
        let mut offsets = rng.stream(Label::Offsets);
        let mut sources = Vec::new();
        let has_sources = spec.request_sources == RequestSources::Own;
        let drawn = if has_sources {
            SourceSampler::default()
        } else {
            SourceSampler::new(spec, truth, rng)?
        };
        let asked_rps = spec.rate_rps(truth.catalog())?;
        check(replay, spec, asked_rps)?;
        for app in truth.catalog().app_ids() {
            let share = spec.mix[app.index()];
            let rate = asked_rps.map(|rate| rate * share);
            if share > 0.0 {
                let (trace, own) = recorded(spec, truth, app)?;
                let own = replay.at_rate(own, trace, spec, rate, &mut offsets)?;
                if has_sources {
                    check_budgets(spec, truth, app, own.len())?;
                }
                sources.extend((0..).zip(own).map(|(number, own)| Source { number, ..own }));
            }
        }
        let rate_rps: f64 = sources.iter().map(|source| source.rate_rps() * source.keep).sum();
        let seconds = spec.requests as f64 / rate_rps;
        if seconds > MAX_TRACE_S {
            let found = format!("recorded arrivals over {seconds:.1e} s");
            let expected = format!("{MAX_TRACE_S:e} s at most: fewer `requests`, or a `rate_rps`");
            return Err(spec.problem("", found, expected));
        }
        let before: f64 = sources.iter().map(Source::rate_rps).sum();
        let (count, what) = (seconds * before, "recorded requests, of which thinning leaves some,");
        let fewer = "`replay = \"scaled\"`, or fewer `copies`";
        steps::check(spec, rate_rps, [Steps { count, what, by_rate: true, fewer }])?;
        Ok(Self {
            left: spec.requests,
            exact: matches!(replay, Replay::Exact(_)),
            scale_to_rps: asked_rps.filter(|_| replay == Replay::Scaled),
            heads: BinaryHeap::with_capacity(sources.len()),
            sources,
            truth: Arc::clone(truth),
            has_sources,
            drawn,
            budgets: rng.stream(Label::Budgets),
            thinning: rng.stream(Label::Thinning),
        })
    }

    /// Puts the first request of every source into the heap, once.
    fn begin(&mut self) {
        if !self.heads.is_empty() {
            return;
        }
        if let Some(asked_rps) = self.scale_to_rps.take() {
            let realised = self.clone().run_rps();
            let factor = realised.map_or(1.0, |realised| realised / asked_rps);
            self.sources.iter_mut().for_each(|source| source.scale *= factor);
        }
        for at in 0..self.sources.len() {
            self.queue(at);
        }
    }

    fn run_rps(mut self) -> Option<f64> {
        self.begin();
        let (count, first) = (self.left, self.heads.peek()?.0.0);
        let mut last = first;
        for _ in 0..count {
            last = self.pop()?.0;
        }
        rate_rps(count, last.since(first))
    }

    /// The next request of any source, before thinning: its time, source and row.
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
            // Many cycles of a long recording exceed 64 bits before scaling.
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
            let Source { app, number, keep, .. } = self.sources[at];
            if keep < 1.0 && self.thinning.random::<f64>() >= keep {
                continue;
            }
            let class = self.truth.trace(app)?.class[row as usize];
            let own = self.has_sources.then(|| SourceId::new(number));
            let source = own.or_else(|| self.drawn.draw(app));
            let law = &self.truth.catalog().app(app).budget;
            let budget = law.of_source(source).draw(&mut self.budgets);
            let truth = TrueClass { class, row };
            return Some(Arrival { time, app, source, budget, truth });
        }
    }
}

/// Recorded order has its own class mix, and exact stamps have their own rate.
fn check(replay: Replay, spec: &WorkloadSpec, rate: Option<f64>) -> Result<(), Problem> {
    if matches!(replay, Replay::Exact(_)) && rate.is_some() {
        let expected = "no rate with `replay = \"exact\"`, or `scaled`";
        return Err(spec.problem("workload.rate_rps", "a rate", expected));
    }
    if replay == Replay::Thinned && rate.is_none() {
        let expected = "the rate to which `replay = \"thinned\"` thins";
        return Err(spec.problem("workload.rate_rps", "nothing", expected));
    }
    if spec.drift.is_some() || spec.sticky > 0.0 {
        let expected =
            "a process that draws requests, as `poisson`: recorded order has its own mix";
        return Err(spec.problem("", "`drift` or `class_autocorrelation`", expected));
    }
    Ok(())
}

impl Replay {
    /// The sources of an application at its share of the rate.
    fn at_rate(
        self,
        sources: Vec<Source>,
        trace: &RecordedTrace,
        spec: &WorkloadSpec,
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
            return Err(spec.problem("workload.rate_rps", found, expected));
        }
        let count = copies.saturating_mul(sources.len() as u64);
        if count > MAX_SOURCES {
            let found = format!("{copies} copies of {} sources", sources.len());
            let expected = format!("{MAX_SOURCES} sources at most, copies included");
            return Err(spec.problem("workload.copies", found, expected));
        }
        let all = (0..copies).flat_map(|_| &sources);
        let started = all.map(|source| Source { scale, keep, ..source.starting(trace, offsets) });
        Ok(started.collect())
    }
}
