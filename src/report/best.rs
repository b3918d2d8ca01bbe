//! Which row is best at each setting, and which rows are not significantly worse.
//!
//! At every setting of the other axes the row with the best mean is compared with each other row:
//! paired differences over replicates or samples, Student's t, p-values adjusted by Holm's method
//! over the rows of the setting. For a row that is not significantly worse, the replicates are
//! given that would separate it with a power of 0.8, at the strictest level of Holm's method.

use super::compare::{Difference, RowsByLabel};
use super::console::align;
use super::results::{ResultRow, Results};
use super::runs_csv::number;
use super::summary::cells;
use crate::metrics::more_is_better;
use crate::stats::{holm, replicates_to_separate, student};
use std::collections::BTreeMap;

/// Differences are significant at this level.
pub const LEVEL: f64 = 0.05;

/// How a row compares with the best one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Significantly worse.
    Worse,
    /// Not significantly worse.
    Alike,
    /// No replicate differs.
    Equal,
    /// Significantly better over the replicates that have both: some lack the metric.
    Better,
    /// There is a single replicate, or none has both.
    Unknown,
}

impl Standing {
    /// The word for it in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Worse => "worse",
            Self::Alike => "alike",
            Self::Equal => "equal",
            Self::Better => "better",
            Self::Unknown => "unknown",
        }
    }
}

/// A row that is not the best one.
#[derive(Clone, Debug)]
pub struct Other {
    /// Its difference from the best row.
    pub difference: Difference,
    /// The p-value, adjusted by Holm's method.
    pub p_holm: Option<f64>,
    /// How it compares.
    pub standing: Standing,
    /// The replicates that would separate it, if it is not separated and some number would.
    pub needed: Option<u64>,
}

/// The best row at a setting.
#[derive(Clone, Debug)]
pub struct BestRow {
    /// The labels of the other axes.
    pub setting: Vec<String>,
    /// The label of the best row.
    pub label: String,
    /// Its mean.
    pub mean: f64,
    /// The replicates or samples of this mean.
    pub count: usize,
    /// The other rows, from the best mean to the worst.
    pub others: Vec<Other>,
}

impl BestRow {
    /// The rows of this standing.
    pub fn of(&self, standing: Standing) -> impl Iterator<Item = &Other> {
        self.others.iter().filter(move |other| other.standing == standing)
    }
}

/// A label, its mean, and over how many replicates or samples that is.
type LabelledMean = (String, f64, usize);

/// The best rows of a metric at every setting, in order of first appearance.
pub fn best_rows(results: &Results, axis: usize, metric: &str) -> Vec<BestRow> {
    let rows: Vec<&ResultRow> = results.rows.iter().collect();
    let by_label = RowsByLabel::new(&rows, axis);
    let sign = if more_is_better(metric) == Some(false) { -1.0 } else { 1.0 };
    let mut settings: Vec<(Vec<String>, Vec<LabelledMean>)> = Vec::new();
    let mut places: BTreeMap<Vec<String>, usize> = BTreeMap::new();
    for cell in cells(&results.rows) {
        let Some(estimate) = cell.estimate(metric) else { continue };
        let setting = super::results::without(cell.labels, axis);
        let at = *places.entry(setting.clone()).or_insert(settings.len());
        if at == settings.len() {
            settings.push((setting, Vec::new()));
        }
        settings[at].1.push((cell.labels[axis].clone(), estimate.mean, estimate.count));
    }
    let mut found: Vec<BestRow> = Vec::new();
    // The differences of a pair at all settings are found at once.
    let mut known: BTreeMap<[String; 2], BTreeMap<Vec<String>, Difference>> = BTreeMap::new();
    for (setting, mut means) in settings {
        means.sort_by(|a, b| (sign * b.1).total_cmp(&(sign * a.1)));
        let (label, mean, count) = means.remove(0);
        let others = means.into_iter().filter_map(|(other, ..)| {
            let pair = [other, label.clone()];
            let of_pair = known.entry(pair.clone()).or_insert_with(|| {
                let all = by_label.differences([&pair[0], &pair[1]], metric, 1.0);
                all.into_iter().map(|own| (own.setting.clone(), own)).collect()
            });
            of_pair.get(&setting).cloned()
        });
        let others = compared(others.collect(), sign);
        found.push(BestRow { setting, label, mean, count, others });
    }
    found
}

