//! The step machine.
//!
//! **Invariants:**
//! - time never decreases;
//! - all events of one instant are applied, then the scheduler decides once;
//! - a worker processes its backlog in order; a batch runs to its end unless its worker fails
//!   (`faults.rs`);
//! - a load occupies all lanes and begins when all are idle, unless it takes no time; memory is
//!   never exceeded: least recently used variants leave when a load starts (`loads.rs`);
//! - payloads for a worker behind a link are sent one after another (`link.rs`);
//! - peeks on a worker alternate with its backlog (`peek.rs`);
//! - arrived = completed + rejected + unfinished at the end of every run;
//! - a run that exceeds the clock fails (`clock.rs`).

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
use crate::system::ground_truth::{BatchKey, GroundTruth};
use crate::workload::Arrivals;
use link::PendingResponse;
use peek::Peeks;
use std::sync::Arc;

/// The most wake-ups of a scheduler without any other event between them.
const MAX_IDLE_WAKES: u32 = 1_000_000;

/// Arrivals that are drawn at once, where they may be.
const BLOCK: usize = 256;

/// Why [`Simulation::advance`] returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepOutcome {
    /// The scheduler has to decide.
    Decide,
    /// The run is over.
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

/// The reason for which a run failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SimError {
    /// A decision broke a rule.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// A scheduler asks for wake-ups and does nothing else.
    #[error("scheduler `{scheduler}` at {at}: woken a million times, and nothing happened")]
    NoProgress {
        /// The scheduler's name.
        scheduler: String,
        /// The time of the last wake-up.
        at: Time,
    },
    /// An event after the last instant of the clock.
    #[error("the run is longer than the clock (584 years): {what}; the cause is among {keys}")]
    ClockFull {
        /// The event.
        what: String,
        /// The settings on which its time depends.
        keys: String,
    },
    /// A request could not be read.
    #[error("arrivals ended early: {0}")]
    Arrivals(Problem),
    /// A lost or doubled request: a defect of this program.
    #[error("requests are not conserved: {0:?}; this is a defect, please report it")]
    NotConserved(Counts),
}

/// The batch that answers a request.
#[derive(Clone, Copy, Debug)]
struct Answer {
    worker: Option<WorkerId>,
    variant: VariantId,
    batch: u32,
    decided: Time,
    started: Time,
}

/// A run in progress.
#[expect(clippy::struct_excessive_bools, reason = "each is an independent fact")]
pub struct Simulation {
    state: State,
    truth: Arc<GroundTruth>,
    arrivals: Box<dyn Arrivals>,
    /// Arrivals that have been drawn, and how many of them have arrived: all only when there are no
    /// more.
    drawn: Vec<Arrival>,
    taken: usize,
    /// Whether arrivals are collected for the scheduler while no worker is idle.
    collects: bool,
    /// Whether arrivals depend on the ends of requests.
    closed: bool,
    queue: EventQueue,
    wake: Time,
    idle_wakes: u32,
    /// Whether the last decision, when no other event will follow, has been asked for.
    asked: bool,
    peeks: Peeks,
    responses: Vec<PendingResponse>,
    rng: Rng,
    scheduler: String,
    counts: Counts,
    arrived: Vec<RequestId>,
    freed: Vec<WorkerId>,
    loaded: Vec<WorkerId>,
    woken: bool,
    done: bool,
    feedback: Vec<BatchCompletion>,
    /// Empty vectors for the requests of batches.
    spare: Vec<Vec<RequestId>>,
}

impl Simulation {
    /// A run of these arrivals on this system. `info` is the source of accuracies that the run
    /// grants, `scheduler` the name in messages; `rng` gives outcomes and noise.
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
            for (index, outage) in (0u16..).zip(truth.outages(worker)) {
                queue.push(outage.from, EventKind::Failure(worker, index));
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
            responses: Vec::new(),
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

    /// Collects arrivals for a scheduler whose decisions wait for an idle worker
    /// ([`Scheduler::waits_for_idle_workers`](crate::contract::Scheduler)).
    pub fn collect_arrivals(&mut self, collects: bool) {
        self.collects = collects;
    }

    /// The view of the scheduler.
    #[inline]
    pub fn view(&self) -> View<'_> {
        View::new(&self.state)
    }

