//! Comparisons with a baseline as a table for a paper: text, CSV, Markdown or LaTeX.
//!
//! Differences are paired over replicates, or over the samples of a study. Their p-value is by
//! Student's t, checked by Wilcoxon's signed ranks; both are also given adjusted by Holm's method.
//! The family is what is compared with the baseline at one setting of the other axes. Where all
//! differences agree there is neither interval nor p-value.

use super::compare::{Difference, RowsByLabel};
use super::console::align;
use super::results::{ResultRow, Results};
use super::runs_csv::number;
use crate::stats::{holm, student, wilcoxon};
use clap::ValueEnum;

/// The format of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PaperFormat {
    /// Aligned for a terminal.
    Text,
    /// All digits.
    Csv,
    /// A pipe table.
    Markdown,
    /// A `tabular` with the rules of booktabs.
    Latex,
}

/// A p-value, alone and adjusted for its family.
type Significance = Option<(f64, f64)>;

/// One value of the axis against the baseline, at one setting.
#[derive(Clone, Debug)]
struct Line {
    difference: Difference,
    student: Significance,
    wilcoxon: Significance,
}

/// A baseline and the values that are compared with it.
#[derive(Clone, Debug)]
pub struct Comparison<'a> {
    results: &'a Results,
    axis: usize,
    baseline: &'a str,
    metric: &'a str,
    lines: Vec<Line>,
}

impl<'a> Comparison<'a> {
    /// Every other value of the axis against `baseline`.
    pub fn new(results: &'a Results, axis: usize, baseline: &'a str, metric: &'a str) -> Self {
        let rows: Vec<&ResultRow> = results.rows.iter().collect();
        let labels = results.labels(axis).into_iter().filter(|label| label != baseline);
        let rows = RowsByLabel::new(&rows, axis);
        let found = labels.flat_map(|label| rows.differences([&label, baseline], metric, 1.0));
        let mut lines: Vec<Line> =
            found.map(|difference| Line { difference, student: None, wilcoxon: None }).collect();
        let t = |d: &Difference| d.estimate.as_ref().and_then(student);
        // Of differences that do not vary there is no more to say by ranks than by t.
        let ranks = |d: &Difference| wilcoxon(&d.values).filter(|_| d.ends.is_some());
        adjust(&mut lines, t, |line| &mut line.student);
        adjust(&mut lines, ranks, |line| &mut line.wilcoxon);
        Self { results, axis, baseline, metric, lines }
    }

    /// The table.
    pub fn write(&self, format: PaperFormat) -> String {
        let samples = self.results.study.samples();
        let caption =
            format!("{}: difference to {}, paired over {samples}", self.metric, self.baseline);
        let mut note =
            "p by Student's t and by Wilcoxon's signed ranks, and adjusted by Holm over \
                        what is compared at a setting"
                .to_owned();
        let constant =
            |line: &Line| line.difference.values.len() > 1 && line.difference.ends.is_none();
        if self.lines.iter().any(constant) {
            note.push_str(&format!(
                "; none of them, and no interval, where all {samples} differ alike"
            ));
        }
        let grid = self.grid(if format == PaperFormat::Csv { NUMBERS } else { TEXTS });
        let labels = self.results.axes.len();
        match format {
            PaperFormat::Text => format!("{caption}\n{}{note}\n", align(&grid)),
            PaperFormat::Csv => csv(&grid),
            PaperFormat::Markdown => format!("{caption}\n\n{}\n{note}\n", markdown(&grid, labels)),
            PaperFormat::Latex => latex(&grid, labels, &caption, &note),
        }
    }

    /// A header and the lines: the compared axis, the others, then these columns.
    fn grid(&self, columns: &[LineColumn]) -> Vec<Vec<String>> {
        let mut head = vec![self.results.axes[self.axis].clone()];
        head.extend(self.results.other_axes(self.axis));
        head.extend(columns.iter().map(|(name, _)| (*name).to_owned()));
        let row = |line: &Line| {
            let mut row = vec![line.difference.left.clone()];
            row.extend(line.difference.setting.iter().cloned());
            row.extend(columns.iter().map(|(_, cell)| cell(self, line)));
            row
        };
        std::iter::once(head).chain(self.lines.iter().map(row)).collect()
    }
}

