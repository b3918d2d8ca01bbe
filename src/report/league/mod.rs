//! Schedulers against each other over one or several experiments: ranks over everything, at every
//! setting which of them are not worse than the best, up to which load each keeps its deadlines,
//! and how long it takes to decide.
//!
//! A unit is a replicate of a setting of an experiment; in it schedulers are ranked by one metric,
//! ties sharing their rank. Friedman's test says whether any differs, and Nemenyi's critical
//! difference how far two mean ranks must be apart. Units count as independent there, though the
//! settings of an experiment have much in common: the test is about these units, and not about
//! workloads in general.
//!
//! At one setting, a scheduler is not worse than the best if the paired difference of the two is
//! not significant at 5 % (Student's t, adjusted by Holm over all that are compared with the best).
//! Where all replicates differ alike there is no test, and only the best itself is marked.

mod deciding;
mod folder;
mod knees;
mod matrix;
mod standings;

pub use deciding::{Walls, read as read_walls};

use super::comparison_table::{escape_latex, markdown, tabular};
use super::console::align;
use super::figure::RankDiagram;
use super::plots::FigureError;
use super::results::{ResultRow, Results};
use crate::stats::Friedman;
use deciding::Deciding;
use folder::Folder;
use knees::Knees;
use matrix::Matrix;
use standings::{Table, by_setting, replicates};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// A metric of the tables, its heading, and whether more is better.
pub type LeagueMetric = (&'static str, &'static str, bool);

/// The metrics of the tables; ranks are by the first, if no other is asked for.
pub const METRICS: [LeagueMetric; 6] = [
    ("effective_accuracy", "right and in time", true),
    ("utility_mean", "utility", true),
    ("deadline_miss_ratio", "deadlines missed", false),
    ("accuracy_on_time_mean", "accuracy in time", true),
    ("latency_ms_p99", "p99 (ms)", false),
    ("model_loads_per_1000", "loads per 1,000", false),
];

/// The fewest schedulers of which a sweep writes a league: of two, their paired difference says
/// all.
pub const FEWEST: usize = 3;

/// The results of an experiment.
#[derive(Clone, Copy, Debug)]
pub struct Block<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its rows.
    pub results: &'a Results,
    /// The rows that count.
    pub rows: &'a [&'a ResultRow],
    /// The place of the axis of the schedulers.
    pub axis: usize,
    /// How long its runs took; empty if that is not known.
    pub walls: &'a Walls,
}

/// Schedulers with their ranks, and tables.
#[derive(Clone, Debug)]
pub struct League {
    metric: LeagueMetric,
    tables: Vec<Table>,
    /// The ranked schedulers with their mean rank, the best first.
    ranked: Vec<(String, f64)>,
    test: Option<(Friedman, f64)>,
    /// Those that are missing at some setting, which have no rank.
    unranked: Vec<String>,
    /// Units without a value of some ranked scheduler, which do not count.
    left_out: usize,
    knees: Vec<Knees>,
    matrices: Vec<Matrix>,
    deciding: Vec<Deciding>,
    /// What is left out, and why.
    notes: Vec<String>,
}

