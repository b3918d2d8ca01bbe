//! Which row of a trace, or which class, a request of an application has.

use super::{ArrivalPlan, ClassFilter, Sources};
use crate::domain::{AppId, Arrival, Truth};
use crate::input::{Place, Problem};
use crate::model::catalog::Catalog;
use crate::rng::{Label, Rng};
use crate::units::Time;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::Distribution;
use rand_distr::weighted::WeightedAliasIndex;
use std::ops::Range;
use std::sync::Arc;

/// Draws requests one by one: the application by `mix`, then a row of its trace with replacement,
/// predictions and votes included. An application without a trace draws a class instead.
pub(super) struct Requests {
    mix: WeightedAliasIndex<f64>,
    rows: Vec<Rows>,
    catalog: Arc<Catalog>,
    /// Shared with the gaps of the process: one stream for all that arrives.
    pub rng: ChaCha8Rng,
    budgets: ChaCha8Rng,
}

/// Half the sum of |share among these classes − share of the profile|, between 0 and 1.
fn total_variation(profile: &[f64], classes: impl Iterator<Item = usize>) -> f64 {
    let mut counts = vec![0.0; profile.len()];
    classes.for_each(|class| counts[class] += 1.0);
    let total: f64 = counts.iter().sum();
    let gaps = counts.iter().zip(profile).map(|(count, share)| (count / total - share).abs());
    gaps.sum::<f64>() / 2.0
}

impl Requests {
    pub(super) fn new(
        plan: &ArrivalPlan,
        catalog: &Arc<Catalog>,
        rng: Rng,
    ) -> Result<Self, Problem> {
        let rows = catalog.app_ids().map(|app| Rows::new(catalog, app, plan));
        Ok(Self {
            rows: rows.collect::<Result<_, _>>()?,
            mix: weighted(&plan.mix, &plan.place)?,
            catalog: Arc::clone(catalog),
            rng: rng.stream(Label::Arrivals),
            budgets: rng.stream(Label::Budgets),
        })
    }

    #[inline]
    pub(super) fn draw(&mut self, time: Time) -> Arrival {
        let Self { rng, budgets, .. } = self;
        let drawn = (&self.mix, self.rows.as_slice(), self.catalog.as_ref());
        draw(drawn, time, rng, budgets)
    }

    /// The same from streams of the caller's own.
    pub(super) fn draw_from(
        &self,
        time: Time,
        rng: &mut ChaCha8Rng,
        budgets: &mut ChaCha8Rng,
    ) -> Arrival {
        draw((&self.mix, &self.rows, &self.catalog), time, rng, budgets)
    }
}

#[inline]
fn draw(
    (mix, rows, catalog): (&WeightedAliasIndex<f64>, &[Rows], &Catalog),
    time: Time,
    rng: &mut ChaCha8Rng,
    budgets: &mut ChaCha8Rng,
) -> Arrival {
    let app = match rows.len() {
        1 => AppId(0),
        _ => AppId(mix.sample(rng) as u16),
    };
    let classes = catalog.trace(app).map_or(&[][..], |trace| &trace.class);
    let truth = rows[app.index()].draw(classes, rng);
    let budget = catalog.app(app).budget.draw(budgets);
    Arrival { time, app, budget, truth }
}

/// Draws what is true of a request, with replacement.
enum Rows {
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
    let drift = |rows: &Range<u32>| {
        let classes = trace.class[rows.start as usize..rows.end as usize].iter();
        total_variation(&catalog.app(app).frequencies, classes.map(|c| usize::from(*c)))
    };
    let chosen = |(at, rows): &(usize, &Range<u32>)| plan.sources.holds(*at, || drift(rows));
    let sources = trace.sources.iter().enumerate().filter(chosen);
    sources.flat_map(|(_, rows)| rows.clone()).filter(keep).collect()
}

impl Rows {
    fn new(catalog: &Catalog, app: AppId, plan: &ArrivalPlan) -> Result<Self, Problem> {
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

    #[inline]
    fn draw(&self, classes: &[u16], rng: &mut ChaCha8Rng) -> Truth {
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
fn weighted(weights: &[f64], place: &Place) -> Result<WeightedAliasIndex<f64>, Problem> {
    WeightedAliasIndex::new(weights.to_vec()).map_err(|error| {
        Problem::new(
            place.clone(),
            format!("weights that cannot be drawn from ({error})"),
            "weights ≥ 0",
        )
    })
}
