//! The recorded sources of an application, each on its own clock.

use super::trace_rows::kept_rows;
use super::{ClassFilter, WorkloadSpec};
use crate::config::Problem;
use crate::core::ids::AppId;
use crate::core::units::NS_PER_S;
use crate::system::ground_truth::GroundTruth;
use crate::traces::recorded::RecordedTrace;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::sync::Arc;

/// One source of one application, on its own clock.
#[derive(Clone)]
pub(super) struct Source {
    pub app: AppId,
    /// Its number among the sources of the application.
    pub number: u32,
    pub rows: Arc<[u32]>,
    /// Nanoseconds of the source's clock until it starts again.
    pub period_ns: u64,
    /// Its start on its clock, counted from its first row; with exact stamps, on the clock of its
    /// application.
    pub phase_ns: u64,
    /// Simulated nanoseconds per recorded one.
    pub scale: f64,
    /// The probability that a request arrives.
    pub keep: f64,
    pub next: usize,
    pub cycle: u64,
}

impl Source {
    /// Requests per simulated second, before thinning.
    pub fn rate_rps(&self) -> f64 {
        self.rows.len() as f64 * NS_PER_S as f64 / self.period_ns as f64 / self.scale
    }

    /// Nanoseconds on the source's clock since its first row.
    pub fn since_first(&self, trace: &RecordedTrace, row: u32) -> u64 {
        trace.offset_ns[row as usize] - trace.offset_ns[self.rows[0] as usize]
    }

    /// A copy that starts at a drawn offset.
    pub fn starting(&self, trace: &RecordedTrace, offsets: &mut ChaCha8Rng) -> Self {
        let phase_ns = offsets.random_range(0..self.period_ns);
        let passed = |row: &u32| self.since_first(trace, *row) < phase_ns;
        let (rows, next) = (Arc::clone(&self.rows), self.rows.partition_point(passed));
        Self { rows, phase_ns, next, ..*self }
    }
}

/// The recorded sources of an application, from their beginning and as fast as recorded.
pub(super) fn recorded<'a>(
    spec: &WorkloadSpec,
    truth: &'a GroundTruth,
    app: AppId,
) -> Result<(&'a RecordedTrace, Vec<Source>), Problem> {
    let name = &truth.catalog().app(app).name;
    let fail = |found: String, expected: &str| Err(spec.problem("", found, expected));
    let Some(trace) = truth.trace(app) else {
        return fail(format!("no trace of `{name}`"), "traces for `arrivals = \"recorded\"`");
    };
    let filter = &spec.classes[app.index()];
    if matches!(filter, ClassFilter::Mix(_) | ClassFilter::Dirichlet(_)) {
        let expected = "`arrivals = \"poisson\"`, since recorded order has its own mix";
        return fail(format!("a class mix for `{name}`"), expected);
    }
    let kept = kept_rows(truth, app, spec, filter);
    let mut sources = Vec::new();
    for range in &trace.sources {
        let at = |end: u32| kept.partition_point(|row| *row < end);
        let rows = &kept[at(range.start)..at(range.end)];
        let (Some(first), Some(last)) = (rows.first(), rows.last()) else { continue };
        let span = trace.offset_ns[*last as usize] - trace.offset_ns[*first as usize];
        // One mean gap from the last row back to the first; a second for a lone row.
        let gap = if span == 0 { NS_PER_S } else { span / (rows.len() as u64 - 1).max(1) };
        let (rows, period_ns, phase_ns) = (rows.into(), span + gap, 0);
        let (number, scale, keep, next, cycle) = (0, 1.0, 1.0, 0, 0);
        sources.push(Source { app, number, rows, period_ns, phase_ns, scale, keep, next, cycle });
    }
    if sources.is_empty() {
        let expected = "classes and sources that were recorded";
        return fail(format!("no recorded request of `{name}`"), expected);
    }
    Ok((trace, sources))
}
