//! Makes one run: a configuration and a replicate become a row.

use super::run_config::RunConfig;
use super::settings::Warmup;
use crate::config::Problems;
use crate::contract::{AccuracySource, Observer, Plan, Scheduler, Trigger, View};
use crate::core::rng::Rng;
use crate::core::units::Span;
use crate::engine::{self, Counts, Simulation};
use crate::metrics::{
    Cell, MeasurementWindow, Study, Summary, TableEntry, Tables, Transient, fluid_bound,
};
use crate::scheduler::{self, BuildContext};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// The results of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct RunResult {
    /// The cells of the metric columns; all empty if the run failed.
    pub cells: Vec<String>,
    /// Latency in milliseconds at [`crate::metrics::QUANTILES`].
    pub quantiles: Vec<String>,
    /// The rows of each requested table.
    pub tables: Vec<Vec<Vec<String>>>,
    /// Why the run failed.
    pub error: String,
}

/// The outputs of a run in addition to its row.
#[derive(Clone, Debug, Default)]
pub struct OutputRequest {
    /// Whether to keep the distribution of latency.
    pub quantiles: bool,
    /// Tables, in the order of [`TABLES`](crate::metrics::TABLES).
    pub tables: Vec<&'static TableEntry>,
    /// The interval of time series.
    pub series: Span,
}

impl OutputRequest {
    /// The part of a journal key: a run that was finished with other outputs has another.
    pub fn key(&self) -> String {
        let quantiles = self.quantiles.then(|| "/q".to_owned());
        let tables = self.tables.iter().map(|table| format!("/{}", table.name));
        let series = self.tables.iter().any(|table| table.name.starts_with("timeseries"));
        let interval = series.then(|| format!("/{}", self.series.0));
        quantiles.into_iter().chain(tables).chain(interval).collect()
    }
}

/// Makes a run and never panics: a failure is a result too.
pub fn run_one(config: &RunConfig, rng: Rng, outputs: &OutputRequest) -> RunResult {
    guarded(Study::Scheduling, &outputs.tables, || try_run(config, rng, outputs))
}

/// The result of a run of a study with these tables, whatever happens in it.
pub(super) fn guarded(
    study: Study,
    tables: &[&'static TableEntry],
    run: impl FnOnce() -> Result<RunResult, String>,
) -> RunResult {
    let result = catch_unwind(AssertUnwindSafe(run));
    let result = result.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string));
        Err(format!("panic: {}", text.unwrap_or_default()))
    });
    result.unwrap_or_else(|error| RunResult {
        cells: vec![String::new(); study.columns().len()],
        quantiles: Vec::new(),
        tables: vec![Vec::new(); tables.len()],
        error,
    })
}

fn try_run(config: &RunConfig, rng: Rng, outputs: &OutputRequest) -> Result<RunResult, String> {
    let mut summary = summary(config, rng)?;
    let window = summary.window();
    let mut tables = Tables::new(&outputs.tables, &config.catalog, outputs.series, window);
    let exact = if outputs.tables.is_empty() {
        simulate_row(config, rng, &mut summary)?
    } else {
        simulate(config, rng, &mut (&mut summary, &mut tables))?
    };
    if summary.is_empty() && config.warmup != Warmup::None {
        return Err("the warm-up left no request of the run".to_owned());
    }
    let quantiles = if outputs.quantiles { summary.latency_quantiles() } else { Vec::new() };
    Ok(RunResult {
        cells: summary.cells(exact).iter().map(Cell::to_string).collect(),
        quantiles: quantiles.iter().map(f64::to_string).collect(),
        tables: tables.rows(),
        error: String::new(),
    })
}

/// An empty summary of the part of the run that counts, with the bound if the settings ask for it.
///
/// # Errors
///
/// If the arrivals, or a run before this one that finds the warm-up, fail.
pub fn summary(config: &RunConfig, rng: Rng) -> Result<Summary, String> {
    let window = measurement_window(config, rng)?;
    let summary = Summary::new(&config.catalog).with_window(window);
    if !config.bound {
        return Ok(summary);
    }
    let arrivals = config.arrivals.build(&config.truth, rng);
    let mut arrivals = arrivals.map_err(|problems| problems.to_string())?;
    Ok(summary.with_bound(fluid_bound(&config.truth, arrivals.as_mut(), rng)))
}

/// The part of a run that counts. For MSER-5 the whole run is simulated once in advance.
fn measurement_window(config: &RunConfig, rng: Rng) -> Result<MeasurementWindow, String> {
    match config.warmup {
        Warmup::None => Ok(MeasurementWindow::whole()),
        Warmup::Requests(first) => Ok(MeasurementWindow::after(first)),
        Warmup::Mser5 => {
            let mut transient = Transient::default();
            simulate(config, rng, &mut transient)?;
            Ok(transient.window())
        }
    }
}

/// Simulates a run for its row alone; the number of windows that were solved exactly.
///
/// # Errors
///
/// As [`simulate`].
pub fn simulate_row(
    config: &RunConfig,
    rng: Rng,
    summary: &mut Summary,
) -> Result<Option<u64>, String> {
    if let Some(mut whole) = summary.whole_run() {
        return simulate(config, rng, &mut whole);
    }
    simulate(config, rng, summary)
}

/// Simulates a run with any observer; the number of windows that were solved exactly.
///
/// # Errors
///
/// If the scheduler or the arrivals cannot be built, or a plan is refused.
pub fn simulate(
    config: &RunConfig,
    rng: Rng,
    observer: &mut impl Observer,
) -> Result<Option<u64>, String> {
    simulate_watched(config, rng, observer, |_, _, _, _| {})
}

/// As [`simulate`]; `watch` is called after every decision, as by [`engine::run_watched`].
///
/// # Errors
///
/// As [`simulate`].
pub fn simulate_watched<O: Observer>(
    config: &RunConfig,
    rng: Rng,
    observer: &mut O,
    watch: impl FnMut(&mut O, &View<'_>, Trigger<'_>, &Plan),
) -> Result<Option<u64>, String> {
    let mut problems = Problems::default();
    let catalog = config.truth.believed(rng);
    let context = BuildContext { catalog: &catalog, rng };
    let built = scheduler::read(&config.scheduler, &context, &mut problems);
    let mut built = problems.check(built).map_err(|p| p.to_string())?;
    let mut sim = simulation(config, rng, built.info)?;
    let scheduler = built.scheduler.as_mut();
    engine::run_watched(&mut sim, scheduler, observer, watch).map_err(|e| e.to_string())?;
    let counters = built.scheduler.counters();
    let named = counters.iter().find(|(name, _)| *name == "windows_solved_exactly");
    Ok(named.map(|(_, count)| *count))
}

/// Simulates a run with another scheduler than the experiment's; `info` is the source of its
/// accuracies.
///
/// # Errors
///
/// If the arrivals cannot be built, or a plan is refused.
pub fn simulate_with(
    config: &RunConfig,
    rng: Rng,
    scheduler: &mut dyn Scheduler,
    info: AccuracySource,
    observer: &mut impl Observer,
) -> Result<Counts, String> {
    let mut sim = simulation(config, rng, info)?;
    engine::run(&mut sim, scheduler, observer).map_err(|e| e.to_string())
}

fn simulation(config: &RunConfig, rng: Rng, info: AccuracySource) -> Result<Simulation, String> {
    let arrivals = config.arrivals.build(&config.truth, rng).map_err(|p| p.to_string())?;
    let (truth, name) = (Arc::clone(&config.truth), config.scheduler_name);
    Ok(Simulation::new(truth, arrivals, info, rng, name))
}
