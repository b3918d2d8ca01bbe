//! Requests of a file in order: time, application, and class and budget where the file has them.
//! The run begins with the first row; `keep_offset` keeps the time before it. With `rate_rps` time
//! is scaled, so that the n requests of the run have that rate, (n − 1) / (last − first), and gaps
//! keep their proportions. Memory does not grow with the file, unless `resample_s` draws blocks of
//! it (`resampled.rs`), which makes replicates vary: then the whole file has the rate, and a run
//! has it approximately.
//!
//! A request with a class replays a recorded row of that class where there is one; without a class
//! it is drawn as for `poisson`.

use super::resampled::{self, BlockSource, RESAMPLE};
use super::trace_rows::{RequestSampler, draw_row, kept_rows, rows_by_class};
use super::{ArrivalEntry, Arrivals, ClassFilter, KEEP_OFFSET, Process, SourceSplit, WorkloadSpec};
use crate::config::Problem;
use crate::core::ids::{Arrival, TrueClass};
use crate::core::rng::Rng;
use crate::core::units::{Span, Time};
use crate::system::ground_truth::GroundTruth;
use std::sync::Arc;

pub(super) const ENTRY: ArrivalEntry = ArrivalEntry {
    name: "file",
    summary: "requests of `file`, which `peeksim import` makes; time scaled to `rate_rps` if given",
    settings: &[KEEP_OFFSET, RESAMPLE],
    source: "trace replay, exact or with time scaling",
    read: |fields| {
        let keep_offset = fields.flag("keep_offset");
        let block = resampled::read(fields);
        Process::Whole(Arc::new(move |spec, truth, rng| {
            Ok(Box::new(File::new(keep_offset, block, spec, truth, rng)?))
        }))
    },
};

struct File {
    stored: BlockSource,
    left: u64,
    /// The start of the run on the file's clock.
    start: Time,
    /// Simulated nanoseconds per recorded one.
    scale: Option<f64>,
    requests: RequestSampler,
    /// Recorded rows by application and class.
    rows: Vec<Vec<Vec<u32>>>,
    truth: Arc<GroundTruth>,
    problem: Option<Problem>,
}

impl File {
    fn new(
        keep_offset: bool,
        block: Option<Span>,
        spec: &WorkloadSpec,
        truth: &Arc<GroundTruth>,
        rng: Rng,
    ) -> Result<Self, Problem> {
        let Some(file) = &spec.file else {
            let expected = "a file of requests, as `peeksim import` writes it";
            return Err(spec.problem("workload.file", "nothing", expected));
        };
        let has_filter = spec.classes.iter().any(|filter| *filter != ClassFilter::All);
        let has_drift = spec.drift.is_some() || spec.sticky > 0.0;
        if has_filter || has_drift || spec.sources != SourceSplit::All {
            let found =
                "`source_split`, `classes`, `class_mix`, `drift` or `class_autocorrelation`";
            let expected = "none of them, for `arrivals = \"file\"`";
            return Err(spec.problem("workload", found, expected));
        }
        // Blocks are drawn from the whole file.
        let replayed = if block.is_some() { file.requests } else { spec.requests };
        // A lone request has no rate.
        let rate = spec.rate_rps(truth.catalog())?.filter(|_| spec.requests > 1);
        let recorded = if rate.is_some() { file.rate_rps(replayed)? } else { None };
        if rate.is_some() && recorded.is_none() {
            let found = format!("a rate for requests of {} that arrive at once", file.path);
            return Err(spec.problem("workload.rate_rps", found, "requests that take time"));
        }
        let scale = recorded.zip(rate).map(|(recorded, rate)| recorded / rate);
        // Blocks have their own clock.
        let is_kept = keep_offset || block.is_some();
        let start = if is_kept { Time::ZERO } else { file.first };
        // Without a scale the check of the file has limited it.
        if let Some(scale) = scale {
            let recorded = file.first.since(start) + file.span(spec.requests)?;
            spec.check_duration("workload", recorded.as_s() * scale, "arrivals")?;
        }
        let by_class =
            |app| rows_by_class(truth, app, kept_rows(truth, app, spec, &ClassFilter::All));
        Ok(Self {
            stored: BlockSource::open(file, block, spec, rng)?,
            left: spec.requests,
            start,
            scale,
            requests: RequestSampler::new(spec, truth, rng)?,
            rows: truth.catalog().app_ids().map(by_class).collect(),
            truth: Arc::clone(truth),
            problem: None,
        })
    }

    fn read(&mut self) -> Result<Option<Arrival>, Problem> {
        let Some(listing) = self.stored.next_listing()? else { return Ok(None) };
        let since = listing.time.since(self.start);
        let time = Time::ZERO + self.scale.map_or(since, |scale| since.scale(scale));
        let named = listing.class;
        let app = self.truth.catalog().app_named(listing.app);
        let class = app.zip(named).and_then(|(app, name)| {
            self.truth.catalog().app(app).classes.iter().position(|class| class == name)
        });
        let budget = listing.budget;
        let (Some(app), true) = (app, class.is_some() == named.is_some()) else {
            // The check of the file accepts known names only.
            let expected = "the file as it was when it was checked";
            return Err(Problem::new(self.stored.place(), "another name", expected));
        };
        let mut arrival = self.requests.draw_of(app, time);
        if let Some(class) = class {
            let row = draw_row(&self.rows[app.index()][class], &mut self.requests.rng);
            arrival.truth = TrueClass { class: class as u16, row };
        }
        arrival.budget = budget.unwrap_or(arrival.budget);
        Ok(Some(arrival))
    }
}

impl Arrivals for File {
    fn next_arrival(&mut self) -> Option<Arrival> {
        self.left = self.left.checked_sub(1)?;
        match self.read() {
            Ok(arrival) => arrival,
            Err(problem) => {
                (self.left, self.problem) = (0, Some(problem));
                None
            }
        }
    }

    fn problem(&self) -> Option<&Problem> {
        self.problem.as_ref()
    }
}
