//! Where dialogues and the costs of their calls come from: a table or a generator, and a file of
//! devices.

use super::action::{ActionList, Actions};
use super::cost::Costs;
use super::cost_file::PUBLISHED;
use super::devices::{CostFile, LocalFormula};
use super::generate::{SyntheticShape, like_m4a1, synthetic_of};
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
    /// Those of a generator, drawn for each replicate.
    Generated {
        /// The published rule with this shape, or the statistics of M4A1.
        shape: Option<SyntheticShape>,
        /// The number of dialogues.
        count: usize,
        /// What policies choose among.
        actions: Actions,
    },
}

impl DialogueSource {
    /// `m4a1-like`, `sweep:X,Y,T`, or the path of a table; `count` of the dialogues of a generator.
    /// Policies choose among the actions of a list, if there is one.
    ///
    /// # Errors
    /// The shape is wrong, there would be too many turns, the table cannot be read, or an action
    /// does not exist.
    pub fn parse(name: &str, count: usize, list: Option<&ActionList>) -> Result<Self, Problems> {
        let place = Location::file("dialogues");
        if name == LIKE_M4A1 {
            let views = like_m4a1(1, Rng::new(0, 0)).actions.views();
            let actions = Actions::chosen(views, list, &place)?;
            return Ok(Self::Generated { shape: None, count, actions });
        }
        let Some(text) = name.strip_prefix(SWEEP) else {
            return Ok(Self::Recorded(Arc::new(import::load_with(name, list)?)));
        };
        let expected = "X,Y,T with 0 to 64 views, 1 to 100 tasks, 1 to 1000 turns";
        let shape = SyntheticShape::parse(text)
            .ok_or_else(|| Problem::new(place.clone(), format!("`{name}`"), expected))?;
        if shape.turns.saturating_mul(count) > MAX_TURNS {
            let found = format!("{count} dialogues of {} turns", shape.turns);
            let expected = format!("at most {MAX_TURNS} turns in all");
            return Err(Problem::new(place, found, expected).into());
        }
        let actions = Actions::chosen(shape.views, list, &place)?;
        Ok(Self::Generated { shape: Some(shape), count, actions })
    }

    /// Whether a name is that of a generator.
    pub fn is_generator(name: &str) -> bool {
        name == LIKE_M4A1 || name.starts_with(SWEEP)
    }

    /// The dialogues of a replicate.
    pub fn workload(&self, rng: Rng) -> Arc<Workload> {
        match self {
            Self::Recorded(workload) => Arc::clone(workload),
            Self::Generated { shape: Some(shape), count, actions } => {
                Arc::new(synthetic_of(*shape, actions.clone(), *count, rng))
            }
            Self::Generated { shape: None, count, actions } => {
                Arc::new(Workload { actions: actions.clone(), ..like_m4a1(*count, rng) })
            }
        }
    }

    /// The number of dialogues.
    pub fn count(&self) -> usize {
        match self {
            Self::Recorded(workload) => workload.dialogues.len(),
            Self::Generated { count, .. } => *count,
        }
    }

    /// What policies choose among.
    pub fn actions(&self) -> &Actions {
        match self {
            Self::Recorded(workload) => &workload.actions,
            Self::Generated { actions, .. } => actions,
        }
    }

    /// Whether all replicates have the same dialogues.
    pub fn is_fixed(&self) -> bool {
        matches!(self, Self::Recorded(_))
    }
}

/// How the costs of calls are found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CostModel {
    /// The tables and formulas of the devices file, as published.
    #[default]
    Paper,
    /// Mean times and costs in the dialogues.
    Observed,
    /// As `Paper`, local calls by operations per token.
    Physical,
}

impl CostModel {
    /// All of them, by name.
    pub const ALL: [(&str, Self); 3] =
        [("paper", Self::Paper), ("observed", Self::Observed), ("physical", Self::Physical)];
}

/// A device, a network, and the file that has them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CostSource {
    /// How costs are found.
    pub model: CostModel,
    /// The file; `None` for the published one.
    pub file: Option<String>,
    /// A device of the file: by default the published one, or the first of an own file.
    pub device: Option<String>,
    /// A network of the file, by the same rule.
    pub network: Option<String>,
}

impl CostSource {
    /// The costs of the calls of the dialogues `workload` of a source. Those of the published
    /// generator have their own, unless there is an own file.
    ///
    /// # Errors
    /// The file cannot be read, a device or network is unknown, or a price is missing.
    pub fn costs(
        &self,
        dialogues: &DialogueSource,
        workload: &Workload,
    ) -> Result<Costs, Problems> {
        if let (DialogueSource::Generated { shape: Some(shape), .. }, None) =
            (dialogues, &self.file)
        {
            return Ok(Costs::synthetic(shape.views)?);
        }
        let formula = match self.model {
            CostModel::Paper => LocalFormula::Published,
            CostModel::Physical => LocalFormula::Physical,
            CostModel::Observed => return Ok(Costs::observed(workload)?),
        };
        let (file, [device, network]) = match &self.file {
            None => (CostFile::shipped()?, PUBLISHED.map(str::to_owned)),
            Some(path) => {
                let file = CostFile::read(path)?;
                let device = file.devices.first().map(|device| device.name.clone());
                let network = file.networks.first().map(|network| network.name.clone());
                (file, [device, network].map(Option::unwrap_or_default))
            }
        };
        let device = self.device.as_ref().unwrap_or(&device);
        let network = self.network.as_ref().unwrap_or(&network);
        Ok(file.costs(formula, device, network, dialogues.actions().most_uploaded())?)
    }
}
