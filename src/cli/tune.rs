//! `peeksim tune`: tries the grids of `[tune]` on one half of the sources, chooses a point for each
//! scheduler, and sweeps the experiment with published and tuned rows on the other half.

use super::messages::status;
use super::output::rows_of_file;
use super::sweep::{SweepReport, make, report};
use super::{CliError, ExperimentArgs, Output, notes, wrong};
use crate::config::ConfigNode;
use crate::config::toml::quote;
use crate::core::ids::AppId;
use crate::experiment::{Experiment, RunConfig, Sweep, TunedRow, Tuning, is_label};
use crate::output::atomic;
use crate::report::{ResultRow, Results};
use clap::Args;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Seeds of points where traces have no sources: far from those that people choose.
const OTHER_SEEDS: u64 = 1 << 40;

/// Arguments of `tune`.
#[derive(Debug, Args)]
pub(super) struct TuneArgs {
    #[command(flatten)]
    experiment: ExperimentArgs,
    /// Threads; one per core by default.
    #[arg(long, default_value_t = 0, hide_default_value = true)]
    jobs: usize,
    /// The folder: `grid` has the runs of all points, `tuned.csv` their means, `tuned.toml` the
    /// chosen rows, `report` the results; `results/<name>-tuned` by default.
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

pub(super) fn main(args: &TuneArgs, out: &mut Output) -> Result<(), CliError> {
    let sweep = args.experiment.load()?;
    let experiment = &sweep.experiment;
    let Some(tune) = &experiment.tune else {
        let found = format!("no [tune] in {}", experiment.path);
        return Err(wrong("tune", found, "a table [tune] with a [[tune.row]]").into());
    };
    if experiment.stopping.is_some() || experiment.search.is_some() {
        let found = "an experiment with [stopping] or [search]";
        return Err(wrong("tune", found, "`replicates` and values of an axis").into());
    }
    let name = format!("results/{}-tuned", experiment.name);
    let folder = args.out.clone().unwrap_or_else(|| name.into());
    let by_sources = has_sources(&sweep);
    let candidates = candidates(experiment, tune);
    let set = grid_settings(experiment, tune, by_sources, &candidates);
    let mut grid = load(args, set)?;
    status(&format!("{} points of {} schedulers", candidates.len(), tune.rows.len()));
    let SweepReport { failed, results, .. } = make(&mut grid, &folder.join("grid"), args.jobs)?;
    failed?;
    let chosen = choose(tune, &candidates, &results, &folder)?;
    for candidate in &chosen {
        writeln!(out, "{}: {}", candidate.row.label, candidate.parameters())?;
    }
    writeln!(out)?;
    let set = report_settings(experiment, tune, by_sources, &chosen);
    let mut sweep = load(args, set)?;
    // The axis has all values that it had, and more: figures and claims about them stay valid.
    sweep.experiment.figures.clone_from(&experiment.figures);
    sweep.experiment.expectations.clone_from(&experiment.expectations);
    notes::of_inputs(&sweep, &mut out.notes);
    let reported = folder.join("report");
    let written = make(&mut sweep, &reported, args.jobs)?;
    report(&sweep, &reported, written, out)?;
    if out.is_json() {
        out.set("tuned", rows_of_file(&folder.join("tuned.csv"))?);
    }
    for file in ["tuned.csv", "tuned.toml"] {
        out.wrote(&folder.join(file))?;
    }
    Ok(())
}

/// The experiment with the changes of the command line and these.
fn load(args: &TuneArgs, set: Vec<String>) -> Result<Sweep, CliError> {
    let mut changed = args.experiment.clone();
    changed.set.extend(set);
    changed.replicates = None;
    Ok(changed.load()?)
}

/// Whether every application replays a trace of several sources.
fn has_sources(sweep: &Sweep) -> bool {
    let several = |config: &RunConfig, app: AppId| {
        config.truth.trace(app).is_some_and(|trace| trace.sources.len() > 1)
    };
    let Ok(configs) = sweep.scheduling() else { return false };
    configs.iter().all(|config| config.catalog.app_ids().all(|app| several(config, app)))
}

/// A point of a scheduler.
struct Candidate<'a> {
    row: &'a TunedRow,
    point: &'a [(String, ConfigNode)],
    /// The settings of the scheduler with the point.
    settings: ConfigNode,
}

