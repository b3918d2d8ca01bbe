//! Dialogues of many users at once on one device and one cloud: every turn is a request to the
//! simulation engine.
//!
//! The device has one lane, the cloud a given number; both serve first come, first served. Dialogue
//! i belongs to user i modulo the number of users, and the dialogues of a user are consecutive. In
//! a closed loop a turn arrives a think time after the answer to the previous one; in an open loop
//! turns arrive at a fixed interval. Latency counts from a turn's arrival and includes the waiting
//! time, in the budget and in the reward, whose latency term is normalised over the kinds of calls
//! and not clipped. A single user in a closed loop never waits: that is the published setting.
//! Turns that arrive at the same instant are decided and queued in the order of user numbers.
//!
//! Service times are those of the cost table; only waiting times come from the simulated clock, in
//! whole nanoseconds. The spent budget that a policy sees counts answered turns only. A policy is
//! told how long a call to either side would wait. This is exact, since later calls queue behind
//! it.
//!
//! Users travel with requests ([`Request::source`]); all other state of dialogues is in `Session`,
//! which drives the step machine of the engine.

use super::cost::Cost;
use super::evaluate::{DialogueResult, Scorer};
use super::model::DialogueModel;
use super::policy::{OffloadPolicy, TurnContext};
use crate::config::Problems;
use crate::contract::{AccuracySource, Event, Observer, Plan, Timeline, Trigger, View};
use crate::core::ids::{
    AppId, Arrival, Completion, Request, SourceId, TrueClass, VariantId, WorkerId,
};
use crate::core::rng::Rng;
use crate::core::units::{Span, Time};
use crate::engine::{SimError, Simulation, StepOutcome};
use crate::system::catalog::{AppSpec, DecisionOverhead, OutcomeModel, SystemSpec, WorkerSpec};
use crate::system::deadline_budget::DeadlineBudget;
use crate::system::faults::{BeliefError, Stalls};
use crate::system::ground_truth::GroundTruth;
use crate::system::latency::{LatencyFit, LatencyPoints};
use crate::system::penalty::Penalty;
use crate::system::profile::{Profile, VariantCost, VariantProfile};
use crate::traces::recorded::SourceSplit;
use crate::workload::{Arrivals, ClientPool};
use std::sync::Arc;

/// Concurrent users, their pacing, and what policies are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MultiUserSpec {
    /// Number of concurrent users, at least 1.
    pub users: u32,
    /// When a user's next turn arrives.
    pub pacing: TurnPacing,
    /// Calls that the cloud serves concurrently, at least 1.
    pub cloud_lanes: u16,
    /// Policies are told waiting times of 0.
    pub no_queue_info: bool,
}

/// When a user's next turn arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TurnPacing {
    /// This long after the answer to the previous turn.
    Closed(Span),
    /// This long after the previous turn; first turns are spread evenly over the first interval.
    Open(Span),
}

const DEVICE: WorkerId = WorkerId(0);
const CLOUD: WorkerId = WorkerId(1);
/// Worker classes of [`DEVICE`] and [`CLOUD`].
const CLASSES: [&str; 2] = ["device", "cloud"];

/// Runs each of `dialogues` once, concurrently by user. Results are in the order of `dialogues`.
///
/// # Errors
/// The catalog cannot be built, or the simulation failed.
pub fn evaluate(
    model: &DialogueModel,
    scorer: Scorer<'_>,
    dialogues: &[usize],
    policy: &mut dyn OffloadPolicy,
    budget: Cost,
    spec: MultiUserSpec,
) -> Result<Vec<DialogueResult>, String> {
    let truth = Arc::new(ground_truth(model, spec.cloud_lanes).map_err(|p| p.to_string())?);
    let mut session = Session::new((model, scorer), dialogues, policy, budget, spec);
    let arrivals = TurnArrivals::new(&session.turns_by_user(), spec.pacing);
    let rng = Rng::new(0, 0);
    let mut sim =
        Simulation::new(truth, Box::new(arrivals), AccuracySource::Profiled, rng, "dialogues");
    session.run(&mut sim).map_err(|error| error.to_string())?;
    Ok(session.into_results())
}

/// Service time of a call in simulated time, in whole nanoseconds.
fn service(model: &DialogueModel, action: usize) -> Span {
    Span::from_s(model.spend(action).latency_s).max(Span(1))
}

