//! Jellyfish: who is served where with given hosts, and the best hosts.

use super::{close, list, number, numbers, same, whole};
use peeksim::scheduler::published::jellyfish_plan::{Client, Host, map, select};
use serde_json::Value;

/// Printed with six digits behind the point.
const TOLERANCE: f64 = 1e-6;

/// Clients' rates are multiples of it.
const CELL: f64 = 5.0;

pub fn compare(case: &Value) -> Result<(), String> {
    let (input, expect) = (&case["input"], &case["expect"]);
    let host = |(model, of): (usize, &Value)| Host {
        model,
        accuracy: number(&of["accuracy"]),
        latencies: numbers(&of["latency_ms"]),
        share: 1.0,
    };
    let models: Vec<Host> = list(&input["models"]).iter().enumerate().map(host).collect();
    let client =
        |of: &Value| Client { rate: number(&of["fps"]), budgets: numbers(&of["budget_ms"]) };
    let clients: Vec<Client> = list(&input["clients"]).iter().map(client).collect();

    let hosts: Vec<&Host> = list(&input["hosted"]).iter().map(|at| &models[whole(at)]).collect();
    let (ours, theirs) = (map(&hosts, &clients, CELL), &expect["dp"]);
    let assigned = |client: usize| {
        theirs["assignment"][format!("client_{client}")].as_u64().map(|worker| worker as usize)
    };
    let assigned: Vec<Option<usize>> = (0..clients.len()).map(assigned).collect();
    same("assignment", &ours.workers, &assigned)?;
    for (ours, theirs) in ours.serving.iter().zip(list(&theirs["gpus"])) {
        same("batch", &ours.batch, &whole(&theirs["batch"]))?;
        close("rate", ours.rate, number(&theirs["rate_fps"]), 1e-9)?;
    }
    close("effectiveness", ours.effectiveness, number(&theirs["effectiveness"]), TOLERANCE)?;
    close("accuracy", ours.accuracy, number(&theirs["accuracy_per_request"]), TOLERANCE)?;

    let workers = vec![models; whole(&input["gpus"])];
    let threshold = number(&input["effectiveness_threshold"]);
    let best = select(&workers, &clients, threshold, CELL, 1 << 20).ok_or("no hosts")?;
    let (ours, theirs) = (&best.mapping, &expect["best_by_enumeration"]);
    same("feasible", &Some(best.is_feasible), &theirs["feasible"].as_bool())?;
    close("effectiveness", ours.effectiveness, number(&theirs["effectiveness"]), TOLERANCE)?;
    close("best accuracy", ours.accuracy, number(&theirs["accuracy_per_request"]), TOLERANCE)
}
