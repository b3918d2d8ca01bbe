//! Offloading of dialogues: published tables, closed forms, and the optimum against brute force and
//! every policy.

use super::{published, synthetic_costs};
use peeksim::core::rng::Rng;
use peeksim::offloading::cost::normalised;
use peeksim::offloading::evaluate::{DialogueResult, PolicySummary, evaluate, replay, train};
use peeksim::offloading::generate::{SyntheticShape, like_m4a1, synthetic};
use peeksim::offloading::optimum::{Tree, decisions};
use peeksim::offloading::policies::{POLICIES, build};
use peeksim::offloading::policy::{OffloadPolicy, TurnContext};
use peeksim::offloading::{
    Action, Actions, Cost, CostFile, Dialogue, DialogueModel, LocalFormula, ModelParams, Scorer,
    TEST_SHARE, Turn, Workload,
};
use std::sync::Arc;

fn model() -> DialogueModel {
    let workload = Arc::new(like_m4a1(60, Rng::new(7, 0)));
    let train = workload.split(Rng::new(7, 1), TEST_SHARE).train;
    DialogueModel::new(workload, &train, ModelParams::new(published())).unwrap()
}

/// A figure printed with some digits: as far from the exact value as its last digit allows.
fn printed(text: &str, exact: f64) {
    let value: f64 = text.parse().unwrap();
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let digits =
        mantissa.split_once('.').map_or(0, |(_, digits)| i32::try_from(digits.len()).unwrap());
    let half = 0.5 * 10f64.powi(exponent.parse::<i32>().unwrap() - digits);
    assert!((exact - value).abs() <= half * 1.000_001, "{exact} is not printed as {text}");
}

#[test]
fn the_tables_of_devices_and_networks_are_the_published_ones() {
    let file = CostFile::shipped().unwrap();
    for (device, (time, cost)) in file.devices.iter().zip([
        ("1.125926", "4.1734e-7"),
        ("0.484076", "2.6915e-7"),
        ("0.032203", "1.4921e-8"),
        ("0.0114286", "7.9429e-9"),
        ("7.2381e-4", "6.7073e-10"),
        ("1.5200e-4", "1.7607e-10"),
        ("5.5273e-5", "1.5366e-10"),
        ("4.3429e-4", "3.0183e-10"),
    ]) {
        for network in &file.networks {
            let of = |formula| file.costs(formula, &device.name, &network.name, 3).unwrap();
            let costs = of(LocalFormula::Published);
            printed(time, costs.latency_s[0]);
            printed(cost, costs.usage_usd[0]);
            assert_eq!(costs.latency_s[1..], network.latency_s);
            assert_eq!(costs.usage_usd[1..], [0.00049, 0.005, 0.00945, 0.01368]);
            let physical = of(LocalFormula::Physical);
            assert!((physical.latency_s[0] / costs.latency_s[0] - 1024.0).abs() < 1e-9);
        }
    }
    let networks = [
        ["6.46030", "4.76134", "6.24569", "6.98211"],
        ["0.5", "1.898", "2.016", "2.238"],
        ["0.5", "6.037", "6.412", "7.118"],
        ["0.5", "16.603", "17.636", "19.573"],
    ];
    for (network, printed_s) in file.networks.iter().zip(networks) {
        network.latency_s.iter().zip(printed_s).for_each(|(exact, text)| printed(text, *exact));
    }
    let default = published();
    let latency = ["0", "0.92514", "0.68141", "0.89435", "1"];
    let usage = ["0", "0.03582", "0.36550", "0.69079", "1"];
    for (text, exact) in latency.into_iter().zip(normalised(&default.latency_s)) {
        printed(text, exact);
    }
    for (text, exact) in usage.into_iter().zip(normalised(&default.usage_usd)) {
        printed(text, exact);
    }
}

/// Follows a given sequence.
struct Script(Vec<usize>);

impl OffloadPolicy for Script {
    fn choose(&mut self, context: &TurnContext<'_>) -> usize {
        self.0[context.past.len()]
    }
}

