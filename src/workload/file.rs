//! Requests of a file, one by one as they stand there: time, application, and class and budget
//! where the file has them. The run begins with the first row, wherever the file's clock begins;
//! `keep_offset` keeps the time before it. With `rate_rps` time is scaled, so that the n requests
//! of the run have that rate, (n − 1) / (last − first), and gaps keep their proportions. Memory
//! does not grow with the file, unless `resample_s` draws blocks of it (`resampled.rs`), which
//! makes replicates vary: then the rate is that of the whole file, and a run's own is near it.
//!
//! A request whose class the file tells replays a recorded row of that class where there is one;
//! without a class it is drawn as for `poisson`.

use super::resampled::{self, BlockSource, RESAMPLE};
use super::trace_rows::{RequestSampler, kept_rows};

use super::{
    ArrivalEntry, Arrivals, ClassFilter, KEEP_OFFSET, MAX_TRACE_S, Process, SourceSplit,
    WorkloadSpec,
};
use crate::config::Problem;
use crate::core::ids::{AppId, Arrival, TrueClass};
use crate::core::rng::Rng;
use crate::core::units::{Span, Time};
use crate::system::ground_truth::GroundTruth;
use rand::RngExt;
use std::sync::Arc;

pub(super) const ENTRY: ArrivalEntry = ArrivalEntry {
    name: "file",
    summary: "requests of `file`, which `peeksim import` makes; time scaled to `rate_rps` if given",
    settings: &[KEEP_OFFSET, RESAMPLE],
    source: "trace replay, exact or with time scaling",
    read: |fields| {
        let keep_offset = fields.flag("keep_offset");
        let block = resampled::read(fields);
        Process::Whole(Arc::new(move |plan, truth, rng| {
            Ok(Box::new(File::new(keep_offset, block, plan, truth, rng)?))
        }))
    },
};

struct File {
    stored: BlockSource,
    left: u64,
    /// Where the run begins on the file's clock.
    start: Time,
    /// Simulated nanoseconds per recorded one.
    scale: Option<f64>,
    requests: RequestSampler,
    /// Recorded rows by application and class; empty unless the file tells classes.
    rows: Vec<Vec<Vec<u32>>>,
    truth: Arc<GroundTruth>,
    problem: Option<Problem>,
}

impl File {
    fn new(
        keep_offset: bool,
        block: Option<Span>,
        plan: &WorkloadSpec,
        truth: &Arc<GroundTruth>,
        rng: Rng,
    ) -> Result<Self, Problem> {
        let fail = |field: &str, found: String, expected: &str| {
            Err(Problem::new(plan.place.clone().field(field), found, expected))
        };
        let Some(file) = &plan.file else {
            let expected = "a file of requests, as `peeksim import` writes it";
            return fail("workload.file", "nothing".to_owned(), expected);
        };
        let plain = |filter: &ClassFilter| *filter == ClassFilter::All;
        let changed = plan.drift.is_some() || plan.sticky > 0.0;
        if changed || plan.sources != SourceSplit::All || !plan.classes.iter().all(plain) {
            let found =
                "`source_split`, `classes`, `class_mix`, `drift` or `class_autocorrelation`"
                    .to_owned();
            return fail("workload", found, "none of them, for `arrivals = \"file\"`");
        }
        // Blocks are drawn from the whole file.
        let replayed = if block.is_some() { file.requests } else { plan.requests };
        let scale = match plan.rate_rps(truth.catalog())? {
            // A request alone has no rate.
            Some(rate) if plan.requests > 1 => match file.rate_rps(replayed)? {
                Some(recorded) => Some(recorded / rate),
                None => {
                    let found = format!("a rate for requests of {} that arrive at once", file.path);
                    return fail("workload.rate_rps", found, "requests that take time");
                }
            },
            _ => None,
        };
        // Blocks have a clock of their own.
        let is_kept = keep_offset || block.is_some();
        let start = if is_kept { Time::ZERO } else { file.first };
        let seconds = match scale {
            Some(scale) => (file.first.since(start) + file.span(plan.requests)?).as_s() * scale,
            // The check of the file has seen to it.
            None => 0.0,
        };
        if seconds > MAX_TRACE_S {
            let expected = format!("{MAX_TRACE_S:e} s at most");
            return fail("workload", format!("arrivals over {seconds:.1e} s"), &expected);
        }
        let by_class = |app: AppId| {
            let classes = truth.catalog().app(app).classes.len();
            let mut rows = vec![Vec::new(); classes];
            if let Some(trace) = truth.trace(app) {
                for row in kept_rows(truth, app, plan, &ClassFilter::All) {
                    rows[usize::from(trace.class[row as usize])].push(row);
                }
            }
            rows
        };
        Ok(Self {
            stored: BlockSource::open(file, block, plan, rng)?,
            left: plan.requests,
            start,
            scale,
            requests: RequestSampler::new(plan, truth, rng)?,
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
            // They were known when the file was checked.
            let expected = "the file as it was when it was checked";
            return Err(Problem::new(self.stored.place(), "another name", expected));
        };
        let mut arrival = self.requests.draw_of(app, time);
        if let Some(class) = class {
            let rows = &self.rows[app.index()][class];
            let row = match rows.len() {
                0 => TrueClass::NO_ROW,
                count => rows[self.requests.rng.random_range(0..count)],
            };
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
