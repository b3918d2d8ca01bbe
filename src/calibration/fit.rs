//! What a fit finds: the time that a request occupies the worker, and the host's overhead.
//!
//! A request is served by one worker, one at a time, and then waits for a part of the host's work
//! that occupies no worker. With Poisson arrivals at rate λ, a service time of mean S and standard
//! deviation σ, and overhead D, the mean latency at utilization u = λS is
//!
//! `S + λ (S² + σ²) / (2 (1 − u)) + delay (1 + g (1 − u))`
//!
//! (Pollaczek 1930, Khinchine 1932), where `S = s + b D` and `delay = (1 − b) D`: a share b of the
//! overhead occupies the worker, and the rest takes 1 + g times as long on an unused device as on a
//! busy one. Both follow from c, the coefficient of variation of the delay, by two constants that
//! are the same for all devices: `b = B / (1 + c²)^(3/2)` and `g = G c²` ([`Model`]). A log-normal
//! overhead of mean D has its mode at `D / (1 + c²)^(3/2)`: a share B of the most frequent overhead
//! occupies the worker. Overhead that spreads at the fitted load goes away with use.
//!
//! With an isolated latency, s and σ are known, D is what the mean latency of the fitted loads asks
//! for, and c what the variance of latencies at the smallest of them leaves. Without one, s + b D
//! and D come from two fitted loads; a device that sustains a rate is not saturated by it.
//!
//! Power is that of the idle device, plus w while the worker computes and a fixed share of w for
//! each request on which the host works; w is what the power of the fitted loads asks for.

use super::loads::{Cell, LoadRun};
use crate::stats::Estimate;

/// B: the share of the most frequent overhead that occupies the worker.
pub const BLOCKING_SHARE: f64 = 0.12;
/// G: how much longer a delay takes on an unused device, by its squared coefficient of variation.
pub const IDLE_SLOWDOWN: f64 = 2.5;
/// Coefficient of variation of a delay where no variance was measured: the median of six devices.
const UNKNOWN_DELAY_CV: f64 = 0.45;
/// Power of the host on a request, as a share of what the worker adds while it computes.
pub const HOST_POWER: f64 = 0.3;
/// Rounds in which delay and variation settle.
const ROUNDS: u32 = 40;
/// Coefficient of variation of service times that were not measured.
const UNKNOWN_CV: f64 = 0.05;
/// The largest coefficient of variation of the delay.
const MAX_DELAY_CV: f64 = 3.0;
/// Steps of bisections: the interval shrinks by 2⁶⁰.
const STEPS: u32 = 60;
/// The closest to saturation at which the steady state is used.
const MAX_UTILIZATION: f64 = 0.999;

/// Which parts a fit has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Model {
    /// Its name in tables.
    pub name: &'static str,
    /// In words.
    pub summary: &'static str,
    /// Where the overhead is spent.
    pub overhead: Overhead,
    /// G: how much longer the delay takes on an unused device, by its squared variation.
    pub idle_slowdown: f64,
}

/// Where the overhead is spent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Overhead {
    /// There is none.
    None,
    /// A share B of its mode occupies the worker, the rest is a delay.
    Blocking(f64),
    /// All of it occupies the worker.
    Occupied,
    /// On a host that works on one request at a time before the worker does.
    Host,
}

const fn model(
    name: &'static str,
    summary: &'static str,
    overhead: Overhead,
    idle_slowdown: f64,
) -> Model {
    Model { name, summary, overhead, idle_slowdown }
}

/// The nested models, the smallest first.
pub const NESTED: [Model; 4] = [
    model("service", "service time alone", Overhead::None, 0.0),
    model("delay", "and a delay", Overhead::Blocking(0.0), 0.0),
    model(
        "blocking",
        "and a share of the delay occupies the worker",
        Overhead::Blocking(BLOCKING_SHARE),
        0.0,
    ),
    model(
        "reaction",
        "and the rest is longer on an unused device",
        Overhead::Blocking(BLOCKING_SHARE),
        IDLE_SLOWDOWN,
    ),
];

