//! Networks that were trained, each kept as a policy file as soon as it is finished, so that a
//! reproduction that was stopped goes on with those that are missing.
//!
//! A file is taken if its catalogue is that of the training asked for: all that the training
//! depends on (see [`crate::offloading::network_policy`]), the learner, its plan, seed and steps.
//! Which build of the program wrote it does not matter.

use super::ReproductionError;
use crate::config::source;
use crate::experiment::Progress;
use crate::offloading::DialogueModel;
use crate::offloading::training_env::{DialogueEnvironment, TrainingPlan};
use crate::output::atomic;
use crate::rl::checkpoint::{PolicyFile, PolicyKind, PolicySignature};
use crate::rl::net::Mlp;
use crate::rl::{Algorithm, Training};
use std::path::PathBuf;

/// A folder of policy files.
pub struct PolicyCache<'a> {
    /// Where they lie; it is there already.
    pub folder: PathBuf,
    /// Steps of every training.
    pub steps: usize,
    /// Told of every network.
    pub progress: &'a dyn Progress,
}

impl PolicyCache<'_> {
    /// The network that `algorithm` learns by `plan` on the dialogues `train`, from the file `name`
    /// or anew.
    pub(super) fn network(
        &self,
        name: &str,
        model: &DialogueModel,
        train: &[usize],
        (algorithm, plan): (Algorithm, TrainingPlan),
        seed: u64,
    ) -> Result<Mlp, ReproductionError> {
        let mut settings = plan.catalogue(model);
        let entry = |name: &str, value: String| (name.to_owned(), value);
        let TrainingPlan { transition, constraint, draw, .. } = plan;
        settings.extend([
            entry("algorithm", algorithm.name().to_owned()),
            entry("plan", format!("{transition:?}, {constraint:?}, {draw:?}")),
            entry("seed", seed.to_string()),
            entry("total", self.steps.to_string()),
        ]);
        let path = self.folder.join(format!("{name}.toml"));
        let network = match kept(&path.to_string_lossy(), &settings) {
            Some(network) => network,
            None => {
                let mut env = DialogueEnvironment::new(model, train, plan)?;
                let mut training = Training::new(algorithm, &env, self.steps, seed);
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

/// The network of a file, if it is of just this training.
fn kept(path: &str, settings: &PolicySignature) -> Option<Mlp> {
    if !source::exists(path) {
        return None;
    }
    let stored = PolicyFile::parse(&source::read_own(path).ok()?, PolicyKind::Policy).ok()?;
    stored.check(settings, path).ok()?;
    stored.network()
}
