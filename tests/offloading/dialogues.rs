//! Dialogues on the step machine: a single user as published, and many concurrent users in queues.

use super::{physical, published};
use peeksim::core::rng::Rng;
use peeksim::core::units::Span;
use peeksim::offloading::evaluate::{DialogueResult, evaluate};
use peeksim::offloading::generate::like_m4a1;
use peeksim::offloading::multi_user::{self, MultiUserSpec, TurnPacing};
use peeksim::offloading::policies::{POLICIES, build};
use peeksim::offloading::policy::TurnContext;
use peeksim::offloading::{
    Cost, Costs, DialogueModel, ModelParams, OffloadPolicy, Scorer, TEST_SHARE,
};
use std::sync::{Arc, Mutex};

const BUDGET: Cost = Cost::PUBLISHED;

fn model(costs: Costs) -> (DialogueModel, Vec<usize>) {
    let workload = Arc::new(like_m4a1(150, Rng::new(3, 0)));
    let split = workload.split(Rng::new(3, 1), TEST_SHARE);
    let model = DialogueModel::new(workload, &split.train, ModelParams::new(costs)).unwrap();
    (model, split.test)
}

fn spec(users: u32, think_s: f64, cloud_lanes: u16) -> MultiUserSpec {
    let pacing = TurnPacing::Closed(Span::from_s(think_s));
    MultiUserSpec::new(users, pacing, cloud_lanes)
}

fn results(
    model: &DialogueModel,
    test: &[usize],
    policy: &str,
    spec: &MultiUserSpec,
) -> Vec<DialogueResult> {
    let mut policy = build(policy, model, Rng::new(5, 0)).unwrap();
    multi_user::evaluate(model, Scorer::Estimator(model), test, policy.as_mut(), BUDGET, spec)
        .unwrap()
}

/// A single user never waits: the same decisions, rewards and costs as without an engine.
#[test]
fn one_dialogue_at_a_time_is_the_published_setting() {
    let (model, test) = model(published());
    for entry in POLICIES {
        let name = if entry.name == "always" { "always:cloud+0+1" } else { entry.name };
        let mut policy = build(name, &model, Rng::new(5, 0)).unwrap();
        if policy.learns() {
            continue;
        }
        let alone = evaluate(&model, Scorer::Estimator(&model), &test, policy.as_mut(), BUDGET);
        for think_s in [0.0, 2.5] {
            let found = results(&model, &test, name, &spec(1, think_s, 1));
            assert_eq!(found.len(), alone.len());
            for (found, alone) in found.iter().zip(&alone) {
                assert_eq!(found.actions, alone.actions, "{name}");
                let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-9, "{name}: {a} {b}");
                near(found.reward, alone.reward);
                near(found.response, alone.response);
                near(found.association, alone.association);
                near(found.spent.latency_s, alone.spent.latency_s);
                near(found.spent.usage_usd, alone.spent.usage_usd);
            }
        }
    }
}

/// With many cloud lanes no call waits, with few lanes calls queue.
#[test]
fn queues_form_where_there_are_few_lanes() {
    let (model, test) = model(published());
    let mean_s = |spec: MultiUserSpec| {
        let results = results(&model, &test, "always:cloud", &spec);
        let turns: usize = results.iter().map(|result| result.actions.len()).sum();
        results.iter().map(|result| result.spent.latency_s).sum::<f64>() / turns as f64
    };
    let call = model.spend(1).latency_s;
    assert!((mean_s(spec(8, 0.0, 8)) - call).abs() < 1e-8);
    // Three users without think time on one lane: each call waits for two others, but for the start
    // and the end.
    let three = mean_s(spec(3, 0.0, 1));
    assert!(three > 2.7 * call && three < 3.0 * call, "{three}");
    // Open loop: a call takes longer than the gap, and queues grow.
    let pacing = TurnPacing::Open(Span::from_s(1.0));
    let open = MultiUserSpec { pacing, ..spec(2, 0.0, 1) };
    assert!(mean_s(open) > 10.0 * call);
}

/// Decisions of a user do not depend on other users if the policy ignores queues; rewards do, by
/// the waiting time over the range of the kinds of calls.
#[test]
fn waiting_is_in_the_reward() {
    let (model, test) = model(published());
    let alone = results(&model, &test, "greedy-knn", &spec(1, 0.0, 1));
    let blind = MultiUserSpec { queue_info: false, ..spec(6, 0.0, 1) };
    let crowd = results(&model, &test, "greedy-knn", &blind);
    let range = 6.98211 - 0.011_428_571_428_571_43;
    for (alone, crowd) in alone.iter().zip(&crowd) {
        assert_eq!(alone.actions, crowd.actions);
        let waited = crowd.spent.latency_s - alone.spent.latency_s;
        let expected = alone.reward - waited / range / 3.0 / alone.actions.len() as f64;
        assert!((crowd.reward - expected).abs() < 1e-7, "{} {expected}", crowd.reward);
    }
}

/// Records the waiting times that it is told, and takes actions in rotation.
struct Notes(usize, Arc<Mutex<Vec<(usize, usize, f64)>>>);

impl OffloadPolicy for Notes {
    fn choose(&mut self, context: &TurnContext<'_>) -> usize {
        let action = [0, 1, 1, 3, 8][self.0 % 5];
        self.0 += 1;
        let told = (context.dialogue, action, context.wait_s(action));
        self.1.lock().expect("a list").push(told);
        action
    }
}

