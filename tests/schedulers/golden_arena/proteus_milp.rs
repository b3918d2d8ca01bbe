//! The plan of Proteus: the optimum's headroom and accuracy. Hosts and shares may tie and are
//! checked for what they must add up to.

use super::{close, keys, list, number, numbers, text_of, whole};
use peeksim::scheduler::published::proteus_plan::{Host, plan, rate};
use serde_json::Value;

/// Accuracies are per cent with five digits behind the point.
const TOLERANCE: f64 = 2e-7;

pub fn compare(case: &Value) -> Result<(), String> {
    let (input, theirs) = (&case["input"], &case["expect"]["optimal"]);
    let sizes: Vec<usize> = list(&input["allowed_batches"]).iter().map(whole).collect();
    let apps: Vec<&Value> =
        keys(&input["apps"]).into_iter().map(|name| &input["apps"][name]).collect();
    let rates: Vec<f64> = apps.iter().map(|app| number(&app["demand_rps"])).collect();
    let hosts = |kind: usize| {
        let mut hosts = Vec::new();
        for (at, app) in apps.iter().enumerate() {
            for name in keys(&app["variants"]) {
                let variant = &app["variants"][name];
                let latencies = numbers(&variant["latency_ms"][kind]);
                let rate = rate(sizes.iter().copied().zip(latencies), number(&app["slo_ms"]));
                let accuracy = number(&variant["accuracy"]);
                hosts.extend((rate > 0.0).then_some(Host { app: at, accuracy, rate }));
            }
        }
        hosts
    };
    let kinds = list(&input["worker_types"]).iter().map(text_of).enumerate();
    let each = whole(&input["workers_per_type"]);
    let workers: Vec<Vec<Host>> =
        kinds.flat_map(|(kind, _)| std::iter::repeat_n(hosts(kind), each)).collect();
    let ours = plan(&workers, &rates, number(&input["beta"]), 1 << 20);
    let (Some(ours), Some(beta)) = (&ours, theirs["beta"].as_f64()) else {
        return match (ours, theirs["beta"].as_f64()) {
            (None, None) => Ok(()),
            (ours, theirs) => Err(format!("ours {ours:?}, theirs {theirs:?}")),
        };
    };
    close("beta", ours.beta, beta, 1e-9)?;
    close("accuracy", ours.accuracy, number(&theirs["effective_accuracy"]), TOLERANCE)?;
    for app in 0..apps.len() {
        let own = (0..workers.len()).filter(|w| workers[*w][ours.hosts[*w]].app == app);
        close("shares", own.map(|w| ours.shares[w]).sum(), 1.0, 1e-9)?;
    }
    Ok(())
}
