//! Decisions of published schedulers, held against what the authors' own code returned.
//!
//! A file has cases of an input and what a decision function returned for it; its note says where
//! it is from. Ten cases of each are in `cases/` and always run. The whole files are read from
//! `arena/` under the folder that the environment variable `PEEKSIM_DATA` names; without it they
//! are skipped, and the test says so.

mod alpaserve;
mod clockwork_infer;
mod clockwork_load;
mod das;
mod edgeserving;
mod he_batching;
mod infaas;
mod jellyfish;
mod nexus_drop;
mod nexus_pack;
mod octopinf;
mod proteus_batching;
mod proteus_milp;
mod routebalance;
mod shepherd_flex;
mod slackfit;
mod symphony;

use serde_json::Value;
use std::fmt::Debug;
use std::fs;
use std::path::{Path, PathBuf};

/// Compares one case: what differs, in words.
type Comparison = fn(&Value) -> Result<(), String>;

/// Every file that has an implementation.
const FILES: [(&str, Comparison); 18] = [
    ("edgeserving", edgeserving::compare),
    ("symphony", symphony::compare),
    ("slackfit", slackfit::compare),
    ("proteus_batching", proteus_batching::compare),
    ("proteus_milp", proteus_milp::compare),
    ("octopinf_cwd", octopinf::compare_cwd),
    ("octopinf_coral", octopinf::compare_coral),
    ("he_batching", he_batching::compare),
    ("das", das::compare),
    ("jellyfish", jellyfish::compare),
    ("alpaserve", alpaserve::compare),
    ("nexus_pack", nexus_pack::compare),
    ("nexus_drop", nexus_drop::compare),
    ("clockwork_infer", clockwork_infer::compare),
    ("clockwork_load", clockwork_load::compare),
    ("infaas", infaas::compare),
    ("shepherd_flex", shepherd_flex::compare),
    ("routebalance", routebalance::compare),
];

fn read(folder: &Path, name: &str) -> Value {
    let path = folder.join(format!("{name}.json"));
    let text = fs::read_to_string(&path).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
    let file: Value = serde_json::from_str(&text).expect("JSON");
    assert!(!text_of(&file["source"]).is_empty(), "{name} names no source");
    file
}

/// Runs the cases of every file of a folder.
fn run(folder: &Path, least: usize) {
    let mut wrong = Vec::new();
    for (name, compare) in FILES {
        let file = read(folder, name);
        let cases = list(&file["cases"]);
        assert!(cases.len() >= least, "{name} has {} cases", cases.len());
        let found: Vec<String> = cases
            .iter()
            .filter_map(|case| {
                let why = compare(case).err()?;
                Some(format!("{name}, case {}: {why}", case["id"]))
            })
            .collect();
        let (all, different) = (cases.len(), found.len());
        println!("{name}: {all} cases, {} equal, {different} different", all - different);
        wrong.extend(found);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn ten_cases_of_each_system_are_decided_as_its_authors_do() {
    run(&shipped_files(), 10);
}

/// The folder of the whole files; without it a line says so.
fn whole_files() -> Option<PathBuf> {
    let Ok(folder) = std::env::var("PEEKSIM_DATA") else {
        println!("skipped: PEEKSIM_DATA is not set");
        return None;
    };
    let folder = Path::new(&folder).join("arena");
    if !folder.is_dir() {
        println!("skipped: no {}", folder.display());
        return None;
    }
    Some(folder)
}

fn shipped_files() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/schedulers/golden_arena/cases")
}

#[test]
fn all_cases_are_decided_as_the_authors_do() {
    if let Some(folder) = whole_files() {
        run(&folder, 1);
    }
}

/// Whole traces of `clipper-like` and `proteus-like` through the engine.
#[test]
fn traces_are_served_as_the_authors_do() {
    for folder in [Some(shipped_files()), whole_files()].into_iter().flatten() {
        let file = read(&folder, "proteus_batching");
        for (rule, scheduler) in proteus_batching::ROWS {
            let replays = list(&file["cases"]).iter().map(|case| {
                let replayed = proteus_batching::replay(case, (rule, scheduler));
                replayed.unwrap_or_else(|why| panic!("case {}: {why}", case["id"]))
            });
            let (replayed, all) =
                (replays.filter(|replayed| *replayed).count(), list(&file["cases"]).len());
            println!("proteus_batching, {rule}: {replayed} traces of {all} replayed");
            assert!(2 * replayed > all);
        }
    }
}

/// Whole traces of `shepherd-like` with preemption through the engine.
#[test]
fn traces_with_preemption_are_served_as_published() {
    for folder in [Some(shipped_files()), whole_files()].into_iter().flatten() {
        let file = read(&folder, "shepherd_flex");
        let cases = list(&file["cases"]);
        for case in cases {
            shepherd_flex::replay(case).unwrap_or_else(|why| panic!("case {}: {why}", case["id"]));
        }
        println!("shepherd_flex: {} traces replayed", cases.len());
    }
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

fn whole(value: &Value) -> usize {
    value.as_u64().unwrap_or_else(|| panic!("{value} is no whole number")) as usize
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap_or_else(|| panic!("{value} is no list"))
}

fn numbers(value: &Value) -> Vec<f64> {
    list(value).iter().map(number).collect()
}

fn text_of(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

/// The keys of a table in the order of the file, which is that of the authors.
fn keys(value: &Value) -> Vec<&str> {
    let table = value.as_object().unwrap_or_else(|| panic!("{value} is no table"));
    table.keys().map(String::as_str).collect()
}

/// An error unless both are equal.
fn same<T: PartialEq<U> + Debug, U: Debug>(what: &str, ours: &T, theirs: &U) -> Result<(), String> {
    if ours == theirs { Ok(()) } else { Err(format!("{what}: ours {ours:?}, theirs {theirs:?}")) }
}

/// An error unless both are equal to this relative error, or absolute below 1.
fn close(what: &str, ours: f64, theirs: f64, tolerance: f64) -> Result<(), String> {
    let is_close = (ours - theirs).abs() <= tolerance * theirs.abs().max(1.0);
    if is_close { Ok(()) } else { Err(format!("{what}: ours {ours}, theirs {theirs}")) }
}