/// Two workers, device and cloud: the device serves the local answer, the cloud one variant for
/// every subset of views.
fn ground_truth(model: &DialogueModel, cloud_lanes: u16) -> Result<GroundTruth, Problems> {
    let variants = (0..model.actions().len()).map(|action| {
        let latency = service(model, action);
        let cost = VariantCost {
            worker_class: CLASSES[usize::from(action > 0)].to_owned(),
            latency: LatencyPoints::one_by_one(latency),
            load: Span::ZERO,
            load_cold: None,
        };
        VariantProfile {
            name: model.actions().name(action),
            shares: None,
            bytes: 0,
            accuracy: 1.0,
            recall: vec![1.0],
            samples: Vec::new(),
            costs: vec![cost],
        }
    });
    let budget = DeadlineBudget::Fixed(Span(1));
    let profile = Profile::of_variants("dialogue", budget, variants.collect());
    let lanes = |(class, lanes)| WorkerSpec { lanes, ..WorkerSpec::new(class) };
    GroundTruth::build(&SystemSpec {
        apps: vec![AppSpec::new(Arc::new(profile))],
        workers: CLASSES.into_iter().zip([1, cloud_lanes]).map(lanes).collect(),
        penalty: Penalty::sigmoid(),
        outcome: OutcomeModel::Drawn,
        sources: SourceSplit::All,
        cold_loads: false,
        latency_fit: LatencyFit::default(),
        batch_scaling: None,
        noise_cv: 0.0,
        stalls: Stalls::NONE,
        belief_error: BeliefError::default(),
        outcome_correlation: 0.0,
        overhead: DecisionOverhead::default(),
        preemption: false,
        drop_late: false,
    })
}

/// The arrival process: which user sends a turn, and when.
struct TurnArrivals {
    pool: ClientPool,
    pacing: TurnPacing,
    /// By user: the number of turns left, the turn in flight of a closed loop included.
    left: Vec<usize>,
}

impl TurnArrivals {
    fn new(turns_by_user: &[usize], pacing: TurnPacing) -> Self {
        let users = turns_by_user.len() as u32;
        let left = turns_by_user.to_vec();
        let mut arrivals = Self { pool: ClientPool::default(), pacing, left };
        for user in 0..users {
            let first = match pacing {
                TurnPacing::Closed(think) => think,
                TurnPacing::Open(gap) => gap.scale(f64::from(user) / f64::from(users)),
            };
            arrivals.schedule(user, Time::ZERO + first);
        }
        arrivals
    }

    /// The user's next turn, if one is left, arrives at `at`.
    fn schedule(&mut self, user: u32, at: Time) {
        if self.left[user as usize] > 0 {
            self.pool.think(user, at);
        }
    }
}

impl Arrivals for TurnArrivals {
    fn next_arrival(&mut self) -> Option<Arrival> {
        let (time, client) = self.pool.send()?;
        if let TurnPacing::Open(gap) = self.pacing {
            self.left[client as usize] -= 1;
            self.schedule(client, time + gap);
        }
        let truth = TrueClass { class: 0, row: TrueClass::NO_ROW };
        let source = Some(SourceId::new(client));
        Some(Arrival { time, app: AppId(0), source, budget: Span(1), truth })
    }

    fn observes_completions(&self) -> bool {
        true
    }

    fn request_ended(&mut self, number: u32, at: Time, next: &mut Option<Arrival>) {
        let Some(user) = self.pool.ended(number) else { return };
        let TurnPacing::Closed(think) = self.pacing else { return };
        self.left[user as usize] -= 1;
        self.schedule(user, at + think);
        if self.pool.overtakes(*next) {
            *next = self.next_arrival();
        }
    }
}

/// One of the dialogues of a session.
struct Progress {
    /// Index into the workload's dialogues.
    dialogue: usize,
    /// Actions of the turns that have arrived.
    actions: Vec<usize>,
    /// Expected response scores of these actions.
    responses: Vec<f64>,
    /// Sums over answered turns.
    result: DialogueResult,
}

/// All dialogues of a run. Decides turns as they arrive, and sums up answered ones.
struct Session<'a> {
    model: &'a DialogueModel,
    scorer: Scorer<'a>,
    policy: &'a mut dyn OffloadPolicy,
    budget: Cost,
    spec: MultiUserSpec,
    dialogues: Vec<Progress>,
    /// By user: the index into `dialogues` and the number of the turn that arrives next.
    next: Vec<(usize, usize)>,
    /// By request number: the index into `dialogues` and the number of the turn.
    turns: Vec<(usize, usize)>,
    /// Backlogs of device and cloud.
    backlogs: [Timeline; 2],
    /// Scratch: the state of the turn that is decided.
    state: Vec<i8>,
}

