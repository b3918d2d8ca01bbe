//! The specification of a system, from which a catalog is built: applications, workers, penalty.

use super::deadline_budget::DeadlineBudget;
use super::faults::{BeliefError, Outage, Slowdown, Stalls};
use super::latency::LatencyFit;
use super::link::Link;
use super::penalty::Penalty;
use super::profile::{Profile, VariantProfile};
use crate::classifier::model::Classifier;
use crate::config::Location;
use crate::core::units::{Span, Time};
use crate::traces::recorded::{RecordedTrace, SourceSplit};
use std::sync::Arc;

/// An application of an experiment.
#[derive(Clone, Debug)]
pub struct AppSpec {
    /// Its measurements.
    pub profile: Arc<Profile>,
    /// Recorded requests, if there are any.
    pub trace: Option<Arc<RecordedTrace>>,
    /// A deadline budget instead of the profile's.
    pub budget: Option<DeadlineBudget>,
    /// The variants to keep; empty for all.
    pub variants: Vec<String>,
    /// How its requests are peeked at.
    pub peek: Classifier,
    /// Bytes that are sent to serve a request behind a link, unless its variant has its own.
    pub payload_bytes: u64,
}

/// Whether a list of names, which is empty for all, has one of them.
pub(super) fn lists(names: &[String], name: &str) -> bool {
    names.is_empty() || names.iter().any(|listed| listed == name)
}

impl AppSpec {
    /// As profiled, with nothing recorded.
    pub fn new(profile: Arc<Profile>) -> Self {
        let (variants, peek) = (Vec::new(), Classifier::default());
        Self { profile, trace: None, budget: None, variants, peek, payload_bytes: 0 }
    }

    /// Whether a variant of the profile is kept.
    pub(super) fn has(&self, variant: &VariantProfile) -> bool {
        lists(&self.variants, &variant.name)
    }
}

/// The content of a worker's memory at the start of a run.
#[derive(Clone, Debug, Default)]
pub enum Resident {
    /// Nothing.
    #[default]
    Nothing,
    /// These variants, as if loaded in this order.
    Listed(Vec<ResidentVariant>),
    /// Every variant that can run there and fits in addition to those before it, in the order of
    /// applications and variants.
    AllThatFit,
}

/// A variant in a list of [`Resident`].
#[derive(Clone, Debug)]
pub struct ResidentVariant {
    /// The application.
    pub app: String,
    /// The name of the variant.
    pub variant: String,
    /// Its place in the experiment, for messages.
    pub place: Location,
}

/// Workers of one class.
#[derive(Clone, Debug)]
pub struct WorkerSpec {
    /// The class, as in `latency.csv`.
    pub class: String,
    /// Their power mode, as in `latency.csv`; empty if the class has none.
    pub power_mode: String,
    /// Their name without numbers.
    pub name: String,
    /// Speed-up of batches and loads over the profile.
    pub speed: f64,
    /// Names of variants that they can run, of any application; empty for all variants.
    pub variants: Vec<String>,
    /// The link to them; `None` if they are local.
    pub link: Option<Link>,
    /// The number of workers.
    pub count: u16,
    /// Memory for variants.
    pub memory_bytes: u64,
    /// Batches that can run at once.
    pub lanes: u16,
    /// Power while computing or loading, in watts.
    pub power_w: Option<f64>,
    /// Power at all other times, in watts.
    pub idle_w: Option<f64>,
    /// Price of a request, in US dollars.
    pub usd_per_request: Option<f64>,
    /// The content of their memory at the start of a run.
    pub resident: Resident,
    /// When they become available.
    pub ready: Time,
    /// A slowdown, if there is one.
    pub slowdown: Option<Slowdown>,
    /// Outages, in order and without overlap.
    pub outages: Vec<Outage>,
    /// Their place in the experiment, for messages.
    pub place: Location,
}

impl WorkerSpec {
    /// One local worker of a class with one lane, unlimited memory and all variants.
    pub fn new(class: &str) -> Self {
        Self {
            class: class.to_owned(),
            power_mode: String::new(),
            name: class.to_owned(),
            speed: 1.0,
            variants: Vec::new(),
            link: None,
            count: 1,
            memory_bytes: u64::MAX / 2,
            lanes: 1,
            power_w: None,
            idle_w: None,
            usd_per_request: None,
            resident: Resident::Nothing,
            ready: Time::ZERO,
            slowdown: None,
            outages: Vec::new(),
            place: Location::default(),
        }
    }

