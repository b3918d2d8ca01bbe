//! Dialogues of many users at once, on one device and one cloud with queues: the turns are requests
//! on the simulator's step machine, decided one by one as they arrive.
//!
//! The device has one lane, the cloud as many as is said; a turn waits in the line of its site,
//! first come, first served. Users have one dialogue after the other, dealt in turn. In a closed
//! loop a turn comes a think time after the answer to the one before; in an open one every so
//! often, answered or not. Latency is counted from a turn's arrival, waiting included, in the
//! budget and in the reward, whose latency term is normalised over the list of calls and not cut
//! off beyond it. A user alone in a closed loop never waits: that is the published setting.
//! Turns that arrive at the same instant are decided, and stand in line, in the order of their
//! users' numbers, which count from 0 in the order of the first dialogues.
//!
//! Calls take what the cost table says; only waiting is read off the clock, in whole nanoseconds.
//! What a policy knows of its dialogue's budget is what answered turns took. It is told how long a
//! call to each site would wait in line, which is no guess: whoever comes later waits behind it.

use super::evaluate::DialogueResult;
use super::model::{Cost, DialogueModel};
use super::policy::{OffloadPolicy, TurnContext};
use crate::config::Problems;
use crate::contract::{AccuracySource, Event, Observer, Plan, Scheduler, Timeline, Trigger, View};
use crate::core::ids::{AppId, Arrival, Completion, Request, TrueClass, VariantId, WorkerId};
use crate::core::rng::Rng;
use crate::core::units::{Span, Time};
use crate::engine::{self, Simulation};
use crate::system::catalog::{AppSpec, DecisionOverhead, OutcomeModel, SystemSpec, WorkerSpec};
use crate::system::deadline_budget::DeadlineBudget;
use crate::system::faults::{BeliefError, Stalls};
use crate::system::ground_truth::GroundTruth;
use crate::system::latency::{LatencyFit, LatencyPoints};
use crate::system::penalty::Penalty;
use crate::system::profile::{Profile, VariantCost, VariantProfile};
use crate::traces::recorded::SourceSplit;
use crate::workload::{Arrivals, ClientPool};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Who talks, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MultiUserSpec {
    /// Users at once, at least 1.
    pub users: u32,
    /// When a user's next turn comes.
    pub pace: TurnPacing,
    /// Calls that the cloud can answer at once, at least 1.
    pub cloud_lanes: u16,
    /// Policies are not told of the lines: they take every call to begin at once.
    pub no_queue_info: bool,
}

/// When a user's next turn comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TurnPacing {
    /// So long after the answer to the one before.
    Closed(Span),
    /// So long after the one before; users begin evenly spread over the first gap.
    Open(Span),
}

/// The sites.
const DEVICE: WorkerId = WorkerId(0);
const CLOUD: WorkerId = WorkerId(1);
const SITES: [&str; 2] = ["device", "cloud"];

/// Visits each of `dialogues` once, many at a time; visits in their order.
pub fn evaluate(
    world: &DialogueModel,
    dialogues: &[usize],
    policy: &mut dyn OffloadPolicy,
    budget: Cost,
    traffic: MultiUserSpec,
) -> Result<Vec<DialogueResult>, String> {
    let truth = Arc::new(ground_truth(world, traffic.cloud_lanes).map_err(|p| p.to_string())?);
    let book = Arc::new(Mutex::new(Session::new(world, dialogues, traffic)));
    let turns = TurnArrivals::new(&book, traffic);
    let name = "dialogues";
    let mut sim =
        Simulation::new(truth, Box::new(turns), AccuracySource::Profiled, Rng::new(0, 0), name);
    let mut desk = TurnDispatcher {
        world,
        policy,
        budget,
        book: Arc::clone(&book),
        state: Vec::new(),
        hide_waits: traffic.no_queue_info,
        lines: Default::default(),
    };
    let mut clerk = Recorder { world, book: Arc::clone(&book) };
    engine::run(&mut sim, &mut desk, &mut clerk).map_err(|error| error.to_string())?;
    let Session { visits, decided, .. } = &mut *lock(&book);
    let whole = |(visit, actions)| DialogueResult { actions, ..visit };
    let visits = std::mem::take(visits).into_iter().zip(std::mem::take(decided)).map(whole);
    Ok(visits.map(DialogueResult::averaged).collect())
}

