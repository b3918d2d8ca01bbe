//! Any CSV table with a request per row: `--column` says which column is what, `--unit` how its
//! times count.

use super::columns::{COLUMNS, Columns};
use super::table::{RowDecoder, TraceTable};
use super::time_reader::{TimeReader, UNITS};
use super::{ImportKind, ImporterEntry};
use crate::config::Problem;
use crate::config::csv::Header;
use crate::config::rows::{LAYOUT, TableLayout};

pub(super) const ENTRY: ImporterEntry = ImporterEntry {
    name: "csv",
    summary: "any table with a request a row; columns by --column, units by --unit",
    settings: &[LAYOUT, COLUMNS, UNITS],
    form: ImportKind::Trace(|settings| {
        let (layout, columns) = (TableLayout::read(settings), Columns::read(settings));
        Box::new(move |path, _| TraceTable::open(path, layout, |head| find(head, columns.clone())))
    }),
};

fn find(head: &Header, columns: Columns) -> Result<(TimeReader, RowDecoder), Problem> {
    let mut places = [None; 4];
    for (place, name) in places.iter_mut().zip(&columns.names) {
        *place = name.as_ref().map(|name| head.column(name)).transpose()?;
    }
    let clock = columns.clock();
    let decoder: RowDecoder = Box::new(move |row, clock| {
        let cells = places.map(|column| column.map(|column| row.text(column)));
        let request = columns
            .request(cells, clock, row.line())
            .map_err(|(at, expected)| row.problem(places[at].unwrap_or(0), expected))?;
        Ok((request, 1))
    });
    Ok((clock, decoder))
}
