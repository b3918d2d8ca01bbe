//! Decisions are validated before they are applied; one that breaks a rule stops the run.

use crate::contract::state::{Phase, State};
use crate::contract::{Decision, Plan};
use crate::core::ids::{AppId, RequestId, VariantId, WorkerId};
use crate::core::units::Time;

/// A decision that breaks a rule of the simulation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("scheduler `{scheduler}` at {at}: {decision}: {why}")]
#[non_exhaustive]
pub struct PlanError {
    /// The time of the decision.
    pub at: Time,
    /// The scheduler's name.
    pub scheduler: String,
    /// The decision as text.
    pub decision: String,
    /// The rule it breaks.
    pub why: String,
}

/// The rule that a decision breaks, or `Ok`. The requests of a batch are checked one by one as they
/// are taken.
pub(super) fn check(state: &State, decision: &Decision) -> Result<(), String> {
    match decision {
        Decision::Assign { worker, variant, requests } => {
            usable(state, *worker, *variant)?;
            let largest = state.catalog.max_batch(*worker, *variant);
            if requests.is_empty() {
                return Err("a batch holds at least one request".into());
            }
            if requests.len() > largest {
                return Err(format!("the profile ends at batch {largest}"));
            }
            let app = state.catalog.variant(*variant).app;
            if state.catalog.is_peek(*variant) && state.peek_variant(app) != Some(*variant) {
                return Err("the answer of the SneakPeek model may not be chosen".into());
            }
            Ok(())
        }
        Decision::Preload { worker, variant } => {
            usable(state, *worker, *variant)?;
            if state.catalog.is_peek(*variant) {
                return Err("a SneakPeek model is not loaded".into());
            }
            Ok(())
        }
        Decision::Evict { worker, variant } => {
            known(state, *worker, *variant)?;
            let worker = &state.workers[worker.index()];
            let is_same = |other| state.catalog.weights(other) == state.catalog.weights(*variant);
            if !worker.memory.contains(*variant) {
                return Err("it is not in the worker's memory".into());
            }
            if worker.running().any(|running| is_same(running.variant)) {
                return Err("it is running".into());
            }
            if worker.loading.is_some_and(|loading| is_same(loading.variant)) {
                return Err("it is being loaded".into());
            }
            Ok(())
        }
        Decision::Preempt { worker, lane } => preemptible(state, *worker, *lane),
        Decision::Reject { request, .. } => pending(state, *request),
        Decision::WakeAt(time) if *time <= state.now => Err("a wake-up lies in the future".into()),
        Decision::WakeAt(_) => Ok(()),
        Decision::Abort(why) => Err(why.clone()),
    }
}

/// Whether a decision assigns a batch of a size that a variant can take, without anything else to
/// check.
#[inline]
pub(super) fn is_plain(state: &State, decision: &Decision) -> bool {
    let Decision::Assign { worker, variant, requests } = decision else { return false };
    worker.index() < state.workers.len()
        && variant.index() < state.catalog.variant_ids().len()
        && !state.catalog.is_peek(*variant)
        && (1..=state.catalog.max_batch(*worker, *variant)).contains(&requests.len())
}

fn known(state: &State, worker: WorkerId, variant: VariantId) -> Result<(), String> {
    if worker.index() >= state.workers.len() {
        return Err("there is no such worker".into());
    }
    if variant.index() >= state.catalog.variant_ids().len() {
        return Err("there is no such variant".into());
    }
    Ok(())
}

fn usable(state: &State, worker: WorkerId, variant: VariantId) -> Result<(), String> {
    known(state, worker, variant)?;
    if !state.catalog.usable(worker, variant) {
        let capacity = state.catalog.worker(worker).memory_bytes;
        return Err(format!(
            "the variant has no profile on this class of workers or needs more than its \
             {capacity} bytes of memory"
        ));
    }
    Ok(())
}

/// The rule that forbids a variant of `app` to answer a request.
#[cold]
pub(super) fn not_taken(state: &State, app: AppId, id: RequestId) -> String {
    pending(state, id).err().unwrap_or_else(|| {
        let serves = &state.catalog.app(app).name;
        format!("the variant serves `{serves}`, request {id} does not")
    })
}

fn preemptible(state: &State, worker: WorkerId, lane: usize) -> Result<(), String> {
    if !state.catalog.preemption {
        return Err("the experiment has no `preemption = true`".into());
    }
    let Some(worker) = state.workers.get(worker.index()) else {
        return Err("there is no such worker".into());
    };
    let lanes = worker.lanes.len();
    match worker.lanes.get(lane) {
        None => Err(format!("its lanes are 0 to {}", lanes.saturating_sub(1))),
        Some(None) => Err("nothing runs there".into()),
        Some(Some(running)) if state.catalog.is_peek(running.variant) => {
            Err("a peek runs there, which is no batch".into())
        }
        Some(Some(_)) => Ok(()),
    }
}

/// The rule that forbids to assign or reject a request, or `Ok`.
fn pending(state: &State, id: RequestId) -> Result<(), String> {
    match state.slot(id).map(|slot| slot.phase) {
        Some(Phase::Pending) => Ok(()),
        Some(Phase::Assigned) => Err(format!("request {id} is assigned already")),
        _ => Err(format!("request {id} is not pending")),
    }
}

/// A decision as text.
pub(super) fn describe(state: &State, plan: &Plan, decision: &Decision) -> String {
    let worker = |id| worker_name(state, id);
    let variant = |id| variant_name(state, id);
    match decision {
        Decision::Assign { worker: w, variant: v, requests } => {
            let ids: Vec<String> =
                plan.requests()[requests.clone()].iter().take(8).map(ToString::to_string).collect();
            let more = if requests.len() > 8 { ", …" } else { "" };
            let ids = ids.join(", ");
            format!("assign requests [{ids}{more}] to {} with {}", worker(*w), variant(*v))
        }
        Decision::Preload { worker: w, variant: v } => {
            format!("preload {} on {}", variant(*v), worker(*w))
        }
        Decision::Evict { worker: w, variant: v } => {
            format!("evict {} from {}", variant(*v), worker(*w))
        }
        Decision::Preempt { worker: w, lane } => {
            format!("preempt the batch on lane {lane} of {}", worker(*w))
        }
        Decision::Reject { request, .. } => format!("reject request {request}"),
        Decision::WakeAt(time) => format!("wake at {time}"),
        Decision::Abort(_) => "abort".to_owned(),
    }
}

fn worker_name(state: &State, id: WorkerId) -> String {
    match state.catalog.worker_ids().find(|known| *known == id) {
        Some(id) => format!("worker `{}`", state.catalog.worker(id).name),
        None => format!("worker #{}", id.0),
    }
}

fn variant_name(state: &State, id: VariantId) -> String {
    match state.catalog.variant_ids().find(|known| *known == id) {
        Some(id) => {
            let variant = state.catalog.variant(id);
            format!("variant `{}` of `{}`", variant.name, state.catalog.app(variant.app).name)
        }
        None => format!("variant #{}", id.0),
    }
}
