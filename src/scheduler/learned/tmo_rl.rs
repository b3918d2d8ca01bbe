//! A learned dispatcher: deadline order, and a network chooses the variant of the head's batch, and
//! the worker if there are several: idle workers are tried in order, and the network may leave the
//! head to a later one, or to one that is busy now.
//!
//! The idea of TMO (a small agent, trained by PPO, A2C or DQN, decides about every request) on a
//! device that serves several applications; observations and rewards are ours. The agent observes
//! more than those of TMO: the utility and the time of each choice, as planners do, so that
//! training begins at the rule of `lo-edf` and learns the cost of a choice to later requests.
//! `peeksim train EXPERIMENT` makes policies; the best output is chosen, not sampled. O(choices ·
//! parameters) per batch.
//!
//! A lane that waits for a load gets no batch before the load ends.

use crate::config::{Decoder, Kind, Location, Problem, Problems, Setting, Value, decode, source};
use crate::contract::{AccuracySource, Plan, Scheduler, Trigger, View};
use crate::core::ids::{Request, VariantId};
use crate::rl::checkpoint::{PolicyFile, PolicyKind};
use crate::rl::net::{Activations, Mlp, best};
use crate::scheduler::dispatch::dispatcher::{
    BATCHING, Batching, DecisionContext, Dispatcher, VariantRule,
};
use crate::scheduler::learned::features::{Featurizer, Observation, catalogue};
use crate::scheduler::{BuildContext, SchedulerEntry};
use crate::system::catalog::Catalog;

pub const ENTRY: SchedulerEntry = SchedulerEntry {
    name: "tmo-rl",
    summary: "deadline order, a trained network chooses worker and variant of the head's batch",
    source: "ours, after the agents of TMO (Yuan et al., MobiHoc 2025)",
    settings: &[
        &[Setting::optional("policy", Kind::Text, "the first variant of the list")
            .means("The file of a policy that `peeksim train` wrote for this experiment.")],
        BATCHING,
    ],
    accuracy: Some(AccuracySource::Profiled),
    build: |fields, context| {
        let batching = Batching::read(fields);
        let network = read_policy(fields, context);
        greedy(context.catalog, network, batching)
    },
};

/// The network of the setting `policy`.
fn read_policy(fields: &mut Decoder<'_>, context: &BuildContext<'_>) -> Option<Mlp> {
    let path = fields.take("policy").and_then(|node| decode::text(node, fields.problems()))?;
    load(path, context.catalog, accuracy(fields))
        .map_err(|more| fields.problems().extend(more))
        .ok()
}

/// The source of accuracies; an unknown name is refused elsewhere.
fn accuracy(fields: &mut Decoder<'_>) -> AccuracySource {
    let name = match fields.take("accuracy").map(|node| &node.value) {
        Some(Value::Text(name)) => name.as_str(),
        _ => "",
    };
    let known = AccuracySource::ALL.into_iter().find(|(known, _)| *known == name);
    known.map_or(AccuracySource::Profiled, |(_, source)| source)
}

/// Reads a policy; one that was trained for another system is refused with the differences.
fn load(path: &str, catalog: &Catalog, info: AccuracySource) -> Result<Mlp, Problems> {
    let stored = PolicyFile::parse(&source::read(path)?, PolicyKind::Policy)?;
    stored.check(&catalogue(catalog, info), path)?;
    let featurizer = Featurizer::new(catalog);
    let ends = (featurizer.inputs(), featurizer.outputs());
    let fits = |network: &Mlp| (network.inputs(), network.outputs()) == ends;
    let place = Location::file(path).field("layers");
    let expected = "as many inputs, outputs and parameters as the catalogue asks for";
    let network = stored.network().filter(fits);
    network.ok_or_else(|| Problem::new(place, "a network of another shape", expected).into())
}

/// Asked only about lanes that are free now, in deadline order.
#[derive(Clone, Copy)]
struct FreeLane<R>(R);

impl<R: VariantRule> VariantRule for FreeLane<R> {
    fn choose(&mut self, context: &DecisionContext<'_>) -> Option<VariantId> {
        let is_free = context.timeline.is_open(context.view.now());
        if is_free { self.0.choose(context) } else { None }
    }
}

