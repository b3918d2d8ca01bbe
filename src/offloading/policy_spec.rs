//! Policies by their settings: those of [`POLICIES`], agents that are trained on the spot,
//! decisions and networks from files, and the optimum.

use super::agent_cache::AgentCache;
use super::agents::{AgentSpec, chosen, train_agents};
use super::cost::Cost;
use super::evaluate::{DialogueResult, Scorer, evaluate, train};
use super::folds::FoldModels;
use super::multi_user::{self, MultiUserSpec};
use super::network_policy::NetworkPolicy;
use super::optimum::{MAX_DECISIONS, Tree};
use super::policies::{self, POLICIES};
use super::policy::OffloadPolicy;
use super::recorded_policy::RecordedPolicy;
use super::training_env::{
    BudgetDistribution, Constraint, DISTRIBUTIONS, StateTransition, TrainingPlan,
};
use crate::config::settings::{EntrySettings, Registry, names};
use crate::config::source::{self, Source};
use crate::config::{
    ConfigNode, Decoder, Group, Kind, Location, Problem, Problems, Setting, Value, decode,
};
use crate::core::rng::Rng;
use crate::rl::Algorithm;
use std::sync::Arc;

/// A policy that is no entry of [`POLICIES`].
pub struct OtherPolicy {
    /// The name.
    pub name: &'static str,
    /// What it does, in a line.
    pub summary: &'static str,
    /// Where it comes from.
    pub source: &'static str,
    settings: &'static [Setting],
}

const AGENT_SOURCE: &str = "trained as the TMO authors train theirs, with the settings given";
const OPTIMUM: &str = "optimum";
const RECORDED: &str = "decisions";
const LEARNED: &str = "learned";
const ALWAYS: &str = "always";

/// The policies that need a file, a training, or all turns of a dialogue.
pub const OTHER_POLICIES: [OtherPolicy; 6] = [
    OtherPolicy {
        name: OPTIMUM,
        summary: "the best sequence of decisions within the budget, all turns known; exact",
        source: "upper bound; Handler and Zang, Networks 10, 1980",
        settings: &[],
    },
    OtherPolicy {
        name: RECORDED,
        summary: "the decisions of a table `dialogue,turn,action`",
        source: "any source of decisions, for example a language model",
        settings: &[FILE],
    },
    OtherPolicy {
        name: LEARNED,
        summary: "a network that `peeksim train` wrote",
        source: "see `train`",
        settings: &[FILE],
    },
    agent("a2c", "an agent trained on the training dialogues by advantage actor-critic"),
    agent("ppo", "an agent trained on the training dialogues by proximal policy optimisation"),
    agent("dqn", "an agent trained on the training dialogues by a deep Q-network"),
];

const fn agent(name: &'static str, summary: &'static str) -> OtherPolicy {
    OtherPolicy { name, summary, source: AGENT_SOURCE, settings: AGENT }
}

const FILE: Setting = Setting::required("file", Kind::Text).means("The file.");
const TURNS: Setting = Setting::integer("turns", [0, 100_000_000], 30_000)
    .means("Training turns of a policy that learns without a network.");
const ACTION: Setting =
    Setting::required("action", Kind::Text).means("The action, as `local` or `cloud+0+2`.");
/// The distribution that always gives the budget that is tested.
const FIXED: &str = "fixed";
const DRAWS: [&str; 4] = [FIXED, "normal", "uniform", "extreme-aware"];
const AGENT: &[Setting] = &[
    Setting::choice("constraint", &names(&Constraint::ALL))
        .means("How the budget is enforced while the agent learns."),
    Setting::choice("transition", &names(&StateTransition::ALL))
        .means("Which action the next state of a training follows from."),
    Setting::choice("budgets", &DRAWS).means(
        "The budgets of training episodes: the one that is tested, or drawn between those of local \
         answers and of all views in the cloud.",
    ),
    Setting::flag("raw_budget", false).means(
        "Whether the agent sees the remaining budget in seconds and dollars, not as shares.",
    ),
    Setting::integer("steps", [1, 100_000_000], 30_000).means("Steps of a training."),
    Setting::integer("trainings", [1, 1000], 1).means("Trainings, each with its own seed."),
    Setting::flag("validate", false).means(
        "Whether trainings stop early, and the best of them is chosen, by every fourth training \
         dialogue, of which they learn nothing. Otherwise the row is the mean over the trainings.",
    ),
];

