//! Nexus: which sessions share a GPU.

use super::{close, list, number, same, whole};
use peeksim::scheduler::published::nexus_plan::{Session, pack};
use serde_json::Value;

/// Numbers are printed with ten digits.
const TOLERANCE: f64 = 1e-8;

fn session(session: &Value, gpus: usize) -> Session {
    let ns = |key: &str| whole(&session[key]) as u64 * 1000;
    let latencies: Vec<u64> =
        list(&session["latency_us"]).iter().map(|us| whole(us) as u64 * 1000).collect();
    Session {
        rate: number(&session["rate_rps"]),
        budget: whole(&session["slo_ms"]) as u64 * 1_000_000,
        around: ns("pre_us") + ns("post_us"),
        network: 2_000_000,
        bytes: 0,
        latencies: vec![latencies; gpus],
    }
}

pub fn compare(case: &Value) -> Result<(), String> {
    let (input, expect) = (&case["input"], &case["expect"]);
    let gpus = whole(&input["gpus"]);
    let sessions: Vec<Session> =
        list(&input["sessions"]).iter().map(|one| session(one, gpus)).collect();
    let packing = pack(&vec![0; gpus], &sessions);
    let theirs = list(&expect["assignments"]);
    same("assignments", &packing.placed.len(), &theirs.len())?;
    for (ours, theirs) in packing.placed.iter().zip(theirs) {
        let indices = [ours.session, ours.worker, ours.batch, ours.largest];
        let keys = ["session", "gpu", "batch", "max_batch"];
        same("assignment", &indices, &keys.map(|key| whole(&theirs[key])))?;
        close("throughput", ours.throughput, number(&theirs["throughput"]), TOLERANCE)?;
        close("workload", ours.workload, number(&theirs["workload"]), TOLERANCE)?;
        close("duty", ours.duty / 1e3, number(&theirs["max_duty_us"]), TOLERANCE)?;
    }
    for (ours, theirs) in packing.cycles.iter().zip(list(&expect["gpus"])) {
        close("busy", ours.busy / 1e3, number(&theirs["exec_us"]), TOLERANCE)?;
        close("cycle", ours.duty / 1e3, number(&theirs["duty_us"]), TOLERANCE)?;
        same("overload", &Some(ours.is_overloaded), &theirs["overload"].as_bool())?;
        let batches: Vec<[usize; 2]> = ours.placed.iter().map(|p| [p.session, p.batch]).collect();
        let models = list(&theirs["models"]).iter().map(|m| [whole(&m[0]), whole(&m[1])]);
        same("models", &batches, &models.collect::<Vec<_>>())?;
    }
    let left = list(&expect["unassigned"]);
    same("unassigned", &packing.left.len(), &left.len())?;
    for ((session, rate), theirs) in packing.left.iter().zip(left) {
        same("unassigned", session, &whole(&theirs[0]))?;
        close("rate", *rate, number(&theirs[1]), TOLERANCE)?;
    }
    Ok(())
}
