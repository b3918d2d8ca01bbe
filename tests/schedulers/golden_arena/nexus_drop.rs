//! Nexus: which requests form a batch and which are dropped.

use super::{list, same, whole};
use peeksim::scheduler::published::nexus_like::Round;
use serde_json::Value;

pub fn compare(case: &Value) -> Result<(), String> {
    let (input, expect) = (&case["input"], &case["expect"]);
    let all = |key: &str| list(&input[key]).iter().map(|us| whole(us) as u64 * 1000);
    let latencies: Vec<u64> = all("latency_us").collect();
    let round = Round {
        start: 0,
        after: whole(&input["postprocess_us"]) as u64 * 1000,
        most: whole(&input["target_batch"]).min(whole(&input["max_batch"])),
        waiting: list(&input["deadlines_us_from_now"]).len(),
        latencies: &latencies,
    };
    let window = round.window(all("deadlines_us_from_now"));
    let earliest = round.earliest(all("deadlines_us_from_now"));
    for (rule, fates) in [("sliding_window", window), ("earliest_first", earliest)] {
        for (key, kept) in [("batch", true), ("dropped", false)] {
            let fates = (0..).zip(&fates).filter(|(_, stays)| **stays == kept);
            let ours: Vec<usize> = fates.map(|(at, _)| at).collect();
            let theirs: Vec<usize> = list(&expect[rule][key]).iter().map(whole).collect();
            same(&format!("{rule}, {key}"), &ours, &theirs)?;
        }
    }
    Ok(())
}
