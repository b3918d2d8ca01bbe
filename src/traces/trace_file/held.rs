//! The requests of a file in memory, for runs that draw blocks of it: 10 bytes each, 18 where the
//! file has budgets, once for all runs.

use super::{TraceFile, TraceRow, TraceRowReader, find_name};
use crate::config::{Location, Problem};
use crate::core::units::{Span, Time};
use std::sync::Arc;

/// The rows of a file.
#[derive(Clone, Debug)]
pub struct RowsInMemory {
    /// Nanoseconds since the first request, never going backwards.
    pub stamps: Arc<[u64]>,
    /// Places in the list of names of the file.
    names: Vec<u16>,
    /// Empty if the file has none.
    budgets: Vec<Span>,
}

impl TraceFile {
    /// All requests, read at the first call.
    pub fn held(&self) -> Result<Arc<RowsInMemory>, Problem> {
        if let Some(held) = self.held.get() {
            return Ok(Arc::clone(held));
        }
        let held = Arc::new(self.hold()?);
        Ok(Arc::clone(self.held.get_or_init(|| held)))
    }

    fn hold(&self) -> Result<RowsInMemory, Problem> {
        let mut reader = TraceRowReader::open(&self.path)?;
        let (mut stamps, mut names, mut budgets) = (Vec::new(), Vec::new(), Vec::new());
        let (mut first, mut recent) = (None, 0);
        while let Some(TraceRow { time, app, class, budget }) = reader.next_listing()? {
            let place = find_name(&self.names, recent, app, class);
            let Some(name) = place.and_then(|place| u16::try_from(place).ok()) else {
                let expected = "the file as it was when it was checked";
                return Err(Problem::new(Location::file(&self.path), "another name", expected));
            };
            recent = usize::from(name);
            stamps.push(time.since(*first.get_or_insert(time)).0);
            names.push(name);
            budgets.extend(budget);
        }
        Ok(RowsInMemory { stamps: stamps.into(), names, budgets })
    }

    /// The request at a place, at another time.
    pub fn listing<'f>(&'f self, held: &RowsInMemory, at: usize, time: Time) -> TraceRow<'f> {
        let name = &self.names[usize::from(held.names[at])];
        let budget = held.budgets.get(at).copied();
        TraceRow { time, app: &name.app, class: name.class.as_deref(), budget }
    }
}
