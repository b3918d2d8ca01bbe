//! What a catalog makes of measured latencies: the fit, who lives with tables that fall, and that
//! every large change is listed and said.

use crate::support::common::{Happened, V, World};
use crate::support::shell::{self, Said, Shell, repository};
use peeksim::core::units::Span;
use peeksim::system::latency::{LatencyFit, LatencyPoints};
use peeksim::system::profile::Profile;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use std::fs;
use std::process::Command;

/// The non-decreasing values nearest to these: the highest, over all beginnings, of the lowest
/// mean, over all ends (Robertson, Wright, Dykstra, Order Restricted Statistical Inference, 1988).
pub fn isotonic(values: &[f64]) -> Vec<f64> {
    let mean =
        |from: usize, to: usize| values[from..=to].iter().sum::<f64>() / (to - from + 1) as f64;
    let at = |i: usize| {
        let least = |from| (i..values.len()).map(|to| mean(from, to)).fold(f64::INFINITY, f64::min);
        (0..=i).map(least).fold(f64::NEG_INFINITY, f64::max)
    };
    (0..values.len()).map(at).collect()
}

/// Batches 1, 2, 4, … with these latencies in ms.
fn doubling(ms: &[f64]) -> LatencyPoints {
    let points = ms.iter().enumerate().map(|(at, ms)| (1 << at, Span::from_ms(*ms)));
    LatencyPoints::new(points.collect()).expect("a table")
}

fn ms(points: &LatencyPoints, fit: LatencyFit) -> Vec<f64> {
    let table = points.fit(fit);
    points.points().iter().map(|point| table.latency(point.batch as usize).as_ms()).collect()
}

/// Medians of best rounds that held one noisy point each.
const HEARTBEAT_RF20: [f64; 7] = [1.96673, 1.75986, 2.52935, 1.74583, 1.73541, 1.81562, 4.01802];
const VOICE_ENS3: [f64; 7] = [19.42809, 6.80646, 20.53095, 24.80288, 34.42196, 48.84785, 80.79741];

#[test]
fn one_noisy_point_does_not_raise_all_larger_batches() {
    for (measured, noisy) in [(HEARTBEAT_RF20, 2), (VOICE_ENS3, 0)] {
        let points = doubling(&measured);
        assert_eq!(ms(&points, LatencyFit::AsMeasured), measured);
        let (found, expected) = (ms(&points, LatencyFit::Isotonic), isotonic(&measured));
        for (found, expected) in found.iter().zip(&expected) {
            assert!((found - expected).abs() < 2e-6, "{found}, {expected}");
        }
        let raised = ms(&points, LatencyFit::RunningMax);
        let error = |fitted: &[f64]| -> f64 {
            fitted.iter().zip(&measured).map(|(a, b)| (a / b - 1.0).abs()).fold(0.0, f64::max)
        };
        assert!(error(&found) < error(&raised), "{found:?}, {raised:?}");
        assert!(found[noisy] < measured[noisy], "the noisy point is lowered");
    }
    let change =
        |measured: &[f64; 7], fit, at: usize| ms(&doubling(measured), fit)[at] / measured[at];
    // Heart beats on 20 trees: batches of 8 to 32 counted 39 to 46 % too slow.
    for (at, expected) in [(3, 1.449), (4, 1.457), (5, 1.393)] {
        let raised = change(&HEARTBEAT_RF20, LatencyFit::RunningMax, at);
        assert!((raised - expected).abs() < 1e-3, "{raised}");
        assert!(change(&HEARTBEAT_RF20, LatencyFit::Isotonic, at) < 1.13);
    }
    let raised = change(&VOICE_ENS3, LatencyFit::RunningMax, 1);
    assert!((raised - 2.854).abs() < 1e-3, "{raised}");
    assert!(change(&VOICE_ENS3, LatencyFit::Isotonic, 1) < 1.93);
}

/// The two cases in the tables that ship now, whose rule takes the noise out of the points.
#[test]
fn the_shipped_tables_hold_neither_case() {
    let cell = |app: &str, variant: &str, batch: usize, fit| {
        let folder = repository(&format!("profiles/{app}"));
        let profile = Profile::read(folder.to_str().expect("UTF-8")).expect("a profile");
        let variant = profile.variants.iter().find(|v| v.name == variant).expect("a variant");
        variant.costs[0].latency.fit(fit).latency(batch).as_ms()
    };
    for batch in [2, 4, 8, 16, 32] {
        let fits = LatencyFit::ALL.map(|(_, fit)| cell("heartbeat", "rf20", batch, fit));
        assert!(fits.iter().all(|ms| (1.7..1.95).contains(ms)), "batch {batch}: {fits:?}");
    }
    let [fitted, measured, raised] = LatencyFit::ALL.map(|(_, fit)| cell("voice", "ens3", 2, fit));
    assert!((fitted / measured - 1.0).abs() < 0.15, "{fitted}, {measured}");
    assert!(raised / measured > 1.3, "{raised}, {measured}");
}

