//! `peeksim calibrate device`: a profile of a real device from runs under load.

use super::output::rows_of;
use super::{CliError, Output, wrong};
use crate::calibration::choice::{ModelScore, choose};
use crate::calibration::fit::CHOSEN;
use crate::calibration::loads::{self, Cell};
use crate::calibration::{
    Assessment, CellAssessment, FitPlan, LoadAssessment, assess, charts, fits_csv, predictions_csv,
    profile,
};
use crate::config::{ConfigNode, Location, Problem, Problems};
use crate::output::atomic;
use crate::report::console::align;
use crate::report::draw;
use crate::stats::Estimate;
use clap::{Args, Subcommand};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Simulations of each run.
const DRAWS: u64 = 4;
/// The most cells whose predictions are printed.
const LISTED: usize = 12;

/// What to calibrate.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(super) struct CalibrateArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Fit service time, overhead and power of devices to runs under load, and predict the other
    /// runs.
    Device(DeviceArgs),
}

/// Arguments of `calibrate device`.
#[derive(Debug, Args)]
#[command(after_help = format!("{COLUMNS}\n\n{EXAMPLE}"))]
struct DeviceArgs {
    /// A table with a row for each run; see below.
    loads: String,
    /// A table with the latency of single inferences, one after another.
    #[arg(long, value_name = "FILE")]
    isolated: Option<String>,
    /// The loads to fit to; all others are predicted. By default the smallest one where the
    /// isolated latency is known, else the smallest two.
    #[arg(long, value_name = "LOAD,…", value_delimiter = ',')]
    fit: Vec<f64>,
    /// The profile folder to write, with predictions and figures in `calibration/`.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// What the runs do not tell, as for `import`: `budget_ms`, `accuracy`, `load_ms`, `bytes`,
    /// `classes`.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
}

/// On one line: an option at the beginning of another would be taken for one of this command.
const EXAMPLE: &str = "\
Example:
  peeksim calibrate device a.csv --out box --set budget_ms=100 --set accuracy=1 --set load_ms=0";

const COLUMNS: &str = "\
Columns of the table of runs, one row for each repeat:
  device, model      names; each device becomes a worker class, each model a variant
  load_frac          load as a share of what the device sustains, 0.25 for a quarter
  duration_s         time in which requests arrived, as a Poisson process
  requests           their number
  mean_ms            mean latency
and, where known: power_mode, repeat, achieved_rps, p50_ms, p95_ms, p99_ms, std_ms, warm_idle_w,
serving_w.

Columns of the table of isolated latencies: device, model, latency_ms_mean, latency_ms_std, and
power_mode (or dvfs_mode) where runs have one.";

pub(super) fn main(args: &CalibrateArgs, out: &mut Output) -> Result<(), CliError> {
    let What::Device(args) = &args.what;
    let settings = settings(&args.set)?;
    if args.out.exists() {
        let found = format!("`{}`, which exists", args.out.display());
        return Err(wrong("--out", found, "a new folder").into());
    }
    let cells = loads::read(&args.loads, args.isolated.as_deref())?;
    let fitted = fitted(args, &cells)?;
    let plan = FitPlan { loads: fitted, model: CHOSEN, draws: DRAWS, repeats: usize::MAX };
    check_rates(args, &cells, &plan)?;
    profile::check(cells.iter().filter(|cell| plan.can_fit(cell)), &settings)?;
    let (model, scores) = choose(&cells, &plan);
    let plan = FitPlan { model, ..plan };
    let failed =
        |error: crate::calibration::predict::PredictError| CliError::Failed(error.to_string());
    let assessment = assess(&cells, &plan).map_err(failed)?;
    let folder = profile::folder(&assessment, &settings)?;
    print_models(&scores, model.name, out)?;
    print_fits(&assessment, out)?;
    print_predictions(&assessment, out)?;
    if assessment.cells.len() < cells.len() {
        let left = cells.len() - assessment.cells.len();
        out.note(format!(
            "{left} combinations have one fitted load and no isolated latency: left out"
        ));
    }
    atomic::new_folder(&args.out, &folder.files)?;
    write_calibration(&assessment, &args.out.join("calibration"))?;
    folder.notes.iter().for_each(|note| out.note(note));
    if out.is_json() {
        out.set("model", model.name);
        out.set("fits", rows_of(&fits_csv(&assessment)));
        out.set("predictions", rows_of(&predictions_csv(&assessment)));
    }
    out.wrote(&args.out)?;
    Ok(())
}

