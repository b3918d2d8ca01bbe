//! `peeksim train`: trains an agent to offload dialogues, or to schedule the runs of an experiment;
//! the same command resumes a training.

use super::dialogues::{DialogueArgs, chosen};
use super::{CliError, ExperimentArgs, print_note};
use crate::config::source::{self, Source};
use crate::config::{Location, Problem};
use crate::experiment;
use crate::offloading::evaluate::{PolicySummary, evaluate};
use crate::offloading::network_policy::NetworkPolicy;
use crate::offloading::training_env::{
    BudgetDistribution, Constraint, DISTRIBUTIONS, DialogueEnvironment, StateTransition,
    TrainingPlan,
};
use crate::offloading::{Cost, DialogueModel, Scorer, Split};
use crate::output::atomic;
use crate::report::draw;
use crate::report::figure::{Chart, Point, Series};
use crate::reproduce_tmo::reward_chart;
use crate::rl::checkpoint::{PolicyFile, PolicyKind, PolicySignature, signature};
use crate::rl::net::Mlp;
use crate::rl::replay_file::ReplayFile;
use crate::rl::{Algorithm, Environment, Training};
use clap::Args;
use rayon::prelude::*;
use std::io::Write;
use std::path::PathBuf;

/// Options about dialogues, which an experiment does not have.
const OF_DIALOGUES: [&str; 13] = [
    "workload",
    "dialogues",
    "costs",
    "devices",
    "device",
    "network",
    "actions",
    "metric",
    "budget",
    "transition",
    "constraint",
    "budget_distribution",
    "raw_budget",
];

/// Arguments of `train`.
#[derive(Clone, Debug, Args)]
pub(super) struct TrainArgs {
    /// Learn to schedule the runs of this experiment, drawn from all of its configurations, and not
    /// to offload dialogues. The policy is for the scheduler `tmo-rl`.
    #[arg(conflicts_with_all = OF_DIALOGUES)]
    experiment: Option<String>,
    /// Change a setting of the experiment, as `workload.requests=500`.
    #[arg(long = "set", value_name = "KEY=VALUE", requires = "experiment")]
    set: Vec<String>,
    #[command(flatten)]
    dialogues: DialogueArgs,
    /// Utility that a US dollar is worth while learning to schedule. By default a right answer in
    /// time is worth a tenth of a cent, so that prices of the usual 1e-6 USD matter only where
    /// answers are about equally good.
    #[arg(long, default_value_t = 1000.0, requires = "experiment")]
    cost_weight: f64,
    /// Number of trainings, each with its own seed from `--seed` on, run in parallel: in the
    /// folders `seed-1`, … of `--out`.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=1000))]
    seeds: u64,
    /// The learning algorithm: `a2c`, `ppo` or `dqn`.
    #[arg(long, default_value = "ppo")]
    algorithm: String,
    /// Number of training steps, rounded up to a whole segment.
    #[arg(long, default_value_t = 30_000)]
    steps: usize,
    /// Which action the next state follows from: that of the agent (`on-policy`), or the recorded
    /// one (`logged`, as published).
    #[arg(long, default_value = "on-policy")]
    transition: String,
    /// How the budget is enforced while learning: `free`, `zero`, `penalty`, `mask`, `lagrangian`.
    #[arg(long, default_value = "free")]
    constraint: String,
    /// Budgets of training episodes: `fixed` at `--budget`, `normal`, `uniform` or `extreme-aware`.
    #[arg(long, default_value = "fixed")]
    budget_distribution: String,
    /// Show the agent the rest of the budget in seconds and dollars, as published, and not as
    /// shares.
    #[arg(long)]
    raw_budget: bool,
    /// Where to write curve.csv, its figure, policy.toml, checkpoint.toml and, with `dqn`,
    /// replay.bin, the steps it learns from.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

impl TrainArgs {
    fn plan(&self, budget: Cost) -> Result<TrainingPlan, Problem> {
        let fixed = [("fixed", BudgetDistribution::Fixed(budget))];
        let draws = [&fixed, &DISTRIBUTIONS[..]].concat();
        Ok(TrainingPlan {
            transition: chosen("transition", &self.transition, &StateTransition::ALL)?,
            constraint: chosen("constraint", &self.constraint, &Constraint::ALL)?,
            draw: chosen("budget-distribution", &self.budget_distribution, &draws)?,
            raw_budget: self.raw_budget,
        })
    }