impl Candidate<'_> {
    /// `max_batch = 8, exit_batch = "limit"`.
    fn parameters(&self) -> String {
        let one = |(key, value): &(String, ConfigNode)| format!("{key} = {}", value.canonical());
        self.point.iter().map(one).collect::<Vec<_>>().join(", ")
    }

    fn label(&self) -> String {
        format!("{}: {}", self.row.label, self.parameters())
    }

    /// The settings under another label, as TOML.
    fn labelled(&self, label: &str) -> String {
        labelled(&self.settings, label)
    }
}

/// Settings of a scheduler under this label, as TOML.
fn labelled(settings: &ConfigNode, label: &str) -> String {
    let mut settings = settings.clone();
    let label = ConfigNode::parse_override(&quote(label));
    // A table takes every key.
    drop(settings.set("label", label));
    settings.canonical()
}

/// The values of the scheduler axis with their labels, each as a table.
fn schedulers(experiment: &Experiment) -> Vec<(String, ConfigNode)> {
    let axis = experiment.axes.iter().find(|axis| axis.keys == ["scheduler"]);
    let labels = experiment.axes_with_labels().into_iter().find(|(key, _)| key == "scheduler");
    let (Some(axis), Some((_, labels))) = (axis, labels) else { return Vec::new() };
    let table = |node: &ConfigNode| match node.get("name") {
        Some(_) => node.clone(),
        None => ConfigNode::parse_override(&format!("{{ name = {} }}", node.canonical())),
    };
    labels.into_iter().zip(axis.rows.iter().map(|row| table(&row[0]))).collect()
}

/// All points of all schedulers that are tuned.
fn candidates<'a>(experiment: &Experiment, tune: &'a Tuning) -> Vec<Candidate<'a>> {
    let schedulers = schedulers(experiment);
    let mut candidates = Vec::new();
    for row in &tune.rows {
        let Some((_, base)) = schedulers.iter().find(|(label, _)| *label == row.label) else {
            continue;
        };
        for point in &row.points {
            let mut settings = base.clone();
            for (key, value) in point {
                drop(settings.set(key, value.clone()));
            }
            candidates.push(Candidate { row, point, settings });
        }
    }
    candidates
}