/// Other places of the overhead, to compare with.
pub const OTHERS: [Model; 2] = [
    model("host", "all overhead on a host, one request at a time", Overhead::Host, 0.0),
    model("occupied", "all overhead occupies the worker", Overhead::Occupied, 0.0),
];

/// The model by which predictions are made.
pub const CHOSEN: Model = NESTED[3];

/// Parameters of a cell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fit {
    /// Mean time that a request occupies the worker, overhead included.
    pub service_ms: f64,
    /// Its standard deviation.
    pub service_sd_ms: f64,
    /// Overhead on a busy device, all of it.
    pub overhead_ms: f64,
    /// Mean delay on a busy device.
    pub delay_ms: f64,
    /// Coefficient of variation of the delay.
    pub delay_cv: f64,
    /// Work of the host before the worker, one request at a time.
    pub before_ms: f64,
    /// How much longer the delay takes on an unused device.
    pub idle_slowdown: f64,
    /// Power while idle, and in addition while the worker computes.
    pub power_w: Option<[f64; 2]>,
}

/// Mean and second moment of the wait in front of a server with Poisson arrivals (Takács 1962).
fn wait_ms(rate_rps: f64, mean_ms: f64, sd_ms: f64) -> [f64; 2] {
    let rate = rate_rps / 1000.0;
    let idle = 1.0 - (rate * mean_ms).min(MAX_UTILIZATION);
    let spread = 1.0 + (sd_ms / mean_ms).powi(2);
    let second = mean_ms * mean_ms * spread;
    // Of a log-normal law.
    let third = mean_ms.powi(3) * spread.powi(3);
    let mean = rate * second / (2.0 * idle);
    [mean, 2.0 * mean * mean + rate * third / (3.0 * idle)]
}

impl Fit {
    /// Utilization of the worker at a rate.
    pub fn utilization(&self, rate_rps: f64) -> f64 {
        rate_rps * self.service_ms / 1000.0
    }

    fn delay_at(&self, rate_rps: f64) -> f64 {
        let unused = 1.0 - self.utilization(rate_rps).min(1.0);
        self.delay_ms * (1.0 + self.idle_slowdown * unused)
    }

    /// The mean latency in the steady state.
    pub fn mean_ms(&self, rate_rps: f64) -> f64 {
        let wait = wait_ms(rate_rps, self.service_ms, self.service_sd_ms)[0];
        let host = match self.before_ms {
            0.0 => 0.0,
            before => before + wait_ms(rate_rps, before, 0.0)[0],
        };
        self.service_ms + wait + host + self.delay_at(rate_rps)
    }

    /// Work on a request, weighted by the power that it takes: on the worker and on the host.
    fn work_ms(&self, rate_rps: f64) -> f64 {
        self.service_ms + HOST_POWER * (self.before_ms + self.delay_at(rate_rps))
    }
}

/// Means over the runs of a load.
struct LoadMeans {
    load: f64,
    rates_rps: Vec<f64>,
    mean_ms: f64,
    variance: Option<f64>,
}

impl LoadMeans {
    fn of(runs: &[&LoadRun]) -> Self {
        let variances: Vec<f64> = runs.iter().filter_map(|run| run.sd_ms).map(|x| x * x).collect();
        Self {
            load: runs.first().map_or(1.0, |run| run.load),
            rates_rps: runs.iter().map(|run| run.rate_rps).collect(),
            mean_ms: mean(runs.iter().map(|run| run.mean_ms)).unwrap_or(0.0),
            variance: mean(variances.into_iter()),
        }
    }

    /// The rate that the device sustains.
    fn sustained_rps(&self) -> f64 {
        self.over(|rate| rate) / self.load
    }

