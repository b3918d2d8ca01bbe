//! Checks for entries of a program's own, on worlds drawn from seeds: for tests.
//!
//! [`check_scheduler`] simulates a scheduler on hundreds of small systems and replays what happened
//! with bookkeeping that shares no code with the engine. [`check_arrivals`] and [`check_penalty`]
//! hold an arrival process and a penalty against what the simulator relies on.
//!
//! ```
//! use peeksim::prelude::*;
//! use peeksim::testing;
//!
//! /// Serves the oldest request with the first variant that fits.
//! struct Oldest;
//!
//! impl Scheduler for Oldest {
//!     fn decide(&mut self, view: &View<'_>, _: Trigger<'_>, plan: &mut Plan) {
//!         let mut waiting = view.pending();
//!         for worker in view.idle_workers() {
//!             let Some(request) = waiting.next() else { return };
//!             if let Some(variant) = view.variants(worker, request.app).next() {
//!                 plan.assign(worker, variant, [request.id]);
//!             }
//!         }
//!     }
//! }
//!
//! const OLDEST: SchedulerEntry = SchedulerEntry {
//!     name: "oldest",
//!     summary: "the oldest request on the first variant that fits",
//!     source: "own",
//!     settings: &[],
//!     accuracy: None,
//!     build: |_, _| Box::new(Oldest),
//! };
//!
//! testing::check_scheduler(&OLDEST, 20)?;
//! # Ok::<(), testing::Violation>(())
//! ```

mod arrival_rules;
#[doc(hidden)]
pub mod check;
#[doc(hidden)]
pub mod draw;
mod draw_settings;
#[doc(hidden)]
pub mod event_record;
#[doc(hidden)]
pub mod facts;
#[doc(hidden)]
pub mod link_checker;
#[doc(hidden)]
pub mod log;
#[doc(hidden)]
pub mod penalty_formula;
mod penalty_rules;
#[doc(hidden)]
pub mod recorder;
mod scheduler_rules;
mod violation;
#[doc(hidden)]
pub mod world;

pub use arrival_rules::check_arrivals;
pub use penalty_rules::check_penalty;
pub use scheduler_rules::check_scheduler;
pub use violation::Violation;