#[test]
fn the_optimum_is_that_of_every_sequence_tried() {
    let model = model();
    let short = |d: &usize| model.workload.dialogues[*d].turns.len() <= 3;
    let dialogues: Vec<usize> = (0..60).filter(short).take(6).collect();
    for dialogue in dialogues {
        let turns = model.workload.dialogues[dialogue].turns.len() as u32;
        let results: Vec<DialogueResult> = (0..9usize.pow(turns))
            .map(|path| {
                let actions = (0..turns).map(|turn| path / 9usize.pow(turn) % 9).collect();
                let all = Cost::PUBLISHED;
                evaluate(&model, Scorer::Estimator(&model), &[dialogue], &mut Script(actions), all)
                    .remove(0)
            })
            .collect();
        let tree = Tree::new(&model, dialogue).unwrap();
        for budget in
            [None, Some((30.0, 0.05)), Some((10.0, 0.01)), Some((5.0, 0.005)), Some((0.0, 0.0))]
        {
            let budget = budget.map(|(latency_s, usage_usd)| Cost { latency_s, usage_usd });
            let fits = |v: &&DialogueResult| budget.is_none_or(|budget| v.spent.within(budget));
            let best = results.iter().filter(fits).map(|v| v.reward).fold(f64::NAN, f64::max);
            let found = tree.best(budget);
            match found {
                Some(found) => {
                    assert!((found.reward - best).abs() < 1e-12, "{} {best}", found.reward);
                    assert!(fits(&&found));
                    let again = evaluate(
                        &model,
                        Scorer::Estimator(&model),
                        &[dialogue],
                        &mut Script(found.actions.clone()),
                        Cost::PUBLISHED,
                    );
                    assert_eq!(again, [found]);
                }
                None => assert!(best.is_nan()),
            }
        }
    }
}

/// More turns than a state remembers: sequences that end in one state are compared there.
#[test]
fn the_optimum_of_long_dialogues_is_that_of_every_sequence_tried() {
    for (turns, seed) in [(6, 1), (7, 2), (8, 3)] {
        let shape = SyntheticShape { views: 1, tasks: 2, turns };
        let workload = Arc::new(synthetic(shape, 30, Rng::new(seed, 0)));
        let split = workload.split(Rng::new(seed, 1), TEST_SHARE);
        let model =
            DialogueModel::new(workload, &split.train, ModelParams::new(synthetic_costs(1)))
                .unwrap();
        for dialogue in split.test.iter().copied().take(2) {
            let all = 3usize.pow(u32::try_from(turns).unwrap());
            let digits = |path: usize| {
                (0..turns).scan(path, |rest, _| {
                    let digit = *rest % 3;
                    *rest /= 3;
                    Some(digit)
                })
            };
            let results: Vec<DialogueResult> = (0..all)
                .map(|path| replay(&model, dialogue, &digits(path).collect::<Vec<_>>()))
                .collect();
            let tree = Tree::new(&model, dialogue).unwrap();
            let most = results[all - 1].spent;
            for part in [2.0, 0.6, 0.35, 0.2, 0.1, 0.03, 0.005, 0.0] {
                for budget in [most.times(part), Cost { latency_s: 1e3, ..most.times(part) }] {
                    let fits = |result: &&DialogueResult| result.spent.within(budget);
                    let rewards = results.iter().filter(fits).map(|result| result.reward);
                    let best = rewards.fold(f64::NEG_INFINITY, f64::max);
                    match tree.best(Some(budget)) {
                        Some(found) => {
                            assert!(fits(&&found), "{turns} {budget:?}: {found:?}");
                            assert!((found.reward - best).abs() < 1e-9, "{} {best}", found.reward);
                        }
                        None => assert!(best.is_infinite(), "{turns} {budget:?}: {best}"),
                    }
                }
            }
            let free = results.iter().map(|result| result.reward).fold(f64::NEG_INFINITY, f64::max);
            assert!((tree.best(None).unwrap().reward - free).abs() < 1e-12);
        }
    }
}

