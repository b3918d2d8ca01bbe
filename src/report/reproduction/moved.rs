//! Differences between new and kept tables.

use super::super::results::{HEAD, ResultRow, Results};
use crate::metrics::Study;
use std::collections::BTreeMap;

/// A cell that is not what it was. Equal programs give equal bytes, so one digit is enough.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedCell {
    /// What names its row.
    pub row: String,
    /// Which column.
    pub column: String,
    /// The cell that was kept.
    pub was: String,
    /// The cell of now.
    pub is: String,
}

/// The result of a comparison.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableComparison {
    /// How many cells both tables have.
    pub cells: usize,
    /// Every cell that moved; a row that only one of the tables has counts as one.
    pub moved: Vec<ChangedCell>,
}

/// A row of a table: the cells that name it, and its other cells with their columns.
pub(super) struct Line<'a> {
    pub name: Vec<&'a str>,
    pub cells: Vec<(&'a str, &'a str)>,
}

type Cells<'a> = Vec<(&'a str, &'a str)>;

/// Compares the rows of equal names, those of one name in their order.
pub(super) fn compare<'a>(
    kept: impl Iterator<Item = Line<'a>>,
    now: impl Iterator<Item = Line<'a>>,
) -> TableComparison {
    let mut rows: BTreeMap<Vec<&str>, [Vec<Cells<'a>>; 2]> = BTreeMap::new();
    kept.for_each(|line| rows.entry(line.name).or_default()[0].push(line.cells));
    now.for_each(|line| rows.entry(line.name).or_default()[1].push(line.cells));
    let mut compared = TableComparison::default();
    for (name, [was, is]) in rows {
        let words: Vec<&str> = name.into_iter().filter(|word| !word.is_empty()).collect();
        let row = words.join(" · ");
        for (was, is) in was.iter().zip(&is) {
            compared.cells += is.len();
            let pairs = was.iter().zip(is).filter(|(was, is)| was != is);
            compared
                .moved
                .extend(pairs.map(|((column, was), (_, is))| moved(&row, column, was, is)));
        }
        let gone = was.len().saturating_sub(is.len());
        let new = is.len().saturating_sub(was.len());
        let whole = |was, is| moved(&row, "row", was, is);
        compared.moved.extend((0..gone).map(|_| whole("there", "missing")));
        compared.moved.extend((0..new).map(|_| whole("missing", "there")));
    }
    compared
}

fn moved(row: &str, column: &str, was: &str, is: &str) -> ChangedCell {
    let [row, column, was, is] = [row, column, was, is].map(str::to_owned);
    ChangedCell { row, column, was, is }
}

/// Compares the rows of runs, matched by labels and replicate; of the kept ones only the first
/// `replicates` of each configuration. Columns that the kept file lacks are not compared.
pub fn runs(kept: &Results, now: &Results, replicates: u64) -> TableComparison {
    let known = |column: &str| kept.columns.contains(&column);
    let was = kept.rows.iter().filter(|row| row.replicate < replicates);
    let line = |row| line(kept.study, row, known);
    compare(was.map(line), now.rows.iter().map(line))
}

fn line(study: Study, row: &ResultRow, known: impl Fn(&str) -> bool) -> Line<'_> {
    let head = || HEAD.iter().map(|column| column.name).zip(row.head());
    let replicate = head().find(|(column, _)| *column == "replicate").map(|(_, cell)| cell);
    let mut name: Vec<&str> = row.labels.iter().map(String::as_str).collect();
    name.extend(["replicate", replicate.unwrap_or_default()]);
    let source = [(study.source().name, row.source()), ("error", row.error())];
    let metrics = study.columns().iter().map(|column| column.name).zip(row.cells());
    let metrics = metrics.filter(|(column, _)| known(column));
    let cells = head().chain(source).chain(metrics);
    Line { name, cells: cells.collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(rows: &[[&'static str; 3]]) -> impl Iterator<Item = Line<'static>> {
        let line = |[name, a, b]: [&'static str; 3]| Line {
            name: vec![name],
            cells: vec![("a", a), ("b", b)],
        };
        rows.iter().map(|row| line(*row)).collect::<Vec<_>>().into_iter()
    }

    #[test]
    fn one_digit_is_enough() {
        let kept = [["x", "0.1", ""], ["y", "1", "2"]];
        let found = |rows: &[[&'static str; 3]]| {
            let TableComparison { cells, moved } = compare(table(&kept), table(rows));
            let said = moved.iter().map(|m| format!("{} {} {}>{}", m.row, m.column, m.was, m.is));
            (cells, said.collect::<Vec<_>>())
        };
        assert_eq!(found(&kept), (4, vec![]));
        let digit = [["y", "1", "2"], ["x", "0.10000000000000002", ""]];
        assert_eq!(found(&digit), (4, vec!["x a 0.1>0.10000000000000002".to_owned()]));
        let emptied = [["x", "", ""], ["y", "1", "2"]];
        assert_eq!(found(&emptied), (4, vec!["x a 0.1>".to_owned()]));
        // A row too few and one too many, and a row twice.
        assert_eq!(found(&kept[..1]), (2, vec!["y row there>missing".to_owned()]));
        let twice = [kept[0], kept[0], kept[1]];
        assert_eq!(found(&twice), (4, vec!["x row missing>there".to_owned()]));
    }
}