/// What a call takes on the clock, to the nanosecond.
fn service(world: &DialogueModel, action: usize) -> Span {
    Span::from_s(world.spend(action).latency_s).max(Span(1))
}

/// The device with the local answer, the cloud with every set of views.
fn ground_truth(world: &DialogueModel, cloud_lanes: u16) -> Result<GroundTruth, Problems> {
    let variants = (0..world.actions().len()).map(|action| {
        let latency = service(world, action);
        let cost = VariantCost {
            worker_class: SITES[usize::from(action > 0)].to_owned(),
            latency: LatencyPoints::one_by_one(latency),
            load: Span::ZERO,
            load_cold: None,
        };
        VariantProfile {
            name: world.actions().name(action),
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
        workers: SITES.into_iter().zip([1, cloud_lanes]).map(lanes).collect(),
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
    })
}

/// A turn: whose, of which dialogue (by its place in the list), which.
#[derive(Clone, Copy, Debug)]
struct AskedTurn {
    user: u32,
    place: usize,
    turn: usize,
}

/// What arrivals, decisions and answers have in common.
struct Session {
    /// The dialogues of the list.
    dialogues: Vec<usize>,
    lengths: Vec<usize>,
    users: usize,
    /// By user: the place of its dialogue and the next turn of it.
    next: Vec<(usize, usize)>,
    /// By number of request.
    asked: Vec<AskedTurn>,
    /// By place: what answered turns came to.
    visits: Vec<DialogueResult>,
    /// By place and turn: what was decided, and the expected score of that.
    decided: Vec<Vec<usize>>,
    responses: Vec<Vec<f64>>,
}

fn lock(book: &Mutex<Session>) -> MutexGuard<'_, Session> {
    // Nothing is left half done by whoever panicked.
    book.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Session {
    fn new(world: &DialogueModel, dialogues: &[usize], traffic: MultiUserSpec) -> Self {
        let lengths = dialogues.iter().map(|at| world.workload.dialogues[*at].turns.len());
        Self {
            dialogues: dialogues.to_vec(),
            lengths: lengths.collect(),
            users: traffic.users as usize,
            next: (0..traffic.users as usize).map(|user| (user, 0)).collect(),
            asked: Vec::new(),
            visits: vec![DialogueResult::default(); dialogues.len()],
            decided: vec![Vec::new(); dialogues.len()],
            responses: vec![Vec::new(); dialogues.len()],
        }
    }

    /// The next turn of a user, in this dialogue or the user's next one.
    fn turn(&self, user: u32) -> Option<AskedTurn> {
        let (place, turn) = self.next[user as usize];
        (place < self.dialogues.len()).then_some(AskedTurn { user, place, turn })
    }

    /// Sends it, as the request of that number.
    fn ask(&mut self, number: u32, asked: AskedTurn) {
        self.asked.truncate(number as usize);
        self.asked.push(asked);
    }

    /// Goes on to the turn after this one.
    fn go_on(&mut self, asked: AskedTurn) {
        let AskedTurn { user, place, turn } = asked;
        let last = turn + 1 == self.lengths[place];
        self.next[user as usize] = if last { (place + self.users, 0) } else { (place, turn + 1) };
    }
}

/// The turns as they come.
struct TurnArrivals {
    book: Arc<Mutex<Session>>,
    users: ClientPool,
    pace: TurnPacing,
}

impl TurnArrivals {
    fn new(book: &Arc<Mutex<Session>>, traffic: MultiUserSpec) -> Self {
        let mut turns =
            Self { book: Arc::clone(book), users: ClientPool::default(), pace: traffic.pace };
        for user in 0..traffic.users {
            let begin = match traffic.pace {
                TurnPacing::Closed(think) => think,
                TurnPacing::Open(gap) => gap.scale(f64::from(user) / f64::from(traffic.users)),
            };
            turns.come(user, Time::ZERO + begin);
        }
        turns
    }

    /// A user who has more to say says it at `at`.
    fn come(&mut self, user: u32, at: Time) {
        if lock(&self.book).turn(user).is_some() {
            self.users.think(user, at);
        }
    }
}

impl Arrivals for TurnArrivals {
    fn next_arrival(&mut self) -> Option<Arrival> {
        let number = self.users.sent();
        let (time, user) = self.users.send()?;
        {
            let mut book = lock(&self.book);
            let asked = book.turn(user)?;
            book.ask(number, asked);
            if matches!(self.pace, TurnPacing::Open(_)) {
                book.go_on(asked);
            }
        }
        if let TurnPacing::Open(gap) = self.pace {
            self.come(user, time + gap);
        }
        let truth = TrueClass { class: 0, row: TrueClass::NO_ROW };
        Some(Arrival { time, app: AppId(0), budget: Span(1), truth })
    }

    fn observes_completions(&self) -> bool {
        true
    }

    fn request_ended(&mut self, number: u32, at: Time, next: &mut Option<Arrival>) {
        let Some(user) = self.users.ended(number) else { return };
        let TurnPacing::Closed(think) = self.pace else { return };
        {
            let mut book = lock(&self.book);
            let asked = book.asked[number as usize];
            book.go_on(asked);
        }
        self.come(user, at + think);
        if self.users.overtakes(*next) {
            *next = self.next_arrival();
        }
    }
}

/// Lets the policy decide about turns as they arrive.
struct TurnDispatcher<'a> {
    world: &'a DialogueModel,
    policy: &'a mut dyn OffloadPolicy,
    budget: Cost,
    book: Arc<Mutex<Session>>,
    state: Vec<i8>,
    hide_waits: bool,
    /// What each site has been given.
    lines: [Timeline; 2],
}

