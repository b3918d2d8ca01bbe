//! Checkers that read what happened and know nothing of the engine: they replay the log against
//! the rules of the simulated world, with bookkeeping of their own.

use super::event_record::Happened;
use super::facts::{Facts, WorkerFacts};
use super::link_checker::{Ending, Way};
use super::log::Log;
use super::recorder::{Asked, Decided};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Why a log cannot be true.
pub type Verdict = Result<(), String>;

/// Fails the check with a message unless the condition holds.
macro_rules! ensure {
    ($condition:expr, $($why:tt)+) => {
        if !$condition {
            return Err(format!($($why)+));
        }
    };
}

mod failures;
mod late_drops;
mod memory;

/// What a scheduler promises, as far as a checker can tell.
#[derive(Clone, Copy, Debug, Default)]
pub struct Promise {
    /// It never leaves a lane idle while somebody waits who could run there.
    pub works: bool,
    /// Requests may become visible later than they arrive.
    pub peeks: bool,
}

/// Little's law as an identity of integers: the sum of all sojourns is the integral over time of
/// the number of requests in the system.
pub fn little(log: &Log) -> Verdict {
    let mut arrivals = BTreeMap::new();
    let (mut inside, mut last) = (0u128, 0u64);
    let (mut integral, mut sojourns) = (0u128, 0u128);
    for event in &log.events {
        let at = event.at();
        let past = at.checked_sub(last).ok_or("the clock went back")?;
        integral += inside * u128::from(past);
        last = at;
        match event {
            Happened::Arrived { request, .. } => {
                arrivals.insert(*request, at);
                inside += 1;
            }
            Happened::Completed { request, .. }
            | Happened::Rejected { request, .. }
            | Happened::Unfinished { request, .. } => {
                let arrival = arrivals.remove(request).ok_or("an end without an arrival")?;
                sojourns += u128::from(at - arrival);
                inside -= 1;
            }
            _ => {}
        }
    }
    ensure!(
        integral == sojourns && inside == 0,
        "sojourns {sojourns}, integral {integral}, {inside} left inside"
    );
    Ok(())
}

/// Replays a log: every rule of the simulated world, and the scheduler's promise.
pub fn world(facts: &Facts, log: &Log, promise: Promise) -> Verdict {
    let mut replay = Replay::new(facts, promise);
    let mut asked = log.asked.iter().peekable();
    let mut clock = 0;
    for place in 0..=log.events.len() {
        while let Some(ask) = asked.next_if(|ask| ask.place <= place) {
            replay.tick(&mut clock, ask.at)?;
            replay.asked(ask).map_err(|why| format!("{why}, in {ask:?}"))?;
        }
        let Some(event) = log.events.get(place) else { break };
        replay.tick(&mut clock, event.at())?;
        replay.happened(event).map_err(|why| format!("{why}, in {event:?}"))?;
    }
    replay.instant_over(clock).map_err(|why| format!("{why}, at the end"))?;
    replay.over(log)
}

/// Where a request is.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    Unborn,
    Hidden,
    Waiting,
    Assigned,
    /// Refused by a decision that has not been carried out yet.
    Refused,
    Running,
    /// Given to a worker that has just failed, and not told to wait again yet.
    Lost,
    Over,
}

/// Why a request ended, counted at the end.
#[derive(Debug, Default)]
struct Ends {
    completed: u64,
    rejected: u64,
    unfinished: u64,
}

#[derive(Debug)]
struct Batch {
    variant: u16,
    requests: Vec<u32>,
    started: u64,
}

/// What a worker has been given, and when that was decided on.
#[derive(Debug)]
struct Job {
    variant: u16,
    requests: Vec<u32>,
    decided: u64,
}

