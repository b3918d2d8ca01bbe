//! Rewards by device and network, and by the weights of the reward: policies without training, on
//! the test dialogues of some splits of M4A1, within the published budget.

use super::dialogue_scores::DialogueScores;
use super::splits::by_split;
use super::{Measured, ReproductionConfig, reward_chart};
use crate::config::Problem;
use crate::offloading::cost::{DEVICES, NETWORKS};
use crate::offloading::model::RewardWeights;
use crate::offloading::{Cost, Costs, ModelParams, Workload};
use crate::report::figure::{Chart, Series};
use crate::report::reproduction::Measurement;
use std::sync::Arc;

const SECTION: &str = "devices and weights";
/// The greatest number of splits.
const SPLITS: usize = 20;
/// Policies that are compared.
const POLICIES: [&str; 5] =
    ["tmo-rl-plus", "greedy-knn-guarded", "always:cloud+0+1", "random", "local"];
/// Number of policies in the plot of devices, which has four networks.
const BY_NETWORK: usize = 2;
/// Weights of one term of the reward; the others stay as published.
const WEIGHTS: [f64; 6] = [0.0, 1.0 / 6.0, 1.0 / 3.0, 0.5, 2.0 / 3.0, 1.0];

/// A term of the reward, the name of its plot, and its weight.
type Term = (&'static str, &'static str, fn(&mut RewardWeights) -> &mut f64);

const TERMS: [Term; 3] = [
    ("association", "weights-association", |weights| &mut weights.association),
    ("latency", "weights-latency", |weights| &mut weights.latency),
    ("usage", "weights-usage", |weights| &mut weights.usage),
];

/// Rewards of each policy.
fn rewards(
    data: &Arc<Workload>,
    config: &ReproductionConfig,
    params: &ModelParams,
) -> Result<Vec<DialogueScores>, Problem> {
    let splits = by_split(data, config.bounds.min(SPLITS), params, |on| {
        let reward = |policy: &str| {
            let results = on.results(policy, Cost::PUBLISHED)?;
            Ok(on.scores(results.iter().map(|result| result.reward)))
        };
        POLICIES.into_iter().map(reward).collect::<Result<Vec<_>, Problem>>()
    })?;
    let all = |policy: usize| DialogueScores::all(splits.iter().map(|split| &split[policy]));
    Ok((0..POLICIES.len()).map(all).collect())
}

pub(super) fn measure(
    data: &Arc<Workload>,
    config: &ReproductionConfig,
    measured: &mut Measured,
) -> Result<(), Problem> {
    let mut by_network: Vec<Series> = Vec::new();
    for network in NETWORKS {
        let mut series = POLICIES.map(|policy| line(format!("{}, {policy}", network.name)));
        for device in DEVICES {
            let params = ModelParams::new(Costs::paper(device, network));
            let rewards = rewards(data, config, &params)?;
            let setting = format!("{}, {}", device.name, network.name);
            measured.figures.extend(figures(&setting, &rewards));
            for (series, scores) in series.iter_mut().zip(&rewards) {
                series.points.extend(scores.point(device.gflops));
            }
        }
        series.iter_mut().for_each(|s| s.points.sort_by(|a, b| a.x.total_cmp(&b.x)));
        by_network.extend(series.into_iter().take(BY_NETWORK));
    }
    let x = ("device (thousand million operations/s)", true);
    let plot = chart("Reward by device and network", x, config, by_network);
    measured.plots.push(("devices", plot));
    for (term, name, weight) in TERMS {
        let mut series = POLICIES.map(|policy| line(policy.to_owned()));
        for value in WEIGHTS {
            let mut params = ModelParams::default();
            *weight(&mut params.weights) = value;
            let rewards = rewards(data, config, &params)?;
            measured.figures.extend(figures(&format!("weight of {term} {value:.3}"), &rewards));
            for (series, scores) in series.iter_mut().zip(&rewards) {
                series.points.extend(scores.point(value));
            }
        }
        let (title, x) = (format!("Reward by weight of {term}"), format!("weight of {term}"));
        measured.plots.push((name, chart(&title, (&x, false), config, series.into())));
    }
    Ok(())
}

fn line(label: String) -> Series {
    Series { label, points: Vec::new() }
}

fn figures(setting: &str, rewards: &[DialogueScores]) -> Vec<Measurement> {
    let figure = |(policy, scores): (&str, &DialogueScores)| {
        scores.measurement(SECTION, format!("{setting}, {policy}"))
    };
    POLICIES.into_iter().zip(rewards).map(figure).collect()
}

fn chart(title: &str, x: (&str, bool), config: &ReproductionConfig, series: Vec<Series>) -> Chart {
    let note = format!(
        "M4A1, test dialogues of {} splits, 30 s and 0.05 USD a dialogue; bands: 95 % over \
         dialogues. All else as published: Jetson TX2, wired, weights of a third.",
        config.bounds.min(SPLITS)
    );
    reward_chart(title, note, x, series)
}
