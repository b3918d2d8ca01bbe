//! Users who share an uplink, workers that fail, and runs that end early: timelines made by hand.

use super::hand::{Says, deadline, dialogues, near, run, table};
use peeksim::config::source::Source;
use peeksim::core::rng::Rng;
use peeksim::core::units::{Span, Time};
use peeksim::offloading::cost::{CallLink, Costs};
use peeksim::offloading::evaluate::evaluate;
use peeksim::offloading::multi_user::{self, MultiUserSpec, TurnPacing};
use peeksim::offloading::policies::{POLICIES, build};
use peeksim::offloading::{Cost, Scorer};
use peeksim::system::catalog::WorkerSpec;
use peeksim::system::faults::{Outage, Slowdown};
use peeksim::system::link::{Bandwidth, Link, Uplink};
use std::sync::Arc;

const BUDGET: Cost = Cost { latency_s: 1e3, usage_usd: 1.0 };

/// 0.2 s there and back; calls of 0 to 3 views are 0.1, 2, 3 and 4 MB.
fn over(uplink: Uplink, compute_s: [f64; 4]) -> Costs {
    let link = Link { rtt: Span::from_s(0.2), uplink, power_w: None };
    let bytes = vec![100_000, 2_000_000, 3_000_000, 4_000_000];
    table().over(CallLink { link, bytes, compute_s: compute_s.to_vec() })
}

/// A megabyte a second.
const STEADY: Uplink = Uplink::Constant(8_000_000);

fn at_once(users: u32, cloud_lanes: u16) -> MultiUserSpec {
    MultiUserSpec::new(users, TurnPacing::Closed(Span::ZERO), cloud_lanes)
}

fn outage(from_s: f64, for_s: f64) -> Vec<Outage> {
    vec![Outage { from: Time::ZERO + Span::from_s(from_s), span: Span::from_s(for_s) }]
}

#[test]
fn a_single_user_over_a_link_is_the_closed_form() {
    let compute_s = [1.0, 1.5, 2.0, 2.5];
    let (model, all) = dialogues(&[1, 2, 3, 4], over(STEADY, compute_s));
    for (views, action) in [(0, "cloud"), (1, "cloud+1"), (2, "cloud+0+2"), (3, "cloud+0+1+2")] {
        let policy = || build(&format!("always:{action}"), &model, Rng::new(1, 0)).unwrap();
        let alone = evaluate(&model, Scorer::Estimator(&model), &all, policy().as_mut(), BUDGET);
        let found = run(&model, &all, policy().as_mut(), &at_once(1, 1));
        let call_s = 0.2 + [0.1, 2.0, 3.0, 4.0][views] + compute_s[views];
        for (found, alone) in found.iter().zip(&alone) {
            near(found.spent.latency_s, call_s * found.actions.len() as f64);
            near(found.spent.latency_s, alone.spent.latency_s);
            near(found.reward, alone.reward);
            assert_eq!((found.waited_s, found.failed), (0.0, 0));
        }
    }
}

#[test]
fn two_users_share_an_uplink() {
    // (lanes, seconds of computing, latency and wait of the second user)
    for (lanes, compute_s, latency_s, waited_s) in
        [(2, 1.5, 5.7, 2.0), (1, 1.5, 5.7, 2.0), (1, 3.0, 8.2, 3.0), (2, 3.0, 7.2, 2.0)]
    {
        let (model, all) = dialogues(&[1, 1], over(STEADY, [compute_s; 4]));
        let mut policy = Says::new(&[2, 2]);
        let found = run(&model, &all, &mut policy, &at_once(2, lanes));
        near(found[0].spent.latency_s, 0.1 + 2.0 + compute_s + 0.1);
        near(found[0].waited_s, 0.0);
        near(found[1].spent.latency_s, latency_s);
        near(found[1].waited_s, waited_s);
        // The second is told so, and that a call without views would be sent behind the first.
        let told = &policy.told[1];
        near(told[2], waited_s);
        near(told[0], 0.0);
        let lane_s = if lanes == 1 { 2.1 + compute_s } else { 0.0 };
        near(told[1], lane_s.max(2.0 + 0.1 + 0.1) - (0.1 + 0.1));
    }
}