    /// The mean over its runs of a function of their rates.
    fn over(&self, of: impl Fn(f64) -> f64) -> f64 {
        mean(self.rates_rps.iter().map(|rate| of(*rate))).unwrap_or(0.0)
    }
}

pub(super) fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (count, sum) = values.fold((0usize, 0.0), |(count, sum), value| (count + 1, sum + value));
    (count > 0).then(|| sum / count as f64)
}

/// The point in an interval at which a rising function is zero, the nearer end if it is nowhere.
fn bisect(mut low: f64, mut high: f64, rises: impl Fn(f64) -> f64) -> f64 {
    for _ in 0..STEPS {
        let middle = low.midpoint(high);
        if rises(middle) > 0.0 { high = middle } else { low = middle }
    }
    low
}

/// Fits a model to runs of a cell: overhead where the isolated latency is known, else service and
/// overhead, so that the mean latencies of the loads are met on average; the variation of the delay
/// at the smallest load. `None` if there is nothing to fit them to.
pub fn fit(cell: &Cell, runs: &[&LoadRun], model: Model) -> Option<Fit> {
    let mut loads: Vec<f64> = runs.iter().map(|run| run.load).collect();
    loads.sort_by(f64::total_cmp);
    loads.dedup();
    let at = |load: &f64| -> Vec<&LoadRun> {
        runs.iter().copied().filter(|run| run.load.total_cmp(load).is_eq()).collect()
    };
    let means: Vec<LoadMeans> = loads.iter().map(|load| LoadMeans::of(&at(load))).collect();
    let first = means.first()?;
    if cell.isolated.is_none() && means.len() < 2 {
        return None;
    }
    let mut delay_cv = UNKNOWN_DELAY_CV;
    let mut fit = fit_with(cell, &means, model, delay_cv);
    for _ in 0..ROUNDS {
        let Some(left) = left_to_delay(&fit, first) else { break };
        // Halves: the step from one to the other may overshoot.
        delay_cv = delay_cv.midpoint(left);
        fit = fit_with(cell, &means, model, delay_cv);
    }
    fit.power_w = power(&fit, runs);
    Some(fit)
}

/// The fit with a coefficient of variation of the delay.
fn fit_with(cell: &Cell, means: &[LoadMeans], model: Model, delay_cv: f64) -> Fit {
    let Some(isolated) = cell.isolated else { return without_isolated(means, model, delay_cv) };
    let service = [isolated.mean_ms, isolated.sd_ms];
    let of = |overhead| with_overhead(service, overhead, model, delay_cv);
    let error = |overhead: f64| {
        let fit = of(overhead);
        let all = means.iter().map(|m| m.over(|rate| fit.mean_ms(rate)) / m.mean_ms - 1.0);
        all.sum::<f64>()
    };
    // Nothing takes less than no time.
    of(bisect(0.0, means[0].mean_ms, error))
}

/// The fit with this service time, mean and standard deviation, and this overhead.
fn with_overhead(
    [service_ms, service_sd_ms]: [f64; 2],
    overhead_ms: f64,
    model: Model,
    delay_cv: f64,
) -> Fit {
    let squared = delay_cv * delay_cv;
    let (blocking, before_ms, delay_ms) = match model.overhead {
        Overhead::None => (0.0, 0.0, 0.0),
        Overhead::Blocking(share) => {
            let blocking = share * overhead_ms / libm::pow(1.0 + squared, 1.5);
            (blocking, 0.0, overhead_ms - blocking)
        }
        Overhead::Occupied => (overhead_ms, 0.0, 0.0),
        Overhead::Host => (0.0, overhead_ms, 0.0),
    };
    Fit {
        service_ms: service_ms + blocking,
        service_sd_ms,
        overhead_ms: if model.overhead == Overhead::None { 0.0 } else { overhead_ms },
        delay_ms,
        delay_cv: if delay_ms > 0.0 { delay_cv } else { 0.0 },
        before_ms,
        idle_slowdown: model.idle_slowdown * squared,
        power_w: None,
    }
}