#[derive(Debug)]
struct Worker {
    /// In memory, least recently used first; that being loaded is last.
    memory: Vec<u16>,
    loading: Option<(u16, u64)>,
    lanes: Vec<Option<Batch>>,
    backlog: VecDeque<Job>,
    /// Evicted for a load that must follow at once.
    room_made: Vec<u16>,
    /// When it is there, or there again.
    ready: u64,
    /// Whether it fails at this instant.
    fails: bool,
}

struct Replay<'a> {
    facts: &'a Facts,
    promise: Promise,
    workers: Vec<Worker>,
    ways: Vec<Way>,
    requests: Vec<Phase>,
    ends: Ends,
    /// What the next question has to tell of.
    arrived: Vec<u32>,
    freed: Vec<u16>,
    loaded: Vec<u16>,
    dropped: Vec<u32>,
    /// Whether requests were dropped since the last question, whether it had heard of them or not.
    drops: bool,
    last_asked: Option<u64>,
    /// When deciding is over, and for which worker.
    deciding: BTreeSet<(u64, u16)>,
    /// Requests of the batch that just ended, whose completions must follow.
    ending: VecDeque<Ending>,
    /// Evictions decided at this instant.
    evicting: Vec<(u16, u16)>,
    /// Batches that a decision of this instant ends, and requests that wait again for it.
    preempted: Vec<(u16, usize)>,
    given_back: Vec<u32>,
}

impl<'a> Replay<'a> {
    fn new(facts: &'a Facts, promise: Promise) -> Self {
        let worker = |facts: &WorkerFacts| Worker {
            memory: facts.resident.clone(),
            loading: None,
            lanes: (0..facts.lanes).map(|_| None).collect(),
            backlog: VecDeque::new(),
            room_made: Vec::new(),
            ready: facts.ready,
            fails: false,
        };
        Self {
            promise,
            workers: facts.workers.iter().map(worker).collect(),
            ways: Way::all(facts),
            requests: vec![Phase::Unborn; facts.requests.len()],
            ends: Ends::default(),
            arrived: Vec::new(),
            freed: Vec::new(),
            loaded: Vec::new(),
            dropped: Vec::new(),
            drops: false,
            last_asked: None,
            deciding: BTreeSet::new(),
            ending: VecDeque::new(),
            evicting: Vec::new(),
            preempted: Vec::new(),
            given_back: Vec::new(),
            facts,
        }
    }

    /// The clock never goes back; when it moves on, the instant before has to be in order.
    fn tick(&mut self, clock: &mut u64, at: u64) -> Verdict {
        ensure!(at >= *clock, "the clock went back from {clock} to {at}");
        if at > *clock {
            self.instant_over(*clock).map_err(|why| format!("{why}, at {clock}"))?;
            *clock = at;
        }
        Ok(())
    }

    fn step(&mut self, request: u32, from: Phase, to: Phase) -> Verdict {
        let phase = &mut self.requests[request as usize];
        ensure!(*phase == from, "request {request} is {phase:?}, not {from:?}");
        *phase = to;
        Ok(())
    }

