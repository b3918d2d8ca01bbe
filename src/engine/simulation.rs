//! The step machine.
//!
//! **Invariants:**
//! - time never goes back;
//! - all events of one instant are applied, then the scheduler decides once;
//! - a worker works through its backlog in order; a batch, once started, runs to its end, unless
//!   its worker fails (`engine/faults.rs`);
//! - a load occupies all lanes and begins when all are idle, unless it takes no time; memory is
//!   never exceeded: least recently used variants leave when a load starts (`engine/loads.rs`);
//! - what goes to a worker behind a link takes its turn on the way (`engine/link.rs`);
//! - looks on a worker take turns with its backlog (`engine/peek.rs`);
//! - arrived = completed + rejected + unfinished at the end of every run;
//! - a run that goes beyond the clock fails and says why (`engine/clock.rs`).

mod clock;
mod completion;
mod faults;
mod link;
mod loads;
mod peek;

use super::event_queue::{EventKind, EventQueue};
use super::validate::{PlanError, check, describe, is_plain, not_taken};
use crate::config::Problem;
use crate::contract::state::{Job, Running, State};
use crate::contract::{
    AccuracySource, BatchCompletion, Decision, Event, Observer, Plan, Trigger, View,
};
use crate::core::ids::{Arrival, Request, RequestId, VariantId, WorkerId};
use crate::core::rng::Rng;
use crate::core::units::Time;
use crate::system::ground_truth::GroundTruth;
use crate::workload::Arrivals;
use link::PendingResponse;
use peek::Peeks;
use std::sync::Arc;

/// A scheduler that is woken this often without anything else happening makes no progress.
const MAX_IDLE_WAKES: u32 = 1_000_000;

/// Arrivals that are drawn at once, where they may be.
const BLOCK: usize = 256;

/// What [`Simulation::advance`] stopped for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepOutcome {
    /// The scheduler is to decide.
    Decide,
    /// Nothing will ever happen again.
    Done,
}

/// How the requests of a run ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Requests that arrived.
    pub arrived: u64,
    /// Requests that were answered.
    pub completed: u64,
    /// Requests that the scheduler refused.
    pub rejected: u64,
    /// Requests that were never served.
    pub unfinished: u64,
}

/// Why a run stopped before its end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SimError {
    /// A decision broke a rule.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// A scheduler only ever asks to be woken.
    #[error("scheduler `{scheduler}` at {at}: woken a million times, and nothing happened")]
    NoProgress {
        /// The scheduler's name.
        scheduler: String,
        /// The instant.
        at: Time,
    },
    /// Something would happen after the last instant that the clock has.
    #[error("the run is longer than the clock (584 years): {what}; the cause is among {keys}")]
    ClockFull {
        /// What would happen.
        what: String,
        /// The settings that put it there.
        keys: String,
    },
    /// The requests could not be read to their end.
    #[error("arrivals ended early: {0}")]
    Arrivals(Problem),
    /// A request got lost or doubled: a defect of this program.
    #[error("requests are not conserved: {0:?}; this is a defect, please report it")]
    NotConserved(Counts),
}

/// Who answers a request.
#[derive(Clone, Copy, Debug)]
struct Answer {
    worker: Option<WorkerId>,
    variant: VariantId,
    batch: u32,
    decided: Time,
    started: Time,
}

/// A run in progress.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct Simulation {
    state: State,
    truth: Arc<GroundTruth>,
    arrivals: Box<dyn Arrivals>,
    /// Arrivals that have been drawn, and how many of them have arrived: all only when there are no
    /// more.
    drawn: Vec<Arrival>,
    taken: usize,
    /// Whether arrivals are kept for the scheduler while no worker is idle.
    collects: bool,
    /// Whether arrivals depend on how requests end.
    closed: bool,
    queue: EventQueue,
    wake: Time,
    idle_wakes: u32,
    /// Whether the last question, when nothing else will happen, has been asked.
    asked: bool,
    peeks: Peeks,
    returning: Vec<PendingResponse>,
    rng: Rng,
    scheduler: String,
    counts: Counts,
    arrived: Vec<RequestId>,
    freed: Vec<WorkerId>,
    loaded: Vec<WorkerId>,
    woken: bool,
    done: bool,
    feedback: Vec<BatchCompletion>,
    /// Emptied batches, for reuse.
    spare: Vec<Vec<RequestId>>,
}

