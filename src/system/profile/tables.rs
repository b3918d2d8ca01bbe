//! The tables of a profile folder.

use super::{NAME, Profile, VariantCost, VariantProfile, is_name};
use crate::classifier::knn::Reference;
use crate::classifier::posterior::prior_of_counts;
use crate::config::csv::{Row, Table};
use crate::config::source::{self, Source};
use crate::config::{Location, Problem, Problems};
use crate::core::units::Span;
use crate::system::latency::{LatencyPoint, LatencyPoints, MAX_BATCH, MAX_COUNT};
use std::collections::BTreeMap;
use std::sync::Arc;

const POINT: [&str; 2] = ["batch", "latency_ms"];
const COUNT: [&str; 1] = ["count"];
const ROWS: &str = "one row for each batch, from batch 1 on";

/// Reads the files of one folder, collecting problems.
pub(super) struct Reader<'a> {
    pub folder: &'a str,
    /// (path, SHA-256) of every file read.
    pub files: Vec<(String, String)>,
    pub problems: Problems,
}

impl Reader<'_> {
    pub fn path(&self, file: &str) -> String {
        format!("{}/{file}", self.folder)
    }

    pub fn open(&mut self, file: &str) -> Option<Source> {
        let source = keep(source::read(&self.path(file)), &mut self.problems)?;
        self.files.push((source.path.clone(), source.sha256.clone()));
        Some(source)
    }

    fn refuse(&mut self, file: &str, found: impl Into<String>, expected: &str) {
        let place = Location::file(&self.path(file));
        self.problems.push(Problem::new(place, found, expected));
    }

    /// Calls `each` for every row of a table, with the required columns and then the optional ones.
    fn table(
        &mut self,
        file: &str,
        required: &[&str],
        optional: &[&str],
        mut each: impl FnMut(Row<'_>, &[usize], &mut Problems),
    ) {
        let Some(source) = self.open(file) else { return };
        let problems = &mut self.problems;
        let parsed = Table::parse(&source).and_then(|table| {
            let known: Vec<&str> = required.iter().chain(optional).copied().collect();
            if let Some(problem) = table.refuse_unknown(|name| known.contains(&name), &known) {
                return Err(problem);
            }
            let mut columns =
                required.iter().map(|name| table.column(name)).collect::<Result<Vec<_>, _>>()?;
            columns.extend(optional.iter().filter_map(|name| table.optional(name)));
            Ok((table, columns))
        });
        match parsed {
            Ok((table, columns)) => table.rows().for_each(|row| each(row, &columns, problems)),
            Err(problem) => problems.push(problem),
        }
    }

    pub fn variants(&mut self, profile: &mut Profile) {
        let classes = profile.classes.len();
        let confusion = source::exists(&self.path("confusion.csv"));
        let file = self.path("variants.csv");
        let optional: &[&str] = if confusion { &[] } else { &["accuracy"] };
        self.table("variants.csv", &["variant", "bytes"], optional, |row, columns, problems| {
            let name = row.text(columns[0]).to_owned();
            let bytes = keep(row.integer(columns[1], 1..=u64::MAX / 2), problems).unwrap_or(1);
            let accuracy = match columns.get(2) {
                Some(column) => match keep(row.number(*column), problems) {
                    Some(accuracy) if accuracy > 1.0 => {
                        problems.push(row.problem(*column, "a probability from 0 to 1"));
                        0.0
                    }
                    other => other.unwrap_or(0.0),
                },
                None if confusion || !profile.variants.is_empty() => 0.0,
                None => {
                    let place = Location::line(&file, 1).field("accuracy");
                    let expected = "a column `accuracy`, or a file confusion.csv";
                    problems.push(Problem::new(place, "no such column", expected));
                    0.0
                }
            };
            if !is_name(&name) {
                problems.push(row.problem(columns[0], NAME));
            } else if profile.variants.iter().any(|known| known.name == name) {
                problems.push(row.problem(columns[0], "a name that stands only once"));
            }
            let recall = vec![accuracy; classes];
            let (samples, costs) = (Vec::new(), Vec::new());
            let variant = VariantProfile { name, bytes, accuracy, recall, samples, costs };
            profile.variants.push(variant);
        });
    }

    /// Recalls, accuracies and the prior, by the confusion counts if there are any.
    pub fn recalls(&mut self, profile: &mut Profile) {
        let file = "confusion.csv";
        if !source::exists(&self.path(file)) {
            if profile.prior.is_empty() {
                profile.prior = vec![1.0 / profile.classes.len() as f64; profile.classes.len()];
            }
            return;
        }
        let counts = self.confusion(file, &profile.variant_names(), &profile.classes);
        if !self.problems.is_empty() {
            return;
        }
        for (variant, rows) in profile.variants.iter_mut().zip(&counts) {
            let total: Vec<f64> = rows.iter().map(|row| row.iter().sum()).collect();
            let right: Vec<f64> = rows.iter().enumerate().map(|(c, row)| row[c]).collect();
            variant.accuracy = right.iter().sum::<f64>() / total.iter().sum::<f64>();
            variant.recall = right.iter().zip(&total).map(|(r, t)| r / t).collect();
            variant.samples = total;
        }
        if profile.variants.windows(2).any(|pair| pair[0].samples != pair[1].samples) {
            profile.warnings.push(format!(
                "{}: variants were measured on different class counts; accuracies of different \
                 variants are not strictly comparable",
                self.path(file)
            ));
        }
        if let Some(first) = profile.variants.first().filter(|_| profile.prior.is_empty()) {
            profile.prior = prior_of_counts(&first.samples);
        }
    }

    /// Confusion counts by variant and true class. A table without a column of variants has one.
    pub fn confusion(
        &mut self,
        file: &str,
        variants: &[String],
        classes: &[String],
    ) -> Vec<Vec<Vec<f64>>> {
        let predicted: Vec<String> = classes.iter().map(|c| format!("predicted_{c}")).collect();
        let (keys, expected): (&[&str], _) = match variants {
            [] => (&["class"], "one row for each class"),
            _ => (&["variant", "class"], "one row for each variant and class"),
        };
        let required: Vec<&str> =
            keys.iter().copied().chain(predicted.iter().map(String::as_str)).collect();
        let mut counts = vec![vec![Vec::<f64>::new(); classes.len()]; variants.len().max(1)];
        self.table(file, &required, &[], |row, columns, problems| {
            let (keys, cells) = columns.split_at(keys.len());
            let variant = match keys {
                [column, _] => keep(row.name(*column, "variant", variants), problems),
                _ => Some(0),
            };
            let column = keys[keys.len() - 1];
            let class = keep(row.name(column, "class", classes), problems);
            let (Some(variant), Some(class)) = (variant, class) else { return };
            let cells: Vec<f64> =
                cells.iter().filter_map(|c| keep(row.number(*c), problems)).collect();
            if !counts[variant][class].is_empty() {
                problems.push(row.problem(column, expected));
            } else if cells.len() == classes.len() && cells.iter().sum::<f64>() <= 0.0 {
                let expected = "at least one request of the class";
                let place = row.place(column);
                problems.push(Problem::new(place, "a confusion row of zeros", expected));
            }
            counts[variant][class] = cells;
        });
        let missing = counts.iter().enumerate().find_map(|(variant, rows)| {
            let class = &classes[rows.iter().position(Vec::is_empty)?];
            let variant = variants.get(variant).map_or_else(String::new, |v| format!("`{v}`, "));
            Some(format!("no row for {variant}`{class}`"))
        });
        if let Some(found) = missing.filter(|_| self.problems.is_empty()) {
            self.refuse(file, found, expected);
        }
        counts
    }

    pub fn latency(&mut self, profile: &mut Profile) {
        let names = profile.variant_names();
        let mut tables: Vec<(String, usize, Vec<LatencyPoint>)> = Vec::new();
        let columns = ["worker_class", "variant", POINT[0], POINT[1]];
        self.table("latency.csv", &columns, &COUNT, |row, columns, problems| {
            let class = row.text(columns[0]);
            let variant = keep(row.name(columns[1], "variant", &names), problems);
            let point = point(row, &columns[2..], problems);
            if !is_name(class) {
                problems.push(row.problem(columns[0], NAME));
            }
            let (Some(variant), Some(point)) = (variant, point) else { return };
            let known = tables.iter_mut().find(|(c, v, _)| c == class && *v == variant);
            match known {
                Some((_, _, points)) => points.push(point),
                None => tables.push((class.to_owned(), variant, vec![point])),
            }
        });
        let loads = self.loads(&names);
        // Rows that could not be read leave holes that are not reported.
        let is_complete = self.problems.is_empty();
        for (worker_class, variant, points) in tables {
            let name = &names[variant];
            match LatencyPoints::counted(points) {
                Ok(latency) => {
                    let key = (worker_class, variant);
                    let load = loads.get(&key).copied();
                    let worker_class = key.0;
                    if load.is_none() && self.problems.is_empty() {
                        let found = format!("no row for `{worker_class}`, `{name}`");
                        self.refuse("load.csv", found, "its load time");
                    }
                    let (load, load_cold) = load.unwrap_or_default();
                    let cost = VariantCost { worker_class, latency, load, load_cold };
                    profile.variants[variant].costs.push(cost);
                }
                Err(error) if is_complete => {
                    let found = format!("{error} of `{name}` on `{worker_class}`");
                    self.refuse("latency.csv", found, ROWS);
                }
                Err(_) => {}
            }
        }
    }

    /// By worker class and variant, the time of a load, and of one from storage.
    fn loads(&mut self, names: &[String]) -> BTreeMap<(String, usize), (Span, Option<Span>)> {
        let mut loads = BTreeMap::new();
        let columns = ["worker_class", "variant", "load_ms"];
        self.table("load.csv", &columns, &["load_cold_ms"], |row, columns, problems| {
            let variant = keep(row.name(columns[1], "variant", names), problems);
            let load = keep(span(row, columns[2]), problems);
            let cold = columns.get(3).filter(|column| !row.text(**column).is_empty());
            let cold = cold.and_then(|column| keep(span(row, *column), problems));
            let (Some(variant), Some(load)) = (variant, load) else { return };
            let key = (row.text(columns[0]).to_owned(), variant);
            if loads.insert(key, (load, cold)).is_some() {
                problems.push(row.problem(columns[1], "one row for each worker class and variant"));
            }
        });
        loads
    }

    pub fn peek(&mut self, profile: &mut Profile) {
        let file = "peek.csv";
        if !source::exists(&self.path(file)) {
            return;
        }
        let mut points = Vec::new();
        self.table(file, &POINT, &COUNT, |row, columns, problems| {
            points.extend(point(row, columns, problems));
        });
        match LatencyPoints::counted(points) {
            Ok(points) => profile.peek = Some(points),
            Err(error) if self.problems.is_empty() => self.refuse(file, error.to_string(), ROWS),
            Err(_) => {}
        }
    }

    pub fn peek_confusion(&mut self, profile: &mut Profile) {
        let file = "peek_confusion.csv";
        if source::exists(&self.path(file)) {
            let counts = self.confusion(file, &[], &profile.classes);
            profile.peek_confusion = counts.into_iter().next();
        }
    }

    pub fn reference(&mut self, profile: &mut Profile) {
        if !source::exists(&self.path("reference.csv")) {
            return;
        }
        let Some(source) = self.open("reference.csv") else { return };
        match Reference::read(&source, &profile.classes) {
            Ok(reference) => profile.reference = Some(Arc::new(reference)),
            Err(problems) => self.problems.extend(problems),
        }
    }
}