    /// A question: one per instant, about everything that happened in it.
    fn asked(&mut self, ask: &Asked) -> Verdict {
        self.failures_over()?;
        let told = std::mem::take(&mut self.arrived);
        ensure!(ask.arrived == told, "{told:?} became visible");
        let loaded = std::mem::take(&mut self.loaded);
        ensure!(ask.loaded == loaded, "loads ended on {loaded:?}");
        self.drops_over(ask)?;
        let drops = std::mem::take(&mut self.drops);
        let freed = std::mem::take(&mut self.freed);
        ensure!(ask.told == freed.len(), "batches ended on {freed:?}");
        let ready = self.workers.iter().zip(0u16..);
        let ready = ready.filter(|(w, _)| w.ready == ask.at && ask.at > 0).map(|(_, at)| at);
        let decided = self.deciding.iter().filter(|(at, _)| *at == ask.at).map(|(_, w)| *w);
        let expected: BTreeSet<u16> = freed.iter().copied().chain(ready).chain(decided).collect();
        let heard: BTreeSet<u16> = ask.freed.iter().copied().collect();
        // A second question at the same instant is the last one, when nothing else will happen.
        if self.last_asked == Some(ask.at) {
            let silent = told.is_empty() && loaded.is_empty() && ask.freed.is_empty();
            ensure!(ask.woken && silent, "asked twice at one instant");
        } else {
            ensure!(heard == expected, "{expected:?} were freed");
            ensure!(self.last_asked < Some(ask.at), "asked about the past");
            let something = !(told.is_empty() && heard.is_empty() && loaded.is_empty());
            ensure!(ask.woken || something || drops, "asked for no reason");
        }
        self.last_asked = Some(ask.at);
        let decided = ask.at + self.overhead(ask);
        for decision in &ask.decisions {
            match decision {
                Decided::Assign { worker, variant, requests } => {
                    for request in requests {
                        self.step(*request, Phase::Waiting, Phase::Assigned)?;
                    }
                    self.give(*worker, *variant, requests, decided);
                }
                Decided::Preload { worker, variant } => {
                    self.give(*worker, *variant, &[], decided);
                }
                Decided::Evict { worker, variant } => self.evicting.push((*worker, *variant)),
                Decided::Preempt { worker, lane } => self.preempt(*worker, *lane)?,
                Decided::Reject { request } => {
                    self.step(*request, Phase::Waiting, Phase::Refused)?;
                }
                Decided::GiveUp => ensure!(false, "gave up"),
                Decided::WakeAt { at } => ensure!(*at > ask.at, "woken in the past"),
            }
        }
        Ok(())
    }

    /// A worker's next job, which may have to travel.
    fn give(&mut self, worker: u16, variant: u16, requests: &[u32], decided: u64) {
        let at = usize::from(worker);
        let app = self.facts.variants[usize::from(variant)].app;
        let bytes = self.facts.payloads[usize::from(app)] * requests.len() as u64;
        let (decided, heard) = self.ways[at].send(decided, bytes);
        let job = Job { variant, requests: requests.to_vec(), decided };
        self.workers[at].backlog.push_back(job);
        self.deciding.extend(heard.map(|at| (at, worker)));
    }

    /// What it took to answer: something for every request assigned, and more if there was any.
    fn overhead(&self, ask: &Asked) -> u64 {
        let assigned = |decision: &Decided| match decision {
            Decided::Assign { requests, .. } => requests.len() as u64,
            _ => 0,
        };
        let assigned: u64 = ask.decisions.iter().map(assigned).sum();
        let (constant, per_request) = self.facts.overhead;
        if assigned > 0 { constant + per_request * assigned } else { 0 }
    }