/// Service and overhead: for each service time the overhead that the smallest load asks for, and
/// of these the one whose latency rises as measured from the smallest load to the others.
fn without_isolated(means: &[LoadMeans], model: Model, delay_cv: f64) -> Fit {
    let (first, others) = (&means[0], &means[1..]);
    let sustained = means.iter().map(LoadMeans::sustained_rps).fold(0.0, f64::max);
    let fastest = means.iter().flat_map(|m| &m.rates_rps).copied().fold(sustained, f64::max);
    let of = |service: f64| {
        let spread = [service, UNKNOWN_CV * service];
        let of = |overhead| with_overhead(spread, overhead, model, delay_cv);
        let error = |overhead: f64| first.over(|rate| of(overhead).mean_ms(rate)) - first.mean_ms;
        of(bisect(0.0, first.mean_ms, error))
    };
    let rise = |service: f64| {
        let fit = of(service);
        others.iter().map(|m| m.over(|rate| fit.mean_ms(rate)) / m.mean_ms - 1.0).sum::<f64>()
    };
    let most = first.mean_ms.min(MAX_UTILIZATION * 1000.0 / fastest);
    of(bisect(1e-3 * most, most, rise))
}

/// The coefficient of variation that the variance of latencies at a load leaves to the delay;
/// `None` without a variance or a delay.
fn left_to_delay(fit: &Fit, at: &LoadMeans) -> Option<f64> {
    let variance = at.variance?;
    let others = at.over(|rate| {
        let [mean, second] = wait_ms(rate, fit.service_ms, fit.service_sd_ms);
        second - mean * mean + fit.service_sd_ms.powi(2)
    });
    let delay = at.over(|rate| fit.delay_at(rate));
    let left = libm::sqrt((variance - others).max(0.0));
    (delay > 0.0).then(|| (left / delay).min(MAX_DELAY_CV))
}

/// Idle power, and what work adds.
fn power(fit: &Fit, runs: &[&LoadRun]) -> Option<[f64; 2]> {
    let idle = mean(runs.iter().filter_map(|run| run.idle_w))?;
    let added = mean(runs.iter().filter_map(|run| Some(run.serving_w? - run.idle_w?)))?;
    let measured = runs.iter().filter(|run| run.serving_w.is_some() && run.idle_w.is_some());
    let work = mean(measured.map(|run| run.rate_rps / 1000.0 * fit.work_ms(run.rate_rps)))?;
    Some([idle, (added / work).max(0.0)])
}

/// Service time and overhead with 95 % intervals: over fits to single repeats.
#[derive(Clone, Copy, Debug)]
pub struct Intervals {
    /// Of the service time.
    pub service_ms: Option<Estimate>,
    /// Of the overhead.
    pub overhead_ms: Option<Estimate>,
}

