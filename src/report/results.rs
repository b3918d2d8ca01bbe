//! Reading `runs.csv` back.

use crate::config::csv::{Row, Table};
use crate::config::source::{self, Source};
use crate::config::{Location, Problem};
use crate::experiment::{AxisLabels, is_label};
use crate::metrics::column::{count, text};
use crate::metrics::{Column, QUANTILES, Study};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

/// Results that cannot be read.
pub type ResultsError = Problem;

/// The columns before the axes.
pub const HEAD: [Column; 5] = [
    text("run_id", "hash of settings, inputs, seed and replicate"),
    count("schema_version", "raised when a column moves or changes its meaning"),
    text("config_hash", "hash of settings and inputs"),
    REPLICATE,
    count("seed", "the root of all random numbers of the experiment"),
];

/// The file of the samples of an offloading study.
pub const SAMPLES: &str = "samples.csv";

/// The axis that tells the folders of joined results apart.
pub const FOLDER: &str = "folder";

/// The columns before the axes in `samples.csv`.
pub const SAMPLE_HEAD: [Column; 4] = [
    text("config_hash", "hash of settings and inputs"),
    count(
        "sample",
        "place of the dialogue in the data, from 0; the replicate, if each draws its own",
    ),
    text("dialogue", "the name of the dialogue").empty("the sample is a replicate"),
    count("rows", "tests of the dialogue over which the numbers are means"),
];

/// The columns before the axes in tables of several rows a run.
pub const TABLE_HEAD: [Column; 2] = [text("run_id", "which run, as in runs.csv"), REPLICATE];

/// Which replicate.
pub(super) const REPLICATE: Column =
    count("replicate", "which replicate of its configuration, from 0");

/// The rows of an experiment.
#[derive(Clone, Debug)]
pub struct Results {
    /// What the runs simulate.
    pub study: Study,
    /// The keys that vary.
    pub axes: Vec<String>,
    /// The metric columns of the file; an older version may have written fewer than there are.
    pub columns: Vec<&'static str>,
    /// One per run, in order; of an offloading study one per sample.
    pub rows: Vec<ResultRow>,
    /// SHA-256 of the file.
    pub sha256: String,
    /// Latency in milliseconds at [`QUANTILES`] by run id, if recorded.
    pub quantiles: BTreeMap<String, Vec<f64>>,
}

/// One run, or one sample of an offloading study.
#[derive(Clone, Debug)]
pub struct ResultRow {
    /// Which replicate, or which sample.
    pub replicate: u64,
    /// The label of each axis.
    pub labels: Vec<String>,
    /// The line of the file: a hundred thousand rows have seven million cells.
    record: csv::StringRecord,
    places: Arc<Places>,
}

/// Where the cells of a row are in its line.
#[derive(Debug)]
struct Places {
    study: Study,
    /// The number of cells before the labels of the axes.
    head: usize,
    /// The source of what is known, after the labels of the axes.
    source: usize,
    /// Each of the columns of the study, if the file has it.
    columns: Vec<Option<usize>>,
}

impl ResultRow {
    /// A cell of the line.
    fn at(&self, place: usize) -> &str {
        self.record.get(place).unwrap_or("").trim()
    }

    /// Its id.
    pub fn id(&self) -> &str {
        self.at(0)
    }

    /// The cells before the labels of the axes.
    pub fn head(&self) -> impl Iterator<Item = &str> {
        (0..self.places.head).map(|at| self.at(at))
    }

    /// On which knowledge the row rests ([`Study::source`]).
    pub fn source(&self) -> &str {
        self.at(self.places.source)
    }

    /// The metric cells in the order of [`Study::columns`]; empty where the file has no such
    /// column.
    pub fn cells(&self) -> impl Iterator<Item = &str> {
        (0..self.places.columns.len()).map(|column| self.measured(column))
    }

    /// Why it failed, or nothing.
    pub fn error(&self) -> &str {
        self.at(self.record.len() - 1)
    }

    /// Every cell of the row, in order.
    pub fn text(&self) -> impl Iterator<Item = &str> {
        let labels = self.labels.iter().map(String::as_str);
        let cells = self.head().chain(labels).chain([self.source()]).chain(self.cells());
        cells.chain([self.error()])
    }

