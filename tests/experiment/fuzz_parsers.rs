//! Parsers never panic: valid inputs, damaged in seeded ways, are read from files as a user's are.
//!
//! What is accepted nevertheless must run, too. `FUZZ_CASES=100000` looks longer; a failure names
//! the case and prints the input.

use peeksim::config::source::Source;
use peeksim::core::rng::{Label, Rng};
use peeksim::experiment::{Experiment, Sweep};
use peeksim::offloading::evaluate::evaluate;
use peeksim::offloading::generate::like_m4a1;
use peeksim::offloading::network_policy::NetworkPolicy;
use peeksim::offloading::training_env::TrainingPlan;
use peeksim::offloading::{
    Cost, CostFile, Costs, DialogueModel as TmoWorld, LocalFormula, ModelParams, Scorer, Workload,
    import, policies,
};
use peeksim::report::{Results, compare, console, draw_all, manifest, summary};
use peeksim::rl::checkpoint::PolicyFile;
use peeksim::rl::net::{Activation, Mlp};
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

/// The mixer of `SplitMix64`.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }
}

/// What numbers and words are replaced by.
const EXTREMES: [&str; 28] = [
    "-1",
    "0",
    "-0.0",
    "1",
    "2",
    "0.5",
    "1e308",
    "-1e308",
    "1e-320",
    "1e15",
    "1e16",
    "nan",
    "inf",
    "-inf",
    "255",
    "256",
    "4096",
    "4097",
    "65536",
    "4294967296",
    "9223372036854775807",
    "18446744073709551616",
    "99999999999999999999",
    "",
    "\"\"",
    "true",
    "[]",
    "{}",
];
/// What single bytes are replaced by.
const BYTES: &[u8] = b"\0\n\r\t ,;\"'=[]{}.#-+eE019xX\\\x7f\x80\xc3\xef\xff";

/// A damaged copy.
fn damage(input: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = input.to_vec();
    // Half of the cases differ in one word: more of them are accepted, and run.
    if dice.below(2) == 0 {
        return replace_token(&bytes, dice);
    }
    for _ in 0..=dice.below(3) {
        bytes = match dice.below(10) {
            0..=2 => replace_token(&bytes, dice),
            3 | 4 => change_lines(&bytes, dice),
            5 => {
                bytes.truncate(dice.below(bytes.len() + 1));
                bytes
            }
            6 => {
                let (from, to) = (dice.below(bytes.len()), dice.below(bytes.len()));
                let piece = bytes[from.min(to)..from.max(to)].to_vec();
                let at = dice.below(bytes.len() + 1);
                bytes.splice(at..at, piece.into_iter().take(200));
                bytes
            }
            _ => {
                let at = dice.below(bytes.len() + 1);
                let end = (at + dice.below(2)).min(bytes.len());
                bytes.splice(at..end, [*dice.pick(BYTES)]);
                bytes
            }
        };
    }
    bytes
}

/// Another number or word in place of one.
fn replace_token(bytes: &[u8], dice: &mut Dice) -> Vec<u8> {
    let inside = |b: &u8| b.is_ascii_alphanumeric() || b"._-+".contains(b);
    let starts: Vec<usize> = (0..bytes.len())
        .filter(|at| inside(&bytes[*at]) && (*at == 0 || !inside(&bytes[*at - 1])))
        .collect();
    if starts.is_empty() {
        return bytes.to_vec();
    }
    let at = *dice.pick(&starts);
    let length = bytes[at..].iter().take_while(|b| inside(b)).count();
    let other = *dice.pick(&starts);
    let word = bytes[other..].iter().copied().take_while(inside).collect();
    let new = if dice.below(3) == 0 { word } else { dice.pick(&EXTREMES).as_bytes().to_vec() };
    [&bytes[..at], &new, &bytes[at + length..]].concat()
}

/// A line lost, doubled or elsewhere.
fn change_lines(bytes: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut lines: Vec<&[u8]> = bytes.split_inclusive(|b| *b == b'\n').collect();
    if lines.is_empty() {
        return Vec::new();
    }
    let (at, to) = (dice.below(lines.len()), dice.below(lines.len()));
    match dice.below(3) {
        0 => drop(lines.remove(at)),
        1 => lines.insert(to, lines[at]),
        _ => lines.swap(at, to),
    }
    lines.concat()
}