/// The longest batch and load, a day: sums of them fit 64 bits of nanoseconds.
const MAX_SPAN: Span = Span(86_400_000_000_000);

fn span(row: Row<'_>, column: usize) -> Result<Span, Problem> {
    match row.decimal(column, 6).map(Span)? {
        span if span <= MAX_SPAN => Ok(span),
        _ => Err(row.problem(column, format!("at most {} ms, a day", MAX_SPAN.as_ms()))),
    }
}

fn latency(row: Row<'_>, column: usize) -> Result<Span, Problem> {
    match span(row, column)? {
        Span::ZERO => Err(row.problem(column, "a number ≥ 0.000001")),
        span => Ok(span),
    }
}

/// A row of a latency table, its cells in the order of [`POINT`], then [`COUNT`].
fn point(row: Row<'_>, columns: &[usize], problems: &mut Problems) -> Option<LatencyPoint> {
    let batch = keep(row.integer(columns[0], 1..=MAX_BATCH), problems);
    let latency = keep(latency(row, columns[1]), problems);
    let count = columns.get(2).map(|column| row.integer(*column, 1..=MAX_COUNT));
    let count = count.map_or(Some(1), |count| keep(count, problems));
    Some(LatencyPoint { batch: batch?, latency: latency?, count: count? })
}

fn keep<T>(result: Result<T, Problem>, problems: &mut Problems) -> Option<T> {
    result.map_err(|problem| problems.push(problem)).ok()
}
