//! Requests of a file, one by one as they stand there: time, application, and class and budget
//! where the file has them. With `rate_rps` time is scaled, so that the mean rate over the whole
//! file is that and gaps keep their proportions. Memory does not grow with the file, unless
//! `resample_s` draws blocks of it (`resampled.rs`), which makes replicates vary.
//!
//! A request whose class the file tells replays a recorded row of that class where there is one;
//! without a class it is drawn as for `poisson`.

use super::resampled::{self, Stored};
use super::rows::{Requests, kept_rows};
use super::{ArrivalEntry, ArrivalPlan, Arrivals, ClassFilter, MAX_TRACE_S, Process, Sources};
use crate::domain::{AppId, Arrival, Truth};
use crate::input::Problem;
use crate::model::catalog::Catalog;
use crate::rng::Rng;
use crate::units::{Span, Time};
use rand::RngExt;
use std::sync::Arc;

pub(super) const ENTRY: ArrivalEntry = ArrivalEntry {
    name: "file",
    summary: "requests of `file`, which `peeksim import` makes; time scaled to `rate_rps` if given",
    params: "file, resample_s = none (seconds of a block)",
    source: "trace replay, exact or with time scaling",
    read: |fields| {
        let block = resampled::read(fields);
        Process::Whole(Arc::new(move |plan, catalog, rng| {
            Ok(Box::new(File::new(plan, catalog, rng, block)?))
        }))
    },
};

struct File {
    stored: Stored,
    left: u64,
    /// Simulated nanoseconds per recorded one.
    scale: Option<f64>,
    requests: Requests,
    /// Recorded rows by application and class; empty unless the file tells classes.
    rows: Vec<Vec<Vec<u32>>>,
    catalog: Arc<Catalog>,
    problem: Option<Problem>,
}

impl File {
    fn new(
        plan: &ArrivalPlan,
        catalog: &Arc<Catalog>,
        rng: Rng,
        block: Option<Span>,
    ) -> Result<Self, Problem> {
        let fail = |field: &str, found: String, expected: &str| {
            Err(Problem::new(plan.place.clone().field(field), found, expected))
        };
        let Some(file) = &plan.file else {
            let expected = "a file of requests, as `peeksim import` writes it";
            return fail("trace.file", "nothing".to_owned(), expected);
        };
        let plain = |filter: &ClassFilter| *filter == ClassFilter::All;
        let changed = plan.drift.is_some() || plan.sticky > 0.0;
        if changed || plan.sources != Sources::All || !plan.classes.iter().all(plain) {
            let found = "`sources`, `classes`, `class_mix`, `drift` or `sticky`".to_owned();
            return fail("trace", found, "none of them, for `source = \"file\"`");
        }
        let scale = match (plan.rate_rps(catalog)?, file.rate_rps()) {
            (None, _) => None,
            (Some(rate), Some(recorded)) => Some(recorded / rate),
            (Some(_), None) => {
                let found = format!("a rate for {}, whose requests arrive at once", file.path);
                return fail("trace.rate_rps", found, "requests that take time");
            }
        };
        let seconds = file.last.as_s() * scale.unwrap_or(1.0);
        if seconds > MAX_TRACE_S {
            let expected = format!("{MAX_TRACE_S:e} s at most");
            return fail("trace", format!("arrivals over {seconds:.1e} s"), &expected);
        }
        let by_class = |app: AppId| {
            let classes = catalog.app(app).classes.len();
            let mut rows = vec![Vec::new(); classes];
            if let Some(trace) = catalog.trace(app) {
                for row in kept_rows(catalog, app, plan, &ClassFilter::All) {
                    rows[usize::from(trace.class[row as usize])].push(row);
                }
            }
            rows
        };
        Ok(Self {
            stored: Stored::open(file, block, plan, rng)?,
            left: plan.requests,
            scale,
            requests: Requests::new(plan, catalog, rng)?,
            rows: catalog.app_ids().map(by_class).collect(),
            catalog: Arc::clone(catalog),
            problem: None,
        })
    }

    fn read(&mut self) -> Result<Option<Arrival>, Problem> {
        let Some(listing) = self.stored.next_listing()? else { return Ok(None) };
        let scaled = |scale: f64| Time((listing.time.0 as f64 * scale).round() as u64);
        let time = self.scale.map_or(listing.time, scaled);
        let named = listing.class;
        let app = self.catalog.app_named(listing.app);
        let class = app.zip(named).and_then(|(app, name)| {
            self.catalog.app(app).classes.iter().position(|class| class == name)
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
                0 => Truth::NO_ROW,
                count => rows[self.requests.rng.random_range(0..count)],
            };
            arrival.truth = Truth { class: class as u16, row };
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
