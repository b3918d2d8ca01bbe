//! Networks that were trained, each kept as a policy file as soon as it is finished, so that a
//! reproduction that was stopped goes on with those that are missing.
//!
//! A file is taken if its catalogue is that of the training asked for: all that the training
//! depends on (see [`crate::tmo::learned`]), the learner, its plan, seed and steps. Which build of
//! the program wrote it does not matter.

use super::Failed;
use crate::input::source;
use crate::learn::net::Mlp;
use crate::learn::store::{Catalogue, Kind, Stored};
use crate::learn::{Algorithm, Training};
use crate::output::atomic;
use crate::sweep::Progress;
use crate::tmo::World;
use crate::tmo::practice::{Plan, Practice};
use std::path::PathBuf;

/// A folder of policy files.
pub struct Shelf<'a> {
    /// Where they lie; it is there already.
    pub folder: PathBuf,
    /// Steps of every training.
    pub steps: usize,
    /// Told of every network.
    pub progress: &'a dyn Progress,
}

impl Shelf<'_> {
    /// The network that `algorithm` learns by `plan` on the dialogues `train`, from the file `name`
    /// or anew.
    pub(super) fn network(
        &self,
        name: &str,
        world: &World,
        train: &[usize],
        (algorithm, plan): (Algorithm, Plan),
        seed: u64,
    ) -> Result<Mlp, Failed> {
        let mut settings = plan.catalogue(world);
        let entry = |name: &str, value: String| (name.to_owned(), value);
        let Plan { transition, constraint, draw, .. } = plan;
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
                let mut env = Practice::new(world, train, plan)?;
                let mut training = Training::new(algorithm, &env, self.steps, seed);
                training.finish(&mut env);
                let stored = Stored::policy(training.network(), training.done(), settings);
                atomic::write(&path, stored.to_toml().as_bytes())?;
                training.network().clone()
            }
        };
        self.progress.step();
        Ok(network)
    }
}

/// The network of a file, if it is of just this training.
fn kept(path: &str, settings: &Catalogue) -> Option<Mlp> {
    if !source::exists(path) {
        return None;
    }
    let stored = Stored::parse(&source::read_own(path).ok()?, Kind::Policy).ok()?;
    stored.check(settings, path).ok()?;
    stored.network()
}
