//! `REPORT.md`: every claim with figure, interval and verdict, in plain sentences.

use super::super::claims::{ClaimResult, Verdict};
use super::super::compare::differences;
use super::super::console;
use super::gains::{Gain, gains};
use super::{ExperimentReport, sentence};
use crate::experiment::Expectation;
use crate::stats::Estimate;
use std::fmt::Write as _;

/// The only published number: utility gained by looking at the data.
/// Source: dndfrink/SERIF, report, chapter 1 (second-hand about SneakPeek).
const PUBLISHED: (f64, f64) = (0.62, 0.90);

/// The report over all chapters. Depends on results alone, so that equal results give equal bytes.
pub fn markdown(title: &str, chapters: &[ExperimentReport]) -> String {
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
    overview(&mut text, chapters);
    payoff(&mut text, chapters);
    published(&mut text, chapters);
    for chapter in chapters {
        section(&mut text, chapter);
    }
    text
}

/// The verdicts of every claim, part by part.
fn overview(text: &mut String, chapters: &[ExperimentReport]) {
    for part in chapters.chunk_by(|a, b| a.section == b.section) {
        let heading = match part[0].section.as_str() {
            "" => "All claims",
            // What the paper leaves open, and how much the answer matters.
            "choices" => "Sensitivity to choices that the paper does not settle",
            "why" => "Why: the same decomposed",
            other => other,
        };
        let _ = writeln!(text, "## {heading}\n\n| experiment | claim | metric | gated | verdict |");
        text.push_str("|---|---|---|---|---|\n");
        for chapter in part {
            for (claim, judged) in &chapter.claims {
                let name = &chapter.experiment.name;
                let gate = if claim.gate { "yes" } else { "" };
                let _ = writeln!(
                    text,
                    "| [{name}](#{}) | {} | `{}` | {gate} | {} |",
                    anchor(chapter),
                    cell(&claim.claim),
                    claim.metric,
                    sentence(judged)
                );
            }
        }
        text.push('\n');
    }
}

/// Where SneakPeek is better than the same grouping without the data, and where it is not.
fn payoff(text: &mut String, chapters: &[ExperimentReport]) {
    text.push_str(
        "## Where looking at the data pays, and where not\n\n\
         Mean utility of `sneakpeek` minus `grouped` at the same setting, over all experiments \
         that have both. \"Pays\" and \"costs\" count settings whose whole interval is on one \
         side.\n\n\
         | experiment | settings | pays | costs | undecided | from | to | worst setting |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    let mut total = [0usize; 3];
    for chapter in chapters {
        let results = &chapter.results;
        let Some(axis) = results.axis("scheduler") else { continue };
        let rows: Vec<_> = results.rows.iter().collect();
        let found = differences(results, &rows, axis, "sneakpeek", "grouped", "utility_mean");
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
        let _ = writeln!(
            text,
            "| {} | {} | {pays} | {costs} | {undecided} | {:+.4} | {:+.4} | {} |",
            chapter.experiment.name,
            known.len(),
            low.0.mean,
            high.0.mean,
            cell(&low.1)
        );
    }
    let [pays, costs, undecided] = total;
    let _ = writeln!(
        text,
        "\nOver all of these settings it pays at {pays}, costs at {costs}, and {undecided} are \
         undecided. They were chosen to ask questions, not drawn from deployments: the counts are \
         no probabilities.\n"
    );
}

/// The published range beside what is found over the whole grid.
fn published(text: &mut String, chapters: &[ExperimentReport]) {
    let gains = gains(chapters);
    let (low, high) = (PUBLISHED.0 * 100.0, PUBLISHED.1 * 100.0);
    let _ = writeln!(
        text,
        "## The one published number\n\n\
         Utility +{low:.0} to +{high:.0} % from data awareness, depending on scheduler, models and \
         data (dndfrink/SERIF, report, chapter 1; second-hand, its baseline and load are unknown). \
         Context, not a bound. Over all settings here, relative to a scheduler that sees profiled \
         accuracies only:\n"
    );
    text.push_str(
        "| compared with | settings | median | largest | at least +62 % | where largest |\n",
    );
    text.push_str("|---|---|---|---|---|---|\n");
    let rows = [("the same scheduler", gains.twins), ("any scheduler without the data", gains.any)];
    for (name, mut list) in rows {
        list.sort_by(|a, b| a.relative.total_cmp(&b.relative));
        let Some(most) = list.last() else { continue };
        let large = list.iter().filter(|g| g.relative >= PUBLISHED.0).count();
        let _ = writeln!(
            text,
            "| {name} | {} | {} | {} | {large} | {} |",
            list.len(),
            percent(median(&list)),
            percent(most.relative),
            cell(&place(most))
        );
    }
    text.push('\n');
}

/// Of a sorted list that is not empty.
fn median(sorted: &[Gain]) -> f64 {
    let (low, high) = ((sorted.len() - 1) / 2, sorted.len() / 2);
    f64::midpoint(sorted[low].relative, sorted[high].relative)
}

/// A gain over next to nothing is no percentage anybody could use.
fn percent(relative: f64) -> String {
    if relative > 10.0 { "over tenfold".to_owned() } else { format!("{:+.1} %", relative * 100.0) }
}

fn place(gain: &Gain) -> String {
    format!("{}: {} over {}", gain.experiment, gain.with, gain.without)
}

fn section(text: &mut String, chapter: &ExperimentReport) {
    let experiment = &chapter.experiment;
    let _ = writeln!(text, "## {}: {}\n", experiment.name, experiment.title);
    if !experiment.note.is_empty() {
        let _ = writeln!(text, "{}\n", experiment.note);
    }
    let runs = chapter.results.rows.len();
    let _ = writeln!(text, "{} replicates, {runs} runs.\n", experiment.replicates);
    for (claim, judged) in &chapter.claims {
        claimed(text, claim, judged);
    }
    let tables = console::render(&chapter.results, &console::METRICS[..1]);
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
    text.push_str("\n| setting | difference | verdict |\n|---|---|---|\n");
    for judged in judged {
        let difference = judged.difference_text();
        let verdict = match judged.verdict {
            Verdict::Contradicted => "**contradicted**",
            other => other.name(),
        };
        let _ = writeln!(text, "| {} | {difference} | {verdict} |", cell(&judged.setting));
    }
    text.push('\n');
}

/// The link to a chapter's heading: small letters, blanks as hyphens, no other signs.
fn anchor(chapter: &ExperimentReport) -> String {
    let heading = format!("{}: {}", chapter.experiment.name, chapter.experiment.title);
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

/// Text in a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}
