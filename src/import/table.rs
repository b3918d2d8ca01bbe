//! A CSV table whose rows are requests: a kind says which columns it needs and what a row is.

use super::{Request, Requests};
use crate::input::Problem;
use crate::input::csv::{Head, Row};
use crate::input::lines::Lines;
use crate::input::rows::Rows;

/// What a row is: a request, and how many of it come at once.
pub(super) type Read = Box<dyn FnMut(Row<'_>) -> Result<(Request, u64), Problem>>;

/// The requests of a table.
pub(super) struct Table {
    rows: Rows,
    read: Read,
    /// The request of the last row, and how many of it are still to come.
    current: Option<(Request, u64)>,
}

impl Table {
    /// Opens a file; `find` looks its columns up and says what a row is.
    pub(super) fn open(
        path: &str,
        find: impl FnOnce(&Head) -> Result<Read, Problem>,
    ) -> Result<Box<dyn Requests>, Problem> {
        let rows = Rows::hashed(path)?;
        let read = find(rows.head())?;
        Ok(Box::new(Self { rows, read, current: None }))
    }
}

impl Requests for Table {
    fn next_request(&mut self) -> Result<Option<Request>, Problem> {
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
            self.current = Some((self.read)(row)?);
        }
    }

    fn lines(&self) -> &Lines {
        self.rows.lines()
    }
}
