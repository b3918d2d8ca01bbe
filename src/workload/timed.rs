//! Processes that say when requests arrive; which requests these are is drawn.
//!
//! One process runs for all applications, each request belonging to one by `mix`; or each
//! application has a process of its own, at its share of the rate and with its own draws.

use super::steps::{self, Steps};
use super::trace_rows::RequestSampler;
use super::{Arrivals, MAX_TRACE_S, WorkloadSpec};
use crate::config::Problem;
use crate::core::ids::{AppId, Arrival};
use crate::core::rng::{Label, Rng, exponential, name_key};
use crate::core::units::{NS_PER_S, Span, Time, rounded_ns};
use crate::system::ground_truth::GroundTruth;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::sync::Arc;

/// Seconds on the clock, some 584 years.
const MAX_CLOCK_S: f64 = (u64::MAX / NS_PER_S) as f64;

/// Times in order of time, without end.
pub trait InterarrivalProcess: Send {
    /// The next instant, never earlier than the one before; [`Time::MAX`] beyond the clock.
    fn next_time(&mut self, rng: &mut ChaCha8Rng) -> Time;

    /// Appends as many requests at its next instants.
    fn arrivals(&mut self, count: usize, requests: &mut RequestSampler, into: &mut Vec<Arrival>) {
        into.extend((0..count).map(|_| {
            let time = self.next_time(&mut requests.rng);
            requests.draw(time)
        }));
    }

    /// What it passes through until this many requests have arrived; `None` if every step yields
    /// one, or nearly so.
    fn steps(&self, _requests: f64) -> Option<Steps> {
        None
    }
}

/// Starts a process with this mean rate in requests per second. What takes time is left to the
/// first [`InterarrivalProcess::next_time`].
pub type StartProcess =
    Arc<dyn Fn(f64, &mut ChaCha8Rng) -> Box<dyn InterarrivalProcess> + Send + Sync>;

/// Nanoseconds as a span; endless where they do not fit.
pub(super) fn span_ns(ns: f64) -> Span {
    Span(rounded_ns(ns))
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
pub(super) struct Thinned<F> {
    now: Time,
    least_gap_ns: f64,
    rate_rps: f64,
    course: DriftSchedule<F>,
}

/// How a rate changes with time, relative to its mean.
#[derive(Clone)]
pub(super) struct DriftSchedule<F> {
    /// By time; at most `highest`.
    pub factor: F,
    pub highest: f64,
    /// Its integral from 0 to `seconds`.
    pub integral: Arc<dyn Fn(f64) -> f64 + Send + Sync>,
    /// Which settings make it change faster.
    pub faster: &'static str,
}

impl<F: Fn(Time) -> f64> DriftSchedule<F> {
    /// The share of the highest rate at an instant.
    pub fn share(&self, at: Time) -> f64 {
        (self.factor)(at) / self.highest
    }

    /// Seconds until this many requests have arrived at this mean rate, on average.
    pub fn seconds(&self, requests: f64, rate_rps: f64) -> f64 {
        let wanted = requests / rate_rps;
        let (mut low, mut high) = (0.0, wanted);
        while (self.integral)(high) < wanted && high < MAX_CLOCK_S {
            (low, high) = (high, 2.0 * high);
        }
        for _ in 0..60 {
            let middle = f64::midpoint(low, high);
            if (self.integral)(middle) < wanted {
                low = middle;
            } else {
                high = middle;
            }
        }
        high
    }

    /// Candidates until this many requests have arrived.
    pub fn steps(&self, requests: f64, rate_rps: f64) -> Steps {
        let count = self.seconds(requests, rate_rps) * rate_rps * self.highest;
        let what = "candidates, of which thinning leaves some,";
        Steps { count, what, by_rate: false, fewer: self.faster }
    }
}

/// Starts Poisson processes of the mean rate times a factor of time.
pub(super) fn thinned<F>(course: DriftSchedule<F>) -> StartProcess
where
    F: Fn(Time) -> f64 + Clone + Send + Sync + 'static,
{
    Arc::new(move |rate_rps, _| {
        let course = course.clone();
        let least_gap_ns = NS_PER_S as f64 / (rate_rps * course.highest);
        Box::new(Thinned { now: Time::ZERO, least_gap_ns, rate_rps, course })
    })
}

impl<F: Fn(Time) -> f64 + Send> InterarrivalProcess for Thinned<F> {
    fn next_time(&mut self, rng: &mut ChaCha8Rng) -> Time {
        loop {
            self.now += poisson_gap(self.least_gap_ns, rng);
            let kept = rng.random::<f64>() < self.course.share(self.now);
            if kept || self.now == Time::MAX {
                return self.now;
            }
        }
    }

    fn steps(&self, requests: f64) -> Option<Steps> {
        Some(self.course.steps(requests, self.rate_rps))
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

    fn next_arrivals(&mut self, most: usize, into: &mut Vec<Arrival>) {
        let count = self.left.min(most as u64);
        self.left -= count;
        self.times.arrivals(count as usize, &mut self.requests, into);
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
    truth: &Arc<GroundTruth>,
    rng: Rng,
) -> Result<Box<dyn Arrivals>, Problem> {
    let Some(rate_rps) = plan.rate_rps(truth.catalog())? else {
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
    let (left, mut requests) = (plan.requests, RequestSampler::new(plan, truth, rng)?);
    if let [start] = starts {
        let times = start(rate_rps, &mut requests.rng);
        steps::check(plan, rate_rps, times.steps(left as f64))?;
        return Ok(Box::new(Total { left, times, requests }));
    }
    let apps = truth.catalog().app_ids().zip(starts).filter(|(app, _)| plan.mix[app.index()] > 0.0);
    let each = apps.map(|(app, start)| {
        let key = name_key(&[&truth.catalog().app(app).name]);
        let mut rng = rng.stream_of(Label::Arrivals, key);
        let times = start(rate_rps * plan.mix[app.index()], &mut rng);
        Own { app, next: Time::ZERO, times, rng }
    });
    let mut each: Vec<Own> = each.collect();
    // Each draws one request beyond those that arrive.
    let count = |own: &Own| left as f64 * plan.mix[own.app.index()] + 1.0;
    steps::check(plan, rate_rps, each.iter().filter_map(|own| own.times.steps(count(own))))?;
    for own in &mut each {
        own.next = own.times.next_time(&mut own.rng);
    }
    Ok(Box::new(ByApp { left, each, requests }))
}
