//! He et al.: the best batches of one network, in our reading.

use super::{close, list, number, numbers, same, whole};
use peeksim::scheduler::published::he_like::{least_completion, most_on_time};
use serde_json::Value;

fn ns(ms: &f64) -> u64 {
    (ms * 1e6).round() as u64
}

pub fn compare(case: &Value) -> Result<(), String> {
    let (input, expect) = (&case["input"], &case["expect"]);
    let latencies: Vec<u64> = numbers(&input["latency_ms"]).iter().map(ns).collect();
    let deadlines: Vec<u64> = numbers(&input["deadlines_ms"]).iter().map(ns).collect();
    let requests = list(&input["deadlines_ms"]).len();
    let (sum, batches) = least_completion(&latencies, requests);
    close("sum", sum as f64 / 1e6, number(&expect["min_sum_completion_ms"]), 1e-9)?;
    same("requests", &batches.iter().sum::<usize>(), &requests)?;
    let (most, batches) = most_on_time(&latencies, &deadlines);
    same("on time", &most, &whole(&expect["max_on_time"]))?;
    same("members", &batches.iter().map(|(_, size)| size).sum::<usize>(), &most)
}
