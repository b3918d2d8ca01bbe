//! Trained networks as policies, and the signature of a training.
//!
//! The signature of a policy names everything that its training depended on but for the settings of
//! the learner: the dialogues, the split, costs, weights, metric and ties. A policy is used only
//! where all of it is the same, so it is never tested on dialogues that it was trained on. The
//! budget may differ if the agent observes what is left of it.

use super::estimator::{Metric, NeighbourTies};
use super::model::DialogueModel;
use super::policy::{OffloadPolicy, TurnContext};
use super::training_env::{Constraint, TrainingPlan, highest_cost};
use crate::config::{Location, Problem, Problems, source};
use crate::rl::checkpoint::{PolicyFile, PolicyKind, PolicySignature, name_of, signature};
use crate::rl::net::{Activations, Mlp, best};

/// Digits of a hash in a signature.
const DIGITS: usize = 16;

impl TrainingPlan {
    /// The signature of policies that are trained by this plan.
    pub fn signature(&self, model: &DialogueModel) -> PolicySignature {
        let budget = match (self.constraint, self.raw_budget) {
            (Constraint::Free, _) => "none",
            (_, true) => "raw",
            (_, false) => "share",
        };
        let masked = self.constraint == Constraint::Mask;
        let most = highest_cost(model);
        let mut entries = model_signature(model);
        entries.extend(signature([
            ("budget", budget.to_owned()),
            ("masked", if masked { "yes" } else { "no" }.to_owned()),
            ("most", format!("{} s, {} USD", most.latency_s, most.usage_usd)),
        ]));
        if masked {
            entries.extend(signature([("longest", format!("{} turns", model.longest()))]));
        }
        entries
    }
}

/// The entries about dialogues, actions and rewards.
fn model_signature(model: &DialogueModel) -> PolicySignature {
    let hash = |text: &str| source::hash(text)[..DIGITS].to_owned();
    let numbers = |values: &[f64]| values.iter().map(f64::to_string).collect::<Vec<_>>().join(", ");
    let actions = (0..model.actions().len()).map(|action| model.actions().name(action));
    let params = &model.params;
    let ties = if params.ties == NeighbourTies::Shared { "shared" } else { "lowest index" };
    let weights = params.weights;
    let weights = [weights.response, weights.association, weights.latency, weights.usage];
    let (train, all) = (model.trained_on(), model.workload.dialogues.len());
    signature([
        ("actions", actions.collect::<Vec<_>>().join(", ")),
        ("costs_s", numbers(&params.costs.latency_s)),
        ("costs_usd", numbers(&params.costs.usage_usd)),
        ("metric", name_of(&Metric::ALL, params.metric).to_owned()),
        ("neighbours", params.neighbours.to_string()),
        ("normalisation", format!("{:?}", params.normalisation)),
        ("split", format!("{} of {all} dialogues, {}", train.len(), hash(&format!("{train:?}")))),
        ("tasks", model.workload.tasks.join(", ")),
        ("ties", ties.to_owned()),
        ("turns", hash(&model.workload.to_csv())),
        ("weights", numbers(&weights)),
        ("window", params.window.to_string()),
    ])
}

/// A trained network: the allowed action with the highest output.
pub struct NetworkPolicy {
    network: Mlp,
    plan: TrainingPlan,
    activations: Activations,
}

impl NetworkPolicy {
    /// The policy of a network that was trained by `plan`.
    pub fn new(network: Mlp, plan: TrainingPlan) -> Self {
        Self { network, plan, activations: Activations::default() }
    }

    /// Reads a policy.
    ///
    /// # Errors
    /// The file cannot be read, or its signature is not that of this model; names what differs.
    pub fn load(path: &str, model: &DialogueModel) -> Result<Self, Problems> {
        let stored = PolicyFile::parse(&source::read(path)?, PolicyKind::Policy)?;
        // How it observes the budget is its own choice; all else must be as it is here.
        let has = |name: &str, value: &str| {
            stored.signature.iter().any(|(known, found)| known == name && found == value)
        };
        let constraint = match (has("budget", "none"), has("masked", "yes")) {
            (true, _) => Constraint::Free,
            (false, true) => Constraint::Mask,
            (false, false) => Constraint::Zero,
        };
        let raw_budget = has("budget", "raw");
        let plan = TrainingPlan { constraint, raw_budget, ..TrainingPlan::published(true) };
        stored.check(&plan.signature(model), path)?;
        let shape = (plan.observation_len(model), model.actions().len());
        let network =
            stored.network().filter(|network| (network.inputs(), network.outputs()) == shape);
        let network = network.ok_or_else(|| {
            let place = Location::file(path).field("layers");
            let expected = "as many inputs, outputs and parameters as the catalogue asks for";
            Problem::new(place, "a network of another shape", expected)
        })?;
        Ok(Self::new(network, plan))
    }
}

impl OffloadPolicy for NetworkPolicy {
    fn choose(&mut self, context: &TurnContext<'_>) -> usize {
        let mut observation = vec![0.0; self.plan.observation_len(context.model)];
        let left = context.budget.minus(context.spent);
        self.plan.observe(context.model, context.state, left, &mut observation);
        let mut allowed = vec![true; context.model.actions().len()];
        self.plan.mask(context, &mut allowed);
        best(self.network.forward(&observation, &mut self.activations), &allowed)
    }
}
