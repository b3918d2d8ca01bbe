//! Which row of a trace, or which class, a request of an application has.

use super::{ArrivalPlan, ClassFilter, Sources};
use crate::domain::AppId;
use crate::domain::Truth;
use crate::input::{Place, Problem};
use crate::model::catalog::Catalog;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::Distribution;
use rand_distr::weighted::WeightedAliasIndex;

/// Draws what is true of a request, with replacement.
pub(super) enum Rows {
    /// Any of these rows with equal probability.
    Recorded(Vec<u32>),
    /// A class by weight, then any of its rows; no rows means nothing is recorded.
    ByClass { classes: WeightedAliasIndex<f64>, rows: Vec<Vec<u32>> },
}

/// The rows of the application's trace that the plan lets through.
pub(super) fn kept_rows(catalog: &Catalog, app: AppId, plan: &ArrivalPlan) -> Vec<u32> {
    let Some(trace) = catalog.trace(app) else { return Vec::new() };
    let keep = |row: &u32| {
        let class = usize::from(trace.class[*row as usize]);
        match &plan.classes[app.index()] {
            ClassFilter::All => true,
            ClassFilter::Only(classes) => classes[class],
            ClassFilter::Mix(weights) => weights[class] > 0.0,
        }
    };
    let sources = trace.sources.iter().enumerate().filter(|(at, _)| plan.sources.holds(*at));
    sources.flat_map(|(_, rows)| rows.clone()).filter(keep).collect()
}

impl Rows {
    pub(super) fn new(catalog: &Catalog, app: AppId, plan: &ArrivalPlan) -> Result<Self, Problem> {
        let info = catalog.app(app);
        let (filter, place) = (&plan.classes[app.index()], &plan.place);
        let kept = kept_rows(catalog, app, plan);
        let recorded = catalog.trace(app).is_some();
        if !recorded && plan.sources != Sources::All && plan.mix[app.index()] > 0.0 {
            let found = format!("no trace of `{}` whose sources could be chosen", info.name);
            return Err(Problem::new(place.clone().field("trace.sources"), found, "`all`"));
        }
        if recorded && kept.is_empty() {
            let found =
                format!("no recorded request of `{}` in the chosen classes and sources", info.name);
            return Err(Problem::new(place.clone(), found, "a class that was recorded"));
        }
        let weights: Vec<f64> = match filter {
            ClassFilter::Mix(weights) => weights.clone(),
            _ if recorded => return Ok(Self::Recorded(kept)),
            ClassFilter::All => info.frequencies.clone(),
            ClassFilter::Only(keep) => info
                .frequencies
                .iter()
                .zip(keep)
                .map(|(weight, keep)| if *keep { *weight } else { 0.0 })
                .collect(),
        };
        let mut rows = vec![Vec::new(); info.classes.len()];
        if let Some(trace) = catalog.trace(app) {
            for row in kept {
                rows[usize::from(trace.class[row as usize])].push(row);
            }
            let lost = weights.iter().zip(&rows).position(|(w, rows)| *w > 0.0 && rows.is_empty());
            if let Some(class) = lost {
                let found = format!("a weight for class `{}`, never recorded", info.classes[class]);
                return Err(Problem::new(place.clone(), found, "a class that was recorded"));
            }
        }
        Ok(Self::ByClass { classes: weighted(&weights, place)?, rows })
    }

    pub(super) fn draw(&self, classes: &[u16], rng: &mut ChaCha8Rng) -> Truth {
        match self {
            Self::Recorded(rows) => {
                let row = rows[rng.random_range(0..rows.len())];
                Truth { class: classes[row as usize], row }
            }
            Self::ByClass { classes, rows } => {
                let class = classes.sample(rng);
                let rows = &rows[class];
                let row = if rows.is_empty() {
                    Truth::NO_ROW
                } else {
                    rows[rng.random_range(0..rows.len())]
                };
                Truth { class: class as u16, row }
            }
        }
    }
}

/// Draws an index with the probability its weight has.
pub(super) fn weighted(weights: &[f64], place: &Place) -> Result<WeightedAliasIndex<f64>, Problem> {
    WeightedAliasIndex::new(weights.to_vec()).map_err(|error| {
        Problem::new(
            place.clone(),
            format!("weights that cannot be drawn from ({error})"),
            "weights ≥ 0",
        )
    })
}
