//! Trainings on dialogues: what is learned from, who scores, and how much trainings differ.

use super::messages::clear_bar;
use super::train_args::TrainArgs;
use super::training_run::{CompletedTraining, CurveLayout, TrainingRun};
use super::{CliError, Output, dialogues, progress::TrainingProgress};
use crate::config::{Location, Problem};
use crate::offloading::agents::{BestNetwork, TrainedAgent, Validation, chosen};
use crate::offloading::evaluate::{DialogueResult, PolicySummary, evaluate};
use crate::offloading::network_policy::NetworkPolicy;
use crate::offloading::training_env::{DialogueEnvironment, TrainingPlan};
use crate::offloading::{Cost, DialogueModel, Evaluation, FoldModels, Scorer};
use crate::output::atomic;
use crate::report::console::align;
use crate::rl::Algorithm;
use crate::rl::checkpoint::{PolicyFile, signature};
use crate::rl::net::Mlp;
use crate::stats::Estimate;
use rayon::prelude::*;
use serde_json::{Value, json};
use std::io::Write;
use std::path::Path;

/// What all trainings of a command have in common.
struct DialogueTrainings<'a> {
    args: &'a TrainArgs,
    algorithm: Algorithm,
    plan: TrainingPlan,
    budget: Cost,
    evaluation: Evaluation,
    models: &'a FoldModels,
    /// The dialogues by which trainings stop early, if they do.
    validation: Option<Validation>,
    layout: CurveLayout,
    progress: TrainingProgress,
}

/// A training with the tests of its network.
struct TestedTraining {
    seed: u64,
    agent: TrainedAgent,
    /// Steps of the whole training.
    steps: usize,
    tests: Tests,
}

/// Test dialogues under a network, scored twice.
struct Tests {
    /// By the estimator that the agent learns from.
    own: Vec<DialogueResult>,
    /// By another one, or the generating law; none if the agent's own counts.
    independent: Option<Vec<DialogueResult>>,
}

pub(super) fn main(args: &TrainArgs, out: &mut Output) -> Result<(), CliError> {
    let algorithm = dialogues::chosen("algorithm", &args.algorithm, &Algorithm::ALL)?;
    let budget = args.dialogues.budget()?;
    let plan = args.plan(budget)?;
    let evaluation = args.dialogues.evaluation()?;
    let folds = args.dialogues.models()?;
    let Some(models) = folds.first() else {
        return Err(Problem::new(Location::file("--folds"), "no fold", "one or more").into());
    };
    let validation = args.validate.then(|| {
        let named = |problem| Problem { place: Location::file("--validate"), ..problem };
        Validation::new(&models.model, budget).map_err(named)
    });
    let validation = validation.transpose()?;
    let (layout, trainings) = (layout(evaluation, args.validate), args.trainings());
    let progress = TrainingProgress::new(args.steps.saturating_mul(trainings.len()));
    let common = DialogueTrainings {
        args,
        algorithm,
        plan,
        budget,
        evaluation,
        models,
        validation,
        layout,
        progress,
    };
    let done: Vec<_> =
        trainings.par_iter().map(|(seed, folder)| common.train(*seed, folder)).collect();
    clear_bar();
    let mut tested = Vec::new();
    for training in done {
        let training = training?;
        if trainings.len() > 1 {
            write!(out, "seed {}: ", training.seed)?;
        }
        writeln!(out, "{}", common.line(&training))?;
        out.push("trainings", common.json(&training));
        tested.push(training);
    }
    if tested.len() > 1 {
        write!(out, "\n{}", align(&common.spread(&tested)))?;
    }
    if tested.len() > 1 && args.validate {
        common.keep_best(&tested, out)?;
    }
    Ok(())
}

/// What the learning curve shows.
fn layout(evaluation: Evaluation, validates: bool) -> CurveLayout {
    let mut columns =
        vec!["steps", "reward_train_mean", "reward_own_estimator_mean", "reward_independent_mean"];
    let mut labels = vec!["while learning", "test, own estimator", independent(evaluation)];
    let mut note = "While learning: mean of a step, explored actions and constraints included. \
                    Test: the best action only, on dialogues that nothing was learned from. Own \
                    estimator: the one that the agent learns from, whose errors it learns as well."
        .to_owned();
    note.push_str(match evaluation {
        Evaluation::OwnEstimator => "",
        Evaluation::CrossFitted => {
            " Other dialogues: an estimator of dialogues that are neither learned from nor tested."
        }
        Evaluation::True => " True: by the law that generated the dialogues.",
    });
    if validates {
        columns.push("reward_validation_mean");
        labels.push("validation");
        note.push_str(
            " Validation: dialogues that choose the network, nothing earned beyond the budget.",
        );
    }
    CurveLayout { columns, labels, note }
}

