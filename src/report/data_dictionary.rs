//! What stands in every column of every file of a results folder.
//!
//! `docs/src/result-columns.md` and `results/schema.json` are written from this (see
//! `tests/repository/readme.rs`), and what a sweep writes is checked against the latter (see
//! `tests/experiment/dictionary.rs`).

use super::capacity;
use super::reproduction;
use super::results::{HEAD, TABLE_HEAD};
use crate::metrics::column::{column, count, share, text, unit};
use crate::metrics::{COLUMNS, Column, ColumnKind, REQUEST_COLUMNS, TABLES};

/// A file.
#[derive(Clone, Debug)]
pub struct FileDescription {
    /// Its name.
    pub name: String,
    /// What a row is.
    pub rows: String,
    /// Its columns, in order.
    pub fields: Vec<FieldDescription>,
}

/// A column of a file.
#[derive(Clone, Debug)]
pub struct FieldDescription {
    /// The name in the header, or [`AXES`].
    pub name: String,
    /// What its cells hold.
    pub kind: ColumnKind,
    /// What it means.
    pub meaning: String,
    /// When a cell is empty; nothing if it never is.
    pub empty: String,
}

/// Stands for a column for every key that varies.
pub const AXES: &str = "<axes>";

impl FieldDescription {
    /// The unit, as people write it.
    pub fn unit(&self) -> &'static str {
        unit(&self.name).map_or("", |(_, unit)| unit)
    }

    fn empty(self, empty: &str) -> Self {
        let or = if self.empty.is_empty() { "" } else { ", or " };
        Self { empty: format!("{}{or}{empty}", self.empty), ..self }
    }
}

impl From<&Column> for FieldDescription {
    fn from(column: &Column) -> Self {
        Self {
            name: column.name.to_owned(),
            kind: column.kind,
            meaning: column.meaning.to_owned(),
            empty: column.empty.to_owned(),
        }
    }
}

/// Every file.
pub fn files() -> Vec<FileDescription> {
    let mut files = vec![
        file("runs.csv", "a run, in the order of the experiment's axes", runs()),
        file("summary.csv", "a configuration, over its replicates", summary()),
        file("intervals.csv", "a metric of a configuration, over its replicates", intervals()),
        file("compare.csv", "a pair of schedulers, all else equal", compare()),
        file("quantiles.csv", "a quantile of a run's latency", own(&QUANTILES)),
        file("timings.csv", "a run by the clock on the wall", own(&TIMINGS)),
        file("requests (run --requests)", "a request, in the order in which they end", {
            own(REQUEST_COLUMNS)
        }),
        file("capacity.csv", "a search, of a configuration and a replicate", {
            [vec![axes()], own(&capacity::COLUMNS)].concat()
        }),
        file("capacity_summary.csv", "a configuration, over the searches of its replicates", {
            [vec![axes()], own(&capacity::SUMMARY)].concat()
        }),
        file("claims.csv", "a claim of a reproduction at one setting and number of replicates", {
            own(&reproduction::CLAIMS)
        }),
    ];
    files.extend(TABLES.iter().map(|table| {
        let fields = [own(&TABLE_HEAD), vec![axes()], own(table.columns)].concat();
        file(&format!("{}.csv", table.name), table.summary.trim_start_matches("a row for "), fields)
    }));
    files
}

const QUANTILES: [Column; 3] = [
    text("run_id", "which run, as in runs.csv"),
    share("q", "which quantile"),
    column("latency_ms", "latency that this share of the completed requests does not exceed"),
];

const TIMINGS: [Column; 4] = [
    text("run_id", "which run, as in runs.csv"),
    column("wall_s", "how long the run took; no two runs agree"),
    column("requests_per_s", "requests simulated per second").empty("the run failed"),
    column("decisions_per_s", "decisions taken per second").empty("the run failed"),
];

const INFO: Column =
    text("accuracy_source", "where the accuracies come from that the scheduler was shown")
        .of(ColumnKind::Word(&["profiled", "posterior", "oracle-label", "oracle-outcome"]));

fn file(name: &str, rows: &str, fields: Vec<FieldDescription>) -> FileDescription {
    FileDescription { name: name.to_owned(), rows: rows.to_owned(), fields }
}

