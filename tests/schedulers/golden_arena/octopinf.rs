//! OctopInf: batches and replicas of a chain, and slots on lanes.

use super::{list, same, text_of, whole};
use peeksim::scheduler::published::octopinf_plan::{
    Free, Lanes, Model, Portion, Profiled, Sizing, size_chain,
};
use serde_json::Value;

fn us(value: &Value) -> u64 {
    whole(value) as u64
}

pub fn compare_cwd(case: &Value) -> Result<(), String> {
    let (input, expect) = (&case["input"], &case["expect"]);
    let profiled = |of: &Value| Profiled {
        batch: us(&of["batch"]),
        prepare: us(&of["prep_us"]),
        infer: us(&of["infer_us_per_query"]),
        finish: us(&of["post_us"]),
    };
    let model = |model: &Value| Model {
        rate: model["rate"].as_f64().expect("a rate") as f32,
        transfer: us(&model["transfer_us"]),
        profile: list(&model["profile"]).iter().map(profiled).collect(),
    };
    let models: Vec<Model> = list(&input["models"]).iter().map(model).collect();
    let plan = size_chain(&models, us(&input["slo_us"]) / 2, 4);
    let theirs = list(&expect["models"]).iter().zip(&models).map(|(theirs, model)| {
        let batch = us(&theirs["batch"]);
        let step = model.profile.iter().position(|profiled| profiled.batch == batch);
        Sizing {
            step: step.expect("a batch of the profile"),
            replicas: us(&theirs["replicas"]),
            queue: us(&theirs["queue_us"]),
            process: us(&theirs["max_process_us"]),
        }
    });
    same("models", &plan.models, &theirs.collect::<Vec<Sizing>>())?;
    same("latency", &plan.latency, &us(&expect["end_to_end_us"]))?;
    same("cost", &plan.cost, &us(&expect["cost_us"]))
}

pub fn compare_coral(case: &Value) -> Result<(), String> {
    let (input, expect) = (&case["input"], &case["expect"]);
    let mut lanes = Lanes::new(whole(&input["lanes"]));
    let theirs = list(&expect["lane_of_container"]);
    for (at, container) in list(&input["containers"]).iter().enumerate() {
        let placed = lanes.place(&Portion {
            start: us(&container["start_us"]),
            end: us(&container["end_us"]),
            cycle: us(&container["duty_us"]),
            budget: us(&container["slo_us"]),
        });
        let what = format!("container {at}");
        let Some(theirs) = theirs.get(at) else {
            return Err(format!("{what} comes after their error"));
        };
        match placed {
            Ok(lane) => same(&what, &lane, &theirs.as_u64().map(|lane| lane as usize))?,
            Err(_) => {
                same(&what, &Some("error"), &theirs.as_str())?;
                break;
            }
        }
    }
    let cycles: Vec<u64> = list(&expect["lane_duty_us"]).iter().map(us).collect();
    same("cycles", &lanes.cycles(), &cycles)?;
    let shown = |free: &Free| {
        let end = free.end.map_or("inf".to_owned(), |end| end.to_string());
        format!("{}:{}:{end}", free.lane, free.start)
    };
    let free: Vec<String> = lanes.free().iter().map(shown).collect();
    let theirs: Vec<&str> =
        list(&expect["free_portions_lane_start_end"]).iter().map(text_of).collect();
    same("free portions", &free, &theirs)
}
