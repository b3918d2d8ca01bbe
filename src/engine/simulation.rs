//! The step machine.
//!
//! **Invariants:**
//! - time never decreases;
//! - all events of one instant are applied, then the scheduler decides once;
//! - a worker processes its backlog in order; a batch runs to its end unless its worker fails or
//!   the scheduler ends it (`faults.rs`);
//! - a load occupies all lanes and begins when all are idle, unless it takes no time; memory is
//!   never exceeded: least recently used variants leave when a load starts (`loads.rs`);
//! - payloads for a worker behind a link are sent one after another, and the host works on
//!   requests before and after batches (`link.rs`);
//! - peeks on a worker alternate with its backlog (`peek.rs`);
//! - with `drop_late` no late request is pending when the scheduler is asked (`late_drops.rs`);
//! - arrived = completed + rejected + unfinished at the end of every run;
//! - a run that exceeds the clock fails (`clock.rs`).

mod arrivals;
mod batches;
mod clock;
mod completion;
mod faults;
mod late_drops;
mod link;
mod loads;
mod peek;
mod recent_use;

use super::event_queue::{EventKind, EventQueue};
use super::validate::{PlanError, check, describe, is_plain, not_taken};
use crate::config::Problem;
use crate::contract::state::{Job, State};
use crate::contract::{
    AccuracySource, BatchCompletion, Decision, Event, Observer, Plan, Trigger, View,
};
use crate::core::ids::{Answered, Arrival, Request, RequestId, VariantId, WorkerId};
use crate::core::rng::Rng;
use crate::core::units::Time;
use crate::system::ground_truth::GroundTruth;
use crate::workload::Arrivals;
use late_drops::LateDrops;
use link::PendingResponse;
use peek::Peeks;
use recent_use::RecentUse;
use std::sync::Arc;

/// The most wake-ups of a scheduler without any other event between them.
const MAX_IDLE_WAKES: u32 = 1_000_000;

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
    /// Requests that were refused.
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
    /// With `drop_late` only.
    late: Option<Box<LateDrops>>,
    peeks: Peeks,
    /// By slot.
    responses: Vec<Option<PendingResponse>>,
    /// By worker; empty if no time depends on it.
    recent_use: Vec<RecentUse>,
    rng: Rng,
    scheduler: String,
    counts: Counts,
    arrived: Vec<RequestId>,
    freed: Vec<WorkerId>,
    loaded: Vec<WorkerId>,
    woken: bool,
    done: bool,
    feedback: Vec<BatchCompletion>,
    /// The requests of a block of arrivals, and the answers of a batch, while an observer hears of
    /// them.
    requests: Vec<Request>,
    answers: Vec<Answered>,
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
        let state = State::new(catalog, info);
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
            late: state.catalog.drop_late.then(|| Box::new(LateDrops::new(&state))),
            peeks: Peeks::new(&state.catalog),
            responses: Vec::new(),
            recent_use: RecentUse::of(&truth, &state),
            rng,
            scheduler: scheduler.to_owned(),
            counts: Counts::default(),
            arrived: Vec::new(),
            freed: Vec::new(),
            loaded: Vec::new(),
            woken: false,
            done: false,
            feedback: Vec::new(),
            requests: Vec::new(),
            answers: Vec::new(),
            spare: Vec::new(),
            state,
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
        let dropped = self.late.as_ref().map_or(&[][..], |late| &late.dropped);
        Trigger { arrived, freed, loaded, dropped, woken: *woken }
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
                    return Ok(self.ask(observer));
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
                return Ok(self.ask(observer));
            }
        }
    }

    /// What comes before a question to the scheduler.
    #[inline]
    fn ask(&mut self, observer: &mut impl Observer) -> StepOutcome {
        if self.late.is_some() {
            self.drop_late(observer);
        }
        StepOutcome::Decide
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
                if let Some(variant) = self.state.workers[worker.index()].memory.evict(variant) {
                    observer.on(Event::Evicted { at, worker, variant });
                }
            }
            Decision::Preempt { worker, lane } => self.preempt(worker, lane, observer),
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
                EventKind::Response(slot) => self.end_response(slot, observer),
                EventKind::Failure(worker, outage) => self.fail(worker, outage, observer),
            }
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