    /// A cell as it is written; empty if there is no such column.
    pub fn word(&self, name: &str) -> &str {
        self.places.study.place_of(name).map_or("", |column| self.measured(column))
    }

    /// The cell of a place in [`Study::columns`].
    fn measured(&self, column: usize) -> &str {
        self.places.columns[column].map_or("", |at| self.at(at))
    }

    /// The numbers of rows that have one in a column.
    pub fn numbers<'a>(
        name: &str,
        rows: impl IntoIterator<Item = &'a Self>,
    ) -> impl Iterator<Item = f64> {
        let mut rows = rows.into_iter().peekable();
        // All rows of a table have the same columns.
        let column = rows.peek().and_then(|row| row.places.study.place_of(name));
        let number = move |row: &Self| row.measured(column?).parse().ok();
        rows.filter_map(number)
    }

    /// A metric as a number; `None` if the cell is empty or no number.
    pub fn metric(&self, name: &str) -> Option<f64> {
        self.word(name).parse().ok()
    }

    /// The labels of the other axes, in order.
    pub fn other_labels(&self, axis: usize) -> Vec<String> {
        without(&self.labels, axis)
    }
}

impl Results {
    /// Reads a results folder: its runs, or the samples of an offloading study.
    ///
    /// # Errors
    /// Says which file, line and column cannot be read.
    pub fn load(folder: &Path) -> Result<Self, ResultsError> {
        let samples = folder.join(SAMPLES).to_string_lossy().into_owned();
        if source::exists(&samples) {
            return Self::parse(&source::read_own(&samples)?);
        }
        Self::load_runs(folder)
    }

    /// Reads the runs of a results folder.
    ///
    /// # Errors
    /// Says which file, line and column cannot be read.
    pub fn load_runs(folder: &Path) -> Result<Self, ResultsError> {
        let path = folder.join("runs.csv").to_string_lossy().into_owned();
        let results = Self::parse(&source::read_own(&path)?)?;
        Ok(Self { quantiles: load_quantiles(folder)?, ..results })
    }

