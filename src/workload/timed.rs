//! Processes that say when requests arrive; which requests these are is drawn.
//!
//! One process runs for all applications, each request belonging to one by `mix`; or each
//! application has a process of its own, at its share of the rate and with its own draws.

use super::trace_rows::RequestSampler;
use super::{Arrivals, MAX_TRACE_S, WorkloadSpec};
use crate::config::Problem;
use crate::core::ids::{AppId, Arrival};
use crate::core::rng::{Label, Rng, exponential, name_key};
use crate::core::units::{NS_PER_S, Span, Time};
use crate::system::catalog::Catalog;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::sync::Arc;

/// Times in order of time, without end.
pub trait InterarrivalProcess: Send {
    /// The next instant, never earlier than the one before.
    fn next_time(&mut self, rng: &mut ChaCha8Rng) -> Time;
}

/// Starts a process with this mean rate in requests per second.
pub type StartProcess =
    Arc<dyn Fn(f64, &mut ChaCha8Rng) -> Box<dyn InterarrivalProcess> + Send + Sync>;

/// Nanoseconds as a span; endless where they do not fit.
pub(super) fn span_ns(ns: f64) -> Span {
    Span(ns.round() as u64)
}

/// The span between two arrivals of a Poisson process with this mean gap.
pub(super) fn poisson_gap(gap_ns: f64, rng: &mut ChaCha8Rng) -> Span {
    span_ns(exponential(rng.random()) * gap_ns)
}

/// Independent gaps of one law, a renewal process that begins with a renewal at 0.
pub(super) struct Renewal<G> {
    now: Time,
    mean_ns: f64,
    /// Draws a gap of mean 1.
    gap: G,
}

/// Starts renewal processes with gaps of this law, whose mean is 1.
pub(super) fn renewal<G>(gap: G) -> StartProcess
where
    G: Fn(&mut ChaCha8Rng) -> f64 + Clone + Send + Sync + 'static,
{
    Arc::new(move |rate_rps, _| {
        let mean_ns = NS_PER_S as f64 / rate_rps;
        Box::new(Renewal { now: Time::ZERO, mean_ns, gap: gap.clone() })
    })
}

impl<G: Fn(&mut ChaCha8Rng) -> f64 + Send> InterarrivalProcess for Renewal<G> {
    fn next_time(&mut self, rng: &mut ChaCha8Rng) -> Time {
        self.now += span_ns((self.gap)(rng) * self.mean_ns);
        self.now
    }
}

/// Poisson arrivals whose rate changes with time: those of the highest rate, each kept with the
/// share of it that holds (thinning; Lewis and Shedler, Naval Research Logistics 1979).
pub(super) struct Thinned<S> {
    now: Time,
    least_gap_ns: f64,
    /// The share of the highest rate by time.
    share: S,
}

/// Starts Poisson processes of the mean rate times `factor` of time, which is at most `highest`.
pub(super) fn thinned<F>(highest: f64, factor: F) -> StartProcess
where
    F: Fn(Time) -> f64 + Clone + Send + Sync + 'static,
{
    Arc::new(move |rate_rps, _| {
        let factor = factor.clone();
        Box::new(Thinned {
            now: Time::ZERO,
            least_gap_ns: NS_PER_S as f64 / (rate_rps * highest),
            share: move |at| factor(at) / highest,
        })
    })
}

impl<S: Fn(Time) -> f64 + Send> InterarrivalProcess for Thinned<S> {
    fn next_time(&mut self, rng: &mut ChaCha8Rng) -> Time {
        loop {
            self.now += poisson_gap(self.least_gap_ns, rng);
            if rng.random::<f64>() < (self.share)(self.now) {
                return self.now;
            }
        }
    }
}

/// One process for all applications.
struct Total {
    left: u64,
    times: Box<dyn InterarrivalProcess>,
    requests: RequestSampler,
}

impl Arrivals for Total {
    #[inline]
    fn next_arrival(&mut self) -> Option<Arrival> {
        self.left = self.left.checked_sub(1)?;
        let time = self.times.next_time(&mut self.requests.rng);
        Some(self.requests.draw(time))
    }
}

/// The process of one application.
struct Own {
    app: AppId,
    next: Time,
    times: Box<dyn InterarrivalProcess>,
    rng: ChaCha8Rng,
}

/// A process for each application.
struct ByApp {
    left: u64,
    /// Only those that have a share.
    each: Vec<Own>,
    requests: RequestSampler,
}

impl Arrivals for ByApp {
    fn next_arrival(&mut self) -> Option<Arrival> {
        self.left = self.left.checked_sub(1)?;
        let own = self.each.iter_mut().min_by_key(|own| (own.next, own.app))?;
        let arrival = self.requests.draw_from(own.app, own.next, &mut own.rng);
        own.next = own.times.next_time(&mut own.rng);
        Some(arrival)
    }
}

/// Arrivals at the plan's rate: one way to start for all applications, or one for each.
pub(super) fn build(
    starts: &[StartProcess],
    plan: &WorkloadSpec,
    catalog: &Arc<Catalog>,
    rng: Rng,
) -> Result<Box<dyn Arrivals>, Problem> {
    let Some(rate_rps) = plan.rate_rps(catalog)? else {
        let place = plan.place.clone().field("workload.rate_rps");
        let expected = "requests per second over all applications, or `load`";
        return Err(Problem::new(place, "nothing", expected));
    };
    let seconds = plan.requests as f64 / rate_rps;
    if seconds > MAX_TRACE_S {
        let found = format!("arrivals over {seconds:.1e} s");
        let expected = format!("requests / rate_rps of {MAX_TRACE_S:e} s at most");
        return Err(Problem::new(plan.place.clone(), found, expected));
    }
    let (left, mut requests) = (plan.requests, RequestSampler::new(plan, catalog, rng)?);
    if let [start] = starts {
        let times = start(rate_rps, &mut requests.rng);
        return Ok(Box::new(Total { left, times, requests }));
    }
    let apps = catalog.app_ids().zip(starts).filter(|(app, _)| plan.mix[app.index()] > 0.0);
    let each = apps.map(|(app, start)| {
        let key = name_key(&[&catalog.app(app).name]);
        let mut rng = rng.stream_of(Label::Arrivals, key);
        let mut times = start(rate_rps * plan.mix[app.index()], &mut rng);
        Own { app, next: times.next_time(&mut rng), times, rng }
    });
    Ok(Box::new(ByApp { left, each: each.collect(), requests }))
}
