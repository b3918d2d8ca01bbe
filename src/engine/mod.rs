//! The engine: a step machine over integer time.
//!
//! ```text
//! loop { match sim.advance(obs)? { Step::Decide => …, Step::Done => break } }
//!          │                            │
//!          │ next instant, all events   │ scheduler.decide(view, trigger, plan)
//!          ▼                            ▼
//!        state  ◄──────────────  sim.apply(plan, obs)?   (validated, then applied)
//! ```
//!
//! The same machine is a simulation ([`run`]), a debugger and a learning environment.

mod event_queue;
mod observations;
mod simulation;
mod validate;

pub use simulation::{Counts, SimError, Simulation, StepOutcome};
pub use validate::PlanError;

use crate::contract::{Observer, Plan, Scheduler, Trigger, View};

/// Runs a simulation to its end.
///
/// # Errors
/// A decision that breaks a rule, a scheduler without progress, and arrivals that cannot be read.
pub fn run(
    sim: &mut Simulation,
    scheduler: &mut dyn Scheduler,
    observer: &mut impl Observer,
) -> Result<Counts, SimError> {
    run_watched(sim, scheduler, observer, |_, _, _, _| {})
}

/// As [`run`]; `watch` is called after every decision, before it is applied, with what the
/// scheduler saw and what it decided.
///
/// # Errors
/// As [`run`].
pub fn run_watched<O: Observer>(
    sim: &mut Simulation,
    scheduler: &mut dyn Scheduler,
    observer: &mut O,
    mut watch: impl FnMut(&mut O, &View<'_>, Trigger<'_>, &Plan),
) -> Result<Counts, SimError> {
    let mut plan = Plan::default();
    sim.collect_arrivals(scheduler.waits_for_idle_workers());
    while sim.advance(observer)? == StepOutcome::Decide {
        for feedback in sim.feedback() {
            scheduler.on_completion(feedback);
        }
        scheduler.decide(&sim.view(), sim.trigger(), &mut plan);
        watch(observer, &sim.view(), sim.trigger(), &plan);
        sim.apply(&mut plan, observer)?;
    }
    Ok(sim.counts())
}