#[test]
fn a_dialogue_of_too_many_decisions_has_no_tree() {
    let shape = SyntheticShape { views: 10, tasks: 1, turns: 3 };
    let workload = Arc::new(synthetic(shape, 5, Rng::new(1, 0)));
    let model = DialogueModel::new(workload, &[0], ModelParams::new(synthetic_costs(10))).unwrap();
    assert!(decisions(&model, 0).is_none() && Tree::new(&model, 0).is_none());
    let shape = SyntheticShape { views: 3, tasks: 1, turns: 12 };
    let workload = Arc::new(synthetic(shape, 5, Rng::new(1, 0)));
    let model = DialogueModel::new(workload, &[0], ModelParams::new(synthetic_costs(3))).unwrap();
    assert_eq!(decisions(&model, 0), Some(9 + 81 + 729 + 6561 + 59_049 + 7 * 531_441));
}

#[test]
fn no_policy_exceeds_the_optimum_within_the_budget_and_guards_keep_it() {
    let model = model();
    let split = model.workload.split(Rng::new(7, 1), TEST_SHARE);
    let trees: Vec<Tree<'_>> =
        split.test.iter().map(|dialogue| Tree::new(&model, *dialogue).unwrap()).collect();
    for budget in [Cost::PUBLISHED, Cost { latency_s: 7.0, usage_usd: 0.007 }] {
        let free: Vec<f64> = trees.iter().map(|t| t.best(None).unwrap().reward).collect();
        let bound: Vec<f64> = trees.iter().map(|t| t.best(Some(budget)).unwrap().reward).collect();
        for entry in POLICIES {
            let name = if entry.name == "always" { "always:cloud+0" } else { entry.name };
            let mut policy = build(name, &model, Rng::new(1, 0)).unwrap();
            if policy.learns() {
                train(&model, &split.train, policy.as_mut(), budget, 2000, Rng::new(2, 0));
            }
            let results =
                evaluate(&model, Scorer::Estimator(&model), &split.test, policy.as_mut(), budget);
            let again =
                evaluate(&model, Scorer::Estimator(&model), &split.test, policy.as_mut(), budget);
            assert_eq!(results, again, "{name}");
            for ((result, free), bound) in results.iter().zip(&free).zip(&bound) {
                assert!(result.reward <= free + 1e-12, "{name}");
                assert!(result.reward <= bound + 1e-12 || !result.spent.within(budget), "{name}");
            }
            if name.ends_with("-guarded") || ["local", "tmo-rl-plus"].contains(&name) {
                let summary = PolicySummary::of(&model, &results, budget);
                assert_eq!((summary.latency.rate, summary.usage.rate), (0.0, 0.0), "{name}");
            }
        }
    }
}

#[test]
fn policies_that_learn_are_better_than_random_ones() {
    let model = model();
    let split = model.workload.split(Rng::new(7, 1), TEST_SHARE);
    let budget = Cost::PUBLISHED;
    let reward = |name: &str| {
        let mut policy = build(name, &model, Rng::new(1, 0)).unwrap();
        train(&model, &split.train, policy.as_mut(), budget, 20_000, Rng::new(2, 0));
        let results =
            evaluate(&model, Scorer::Estimator(&model), &split.train, policy.as_mut(), budget);
        PolicySummary::of(&model, &results, budget).reward
    };
    let random = reward("random");
    for name in ["epsilon-greedy", "ucb1", "thompson", "linucb", "greedy-knn", "tmo-rl-plus"] {
        let reward = reward(name);
        assert!(reward > random + 0.1, "{name}: {reward} against {random}");
    }
}

