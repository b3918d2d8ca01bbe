//! Results made again against results that were kept: what is not the same any more.

use super::super::results::{ResultRow, Results};
use crate::metrics::COLUMNS;
use std::collections::BTreeMap;

/// Numbers that differ by no more than this, relative to the larger, are the same. Equal programs
/// give equal bytes; this leaves room for the last digits of another platform's arithmetic.
pub const TOLERANCE: f64 = 1e-9;

/// A cell that is not what it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// Labels and replicate of the run.
    pub run: String,
    /// Which column.
    pub column: &'static str,
    /// The cell that was kept.
    pub was: String,
    /// The cell of now.
    pub is: String,
}

type Key<'a> = (u64, &'a [String]);

/// Every cell that moved. Runs are matched by labels and replicate; replicates that were not run
/// now are not missed, so that a quick look can be held against the whole; nor are columns that did
/// not exist then.
pub fn moved(kept: &Results, now: &Results) -> Vec<Moved> {
    let most = now.rows.iter().map(|row| row.replicate).max().unwrap_or(0);
    let keyed = |results| index(results, most);
    let (was, is) = (keyed(kept), keyed(now));
    let mut found = Vec::new();
    for (key, row) in &is {
        match was.get(key) {
            Some(old) => compare(key, old, row, &kept.columns, &mut found),
            None => found.push(whole(key, "not there", "a row")),
        }
    }
    found
        .extend(was.keys().filter(|k| !is.contains_key(k)).map(|k| whole(k, "a row", "not there")));
    found
}

fn index(results: &Results, most: u64) -> BTreeMap<Key<'_>, &ResultRow> {
    let rows = results.rows.iter().filter(|row| row.replicate <= most);
    rows.map(|row| ((row.replicate, row.labels.as_slice()), row)).collect()
}

fn name((replicate, labels): &Key<'_>) -> String {
    format!("{} · replicate {replicate}", labels.join(" · "))
}

fn whole(key: &Key<'_>, was: &str, is: &str) -> Moved {
    Moved { run: name(key), column: "row", was: was.to_owned(), is: is.to_owned() }
}

fn compare(key: &Key<'_>, old: &ResultRow, new: &ResultRow, kept: &[&str], found: &mut Vec<Moved>) {
    let cells = COLUMNS.iter().map(|column| column.name).zip(old.cells.iter().zip(&new.cells));
    let cells = cells.filter(|(column, _)| kept.contains(column));
    let error = std::iter::once(("error", (&old.error, &new.error)));
    for (column, (was, is)) in cells.chain(error).filter(|(_, (was, is))| !same(was, is)) {
        found.push(Moved { run: name(key), column, was: was.clone(), is: is.clone() });
    }
}

fn same(was: &str, is: &str) -> bool {
    was == is
        || was.parse::<f64>().is_ok_and(|was| {
            let close = |is: f64| (was - is).abs() <= TOLERANCE * was.abs().max(is.abs());
            is.parse().is_ok_and(close)
        })
}

#[cfg(test)]
mod tests {
    use super::same;

    #[test]
    fn the_last_digits_may_differ_and_nothing_else() {
        assert!(same("0.1", "0.10000000000000002") && same("", "") && same("drawn", "drawn"));
        assert!(!same("0.1", "0.1001") && !same("0.1", "") && !same("drawn", "mixed"));
    }
}
