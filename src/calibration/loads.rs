//! The tables that a calibration reads: runs of devices under load, and latencies of single
//! inferences one after another.
//!
//! Both name a device, a model and a power mode. Of a combination, a [`Cell`] has its runs by load
//! and, if it was measured, its isolated latency.

use crate::config::csv::{Row, Table};
use crate::config::source::{self, Source};
use crate::config::{Location, Problem, Problems};
use std::collections::BTreeMap;

/// Required columns of a table of runs.
pub const RUN_COLUMNS: [&str; 6] =
    ["device", "model", "load_frac", "duration_s", "requests", "mean_ms"];
/// Columns that a table of runs may have; the last two are ignored.
pub const OPTIONAL_RUN_COLUMNS: [&str; 12] = [
    "power_mode",
    "repeat",
    "achieved_rps",
    "p50_ms",
    "p95_ms",
    "p99_ms",
    "std_ms",
    "warm_idle_w",
    "serving_w",
    "power_mode_label",
    "target_rps",
    "errors",
];
/// Required columns of a table of isolated latencies.
pub const ISOLATED_COLUMNS: [&str; 4] = ["device", "model", "latency_ms_mean", "latency_ms_std"];
/// Columns that a table of isolated latencies may have; power modes have either name.
pub const OPTIONAL_ISOLATED_COLUMNS: [&str; 13] = [
    "power_mode",
    "dvfs_mode",
    "batch_size",
    "ep",
    "n_infer",
    "latency_ms_p50",
    "latency_ms_p95",
    "latency_ms_p99",
    "throughput_ips",
    "p_wall_avg_w",
    "watts_idle",
    "energy_per_inf_j",
    "energy_inc_canonical_per_inf_j",
];

/// The label of the only power mode of a device.
const FIXED: &str = "fixed";

/// A run of a device under load.
#[derive(Clone, Debug, PartialEq)]
pub struct LoadRun {
    /// The load as a share of what the device sustains.
    pub load: f64,
    /// The time in which requests arrived.
    pub duration_s: f64,
    /// The number of requests.
    pub requests: u64,
    /// Requests per second.
    pub rate_rps: f64,
    /// Mean latency.
    pub mean_ms: f64,
    /// Its quantiles, if they were measured: 50, 95 and 99 %.
    pub quantiles_ms: [Option<f64>; 3],
    /// Standard deviation of latencies.
    pub sd_ms: Option<f64>,
    /// Power while idle, just before the run.
    pub idle_w: Option<f64>,
    /// Mean power of the run.
    pub serving_w: Option<f64>,
}

/// Latency of single inferences, one after another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Isolated {
    /// Mean.
    pub mean_ms: f64,
    /// Standard deviation.
    pub sd_ms: f64,
}

/// What a cell is of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CellKey {
    /// The device.
    pub device: String,
    /// The model.
    pub model: String,
    /// The power mode; empty if none is named.
    pub power_mode: String,
}

/// The measurements of a model on a device in a power mode.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    /// What it is of.
    pub key: CellKey,
    /// The power mode in words, if the table has them.
    pub label: String,
    /// Isolated latency, if it was measured.
    pub isolated: Option<Isolated>,
    /// Runs, by load and then in the order of the table.
    pub runs: Vec<LoadRun>,
}

impl Cell {
    /// The power mode as profiles name it: in words, if these are a name; empty if the device has
    /// one mode that is fixed.
    pub fn power_mode(&self) -> &str {
        let is_name = |text: &str| !text.is_empty() && !text.contains([' ', ',', '"']);
        match self.label.as_str() {
            FIXED => "",
            label if is_name(label) => label,
            _ => &self.key.power_mode,
        }
    }

    /// The loads, smallest first.
    pub fn loads(&self) -> Vec<f64> {
        let mut loads: Vec<f64> = self.runs.iter().map(|run| run.load).collect();
        loads.dedup();
        loads
    }

    /// The runs at a load.
    pub fn at(&self, load: f64) -> impl Iterator<Item = &LoadRun> {
        self.runs.iter().filter(move |run| run.load.total_cmp(&load).is_eq())
    }
}

/// Reads the cells of a table of runs, by device, model and power mode, with isolated latencies
/// where there are any.
///
/// # Errors
/// Columns that lack, cells that are no numbers in range, and isolated latencies without runs.
pub fn read(loads: &str, isolated: Option<&str>) -> Result<Vec<Cell>, Problems> {
    let mut cells = cells_of(&source::read(loads)?)?;
    if let Some(path) = isolated {
        add_isolated(&source::read(path)?, &mut cells)?;
    }
    Ok(cells)
}

/// A table with the indices of its required columns, and of optional ones that it has.
type Columns = (Table, Vec<usize>, Vec<Option<usize>>);

fn table(source: &Source, required: &[&str], optional: &[&str]) -> Result<Columns, Problem> {
    let table = Table::parse(source)?;
    let known: Vec<&str> = required.iter().chain(optional).copied().collect();
    if let Some(problem) = table.refuse_unknown(|name| known.contains(&name), &known) {
        return Err(problem);
    }
    let columns = required.iter().map(|name| table.column(name)).collect::<Result<_, _>>()?;
    let more = optional.iter().map(|name| table.optional(name)).collect();
    Ok((table, columns, more))
}