#[test]
fn prices_bring_a_linear_bandit_near_its_budget() {
    let model = model();
    let split = model.workload.split(Rng::new(7, 1), TEST_SHARE);
    let spent = |budget: Cost| {
        let mut policy = build("linucb", &model, Rng::new(1, 0)).unwrap();
        train(&model, &split.train, policy.as_mut(), budget, 20_000, Rng::new(2, 0));
        let results =
            evaluate(&model, Scorer::Estimator(&model), &split.train, policy.as_mut(), budget);
        PolicySummary::of(&model, &results, budget).spent
    };
    let tight = Cost { latency_s: 7.0, usage_usd: 0.007 };
    let (free, held) = (spent(Cost::PUBLISHED.times(10.0)), spent(tight));
    assert!(held.latency_s < 1.3 * tight.latency_s, "{held:?}");
    assert!(held.latency_s < 0.7 * free.latency_s, "{held:?} {free:?}");
}

#[test]
fn a_window_counts_the_last_six_calls_of_a_long_dialogue() {
    let shape = SyntheticShape { views: 3, tasks: 3, turns: 10 };
    let workload = Arc::new(synthetic(shape, 20, Rng::new(1, 0)));
    let train = workload.whole().train;
    let model = DialogueModel::new(workload, &train, ModelParams::new(synthetic_costs(3))).unwrap();
    let mut policy = build("always:cloud", &model, Rng::new(1, 0)).unwrap();
    let results =
        evaluate(&model, Scorer::Estimator(&model), &train, policy.as_mut(), Cost::PUBLISHED);
    let total = |results: &[DialogueResult]| {
        PolicySummary::of(&model, results, Cost::PUBLISHED).spent.latency_s
    };
    assert!((total(&results) - 5.0).abs() < 1e-12);
    let windowed: Vec<_> = results.into_iter().map(|result| result.windowed(&model)).collect();
    assert!((total(&windowed) - 3.0).abs() < 1e-12);
}

/// Four scores of a task on the device, one of them a lucky one in the state that is asked for: the
/// nearest turn alone is trusted by the planner, and shrunk by ours.
#[test]
fn our_agent_trusts_one_lucky_turn_less() {
    let turn = |action: Action, score: f64| Turn {
        task: 0,
        action,
        raw: score,
        score,
        time_s: 1.0,
        cost_usd: 0.0,
        association: vec![0.2; 3],
    };
    // First turns: twenty local ones of 0.8, and one in the cloud that scored 1.4.
    let one = |action, score| Dialogue { id: String::new(), turns: vec![turn(action, score)] };
    let mut dialogues: Vec<Dialogue> = (0..20).map(|_| one(Action::Local, 0.8)).collect();
    dialogues.push(one(Action::Cloud(0), 4.0));
    let tasks = vec!["t".to_owned()];
    let workload = Workload { tasks, actions: Actions::new(3), dialogues, truth: None };
    let all: Vec<usize> = (0..21).collect();
    let model =
        DialogueModel::new(Arc::new(workload), &all, ModelParams::new(published())).unwrap();
    let first = |name: &str| {
        let mut policy = build(name, &model, Rng::new(1, 0)).unwrap();
        let scorer = Scorer::Estimator(&model);
        evaluate(&model, scorer, &[0], policy.as_mut(), Cost::PUBLISHED)[0].actions[0]
    };
    assert_eq!(model.actions().name(first("greedy-knn-guarded")), "cloud");
    let (mut nearest, mut shrunk, mut state) = (Vec::new(), Vec::new(), Vec::new());
    model.state(&model.workload.dialogues[0], &[], &mut state);
    model.responses(&state, &mut nearest);
    model.shrunk_responses(&state, &mut shrunk);
    // An exact match is nearly all of the nearest turns' mean; with 0.3 added to distances of 0 and
    // 1, it has 13/3 of the weight of each of 4, 9 and 19 others.
    assert!(nearest[1] > 3.99, "{nearest:?}");
    let mean = |others: f64| (4.0 * 13.0 / 3.0 + 0.8 * others) / (13.0 / 3.0 + others);
    let expected = [4.0, 9.0, 19.0].map(mean).iter().sum::<f64>() / 3.0;
    assert!((shrunk[1] - expected).abs() < 1e-9, "{} {expected}", shrunk[1]);
}
