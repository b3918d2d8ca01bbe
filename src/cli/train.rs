//! `peeksim train`: an agent learns to offload dialogues, or to schedule the runs of an experiment;
//! the same command goes on where it stopped.

use super::dialogues::{DialogueArgs, chosen};
use super::{CliError, ExperimentArgs, print_note};
use crate::config::source::{self, Source};
use crate::config::{Location, Problem};
use crate::experiment::{self, Sweep};
use crate::offloading::evaluate::{PolicySummary, Totals, evaluate};
use crate::offloading::network_policy::NetworkPolicy;
use crate::offloading::training_env::{
    BudgetDistribution, Constraint, DRAWS, DialogueEnvironment, StateTransition, TrainingPlan,
};
use crate::offloading::{Cost, DialogueModel, Split};
use crate::output::atomic;
use crate::report::draw;
use crate::report::figure::{self, Chart, Point, Series};
use crate::rl::checkpoint::{PolicyFile, PolicyKind, PolicySignature};
use crate::rl::net::Mlp;
use crate::rl::{Algorithm, Environment, Training};
use clap::Args;
use rayon::prelude::*;
use std::io::Write;
use std::path::PathBuf;

/// What says nothing of an experiment.
const OF_DIALOGUES: [&str; 11] = [
    "workload",
    "dialogues",
    "costs",
    "device",
    "network",
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
    /// Learn to schedule the runs of this experiment, drawn from all of its configurations, instead
    /// of to offload dialogues. The policy is for the scheduler `tmo-rl`.
    #[arg(conflicts_with_all = OF_DIALOGUES)]
    experiment: Option<String>,
    /// Change a setting of the experiment, as `workload.requests=500`.
    #[arg(long = "set", value_name = "KEY=VALUE", requires = "experiment")]
    set: Vec<String>,
    #[command(flatten)]
    dialogues: DialogueArgs,
    /// What a US dollar is worth in utility, while learning to schedule. By default a right answer
    /// in time is worth a tenth of a cent, so that calls at the usual 1e-6 USD count for something
    /// and decide only where answers are about equally good.
    #[arg(long, default_value_t = 1000.0, requires = "experiment")]
    cost_weight: f64,
    /// So many trainings at once, each with a seed of its own, from `--seed` on: in the folders
    /// `seed-1`, … of `--out`.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=1000))]
    seeds: u64,
    /// Who learns: `a2c`, `ppo` or `dqn`.
    #[arg(long, default_value = "ppo")]
    algorithm: String,
    /// How many steps, rounded up to a whole segment.
    #[arg(long, default_value_t = 30_000)]
    steps: usize,
    /// How the state moves on: `rolled` by the agent's decision, `compat` by the logged one.
    #[arg(long, default_value = "rolled")]
    transition: String,
    /// How the budget is enforced while learning: `free`, `zero`, `penalty`, `mask`, `lagrangian`.
    #[arg(long, default_value = "free")]
    constraint: String,
    /// Budgets of training episodes: `fixed` as given, `normal`, `uniform` or `extreme-aware`.
    #[arg(long, default_value = "fixed")]
    budget_distribution: String,
    /// Show the agent what remains in seconds and dollars, as published.
    #[arg(long)]
    raw_budget: bool,
    /// Where to write curve.csv, its figure, policy.toml and checkpoint.toml.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

impl TrainArgs {
    fn plan(&self, budget: Cost) -> Result<TrainingPlan, Problem> {
        let draws = [&[("fixed", BudgetDistribution::Fixed(budget))], &DRAWS[..]].concat();
        Ok(TrainingPlan {
            transition: chosen("--transition", &self.transition, &StateTransition::ALL)?,
            constraint: chosen("--constraint", &self.constraint, &Constraint::ALL)?,
            draw: chosen("--budget-distribution", &self.budget_distribution, &draws)?,
            raw_budget: self.raw_budget,
        })
    }

    /// What a checkpoint must be of to go on.
    fn settings(&self, model: &DialogueModel, plan: &TrainingPlan) -> PolicySignature {
        let mut settings = plan.catalogue(model);
        let entry = |name: &str, value: String| (name.to_owned(), value);
        settings.extend([
            entry("algorithm", self.algorithm.clone()),
            entry("constraint", self.constraint.clone()),
            entry("dialogues", self.dialogues.said()),
            entry("draw", self.budget_distribution.clone()),
            entry("seed", self.dialogues.seed.to_string()),
            entry("total", self.steps.to_string()),
            entry("transition", self.transition.clone()),
        ]);
        settings
    }
}

/// Learning curve: steps, mean reward of a training step, test reward, by segment.
type Curve = Vec<[f32; 3]>;

/// What is learned, and what it is for.
struct TrainingRun<'a> {
    env: &'a mut dyn Environment,
    /// What a policy depends on.
    policy: PolicySignature,
    /// What a checkpoint must be of to go on.
    settings: PolicySignature,
    /// How good a network is where nothing was learned from.
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
        let mut said = format!("seed {seed}: ").into_bytes();
        train(&own, &mut said).map(|()| said)
    };
    let seeds = first..first.saturating_add(args.seeds);
    let done: Vec<_> = seeds.collect::<Vec<_>>().into_par_iter().map(one).collect();
    for said in done {
        out.write_all(&said?)?;
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
    let (policy, settings) = (plan.catalogue(&model), args.settings(&model, &plan));
    let training = follow(args, TrainingRun { env: &mut env, policy, settings, test: &test })?;
    let found = summary(&model, &split, training.network(), plan, budget);
    writeln!(
        out,
        "{} after {} steps: test reward {:.4}, response {:.4}, {:.3} s, {:.5} USD, beyond the \
         budget of time {:.1} %, of money {:.1} %",
        args.algorithm,
        training.done(),
        found.reward,
        found.response,
        found.spent.latency_s,
        found.spent.usage_usd,
        100.0 * found.latency.rate,
        100.0 * found.usage.rate
    )?;
    Ok(())
}