/// A column of a table: its name, and the cell of a line.
type LineColumn = (&'static str, fn(&Comparison<'_>, &Line) -> String);

/// For people: five places, small p-values as such.
const TEXTS: &[LineColumn] = &[
    ("difference", |_, line| shown(line.mean(), |mean| format!("{mean:+.5}"))),
    ("95 % interval", |_, line| {
        shown(line.difference.ends, |(low, high)| format!("[{low:+.5}, {high:+.5}]"))
    }),
    ("%", |_, line| shown(line.percent(), |percent| format!("{percent:+.2}"))),
    ("p (t)", |_, line| shown(line.student, |(alone, _)| short(alone))),
    ("Holm", |_, line| shown(line.student, |(_, adjusted)| short(adjusted))),
    ("p (ranks)", |_, line| shown(line.wilcoxon, |(alone, _)| short(alone))),
    ("Holm", |_, line| shown(line.wilcoxon, |(_, adjusted)| short(adjusted))),
    ("replicates", |_, line| line.difference.values.len().to_string()),
];

/// For programs: all digits, a column for each number.
const NUMBERS: &[LineColumn] = &[
    ("metric", |table, _| table.metric.to_owned()),
    ("baseline", |table, _| table.baseline.to_owned()),
    ("difference", |_, line| number(line.mean())),
    ("ci95_low", |_, line| number(line.difference.ends.map(|(low, _)| low))),
    ("ci95_high", |_, line| number(line.difference.ends.map(|(_, high)| high))),
    ("percent", |_, line| number(line.percent())),
    ("p_t", |_, line| number(line.student.map(|(alone, _)| alone))),
    ("p_t_holm", |_, line| number(line.student.map(|(_, adjusted)| adjusted))),
    ("p_wilcoxon", |_, line| number(line.wilcoxon.map(|(alone, _)| alone))),
    ("p_wilcoxon_holm", |_, line| number(line.wilcoxon.map(|(_, adjusted)| adjusted))),
    ("replicates", |_, line| line.difference.values.len().to_string()),
];

/// A value as text, a dash if there is none.
fn shown<T>(value: Option<T>, text: impl FnOnce(T) -> String) -> String {
    value.map_or_else(|| "–".to_owned(), text)
}

impl Line {
    fn mean(&self) -> Option<f64> {
        Some(self.difference.estimate?.mean)
    }

    /// The mean difference as a share of the baseline's mean; `None` if that is 0.
    fn percent(&self) -> Option<f64> {
        let base = self.difference.base?;
        (base != 0.0).then_some(100.0 * self.mean()? / base.abs())
    }
}

/// Puts the p-value of every line into its place, adjusted over the lines of the same setting.
fn adjust(
    lines: &mut [Line],
    p: impl Fn(&Difference) -> Option<f64>,
    place: impl Fn(&mut Line) -> &mut Significance,
) {
    let mut families = std::collections::BTreeMap::<Vec<String>, Vec<(usize, f64)>>::new();
    for (at, line) in lines.iter().enumerate() {
        if let Some(p) = p(&line.difference) {
            families.entry(line.difference.setting.clone()).or_default().push((at, p));
        }
    }
    for family in families.into_values() {
        let alone: Vec<f64> = family.iter().map(|(_, p)| *p).collect();
        for ((at, p), adjusted) in family.into_iter().zip(holm(&alone)) {
            *place(&mut lines[at]) = Some((p, adjusted));
        }
    }
}

fn short(p: f64) -> String {
    if p < 0.0001 { "<0.0001".to_owned() } else { format!("{p:.4}") }
}

