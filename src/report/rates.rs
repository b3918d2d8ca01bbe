//! Notes on runs whose arrivals differ from the requested rate, or exceed what workers can serve.

use super::capacity::short;
use crate::experiment::{RunRecord, Sweep};
use crate::metrics::named;
use std::collections::BTreeSet;

/// The relative error of the realised rate below which there is no note.
const TOLERANCE: f64 = 0.05;
/// Deviations of a Poisson process of the same length up to this many standard deviations count as
/// chance.
const DEVIATIONS: f64 = 3.0;

/// A rate that was asked for and what came of it, both in requests per second.
#[derive(Clone, Copy, Debug)]
struct Rates {
    asked: f64,
    realised: f64,
    requests: u64,
}

impl Rates {
    /// Between the rates, as a share of that asked for.
    fn off(self) -> f64 {
        (self.realised / self.asked - 1.0).abs()
    }

    /// Whether they differ by more than the tolerance and more than by chance: n − 1 exponential
    /// gaps together take their mean, with a relative standard deviation of 1 / √(n − 1).
    fn differ(self) -> bool {
        let chance = DEVIATIONS / libm::sqrt(self.requests.saturating_sub(1) as f64);
        self.off() > TOLERANCE && (self.asked / self.realised - 1.0).abs() > chance
    }
}

/// A note on the runs whose requests arrived at another rate than was asked for, if there are any.
pub fn note(sweep: &Sweep, runs: &[RunRecord]) -> Option<String> {
    let configs = sweep.scheduling().ok()?;
    let rates = |run: &RunRecord| {
        let prepared = &configs[run.spec.configuration];
        let asked = prepared.arrivals.rate_rps(&prepared.catalog).ok()??;
        let realised = named(&run.entry.result.cells, "rate_rps_realised")?.parse().ok()?;
        Some(Rates { asked, realised, requests: prepared.arrivals.requests })
    };
    let known = runs.iter().filter_map(|run| Some((run, rates(run)?)));
    let off: Vec<_> = known.filter(|(_, rates)| rates.differ()).collect();
    let (worst, rates) = off.iter().max_by(|a, b| a.1.off().total_cmp(&b.1.off()))?;
    Some(format!(
        "in {} of {} runs requests arrived at another rate than asked for (`rate_rps_realised`), \
         by more than 5 % and more than Poisson arrivals differ by chance; the farthest is run {}: \
         {} instead of {} requests/s. Arrivals that come in bursts, or whose rate changes with \
         time, have the rate asked for in long runs only",
        off.len(),
        runs.len(),
        worst.id,
        short(rates.realised),
        short(rates.asked)
    ))
}

/// A note on runs that were offered more than the workers can answer, and whose scheduler refused
/// nothing, if there are any. Loads are those of the rates asked for.
pub fn overload(sweep: &Sweep, runs: &[RunRecord]) -> Option<String> {
    let configs = sweep.scheduling().ok()?;
    let load = |run: &RunRecord| {
        let prepared = &configs[run.spec.configuration];
        let load = prepared.arrivals.load(&prepared.catalog)?;
        let refused: u64 = named(&run.entry.result.cells, "rejected")?.parse().ok()?;
        (load > 1.0 && refused == 0).then_some((load, prepared.scheduler_name))
    };
    let over: Vec<(f64, &str)> = runs.iter().filter_map(load).collect();
    let highest = over.iter().map(|(load, _)| *load).max_by(f64::total_cmp)?;
    let names: BTreeSet<&str> = over.iter().map(|(_, name)| *name).collect();
    let names: Vec<&str> = names.into_iter().collect();
    Some(format!(
        "in {} of {} runs more was asked than all workers can answer (load up to {}), and {} \
         refused nothing: requests wait ever longer, and results depend on how long a run is. \
         Dispatchers refuse with `drop_policy = \"hopeless\"`",
        over.len(),
        runs.len(),
        short(highest),
        names.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chance_is_no_difference() {
        let differ = |asked, realised, requests| Rates { asked, realised, requests }.differ();
        assert!(differ(100.0, 10.9, 100));
        // A tenth of a thousand gaps is 3.2 standard deviations, of five hundred 2.2.
        assert!(differ(100.0, 90.0, 1001) && !differ(100.0, 90.0, 501));
        assert!(differ(100.0, 112.0, 1001) && !differ(100.0, 112.0, 501));
        assert!(!differ(100.0, 104.9, 1_000_000) && differ(100.0, 105.1, 1_000_000));
        assert!(!differ(100.0, 1e-3, 1));
    }
}
