//! Costs and rewards of single calls.

use crate::config::Problem;
use crate::offloading::cost::normalised;
use crate::offloading::{
    Action, Actions, CostFile, Costs, Dialogue, DialogueModel, LocalFormula, ModelParams, Turn,
    Workload,
};
use crate::report::reproduction::Measurement;
use std::sync::Arc;

pub(super) fn measure() -> Result<Vec<Measurement>, Problem> {
    let mut figures = Vec::new();
    let mut add = |section, name: String, seconds: f64, usd: f64| {
        figures.push(Measurement::new(section, format!("{name}, s"), seconds));
        figures.push(Measurement::new(section, format!("{name}, USD"), usd));
    };
    let file = CostFile::shipped()?;
    for device in &file.devices {
        let call = device.call(LocalFormula::Published);
        add("devices", format!("{}, local call", device.name), call.latency_s, call.usage_usd);
    }
    for network in &file.networks {
        let calls = network.latency_s.iter().zip(&network.cloud_usd);
        for (views, (seconds, usd)) in calls.enumerate() {
            add("networks", format!("{}, {views} views", network.name), *seconds, *usd);
        }
    }
    let range = normalised(&Costs::published()?.latency_s);
    figures.push(Measurement::new("normalised", "latency of text only", range[1]));
    figures.extend(rewards()?);
    Ok(figures)
}

/// A model of one turn, whose local answer scores 0.8.
fn one_turn() -> Result<DialogueModel, Problem> {
    let turn = Turn {
        task: 0,
        action: Action::Local,
        raw: 0.8,
        score: 0.8,
        time_s: 1.0,
        cost_usd: 0.0,
        association: vec![0.2, 0.1, 0.1],
    };
    let dialogues = vec![Dialogue { id: "0".into(), turns: vec![turn] }];
    let workload =
        Workload { tasks: vec!["task".into()], actions: Actions::new(3), dialogues, truth: None };
    DialogueModel::new(Arc::new(workload), &[0], ModelParams::published()?)
}

/// Rewards of that turn by action: without and with one, two and three views.
fn rewards() -> Result<Vec<Measurement>, Problem> {
    let model = one_turn()?;
    let dialogue = &model.workload.dialogues[0];
    let mut state = Vec::new();
    model.state(dialogue, &[], &mut state);
    let reward = |action| {
        let response = model.response(&state, action);
        let reward = model.reward(response, &dialogue.turns[0].association, action);
        let name = format!("a turn by hand, {}", model.actions().name(action));
        Measurement::new("rewards", name, reward)
    };
    Ok([0, 1, 2, 4, 5, 8].map(reward).into())
}
