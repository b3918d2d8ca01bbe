//! What a scheduler is told of a request, filled in when the request becomes visible.
//!
//! This is the one place where truth becomes belief; the scheduler's [`Info`] decides how much.

use crate::domain::RequestId;
use crate::model::posterior::{expected_accuracy, update};
use crate::policy::Info;
use crate::policy::state::State;
use crate::rng::{Label, Rng};

/// Fills the estimates of a request that is about to be shown.
pub(super) fn fill(state: &mut State, id: RequestId, rng: Rng) {
    if state.info == Info::Profiled {
        return;
    }
    let Some(slot) = state.slot(id).copied() else { return };
    let (classes, variants) = (state.estimates.classes, state.estimates.variants);
    let slots = state.slots_len();
    state.estimates.accuracy.resize(slots * variants, 0.0);
    state.estimates.posterior.resize(slots * classes, 0.0);
    let catalog = std::sync::Arc::clone(&state.catalog);
    let app = slot.request.app;
    let own_classes = catalog.app(app).classes.len();
    let at = id.slot() * classes;
    let theta = &mut state.estimates.posterior[at..at + own_classes];
    let class = usize::from(slot.truth.class);
    match state.info {
        Info::Profiled => {}
        Info::Posterior => {
            theta.copy_from_slice(&catalog.app(app).prior);
            let recorded =
                catalog.trace(app).map_or(&[][..], |t| t.votes(slot.truth.row, own_classes));
            if recorded.is_empty() {
                let mut votes = vec![0.0; own_classes];
                votes[drawn_vote(class, own_classes, catalog.peek.recall, id, rng)] = 1.0;
                update(theta, &votes, catalog.peek.evidence);
            } else {
                update(theta, recorded, catalog.peek.evidence);
            }
        }
        Info::OracleLabel | Info::OracleOutcome => {
            theta.fill(0.0);
            theta[class] = 1.0;
        }
    }
    let at = id.slot() * variants;
    for (offset, variant) in catalog.variants_of(app).enumerate() {
        state.estimates.accuracy[at + offset] = match state.info {
            Info::OracleOutcome => {
                f64::from(u8::from(catalog.correct(variant, slot.truth, id.number(), rng)))
            }
            _ => expected_accuracy(theta, &catalog.variant(variant).recall),
        };
    }
}

/// One vote of a model that is right with probability `recall`, and otherwise says any other
/// class with equal probability.
fn drawn_vote(class: usize, classes: usize, recall: Option<f64>, id: RequestId, rng: Rng) -> usize {
    let number = u64::from(id.number());
    if classes < 2 || rng.keyed_unit(Label::Evidence, number, 0) < recall.unwrap_or(1.0) {
        return class;
    }
    let other = rng.keyed_unit(Label::Evidence, number, 1) * (classes - 1) as f64;
    let other = (other as usize).min(classes - 2);
    other + usize::from(other >= class)
}
