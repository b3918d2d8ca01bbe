//! A CSV table whose rows are requests: a kind says which columns it needs and what a row is.

use super::clock::Clock;
use super::{Request, Requests, Told};
use crate::input::Problem;
use crate::input::csv::{Head, Row};
use crate::input::lines::Lines;
use crate::input::rows::{Layout, Rows};

/// What a row is: a request, and how many of it come at once.
pub(super) type Read = Box<dyn FnMut(Row<'_>, &mut Clock) -> Result<(Request, u64), Problem>>;

/// The requests of a table.
pub(super) struct Table {
    rows: Rows,
    clock: Clock,
    read: Read,
    /// The request of the last row, and how many of it are still to come.
    current: Option<(Request, u64)>,
}

impl Table {
    /// Opens a file; `find` looks its columns up and says what a row is.
    pub(super) fn open(
        path: &str,
        layout: Layout,
        find: impl FnOnce(&Head) -> Result<(Clock, Read), Problem>,
    ) -> Result<Box<dyn Requests>, Problem> {
        let rows = Rows::of_others(path, layout)?;
        let (clock, read) = find(rows.head())?;
        Ok(Box::new(Self { rows, clock, read, current: None }))
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
            self.current = Some((self.read)(row, &mut self.clock)?);
        }
    }

    fn lines(&self) -> &Lines {
        self.rows.lines()
    }

    fn told(&self) -> Told {
        let facts = self.clock.fact().into_iter().chain(self.rows.recognised());
        Told { facts: facts.collect(), notes: self.clock.notes() }
    }
}
