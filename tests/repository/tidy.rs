//! The shape of the repository: floors, sizes, who touches files and clocks, and that nothing
//! ships without its source, its experiment and its row in the book.

use peeksim::config::source::STYLES;
use peeksim::scheduler::REGISTRY;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The floors of docs/src/architecture.md. `config` stands above `core`, whose decimals it reads.
const FLOORS: [&[&str]; 15] = [
    &["core", "output"],
    &["config", "stats"],
    &["traces"],
    &["classifier"],
    &["system"],
    &["workload"],
    &["contract", "import"],
    &["rl"],
    &["scheduler", "engine", "metrics"],
    &["offloading", "testing"],
    &["experiment"],
    &["report", "inspection"],
    &["reproduce_tmo", "calibration"],
    &["cli"],
    &["main", "lib"],
];
/// The files that may use `std::fs`: the reader of inputs, the writer of whole files, and those of
/// the journal and of stored steps, which are appended to and read back even if their end is torn.
const FILES: [&str; 4] =
    ["config/source.rs", "output/atomic.rs", "experiment/journal.rs", "rl/replay_file.rs"];
/// Who may look at the clock on the wall: timings apart from the results, and estimates.
const CLOCKS: [&str; 3] = ["experiment/executor.rs", "cli/estimate.rs", "cli/progress.rs"];

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Every file below `folder` with this ending: its path from there, and its text.
fn files(folder: &str, ending: &str) -> Vec<(String, String)> {
    fn walk(root: &Path, folder: &Path, ending: &str, found: &mut Vec<(String, String)>) {
        let Ok(entries) = fs::read_dir(folder) else { return };
        for path in entries.map(|entry| entry.expect("an entry").path()) {
            if path.is_dir() {
                walk(root, &path, ending, found);
            } else if path.to_string_lossy().ends_with(ending) {
                let name = path.strip_prefix(root).expect("below the root").to_string_lossy();
                let text = fs::read_to_string(&path).expect("UTF-8");
                found.push((name.replace('\\', "/"), text));
            }
        }
    }
    let root = repository(folder);
    let mut found = Vec::new();
    walk(&root, &root, ending, &mut found);
    found.sort();
    found
}

/// The lines of a file without comments, numbered.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().enumerate();
    lines.filter(|(_, line)| !line.trim_start().starts_with("//")).map(|(at, line)| (at + 1, line))
}

/// The lines before the tests of a file.
fn shipped(text: &str) -> &str {
    text.find("#[cfg(test)]\nmod tests").map_or(text, |at| &text[..at])
}

fn floor(module: &str) -> usize {
    let found = FLOORS.iter().position(|floor| floor.contains(&module));
    found.unwrap_or_else(|| {
        panic!("module `{module}` has no floor: put it into tests/repository/tidy.rs")
    })
}

/// The modules named behind `crate::` in a line, lists in braces included.
fn imports(line: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in line.match_indices("crate::") {
        let rest = &line[at + "crate::".len()..];
        let names = match rest.strip_prefix('{') {
            Some(list) => list.split('}').next().unwrap_or(list).split(',').collect(),
            None => vec![rest],
        };
        for name in names {
            let end = |c: char| !c.is_ascii_alphanumeric() && c != '_';
            let name = name.trim().split(end).next().unwrap_or("");
            if !name.is_empty() {
                found.push(name.to_owned());
            }
        }
    }
    found
}

#[test]
fn imports_are_recognised() {
    assert_eq!(imports("use crate::units::{Span, Time};"), ["units"]);
    assert_eq!(imports("use crate::{sim, input::Node};"), ["sim", "input"]);
    assert_eq!(imports("let a = crate::rng::mix(crate::units::NS);"), ["rng", "units"]);
}

