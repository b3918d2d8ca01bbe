//! A table of measured latencies as profiles: a row is one timing of a batch, or the mean of
//! several.
//!
//! | column | content |
//! |---|---|
//! | `variant`, `batch`, `latency_ms` | as in `latency.csv` |
//! | `app` | optional: the application; by default the name of the file |
//! | `worker_class` | optional: what was measured; by default `device` |
//! | `count` | optional: the number of timings behind a row |
//! | `load_ms` | optional: the time of a load; the mean over rows |
//! | `bytes` | optional: memory; the most that any row has |
//! | `accuracy` | optional: the share of right answers, the same in all rows of a variant |
//!
//! Rows of one batch size become their mean, and their standard deviation where each is one timing.
//! What a table lacks gets a value that changes as little as possible, and is listed as a gap.

use super::app_mapping;
use super::profile::name;
use super::stem;
use crate::config::csv::{Header, Row};
use crate::config::rows::{RowReader, TableLayout};
use crate::config::{Location, Problem, Problems};
use crate::core::units::{Span, decimal};
use crate::stats::Estimate;
use crate::system::latency::{LatencyPoint, MAX_COUNT};
use crate::system::profile::{COUNT, NAME, POINT, is_name, point, span};
use std::collections::BTreeMap;

/// The columns that a table may have; the first three are required.
pub const LATENCY_COLUMNS: [&str; 9] = [
    "variant",
    POINT[0],
    POINT[1],
    "app",
    "worker_class",
    COUNT[0],
    "load_ms",
    "bytes",
    "accuracy",
];

/// The class of workers of a table without that column.
const DEVICE: &str = "device";

/// The largest number of bytes that a profile may have.
const MAX_BYTES: u64 = u64::MAX / 2;

/// The applications of a table, in order of appearance.
#[derive(Debug, Default)]
pub struct MeasuredLatencies {
    /// At least one.
    pub apps: Vec<MeasuredApp>,
    /// The classes of workers, in order of appearance.
    pub worker_classes: Vec<String>,
    /// Whether rows may stand for several timings.
    counted: bool,
}

/// What was measured of an application.
#[derive(Debug)]
pub struct MeasuredApp {
    /// Its name.
    pub name: String,
    variants: Vec<Variant>,
    counted: bool,
}

#[derive(Debug)]
struct Variant {
    name: String,
    /// The line of its first row.
    line: u64,
    bytes: Option<u64>,
    accuracy: Option<f64>,
    /// By class of workers.
    costs: BTreeMap<String, Cost>,
}

#[derive(Debug, Default)]
struct Cost {
    /// By batch size.
    points: BTreeMap<u64, Vec<LatencyPoint>>,
    loads: Vec<Span>,
}

/// Where the columns are.
struct Columns {
    variant: usize,
    point: [usize; 2],
    app: Option<usize>,
    class: Option<usize>,
    count: [Option<usize>; 1],
    load: Option<usize>,
    bytes: Option<usize>,
    accuracy: Option<usize>,
}

impl Columns {
    fn find(head: &Header) -> Result<Self, Problem> {
        let is_known = |name: &str| LATENCY_COLUMNS.contains(&name);
        if let Some(problem) = head.refuse_unknown(is_known, &LATENCY_COLUMNS) {
            return Err(problem);
        }
        head.distinct()?;
        let [_, _, _, app, class, count, load, bytes, accuracy] =
            LATENCY_COLUMNS.map(|name| head.optional(name));
        let [variant, batch, latency] = head.columns(["variant", POINT[0], POINT[1]])?;
        let point = [batch, latency];
        Ok(Self { variant, point, app, class, count: [count], load, bytes, accuracy })
    }
}

/// A column that the table has, unless the cell is empty.
fn filled(row: Row<'_>, column: Option<usize>) -> Option<usize> {
    column.filter(|column| !row.text(*column).is_empty())
}

impl MeasuredLatencies {
    /// Reads a table.
    ///
    /// # Errors
    /// Lists columns that are unknown or missing, cells out of range, and variants without a
    /// batch of one.
    pub fn read(file: &str) -> Result<Self, Problems> {
        let mut rows = RowReader::with_layout(file, TableLayout::default())?;
        let columns = Columns::find(rows.head())?;
        let mut measured = Self { counted: columns.count[0].is_some(), ..Self::default() };
        let app = name(stem(file).trim_start_matches('.'));
        rows.each(|row| measured.add(row, &columns, &app))?;
        if measured.apps.is_empty() {
            return Err(Problem::new(Location::file(file), "a header and no rows", "rows").into());
        }
        measured.check_batches(file)?;
        Ok(measured)
    }

