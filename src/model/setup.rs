//! What an experiment asks for: applications, workers, penalty, peek. A catalog is built from it.

use super::budget::Budget;
use super::peek::Peek;
use super::penalty::Penalty;
use super::profile::Profile;
use super::trace::RecordedTrace;
use crate::input::Place;
use crate::units::Time;
use std::sync::Arc;

/// An application of the experiment and what the experiment changes of it.
#[derive(Clone, Debug)]
pub struct AppSetup {
    /// What was measured.
    pub profile: Arc<Profile>,
    /// Recorded requests, if there are any.
    pub trace: Option<Arc<RecordedTrace>>,
    /// Instead of the profile's.
    pub budget: Option<Budget>,
    /// The variants to keep, in profile order; empty for all.
    pub variants: Vec<String>,
    /// How its requests are looked at.
    pub peek: Peek,
}

/// Workers of one class.
#[derive(Clone, Debug)]
pub struct WorkerSetup {
    /// The class, as in `latency.csv`.
    pub class: String,
    /// How many.
    pub count: u16,
    /// Memory for variants.
    pub memory_bytes: u64,
    /// Batches that can run at once.
    pub lanes: u16,
    /// Power while computing or loading, in watts.
    pub power_w: Option<f64>,
    /// Price of a request, in US dollars.
    pub usd_per_request: Option<f64>,
    /// When it starts to be available.
    pub ready: Time,
    /// Where it was written, for messages.
    pub place: Place,
}

/// All that makes a catalog.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The applications.
    pub apps: Vec<AppSetup>,
    /// The workers.
    pub workers: Vec<WorkerSetup>,
    /// What lateness costs.
    pub penalty: Penalty,
    /// Replay recorded predictions where there are any; otherwise outcomes are drawn.
    pub replay: bool,
    /// Loads come from storage, not from the page cache.
    pub cold_loads: bool,
    /// Coefficient of variation of the service time around its table.
    pub noise_cv: f64,
}