/// The rows of a setting with what can be said of them; `sign` is −1 if less is better.
fn compared(differences: Vec<Difference>, sign: f64) -> Vec<Other> {
    let alone: Vec<Option<f64>> =
        differences.iter().map(|own| own.estimate.as_ref().and_then(student)).collect();
    let mut adjusted = holm(&alone.iter().flatten().copied().collect::<Vec<f64>>()).into_iter();
    let strictest = LEVEL / differences.len().max(1) as f64;
    let other = |(difference, alone): (Difference, Option<f64>)| {
        let p_holm = alone.and_then(|_| adjusted.next());
        let standing = match (&difference.estimate, p_holm) {
            (Some(_), Some(p)) if p > LEVEL => Standing::Alike,
            // Without a p-value all replicates differ alike: by nothing, or by the same amount.
            (Some(own), _) if own.count > 1 && sign * own.mean < 0.0 => Standing::Worse,
            (Some(own), _) if own.count > 1 && sign * own.mean > 0.0 => Standing::Better,
            (Some(own), _) if own.count > 1 => Standing::Equal,
            _ => Standing::Unknown,
        };
        let estimate = difference.estimate.filter(|_| standing == Standing::Alike);
        let needed = estimate.and_then(|own| replicates_to_separate(&own, strictest));
        Other { difference, p_holm, standing, needed }
    };
    differences.into_iter().zip(alone).map(other).collect()
}

/// Rows that are named before the others are counted.
const NAMED: usize = 3;

/// The best rows of a metric as text: a line for each setting.
pub fn render(results: &Results, axis: usize, metric: &str) -> String {
    let rows = best_rows(results, axis, metric);
    let mut grid = vec![results.other_axes(axis)];
    grid[0].extend(["best", "mean", "worse"].map(str::to_owned));
    let mut texts =
        vec!["not significantly worse (p, replicates that would separate it)".to_owned()];
    for row in &rows {
        let mut line = row.setting.clone();
        let worse = row.of(Standing::Worse).count();
        line.extend([row.label.clone(), format!("{:.4}", row.mean), worse.to_string()]);
        grid.push(line);
        texts.push(others(row));
    }
    let samples = results.study.samples();
    let axis = &results.axes[axis];
    let direction = if more_is_better(metric) == Some(false) { "less" } else { "more" };
    format!(
        "best {axis} by {metric} ({direction} is better) at each setting: differences paired over \
         {samples}, Student's t, Holm over the rows of a setting, level {LEVEL}\n{}\n",
        aligned_with(&grid, &texts)
    )
}

/// A table, and a last column of text that goes to the left.
fn aligned_with(grid: &[Vec<String>], texts: &[String]) -> String {
    let table = align(grid);
    let lines = table.lines().map(str::to_owned).collect::<Vec<_>>();
    let width = lines.iter().map(|line| line.chars().count()).max().unwrap_or(0);
    let line = |(line, text): (&String, &String)| {
        let pad = " ".repeat(width - line.chars().count());
        format!("{line}{pad}  {text}").trim_end().to_owned() + "\n"
    };
    lines.iter().zip(texts).map(line).collect()
}

/// The rows that are not worse, each with its p-value and the replicates that would separate it.
fn others(row: &BestRow) -> String {
    let equal = row.of(Standing::Equal).map(|own| format!("{} (equal)", own.difference.left));
    let alike = row.of(Standing::Alike).map(|own| {
        let needed = own.needed.map_or("–".to_owned(), |count| count.to_string());
        let p = own.p_holm.map_or("–".to_owned(), |p| format!("{p:.2}"));
        format!("{} ({p}, {needed})", own.difference.left)
    });
    let better = row.of(Standing::Better);
    let better = better.map(|own| format!("{} (better where both are)", own.difference.left));
    let unknown = row.of(Standing::Unknown).map(|own| format!("{} (?)", own.difference.left));
    let mut all: Vec<String> = equal.chain(better).chain(alike).chain(unknown).collect();
    if all.len() > NAMED + 1 {
        let rest = all.len() - NAMED;
        all.truncate(NAMED);
        all.push(format!("and {rest} more"));
    }
    if all.is_empty() { "–".to_owned() } else { all.join("; ") }
}