/// A call waits as long as its policy was told, to the nanosecond.
#[test]
fn calls_wait_as_long_as_policies_are_told() {
    for costs in [published(), physical()] {
        let (model, test) = model(costs);
        for (users, lanes) in [(1, 1), (9, 2), (40, 3)] {
            let told = Arc::new(Mutex::new(Vec::new()));
            let mut policy = Notes(0, Arc::clone(&told));
            let spec = spec(users, 1.0, lanes);
            let results = multi_user::evaluate(
                &model,
                Scorer::Estimator(&model),
                &test,
                &mut policy,
                BUDGET,
                &spec,
            )
            .unwrap();
            let told = told.lock().expect("a list");
            let mut waited = 0.0;
            for (dialogue, result) in test.iter().zip(&results) {
                let of: Vec<_> = told.iter().filter(|(d, ..)| d == dialogue).collect();
                let spends =
                    of.iter().map(|(_, action, wait)| wait + model.spend(*action).latency_s);
                let expected: f64 = spends.sum();
                assert!((result.spent.latency_s - expected).abs() < 1e-7, "{result:?} {expected}");
                let waits: f64 = of.iter().map(|(_, _, wait)| wait).sum();
                assert!((result.waited_s - waits).abs() < 1e-7, "{result:?} {waits}");
                assert_eq!(result.failed, 0);
                waited += waits;
            }
            assert_eq!(waited > 0.0, users > 1, "{users} users wait {waited} s");
        }
    }
}

/// Planners answer on the device where waiting for the cloud costs more than the cloud gains, or
/// would exceed the budget.
#[test]
fn planners_avoid_long_queues() {
    let (model, test) = model(published());
    let reward = |policy: &str, hide_waits: bool| {
        let spec = MultiUserSpec { queue_info: !hide_waits, ..spec(60, 0.0, 2) };
        let results = results(&model, &test, policy, &spec);
        results.iter().map(|result| result.reward).sum::<f64>() / results.len() as f64
    };
    for policy in ["greedy-knn", "greedy-knn-guarded", "tmo-rl-plus"] {
        let (told, blind) = (reward(policy, false), reward(policy, true));
        assert!(told > blind + 0.1, "{policy}: {told} {blind}");
    }
}

/// A device whose calls take longer than the budget allows: a single user stays on it, since no
/// other action leaves enough for later turns; with a queue there, a guard allows the cloud.
#[test]
fn guarded_planners_avoid_a_queue_at_the_device() {
    let (model, test) = model(physical());
    let share = |policy: &str, users, hide_waits: bool| {
        let results = results(
            &model,
            &test,
            policy,
            &MultiUserSpec { queue_info: !hide_waits, ..spec(users, 5.0, 4) },
        );
        let actions: Vec<usize> = results.into_iter().flat_map(|result| result.actions).collect();
        actions.iter().filter(|action| **action > 0).count() as f64 / actions.len() as f64
    };
    for policy in ["greedy-knn-guarded", "tmo-rl-plus"] {
        assert_eq!([share(policy, 1, false), share(policy, 10, true)], [0.0; 2], "{policy}");
        assert!(share(policy, 10, false) > 0.5, "{policy}");
    }
}

/// By dialogue: its nanoseconds in the queues, computed without the engine. Turns of one instant
/// are served by the number of their user.
fn by_hand(lengths: &[usize], users: usize, think_ns: u64, lanes: usize, call_ns: u64) -> Vec<u64> {
    let mut took = vec![0; lengths.len()];
    let mut free = vec![0u64; lanes];
    // By user: the next arrival with its dialogue and turn.
    let mut coming: Vec<Option<(u64, usize, usize)>> =
        (0..users).map(|user| (user < lengths.len()).then_some((think_ns, user, 0))).collect();
    loop {
        let first = (0..users).filter(|user| coming[*user].is_some());
        let Some(user) = first.min_by_key(|user| (coming[*user].map(|next| next.0), *user)) else {
            return took;
        };
        let Some((time, dialogue, turn)) = coming[user] else { return took };
        let lane = (0..lanes).min_by_key(|lane| free[*lane]).expect("a lane");
        let end = free[lane].max(time) + call_ns;
        free[lane] = end;
        took[dialogue] += end - time;
        let last = turn + 1 == lengths[dialogue];
        let (dialogue, turn) = if last { (dialogue + users, 0) } else { (dialogue, turn + 1) };
        coming[user] = (dialogue < lengths.len()).then_some((end + think_ns, dialogue, turn));
    }
}

/// Users with the same think time arrive at the same instants repeatedly.
#[test]
fn users_of_one_instant_are_served_by_number() {
    let (model, test) = model(published());
    let lengths: Vec<usize> =
        test.iter().map(|dialogue| model.workload.dialogues[*dialogue].turns.len()).collect();
    let call_ns = Span::from_s(model.spend(1).latency_s).0;
    for (users, think_s, lanes) in [(5, 0.0, 2), (7, 2.0, 3), (12, 10.0, 4), (30, 6.4603, 7)] {
        let think_ns = Span::from_s(think_s).0;
        let expected = by_hand(&lengths, users, think_ns, lanes, call_ns);
        let spec = spec(users as u32, think_s, lanes as u16);
        let found = results(&model, &test, "always:cloud", &spec);
        for (at, (result, expected)) in found.iter().zip(&expected).enumerate() {
            let (found, expected) = (result.spent.latency_s, Span(*expected).as_s());
            let said = format!("{users} users, {lanes} lanes, dialogue {at}: {found} {expected}");
            assert!((found - expected).abs() < 1e-6, "{said}");
        }
    }
}