impl League {
    /// The schedulers of these blocks, ranked by a metric.
    pub fn new(blocks: &[Block<'_>], metric: LeagueMetric) -> Self {
        let mut tables = Vec::new();
        let mut everywhere: Option<BTreeSet<String>> = None;
        let mut all: Vec<String> = Vec::new();
        let mut units: Vec<BTreeMap<String, f64>> = Vec::new();
        for block in blocks {
            for (setting, own) in by_setting(block) {
                let labels: BTreeSet<String> = own.iter().map(|(label, _)| label.clone()).collect();
                all.extend(
                    labels.iter().filter(|label| !all.contains(label)).cloned().collect::<Vec<_>>(),
                );
                everywhere = Some(match everywhere {
                    Some(before) => before.intersection(&labels).cloned().collect(),
                    None => labels,
                });
                units.extend(replicates(&own, metric.0));
                tables.push(Table::new(block, &setting, &own, metric));
            }
        }
        let everywhere = everywhere.unwrap_or_default();
        let unranked = all.iter().filter(|label| !everywhere.contains(*label)).cloned().collect();
        let labels: Vec<String> =
            all.into_iter().filter(|label| everywhere.contains(label)).collect();
        let sign = if metric.2 { 1.0 } else { -1.0 };
        let value = |unit: &BTreeMap<String, f64>| -> Option<Vec<f64>> {
            labels.iter().map(|label| Some(sign * unit.get(label)?)).collect()
        };
        let complete: Vec<Vec<f64>> = units.iter().filter_map(value).collect();
        let left_out = units.len() - complete.len();
        let test = Friedman::of(&complete);
        let ranks = test.as_ref().map_or(&[][..], |test| &test.mean_ranks);
        let mut ranked: Vec<(String, f64)> =
            labels.into_iter().zip(ranks.iter().copied()).collect();
        ranked.sort_by(|a, b| a.1.total_cmp(&b.1).then_with(|| a.0.cmp(&b.0)));
        let test = test.map(|test| {
            let difference = test.critical_difference();
            (test, difference)
        });
        let mut notes = Vec::new();
        Self {
            metric,
            tables,
            ranked,
            test,
            unranked,
            left_out,
            knees: blocks.iter().flat_map(|block| Knees::of(block, &mut notes)).collect(),
            matrices: blocks.iter().flat_map(Matrix::of).collect(),
            deciding: blocks.iter().filter_map(|block| Deciding::of(block, &mut notes)).collect(),
            notes,
        }
    }

    /// What could not be told, and why.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The ranked schedulers with their mean rank, the best first.
    pub fn ranks(&self) -> &[(String, f64)] {
        &self.ranked
    }

    /// Whether there are ranks.
    pub fn has_ranks(&self) -> bool {
        self.test.is_some()
    }

    /// The diagram of ranks; `None` without ranks.
    fn diagram(&self, title: &str) -> Option<RankDiagram> {
        let (test, critical_difference) = self.test.as_ref()?;
        let note = format!(
            "Mean ranks by {} over {} replicates of {} settings; schedulers that a bar joins are \
             not told apart (Nemenyi, 5 %; units count as independent).",
            self.metric.0,
            test.blocks,
            self.tables.len()
        );
        Some(RankDiagram {
            title: title.to_owned(),
            note,
            methods: self.ranked.clone(),
            critical_difference: *critical_difference,
        })
    }

    /// What the ranks say, in sentences.
    fn sentences(&self) -> String {
        let Some((test, difference)) = &self.test else {
            return "There are no ranks: at least two schedulers must share two replicates, and \
                    differ.\n"
                .to_owned();
        };
        let p = if test.p < 1e-4 { "< 0.0001".to_owned() } else { format!("= {:.4}", test.p) };
        let mut text = format!(
            "Ranks by `{}` over {} units (replicates of settings). Friedman: χ² = {:.1}, p {p}. \
             Mean ranks that differ by less than {difference:.2} are not told apart (Nemenyi, \
             5 %). Units count as independent.\n",
            self.metric.0, test.blocks, test.statistic
        );
        if self.left_out > 0 {
            text.push_str(&format!(
                "{} units without a value of some scheduler do not count.\n",
                self.left_out
            ));
        }
        if !self.unranked.is_empty() {
            let names = self.unranked.join(", ");
            text.push_str(&format!("Missing at some settings, and not ranked: {names}.\n"));
        }
        text
    }

    /// The first of the ranks in a sentence; nothing without ranks.
    pub fn short(&self) -> String {
        let (Some((test, difference)), Some((name, rank))) = (&self.test, self.ranked.first())
        else {
            return String::new();
        };
        let near = self.ranked[1..].iter().filter(|(_, other)| other - rank < *difference).count();
        let others = self.ranked.len() - 1;
        let near = match near {
            0 => "all others are told apart from it".to_owned(),
            near => format!("{near} of {others} others are not told apart from it"),
        };
        format!(
            "league by {} over {} units: {name} is first with a mean rank of {rank:.2}; {near} \
             (Nemenyi, 5 %)\n",
            self.metric.0, test.blocks
        )
    }

    /// Scheduler, mean rank, and at how many settings it is among the best.
    fn rank_grid(&self) -> Vec<Vec<String>> {
        let at = METRICS.iter().position(|metric| metric.0 == self.metric.0).unwrap_or(0);
        let is_top = |table: &&Table, name: &str| {
            let line = table.lines.iter().find(|line| line.scheduler == name);
            line.and_then(|line| line.cells[at]).is_some_and(|cell| cell.is_top)
        };
        let head = ["scheduler", "mean rank", "not worse than the best at"].map(str::to_owned);
        let rows = self.ranked.iter().map(|(name, rank)| {
            let top = self.tables.iter().filter(|table| is_top(table, name)).count();
            vec![name.clone(), format!("{rank:.2}"), format!("{top} of {}", self.tables.len())]
        });
        std::iter::once(head.to_vec()).chain(rows).collect()
    }

    /// Ranks and the sentences, for a terminal.
    pub fn text(&self) -> String {
        format!("{}{}", self.sentences(), align(&self.rank_grid()))
    }

    /// Ranks and all tables as Markdown.
    fn markdown(&self) -> String {
        let mut text =
            format!("# League\n\n{}\n{}\n", self.sentences(), markdown(&self.rank_grid(), 1));
        if self.test.is_some() {
            text.push_str("![mean ranks](ranks.svg)\n\n");
        }
        if !self.knees.is_empty() {
            text.push_str(&format!("{}\n\n", knees::MEANING));
        }
        for knees in &self.knees {
            text.push_str(&format!("## {}\n\n{}\n", knees.title(), markdown(&knees.grid(), 1)));
        }
        if !self.matrices.is_empty() {
            text.push_str(&format!("{}\n\n", matrix::MEANING));
        }
        for matrix in &self.matrices {
            text.push_str(&format!("## {}\n\n{}\n", matrix.title(), markdown(&matrix.grid(), 1)));
        }
        text.push_str(
            "± is the half width of the 95 % interval (Student's t). Bold: not worse than the \
             best of the column, by paired differences adjusted by Holm, 5 %.\n\n",
        );
        for table in &self.tables {
            let grid = table.grid(|text, is_top| if is_top { format!("**{text}**") } else { text });
            text.push_str(&format!("## {}\n\n{}\n", table.title(), markdown(&grid, 1)));
        }
        text
    }

    /// Ranks and all tables for LaTeX.
    fn latex(&self) -> String {
        let plain = |grid: Vec<Vec<String>>| -> Vec<Vec<String>> {
            grid.into_iter().map(|row| row.iter().map(|cell| for_latex(cell)).collect()).collect()
        };
        let mut text = tabular(&plain(self.rank_grid()), 1, &[self.sentences().trim_end()]);
        for knees in &self.knees {
            let comments = [&*knees.title(), knees::MEANING];
            text.push_str(&format!("\n{}", tabular(&plain(knees.grid()), 1, &comments)));
        }
        for matrix in &self.matrices {
            let comments = [&*matrix.title(), matrix::MEANING];
            text.push_str(&format!("\n{}", tabular(&plain(matrix.grid()), 1, &comments)));
        }
        for table in &self.tables {
            let cell = |text: String, is_top: bool| {
                let text = for_latex(&text);
                if is_top { format!("\\textbf{{{text}}}") } else { text }
            };
            let mut grid = table.grid(cell);
            grid[0].iter_mut().for_each(|head| *head = escape_latex(head));
            grid[1..].iter_mut().for_each(|row| row[0] = escape_latex(&row[0]));
            text.push_str(&format!("\n{}", tabular(&grid, 1, &[&table.title()])));
        }
        text
    }

    /// Writes tables and figures into a folder in the place of those of an earlier league; the
    /// names of the files.
    ///
    /// # Errors
    /// Says which file could not be written.
    pub fn write(&self, path: &Path) -> Result<Vec<String>, FigureError> {
        let mut folder = Folder::new(path)?;
        folder.csv("league.csv", &standings::COLUMNS, self.rows())?;
        folder.text("league.md", &self.markdown())?;
        folder.text("league.tex", &self.latex())?;
        if let Some(diagram) = self.diagram("Mean ranks") {
            folder.figure("ranks", || diagram.svg(), || diagram.pdf(), || diagram.png())?;
        }
        knees::write(&self.knees, &mut folder)?;
        matrix::write(&self.matrices, &mut folder)?;
        deciding::write(&self.deciding, &mut folder)?;
        folder.end()
    }

    /// One row for every block, setting, scheduler and metric.
    fn rows(&self) -> Vec<Vec<String>> {
        self.tables.iter().flat_map(Table::rows).collect()
    }
}

/// A cell for LaTeX.
fn for_latex(text: &str) -> String {
    escape_latex(text).replace('±', "$\\pm$").replace('–', "--").replace('µ', "$\\mu$")
}

/// Removes the league of an earlier sweep.
///
/// # Errors
/// Says which file could not be removed.
pub fn remove(path: &Path) -> Result<(), FigureError> {
    folder::remove(path, &[])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::more_is_better;

    #[test]
    fn metrics_have_the_direction_that_figures_give_them() {
        for (metric, _, more) in METRICS {
            assert_eq!(more_is_better(metric), Some(more), "{metric}");
        }
    }
}
