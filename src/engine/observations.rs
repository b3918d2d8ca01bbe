//! The beliefs about a request, filled in when it becomes visible.
//!
//! This is the only place where truth becomes belief, as far as the [`AccuracySource`] of the run
//! grants it.

use crate::classifier::model::ShortCircuit;
use crate::classifier::posterior::{self, expected_accuracy, update};
use crate::contract::AccuracySource;
use crate::contract::state::{RequestBeliefs, State};
use crate::core::ids::RequestId;
use crate::core::rng::Rng;
use crate::system::ground_truth::GroundTruth;
use std::sync::Arc;

/// Fills the beliefs about a request that becomes visible.
pub(super) fn fill(state: &mut State, truth: &GroundTruth, id: RequestId, rng: Rng) {
    if state.info == AccuracySource::Profiled {
        return;
    }
    let Some(slot) = state.slot(id).copied() else { return };
    let slots = state.slots_len();
    let catalog = Arc::clone(&state.catalog);
    let (app_id, app) = (slot.request.app, catalog.app(slot.request.app));
    let RequestBeliefs { classes, variants, posterior, answer, accuracy, buffers } =
        &mut state.beliefs;
    accuracy.resize(slots * *variants, 0.0);
    posterior.resize(slots * *classes, 0.0);
    let accuracy = &mut accuracy[id.slot() * *variants..];
    let theta = &mut posterior[id.slot() * *classes..][..app.classes.len()];
    if state.info == AccuracySource::Posterior {
        let (classifier, trace) = (&app.classifier, truth.trace(app_id).map(Arc::as_ref));
        classifier.peek(trace, slot.truth, id.number(), theta.len(), rng, buffers);
        theta.copy_from_slice(&app.prior);
        update(theta, &buffers.votes, classifier.evidence, classifier.threshold);
        let voted = posterior::answer(&buffers.votes, classifier.threshold);
        answer.resize(slots, None);
        answer[id.slot()] = voted.map(|class| class as u16);
        // Without votes there is no answer, which is never right.
        accuracy[catalog.variants_of(app_id).len()] =
            voted.map_or(0.0, |class| match (classifier.short_circuit, app.peek_variant) {
                (ShortCircuit::Precision, _) => app.precision[class],
                (ShortCircuit::Posterior, Some(peek)) => {
                    expected_accuracy(theta, &catalog.variant(peek).recall)
                }
                _ => theta[class],
            });
    } else {
        theta.fill(0.0);
        theta[usize::from(slot.truth.class)] = 1.0;
    }
    if state.info != AccuracySource::OracleOutcome {
        app.expected_accuracies(theta, accuracy);
        return;
    }
    for (accuracy, variant) in accuracy.iter_mut().zip(catalog.variants_of(app_id)) {
        let is_right = truth.correct(variant, slot.truth, id.number(), rng);
        *accuracy = f64::from(u8::from(is_right));
    }
}
