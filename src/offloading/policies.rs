//! The list of policies, and those that learn nothing.

use super::bandit::{Bandit, Rule};
use super::linucb::LinUcb;
use super::lookahead::Lookahead;
use super::model::DialogueModel;
use super::policy::{OffloadPolicy, TurnContext};
use crate::config::{Location, Problem};
use crate::core::rng::{Label, Rng};

/// One line of the list of policies.
pub struct PolicyEntry {
    /// The name; a parameter follows after a colon.
    pub name: &'static str,
    /// What it does, in a line.
    pub summary: &'static str,
    /// Where it comes from.
    pub source: &'static str,
    /// Whether it has to learn on training dialogues first.
    pub learns: bool,
    /// Makes it from what follows the colon; `None` if that means nothing.
    build: fn(&DialogueModel, Rng, &str) -> Option<Box<dyn OffloadPolicy>>,
}

/// Where the simple ones come from.
const AUTHORS: &str = "baseline of the TMO authors' code, tmo/evaluator.py";
const PLANNER: &str = "one-step planner on the TMO estimator; not in the authors' code";

/// A policy without parameter.
fn plain(rest: &str, policy: impl OffloadPolicy + 'static) -> Option<Box<dyn OffloadPolicy>> {
    rest.is_empty().then(|| Box::new(policy) as Box<dyn OffloadPolicy>)
}

/// Every policy that needs no training by gradients.
pub const POLICIES: &[PolicyEntry] = &[
    PolicyEntry {
        name: "local",
        summary: "always the device",
        source: AUTHORS,
        learns: false,
        build: |_, _, rest| plain(rest, Always(0)),
    },
    PolicyEntry {
        name: "cloud",
        summary: "the cloud with views drawn uniformly",
        source: AUTHORS,
        learns: false,
        build: |_, rng, rest| plain(rest, Coin { rng, local: 0.0 }),
    },
    PolicyEntry {
        name: "random",
        summary: "the device half of the time, else as `cloud`",
        source: AUTHORS,
        learns: false,
        build: |_, rng, rest| plain(rest, Coin { rng, local: 0.5 }),
    },
    PolicyEntry {
        name: "uniform",
        summary: "every action equally often",
        source: "the customary null model",
        learns: false,
        build: |model, rng, rest| {
            plain(rest, Coin { rng, local: 1.0 / model.actions().len() as f64 })
        },
    },
    PolicyEntry {
        name: "always",
        summary: "one action, as in `always:cloud+0+1`",
        source: "the customary null model",
        learns: false,
        build: |model, _, rest| Some(Box::new(Always(model.actions().parse(rest)?))),
    },
    PolicyEntry {
        name: "greedy-knn",
        summary: "the best next reward by the estimator, association as in training on average",
        source: PLANNER,
        learns: false,
        build: |_, _, rest| plain(rest, Greedy { guarded: false, sees: false }),
    },
    PolicyEntry {
        name: "greedy-knn-association",
        summary: "as `greedy-knn`, and shown the turn's own association",
        source: PLANNER,
        learns: false,
        build: |_, _, rest| plain(rest, Greedy { guarded: false, sees: true }),
    },
    PolicyEntry {
        name: "greedy-knn-guarded",
        summary: "as `greedy-knn`, among the actions that the budget allows",
        source: PLANNER,
        learns: false,
        build: |_, _, rest| plain(rest, Greedy { guarded: true, sees: false }),
    },
    PolicyEntry {
        name: "tmo-rl-plus",
        summary: "the best reward of this turn and the next, among what the budget allows",
        source: "ours: two-step planner on the TMO estimator, counting how dialogues go on",
        learns: false,
        build: |model, _, rest| plain(rest, Lookahead::new(model)),
    },
    PolicyEntry {
        name: "epsilon-greedy",
        summary: "mean reward by task and action, a tenth of choices at random while learning",
        source: "Sutton and Barto, Reinforcement Learning, 2nd ed. 2018, section 2.2",
        learns: true,
        build: |model, rng, rest| plain(rest, Bandit::new(Rule::EpsilonGreedy, model, rng)),
    },
    PolicyEntry {
        name: "ucb1",
        summary: "mean reward by task and action, plus a bonus for what was tried little",
        source: "Auer, Cesa-Bianchi and Fischer, Machine Learning 47, 2002, figure 1",
        learns: true,
        build: |model, rng, rest| plain(rest, Bandit::new(Rule::Ucb1, model, rng)),
    },
    PolicyEntry {
        name: "thompson",
        summary: "mean reward by task and action, drawn from what is still believed possible",
        source: "Agrawal and Goyal, AISTATS 2013, algorithm 2 (normal priors)",
        learns: true,
        build: |model, rng, rest| plain(rest, Bandit::new(Rule::Thompson, model, rng)),
    },
    PolicyEntry {
        name: "linucb",
        summary: "reward linear in task and previous turn, plus a bonus; budget by prices",
        source: "Li, Chu, Langford and Schapire, WWW 2010, algorithm 1; prices of the budget as in \
                 Badanidiyuru, Kleinberg and Slivkins, FOCS 2013; the combination is ours",
        learns: true,
        build: |model, _, rest| plain(rest, LinUcb::new(model)),
    },
];

/// The list's line for `name`, with or without parameter.
pub fn find(name: &str) -> Option<&'static PolicyEntry> {
    let name = name.split_once(':').map_or(name, |(name, _)| name);
    POLICIES.iter().find(|entry| entry.name == name)
}

/// Makes the policy called `name`.
pub fn build(
    name: &str,
    model: &DialogueModel,
    rng: Rng,
) -> Result<Box<dyn OffloadPolicy>, Problem> {
    let rest = name.split_once(':').map_or("", |(_, rest)| rest);
    find(name).and_then(|entry| (entry.build)(model, rng, rest)).ok_or_else(|| {
        let known = POLICIES.iter().map(|entry| entry.name);
        Problem::unknown(Location::file("--policy"), "policy", name, known)
    })
}

/// One action for everything.
struct Always(usize);

impl OffloadPolicy for Always {
    fn choose(&mut self, _: &TurnContext<'_>) -> usize {
        self.0
    }
}

/// The device with some probability, else one of the cloud's actions.
struct Coin {
    rng: Rng,
    local: f64,
}

impl OffloadPolicy for Coin {
    fn choose(&mut self, context: &TurnContext<'_>) -> usize {
        // Keyed by the turn, so that policies with the same seed are compared on the same coins.
        let turn = context.past.len() as u64;
        let unit =
            |which| self.rng.keyed_unit(Label::Policy, context.dialogue as u64, turn << 1 | which);
        let cloud = context.model.actions().len() - 1;
        if unit(0) < self.local { 0 } else { 1 + (unit(1) * cloud as f64) as usize }
    }
}

/// Looks one turn ahead.
struct Greedy {
    guarded: bool,
    /// Whether it is shown how well each view goes with the question.
    sees: bool,
}

impl OffloadPolicy for Greedy {
    fn choose(&mut self, context: &TurnContext<'_>) -> usize {
        let own = &context.turn().association;
        let views = if self.sees { own } else { context.model.mean_association() };
        context.greedy(views, self.guarded)
    }
}