    #[expect(clippy::too_many_lines, reason = "an arm for every kind of event")]
    fn happened(&mut self, event: &Happened) -> Verdict {
        let completes = matches!(event, Happened::Completed { .. });
        ensure!(completes || self.ending.is_empty(), "{:?} not completed", self.ending);
        match event {
            Happened::Arrived { at, request, app, deadline } => {
                let facts = &self.facts.requests[*request as usize];
                let expected = (facts.arrival, facts.app, facts.arrival + facts.budget);
                ensure!((*at, *app, *deadline) == expected, "it is {expected:?}");
                self.step(*request, Phase::Unborn, Phase::Hidden)
            }
            Happened::Visible { at, request } => {
                let arrival = self.facts.requests[*request as usize].arrival;
                ensure!(*at == arrival || (self.promise.peeks && *at > arrival), "seen late");
                self.arrived.push(*request);
                self.step(*request, Phase::Hidden, Phase::Waiting)
            }
            Happened::LoadStarted { at, worker, variant, end } => {
                self.load(*at, *worker, *variant, *end)
            }
            Happened::LoadEnded { at, worker, variant } => {
                let state = &mut self.workers[usize::from(*worker)];
                ensure!(state.loading.take() == Some((*variant, *at)), "no such load");
                let load = self.facts.cost(*worker, *variant).map_or(0, |cost| cost.load);
                if load > 0 {
                    self.loaded.push(*worker);
                }
                self.pass_preloads(*worker, *at);
                Ok(())
            }
            Happened::Evicted { worker, variant, .. } => self.evict(*worker, *variant),
            Happened::Sent { worker, bytes, sending, .. } => {
                self.sends(*worker, (*bytes, *sending))
            }
            Happened::SendLost { worker, bytes, sending, .. } => {
                self.sends_no_more(*worker, (*bytes, *sending))
            }
            Happened::Back { at, worker } => {
                let back = self.ways[usize::from(*worker)].arrive(*at);
                self.ending.extend(back.ok_or("nothing comes back now")?);
                Ok(())
            }
            Happened::WorkerFailed { at, worker, until } => self.fail(*at, *worker, *until),
            Happened::BatchLost { worker, lane, variant, started, requests, .. } => {
                self.lose((*worker, *lane), (*variant, *started, requests))
            }
            Happened::LoadLost { worker, variant, end, .. } => {
                self.lose_load(*worker, *variant, *end)
            }
            Happened::Returned { request, .. } => self.take_back(*request),
            Happened::BatchStarted { at, worker, lane, variant, requests } => {
                let batch = Batch { variant: *variant, requests: requests.clone(), started: *at };
                self.start(*worker, *lane, batch)
            }
            Happened::BatchEnded { at, worker, lane, variant, started, batch } => {
                self.end((*worker, *lane), *at, (*variant, *started, *batch))
            }
            Happened::Completed { request, worker, variant, started, correct, .. } => {
                let expected = self.ending.pop_front();
                let found = Some((*request, *worker, *variant, *started));
                ensure!(found == expected, "{expected:?} should complete");
                let recorded = self.facts.outcome(*request, *variant);
                ensure!(recorded.is_none_or(|r| r == *correct), "recorded otherwise");
                self.ends.completed += 1;
                self.step(*request, Phase::Running, Phase::Over)
            }
            Happened::Rejected { at, request } => {
                self.ends.rejected += 1;
                if self.requests[*request as usize] == Phase::Waiting {
                    return self.drop_late(*at, *request);
                }
                self.step(*request, Phase::Refused, Phase::Over)
            }
            Happened::Unfinished { request, .. } => {
                self.ends.unfinished += 1;
                self.step(*request, Phase::Waiting, Phase::Over)
            }
        }
    }

    fn start(&mut self, worker: u16, lane: usize, batch: Batch) -> Verdict {
        let cost = self.facts.cost(worker, batch.variant).ok_or("cannot run there")?;
        let app = self.facts.variants[usize::from(batch.variant)].app;
        let size = batch.requests.len() as u64;
        ensure!((1..=cost.max_batch()).contains(&size), "a batch of {size}");
        let state = &mut self.workers[usize::from(worker)];
        let next = state.backlog.pop_front().ok_or("nothing was assigned")?;
        let same = (next.variant, &next.requests) == (batch.variant, &batch.requests);
        ensure!(same && next.decided <= batch.started, "{next:?} is next");
        let now = batch.started;
        ensure!(state.loading.is_none(), "a load is under way");
        ensure!(state.lanes.get(lane).is_some_and(Option::is_none), "the lane is busy");
        ensure!(batch.started >= state.ready && !state.fails, "not ready");
        let place = self.facts.place(&state.memory, batch.variant).ok_or("not in memory")?;
        state.memory[place..].rotate_left(1);
        for request in &batch.requests {
            ensure!(self.facts.requests[*request as usize].app == app, "{request}: not its app");
            let phase = &mut self.requests[*request as usize];
            ensure!(*phase == Phase::Assigned, "request {request} is {phase:?}");
            *phase = Phase::Running;
        }
        state.lanes[lane] = Some(batch);
        self.pass_preloads(worker, now);
        Ok(())
    }

