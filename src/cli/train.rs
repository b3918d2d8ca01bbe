//! `peeksim train`: trains an agent to offload dialogues, or to schedule the runs of an experiment;
//! the same command resumes a training.

use super::dialogues::chosen;
use super::messages::clear_bar;
use super::progress::TrainingProgress;
use super::train_args::TrainArgs;
use super::train_dialogues;
use super::training_run::{CompletedTraining, CurveLayout, TrainingRun};
use super::{CliError, ExperimentArgs, Output};
use crate::config::{Location, Problem, source};
use crate::experiment::{self, Experiment, Sweep};
use crate::metrics::Study;
use crate::rl::Algorithm;
use crate::rl::checkpoint::signature;
use crate::rl::net::Mlp;
use rayon::prelude::*;
use serde_json::json;
use std::io::Write;
use std::path::{Path, PathBuf};

pub(super) fn main(args: &TrainArgs, out: &mut Output) -> Result<(), CliError> {
    match &args.experiment {
        Some(experiment) => schedule(args, experiment, out),
        None => train_dialogues::main(args, out),
    }
}

/// The runs of an experiment that an agent learns from.
pub(super) fn to_learn(
    experiment: &str,
    set: &[String],
    cost_weight: f64,
) -> Result<Sweep, CliError> {
    let named = Experiment::load(experiment, &[])?;
    if named.study == Study::Offloading {
        return Err(named.not_of_schedulers().into());
    }
    // The schedulers of the experiment do not matter here; `--set` may change what the agent knows.
    let mut all = vec!["scheduler=tmo-rl".to_owned()];
    all.extend(set.iter().cloned());
    let sweep = ExperimentArgs { set: all, ..ExperimentArgs::named(experiment) }.load()?;
    if !(0.0..=1e9).contains(&cost_weight) {
        let found = format!("`{cost_weight}`");
        let expected = "utility per US dollar, from 0 to 1e9";
        return Err(Problem::new(Location::file("--cost-weight"), found, expected).into());
    }
    Ok(sweep)
}

fn schedule(args: &TrainArgs, experiment: &str, out: &mut Output) -> Result<(), CliError> {
    let sweep = to_learn(experiment, &args.set, args.cost_weight)?;
    let algorithm = chosen("algorithm", &args.algorithm, &Algorithm::ALL)?;
    let trainings = args.trainings();
    let progress = TrainingProgress::new(args.steps.saturating_mul(trainings.len()));
    let train = |(seed, folder): &(u64, PathBuf)| {
        schedule_once(args, &sweep, (algorithm, *seed), folder, &progress)
    };
    let done: Vec<_> = trainings.par_iter().map(train).collect();
    clear_bar();
    for ((seed, folder), training) in trainings.iter().zip(done) {
        let (steps, utility) = training?;
        if args.seeds > 1 {
            write!(out, "seed {seed}: ")?;
        }
        let algorithm = algorithm.name();
        writeln!(out, "{algorithm} after {steps} steps: mean utility of test runs {utility:.4}")?;
        out.push(
            "trainings",
            json!({
                "algorithm": algorithm, "seed": seed, "steps": steps, "utility_mean": utility,
                "policy": folder.join("policy.toml").to_string_lossy(),
            }),
        );
    }
    Ok(())
}

/// A training on the runs of an experiment; its steps, and the mean utility of test runs.
fn schedule_once(
    args: &TrainArgs,
    sweep: &Sweep,
    (algorithm, seed): (Algorithm, u64),
    folder: &Path,
    progress: &TrainingProgress,
) -> Result<(usize, f64), CliError> {
    let mut env = experiment::SchedulingEnvironment::new(sweep, args.cost_weight)?;
    let hashes: Vec<&str> =
        (0..sweep.points.len()).map(|configuration| sweep.config_hash(configuration)).collect();
    let settings = signature([
        ("algorithm", args.algorithm.clone()),
        ("runs", source::hash(&hashes.concat())),
        ("seed", seed.to_string()),
        ("total", args.steps.to_string()),
        ("usd_weight", args.cost_weight.to_string()),
    ]);
    let utility = |network: &Mlp| experiment::utility(sweep, network).map_err(CliError::Failed);
    let layout = CurveLayout {
        columns: vec!["steps", "reward_train_mean", "reward_test_mean"],
        labels: vec!["while learning", "test"],
        note: NOTE.to_owned(),
    };
    let run = TrainingRun {
        algorithm,
        steps: args.steps,
        seed,
        folder,
        policy: env.catalogue(),
        env: &mut env,
        settings,
        layout: &layout,
        test: &|network| Ok(vec![Some(utility(network)?)]),
        best: None,
        progress,
    };
    let CompletedTraining { agent, steps } = run.complete()?;
    Ok((steps, utility(&agent.network)?))
}

/// The note of a learning curve.
const NOTE: &str = "While learning: mean of a step, explored actions and constraints included. \
                    Test: the best action only, on test data.";
