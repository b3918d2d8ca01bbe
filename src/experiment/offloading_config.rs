//! The settings of a run of an offloading study, and the run.

use super::input_cache::InputCache;
use super::run::RunResult;
use super::settings::OFFLOADING;
use super::settings::offloading::{
    at_setting, read_budget, read_costs, read_dialogues, read_fold_plan, read_model,
};
use super::settings::read_users;
use crate::config::{ConfigNode, Decoder, Problems};
use crate::core::rng::{Label, Rng};
use crate::metrics::{Cell, DIALOGUE_COLUMNS};
use crate::offloading::agent_cache::AgentCache;
use crate::offloading::dialogue_row::{NUMBERS, Numbers, means, numbers, training_sd};
use crate::offloading::dialogue_source::DialogueSource;
use crate::offloading::evaluate::DialogueResult;
use crate::offloading::multi_user::MultiUserSpec;
use crate::offloading::policy_spec::{PolicyOutcome, PolicySpec, PolicyTest};
use crate::offloading::{Cost, Evaluation, FoldModels, FoldPlan, ModelParams, Workload};

/// The configuration of a run, ready to run.
#[derive(Clone, Debug)]
pub struct OffloadingConfig {
    /// Where dialogues come from.
    pub dialogues: DialogueSource,
    /// Costs, reward, estimator.
    pub params: ModelParams,
    /// Who scores, and how dialogues are dealt out.
    pub plan: FoldPlan,
    /// The budget of a dialogue.
    pub budget: Cost,
    /// What decides.
    pub policy: PolicySpec,
    /// Concurrent users; without them dialogues are run one at a time.
    pub users: Option<MultiUserSpec>,
    /// The agents that runs of the sweep have trained.
    agents: AgentCache,
}

/// Steps of a training that is only to be timed.
const TRIAL_STEPS: usize = 2_048;

/// One dialogue under one training of a policy.
struct DialogueLine {
    /// The name of the dialogue.
    name: String,
    /// Index into the dialogues of the replicate.
    dialogue: usize,
    fold: usize,
    training: usize,
    numbers: Numbers,
    /// Names of the actions, in order.
    actions: String,
}

impl OffloadingConfig {
    /// Decodes the settings of a grid point and checks that a run of it can start.
    ///
    /// # Errors
    /// What is wrong with the settings and with the files that they name.
    pub fn read(node: &ConfigNode, inputs: &mut InputCache) -> Result<Self, Problems> {
        let mut problems = Problems::default();
        let mut read = Decoder::new(node, &OFFLOADING, &mut problems);
        let dialogues = read_dialogues(&mut read, inputs);
        let budget = read_budget(&mut read);
        let costs = read_costs(node, &mut read, dialogues.as_ref(), inputs);
        let params = read_model(&mut read, costs, budget);
        let plan = read_fold_plan(node, &mut read, dialogues.as_ref(), inputs);
        let policy = read.require("policy", "the name of a policy").cloned();
        let users = read.take("users");
        let has_users = users.is_some();
        let users = users.and_then(|node| read_users(node, inputs, read.problems()));
        read.finish();
        let policy = policy.and_then(|node| {
            let mut locate = |path: &str| {
                inputs.note(path);
                inputs.locate(path)
            };
            PolicySpec::read(&node, &mut locate, &mut problems)
        });
        let (Some(dialogues), Some(params), Some(policy)) = (dialogues, params, policy) else {
            return Err(problems);
        };
        if !problems.is_empty() || users.is_some() != has_users {
            return Err(problems);
        }
        if let Some(Err(problem)) = users.as_ref().map(|users| users.check(&params.costs)) {
            problems.push(problem);
            return Err(problems);
        }
        let agents = inputs.agents().clone();
        let config = Self { dialogues, params, plan, budget, policy, users, agents };
        match config.first_fold() {
            Ok(()) => Ok(config),
            Err(found) => {
                let found = found.iter().map(|problem| at_setting(node, problem.clone()));
                found.for_each(|problem| problems.push(problem));
                Err(problems)
            }
        }
    }

    /// Fits the first fold of the first replicate, so that what does not fit is known at once.
    fn first_fold(&self) -> Result<(), Problems> {
        let rng = Rng::new(0, 0);
        let data = self.dialogues.workload(rng);
        let tests = self.plan.tests(&data, rng, 0)?;
        if let Some(fold) = tests.into_iter().next() {
            let models = FoldModels::new(&data, fold, self.plan.evaluation, &self.params)?;
            self.policy.check(&models)?;
        }
        Ok(())
    }

