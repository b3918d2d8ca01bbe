//! Worlds, logs and checkers of the library, and what only these tests need.

pub mod arrivals;
pub mod draw_scheduler;
pub mod ledger;
pub mod queueing_support;
pub mod recounted_row;
pub mod recounted_tables;
pub mod text;
pub mod trace_reader;

pub use peeksim::testing::event_record::Happened;
pub use peeksim::testing::log::Log;
pub use peeksim::testing::world::{CLASS, V, World};
pub use peeksim::testing::{check, penalty_formula, recorder};

use peeksim::core::rng::Rng;

/// Worlds and schedulers drawn from seeds.
pub mod draw {
    pub use super::draw_scheduler::{ALONE, Units, built_in, for_entry, scheduler, sources};
    pub use peeksim::testing::draw::{Case, Limits};
}

/// The events of a run through a scheduler written as in an experiment, without the recorder
/// between engine and scheduler; and whether the engine may hand over arrivals together.
pub fn run_unwatched(world: &World, scheduler: &str) -> (Vec<Happened>, bool) {
    let catalog = world.truth().believed(Rng::new(world.seed, 0));
    let chosen = world.choose(&catalog, scheduler);
    let collects = chosen.scheduler.waits_for_idle_workers();
    (world.unwatched(chosen).unwrap_or_else(|error| panic!("{error}")), collects)
}

/// Says which case it was if something panics, be it the simulator.
pub struct Told(pub String);

impl Drop for Told {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("failed: {}", self.0);
        }
    }
}
