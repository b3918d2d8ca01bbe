//! One run of a shipped experiment, from Rust: `cargo run --release --example minimal`.

use peeksim::prelude::*;
use peeksim::results::COLUMNS;

/// What is printed: every column of the run by its name.
pub fn report() -> Result<String, Box<dyn std::error::Error>> {
    let set = ["workload.rate_rps=1000", "scheduler=sneakpeek"].map(str::to_owned);
    let mut experiment = Experiment::load("quickstart", &set)?;
    experiment.figures.clear();
    experiment.expectations.clear();
    let sweep = Sweep::new(experiment)?;
    let first = sweep.runs().next().ok_or("no run")?;
    let prepared = &sweep.scheduling()?[first.configuration];
    let mut summary = Summary::new(&prepared.catalog);
    let exact = simulate(prepared, sweep.rng(first), &mut summary)?;
    let cells = COLUMNS.iter().zip(summary.cells(exact));
    Ok(cells.map(|(column, cell)| format!("{:24} {cell}\n", column.name)).collect())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    print!("{}", report()?);
    Ok(())
}
