//! `claims.csv`: every claim at every setting, with its verdict.
//!
//! Each claim has rows over all replicates and over the fewest that decide every gated claim of the
//! experiment. A quick reproduction makes only the latter. Their number is read from the kept
//! table, so that it does not depend on the results under test.

use super::super::claims::{ClaimResult, Verdict, judge_first};
use super::super::results::Results;
use super::super::runs_csv::{names, number, write_csv};
use super::moved::{Line, TableComparison, compare};
use crate::config::csv::Table;
use crate::config::{Problem, source};
use crate::experiment::Expectation;
use crate::metrics::column::{ANY_NUMBER, count, text};
use crate::metrics::{Column, ColumnKind};
use crate::output::atomic::WriteError;
use std::path::Path;

const FEW: &str = "fewer than two replicates have both";

/// The columns of `claims.csv`.
pub const COLUMNS: [Column; 10] =
    [
        text("experiment", "which experiment of the suite"),
        text("claim", "the claim as written"),
        text("metric", "what is compared").empty("the claim is not transposable"),
        text("where", "the labels of the other axes; why a claim is not transposable")
            .empty("there are no other axes"),
        text("difference", "mean of left − right, paired over replicates")
            .of(ANY_NUMBER)
            .empty("no replicate has both, or the claim is not transposable"),
        text("ci95_low", "lower end of its 95 % interval (Student's t)").of(ANY_NUMBER).empty(FEW),
        text("ci95_high", "upper end of its 95 % interval").of(ANY_NUMBER).empty(FEW),
        text("verdict", "whether the whole interval is on the claimed side")
            .of(ColumnKind::Word(&["holds", "contradicted", "undecided", "not transposable"])),
        text("gated", "whether the command fails unless it holds")
            .of(ColumnKind::Word(&["yes", "no"])),
        count("replicates", "how many of the experiment's replicates, the first ones"),
    ];

/// The columns that name a row.
const KEY: [&str; 6] = ["experiment", "claim", "metric", "where", "gated", "replicates"];

/// A claim at one setting over a number of replicates.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClaimRow([String; COLUMNS.len()]);

impl ClaimRow {
    /// The cell of a column.
    fn get(&self, column: &str) -> &str {
        let at = COLUMNS.iter().position(|known| known.name == column);
        at.map_or("", |at| self.0[at].as_str())
    }

    fn replicates(&self) -> Option<u64> {
        self.get("replicates").parse().ok()
    }

    fn line(&self) -> Line<'_> {
        let key = KEY.iter().map(|column| match (*column, self.get(column)) {
            // For messages: whether it is gated, then over how many replicates.
            ("gated", gated) => {
                if gated == "yes" {
                    "gated"
                } else {
                    ""
                }
            }
            (_, cell) => cell,
        });
        let others = COLUMNS.iter().filter(|column| !KEY.contains(&column.name));
        Line {
            name: key.chain(["replicates"]).collect(),
            cells: others.map(|column| (column.name, self.get(column.name))).collect(),
        }
    }
}

/// The rows of a claim.
pub(super) fn rows(
    experiment: &str,
    claim: &Expectation,
    judged: &[ClaimResult],
    replicates: u64,
) -> Vec<ClaimRow> {
    let row = |judged: &ClaimResult| {
        let ends = judged.difference.filter(|estimate| estimate.half_width.is_some());
        ClaimRow([
            experiment.to_owned(),
            claim.claim.clone(),
            claim.metric.clone(),
            judged.setting.clone(),
            number(judged.difference.map(|estimate| estimate.mean)),
            number(ends.map(|estimate| estimate.low())),
            number(ends.map(|estimate| estimate.high())),
            judged.verdict.name().to_owned(),
            if claim.gate { "yes" } else { "no" }.to_owned(),
            replicates.to_string(),
        ])
    };
    judged.iter().map(row).collect()
}

/// The fewest replicates, from two on, over which every gated claim has the verdicts that it has
/// over all of them.
pub(super) fn deciding(
    results: &Results,
    claims: &[(Expectation, Vec<ClaimResult>)],
    all: u64,
) -> u64 {
    let verdicts =
        |judged: &[ClaimResult]| -> Vec<Verdict> { judged.iter().map(|j| j.verdict).collect() };
    let decide = |replicates: &u64| {
        claims.iter().filter(|(claim, _)| claim.gate).all(|(claim, judged)| {
            verdicts(&judge_first(results, claim, *replicates)) == verdicts(judged)
        })
    };
    (2..all).find(decide).unwrap_or(all)
}

/// A table of claims.
#[derive(Clone, Debug, Default)]
pub struct Claims(Vec<ClaimRow>);

impl Claims {
    /// Of these rows.
    pub fn new(rows: Vec<ClaimRow>) -> Self {
        Self(rows)
    }

    /// Reads a table, from disk or inside the binary; `None` if there is none.
    ///
    /// # Errors
    /// Says which column or cell cannot be read.
    pub fn load(path: &Path) -> Result<Option<Self>, Problem> {
        let path = path.to_string_lossy();
        if !source::exists(&path) {
            return Ok(None);
        }
        let table = Table::parse_any(&source::read(&path)?)?;
        let places = table.columns(COLUMNS.map(|column| column.name))?;
        let replicates = table.column("replicates")?;
        let mut rows = Vec::new();
        for row in table.rows() {
            row.integer(replicates, 1..=u64::MAX)?;
            rows.push(ClaimRow(places.map(|at| row.text(at).to_owned())));
        }
        Ok(Some(Self(rows)))
    }

    /// Writes the table.
    ///
    /// # Errors
    /// Says why the file could not be written.
    pub fn write(&self, path: &Path) -> Result<(), WriteError> {
        write_csv(path, names(&COLUMNS), self.0.iter().map(|row| row.0.to_vec()))
    }

    /// The fewest replicates of the rows of an experiment; `None` if it has none.
    pub fn fewest(&self, experiment: &str) -> Option<u64> {
        let own = self.0.iter().filter(|row| row.get("experiment") == experiment);
        own.filter_map(ClaimRow::replicates).min()
    }

    /// The rows over the fewest replicates of their experiment.
    pub fn quick(&self) -> Self {
        let quick = |row: &&ClaimRow| row.replicates() == self.fewest(row.get("experiment"));
        Self(self.0.iter().filter(quick).cloned().collect())
    }

    /// Whether a row of the same claim at the same setting has a verdict other than "undecided".
    pub fn decides(&self, row: &ClaimRow) -> bool {
        let same = |own: &&ClaimRow| KEY.iter().all(|column| own.get(column) == row.get(column));
        let undecided = Verdict::Undecided.name();
        self.0.iter().filter(same).any(|own| own.get("verdict") != undecided)
    }

    /// Which rows and cells differ from a table that was kept.
    pub fn compare(&self, kept: &Self) -> TableComparison {
        compare(kept.0.iter().map(ClaimRow::line), self.0.iter().map(ClaimRow::line))
    }
}
