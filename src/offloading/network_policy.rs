//! What was learned, as a policy, and what such a policy was learned for.
//!
//! The catalogue of a policy names everything that its training depended on but for the learner's
//! own settings: the dialogues, which of them were learned from, costs, weights, metric and ties. A
//! policy is used only where all of it is the same, so it never meets a dialogue that it was
//! trained on: what is tested on there is what was not learned from. The budget may be another, if
//! the agent is shown what is left of it.

use super::estimator::{Metric, NeighbourTies};
use super::model::DialogueModel;
use super::policy::{OffloadPolicy, TurnContext};
use super::training_env::{Constraint, TrainingPlan, most};
use crate::config::{Location, Problem, Problems, source};
use crate::rl::checkpoint::{PolicyFile, PolicyKind, PolicySignature};
use crate::rl::net::{Activations, Mlp, best};

/// Digits of a hash that stand in a catalogue.
const DIGITS: usize = 16;

impl TrainingPlan {
    /// What a policy that is learned so depends on.
    pub fn catalogue(&self, model: &DialogueModel) -> PolicySignature {
        let budget = match (self.constraint, self.raw_budget) {
            (Constraint::Free, _) => "none",
            (_, true) => "raw",
            (_, false) => "share",
        };
        let masked = self.constraint == Constraint::Mask;
        let most = most(model);
        let entry = |name: &str, value: String| (name.to_owned(), value);
        let mut catalogue = signature(model);
        catalogue.extend([
            entry("budget", budget.to_owned()),
            entry("masked", if masked { "yes" } else { "no" }.to_owned()),
            entry("most", format!("{} s, {} USD", most.latency_s, most.usage_usd)),
        ]);
        if masked {
            catalogue.push(entry("longest", format!("{} turns", model.longest())));
        }
        catalogue
    }
}

/// What there is to decide, and what decisions lead to.
fn signature(model: &DialogueModel) -> PolicySignature {
    let entry = |name: &str, value: String| (name.to_owned(), value);
    let hash = |text: &str| source::hash(text)[..DIGITS].to_owned();
    let numbers = |values: &[f64]| values.iter().map(f64::to_string).collect::<Vec<_>>().join(", ");
    let actions: Vec<String> =
        (0..model.actions().len()).map(|action| model.actions().name(action)).collect();
    let params = &model.params;
    let metric = Metric::ALL.iter().find(|(_, metric)| *metric == params.metric);
    let ties = if params.ties == NeighbourTies::Shared { "shared" } else { "lowest index" };
    let weights = params.weights;
    let weights = [weights.response, weights.association, weights.latency, weights.usage];
    let (train, all) = (model.trained_on(), model.workload.dialogues.len());
    let split = format!("{} of {all} dialogues, {}", train.len(), hash(&format!("{train:?}")));
    vec![
        entry("actions", actions.join(", ")),
        entry("costs_s", numbers(&params.costs.latency_s)),
        entry("costs_usd", numbers(&params.costs.usage_usd)),
        entry("metric", metric.map_or("", |(name, _)| name).to_owned()),
        entry("split", split),
        entry("tasks", model.workload.tasks.join(", ")),
        entry("ties", ties.to_owned()),
        entry("turns", hash(&model.workload.to_csv())),
        entry("weights", numbers(&weights)),
        entry("window", params.window.to_string()),
    ]
}

/// A network that decides.
pub struct NetworkPolicy {
    network: Mlp,
    plan: TrainingPlan,
    trace: Activations,
}

impl NetworkPolicy {
    /// The choices of a network that was trained by `plan`.
    pub fn new(network: Mlp, plan: TrainingPlan) -> Self {
        Self { network, plan, trace: Activations::default() }
    }

    /// Reads a policy; one that was learned for something else, or from other dialogues, is
    /// refused, naming what differs.
    pub fn load(path: &str, model: &DialogueModel) -> Result<Self, Problems> {
        let stored = PolicyFile::parse(&source::read(path)?, PolicyKind::Policy)?;
        // How it sees the budget is the policy's own affair; all else must be as it is here.
        let says = |name: &str, value: &str| {
            stored.catalogue.iter().any(|(known, said)| known == name && said == value)
        };
        let constraint = match (says("budget", "none"), says("masked", "yes")) {
            (true, _) => Constraint::Free,
            (false, true) => Constraint::Mask,
            (false, false) => Constraint::Zero,
        };
        let raw_budget = says("budget", "raw");
        let plan = TrainingPlan { constraint, raw_budget, ..TrainingPlan::published(true) };
        stored.check(&plan.catalogue(model), path)?;
        let sizes = (plan.observation_len(model), model.actions().len());
        let network =
            stored.network().filter(|network| (network.inputs(), network.outputs()) == sizes);
        let network = network.ok_or_else(|| {
            let expected = "as many inputs, outputs and parameters as the catalogue asks for";
            Problem::new(
                Location::file(path).field("layers"),
                "a network of another shape",
                expected,
            )
        })?;
        Ok(Self::new(network, plan))
    }
}

impl OffloadPolicy for NetworkPolicy {
    fn choose(&mut self, context: &TurnContext<'_>) -> usize {
        let mut observation = vec![0.0; self.plan.observation_len(context.model)];
        let left = context.budget.plus(context.spent.times(-1.0));
        self.plan.observe(context.model, context.state, left, &mut observation);
        let masked = self.plan.constraint == Constraint::Mask;
        let open = |action| !masked || context.allows(action);
        let allowed: Vec<bool> = (0..context.model.actions().len()).map(open).collect();
        best(self.network.forward(&observation, &mut self.trace), &allowed)
    }
}