    /// Whether variants cost the same on both.
    pub(super) fn has_costs_of(&self, other: &Self) -> bool {
        (&self.class, &self.power_mode, self.speed.to_bits(), &self.variants)
            == (&other.class, &other.power_mode, other.speed.to_bits(), &other.variants)
    }
}

/// Simulated time that a decision takes: the batches and loads of a plan cannot begin before it is
/// over. Plans made meanwhile do not wait for it; each has its own.
///
/// A plan is made for the instant of the decision, as if that took no time; the next plan sees the
/// delay. (dndfrink/SERIF bd12bb8 measures its overhead and subtracts the mean so far from the
/// remaining time of every request.)
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DecisionOverhead {
    /// Time per plan that assigns anything.
    pub constant: Span,
    /// Time per request that is assigned.
    pub per_request: Span,
}

impl DecisionOverhead {
    /// The overhead of a plan that assigns `requests` requests.
    #[inline]
    pub fn of(self, requests: usize) -> Span {
        if requests == 0 {
            return Span::ZERO;
        }
        self.constant + Span(self.per_request.0.saturating_mul(requests as u64))
    }
}

/// The source of answers. The keys of draws do not depend on it: runs that differ in it alone are
/// paired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutcomeModel {
    /// Recorded predictions are replayed; where there are none, as [`Self::Drawn`].
    Recorded,
    /// Drawn by the profile's recall of the request's true class, so that the beliefs of schedulers
    /// are right.
    Drawn,
    /// Drawn by the recall on the stream, counted over the recorded predictions of the sources
    /// that arrive: as accurate as [`Self::Recorded`] class by class, without the correlation of
    /// variants' mistakes. Classes without a row of these sources, and variants without
    /// predictions, are as [`Self::Drawn`].
    StreamRecall,
}

impl OutcomeModel {
    /// Every mode with its name; the first is the default.
    pub const ALL: [(&'static str, Self); 3] = [
        ("recorded", Self::Recorded),
        ("drawn", Self::Drawn),
        ("stream-recall", Self::StreamRecall),
    ];

    /// The name in experiments and results.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, outcome)| *outcome == self).map_or("", |(name, _)| name)
    }
}

/// The specification of a system.
#[derive(Clone, Debug)]
pub struct SystemSpec {
    /// The applications.
    pub apps: Vec<AppSpec>,
    /// The workers.
    pub workers: Vec<WorkerSpec>,
    /// The penalty of lateness.
    pub penalty: Penalty,
    /// The source of answers.
    pub outcome: OutcomeModel,
    /// The sources whose recorded requests arrive; [`OutcomeModel::StreamRecall`] counts over them.
    pub sources: SourceSplit,
    /// Whether loads come from storage instead of the page cache.
    pub cold_loads: bool,
    /// How tables are fitted to measured latencies.
    pub latency_fit: LatencyFit,
    /// `eta` of L(b) = L(1) · (1 + eta · (b − 1)), instead of measured latencies of batches b > 1.
    pub batch_scaling: Option<f64>,
    /// Coefficient of variation of the service time around its table.
    pub noise_cv: f64,
    /// Stalls of batches.
    pub stalls: Stalls,
    /// Errors of the beliefs about variants.
    pub belief_error: BeliefError,
    /// Correlation of variants' drawn mistakes, by a Gaussian copula.
    pub outcome_correlation: f64,
    /// The time that decisions take.
    pub overhead: DecisionOverhead,
    /// Whether schedulers may end batches that run.
    pub preemption: bool,
    /// Whether requests are dropped that no worker could answer in time any more.
    pub drop_late: bool,
}

impl SystemSpec {
    /// Measured latencies without noise, stalls, or time for decisions; answers are drawn, and
    /// lateness has the published sigmoid.
    pub fn new(apps: Vec<AppSpec>, workers: Vec<WorkerSpec>) -> Self {
        Self {
            apps,
            workers,
            penalty: Penalty::sigmoid(),
            outcome: OutcomeModel::Drawn,
            sources: SourceSplit::All,
            cold_loads: false,
            latency_fit: LatencyFit::default(),
            batch_scaling: None,
            noise_cv: 0.0,
            stalls: Stalls::NONE,
            belief_error: BeliefError::default(),
            outcome_correlation: 0.0,
            overhead: DecisionOverhead::default(),
            preemption: false,
            drop_late: false,
        }
    }
}