    /// The events of this instant.
    #[inline]
    pub fn trigger(&self) -> Trigger<'_> {
        let Self { arrived, freed, loaded, woken, .. } = self;
        Trigger { arrived, freed, loaded, woken: *woken }
    }

    /// The batches that ended at this instant.
    #[inline]
    pub fn feedback(&self) -> &[BatchCompletion] {
        &self.feedback
    }

    /// The requests that have ended so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Goes to the next instant at which the scheduler has to decide.
    ///
    /// # Errors
    /// A scheduler without progress, an event beyond the clock, arrivals that cannot be read.
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
                // A peek that takes no time ends at this instant, too.
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

    /// Validates and applies every decision of the plan, in order, and clears it.
    ///
    /// # Errors
    /// A decision that breaks a rule.
    pub fn apply(
        &mut self,
        plan: &mut Plan,
        observer: &mut impl Observer,
    ) -> Result<(), PlanError> {
        let not_before = self.state.now + self.state.catalog.overhead.of(plan.requests().len());
        if !plan.decisions().is_empty() {
            let (at, decisions) = (self.state.now, plan.decisions().len());
            observer.on(Event::Decided { at, decisions });
        }
        for decision in plan.decisions() {
            self.decide(plan, decision, not_before, observer).map_err(|why| PlanError {
                at: self.state.now,
                scheduler: self.scheduler.clone(),
                decision: describe(&self.state, plan, decision),
                why,
            })?;
        }
        plan.clear();
        self.state.tidy();
        Ok(())
    }

    /// Applies a decision, or returns the rule that it breaks.
    fn decide(
        &mut self,
        plan: &Plan,
        decision: &Decision,
        not_before: Time,
        observer: &mut impl Observer,
    ) -> Result<(), String> {
        if !is_plain(&self.state, decision) {
            check(&self.state, decision)?;
        }
        let at = self.state.now;
        let job =
            |variant, requests| Job { variant, requests, not_before, decided: at, sent_from: at };
        match *decision {
            Decision::Assign { worker, variant, ref requests } => {
                let mut batch = self.spare.pop().unwrap_or_default();
                let app = self.state.catalog.variant(variant).app;
                let ids = &plan.requests()[requests.clone()];
                for id in ids {
                    if !self.state.take_for(app, *id) {
                        return Err(not_taken(&self.state, app, *id));
                    }
                }
                batch.extend_from_slice(ids);
                if self.state.catalog.is_peek(variant) {
                    self.answer_at(not_before, worker, variant, &batch);
                    batch.clear();
                    self.spare.push(batch);
                } else {
                    self.append(worker, job(variant, batch), observer);
                }
            }
            Decision::Preload { worker, variant } => {
                self.append(worker, job(variant, Vec::new()), observer);
            }
            Decision::Evict { worker, variant } => {
                self.state.workers[worker.index()].memory.evict(variant);
                observer.on(Event::Evicted { at, worker, variant });
            }
            Decision::Reject { request, reason } => self.reject(request, reason, observer),
            Decision::WakeAt(time) => self.wake = self.wake.min(time),
            // Never valid.
            Decision::Abort(_) => {}
        }
        Ok(())
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
                EventKind::Response(worker) => self.end_response(worker, observer),
                EventKind::Failure(worker, outage) => self.fail(worker, outage, observer),
            }
        }
    }

    /// Adds the requests that arrive before any other event. No decision depends on when the
    /// scheduler hears of them.
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

    /// The same where requests are ready when they arrive.
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

    /// The time of the next arrival.
    #[inline]
    fn next_arrival(&self) -> Time {
        self.drawn.get(self.taken).map_or(Time::MAX, |next| next.time)
    }

    /// Draws arrivals: a single one if later ones depend on how it ends.
    #[inline(never)]
    fn draw_arrivals(&mut self) {
        let mut last = self.drawn.last().map_or(Time::ZERO, |last| last.time);
        self.drawn.clear();
        self.taken = 0;
        let most = if self.closed { 1 } else { BLOCK };
        self.arrivals.next_arrivals(most, &mut self.drawn);
        // An arrival before the last one would break the clock: it is moved to it.
        for next in &mut self.drawn {
            last = last.max(next.time);
            next.time = last;
        }
    }

    /// Adds every request that arrives at this instant.
    fn arrive(&mut self, now: Time, observer: &mut impl Observer) {
        while self.next_arrival() == now {
            let Arrival { time, app, client, budget, truth } = self.drawn[self.taken];
            self.taken += 1;
            if self.taken == self.drawn.len() {
                self.draw_arrivals();
            }
            let deadline = time + budget;
            let make = |id| Request { id, app, client, arrival: time, deadline };
            let id = self.state.insert(make, truth);
            self.counts.arrived += 1;
            observer.on(Event::Arrived { request: &make(id) });
            self.receive(app, id, observer);
        }
        self.peek_on_host();
    }

    /// Appends to a worker's backlog and starts what can start. The worker is freed once at the end
    /// of the overhead of a decision.
    fn append(&mut self, worker: WorkerId, mut job: Job, observer: &mut impl Observer) {
        if let Some(sent) = self.state.workers[worker.index()].sent {
            self.send(worker, sent, &mut job, observer);
        }
        if let Some(lane) = self.free_lane(worker, &job) {
            self.state.workers[worker.index()].memory.touch(job.variant);
            self.start_job(worker, lane, job, observer);
            return;
        }
        let backlog = &mut self.state.workers[worker.index()].backlog;
        let is_queued = backlog.back().is_some_and(|last| last.not_before == job.not_before);
        if job.not_before > self.state.now && !is_queued {
            self.queue.push(job.not_before, EventKind::Ready(worker));
        }
        backlog.push_back(job);
        self.start(worker, observer);
    }

    /// The lane on which a batch can start at once: nothing goes before it, and its variant is
    /// resident. [`Self::start`] would do the same.
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

    /// Starts the peeks, loads and batches that the worker can start now.
    fn start(&mut self, worker: WorkerId, observer: &mut impl Observer) {
        let now = self.state.now;
        loop {
            let peeked_last = self.state.workers[worker.index()].peeked_last;
            if !peeked_last && self.peek_on_worker(worker, observer) {
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
            self.start_job(worker, lane, job, observer);
        }
    }

    fn start_job(&mut self, worker: WorkerId, lane: usize, job: Job, observer: &mut impl Observer) {
        let Job { variant, requests, decided, .. } = job;
        let (started, batch) = (self.state.now, requests.len());
        let lowest = requests.iter().map(|id| id.number()).min().unwrap_or(0);
        let expected_end = started + self.state.catalog.latency(worker, variant, batch);
        let batch = BatchKey { worker, variant, size: batch, lowest };
        let end = started + self.truth.service(batch, started, self.rng);
        let running = Running { variant, requests, decided, started, expected_end };
        self.start_batch(worker, lane, running, end, observer);
        self.state.workers[worker.index()].peeked_last = false;
    }

    /// Occupies a lane with a batch, or with a peek, until `end`.
    fn start_batch(
        &mut self,
        worker: WorkerId,
        lane: usize,
        running: Running,
        end: Time,
        observer: &mut impl Observer,
    ) {
        let Running { variant, ref requests, started: at, .. } = running;
        observer.on(Event::BatchStarted { at, worker, lane, variant, requests });
        self.queue.push(end, EventKind::BatchEnd(worker, lane as u16));
        self.state.workers[worker.index()].lanes[lane] = Some(running);
    }

    fn end_batch(&mut self, worker: WorkerId, lane: u16, observer: &mut impl Observer) {
        let at = self.state.now;
        let lane = usize::from(lane);
        let Some(running) = self.state.workers[worker.index()].lanes[lane].take() else { return };
        let Running { variant, mut requests, decided, started, .. } = running;
        let batch = requests.len();
        observer.on(Event::BatchEnded { at, worker, lane, variant, started, batch });
        let is_peek = self.state.catalog.is_peek(variant);
        let answer =
            Answer { worker: Some(worker), variant, batch: batch as u32, decided, started };
        if self.state.workers[worker.index()].sent.is_some() {
            self.begin_response(worker, std::mem::take(&mut requests), answer, observer);
        }
        if is_peek {
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
