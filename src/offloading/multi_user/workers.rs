//! The two workers, and the settings of a system in which nothing is drawn.

use crate::core::ids::WorkerId;
use crate::system::catalog::{
    AppSpec, DecisionOverhead, OutcomeModel, Resident, SystemSpec, WorkerSpec,
};
use crate::system::faults::{BeliefError, Stalls};
use crate::system::latency::LatencyFit;
use crate::system::penalty::Penalty;
use crate::traces::recorded::SourceSplit;

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
    SystemSpec {
        apps,
        workers: workers.into_iter().map(held).collect(),
        penalty: Penalty::sigmoid(),
        outcome: OutcomeModel::Drawn,
        sources: SourceSplit::All,
        cold_loads: false,
        latency_fit: LatencyFit::default(),
        batch_scaling: None,
        noise_cv: 0.0,
        stalls: Stalls::NONE,
        belief_error: BeliefError::default(),
        outcome_correlation: 0.0,
        overhead: DecisionOverhead::default(),
        preemption: false,
        drop_late: false,
    }
}