type DeadlineDispatcher<R> = Dispatcher<fn(&View<'_>, &Request) -> u64, FreeLane<R>>;

fn dispatcher<R: VariantRule>(
    catalog: &Catalog,
    batching: Batching,
    rule: R,
) -> DeadlineDispatcher<R> {
    let key: fn(&View<'_>, &Request) -> u64 = |_, request| request.deadline.0;
    let dispatcher = Dispatcher::new(catalog, key, FreeLane(rule), batching);
    if catalog.worker_ids().len() > 1 { dispatcher.with_all_timelines() } else { dispatcher }
}

/// A dispatcher that chooses the best output of the network; a blank one if there is none.
fn greedy(catalog: &Catalog, network: Option<Mlp>, batching: Batching) -> Box<dyn Scheduler> {
    let featurizer = Featurizer::new(catalog);
    let network = network.or_else(|| featurizer.blank());
    let (mut observation, mut trace) = (Observation::default(), Activations::default());
    let rule = move |context: &DecisionContext<'_>| {
        featurizer.observe(context, batching, &mut observation);
        let outputs = network.as_ref()?.forward(&observation.inputs, &mut trace);
        Featurizer::variant(context, best(outputs, &observation.allowed))
    };
    Box::new(dispatcher(catalog, batching, rule))
}

/// The scheduler of a network in training.
pub fn trained(catalog: &Catalog, network: Mlp) -> Box<dyn Scheduler> {
    greedy(catalog, Some(network), Batching::DEFAULT)
}

/// The dispatcher without a network: it stops at every choice of a variant, and continues with the
/// output that it is given.
pub struct SteppedDispatcher(DeadlineDispatcher<PendingChoice>);

/// The choice that the dispatcher waits for.
struct PendingChoice {
    featurizer: Featurizer,
    is_due: bool,
    /// The chosen output.
    answer: Option<usize>,
    observation: Observation,
    /// The worker of the choice. Those before it have been decided at this instant.
    worker: u16,
}

impl VariantRule for PendingChoice {
    fn choose(&mut self, context: &DecisionContext<'_>) -> Option<VariantId> {
        if context.worker.0 < self.worker {
            return None;
        }
        if let Some(output) = self.answer.take() {
            let variant = Featurizer::variant(context, output);
            self.worker += u16::from(variant.is_none());
            return variant;
        }
        // Several workers may be idle: one choice after another.
        if !std::mem::replace(&mut self.is_due, true) {
            self.worker = context.worker.0;
            self.featurizer.observe(context, Batching::DEFAULT, &mut self.observation);
        }
        None
    }
}

impl SteppedDispatcher {
    /// A dispatcher for the runs of a catalog.
    pub fn new(catalog: &Catalog) -> Self {
        let (featurizer, observation) = (Featurizer::new(catalog), Observation::default());
        let choice =
            PendingChoice { featurizer, is_due: false, answer: None, observation, worker: 0 };
        Self(dispatcher(catalog, Batching::DEFAULT, choice))
    }

    fn choice(&self) -> &PendingChoice {
        &self.0.rule.0
    }

    fn choice_mut(&mut self) -> &mut PendingChoice {
        &mut self.0.rule.0
    }

    /// The number of inputs of an observation.
    pub fn inputs(&self) -> usize {
        self.choice().featurizer.inputs()
    }

    /// The number of outputs to choose from.
    pub fn outputs(&self) -> usize {
        self.choice().featurizer.outputs()
    }

    /// The number of inputs that belong to each output.
    pub fn by_output(&self) -> usize {
        self.choice().featurizer.by_output()
    }

    /// Decides until a choice is due, and returns whether one is.
    pub fn decide(&mut self, view: &View<'_>, trigger: Trigger<'_>, plan: &mut Plan) -> bool {
        self.choice_mut().worker = 0;
        self.0.decide(view, trigger, plan);
        self.choice().is_due
    }

    /// Continues at the same instant with a chosen output, after the plan so far was applied;
    /// returns whether another choice is due.
    pub fn go_on(&mut self, view: &View<'_>, output: usize, plan: &mut Plan) -> bool {
        let choice = self.choice_mut();
        (choice.is_due, choice.answer) = (false, Some(output));
        self.0.decide(view, Trigger::default(), plan);
        self.choice().is_due
    }

    /// Writes the inputs of the choice that is due.
    pub fn observe(&self, into: &mut [f32]) {
        let inputs = &self.choice().observation.inputs;
        into.iter_mut().zip(inputs).for_each(|(into, input)| *into = *input);
    }

    /// Writes which outputs it may choose.
    pub fn mask(&self, into: &mut [bool]) {
        let allowed = &self.choice().observation.allowed;
        into.iter_mut().zip(allowed).for_each(|(into, is_allowed)| *into = *is_allowed);
    }
}