    /// What a checkpoint must agree with to be resumed, but for what the policy depends on.
    fn settings(&self) -> PolicySignature {
        signature([
            ("algorithm", self.algorithm.clone()),
            ("constraint", self.constraint.clone()),
            ("dialogues", self.dialogues.summary()),
            ("draw", self.budget_distribution.clone()),
            ("seed", self.dialogues.seed.to_string()),
            ("total", self.steps.to_string()),
            ("transition", self.transition.clone()),
        ])
    }
}

/// Learning curve: steps, mean reward of a training step, test reward, by segment.
type Curve = Vec<[f32; 3]>;

/// What is trained, and how it is tested.
struct TrainingRun<'a> {
    env: &'a mut dyn Environment,
    /// What a policy depends on.
    policy: PolicySignature,
    /// What a checkpoint depends on in addition.
    settings: PolicySignature,
    /// The score of a network on test data.
    test: &'a dyn Fn(&Mlp) -> Result<f64, CliError>,
}

pub(super) fn main(args: &TrainArgs, out: &mut impl Write) -> Result<(), CliError> {
    if args.seeds == 1 {
        return train(args, out);
    }
    let first = args.dialogues.seed;
    let one = |seed: u64| {
        let mut own = args.clone();
        own.dialogues.seed = seed;
        own.out = args.out.join(format!("seed-{seed}"));
        let mut report = format!("seed {seed}: ").into_bytes();
        train(&own, &mut report).map(|()| report)
    };
    let seeds: Vec<u64> = (first..first.saturating_add(args.seeds)).collect();
    let reports: Vec<_> = seeds.into_par_iter().map(one).collect();
    for report in reports {
        out.write_all(&report?)?;
    }
    Ok(())
}

fn train(args: &TrainArgs, out: &mut impl Write) -> Result<(), CliError> {
    match &args.experiment {
        Some(experiment) => schedule(args, experiment, out),
        None => offload(args, out),
    }
}

fn offload(args: &TrainArgs, out: &mut impl Write) -> Result<(), CliError> {
    let (model, split) = args.dialogues.model()?;
    let budget = args.dialogues.budget()?;
    let plan = args.plan(budget)?;
    let mut env = DialogueEnvironment::new(&model, &split.train, plan)?;
    let test = |network: &Mlp| Ok(summary(&model, &split, network, plan, budget).reward);
    let (policy, settings) = (plan.signature(&model), args.settings());
    let run = TrainingRun { env: &mut env, policy, settings, test: &test };
    let training = complete(args, run)?;
    let tested = summary(&model, &split, training.network(), plan, budget);
    writeln!(
        out,
        "{} after {} steps: test reward {:.4}, response {:.4}, {:.3} s, {:.5} USD, beyond the \
         budget of time {:.1} %, of money {:.1} %",
        args.algorithm,
        training.done(),
        tested.reward,
        tested.response,
        tested.spent.latency_s,
        tested.spent.usage_usd,
        100.0 * tested.latency.rate,
        100.0 * tested.usage.rate
    )?;
    Ok(())
}

fn schedule(args: &TrainArgs, experiment: &str, out: &mut impl Write) -> Result<(), CliError> {
    // The schedulers of the experiment do not matter here; `--set` may change what the agent knows.
    let mut set = vec!["scheduler=tmo-rl".to_owned()];
    set.extend(args.set.iter().cloned());
    let sweep = ExperimentArgs { set, ..ExperimentArgs::named(experiment) }.load()?;
    if !(0.0..=1e9).contains(&args.cost_weight) {
        let found = format!("`{}`", args.cost_weight);
        let expected = "utility per US dollar, from 0 to 1e9";
        return Err(Problem::new(Location::file("--cost-weight"), found, expected).into());
    }
    let mut env = experiment::SchedulingEnvironment::new(&sweep, args.cost_weight)?;
    let policy = env.catalogue();
    let hashes: Vec<&str> =
        (0..sweep.points.len()).map(|configuration| sweep.config_hash(configuration)).collect();
    let settings = signature([
        ("algorithm", args.algorithm.clone()),
        ("runs", source::hash(&hashes.concat())),
        ("seed", args.dialogues.seed.to_string()),
        ("total", args.steps.to_string()),
        ("usd_weight", args.cost_weight.to_string()),
    ]);
    let test = |network: &Mlp| experiment::utility(&sweep, network).map_err(CliError::Failed);
    let run = TrainingRun { env: &mut env, policy, settings, test: &test };
    let training = complete(args, run)?;
    let (algorithm, steps) = (&args.algorithm, training.done());
    let utility = test(training.network())?;
    writeln!(out, "{algorithm} after {steps} steps: mean utility of test runs {utility:.4}")?;
    Ok(())
}

