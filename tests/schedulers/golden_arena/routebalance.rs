//! RouteBalance: where a request is sent.

use super::{list, number, same, text_of, whole};
use peeksim::scheduler::published::routebalance_like::{Candidate, QualityNorm, Weights, pick};
use serde_json::Value;

pub fn compare(case: &Value) -> Result<(), String> {
    let input = &case["input"];
    let weight = |key: &str| number(&input["weights"][key]);
    let weights = Weights {
        quality: weight("w_quality"),
        cost: weight("w_cost"),
        latency: weight("w_latency"),
        balance: weight("w_balance"),
    };
    let norm = match text_of(&input["quality_norm"]) {
        "raw" => QualityNorm::Raw,
        _ => QualityNorm::MinMax,
    };
    let candidate = |candidate: &Value| Candidate {
        quality: number(&candidate["quality"]),
        cost: number(&candidate["cost"]),
        latency: number(&candidate["latency_s"]),
        queued: whole(&candidate["running"]) + whole(&candidate["waiting"]),
        capacity: whole(&candidate["capacity"]),
    };
    let candidates: Vec<Candidate> = list(&input["candidates"]).iter().map(candidate).collect();
    let chosen = pick(&candidates, &weights, norm);
    same("chosen", &chosen, &Some(whole(&case["expect"]["chosen"])))
}
