//! Poisson arrivals: exponential gaps with mean 1 / `rate_rps`; each request belongs to an
//! application by `mix` and is a row of its trace drawn with replacement, predictions and votes
//! included. An application without a trace draws a class instead.

use super::rows::{Rows, weighted};
use super::{ArrivalEntry, ArrivalPlan, Arrivals};
use crate::domain::{AppId, Arrival};
use crate::input::Problem;
use crate::model::catalog::Catalog;
use crate::rng::{Label, Rng, exponential};
use crate::units::{NS_PER_S, Span, Time};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::Distribution;
use rand_distr::weighted::WeightedAliasIndex;
use std::sync::Arc;

pub(super) const ENTRY: ArrivalEntry = ArrivalEntry {
    name: "poisson",
    summary: "exponential gaps; rows of the traces drawn with replacement",
    source: "memoryless arrivals, the customary null model",
    build: |plan, catalog, rng| Ok(Box::new(Poisson::new(plan, catalog, rng)?)),
};

struct Poisson {
    now: Time,
    gap_ns: f64,
    left: u64,
    mix: WeightedAliasIndex<f64>,
    rows: Vec<Rows>,
    catalog: Arc<Catalog>,
    rng: ChaCha8Rng,
    budgets: ChaCha8Rng,
}

impl Poisson {
    fn new(plan: &ArrivalPlan, catalog: &Arc<Catalog>, rng: Rng) -> Result<Self, Problem> {
        let Some(rate_rps) = plan.rate_rps else {
            let place = plan.place.clone().field("trace.rate_rps");
            return Err(Problem::new(
                place,
                "nothing",
                "requests per second over all applications",
            ));
        };
        let rows =
            catalog.app_ids().map(|app| Rows::new(catalog, app, plan)).collect::<Result<_, _>>()?;
        Ok(Self {
            now: Time::ZERO,
            gap_ns: NS_PER_S as f64 / rate_rps,
            left: plan.requests,
            mix: weighted(&plan.mix, &plan.place)?,
            rows,
            catalog: Arc::clone(catalog),
            rng: rng.stream(Label::Arrivals),
            budgets: rng.stream(Label::Budgets),
        })
    }
}

impl Arrivals for Poisson {
    fn next_arrival(&mut self) -> Option<Arrival> {
        self.left = self.left.checked_sub(1)?;
        let gap = exponential(self.rng.random());
        self.now += Span((gap * self.gap_ns).round() as u64);
        let app = match self.rows.len() {
            1 => AppId(0),
            _ => AppId(self.mix.sample(&mut self.rng) as u16),
        };
        let classes = self.catalog.trace(app).map_or(&[][..], |trace| &trace.class);
        let truth = self.rows[app.index()].draw(classes, &mut self.rng);
        let budget = self.catalog.app(app).budget.draw(&mut self.budgets);
        Some(Arrival { time: self.now, app, budget, truth })
    }
}
