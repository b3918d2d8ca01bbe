//! Runs of a device as they were measured: Poisson arrivals at the rate of the run, for its
//! duration, at a device that is unused at first.

use super::fit::{Fit, HOST_POWER};
use super::loads::{CellKey, LoadRun};
use crate::config::{ConfigNode, Problems};
use crate::contract::{AccuracySource, Event, Observer};
use crate::core::ids::{Answered, AppId, Arrival, BatchAnswer, Request, TrueClass};
use crate::core::rng::{Label, Rng, name_key};
use crate::core::units::{Span, Time};
use crate::engine::{self, SimError, Simulation};
use crate::metrics::{self, Summary, quantile_sorted};
use crate::scheduler::{self, BuildContext};
use crate::system::catalog::{AppSpec, SystemSpec, WorkerSpec};
use crate::system::deadline_budget::DeadlineBudget;
use crate::system::device::{DeviceCost, HostTimes, Power, Reaction, Spread};
use crate::system::ground_truth::GroundTruth;
use crate::system::latency::LatencyPoints;
use crate::system::profile::{Profile, VariantCost, VariantProfile};
use crate::workload::Listed;
use rand::RngExt;
use std::sync::Arc;

/// Root of all random numbers of predictions.
const SEED: u64 = 20_261_129;
/// The time constant with which a device reacts: runs of a minute do not tell it.
pub const INERTIA_MS: f64 = 1000.0;
/// The quantiles that are predicted.
pub const QUANTILES: [f64; 3] = [0.5, 0.95, 0.99];

/// What a run is predicted to show; also what it showed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Figures {
    /// Mean latency.
    pub mean_ms: f64,
    /// Its [`QUANTILES`].
    pub quantiles_ms: [Option<f64>; 3],
    /// Mean power.
    pub watts: Option<f64>,
}

