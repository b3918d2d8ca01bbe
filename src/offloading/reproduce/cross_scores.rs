//! The same decisions scored by other dialogues.
//!
//! Elsewhere the estimator that scores a decision is the one by which a planner chose it, or from
//! which an agent learned. A maximum over estimates is then scored by the errors that made it the
//! maximum, and gains are overstated. Here the decisions about a test dialogue are scored by an
//! estimator of the other test dialogues of its split, which no policy has used and which does not
//! contain the dialogue itself. These are few, so intervals are wide.

use super::ReproductionConfig;
use super::dialogue_scores::DialogueScores;
use super::optimum_bounds::GUARDED;
use super::splits::{model, split_rng};
use crate::config::Problem;
use crate::offloading::estimator::NeighbourTies;
use crate::offloading::evaluate::{DialogueResult, evaluate, replay};
use crate::offloading::{Cost, DialogueModel, Split, Workload, policies};
use crate::report::reproduction::Measurement;
use rayon::prelude::*;
use std::sync::Arc;

const SECTION: &str = "scored by other dialogues";
/// Policies without training that are compared.
const POLICIES: [&str; 3] = ["local", GUARDED[0], GUARDED[1]];

/// For each test dialogue of a split, in order, a model whose estimator is of all the others.
pub(super) fn other_models(
    model: &DialogueModel,
    split: &Split,
) -> Result<Vec<DialogueModel>, Problem> {
    let other = |dialogue: &usize| {
        let others: Vec<usize> = split.test.iter().copied().filter(|d| d != dialogue).collect();
        DialogueModel::new(Arc::clone(&model.workload), &others, model.params.clone())
    };
    split.test.iter().map(other).collect()
}

/// Rewards by the estimator that chose, and by the others.
#[derive(Clone, Debug, Default)]
pub(super) struct PairedScores([DialogueScores; 2]);

impl PairedScores {
    /// Of the results of one split.
    pub(super) fn new(
        at: usize,
        other_models: &[DialogueModel],
        split: &Split,
        results: &[DialogueResult],
    ) -> Self {
        let own: Vec<f64> = results.iter().map(|result| result.reward).collect();
        let decided = split.test.iter().zip(results).zip(other_models);
        let others = decided
            .map(|((dialogue, result), model)| replay(model, *dialogue, &result.actions).reward);
        let others: Vec<f64> = others.collect();
        Self([own, others].map(|values| DialogueScores::new(at, &split.test, &values)))
    }

    /// Of a policy that needs no training, on one split.
    pub(super) fn of_policy(
        name: &str,
        at: usize,
        (model, split): (&DialogueModel, &Split),
        other_models: &[DialogueModel],
    ) -> Result<Self, Problem> {
        let mut policy = policies::build(name, model, split_rng(at))?;
        let results = evaluate(model, &split.test, policy.as_mut(), Cost::PUBLISHED);
        Ok(Self::new(at, other_models, split, &results))
    }

    /// Of all splits.
    #[expect(clippy::needless_pass_by_value, reason = "an iterator, as callers make it")]
    pub(super) fn all<'a>(splits: impl Iterator<Item = &'a Self> + Clone) -> Self {
        Self(
            [0, 1].map(|side| {
                DialogueScores::all(splits.clone().map(|scores| scores.0[side].clone()))
            }),
        )
    }

    /// The differences to another policy.
    pub(super) fn less(&self, name: &str, other: &Self, other_name: &str) -> Vec<Measurement> {
        let sides = ["the estimator that chose", "other dialogues"];
        let figure = |(side, scored_by): (usize, &str)| {
            let name = format!("{name} less {other_name}, scored by {scored_by}");
            self.0[side].less(&other.0[side]).measurement(SECTION, name)
        };
        sides.into_iter().enumerate().map(figure).collect()
    }
}

/// Planners within the published budget.
pub(super) fn measure(
    data: &Arc<Workload>,
    config: &ReproductionConfig,
) -> Result<Vec<Measurement>, Problem> {
    let scores = |at: usize| -> Result<Vec<PairedScores>, Problem> {
        let split = data.split(split_rng(at));
        let model = model(data, &split, NeighbourTies::Shared)?;
        let other_models = other_models(&model, &split)?;
        let one = |name| PairedScores::of_policy(name, at, (&model, &split), &other_models);
        POLICIES.into_iter().map(one).collect()
    };
    let splits = (0..config.bounds).into_par_iter().map(scores).collect::<Result<Vec<_>, _>>()?;
    let all = [0, 1, 2].map(|policy| PairedScores::all(splits.iter().map(|split| &split[policy])));
    let pairs = [(1, 0), (2, 0), (2, 1)];
    let figures = pairs.map(|(a, b)| all[a].less(POLICIES[a], &all[b], POLICIES[b]));
    Ok(figures.into_iter().flatten().collect())
}
