//! A CSV table whose rows are requests: a kind says which columns it needs and what a row is.

use super::{Request, Requests};
use crate::input::csv::{Head, Row};
use crate::input::rows::Rows;
use crate::input::{Place, Problem};

/// What a row is; `None` for one that is no request.
pub(super) type Read = Box<dyn FnMut(Row<'_>) -> Result<Option<Request>, Problem>>;

/// The requests of a table, one a row.
pub(super) struct Table {
    rows: Rows,
    read: Read,
}

impl Table {
    /// Opens a file; `find` looks its columns up and says what a row is.
    pub(super) fn open(
        path: &str,
        find: impl FnOnce(&Head) -> Result<Read, Problem>,
    ) -> Result<Box<dyn Requests>, Problem> {
        let rows = Rows::hashed(path)?;
        let read = find(rows.head())?;
        Ok(Box::new(Self { rows, read }))
    }
}

impl Requests for Table {
    fn next_request(&mut self) -> Result<Option<Request>, Problem> {
        while let Some(row) = self.rows.next_row()? {
            if let Some(request) = (self.read)(row)? {
                return Ok(Some(request));
            }
        }
        Ok(None)
    }

    fn place(&self) -> Place {
        self.rows.lines().place()
    }

    fn is_broken(&self) -> bool {
        self.rows.lines().is_broken()
    }

    fn sha256(&self) -> String {
        self.rows.lines().sha256().unwrap_or_default()
    }
}