impl Simulation {
    /// A run of these arrivals on this system. `info` is what the scheduler, whose name appears
    /// in messages, may know; `rng` gives outcomes and noise.
    pub fn new(
        truth: Arc<GroundTruth>,
        arrivals: Box<dyn Arrivals>,
        info: AccuracySource,
        rng: Rng,
        scheduler: &str,
    ) -> Self {
        let catalog = truth.believed(rng);
        let catalog =
            if info == AccuracySource::Posterior { catalog.with_peeks() } else { catalog };
        let mut queue = EventQueue::default();
        for worker in catalog.worker_ids() {
            let ready = catalog.worker(worker).ready;
            if ready > Time::ZERO {
                queue.push(ready, EventKind::Ready(worker));
            }
            for (outage, at) in (0u16..).zip(truth.outages(worker)) {
                queue.push(at.from, EventKind::Failure(worker, outage));
            }
        }
        let mut sim = Self {
            drawn: Vec::new(),
            taken: 0,
            collects: false,
            closed: arrivals.observes_completions(),
            arrivals,
            queue,
            wake: Time::MAX,
            idle_wakes: 0,
            asked: false,
            peeks: Peeks::new(catalog.app_ids().len()),
            returning: Vec::new(),
            rng,
            scheduler: scheduler.to_owned(),
            counts: Counts::default(),
            arrived: Vec::new(),
            freed: Vec::new(),
            loaded: Vec::new(),
            woken: false,
            done: false,
            feedback: Vec::new(),
            spare: Vec::new(),
            state: State::new(catalog, info),
            truth,
        };
        sim.draw_arrivals();
        sim
    }

    /// Keeps arrivals for a scheduler whose decisions wait for an idle worker
    /// ([`Scheduler::waits_for_idle_workers`](crate::contract::Scheduler)).
    pub fn collect_arrivals(&mut self, collects: bool) {
        self.collects = collects;
    }

