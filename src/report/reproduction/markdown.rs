//! `REPORT.md`: every claim with figure, interval and verdict, in plain sentences.

use super::super::claims::{ClaimResult, Verdict};
use super::super::compare::differences;
use super::super::console;
use super::gains::{Gain, gains};
use super::targets::{Target, Targets};
use super::{ExperimentReport, sentence};
use crate::experiment::Expectation;
use crate::stats::Estimate;
use std::fmt::Write as _;

/// The report over all experiments. Depends on results alone, so that equal results give equal
/// bytes. `targets` are those of the suite.
pub fn markdown(title: &str, reports: &[ExperimentReport], targets: &Targets) -> String {
    let mut text = format!("# {title}\n\n");
    // Writing to a String cannot fail.
    let _ = writeln!(
        text,
        "Made by `peeksim reproduce`. Every difference is paired over replicates with common \
         random numbers; ± is the half width of its 95 % interval (Student's t). A claim *holds* \
         where the whole interval is on its side, is *contradicted* where the whole interval is \
         on the other, and is *undecided* else; intervals of single settings are not corrected for \
         their number. `claims.csv` holds all of them, a row each.\n"
    );
    overview(&mut text, reports);
    payoff(&mut text, reports);
    if let Some(target) = targets.first("gains") {
        published(&mut text, reports, target);
    }
    for report in reports {
        section(&mut text, report);
    }
    text
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

/// The verdicts of every claim, by section.
fn overview(text: &mut String, reports: &[ExperimentReport]) {
    for section in reports.chunk_by(|a, b| a.section == b.section) {
        let heading = match section[0].section.as_str() {
            "" => "All claims",
            "ablations" => "Sensitivity to choices that the paper does not settle",
            "why" => "Why: the same decomposed",
            other => other,
        };
        let row = |report: &ExperimentReport, claim: &Expectation, judged: &[ClaimResult]| {
            vec![
                format!("[{}](#{})", report.experiment.name, anchor(report)),
                claim.claim.clone(),
                format!("`{}`", claim.metric),
                if claim.gate { "yes" } else { "" }.to_owned(),
                sentence(judged),
            ]
        };
        let rows = section
            .iter()
            .flat_map(|report| report.claims.iter().map(move |(c, judged)| row(report, c, judged)));
        let head = ["experiment", "claim", "metric", "gated", "verdict"];
        let _ = writeln!(text, "## {heading}\n\n{}", table(&head, "---", rows));
    }
}

/// Where SneakPeek is better than the same grouping without the data, and where it is not.
fn payoff(text: &mut String, reports: &[ExperimentReport]) {
    text.push_str(
        "## Where looking at the data pays, and where not\n\n\
         Mean utility of `sneakpeek` minus `grouped` at the same setting, over all experiments \
         that have both. \"Pays\" and \"costs\" count settings whose whole interval is on one \
         side.\n\n",
    );
    let mut rows = Vec::new();
    let mut total = [0usize; 3];
    for report in reports {
        let results = &report.results;
        let Some(axis) = results.axis("scheduler") else { continue };
        let runs: Vec<_> = results.rows.iter().collect();
        let found = differences(results, &runs, axis, "sneakpeek", "grouped", "utility_mean");
        let known: Vec<(Estimate, String)> = found
            .iter()
            .filter_map(|d| Some((d.estimate?, d.setting.join(" · "))))
            .filter(|(e, _)| e.count > 1)
            .collect();
        let by_mean =
            |a: &&(Estimate, String), b: &&(Estimate, String)| a.0.mean.total_cmp(&b.0.mean);
        let (Some(low), Some(high)) = (known.iter().min_by(by_mean), known.iter().max_by(by_mean))
        else {
            continue;
        };
        let sure = || known.iter().filter(|(e, _)| e.half_width.is_some());
        let pays = sure().filter(|(e, _)| e.low() > 0.0).count();
        let costs = sure().filter(|(e, _)| e.high() < 0.0).count();
        let undecided = known.len() - pays - costs;
        [pays, costs, undecided].iter().zip(&mut total).for_each(|(n, sum)| *sum += n);
        rows.push(vec![
            report.experiment.name.clone(),
            known.len().to_string(),
            pays.to_string(),
            costs.to_string(),
            undecided.to_string(),
            format!("{:+.4}", low.0.mean),
            format!("{:+.4}", high.0.mean),
            low.1.clone(),
        ]);
    }
    let head = ["experiment", "settings", "pays", "costs", "undecided", "from", "to"];
    text.push_str(&table(&[&head[..], &["worst setting"]].concat(), "---", rows));
    let [pays, costs, undecided] = total;
    let _ = writeln!(
        text,
        "\nOver all of these settings it pays at {pays}, costs at {costs}, and {undecided} are \
         undecided. They were chosen to ask questions, not drawn from deployments: the counts are \
         no probabilities.\n"
    );
}

/// The published range of gains and the gains of all settings.
fn published(text: &mut String, reports: &[ExperimentReport], target: &Target) {
    let (low, high) = (target.low.unwrap_or(0.0), target.high.unwrap_or(f64::INFINITY));
    let _ = writeln!(
        text,
        "## The published gain\n\n{}: {:+.0} to {:+.0} % ({}). Context, not a bound. Over all \
         settings here, relative to a scheduler that sees profiled accuracies only:\n",
        target.figure,
        low * 100.0,
        high * 100.0,
        target.source
    );
    let gains = gains(reports);
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
            place(most),
        ])
    };
    let least = format!("at least {:+.0} %", low * 100.0);
    let head = ["compared with", "settings", "median", "largest", &least, "where largest"];
    let _ = writeln!(text, "{}", table(&head, "---", lists.into_iter().filter_map(row)));
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

