//! Symphony: which requests go together, and when.

use super::{list, number, same, text_of, whole};
use peeksim::scheduler::published::symphony::{Situation, StartRule, candidate, target};
use serde_json::Value;

fn ns(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("{value} is no instant"))
}

fn all(value: &Value) -> Vec<u64> {
    list(value).iter().map(ns).collect()
}

pub fn compare(case: &Value) -> Result<(), String> {
    let (input, expect) = (&case["input"], &case["expect"]);
    let latencies: Vec<u64> = all(&input["latency_us"]).iter().map(|us| us * 1000).collect();
    let overhead = (ns(&input["ctrl_latency_ns"]), ns(&input["data_latency_ns"]));
    let target = match text_of(&input["policy"]) {
        "window-drop" => {
            let rate = number(&input["rate_rps"]);
            target(&latencies, ns(&input["slo_ns"]), overhead, Some(rate))
        }
        _ => 1,
    };
    same("target", &target, &whole(&expect["target_batch"]))?;
    let deadlines = all(&input["deadlines_ns"]);
    let situation = Situation {
        now: ns(&input["now_ns"]),
        free: ns(&input["gpu_free_ns"]),
        control: overhead.0,
        data: overhead.1,
        jitter: 100_000,
        target,
        deadlines: &deadlines,
    };
    let Some(found) = candidate(&situation, &latencies) else {
        return same("batch", &0, &whole(&expect["batch"]));
    };
    same("batch", &found.batch, &whole(&expect["batch"]))?;
    let members: Vec<u64> = (0..(found.dropped + found.batch) as u64).collect();
    let (dropped, batched) = members.split_at(found.dropped);
    same("dropped", &dropped, &all(&expect["dropped"]))?;
    same("batched", &batched, &all(&expect["batched"]))?;
    for (what, ours) in [
        ("batch_deadline_ns", found.deadline),
        ("exec_at_frontrun_ns", found.start(StartRule::Frontrun, target)),
        ("exec_at_target_batch_ns", found.start(StartRule::Target, target)),
        ("exec_at_latest_ns", found.start(StartRule::Latest, target)),
        ("invalid_after_ns", found.invalid_after),
    ] {
        same(what, &ours, &ns(&expect[what]))?;
    }
    Ok(())
}
