//! The two workers, and the settings of a system in which nothing is drawn.

use crate::core::ids::WorkerId;
use crate::system::catalog::{AppSpec, Resident, SystemSpec, WorkerSpec};

/// The device.
pub(super) const DEVICE: WorkerId = WorkerId(0);
/// The cloud.
pub(super) const CLOUD: WorkerId = WorkerId(1);

/// A system without noise. Workers hold what fits at the start, unless they say what they hold.
pub(super) fn system(apps: Vec<AppSpec>, workers: Vec<WorkerSpec>) -> SystemSpec {
    let held = |worker: WorkerSpec| match worker.resident {
        Resident::Nothing => WorkerSpec { resident: Resident::AllThatFit, ..worker },
        _ => worker,
    };
    SystemSpec::new(apps, workers.into_iter().map(held).collect())
}
