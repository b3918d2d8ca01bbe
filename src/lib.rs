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
//! use peeksim::results::write_runs;
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
//! # use peeksim::results::write_runs;
//! use peeksim::results::{Results, differences, render};
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
//! See [`prelude::Scheduler`]. [`cli::main_with`] gives a program with schedulers, arrival
//! processes, penalties and importers of its own the whole command line, and [`testing`] checks
//! them. The book in `docs/` explains concepts, settings and result columns; its page
//! "Architecture" says where to start reading.
//!
//! # What is public
//!
//! [`cli`], [`extensions`], [`prelude`], [`results`] and [`testing`]. Every other module is part of
//! the program, is hidden here, and changes without notice.

#[doc(hidden)]
pub mod calibration;
#[doc(hidden)]
pub mod classifier;
pub mod cli;
#[doc(hidden)]
pub mod config;
#[doc(hidden)]
pub mod contract;
#[doc(hidden)]
pub mod core;
#[doc(hidden)]
pub mod engine;
#[doc(hidden)]
pub mod experiment;
#[doc(hidden)]
pub mod import;
#[doc(hidden)]
pub mod inspection;
#[doc(hidden)]
pub mod metrics;
#[doc(hidden)]
pub mod offloading;
#[doc(hidden)]
pub mod output;
#[doc(hidden)]
pub mod report;
#[doc(hidden)]
pub mod reproduce_tmo;
#[doc(hidden)]
pub mod rl;
#[doc(hidden)]
pub mod scheduler;
#[doc(hidden)]
pub mod stats;
#[doc(hidden)]
pub mod system;
pub mod testing;
#[doc(hidden)]
pub mod traces;
#[doc(hidden)]
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
    pub use crate::config::{Decoder, Setting};
    pub use crate::contract::{
        AccuracySource, BatchCompletion, Decision, Event, Observer, Plan, RejectReason, Scheduler,
        Timeline, Trigger, View, WorkerView,
    };
    pub use crate::core::ids::{
        AppId, Arrival, Completion, Request, RequestId, SourceId, TrueClass, VariantId, WorkerId,
    };
    pub use crate::core::rng::Rng;
    pub use crate::core::units::{Span, Time};
    pub use crate::experiment::{Experiment, RunConfig, RunSpec, Sweep, simulate, simulate_with};
    pub use crate::metrics::{Cell, Summary};
    pub use crate::scheduler::{BuildContext, SchedulerEntry};
    pub use crate::system::catalog::Catalog;
}

/// What arrival processes, penalties and importers of one's own need, for
/// [`cli::Extensions`].
pub mod extensions {
    pub use crate::config::lines::LineReader;
    pub use crate::config::settings::Preset;
    pub use crate::config::{Decoder, Kind, Location, Problem, Problems, Setting};
    pub use crate::import::{
        ImportKind, ImportNotes, ImportedProfile, ImportedRequest, ImporterEntry, RequestReader,
    };
    pub use crate::scheduler::SchedulerEntry;
    pub use crate::system::ground_truth::GroundTruth;
    pub use crate::system::penalty::{PenaltyEntry, PenaltyShape};
    pub use crate::workload::{ArrivalEntry, Arrivals, InterarrivalProcess, Process, WorkloadSpec};
}

/// Results of experiments: files that are written, rows that are read back, and comparisons.
pub mod results {
    pub use crate::metrics::COLUMNS;
    pub use crate::report::compare::{Difference, differences};
    pub use crate::report::console::render;
    pub use crate::report::{ResultRow, Results, write_runs};
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
