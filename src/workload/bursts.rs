//! Bursts: `burst` requests at one instant, the next burst `period_ms` later. If the period is long
//! enough, each burst is a scheduling window of its own that begins with an idle worker; only the
//! content of memory carries over.

use super::trace_rows::RequestSampler;
use super::{ArrivalEntry, Process, RateSpec, WorkloadSpec};
use crate::config::{Kind, Problem, Setting};
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
        Process::Whole(Arc::new(move |spec, truth, rng| {
            check(spec, size, period)?;
            let mut requests = RequestSampler::new(spec, truth, rng)?;
            let mut numbers = 0..spec.requests;
            Ok(Box::new(move || {
                let burst = numbers.next()? / size;
                Some(requests.draw(Time::ZERO + Span(period.0 * burst)))
            }))
        }))
    },
};

fn check(spec: &WorkloadSpec, size: u64, period: Span) -> Result<(), Problem> {
    if spec.pace != RateSpec::Own {
        let expected = "`burst` and `period_ms` alone, which make the rate";
        return Err(spec.problem("workload.rate_rps", "a rate", expected));
    }
    let seconds = period.as_s() * (spec.requests / size) as f64;
    spec.check_duration("workload.period_ms", seconds, "bursts")
}
