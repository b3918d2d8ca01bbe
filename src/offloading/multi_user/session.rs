//! The dialogues of a run: decides turns as they arrive or come back, and sums up answered ones.

use super::system::System;
use super::workers::{CLOUD, DEVICE};
use super::{MultiUserSpec, TurnPacing, service};
use crate::contract::{Event, Observer, Plan, Timeline, Trigger, View};
use crate::core::ids::{Completion, Request, RequestId, SourceId, VariantId, WorkerId};
use crate::core::units::{Span, Time};
use crate::engine::{SimError, Simulation, StepOutcome};
use crate::offloading::cost::Cost;
use crate::offloading::evaluate::{DialogueResult, Scorer};
use crate::offloading::model::DialogueModel;
use crate::offloading::policy::{OffloadPolicy, TurnContext};
use crate::system::link::Link;
use std::collections::{BTreeMap, VecDeque};

/// One of the dialogues of a session.
struct Progress {
    /// Index into the workload's dialogues.
    dialogue: usize,
    /// Actions of the turns that have arrived, the last one of each.
    actions: Vec<usize>,
    /// Expected response scores of these actions, when they were chosen.
    responses: Vec<f64>,
    /// Turns that were answered.
    answered: usize,
    /// Sums over answered turns.
    result: DialogueResult,
}

/// A turn that has arrived and was not answered yet.
#[derive(Clone, Copy)]
struct OpenTurn {
    user: usize,
    /// Index into the dialogues of the session, and number of the turn in it.
    place: (usize, usize),
    arrival: Time,
    /// Start and end of sending its payload, if it is on a link.
    sending: Option<(Time, Time)>,
}

/// All dialogues of a run.
pub(super) struct Session<'a> {
    model: &'a DialogueModel,
    scorer: Scorer<'a>,
    policy: &'a mut dyn OffloadPolicy,
    budget: Cost,
    spec: &'a MultiUserSpec,
    system: System,
    dialogues: Vec<Progress>,
    /// By user: the index into `dialogues` and the number of the turn that arrives next.
    next: Vec<(usize, usize)>,
    /// By user: the number of turns that were not answered yet.
    left: Vec<usize>,
    /// By request number.
    turns: BTreeMap<u32, OpenTurn>,
    /// How many turns may still be answered.
    open: usize,
    /// Turns whose payloads are put on the link next, in order.
    uploads: VecDeque<u32>,
    /// By kind of call: where it runs, one of its variants, and the time that its costs say.
    kinds: Vec<(WorkerId, VariantId, Span)>,
    /// Backlogs of device and cloud.
    backlogs: [Timeline; 2],
    /// Scratch: the state of the turn that is decided, and the waits by kind of call.
    state: Vec<i8>,
    waits_s: Vec<f64>,
}

fn site(action: usize) -> WorkerId {
    if action == 0 { DEVICE } else { CLOUD }
}

/// By how many seconds a span exceeds another, below 0 if it is shorter.
fn excess_s(span: Span, other: Span) -> f64 {
    if span >= other { (span - other).as_s() } else { -(other - span).as_s() }
}