fn own(columns: &[Column]) -> Vec<FieldDescription> {
    columns.iter().map(FieldDescription::from).collect()
}

fn axes() -> FieldDescription {
    let meaning = "a column for every key that varies: the label of its value";
    FieldDescription { name: AXES.to_owned(), ..FieldDescription::from(&text("", meaning)) }
}

fn runs() -> Vec<FieldDescription> {
    let metrics =
        COLUMNS.iter().map(|column| FieldDescription::from(column).empty("the run failed"));
    let error = text("error", "why the run failed").empty("it did not");
    let mut fields = own(&HEAD);
    fields.extend([axes(), FieldDescription::from(&INFO)]);
    fields.extend(metrics);
    fields.push(FieldDescription::from(&error));
    fields
}

fn summary() -> Vec<FieldDescription> {
    let mut fields = vec![axes(), FieldDescription::from(&INFO)];
    fields.push(FieldDescription::from(&count("replicates", "runs of the configuration")));
    for metric in COLUMNS.iter().filter(|column| !matches!(column.kind, ColumnKind::Word(_))) {
        let of = |suffix: &str, kind, what: &str, empty: &str| FieldDescription {
            name: format!("{}{suffix}", metric.name),
            kind,
            meaning: format!("{what} of {} over replicates", metric.name),
            empty: empty.to_owned(),
        };
        let positive = ColumnKind::Number(0.0, f64::INFINITY);
        let mean = if metric.kind == ColumnKind::Count { positive } else { metric.kind };
        fields.push(of("", mean, "mean", "no replicate has it"));
        fields.push(of("_sd", positive, "standard deviation", FEW));
        let width = "half width of the 95 % interval (Student's t)";
        fields.push(of("_ci95", positive, width, NO_INTERVAL));
    }
    fields
}

const FEW: &str = "fewer than two replicates have it";
const NO_INTERVAL: &str = "fewer than two replicates have it, or all of them agree";

fn intervals() -> Vec<FieldDescription> {
    let any = |name, meaning| {
        column(name, meaning).of(ColumnKind::Number(f64::NEG_INFINITY, f64::INFINITY))
    };
    let methods = ColumnKind::Word(&["t", "bootstrap-t"]);
    let reasons = ColumnKind::Word(&["few", "agree", "wide", "constant"]);
    let ends = ColumnKind::Word(&["low", "high", "both"]);
    let own = own(&[
        text("metric", "which metric"),
        count("replicates", "replicates that have it"),
        any("mean", "its mean over them"),
        column("sd", "its standard deviation").empty(FEW),
        any("ci95_low", "lower end of the 95 % interval of the mean").empty(NO_INTERVAL),
        any("ci95_high", "upper end of it").empty(NO_INTERVAL),
        text("interval", "how the interval was found").of(methods).empty(NO_INTERVAL),
        text(
            "interval_note",
            "why a skewed metric has t: few replicates, all but a few agree, or bootstrap-t is \
             more than three times as wide; constant: why there is no interval",
        )
        .of(reasons)
        .empty("there is nothing to say"),
        text("interval_clipped", "which ends were put back to the range of the metric")
            .of(ends)
            .empty("none"),
    ]);
    [vec![axes()], own].concat()
}

fn compare() -> Vec<FieldDescription> {
    let few = "fewer than two replicates have both, or all differences agree";
    let signed = |name, meaning| {
        column(name, meaning).of(ColumnKind::Number(f64::NEG_INFINITY, f64::INFINITY))
    };
    let axes = FieldDescription { meaning: "the settings that both share".to_owned(), ..axes() };
    let mut fields = own(&[text("metric", "what is compared")]);
    fields.push(axes);
    fields.extend(own(&[
        text("left", "a scheduler"),
        text("right", "another"),
        signed("difference", "mean of left − right, paired over replicates"),
        signed("ci95_low", "lower end of its 95 % interval (Student's t)").empty(few),
        signed("ci95_high", "upper end of its 95 % interval").empty(few),
        count("replicates", "replicates that have both"),
    ]));
    fields
}