/// The keys of every policy.
const COMMON: Group = Group::named("policy")
    .of(&[&[Setting::required("name", Kind::Text).means("The name of the policy.")]]);

/// The policies as tables of an experiment.
pub const POLICY: Registry = Registry {
    name: "policy",
    tag: "name",
    common: &COMMON,
    entries: || {
        let listed = POLICIES.iter().map(|entry| EntrySettings {
            name: entry.name,
            summary: entry.summary,
            settings: own_settings(entry.name).to_vec(),
        });
        let other = OTHER_POLICIES.iter().map(|entry| EntrySettings {
            name: entry.name,
            summary: entry.summary,
            settings: entry.settings.to_vec(),
        });
        listed.chain(other).collect()
    },
    optional: false,
};

/// The settings of an entry of [`POLICIES`].
fn own_settings(name: &str) -> &'static [Setting] {
    match name {
        ALWAYS => &[ACTION],
        "epsilon-greedy" | "ucb1" | "thompson" | "linucb" => &[TURNS],
        _ => &[],
    }
}

/// A policy with its settings.
#[derive(Clone, Debug)]
pub enum PolicySpec {
    /// The best sequence of decisions.
    Optimum,
    /// An entry of [`POLICIES`], as `always:cloud+0`, and the number of turns from which it learns.
    Listed(String, usize),
    /// A table of decisions.
    Recorded(Arc<Source>),
    /// The path of a network.
    Learned(String),
    /// An agent, and whether its training budget is the one that is tested.
    Agent(AgentSpec, bool),
}

/// What a policy is tested with.
#[derive(Clone, Copy, Debug)]
pub struct PolicyTest<'a> {
    /// The dialogues and the estimators.
    pub models: &'a FoldModels,
    /// The budget of a dialogue.
    pub budget: Cost,
    /// Concurrent users, if dialogues are not run one at a time.
    pub users: Option<&'a MultiUserSpec>,
    /// Draws of policies.
    pub rng: Rng,
    /// The seed of the first training of an agent.
    pub training_seed: u64,
    /// Agents that were trained before.
    pub agents: &'a AgentCache,
}

/// What came of a test.
#[derive(Clone, Debug, Default)]
pub struct PolicyOutcome {
    /// By training (one for a policy that is not trained) and test dialogue: the result; `None` for
    /// a dialogue whose budget no actions keep.
    pub trainings: Vec<Vec<Option<DialogueResult>>>,
    /// The training that was chosen by validation; all count alike if there is none.
    pub chosen: Option<usize>,
}

impl PolicySpec {
    /// Reads a name or a table; `locate` finds the files that it names.
    pub fn read(
        node: &ConfigNode,
        locate: &mut dyn FnMut(&str) -> String,
        problems: &mut Problems,
    ) -> Option<Self> {
        let named = decode::named(node, POLICY.tag);
        let mut read = Decoder::new(&named, &COMMON, problems);
        let name = read.text("name");
        let listed = POLICIES.iter().find(|entry| entry.name == name);
        let other = OTHER_POLICIES.iter().find(|entry| entry.name == name);
        match (listed, other) {
            (Some(entry), _) => match own_settings(entry.name) {
                [] => {}
                [setting] if setting.key == ACTION.key => read.describe(entry.name, &[&[ACTION]]),
                _ => read.describe(entry.name, &[&[TURNS]]),
            },
            (_, Some(other)) => match other.settings {
                [] => {}
                [_] => read.describe(other.name, &[&[FILE]]),
                _ => read.describe(other.name, &[AGENT]),
            },
            _ => {
                let place = node.get("name").unwrap_or(node).place.clone();
                let known = POLICIES.iter().map(|entry| entry.name);
                let known = known.chain(OTHER_POLICIES.iter().map(|entry| entry.name));
                problems.push(Problem::unknown(place, "policy", &name, known));
                return None;
            }
        }
        let spec = match name.as_str() {
            OPTIMUM => Some(Self::Optimum),
            RECORDED | LEARNED => {
                let file = read.require("file", "the path of a file");
                let path = file.and_then(|file| decode::text(file, read.problems())).map(locate);
                path.and_then(|path| Self::of_file(&name, &path, read.problems()))
            }
            ALWAYS => {
                let action = read.require("action", "an action, as `local` or `cloud+0`");
                let action = action.and_then(|action| decode::text(action, read.problems()));
                action.map(|action| Self::Listed(format!("{ALWAYS}:{action}"), 0))
            }
            _ if listed.is_some() => {
                let learns = !own_settings(&name).is_empty();
                let turns = if learns { read.integer("turns") as usize } else { 0 };
                Some(Self::Listed(name, turns))
            }
            _ => Some(Self::read_agent(&name, &mut read)),
        };
        read.finish();
        spec
    }

