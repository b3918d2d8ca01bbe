//! Shepherd's Flex on whole traces: one GPU, and the end of a batch before an arrival of the same
//! instant. Compared: `front_drop`.

use super::{list, number, same, whole};
use crate::support::common::{Happened, V, World};
use peeksim::core::ids::{AppId, Arrival, TrueClass};
use peeksim::core::units::{Span, Time};
use peeksim::scheduler::published::shepherd_like::{Flex, Running};
use peeksim::system::deadline_budget::DeadlineBudget;
use peeksim::system::latency::LatencyFit;
use serde_json::Value;

/// A batch: start, model, end, requests, the batch that it ends.
type Batch = (u64, usize, u64, Vec<usize>, Option<usize>);

fn ns(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("{value} is no instant"))
}

fn sorted(requests: &Value) -> Vec<usize> {
    let mut requests: Vec<usize> = list(requests).iter().map(whole).collect();
    requests.sort_unstable();
    requests
}

/// The batches and drops of a trace.
fn run(input: &Value) -> (Vec<Batch>, Vec<(u64, usize)>) {
    let models = list(&input["models"]);
    let latency = |model: usize, size: usize| {
        let us = list(&models[model]["latency_us"]).get(size - 1)?;
        Some(ns(us) * 1000)
    };
    let arrivals: Vec<(u64, usize)> = list(&input["arrivals_ns_model"])
        .iter()
        .map(|arrival| (ns(&arrival[0]), whole(&arrival[1])))
        .collect();
    let mut flex = Flex::new(models.len());
    let (mut batches, mut drops): (Vec<Batch>, _) = (Vec::new(), Vec::new());
    let (mut running, mut next): (Option<Running<usize>>, usize) = (None, 0);
    loop {
        let end = batches.last().filter(|_| running.is_some()).map(|(.., end, _, _)| *end);
        let arrival = arrivals.get(next).copied();
        let is_end = end.is_some_and(|end| arrival.is_none_or(|(at, _)| end <= at));
        let (now, start) = if is_end {
            let now = end.expect("a batch");
            running = None;
            let batch = flex.freed(now, latency, |id| drops.push((now, id)));
            (now, batch.map(|batch| (batch, false)))
        } else if let Some((now, model)) = arrival {
            flex.push(model, now + ns(&models[model]["slo_ms"]) * 1_000_000, next);
            next += 1;
            let lambda = number(&input["lambda_preempt"]);
            let drop = |id| drops.push((now, id));
            let start = flex.arrived(now, model, running.as_ref(), lambda, latency, drop);
            (now, start.map(|start| (start.batch, start.preempts)))
        } else {
            return (batches, drops);
        };
        if let Some((batch, preempts)) = start {
            let size = batch.requests.len();
            let end = now + latency(batch.model, size).expect("a size of the table");
            let mut requests: Vec<usize> = batch.requests.iter().map(|(_, id)| *id).collect();
            requests.sort_unstable();
            let ended = preempts.then_some(batches.len());
            batches.push((now, batch.model, end, requests, ended));
            running = Some(batch);
        }
    }
}

pub fn compare(case: &Value) -> Result<(), String> {
    let (batches, drops) = run(&case["input"]);
    agree(&batches, drops, &case["expect"]["front_drop"])
}

fn agree(batches: &[Batch], mut drops: Vec<(u64, usize)>, expect: &Value) -> Result<(), String> {
    let theirs: Vec<Batch> = list(&expect["batches"])
        .iter()
        .map(|batch| {
            let ended = batch["preempts"].as_u64().map(|ended| ended as usize);
            let requests = sorted(&batch["requests"]);
            let (start, end) = (ns(&batch["start_ns"]), ns(&batch["finish_ns"]));
            (start, whole(&batch["model"]), end, requests, ended)
        })
        .collect();
    for (ours, theirs) in batches.iter().zip(&theirs) {
        same("batch", ours, theirs)?;
    }
    same("batches", &batches.len(), &theirs.len())?;
    let mut their_drops: Vec<(u64, usize)> =
        list(&expect["drops"]).iter().map(|drop| (ns(&drop[0]), whole(&drop[1]))).collect();
    drops.sort_unstable();
    their_drops.sort_unstable();
    same("drops", &drops, &their_drops)
}

/// The trace as a world: one worker, one lane, an application per model, no noise.
fn world(input: &Value) -> World {
    let mut world = World::new();
    let mut budgets = Vec::new();
    for (at, model) in list(&input["models"]).iter().enumerate() {
        let latencies = (1..).zip(list(&model["latency_us"]));
        let points: Vec<(u64, f64)> =
            latencies.map(|(size, us)| (size, number(us) / 1e3)).collect();
        world = world.app(&format!("m{at}"), &[V("v", 1, &points, 0.0, &[1.0, 1.0])]);
        let budget = Span(ns(&model["slo_ms"]) * 1_000_000);
        world.setup.apps[at].budget = Some(DeadlineBudget::Fixed(budget));
        budgets.push(budget);
    }
    world = world.workers(1, 1, 1_000);
    world.setup.latency_fit = LatencyFit::AsMeasured;
    world.setup.preemption = true;
    let arrival = |arrival: &Value| {
        let app = whole(&arrival[1]);
        Arrival {
            time: Time(ns(&arrival[0])),
            app: AppId(app as u16),
            source: None,
            budget: budgets[app],
            truth: TrueClass { class: 0, row: TrueClass::NO_ROW },
        }
    };
    world.arrivals = list(&input["arrivals_ns_model"]).iter().map(arrival).collect();
    world
}

/// The same trace through the engine.
pub fn replay(case: &Value) -> Result<(), String> {
    let (input, expect) = (&case["input"], &case["expect"]["front_drop"]);
    let lambda = number(&input["lambda_preempt"]);
    let scheduler = format!("{{ name = 'shepherd-like', lambda = {lambda}, max_batch = 4096 }}");
    let log = world(input).run(&scheduler);
    let (mut batches, mut drops): (Vec<Batch>, _) = (Vec::new(), Vec::new());
    let mut ended = None;
    for event in &log.events {
        match event {
            Happened::BatchStarted { at, variant, requests, .. } => {
                let mut requests: Vec<usize> = requests.iter().map(|id| *id as usize).collect();
                requests.sort_unstable();
                let us = &list(&input["models"][usize::from(*variant)]["latency_us"]);
                let end = at + ns(&us[requests.len() - 1]) * 1000;
                batches.push((*at, usize::from(*variant), end, requests, ended.take()));
            }
            Happened::BatchEnded { at, .. } => {
                same("end", at, &batches.last().map_or(0, |batch| batch.2))?;
            }
            Happened::BatchLost { .. } => ended = Some(batches.len()),
            Happened::Rejected { at, request } => drops.push((*at, *request as usize)),
            _ => {}
        }
    }
    agree(&batches, drops, expect)
}
