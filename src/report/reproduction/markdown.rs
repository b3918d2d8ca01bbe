//! `REPORT.md`: every claim with figure, interval and verdict.
//!
//! The words about a paper are those of `report.md` beside the experiments of the suite: Markdown
//! in which lines in double braces are replaced by tables.
//!
//! - `{{claims SECTION}}`: the verdicts of experiments in a folder of the suite; without `SECTION`,
//!   in the suite itself.
//! - `{{differences METRIC LEFT RIGHT}}`: differences of two schedulers over all settings.
//! - `{{gains FIRST SECOND}}`: gains by the posterior, against the target `gains`. The first
//!   scheduler is the second one with the posterior.
//! - `{{experiments}}`: a section for each experiment.

use super::super::claims::{ClaimResult, Verdict};
use super::super::compare::differences;
use super::super::console;
use super::gains::{Gain, gains};
use super::targets::{Target, Targets};
use super::{ExperimentReport, about, sentence};
use crate::config::{Location, Problem, source};
use crate::experiment::Expectation;
use crate::stats::Estimate;
use std::fmt::Write as _;

/// The report over all experiments of a suite. Depends on results alone, so that equal results
/// give equal bytes.
///
/// # Errors
/// Says which line of `report.md`, or which cell of `targets.csv`, is wrong.
pub fn markdown(title: &str, reports: &[ExperimentReport], suite: &str) -> Result<String, Problem> {
    let suite = suite.trim_end_matches('/');
    let targets = Targets::load(&format!("{suite}/targets.csv"))?;
    let path = format!("{suite}/report.md");
    let outline = if source::exists(&path) { source::read(&path)?.text } else { outline(reports) };
    let mut text = format!("# {title}\n\n{INTRODUCTION}\n\n");
    for (at, line) in outline.lines().enumerate() {
        let Some(block) = line.strip_prefix("{{").and_then(|line| line.strip_suffix("}}")) else {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{line}");
            continue;
        };
        let words: Vec<&str> = block.split_whitespace().collect();
        match words.as_slice() {
            ["claims"] => claims(&mut text, reports, ""),
            ["claims", section] => claims(&mut text, reports, section),
            ["differences", metric, left, right] => {
                difference_counts(&mut text, reports, metric, [left, right]);
            }
            ["gains", first, second] => {
                if let Some(target) = targets.first("gains") {
                    published(&mut text, reports, target, [first, second]);
                }
            }
            ["experiments"] => reports.iter().for_each(|report| experiment(&mut text, report)),
            _ => {
                let name = words.first().copied().unwrap_or("");
                let known = ["claims", "differences", "gains", "experiments"];
                let place = Location::line(&path, at as u64 + 1);
                return Err(Problem::unknown(place, "table", name, known));
            }
        }
    }
    Ok(text)
}

const INTRODUCTION: &str = "Made by `peeksim reproduce`. Every difference is paired over \
     replicates with common random numbers; ± is the half width of its 95 % interval (Student's \
     t). A claim *holds* where the whole interval is on its side, is *contradicted* where the \
     whole interval is on the other, and is *undecided* else; intervals of single settings are not \
     corrected for their number. `claims.csv` holds all of them, a row each.";

/// The outline of a suite without `report.md`.
fn outline(reports: &[ExperimentReport]) -> String {
    let sections = reports.chunk_by(|a, b| a.section == b.section).map(|reports| {
        let section = reports[0].section.as_str();
        let heading = if section.is_empty() { "All claims" } else { section };
        format!("## {heading}\n\n{{{{claims {section}}}}}\n\n")
    });
    sections.collect::<String>() + "{{experiments}}\n"
}

/// A Markdown table. All columns but the first are aligned by `alignment`.
pub(super) fn table(
    head: &[&str],
    alignment: &str,
    rows: impl IntoIterator<Item = Vec<String>>,
) -> String {
    let line = |cells: &mut dyn Iterator<Item = String>| {
        let cell = |text: String| if text.is_empty() { " |".into() } else { format!(" {text} |") };
        format!("|{}\n", cells.map(cell).collect::<String>())
    };
    let mut text = line(&mut head.iter().map(|&name| name.to_owned()));
    text.push_str(&format!("|---|{}\n", format!("{alignment}|").repeat(head.len() - 1)));
    let rows = rows.into_iter().map(|row| line(&mut row.iter().map(|cell| escaped(cell))));
    text.extend(rows);
    text
}

fn escaped(cell: &str) -> String {
    cell.replace('|', "\\|")
}

/// The verdicts of every claim of a section.
fn claims(text: &mut String, reports: &[ExperimentReport], section: &str) {
    let row = |report: &ExperimentReport, claim: &Expectation, judged: &[ClaimResult]| {
        vec![
            format!("[{}](#{})", report.experiment.name, anchor(report)),
            claim.claim.clone(),
            if claim.metric.is_empty() { String::new() } else { format!("`{}`", claim.metric) },
            if claim.gate { "yes" } else { "" }.to_owned(),
            sentence(claim, judged),
        ]
    };
    let own = reports.iter().filter(|report| report.section == section);
    let rows =
        own.flat_map(|report| report.claims.iter().map(move |(c, judged)| row(report, c, judged)));
    text.push_str(&table(&["experiment", "claim", "metric", "gated", "verdict"], "---", rows));
}