impl<'a> Session<'a> {
    fn new(
        (model, scorer): (&'a DialogueModel, Scorer<'a>),
        dialogues: &[usize],
        policy: &'a mut dyn OffloadPolicy,
        budget: Cost,
        spec: MultiUserSpec,
    ) -> Self {
        let progress = |dialogue: &usize| Progress {
            dialogue: *dialogue,
            actions: Vec::new(),
            responses: Vec::new(),
            result: DialogueResult::default(),
        };
        Self {
            model,
            scorer,
            policy,
            budget,
            spec,
            dialogues: dialogues.iter().map(progress).collect(),
            next: (0..spec.users as usize).map(|user| (user, 0)).collect(),
            turns: Vec::new(),
            backlogs: Default::default(),
            state: Vec::new(),
        }
    }

    fn length(&self, index: usize) -> usize {
        self.model.workload.dialogues[self.dialogues[index].dialogue].turns.len()
    }

    /// By user: the number of turns of all dialogues.
    fn turns_by_user(&self) -> Vec<usize> {
        let own = |user| (user..self.dialogues.len()).step_by(self.next.len());
        (0..self.next.len()).map(|user| own(user).map(|index| self.length(index)).sum()).collect()
    }

    /// Runs the simulation to its end.
    fn run(&mut self, sim: &mut Simulation) -> Result<(), SimError> {
        let mut plan = Plan::default();
        while sim.advance(self)? == StepOutcome::Decide {
            self.decide(&sim.view(), sim.trigger(), &mut plan);
            sim.apply(&mut plan, self)?;
        }
        Ok(())
    }

    fn into_results(self) -> Vec<DialogueResult> {
        let result =
            |Progress { actions, result, .. }| DialogueResult { actions, ..result }.averaged();
        self.dialogues.into_iter().map(result).collect()
    }

    /// Records which turn a request is: the next one of its user.
    fn arrive(&mut self, request: &Request) {
        let user = request.source.map_or(0, SourceId::index);
        let (index, turn) = self.next[user];
        self.turns.push((index, turn));
        let last = turn + 1 == self.length(index);
        self.next[user] = if last { (index + self.next.len(), 0) } else { (index, turn + 1) };
    }

    /// Assigns every turn that has just arrived.
    fn decide(&mut self, view: &View<'_>, trigger: Trigger<'_>, plan: &mut Plan) {
        for (worker, backlog) in [DEVICE, CLOUD].into_iter().zip(&mut self.backlogs) {
            view.backlog_end(worker, backlog);
        }
        for request in trigger.arrived.iter().filter_map(|id| view.request(*id)) {
            let action = self.choose(request, view.now());
            let worker = if action == 0 { DEVICE } else { CLOUD };
            let variant = VariantId(action as u16);
            view.estimate_append(&mut self.backlogs[worker.index()], variant, 1);
            plan.assign(worker, variant, [request.id]);
        }
    }

    fn choose(&mut self, request: &Request, now: Time) -> usize {
        let wait_s = |backlog: &Timeline| backlog.free_at().since(now).as_s();
        let waits_s =
            if self.spec.no_queue_info { [0.0; 2] } else { self.backlogs.each_ref().map(wait_s) };
        let (index, _) = self.turns[request.id.number() as usize];
        let Progress { dialogue, actions, responses, result } = &mut self.dialogues[index];
        let (model, dialogue, spent, budget) = (self.model, *dialogue, result.spent, self.budget);
        let whole = &model.workload.dialogues[dialogue];
        model.state(whole, actions, &mut self.state);
        let (past, state) = (actions.as_slice(), self.state.as_slice());
        let context = TurnContext { model, dialogue, past, state, spent, budget, waits_s };
        let action = self.policy.choose(&context);
        responses.push(self.scorer.response(whole, model.actions(), (past, state), action));
        actions.push(action);
        action
    }

    /// Adds an answered turn to the result of its dialogue.
    fn complete(&mut self, done: &Completion<'_>) {
        let (index, turn) = self.turns[done.request.id.number() as usize];
        let Progress { dialogue, actions, responses, result } = &mut self.dialogues[index];
        let views = &self.model.workload.dialogues[*dialogue].turns[turn].association;
        let latency = done.finished.since(done.request.arrival);
        let waited_s = (latency - service(self.model, actions[turn])).as_s();
        result.add(self.model, responses[turn], views, actions[turn]);
        result.delay(self.model, waited_s);
    }
}

impl Observer for Session<'_> {
    fn on(&mut self, event: Event<'_>) {
        match event {
            Event::Arrived { request } => self.arrive(request),
            Event::Completed(done) => self.complete(done),
            _ => {}
        }
    }
}
