//! What decoders take is what is described. A decoder asserts that a key which it takes is
//! described; here the other direction is tried: a described key that no decoder takes.

use crate::config::decode::record;
use crate::config::settings::flattened;
use crate::config::source::embedded_paths;
use crate::config::{Kind, Setting};
use crate::experiment::{Experiment, FILE, Sweep};
use crate::scheduler::REGISTRY;
use crate::system::penalty::PENALTIES;
use crate::workload::ARRIVALS;
use std::collections::BTreeSet;

/// Settings that no shipped experiment has, put into the quickstart.
const OTHERS: [&str; 22] = [
    "overhead_ms={constant=1,per_request=0.1}",
    "stalls={probability=0.1}",
    "belief_error={latency=0.1}",
    "warmup={requests=10}",
    "workers=[{class='edge-cpu',link={rtt_ms=1},slowdown={factor=2},failures=[{at_s=1,for_s=1}]}]",
    "budget_ms={uniform=[1,2]}",
    "budget_ms={proportional=5,variant='gnb'}",
    "budget_ms={mixture=[{budget={slo=9,network=1}}]}",
    "workload.mix={zipf=1}",
    "workload.class_mix={dirichlet=1}",
    "workload.class_mix={zipf=1}",
    "workload.source_split={drift=0.1}",
    "workload.drift={random_walk_sd=0.1,step_s=1}",
    "workload.drift={to={zipf=1},period_s=1}",
    "workload.arrivals={name='recorded',replay='exact'}",
    "workload.arrivals={name='recorded',replay='superposed'}",
    "workload.arrivals={name='recorded',replay='refitted'}",
    "workload.arrivals={name='on-off',phases='pareto'}",
    "peek={kind='knn'}",
    "peek={kind='rule',feature='a',threshold=1,below='b',above='c'}",
    "peek={kind='confusion',quality=0.5,prior={scale=2},short_circuit={threshold=0.9}}",
    "stopping={metric='utility_mean',relative_half_width=0.1}",
];

/// Decodes an experiment; what is wrong with it does not matter.
fn decode(experiment: &str, set: &[String]) {
    let _ = Experiment::load(experiment, set).and_then(Sweep::new);
}

/// Every described key below a kind, with its owner.
fn described(kind: Kind, found: &mut BTreeSet<(&'static str, &'static str)>) {
    match kind {
        Kind::Table(group) => all(group.name, &flattened(group.settings), found),
        Kind::Registry(registry) => {
            all(registry.common.name, &flattened(registry.common.settings), found);
            for entry in (registry.entries)() {
                all(entry.name, &entry.settings, found);
            }
        }
        Kind::List(of) | Kind::ByName(_, of) => described(*of, found),
        Kind::OneOf(kinds) => kinds.iter().for_each(|kind| described(*kind, found)),
        _ => {}
    }
}

fn all(
    owner: &'static str,
    settings: &[Setting],
    found: &mut BTreeSet<(&'static str, &'static str)>,
) {
    for setting in settings {
        if found.insert((owner, setting.key)) {
            described(setting.kind, found);
        }
    }
}

#[test]
fn every_described_key_is_taken_by_a_decoder() {
    for path in embedded_paths(".toml") {
        if path.starts_with("experiments/") {
            decode(&path, &[]);
        }
    }
    let one = |set: String| decode("quickstart", &[set, "replicates=1".to_owned()]);
    OTHERS.iter().for_each(|set| one((*set).to_owned()));
    decode("sustained", &[]);
    for entry in REGISTRY {
        for more in ["", ",mode='dispatch'", ",window_max=3"] {
            one(format!("scheduler={{name='{}'{more}}}", entry.name));
        }
    }
    ARRIVALS.iter().for_each(|entry| one(format!("workload.arrivals={{name='{}'}}", entry.name)));
    PENALTIES.iter().for_each(|entry| one(format!("penalty={{name='{}'}}", entry.name)));
    let mut known = BTreeSet::new();
    described(Kind::Table(&FILE), &mut known);
    assert!(known.len() > 200, "{}", known.len());
    let taken = record::taken();
    let left: Vec<_> = known.difference(&taken).collect();
    assert!(left.is_empty(), "described, and taken by no decoder: {left:?}");
}
