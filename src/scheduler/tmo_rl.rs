//! A learned dispatcher: deadline order, and a network chooses the variant of the head's batch, and
//! where there are several workers which of them runs it: idle workers are asked in order, and a
//! worker may leave the head to a later one, or to one that is busy now.
//!
//! The idea of TMO (a small agent, trained by PPO, A2C or DQN, decides about every request),
//! carried over to a device that serves several applications; what it sees and what it is rewarded
//! for are ours. It sees more than TMO's agents do: what each choice would earn and how long it
//! would take, which is what planners plan by, so that training begins at `lo-edf` and has to find
//! out what a choice costs those who come later. `peeksim train EXPERIMENT` makes policies; the
//! best output is chosen, and no coin is tossed. O(choices · parameters) per batch.
//!
//! A lane that waits for a load is left for later: what it should run next is decided when it can.

use super::dispatch::{BATCHING, Batching, DecisionContext, Dispatcher, VariantChoice};
use super::features::{Featurizer, Observation, catalogue};
use super::{BuildContext, SchedulerEntry};
use crate::config::{Decoder, Kind, Location, Problem, Problems, Setting, Value, decode, source};
use crate::contract::{AccuracySource, Plan, Scheduler, Trigger, View};
use crate::core::ids::VariantId;
use crate::rl::checkpoint::{PolicyFile, PolicyKind, PolicySignature};
use crate::rl::net::{Activations, Mlp, best};
use crate::system::catalog::Catalog;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub(super) const ENTRY: SchedulerEntry = SchedulerEntry {
    name: "tmo-rl",
    summary: "deadline order, a trained network chooses worker and variant of the head's batch",
    source: "ours, after the agents of TMO (Yuan et al., MobiHoc 2025)",
    settings: &[
        &[Setting::optional(
            "policy",
            Kind::Text,
            "the first variant of the list",
            "The file of a policy that `peeksim train` wrote for this experiment.",
        )],
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
    let sight = Featurizer::new(catalog);
    let ends = (sight.inputs(), sight.outputs());
    let fits = |network: &Mlp| (network.inputs(), network.outputs()) == ends;
    let place = Location::file(path).field("layers");
    let expected = "as many inputs, outputs and parameters as the catalogue asks for";
    let network = stored.network().filter(fits);
    network.ok_or_else(|| Problem::new(place, "a network of another shape", expected).into())
}

/// A dispatcher that does what the network finds best.
fn greedy(catalog: &Catalog, network: Option<Mlp>, batching: Batching) -> Dispatcher {
    let sight = Featurizer::new(catalog);
    let network = network.or_else(|| sight.blank());
    let (mut seen, mut trace) = (Observation::default(), Activations::default());
    dispatcher(catalog, batching, move |moment| {
        sight.observe(moment, batching, &mut seen);
        let outputs = network.as_ref()?.forward(&seen.inputs, &mut trace);
        Featurizer::variant(moment, best(outputs, &seen.allowed))
    })
}

/// A dispatcher in deadline order by a rule, asked only about lanes that are free now.
fn dispatcher(
    catalog: &Catalog,
    batching: Batching,
    mut rule: impl FnMut(&DecisionContext<'_>) -> Option<VariantId> + Send + 'static,
) -> Dispatcher {
    let rule = move |moment: &DecisionContext<'_>| {
        if moment.cursor.is_open(moment.view.now()) { rule(moment) } else { None }
    };
    let key = Box::new(|_: &View<'_>, request: &crate::core::ids::Request| request.deadline.0);
    let dispatcher = Dispatcher::new(catalog, key, VariantChoice::Rule(Box::new(rule)), batching);
    if catalog.worker_ids().len() > 1 { dispatcher.looking_around() } else { dispatcher }
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
/// with what it is told.
pub struct SteppedDispatcher {
    dispatcher: Dispatcher,
    sight: Featurizer,
    turn: Arc<Mutex<PendingChoice>>,
}

/// Between the dispatcher, who asks, and whoever answers.
#[derive(Default)]
struct PendingChoice {
    asks: bool,
    answer: Option<usize>,
    seen: Observation,
    /// Which worker is asked about. Those before it have had their say at this instant.
    worker: u16,
}

fn lock(turn: &Mutex<PendingChoice>) -> MutexGuard<'_, PendingChoice> {
    // Nothing is left half done by whoever panicked.
    turn.lock().unwrap_or_else(PoisonError::into_inner)
}

impl SteppedDispatcher {
    /// For the runs of a catalog.
    pub fn new(catalog: &Catalog) -> Self {
        let (sight, batching) = (Featurizer::new(catalog), Batching::USUAL);
        let turn = Arc::<Mutex<PendingChoice>>::default();
        let (shared, eye) = (Arc::clone(&turn), sight.clone());
        let dispatcher = dispatcher(catalog, batching, move |moment| {
            let mut turn = lock(&shared);
            if moment.worker.0 < turn.worker {
                return None;
            }
            if let Some(output) = turn.answer.take() {
                let variant = Featurizer::variant(moment, output);
                turn.worker += u16::from(variant.is_none());
                return variant;
            }
            // Another worker may be idle, too: one after the other.
            if !std::mem::replace(&mut turn.asks, true) {
                turn.worker = moment.worker.0;
                eye.observe(moment, batching, &mut turn.seen);
            }
            None
        });
        Self { dispatcher, sight, turn }
    }

    /// How many numbers are seen.
    pub fn inputs(&self) -> usize {
        self.sight.inputs()
    }

    /// How many choices there are.
    pub fn outputs(&self) -> usize {
        self.sight.outputs()
    }

    /// How many of the numbers are about each choice.
    pub fn by_output(&self) -> usize {
        self.sight.by_output()
    }

    /// Goes on; true if a choice is due.
    pub fn decide(&mut self, view: &View<'_>, trigger: Trigger<'_>, plan: &mut Plan) -> bool {
        lock(&self.turn).worker = 0;
        self.dispatcher.decide(view, trigger, plan);
        lock(&self.turn).asks
    }

    /// Goes on at the same instant with this choice, after what came before was applied; true if
    /// another is due.
    pub fn go_on(&mut self, view: &View<'_>, output: usize, plan: &mut Plan) -> bool {
        {
            let mut turn = lock(&self.turn);
            (turn.asks, turn.answer) = (false, Some(output));
        }
        self.dispatcher.decide(view, Trigger::new(&[], &[], &[], false), plan);
        lock(&self.turn).asks
    }

    /// Writes what is seen where a choice is due.
    pub fn observe(&self, into: &mut [f32]) {
        let turn = lock(&self.turn);
        into.iter_mut().zip(&turn.seen.inputs).for_each(|(x, seen)| *x = *seen);
    }

    /// Writes what can be chosen there.
    pub fn mask(&self, allowed: &mut [bool]) {
        let turn = lock(&self.turn);
        allowed.iter_mut().zip(&turn.seen.allowed).for_each(|(x, seen)| *x = *seen);
    }
}
