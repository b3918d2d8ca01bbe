//! How long a scheduler takes to decide, from the times of runs on the wall clock.
//!
//! A run is timed as a whole, so that the time of a decision includes its share of the rest of the
//! simulation: an upper bound, near the truth where deciding is what takes long. No two sweeps
//! agree on times, so that they are files of their own and never compared.

use super::super::plots::FigureError;
use super::super::results::ResultRow;
use super::super::runs_csv::number;
use super::Block;
use super::folder::Folder;
use super::standings::{by_setting, named};
use crate::config::csv::Table;
use crate::config::{Problem, source};
use crate::report::comparison_table::markdown;
use crate::stats::Median;
use std::collections::BTreeMap;
use std::path::Path;

/// Seconds on the wall clock by run id.
pub type Walls = BTreeMap<String, f64>;

const MEANING: &str = "Times on the wall clock of whole runs, divided by their decisions and by \
                       their requests: upper bounds of the time to decide, which depend on the \
                       machine and on what else it did. Median over the runs of all settings, and \
                       its 95 % interval by order statistics, which six runs at least have.";

/// The columns of `league-timings.csv`.
const COLUMNS: [&str; 8] =
    ["block", "setting", "scheduler", "per", "runs", "median_us", "ci95_low_us", "ci95_high_us"];

/// What times are divided by: the name, and the column of the number.
const PER: [(&str, &str); 2] = [("decision", "decisions"), ("request", "arrived")];

/// The setting of rows over all settings.
const ALL: &str = "all";

/// By scheduler, times in µs per each of [`PER`].
type Times = BTreeMap<String, [Option<Median>; PER.len()]>;

/// The schedulers of a block: over all settings, and at each.
#[derive(Clone, Debug)]
pub(super) struct Deciding {
    block: String,
    all: Times,
    settings: Vec<(String, Times)>,
}

/// The times of the runs in a results folder; empty if they are not there.
///
/// # Errors
/// Says which cell cannot be read.
pub fn read(folder: &Path) -> Result<Walls, Problem> {
    let path = folder.join("timings.csv").to_string_lossy().into_owned();
    if !source::exists(&path) {
        return Ok(Walls::new());
    }
    let table = Table::parse_any(&source::read_own(&path)?)?;
    let [id, wall] = table.columns(["run_id", "wall_s"])?;
    table.rows().map(|row| Ok((row.text(id).to_owned(), row.number(wall)?))).collect()
}

impl Deciding {
    /// The times of a block; notes why there are none.
    pub fn of(block: &Block<'_>, notes: &mut Vec<String>) -> Option<Self> {
        let timed = |row: &&&ResultRow| block.walls.contains_key(row.id());
        let known = block.rows.iter().filter(timed).count();
        if known == 0 {
            let why = match block.walls.len() {
                0 => "no timings.csv beside its runs.csv",
                _ => "its timings.csv has none of these runs",
            };
            notes.push(format!("no times to decide of {}: {why}", block.name));
            return None;
        }
        if known < block.rows.len() {
            let missing = block.rows.len() - known;
            notes.push(format!("{missing} runs of {} are not in its timings.csv", block.name));
        }
        let by_scheduler = |own: &mut dyn Iterator<Item = (String, &ResultRow)>| -> Times {
            let mut rows: BTreeMap<String, Vec<&ResultRow>> = BTreeMap::new();
            own.for_each(|(label, row)| rows.entry(label).or_default().push(row));
            let times = |rows: &[&ResultRow]| PER.map(|(_, count)| time(rows, count, block.walls));
            rows.into_iter().map(|(label, rows)| (label, times(&rows))).collect()
        };
        let all = block.rows.iter().map(|row| (row.labels[block.axis].clone(), *row));
        let names = block.results.other_axes(block.axis);
        let settings = by_setting(block).into_iter().map(|(labels, own)| {
            let rows = own
                .iter()
                .flat_map(|(label, cell)| cell.rows.iter().map(move |row| (label.clone(), *row)));
            (named(&names, &labels), by_scheduler(&mut { rows }))
        });
        let settings = settings.collect();
        Some(Self { block: block.name.to_owned(), all: by_scheduler(&mut { all }), settings })
    }

    /// A header and the schedulers over all settings, the fastest to decide first.
    fn grid(&self) -> Vec<Vec<String>> {
        let mut head = vec!["scheduler".to_owned(), "runs".to_owned()];
        for (per, _) in PER {
            head.extend([format!("µs a {per}"), "95 % interval".to_owned()]);
        }
        let mut lines: Vec<_> = self.all.iter().collect();
        let value = |median: &Option<Median>| median.map_or(f64::INFINITY, |median| median.value);
        lines.sort_by(|a, b| value(&a.1[0]).total_cmp(&value(&b.1[0])));
        let row = |(name, times): (&String, &[Option<Median>; PER.len()])| {
            let runs = times.iter().flatten().map(|median| median.count).max().unwrap_or(0);
            let mut row = vec![name.clone(), runs.to_string()];
            for median in times {
                row.push(median.map_or("–".to_owned(), |median| short(median.value)));
                let ends = median.and_then(|median| median.ends);
                let text = |(low, high)| format!("{} to {}", short(low), short(high));
                row.push(ends.map_or("–".to_owned(), text));
            }
            row
        };
        std::iter::once(head).chain(lines.into_iter().map(row)).collect()
    }

    fn rows(&self) -> Vec<Vec<String>> {
        let all = std::iter::once((ALL, &self.all));
        let each = self.settings.iter().map(|(setting, times)| (setting.as_str(), times));
        let mut rows = Vec::new();
        for (setting, times) in all.chain(each) {
            for (scheduler, medians) in times {
                for (median, (per, _)) in medians.iter().zip(PER) {
                    let Some(median) = median else { continue };
                    let mut row = vec![self.block.clone(), setting.to_owned(), scheduler.clone()];
                    row.extend([per.to_owned(), median.count.to_string()]);
                    row.push(median.value.to_string());
                    row.push(number(median.ends.map(|(low, _)| low)));
                    row.push(number(median.ends.map(|(_, high)| high)));
                    rows.push(row);
                }
            }
        }
        rows
    }
}

/// The median of the time of runs in µs by what a column counts.
fn time(rows: &[&ResultRow], column: &str, walls: &Walls) -> Option<Median> {
    let one = |row: &&ResultRow| {
        let count = row.metric(column).filter(|count| *count > 0.0)?;
        Some(1e6 * walls.get(row.id())? / count)
    };
    Median::of(&rows.iter().filter_map(one).collect::<Vec<_>>())
}

/// About three significant digits.
fn short(value: f64) -> String {
    match value {
        v if v >= 100.0 => format!("{value:.0}"),
        v if v >= 10.0 => format!("{value:.1}"),
        v if v >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

/// Writes the times of all blocks.
pub(super) fn write(all: &[Deciding], folder: &mut Folder<'_>) -> Result<(), FigureError> {
    if all.is_empty() {
        return Ok(());
    }
    folder.csv("league-timings.csv", &COLUMNS, all.iter().flat_map(Deciding::rows))?;
    let mut text = format!("# Time to decide\n\n{MEANING}\n");
    for own in all {
        text.push_str(&format!("\n## {}\n\n{}", own.block, markdown(&own.grid(), 1)));
    }
    folder.text("league-timings.md", &text)
}
