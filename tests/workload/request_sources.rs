//! `workload.sources`: what sends a request, and budgets by source.

use crate::support::common::arrivals::{arrivals, prepare};
use crate::support::shell::{Shell, column};
use crate::workload::sources::starts;
use peeksim::core::ids::{Arrival, SourceId};
use peeksim::core::units::Span;
use std::collections::{BTreeMap, BTreeSet};

const POISSON: &str = "arrivals = 'poisson', rate_rps = 100, requests = 6000";

fn of(workload: &str, settings: &[&str]) -> Result<Vec<Arrival>, String> {
    let workload = format!("workload = {{ {workload} }}");
    Ok(arrivals(&prepare(&[&[workload.as_str()], settings].concat())?, 0))
}

fn number(arrival: &Arrival) -> Option<u32> {
    arrival.source.map(SourceId::number)
}

/// 1, 2 and 5 of 8 requests come from the three sources, within four standard errors, and nothing
/// else moves.
#[test]
fn sources_are_drawn_by_weight_and_move_nothing() {
    let none = of(POISSON, &[]).expect("arrivals");
    assert!(none.iter().all(|arrival| arrival.source.is_none()));
    let drawn = of(&format!("{POISSON}, sources = [1, 2, 0, 5]"), &[]).expect("arrivals");
    let mut counts = [0u32; 4];
    for (without, with) in none.iter().zip(&drawn) {
        assert_eq!(*without, Arrival { source: None, ..*with });
        counts[number(with).expect("a source") as usize] += 1;
    }
    for (count, share) in counts.into_iter().zip([0.125, 0.25, 0.0, 0.625]) {
        let error = (share * (1.0 - share) / 6000.0_f64).sqrt();
        assert!((f64::from(count) / 6000.0 - share).abs() <= 4.0 * error, "{counts:?}");
    }
    // By application: what the others have changes nothing.
    let some = of(&format!("{POISSON}, sources = {{ voice = 4, heartbeat = [1, 1] }}"), &[]);
    let most = some.expect("arrivals").iter().fold(BTreeMap::new(), |mut most, arrival| {
        let own = most.entry(arrival.app.0).or_insert(None);
        *own = (*own).max(number(arrival));
        most
    });
    assert_eq!(most.into_values().collect::<Vec<_>>(), [None, Some(1), Some(3)]);
    let alone = of(&format!("{POISSON}, sources = 4"), &[]).expect("arrivals");
    let other = of(&format!("{POISSON}, sources = {{ voice = 4 }}"), &[]).expect("arrivals");
    let voice = |all: &[Arrival]| -> Vec<_> {
        all.iter().filter(|arrival| arrival.app.0 == 2).map(number).collect()
    };
    assert_eq!(voice(&alone), voice(&other));
}

/// Rows of a recorded source have its number, and copies have numbers of their own.
#[test]
fn recorded_sources_are_those_of_the_requests() {
    let starts = ["activity", "heartbeat", "voice"].map(starts);
    let recorded = "arrivals = 'recorded', rate_rps = 12, requests = 3000, sources = 'own'";
    for (more, copies) in [("", 1), (", replay = 'superposed', copies = 2", 2)] {
        let workload = format!("workload = {{ {recorded}{more} }}");
        let prepared = prepare(&[&workload]).expect("an experiment");
        let mut seen = BTreeMap::new();
        for arrival in arrivals(&prepared, 0) {
            let starts = &starts[arrival.app.index()];
            let behind = starts.partition_point(|start| *start <= arrival.truth.row);
            let number = number(&arrival).expect("a source") as usize;
            assert_eq!(number % starts.len(), behind - 1);
            *seen.entry(number / starts.len()).or_insert(0) += 1;
        }
        assert_eq!(seen.len(), copies);
    }
}

#[test]
fn clients_of_a_closed_loop_are_sources() {
    let workload = "arrivals = 'closed', clients = 3, think_ms = 10, requests = 60";
    let shell = Shell::small();
    let log = |sources: &str, file: &str| {
        shell.write(
            "x.toml",
            format!(
                "[base]
apps = ['voice']
workers = [{{ class = 'edge-cpu' }}]
workload = {{ {workload}{sources} }}
budget_ms = [30, 60]
scheduler = 'edf'
"
            ),
        );
        shell.run(&format!("inspect x.toml --requests {file}"))
    };
    assert_eq!(log(", sources = 'own'", "r.csv").code, Some(0));
    let text = shell.read("r.csv");
    assert!(text.lines().next().expect("a header").ends_with(",utility,source"));
    let (sources, arrived, due) =
        (column(&text, "source"), column(&text, "arrival_s"), column(&text, "deadline_s"));
    let mut seen = BTreeMap::new();
    for ((source, arrived), due) in sources.iter().zip(&arrived).zip(&due) {
        let [arrived, due]: [f64; 2] = [arrived, due].map(|text| text.parse().expect("a number"));
        *seen.entry(source.as_str()).or_insert(0) += 1;
        // Two budgets for three sources: the third has the first again.
        let budget = if source == "1" { 0.06 } else { 0.03 };
        assert!((due - arrived - budget).abs() < 1e-9);
    }
    assert_eq!(seen.keys().copied().collect::<Vec<_>>(), ["0", "1", "2"]);
    assert!(log(", sources = 4", "r.csv").err.contains("clients of a closed loop"));
    assert!(log("", "r.csv").err.contains("2 budgets by source for 0 sources of `voice`"));
}

#[test]
fn budgets_are_by_source() {
    let workload = format!("workload = {{ {POISSON}, sources = 3 }}");
    let budgets = "budget_ms = { voice = [40, { uniform = [10, 20] }], activity = 7, \
                   heartbeat = { mixture = [{ budget = 3 }] } }";
    let prepared = prepare(&[&workload, budgets]).expect("an experiment");
    for arrival in arrivals(&prepared, 0) {
        let ms = arrival.budget.as_ms();
        match (arrival.app.0, number(&arrival)) {
            (0, _) => assert!((ms - 7.0).abs() < 1e-9),
            (1, _) => assert!((ms - 3.0).abs() < 1e-9),
            (_, Some(1)) => assert!((10.0..=20.0).contains(&ms)),
            _ => assert!((ms - 40.0).abs() < 1e-9),
        }
    }
    let voice = prepared.catalog.app_named("voice").expect("an application");
    assert_eq!(prepared.catalog.app(voice).budget.planning(), Span::from_ms(10.0));
}

/// Rows that choose among sources tell them apart, and others do not.
#[test]
fn published_rows_see_sources() {
    let shell = Shell::small();
    let utilities = |scheduler: &str, rate: u32, workers: u32| {
        let text = format!(
            "replicates = 1
[base]
apps = ['voice', 'activity']
workload = {{ arrivals = 'poisson', rate_rps = {rate}, requests = {rate} }}
workers = [{{ class = 'edge-cpu', count = {workers} }}]
budget_ms = 60
scheduler = '{scheduler}'
[[axis]]
key = 'workload.sources'
values = ['none', 3, 40]
"
        );
        shell.write("x.toml", text);
        shell.ok(&format!("sweep x.toml --out {scheduler}"));
        let runs = shell.read(&format!("{scheduler}/runs.csv"));
        BTreeSet::from_iter(column(&runs, "utility_mean")).len()
    };
    assert_eq!(utilities("edf", 4000, 1), 1);
    assert_eq!(utilities("das-like", 4000, 1), 3);
    assert_eq!(utilities("jellyfish-like", 1500, 2), 3);
}
