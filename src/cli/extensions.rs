//! What a program of one's own adds to the registries.

use super::CliError;
use super::import::OTHER_KINDS;
use crate::config::{Location, Named, Problem, Problems, source};
use crate::experiment::set_program;
use crate::import::{self, ImporterEntry};
use crate::scheduler::{self, SchedulerEntry};
use crate::system::penalty::{self, PenaltyEntry};
use crate::workload::{self, ArrivalEntry};

/// Entries that a program adds to the registries, for [`main_with`](super::main_with). Their names
/// have lower-case letters, digits and hyphens, and no other entry has them.
#[derive(Clone, Copy, Default)]
pub struct Extensions {
    /// Schedulers, which experiments name in `scheduler`.
    pub schedulers: &'static [SchedulerEntry],
    /// Arrival processes, which experiments name in `workload.arrivals`.
    pub arrivals: &'static [ArrivalEntry],
    /// Penalties, which experiments name in `penalty`.
    pub penalties: &'static [PenaltyEntry],
    /// Kinds of data for `peeksim import`.
    pub importers: &'static [ImporterEntry],
}

impl Extensions {
    /// Adds the entries to the registries.
    ///
    /// # Errors
    ///
    /// A name that another entry has or that is no name, and an executable that cannot be read,
    /// whose hash results depend on.
    pub(super) fn register(self) -> Result<(), CliError> {
        let Self { schedulers, arrivals, penalties, importers } = self;
        let counts = [schedulers.len(), arrivals.len(), penalties.len(), importers.len()];
        if counts == [0; 4] {
            return Ok(());
        }
        scheduler::ENTRIES.add(schedulers)?;
        workload::ENTRIES.add(arrivals)?;
        penalty::ENTRIES.add(penalties)?;
        check_importers(importers)?;
        import::ENTRIES.add(importers)?;
        let program = std::env::current_exe()?;
        set_program(&source::file_hash(&program)?);
        Ok(())
    }
}

/// Refuses the names of kinds that ship outside the registry of importers.
fn check_importers(own: &[ImporterEntry]) -> Result<(), Problems> {
    let mut problems = Problems::default();
    for name in own.iter().map(Named::name).filter(|name| OTHER_KINDS.contains(name)) {
        let place = Location::file(&format!("extensions: importer `{name}`"));
        problems.push(Problem::new(place, "a name that is taken", "another name"));
    }
    problems.check(Some(()))
}
