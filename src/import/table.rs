//! A CSV table whose rows are requests: a kind says which columns it needs and what a row is.

use super::time_reader::TimeReader;
use super::{ImportNotes, ImportedRequest, RequestReader};
use crate::config::Problem;
use crate::config::csv::{Header, Row};
use crate::config::lines::LineReader;
use crate::config::rows::{RowReader, TableLayout};

/// What a row is: a request, and how many of it arrive at once.
pub(super) type RowDecoder =
    Box<dyn FnMut(Row<'_>, &mut TimeReader) -> Result<(ImportedRequest, u64), Problem>>;

/// The requests of a table.
pub(super) struct TraceTable {
    rows: RowReader,
    clock: TimeReader,
    decoder: RowDecoder,
    /// The request of the last row, and how many of it are still to be handed out.
    current: Option<(ImportedRequest, u64)>,
}

impl TraceTable {
    /// Opens a file; `find` looks its columns up and says what a row is.
    pub(super) fn open(
        path: &str,
        layout: TableLayout,
        find: impl FnOnce(&Header) -> Result<(TimeReader, RowDecoder), Problem>,
    ) -> Result<Box<dyn RequestReader>, Problem> {
        let rows = RowReader::with_layout(path, layout)?;
        let (clock, decoder) = find(rows.head())?;
        Ok(Box::new(Self { rows, clock, decoder, current: None }))
    }
}

impl RequestReader for TraceTable {
    fn next_request(&mut self) -> Result<Option<ImportedRequest>, Problem> {
        loop {
            match self.current.take() {
                Some((request, 1)) => return Ok(Some(request)),
                Some((request, count @ 2..)) => {
                    self.current = Some((request.clone(), count - 1));
                    return Ok(Some(request));
                }
                _ => {}
            }
            let Some(row) = self.rows.next_row()? else { return Ok(None) };
            self.current = Some((self.decoder)(row, &mut self.clock)?);
        }
    }

    fn lines(&self) -> &LineReader {
        self.rows.lines()
    }

    fn notes(&self) -> ImportNotes {
        let facts = self.clock.fact().into_iter().chain(self.rows.recognised());
        ImportNotes { facts: facts.collect(), notes: self.clock.notes() }
    }
}
