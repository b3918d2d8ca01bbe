//! Rewards by device and network, and by the weights of the reward: policies without training, on
//! the test dialogues of some splits of M4A1, within the published budget.

use super::dialogue_scores::DialogueScores;
use super::splits::by_split;
use super::{Measured, ReproductionConfig, reward_chart};
use crate::config::Problem;
use crate::offloading::devices::LocalTime;
use crate::offloading::model::RewardWeights;
use crate::offloading::{Cost, CostFile, LocalFormula, ModelParams, Workload};
use crate::report::figure::{Chart, Series};
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

pub(super) fn measure(
    data: &Arc<Workload>,
    config: &ReproductionConfig,
    measured: &mut Measured,
) -> Result<(), Problem> {
    let mut by_network: Vec<Series> = Vec::new();
    let file = CostFile::shipped()?;
    for network in &file.networks {
        let mut settings = Vec::new();
        for device in &file.devices {
            let LocalTime::Computed(gflops, _) = device.time else { continue };
            let formula = LocalFormula::Published;
            let costs = file.costs(formula, &device.name, &network.name, 0)?;
            let name = format!("{}, {}", device.name, network.name);
            settings.push(Setting { name, x: gflops, params: ModelParams::new(costs) });
        }
        for mut line in lines(data, config, settings, measured)?.into_iter().take(BY_NETWORK) {
            line.label = format!("{}, {}", network.name, line.label);
            line.points.sort_by(|a, b| a.x.total_cmp(&b.x));
            by_network.push(line);
        }
    }
    let x = ("device (thousand million operations/s)", true);
    measured.plots.push(("devices", chart("Reward by device and network", x, config, by_network)));
    for (term, name, weight) in TERMS {
        let published = ModelParams::published()?;
        let settings = WEIGHTS.map(|value| {
            let mut params = published.clone();
            *weight(&mut params.weights) = value;
            Setting { name: format!("weight of {term} {value:.3}"), x: value, params }
        });
        let series = lines(data, config, settings, measured)?;
        let (title, x) = (format!("Reward by weight of {term}"), format!("weight of {term}"));
        measured.plots.push((name, chart(&title, (&x, false), config, series)));
    }
    Ok(())
}

/// One point of the plots.
struct Setting {
    name: String,
    x: f64,
    params: ModelParams,
}

/// Adds the reward of each policy at each setting, and returns a line for each policy.
fn lines(
    data: &Arc<Workload>,
    config: &ReproductionConfig,
    settings: impl IntoIterator<Item = Setting>,
    measured: &mut Measured,
) -> Result<Vec<Series>, Problem> {
    let line = |policy: &str| Series { label: policy.to_owned(), points: Vec::new() };
    let mut lines: Vec<Series> = POLICIES.map(line).into();
    for Setting { name, x, params } in settings {
        let splits = by_split(data, config.bounds.min(SPLITS), &params, |on| {
            let rewards = |policy| Ok(on.rewards(&on.results(policy, Cost::PUBLISHED)?));
            POLICIES.into_iter().map(rewards).collect::<Result<Vec<_>, Problem>>()
        })?;
        for (at, policy) in POLICIES.into_iter().enumerate() {
            let scores = DialogueScores::all(splits.iter().map(|split| &split[at]));
            measured.figures.push(scores.measurement(SECTION, format!("{name}, {policy}")));
            lines[at].points.extend(scores.point(x));
        }
    }
    Ok(lines)
}

fn chart(title: &str, x: (&str, bool), config: &ReproductionConfig, series: Vec<Series>) -> Chart {
    let note = format!(
        "M4A1, test dialogues of {} splits, 30 s and 0.05 USD a dialogue; bands: 95 % over \
         dialogues. All else as published: Jetson TX2, wired, weights of a third.",
        config.bounds.min(SPLITS)
    );
    reward_chart(title, note, x, series)
}
