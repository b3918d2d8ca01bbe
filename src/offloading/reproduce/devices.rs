//! Rewards by device and network, and by the weights of the reward: policies without training, on
//! the test dialogues of some splits of M4A1, within the published budget.

use super::dialogue_scores::{DialogueScores, each};
use super::splits::split_rng;
use super::{Measured, ReproductionConfig, ReproductionError};
use crate::config::Problem;
use crate::offloading::cost::{DEVICES, NETWORKS};
use crate::offloading::evaluate::evaluate;
use crate::offloading::model::RewardWeights;
use crate::offloading::{Cost, Costs, DialogueModel, ModelParams, Workload, policies};
use crate::report::figure::{Chart, ChartKind, Point, Series};
use crate::report::reproduction::Measurement;
use rayon::prelude::*;
use std::sync::Arc;

const SECTION: &str = "devices and weights";
/// The greatest number of splits.
const SPLITS: usize = 20;
/// Policies that are compared.
const POLICIES: [&str; 5] =
    ["tmo-rl-plus", "greedy-knn-guarded", "always:cloud+0+1", "random", "local"];
/// How many of them the plot of devices shows, which has four networks.
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
    let one = |at: usize| -> Result<Vec<DialogueScores>, Problem> {
        let split = data.split(split_rng(at));
        let model = DialogueModel::new(Arc::clone(data), &split.train, params.clone())?;
        let reward = |name: &str| {
            let mut policy = policies::build(name, &model, split_rng(at))?;
            let budget = Cost::PUBLISHED;
            let results = evaluate(&model, &split.test, policy.as_mut(), budget);
            Ok(DialogueScores::new(at, &split.test, &each(&model, &results, budget, |s| s.reward)))
        };
        POLICIES.into_iter().map(reward).collect()
    };
    let splits = config.bounds.min(SPLITS);
    let by_split = (0..splits).into_par_iter().map(one).collect::<Result<Vec<_>, _>>()?;
    let of =
        |policy: usize| DialogueScores::all(by_split.iter().map(|split| split[policy].clone()));
    Ok((0..POLICIES.len()).map(of).collect())
}

pub(super) fn measure(
    data: &Arc<Workload>,
    config: &ReproductionConfig,
    measured: &mut Measured,
) -> Result<(), ReproductionError> {
    let mut by_network: Vec<Series> = Vec::new();
    for network in NETWORKS {
        let mut points = vec![Vec::new(); BY_NETWORK];
        for device in DEVICES {
            let params = ModelParams::new(Costs::paper(device, network));
            let rewards = rewards(data, config, &params)?;
            measured
                .figures
                .extend(figures(&format!("{}, {}", device.name, network.name), &rewards));
            for (points, scores) in points.iter_mut().zip(&rewards) {
                points.extend(scores.point(device.gflops));
            }
        }
        let named = points.into_iter().zip(POLICIES).map(|(mut points, policy)| {
            points.sort_by(|a: &Point, b| a.x.total_cmp(&b.x));
            Series { label: format!("{}, {policy}", network.name), points }
        });
        by_network.extend(named);
    }
    let x = ("device (thousand million operations/s)", true);
    let plot = chart("Reward by device and network", x, config, by_network);
    measured.plots.push(("devices", plot));
    for (term, name, weight) in TERMS {
        let mut series: Vec<Series> =
            POLICIES.map(|policy| Series { label: policy.to_owned(), points: Vec::new() }).into();
        for value in WEIGHTS {
            let mut params = ModelParams::new(Costs::paper(DEVICES[3], NETWORKS[0]));
            *weight(&mut params.weights) = value;
            let rewards = rewards(data, config, &params)?;
            measured.figures.extend(figures(&format!("weight of {term} {value:.3}"), &rewards));
            for (series, scores) in series.iter_mut().zip(&rewards) {
                series.points.extend(scores.point(value));
            }
        }
        let (title, x) = (format!("Reward by weight of {term}"), format!("weight of {term}"));
        measured.plots.push((name, chart(&title, (&x, false), config, series)));
    }
    Ok(())
}

fn figures(setting: &str, rewards: &[DialogueScores]) -> Vec<Measurement> {
    let figure = |(policy, scores): (&str, &DialogueScores)| {
        scores.measurement(SECTION, format!("{setting}, {policy}"))
    };
    POLICIES.into_iter().zip(rewards).map(figure).collect()
}

fn chart(title: &str, x: (&str, bool), config: &ReproductionConfig, series: Vec<Series>) -> Chart {
    Chart {
        kind: ChartKind::Lines,
        title: title.to_owned(),
        note: format!(
            "M4A1, test dialogues of {} splits, 30 s and 0.05 USD a dialogue; bands: 95 % over \
             dialogues. All else as published: Jetson TX2, wired, weights of a third.",
            config.bounds.min(SPLITS)
        ),
        x_label: x.0.to_owned(),
        y_label: "mean reward".to_owned(),
        x_log: x.1,
        y_log: false,
        y_range: None,
        series,
    }
}
