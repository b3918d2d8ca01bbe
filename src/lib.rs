//! A discrete-event simulator for scheduling machine-learning inference on hardware that cannot
//! scale: several applications, a choice of model variants for each, limited memory, deadlines.
//!
//! A study has three steps. The command line does the same with `peeksim sweep FILE`.
//!
//! # 1. Describe
//!
//! An experiment is a TOML file. Every input is read and checked before the first run.
//!
//! ```
//! use peeksim::prelude::*;
//!
//! # let folder = tempfile::tempdir()?;
//! let file = folder.path().join("study.toml");
//! std::fs::write(&file, r#"
//!     replicates = 3
//!     [base]
//!     apps = ["voice"]
//!     workers = [{ class = "edge-cpu", memory_bytes = 5_000_000 }]
//!     workload = { arrivals = "poisson", rate_rps = 400, requests = 500 }
//!     [[axis]]
//!     key = "scheduler"
//!     values = ["edf", "grouped"]
//! "#)?;
//! let sweep = Sweep::new(Experiment::load(&file.to_string_lossy(), &[])?)?;
//! assert_eq!(sweep.runs().count(), 2 * 3);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # 2. Simulate
//!
//! All runs, on every core, into a folder. Finished runs are kept there, so that an interrupted
//! sweep resumes.
//!
//! ```
//! use peeksim::prelude::*;
//! use peeksim::report::write_runs;
//!
//! let set = ["workload.requests=200", "workload.rate_rps=[50, 500]", "replicates=2"];
//! let sweep = Sweep::new(Experiment::load("quickstart", &set.map(str::to_owned))?)?;
//! # let folder = tempfile::tempdir()?;
//! let runs = sweep.run(folder.path(), 0, &())?;
//! write_runs(&sweep, &runs, folder.path())?;
//! assert_eq!(runs.len(), 18 * 2 * 2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # 3. Report
//!
//! Reports read `runs.csv` by the names of its columns: here the mean utility with its 95 %
//! interval, and the paired difference between two schedulers.
//!
//! ```
//! # use peeksim::prelude::*;
//! # use peeksim::report::write_runs;
//! use peeksim::report::{Results, compare::differences, console::render};
//!
//! # let set = ["workload.requests=200", "replicates=2", "scheduler=[\"edf\", \"grouped\"]"];
//! # let sweep = Sweep::new(Experiment::load("quickstart", &set.map(str::to_owned))?)?;
//! # let folder = tempfile::tempdir()?;
//! # write_runs(&sweep, &sweep.run(folder.path(), 0, &())?, folder.path())?;
//! let results = Results::load(folder.path())?;
//! println!("{}", render(&results, &[("utility_mean", "utility")]));
//! let axis = results.axis("scheduler").ok_or("no such axis")?;
//! let rows: Vec<_> = results.rows.iter().collect();
//! for pair in differences(&results, &rows, axis, "grouped", "edf", "utility_mean") {
//!     println!("{:?}: {:?}", pair.setting, pair.estimate);
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # A scheduler
//!
//! See [`contract::Scheduler`]; [`prelude`] has what its file needs. The book in `docs/` explains
//! concepts, settings and result columns; its page "Architecture" says where to start reading.

pub mod calibration;
pub mod classifier;
pub mod cli;
pub mod config;
pub mod contract;
pub mod core;
pub mod engine;
pub mod experiment;
pub mod import;
pub mod inspection;
pub mod metrics;
pub mod offloading;
pub mod output;
pub mod report;
pub mod reproduce_tmo;
pub mod rl;
pub mod scheduler;
pub mod stats;
pub mod system;
pub mod traces;
pub mod workload;

/// What a scheduler of one's own and a program that runs experiments need.
///
/// ```
/// use peeksim::prelude::*;
///
/// /// Serves the oldest request with the first variant that fits.
/// struct Oldest;
///
/// impl Scheduler for Oldest {
///     fn decide(&mut self, view: &View<'_>, _: Trigger<'_>, plan: &mut Plan) {
///         let mut waiting = view.pending();
///         for worker in view.idle_workers() {
///             let Some(request) = waiting.next() else { return };
///             if let Some(variant) = view.variants(worker, request.app).next() {
///                 plan.assign(worker, variant, [request.id]);
///             }
///         }
///     }
/// }
/// ```
pub mod prelude {
    pub use crate::contract::{
        AccuracySource, BatchCompletion, Plan, RejectReason, Scheduler, Timeline, Trigger, View,
        WorkerView,
    };
    pub use crate::core::ids::{AppId, Request, RequestId, VariantId, WorkerId};
    pub use crate::core::units::{Span, Time};
    pub use crate::experiment::{Experiment, Sweep, simulate, simulate_with};
    pub use crate::metrics::{Cell, Summary};
}

/// The Rust blocks of the documents, as tests.
#[cfg(doctest)]
mod documents {
    #[doc = include_str!("../README.md")]
    struct Readme;
    #[doc = include_str!("../CONTRIBUTING.md")]
    struct Contributing;
    #[doc = include_str!("../docs/src/own-scheduler.md")]
    struct OwnScheduler;
}