fn schedule(args: &TrainArgs, experiment: &str, out: &mut impl Write) -> Result<(), CliError> {
    // Whom the experiment compares does not matter here; what the agent may know can be set.
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
    let mut settings = policy.clone();
    let hashes: Vec<&str> =
        (0..sweep.configs.len()).map(|configuration| sweep.config_hash(configuration)).collect();
    let entry = |name: &str, value: String| (name.to_owned(), value);
    settings.extend([
        entry("algorithm", args.algorithm.clone()),
        entry("runs", source::hash(&hashes.concat())),
        entry("seed", args.dialogues.seed.to_string()),
        entry("total", args.steps.to_string()),
        entry("usd_weight", args.cost_weight.to_string()),
    ]);
    let test = |network: &Mlp| utility(&sweep, network);
    let training = follow(args, TrainingRun { env: &mut env, policy, settings, test: &test })?;
    let (algorithm, steps) = (&args.algorithm, training.done());
    let found = test(training.network())?;
    writeln!(out, "{algorithm} after {steps} steps: mean utility of test runs {found:.4}")?;
    Ok(())
}

fn utility(sweep: &Sweep, network: &Mlp) -> Result<f64, CliError> {
    experiment::utility(sweep, network).map_err(CliError::Failed)
}

/// Trains from the last checkpoint to the end, and writes what was learned.
fn follow(args: &TrainArgs, course: TrainingRun<'_>) -> Result<Training, CliError> {
    let TrainingRun { env, policy, settings, test } = course;
    let algorithm = chosen("--algorithm", &args.algorithm, &Algorithm::ALL)?;
    let mut training = Training::new(algorithm, env, args.steps, args.dialogues.seed);
    atomic::folder(&args.out)?;
    let checkpoint = args.out.join("checkpoint.toml");
    let mut curve = Curve::new();
    if checkpoint.exists() {
        let source = source::read_own(&checkpoint.to_string_lossy())?;
        curve = resume(&source, &settings, &mut training, env)?;
        print_note(&format!("goes on after {} steps", training.done()));
    }
    while let Some(point) = training.advance(env) {
        let test = test(training.network())?;
        curve.push([point.steps as f32, point.reward as f32, test as f32]);
        let stored = stored(&training, env, &settings, &curve);
        atomic::write(&checkpoint, stored.to_toml().as_bytes())?;
    }
    let mut text = "steps,reward_train_mean,reward_test_mean\n".to_owned();
    curve
        .iter()
        .for_each(|[steps, train, test]| text.push_str(&format!("{steps},{train},{test}\n")));
    atomic::write(&args.out.join("curve.csv"), text.as_bytes())?;
    let drawn = draw(&chart(&args.algorithm, &curve), &args.out, "curve");
    drawn.map_err(|error| CliError::Failed(error.to_string()))?;
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
    Chart {
        kind: figure::ChartKind::Lines,
        title: format!("Learning curve of {algorithm}"),
        note: "While learning: mean of a step, explored actions and constraints included. Test: \
               the best action only, where nothing is learned from."
            .to_owned(),
        x_label: "steps".to_owned(),
        y_label: "mean reward".to_owned(),
        x_log: false,
        y_log: false,
        y_range: None,
        series: [("while learning", 1), ("test", 2)].map(series).into(),
    }
}

fn summary(
    model: &DialogueModel,
    split: &Split,
    network: &Mlp,
    plan: TrainingPlan,
    budget: Cost,
) -> PolicySummary {
    let mut learned = NetworkPolicy::new(network.clone(), plan);
    let results = evaluate(model, &split.test, &mut learned, budget);
    PolicySummary::of(model, &results, budget, Totals::All)
}

/// Everything it takes to go on.
fn stored(
    training: &Training,
    env: &dyn Environment,
    settings: &PolicySignature,
    curve: &Curve,
) -> PolicyFile {
    let state = training.state().into_iter();
    let mut numbers: Vec<_> = state.map(|(name, values)| (name.to_owned(), values)).collect();
    numbers.push(("curve".to_owned(), curve.concat()));
    numbers.push(("environment".to_owned(), env.save_state()));
    let policy = PolicyFile::policy(training.network(), training.done(), settings.clone());
    PolicyFile { kind: PolicyKind::Checkpoint, numbers, ..policy }
}

fn resume(
    source: &Source,
    settings: &PolicySignature,
    training: &mut Training,
    env: &mut dyn Environment,
) -> Result<Curve, CliError> {
    let stored = PolicyFile::parse(source, PolicyKind::Checkpoint)?;
    stored.check(settings, &source.path)?;
    let numbers = |name: &str| {
        let found = stored.numbers.iter().find(|(known, _)| known == name);
        found.map_or(&[][..], |(_, values)| values.as_slice())
    };
    training.resume(stored.steps, &stored.numbers).ok_or_else(|| {
        let found = "numbers of another training";
        Problem::new(Location::file(&source.path).field("numbers"), found, "those of this one")
    })?;
    env.load_state(numbers("environment"));
    let points = numbers("curve").chunks_exact(3);
    Ok(points.map(|point| [point[0], point[1], point[2]]).collect())
}