/// By experiment, at how many settings one scheduler is above or below another.
fn difference_counts(
    text: &mut String,
    reports: &[ExperimentReport],
    metric: &str,
    [left, right]: [&str; 2],
) {
    let mut rows = Vec::new();
    let mut totals = [0usize; 3];
    for report in reports {
        let results = &report.results;
        let Some(axis) = results.axis("scheduler") else { continue };
        let runs: Vec<_> = results.rows.iter().collect();
        let differences = differences(results, &runs, axis, left, right, metric);
        let known = differences.iter().filter_map(|d| Some((d.estimate?, d.setting.join(" · "))));
        let mut known: Vec<(Estimate, String)> = known.filter(|(e, _)| e.count > 1).collect();
        known.sort_by(|a, b| a.0.mean.total_cmp(&b.0.mean));
        let (Some((low, worst)), Some((high, _))) = (known.first(), known.last()) else { continue };
        let sure = || known.iter().map(|(e, _)| e).filter(|e| e.half_width.is_some());
        let above = sure().filter(|e| e.low() > 0.0).count();
        let below = sure().filter(|e| e.high() < 0.0).count();
        let counts = [above, below, known.len() - above - below];
        counts.iter().zip(&mut totals).for_each(|(count, total)| *total += count);
        let mut row = vec![report.experiment.name.clone(), known.len().to_string()];
        row.extend(counts.map(|count| count.to_string()));
        row.extend([low, high].map(|e| format!("{:+.4}", e.mean)));
        row.push(worst.clone());
        rows.push(row);
    }
    let head =
        ["experiment", "settings", "above", "below", "undecided", "from", "to", "worst setting"];
    text.push_str(&table(&head, "---", rows));
    let [above, below, undecided] = totals;
    let _ = writeln!(
        text,
        "\nOver all of these settings `{left}` is above `{right}` at {above}, below at {below}, \
         and {undecided} are undecided."
    );
}

/// The published range of gains and the gains of all settings.
fn published(
    text: &mut String,
    reports: &[ExperimentReport],
    target: &Target,
    equivalent: [&str; 2],
) {
    let (low, high) = (target.low.unwrap_or(0.0), target.high.unwrap_or(f64::INFINITY));
    let _ = writeln!(
        text,
        "{}: {:+.0} to {:+.0} % ({}). Context, not a bound. Over all settings here, relative to a \
         scheduler that sees profiled accuracies only:\n",
        target.figure,
        low * 100.0,
        high * 100.0,
        target.source
    );
    let gains = gains(reports, equivalent);
    let lists =
        [("the same scheduler", gains.twins), ("any scheduler without the data", gains.any)];
    let row = |(name, mut list): (&str, Vec<Gain>)| {
        list.sort_by(|a, b| a.relative.total_cmp(&b.relative));
        let most = list.last()?;
        let large = list.iter().filter(|gain| gain.relative >= low).count();
        Some(vec![
            name.to_owned(),
            list.len().to_string(),
            percent(median(&list)),
            percent(most.relative),
            large.to_string(),
            format!("{}: {} over {}", most.experiment, most.with, most.without),
        ])
    };
    let least = format!("at least {:+.0} %", low * 100.0);
    let head = ["compared with", "settings", "median", "largest", &least, "where largest"];
    text.push_str(&table(&head, "---", lists.into_iter().filter_map(row)));
}

/// Of a sorted list that is not empty.
fn median(sorted: &[Gain]) -> f64 {
    let (low, high) = ((sorted.len() - 1) / 2, sorted.len() / 2);
    f64::midpoint(sorted[low].relative, sorted[high].relative)
}

/// Gains relative to a utility near 0 are not shown as percentages.
fn percent(relative: f64) -> String {
    if relative > 10.0 { "over tenfold".to_owned() } else { format!("{:+.1} %", relative * 100.0) }
}

/// The claims, means and figures of an experiment.
fn experiment(text: &mut String, report: &ExperimentReport) {
    let experiment = &report.experiment;
    let _ = writeln!(text, "## {}: {}\n", experiment.name, experiment.title);
    if !experiment.note.is_empty() {
        let _ = writeln!(text, "{}\n", experiment.note);
    }
    let runs = report.results.rows.len();
    let _ = writeln!(text, "{} replicates, {runs} runs.\n", experiment.replicates);
    for (claim, judged) in &report.claims {
        verdicts(text, claim, judged);
    }
    let tables = console::render(&report.results, &report.results.study.closing_table()[..1]);
    let _ = writeln!(text, "```text\n{}\n```\n", tables.trim_end());
    for figure in &experiment.figures {
        let name = &figure.name;
        let _ = writeln!(text, "![{name}]({}/figures/{name}.svg)\n", experiment.name);
    }
}

fn verdicts(text: &mut String, claim: &Expectation, judged: &[ClaimResult]) {
    let (what, verdicts) = (about(claim, "`"), sentence(claim, judged));
    let _ = writeln!(text, "**{}**{what}: {verdicts}.", claim.claim);
    if !claim.note.is_empty() {
        let _ = writeln!(text, "{}", claim.note);
    }
    if claim.not_transposable.is_some() {
        let _ = writeln!(text);
        return;
    }
    let row = |judged: &ClaimResult| {
        let verdict = match judged.verdict {
            Verdict::Contradicted => "**contradicted**",
            other => other.name(),
        };
        let ratio = judged.ratio.map(|ratio| format!("{ratio:.3}"));
        let ratio = (claim.factor != 1.0).then(|| ratio.unwrap_or_default());
        let cells = [judged.setting.clone(), judged.difference_text()].into_iter().chain(ratio);
        cells.chain([verdict.to_owned()]).collect()
    };
    let with_ratio = ["setting", "difference", "ratio", "verdict"];
    let head =
        if claim.factor == 1.0 { &["setting", "difference", "verdict"] } else { &with_ratio[..] };
    let _ = writeln!(text, "\n{}", table(head, "---", judged.iter().map(row)));
}

/// The link to the heading of an experiment: lower case, hyphens for blanks, no other signs.
fn anchor(report: &ExperimentReport) -> String {
    let heading = format!("{}: {}", report.experiment.name, report.experiment.title);
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}
