//! The beliefs about a request, filled in when it becomes visible.
//!
//! This is the only place where truth becomes belief, as far as the [`AccuracySource`] of the run
//! grants it.

use crate::classifier::model::{ClassifierBuffers, ShortCircuit};
use crate::classifier::posterior::{self, expected_accuracy, update};
use crate::contract::AccuracySource;
use crate::contract::state::{RowBeliefs, Slot, State};
use crate::core::ids::RequestId;
use crate::core::rng::Rng;
use crate::system::catalog::{App, Catalog};
use crate::system::ground_truth::GroundTruth;
use std::sync::Arc;

/// Rows of a trace whose beliefs are kept: some 16 MB at most.
const KEPT_ROWS: usize = 1 << 16;

/// Fills the beliefs about a request that becomes visible.
pub(super) fn fill(state: &mut State, truth: &GroundTruth, id: RequestId, rng: Rng) {
    if state.info == AccuracySource::Profiled {
        return;
    }
    let Some(slot) = state.slot(id).copied() else { return };
    let slots = state.slots_len();
    let catalog = Arc::clone(&state.catalog);
    let (app_id, app) = (slot.request.app, catalog.app(slot.request.app));
    let variants = catalog.variants_of(app_id);
    let beliefs = &mut state.beliefs;
    beliefs.accuracy.resize(slots * beliefs.variants, 0.0);
    beliefs.posterior.resize(slots * beliefs.classes, 0.0);
    let accuracy = &mut beliefs.accuracy[id.slot() * beliefs.variants..][..=variants.len()];
    let theta = &mut beliefs.posterior[id.slot() * beliefs.classes..][..app.classes.len()];
    if state.info == AccuracySource::Posterior {
        let peek = Peek { catalog: &catalog, app, truth, request: &slot, rng };
        beliefs.by_row.resize_with(catalog.app_ids().len(), Vec::new);
        let kept = &mut beliefs.by_row[app_id.index()];
        let answer = peek.believe(theta, accuracy, kept, &mut beliefs.buffers);
        beliefs.answer.resize(slots, None);
        beliefs.answer[id.slot()] = answer;
        return;
    }
    theta.fill(0.0);
    theta[usize::from(slot.truth.class)] = 1.0;
    if state.info == AccuracySource::OracleLabel {
        app.expected_accuracies(theta, accuracy);
        return;
    }
    for (accuracy, variant) in accuracy.iter_mut().zip(variants) {
        let is_right = truth.correct(variant, slot.truth, id.number(), rng);
        *accuracy = f64::from(u8::from(is_right));
    }
}

/// A peek at a request.
struct Peek<'a> {
    catalog: &'a Catalog,
    app: &'a App,
    truth: &'a GroundTruth,
    request: &'a Slot,
    rng: Rng,
}

impl Peek<'_> {
    /// Fills the class probabilities and the accuracies; returns the class that the SneakPeek model
    /// answers. Requests that replay one row of a trace have the same votes: what follows from them
    /// is kept in `rows`.
    fn believe(
        &self,
        theta: &mut [f64],
        accuracy: &mut [f64],
        rows: &mut Vec<Option<RowBeliefs>>,
        buffers: &mut ClassifierBuffers,
    ) -> Option<u16> {
        let row = self.request.truth.row as usize;
        if !self.app.classifier.depends_on_row() || row >= KEPT_ROWS {
            return self.compute(theta, accuracy, buffers);
        }
        if let Some(Some(known)) = rows.get(row) {
            theta.copy_from_slice(&known.posterior);
            accuracy.copy_from_slice(&known.accuracy);
            return known.answer;
        }
        let answer = self.compute(theta, accuracy, buffers);
        rows.resize_with(rows.len().max(row + 1), || None);
        let (posterior, accuracy) = (Box::from(&*theta), Box::from(&*accuracy));
        rows[row] = Some(RowBeliefs { posterior, accuracy, answer });
        answer
    }

    fn compute(
        &self,
        theta: &mut [f64],
        accuracy: &mut [f64],
        buffers: &mut ClassifierBuffers,
    ) -> Option<u16> {
        let Self { catalog, app, truth, request, rng } = *self;
        let classifier = &app.classifier;
        let trace = truth.trace(request.request.app).map(Arc::as_ref);
        let number = request.request.id.number();
        classifier.peek(trace, request.truth, number, theta.len(), rng, buffers);
        theta.copy_from_slice(&app.prior);
        update(theta, &buffers.votes, classifier.evidence, classifier.threshold);
        app.expected_accuracies(theta, accuracy);
        let answer = posterior::answer(&buffers.votes, classifier.threshold);
        // Without votes there is no answer, which is never right.
        let of_peek =
            answer.map_or(0.0, |class| match (classifier.short_circuit, app.peek_variant) {
                (ShortCircuit::Precision, _) => app.precision[class],
                (ShortCircuit::Posterior, Some(peek)) => {
                    expected_accuracy(theta, &catalog.variant(peek).recall)
                }
                _ => theta[class],
            });
        accuracy[accuracy.len() - 1] = of_peek;
        answer.map(|class| class as u16)
    }
}