/// The changes that make the grid of the experiment.
fn grid_settings(
    experiment: &Experiment,
    tune: &Tuning,
    by_sources: bool,
    candidates: &[Candidate<'_>],
) -> Vec<String> {
    let values = candidates.iter().map(|candidate| candidate.labelled(&candidate.label()));
    let mut set = vec![
        format!("name={}", quote(&format!("{}-grid", experiment.name))),
        format!("replicates={}", tune.replicates),
        "figure=[]".to_owned(),
        "expect=[]".to_owned(),
        format!("scheduler=[{}]", values.collect::<Vec<_>>().join(", ")),
    ];
    set.extend(kept_settings(experiment, tune));
    set.push(if by_sources {
        format!("workload.source_split={}", tune.tried_on)
    } else {
        format!("seed={}", experiment.seed.wrapping_add(OTHER_SEEDS))
    });
    set
}

/// The changes that keep the settings that count: of all axes, the rows that the filter selects.
fn kept_settings(experiment: &Experiment, tune: &Tuning) -> Vec<String> {
    let labels = experiment.axes_with_labels();
    let is_wanted = |key: &String, row: usize| {
        let wanted = tune.filter.iter().find(|(name, _)| name == key);
        let own = labels.iter().find(|(name, _)| name == key);
        let label = own.and_then(|(_, labels)| labels.get(row));
        wanted
            .zip(label)
            .is_none_or(|((_, wanted), label)| wanted.iter().any(|wanted| is_label(label, wanted)))
    };
    let (mut set, mut zips) = (Vec::new(), Vec::new());
    for axis in experiment.axes.iter().filter(|axis| axis.keys != ["scheduler"]) {
        let kept = (0..axis.rows.len()).filter(|row| axis.keys.iter().all(|k| is_wanted(k, *row)));
        let list = |row: usize| {
            let cells = axis.rows[row].iter().map(ConfigNode::canonical);
            cells.collect::<Vec<_>>().join(", ")
        };
        if let [key] = axis.keys.as_slice() {
            set.push(format!("{key}=[{}]", kept.map(list).collect::<Vec<_>>().join(", ")));
        } else {
            let keys: Vec<String> = axis.keys.iter().map(|key| quote(key)).collect();
            let rows: Vec<String> = kept.map(|row| format!("[{}]", list(row))).collect();
            let (keys, rows) = (keys.join(", "), rows.join(", "));
            zips.push(format!("{{ keys = [{keys}], values = [{rows}] }}"));
        }
    }
    if !zips.is_empty() {
        set.push(format!("zip=[{}]", zips.join(", ")));
    }
    set
}

/// The changes that add the chosen rows to the experiment, on the sources that were not tried.
fn report_settings(
    experiment: &Experiment,
    tune: &Tuning,
    by_sources: bool,
    chosen: &[&Candidate<'_>],
) -> Vec<String> {
    // Rows that an earlier tuning left in the experiment are replaced.
    let is_chosen = |label: &str| chosen.iter().any(|candidate| tuned(candidate.row) == label);
    let own = schedulers(experiment).into_iter().filter(|(label, _)| !is_chosen(label));
    let own = own.map(|(label, settings)| labelled(&settings, &label));
    let tuned = chosen.iter().map(|candidate| candidate.labelled(&tuned(candidate.row)));
    let values: Vec<String> = own.chain(tuned).collect();
    let mut set = vec![
        format!("name={}", quote(&format!("{}-tuned", experiment.name))),
        format!("replicates={}", experiment.replicates),
        "figure=[]".to_owned(),
        "expect=[]".to_owned(),
        format!("scheduler=[{}]", values.join(", ")),
    ];
    set.extend(by_sources.then(|| format!("workload.source_split={}", tune.reported_on)));
    set
}

/// The label of a scheduler at its chosen point.
fn tuned(row: &TunedRow) -> String {
    format!("{}, tuned", row.label)
}

/// The point of each scheduler with the best mean, the first of equals; writes the means and the
/// chosen rows.
fn choose<'a>(
    tune: &Tuning,
    candidates: &'a [Candidate<'a>],
    results: &Results,
    folder: &Path,
) -> Result<Vec<&'a Candidate<'a>>, CliError> {
    let axis = results.axis("scheduler").unwrap_or(0);
    let mean = |candidate: &Candidate<'_>| {
        let label = candidate.label();
        let rows = results.rows.iter().filter(|row| row.labels[axis].trim() == label.trim());
        let values: Vec<f64> = ResultRow::numbers(&tune.metric, rows).collect();
        (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
    };
    let means: Vec<Option<f64>> = candidates.iter().map(mean).collect();
    let sign = if tune.least { -1.0 } else { 1.0 };
    let mut chosen = Vec::new();
    for row in &tune.rows {
        let own = (0..candidates.len()).filter(|at| candidates[*at].row.label == row.label);
        let known = own.filter_map(|at| Some((at, sign * means[at]?)));
        chosen.extend(known.rev().max_by(|a, b| a.1.total_cmp(&b.1)).map(|(at, _)| at));
    }
    let mut writer = csv::Writer::from_writer(Vec::new());
    let head = ["scheduler", "parameters", "metric", "mean", "chosen"];
    // Writing to a Vec cannot fail.
    drop(writer.write_record(head));
    for (at, (candidate, mean)) in candidates.iter().zip(&means).enumerate() {
        let mean = mean.map_or(String::new(), |mean| mean.to_string());
        let is_chosen = if chosen.contains(&at) { "yes" } else { "no" };
        let (label, parameters) = (candidate.row.label.as_str(), candidate.parameters());
        drop(writer.write_record([label, &parameters, &tune.metric, &mean, is_chosen]));
    }
    atomic::write(&folder.join("tuned.csv"), &writer.into_inner().unwrap_or_default())?;
    let chosen: Vec<&Candidate<'_>> = chosen.into_iter().map(|at| &candidates[at]).collect();
    let rows = chosen.iter().map(|candidate| candidate.labelled(&tuned(candidate.row)));
    let rows: String = rows.map(|row| format!("  {row},\n")).collect();
    let text = format!(
        "# Values of the axis `scheduler`, chosen by `peeksim tune`.\nvalues = [\n{rows}]\n"
    );
    atomic::write(&folder.join("tuned.toml"), text.as_bytes())?;
    Ok(chosen)
}
