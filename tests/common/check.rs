//! Checkers that read what happened and know nothing of the engine.

use super::{Happened, Log};
use std::collections::BTreeMap;

/// Why a log cannot be true.
pub type Verdict = Result<(), String>;

/// Little's law as an identity of integers: the sum of all sojourns is the integral over time of
/// the number of requests in the system.
pub fn little(log: &Log) -> Verdict {
    let mut arrivals = BTreeMap::new();
    let (mut inside, mut last) = (0u128, 0u64);
    let (mut integral, mut sojourns) = (0u128, 0u128);
    for event in &log.events {
        let at = event.at();
        let past = at.checked_sub(last).ok_or("the clock went back")?;
        integral += inside * u128::from(past);
        last = at;
        match event {
            Happened::Arrived { request, .. } => {
                arrivals.insert(*request, at);
                inside += 1;
            }
            Happened::Completed { request, .. }
            | Happened::Rejected { request, .. }
            | Happened::Unfinished { request, .. } => {
                let arrival = arrivals.remove(request).ok_or("an end without an arrival")?;
                sojourns += u128::from(at - arrival);
                inside -= 1;
            }
            _ => {}
        }
    }
    if integral != sojourns || inside != 0 {
        return Err(format!("sojourns {sojourns}, integral {integral}, {inside} left inside"));
    }
    Ok(())
}
