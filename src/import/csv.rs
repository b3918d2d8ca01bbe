//! Any CSV table with a request a row: `--column` says which column is what, `--unit` how it
//! counts.

use super::columns::{COLUMNS, Columns};
use super::table::{Read, Table};
use super::time_reader::{TimeReader, UNITS};
use super::{ImportKind, ImporterEntry};
use crate::config::Problem;
use crate::config::csv::Header;
use crate::config::rows::{LAYOUT, TableLayout};

pub(super) const ENTRY: ImporterEntry = ImporterEntry {
    name: "csv",
    summary: "any table with a request a row; columns by --column, units by --unit",
    settings: &[LAYOUT, COLUMNS, UNITS],
    form: ImportKind::Trace(|read| {
        let (layout, columns) = (TableLayout::read(read), Columns::read(read));
        Box::new(move |path, _| Table::open(path, layout, |head| find(head, columns.clone())))
    }),
};

fn find(head: &Header, columns: Columns) -> Result<(TimeReader, Read), Problem> {
    let mut found = [None; 4];
    for (at, name) in columns.names.iter().enumerate() {
        found[at] = name.as_ref().map(|name| head.column(name)).transpose()?;
    }
    let clock = columns.clock();
    let read: Read = Box::new(move |row, clock| {
        let cells = found.map(|column| column.map(|column| row.text(column)));
        let request = columns.request(cells, clock, row.line());
        let problem =
            |(at, expected): (usize, String)| row.problem(found[at].unwrap_or(0), expected);
        Ok((request.map_err(problem)?, 1))
    });
    Ok((clock, read))
}
