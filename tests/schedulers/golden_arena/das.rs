//! Data-aware scheduling: Gini coefficients and importance. The authors' choice of devices comes
//! out of a numerical solver; of each of ours it is checked that no single device more or less is
//! better.

use super::{close, list, number, numbers};
use peeksim::scheduler::published::das_like::{Candidate, choose, gini, importance, value};
use serde_json::Value;

/// Printed with six digits behind the point.
const TOLERANCE: f64 = 1e-6;

pub fn compare(case: &Value) -> Result<(), String> {
    let (input, expect) = (&case["input"], &case["expect"]);
    let histograms: Vec<Vec<f64>> = list(&input["class_histograms"]).iter().map(numbers).collect();
    let sizes: Vec<f64> = histograms.iter().map(|counts| counts.iter().sum()).collect();
    let all: f64 = sizes.iter().sum();
    let rounds = number(&input["constants"]["rounds_in_first_importance"]);
    let (power, times) = (numbers(&input["power_w"]), numbers(&input["train_s"]));
    let mut candidates = Vec::new();
    for (at, (counts, size)) in histograms.iter().zip(&sizes).enumerate() {
        let shares: Vec<f64> = counts.iter().map(|count| count / size).collect();
        let gini = gini(&shares);
        close(&format!("gini {at}"), gini, number(&expect["gini"][at]), TOLERANCE)?;
        let importance = importance(gini, size / all, 0.0, rounds);
        let theirs = number(&expect["importance_first"][at]);
        close(&format!("importance {at}"), importance, theirs, TOLERANCE)?;
        candidates.push(Candidate { importance, time: times[at], energy: power[at] * times[at] });
    }
    let chosen = choose(&candidates, f64::INFINITY);
    let best = value(&candidates, &chosen);
    for at in 0..chosen.len() {
        let mut other = chosen.clone();
        other[at] = !other[at];
        let count = other.iter().filter(|is_in| **is_in).count();
        if count >= other.len().min(2) && value(&candidates, &other) > best + 1e-12 {
            return Err(format!("{other:?} is better than {chosen:?}"));
        }
    }
    Ok(())
}
