//! Tables of results in documents are made from results that are kept: what a table shows is what
//! the files say.
//!
//! A table stands between two marks, `<!-- NAME: … -->` and `<!-- end of NAME -->`.
//! `UPDATE_README=1 cargo test readme` writes all of them anew.

mod tables;

use super::readme::check;
use std::collections::BTreeMap;

/// Half widths of 95 % intervals below this are not shown by `±`; documents say so.
const SHOWN: f64 = 0.005;

/// A column of a kept file, and what stands in it; any row passes an empty one.
type Label = (&'static str, &'static str);

/// A table of a document.
struct Table {
    document: &'static str,
    name: &'static str,
    /// The heading of the first column.
    head: &'static str,
    columns: &'static [Column],
    rows: &'static [Row],
}

/// A column: its heading, and what its cells say.
///
/// In a cell, `{metric}` is a number of the kept row whose labels are those of row and column:
/// `{metric .2}` with two decimals and without a leading zero (`.3` is the default), `{metric 0.2}`
/// with it, `{metric rate}` as a rate with three digits, `{metric percent}` as a share in per cent;
/// `±` at the end adds the half width of its interval. `{metric knee}` is the last
/// `workload.rate_rps` of the kept rows up to which the metric is as it must be, see [`keeps`].
struct Column {
    heading: &'static str,
    /// Where the numbers are kept; that of the row if empty.
    file: &'static str,
    label: Label,
    cell: &'static str,
}

/// A row: its name in the document, and where its numbers are.
struct Row {
    name: &'static str,
    file: &'static str,
    label: Label,
    /// More labels, if one does not name it.
    also: &'static [Label],
}

/// The rows of a kept file, by column.
type Kept = Vec<BTreeMap<String, String>>;

fn load(file: &str) -> Kept {
    let path = crate::support::shell::repository(file);
    let mut reader = csv::Reader::from_path(&path).unwrap_or_else(|e| panic!("{file}: {e}"));
    reader.deserialize().map(|row| row.expect("a row")).collect()
}

fn number(row: &BTreeMap<String, String>, name: &str) -> Option<f64> {
    row.get(name).unwrap_or_else(|| panic!("no column {name}")).parse().ok()
}

/// Whether a metric is as it must be, against its value at the lowest rate.
fn keeps(metric: &str, value: f64, first: f64) -> bool {
    match metric {
        "utility_mean" => value >= 0.95 * first,
        "deadline_miss_ratio" => value <= 0.05,
        other => panic!("{other} has no knee"),
    }
}

fn knee(rows: &[&BTreeMap<String, String>], metric: &str) -> String {
    let pair = |row: &&BTreeMap<String, String>| {
        (number(row, "workload.rate_rps").expect("a rate"), number(row, metric))
    };
    let mut found: Vec<(f64, Option<f64>)> = rows.iter().map(pair).collect();
    found.sort_by(|a, b| a.0.total_cmp(&b.0));
    let first = found.first().and_then(|(_, value)| *value).unwrap_or(0.0);
    let kept = |(_, value): &&(f64, Option<f64>)| value.is_some_and(|v| keeps(metric, v, first));
    let good = found.iter().take_while(kept).count();
    match good.checked_sub(1) {
        None => "–".to_owned(),
        Some(at) if good == found.len() => format!("≥ {}", rounded(found[at].0, 2)),
        Some(at) => rounded(found[at].0, 2),
    }
}

