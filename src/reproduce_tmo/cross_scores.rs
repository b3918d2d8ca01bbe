//! The same decisions scored by other dialogues.
//!
//! Elsewhere the estimator that scores a decision is the one by which a planner chose it, or from
//! which an agent learned. The maximum of some estimates then counts its own errors as reward, and
//! gains are overstated. Here the decisions about a test dialogue are scored by an estimator of the
//! other test dialogues of its split, which no policy has used and which does not contain the
//! dialogue itself. These are few, so intervals are wide.

use super::ReproductionConfig;
use super::dialogue_scores::DialogueScores;
use super::optimum_bounds::GUARDED;
use super::splits::{SplitModel, by_split};
use crate::config::Problem;
use crate::offloading::evaluate::{DialogueResult, replay};
use crate::offloading::{Cost, DialogueModel, ModelParams, Workload};
use crate::report::reproduction::Measurement;
use std::sync::Arc;

const SECTION: &str = "scored by other dialogues";
/// Policies without training that are compared.
const POLICIES: [&str; 3] = ["local", GUARDED[0], GUARDED[1]];

/// By test dialogue of a split: a model whose estimator is of the other test dialogues.
pub(super) fn other_models(on: &SplitModel) -> Result<Vec<DialogueModel>, Problem> {
    let other = |dialogue: &usize| {
        let others: Vec<usize> = on.split.test.iter().copied().filter(|d| d != dialogue).collect();
        DialogueModel::new(Arc::clone(&on.model.workload), &others, on.model.params.clone())
    };
    on.split.test.iter().map(other).collect()
}

/// Rewards by the estimator that chose, and by the others.
#[derive(Clone, Debug, Default)]
pub(super) struct PairedScores([DialogueScores; 2]);

impl PairedScores {
    /// Scores of the results of one split.
    pub(super) fn new(
        on: &SplitModel,
        other_models: &[DialogueModel],
        results: &[DialogueResult],
    ) -> Self {
        let decided = on.split.test.iter().zip(results).zip(other_models);
        let others = decided
            .map(|((dialogue, result), model)| replay(model, *dialogue, &result.actions).reward);
        Self([on.rewards(results), on.scores(others)])
    }

    /// Scores of a policy that needs no training, within the published budget.
    pub(super) fn of_policy(
        policy: &str,
        on: &SplitModel,
        other_models: &[DialogueModel],
    ) -> Result<Self, Problem> {
        Ok(Self::new(on, other_models, &on.results(policy, Cost::PUBLISHED)?))
    }

    /// Scores of all splits.
    pub(super) fn all<'a>(splits: impl IntoIterator<Item = &'a Self>) -> Self {
        let splits: Vec<&Self> = splits.into_iter().collect();
        Self([0, 1].map(|side| DialogueScores::all(splits.iter().map(|scores| &scores.0[side]))))
    }

    /// The differences to another policy.
    pub(super) fn less(&self, name: &str, other: &Self, other_name: &str) -> Vec<Measurement> {
        let sides = ["the estimator that chose", "other dialogues"];
        let figure = |(side, scored_by): (usize, &str)| {
            let name = format!("{name} less {other_name}, scored by {scored_by}");
            self.0[side].minus(&other.0[side]).measurement(SECTION, name)
        };
        sides.into_iter().enumerate().map(figure).collect()
    }
}

/// Planners within the published budget.
pub(super) fn measure(
    data: &Arc<Workload>,
    config: &ReproductionConfig,
) -> Result<Vec<Measurement>, Problem> {
    let splits = by_split(data, config.bounds, &ModelParams::published()?, |on| {
        let other_models = other_models(on)?;
        let scores = |policy| PairedScores::of_policy(policy, on, &other_models);
        POLICIES.into_iter().map(scores).collect::<Result<Vec<_>, _>>()
    })?;
    let all = [0, 1, 2].map(|policy| PairedScores::all(splits.iter().map(|split| &split[policy])));
    let pairs = [(1, 0), (2, 0), (2, 1)];
    let figures = pairs.map(|(a, b)| all[a].less(POLICIES[a], &all[b], POLICIES[b]));
    Ok(figures.into_iter().flatten().collect())
}
