//! Processes that give instants of arrivals; the requests themselves are drawn.
//!
//! One process runs for all applications, whose shares are `mix`; or each application has a process
//! of its own, at its share of the rate and with its own draws.

use super::steps::{self, Steps};
use super::trace_rows::RequestSampler;
use super::{Arrivals, MAX_TRACE_S, Process, WorkloadSpec};
use crate::config::Problem;
use crate::core::ids::{AppId, Arrival};
use crate::core::rng::{Label, Rng, exponential, name_key, standard_normal};
use crate::core::units::{NS_PER_S, Span, Time};
use crate::system::ground_truth::GroundTruth;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::sync::Arc;

/// Instants of arrivals, without end.
pub trait InterarrivalProcess: Send {
    /// The next instant, never earlier than the one before; [`Time::MAX`] beyond the clock.
    fn next_time(&mut self, rng: &mut ChaCha8Rng) -> Time;

    /// Appends as many requests at its next instants.
    fn arrivals(&mut self, count: usize, requests: &mut RequestSampler, into: &mut Vec<Arrival>) {
        in_turn(self, count, requests, into);
    }

    /// Its steps until this many requests have arrived; `None` if nearly every step yields one.
    fn steps(&self, _requests: f64) -> Option<Steps> {
        None
    }
}

/// Appends as many requests, each drawn after its instant.
pub(super) fn in_turn(
    process: &mut (impl InterarrivalProcess + ?Sized),
    count: usize,
    requests: &mut RequestSampler,
    into: &mut Vec<Arrival>,
) {
    into.extend((0..count).map(|_| {
        let time = process.next_time(&mut requests.rng);
        requests.draw(time)
    }));
}

/// Starts a process with this mean rate in requests per second. Work that takes time belongs to the
/// first [`InterarrivalProcess::next_time`].
pub type StartProcess =
    Arc<dyn Fn(f64, &mut ChaCha8Rng) -> Box<dyn InterarrivalProcess> + Send + Sync>;

/// A gap of a Poisson process with this mean gap.
pub(super) fn poisson_gap(gap_ns: f64, rng: &mut ChaCha8Rng) -> Span {
    Span::from_ns(exponential(rng.random()) * gap_ns)
}

impl<F: FnMut(&mut ChaCha8Rng) -> Time + Send> InterarrivalProcess for F {
    fn next_time(&mut self, rng: &mut ChaCha8Rng) -> Time {
        self(rng)
    }
}

/// Renewal processes: independent gaps of one distribution of mean 1, from 0 on.
pub(super) fn renewal<G>(gap: G) -> Process
where
    G: Fn(&mut ChaCha8Rng) -> f64 + Clone + Send + Sync + 'static,
{
    Process::timed(move |rate_rps, _| {
        let (gap, mean_ns, mut now) = (gap.clone(), NS_PER_S as f64 / rate_rps, Time::ZERO);
        move |rng: &mut ChaCha8Rng| {
            now += Span::from_ns(gap(rng) * mean_ns);
            now
        }
    })
}

/// Poisson arrivals whose rate changes with time: those of the highest rate, each kept with the
/// share of it that holds (thinning; Lewis and Shedler, Naval Research Logistics 1979).
struct Thinned<F> {
    now: Time,
    least_gap_ns: f64,
    rate_rps: f64,
    curve: RateCurve<F>,
    /// The current noise factor and its end.
    level: f64,
    until: Time,
}

/// A rate as a function of time, relative to its mean.
#[derive(Clone)]
pub(super) struct RateCurve<F> {
    /// By time; at most `highest`.
    pub factor: F,
    pub highest: f64,
    /// Its integral from 0 to `seconds`.
    pub integral: Arc<dyn Fn(f64) -> f64 + Send + Sync>,
    /// Settings that make it change faster, for messages.
    pub faster: &'static str,
    /// Log-normal noise of mean 1.
    pub noise: Option<RateNoise>,
}

/// Factors of a rate that are drawn anew for every interval.
#[derive(Clone, Copy)]
pub(super) struct RateNoise {
    pub interval: Span,
    /// Variance of the logarithm of factors.
    pub variance: f64,
}

impl<F: Fn(Time) -> f64> Thinned<F> {
    /// Seconds until this many requests have arrived, on average.
    fn seconds(&self, requests: f64) -> f64 {
        let (wanted, integral) = (requests / self.rate_rps, &self.curve.integral);
        let (mut low, mut high) = (0.0, wanted);
        while integral(high) < wanted && high < Time::MAX.as_s() {
            (low, high) = (high, 2.0 * high);
        }
        for _ in 0..60 {
            let middle = f64::midpoint(low, high);
            if integral(middle) < wanted { low = middle } else { high = middle }
        }
        high
    }
}

