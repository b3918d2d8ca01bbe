//! Bursts: `burst` requests at one instant, the next burst `period_ms` later. With a period long
//! enough for all of them, each burst is a scheduling window of its own that begins with an idle
//! worker; only what is in memory carries over.

use super::rows::Requests;
use super::{ArrivalEntry, ArrivalPlan, Arrivals, Burst, MAX_TRACE_S};
use crate::domain::Arrival;
use crate::input::Problem;
use crate::model::catalog::Catalog;
use crate::rng::Rng;
use crate::units::{Span, Time};
use std::sync::Arc;

pub(super) const ENTRY: ArrivalEntry = ArrivalEntry {
    name: "bursts",
    summary: "`burst` requests at once every `period_ms`; rows drawn with replacement",
    source: "isolated scheduling windows",
    build: |plan, catalog, rng| Ok(Box::new(Bursts::new(plan, catalog, rng)?)),
};

struct Bursts {
    burst: Burst,
    next: u64,
    total: u64,
    requests: Requests,
}

impl Bursts {
    fn new(plan: &ArrivalPlan, catalog: &Arc<Catalog>, rng: Rng) -> Result<Self, Problem> {
        let place = |field: &str| plan.place.clone().field(field);
        let Some(burst) = plan.burst else {
            let expected = "`burst` requests every `period_ms`";
            return Err(Problem::new(place("trace.burst"), "nothing", expected));
        };
        if plan.rate_rps.is_some() {
            let expected = "`burst` and `period_ms` alone, which make the rate";
            return Err(Problem::new(place("trace.rate_rps"), "a rate", expected));
        }
        let seconds = burst.period.as_s() * (plan.requests / burst.size) as f64;
        if seconds > MAX_TRACE_S {
            let found = format!("bursts over {seconds:.1e} s");
            let expected = format!("{MAX_TRACE_S:e} s at most");
            return Err(Problem::new(place("trace.period_ms"), found, expected));
        }
        let requests = Requests::new(plan, catalog, rng)?;
        Ok(Self { burst, next: 0, total: plan.requests, requests })
    }
}

impl Arrivals for Bursts {
    fn next_arrival(&mut self) -> Option<Arrival> {
        if self.next == self.total {
            return None;
        }
        let time = Time::ZERO + Span(self.burst.period.0 * (self.next / self.burst.size));
        self.next += 1;
        Some(self.requests.draw(time))
    }
}