    fn add(&mut self, row: Row<'_>, columns: &Columns, app: &str) -> Result<(), Problem> {
        let app = match columns.app {
            Some(column) if !is_folder(row.text(column)) => {
                let expected = format!("{}, not beginning with a point", app_mapping::NAME);
                return Err(row.problem(column, expected));
            }
            column => column.map_or(app, |column| row.text(column)),
        };
        for column in columns.class.into_iter().chain([columns.variant]) {
            if !is_name(row.text(column)) {
                return Err(row.problem(column, NAME));
            }
        }
        let class = columns.class.map_or(DEVICE, |column| row.text(column));
        let mut problems = Problems::default();
        let point = point(row, (&columns.point, &columns.count), &mut problems);
        let (None, Some(point)) = (problems.iter().next(), point) else {
            let first = problems.iter().next().cloned();
            return Err(first.unwrap_or_else(|| row.problem(columns.point[0], "a batch")));
        };
        let load = filled(row, columns.load).map(|column| span(row, column)).transpose()?;
        let bytes = filled(row, columns.bytes);
        let bytes = bytes.map(|column| row.integer(column, 1..=MAX_BYTES)).transpose()?;
        let accuracy = filled(row, columns.accuracy).map(|column| {
            let share = row.number(column).ok().filter(|share| *share <= 1.0);
            Ok((column, share.ok_or_else(|| row.problem(column, "a probability from 0 to 1"))?))
        });
        let accuracy: Option<(usize, f64)> = accuracy.transpose()?;
        if !self.worker_classes.iter().any(|known| known == class) {
            self.worker_classes.push(class.to_owned());
        }
        let variant = self.variant(app, row.text(columns.variant), row.line());
        if let Some((column, share)) = accuracy {
            let known = *variant.accuracy.get_or_insert(share);
            if known != share {
                let expected = format!("{known}, as in a row before");
                return Err(row.problem(column, expected));
            }
        }
        variant.bytes = variant.bytes.max(bytes);
        let cost = variant.costs.entry(class.to_owned()).or_default();
        cost.loads.extend(load);
        cost.points.entry(point.batch).or_default().push(point);
        Ok(())
    }

    fn variant(&mut self, app: &str, name: &str, line: u64) -> &mut Variant {
        let at = self.apps.iter().position(|known| known.name == app);
        let at = at.unwrap_or_else(|| {
            let (name, variants) = (app.to_owned(), Vec::new());
            self.apps.push(MeasuredApp { name, variants, counted: self.counted });
            self.apps.len() - 1
        });
        let variants = &mut self.apps[at].variants;
        let at = variants.iter().position(|known| known.name == name);
        let at = at.unwrap_or_else(|| {
            let (name, costs) = (name.to_owned(), BTreeMap::new());
            variants.push(Variant { name, line, bytes: None, accuracy: None, costs });
            variants.len() - 1
        });
        &mut variants[at]
    }

    /// Latencies of small batches are not guessed from those of large ones.
    fn check_batches(&self, file: &str) -> Result<(), Problems> {
        let mut problems = Problems::default();
        for variant in self.apps.iter().flat_map(|app| &app.variants) {
            let lacking = variant.costs.iter().filter(|(_, cost)| !cost.points.contains_key(&1));
            for (class, _) in lacking {
                let place = Location::line(file, variant.line).field(POINT[0]);
                let found = format!("no row for batch 1 of `{}` on `{class}`", variant.name);
                let expected = "a row for batch 1 of every variant and class of workers";
                problems.push(Problem::new(place, found, expected));
            }
        }
        problems.check(Some(()))
    }
}

/// Applications are folders; `.` and `..` lead to others.
fn is_folder(text: &str) -> bool {
    app_mapping::is_name(text) && !text.starts_with('.')
}

impl MeasuredApp {
    /// Three times the slowest batch of one, to two digits: a deadline budget where none is known.
    pub fn budget(&self) -> Span {
        let costs = self.variants.iter().flat_map(|variant| variant.costs.values());
        let slowest = costs.filter_map(|cost| cost.points.get(&1)).map(|points| mean(points)).max();
        rounded(Span(slowest.unwrap_or(Span(1)).0 * 3))
    }

    /// `variants.csv`.
    pub fn variants_csv(&self) -> String {
        let mut text = String::from("variant,bytes,accuracy\n");
        for variant in &self.variants {
            let (bytes, accuracy) = (variant.bytes.unwrap_or(1), variant.accuracy.unwrap_or(1.0));
            text.push_str(&format!("{},{bytes},{accuracy}\n", variant.name));
        }
        text
    }

    /// `latency.csv`.
    pub fn latency_csv(&self) -> String {
        let spans = || self.costs().flat_map(|(_, _, cost)| cost.points.iter());
        let repeated = spans().any(|(_, points)| points.len() > 1);
        let spread = repeated && !self.counted;
        let mut text = String::from("worker_class,variant,batch,latency_ms");
        text.push_str(if repeated || self.counted { ",count" } else { "" });
        text.push_str(if spread { ",latency_ms_sd\n" } else { "\n" });
        for (variant, class, cost) in self.costs() {
            for (batch, points) in &cost.points {
                let ms = decimal(mean(points).0, 6);
                text.push_str(&format!("{class},{},{batch},{ms}", variant.name));
                if repeated || self.counted {
                    text.push_str(&format!(",{}", count(points).min(MAX_COUNT)));
                }
                if spread {
                    text.push_str(&format!(",{}", deviation(points)));
                }
                text.push('\n');
            }
        }
        text
    }