#[test]
fn an_uplink_that_changes_is_felt_and_not_foreseen() {
    // 8 Mbit/s for a second, 4 for the next, and so on: 6 on average.
    let text = "time_s,mbps\n0,8\n1,4\n".to_owned();
    let rates = Bandwidth::parse(&Source { path: "b.csv".into(), text, sha256: String::new() });
    let uplink = Uplink::Table(Arc::new(rates.unwrap()));
    let (model, all) = dialogues(&[1], over(uplink, [1.5; 4]));
    let mut policy = Says::new(&[2]);
    let found = run(&model, &all, &mut policy, &at_once(1, 1));
    // 16 Mbit: 8 in the first second, 4 in the next, 4 in half of the third.
    near(found[0].spent.latency_s, 0.2 + 2.5 + 1.5);
    near(found[0].waited_s, 0.0);
    // By the costs it takes 16/6 s, by the rate of the moment 2.
    near(model.spend(2).latency_s, 0.2 + 16.0 / 6.0 + 1.5);
    near(policy.told[0][2], 2.0 - 16.0 / 6.0);
}

#[test]
fn a_turn_is_decided_again_when_its_worker_fails() {
    let (model, all) = dialogues(&[1], table());
    let device = WorkerSpec { outages: outage(1.0, 3.0), ..WorkerSpec::new("device") };
    let spec = MultiUserSpec { device, ..at_once(1, 1) };
    // The local call of 2 s is lost at 1 and begins again at 4.
    let mut policy = Says::new(&[0, 0]);
    let [found] = &run(&model, &all, &mut policy, &spec)[..] else { panic!("one dialogue") };
    near(found.spent.latency_s, 6.0);
    near(found.waited_s, 4.0);
    near(policy.told[1][0], 3.0);
    assert_eq!((found.failed, &found.actions[..]), (0, &[0][..]));
    // Or it goes to the cloud, which takes 3 s; the lost call costs nothing.
    let mut policy = Says::new(&[0, 1]);
    let [found] = &run(&model, &all, &mut policy, &spec)[..] else { panic!("one dialogue") };
    near(found.spent.latency_s, 4.0);
    near(found.waited_s, 1.0);
    near(found.spent.usage_usd, model.spend(1).usage_usd);
    assert_eq!(found.actions, [1]);
    let expected = model.reward(found.response, &[0.2, 0.1, 0.1], 1);
    near(found.reward, expected - model.charge_of_waiting(1.0));
}

#[test]
fn a_failure_of_the_cloud_ends_an_upload() {
    let (model, all) = dialogues(&[1], over(STEADY, [1.5; 4]));
    let spec = at_once(1, 1);
    let cloud = WorkerSpec { outages: outage(1.0, 0.5), ..spec.cloud.clone() };
    // Half of the 2 MB were sent: all are sent again from 1 to 3.
    let found = run(&model, &all, &mut Says::new(&[2, 2]), &MultiUserSpec { cloud, ..spec });
    near(found[0].spent.latency_s, 1.0 + 2.0 + 1.5 + 0.2);
    near(found[0].waited_s, 1.0);
}

#[test]
fn a_slow_worker_takes_longer_than_policies_are_told() {
    let (model, all) = dialogues(&[2], table());
    let slowdown = Some(Slowdown { from: Time::ZERO + Span::from_s(1.0), factor: 3.0 });
    let device = WorkerSpec { slowdown, speed: 2.0, ..WorkerSpec::new("device") };
    let mut policy = Says::new(&[0, 0]);
    let found = run(&model, &all, &mut policy, &MultiUserSpec { device, ..at_once(1, 1) });
    // The costs say 2 s. Twice as fast it takes 1; the second turn begins at 1 and takes 3.
    near(found[0].spent.latency_s, 4.0);
    near(found[0].waited_s, 0.0);
    assert!(policy.told.iter().all(|told| (told[0] + 1.0).abs() < 1e-9), "{:?}", policy.told);
}

#[test]
fn a_turn_that_is_sent_to_a_dead_worker_is_never_answered() {
    let (model, all) = dialogues(&[2, 2], table());
    let from = Time::ZERO + Span::from_s(1.0);
    let outages = vec![Outage { from, span: Span(u64::MAX) }];
    let device = WorkerSpec { outages, ..WorkerSpec::new("device") };
    let spec = MultiUserSpec { device, ..at_once(2, 1) };
    // The first user insists on the device; the second has both answers from the cloud at 6 s.
    let mut policy = Says::new(&[0, 1, 0, 1]);
    let found = run(&model, &all, &mut policy, &spec);
    assert_eq!(policy.told[2][0], f64::INFINITY);
    assert_eq!((found[0].failed, found[1].failed), (2, 0));
    near(found[0].spent.latency_s, 6.0);
    near(found[0].waited_s, 6.0);
    assert_eq!((found[0].response, &found[0].actions[..]), (0.0, &[0][..]));
    // The fastest call takes 2 s.
    near(found[0].reward, -model.charge_of_waiting(6.0 - 2.0) / 2.0);
    near(found[1].spent.latency_s, 6.0);
}