    fn read_agent(name: &str, read: &mut Decoder<'_>) -> Self {
        let algorithm = Algorithm::ALL.iter().find(|(known, _)| *known == name);
        let draws: Vec<(&str, Option<BudgetDistribution>)> = std::iter::once((FIXED, None))
            .chain(DISTRIBUTIONS.iter().map(|(name, draw)| (*name, Some(*draw))))
            .collect();
        let constraint = read.choice("constraint", &Constraint::ALL);
        let transition = read.choice("transition", &StateTransition::ALL);
        let draw = read.choice("budgets", &draws);
        let fixed = BudgetDistribution::Fixed(Cost::PUBLISHED);
        let raw_budget = read.flag("raw_budget");
        let plan = TrainingPlan { transition, constraint, draw: draw.unwrap_or(fixed), raw_budget };
        let spec = AgentSpec {
            algorithm: algorithm.map_or(Algorithm::Ppo, |(_, algorithm)| *algorithm),
            plan,
            steps: read.integer("steps") as usize,
            trainings: read.integer("trainings") as usize,
            validates: read.flag("validate"),
        };
        Self::Agent(spec, draw.is_none())
    }

    fn of_file(name: &str, path: &str, problems: &mut Problems) -> Option<Self> {
        match source::read(path) {
            Ok(source) if name == RECORDED => Some(Self::Recorded(Arc::new(source))),
            Ok(_) => Some(Self::Learned(path.to_owned())),
            Err(problem) => {
                problems.push(problem);
                None
            }
        }
    }

    /// Reads a name as `offload` has it, with an action or a file behind a colon: `always:cloud+0`,
    /// `decisions:FILE`, `learned:FILE`.
    ///
    /// # Errors
    /// There is no such policy, or no such file.
    pub fn parse(text: &str) -> Result<Self, Problems> {
        let (name, rest) = text.split_once(':').map_or((text, None), |(a, b)| (a, Some(b)));
        let place = Location::file("--policy");
        let node =
            |value: &str| ConfigNode { place: place.clone(), value: Value::Text(value.to_owned()) };
        let mut entries = vec![("name".to_owned(), node(name))];
        let key = if name == ALWAYS { "action" } else { "file" };
        entries.extend(rest.map(|rest| (key.to_owned(), node(rest))));
        let table = ConfigNode { place: place.clone(), value: Value::table(entries) };
        let mut problems = Problems::default();
        let spec = Self::read(&table, &mut str::to_owned, &mut problems);
        problems.check(spec)
    }

    /// Checks what can be checked before a run: that actions and networks fit.
    ///
    /// # Errors
    /// What does not fit.
    pub fn check(&self, models: &FoldModels) -> Result<(), Problems> {
        match self {
            Self::Listed(name, _) => {
                policies::build(name, &models.model, Rng::new(0, 0))?;
            }
            Self::Recorded(source) => {
                let all: Vec<usize> = (0..models.model.workload.dialogues.len()).collect();
                RecordedPolicy::parse(source, &models.model.workload, &all)?;
            }
            Self::Optimum | Self::Learned(_) | Self::Agent(..) => {}
        }
        Ok(())
    }

