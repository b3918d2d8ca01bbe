//! The same decisions marked by other dialogues.
//!
//! Everywhere else the estimator that marks a decision is the one that a planner chose by, or an
//! agent learned from. A maximum over estimates is then marked by the very errors that made it the
//! maximum, and gains are overstated. Here the decisions about a test dialogue are marked by an
//! estimator made of the other test dialogues of its split: neither did anybody choose by them, nor
//! is the dialogue itself among them. There are few of them, so intervals are wide.

use super::dialogue_scores::DialogueScores;
use super::optimum_bounds::GUARDED;
use super::splits::{split_rng, world};
use super::{Check, ReproductionConfig};
use crate::config::Problem;
use crate::offloading::estimator::NeighbourTies;
use crate::offloading::evaluate::{DialogueResult, evaluate, replay};
use crate::offloading::{Cost, DialogueModel, Split, Workload, policy};
use rayon::prelude::*;
use std::sync::Arc;

const SECTION: &str = "marked by other dialogues";
/// Who is compared beside the agents.
const POLICIES: [&str; 3] = ["local", GUARDED[0], GUARDED[1]];

/// For each test dialogue of a split, in order, a world whose estimator knows all the others.
pub(super) fn markers(world: &DialogueModel, split: &Split) -> Result<Vec<DialogueModel>, Problem> {
    let marker = |dialogue: &usize| {
        let others: Vec<usize> = split.test.iter().copied().filter(|d| d != dialogue).collect();
        DialogueModel::new(Arc::clone(&world.workload), &others, world.rules.clone())
    };
    split.test.iter().map(marker).collect()
}

/// Rewards of the same decisions by those worlds.
pub(super) fn marked(
    markers: &[DialogueModel],
    split: &Split,
    visits: &[DialogueResult],
) -> Vec<f64> {
    let visits = split.test.iter().zip(visits);
    let again = |(world, (dialogue, visit)): (&DialogueModel, (&usize, &DialogueResult))| {
        replay(world, *dialogue, &visit.actions).reward
    };
    markers.iter().zip(visits).map(again).collect()
}

/// Rewards by the estimator that chose, and by the others.
#[derive(Clone, Debug, Default)]
pub(super) struct PairedScores(pub(super) [DialogueScores; 2]);

impl PairedScores {
    /// Of the visits of one split.
    pub(super) fn new(
        at: usize,
        markers: &[DialogueModel],
        split: &Split,
        visits: &[DialogueResult],
    ) -> Self {
        let own: Vec<f64> = visits.iter().map(|visit| visit.reward).collect();
        let others = marked(markers, split, visits);
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
            let name = format!("{name} less {less}, marked by {name_of}");
            self.0[side].less(&other.0[side]).reported(SECTION, name)
        };
        sides.into_iter().enumerate().map(line).collect()
    }
}

/// What always answering locally comes to on one split.
pub(super) fn local(
    at: usize,
    (world, split): (&DialogueModel, &Split),
    markers: &[DialogueModel],
) -> Result<PairedScores, Problem> {
    one(at, (world, split), markers, POLICIES[0])
}

fn one(
    at: usize,
    (world, split): (&DialogueModel, &Split),
    markers: &[DialogueModel],
    name: &str,
) -> Result<PairedScores, Problem> {
    let mut policy = policy::build(name, world, split_rng(at))?;
    let visits = evaluate(world, &split.test, policy.as_mut(), Cost::PUBLISHED);
    Ok(PairedScores::new(at, markers, split, &visits))
}

/// Planners within the published budget.
pub(super) fn lines(
    data: &Arc<Workload>,
    effort: &ReproductionConfig,
) -> Result<Vec<Check>, Problem> {
    let split = |at: usize| -> Result<Vec<PairedScores>, Problem> {
        let split = data.split(split_rng(at));
        let world = world(data, &split, NeighbourTies::Shared)?;
        let markers = markers(&world, &split)?;
        POLICIES.into_iter().map(|name| one(at, (&world, &split), &markers, name)).collect()
    };
    let splits = (0..effort.bounds).into_par_iter().map(split).collect::<Result<Vec<_>, _>>()?;
    let of = |policy: usize| {
        PairedScores::all(&splits.iter().map(|split| split[policy].clone()).collect::<Vec<_>>())
    };
    let all = [0, 1, 2].map(of);
    let mut lines = all[1].lines(POLICIES[1], POLICIES[0], &all[0]);
    lines.extend(all[2].lines(POLICIES[2], POLICIES[0], &all[0]));
    lines.extend(all[2].lines(POLICIES[2], POLICIES[1], &all[1]));
    Ok(lines)
}