/// Who scores tests independently, in the figure.
fn independent(evaluation: Evaluation) -> &'static str {
    match evaluation {
        Evaluation::True => "test, true",
        _ => "test, other dialogues",
    }
}

/// A mean with the half width of its 95 % interval.
fn interval(rewards: &[f64]) -> String {
    let Some(estimate) = Estimate::of(rewards) else { return "–".to_owned() };
    let width = estimate.half_width.map_or("–".to_owned(), |width| format!("{width:.4}"));
    format!("{:.4} ± {width}", estimate.mean)
}

fn rewards(results: &[DialogueResult]) -> Vec<f64> {
    results.iter().map(|result| result.reward).collect()
}

fn mean_reward(results: &[DialogueResult]) -> f64 {
    Estimate::of(&rewards(results)).map_or(f64::NAN, |estimate| estimate.mean)
}

impl DialogueTrainings<'_> {
    /// The model that rewards the agent.
    fn learner(&self) -> &DialogueModel {
        self.validation.as_ref().map_or(&self.models.model, Validation::learner)
    }

    fn train(&self, seed: u64, folder: &Path) -> Result<TestedTraining, CliError> {
        let Self { args, algorithm, plan, models, layout, progress, .. } = self;
        let learner = self.learner();
        let mut env = DialogueEnvironment::new(learner, learner.trained_on(), *plan)?;
        let validation = self.validation.as_ref();
        let test = |network: &Mlp| {
            let Tests { own, independent } = self.tests(network);
            Ok(vec![Some(mean_reward(&own)), independent.as_deref().map(mean_reward)])
        };
        let run = TrainingRun {
            algorithm: *algorithm,
            steps: args.steps,
            seed,
            folder,
            env: &mut env,
            // The dialogues that validate had a say in what is learned: they are not for tests.
            policy: plan.signature(&models.model),
            settings: signature([
                ("algorithm", args.algorithm.clone()),
                ("constraint", args.constraint.clone()),
                ("curve", layout.columns.join(", ")),
                ("dialogues", args.dialogues.summary()),
                ("draw", args.budget_distribution.clone()),
                ("evaluation", args.dialogues.scoring_summary()?),
                ("seed", seed.to_string()),
                ("total", args.steps.to_string()),
                ("transition", args.transition.clone()),
            ]),
            layout,
            test: &test,
            best: validation.map(|of| BestNetwork::new(of, *plan, args.steps)),
            progress,
        };
        let CompletedTraining { agent, steps } = run.complete()?;
        let tests = self.tests(&agent.network);
        Ok(TestedTraining { seed, agent, steps, tests })
    }

    fn tests(&self, network: &Mlp) -> Tests {
        let (learner, budget) = (self.learner(), self.budget);
        let score = |scorer: Scorer<'_>| {
            let mut policy = NetworkPolicy::new(network.clone(), self.plan);
            evaluate(learner, scorer, &self.models.fold.test, &mut policy, budget)
        };
        let is_own = self.evaluation == Evaluation::OwnEstimator;
        Tests {
            own: score(Scorer::Estimator(learner)),
            independent: (!is_own).then(|| score(self.models.scorer())),
        }
    }

    /// What came of a training, in a line.
    fn line(&self, training: &TestedTraining) -> String {
        let TestedTraining { agent, steps, tests, .. } = training;
        let mut line = format!("{} after {steps} steps", self.algorithm.name());
        if let Some(validated) = agent.validated {
            let taken = agent.steps;
            line.push_str(&format!(" (network of step {taken}, validation reward {validated:.4})"));
        }
        let own = interval(&rewards(&tests.own));
        line.push_str(&format!(": test reward {own} by its own estimator"));
        if let Some(independent) = &tests.independent {
            let by = match self.evaluation {
                Evaluation::True => "the generating law",
                _ => "an estimator of other dialogues",
            };
            line.push_str(&format!(", {} by {by}", interval(&rewards(independent))));
        }
        let counted = tests.independent.as_ref().unwrap_or(&tests.own);
        let mean = PolicySummary::of(&self.models.model, counted, self.budget);
        line.push_str(&format!(
            " (95 % over {} dialogues), response {:.4}, {:.3} s, {:.5} USD, beyond the budget of \
             time {:.1} %, of money {:.1} %",
            counted.len(),
            mean.response,
            mean.spent.latency_s,
            mean.spent.usage_usd,
            100.0 * mean.latency.rate,
            100.0 * mean.usage.rate
        ));
        line
    }

    /// What came of a training, as JSON.
    fn json(&self, training: &TestedTraining) -> Value {
        let TestedTraining { seed, agent, steps, tests } = training;
        let counted = tests.independent.as_ref().unwrap_or(&tests.own);
        let mean = PolicySummary::of(&self.models.model, counted, self.budget);
        let [own, independent] = [Some(&tests.own), tests.independent.as_ref()]
            .map(|results| results.and_then(|results| Estimate::of(&rewards(results))));
        json!({
            "algorithm": self.algorithm.name(), "seed": seed, "steps": steps,
            "network_of_step": agent.steps, "reward_validation_mean": agent.validated,
            "reward_own_estimator_mean": own.map(|own| own.mean),
            "reward_independent_mean": independent.map(|own| own.mean),
            "dialogues": counted.len(), "response_mean": mean.response,
            "latency_s_mean": mean.spent.latency_s, "usage_usd_mean": mean.spent.usage_usd,
            "over_latency_ratio": mean.latency.rate, "over_usage_ratio": mean.usage.rate,
        })
    }

    /// The trainings side by side, and the mean and the standard deviation over them.
    fn spread(&self, tested: &[TestedTraining]) -> Vec<Vec<String>> {
        type Column = (&'static str, fn(&TestedTraining) -> Option<f64>);
        let columns: [Column; 3] = [
            ("validation reward", |training| training.agent.validated),
            ("test reward, own estimator", |training| Some(mean_reward(&training.tests.own))),
            (independent_reward(self.evaluation), |training| {
                training.tests.independent.as_deref().map(mean_reward)
            }),
        ];
        let first = |(name, column): (&str, Vec<String>)| [vec![name.to_owned()], column].concat();
        let seeds = tested.iter().map(|training| training.seed.to_string());
        let steps = tested.iter().map(|training| training.agent.steps.to_string());
        let seeds = seeds.chain(["mean", "standard deviation"].map(str::to_owned)).collect();
        let mut table = vec![first(("seed", seeds))];
        table.push(first((
            "network of step",
            steps.chain([String::new(), String::new()]).collect(),
        )));
        for (name, value) in columns {
            let values: Vec<f64> = tested.iter().filter_map(value).collect();
            let Some(Estimate { mean, deviation, .. }) = Estimate::of(&values) else { continue };
            let values = values.into_iter().chain([mean, deviation.unwrap_or(0.0)]);
            table.push(first((name, values.map(|value| format!("{value:.4}")).collect())));
        }
        // The columns as rows.
        (0..tested.len() + 3)
            .map(|row| table.iter().map(|column| column[row].clone()).collect())
            .collect()
    }

    /// Copies the policy of the training that its validation dialogues chose.
    fn keep_best(&self, tested: &[TestedTraining], out: &mut Output) -> Result<(), CliError> {
        let agents: Vec<TrainedAgent> = tested.iter().map(|t| t.agent.clone()).collect();
        let Some(best) = chosen(&agents).map(|best| &tested[best]) else { return Ok(()) };
        let path = self.args.out.join("policy.toml");
        let policy = self.plan.signature(&self.models.model);
        let policy = PolicyFile::policy(&best.agent.network, best.agent.steps, policy);
        atomic::write(&path, policy.to_toml().as_bytes())?;
        let (seed, path) = (best.seed, path.display());
        writeln!(out, "seed {seed} has the best validation reward: its policy is {path}")?;
        out.set("best_seed", seed);
        Ok(())
    }
}

/// Who scores tests independently, in the table.
fn independent_reward(evaluation: Evaluation) -> &'static str {
    match evaluation {
        Evaluation::True => "test reward, true",
        _ => "test reward, other dialogues",
    }
}
