//! What an experiment asks for: applications, workers, penalty, peek. A catalog is built from it.

use super::deadline_budget::DeadlineBudget;
use super::faults::{BeliefError, Outage, Slowdown, Stalls};
use super::latency::LatencyFit;
use super::link::Link;
use super::penalty::Penalty;
use super::profile::Profile;
use crate::classifier::model::Classifier;
use crate::config::Location;
use crate::core::units::{Span, Time};
use crate::traces::recorded::{RecordedTrace, SourceSplit};
use std::sync::Arc;

/// An application of the experiment and what the experiment changes of it.
#[derive(Clone, Debug)]
pub struct AppSpec {
    /// What was measured.
    pub profile: Arc<Profile>,
    /// Recorded requests, if there are any.
    pub trace: Option<Arc<RecordedTrace>>,
    /// Instead of the profile's.
    pub budget: Option<DeadlineBudget>,
    /// The variants to keep, in profile order; empty for all.
    pub variants: Vec<String>,
    /// How its requests are looked at.
    pub peek: Classifier,
    /// What has to be sent to serve a request elsewhere.
    pub payload_bytes: u64,
}

impl AppSpec {
    /// As profiled, with nothing recorded.
    pub fn new(profile: Arc<Profile>) -> Self {
        let (variants, peek) = (Vec::new(), Classifier::default());
        Self { profile, trace: None, budget: None, variants, peek, payload_bytes: 0 }
    }
}

/// What is in the memory of a worker when a run starts.
#[derive(Clone, Debug, Default)]
pub enum Resident {
    /// Nothing.
    #[default]
    Nothing,
    /// These variants, as loaded in this order.
    Listed(Vec<ResidentVariant>),
    /// Every variant that can run there and still fits beside those before it, in the order of
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
    /// Where it was written, for messages.
    pub place: Location,
}

/// Workers of one class.
#[derive(Clone, Debug)]
pub struct WorkerSpec {
    /// The class, as in `latency.csv`.
    pub class: String,
    /// What they are called; the class if nothing else is said.
    pub name: String,
    /// How many times as fast as profiled they compute and load.
    pub speed: f64,
    /// The variants they have, by application or for all; empty for all variants.
    pub variants: Vec<String>,
    /// The way to them; `None` if requests are born beside them.
    pub link: Option<Link>,
    /// How many.
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
    /// What is in their memory when a run starts.
    pub resident: Resident,
    /// When it starts to be available.
    pub ready: Time,
    /// From when on it is slower.
    pub slowdown: Option<Slowdown>,
    /// When it is gone, in order and apart.
    pub outages: Vec<Outage>,
    /// Where it was written, for messages.
    pub place: Location,
}

impl WorkerSpec {
    /// One worker of a class with one lane, endless memory and all variants, here and from the
    /// start.
    pub fn new(class: &str) -> Self {
        Self {
            class: class.to_owned(),
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
    pub(super) fn costs_as(&self, other: &Self) -> bool {
        let of = |w: &Self| (w.class.clone(), w.speed.to_bits(), w.variants.clone());
        of(self) == of(other)
    }
}

/// Simulated time that deciding takes: the batches and loads of a plan cannot begin before it is
/// over. Plans made meanwhile do not wait for it, each is charged its own.
///
/// A plan is made for the instant at which it is asked for, as if this took no time; what it delays
/// is seen by the next plan. (dndfrink/SERIF bd12bb8 measures its overhead and subtracts the mean
/// so far from the remaining time of every request.)
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DecisionOverhead {
    /// Of every plan that assigns anything.
    pub constant: Span,
    /// Of every request that is assigned.
    pub per_request: Span,
}

impl DecisionOverhead {
    /// Of a plan that assigns `requests` requests.
    #[inline]
    pub fn of(self, requests: usize) -> Span {
        if requests == 0 {
            return Span::ZERO;
        }
        self.constant + Span(self.per_request.0.saturating_mul(requests as u64))
    }
}

/// Where answers come from. Draws have the same keys whatever their probability: runs that differ
/// in this alone are paired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutcomeModel {
    /// Recorded predictions are replayed; where there are none, as [`Self::Drawn`].
    Recorded,
    /// Drawn by the profile's recall of the request's true class: what schedulers believe is true
    /// by construction.
    Drawn,
    /// Drawn by the recall on the stream, counted over the recorded predictions of the sources
    /// that arrive: as often right as [`Self::Recorded`] class by class, but the mistakes of
    /// variants do not go together. Classes without a row of these sources, and variants without
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

/// All that makes a catalog.
#[derive(Clone, Debug)]
pub struct SystemSpec {
    /// The applications.
    pub apps: Vec<AppSpec>,
    /// The workers.
    pub workers: Vec<WorkerSpec>,
    /// What lateness costs.
    pub penalty: Penalty,
    /// Where answers come from.
    pub outcome: OutcomeModel,
    /// Whose recorded requests arrive, and so over whom [`OutcomeModel::StreamRecall`] counts.
    pub sources: SourceSplit,
    /// Loads come from storage, not from the page cache.
    pub cold_loads: bool,
    /// How tables are made of measured latencies.
    pub latency_fit: LatencyFit,
    /// Instead of the measured latencies of batches: L(b) = L(1) · (1 + eta · (b − 1)).
    pub batch_scaling: Option<f64>,
    /// Coefficient of variation of the service time around its table.
    pub noise_cv: f64,
    /// Batches that take longer than they should.
    pub stalls: Stalls,
    /// How wrong schedulers are about variants.
    pub belief_error: BeliefError,
    /// How much variants' drawn mistakes go together: the correlation of a Gaussian copula.
    pub outcome_correlation: f64,
    /// What deciding takes.
    pub overhead: DecisionOverhead,
}