/// Damages `input` again and again, puts it at `path`, and calls `read`.
fn fuzz(path: &Path, input: &[u8], cases: u64, read: impl Fn()) {
    let cases = std::env::var("FUZZ_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(cases);
    for case in 0..cases {
        let damaged = damage(input, &mut Dice(case));
        fs::write(path, &damaged).expect("a written file");
        let outcome = catch_unwind(AssertUnwindSafe(&read));
        assert!(
            outcome.is_ok(),
            "case {case} of {}:\n{}",
            path.display(),
            String::from_utf8_lossy(&damaged)
        );
    }
    fs::write(path, input).expect("a written file");
}

/// The good inputs of `tests/bad/good` and an experiment that uses most settings.
struct World {
    folder: TempDir,
}

impl World {
    fn new() -> Self {
        // In memory, if possible: thousands of small files are written whole.
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
        let folder = folder.expect("a temporary folder");
        let good = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bad/good");
        copy(&good, folder.path());
        let world = Self { folder };
        let base = world.folder.path().display().to_string();
        fs::write(world.path("all.toml"), ALL.replace("FOLDER", &base)).expect("a written file");
        world
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn bytes(&self, path: &str) -> Vec<u8> {
        fs::read(self.path(path)).expect("a file")
    }

    /// Reads the experiment, and runs one run of it if it is accepted and not too long.
    fn run(&self) {
        let path = self.path("all.toml").display().to_string();
        let Ok(experiment) = Experiment::load(&path, &[]) else { return };
        let Ok(sweep) = Sweep::new(experiment) else { return };
        let Some(first) = sweep.runs().next() else { return };
        if sweep.scheduling().unwrap()[first.configuration].arrivals.requests <= 1000 {
            let error = sweep.one(first).result.error;
            assert!(error.is_empty(), "accepted, and then: {error}");
        }
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let path = entry.expect("an entry").path();
        let into = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy(&path, &into);
        } else {
            fs::copy(&path, into).expect("a copy");
        }
    }
}

const ALL: &str = r#"name = "all"
title = "most settings"
seed = 5
replicates = 2
[base]
profiles = "FOLDER/profiles"
traces = "FOLDER/traces"
apps = ["toy"]
workers = [
  { class = "box", count = 2, memory_bytes = 100, lanes = 2, power_w = 3, available_from_s = 0.01 },
]
penalty = { name = "sigmoid", tolerance_ms = 0.5 }
peek = { evidence = "counts", prior_weight = 2, runs_on = "host", recall = 0.9 }
budget_ms = { toy = { uniform = [10, 50] } }
variants = { toy = ["small", "large"] }
noise_cv = 0.3
outcome = "recorded"
load_times = "warm"
[base.workload]
arrivals = "poisson"
rate_rps = 300
requests = 40
mix = { toy = 1 }
class_mix = { toy = { cat = 2, dog = 1 } }
[[axis]]
key = "scheduler"
values = [
  { label = "s", name = "sneakpeek", window_ms = 5, window_max = 20 },
  { name = "edf", max_batch = 3 },
]
[[zip]]
keys = ["workload.rate_rps", "penalty.name"]
values = [[100, "linear"], [400.5, "step"]]
[[figure]]
kind = "lines"
x = "workload.rate_rps"
y = "utility_mean"
where = { scheduler = "s" }
y_range = [0, 1]
[[figure]]
kind = "cdf"
[[expect]]
claim = "s >= edf"
metric = "utility_mean"
where = { "workload.rate_rps" = 100 }
gate = true
"#;

#[test]
fn damage_is_repeatable_and_real() {
    let (input, mut changed) = (ALL.as_bytes(), 0);
    for case in 0..1000 {
        let damaged = damage(input, &mut Dice(case));
        assert_eq!(damaged, damage(input, &mut Dice(case)));
        changed += u32::from(damaged != input);
    }
    assert!(changed > 900, "{changed}");
}

#[test]
fn experiments() {
    let world = World::new();
    world.run();
    fuzz(&world.path("all.toml"), &world.bytes("all.toml"), 3000, || world.run());
}

#[test]
fn overrides() {
    let world = World::new();
    let path = world.path("all.toml").display().to_string();
    let texts =
        ["workload.rate_rps=5", "scheduler={ name = \"edf\" }", "workers.0.count=3", "seed=[1]"];
    for case in 0..2000 {
        let mut dice = Dice(case);
        let text = damage(dice.pick(&texts).as_bytes(), &mut dice);
        let text = String::from_utf8_lossy(&text).into_owned();
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            let _ = Experiment::load(&path, std::slice::from_ref(&text)).and_then(Sweep::new);
        }));
        assert!(outcome.is_ok(), "case {case}: {text}");
    }
}

