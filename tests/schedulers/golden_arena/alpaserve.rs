//! AlpaServe: the greedy placement, and what its simulation says of every request.

use super::{list, number, numbers, same, text_of, whole};
use peeksim::scheduler::published::alpaserve_plan::{Group, Requests, place, simulate};
use serde_json::Value;

/// Single precision, in seconds.
const TOLERANCE: f64 = 1e-4;

/// The constants of the authors' simulator: a factor on latencies, and seconds for every answer.
const MEASURED: (f64, f64) = (1.009, 0.011);

pub fn compare(case: &Value) -> Result<(), String> {
    let (input, expect) = (&case["input"], &case["expect"]);
    let single = |x: f64| f64::from(x as f32);
    let models = list(&input["models"]);
    let model = |of: &Value| {
        let latency = single(numbers(&of["latency_s"])[0] * MEASURED.0);
        Some((latency, number(&of["weight"])))
    };
    let memory = number(&input["memory_budget"]);
    let group = Group { memory, models: models.iter().map(model).collect() };
    let groups = vec![group; whole(&input["groups"])];
    let budgets: Vec<f64> = models.iter().map(|of| single(number(&of["slo_s"]))).collect();
    let arrival = |of: &Value| (number(&of[0]), whole(&of[1]));
    let arrivals: Vec<(f64, usize)> =
        list(&input["arrivals_s_model"]).iter().map(arrival).collect();
    let requests = Requests { arrivals: &arrivals, budgets: &budgets, overhead: MEASURED.1 };
    let placed = place(&groups, &requests);
    let held = |group: &Value| list(group).iter().map(whole).collect::<Vec<usize>>();
    let theirs: Vec<Vec<usize>> = list(&expect["greedy"]).iter().map(held).collect();
    same("placement", &placed, &theirs)?;
    let (ours, theirs) = (simulate(&groups, &placed, &requests), &expect["greedy_run"]);
    let good: String = ours.ends.iter().map(|end| if end.is_some() { '1' } else { '0' }).collect();
    same("good", &good.as_str(), &text_of(&theirs["good"]))?;
    for (at, (end, theirs)) in ours.ends.iter().zip(list(&theirs["finish_s"])).enumerate() {
        if let (Some(end), Some(theirs)) = (end, theirs.as_f64())
            && (end - theirs).abs() > TOLERANCE
        {
            return Err(format!("end of {at}: ours {end}, theirs {theirs}"));
        }
    }
    Ok(())
}
