//! Costs and rewards of single calls.

use crate::offloading::cost::{Costs, DEVICES, NETWORKS, normalised};
use crate::offloading::{Actions, Dialogue, DialogueModel, ModelParams, Turn, Workload};
use crate::report::reproduction::Measurement;
use std::sync::Arc;

pub(super) fn measure() -> Vec<Measurement> {
    let mut figures = Vec::new();
    let mut add = |section, name: String, seconds: f64, usd: f64| {
        figures.push(Measurement::new(section, format!("{name}, s"), seconds));
        figures.push(Measurement::new(section, format!("{name}, USD"), usd));
    };
    for device in DEVICES {
        let Costs { latency_s, usage_usd, .. } = Costs::paper(device, NETWORKS[0]);
        add("devices", format!("{}, local call", device.name), latency_s[0], usage_usd[0]);
    }
    for network in NETWORKS {
        let Costs { latency_s, usage_usd, .. } = Costs::paper(DEVICES[3], network);
        for (views, (seconds, usd)) in latency_s.iter().zip(&usage_usd).skip(1).enumerate() {
            add("networks", format!("{}, {views} views", network.name), *seconds, *usd);
        }
    }
    let range = normalised(&Costs::published().latency_s);
    figures.push(Measurement::new("normalised", "latency of text only", range[1]));
    figures.extend(rewards());
    figures
}

/// A model of one turn, whose local answer scores 0.8.
fn one_turn() -> Option<DialogueModel> {
    let turn = Turn {
        task: 0,
        action: 0,
        raw: 0.8,
        score: 0.8,
        time_s: 1.0,
        cost_usd: 0.0,
        association: vec![0.2, 0.1, 0.1],
    };
    let dialogues = vec![Dialogue { id: "0".into(), turns: vec![turn] }];
    let workload =
        Workload { tasks: vec!["task".into()], actions: Actions::new(3), dialogues, truth: None };
    DialogueModel::new(Arc::new(workload), &[0], ModelParams::default()).ok()
}

/// Rewards of that turn by action: without and with one, two and three views.
fn rewards() -> Vec<Measurement> {
    let Some(model) = one_turn() else { return Vec::new() };
    let dialogue = &model.workload.dialogues[0];
    let mut state = Vec::new();
    model.state(dialogue, &[], &mut state);
    let reward = |action| {
        let response = model.response(&state, action);
        let reward = model.reward(response, &dialogue.turns[0].association, action);
        let name = format!("a turn by hand, {}", model.actions().name(action));
        Measurement::new("rewards", name, reward)
    };
    [0, 1, 2, 4, 5, 8].map(reward).into()
}
