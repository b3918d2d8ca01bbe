//! One run: a configuration and a replicate become a row.

use super::run_config::RunConfig;
use super::warmup::Warmup;
use crate::config::Problems;
use crate::contract::{AccuracySource, Observer, Scheduler};
use crate::core::rng::Rng;
use crate::core::units::Span;
use crate::engine::{self, Counts, Simulation};
use crate::metrics::{
    Cell, MeasurementWindow, Summary, TableEntry, Tables, Transient, fluid_bound,
};
use crate::scheduler::{self, BuildContext};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// What a run came to.
#[derive(Clone, Debug, PartialEq)]
pub struct RunResult {
    /// The cells of the metric columns; all empty if the run failed.
    pub cells: Vec<String>,
    /// Latency in milliseconds at [`crate::metrics::QUANTILES`].
    pub quantiles: Vec<String>,
    /// The rows of each table that was asked for.
    pub tables: Vec<Vec<Vec<String>>>,
    /// Why the run failed.
    pub error: String,
}

/// What is wanted of a run besides its row.
#[derive(Clone, Debug, Default)]
pub struct OutputRequest {
    /// The distribution of latency.
    pub quantiles: bool,
    /// Tables, in the order of [`TABLES`](crate::metrics::TABLES).
    pub tables: Vec<&'static TableEntry>,
    /// The length of an interval of a time series.
    pub series: Span,
}

impl OutputRequest {
    /// Names it: a run that was finished with less is not finished with this.
    pub fn key(&self) -> String {
        let quantiles = self.quantiles.then(|| "/q".to_owned());
        let tables = self.tables.iter().map(|table| format!("/{}", table.name));
        let series = self.tables.iter().any(|table| table.name.starts_with("timeseries"));
        let step = series.then(|| format!("/{}", self.series.0));
        quantiles.into_iter().chain(tables).chain(step).collect()
    }
}

/// Runs a configuration, and never panics: a failure is a result too.
pub fn run_one(prepared: &RunConfig, rng: Rng, beside: &OutputRequest) -> RunResult {
    let work = || {
        let mut summary = summary(prepared, rng)?;
        let (catalog, window) = (&prepared.catalog, summary.window());
        let mut tables = Tables::new(&beside.tables, catalog, beside.series, window);
        let exact = if beside.tables.is_empty() {
            simulate(prepared, rng, &mut summary)?
        } else {
            simulate(prepared, rng, &mut (&mut summary, &mut tables))?
        };
        if summary.is_empty() && prepared.warmup != Warmup::None {
            return Err("the warm-up left no request of the run".to_owned());
        }
        let quantiles = if beside.quantiles { summary.latency_quantiles() } else { Vec::new() };
        Ok((summary.cells(exact), quantiles, tables.rows()))
    };
    let outcome: Result<_, String> = catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string));
        Err(format!("panic: {}", text.unwrap_or_default()))
    });
    match outcome {
        Ok((cells, quantiles, tables)) => RunResult {
            cells: cells.iter().map(Cell::to_string).collect(),
            quantiles: quantiles.iter().map(f64::to_string).collect(),
            tables,
            error: String::new(),
        },
        Err(error) => RunResult {
            cells: vec![String::new(); crate::metrics::COLUMNS.len()],
            quantiles: Vec::new(),
            tables: vec![Vec::new(); beside.tables.len()],
            error,
        },
    }
}

/// An empty row of the part of the run that counts, but for the bound if the settings ask for one.
pub fn summary(prepared: &RunConfig, rng: Rng) -> Result<Summary, String> {
    let window = measurement_window(prepared, rng)?;
    let summary = Summary::new(&prepared.catalog).with_window(window);
    if !prepared.bound {
        return Ok(summary);
    }
    let arrivals = prepared.arrivals.build(&prepared.truth, rng);
    let mut arrivals = arrivals.map_err(|problems| problems.to_string())?;
    Ok(summary.with_bound(fluid_bound(&prepared.truth, arrivals.as_mut(), rng)))
}

/// The part of a run that counts. MSER-5 takes a run of its own to look at, which the engine
/// makes again exactly; nothing of it has to be kept.
fn measurement_window(prepared: &RunConfig, rng: Rng) -> Result<MeasurementWindow, String> {
    match prepared.warmup {
        Warmup::None => Ok(MeasurementWindow::whole()),
        Warmup::Requests(first) => Ok(MeasurementWindow::after(first)),
        Warmup::Mser5 => {
            let mut transient = Transient::default();
            simulate(prepared, rng, &mut transient)?;
            Ok(transient.window())
        }
    }
}

/// Runs a configuration with any observer; the number of windows searched exactly.
pub fn simulate(
    prepared: &RunConfig,
    rng: Rng,
    observer: &mut impl Observer,
) -> Result<Option<u64>, String> {
    let mut problems = Problems::default();
    let catalog = prepared.truth.believed(rng);
    let context = BuildContext { catalog: &catalog, rng };
    let chosen = scheduler::read(&prepared.scheduler, &context, &mut problems);
    let mut chosen = problems.check(chosen).map_err(|p| p.to_string())?;
    let scheduler = chosen.scheduler.as_mut();
    simulate_with(prepared, rng, scheduler, chosen.info, observer)?;
    let counters = chosen.scheduler.counters();
    let named = counters.iter().find(|(name, _)| *name == "windows_solved_exactly");
    Ok(named.map(|(_, count)| *count))
}

/// Runs a configuration with a scheduler of one's own instead of the experiment's; `info` is what
/// it may know.
pub fn simulate_with(
    prepared: &RunConfig,
    rng: Rng,
    scheduler: &mut dyn Scheduler,
    info: AccuracySource,
    observer: &mut impl Observer,
) -> Result<Counts, String> {
    let arrivals = prepared.arrivals.build(&prepared.truth, rng).map_err(|p| p.to_string())?;
    let (truth, name) = (Arc::clone(&prepared.truth), prepared.scheduler_name);
    let mut sim = Simulation::new(truth, arrivals, info, rng, name);
    engine::run(&mut sim, scheduler, observer).map_err(|e| e.to_string())
}
