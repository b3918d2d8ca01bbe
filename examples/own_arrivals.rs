//! An arrival process of one's own: `cargo run --release --example own_arrivals`.
//!
//! Two sensors report in lock-step every 100 ms, in bursts that grow.

use peeksim::config::Problems;
use peeksim::core::ids::{AppId, Arrival};
use peeksim::core::rng::Rng;
use peeksim::core::units::{Span, Time};
use peeksim::engine::{self, Simulation};
use peeksim::experiment::{Experiment, Sweep};
use peeksim::metrics::{COLUMNS, Summary};
use peeksim::scheduler::{self, BuildContext};
use peeksim::system::ground_truth::GroundTruth;
use peeksim::workload::Arrivals;
use std::sync::Arc;

/// Request `i` of burst `b`: bursts of 1, 2, 3, … requests, alternating between applications.
struct Bursts {
    truth: Arc<GroundTruth>,
    burst: u64,
    left: u64,
}

impl Arrivals for Bursts {
    fn next_arrival(&mut self) -> Option<Arrival> {
        if self.left == 0 {
            self.burst += 1;
            self.left = self.burst;
        }
        self.left -= 1;
        if self.burst > 100 {
            return None;
        }
        let app = AppId((self.left % 2) as u16);
        Some(Arrival {
            time: Time::ZERO + Span::from_ms(100.0 * self.burst as f64),
            app,
            source: None,
            budget: Span::from_ms(80.0),
            // Any recorded request: its class, votes and predictions come with it.
            truth: self.truth.row(app, (self.burst * 97 % 900) as u32)?,
        })
    }
}

/// What is printed: how the requests ended, and every column of the run by its name.
pub fn report() -> Result<String, Box<dyn std::error::Error>> {
    let set = ["scheduler=grouped", "workload.rate_rps=1"].map(str::to_owned);
    let mut experiment = Experiment::load("quickstart", &set)?;
    experiment.figures.clear();
    experiment.expectations.clear();
    let sweep = Sweep::new(experiment)?;
    let prepared = &sweep.scheduling()?[0];
    let (truth, catalog) = (&prepared.truth, &prepared.catalog);
    let rng = Rng::new(1, 0);
    let context = BuildContext { catalog, rng };
    let mut problems = Problems::default();
    let chosen = scheduler::read(&prepared.scheduler, &context, &mut problems);
    let mut chosen = problems.check(chosen)?;
    let arrivals = Box::new(Bursts { truth: Arc::clone(truth), burst: 0, left: 0 });
    let mut sim = Simulation::new(Arc::clone(truth), arrivals, chosen.info, rng, chosen.entry.name);
    let mut summary = Summary::new(catalog);
    let counts = engine::run(&mut sim, chosen.scheduler.as_mut(), &mut summary)?;
    let cells = COLUMNS.iter().zip(summary.cells(None));
    let lines = cells.map(|(column, cell)| format!("{:24} {cell}\n", column.name));
    Ok(format!("{counts:?}\n{}", lines.collect::<String>()))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    print!("{}", report()?);
    Ok(())
}