fn place(gain: &Gain) -> String {
    format!("{}: {} over {}", gain.experiment, gain.with, gain.without)
}

fn section(text: &mut String, report: &ExperimentReport) {
    let experiment = &report.experiment;
    let _ = writeln!(text, "## {}: {}\n", experiment.name, experiment.title);
    if !experiment.note.is_empty() {
        let _ = writeln!(text, "{}\n", experiment.note);
    }
    let runs = report.results.rows.len();
    let _ = writeln!(text, "{} replicates, {runs} runs.\n", experiment.replicates);
    for (claim, judged) in &report.claims {
        claimed(text, claim, judged);
    }
    let tables = console::render(&report.results, &console::METRICS[..1]);
    let _ = writeln!(text, "```text\n{}\n```\n", tables.trim_end());
    for figure in &experiment.figures {
        let name = &figure.name;
        let _ = writeln!(text, "![{name}]({}/figures/{name}.svg)\n", experiment.name);
    }
}

fn claimed(text: &mut String, claim: &Expectation, judged: &[ClaimResult]) {
    let gate = if claim.gate { ", gated" } else { "" };
    let _ = writeln!(text, "**{}** (`{}`{gate}): {}.", claim.claim, claim.metric, sentence(judged));
    if !claim.note.is_empty() {
        let _ = writeln!(text, "{}", claim.note);
    }
    let row = |judged: &ClaimResult| {
        let verdict = match judged.verdict {
            Verdict::Contradicted => "**contradicted**",
            other => other.name(),
        };
        vec![judged.setting.clone(), judged.difference_text(), verdict.to_owned()]
    };
    let head = ["setting", "difference", "verdict"];
    let _ = writeln!(text, "\n{}", table(&head, "---", judged.iter().map(row)));
}

/// The link to the heading of an experiment: lower case, hyphens for blanks, no other signs.
fn anchor(report: &ExperimentReport) -> String {
    let heading = format!("{}: {}", report.experiment.name, report.experiment.title);
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}
