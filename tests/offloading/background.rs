//! Other applications on the device.

use super::hand::{Says, dialogues, near, run, table};
use peeksim::config::source::Source;
use peeksim::config::{ConfigNode, Problems};
use peeksim::core::rng::Rng;
use peeksim::core::units::{Span, Time};
use peeksim::experiment::{InputCache, read_users};
use peeksim::offloading::generate::like_m4a1;
use peeksim::offloading::multi_user::{MultiUserSpec, TurnPacing};
use peeksim::offloading::policies::build;
use peeksim::offloading::{Costs, DialogueModel, LocalFormula, ModelParams};
use peeksim::system::catalog::{AppSpec, WorkerSpec};
use peeksim::system::deadline_budget::DeadlineBudget;
use peeksim::system::latency::LatencyPoints;
use peeksim::system::profile::{Profile, VariantCost, VariantProfile};
use std::sync::Arc;

/// `affine` answers in 0.8 ms.
const SERVICE_NS: u64 = 800_000;

/// The users of a table of settings.
fn users(text: &str) -> MultiUserSpec {
    let (text, mut problems) = (text.to_owned(), Problems::default());
    let source = Source { path: "users.toml".into(), text, sha256: String::new() };
    let node = ConfigNode::parse(&source).unwrap();
    let spec = read_users(&node, &mut InputCache::default(), &mut problems);
    spec.unwrap_or_else(|| panic!("{problems}"))
}

fn affine(workload: &str, more: &str) -> MultiUserSpec {
    users(&format!(
        "{more}\ndevice = {{ class = 'affine' }}\n\
         background = {{ apps = ['affine'], workload = {{ {workload} }} }}"
    ))
}

/// Waits of local turns that arrive at fixed instants, by Lindley's recursion over the requests of
/// the process and the turns.
fn by_hand(spec: &MultiUserSpec, turns: &[u64], call_ns: u64) -> Vec<u64> {
    let others = spec.background.as_ref().expect("another application");
    let mut arrivals = others.arrivals(&spec.device, spec.rng).unwrap();
    let mut all: Vec<(u64, bool)> = turns.iter().map(|time| (*time, false)).collect();
    let last = *turns.last().expect("a turn");
    while let Some(next) = arrivals.next_arrival().filter(|next| next.time.0 <= last) {
        all.push((next.time.0, true));
    }
    all.sort_unstable();
    let mut free = 0u64;
    let mut waits = Vec::new();
    for (time, is_other) in all {
        let start = free.max(time);
        free = start + if is_other { SERVICE_NS } else { call_ns };
        if !is_other {
            waits.push(start - time);
        }
    }
    waits
}

/// 800 periodic requests a second leave a fifth of the device: the turns wait for them, and they
/// for the turns.
#[test]
fn turns_and_periodic_requests_are_served_in_order() {
    let (model, all) = dialogues(&[40], super::published());
    let call_ns = Span::from_s(model.spend(0).latency_s).0;
    for (gap_s, jitter) in [(0.05, 0.0), (0.013, 0.0), (0.0313, 0.4)] {
        let workload = format!("arrivals = 'periodic', rate_rps = 1000, jitter = {jitter}");
        let spec = affine(&workload, &format!("interarrival_s = {gap_s}"));
        let spec = MultiUserSpec { rng: Rng::new(7, 3), ..spec };
        let turns: Vec<u64> = (0..40).map(|turn| turn * Span::from_s(gap_s).0).collect();
        let waits = by_hand(&spec, &turns, call_ns);
        let mut policy = Says::new(&[0; 40]);
        let found = run(&model, &all, &mut policy, &spec);
        let total = Span(waits.iter().sum()).as_s();
        near(found[0].waited_s, total);
        assert!(total > 0.0 && found[0].failed == 0);
        for (told, wait) in policy.told.iter().zip(&waits) {
            near(told[0], Span(*wait).as_s());
        }
    }
}