    /// Tests the policy on the test dialogues of a fold.
    ///
    /// # Errors
    /// The policy does not fit the dialogues, or the simulation of users failed.
    pub fn test(&self, test: &PolicyTest<'_>) -> Result<PolicyOutcome, Problems> {
        let model = &test.models.model;
        match self {
            Self::Optimum => Ok(PolicyOutcome::single(optimum(test)?)),
            Self::Listed(name, turns) => {
                let mut policy = policies::build(name, model, test.rng)?;
                if policy.learns() {
                    let learned = policy.as_mut();
                    train(model, model.trained_on(), learned, test.budget, *turns, test.rng);
                }
                Ok(PolicyOutcome::single(test.run(policy.as_mut())?))
            }
            Self::Recorded(source) => {
                let tested = &test.models.fold.test;
                let mut policy = RecordedPolicy::parse(source, &model.workload, tested)?;
                Ok(PolicyOutcome::single(test.run(&mut policy)?))
            }
            Self::Learned(path) => {
                let mut policy = NetworkPolicy::load(path, model)?;
                Ok(PolicyOutcome::single(test.run(&mut policy)?))
            }
            Self::Agent(spec, fixed) => {
                let mut spec = spec.clone();
                if *fixed {
                    spec.plan.draw = BudgetDistribution::Fixed(test.budget);
                }
                let seed = test.training_seed;
                let train = || train_agents(model, &spec, test.budget, seed);
                // Without validation the tested budget enters by `spec` alone.
                let budget = spec.validates.then_some(test.budget);
                let signature = spec.plan.signature(model);
                let agents =
                    test.agents.get(format!("{signature:?} {spec:?} {budget:?} {seed}"), train)?;
                let chosen = chosen(&agents);
                let tested = agents.into_iter().map(|agent| {
                    let mut policy = NetworkPolicy::new(agent.network, spec.plan);
                    test.run(&mut policy)
                });
                Ok(PolicyOutcome { trainings: tested.collect::<Result<_, _>>()?, chosen })
            }
        }
    }
}

impl PolicyOutcome {
    fn single(results: Vec<Option<DialogueResult>>) -> Self {
        Self { trainings: vec![results], chosen: None }
    }
}

impl PolicyTest<'_> {
    /// The results of a policy by test dialogue.
    fn run(&self, policy: &mut dyn OffloadPolicy) -> Result<Vec<Option<DialogueResult>>, Problem> {
        let FoldModels { fold, model, .. } = self.models;
        let scorer = self.models.scorer();
        let results = match self.users {
            None => evaluate(model, scorer, &fold.test, policy, self.budget),
            Some(spec) => {
                multi_user::evaluate(model, scorer, &fold.test, policy, self.budget, spec)
                    .map_err(|error| Problem::new(Location::file("--users"), error, "a run"))?
            }
        };
        Ok(results.into_iter().map(Some).collect())
    }
}

/// The best sequence of each test dialogue by who scores. Refused if a dialogue has too many: a
/// mean over the others would be one over shorter dialogues.
fn optimum(test: &PolicyTest<'_>) -> Result<Vec<Option<DialogueResult>>, Problem> {
    let Scorer::Estimator(model) = test.models.scorer() else {
        let found = "`optimum` by the law that generated the dialogues";
        let expected = "another policy: only sequences scored by an estimator are searched";
        return Err(Problem::new(Location::file("--policy"), found, expected));
    };
    if test.users.is_some() {
        let found = "`optimum` with users, whose queues it does not know";
        return Err(Problem::new(Location::file("--policy"), found, "dialogues one at a time"));
    }
    let best = |dialogue: &usize| {
        let tree = Tree::new(model, *dialogue).ok_or_else(|| {
            let turns = model.workload.dialogues[*dialogue].turns.len();
            let actions = model.actions().len();
            let found = format!("`optimum` of a dialogue with {turns} turns of {actions} actions");
            let expected = format!("at most {MAX_DECISIONS} decisions to compare");
            Problem::new(Location::file("--policy"), found, expected)
        })?;
        Ok(tree.best(Some(test.budget)))
    };
    test.models.fold.test.iter().map(best).collect()
}
