//! The settings of a run: `[base]` with one value of each axis, decoded and checked.

use super::input_cache::InputCache;
use super::run_notes::notes;
use super::settings::{BASE, Warmup, system, workload};
use crate::config::note::Note;
use crate::config::{ConfigNode, Decoder, Problem, Problems, Value};
use crate::contract::AccuracySource;
use crate::core::rng::Rng;
use crate::scheduler::{self, BuildContext};
use crate::system::catalog::Catalog;
use crate::system::ground_truth::GroundTruth;
use crate::workload::{SharedByReplicates, WorkloadSpec};
use std::sync::Arc;

/// The configuration of a run, ready to run.
#[derive(Clone, Debug)]
pub struct RunConfig {
    /// The tables that everybody may know.
    pub catalog: Arc<Catalog>,
    /// What only the engine may know.
    pub truth: Arc<GroundTruth>,
    /// The workload.
    pub arrivals: WorkloadSpec,
    /// The settings of the scheduler, which is built for each run.
    pub scheduler: ConfigNode,
    /// The scheduler's name.
    pub scheduler_name: &'static str,
    /// The source of the scheduler's accuracies.
    pub info: AccuracySource,
    notes: Vec<Note>,
    /// Whether the bound of the utility that any scheduler could reach is computed.
    pub bound: bool,
    /// Which first arrivals of a run do not count.
    pub warmup: Warmup,
}

impl RunConfig {
    /// Decodes the settings of a grid point and checks that a run of it can start.
    ///
    /// # Errors
    ///
    /// What is wrong with the settings and with the files that they name.
    pub fn read(node: &ConfigNode, inputs: &mut InputCache) -> Result<Self, Problems> {
        let mut problems = Problems::default();
        let mut read = Decoder::new(node, &BASE, &mut problems);
        let mut system = system::read(&mut read, inputs);
        let bound = system::read_bound(&mut read, &system);
        let workload = read.require("workload", "a table: { arrivals, rate_rps, requests }");
        let scheduler = read.require("scheduler", "the name of a scheduler").cloned();
        let arrivals =
            workload.and_then(|w| workload::read(w, &system.apps, inputs, read.problems()));
        let requests = arrivals.as_ref().map_or(u64::MAX, |arrivals| arrivals.requests);
        let warmup = Warmup::take(&mut read, requests, bound);
        read.finish();
        let (Some(arrivals), Some(mut scheduler)) = (arrivals, scheduler) else {
            return Err(problems);
        };
        if !problems.is_empty() {
            return Err(problems);
        }
        system.sources = arrivals.sources;
        let truth = Arc::new(GroundTruth::build(&system)?);
        let catalog = Arc::clone(truth.catalog());
        let rng = Rng::new(0, 0);
        if let Some(ConfigNode { value: Value::Text(path), .. }) = scheduler.get_mut("policy") {
            inputs.note(path);
            *path = inputs.locate(path);
        }
        let command = scheduler.get_mut("command").and_then(|node| node.value.items_mut());
        for (at, word) in command.into_iter().flatten().enumerate() {
            if let Value::Text(word) = &mut word.value
                && (at > 0 || word.contains(std::path::is_separator))
            {
                *word = inputs.argument(word);
            }
        }
        let context = BuildContext { catalog: &catalog, rng };
        let built = scheduler::read(&scheduler, &context, &mut problems);
        match arrivals.build(&truth, rng) {
            Ok(process) if bound && process.observes_completions() => {
                let place = arrivals.place.clone().field("workload.arrivals");
                let found = "bound = \"fluid\" with a closed loop";
                let expected = "arrivals that do not depend on answers";
                problems.push(Problem::new(place, found, expected));
            }
            Ok(_) => {}
            Err(more) => problems.extend(more),
        }
        let Some(built) = built else { return Err(problems) };
        if built.info == AccuracySource::Posterior {
            Arc::clone(&catalog).check_peeks(&system, &mut problems);
        }
        let notes = notes(&scheduler, &built, &system, &catalog);
        let (scheduler_name, info) = (built.entry.name, built.info);
        problems.check(Some(Self {
            catalog,
            truth,
            arrivals,
            scheduler,
            scheduler_name,
            info,
            notes,
            bound,
            warmup,
        }))
    }

    /// A note if replicates share their arrivals.
    pub fn repeats(&self) -> Option<String> {
        let same = match self.arrivals.repeats(&self.truth) {
            SharedByReplicates::Nothing => return None,
            SharedByReplicates::Times => "arrives at the same instants",
            SharedByReplicates::Requests => "has the same requests at the same instants",
        };
        Some(format!(
            "every replicate {same}: what does not vary over replicates has no interval and no \
             p-value, and decides no claim; of a file, or an exact replay, `workload.resample_s` \
             draws blocks"
        ))
    }

    /// What a user should know about the settings of this run.
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }
}