/// Of Poisson requests with constant service at a load of ρ, a request finds the work
/// ρ S / (2 (1 − ρ)) before it (M/D/1).
#[test]
fn turns_find_the_work_of_poisson_requests() {
    let costs = Costs { latency_s: vec![0.001; 5], ..table() };
    let workload = Arc::new(like_m4a1(300, Rng::new(3, 0)));
    let all: Vec<usize> = (0..workload.dialogues.len()).collect();
    let model = DialogueModel::new(workload, &all[..50], ModelParams::new(costs)).unwrap();
    for load in [0.5, 0.8] {
        // The load is that of the device; what the turns add to it is less than a hundredth.
        let workload = format!("arrivals = 'poisson', load = {load}");
        let spec = affine(&workload, "interarrival_s = 0.2");
        let mut policy = build("local", &model, Rng::new(1, 0)).unwrap();
        let found = run(&model, &all, policy.as_mut(), &spec);
        let turns: usize = found.iter().map(|result| result.actions.len()).sum();
        let mean_s = found.iter().map(|result| result.waited_s).sum::<f64>() / turns as f64;
        let expected = load * SERVICE_NS as f64 / 1e9 / (2.0 * (1.0 - load));
        assert!(turns > 1000, "{turns}");
        assert!((mean_s / expected - 1.0).abs() < 0.15, "{load}: {mean_s} {expected}");
    }
}

/// A client that thinks 10 ms and is answered in 0.8 sends at 10, 20.8 and so on, but for the time
/// that it waits for a turn.
#[test]
fn a_closed_loop_beside_turns_is_that_of_its_own_answers() {
    let (model, all) = dialogues(&[3], Costs { latency_s: vec![0.012; 5], ..table() });
    let workload = "arrivals = 'closed', clients = 1, think_ms = 10, think = 'constant'";
    let spec = affine(workload, "think_s = 0.021");
    let mut policy = Says::new(&[0; 3]);
    let found = run(&model, &all, &mut policy, &spec);
    // Requests 10–10.8 and 20.8–21.6; the turn of 21 waits and ends at 33.6. The request of 31.6
    // ends at 34.4, the next two are 44.4–45.2 and 55.2–56. The turn of 54.6 is answered at 66.6,
    // the request of 55.2 waits for it and ends at 67.4, the next ones are 77.4–78.2 and 88.2.
    // The turn of 87.6 does not wait.
    let waits: Vec<f64> = policy.told.iter().map(|told| told[0]).collect();
    near(waits[0], 0.0006);
    near(waits[1], 0.0);
    near(waits[2], 0.0);
    near(found[0].waited_s, 0.0006);
    // Turns of 20, 52 and 84 ms: the client sends at 10, 20.8, 42.8, 53.6, 74.8 and 85.6.
    let spec = affine(workload, "think_s = 0.02");
    near(run(&model, &all, &mut Says::new(&[0; 3]), &spec)[0].waited_s, 0.0);
    // Two clients: 10–10.8–11.6, 20.8–21.6–22.4. The turn of 22 waits 0.4 and ends at 34.4; then
    // 34.4–35.2–36 and 45.2–46–46.8. The turn of 56.4 waits for 56–56.8, goes before the request of
    // 56.8, and ends at 68.8: 68.8–69.6–70.4 and 79.6–80.4–81.2. The turn of 90.8 waits for
    // 90.4–91.2.
    let spec = affine(&workload.replace("clients = 1", "clients = 2"), "think_s = 0.022");
    near(run(&model, &all, &mut Says::new(&[0; 3]), &spec)[0].waited_s, 0.0012);
}

/// An application whose model takes 6 bytes and 50 ms to load, and answers in 10 ms.
fn large() -> AppSpec {
    let cost = VariantCost::new(
        "box",
        LatencyPoints::one_by_one(Span::from_ms(10.0)),
        Span::from_ms(50.0),
    );
    let variant = VariantProfile {
        name: "large".to_owned(),
        shares: None,
        bytes: 6,
        payload_bytes: None,
        accuracy: 1.0,
        recall: vec![1.0],
        samples: Vec::new(),
        costs: vec![cost],
    };
    let budget = DeadlineBudget::Fixed(Span::from_s(1.0));
    AppSpec::new(Arc::new(Profile::of_variants("large", budget, vec![variant])))
}