fn csv(grid: &[Vec<String>]) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    // Writing to a Vec cannot fail.
    grid.iter().for_each(|row| drop(writer.write_record(row)));
    String::from_utf8(writer.into_inner().unwrap_or_default()).unwrap_or_default()
}

/// Labels to the left, numbers to the right.
pub(super) fn markdown(grid: &[Vec<String>], labels: usize) -> String {
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let escaped = |row: &Vec<String>| line(row.iter().map(|cell| escape_markdown(cell)).collect());
    let columns = grid.first().map_or(0, Vec::len);
    let rule = (0..columns).map(|at| if at < labels { "---" } else { "---:" }.to_owned());
    let mut lines: Vec<String> = grid.iter().map(escaped).collect();
    lines.insert(1.min(lines.len()), line(rule.collect()));
    lines.concat()
}

/// A header and lines in a format, whose first columns are labels.
pub fn write_grid(grid: &[Vec<String>], labels: usize, format: PaperFormat) -> String {
    match format {
        PaperFormat::Text => align(grid),
        PaperFormat::Csv => csv(grid),
        PaperFormat::Markdown => markdown(grid, labels),
        PaperFormat::Latex => {
            let escaped =
                grid.iter().map(|row| row.iter().map(|cell| escape_latex(cell)).collect());
            tabular(&escaped.collect::<Vec<_>>(), labels, &[])
        }
    }
}

fn latex(grid: &[Vec<String>], labels: usize, caption: &str, note: &str) -> String {
    let cell = |line: usize, at: usize, cell: &String| match cell.as_str() {
        "–" => "--".to_owned(),
        number if line > 0 && at >= labels => format!("${number}$"),
        label => escape_latex(label),
    };
    let row = |(line, row): (usize, &Vec<String>)| {
        row.iter().enumerate().map(|(at, text)| cell(line, at, text)).collect()
    };
    let grid: Vec<Vec<String>> = grid.iter().enumerate().map(row).collect();
    tabular(&grid, labels, &[caption, note])
}

/// A `tabular` with the rules of booktabs: a header and lines of finished cells, the first columns
/// to the left, and comments before it.
pub(super) fn tabular(grid: &[Vec<String>], labels: usize, comments: &[&str]) -> String {
    let columns = grid.first().map_or(0, Vec::len);
    let letters = "l".repeat(labels) + &"r".repeat(columns - labels);
    let comments = comments.iter().chain(&["\\usepackage{booktabs}"]);
    let mut text: String =
        comments.map(|text| format!("% {}\n", text.replace(char::is_control, " "))).collect();
    text.push_str(&format!("\\begin{{tabular}}{{{letters}}}\n\\toprule\n"));
    for (at, cells) in grid.iter().enumerate() {
        text.push_str(&format!("{} \\\\\n", cells.join(" & ")));
        if at == 0 {
            text.push_str("\\midrule\n");
        }
    }
    text.push_str("\\bottomrule\n\\end{tabular}\n");
    text
}

/// A cell of a pipe table.
fn escape_markdown(text: &str) -> String {
    text.replace('|', "\\|").replace(char::is_control, " ")
}