    /// `load.csv`.
    pub fn load_csv(&self) -> String {
        let mut text = String::from("worker_class,variant,load_ms\n");
        for (variant, class, cost) in self.costs() {
            let sum: u128 = cost.loads.iter().map(|load| u128::from(load.0)).sum();
            let ns = sum / cost.loads.len().max(1) as u128;
            text.push_str(&format!("{class},{},{}\n", variant.name, decimal(ns as u64, 6)));
        }
        text
    }

    /// What the table does not say, and what stands for it.
    pub fn gaps(&self) -> Vec<String> {
        let mut gaps = Vec::new();
        let mut add = |what: &str, lacking: Vec<String>, instead: &str| {
            if !lacking.is_empty() {
                gaps.push(format!("{what} of {} is not in the table: {instead}", listed(&lacking)));
            }
        };
        let names = |lacks: &dyn Fn(&Variant) -> bool| -> Vec<String> {
            let lacking = self.variants.iter().filter(|variant| lacks(variant));
            lacking.map(|variant| format!("`{}`", variant.name)).collect()
        };
        let instead = "1 stands for it in variants.csv, as if every answer were right";
        add("the accuracy", names(&|variant| variant.accuracy.is_none()), instead);
        let instead = "1 byte stands for it in variants.csv, as if all fitted into memory";
        add("the memory", names(&|variant| variant.bytes.is_none()), instead);
        let unloaded = self.costs().filter(|(_, _, cost)| cost.loads.is_empty());
        let unloaded = unloaded.map(|(variant, class, _)| format!("`{}` on {class}", variant.name));
        let instead = "0 stands for it in load.csv, as if loads took no time";
        add("the load time", unloaded.collect(), instead);
        gaps.push(format!(
            "the deadline budget is not in the table: {} ms in app.toml are three times the \
             slowest batch of one",
            decimal(self.budget().0, 6)
        ));
        gaps
    }

    fn costs(&self) -> impl Iterator<Item = (&Variant, &str, &Cost)> {
        self.variants.iter().flat_map(|variant| {
            variant.costs.iter().map(move |(class, cost)| (variant, class.as_str(), cost))
        })
    }
}

/// The first of some names, and how many there are.
fn listed(names: &[String]) -> String {
    match names {
        [first, second, third, _, _, ..] => {
            format!("{first}, {second}, {third}, … ({} in all)", names.len())
        }
        few => few.join(", "),
    }
}

fn count(points: &[LatencyPoint]) -> u64 {
    points.iter().map(|point| point.count).sum()
}

/// The mean over all timings.
fn mean(points: &[LatencyPoint]) -> Span {
    let sum = points.iter().map(|point| u128::from(point.latency.0) * u128::from(point.count));
    Span((sum.sum::<u128>() / u128::from(count(points).max(1))) as u64)
}

/// The standard deviation of timings in milliseconds, as a cell; empty for a single one.
fn deviation(points: &[LatencyPoint]) -> String {
    let timings: Vec<f64> = points.iter().map(|point| point.latency.0 as f64).collect();
    let deviation = Estimate::of(&timings).and_then(|estimate| estimate.deviation);
    // The most that profiles accept; it takes ten thousand timings, one of them very long.
    let most = mean(points).0.saturating_mul(100);
    deviation.map_or(String::new(), |ns| decimal(Span::from_ns(ns).0.min(most), 6))
}

/// The next number of two digits.
fn rounded(span: Span) -> Span {
    let unit = 10u64.pow(span.0.max(1).ilog10().saturating_sub(1));
    Span(span.0.div_ceil(unit) * unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(ns: u64, count: u64) -> LatencyPoint {
        LatencyPoint { batch: 1, latency: Span(ns), count }
    }

    #[test]
    fn rows_of_a_batch_size_become_mean_and_deviation() {
        let timings = [point(2_000_000, 1), point(4_000_000, 1)];
        assert_eq!(mean(&timings), Span(3_000_000));
        assert_eq!(deviation(&timings), "1.414214");
        assert_eq!(deviation(&timings[..1]), "");
        assert_eq!(mean(&[point(2_000_000, 3), point(4_000_000, 1)]), Span(2_500_000));
    }

    #[test]
    fn budgets_have_two_digits() {
        for (ns, expected) in [(1, 1), (99, 99), (101, 110), (57_000_001, 58_000_000)] {
            assert_eq!(rounded(Span(ns)), Span(expected));
        }
    }
}