    /// What the scheduler may see.
    #[inline]
    pub fn view(&self) -> View<'_> {
        View::new(&self.state)
    }

    /// What happened at this instant.
    #[inline]
    pub fn trigger(&self) -> Trigger<'_> {
        Trigger::new(&self.arrived, &self.freed, &self.loaded, self.woken)
    }

    /// The batches that ended at this instant.
    #[inline]
    pub fn feedback(&self) -> &[BatchCompletion] {
        &self.feedback
    }

    /// How requests ended so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Goes to the next instant at which the scheduler has something to decide.
    pub fn advance(&mut self, observer: &mut impl Observer) -> Result<StepOutcome, SimError> {
        self.arrived.clear();
        self.freed.clear();
        self.loaded.clear();
        self.feedback.clear();
        self.woken = false;
        let is_busy = self.collects && self.view().idle_workers().next().is_none();
        loop {
            self.peek_when_idle(observer);
            if is_busy {
                self.collect(observer);
            }
            let arrival = self.next_arrival();
            let event = self.queue.next_time();
            let now = arrival.min(event).min(self.wake);
            if now == Time::MAX {
                if let Some((what, keys)) = self.beyond_the_clock() {
                    return Err(SimError::ClockFull { what, keys });
                }
                if self.state.pending_len() > 0 && !self.asked {
                    self.asked = true;
                    self.woken = true;
                    return Ok(StepOutcome::Decide);
                }
                return self.finish(observer).map(|()| StepOutcome::Done);
            }
            self.state.now = now;
            if event == now {
                self.process_events(now, observer);
            }
            if arrival == now {
                self.arrive(now, observer);
                // A look that takes no time ends at this instant, too.
                if self.queue.next_time() == now {
                    self.process_events(now, observer);
                }
            }
            let real = event == now || arrival == now;
            if self.wake <= now {
                self.wake = Time::MAX;
                self.woken = true;
                self.idle_wakes += 1;
                if self.idle_wakes > MAX_IDLE_WAKES && !real {
                    let scheduler = self.scheduler.clone();
                    return Err(SimError::NoProgress { scheduler, at: now });
                }
            }
            if real {
                self.idle_wakes = 0;
                self.asked = false;
            }
            let is_idle = !(is_busy || self.arrived.is_empty());
            if self.woken || is_idle || !(self.freed.is_empty() && self.loaded.is_empty()) {
                return Ok(StepOutcome::Decide);
            }
        }
    }

    /// Checks and does every decision of the plan, in order, and clears it.
    pub fn apply(
        &mut self,
        plan: &mut Plan,
        observer: &mut impl Observer,
    ) -> Result<(), PlanError> {
        let at = self.state.now;
        let not_before = at + self.state.catalog.overhead.of(plan.requests().len());
        if !plan.decisions().is_empty() {
            observer.on(Event::Decided { at, decisions: plan.decisions().len() });
        }
        for decision in plan.decisions() {
            if !is_plain(&self.state, decision)
                && let Err(why) = check(&self.state, decision)
            {
                return Err(self.refuse(plan, decision, why));
            }
            match decision {
                Decision::Assign { worker, variant, requests } => {
                    let mut batch = self.spare.pop().unwrap_or_default();
                    let app = self.state.catalog.variant(*variant).app;
                    let ids = &plan.requests()[requests.clone()];
                    for id in ids {
                        if !self.state.take_for(app, *id) {
                            let why = not_taken(&self.state, app, *id);
                            return Err(self.refuse(plan, decision, why));
                        }
                    }
                    batch.extend_from_slice(ids);
                    if self.state.catalog.is_peek(*variant) {
                        self.answer((at, not_before), (*worker, *variant), &batch);
                        batch.clear();
                        self.spare.push(batch);
                        continue;
                    }
                    let job = Job::new(*variant, batch, at, not_before);
                    self.append(*worker, job, observer);
                }
                Decision::Preload { worker, variant } => {
                    let job = Job::new(*variant, Vec::new(), at, not_before);
                    self.append(*worker, job, observer);
                }
                Decision::Evict { worker, variant } => {
                    self.state.workers[worker.index()].memory.evict(*variant);
                    observer.on(Event::Evicted { at, worker: *worker, variant: *variant });
                }
                Decision::Reject { request, reason } => self.reject(*request, *reason, observer),
                Decision::WakeAt { time } => self.wake = self.wake.min(*time),
                // Refused above, whatever the reason.
                Decision::GiveUp { .. } => {}
            }
        }
        plan.clear();
        self.state.tidy();
        Ok(())
    }

    #[cold]
    fn refuse(&self, plan: &Plan, decision: &Decision, why: String) -> PlanError {
        PlanError {
            at: self.state.now,
            scheduler: self.scheduler.clone(),
            decision: describe(&self.state, plan, decision),
            why,
        }
    }

    /// Applies every queued event of this instant.
    fn process_events(&mut self, now: Time, observer: &mut impl Observer) {
        while let Some(kind) = self.queue.pop_at(now) {
            match kind {
                EventKind::BatchEnd(worker, lane) => self.end_batch(worker, lane, observer),
                EventKind::LoadEnd(worker) => self.end_load(worker, observer),
                EventKind::Ready(worker) => {
                    self.freed.push(worker);
                    self.start(worker, observer);
                }
                EventKind::PeekEnd => self.end_peek_on_host(observer),
                EventKind::Answers => self.give_answers(observer),
                EventKind::Returned(worker) => self.end_response(worker, observer),
                EventKind::Failure(worker, outage) => self.fail(worker, outage, observer),
            }
        }
    }

    /// Takes in the requests that arrive before anything else happens. No decision depends on when
    /// the scheduler hears of them.
    fn collect(&mut self, observer: &mut impl Observer) {
        if self.state.info == AccuracySource::Profiled && !self.closed {
            self.collect_block(observer);
            return;
        }
        while self.peeks.count == 0 && self.next_arrival() < self.queue.next_time().min(self.wake) {
            self.state.now = self.next_arrival();
            self.arrive(self.state.now, observer);
        }
    }

    /// The same where requests are shown as they arrive.
    fn collect_block(&mut self, observer: &mut impl Observer) {
        let until = self.queue.next_time().min(self.wake);
        while self.next_arrival() < until {
            let left = &self.drawn[self.taken..];
            let count = left.iter().take_while(|arrival| arrival.time < until).count();
            for arrival in &left[..count] {
                let Arrival { time, app, client, budget, truth } = *arrival;
                let deadline = time + budget;
                let make = |id| Request { id, app, client, arrival: time, deadline };
                let id = self.state.insert_pending(make, truth);
                let request = make(id);
                observer.on(Event::Arrived { request: &request });
                observer.on(Event::ReadyToSchedule { at: time, request: &request });
                self.state.now = time;
                self.arrived.push(id);
            }
            self.counts.arrived += count as u64;
            self.taken += count;
            if self.taken == self.drawn.len() {
                self.draw_arrivals();
            }
        }
    }

    /// When the next request arrives.
    #[inline]
    fn next_arrival(&self) -> Time {
        self.drawn.get(self.taken).map_or(Time::MAX, |next| next.time)
    }

    /// Draws arrivals: one if others depend on how it ends.
    #[inline(never)]
    fn draw_arrivals(&mut self) {
        let mut last = self.drawn.last().map_or(Time::ZERO, |last| last.time);
        self.drawn.clear();
        self.taken = 0;
        let most = if self.closed { 1 } else { BLOCK };
        self.arrivals.next_arrivals(most, &mut self.drawn);
        // A source that goes back in time would break the clock; it is taken as "now".
        for next in &mut self.drawn {
            last = last.max(next.time);
            next.time = last;
        }
    }

    /// Takes the next request, which there is.
    #[inline]
    fn take_arrival(&mut self) -> Arrival {
        let arrival = self.drawn[self.taken];
        self.taken += 1;
        if self.taken == self.drawn.len() {
            self.draw_arrivals();
        }
        arrival
    }

    /// Takes in every request that arrives at this instant.
    fn arrive(&mut self, now: Time, observer: &mut impl Observer) {
        while self.next_arrival() == now {
            let arrival = self.take_arrival();
            self.admit(arrival, observer);
        }
        self.peek_on_host();
    }

    /// Takes in a request.
    #[expect(clippy::inline_always, reason = "once a request")]
    #[inline(always)]
    fn admit(&mut self, arrival: Arrival, observer: &mut impl Observer) {
        let Arrival { time, app, client, budget, truth } = arrival;
        let deadline = time + budget;
        let make = |id| Request { id, app, client, arrival: time, deadline };
        let id = self.state.insert(make, truth);
        self.counts.arrived += 1;
        observer.on(Event::Arrived { request: &make(id) });
        if self.state.info == AccuracySource::Profiled {
            self.show(id, observer);
        } else {
            self.receive(app, id, observer);
        }
    }

    /// Shows a request to the scheduler.
    #[inline]
    fn show(&mut self, id: RequestId, observer: &mut impl Observer) {
        self.state.show(id);
        self.arrived.push(id);
        if let Some(slot) = self.state.slot(id) {
            observer.on(Event::ReadyToSchedule { at: self.state.now, request: &slot.request });
        }
    }

    /// Appends to a worker's backlog and starts what can start. A worker hears once of every plan
    /// that takes time when that is over.
    fn append(&mut self, worker: WorkerId, mut job: Job, observer: &mut impl Observer) {
        if let Some(sent) = self.state.workers[worker.index()].sent {
            self.send(worker, sent, &mut job, observer);
        }
        if let Some(lane) = self.free_lane(worker, &job) {
            self.state.workers[worker.index()].memory.touch(job.variant);
            self.run(worker, lane, job, observer);
            return;
        }
        let backlog = &mut self.state.workers[worker.index()].backlog;
        let heard = backlog.back().is_some_and(|last| last.not_before == job.not_before);
        if job.not_before > self.state.now && !heard {
            self.queue.push(job.not_before, EventKind::Ready(worker));
        }
        backlog.push_back(job);
        self.start(worker, observer);
    }

    /// The lane on which a batch can start at once: nothing goes before it, and its variant is
    /// resident. Then [`Self::start`] would do the same.
    #[inline]
    fn free_lane(&self, worker: WorkerId, job: &Job) -> Option<usize> {
        let state = &self.state.workers[worker.index()];
        let may = state.backlog.is_empty()
            && self.peeks.count == 0
            && state.loading.is_none()
            && state.ready.max(job.not_before) <= self.state.now
            && !job.requests.is_empty()
            && state.memory.contains(job.variant);
        if may { state.lanes.iter().position(Option::is_none) } else { None }
    }

    /// Starts what the worker's backlog can start now.
    fn start(&mut self, worker: WorkerId, observer: &mut impl Observer) {
        let now = self.state.now;
        loop {
            let looked = self.state.workers[worker.index()].looked;
            if !looked && self.peek_on_worker(worker, observer) {
                continue;
            }
            let state = &mut self.state.workers[worker.index()];
            let Some(job) = state.backlog.front() else { return };
            if state.loading.is_some() || state.ready.max(job.not_before) > now {
                return;
            }
            let variant = job.variant;
            if !state.memory.contains(variant) {
                if !self.may_load(worker, variant) || !self.load(worker, variant, observer) {
                    return;
                }
                continue;
            }
            state.memory.touch(variant);
            if job.requests.is_empty() {
                state.backlog.pop_front();
                continue;
            }
            let Some(lane) = state.lanes.iter().position(Option::is_none) else { return };
            let Some(job) = state.backlog.pop_front() else { return };
            self.run(worker, lane, job, observer);
        }
    }

    fn run(&mut self, worker: WorkerId, lane: usize, job: Job, observer: &mut impl Observer) {
        let at = self.state.now;
        let Job { variant, requests, decided, .. } = job;
        let catalog = &self.state.catalog;
        let expected_end = at + catalog.latency(worker, variant, requests.len());
        let what = (worker, variant);
        let service = self.truth.service(what, &requests, (at, self.rng));
        observer.on(Event::BatchStarted { at, worker, lane, variant, requests: &requests });
        self.queue.push(at + service, EventKind::BatchEnd(worker, lane as u16));
        let running = Running { variant, requests, decided, started: at, expected_end };
        let state = &mut self.state.workers[worker.index()];
        state.lanes[lane] = Some(running);
        state.looked = false;
    }

    fn end_batch(&mut self, worker: WorkerId, lane: u16, observer: &mut impl Observer) {
        let at = self.state.now;
        let lane = usize::from(lane);
        let Some(running) = self.state.workers[worker.index()].lanes[lane].take() else { return };
        let Running { variant, mut requests, decided, started, .. } = running;
        let batch = requests.len();
        observer.on(Event::BatchEnded { at, worker, lane, variant, started, batch });
        let look = self.state.catalog.is_peek(variant);
        let (worker_id, size) = (Some(worker), batch as u32);
        let answer = Answer { worker: worker_id, variant, batch: size, decided, started };
        if self.state.workers[worker.index()].sent.is_some() {
            self.begin_response(worker, std::mem::take(&mut requests), answer, observer);
        }
        if look {
            requests.iter().for_each(|id| self.make_ready(*id, observer));
        } else {
            self.complete(&requests, answer, observer);
        }
        requests.clear();
        self.spare.push(requests);
        self.feedback.push(BatchCompletion { worker, variant, batch, started, finished: at });
        self.freed.push(worker);
        if self.peeks.count > 0 || !self.state.workers[worker.index()].backlog.is_empty() {
            self.start(worker, observer);
        }
    }

    fn finish(&mut self, observer: &mut impl Observer) -> Result<(), SimError> {
        let at = self.state.now;
        if std::mem::replace(&mut self.done, true) {
            return Ok(());
        }
        for slot in self.state.pending() {
            observer.on(Event::Unfinished { at, request: &slot.request });
            self.counts.unfinished += 1;
        }
        if let Some(problem) = self.arrivals.problem() {
            return Err(SimError::Arrivals(problem.clone()));
        }
        let Counts { arrived, completed, rejected, unfinished } = self.counts;
        if arrived != completed + rejected + unfinished
            || arrived != u64::from(self.state.arrived())
        {
            return Err(SimError::NotConserved(self.counts));
        }
        Ok(())
    }
}
