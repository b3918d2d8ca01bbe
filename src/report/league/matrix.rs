//! The matrix of rules and variants: schedulers whose rows differ only in the fixed variant of each
//! application, which their labels name: `symphony best`, `symphony fastest`, `symphony picked`.

use super::super::figure::HeatMap;
use super::super::plots::FigureError;
use super::super::runs_csv::number;
use super::Block;
use super::folder::{Folder, MOST_FIGURES};
use super::standings::{by_setting, follows, named, titled, with_width};
use crate::config::path;
use crate::stats::Estimate;

/// What the tables show.
pub(super) const MEANING: &str = "Rules of order, batch and admission by the fixed variant of each \
                                  application: the share of requests that are right and in time, \
                                  then the share of deadlines missed.";

/// The words of a label that name the variant.
const VARIANTS: [&str; 3] = ["best", "fastest", "picked"];

/// The metrics of the matrix with the names of their figures.
const METRICS: [(&str, &str, &str); 2] = [
    ("effective_accuracy", "matrix", "Right and in time, by rule and variant"),
    ("deadline_miss_ratio", "matrix-misses", "Deadlines missed, by rule and variant"),
];

/// The columns of `matrix.csv`.
const COLUMNS: [&str; 8] =
    ["block", "setting", "rule", "variant", "metric", "mean", "ci95_low", "ci95_high"];

/// By metric, the cells of a rule, one for each variant.
type Cells = [[Option<Estimate>; VARIANTS.len()]; METRICS.len()];

/// The rules of a block at a setting.
#[derive(Clone, Debug)]
pub(super) struct Matrix {
    block: String,
    setting: String,
    /// The setting without axes that follow from an earlier one.
    short: String,
    rules: Vec<(String, Cells)>,
}

/// The rule and the place of the variant in a label; `None` if it names none.
fn split(label: &str) -> Option<(String, usize)> {
    let apart = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric() && c != '-' && c != '_');
    VARIANTS.iter().enumerate().find_map(|(variant, word)| {
        let whole = |at: &usize| {
            let (before, after) = (&label[..*at], &label[at + word.len()..]);
            apart(before.chars().next_back()) && apart(after.chars().next())
        };
        let at = label.match_indices(word).map(|(at, _)| at).find(whole)?;
        let rule = format!("{}{}", label[..at].trim_end(), &label[at + word.len()..]);
        Some((rule, variant))
    })
}

/// The places among the other axes of those that do not follow from an earlier one, as in a zip.
fn told(block: &Block<'_>) -> Vec<usize> {
    let axes: Vec<usize> = (0..block.results.axes.len()).filter(|at| *at != block.axis).collect();
    let follows = |at: usize| axes[..at].iter().any(|from| follows(block.rows, axes[at], *from));
    (0..axes.len()).filter(|at| !follows(*at)).collect()
}

impl Matrix {
    /// Of the settings of a block at which at least two rules have several variants.
    pub fn of(block: &Block<'_>) -> Vec<Self> {
        let names = block.results.other_axes(block.axis);
        let told = told(block);
        let last: Vec<String> = names.iter().map(|name| path::last(name)).collect();
        let only =
            |list: &[String]| -> Vec<String> { told.iter().map(|at| list[*at].clone()).collect() };
        let mut matrices = Vec::new();
        for (labels, own) in by_setting(block) {
            let mut rules: Vec<(String, Cells)> = Vec::new();
            for (label, cell) in &own {
                let Some((rule, variant)) = split(label) else { continue };
                let at = rules.iter().position(|(known, _)| *known == rule).unwrap_or(rules.len());
                if at == rules.len() {
                    rules.push((rule, Cells::default()));
                }
                for (metric, (name, ..)) in METRICS.iter().enumerate() {
                    rules[at].1[metric][variant] = cell.estimate(name);
                }
            }
            rules.retain(|(_, cells)| cells[0].iter().flatten().count() > 1);
            if rules.len() > 1 {
                let (block, setting) = (block.name.to_owned(), named(&names, &labels));
                let short = named(&only(&last), &only(&labels));
                matrices.push(Self { block, setting, short, rules });
            }
        }
        matrices
    }

