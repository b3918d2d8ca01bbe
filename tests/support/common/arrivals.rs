//! Arrivals of an experiment's table `trace`, without a run.

use peeksim::config::source::Source;
use peeksim::config::{ConfigNode, Problems};
use peeksim::core::ids::Arrival;
use peeksim::core::rng::Rng;
use peeksim::experiment::{Experiment, RunConfig, Sweep};

/// Settings that the lines given to [`prepare`] may replace.
const BASE: [&str; 4] = [
    "apps = ['activity', 'heartbeat', 'voice']",
    "workers = [{ class = 'edge-cpu', memory_bytes = 5_000_000 }]",
    "budget_ms = 100",
    "scheduler = 'edf'",
];

/// An experiment of these settings, or its problems.
pub fn prepare(settings: &[&str]) -> Result<RunConfig, String> {
    let key = |line: &str| line.split('=').next().unwrap_or("").trim().to_owned();
    let kept = BASE.iter().filter(|line| !settings.iter().any(|own| key(own) == key(line)));
    let lines: Vec<&str> = settings.iter().chain(kept).copied().collect();
    let text = format!("[base]\n{}\n", lines.join("\n"));
    let source = Source { path: "test.toml".into(), text, sha256: String::new() };
    let node = ConfigNode::parse(&source).map_err(|problem| problem.to_string())?;
    let mut problems = Problems::default();
    let experiment = Experiment::read(&node, "test.toml", &mut problems);
    let experiment = problems.check(Some(experiment)).map_err(|problems| problems.to_string())?;
    let sweep = Sweep::new(experiment).map_err(|problems| problems.to_string())?;
    Ok(sweep.scheduling().unwrap()[0].clone())
}

/// Every arrival of one replicate.
pub fn arrivals(prepared: &RunConfig, replicate: u64) -> Vec<Arrival> {
    let built = prepared.arrivals.build(&prepared.truth, Rng::new(1, replicate));
    let mut arrivals = built.unwrap_or_else(|problems| panic!("{problems}"));
    std::iter::from_fn(|| arrivals.next_arrival()).collect()
}
