//! Where dialogues come from: a table, or a generator.

use super::cost::Costs;
use super::generate::{SyntheticShape, like_m4a1, synthetic};
use super::import;
use super::workload::Workload;
use crate::config::{Location, Problem, Problems};
use crate::core::rng::Rng;
use std::sync::Arc;

/// The generator of dialogues with the statistics of M4A1.
pub const LIKE_M4A1: &str = "m4a1-like";
/// What the name of the published generator begins with; its shape follows.
const SWEEP: &str = "sweep:";
/// Largest number of turns of generated dialogues.
const MAX_TURNS: usize = 5_000_000;

/// Dialogues, or how to draw them.
#[derive(Clone, Debug)]
pub enum DialogueSource {
    /// Those of a table: the same for every replicate.
    Recorded(Arc<Workload>),
    /// This many with the statistics of M4A1, drawn anew for every replicate.
    LikeM4a1(usize),
    /// This many by the published rule, drawn anew for every replicate.
    Sweep(SyntheticShape, usize),
}

impl DialogueSource {
    /// `m4a1-like`, `sweep:X,Y,T`, or the path of a table; `count` of the dialogues of a generator.
    ///
    /// # Errors
    /// The shape is wrong, there would be too many turns, or the table cannot be read.
    pub fn parse(name: &str, count: usize) -> Result<Self, Problems> {
        if name == LIKE_M4A1 {
            return Ok(Self::LikeM4a1(count));
        }
        let Some(shape) = name.strip_prefix(SWEEP) else {
            return Ok(Self::Recorded(Arc::new(import::load(name)?)));
        };
        let place = || Location::file("dialogues");
        let expected = "X,Y,T with 0 to 12 views, 1 to 100 tasks, 1 to 1000 turns";
        let shape = SyntheticShape::parse(shape)
            .ok_or_else(|| Problem::new(place(), format!("`{name}`"), expected))?;
        if shape.turns.saturating_mul(count) > MAX_TURNS {
            let found = format!("{count} dialogues of {} turns", shape.turns);
            let expected = format!("at most {MAX_TURNS} turns in all");
            return Err(Problem::new(place(), found, expected).into());
        }
        Ok(Self::Sweep(shape, count))
    }

    /// Whether a name is that of a generator.
    pub fn is_generator(name: &str) -> bool {
        name == LIKE_M4A1 || name.starts_with(SWEEP)
    }

    /// The dialogues of a replicate.
    pub fn workload(&self, rng: Rng) -> Arc<Workload> {
        match self {
            Self::Recorded(workload) => Arc::clone(workload),
            Self::LikeM4a1(count) => Arc::new(like_m4a1(*count, rng)),
            Self::Sweep(shape, count) => Arc::new(synthetic(*shape, *count, rng)),
        }
    }

    /// The number of dialogues.
    pub fn count(&self) -> usize {
        match self {
            Self::Recorded(workload) => workload.dialogues.len(),
            Self::LikeM4a1(count) | Self::Sweep(_, count) => *count,
        }
    }

    /// The published costs of a generator that has its own.
    pub fn own_costs(&self) -> Option<Costs> {
        match self {
            Self::Sweep(shape, _) => Some(Costs::synthetic(shape.views)),
            Self::Recorded(_) | Self::LikeM4a1(_) => None,
        }
    }

    /// Whether all replicates have the same dialogues.
    pub fn is_fixed(&self) -> bool {
        matches!(self, Self::Recorded(_))
    }
}
