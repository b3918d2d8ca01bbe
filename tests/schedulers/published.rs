//! The same windows as the SneakPeek authors' own published code: the same plan, the same
//! utility.
//!
//! Source: dndfrink/SERIF, commit bd12bb8, run on 60 windows. The file of windows is read from
//! `serif_golden/windows.json` under the folder that the environment variable `PEEKSIM_DATA`
//! names; without it the test is skipped, and says so.

use crate::support::common::{CLASS, Happened, Log, V, World};
use peeksim::classifier::model::Prior;
use peeksim::config::{ConfigNode, Problems};
use peeksim::core::ids::{AppId, Arrival, TrueClass};
use peeksim::core::units::{Span, Time};
use peeksim::system::catalog::WorkerSpec;
use peeksim::system::penalty::Penalty;
use serde_json::Value;
use std::sync::Arc;

fn text(value: &Value) -> &str {
    value.as_str().expect("a string")
}

fn number(value: &Value) -> f64 {
    value.as_f64().expect("a number")
}

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("a list")
}

fn ns(seconds: &Value) -> u64 {
    Span::from_s(number(seconds)).0
}

/// The window as a world: all requests at time zero, workers free when their backlog ends.
fn world(window: &Value) -> (World, Vec<String>, Vec<String>) {
    let mut world = World::new();
    let (mut variants, mut requests) = (Vec::new(), Vec::new());
    let apps = list(&window["apps"]);
    for app in apps {
        let mut built = Vec::new();
        for variant in list(&app["variants"]) {
            let rows: Vec<Vec<f64>> = list(&variant["confusion"])
                .iter()
                .map(|row| list(row).iter().map(number).collect())
                .collect();
            let right: f64 = rows.iter().enumerate().map(|(c, row)| row[c]).sum();
            let all: f64 = rows.iter().flatten().sum();
            let recall: Vec<f64> =
                rows.iter().enumerate().map(|(c, row)| row[c] / row.iter().sum::<f64>()).collect();
            let name = text(&variant["name"]).to_owned();
            let latency = number(&variant["inference_s"]) * 1e3;
            built.push((name, latency, number(&variant["swap_s"]) * 1e3, recall, right / all));
        }
        let points: Vec<[(u64, f64); 1]> = built.iter().map(|b| [(1, b.1)]).collect();
        let list: Vec<V<'_>> =
            built.iter().zip(&points).map(|(b, p)| V(&b.0, 1, p, b.2, &b.3)).collect();
        world = world.app(text(&app["name"]), &list);
        // Profiled accuracy is in the class mix of the confusion matrix, not uniform.
        let setup = world.setup.apps.last_mut().expect("an application");
        let profile = Arc::make_mut(&mut setup.profile);
        for (variant, b) in profile.variants.iter_mut().zip(&built) {
            variant.accuracy = b.4;
        }
        variants.extend(built.into_iter().map(|b| b.0));
    }
    let names: Vec<&str> = apps.iter().map(|app| text(&app["name"])).collect();
    let mut votes: Vec<Vec<(u16, Vec<f64>)>> = vec![Vec::new(); apps.len()];
    for request in list(&window["requests"]) {
        let app = names.iter().position(|name| *name == text(&request["app"])).expect("an app");
        let theta: Vec<f64> = list(&request["theta"]).iter().map(number).collect();
        world.arrivals.push(Arrival {
            time: Time::ZERO,
            app: AppId(app as u16),
            source: None,
            budget: Span(ns(&request["remaining_s"])),
            truth: TrueClass { class: 0, row: votes[app].len() as u32 },
        });
        votes[app].push((0, theta));
        requests.push(text(&request["id"]).to_owned());
    }
    for (app, votes) in world.setup.apps.iter_mut().zip(&votes) {
        let rows: Vec<(u16, &[f64], &[u16])> =
            votes.iter().map(|(class, theta)| (*class, theta.as_slice(), &[][..])).collect();
        let mut one = World::new();
        one.setup.apps.push(app.clone());
        *app = one.trace(&rows).setup.apps.remove(0);
        // The windows give the posterior itself: votes that outweigh any prior.
        app.peek.prior = Prior::Profile(1e-300);
    }
    let count = number(&window["workers"]) as usize;
    world.setup.workers = list(&window["backlog_s"])[..count]
        .iter()
        .map(|backlog| WorkerSpec {
            memory_bytes: 1,
            ready: Time(ns(backlog)),
            ..WorkerSpec::new(CLASS)
        })
        .collect();
    let mut problems = Problems::default();
    let penalty = "{ name = 'sigmoid', base = 'remaining', tolerance_ms = 0.1 }";
    world.setup.penalty = Penalty::read(&ConfigNode::parse_override(penalty), &mut problems);
    assert!(problems.is_empty(), "{problems}");
    (world, variants, requests)
}