    pub fn title(&self) -> String {
        format!("{}: rules by variant", titled(&self.block, &self.setting))
    }

    /// A header and the rules.
    pub fn grid(&self) -> Vec<Vec<String>> {
        let right = VARIANTS.map(str::to_owned);
        let missed = VARIANTS.map(|variant| format!("{variant}, missed"));
        let head = std::iter::once("rule".to_owned()).chain(right).chain(missed).collect();
        let line = |(rule, cells): &(String, Cells)| {
            let cells = cells.iter().flatten().map(|cell| cell.map_or("–".to_owned(), with_width));
            std::iter::once(rule.clone()).chain(cells).collect()
        };
        std::iter::once(head).chain(self.rules.iter().map(line)).collect()
    }

    fn rows(&self) -> Vec<Vec<String>> {
        let mut rows = Vec::new();
        for (rule, cells) in &self.rules {
            for ((metric, ..), own) in METRICS.iter().zip(cells) {
                for (variant, cell) in VARIANTS.iter().zip(own) {
                    let Some(cell) = cell else { continue };
                    let ends = cell.half_width.map(|_| (cell.low(), cell.high()));
                    let mut row = vec![self.block.clone(), self.setting.clone(), rule.clone()];
                    row.extend([(*variant).to_owned(), (*metric).to_owned()]);
                    row.extend([cell.mean.to_string(), number(ends.map(|ends| ends.0))]);
                    row.push(number(ends.map(|ends| ends.1)));
                    rows.push(row);
                }
            }
        }
        rows
    }
}

/// Writes table and figures of all matrices.
pub(super) fn write(all: &[Matrix], folder: &mut Folder<'_>) -> Result<(), FigureError> {
    if all.is_empty() {
        return Ok(());
    }
    folder.csv("matrix.csv", &COLUMNS, all.iter().flat_map(Matrix::rows))?;
    let blocks: Vec<&[Matrix]> = all.chunk_by(|a, b| a.block == b.block).collect();
    for (at, own) in blocks.iter().enumerate().filter(|(_, own)| own.len() <= MOST_FIGURES) {
        for (metric, (_, name, title)) in METRICS.iter().enumerate() {
            let number = if blocks.len() > 1 { format!("-{}", at + 1) } else { String::new() };
            let map = heat_map(own, metric, &format!("{}: {title}", own[0].block));
            folder.figure(&format!("{name}{number}"), || map.svg(), || map.pdf(), || map.png())?;
        }
    }
    Ok(())
}

/// The matrices of a block, a panel each, by a metric.
fn heat_map(own: &[Matrix], metric: usize, title: &str) -> HeatMap {
    let mut rules: Vec<&String> = Vec::new();
    for (rule, _) in own.iter().flat_map(|matrix| &matrix.rules) {
        if !rules.contains(&rule) {
            rules.push(rule);
        }
    }
    let panel = |matrix: &Matrix| {
        let cells = |rule: &&String| {
            let known = matrix.rules.iter().find(|(own, _)| own == *rule);
            let mean = |variant: usize| Some(known?.1[metric][variant]?.mean);
            (0..VARIANTS.len()).map(mean).collect()
        };
        (matrix.short.clone(), rules.iter().map(cells).collect())
    };
    HeatMap {
        title: title.to_owned(),
        note: "Means over replicates, from 0 (white) to 1.".to_owned(),
        rows: rules.iter().map(|rule| (*rule).clone()).collect(),
        columns: VARIANTS.map(str::to_owned).to_vec(),
        panels: own.iter().map(panel).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_split_at_the_word_of_the_variant() {
        for (label, rule, variant) in [
            ("symphony best", "symphony", 0),
            ("nexus-like fastest", "nexus-like", 1),
            ("octopinf-like picked, every .02 s", "octopinf-like, every .02 s", 2),
        ] {
            assert_eq!(split(label), Some((rule.to_owned(), variant)));
        }
        for label in ["edf", "best-effort", "handpicked", ""] {
            assert_eq!(split(label), None, "{label}");
        }
    }
}