/// Poisson processes of the mean rate times a factor of time.
pub(super) fn thinned<F>(curve: RateCurve<F>) -> Process
where
    F: Fn(Time) -> f64 + Clone + Send + Sync + 'static,
{
    Process::timed(move |rate_rps, _| {
        let curve = curve.clone();
        let least_gap_ns = NS_PER_S as f64 / (rate_rps * curve.highest);
        let until = if curve.noise.is_some() { Time::ZERO } else { Time::MAX };
        Thinned { now: Time::ZERO, least_gap_ns, rate_rps, curve, level: 1.0, until }
    })
}

impl<F: Fn(Time) -> f64 + Send> InterarrivalProcess for Thinned<F> {
    fn next_time(&mut self, rng: &mut ChaCha8Rng) -> Time {
        loop {
            if let Some(RateNoise { interval, variance }) = self.curve.noise
                && self.now >= self.until
            {
                let standard = standard_normal(rng.random(), rng.random());
                self.level = libm::exp(libm::sqrt(variance) * standard - variance / 2.0);
                self.until = self.now + interval;
            }
            let next = self.now + poisson_gap(self.least_gap_ns / self.level, rng);
            // Poisson arrivals are memoryless: a new gap is drawn when the level changes.
            if next >= self.until {
                self.now = self.until;
                if self.now == Time::MAX {
                    return self.now;
                }
                continue;
            }
            self.now = next;
            if rng.random::<f64>() < (self.curve.factor)(next) / self.curve.highest {
                return next;
            }
        }
    }

    fn steps(&self, requests: f64) -> Option<Steps> {
        let seconds = self.seconds(requests);
        let candidates = seconds * self.rate_rps * self.curve.highest;
        let levels = self.curve.noise.map_or(0.0, |noise| seconds / noise.interval.as_s());
        let count = candidates + levels;
        Some(if levels < candidates || levels == 0.0 {
            let what = "candidates, of which thinning leaves some,";
            Steps { count, what, by_rate: false, fewer: self.curve.faster }
        } else {
            let fewer = "a longer `noise_s`";
            Steps { count, what: "levels of noise", by_rate: true, fewer }
        })
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

/// Arrivals at the rate of the workload: one process for all applications, or one for each.
pub(super) fn build(
    starts: &[StartProcess],
    spec: &WorkloadSpec,
    truth: &Arc<GroundTruth>,
    rng: Rng,
) -> Result<Box<dyn Arrivals>, Problem> {
    let Some(rate_rps) = spec.rate_rps(truth.catalog())? else {
        let expected = "requests per second over all applications, or `load`";
        return Err(spec.problem("workload.rate_rps", "nothing", expected));
    };
    let seconds = spec.requests as f64 / rate_rps;
    if seconds > MAX_TRACE_S {
        let found = format!("arrivals over {seconds:.1e} s");
        let expected = format!("requests / rate_rps of {MAX_TRACE_S:e} s at most");
        return Err(spec.problem("", found, expected));
    }
    let (mut left, mut requests) = (spec.requests, RequestSampler::new(spec, truth, rng)?);
    if let [start] = starts {
        let times = start(rate_rps, &mut requests.rng);
        steps::check(spec, rate_rps, times.steps(left as f64))?;
        return Ok(Box::new(Total { left, times, requests }));
    }
    let apps = truth.catalog().app_ids().zip(starts).filter(|(app, _)| spec.mix[app.index()] > 0.0);
    let each = apps.map(|(app, start)| {
        let key = name_key(&[&truth.catalog().app(app).name]);
        let mut rng = rng.stream_of(Label::Arrivals, key);
        let times = start(rate_rps * spec.mix[app.index()], &mut rng);
        Own { app, next: Time::ZERO, times, rng }
    });
    let mut each: Vec<Own> = each.collect();
    // Each draws one more request than arrive.
    let count = |own: &Own| left as f64 * spec.mix[own.app.index()] + 1.0;
    steps::check(spec, rate_rps, each.iter().filter_map(|own| own.times.steps(count(own))))?;
    for own in &mut each {
        own.next = own.times.next_time(&mut own.rng);
    }
    Ok(Box::new(move || {
        left = left.checked_sub(1)?;
        let own = each.iter_mut().min_by_key(|own| (own.next, own.app))?;
        let arrival = requests.draw_from(own.app, own.next, &mut own.rng);
        own.next = own.times.next_time(&mut own.rng);
        Some(arrival)
    }))
}
