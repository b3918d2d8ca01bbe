//! The meaning of every column of every file of a results folder.
//!
//! `docs/src/result-columns.md` and `results/schema.json` are written from this (see
//! `tests/repository/readme.rs`), and what a sweep writes is checked against the latter (see
//! `tests/experiment/dictionary.rs`).

use super::results::{HEAD, TABLE_HEAD};
use super::runs_csv::{QUANTILE_COLUMNS, TIMING_COLUMNS};
use super::summary::{FEW, INTERVAL_COLUMNS, NO_INTERVAL};
use super::{capacity, compare, reproduction};
use crate::metrics::column::{count, text, unit};
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
        file("intervals.csv", "a metric of a configuration, over its replicates", {
            [vec![axes()], own(&INTERVAL_COLUMNS)].concat()
        }),
        file("compare.csv", "a pair of schedulers, all else equal", compare()),
        file("quantiles.csv", "a quantile of a run's latency", own(&QUANTILE_COLUMNS)),
        file("timings.csv", "wall-clock times of a run", own(&TIMING_COLUMNS)),
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

fn compare() -> Vec<FieldDescription> {
    let axes = FieldDescription { meaning: "the settings that both share".to_owned(), ..axes() };
    [own(&compare::COLUMNS[..1]), vec![axes], own(&compare::COLUMNS[1..])].concat()
}
