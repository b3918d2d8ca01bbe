//! Kept tables with several rows per run, compared with new runs.

use super::runs_csv::{table_head, table_header};
use crate::config::Problem;
use crate::config::csv::Table;
use crate::config::source;
use crate::experiment::{RunRecord, Sweep};
use crate::metrics::TableEntry;
use std::collections::BTreeMap;
use std::path::Path;

/// The kept tables of a sweep.
#[derive(Debug)]
pub struct Tables(Vec<Kept>);

#[derive(Debug)]
struct Kept {
    table: &'static TableEntry,
    header: Vec<String>,
    /// By the cells that name the run, the other cells of its rows; `None` if the file is absent
    /// or has other columns.
    rows: Option<BTreeMap<Vec<String>, Vec<Vec<String>>>>,
}

impl Tables {
    /// Reads the tables that this sweep writes.
    ///
    /// # Errors
    /// Says which file and line cannot be read.
    pub fn load(sweep: &Sweep, folder: &Path) -> Result<Self, Problem> {
        let kept = sweep.experiment.tables.iter().map(|table| Kept::load(sweep, table, folder));
        Ok(Self(kept.collect::<Result<_, _>>()?))
    }

    /// How the rows of a new run differ, a line for each table.
    pub fn differences(&self, sweep: &Sweep, run: &RunRecord) -> Vec<String> {
        let tables = self.0.iter().zip(&run.entry.result.tables);
        tables.filter_map(|(kept, new)| kept.difference(&table_head(sweep, run), new)).collect()
    }
}

impl Kept {
    fn load(sweep: &Sweep, table: &'static TableEntry, folder: &Path) -> Result<Self, Problem> {
        let path = folder.join(format!("{}.csv", table.name)).to_string_lossy().into_owned();
        let header = table_header(sweep, table);
        let mut kept = Self { table, header, rows: None };
        if !source::exists(&path) {
            return Ok(kept);
        }
        let text = Table::parse_any(&source::read_own(&path)?)?;
        if text.names().eq(kept.header.iter().map(String::as_str)) {
            let own = kept.header.len() - table.columns.len();
            let mut rows: BTreeMap<Vec<String>, Vec<Vec<String>>> = BTreeMap::new();
            for row in text.rows() {
                let cell = |at: usize| row.text(at).to_owned();
                let (head, rest) = ((0..own).map(cell), (own..kept.header.len()).map(cell));
                rows.entry(head.collect()).or_default().push(rest.collect());
            }
            kept.rows = Some(rows);
        }
        Ok(kept)
    }

    /// How the rows of a run differ from these.
    fn difference(&self, head: &[String], new: &[Vec<String>]) -> Option<String> {
        let name = self.table.name;
        let Some(rows) = &self.rows else {
            return Some(format!("{name}.csv: not there, or of another version"));
        };
        let old = rows.get(head).map_or(&[][..], Vec::as_slice);
        if old.len() != new.len() {
            return Some(format!("{name}.csv: {} rows became {}", old.len(), new.len()));
        }
        let differs = |(old, new): &(&String, &String)| old.as_str() != new.trim();
        let moved = |at: &usize| old[*at].iter().zip(&new[*at]).any(|pair| differs(&pair));
        let count = (0..old.len()).filter(moved).count();
        let first = (0..old.len()).find(moved)?;
        let columns = self.table.columns.iter().zip(old[first].iter().zip(&new[first]));
        let (column, (old, new)) = columns.into_iter().find(|(_, pair)| differs(pair))?;
        let (column, row) = (column.name, first + 1);
        Some(format!(
            "{name}.csv: {count} of its rows moved; in row {row}, {column}: {old} became {new}"
        ))
    }
}