/// A burst of one application on one variant whose table is drawn, falling here and there.
struct Burst {
    latency_ms: Vec<u64>,
    budget_ms: u64,
    waiting: usize,
}

impl Burst {
    fn draw(seed: u64) -> Self {
        let rng = &mut ChaCha8Rng::seed_from_u64(seed);
        let largest = rng.random_range(1..=6);
        Self {
            latency_ms: (0..largest).map(|_| rng.random_range(2..30)).collect(),
            budget_ms: rng.random_range(1..30),
            waiting: rng.random_range(1..=8),
        }
    }

    /// The size of the first batch, and how many were refused before it.
    fn first(&self, parameters: &str) -> (Option<usize>, usize) {
        let points: Vec<(u64, f64)> =
            (1..).zip(self.latency_ms.iter().map(|ms| *ms as f64)).collect();
        let mut world =
            World::new().workers(1, 1, 10).app("a", &[V("v", 1, &points, 0.0, &[1.0, 1.0])]);
        world.setup.latency_fit = LatencyFit::AsMeasured;
        for _ in 0..self.waiting {
            world = world.request(0, 0.0, self.budget_ms as f64, 0);
        }
        let log = world.run(&format!("{{ name = 'edf', {parameters} }}"));
        let size = log.events.iter().find_map(|event| match event {
            Happened::BatchStarted { requests, .. } => Some(requests.len()),
            _ => None,
        });
        let refused = |event: &&Happened| matches!(event, Happened::Rejected { at: 0, .. });
        (size, log.events.iter().filter(refused).count())
    }

    /// The sizes that end by the deadline, of those that may be formed.
    fn on_time(&self, waiting: usize) -> Vec<usize> {
        let most = waiting.min(self.latency_ms.len());
        (1..=most).filter(|size| self.latency_ms[size - 1] <= self.budget_ms).collect()
    }
}

#[test]
fn the_largest_batch_that_keeps_the_head_on_time_is_found_behind_slower_ones() {
    let (mut behind, mut late) = (0, 0);
    for seed in 0..400 {
        let burst = Burst::draw(seed);
        let most = burst.waiting.min(burst.latency_ms.len());
        let safe = burst.on_time(burst.waiting);
        let expected = safe.last().copied().unwrap_or(most);
        let (size, _) = burst.first("batch = 'deadline-aware'");
        assert_eq!(size, Some(expected), "seed {seed}");
        behind += u32::from(!safe.is_empty() && safe.len() < expected);
        late += u32::from(safe.is_empty());
    }
    println!("{behind} behind a slower batch, {late} late at any size");
    assert!(behind > 50 && late > 20, "{behind} {late}");
}

#[test]
fn a_head_is_refused_only_if_no_batch_would_be_in_time() {
    let (mut kept, mut refused) = (0, 0);
    for seed in 0..400 {
        let burst = Burst::draw(seed);
        // The line gets shorter as heads are refused.
        let hopeless = |gone: &usize| burst.on_time(burst.waiting - gone).is_empty();
        let expected = (0..burst.waiting).take_while(hopeless).count();
        let (_, found) = burst.first("drop_policy = 'late', batch = 'deadline-aware'");
        assert_eq!(found, expected, "seed {seed}");
        refused += u32::from(expected > 0);
        kept += u32::from(expected == 0 && burst.latency_ms[0] > burst.budget_ms);
    }
    println!("{kept} kept by a larger batch, {refused} refused");
    assert!(kept > 30 && refused > 50, "{kept} {refused}");
}

fn notes(shell: &Shell, arguments: &[&str]) -> Vec<String> {
    let said = Said::of(&mut shell.command(arguments));
    let lines = said.err.lines().filter(|line| line.contains("latency_fit"));
    lines.map(str::to_owned).collect()
}

/// A profile with tables that fall at two places, one by much, and a falling table of peeks.
fn toy() -> Shell {
    let shell = Shell::new();
    shell.write(
        "p/toy/app.toml",
        "summary = \"\"\nsource = \"\"\nclasses = [\"x\"]\nbudget_ms = 50\n",
    );
    shell.write("p/toy/variants.csv", "variant,bytes,accuracy\na,1,0.9\nb,1,0.8\n");
    shell.write("p/toy/load.csv", "worker_class,variant,load_ms\nw,a,1\nw,b,1\n");
    shell.write(
        "p/toy/latency.csv",
        "worker_class,variant,batch,latency_ms\nw,a,1,10\nw,a,2,6\nw,a,4,20\n\
         w,b,1,5\nw,b,2,4.9\n",
    );
    shell.write("p/toy/peek.csv", "batch,latency_ms\n1,1\n2,0.98\n");
    shell.write(
        "toy.toml",
        "replicates = 1\n[base]\nprofiles = \"p\"\napps = [\"toy\"]\n\
         workers = [{ class = \"w\" }]\n\
         workload = { arrivals = \"poisson\", rate_rps = 10, requests = 50 }\n\
         scheduler = \"edf\"\n",
    );
    shell
}

