//! Clockwork: the batches that a GPU is given for the next milliseconds.

use super::{list, same, text_of, whole};
use peeksim::scheduler::published::acc_scale::AllowedBatch;
use peeksim::scheduler::published::clockwork_infer::{Dropped, Strategies, Waiting};
use serde_json::Value;

/// The first start on an idle GPU.
const FUTURE: u64 = 1_000_000;

fn sizes(model: &Value) -> Vec<AllowedBatch> {
    let all = list(&model["batches"]).iter().zip(list(&model["estimate_ns"]));
    all.map(|(size, ns)| AllowedBatch { size: whole(size), latency: whole(ns) as u64 }).collect()
}

pub fn compare(case: &Value) -> Result<(), String> {
    let (input, expect) = (&case["input"], &case["expect"]);
    let sizes: Vec<Vec<AllowedBatch>> = list(&input["models"]).iter().map(sizes).collect();
    let mut models = vec![Waiting::default(); sizes.len()];
    let mut strategies = Strategies::default();
    for (at, request) in list(&input["requests_model_deadline_ns"]).iter().enumerate() {
        let (model, deadline) = (whole(&request[0]), whole(&request[1]) as u64);
        let number = models[model].push(at, deadline);
        strategies.add(model, number, deadline, &sizes[model]);
    }
    let mut busy = whole(&input["gpu_busy_ns"]) as u64;
    let (mut actions, mut dropped) = (Vec::new(), Vec::new());
    while busy.max(FUTURE) < whole(&input["schedule_ahead_ns"]) as u64 {
        let drop = |request, why| dropped.push((request, why));
        let free = busy.max(FUTURE);
        let Some(action) = strategies.next(&mut models, &sizes, |_| free, drop) else { break };
        busy += action.latency;
        actions.push((action.model, action.start as usize, action.requests));
    }
    let theirs = list(&expect["actions"]).iter().map(|action| {
        let requests: Vec<usize> = list(&action["requests"]).iter().map(whole).collect();
        (whole(&action["model"]), whole(&action["start_ns"]), requests)
    });
    same("actions", &actions, &theirs.collect::<Vec<_>>())?;
    let theirs = list(&expect["dropped"]).iter().map(|drop| {
        let why = match text_of(&drop["why"]) {
            "skipped" => Dropped::Skipped,
            _ => Dropped::CouldNotStart,
        };
        (whole(&drop["request"]), why)
    });
    same("dropped", &dropped, &theirs.collect::<Vec<_>>())
}