/// Why a prediction failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PredictError {
    /// A system that does not fit together.
    #[error(transparent)]
    System(#[from] Problems),
    /// A run that failed.
    #[error(transparent)]
    Run(#[from] SimError),
}

impl Fit {
    /// What a profile says of the device.
    pub fn device(&self) -> DeviceCost {
        let [idle_w, added_w] = self.power_w.map_or([None; 2], |power| power.map(Some));
        DeviceCost {
            host: HostTimes {
                before: Span::from_ms(self.before_ms),
                after: Span::ZERO,
                delay: Span::from_ms(self.delay_ms),
            },
            delay_cv: if self.delay_ms > 0.0 { self.delay_cv } else { 0.0 },
            reaction: Reaction {
                service: 0.0,
                host: self.idle_slowdown,
                inertia: Span::from_ms(INERTIA_MS),
            },
            power: Power {
                idle_w,
                busy_w: idle_w.zip(added_w).map(|(idle, added)| idle + added),
                host_w: added_w.map(|added| HOST_POWER * added),
            },
        }
    }

    /// The system of one device that serves one model.
    fn system(&self) -> SystemSpec {
        let latency = LatencyPoints::one_by_one(Span::from_ms(self.service_ms).max(Span(1)));
        let spread = Spread::of_cv(self.service_sd_ms / self.service_ms);
        let cost = VariantCost {
            spread: if spread == Spread::None { Vec::new() } else { vec![(1, spread)] },
            device: self.device(),
            ..VariantCost::new("device", latency, Span::ZERO)
        };
        let variant = VariantProfile {
            name: "model".to_owned(),
            shares: None,
            bytes: 1,
            payload_bytes: None,
            accuracy: 1.0,
            recall: vec![1.0],
            samples: Vec::new(),
            costs: vec![cost],
        };
        let budget = DeadlineBudget::Fixed(Span::from_ms(1e6));
        let profile = Profile::of_variants("app", budget, vec![variant]);
        let app = AppSpec::new(Arc::new(profile));
        SystemSpec::new(vec![app], vec![WorkerSpec::new("device")])
    }
}

/// Latencies of the requests of a run, and its totals.
struct Collected {
    latencies_ns: Vec<u64>,
    summary: Summary,
}

impl Observer for Collected {
    fn on(&mut self, event: Event<'_>) {
        self.summary.on(event);
    }

    fn on_arrivals(&mut self, requests: &[Request]) {
        self.summary.on_arrivals(requests);
    }

    fn on_answers(&mut self, batch: &BatchAnswer, answers: &[Answered]) {
        let latency = |answered: &Answered| batch.finished.since(answered.request.arrival).0;
        self.latencies_ns.extend(answers.iter().map(latency));
        self.summary.on_answers(batch, answers);
    }
}

/// Predicts a run: the means over `draws` simulations with arrivals of their own. The same run of
/// the same cell meets the same arrivals whatever the fit.
///
/// # Errors
/// A fit that no device can have.
pub fn predict(
    key: &CellKey,
    index: usize,
    run: &LoadRun,
    fit: &Fit,
    draws: u64,
) -> Result<Figures, PredictError> {
    let truth = Arc::new(GroundTruth::build(&fit.system())?);
    let mut sum = Figures { quantiles_ms: [Some(0.0); 3], watts: Some(0.0), mean_ms: 0.0 };
    let mut counted = 0u32;
    for draw in 0..draws {
        let name = format!("{} {index} {draw}", run.load);
        let key = name_key(&[&key.device, &key.model, &key.power_mode, &name]);
        let Some(figures) = simulate(&truth, run, Rng::new(SEED, key >> 16))? else { continue };
        counted += 1;
        sum.mean_ms += figures.mean_ms;
        let pairs = sum.quantiles_ms.iter_mut().zip(figures.quantiles_ms);
        pairs.for_each(|(sum, own)| *sum = sum.zip(own).map(|(sum, own)| sum + own));
        sum.watts = sum.watts.zip(figures.watts).map(|(sum, own)| sum + own);
    }
    let share = |sum: f64| sum / f64::from(counted.max(1));
    Ok(Figures {
        mean_ms: share(sum.mean_ms),
        quantiles_ms: sum.quantiles_ms.map(|sum| sum.map(share)),
        watts: sum.watts.map(share),
    })
}

/// One simulation; `None` if no request arrived.
fn simulate(
    truth: &Arc<GroundTruth>,
    run: &LoadRun,
    rng: Rng,
) -> Result<Option<Figures>, PredictError> {
    let arrivals = arrivals(run, rng);
    if arrivals.is_empty() {
        return Ok(None);
    }
    let catalog = truth.catalog();
    let mut problems = Problems::default();
    let context = BuildContext { catalog, rng };
    let scheduler = scheduler::read(&ConfigNode::parse_override("fcfs"), &context, &mut problems);
    let mut scheduler = problems.check(scheduler)?;
    let listed = Box::new(Listed::new(arrivals));
    let info = AccuracySource::Profiled;
    let mut sim = Simulation::new(Arc::clone(truth), listed, info, rng, "fcfs");
    let mut collected = Collected { latencies_ns: Vec::new(), summary: Summary::new(catalog) };
    engine::run(&mut sim, scheduler.scheduler.as_mut(), &mut collected)?;
    let Collected { latencies_ns: mut latencies, mut summary, .. } = collected;
    latencies.sort_unstable();
    let sum: u128 = latencies.iter().map(|ns| u128::from(*ns)).sum();
    let energy = summary.cell("energy_j").and_then(metrics::Cell::number);
    let span = summary.cell("makespan_s").and_then(metrics::Cell::number);
    Ok(Some(Figures {
        mean_ms: sum as f64 / latencies.len().max(1) as f64 / 1e6,
        quantiles_ms: QUANTILES.map(|q| quantile_sorted(&latencies, q).map(|ns| ns / 1e6)),
        watts: energy.zip(span).map(|(joules, seconds)| joules / seconds),
    }))
}

/// Poisson arrivals at the rate of a run for as long as it took.
fn arrivals(run: &LoadRun, rng: Rng) -> Vec<Arrival> {
    let mut stream = rng.stream(Label::Arrivals);
    let (mut at_s, mut arrivals) = (0.0, Vec::new());
    loop {
        at_s -= libm::log1p(-stream.random::<f64>()) / run.rate_rps;
        if at_s >= run.duration_s {
            return arrivals;
        }
        arrivals.push(Arrival {
            time: Time::ZERO + Span::from_s(at_s),
            app: AppId(0),
            source: None,
            budget: Span::from_ms(1e6),
            truth: TrueClass { class: 0, row: TrueClass::NO_ROW },
        });
    }
}