/// Trains from the last checkpoint to the end, and writes the policy.
fn complete(args: &TrainArgs, run: TrainingRun<'_>) -> Result<Training, CliError> {
    let TrainingRun { env, policy, settings, test } = run;
    let settings = [policy.clone(), settings].concat();
    let algorithm = chosen("algorithm", &args.algorithm, &Algorithm::ALL)?;
    let mut training = Training::new(algorithm, env, args.steps, args.dialogues.seed);
    atomic::folder(&args.out)?;
    let checkpoint = args.out.join("checkpoint.toml");
    let mut replay = ReplayFile::new(args.out.join("replay.bin"));
    let mut curve = Curve::new();
    if checkpoint.exists() {
        let source = source::read_own(&checkpoint.to_string_lossy())?;
        curve = resume(&source, &settings, &mut training, &mut replay, env)?;
        print_note(&format!("resumed after {} steps", training.done()));
    }
    while let Some(point) = training.advance(env) {
        let test = test(training.network())?;
        curve.push([point.steps as f32, point.reward as f32, test as f32]);
        replay.append(training.stored())?;
        let file = checkpoint_file(&mut training, &replay, env, &settings, &curve);
        atomic::write(&checkpoint, file.to_toml().as_bytes())?;
    }
    let mut text = "steps,reward_train_mean,reward_test_mean\n".to_owned();
    curve
        .iter()
        .for_each(|[steps, train, test]| text.push_str(&format!("{steps},{train},{test}\n")));
    atomic::write(&args.out.join("curve.csv"), text.as_bytes())?;
    draw(&chart(&args.algorithm, &curve), &args.out, "curve")
        .map_err(|error| CliError::Failed(error.to_string()))?;
    let policy = PolicyFile::policy(training.network(), training.done(), policy);
    atomic::write(&args.out.join("policy.toml"), policy.to_toml().as_bytes())?;
    Ok(training)
}

/// The learning curve as a figure.
fn chart(algorithm: &str, curve: &Curve) -> Chart {
    let series = |(label, column): (&str, usize)| {
        let point = |row: &[f32; 3]| {
            let (x, y) = (f64::from(row[0]), f64::from(row[column]));
            Point { x, x_low: x, x_high: x, y, low: y, high: y, ringed: false }
        };
        Series { label: label.to_owned(), points: curve.iter().map(point).collect() }
    };
    let title = format!("Learning curve of {algorithm}");
    let note = "While learning: mean of a step, explored actions and constraints included. Test: \
                the best action only, on test data.";
    let series = [("while learning", 1), ("test", 2)].map(series).into();
    reward_chart(&title, note.to_owned(), ("steps", false), series)
}

fn summary(
    model: &DialogueModel,
    split: &Split,
    network: &Mlp,
    plan: TrainingPlan,
    budget: Cost,
) -> PolicySummary {
    let mut policy = NetworkPolicy::new(network.clone(), plan);
    let results = evaluate(model, Scorer::Estimator(model), &split.test, &mut policy, budget);
    PolicySummary::of(model, &results, budget)
}

/// Everything that a training needs to be resumed, but for the steps that it stored.
fn checkpoint_file(
    training: &mut Training,
    replay: &ReplayFile,
    env: &dyn Environment,
    settings: &PolicySignature,
    curve: &Curve,
) -> PolicyFile {
    let mut numbers = training.state();
    numbers.push(("curve".to_owned(), curve.concat()));
    numbers.push(("environment".to_owned(), env.save_state()));
    let policy = PolicyFile::policy(training.network(), training.done(), settings.clone());
    PolicyFile { kind: PolicyKind::Checkpoint, replay: replay.hash(), numbers, ..policy }
}

fn resume(
    source: &Source,
    settings: &PolicySignature,
    training: &mut Training,
    replay: &mut ReplayFile,
    env: &mut dyn Environment,
) -> Result<Curve, CliError> {
    let stored = PolicyFile::parse(source, PolicyKind::Checkpoint)?;
    stored.check(settings, &source.path)?;
    let count = stored.steps.saturating_mul(training.stored_width());
    let steps = replay.restore(count, stored.replay.as_deref())?;
    training.resume(stored.steps, &stored.numbers, &steps).ok_or_else(|| {
        let found = "numbers of another training";
        Problem::new(Location::file(&source.path).field("numbers"), found, "those of this one")
    })?;
    env.load_state(stored.array("environment"));
    let points = stored.array("curve").chunks_exact(3);
    Ok(points.map(|point| [point[0], point[1], point[2]]).collect())
}
