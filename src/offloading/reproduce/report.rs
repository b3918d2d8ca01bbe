//! The lines of a reproduction as tables for a reader.

use super::{Check, Verdict};
use std::fmt::Write as _;

/// Sections of more columns are lists.
const MAX_COLUMNS: usize = 9;

/// `REPORT.md`: a table for each section. A line's name ends with its column.
pub fn markdown(lines: &[Check], figures: &[&str]) -> String {
    let mut text = "# TMO artifacts again\n\n".to_owned();
    let count = |verdict| lines.iter().filter(|line| line.verdict == verdict).count();
    let verdicts =
        [Verdict::Holds, Verdict::Off, Verdict::TooWide, Verdict::Reported, Verdict::NoData];
    let counts = verdicts.map(|verdict| format!("{} {}", count(verdict), verdict.name()));
    let _ = writeln!(
        text,
        "{}.\n\nMeans with half widths of 95 % intervals; in brackets the target, a cross where it \
         is missed, and a question mark where the tolerance is too wide to tell: more than half of \
         the target, or no less than the distance to what always answering locally comes to. What \
         a target is and how far from it a figure may be stands in `tmo.csv`.\n\nOn M4A1, a figure \
         is the mean of each dialogue over the splits that test it and the trainings there, then \
         the mean over dialogues; intervals are over dialogues, since splits share them. They take \
         the estimators as given: with a hundred other dialogues to learn from, figures would move \
         by more. In the synthetic sweep intervals are over workloads, which share nothing.\n\n\
         Rewards are rescored by the estimator by which planners choose and from which agents learn, \
         so gains are overstated: the section `rescored by other dialogues` says by how much.",
        counts.join(", ")
    );
    for figure in figures {
        let _ = write!(text, "\n![{figure}](figures/{figure}.svg)\n");
    }
    for section in lines.chunk_by(|a, b| a.section == b.section) {
        let _ = write!(text, "\n## {}\n\n{}", section[0].section, table(section));
    }
    text
}

fn table(lines: &[Check]) -> String {
    let split = |line: &Check| -> (String, String) {
        let parts = line.name.rsplit_once(", ");
        parts.map_or((line.name.clone(), String::new()), |(a, b)| (a.to_owned(), b.to_owned()))
    };
    let mut columns: Vec<String> = Vec::new();
    for (_, column) in lines.iter().map(split) {
        if !columns.contains(&column) {
            columns.push(column);
        }
    }
    let mut rows: Vec<(String, Vec<String>)> = Vec::new();
    if columns.len() > MAX_COLUMNS {
        columns = vec![String::new()];
        rows.extend(lines.iter().map(|line| (line.name.clone(), vec![cell(line)])));
    } else {
        for line in lines {
            let (row, column) = split(line);
            if rows.last().is_none_or(|(last, _)| *last != row) {
                let known = rows.iter().position(|(known, _)| *known == row);
                let row =
                    known.map_or((row, vec![String::new(); columns.len()]), |at| rows.remove(at));
                rows.push(row);
            }
            let at = columns.iter().position(|known| *known == column);
            if let (Some(at), Some((_, cells))) = (at, rows.last_mut()) {
                cells[at] = cell(line);
            }
        }
    }
    let mut text =
        format!("| | {} |\n|---|{}\n", columns.join(" | "), "--:|".repeat(columns.len()));
    for (row, cells) in rows {
        let _ = writeln!(text, "| {row} | {} |", cells.join(" | "));
    }
    text
}

fn cell(line: &Check) -> String {
    let Some(figure) = line.figure else { return "no data".to_owned() };
    let mut text = short(figure);
    if let Some(width) = line.half_width {
        let _ = write!(text, " ± {}", short(width));
    }
    if let Some(target) = line.target {
        let _ = write!(text, " ({})", short(target));
    }
    match line.verdict {
        Verdict::Off => text.push_str(" ✗"),
        Verdict::TooWide => text.push_str(" ?"),
        _ => {}
    }
    text
}

/// Four significant digits or so.
pub fn short(value: f64) -> String {
    let size = value.abs();
    match size {
        0.0 => "0".to_owned(),
        s if s < 1e-3 => format!("{value:.3e}"),
        s if s < 0.1 => format!("{value:.5}"),
        s if s < 10.0 => format!("{value:.3}"),
        _ => format!("{value:.2}"),
    }
}
