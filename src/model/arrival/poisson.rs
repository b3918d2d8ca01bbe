//! Poisson arrivals: exponential gaps with mean 1 / `rate_rps`; each request belongs to an
//! application by `mix` and is a row of its trace drawn with replacement, predictions and votes
//! included. An application without a trace draws a class instead.

use super::rows::Requests;
use super::{ArrivalEntry, ArrivalPlan, Arrivals};
use crate::domain::Arrival;
use crate::input::Problem;
use crate::model::catalog::Catalog;
use crate::rng::{Rng, exponential};
use crate::units::{NS_PER_S, Span, Time};
use rand::RngExt;
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
    requests: Requests,
}

impl Poisson {
    fn new(plan: &ArrivalPlan, catalog: &Arc<Catalog>, rng: Rng) -> Result<Self, Problem> {
        plan.without_burst()?;
        let Some(rate_rps) = plan.rate_rps else {
            let place = plan.place.clone().field("trace.rate_rps");
            return Err(Problem::new(
                place,
                "nothing",
                "requests per second over all applications",
            ));
        };
        Ok(Self {
            now: Time::ZERO,
            gap_ns: NS_PER_S as f64 / rate_rps,
            left: plan.requests,
            requests: Requests::new(plan, catalog, rng)?,
        })
    }
}

impl Arrivals for Poisson {
    fn next_arrival(&mut self) -> Option<Arrival> {
        self.left = self.left.checked_sub(1)?;
        let gap = exponential(self.requests.rng.random());
        self.now += Span((gap * self.gap_ns).round() as u64);
        Some(self.requests.draw(self.now))
    }
}
