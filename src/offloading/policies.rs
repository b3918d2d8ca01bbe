//! The list of policies, and those that learn nothing.

use super::bandit::{Bandit, Rule};
use super::linucb::LinUcb;
use super::model::DialogueModel;
use super::policy::{OffloadPolicy, TurnContext};
use crate::config::{Location, Problem};
use crate::core::rng::{Label, Rng};

/// One line of the list of policies.
pub struct PolicyEntry {
    /// The name; that of `always` is followed by a colon and an action.
    pub name: &'static str,
    /// What it does, in a line.
    pub summary: &'static str,
    /// Where it comes from.
    pub source: &'static str,
    build: Build,
}

/// Makes a policy.
type Build = fn(&DialogueModel, Rng) -> Box<dyn OffloadPolicy>;

const AUTHORS: &str = "baseline of the TMO authors' code, tmo/evaluator.py";
const NULL: &str = "null model";
const PLANNER: &str = "one-step planner on the TMO estimator; not in the authors' code";
/// The policy with a parameter.
const ALWAYS: &str = "always";

const fn entry(
    name: &'static str,
    summary: &'static str,
    source: &'static str,
    build: Build,
) -> PolicyEntry {
    PolicyEntry { name, summary, source, build }
}

/// Every policy that needs no training by gradients.
pub const POLICIES: &[PolicyEntry] = &[
    entry("local", "always the device", AUTHORS, |_, _| Box::new(Always(0))),
    entry("cloud", "the cloud with views drawn uniformly", AUTHORS, |_, rng| {
        Box::new(Random { rng, local: 0.0 })
    }),
    entry("random", "the device with probability 1/2, else as `cloud`", AUTHORS, |_, rng| {
        Box::new(Random { rng, local: 0.5 })
    }),
    entry("uniform", "every action equally often", NULL, |model, rng| {
        Box::new(Random { rng, local: 1.0 / model.actions().len() as f64 })
    }),
    entry(ALWAYS, "one action, as in `always:cloud+0+1`", NULL, |_, _| Box::new(Always(0))),
    entry(
        "greedy-knn",
        "the best expected reward of this turn, with mean associations of the training dialogues",
        PLANNER,
        |_, _| Box::new(Greedy::default()),
    ),
    entry(
        "greedy-knn-association",
        "as `greedy-knn`, with the association of the turn itself",
        PLANNER,
        |_, _| Box::new(Greedy { sees_association: true, ..Greedy::default() }),
    ),
    entry(
        "greedy-knn-guarded",
        "as `greedy-knn`, among the actions that the budget allows",
        PLANNER,
        |_, _| Box::new(Greedy { guarded: true, ..Greedy::default() }),
    ),
    entry(
        "tmo-rl-plus",
        "as `greedy-knn-guarded`, with scores shrunk towards those of more recorded turns",
        "ours: means over 5, 10 and 20 neighbours, since the errors of few are not repeated by \
         another sample",
        |_, _| Box::new(Greedy { guarded: true, shrinks: true, ..Greedy::default() }),
    ),
    entry(
        "epsilon-greedy",
        "mean reward by task and action, a tenth of the actions at random while learning",
        "Sutton and Barto, Reinforcement Learning, 2nd ed. 2018, section 2.2",
        |model, rng| Box::new(Bandit::new(Rule::EpsilonGreedy, model, rng)),
    ),
    entry(
        "ucb1",
        "mean reward by task and action, plus an exploration bonus",
        "Auer, Cesa-Bianchi and Fischer, Machine Learning 47, 2002, figure 1",
        |model, rng| Box::new(Bandit::new(Rule::Ucb1, model, rng)),
    ),
    entry(
        "thompson",
        "mean reward by task and action, drawn from its posterior",
        "Agrawal and Goyal, AISTATS 2013, algorithm 2 (normal priors)",
        |model, rng| Box::new(Bandit::new(Rule::Thompson, model, rng)),
    ),
    entry(
        "linucb",
        "reward linear in task and previous turn, plus an exploration bonus; budget by prices",
        "Li, Chu, Langford and Schapire, WWW 2010, algorithm 1; prices of the budget as in \
         Badanidiyuru, Kleinberg and Slivkins, FOCS 2013; the combination is ours",
        |model, _| Box::new(LinUcb::new(model)),
    ),
];

/// Makes the policy called `name`.
///
/// # Errors
/// Names the policy or the action that is unknown.
pub fn build(
    name: &str,
    model: &DialogueModel,
    rng: Rng,
) -> Result<Box<dyn OffloadPolicy>, Problem> {
    let action = name.strip_prefix(ALWAYS).and_then(|action| action.strip_prefix(':'));
    if let Some(action) = action.and_then(|action| model.actions().parse(action)) {
        return Ok(Box::new(Always(action)));
    }
    if let Some(action) = action {
        let expected = model.actions().expected();
        return Err(Problem::new(Location::file("--policy"), format!("`{action}`"), expected));
    }
    let entry = POLICIES.iter().find(|entry| entry.name == name && name != ALWAYS);
    entry.map(|entry| (entry.build)(model, rng)).ok_or_else(|| {
        let known = POLICIES.iter().map(|entry| entry.name);
        Problem::unknown(Location::file("--policy"), "policy", name, known)
    })
}

/// One action for every turn.
struct Always(usize);

impl OffloadPolicy for Always {
    fn choose(&mut self, _: &TurnContext<'_>) -> usize {
        self.0
    }
}

/// The device with some probability, else a uniformly drawn cloud action.
struct Random {
    rng: Rng,
    /// Probability of the device.
    local: f64,
}

impl OffloadPolicy for Random {
    fn choose(&mut self, context: &TurnContext<'_>) -> usize {
        // Keyed by the turn, so that policies with the same seed are compared on the same draws.
        let turn = context.past.len() as u64;
        let unit =
            |which| self.rng.keyed_unit(Label::Policy, context.dialogue as u64, turn << 1 | which);
        let cloud = context.model.actions().len() - 1;
        if unit(0) < self.local { 0 } else { 1 + (unit(1) * cloud as f64) as usize }
    }
}

/// The best expected reward of the next answer.
#[derive(Default)]
struct Greedy {
    /// Whether it takes only actions that the budget allows.
    guarded: bool,
    /// Whether scores are shrunk towards those of more recorded turns.
    shrinks: bool,
    /// Whether it is shown the turn's own association, not the mean of the training dialogues.
    sees_association: bool,
}

impl OffloadPolicy for Greedy {
    fn choose(&mut self, context: &TurnContext<'_>) -> usize {
        let own = &context.turn().association;
        let mean = context.model.mean_association();
        let views = if self.sees_association { own } else { mean };
        let mut scores = Vec::new();
        if self.shrinks {
            context.model.shrunk_responses(context.state, &mut scores);
        } else {
            context.model.responses(context.state, &mut scores);
        }
        context.best_action(&scores, views, self.guarded)
    }
}
