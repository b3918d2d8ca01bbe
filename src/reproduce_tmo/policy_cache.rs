//! A folder of trained networks, each written as soon as it is finished, so that a reproduction
//! that was stopped trains only the missing ones.
//!
//! A file is reused if its signature is that of the training asked for: everything that the
//! training depends on (see [`crate::offloading::network_policy`]), the algorithm, its plan, seed
//! and steps. The build of the program does not matter.

use super::ReproductionError;
use crate::config::source;
use crate::experiment::Progress;
use crate::offloading::DialogueModel;
use crate::offloading::training_env::{DialogueEnvironment, TrainingPlan};
use crate::output::atomic;
use crate::rl::checkpoint::{PolicyFile, PolicyKind, PolicySignature, signature};
use crate::rl::net::Mlp;
use crate::rl::{Algorithm, Training};
use std::path::PathBuf;

/// A folder of policy files.
pub struct PolicyCache<'a> {
    /// The folder, which must exist.
    pub folder: PathBuf,
    /// Steps of every training.
    pub steps: usize,
    /// Notified of every network.
    pub progress: &'a dyn Progress,
}

/// A training.
pub(super) struct TrainingSpec {
    /// Name of the policy file, without extension.
    pub(super) file: String,
    pub(super) algorithm: Algorithm,
    pub(super) plan: TrainingPlan,
    pub(super) seed: u64,
}

impl PolicyCache<'_> {
    /// The network trained on the dialogues `train`, from its file if there is one.
    pub(super) fn network(
        &self,
        spec: &TrainingSpec,
        model: &DialogueModel,
        train: &[usize],
    ) -> Result<Mlp, ReproductionError> {
        let TrainingSpec { file, algorithm, plan, seed } = spec;
        let TrainingPlan { transition, constraint, draw, .. } = plan;
        let mut settings = plan.signature(model);
        settings.extend(signature([
            ("algorithm", algorithm.name().to_owned()),
            ("plan", format!("{transition:?}, {constraint:?}, {draw:?}")),
            ("seed", seed.to_string()),
            ("total", self.steps.to_string()),
        ]));
        let path = self.folder.join(format!("{file}.toml"));
        let network = match kept(&path.to_string_lossy(), &settings) {
            Some(network) => network,
            None => {
                let mut env = DialogueEnvironment::new(model, train, *plan)?;
                let mut training = Training::new(*algorithm, &env, self.steps, *seed);
                training.finish(&mut env);
                let stored = PolicyFile::policy(training.network(), training.done(), settings);
                atomic::write(&path, stored.to_toml().as_bytes())?;
                training.network().clone()
            }
        };
        self.progress.step();
        Ok(network)
    }
}

/// The network of a file, if it has this signature.
fn kept(path: &str, settings: &PolicySignature) -> Option<Mlp> {
    if !source::exists(path) {
        return None;
    }
    let stored = PolicyFile::parse(&source::read_own(path).ok()?, PolicyKind::Policy).ok()?;
    stored.check(settings, path).ok()?;
    stored.network()
}
