//! `resample_s`: replicates of one recording, by drawing blocks of it.
//!
//! A recording is one realisation of its source: without resampling all replicates are equal. The
//! circular block bootstrap (Politis and Romano, in Exploring the Limits of Bootstrap, Wiley 1992;
//! moving blocks: Künsch, Annals of Statistics 17, 1989) concatenates blocks of the recording, each
//! of `resample_s` seconds from an instant drawn uniformly over the recording, with replacement.
//! The recording is a circle, its end one mean gap before its beginning, so that every request is
//! drawn equally often. Order and gaps within a block are as recorded; longer structure, as a trend
//! or the time of day, is lost. A block should be several times as long as bursts, and many should
//! fit into the recording; lengths that grow with its cube root are customary (Hall, Horowitz and
//! Jing, Biometrika 82, 1995).
//!
//! Blocks are drawn until the run has its `requests`. Each replicate draws its own.

use super::{Arrivals, WorkloadSpec};
use crate::config::{Decoder, Kind, Location, Problem, Setting};
use crate::core::ids::Arrival;
use crate::core::rng::{Label, Rng};
use crate::core::units::{Span, Time};
use crate::system::ground_truth::GroundTruth;
use crate::traces::trace_file::{RowsInMemory, TraceFile, TraceRow, TraceRowReader};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::sync::Arc;

/// The setting of [`read`].
pub(super) const RESAMPLE: &[Setting] = &[
    // A nanosecond is the least that there is.
    Setting::optional("resample_s", Kind::Number(1e-9, 1e9), "the recording as it is").means(
        "The length of the blocks of the recording that are drawn with replacement, other blocks \
         in each replicate (circular block bootstrap).",
    ),
];

pub(super) fn read(read: &mut Decoder<'_>) -> Option<Span> {
    read.optional_number("resample_s").map(Span::from_s)
}

/// Blocks of a circle of stamps, one after the other.
pub(super) struct Blocks {
    /// Nanoseconds since the first.
    stamps: Arc<[u64]>,
    /// The length of the circle.
    period_ns: u64,
    block_ns: u64,
    rng: ChaCha8Rng,
    /// The length of all blocks before this one.
    passed_ns: u64,
    /// The start of this block on the circle.
    start_ns: u64,
    /// The index of the next stamp, and the rounds to add to it.
    next: usize,
    round_ns: u64,
}

impl Blocks {
    pub fn new(
        stamps: Arc<[u64]>,
        block: Span,
        spec: &WorkloadSpec,
        rng: Rng,
    ) -> Result<Self, Problem> {
        let span_ns = stamps.last().copied().unwrap_or(0);
        let count = stamps.len() as u64;
        let gap_ns = span_ns / count.saturating_sub(1).max(1);
        let period_ns = span_ns.saturating_add(gap_ns);
        let seconds = |ns: u64| Span(ns).as_s();
        let fail = |found: String, expected: String| {
            Err(spec.problem("workload.resample_s", found, expected))
        };
        if block.0 > span_ns {
            let found = format!("blocks of {} s", seconds(block.0));
            let expected = format!("at most the {} s that the trace lasts", seconds(span_ns));
            return fail(found, expected);
        }
        let held = count as f64 * block.0 as f64 / period_ns as f64;
        if held < 1.0 {
            let found = format!("blocks of {} s, which hold {held:.3} requests", seconds(block.0));
            let expected = format!("at least {} s, for one request", seconds(period_ns / count));
            return fail(found, expected);
        }
        Ok(Self::start(stamps, period_ns, block.0, rng))
    }

    fn start(stamps: Arc<[u64]>, period_ns: u64, block_ns: u64, rng: Rng) -> Self {
        let rng = rng.stream(Label::Blocks);
        let (passed_ns, start_ns, next, round_ns) = (0, 0, 0, 0);
        let mut blocks =
            Self { stamps, period_ns, block_ns, rng, passed_ns, start_ns, next, round_ns };
        blocks.draw();
        blocks
    }

    fn draw(&mut self) {
        self.start_ns = self.rng.random_range(0..self.period_ns);
        self.next = self.stamps.partition_point(|stamp| *stamp < self.start_ns);
        self.round_ns = 0;
    }

    /// The instant of the next request and its index.
    pub fn next(&mut self) -> (Time, usize) {
        loop {
            if self.next == self.stamps.len() {
                (self.next, self.round_ns) = (0, self.round_ns + self.period_ns);
            }
            let within = self.stamps[self.next] + self.round_ns - self.start_ns;
            if within < self.block_ns {
                self.next += 1;
                return (Time(self.passed_ns.saturating_add(within)), self.next - 1);
            }
            self.passed_ns = self.passed_ns.saturating_add(self.block_ns);
            self.draw();
        }
    }
}