#[test]
fn profiles() {
    let world = World::new();
    for file in ["app.toml", "variants.csv", "confusion.csv", "latency.csv", "load.csv", "peek.csv"]
    {
        let path = format!("profiles/toy/{file}");
        fuzz(&world.path(&path), &world.bytes(&path), 700, || world.run());
    }
}

#[test]
fn traces() {
    let world = World::new();
    let path = "traces/toy.csv";
    fuzz(&world.path(path), &world.bytes(path), 2000, || world.run());
    // The same rows on their own clock.
    let all = String::from_utf8(world.bytes("all.toml")).expect("UTF-8");
    let recorded = all
        .replace("poisson", "recorded")
        .replace("class_mix = { toy = { cat = 2, dog = 1 } }\n", "");
    fs::write(world.path("all.toml"), recorded).expect("a written file");
    fuzz(&world.path(path), &world.bytes(path), 1000, || world.run());
}

#[test]
fn dialogues() {
    let world = World::new();
    let json = r#"[{"id": 7, "interactions": [
        {"task_cat": "Query", "action": 0, "image_index": null, "answer": "I can't \u00e9.",
         "score": 0.5, "interaction_time": 2.0, "usage_cost": 6e-05},
        {"task_cat": "Edit", "action": 1, "image_index": [2, 0], "answer": "Yes.",
         "score": 1.25, "interaction_time": 3.5, "usage_cost": 0.009}],
        "association_score": [[0.2, 0.2, 0.1], [0.25, 0.1, 0.1]]}]"#;
    let table = "episode,turn,task,action,mod0,score,raw_score,interaction_time_s,usage_cost_usd,\
                 assoc0\n0,0,Q,0,0,1,1,2,6e-05,0.2\n0,1,E,1,1,1,1,2,6e-05,0.2\n";
    let path = world.path("d.csv");
    let name = path.display().to_string();
    let read = || {
        let Ok(workload) = import::load(&name) else { return };
        let again = Source { path: name.clone(), text: workload.to_csv(), sha256: String::new() };
        assert_eq!(Workload::parse(&again).as_ref(), Ok(&workload));
        let all = workload.whole().train;
        let rules =
            ModelParams::new(Costs::synthetic(workload.actions.views()).expect("the shipped file"));
        let world = TmoWorld::new(Arc::new(workload), &all, rules).expect("costs for all views");
        let mut greedy = policies::build("greedy-knn", &world, Rng::new(1, 0)).expect("a policy");
        if world.actions().len() < 20 {
            evaluate(&world, Scorer::Estimator(&world), &all, greedy.as_mut(), Cost::PUBLISHED);
        }
    };
    let ours = import::load(&{
        fs::write(&path, json).expect("a written file");
        name.clone()
    });
    let ours = ours.expect("a good file").to_csv();
    for text in [json, table, &ours] {
        fuzz(&path, text.as_bytes(), 1000, read);
    }
}

