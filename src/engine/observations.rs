//! What a scheduler is told of a request, filled in when the request becomes visible.
//!
//! This is the one place where truth becomes belief; the scheduler's [`AccuracySource`] decides how
//! much.

use crate::classifier::model::ShortCircuit;
use crate::classifier::posterior::{answer, expected_accuracy, update};
use crate::contract::AccuracySource;
use crate::contract::state::State;
use crate::core::ids::RequestId;
use crate::core::rng::Rng;
use crate::system::ground_truth::GroundTruth;
use std::sync::Arc;

/// Fills the estimates of a request that is about to be shown.
pub(super) fn fill(state: &mut State, truth: &GroundTruth, id: RequestId, rng: Rng) {
    if state.info == AccuracySource::Profiled {
        return;
    }
    let Some(slot) = state.slot(id).copied() else { return };
    let (classes, variants) = (state.estimates.classes, state.estimates.variants);
    let slots = state.slots_len();
    state.estimates.accuracy.resize(slots * variants, 0.0);
    state.estimates.posterior.resize(slots * classes, 0.0);
    let catalog = Arc::clone(&state.catalog);
    let app = slot.request.app;
    let own_classes = catalog.app(app).classes.len();
    let at = id.slot() * classes;
    let theta = &mut state.estimates.posterior[at..at + own_classes];
    let class = usize::from(slot.truth.class);
    match state.info {
        AccuracySource::Profiled => {}
        AccuracySource::Posterior => {
            let (peek, trace) = (&catalog.app(app).peek, truth.trace(app).map(Arc::as_ref));
            let buffers = &mut state.estimates.buffers;
            peek.look(trace, slot.truth, id.number(), own_classes, rng, buffers);
            theta.copy_from_slice(&catalog.app(app).prior);
            update(theta, &buffers.votes, peek.evidence, peek.threshold);
        }
        AccuracySource::OracleLabel | AccuracySource::OracleOutcome => {
            theta.fill(0.0);
            theta[class] = 1.0;
        }
    }
    let at = id.slot() * variants;
    if state.info == AccuracySource::Posterior {
        let offset = catalog.variants_of(app).len();
        let app = catalog.app(app);
        let said = answer(&state.estimates.buffers.votes, app.peek.threshold);
        // What has not voted has no answer: it is never right.
        let accuracy = said.map_or(0.0, |said| match (app.peek.short_circuit, app.answers) {
            (ShortCircuit::Precision, _) => app.precision[said],
            (ShortCircuit::Posterior, Some(peek)) => {
                expected_accuracy(theta, &catalog.variant(peek).recall)
            }
            _ => theta[said],
        });
        state.estimates.answer.resize(slots, None);
        state.estimates.answer[id.slot()] = said.map(|said| said as u16);
        state.estimates.accuracy[at + offset] = accuracy;
    }
    for (offset, variant) in catalog.variants_of(app).enumerate() {
        state.estimates.accuracy[at + offset] = match state.info {
            AccuracySource::OracleOutcome => {
                f64::from(u8::from(truth.correct(variant, slot.truth, id.number(), rng)))
            }
            _ => expected_accuracy(theta, &catalog.variant(variant).recall),
        };
    }
}