/// No policy that is told of it sends a turn to a worker that never comes back.
#[test]
fn planners_leave_a_dead_worker_alone() {
    let (model, all) = dialogues(&[1, 2, 3, 4], table());
    let outages = vec![Outage { from: Time::ZERO, span: Span(u64::MAX) }];
    let dead = |class| WorkerSpec { outages: outages.clone(), ..WorkerSpec::new(class) };
    let no_device = MultiUserSpec { device: dead("device"), ..at_once(2, 1) };
    let no_cloud = MultiUserSpec { cloud: dead("cloud"), ..at_once(2, 1) };
    let tight = Cost { latency_s: 1.0, usage_usd: 1e3 };
    for name in POLICIES.iter().map(|entry| entry.name) {
        if !name.starts_with("greedy-knn") && name != "tmo-rl-plus" {
            continue;
        }
        for (spec, in_cloud) in [(&no_device, true), (&no_cloud, false)] {
            for budget in [BUDGET, tight] {
                let mut policy = build(name, &model, Rng::new(1, 0)).unwrap();
                let (policy, scorer) = (policy.as_mut(), Scorer::Estimator(&model));
                let found =
                    multi_user::evaluate(&model, scorer, &all, policy, budget, spec).unwrap();
                for result in found {
                    let all = result.actions.iter().all(|action| (*action > 0) == in_cloud);
                    assert!(all && result.failed == 0, "{name}, {budget:?}: {result:?}");
                    assert!(result.reward.is_finite());
                }
            }
        }
    }
}

#[test]
fn a_run_that_ends_early_leaves_turns_without_an_answer() {
    let (model, all) = dialogues(&[3], table());
    // Local calls of 2 s, one after the other: at 2, 4 and 6.
    for (until_s, failed, latency_s) in [(1.0, 3, 1.0), (2.0, 2, 2.0), (5.0, 1, 5.0), (9.0, 0, 6.0)]
    {
        let spec = MultiUserSpec { until: Some(deadline(until_s)), ..at_once(1, 1) };
        let found = run(&model, &all, &mut Says::new(&[0; 3]), &spec);
        assert_eq!(found[0].failed, failed, "{until_s}");
        near(found[0].spent.latency_s, latency_s);
    }
}

#[test]
fn systems_that_do_not_fit_are_refused() {
    let link = Some(Link { rtt: Span::from_s(0.2), uplink: STEADY, power_w: None });
    let usual = || at_once(1, 1);
    let linked = |class| WorkerSpec { link: link.clone(), ..WorkerSpec::new(class) };
    let two = WorkerSpec { count: 2, ..WorkerSpec::new("device") };
    let short = || CallLink {
        link: linked("cloud").link.expect("a link"),
        bytes: vec![1, 2],
        compute_s: vec![1.0; 4],
    };
    for (spec, costs, said) in [
        (MultiUserSpec { users: 0, ..usual() }, table(), "found no user, expected one user"),
        (MultiUserSpec { device: two, ..usual() }, table(), "found 2 workers of 1 lanes"),
        (at_once(1, 0), table(), "found 1 workers of 0 lanes, expected one cloud"),
        (MultiUserSpec { device: linked("device"), ..usual() }, table(), "a device behind a link"),
        (
            MultiUserSpec { cloud: linked("cloud"), ..usual() },
            table(),
            "found a link and a table of latencies, expected costs by bytes",
        ),
        (
            usual(),
            Costs { link: Some(short()), ..table() },
            "found bytes and seconds of calls with fewer than 2 views, expected those of calls \
             with 0 to 3 views",
        ),
    ] {
        let (model, all) = dialogues(&[1], costs);
        let (scorer, policy) = (Scorer::Estimator(&model), &mut Says::new(&[1]));
        let said_of = multi_user::evaluate(&model, scorer, &all, policy, BUDGET, &spec);
        let problem = said_of.unwrap_err();
        assert!(problem.contains(said), "{problem}");
    }
}
