//! Recorded arrivals: every source of a trace is replayed on its own clock, from a start offset
//! drawn per source and replicate, and wraps round at its end. The sources of an application are
//! superposed and its time is scaled, so that its mean rate is its share of `rate_rps`; without
//! `rate_rps` time is as recorded.
//!
//! Order and gaps within a source, and so its drift of classes, are as recorded. At its wrap a
//! source waits its mean gap.

use super::rows::kept_rows;
use super::{ArrivalEntry, ArrivalPlan, Arrivals, ClassFilter, MAX_TRACE_S};
use crate::domain::{AppId, Arrival, Truth};
use crate::input::Problem;
use crate::model::catalog::Catalog;
use crate::rng::{Label, Rng};
use crate::units::{NS_PER_S, Time};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

pub(super) const ENTRY: ArrivalEntry = ArrivalEntry {
    name: "recorded",
    summary: "sources replayed in recorded order from drawn offsets, superposed, time scaled",
    source: "trace replay with time scaling",
    build: |plan, catalog, rng| Ok(Box::new(Recorded::new(plan, catalog, rng)?)),
};

/// One source of one application, on its own clock.
struct Source {
    app: AppId,
    rows: Vec<u32>,
    /// Nanoseconds of the source's clock until it starts again.
    period_ns: u64,
    /// Where on its clock it starts.
    phase_ns: u64,
    /// Simulated nanoseconds per recorded one.
    scale: f64,
    next: usize,
    cycle: u64,
}

impl Source {
    /// Requests per simulated second.
    fn rate_rps(&self) -> f64 {
        self.rows.len() as f64 * NS_PER_S as f64 / self.period_ns as f64 / self.scale
    }
}

struct Recorded {
    left: u64,
    sources: Vec<Source>,
    /// The next request of each source: (time, source).
    heads: BinaryHeap<Reverse<(Time, usize)>>,
    catalog: Arc<Catalog>,
    budgets: ChaCha8Rng,
}

impl Recorded {
    fn new(plan: &ArrivalPlan, catalog: &Arc<Catalog>, rng: Rng) -> Result<Self, Problem> {
        plan.without_burst()?;
        let mut offsets = rng.stream(Label::Offsets);
        let mut sources = Vec::new();
        for app in catalog.app_ids() {
            let share = plan.mix[app.index()];
            let rate = plan.rate_rps.map(|rate| rate * share);
            if share > 0.0 {
                sources.extend(Self::sources(plan, catalog, app, rate, &mut offsets)?);
            }
        }
        let rate_rps: f64 = sources.iter().map(Source::rate_rps).sum();
        let seconds = plan.requests as f64 / rate_rps;
        if seconds > MAX_TRACE_S {
            let found = format!("recorded arrivals over {seconds:.1e} s");
            let expected = format!("{MAX_TRACE_S:e} s at most: fewer `requests`, or a `rate_rps`");
            return Err(Problem::new(plan.place.clone(), found, expected));
        }
        let mut recorded = Self {
            left: plan.requests,
            heads: BinaryHeap::with_capacity(sources.len()),
            sources,
            catalog: Arc::clone(catalog),
            budgets: rng.stream(Label::Budgets),
        };
        for at in 0..recorded.sources.len() {
            recorded.queue(at);
        }
        Ok(recorded)
    }

    fn sources(
        plan: &ArrivalPlan,
        catalog: &Catalog,
        app: AppId,
        rate: Option<f64>,
        offsets: &mut ChaCha8Rng,
    ) -> Result<Vec<Source>, Problem> {
        let name = &catalog.app(app).name;
        let fail =
            |found: String, expected: &str| Err(Problem::new(plan.place.clone(), found, expected));
        let Some(trace) = catalog.trace(app) else {
            return fail(format!("no trace of `{name}`"), "traces for `source = \"recorded\"`");
        };
        if matches!(plan.classes[app.index()], ClassFilter::Mix(_)) {
            let expected = "`source = \"poisson\"`, since recorded order has its own mix";
            return fail(format!("a class mix for `{name}`"), expected);
        }
        let kept = kept_rows(catalog, app, plan);
        let mut sources = Vec::new();
        for range in &trace.sources {
            let at = |end: u32| kept.partition_point(|row| *row < end);
            let rows = kept[at(range.start)..at(range.end)].to_vec();
            let (Some(first), Some(last)) = (rows.first(), rows.last()) else { continue };
            let span = trace.offset_ns[*last as usize] - trace.offset_ns[*first as usize];
            // One mean gap from the last row back to the first; a second for a lone row.
            let gap = if span == 0 { NS_PER_S } else { span / (rows.len() as u64 - 1).max(1) };
            let period_ns = span + gap;
            let phase_ns = offsets.random_range(0..period_ns);
            let source = Source { app, rows, period_ns, phase_ns, scale: 1.0, next: 0, cycle: 0 };
            sources.push(source);
        }
        if sources.is_empty() {
            let expected = "classes and sources that were recorded";
            return fail(format!("no recorded request of `{name}`"), expected);
        }
        let natural: f64 = sources.iter().map(Source::rate_rps).sum();
        for source in &mut sources {
            source.scale = rate.map_or(1.0, |rate| natural / rate);
            let start = trace.offset_ns[source.rows[0] as usize];
            let passed = |row: &u32| trace.offset_ns[*row as usize] - start < source.phase_ns;
            source.next = source.rows.partition_point(passed);
        }
        Ok(sources)
    }

    /// Puts the next request of a source into the heap.
    fn queue(&mut self, at: usize) {
        let source = &mut self.sources[at];
        if source.next == source.rows.len() {
            source.next = 0;
            source.cycle += 1;
        }
        let Some(trace) = self.catalog.trace(source.app) else { return };
        let offset =
            |row: u32| trace.offset_ns[row as usize] - trace.offset_ns[source.rows[0] as usize];
        // Many cycles of a long recording exceed 64 bits before time is scaled.
        let clock = u128::from(source.cycle) * u128::from(source.period_ns)
            + u128::from(offset(source.rows[source.next]))
            - u128::from(source.phase_ns);
        let time = Time((clock as f64 * source.scale).round() as u64);
        self.heads.push(Reverse((time, at)));
    }
}

impl Arrivals for Recorded {
    fn next_arrival(&mut self) -> Option<Arrival> {
        self.left = self.left.checked_sub(1)?;
        let Reverse((time, at)) = self.heads.pop()?;
        let source = &mut self.sources[at];
        let (app, row) = (source.app, source.rows[source.next]);
        source.next += 1;
        self.queue(at);
        let class = self.catalog.trace(app)?.class[row as usize];
        let budget = self.catalog.app(app).budget.draw(&mut self.budgets);
        Some(Arrival { time, app, budget, truth: Truth { class, row } })
    }
}