#[test]
fn files_import_from_lower_floors_only() {
    let mut wrong = Vec::new();
    for (name, text) in files("src", ".rs") {
        let own = name.split(['/', '.']).next().expect("a module").to_owned();
        for (line, module) in
            code(&text).flat_map(|(at, line)| imports(line).into_iter().map(move |m| (at, m)))
        {
            if module != own && floor(&module) >= floor(&own) {
                wrong.push(format!("src/{name}:{line}: `{own}` must not know `{module}`"));
            }
        }
        // A way round `crate::` that would hide an import.
        let depth = name.matches('/').count() + usize::from(!name.ends_with("mod.rs"));
        for (line, text) in code(&text) {
            let out = vec!["super"; depth + 1].join("::");
            if text.contains(&out) {
                wrong.push(format!("src/{name}:{line}: `{out}` leaves the module"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn lines_and_files_are_short() {
    let mut wrong = Vec::new();
    for folder in ["src", "tests", "examples", "benches"] {
        for (name, text) in files(folder, ".rs") {
            let count = text.lines().count();
            if count > 500 {
                wrong.push(format!("{folder}/{name}: {count} lines, at most 500"));
            }
            for (at, line) in text.lines().enumerate().filter(|(_, l)| l.chars().count() > 100) {
                let width = line.chars().count();
                wrong.push(format!("{folder}/{name}:{}: {width} columns, at most 100", at + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn files_and_clocks_are_touched_where_it_is_said() {
    let mut wrong = Vec::new();
    for (name, text) in files("src", ".rs") {
        for (line, code) in code(shipped(&text)) {
            let any = |words: &[&str]| words.iter().any(|word| code.contains(word));
            let place = format!("src/{name}:{line}");
            let files = ["std::fs", "File::open", "File::create", "OpenOptions"];
            if any(&files) && !FILES.contains(&name.as_str()) {
                wrong.push(format!("{place}: only {} touch files", FILES.join(", ")));
            }
            if any(&["Instant", "SystemTime"]) && !CLOCKS.contains(&name.as_str()) {
                wrong.push(format!("{place}: only {} look at the clock", CLOCKS.join(", ")));
            }
            if any(&["thread_rng", "rand::rng(", "StdRng", "SmallRng", "from_os_rng"]) {
                wrong.push(format!("{place}: random numbers come from crate::rng"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// It is of use with a program of one's own only.
const WITHOUT_EXPERIMENT: &str = "external";

#[test]
fn every_scheduler_has_a_source_an_experiment_and_a_row_in_the_book() {
    let experiments = files("experiments", ".toml");
    let page = fs::read_to_string(repository("docs/src/schedulers.md")).expect("the page");
    for entry in REGISTRY {
        let name = entry.name;
        assert!(!entry.source.trim().is_empty(), "`{name}` has no source");
        assert!(!entry.summary.trim().is_empty(), "`{name}` has no summary");
        let quoted = format!("\"{name}\"");
        let used = experiments.iter().any(|(_, text)| text.contains(&quoted));
        assert!(used || name == WITHOUT_EXPERIMENT, "no experiments/**/*.toml uses `{name}`");
        let row = format!("\n| `{name}` |");
        assert!(page.contains(&row), "docs/src/schedulers.md has no row `{name}`");
    }
}

#[test]
fn every_shipped_experiment_is_accepted() {
    let experiments = files("experiments", ".toml");
    assert!(!experiments.is_empty());
    for (name, _) in experiments {
        if name == STYLES {
            continue;
        }
        let name = name.strip_suffix(".toml").expect("the ending");
        let sweep = peeksim::experiment::Experiment::load(name, &[])
            .and_then(peeksim::experiment::Sweep::new);
        if let Err(problems) = sweep {
            panic!("experiments/{name}.toml:\n{problems}");
        }
    }
}

/// Counts by (true class, predicted class).
type Confusion = BTreeMap<(String, String), u64>;

/// The confusion matrices of a profile, by variant.
fn profiled(text: &str) -> BTreeMap<String, Confusion> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers().expect("a header").clone();
    let mut found: BTreeMap<String, Confusion> = BTreeMap::new();
    for row in reader.records().map(|row| row.expect("a row")) {
        let counts = found.entry(row[0].to_owned()).or_default();
        for (name, cell) in header.iter().zip(&row).skip(2) {
            let class = name.strip_prefix("predicted_").expect("a predicted class");
            let count = cell.parse().expect("a count");
            counts.insert((row[1].to_owned(), class.to_owned()), count);
        }
    }
    found
}

/// The same matrices, counted over the requests of a trace.
fn streamed(text: &str) -> BTreeMap<String, Confusion> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers().expect("a header").clone();
    let class = header.iter().position(|name| name == "class").expect("a class");
    let mut found: BTreeMap<String, Confusion> = BTreeMap::new();
    for row in reader.records().map(|row| row.expect("a row")) {
        for (name, cell) in header.iter().zip(&row) {
            if let Some(variant) = name.strip_prefix("predicted_") {
                let counts = found.entry(variant.to_owned()).or_default();
                *counts.entry((row[class].to_owned(), cell.to_owned())).or_default() += 1;
            }
        }
    }
    found
}

fn class_totals(counts: &Confusion) -> BTreeMap<&str, u64> {
    let mut totals = BTreeMap::new();
    for ((class, _), count) in counts {
        *totals.entry(class.as_str()).or_default() += count;
    }
    totals
}

/// Requests are replayed from the stream split; what a scheduler may know of it beforehand is
/// nothing. If its rows had reached a profile, every count there would be at least the stream's.
#[test]
fn no_row_of_the_stream_reaches_a_profile() {
    let mut compared = 0;
    // Dialogues, and runs of devices, are no requests of an application.
    let is_trace = |(name, _): &(String, String)| name != "dialogues.csv" && !name.contains('/');
    let traces = files("traces", ".csv").into_iter().filter(is_trace);
    for (name, trace) in traces {
        let app = name.strip_suffix(".csv").expect("the ending");
        let profile = fs::read_to_string(repository(&format!("profiles/{app}/confusion.csv")));
        let (profile, stream) = (profiled(&profile.expect("confusion.csv")), streamed(&trace));
        for (variant, known) in &profile {
            let met = &stream[variant];
            let (known_totals, met_totals) = (class_totals(known), class_totals(met));
            for (class, met) in &met_totals {
                let known = known_totals[class];
                assert_ne!(known, *met, "{app}, `{class}`: as many in the profile as in the trace");
            }
            let covers = met.iter().all(|(cell, met)| known.get(cell).is_some_and(|k| k >= met));
            assert!(!covers, "{app}, `{variant}`: the profile may hold the whole stream");
            assert_ne!(known, met, "{app}, `{variant}`: the profile is the stream");
            compared += 1;
        }
        let priors = fs::read_to_string(repository(&format!("profiles/{app}/app.toml")));
        let priors = priors.expect("app.toml");
        assert!(
            !priors.lines().any(|line| line.starts_with("prior")),
            "{app}: a prior of a measured application comes from its confusion counts alone"
        );
    }
    assert!(compared >= 30, "{compared} variants compared");
}