/// So many significant digits, at least all before the point, and commas by thousands.
fn rounded(value: f64, digits: i32) -> String {
    let mut step = 1.0;
    while value / step >= f64::from(10_i32.pow(digits.unsigned_abs())) && value >= 1000.0 {
        step *= 10.0;
    }
    let whole = format!("{}", (value / step).round() * step);
    let (mut text, length) = (String::new(), whole.len());
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (length - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// With decimals, `.3` without a leading zero.
fn decimals(value: f64, format: &str) -> String {
    let places = format.trim_start_matches('0').trim_start_matches('.');
    let places: usize = places.parse().unwrap_or_else(|_| panic!("no format `{format}`"));
    let text = format!("{value:.places$}").replace('-', "−");
    if format.starts_with('0') {
        text
    } else {
        text.replacen("0.", ".", usize::from(value.abs() < 1.0))
    }
}

/// What stands between the braces of a cell.
fn value(words: &str, rows: &[&BTreeMap<String, String>], place: &str) -> String {
    let mut words: Vec<&str> = words.split(' ').collect();
    let wide = words.last() == Some(&"±");
    words.truncate(words.len() - usize::from(wide));
    let (metric, format) = (words[0], words.get(1).copied().unwrap_or(".3"));
    if format == "knee" {
        return knee(rows, metric);
    }
    let [row] = rows else { panic!("{place}: {} rows, not one", rows.len()) };
    let Some(mean) = number(row, metric) else { return "–".to_owned() };
    let text = |value: f64, digits: i32| match format {
        "rate" => rounded(value, digits),
        "percent" => format!("{:.1} %", 100.0 * value),
        format => decimals(value, format),
    };
    let names =
        [format!("{metric}_ci95"), metric.replace("_mean", "_ci95"), "half_width_95".into()];
    let name = names.iter().find(|name| row.contains_key(*name));
    let width = name.filter(|_| wide).and_then(|name| number(row, name));
    match width.filter(|width| *width >= SHOWN) {
        Some(width) => format!("{} ± {}", text(mean, 3), text(width, 2)),
        None => text(mean, 3),
    }
}

fn markdown(table: &Table) -> String {
    let mut files: BTreeMap<&str, Kept> = BTreeMap::new();
    let headings: Vec<&str> = table.columns.iter().map(|column| column.heading).collect();
    let mut text = format!("| {} | {} |\n", table.head, headings.join(" | "));
    text.push_str(&format!("|{}\n", "---|".repeat(headings.len() + 1)));
    for row in table.rows {
        text.push_str(&format!("| {} |", row.name));
        for column in table.columns {
            let file = if column.file.is_empty() { row.file } else { column.file };
            let kept = files.entry(file).or_insert_with(|| load(file));
            let labels = [row.label, column.label].into_iter().chain(row.also.iter().copied());
            let labels: Vec<Label> = labels.filter(|(key, _)| !key.is_empty()).collect();
            let here = |own: &&BTreeMap<String, String>| {
                labels.iter().all(|(key, label)| own.get(*key).is_some_and(|cell| cell == label))
            };
            let rows: Vec<_> = kept.iter().filter(here).collect();
            let place = format!("{file}, {labels:?}");
            assert!(!rows.is_empty(), "{place}: no such row");
            let mut cell = column.cell.to_owned();
            while let Some((before, rest)) = cell.split_once('{') {
                let (words, after) = rest.split_once('}').expect("a closing brace");
                cell = format!("{before}{}{after}", value(words, &rows, &place));
            }
            text.push_str(&format!(" {cell} |"));
        }
        text.push('\n');
    }
    text
}

#[test]
fn tables_are_what_the_kept_results_say() {
    for table in tables::TABLES {
        let name = table.name;
        let begin =
            format!("<!-- {name}: made from kept results by tests/repository/readme_tables -->\n");
        check(table.document, &begin, &format!("<!-- end of {name} -->"), &markdown(table));
    }
}

/// A table that is typed by hand is right until its numbers change.
#[test]
fn every_table_of_numbers_is_made() {
    const PAGES: [&str; 6] = [
        "README.md",
        "docs/src/quickstart.md",
        "docs/src/edge-cloud.md",
        "docs/src/sneakpeek.md",
        "docs/src/tmo.md",
        "docs/src/fidelity.md",
    ];
    let mut typed = Vec::new();
    for page in PAGES {
        let text =
            std::fs::read_to_string(crate::support::shell::repository(page)).expect("a page");
        let mut made = false;
        for (at, line) in text.lines().enumerate() {
            match line {
                line if line.starts_with("<!-- end of ") => made = false,
                line if line.starts_with("<!-- ") => made = true,
                _ => {}
            }
            let number = |cell: &&&str| {
                let known = |c: char| c.is_ascii_digit() || " .,±();%−≥–".contains(c);
                cell.contains(|c: char| c.is_ascii_digit()) && cell.chars().all(known)
            };
            let cells: Vec<&str> = line.trim_matches('|').split('|').skip(1).collect();
            let numbers = cells.iter().filter(number).count();
            if line.starts_with("| ") && !made && 2 * numbers > cells.len() {
                typed.push(format!("{page}:{}: {line}", at + 1));
            }
        }
    }
    assert!(typed.is_empty(), "typed by hand:\n{}", typed.join("\n"));
}

#[test]
fn numbers_are_written_as_documents_have_them() {
    let of = |format, value| decimals(value, format);
    assert_eq!(
        (of(".3", 0.9104), of(".2", 0.995), of(".3", -0.0204)),
        (".910".into(), "0.99".replacen('0', "", 1), "−.020".into())
    );
    assert_eq!(
        (of(".2", 1.0), of(".2", 0.999), of("0.3", 0.952)),
        ("1.00".into(), "1.00".into(), "0.952".into())
    );
    let rate = |value, digits| rounded(value, digits);
    assert_eq!(
        (rate(26_200.0, 2), rate(865.0, 2), rate(1125.0, 2)),
        ("26,000".into(), "865".into(), "1,100".into())
    );
    assert_eq!(
        (rate(33_642.0, 3), rate(97.4, 3), rate(694.0, 2)),
        ("33,600".into(), "97".into(), "694".into())
    );
}
