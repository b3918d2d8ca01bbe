//! `reproduce edge`: every device, model and power mode of a published data set, against goals.
//!
//! The data: lab-paper-code/load-reactive-edge-inference, commit da43326e (CC BY 4.0). Six devices
//! ship in `traces/edge-devices`.

use super::assess::{Assessment, FitPlan, MEAN, Medians, WATTS, assess};
use super::constants::grid_csv;
use super::fit::{CHOSEN, Model, NESTED, OTHERS};
use super::loads::{self, Cell};
use super::predict::PredictError;
use super::tables::{basis, charts, fits_csv, medians_csv, model_chart, predictions_csv};
use crate::config::Problems;
use crate::report::figure::Chart;
use std::fmt::Write as _;

/// The table of runs in a folder of the data.
pub const LOADS: &str = "poisson_load_sweep.csv";
/// The table of isolated latencies in a folder of the data.
pub const ISOLATED: &str = "isolated_profiles.csv";
/// The copy that ships.
pub const SHIPPED: &str = "traces/edge-devices";

/// The most that a median over cells with an isolated latency may be.
struct Goal {
    metric: usize,
    load: f64,
    most: f64,
}

const GOALS: [Goal; 6] = [
    Goal { metric: MEAN, load: 0.5, most: 0.03 },
    Goal { metric: MEAN, load: 0.75, most: 0.03 },
    Goal { metric: MEAN, load: 1.0, most: 0.1 },
    Goal { metric: WATTS, load: 0.5, most: 0.03 },
    Goal { metric: WATTS, load: 0.75, most: 0.03 },
    Goal { metric: WATTS, load: 1.0, most: 0.03 },
];

/// How much is simulated.
#[derive(Clone, Copy, Debug)]
pub struct EdgeConfig {
    /// Simulations of each run.
    pub draws: u64,
    /// Repeats of each load.
    pub repeats: usize,
    /// Whether other models and other constants are tried.
    pub compares: bool,
}

impl EdgeConfig {
    /// Everything.
    pub const FULL: Self = Self { draws: 4, repeats: usize::MAX, compares: true };
    /// Some seconds: three repeats of each load, and the chosen model alone.
    pub const QUICK: Self = Self { draws: 1, repeats: 3, compares: false };
}