fn cells_of(source: &Source) -> Result<Vec<Cell>, Problems> {
    let (table, columns, more) = table(source, &RUN_COLUMNS, &OPTIONAL_RUN_COLUMNS)?;
    let mut problems = Problems::default();
    let mut cells: BTreeMap<CellKey, (String, Vec<LoadRun>)> = BTreeMap::new();
    // A run without requests has no latency.
    for row in table.rows().filter(|row| row.text(columns[4]) != "0") {
        let read = key(row, columns[0], columns[1], more[0])
            .and_then(|key| Ok((key, load_run(row, &columns, &more)?)));
        match read {
            Ok((key, run)) => {
                let label = more[9].map_or("", |column| row.text(column));
                let (_, runs) = cells.entry(key).or_insert_with(|| (label.to_owned(), Vec::new()));
                runs.push(run);
            }
            Err(problem) => problems.push(problem),
        }
    }
    let cells: Vec<Cell> = cells
        .into_iter()
        .map(|(key, (label, mut runs))| {
            runs.sort_by(|a, b| a.load.total_cmp(&b.load));
            Cell { key, label, isolated: None, runs }
        })
        .collect();
    if problems.is_empty() && cells.is_empty() {
        let place = Location::file(&source.path);
        problems.push(Problem::new(place, "no run", "a row for each run"));
    }
    let lone = cells.iter().find(|cell| cell.loads().len() < 2);
    if let Some(cell) = lone.filter(|_| problems.is_empty()) {
        let CellKey { device, model, power_mode } = &cell.key;
        let mode = match power_mode.as_str() {
            "" => String::new(),
            mode => format!(" in power mode {mode}"),
        };
        let found = format!("one load of `{model}` on `{device}`{mode}");
        let expected = "at least two: one to fit and one to predict";
        problems.push(Problem::new(Location::file(&source.path), found, expected));
    }
    problems.check(Some(cells))
}

fn load_run(row: Row<'_>, columns: &[usize], more: &[Option<usize>]) -> Result<LoadRun, Problem> {
    let above_zero = |column: usize| match row.number(column)? {
        0.0 => Err(row.problem(column, "a number above 0")),
        number => Ok(number),
    };
    let given = |at: usize| more[at].filter(|column| !row.text(*column).is_empty());
    let optional = |at: usize| given(at).map(|column| row.number(column)).transpose();
    let duration_s = above_zero(columns[3])?;
    let requests = row.integer(columns[4], 1..=10_000_000)?;
    let rate_rps = match given(2) {
        Some(column) => above_zero(column)?,
        None => requests as f64 / duration_s,
    };
    if !(1e-6..=1e6).contains(&rate_rps) || duration_s > 1e6 {
        return Err(row.problem(columns[3], "at most a million seconds and requests per second"));
    }
    Ok(LoadRun {
        load: above_zero(columns[2])?,
        duration_s,
        requests,
        rate_rps,
        mean_ms: above_zero(columns[5])?,
        quantiles_ms: [optional(3)?, optional(4)?, optional(5)?],
        sd_ms: optional(6)?,
        idle_w: optional(7)?,
        serving_w: optional(8)?,
    })
}

fn key(
    row: Row<'_>,
    device: usize,
    model: usize,
    power_mode: Option<usize>,
) -> Result<CellKey, Problem> {
    let name = |column: usize| {
        let text = row.filled(column, "a name")?;
        if text.contains(|c: char| c.is_whitespace() || c.is_control() || c == ',' || c == '"') {
            return Err(row.problem(column, "a name without blanks, commas and quotes"));
        }
        Ok(text.to_owned())
    };
    let power_mode = power_mode.filter(|column| !row.text(*column).is_empty());
    Ok(CellKey {
        device: name(device)?,
        model: name(model)?,
        power_mode: power_mode.map(name).transpose()?.unwrap_or_default(),
    })
}

fn add_isolated(source: &Source, cells: &mut [Cell]) -> Result<(), Problems> {
    let (table, columns, more) = table(source, &ISOLATED_COLUMNS, &OPTIONAL_ISOLATED_COLUMNS)?;
    let mut problems = Problems::default();
    for row in table.rows() {
        let batch = more[2].map(|column| row.integer(column, 1..=1_000_000)).transpose();
        let read = key(row, columns[0], columns[1], more[0].or(more[1])).and_then(|key| {
            let mean_ms = row.number(columns[2])?;
            if mean_ms == 0.0 {
                return Err(row.problem(columns[2], "a number above 0"));
            }
            // A single inference has no deviation.
            let sd_ms = if row.text(columns[3]).is_empty() { 0.0 } else { row.number(columns[3])? };
            Ok((key, Isolated { mean_ms, sd_ms }, batch?))
        });
        match read {
            // Runs are of single requests; latencies of larger batches are not theirs.
            Ok((_, _, Some(2..))) => {}
            Ok((key, isolated, _)) => {
                // A model without runs in this mode needs no isolated latency.
                let Some(cell) = cells.iter_mut().find(|cell| cell.key == key) else { continue };
                if cell.isolated.replace(isolated).is_some() {
                    let expected = "one row for each device, model and power mode";
                    problems.push(row.problem(columns[1], expected));
                }
            }
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() && cells.iter().all(|cell| cell.isolated.is_none()) {
        let found = "no device, model and power mode of the runs";
        let expected = "rows with the names that the table of runs has";
        problems.push(Problem::new(Location::file(&source.path), found, expected));
    }
    problems.check(Some(()))
}