/// All of it as a table: a row for each setting and row that is compared. Columns of labels come
/// first, [`labels`] of them; numbers have all digits, or are shortened for people.
pub fn grid(results: &Results, axis: usize, metrics: &[&str], is_short: bool) -> Vec<Vec<String>> {
    let digits = |value: Option<f64>| match value {
        Some(value) if is_short => format!("{value:.5}"),
        value => number(value),
    };
    let mut head = vec!["metric".to_owned()];
    head.extend(results.other_axes(axis));
    let columns = [
        "best",
        "other",
        "standing",
        "mean",
        "difference",
        "ci95_low",
        "ci95_high",
        "p_t_holm",
        "replicates",
        "replicates_needed",
    ];
    head.extend(columns.map(str::to_owned));
    let mut lines = vec![head];
    for metric in metrics {
        for row in best_rows(results, axis, metric) {
            for other in &row.others {
                let own = &other.difference;
                let mut line = vec![(*metric).to_owned()];
                line.extend(row.setting.iter().cloned());
                line.extend([
                    row.label.clone(),
                    own.left.clone(),
                    other.standing.name().to_owned(),
                    digits(Some(row.mean)),
                    digits(own.estimate.map(|e| e.mean)),
                    digits(own.ends.map(|(low, _)| low)),
                    digits(own.ends.map(|(_, high)| high)),
                    digits(other.p_holm),
                    own.values.len().to_string(),
                    other.needed.map_or(String::new(), |count| count.to_string()),
                ]);
                lines.push(line);
            }
        }
    }
    lines
}

/// How many columns of [`grid`] are labels.
pub fn labels(results: &Results) -> usize {
    results.axes.len() + 3
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::source::Source;

    /// One setting, with the values of a metric by label and replicate; an empty cell is none.
    fn results(metric: &str, values: &[(&str, &[&str])]) -> Results {
        let mut text = format!(
            "run_id,schema_version,config_hash,replicate,seed,scheduler,load,accuracy_source,\
             {metric},error\n"
        );
        for (label, values) in values {
            for (replicate, value) in values.iter().enumerate() {
                text.push_str(&format!("id,1,hash,{replicate},1,{label},1,none,{value},\n"));
            }
        }
        Results::parse(&Source { path: String::new(), text, sha256: String::new() }).unwrap()
    }

    fn standings(metric: &str, values: &[(&str, &[&str])]) -> (String, Vec<(String, Standing)>) {
        let row = best_rows(&results(metric, values), 0, metric).remove(0);
        let others = row.others.into_iter().map(|own| (own.difference.left, own.standing));
        (row.label, others.collect())
    }

    #[test]
    fn rows_stand_as_their_paired_differences_do() {
        let (best, others) = standings(
            "utility_mean",
            &[
                ("a", &["0.5", "0.6", "0.7", "0.8"]),
                ("same", &["0.5", "0.6", "0.7", "0.8"]),
                ("less", &["0.4", "0.5", "0.6", "0.7"]),
                ("near", &["0.51", "0.58", "0.72", "0.78"]),
                ("far", &["0.11", "0.2", "0.28", "0.4"]),
            ],
        );
        assert_eq!(best, "a");
        let named = |name: &str, standing| (name.to_owned(), standing);
        assert_eq!(
            others,
            [
                named("same", Standing::Equal),
                named("near", Standing::Alike),
                // By the same amount in all replicates.
                named("less", Standing::Worse),
                named("far", Standing::Worse),
            ]
        );
    }

    #[test]
    fn less_latency_is_better_and_a_single_replicate_decides_nothing() {
        let values: [(&str, &[&str]); 2] = [("slow", &["9"]), ("fast", &["3"])];
        let (best, others) = standings("latency_ms_mean", &values);
        assert_eq!((best.as_str(), others[0].1), ("fast", Standing::Unknown));
    }

    #[test]
    fn a_row_that_lacks_a_bad_replicate_is_not_better_for_it() {
        let (best, others) = standings(
            "latency_ms_mean",
            &[
                ("edf", &["10", "11", "12", "13", ""]),
                ("grouped", &["8", "9.1", "10", "11.05", "60"]),
            ],
        );
        assert_eq!((best.as_str(), others[0].1), ("edf", Standing::Better));
    }
}