/// The characters that mean something to LaTeX, as such.
pub(super) fn escape_latex(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => escaped.extend(['\\', c]),
            '~' => escaped.push_str("\\textasciitilde{}"),
            '^' => escaped.push_str("\\textasciicircum{}"),
            '\\' => escaped.push_str("\\textbackslash{}"),
            '<' | '>' | '|' => escaped.extend(['$', c, '$']),
            // At the beginning of a cell, after a line's end, a bracket would be an argument.
            '[' => escaped.push_str("{[}"),
            // A line end would end a comment, two of them a cell.
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::source::Source;

    /// Two settings, three schedulers, four replicates.
    fn results() -> Results {
        let values = [
            ("base", "1", [0.5, 0.6, 0.4, 0.5]),
            ("a_b", "1", [0.6, 0.71, 0.52, 0.63]),
            ("c[w=1]", "1", [0.5, 0.61, 0.39, 0.5]),
            ("base", "2", [0.0, 0.0, 0.0, 0.0]),
            ("a_b", "2", [0.1, 0.1, 0.1, 0.1]),
        ];
        let mut text = "run_id,schema_version,config_hash,replicate,seed,scheduler,load,\
                        accuracy_source,utility_mean,error\n"
            .to_owned();
        for (label, load, own) in values {
            for (replicate, value) in own.iter().enumerate() {
                text.push_str(&format!("id,1,hash,{replicate},1,{label},{load},none,{value},\n"));
            }
        }
        Results::parse(&Source { path: String::new(), text, sha256: String::new() }).unwrap()
    }

    fn cells(text: &str) -> Vec<Vec<String>> {
        text.lines().map(|line| line.split(',').map(str::to_owned).collect()).collect()
    }

    #[test]
    fn families_are_settings() {
        let results = results();
        let table =
            cells(&Comparison::new(&results, 0, "base", "utility_mean").write(PaperFormat::Csv));
        let head = "scheduler,load,metric,baseline,difference,ci95_low,ci95_high,percent,p_t,\
                    p_t_holm,p_wilcoxon,p_wilcoxon_holm,replicates";
        assert_eq!(table[0].join(","), head);
        let number = |row: usize, at: usize| -> f64 { table[row][at].parse().unwrap() };
        assert_eq!(table.len(), 4);
        // Two at load 1, so the smaller p counts twice; one at load 2.
        assert!((number(1, 4) - 0.115).abs() < 1e-12 && (number(1, 7) - 23.0).abs() < 1e-9);
        assert!((number(1, 9) - 2.0 * number(1, 8)).abs() < 1e-15 && number(1, 8) < 0.01);
        // All four signs alike: 2 / 2⁴.
        assert_eq!((number(1, 10), number(1, 11)), (0.125, 0.25));
        assert_eq!((number(3, 10), number(3, 11)), (1.0, 1.0), "zeros are left out");
        // At load 2 the baseline is 0: no percentage, and the difference does not vary.
        assert_eq!(table[2][7], "");
        assert!(table[2][5..12].iter().all(String::is_empty), "no interval, no p-value");
        assert_eq!(table[2][12], "4");
    }

    #[test]
    fn tables_are_escaped() {
        let results = results();
        let comparison = Comparison::new(&results, 0, "base", "utility_mean");
        let latex = comparison.write(PaperFormat::Latex);
        assert!(latex.contains("\\begin{tabular}{llrrrrrrrr}\n\\toprule\nscheduler & load & "));
        assert!(latex.contains("95 \\% interval") && latex.contains("\na\\_b & 1 & $+0.11500$ & "));
        assert!(latex.contains("\nc{[}w=1] & 1 &"));
        assert!(latex.contains("\na\\_b & 2 & $+0.10000$ & -- & -- & -- & -- & -- & -- & $4$"));
        assert!(latex.contains("no interval, where all replicates differ alike"));
        assert_eq!(latex.lines().filter(|line| line.ends_with(" \\\\")).count(), 4);
        assert_eq!(
            escape_latex("\\^~#$<|"),
            "\\textbackslash{}\\textasciicircum{}\\textasciitilde{}\\#\\$$<$$|$"
        );
        let hostile = Comparison { baseline: "base\n\\input{x}", ..comparison.clone() };
        let latex = hostile.write(PaperFormat::Latex);
        assert!(latex.starts_with("% utility_mean: difference to base \\input{x}, "), "{latex}");
        assert_eq!(escape_latex("a\nb") + &escape_markdown("a\n|b"), "a ba \\|b");
        let markdown = comparison.write(PaperFormat::Markdown);
        assert!(
            markdown.contains("\n|---|---|---:|") || markdown.contains("\n| --- | --- | ---: |")
        );
        assert!(markdown.contains("\n| a_b | 1 | +0.11500 | ["));
    }
}