/// With memory for one of both models, a turn behind another request waits for a load; so does the
/// request. With memory for both nobody does.
#[test]
fn models_that_share_memory_are_loaded_by_turns() {
    let (model, all) = dialogues(&[2], table());
    let spec = affine("arrivals = 'periodic', rate_rps = 10, requests = 1", "think_s = 1.0");
    let mut others = spec.background.clone().expect("another application");
    others.apps = vec![large()];
    let load_s = 0.3;
    for (memory_bytes, waited_s) in [(10, 0.0), (9, load_s)] {
        let device = WorkerSpec { memory_bytes, ..WorkerSpec::new("box") };
        let device_model = (4, Span::from_s(load_s));
        let background = Some(others.clone());
        let spec = MultiUserSpec { device, device_model, background, ..spec.clone() };
        // The other model is resident at the start, and its only request arrives within 0.1 s.
        let mut policy = Says::new(&[0; 2]);
        let found = run(&model, &all, &mut policy, &spec);
        near(found[0].waited_s, waited_s);
        near(found[0].spent.latency_s, 4.0 + waited_s);
        near(policy.told[0][0], waited_s);
    }
}

/// Queues, failures of both sides, a link, and other applications at once: every turn is answered
/// once, and all of it is the same again.
#[test]
fn all_of_it_at_once_answers_every_turn() {
    use peeksim::offloading::cost::CallLink;
    use peeksim::system::link::{Link, Uplink};
    let workload = Arc::new(like_m4a1(120, Rng::new(3, 0)));
    let all: Vec<usize> = (0..120).collect();
    let uplink = Uplink::Constant(8_000_000);
    let call = CallLink {
        link: Link { rtt: Span::from_s(0.05), uplink, power_w: None },
        bytes: vec![2_000, 400_000, 800_000, 1_200_000],
        compute_s: vec![0.9, 1.2, 1.5, 1.8],
    };
    let costs = super::costs(LocalFormula::Physical, "Jetson Orin NX", "Wired").over(call);
    let params = ModelParams::new(costs);
    let model = DialogueModel::new(Arc::clone(&workload), &all, params).unwrap();
    let failures = |from: u32| {
        let each = (0..20).map(|at| format!("{{ at_s = {}, for_s = 2.5 }}", from + 9 * at));
        each.collect::<Vec<_>>().join(", ")
    };
    for pacing in ["think_s = 1.0", "interarrival_s = 6.0"] {
        let spec = users(&format!(
            "count = 12\n{pacing}\n\
             device = {{ class = 'affine', lanes = 2, failures = [{}] }}\n\
             cloud = {{ lanes = 3, failures = [{}], slowdown = {{ at_s = 60, factor = 1.5 }} }}\n\
             background = {{ apps = ['affine'], workload = {{ arrivals = 'gamma', cv = 3, \
             load = 0.2 }} }}",
            failures(3),
            failures(5)
        ));
        for name in ["random", "greedy-knn-guarded", "tmo-rl-plus"] {
            let results = || {
                let mut policy = build(name, &model, Rng::new(5, 0)).unwrap();
                run(&model, &all, policy.as_mut(), &spec)
            };
            let found = results();
            assert!(found == results(), "{name}, {pacing}: another result");
            assert!(found.iter().any(|result| result.waited_s > 1.0), "{name} never waits");
            for (result, dialogue) in found.iter().zip(&workload.dialogues) {
                assert_eq!((result.failed, result.actions.len()), (0, dialogue.turns.len()));
                let calls: f64 = result.actions.iter().map(|a| model.spend(*a).latency_s).sum();
                let usd: f64 = result.actions.iter().map(|a| model.spend(*a).usage_usd).sum();
                let (waited_s, all_s) = (result.waited_s, result.spent.latency_s);
                near(result.spent.usage_usd, usd);
                // Beyond waiting only the slowdown takes time: half of what the cloud computes.
                assert!(all_s > calls + waited_s - 1e-6, "{name}: {result:?}");
                let most = 0.9 * result.actions.len() as f64;
                assert!(all_s < calls + waited_s + most + 1e-6, "{name}: {result:?}");
            }
        }
    }
}

/// A run of nothing but a background that never ends comes to its end.
#[test]
fn the_run_ends_with_the_last_turn() {
    let (model, all) = dialogues(&[1], table());
    let pacing = TurnPacing::Closed(Span::from_s(1.0));
    let spec = MultiUserSpec { pacing, ..affine("arrivals = 'poisson', rate_rps = 500", "") };
    let found = run(&model, &all, &mut Says::new(&[1]), &spec);
    near(found[0].spent.latency_s, 3.0);
    assert_eq!(spec.until, None::<Time>);
}
