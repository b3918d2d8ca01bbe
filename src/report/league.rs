//! Schedulers against each other over one or several experiments: ranks over everything, and at
//! every setting which of them are not worse than the best.
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

use super::compare::minus;
use super::comparison_table::{escape_latex, markdown, tabular};
use super::console::align;
use super::figure::RankDiagram;
use super::plots::FigureError;
use super::results::{ResultRow, Results, without};
use super::runs_csv::{number, write_csv};
use super::summary::{Cell, cells};
use crate::metrics::metric_shape;
use crate::output::atomic;
use crate::stats::{Estimate, Friedman, holm, student};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// A metric of the tables, its heading, and whether more is better.
pub type LeagueMetric = (&'static str, &'static str, bool);

/// The metrics of the tables.
pub const METRICS: [LeagueMetric; 6] = [
    ("effective_accuracy", "right and in time", true),
    ("utility_mean", "utility", true),
    ("deadline_miss_ratio", "deadlines missed", false),
    ("accuracy_on_time_mean", "accuracy in time", true),
    ("latency_ms_p99", "p99 (ms)", false),
    ("model_loads_per_1000", "loads per 1,000", false),
];

/// The level of all tests.
const LEVEL: f64 = 0.05;

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
}

/// A scheduler at a setting.
#[derive(Clone, Debug)]
struct Standing {
    scheduler: String,
    replicates: usize,
    /// By metric.
    cells: [Option<StandingCell>; METRICS.len()],
}

/// A metric of a scheduler at a setting.
#[derive(Clone, Copy, Debug)]
struct StandingCell {
    estimate: Estimate,
    /// The ends of its interval within the range of the metric, if there is one.
    ends: Option<(f64, f64)>,
    /// Whether it is the best or not worse.
    is_top: bool,
}

/// The schedulers of a block at one setting, the best first.
#[derive(Clone, Debug)]
struct Table {
    block: String,
    /// `load = 0.5`; empty without other axes.
    setting: String,
    lines: Vec<Standing>,
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
        Self { metric, tables, ranked, test, unranked, left_out }
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

    /// Ranks and all tables as Markdown; `figure` is the file of the diagram.
    fn markdown(&self, title: &str, figure: Option<&str>) -> String {
        let mut text =
            format!("# {title}\n\n{}\n{}\n", self.sentences(), markdown(&self.rank_grid(), 1));
        text.extend(figure.map(|file| format!("![mean ranks]({file})\n\n")));
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
            grid.into_iter()
                .map(|row| row.iter().map(|cell| escape_latex(cell)).collect())
                .collect()
        };
        let mut text = tabular(&plain(self.rank_grid()), 1, &[self.sentences().trim_end()]);
        for table in &self.tables {
            let cell = |text: String, is_top: bool| {
                let text = escape_latex(&text).replace('±', "$\\pm$").replace('–', "--");
                if is_top { format!("\\textbf{{{text}}}") } else { text }
            };
            let mut grid = table.grid(cell);
            grid[0].iter_mut().for_each(|head| *head = escape_latex(head));
            grid[1..].iter_mut().for_each(|row| row[0] = escape_latex(&row[0]));
            text.push_str(&format!("\n{}", tabular(&grid, 1, &[&table.title()])));
        }
        text
    }

    /// Writes the tables and the diagram into a folder; the names of the files.
    ///
    /// # Errors
    /// Says which file could not be written.
    pub fn write(&self, folder: &Path) -> Result<Vec<&'static str>, FigureError> {
        atomic::inner_folder(folder)?;
        let diagram = self.diagram("Mean ranks");
        let mut written = vec!["league.csv", "league.md", "league.tex"];
        let (head, rows) = self.csv();
        write_csv(&folder.join("league.csv"), head, rows)?;
        let figure = diagram.as_ref().map(|_| "ranks.svg");
        atomic::write(&folder.join("league.md"), self.markdown("League", figure).as_bytes())?;
        atomic::write(&folder.join("league.tex"), self.latex().as_bytes())?;
        if let Some(diagram) = diagram {
            let fail = |source| FigureError::Draw { name: "ranks".to_owned(), source };
            atomic::write(&folder.join("ranks.svg"), diagram.svg().map_err(fail)?.as_bytes())?;
            atomic::write(&folder.join("ranks.png"), &diagram.png().map_err(fail)?)?;
            written.extend(["ranks.svg", "ranks.png"]);
        }
        Ok(written)
    }

    /// One row for every block, setting, scheduler and metric.
    fn csv(&self) -> (Vec<String>, Vec<Vec<String>>) {
        let head = [
            "block",
            "setting",
            "scheduler",
            "metric",
            "replicates",
            "mean",
            "ci95_low",
            "ci95_high",
            "not_worse_than_best",
        ];
        let mut rows = Vec::new();
        for table in &self.tables {
            for line in &table.lines {
                for ((metric, ..), cell) in METRICS.iter().zip(&line.cells) {
                    let Some(cell) = cell else { continue };
                    rows.push(vec![
                        table.block.clone(),
                        table.setting.clone(),
                        line.scheduler.clone(),
                        (*metric).to_owned(),
                        line.replicates.to_string(),
                        cell.estimate.mean.to_string(),
                        number(cell.ends.map(|(low, _)| low)),
                        number(cell.ends.map(|(_, high)| high)),
                        if cell.is_top { "yes" } else { "no" }.to_owned(),
                    ]);
                }
            }
        }
        (head.map(str::to_owned).to_vec(), rows)
    }
}

