//! One run of a shipped experiment, from Rust: `cargo run --release --example minimal`.

use peeksim::metrics::{COLUMNS, Summary};
use peeksim::sweep::{Experiment, Sweep, simulate};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let set = ["trace.rate_rps=1000", "scheduler=sneakpeek"].map(str::to_owned);
    let mut experiment = Experiment::load("quickstart", &set)?;
    experiment.figures.clear();
    experiment.expectations.clear();
    let sweep = Sweep::new(experiment)?;
    let first = sweep.runs().next().ok_or("no run")?;
    let prepared = &sweep.prepared[first.configuration];
    let mut summary = Summary::new(&prepared.catalog);
    let exact = simulate(prepared, sweep.rng(first), &mut summary)?;
    for (column, cell) in COLUMNS.iter().zip(summary.cells(exact)) {
        println!("{:24} {cell}", column.name);
    }
    Ok(())
}