    /// Who scores.
    pub fn evaluation(&self) -> Evaluation {
        self.plan.evaluation
    }

    /// A run that takes less time, and about which share of it: agents are trained for fewer steps.
    pub fn shortened(&self) -> (Self, f64) {
        let mut short = self.clone();
        let PolicySpec::Agent(agent, _) = &mut short.policy else { return (short, 1.0) };
        let steps = agent.steps.min(TRIAL_STEPS);
        let share = steps as f64 / agent.steps as f64 / agent.trainings as f64;
        (agent.steps, agent.trainings) = (steps, 1);
        (short, share)
    }

    /// Makes a run: the cells of its row, and a row for each dialogue and training.
    ///
    /// # Errors
    /// Why it failed.
    pub fn run(&self, rng: Rng, replicate: u64) -> Result<RunResult, Problems> {
        let data = self.dialogues.workload(rng);
        let users = self.users.clone().map(|users| MultiUserSpec { rng, ..users });
        let mut lines: Vec<DialogueLine> = Vec::new();
        let mut spread: Vec<Vec<Numbers>> = Vec::new();
        let tests = self.plan.tests(&data, rng, replicate)?;
        for (at, fold) in tests.into_iter().enumerate() {
            let models = FoldModels::new(&data, fold, self.plan.evaluation, &self.params)?;
            let training_seed = rng.keyed(Label::Policy, u64::MAX, at as u64);
            let (models, budget, users) = (&models, self.budget, users.as_ref());
            let agents = &self.agents;
            let test = PolicyTest { models, budget, users, rng, training_seed, agents };
            let outcome = self.policy.test(&test)?;
            let PolicyOutcome { trainings, chosen } = &outcome;
            spread.resize(trainings.len().max(spread.len()), Vec::new());
            for (training, results) in trainings.iter().enumerate() {
                let counts = chosen.is_none_or(|chosen| chosen == training);
                for (dialogue, result) in models.fold.test.iter().zip(results) {
                    let line = self.line(&data, (*dialogue, at, training), result.as_ref());
                    spread[training].push(line.numbers);
                    lines.extend(counts.then_some(line));
                }
            }
        }
        Ok(result(lines, &spread))
    }

    fn line(
        &self,
        data: &Workload,
        (dialogue, fold, training): (usize, usize, usize),
        result: Option<&DialogueResult>,
    ) -> DialogueLine {
        let actions = &data.actions;
        let taken = result.map_or(&[][..], |result| &result.actions);
        let taken: Vec<String> = taken.iter().map(|action| actions.name(*action)).collect();
        DialogueLine {
            name: data.dialogues[dialogue].id.clone(),
            dialogue,
            fold,
            training,
            numbers: numbers(result, data.dialogues[dialogue].turns.len(), self.budget, actions),
            actions: taken.join(" "),
        }
    }
}

/// The row of a run from its dialogues.
fn result(lines: Vec<DialogueLine>, spread: &[Vec<Numbers>]) -> RunResult {
    let mean = means(lines.iter().map(|line| &line.numbers));
    let rewards = spread.iter().filter_map(|training| means(training)[0]);
    let deviation = training_sd(&rewards.collect::<Vec<f64>>());
    let cells = mean.into_iter().chain([deviation]);
    let table = lines.into_iter().map(DialogueLine::cells);
    let table = table.collect();
    debug_assert_eq!(NUMBERS + 1, DIALOGUE_COLUMNS.len());
    RunResult {
        cells: cells.map(|cell| Cell::from(cell).to_string()).collect(),
        quantiles: Vec::new(),
        tables: vec![table],
        error: String::new(),
    }
}

impl DialogueLine {
    /// The cells of a row of `dialogues.csv`, after those that name the run.
    fn cells(self) -> Vec<String> {
        let Self { name, dialogue, fold, training, numbers, actions } = self;
        let mut cells = vec![name, dialogue.to_string(), fold.to_string(), training.to_string()];
        cells.extend(numbers.map(|number| Cell::from(number).to_string()));
        cells.push(actions);
        cells
    }
}