/// The plan a run carried out: per worker, (request, variant) in order of execution.
fn plan(log: &Log, workers: usize) -> Vec<Vec<(u32, u16)>> {
    let mut plan = vec![Vec::new(); workers];
    for event in &log.events {
        if let Happened::BatchStarted { worker, variant, requests, .. } = event {
            plan[usize::from(*worker)].extend(requests.iter().map(|r| (*r, *variant)));
        }
    }
    plan
}

/// Parameters that make a planner do what the published code does.
const PUBLISHED: &str = "tie_break = 'listed', max_batch = 1, plan_when_busy = true";

#[test]
fn windows_are_scheduled_as_the_published_code_does() {
    let Ok(folder) = std::env::var("PEEKSIM_DATA") else {
        println!("skipped: PEEKSIM_DATA is not set");
        return;
    };
    let path = format!("{folder}/serif_golden/windows.json");
    let Ok(file) = std::fs::read_to_string(&path) else {
        println!("skipped: no {path}");
        return;
    };
    let windows: Value = serde_json::from_str(&file).expect("JSON");
    let schedulers = [
        ("lo-edf", "name = 'lo-edf'"),
        ("lo-priority/acc-deadline", "name = 'lo-priority', priority = 'acc-deadline'"),
        ("lo-priority/util-deadline", "name = 'lo-priority', priority = 'util-deadline'"),
        ("grouped-exact/edf", "name = 'GROUP', search = 'exact', order = 'deadline'"),
        ("grouped-exact/acc-deadline", "name = 'GROUP', search = 'exact', order = 'priority'"),
        ("brute-force", "name = 'exhaustive'"),
    ];
    for (key, scheduler) in schedulers {
        let (mut compared, mut plans, mut worst) = (0, 0, 0.0f64);
        for window in list(&windows) {
            let Some(expected) = window["expected"].get(key).filter(|e| !e.is_null()) else {
                continue;
            };
            let (world, variants, requests) = world(window);
            let aware = window["data_aware"].as_bool().expect("a flag");
            let accuracy = if aware { "posterior" } else { "profiled" };
            let name = scheduler.replace("GROUP", if aware { "sneakpeek" } else { "grouped" });
            let log = world.run(&format!("{{ {name}, accuracy = '{accuracy}', {PUBLISHED} }}"));
            let mean = log.believed / requests.len() as f64;
            let off = (mean - number(&expected["mean_utility"])).abs();
            worst = worst.max(off);
            let count = number(&window["workers"]) as usize;
            let ours: Vec<Vec<(String, String)>> = plan(&log, count)
                .into_iter()
                .map(|jobs| {
                    let name = |(r, v): (u32, u16)| {
                        (requests[r as usize].clone(), variants[usize::from(v)].clone())
                    };
                    jobs.into_iter().map(name).collect()
                })
                .collect();
            let mut theirs = vec![Vec::new(); count];
            for worker in list(&expected["plan"]) {
                let at = worker[0].as_u64().expect("a worker") as usize;
                theirs[at].extend(
                    list(&worker[1])
                        .iter()
                        .map(|p| (text(&p[0]).to_owned(), text(&p[1]).to_owned())),
                );
            }
            compared += 1;
            plans += u32::from(ours == theirs);
            if ours != theirs {
                println!(
                    "{key} {}: plan differs\n  ours   {ours:?}\n  theirs {theirs:?} off {off:e}",
                    text(&window["id"])
                );
            }
        }
        println!(
            "{key}: {compared} windows, {plans} plans the same, utility off by {worst:.1e} at most"
        );
        assert!(compared > 0, "{key}: no window");
        assert_eq!(plans, compared, "{key}: plans differ");
        assert!(worst < 1e-8, "{key}: utility off by {worst:e}");
    }
}
