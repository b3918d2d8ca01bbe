//! Writes down what a scheduler was asked and what it answered, as plain numbers.

use crate::contract::{BatchCompletion, Decision, Plan, Scheduler, Trigger, View};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// One question to a scheduler and its answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    pub at: u64,
    /// How many events had been logged by then.
    pub place: usize,
    pub arrived: Vec<u32>,
    pub freed: Vec<u16>,
    pub loaded: Vec<u16>,
    pub dropped: Vec<u32>,
    pub woken: bool,
    /// Ends of batches told since the last question.
    pub told: usize,
    pub decisions: Vec<Decided>,
}

/// A decision with request numbers instead of ids.
#[derive(Clone, Debug, PartialEq)]
pub enum Decided {
    Assign { worker: u16, variant: u16, requests: Vec<u32> },
    Preload { worker: u16, variant: u16 },
    Evict { worker: u16, variant: u16 },
    Preempt { worker: u16, lane: usize },
    Reject { request: u32 },
    WakeAt { at: u64 },
    GiveUp,
}

/// A scheduler that does what another one does, and remembers it.
pub struct Scribe<'a> {
    inner: &'a mut dyn Scheduler,
    told: usize,
    /// Late answers of batches that ended on lanes.
    pub late: usize,
    logged: Arc<AtomicUsize>,
    pub asked: Vec<Asked>,
}

impl<'a> Scribe<'a> {
    /// `logged` counts the events of the run's log.
    pub fn new(inner: &'a mut dyn Scheduler, logged: &Arc<AtomicUsize>) -> Self {
        Self { inner, told: 0, late: 0, logged: Arc::clone(logged), asked: Vec::new() }
    }
}

impl Scheduler for Scribe<'_> {
    fn decide(&mut self, view: &View<'_>, trigger: Trigger<'_>, plan: &mut Plan) {
        self.inner.decide(view, trigger, plan);
        let decisions = plan.decisions().iter().map(|decision| match decision {
            Decision::Assign { worker, variant, requests } => Decided::Assign {
                worker: worker.0,
                variant: variant.0,
                requests: plan.requests()[requests.clone()].iter().map(|r| r.number()).collect(),
            },
            Decision::Preload { worker, variant } => {
                Decided::Preload { worker: worker.0, variant: variant.0 }
            }
            Decision::Evict { worker, variant } => {
                Decided::Evict { worker: worker.0, variant: variant.0 }
            }
            Decision::Preempt { worker, lane } => {
                Decided::Preempt { worker: worker.0, lane: *lane }
            }
            Decision::Reject { request, .. } => Decided::Reject { request: request.number() },
            Decision::WakeAt(time) => Decided::WakeAt { at: time.0 },
            Decision::Abort(_) => Decided::GiveUp,
        });
        self.asked.push(Asked {
            at: view.now().0,
            place: self.logged.load(Ordering::Relaxed),
            arrived: trigger.arrived.iter().map(|r| r.number()).collect(),
            freed: trigger.freed.iter().map(|w| w.0).collect(),
            loaded: trigger.loaded.iter().map(|w| w.0).collect(),
            dropped: trigger.dropped.iter().map(|r| r.id.number()).collect(),
            woken: trigger.woken,
            told: std::mem::take(&mut self.told),
            decisions: decisions.collect(),
        });
    }

    fn on_completion(&mut self, feedback: &BatchCompletion) {
        self.told += 1;
        self.late += feedback.lane.map_or(0, |_| feedback.late);
        self.inner.on_completion(feedback);
    }
}