/// What is read has costs for every device and network.
#[test]
fn devices_files() {
    let world = World::new();
    let path = world.path("d.toml");
    let name = path.display().to_string();
    let shipped = fs::read(crate::support::shell::repository("profiles/offloading.toml"));
    let link = "[[network]]\nname = \"lte\"\nrtt_ms = 50\nuplink_mbps = 8\ntext_bytes = 1000\n\
                view_bytes = [5, 6]\ncompute_s = [0.5, 0.75, 1]\ncloud_usd = [0.1, 0.2, 0.3]\n";
    let text = [shipped.expect("a shipped file"), link.as_bytes().to_vec()].concat();
    fuzz(&path, &text, 1000, || {
        let Ok(file) = CostFile::read(&name) else { return };
        for (device, network) in file.devices.iter().zip(&file.networks) {
            let costs = file.costs(LocalFormula::Physical, &device.name, &network.name, 0);
            let costs = costs.expect("costs without views");
            let all = costs.latency_s.iter().chain(&costs.usage_usd);
            assert!(all.into_iter().all(|cost| cost.is_finite() && *cost >= 0.0), "{costs:?}");
        }
    });
}

#[test]
fn policies_that_were_learned() {
    let world = World::new();
    let path = world.path("p.toml");
    let name = path.display().to_string();
    let workload = Arc::new(like_m4a1(5, Rng::new(1, 0)));
    let rules = ModelParams::new(Costs::synthetic(3).expect("the shipped file"));
    let tmo = TmoWorld::new(workload, &[0, 1, 2, 3, 4], rules).expect("costs for all views");
    let sizes = [tmo.state_len(), 4, tmo.actions().len()];
    let mut coins = Rng::new(1, 0).stream(Label::Parameters);
    let network = Mlp::uniform(&sizes, Activation::Tanh, &mut coins);
    let text =
        PolicyFile::policy(&network, 5, TrainingPlan::published(false).signature(&tmo)).to_toml();
    fs::write(&path, &text).expect("a written file");
    assert!(NetworkPolicy::load(&name, &tmo).is_ok());
    fuzz(&path, text.as_bytes(), 1000, || {
        let _ = NetworkPolicy::load(&name, &tmo);
    });
}

/// The results of the experiment in `out`.
fn swept(world: &World, out: &Path) -> Sweep {
    let path = world.path("all.toml").display().to_string();
    let sweep = Experiment::load(&path, &[]).and_then(Sweep::new).expect("a good experiment");
    let runs = sweep.run(out, 1, &()).expect("results");
    peeksim::report::write_runs(&sweep, &runs, out).expect("runs.csv");
    manifest::write(&sweep, runs.len(), None, out).expect("manifest.toml");
    sweep
}

#[test]
fn manifests() {
    let world = World::new();
    let out = world.path("out");
    swept(&world, &out);
    fuzz(&out.join("manifest.toml"), &world.bytes("out/manifest.toml"), 2000, || {
        if let Ok(manifest) = manifest::read(&out) {
            let _ = Sweep::new(manifest.experiment);
        }
    });
}

#[test]
fn results() {
    let world = World::new();
    let out = world.path("out");
    let sweep = swept(&world, &out);
    let report = || {
        let Ok(results) = Results::load(&out) else { return };
        summary::write(&results, &out).expect("summary.csv");
        compare::write(&results, &out).expect("compare.csv");
        console::render(&results, results.study.closing_table());
        console::knees(&results);
        for claim in &sweep.experiment.expectations {
            peeksim::report::claims::judge(&results, claim);
        }
    };
    for file in ["runs.csv", "quantiles.csv"] {
        fuzz(&out.join(file), &world.bytes(&format!("out/{file}")), 300, report);
    }
    fuzz(&out.join("runs.csv"), &world.bytes("out/runs.csv"), 40, || {
        if let Ok(results) = Results::load(&out) {
            // Too many lines, or none: an error at most.
            let _ = draw_all(&sweep.experiment.figures, &results, &out);
        }
    });
}

#[test]
fn journals() {
    let world = World::new();
    let out = world.path("out");
    let sweep = swept(&world, &out);
    let rows = |finished: Vec<peeksim::experiment::RunRecord>| -> Vec<Vec<String>> {
        finished.into_iter().map(|run| run.entry.result.cells.clone()).collect()
    };
    let whole = rows(sweep.run(&out, 1, &()).expect("results"));
    fuzz(&out.join("runs.journal"), &world.bytes("out/runs.journal"), 300, || {
        // Whatever is lost is made again.
        assert_eq!(rows(sweep.run(&out, 1, &()).expect("results")), whole);
    });
}