    /// Reads a `runs.csv` or a `samples.csv`, without quantiles.
    pub(super) fn parse(source: &Source) -> Result<Self, ResultsError> {
        let table = Table::parse(source)?;
        let header: Vec<&str> = table.names().collect();
        let place = |name: &str| header.iter().position(|known| *known == name);
        let mut studies = Study::ALL.into_iter().map(|(_, study)| study);
        let of_study = |study: Study| Some((study, place(study.source().name)?));
        let is_sample = header.first() == Some(&SAMPLE_HEAD[0].name);
        let head: &[Column] = if is_sample { &SAMPLE_HEAD } else { &HEAD };
        let found = studies.find_map(of_study);
        let fits = |(study, end): &(Study, usize)| {
            let known = |name: &&str| study.place_of(name).is_some();
            *end >= head.len()
                && header.iter().zip(head).all(|(name, column)| *name == column.name)
                && header.last() == Some(&"error")
                && header.len() > end + 2
                && header[end + 1..header.len() - 1].iter().all(known)
        };
        let Some((study, end)) = found.filter(fits) else {
            let found = "columns of another version, or of another program";
            let expected = "a runs.csv written by this version";
            return Err(Problem::new(Location::line(&source.path, 1), found, expected));
        };
        let columns = study.columns().iter();
        let columns = columns.map(|column| place(column.name).filter(|at| *at > end)).collect();
        let places = Arc::new(Places { study, head: head.len(), source: end, columns });
        let axes = header[head.len()..end].iter().map(ToString::to_string).collect();
        let own = study.columns().iter().zip(&places.columns).filter(|(_, at)| at.is_some());
        let columns = own.map(|(column, _)| column.name).collect();
        let parts = |row: Row<'_>| {
            let labels = (head.len()..end).map(|at| row.text(at).to_owned()).collect();
            Ok((row.integer(if is_sample { 1 } else { 3 }, 0..=u64::MAX)?, labels))
        };
        let parts: Vec<(u64, Vec<String>)> =
            table.rows().map(parts).collect::<Result<_, Problem>>()?;
        let rows = parts.into_iter().zip(table.into_records());
        let rows = rows.map(|((replicate, labels), record)| ResultRow {
            replicate,
            labels,
            record,
            places: Arc::clone(&places),
        });
        Ok(Self {
            study,
            axes,
            columns,
            rows: rows.collect(),
            sha256: source.sha256.clone(),
            quantiles: BTreeMap::new(),
        })
    }

    /// The same runs with only the rows that pass a filter of (axis, any of these labels).
    pub fn narrowed(mut self, filter: &[(String, Vec<String>)]) -> Self {
        let kept = self.filtered(filter).into_iter().cloned().collect();
        self.rows = kept;
        self
    }

    /// Several results with the same axes as one, with a first axis [`FOLDER`] that names each.
    ///
    /// # Errors
    /// The number of the first one that has other axes or is of another study.
    pub fn joined(parts: Vec<(String, Self)>) -> Result<Self, usize> {
        let mut parts = parts.into_iter();
        let Some((name, mut all)) = parts.next() else { return Err(0) };
        let axes = all.axes.clone();
        all.axes.insert(0, FOLDER.to_owned());
        all.rows.iter_mut().for_each(|row| row.labels.insert(0, name.clone()));
        for (at, (name, part)) in parts.enumerate() {
            if part.axes != axes || part.study != all.study {
                return Err(at + 1);
            }
            all.columns.retain(|column| part.columns.contains(column));
            all.rows.extend(part.rows.into_iter().map(|mut row| {
                row.labels.insert(0, name.clone());
                row
            }));
        }
        Ok(all)
    }

    /// The place of an axis in [`Self::axes`].
    pub fn axis(&self, name: &str) -> Option<usize> {
        self.axes.iter().position(|axis| axis == name)
    }

    /// The names of the other axes, in order.
    pub fn other_axes(&self, axis: usize) -> Vec<String> {
        without(&self.axes, axis)
    }

    /// The labels of an axis in order of first appearance.
    pub fn labels(&self, axis: usize) -> Vec<String> {
        let mut seen = BTreeSet::new();
        let labels = self.rows.iter().map(|row| &row.labels[axis]);
        labels.filter(|label| seen.insert(*label)).cloned().collect()
    }

    /// The axes with their labels.
    pub fn axes_with_labels(&self) -> Vec<AxisLabels> {
        self.axes.iter().cloned().zip((0..self.axes.len()).map(|at| self.labels(at))).collect()
    }

    /// The label of an axis that is asked for, by its text or else as a number.
    pub fn label(&self, axis: usize, asked: &str) -> Option<String> {
        let labels = self.labels(axis);
        let same = labels.iter().find(|label| *label == asked);
        same.or_else(|| labels.iter().find(|label| is_label(label, asked))).cloned()
    }

    /// The rows whose labels pass a filter of (axis, any of these labels).
    pub fn filtered(&self, filter: &[(String, Vec<String>)]) -> Vec<&ResultRow> {
        let passes = |row: &&ResultRow| {
            filter.iter().all(|(key, labels)| {
                let any = |axis: usize| labels.iter().any(|l| is_label(&row.labels[axis], l));
                self.axis(key).is_some_and(any)
            })
        };
        self.rows.iter().filter(passes).collect()
    }
}

/// A list without the item at a place.
pub(super) fn without(list: &[String], place: usize) -> Vec<String> {
    let others = list.iter().enumerate().filter(|(at, _)| *at != place);
    others.map(|(_, item)| item.clone()).collect()
}

fn load_quantiles(folder: &Path) -> Result<BTreeMap<String, Vec<f64>>, Problem> {
    let path = folder.join("quantiles.csv").to_string_lossy().into_owned();
    let mut quantiles: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    if !source::exists(&path) {
        return Ok(quantiles);
    }
    // Runs in which nothing was completed have no latencies.
    let table = Table::parse_any(&source::read_own(&path)?)?;
    let [id, latency] = table.columns(["run_id", "latency_ms"])?;
    for row in table.rows() {
        quantiles.entry(row.text(id).to_owned()).or_default().push(row.number(latency)?);
    }
    quantiles.retain(|_, values| values.len() == QUANTILES.len());
    Ok(quantiles)
}