    fn end(&mut self, (worker, lane): (u16, usize), at: u64, told: (u16, u64, usize)) -> Verdict {
        let state = &mut self.workers[usize::from(worker)];
        let batch = state.lanes[lane].take().ok_or("nothing runs there")?;
        let began = (batch.variant, batch.started, batch.requests.len());
        ensure!(began == told, "{began:?} ran there");
        let cost = self.facts.cost(worker, batch.variant).ok_or("cannot run there")?;
        let (service, table) = ((at - batch.started) as f64, cost.latency(began.2 as u64));
        ensure!(self.facts.noise || (service - table).abs() <= 0.5, "the table says {table}");
        ensure!(at > batch.started, "it took no time");
        let ending = batch.requests.iter().map(|r| (*r, worker, batch.variant, batch.started));
        let way = &mut self.ways[usize::from(worker)];
        if way.is_remote() {
            way.leave(at, ending);
        } else {
            self.ending.extend(ending);
        }
        self.freed.push(worker);
        Ok(())
    }

    /// Before time goes on, everything has been told and nobody is idle who could work.
    fn instant_over(&mut self, now: u64) -> Verdict {
        ensure!(self.ending.is_empty(), "{:?} not completed", self.ending);
        ensure!(self.evicting.is_empty(), "{:?} not evicted", self.evicting);
        ensure!(self.arrived.is_empty(), "nobody was told of {:?}", self.arrived);
        ensure!(self.freed.is_empty(), "nobody was told of {:?}", self.freed);
        ensure!(self.loaded.is_empty(), "nobody was told of {:?}", self.loaded);
        self.failures_over()?;
        // One whose variant was there when it was decided, or when it reached its worker.
        for at in 0..self.workers.len() {
            if self.workers[at].ready <= now {
                self.pass_preloads(at as u16, now);
            }
        }
        for (state, worker) in self.workers.iter().zip(0u16..) {
            ensure!(state.room_made.is_empty(), "worker {worker} evicted for no load");
            let way = &self.ways[usize::from(worker)];
            ensure!(!way.is_overdue(now), "on the way to worker {worker}: {way:?}");
            if state.ready > now || state.loading.is_some() {
                continue;
            }
            let busy = state.lanes.iter().flatten().count();
            if let Some(Job { variant, decided, .. }) = state.backlog.front() {
                let may_begin = match self.facts.cost(worker, *variant) {
                    _ if self.facts.place(&state.memory, *variant).is_some() => {
                        busy < state.lanes.len()
                    }
                    Some(cost) if cost.load == 0 => !self.needs_room(worker, *variant),
                    _ => busy == 0,
                };
                let waits = may_begin && *decided <= now;
                ensure!(!waits, "worker {worker} leaves its backlog waiting");
            }
            // Elsewhere, lanes may be promised to what is under way, and the way may be taken.
            let open = if way.is_remote() { way.sent <= now } else { state.backlog.is_empty() };
            if self.promise.works && open && busy + state.backlog.len() < state.lanes.len() {
                let servable = |(phase, facts): (&Phase, &super::facts::RequestFacts)| {
                    *phase == Phase::Waiting && self.facts.serves(worker, facts.app)
                };
                let waits = self.requests.iter().zip(&self.facts.requests).any(servable);
                ensure!(!waits, "worker {worker} is idle and somebody waits");
            }
        }
        Ok(())
    }

    /// Every request ended, once, and the counts say so.
    fn over(&self, log: &Log) -> Verdict {
        let left = self.requests.iter().position(|phase| *phase != Phase::Over);
        ensure!(left.is_none(), "request {left:?} never ended");
        let counts = log.counts;
        let told = (counts.arrived, counts.completed, counts.rejected, counts.unfinished);
        let Ends { completed, rejected, unfinished } = self.ends;
        let found = (self.requests.len() as u64, completed, rejected, unfinished);
        ensure!(told == found, "{counts:?}, but {found:?}");
        Ok(())
    }
}
