//! Bursts: `burst` requests at one instant, the next burst `period_ms` later. With a period long
//! enough for all of them, each burst is a scheduling window of its own that begins with an idle
//! worker; only what is in memory carries over.

use super::trace_rows::RequestSampler;
use super::{ArrivalEntry, Arrivals, MAX_TRACE_S, Process, RateSpec, WorkloadSpec};
use crate::config::{Kind, Problem, Setting};
use crate::core::ids::Arrival;
use crate::core::units::{Span, Time};
use std::sync::Arc;

pub(super) const ENTRY: ArrivalEntry = ArrivalEntry {
    name: "bursts",
    summary: "`burst` requests at once every `period_ms`, which make the rate",
    settings: &[&[
        Setting::required("burst", Kind::Integer(1, u64::MAX))
            .means("The number of requests that arrive at one instant."),
        Setting::number("period_ms", [0.0, 1e12], 1000.0)
            .means("The time from one burst to the next."),
    ]],
    source: "isolated scheduling windows",
    read: |fields| {
        let size = fields.required_integer("burst", "`burst` requests every `period_ms`");
        let size = size.unwrap_or(1);
        let period = Span::from_ms(fields.number("period_ms"));
        Process::Whole(Arc::new(move |plan, truth, rng| {
            check(plan, size, period)?;
            let requests = RequestSampler::new(plan, truth, rng)?;
            Ok(Box::new(Bursts { size, period, next: 0, total: plan.requests, requests }))
        }))
    },
};

struct Bursts {
    size: u64,
    period: Span,
    next: u64,
    total: u64,
    requests: RequestSampler,
}

fn check(plan: &WorkloadSpec, size: u64, period: Span) -> Result<(), Problem> {
    let place = |field: &str| plan.place.clone().field(field);
    if plan.pace != RateSpec::Own {
        let expected = "`burst` and `period_ms` alone, which make the rate";
        return Err(Problem::new(place("workload.rate_rps"), "a rate", expected));
    }
    let seconds = period.as_s() * (plan.requests / size) as f64;
    if seconds > MAX_TRACE_S {
        let found = format!("bursts over {seconds:.1e} s");
        let expected = format!("{MAX_TRACE_S:e} s at most");
        return Err(Problem::new(place("workload.period_ms"), found, expected));
    }
    Ok(())
}

impl Arrivals for Bursts {
    fn next_arrival(&mut self) -> Option<Arrival> {
        if self.next == self.total {
            return None;
        }
        let time = Time::ZERO + Span(self.period.0 * (self.next / self.size));
        self.next += 1;
        Some(self.requests.draw(time))
    }
}
