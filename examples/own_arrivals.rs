//! An arrival process of one's own: `cargo run --release --example own_arrivals`.
//!
//! Two sensors report in lock-step every 100 ms, in bursts that grow.

use peeksim::domain::{AppId, Arrival, Truth};
use peeksim::input::Problems;
use peeksim::metrics::{COLUMNS, Summary};
use peeksim::model::arrival::Arrivals;
use peeksim::rng::Rng;
use peeksim::sched::{self, Context};
use peeksim::sim::{self, Simulation};
use peeksim::sweep::{Experiment, Sweep};
use peeksim::units::{Span, Time};
use std::sync::Arc;

/// Request `i` of burst `b`: bursts of 1, 2, 3, … requests, alternating between applications.
struct Bursts {
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
        (self.burst <= 100).then(|| Arrival {
            time: Time::ZERO + Span::from_ms(100.0 * self.burst as f64),
            app: AppId((self.left % 2) as u16),
            budget: Span::from_ms(80.0),
            truth: Truth { class: 0, row: (self.burst * 97 % 900) as u32 },
        })
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let set = ["scheduler=grouped", "trace.rate_rps=1"].map(str::to_owned);
    let mut experiment = Experiment::load("quickstart", &set)?;
    experiment.figures.clear();
    experiment.expectations.clear();
    let sweep = Sweep::new(experiment)?;
    let prepared = &sweep.prepared[0];
    let catalog = Arc::clone(&prepared.catalog);
    let rng = Rng::new(1, 0);
    let context = Context { catalog: &catalog, rng };
    let mut problems = Problems::default();
    let chosen = sched::read(&prepared.scheduler, &context, &mut problems);
    let mut chosen = problems.check(chosen)?;
    let arrivals = Box::new(Bursts { burst: 0, left: 0 });
    let mut sim =
        Simulation::new(Arc::clone(&catalog), arrivals, chosen.info, rng, chosen.entry.name);
    let mut summary = Summary::new(&catalog);
    let counts = sim::run(&mut sim, chosen.scheduler.as_mut(), &mut summary)?;
    println!("{counts:?}");
    for (column, cell) in COLUMNS.iter().zip(summary.cells(None)) {
        println!("{:24} {cell}", column.name);
    }
    Ok(())
}