/// The schedulers at a setting, each with its replicates.
type Entrants<'a> = Vec<(String, Cell<'a>)>;

/// By setting of the other axes, in order of first appearance, the cells of each scheduler.
fn by_setting<'a>(block: &Block<'a>) -> Vec<(Vec<String>, Entrants<'a>)> {
    let mut settings: Vec<(Vec<String>, Entrants<'a>)> = Vec::new();
    for cell in cells(block.rows.iter().copied()) {
        let (label, others) = (cell.labels[block.axis].clone(), without(cell.labels, block.axis));
        match settings.iter_mut().find(|(setting, _)| *setting == others) {
            Some((_, own)) => own.push((label, cell)),
            None => settings.push((others, vec![(label, cell)])),
        }
    }
    settings
}

/// Of the schedulers at a setting, the values of each replicate.
fn replicates(own: &[(String, Cell<'_>)], metric: &str) -> Vec<BTreeMap<String, f64>> {
    let mut units: BTreeMap<u64, BTreeMap<String, f64>> = BTreeMap::new();
    for (label, cell) in own {
        for row in &cell.rows {
            let unit = units.entry(row.replicate).or_default();
            unit.extend(row.metric(metric).map(|value| (label.clone(), value)));
        }
    }
    units.into_values().collect()
}

impl Table {
    fn new(
        block: &Block<'_>,
        setting: &[String],
        own: &[(String, Cell<'_>)],
        (by, _, more): LeagueMetric,
    ) -> Self {
        let names = block.results.other_axes(block.axis);
        let setting: Vec<String> =
            names.iter().zip(setting).map(|(name, label)| format!("{name} = {label}")).collect();
        let tops = METRICS.map(|metric| top(own, metric));
        let line = |(at, (label, cell)): (usize, &(String, Cell<'_>))| Standing {
            scheduler: label.clone(),
            replicates: cell.rows.len(),
            cells: std::array::from_fn(|metric| {
                let estimate = cell.estimate(METRICS[metric].0)?;
                let (least, most) = metric_shape(METRICS[metric].0).range;
                let ends = estimate.half_width.is_some();
                let ends = ends.then(|| (estimate.low().max(least), estimate.high().min(most)));
                Some(StandingCell { estimate, ends, is_top: tops[metric][at] })
            }),
        };
        let mut lines: Vec<Standing> = own.iter().enumerate().map(line).collect();
        let at = METRICS.iter().position(|metric| metric.0 == by).unwrap_or(0);
        let place = |line: &Standing| {
            let mean = line.cells[at].map_or(f64::INFINITY, |cell| cell.estimate.mean);
            if more && mean.is_finite() { -mean } else { mean }
        };
        lines.sort_by(|a, b| place(a).total_cmp(&place(b)));
        Self { block: block.name.to_owned(), setting: setting.join(", "), lines }
    }

    fn title(&self) -> String {
        match self.setting.as_str() {
            "" => self.block.clone(),
            setting => format!("{}, {setting}", self.block),
        }
    }

    /// A header and the schedulers; `shown` marks a cell that is among the best.
    fn grid(&self, shown: impl Fn(String, bool) -> String) -> Vec<Vec<String>> {
        let head = std::iter::once("scheduler").chain(METRICS.iter().map(|metric| metric.1));
        let line = |line: &Standing| {
            let cell = |cell: &Option<StandingCell>| {
                cell.map_or("–".to_owned(), |cell| shown(with_width(cell.estimate), cell.is_top))
            };
            std::iter::once(line.scheduler.clone()).chain(line.cells.iter().map(cell)).collect()
        };
        let head = head.map(str::to_owned).collect();
        std::iter::once(head).chain(self.lines.iter().map(line)).collect()
    }
}

/// A mean with the half width of its interval, both to the digits that the size asks for.
fn with_width(estimate: Estimate) -> String {
    let places = if estimate.mean.abs() >= 100.0 {
        0
    } else if estimate.mean.abs() >= 10.0 {
        1
    } else {
        3
    };
    match estimate.half_width {
        Some(width) => format!("{:.places$} ± {width:.places$}", estimate.mean),
        None => format!("{:.places$}", estimate.mean),
    }
}

/// Whether each scheduler at a setting is the best by a metric, or not worse.
fn top(own: &[(String, Cell<'_>)], (metric, _, more): LeagueMetric) -> Vec<bool> {
    let mean = |at: &usize| own[*at].1.estimate(metric).map(|estimate| estimate.mean);
    let better = |a: f64, b: f64| if more { a.total_cmp(&b) } else { b.total_cmp(&a) };
    let known = (0..own.len()).filter_map(|at| Some((at, mean(&at)?)));
    let best = known.rev().max_by(|a, b| better(a.1, b.1));
    let mut marks = vec![false; own.len()];
    let Some((best, _)) = best else { return marks };
    marks[best] = true;
    let mut family = Vec::new();
    for (at, (_, cell)) in own.iter().enumerate().filter(|(at, _)| *at != best) {
        let Some(difference) = paired(cell, &own[best].1, metric) else { continue };
        marks[at] = difference.mean == 0.0 && difference.half_width.is_none();
        family.extend(student(&difference).map(|p| (at, p)));
    }
    let alone: Vec<f64> = family.iter().map(|(_, p)| *p).collect();
    for ((at, _), adjusted) in family.into_iter().zip(holm(&alone)) {
        marks[at] = adjusted >= LEVEL;
    }
    marks
}

/// The mean of the difference of two schedulers over the replicates that both have.
fn paired(left: &Cell<'_>, right: &Cell<'_>, metric: &str) -> Option<Estimate> {
    let value = |row: &&ResultRow| Some((row.replicate, row.metric(metric)?));
    let rights: BTreeMap<u64, f64> = right.rows.iter().filter_map(value).collect();
    let pairs: Vec<(f64, f64)> = left
        .rows
        .iter()
        .filter_map(value)
        .filter_map(|(replicate, left)| Some((left, *rights.get(&replicate)?)))
        .collect();
    let scale = pairs.iter().map(|(a, b)| a.abs().max(b.abs())).fold(0.0, f64::max);
    let values: Vec<f64> = pairs.into_iter().map(|(a, b)| minus(a, b)).collect();
    Estimate::at_scale(&values, scale)
}
