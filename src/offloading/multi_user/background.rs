//! Other applications on the device: their requests arrive by any process of `workload` and are
//! answered by one variant each, first come, first served, between the turns.

use super::system::system;
use crate::config::Problems;
use crate::core::rng::Rng;
use crate::system::catalog::{AppSpec, WorkerSpec};
use crate::system::ground_truth::GroundTruth;
use crate::workload::{Arrivals, WorkloadSpec};
use std::sync::Arc;

/// Other applications on the device.
#[derive(Clone, Debug)]
pub struct Background {
    /// The applications. The first variant of each that is kept answers its requests.
    pub apps: Vec<AppSpec>,
    /// When their requests arrive, and which. A load is one of the device alone.
    pub workload: WorkloadSpec,
    /// Whether the process goes on until the last turn is answered, whatever the number of requests
    /// of `workload`: possible for processes that give only instants.
    pub endless: bool,
}

impl Background {
    /// The requests of a run on this device.
    ///
    /// # Errors
    /// Applications, device and process do not fit together.
    pub fn arrivals(&self, device: &WorkerSpec, rng: Rng) -> Result<Box<dyn Arrivals>, Problems> {
        let truth = GroundTruth::build(&system(self.apps.clone(), vec![device.clone()]))?;
        let truth = Arc::new(truth);
        let mut workload = self.workload.clone();
        if self.endless {
            workload.make_endless(truth.catalog())?;
        }
        workload.build(&truth, rng)
    }
}