/// Results of a reproduction.
#[derive(Clone, Debug, Default)]
pub struct EdgeArtifacts {
    /// Files by name.
    pub files: Vec<(&'static str, String)>,
    /// Charts by name.
    pub plots: Vec<(&'static str, Chart)>,
    /// The goals, in a line each.
    pub goals: Vec<GoalResult>,
    /// Medians by basis and load, in lines.
    pub summary: String,
}

/// A goal with its verdict.
#[derive(Clone, Debug)]
pub struct GoalResult {
    /// The goal and what was found.
    pub line: String,
    /// Whether it is met; `None` if no cell has the load and the metric.
    pub is_met: Option<bool>,
}

impl GoalResult {
    /// The verdict in a word.
    pub fn verdict(&self) -> &'static str {
        match self.is_met {
            Some(true) => "met",
            Some(false) => "missed",
            None => "no data",
        }
    }
}

/// Why `reproduce edge` failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EdgeError {
    /// Tables that cannot be read.
    #[error(transparent)]
    Input(#[from] Problems),
    /// A prediction that failed.
    #[error(transparent)]
    Predict(#[from] PredictError),
}

/// The rows of tables of medians: model, basis, load.
type Rows<'a> = Vec<(&'a str, &'a str, f64, Medians)>;

/// Fits and predicts the cells of a folder.
///
/// # Errors
/// Tables that cannot be read.
pub fn reproduce(folder: &str, config: EdgeConfig) -> Result<EdgeArtifacts, EdgeError> {
    let path = |file: &str| format!("{folder}/{file}");
    let cells = loads::read(&path(LOADS), Some(&path(ISOLATED)))?;
    let EdgeConfig { draws, repeats, compares } = config;
    let plan = FitPlan { loads: None, model: CHOSEN, draws, repeats };
    let chosen = assess(&cells, &plan)?;
    let mut rows = Rows::new();
    for basis in ["isolated", "loads"] {
        rows.extend(medians(&chosen, CHOSEN.name, basis));
    }
    let mut artifacts = EdgeArtifacts {
        files: vec![("predictions.csv", predictions_csv(&chosen)), ("fits.csv", fits_csv(&chosen))],
        plots: charts(&chosen),
        goals: goals(&chosen),
        summary: String::new(),
    };
    let mut compared = Rows::new();
    if compares {
        compared = models(&cells, &plan, &chosen)?;
        artifacts.files.push(("models.csv", medians_csv(&compared)));
        artifacts.files.push(("constants.csv", grid_csv(&cells, &plan)?));
        artifacts.plots.push(("models", model_chart(&compared)));
    }
    artifacts.files.push(("medians.csv", medians_csv(&rows)));
    artifacts.summary = summary(&rows);
    let report = report(&artifacts, &rows, &compared, &chosen);
    artifacts.files.push(("REPORT.md", report));
    Ok(artifacts)
}

/// Medians of one basis by load; none if no cell has it.
fn medians<'a>(assessment: &Assessment, model: &'a str, of: &'a str) -> Rows<'a> {
    let at = |load| (model, of, load, assessment.medians(load, |cell| basis(cell) == of));
    assessment.loads().into_iter().map(at).filter(|(.., medians)| medians.cells > 0).collect()
}

/// All models on cells with an isolated latency, with the same arrivals.
fn models(
    cells: &[Cell],
    plan: &FitPlan,
    chosen: &Assessment,
) -> Result<Rows<'static>, PredictError> {
    let cells: Vec<Cell> = cells.iter().filter(|cell| cell.isolated.is_some()).cloned().collect();
    let mut rows = Rows::new();
    for model in NESTED.into_iter().chain(OTHERS) {
        if model == CHOSEN {
            rows.extend(medians(chosen, model.name, "isolated"));
        } else {
            let assessment = assess(&cells, &FitPlan { model, ..plan.clone() })?;
            rows.extend(medians(&assessment, model.name, "isolated"));
        }
    }
    Ok(rows)
}

fn goals(assessment: &Assessment) -> Vec<GoalResult> {
    let judged = GOALS.iter().map(|goal| {
        let medians = assessment.medians(goal.load, |cell| basis(cell) == "isolated");
        let median = medians.absolute[goal.metric].map(|median| median.value);
        let what = if goal.metric == MEAN { "mean latency" } else { "mean power" };
        let line = format!(
            "{what} at {} % load: median error {}, goal at most {}",
            100.0 * goal.load,
            median.map_or("–".to_owned(), percent),
            percent(goal.most),
        );
        GoalResult { line, is_met: median.map(|median| median <= goal.most) }
    });
    judged.collect()
}

fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

/// The head and the rows of a table of medians.
fn grid(rows: &Rows<'_>) -> Vec<Vec<String>> {
    let head = ["model", "basis", "load", "cells", "mean", "repeats", "p50", "p95", "p99", "watts"];
    let cell = |median: Option<crate::stats::Median>| {
        median.map_or("–".to_owned(), |median| percent(median.value))
    };
    let line = |(model, basis, load, medians): &(&str, &str, f64, Medians)| {
        let [mean, p50, p95, p99, watts] = medians.absolute;
        let mut line =
            vec![(*model).to_owned(), (*basis).to_owned(), format!("{} %", 100.0 * load)];
        line.push(medians.cells.to_string());
        line.extend([mean, medians.repeats[MEAN], p50, p95, p99, watts].map(cell));
        line
    };
    std::iter::once(head.map(str::to_owned).to_vec()).chain(rows.iter().map(line)).collect()
}

fn summary(rows: &Rows<'_>) -> String {
    crate::report::console::align(&grid(rows))
}

fn markdown(rows: &Rows<'_>) -> String {
    let mut text = String::new();
    for (at, line) in grid(rows).iter().enumerate() {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "| {} |", line.join(" | "));
        if at == 0 {
            text.push_str("|---|---|--:|--:|--:|--:|--:|--:|--:|--:|\n");
        }
    }
    text
}

fn report(
    artifacts: &EdgeArtifacts,
    rows: &Rows<'_>,
    compared: &Rows<'_>,
    assessment: &Assessment,
) -> String {
    let saturated: Vec<String> = assessment
        .cells
        .iter()
        .flat_map(|cell| cell.loads.iter().map(move |load| (cell, load)))
        .filter(|(_, load)| load.is_saturated())
        .map(|(cell, load)| {
            let key = &cell.cell.key;
            format!(
                "{} {} mode {} at {} %",
                key.device,
                key.model,
                key.power_mode,
                100.0 * load.load
            )
        })
        .collect();
    let mut text = String::from(
        "# Predictions of real edge devices\n\nMade by `peeksim reproduce edge`. Medians over \
         cells (device, model, power mode) of absolute errors. `repeats`: how far a measured run \
         is from the mean of its repeats. p95 and p99 count runs with at least 200 requests. No \
         cell is left out.\n\n## Goals\n\n",
    );
    for goal in &artifacts.goals {
        let _ = writeln!(text, "- {}: {}", goal.line, goal.verdict());
    }
    let _ = write!(
        text,
        "\n## Cells\n\n`isolated`: the isolated latency is known, and one overhead is fitted at \
         the \
         smallest load. `loads`: service and overhead are fitted at the two smallest loads; their \
         errors there are of a fit, not of a prediction.\n\n{}",
        markdown(rows)
    );
    if !compared.is_empty() {
        let _ = write!(text, "\n## Models\n\n{}\n", markdown(compared));
        let parts = |model: &Model| format!("- `{}`: {}\n", model.name, model.summary);
        text.extend(NESTED.iter().chain(&OTHERS).map(parts));
    }
    let list = if saturated.is_empty() { "none".to_owned() } else { saturated.join("; ") };
    let _ = write!(
        text,
        "\n## Cells without a steady state\n\nUtilization of 1 or more by the fit, {} in all: \
         {list}.\n",
        saturated.len()
    );
    for (name, _) in &artifacts.plots {
        let _ = write!(text, "\n![{name}](figures/{name}.svg)\n");
    }
    text
}