#[test]
fn one_note_says_how_many_cells_and_the_largest() {
    let shell = toy();
    let note = "- latency_fit = isotonic changes 6 of 7 measured latencies (toy 6), 2 of them \
                by more than 10 %; most of all toy, `a` on w, batch 2: 6 to 8 ms (+33 %)";
    assert_eq!(notes(&shell, &["check", "toy.toml"]), [note]);
    let raised = "- latency_fit = running-max changes 3 of 7 measured latencies (toy 3), 1 of \
                  them by more than 10 %; most of all toy, `a` on w, batch 2: 6 to 10 ms (+67 %)";
    let set = ["check", "toy.toml", "--set", "latency_fit=running-max"];
    assert_eq!(notes(&shell, &set), [raised]);
    let set = ["check", "toy.toml", "--set", "latency_fit=as-measured"];
    assert!(notes(&shell, &set).is_empty());
    // Of two fits each says its own.
    let text = format!(
        "{}\n[[axis]]\nkey = \"latency_fit\"\nvalues = [\"isotonic\", \"as-measured\", \
         \"running-max\"]\n",
        shell.read("toy.toml")
    );
    shell.write("axis.toml", text);
    assert_eq!(notes(&shell, &["check", "axis.toml"]), [note, raised]);
    shell.ok("sweep axis.toml");
    let runs = shell.read("results/axis/runs.csv");
    assert_eq!(shell::column(&runs, "latency_fit"), ["isotonic", "as-measured", "running-max"]);
    // One at a time, a batch of one takes what its fit says.
    let means: Vec<f64> = shell::column(&runs, "latency_ms_p50")
        .iter()
        .map(|cell| cell.parse().expect("a number"))
        .collect();
    assert_eq!(means, [4.95, 5.0, 5.0]);
    assert!(shell.read("results/axis/manifest.toml").contains("latency_fit"));
}

#[test]
fn counts_of_timings_are_weights() {
    let shell = toy();
    shell.write(
        "p/toy/latency.csv",
        "worker_class,variant,batch,latency_ms,count\nw,a,1,10,3\nw,a,2,6,1\nw,b,1,5,1\n",
    );
    let note = "- latency_fit = isotonic changes 4 of 5 measured latencies (toy 4), 1 of them \
                by more than 10 %; most of all toy, `a` on w, batch 2: 6 to 9 ms (+50 %)";
    assert_eq!(notes(&shell, &["check", "toy.toml"]), [note]);
}

/// Loads from storage that nobody measured are said, not made up.
#[test]
fn a_warm_load_that_stands_for_a_cold_one_is_said() {
    let shell = toy();
    let said = |set: &str| Said::of(&mut shell.command(&["check", "toy.toml", "--set", set])).err;
    let note = "- load_times = cold: no cold load time was measured, the warm one is taken: toy a, \
                toy b\n";
    assert!(said("load_times=cold").contains(note), "{}", said("load_times=cold"));
    assert!(!said("load_times=warm").contains("load_times = cold"));
}

/// The shipped tables are what the script makes of the measurements, and the README shows its
/// comparison of rules.
#[test]
fn the_measured_tables_are_what_the_rule_makes() {
    let Some(data) = std::env::var_os("PEEKSIM_DATA") else {
        println!("skipped: PEEKSIM_DATA names no folder with har_wisdm/latency_ms.csv");
        return;
    };
    let folders = [("har_wisdm", "activity"), ("ecg_mitbih", "heartbeat"), ("voice_fsdd", "voice")];
    let script = |arguments: &[&str]| {
        let mut command = Command::new("python3");
        command.arg(repository("profiles/measure/latency_rule.py")).args(arguments);
        command.args(folders.map(|(folder, _)| std::path::Path::new(&data).join(folder)));
        command.output().ok()
    };
    let Some(compared) = script(&[]) else {
        println!("skipped: there is no python3");
        return;
    };
    let table = String::from_utf8(compared.stdout).expect("UTF-8");
    let fitted: Vec<&str> = table.lines().filter(|line| line.contains("| isotonic |")).collect();
    assert!(fitted.len() >= 8, "{table}");
    let readme = fs::read_to_string(repository("profiles/README.md")).expect("a README");
    for line in fitted {
        assert!(readme.contains(line), "profiles/README.md lacks {line}");
    }
    let shell = Shell::new();
    let out = shell.path("out");
    script(&["--write", out.to_str().expect("UTF-8")]).expect("python3 was there");
    for (folder, app) in folders {
        for file in ["latency.csv", "peek.csv"] {
            let made = shell.read(&format!("out/{folder}/{file}"));
            let ships = fs::read_to_string(repository(&format!("profiles/{app}/{file}")));
            assert!(made == ships.expect("a table"), "profiles/{app}/{file}");
        }
    }
}