/// Fits each repeat of the runs on its own: the n-th run of every load.
pub fn intervals(cell: &Cell, runs: &[&LoadRun], model: Model) -> Intervals {
    let mut by_repeat: Vec<Vec<&LoadRun>> = Vec::new();
    let mut seen: Vec<(u64, usize)> = Vec::new();
    for run in runs {
        let load = run.load.to_bits();
        let at = seen.iter().position(|(known, _)| *known == load).unwrap_or_else(|| {
            seen.push((load, 0));
            seen.len() - 1
        });
        let repeat = seen[at].1;
        seen[at].1 += 1;
        if by_repeat.len() <= repeat {
            by_repeat.push(Vec::new());
        }
        by_repeat[repeat].push(run);
    }
    let fits: Vec<Fit> = by_repeat.iter().filter_map(|runs| fit(cell, runs, model)).collect();
    let of = |value: fn(&Fit) -> f64| Estimate::of(&fits.iter().map(value).collect::<Vec<_>>());
    Intervals { service_ms: of(|fit| fit.service_ms), overhead_ms: of(|fit| fit.overhead_ms) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calibration::loads::{CellKey, Isolated};

    fn cell(isolated: Option<Isolated>, truth: &Fit, rates: &[(f64, f64)]) -> Cell {
        let runs = rates.iter().map(|(load, rate_rps)| LoadRun {
            load: *load,
            duration_s: 60.0,
            requests: 1,
            rate_rps: *rate_rps,
            mean_ms: truth.mean_ms(*rate_rps),
            quantiles_ms: [None; 3],
            sd_ms: None,
            idle_w: Some(2.0),
            serving_w: Some(2.0 + 3.0 * rate_rps / 1000.0 * truth.work_ms(*rate_rps)),
        });
        let key = CellKey { device: "d".into(), model: "m".into(), power_mode: String::new() };
        Cell { key, label: String::new(), isolated, runs: runs.collect() }
    }

    /// Parameters are found again in exact means.
    #[test]
    fn exact_means_give_their_parameters_back() {
        for model in [NESTED[1], NESTED[2], NESTED[3], OTHERS[1]] {
            let truth = with_overhead([10.0, 0.5], 4.0, model, UNKNOWN_DELAY_CV);
            let isolated = Isolated { mean_ms: 10.0, sd_ms: 0.5 };
            let cell = cell(Some(isolated), &truth, &[(0.25, 20.0), (0.5, 40.0)]);
            let runs: Vec<&LoadRun> = cell.at(0.25).collect();
            let found = fit(&cell, &runs, model).expect("a fit");
            assert!((found.overhead_ms - 4.0).abs() < 1e-9, "{}: {found:?}", model.name);
            assert!((found.service_ms - truth.service_ms).abs() < 1e-9);
            let [idle, added] = found.power_w.expect("power");
            assert!((idle - 2.0).abs() < 1e-12 && (added - 3.0).abs() < 1e-9);
        }
        let truth = with_overhead([10.0, 10.0 * UNKNOWN_CV], 4.0, CHOSEN, UNKNOWN_DELAY_CV);
        let cell = cell(None, &truth, &[(0.25, 20.0), (0.5, 40.0)]);
        let runs: Vec<&LoadRun> = cell.runs.iter().collect();
        let found = fit(&cell, &runs, CHOSEN).expect("a fit");
        // The service time that a fit without isolated latency has includes what occupies.
        let gap = [0.25, 0.5].map(|load| {
            let run = cell.at(load).next().expect("a run");
            found.mean_ms(run.rate_rps) / run.mean_ms - 1.0
        });
        assert!(gap.iter().all(|gap| gap.abs() < 1e-6), "{gap:?}");
        assert!(fit(&cell, &runs[..1], CHOSEN).is_none());
    }

    #[test]
    fn the_delay_takes_what_the_variance_leaves() {
        let truth = with_overhead([10.0, 0.0], 4.0, NESTED[1], 0.0);
        let mut cell = cell(Some(Isolated { mean_ms: 10.0, sd_ms: 0.0 }), &truth, &[(0.25, 20.0)]);
        let [mean, second] = wait_ms(20.0, 10.0, 0.0);
        // M/D/1 at utilization 0.2: W = 10 · 0.2 / 1.6, E W² = 2 W² + λ s³ / (3 · 0.8).
        assert!((mean - 1.25).abs() < 1e-12);
        assert!((second - (2.0 * 1.25f64.powi(2) + 0.02 * 1000.0 / 2.4)).abs() < 1e-12);
        cell.runs[0].sd_ms = Some(libm::sqrt(second - mean * mean + 4.0));
        let runs: Vec<&LoadRun> = cell.runs.iter().collect();
        let found = fit(&cell, &runs, NESTED[1]).expect("a fit");
        assert!((found.delay_cv - 0.5).abs() < 1e-6, "{found:?}");
    }
}
