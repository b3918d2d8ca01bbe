//! `claims.csv`: every claim at every setting, with its verdict.
//!
//! Rows stand over all replicates and over the fewest that decide every gated claim of the
//! experiment. A quick reproduction makes the latter only. Their number is read from the kept
//! table, so that it does not depend on what is tested.

use super::super::claims::{ClaimResult, Verdict, judge_first};
use super::super::results::Results;
use super::super::runs_csv::write_csv;
use super::moved::{Line, TableComparison, compare};
use crate::config::csv::Table;
use crate::config::{Problem, source};
use crate::experiment::Expectation;
use crate::metrics::column::{count, text};
use crate::metrics::{Column, ColumnKind};
use crate::output::atomic::WriteError;
use std::path::Path;

const NUMBER: ColumnKind = ColumnKind::Number(f64::NEG_INFINITY, f64::INFINITY);
const FEW: &str = "fewer than two replicates have both";

/// The columns of `claims.csv`.
pub const COLUMNS: [Column; 10] =
    [
        text("experiment", "which experiment of the suite"),
        text("claim", "the claim as written"),
        text("metric", "what is compared"),
        text("where", "the labels of the other axes").empty("there are no other axes"),
        text("difference", "mean of left − right, paired over replicates")
            .of(NUMBER)
            .empty("no replicate has both"),
        text("ci95_low", "lower end of its 95 % interval (Student's t)").of(NUMBER).empty(FEW),
        text("ci95_high", "upper end of its 95 % interval").of(NUMBER).empty(FEW),
        text("verdict", "whether the whole interval is on the claimed side")
            .of(ColumnKind::Word(&["holds", "contradicted", "undecided"])),
        text("gated", "whether the command fails unless it holds")
            .of(ColumnKind::Word(&["yes", "no"])),
        count("replicates", "of the experiment's replicates, the first so many"),
    ];

/// The places of the cells that name a row: its experiment, claim, metric, setting, gate and
/// number of replicates.
const NAME: [usize; 6] = [0, 1, 2, 3, 8, 9];
/// The places of the others.
const CELLS: [usize; 4] = [4, 5, 6, 7];
const VERDICT: usize = 7;
const REPLICATES: usize = 9;

/// A claim at one setting over so many replicates: the cells of a row.
pub type ClaimRow = [String; COLUMNS.len()];

/// The rows of a claim.
pub(super) fn rows(
    experiment: &str,
    claim: &Expectation,
    judged: &[ClaimResult],
    replicates: u64,
) -> Vec<ClaimRow> {
    let number = |value: Option<f64>| value.map_or(String::new(), |value| value.to_string());
    let row = |judged: &ClaimResult| {
        let ends = judged.difference.filter(|estimate| estimate.half_width.is_some());
        [
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
        ]
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

    /// Reads a table, from disk or inside the binary; nothing if there is none.
    pub fn load(path: &Path) -> Result<Option<Self>, Problem> {
        let path = path.to_string_lossy();
        if !source::exists(&path) {
            return Ok(None);
        }
        let table = Table::parse_any(&source::read(&path)?)?;
        let mut places = [0; COLUMNS.len()];
        for (place, column) in places.iter_mut().zip(&COLUMNS) {
            *place = table.column(column.name)?;
        }
        let mut rows = Vec::new();
        for row in table.rows() {
            row.integer(places[REPLICATES], 1..=u64::MAX)?;
            rows.push(places.map(|at| row.text(at).to_owned()));
        }
        Ok(Some(Self(rows)))
    }

    /// Writes the table.
    pub fn write(&self, path: &Path) -> Result<(), WriteError> {
        let head = COLUMNS.iter().map(|column| column.name.to_owned()).collect();
        write_csv(path, std::iter::once(head).chain(self.0.iter().map(|row| row.to_vec())))
    }

    /// The fewest replicates over which the claims of an experiment stand here; nothing if it has
    /// none.
    pub fn fewest(&self, experiment: &str) -> Option<u64> {
        let own = self.0.iter().filter(|row| row[0] == experiment);
        own.filter_map(|row| row[REPLICATES].parse().ok()).min()
    }

    /// The rows over the fewest replicates of their experiment.
    pub fn quick(&self) -> Self {
        let quick = |row: &&ClaimRow| row[REPLICATES].parse().ok() == self.fewest(&row[0]);
        Self(self.0.iter().filter(quick).cloned().collect())
    }

    /// Whether a verdict other than "undecided" stands here for what this row is about.
    pub fn decides(&self, row: &ClaimRow) -> bool {
        let same = |own: &&ClaimRow| NAME.iter().all(|at| own[*at] == row[*at]);
        let undecided = Verdict::Undecided.name();
        self.0.iter().filter(same).any(|own| own[VERDICT] != undecided)
    }

    /// What of these rows is not as in a table that was kept.
    pub fn compare(&self, kept: &Self) -> TableComparison {
        compare(kept.0.iter().map(line), self.0.iter().map(line))
    }
}

fn line(row: &ClaimRow) -> Line<'_> {
    let mut name: Vec<&str> = NAME.iter().map(|at| row[*at].as_str()).collect();
    // For messages: the setting, then whether it is gated, then over how many replicates.
    name[4] = if name[4] == "yes" { "gated" } else { "" };
    name.push("replicates");
    Line { name, cells: CELLS.iter().map(|at| (COLUMNS[*at].name, row[*at].as_str())).collect() }
}
