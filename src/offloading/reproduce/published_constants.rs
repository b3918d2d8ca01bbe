//! Constants of the published code, and rewards of single turns.

use super::Check;
use crate::offloading::cost::{Costs, DEVICES, NETWORKS, normalised};
use crate::offloading::{Actions, Dialogue, DialogueModel, ModelParams, Turn, Workload};
use std::sync::Arc;

/// Printed seconds and dollars of a local call, by device.
const LOCAL: [(&str, &str); 8] = [
    ("1.125926", "4.1734e-7"),
    ("0.484076", "2.6915e-7"),
    ("0.032203", "1.4921e-8"),
    ("0.0114286", "7.9429e-9"),
    ("7.2381e-4", "6.7073e-10"),
    ("1.5200e-4", "1.7607e-10"),
    ("5.5273e-5", "1.5366e-10"),
    ("4.3429e-4", "3.0183e-10"),
];
/// Printed seconds of a cloud call with 0 to 3 views, by network.
const CLOUD: [[&str; 4]; 4] = [
    ["6.46030", "4.76134", "6.24569", "6.98211"],
    ["0.5", "1.898", "2.016", "2.238"],
    ["0.5", "6.037", "6.412", "7.118"],
    ["0.5", "16.603", "17.636", "19.573"],
];
/// Printed dollars of the same.
const USAGE: [&str; 4] = ["0.00049", "0.00500", "0.00945", "0.01368"];

/// The value of a printed figure and half a unit of its last digit.
fn printed(text: &str) -> (f64, f64) {
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let digits = mantissa.split_once('.').map_or(0, |(_, digits)| digits.len());
    let exponent: f64 = exponent.parse().unwrap_or(0.0);
    let value = text.parse().unwrap_or(f64::NAN);
    (value, 0.500_001 * libm::pow(10.0, exponent - digits as f64))
}

fn line(section: &'static str, name: String, figure: f64, text: &str) -> Check {
    let (target, tolerance) = printed(text);
    Check::near(section, name, figure, target, tolerance)
}

pub(super) fn lines() -> Vec<Check> {
    let mut lines = Vec::new();
    for (device, (time, cost)) in DEVICES.into_iter().zip(LOCAL) {
        let costs = Costs::paper(device, NETWORKS[0]);
        let name = device.name;
        lines.push(line("devices", format!("{name}, local call, s"), costs.latency_s[0], time));
        lines.push(line("devices", format!("{name}, local call, USD"), costs.usage_usd[0], cost));
    }
    for (network, published) in NETWORKS.into_iter().zip(CLOUD) {
        let costs = Costs::paper(DEVICES[3], network);
        for (views, (time, cost)) in published.into_iter().zip(USAGE).enumerate() {
            let name = format!("{}, {views} views", network.name);
            lines.push(line("networks", format!("{name}, s"), costs.latency_s[1 + views], time));
            lines.push(line("networks", format!("{name}, USD"), costs.usage_usd[1 + views], cost));
        }
    }
    let default = Costs::paper(DEVICES[3], NETWORKS[0]);
    let range = normalised(&default.latency_s);
    let exact = (NETWORKS[0].latency_s[0] - default.latency_s[0])
        / (NETWORKS[0].latency_s[3] - default.latency_s[0]);
    lines.push(Check::near("normalised", "latency of text only", range[1], exact, 1e-15));
    lines.extend(rewards());
    lines
}

/// A model of one turn, whose answer was worth 0.8 locally.
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
    let workload = Workload { tasks: vec!["task".into()], actions: Actions::new(3), dialogues };
    DialogueModel::new(
        Arc::new(workload),
        &[0],
        ModelParams::new(Costs::paper(DEVICES[3], NETWORKS[0])),
    )
    .ok()
}

/// Rewards by hand: 0.8 + (association − latency − usage) / 3 with the normalised values written
/// out to five digits.
fn rewards() -> Vec<Check> {
    let Some(model) = one_turn() else { return Vec::new() };
    let parts = [
        (0, [0.0, 0.0, 0.0]),
        (1, [0.0, 0.92514, 0.03582]),
        (2, [0.5, 0.68141, 0.36550]),
        (4, [0.25, 0.68141, 0.36550]),
        (5, [0.75, 0.89435, 0.69079]),
        (8, [1.0, 1.0, 1.0]),
    ];
    let line = |(action, [association, latency, usage]): (usize, [f64; 3])| {
        let turn = &model.workload.dialogues[0].turns[0];
        let mut state = Vec::new();
        model.state(&model.workload.dialogues[0], &[], &mut state);
        let response = model.response(&state, action);
        let figure = model.reward(response, &turn.association, action);
        let target = 0.8 + (association - latency - usage) / 3.0;
        let name = format!("a turn by hand, {}", model.actions().name(action));
        Check::near("rewards", name, figure, target, 1e-5)
    };
    parts.into_iter().map(line).collect()
}