impl<'a> Session<'a> {
    pub fn new(
        (model, scorer): (&'a DialogueModel, Scorer<'a>),
        dialogues: &[usize],
        policy: &'a mut dyn OffloadPolicy,
        budget: Cost,
        (spec, system): (&'a MultiUserSpec, System),
    ) -> Self {
        let progress = |dialogue: &usize| Progress {
            dialogue: *dialogue,
            actions: Vec::new(),
            responses: Vec::new(),
            answered: 0,
            result: DialogueResult::default(),
        };
        let actions = model.actions();
        let kinds = (0..actions.views() + 2).filter_map(|kind| {
            let action = (0..actions.len()).find(|action| actions.call_kind(*action) == kind)?;
            Some((site(action), system.actions[action], service(model, kind)))
        });
        let mut session = Self {
            model,
            scorer,
            policy,
            budget,
            spec,
            kinds: kinds.collect(),
            system,
            dialogues: dialogues.iter().map(progress).collect(),
            next: (0..spec.users as usize).map(|user| (user, 0)).collect(),
            left: Vec::new(),
            turns: BTreeMap::new(),
            open: 0,
            uploads: VecDeque::new(),
            backlogs: Default::default(),
            state: Vec::new(),
            waits_s: Vec::new(),
        };
        session.left = session.turns_by_user();
        session.open = session.left.iter().sum();
        session
    }

    fn length(&self, index: usize) -> usize {
        self.model.workload.dialogues[self.dialogues[index].dialogue].turns.len()
    }

    /// By user: the number of turns of all dialogues.
    pub fn turns_by_user(&self) -> Vec<usize> {
        let own = |user| (user..self.dialogues.len()).step_by(self.next.len());
        (0..self.next.len()).map(|user| own(user).map(|index| self.length(index)).sum()).collect()
    }

    /// Runs the simulation until no turn can be answered any more.
    pub fn run(&mut self, sim: &mut Simulation) -> Result<(), SimError> {
        let mut plan = Plan::default();
        let until = self.spec.until.unwrap_or(Time::MAX);
        if until < Time::MAX {
            plan.wake_at(until);
            sim.apply(&mut plan, self)?;
        }
        while self.open > 0 {
            let step = sim.advance(self);
            if self.open == 0 || step? == StepOutcome::Done || sim.view().now() >= until {
                break;
            }
            self.decide(&sim.view(), sim.trigger(), &mut plan);
            sim.apply(&mut plan, self)?;
        }
        Ok(())
    }

    /// The results of a run that ended at `end`.
    pub fn into_results(mut self, end: Time) -> Vec<DialogueResult> {
        for turn in self.turns.values() {
            let waited_s = end.since(turn.arrival).as_s();
            self.dialogues[turn.place.0].result.fail(self.model, waited_s);
        }
        let dialogues = &self.model.workload.dialogues;
        let result = |Progress { dialogue, actions, answered, result, .. }| {
            let turns = dialogues[dialogue].turns.len();
            let failed = turns - answered;
            DialogueResult { actions, failed, ..result }.averaged_over(turns)
        };
        self.dialogues.into_iter().map(result).collect()
    }

    /// Records which turn a request is: the next one of its user.
    fn arrive(&mut self, request: &Request) {
        let user = request.source.map_or(0, SourceId::index);
        let (index, turn) = self.next[user];
        let place = (index, turn);
        let open = OpenTurn { user, place, arrival: request.arrival, sending: None };
        self.turns.insert(request.id.number(), open);
        let last = turn + 1 == self.length(index);
        self.next[user] = if last { (index + self.next.len(), 0) } else { (index, turn + 1) };
    }

    /// Assigns every request that has just arrived or was given back, in order of arrival.
    fn decide(&mut self, view: &View<'_>, trigger: Trigger<'_>, plan: &mut Plan) {
        if trigger.arrived.is_empty() {
            return;
        }
        for (worker, backlog) in [DEVICE, CLOUD].into_iter().zip(&mut self.backlogs) {
            view.backlog_end(worker, backlog);
        }
        let mut arrived: Vec<RequestId> = trigger.arrived.to_vec();
        arrived.sort_unstable();
        for request in arrived.into_iter().filter_map(|id| view.request(id)) {
            let number = request.id.number();
            let Some(turn) = self.turns.get(&number).copied() else {
                let variant = self.system.background[request.app.index()];
                self.assign(view, (DEVICE, variant), request.id, plan);
                continue;
            };
            let action = self.choose(turn.place, view);
            let (worker, variant) = (site(action), self.system.actions[action]);
            if !self.assign(view, (worker, variant), request.id, plan) {
                self.give_up(turn);
            } else if worker == CLOUD && self.backlogs[CLOUD.index()].is_remote() {
                self.uploads.push_back(number);
            } else if let Some(turn) = self.turns.get_mut(&number) {
                turn.sending = None;
            }
        }
    }

    /// Queues a request, unless its worker never comes back: then it stays where it is.
    fn assign(
        &mut self,
        view: &View<'_>,
        (worker, variant): (WorkerId, VariantId),
        request: RequestId,
        plan: &mut Plan,
    ) -> bool {
        let backlog = &mut self.backlogs[worker.index()];
        let ends = view.estimate_append(backlog, variant, 1) < Time::MAX;
        if ends {
            plan.assign(worker, variant, [request]);
        }
        ends
    }

    /// A turn will never be answered. In a closed loop, nor will the later ones of its user.
    fn give_up(&mut self, turn: OpenTurn) {
        let lost = match self.spec.pacing {
            TurnPacing::Closed(_) => self.left[turn.user],
            TurnPacing::Open(_) => 1,
        };
        self.left[turn.user] -= lost;
        self.open -= lost;
    }

    /// By how many seconds a call of each kind is expected to take longer than its costs say.
    fn expect_waits(&mut self, view: &View<'_>) {
        self.waits_s.clear();
        if !self.spec.queue_info {
            return;
        }
        let waits_s = self.kinds.iter().map(|(worker, variant, costs)| {
            match view.finish(&self.backlogs[worker.index()], *variant, 1) {
                Time::MAX => f64::INFINITY,
                end => excess_s(end.since(view.now()), *costs),
            }
        });
        self.waits_s.extend(waits_s);
    }

    fn choose(&mut self, (index, turn): (usize, usize), view: &View<'_>) -> usize {
        self.expect_waits(view);
        let Progress { dialogue, actions, responses, result, .. } = &mut self.dialogues[index];
        let (model, dialogue, spent, budget) = (self.model, *dialogue, result.spent, self.budget);
        let whole = &model.workload.dialogues[dialogue];
        let past = &actions[..turn];
        model.state(whole, past, &mut self.state);
        let (state, waits_s) = (self.state.as_slice(), self.waits_s.as_slice());
        let context = TurnContext { model, dialogue, past, state, spent, budget, waits_s };
        let action = self.policy.choose(&context);
        let response = self.scorer.response(whole, model.actions(), (past, state), action);
        // A turn that was given back has been decided before.
        if turn < actions.len() {
            (actions[turn], responses[turn]) = (action, response);
        } else {
            actions.push(action);
            responses.push(response);
        }
        action
    }

    /// Adds an answered turn to the result of its dialogue.
    fn complete(&mut self, done: &Completion<'_>) {
        let Some(open) = self.turns.remove(&done.request.id.number()) else { return };
        self.left[open.user] -= 1;
        self.open -= 1;
        let ((index, turn), model) = (open.place, self.model);
        let link = self.system.truth.catalog().worker(CLOUD).link.as_ref();
        let one_way = link.map_or(Span::ZERO, Link::one_way);
        let waited = match open.sending {
            None => done.started.since(open.arrival),
            Some((start, end)) => start.since(open.arrival) + done.started.since(end + one_way),
        };
        let Progress { dialogue, actions, responses, answered, result } =
            &mut self.dialogues[index];
        let views = &model.workload.dialogues[*dialogue].turns[turn].association;
        let costs = self.kinds[model.actions().call_kind(actions[turn])].2;
        *answered += 1;
        result.add(model, responses[turn], views, actions[turn]);
        result.delay(model, excess_s(done.finished.since(open.arrival), costs));
        result.waited_s += waited.as_s();
    }

    /// The payload of the next turn on the link is sent from `start` to `end`.
    fn upload(&mut self, start: Time, end: Time) {
        let turn = self.uploads.pop_front().and_then(|number| self.turns.get_mut(&number));
        if let Some(turn) = turn {
            turn.sending = Some((start, end));
        }
    }
}

impl Observer for Session<'_> {
    fn on(&mut self, event: Event<'_>) {
        match event {
            Event::Arrived { request } if request.app == self.system.app => self.arrive(request),
            Event::UploadQueued { start, end, .. } => self.upload(start, end),
            Event::Completed(done) => self.complete(done),
            _ => {}
        }
    }
}
