//! `REPORT.md` of a reproduction of figures: a table of checks for each section.

use super::super::claims::Verdict;
use super::markdown::table;
use super::tally::Verdicts;
use super::targets::Check;
use std::fmt::Write as _;

/// Sections with more columns are lists.
const MAX_COLUMNS: usize = 9;

/// The report: counts of verdicts, an introduction, plots by name, and the checks. The last part of
/// a check's name is its column.
pub fn check_report(title: &str, introduction: &str, checks: &[Check], plots: &[&str]) -> String {
    let verdicts: Verdicts = checks.iter().map(|check| check.verdict).collect();
    let mut text = format!(
        "# {title}\n\n{verdicts}.\n\nMeans with half widths of 95 % intervals; in brackets the \
         target. A cross marks a contradicted check, a question mark an undecided one: its \
         tolerance is more than half of the target, or no less than the distance between the \
         target and the figure of the null policy. {introduction}\n"
    );
    for plot in plots {
        // Writing to a String cannot fail.
        let _ = write!(text, "\n![{plot}](figures/{plot}.svg)\n");
    }
    for section in checks.chunk_by(|a, b| a.section == b.section) {
        let _ = write!(text, "\n## {}\n\n{}", section[0].section, section_table(section));
    }
    text
}

fn section_table(checks: &[Check]) -> String {
    let split = |check: &Check| -> (String, String) {
        let parts = check.name.rsplit_once(", ");
        parts.map_or((check.name.clone(), String::new()), |(a, b)| (a.to_owned(), b.to_owned()))
    };
    let mut columns: Vec<String> = vec![String::new()];
    for (_, column) in checks.iter().map(split) {
        if !columns[1..].contains(&column) {
            columns.push(column);
        }
    }
    if columns.len() > MAX_COLUMNS + 1 {
        let rows = checks.iter().map(|check| vec![check.name.clone(), cell(check)]);
        return table(&["", ""], "--:", rows);
    }
    let mut rows: Vec<Vec<String>> = Vec::new();
    for check in checks {
        let (row, column) = split(check);
        // A row stands where its last cell was measured.
        if rows.last().is_none_or(|last| last[0] != row) {
            let known = rows.iter().position(|known| known[0] == row);
            let mut empty = vec![String::new(); columns.len()];
            empty[0] = row;
            let row = known.map_or(empty, |at| rows.remove(at));
            rows.push(row);
        }
        let at = columns[1..].iter().position(|known| *known == column);
        if let (Some(at), Some(cells)) = (at, rows.last_mut()) {
            cells[1 + at] = cell(check);
        }
    }
    let head: Vec<&str> = columns.iter().map(String::as_str).collect();
    table(&head, "--:", rows)
}

fn cell(check: &Check) -> String {
    let Some(figure) = check.figure else { return Verdict::NoData.name().to_owned() };
    let mut text = short(figure);
    if let Some(width) = check.half_width {
        let _ = write!(text, " ± {}", short(width));
    }
    if let Some(target) = check.target {
        let _ = write!(text, " ({})", short(target));
    }
    match check.verdict {
        Verdict::Contradicted => text.push_str(" ✗"),
        Verdict::Undecided => text.push_str(" ?"),
        _ => {}
    }
    text
}

/// About four significant digits.
fn short(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        s if s < 1e-3 => format!("{value:.3e}"),
        s if s < 0.1 => format!("{value:.5}"),
        s if s < 10.0 => format!("{value:.3}"),
        _ => format!("{value:.2}"),
    }
}