/// The requests of a file: in order, or blocks of them.
pub(super) enum BlockSource {
    InOrder(Box<TraceRowReader>),
    Blocks(Box<Blocks>, Arc<RowsInMemory>, Arc<TraceFile>),
}

impl BlockSource {
    pub fn open(
        file: &Arc<TraceFile>,
        block: Option<Span>,
        spec: &WorkloadSpec,
        rng: Rng,
    ) -> Result<Self, Problem> {
        let Some(block) = block else {
            return Ok(Self::InOrder(Box::new(TraceRowReader::open(&file.path)?)));
        };
        let held = file.held()?;
        let blocks = Blocks::new(Arc::clone(&held.stamps), block, spec, rng)?;
        Ok(Self::Blocks(Box::new(blocks), held, Arc::clone(file)))
    }

    /// The place of the last request, for messages.
    pub fn place(&self) -> Location {
        match self {
            Self::InOrder(listings) => listings.place(),
            Self::Blocks(_, _, file) => Location::file(&file.path),
        }
    }

    /// The next request; `None` at the end of a file in order.
    pub fn next_listing(&mut self) -> Result<Option<TraceRow<'_>>, Problem> {
        match self {
            Self::InOrder(listings) => listings.next_listing(),
            Self::Blocks(blocks, held, file) => {
                let (time, at) = blocks.next();
                Ok(Some(file.listing(held, at, time)))
            }
        }
    }
}

/// Blocks of arrivals.
pub(super) fn resampled(
    mut whole: impl Arrivals,
    block: Span,
    spec: &WorkloadSpec,
    truth: &Arc<GroundTruth>,
    rng: Rng,
) -> Result<Box<dyn Arrivals>, Problem> {
    let all: Vec<Arrival> = std::iter::from_fn(|| whole.next_arrival()).collect();
    let first = all.first().map_or(Time::ZERO, |arrival| arrival.time);
    let stamps = all.iter().map(|arrival| arrival.time.since(first).0).collect();
    let mut blocks = Blocks::new(stamps, block, spec, rng)?;
    let mut left = spec.requests.min(all.len() as u64);
    let (truth, mut budgets) = (Arc::clone(truth), rng.stream(Label::Budgets));
    Ok(Box::new(move || {
        left = left.checked_sub(1)?;
        let (time, at) = blocks.next();
        let law = &truth.catalog().app(all[at].app).budget;
        let budget = law.of_source(all[at].source).draw(&mut budgets);
        Some(Arrival { time, budget, ..all[at] })
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Blocks of ten stamps, of which five come at once.
    fn blocks(block_ns: u64, replicate: u64) -> Blocks {
        let stamps = [0, 100, 200, 300, 400, 400, 400, 400, 400, 900].into();
        Blocks::start(stamps, 1_000, block_ns, Rng::new(3, replicate))
    }

    #[test]
    fn gaps_within_a_block_are_as_recorded() {
        let mut blocks = blocks(350, 0);
        let (mut last, mut seams) = (blocks.next(), 0);
        for _ in 0..5_000 {
            let (time, at) = blocks.next();
            assert!(time >= last.0, "time goes backwards");
            if time.0 / 350 == last.0.0 / 350 {
                assert_eq!(at, (last.1 + 1) % 10, "the one that followed");
                let gap = blocks.stamps[at] + if at == 0 { 1_000 } else { 0 };
                assert_eq!(time.since(last.0).0, gap - blocks.stamps[last.1]);
            } else {
                seams += 1;
            }
            last = (time, at);
        }
        assert!(seams > 500, "{seams}");
    }

    #[test]
    fn every_request_is_drawn_equally_often_at_the_recorded_rate() {
        let mut blocks = blocks(350, 1);
        let (mut drawn, mut end) = ([0u32; 10], Time::ZERO);
        let count = 100_000;
        for _ in 0..count {
            let (time, at) = blocks.next();
            drawn[at] += 1;
            end = time;
        }
        // Ten requests in a thousand nanoseconds. A block holds 3.5 on average, of deviation
        // below 3: the standard error of the count is below 0.6 % of it.
        let rate = f64::from(count) / end.0 as f64;
        assert!((rate / 0.01 - 1.0).abs() < 0.03, "{rate}");
        for (at, drawn) in drawn.into_iter().enumerate() {
            assert!((f64::from(drawn) / f64::from(count) - 0.1).abs() < 0.005, "{at}: {drawn}");
        }
    }

    #[test]
    fn replicates_differ() {
        let of = |replicate| {
            let mut blocks = blocks(350, replicate);
            (0..50).map(|_| blocks.next()).collect::<Vec<_>>()
        };
        assert_ne!(of(0), of(1));
        assert_eq!(of(0), of(0));
    }
}