fn write_calibration(assessment: &Assessment, folder: &Path) -> Result<(), CliError> {
    atomic::folder(folder)?;
    atomic::write(&folder.join("predictions.csv"), predictions_csv(assessment).as_bytes())?;
    atomic::write(&folder.join("fits.csv"), fits_csv(assessment).as_bytes())?;
    for (name, chart) in charts(assessment) {
        draw(&chart, folder, name)?;
    }
    Ok(())
}

/// The settings of `--set` as one table.
fn settings(given: &[String]) -> Result<ConfigNode, Problems> {
    let mut node = ConfigNode::empty(Location::file("--set"));
    let mut problems = Problems::default();
    for text in given {
        let Some((key, value)) = text.split_once('=').filter(|(key, _)| !key.is_empty()) else {
            problems.push(wrong("--set", format!("`{text}`"), "KEY=VALUE"));
            continue;
        };
        let place = Location::file("--set").field(key);
        let value = ConfigNode::parse_override(value).relocated(&place);
        node.set(key, value).unwrap_or_else(|problem| problems.push(problem));
    }
    problems.check(Some(node))
}

/// The loads of `--fit`, each of which some run has; one must remain to predict.
fn fitted(args: &DeviceArgs, cells: &[Cell]) -> Result<Option<Vec<f64>>, Problem> {
    if args.fit.is_empty() {
        return Ok(None);
    }
    let mut known: Vec<f64> = cells.iter().flat_map(Cell::loads).collect();
    known.sort_by(f64::total_cmp);
    known.dedup();
    let names = || known.iter().map(f64::to_string).collect::<Vec<_>>().join(", ");
    let is_known = |load: &f64| known.iter().any(|own| (own - load).abs() < 1e-9);
    if let Some(odd) = args.fit.iter().find(|load| !is_known(load)) {
        return Err(wrong("--fit", format!("{odd}"), format!("a load of the runs: {}", names())));
    }
    if args.fit.len() >= known.len() {
        let found = format!("all loads: {}", names());
        return Err(wrong("--fit", found, "some of them: the others are predicted"));
    }
    Ok(Some(args.fit.clone()))
}

/// Refuses to fit to rates that the isolated latency cannot serve: such a queue has no steady
/// state.
fn check_rates(args: &DeviceArgs, cells: &[Cell], plan: &FitPlan) -> Result<(), Problems> {
    let mut problems = Problems::default();
    for cell in cells {
        let Some(isolated) = cell.isolated else { continue };
        let loads = plan.loads_of(cell);
        let is_fitted = |load: f64| loads.iter().any(|own| (own - load).abs() < 1e-9);
        let serves = 1000.0 / isolated.mean_ms;
        let over = cell.runs.iter().find(|run| is_fitted(run.load) && run.rate_rps >= serves);
        if let Some(run) = over {
            let found = format!(
                "{:.1} requests/s of `{}` on `{}` at load {}",
                run.rate_rps, cell.key.model, cell.key.device, run.load
            );
            let expected = format!("less than the {serves:.1}/s that its isolated latency serves");
            problems.push(Problem::new(Location::file(&args.loads), found, expected));
        }
    }
    problems.check(Some(()))
}

