//! Clockwork: which models GPUs load and evict, over a sequence of events.

use super::{list, same, text_of, whole};
use peeksim::scheduler::published::clockwork_load::LoadTracker;
use serde_json::Value;

/// The answers of a sequence, as it should be or as the code has it.
fn answers(input: &Value, ignores_holders: bool) -> Vec<Option<usize>> {
    let (models, gpus) = (whole(&input["models"]), whole(&input["gpus"]));
    let mut tracker = LoadTracker::new(models, gpus, whole(&input["capacity_ns"]) as u64);
    let (mut now, mut demands, mut answers) = (0, Vec::new(), Vec::new());
    for op in list(&input["ops"]) {
        let numbers: Vec<usize> = list(op)[1..].iter().map(whole).collect();
        now += numbers[0] as u64;
        tracker.expire(now);
        match text_of(&op[0]) {
            "r" => {
                let [model, size, exec, load] = [1, 2, 3, 4].map(|at| numbers[at]);
                let demand = tracker.request(now, model, size as u64, exec as u64, load as u64);
                demands.push(demand);
            }
            "x" => {
                tracker.begins(demands[numbers[1]], numbers[2]);
                tracker.ends(demands[numbers[1]], Some(numbers[2]));
            }
            "l" => {
                let model = tracker.to_load(numbers[1], ignores_holders, |_| true);
                for _ in 0..2 {
                    model.inspect(|model| tracker.loads(*model, numbers[1]));
                }
                answers.push(model);
            }
            _ => {
                let model = tracker.to_evict(numbers[1], |_| true);
                model.inspect(|model| tracker.set(*model, numbers[1], false));
                answers.push(model);
            }
        }
    }
    answers
}

pub fn compare(case: &Value) -> Result<(), String> {
    for (key, ignores_holders) in [("answers", false), ("answers_as_shipped", true)] {
        let theirs = list(&case["expect"][key]).iter();
        let theirs: Vec<Option<usize>> =
            theirs.map(|answer| answer["model"].as_u64().map(|model| model as usize)).collect();
        same(key, &answers(&case["input"], ignores_holders), &theirs)?;
    }
    Ok(())
}
