//! A learned dispatcher: deadline order, and a network chooses the variant of the head's batch, and
//! the worker if there are several: idle workers are tried in order, and the network may leave the
//! head to a later one, or to one that is busy now.
//!
//! The idea of TMO (a small agent, trained by PPO, A2C or DQN, decides about every request) on a
//! device that serves several applications; observations and rewards are ours. The agent observes
//! more than those of TMO: the utility and the time of each choice, as planners do, so that
//! training begins at the rule of `lo-edf` and learns what a choice costs later requests. `peeksim
//! train EXPERIMENT` makes policies; the best output is chosen, not sampled. O(choices ·
//! parameters) per batch.
//!
//! A lane that waits for a load gets no batch before the load ends.

use crate::config::{Decoder, Kind, Location, Problem, Problems, Setting, Value, decode, source};
use crate::contract::{AccuracySource, Plan, Scheduler, Trigger, View};
use crate::core::ids::VariantId;
use crate::rl::checkpoint::{PolicyFile, PolicyKind, PolicySignature};
use crate::rl::net::{Activations, Mlp, best};
use crate::scheduler::dispatch::dispatcher::{
    BATCHING, Batching, DecisionContext, Dispatcher, VariantChoice,
};
use crate::scheduler::learned::features::{Featurizer, Observation, catalogue};
use crate::scheduler::{BuildContext, SchedulerEntry};
use crate::system::catalog::Catalog;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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
        Box::new(greedy(context.catalog, network, batching))
    },
};

/// The network of `policy`; a blank one if there is none, or none that fits.
fn read_policy(fields: &mut Decoder<'_>, context: &BuildContext<'_>) -> Option<Mlp> {
    let path = fields.take("policy").and_then(|node| decode::text(node, fields.problems()))?;
    match load(path, context.catalog, accuracy(fields)) {
        Ok(network) => Some(network),
        Err(more) => {
            fields.problems().extend(more);
            None
        }
    }
}

/// Where accuracies come from here; a name that is unknown is refused elsewhere.
fn accuracy(fields: &mut Decoder<'_>) -> AccuracySource {
    let named = fields.take("accuracy").map(|node| &node.value);
    let known = |name: &str| AccuracySource::ALL.iter().find(|(known, _)| *known == name);
    let Some(Value::Text(name)) = named else { return AccuracySource::Profiled };
    known(name).map_or(AccuracySource::Profiled, |(_, info)| *info)
}

/// Reads a policy; one that was learned for something else is refused, naming what differs.
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

/// A dispatcher that does what the network finds best.
fn greedy(catalog: &Catalog, network: Option<Mlp>, batching: Batching) -> Dispatcher {
    let featurizer = Featurizer::new(catalog);
    let network = network.or_else(|| featurizer.blank());
    let (mut observation, mut trace) = (Observation::default(), Activations::default());
    dispatcher(catalog, batching, move |context| {
        featurizer.observe(context, batching, &mut observation);
        let outputs = network.as_ref()?.forward(&observation.inputs, &mut trace);
        Featurizer::variant(context, best(outputs, &observation.allowed))
    })
}

