//! The meaning of every column of every file of a results folder.
//!
//! `docs/src/result-columns.md` and `results/schema.json` are written from this (see
//! `tests/repository/readme.rs`), and what a sweep writes is checked against the latter (see
//! `tests/experiment/dictionary.rs`).

use super::results::{HEAD, SAMPLE_HEAD, TABLE_HEAD};
use super::runs_csv::{QUANTILE_COLUMNS, TIMING_COLUMNS};
use super::summary::{FEW, INTERVAL_COLUMNS, NO_INTERVAL};
use super::{capacity, compare, reproduction};
use crate::metrics::column::{count, text, unit};
use crate::metrics::{Column, ColumnKind, REQUEST_COLUMNS, Study, TABLES};

/// A file.
#[derive(Clone, Debug)]
pub struct FileDescription {
    /// Its name.
    pub name: String,
    /// The kind of experiments that write it so; `None` if all do.
    pub study: Option<Study>,
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

impl FileDescription {
    /// Its name, with the kind of experiments if others write it otherwise.
    pub fn title(&self) -> String {
        match self.study {
            Some(Study::Offloading) => format!("{} of an offloading study", self.name),
            _ => self.name.clone(),
        }
    }

    fn of(self, study: Study) -> Self {
        Self { study: Some(study), ..self }
    }
}

/// Every file.
pub fn files() -> Vec<FileDescription> {
    let [scheduling, offloading] = [Study::Scheduling, Study::Offloading];
    let run = "a run, in the order of the experiment's axes";
    let samples = "a dialogue, or a replicate that drew its own dialogues, of a configuration";
    let mut files = vec![
        file("runs.csv", run, runs(&HEAD, scheduling)).of(scheduling),
        file("summary.csv", "a configuration, over its replicates", summary(scheduling))
            .of(scheduling),
        file("runs.csv", run, runs(&HEAD, offloading)).of(offloading),
        file("samples.csv", samples, runs(&SAMPLE_HEAD, offloading)),
        file("summary.csv", "a configuration, over its samples", summary(offloading))
            .of(offloading),
        file("intervals.csv", "a metric of a configuration, over its replicates or samples", {
            [vec![axes()], own(&INTERVAL_COLUMNS)].concat()
        }),
        file("compare.csv", "a pair of schedulers or policies, all else equal", compare()),
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

fn file(name: &str, rows: &str, fields: Vec<FieldDescription>) -> FileDescription {
    FileDescription { name: name.to_owned(), study: None, rows: rows.to_owned(), fields }
}

fn own(columns: &[Column]) -> Vec<FieldDescription> {
    columns.iter().map(FieldDescription::from).collect()
}

fn axes() -> FieldDescription {
    let meaning = "a column for every key that varies: the label of its value";
    FieldDescription { name: AXES.to_owned(), ..FieldDescription::from(&text("", meaning)) }
}

fn runs(head: &[Column], study: Study) -> Vec<FieldDescription> {
    let columns = study.columns().iter();
    let metrics = columns.map(|column| FieldDescription::from(column).empty("the run failed"));
    let error = text("error", "why the run failed").empty("it did not");
    let mut fields = own(head);
    fields.extend([axes(), FieldDescription::from(&study.source())]);
    fields.extend(metrics);
    fields.push(FieldDescription::from(&error));
    fields
}

fn summary(study: Study) -> Vec<FieldDescription> {
    let mut fields = vec![axes(), FieldDescription::from(&study.source())];
    let samples = study.samples();
    let counted = match study {
        Study::Scheduling => "runs of the configuration",
        Study::Offloading => "dialogues, or replicates that drew their own",
    };
    fields.push(FieldDescription::from(&count(samples, counted)));
    for metric in
        study.columns().iter().filter(|column| !matches!(column.kind, ColumnKind::Word(_)))
    {
        let of = |suffix: &str, kind, what: &str, empty: &str| FieldDescription {
            name: format!("{}{suffix}", metric.name),
            kind,
            meaning: format!("{what} of {} over {samples}", metric.name),
            empty: empty.to_owned(),
        };
        let positive = ColumnKind::Number(0.0, f64::INFINITY);
        let mean = if metric.kind == ColumnKind::Count { positive } else { metric.kind };
        fields.push(of(
            "",
            mean,
            "mean",
            match study {
                Study::Scheduling => "no replicate has it",
                Study::Offloading => "no sample has it",
            },
        ));
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
