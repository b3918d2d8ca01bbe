//! The same decisions rescored by other dialogues.
//!
//! Everywhere else the estimator that scores a decision is the one that a planner chose by, or an
//! agent learned from. A maximum over estimates is then rescored by the very errors that artifacts it the
//! maximum, and gains are overstated. Here the decisions about a test dialogue are rescored by an
//! estimator made of the other test dialogues of its split: neither did anybody choose by them, nor
//! is the dialogue itself among them. There are few of them, so intervals are wide.

use super::dialogue_scores::DialogueScores;
use super::optimum_bounds::GUARDED;
use super::splits::{model, split_rng};
use super::{Check, ReproductionConfig};
use crate::config::Problem;
use crate::offloading::estimator::NeighbourTies;
use crate::offloading::evaluate::{DialogueResult, evaluate, replay};
use crate::offloading::{Cost, DialogueModel, Split, Workload, policy};
use rayon::prelude::*;
use std::sync::Arc;

const SECTION: &str = "rescored by other dialogues";
/// Who is compared beside the agents.
const POLICIES: [&str; 3] = ["local", GUARDED[0], GUARDED[1]];

/// For each test dialogue of a split, in order, a model whose estimator knows all the others.
pub(super) fn other_models(
    model: &DialogueModel,
    split: &Split,
) -> Result<Vec<DialogueModel>, Problem> {
    let other_model = |dialogue: &usize| {
        let others: Vec<usize> = split.test.iter().copied().filter(|d| d != dialogue).collect();
        DialogueModel::new(Arc::clone(&model.workload), &others, model.params.clone())
    };
    split.test.iter().map(other_model).collect()
}

/// Rewards of the same decisions by those models.
pub(super) fn rescored(
    other_models: &[DialogueModel],
    split: &Split,
    results: &[DialogueResult],
) -> Vec<f64> {
    let results = split.test.iter().zip(results);
    let again = |(model, (dialogue, result)): (&DialogueModel, (&usize, &DialogueResult))| {
        replay(model, *dialogue, &result.actions).reward
    };
    other_models.iter().zip(results).map(again).collect()
}

/// Rewards by the estimator that chose, and by the others.
#[derive(Clone, Debug, Default)]
pub(super) struct PairedScores(pub(super) [DialogueScores; 2]);

impl PairedScores {
    /// Of the results of one split.
    pub(super) fn new(
        at: usize,
        other_models: &[DialogueModel],
        split: &Split,
        results: &[DialogueResult],
    ) -> Self {
        let own: Vec<f64> = results.iter().map(|result| result.reward).collect();
        let others = rescored(other_models, split, results);
        Self([own, others].map(|values| DialogueScores::new(at, &split.test, &values)))
    }

    /// Of all parts.
    pub(super) fn all(parts: &[Self]) -> Self {
        Self([0, 1].map(|side| DialogueScores::all(parts.iter().map(|part| part.0[side].clone()))))
    }

    /// The lines of one policy less another.
    pub(super) fn lines(&self, name: &str, less: &str, other: &Self) -> Vec<Check> {
        let sides = ["the estimator that chose", "other dialogues"];
        let line = |(side, name_of): (usize, &str)| {
            let name = format!("{name} less {less}, rescored by {name_of}");
            self.0[side].less(&other.0[side]).reported(SECTION, name)
        };
        sides.into_iter().enumerate().map(line).collect()
    }
}

/// What always answering locally comes to on one split.
pub(super) fn local(
    at: usize,
    (model, split): (&DialogueModel, &Split),
    other_models: &[DialogueModel],
) -> Result<PairedScores, Problem> {
    one(at, (model, split), other_models, POLICIES[0])
}

fn one(
    at: usize,
    (model, split): (&DialogueModel, &Split),
    other_models: &[DialogueModel],
    name: &str,
) -> Result<PairedScores, Problem> {
    let mut policy = policy::build(name, model, split_rng(at))?;
    let results = evaluate(model, &split.test, policy.as_mut(), Cost::PUBLISHED);
    Ok(PairedScores::new(at, other_models, split, &results))
}

/// Planners within the published budget.
pub(super) fn lines(
    data: &Arc<Workload>,
    config: &ReproductionConfig,
) -> Result<Vec<Check>, Problem> {
    let split = |at: usize| -> Result<Vec<PairedScores>, Problem> {
        let split = data.split(split_rng(at));
        let model = model(data, &split, NeighbourTies::Shared)?;
        let other_models = other_models(&model, &split)?;
        POLICIES.into_iter().map(|name| one(at, (&model, &split), &other_models, name)).collect()
    };
    let splits = (0..config.bounds).into_par_iter().map(split).collect::<Result<Vec<_>, _>>()?;
    let of = |policy: usize| {
        PairedScores::all(&splits.iter().map(|split| split[policy].clone()).collect::<Vec<_>>())
    };
    let all = [0, 1, 2].map(of);
    let mut lines = all[1].lines(POLICIES[1], POLICIES[0], &all[0]);
    lines.extend(all[2].lines(POLICIES[2], POLICIES[0], &all[0]));
    lines.extend(all[2].lines(POLICIES[2], POLICIES[1], &all[1]));
    Ok(lines)
}