/// A dispatcher in deadline order by a rule, asked only about lanes that are free now.
fn dispatcher(
    catalog: &Catalog,
    batching: Batching,
    mut rule: impl FnMut(&DecisionContext<'_>) -> Option<VariantId> + Send + 'static,
) -> Dispatcher {
    let rule = move |context: &DecisionContext<'_>| {
        if context.timeline.is_open(context.view.now()) { rule(context) } else { None }
    };
    let key = Box::new(|_: &View<'_>, request: &crate::core::ids::Request| request.deadline.0);
    let dispatcher = Dispatcher::new(catalog, key, VariantChoice::Rule(Box::new(rule)), batching);
    if catalog.worker_ids().len() > 1 { dispatcher.with_all_timelines() } else { dispatcher }
}

/// The scheduler of a network that is still being trained.
pub fn trained(catalog: &Catalog, network: Mlp) -> Box<dyn Scheduler> {
    Box::new(greedy(catalog, Some(network), Batching::USUAL))
}

/// What a policy that is trained here depends on.
pub fn policy_catalogue(catalog: &Catalog, info: AccuracySource) -> PolicySignature {
    catalogue(catalog, info)
}

/// The same dispatcher without a network: it stops where a variant is to be chosen, and goes on
/// with the output that it is given.
pub struct SteppedDispatcher {
    dispatcher: Dispatcher,
    featurizer: Featurizer,
    pending: Arc<Mutex<PendingChoice>>,
}

/// The choice that the dispatcher waits for, shared with its rule.
#[derive(Default)]
struct PendingChoice {
    /// Whether a choice is due.
    is_due: bool,
    /// The output that was chosen.
    answer: Option<usize>,
    observation: Observation,
    /// The worker whose choice is due. Those before it are decided at this instant.
    worker: u16,
}

fn lock(pending: &Mutex<PendingChoice>) -> MutexGuard<'_, PendingChoice> {
    // A thread that panicked left no value half written.
    pending.lock().unwrap_or_else(PoisonError::into_inner)
}

impl SteppedDispatcher {
    /// For the runs of a catalog.
    pub fn new(catalog: &Catalog) -> Self {
        let (featurizer, batching) = (Featurizer::new(catalog), Batching::USUAL);
        let pending = Arc::<Mutex<PendingChoice>>::default();
        let (shared, observer) = (Arc::clone(&pending), featurizer.clone());
        let dispatcher = dispatcher(catalog, batching, move |context| {
            let mut pending = lock(&shared);
            if context.worker.0 < pending.worker {
                return None;
            }
            if let Some(output) = pending.answer.take() {
                let variant = Featurizer::variant(context, output);
                pending.worker += u16::from(variant.is_none());
                return variant;
            }
            // Several workers may be idle: one choice after another.
            if !std::mem::replace(&mut pending.is_due, true) {
                pending.worker = context.worker.0;
                observer.observe(context, batching, &mut pending.observation);
            }
            None
        });
        Self { dispatcher, featurizer, pending }
    }

    /// The number of inputs of an observation.
    pub fn inputs(&self) -> usize {
        self.featurizer.inputs()
    }

    /// The number of outputs to choose from.
    pub fn outputs(&self) -> usize {
        self.featurizer.outputs()
    }

    /// The number of inputs that belong to each output.
    pub fn by_output(&self) -> usize {
        self.featurizer.by_output()
    }

    /// Decides until a choice is due, and returns whether one is.
    pub fn decide(&mut self, view: &View<'_>, trigger: Trigger<'_>, plan: &mut Plan) -> bool {
        lock(&self.pending).worker = 0;
        self.dispatcher.decide(view, trigger, plan);
        lock(&self.pending).is_due
    }

    /// Goes on at the same instant with a chosen output, after the plan so far was applied; returns
    /// whether another choice is due.
    pub fn go_on(&mut self, view: &View<'_>, output: usize, plan: &mut Plan) -> bool {
        {
            let mut pending = lock(&self.pending);
            (pending.is_due, pending.answer) = (false, Some(output));
        }
        self.dispatcher.decide(view, Trigger::new(&[], &[], &[], false), plan);
        lock(&self.pending).is_due
    }

    /// Writes the inputs of the choice that is due.
    pub fn observe(&self, into: &mut [f32]) {
        let pending = lock(&self.pending);
        into.iter_mut().zip(&pending.observation.inputs).for_each(|(x, input)| *x = *input);
    }

    /// Writes which outputs are allowed there.
    pub fn mask(&self, allowed: &mut [bool]) {
        let pending = lock(&self.pending);
        allowed
            .iter_mut()
            .zip(&pending.observation.allowed)
            .for_each(|(x, is_allowed)| *x = *is_allowed);
    }
}