fn print_models(scores: &[ModelScore], chosen: &str, out: &mut Output) -> Result<(), CliError> {
    if scores.iter().all(|score| score.error.is_none()) {
        out.note(format!(
            "too few fitted loads to choose among models (--fit): `{chosen}` is taken, by which \
             six devices were predicted best"
        ));
        return Ok(());
    }
    let mut grid = vec![["model", "error of left-out loads", ""].map(str::to_owned).to_vec()];
    for ModelScore { model, error } in scores {
        let error = error.map_or("–".to_owned(), |error| percent(Some(error.value)));
        let mark = if model.name == chosen { "chosen" } else { "" };
        grid.push(vec![model.name.to_owned(), error, mark.to_owned()]);
    }
    writeln!(out, "{}", align(&grid))?;
    Ok(())
}

fn percent(share: Option<f64>) -> String {
    share.map_or("–".to_owned(), |share| format!("{:.1} %", 100.0 * share))
}

fn name(cell: &CellAssessment) -> String {
    let key = &cell.cell.key;
    [&key.device, &key.power_mode, &key.model].map(String::as_str).join(" ").replace("  ", " ")
}

fn print_fits(assessment: &Assessment, out: &mut Output) -> Result<(), CliError> {
    let head = ["fit", "service (ms)", "overhead (ms)", "delay spread", "idle (W)", "added (W)"];
    let mut grid = vec![head.map(str::to_owned).to_vec()];
    for cell in &assessment.cells {
        let with = |value: f64, interval: Option<Estimate>| match interval {
            Some(own) if own.half_width.is_some() => {
                format!("{value:.3} [{:.3}, {:.3}]", own.low(), own.high())
            }
            _ => format!("{value:.3}"),
        };
        let power = cell.fit.power_w.map_or(["–".to_owned(), "–".to_owned()], |power| {
            power.map(|watts| format!("{watts:.2}"))
        });
        let [idle, added] = power;
        grid.push(vec![
            name(cell),
            with(cell.fit.service_ms, cell.intervals.service_ms),
            with(cell.fit.overhead_ms, cell.intervals.overhead_ms),
            format!("{:.2}", cell.fit.delay_cv),
            idle,
            added,
        ]);
    }
    writeln!(out, "{}", align(&grid))?;
    Ok(())
}

/// Errors of each cell, or medians over them where there are many.
fn print_predictions(assessment: &Assessment, out: &mut Output) -> Result<(), CliError> {
    let head = ["error", "load", "use", "mean", "repeats", "p50", "p95", "p99", "watts"];
    let mut grid = vec![head.map(str::to_owned).to_vec()];
    if assessment.cells.len() > LISTED {
        for load in assessment.loads() {
            let medians = assessment.medians(load, |_| true);
            let [mean, p50, p95, p99, watts] =
                medians.absolute.map(|own| percent(own.map(|own| own.value)));
            let repeats = percent(medians.repeats[0].map(|own| own.value));
            let name = format!("median of {}", medians.cells);
            let load = percent(Some(load));
            grid.push(vec![name, load, "–".to_owned(), mean, repeats, p50, p95, p99, watts]);
        }
    } else {
        for cell in &assessment.cells {
            grid.extend(cell.loads.iter().map(|load| prediction(cell, load)));
        }
    }
    writeln!(out, "{}", align(&grid))?;
    Ok(())
}

fn prediction(cell: &CellAssessment, load: &LoadAssessment) -> Vec<String> {
    let [mean, p50, p95, p99, watts] = load.metrics.map(|own| percent(own.error()));
    let fitted = if load.is_fitted { " (fitted)" } else { "" };
    let saturated = if load.is_saturated() { " (saturated)" } else { "" };
    let at = format!("{}{fitted}", percent(Some(load.load)));
    let used = format!("{}{saturated}", percent(Some(load.utilization)));
    vec![name(cell), at, used, mean, percent(load.metrics[0].repeats), p50, p95, p99, watts]
}