impl TurnDispatcher<'_> {
    /// How long a call to each site would wait now.
    fn waits_s(&self, now: Time) -> [f64; 2] {
        let wait =
            |line: &Timeline| if self.hide_waits { 0.0 } else { line.free_at().since(now).as_s() };
        [wait(&self.lines[0]), wait(&self.lines[1])]
    }

    fn choose(&mut self, request: &Request, waits_s: [f64; 2]) -> usize {
        let mut book = lock(&self.book);
        let AskedTurn { place, .. } = book.asked[request.id.number() as usize];
        let (dialogue, spent) = (book.dialogues[place], book.visits[place].spent);
        let past = book.decided[place].as_slice();
        self.world.state(&self.world.workload.dialogues[dialogue], past, &mut self.state);
        let (world, state, budget) = (self.world, self.state.as_slice(), self.budget);
        let moment = TurnContext { world, dialogue, past, state, spent, budget, waits_s };
        let action = self.policy.choose(&moment);
        book.responses[place].push(world.response(state, action));
        book.decided[place].push(action);
        action
    }
}

impl Scheduler for TurnDispatcher<'_> {
    fn decide(&mut self, view: &View<'_>, trigger: Trigger<'_>, plan: &mut Plan) {
        if trigger.arrived.is_empty() {
            return;
        }
        for (site, line) in [DEVICE, CLOUD].into_iter().zip(&mut self.lines) {
            view.backlog_end(site, line);
        }
        for request in trigger.arrived.iter().filter_map(|id| view.request(*id)) {
            let action = self.choose(request, self.waits_s(view.now()));
            let (site, variant) =
                (if action == 0 { DEVICE } else { CLOUD }, VariantId(action as u16));
            view.estimate_append(&mut self.lines[site.index()], variant, 1);
            plan.assign(site, variant, [request.id]);
        }
    }
}

/// Enters answers into the book.
struct Recorder<'a> {
    world: &'a DialogueModel,
    book: Arc<Mutex<Session>>,
}

impl Recorder<'_> {
    fn enter(&self, done: &Completion<'_>) {
        let mut book = lock(&self.book);
        let AskedTurn { place, turn, .. } = book.asked[done.request.id.number() as usize];
        let views = &self.world.workload.dialogues[book.dialogues[place]].turns[turn].association;
        let (response, action) = (book.responses[place][turn], book.decided[place][turn]);
        let latency = done.finished.since(done.request.arrival);
        let waited_s = (latency - service(self.world, action)).as_s();
        let visit = &mut book.visits[place];
        visit.add(self.world, response, views, action);
        visit.delay(self.world, waited_s);
    }
}

impl Observer for Recorder<'_> {
    fn on(&mut self, event: Event<'_>) {
        if let Event::Completed(done) = event {
            self.enter(done);
        }
    }
}
