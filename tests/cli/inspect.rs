//! `peeksim inspect`

use crate::support::shell::{self, Shell, column};
use flate2::read::MultiGzDecoder;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

/// The ids of the runs of `small.toml`, in order.
fn ids(shell: &Shell) -> Vec<String> {
    shell.ok("sweep small.toml");
    column(&shell.read("results/small/runs.csv"), "run_id")
}

/// The value behind a name in the printed list.
fn printed<'a>(out: &'a str, name: &str) -> &'a str {
    let line = out.lines().find(|line| line.split_whitespace().next() == Some(name));
    line.expect("a line").split_once(name).expect("a name").1.trim()
}

#[test]
fn a_run_prints_the_row_of_the_sweep() {
    let shell = Shell::small();
    let ids = ids(&shell);
    let runs = shell.read("results/small/runs.csv");
    for at in [0, 5] {
        // The first is the default; the others go by the beginning of their id.
        let choice = if at == 0 { String::new() } else { format!("--run {}", &ids[at][..8]) };
        let out = shell.ok(&format!("inspect small.toml {choice}")).out;
        for name in ["run_id", "replicate", "scheduler", "workload.rate_rps", "accuracy_source"] {
            assert_eq!(printed(&out, name), column(&runs, name)[at], "{name}");
        }
        for name in ["utility_mean", "latency_ms_p99", "percentile_method", "decisions", "energy_j"]
        {
            assert_eq!(printed(&out, name), column(&runs, name)[at], "{name}");
        }
    }
}

#[test]
fn unknown_and_ambiguous_ids_are_refused() {
    let shell = Shell::small();
    let said = shell.fails(2, "inspect small.toml --run zzz");
    let expected = "expected an id as `peeksim check` or runs.csv gives it, with the same `--set`";
    assert_eq!(said.error(), format!("error: --run: found no run `zzz`, {expected}"));
    // 8 runs, 16 digits: some two of 20 replicates share their first one.
    let said = (0..16)
        .map(|digit| shell.run(&format!("inspect small.toml --replicates 20 --run {digit:x}")))
        .find(|said| said.err.contains("several runs begin with"));
    assert_eq!(said.expect("an ambiguous digit").code, Some(2));
}

#[test]
fn settings_with_two_names_are_one_run() {
    let shell = Shell::small();
    let values = r#"scheduler=[{label="a",name="edf"},{label="b",name="edf"}]"#;
    let sweep = |arguments: &[&str]| {
        let arguments = [arguments, &["--set", values]].concat();
        let said = shell::Said::of(&mut shell.command(&arguments));
        assert_eq!(said.code, Some(0), "{said:?}");
    };
    sweep(&["sweep", "small.toml"]);
    let runs = shell.read("results/small/runs.csv");
    let (ids, labels) = (column(&runs, "run_id"), column(&runs, "scheduler"));
    assert_eq!((ids[0].as_str(), labels[0].as_str(), labels[4].as_str()), (&*ids[4], "a", "b"));
    sweep(&["inspect", "small.toml", "--run", &ids[0]]);
    shell.ok("verify results/small");
}

#[test]
fn requests_are_logged_plain_and_compressed() {
    let shell = Shell::small();
    let said = shell.ok("inspect small.toml --requests r.csv");
    assert!(said.out.ends_with("wrote r.csv\n"), "{}", said.out);
    shell.ok("inspect small.toml --requests r.csv.gz");
    let plain = shell.read("r.csv");
    let mut unpacked = String::new();
    let bytes = shell.bytes("r.csv.gz");
    MultiGzDecoder::new(bytes.as_slice()).read_to_string(&mut unpacked).expect("gzip");
    assert_eq!(plain, unpacked);
    assert!(bytes.len() < plain.len());
    let mut numbers: Vec<u32> =
        column(&plain, "request").iter().map(|number| number.parse().expect("a number")).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..300).collect::<Vec<_>>());
    let row = |name: &str| printed(&said.out, name).parse::<f64>().expect("a number");
    let sum = |name: &str| -> f64 {
        column(&plain, name).iter().map(|cell| cell.parse::<f64>().unwrap_or(0.0)).sum()
    };
    assert!((sum("utility") - row("utility_sum")).abs() < 1e-9);
    assert!((sum("correct") / row("completed") - row("accuracy_mean")).abs() < 1e-12);
    assert!((sum("latency_s") * 1e3 / row("completed") - row("latency_ms_mean")).abs() < 1e-9);
}

#[test]
fn a_log_that_cannot_be_written_fails_and_leaves_nothing() {
    let shell = Shell::small();
    let said = shell.fails(1, "inspect small.toml --requests nowhere/r.csv");
    assert!(said.error().starts_with("error: cannot write nowhere/r.csv: "), "{said:?}");
    shell.write("folder.csv/x", "");
    let said = shell.fails(1, "inspect small.toml --requests folder.csv");
    assert!(said.error().starts_with("error: cannot write folder.csv: "), "{said:?}");
    let left = std::fs::read_dir(shell.path("")).expect("a folder").count();
    assert_eq!(left, 2, "small.toml and folder.csv");
}

#[test]
fn determinism_is_checked() {
    let shell = Shell::small();
    for choice in ["", "--set scheduler=random", "--set noise_cv=0.5"] {
        let said = shell.ok(&format!("inspect small.toml --check-determinism {choice}"));
        let (count, rest) = said.out.split_once(' ').expect("a count");
        assert!(count.parse::<u32>().is_ok_and(|count| count > 900), "{}", said.out);
        assert_eq!(rest, "events, the same in both runs\n");
    }
}

#[cfg(not(feature = "parquet"))]
#[test]
fn parquet_is_refused_where_it_was_not_built_in() {
    let shell = Shell::small();
    let said = shell.fails(2, "inspect small.toml --requests r.parquet");
    let expected = "a CSV file: this peeksim was built without `--features parquet`";
    let message = format!("error: --requests: found `r.parquet`, expected {expected}");
    assert_eq!(said.error(), message);
    assert!(!shell.exists("r.parquet"));
}

/// The events of a timeline.
fn events(text: &str) -> Vec<Value> {
    let document: Value = serde_json::from_str(text).expect("JSON");
    document["traceEvents"].as_array().expect("events").clone()
}

fn ns(value: &Value) -> u64 {
    (value.as_f64().expect("microseconds") * 1e3).round() as u64
}

/// A finished slice of a thread.
struct Slice {
    name: String,
    args: Value,
    start: u64,
    end: u64,
}

/// Finished slices by process and thread, in order.
fn slices(events: &[Value]) -> BTreeMap<(u64, u64), Vec<Slice>> {
    let mut open: BTreeMap<(u64, u64), (String, Value, u64)> = BTreeMap::new();
    let mut found: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for event in events {
        let number = |key: &str| event[key].as_u64().expect("a number");
        match event["ph"].as_str().expect("a phase") {
            "B" => {
                let thread = (number("pid"), number("tid"));
                let name = event["name"].as_str().expect("a name").to_owned();
                let began = (name, event["args"].clone(), ns(&event["ts"]));
                assert!(open.insert(thread, began).is_none(), "two at once: {event}");
            }
            "E" => {
                let thread = (number("pid"), number("tid"));
                let (name, args, start) =
                    open.remove(&thread).unwrap_or_else(|| panic!("nothing ends: {event}"));
                let end = ns(&event["ts"]);
                assert!(start <= end, "{event}");
                found.entry(thread).or_default().push(Slice { name, args, start, end });
            }
            _ => {}
        }
    }
    assert!(open.is_empty(), "{open:?}");
    found
}

#[test]
fn a_timeline_holds_the_batches_of_the_request_log() {
    let shell = Shell::small();
    let lanes = "--set workers.0.lanes=2 --set workload.rate_rps=5000";
    for scheduler in ["edf", "fcfs", r#"{name="grouped",window_ms=20}"#] {
        let choice = format!("{lanes} --set scheduler={scheduler}");
        let said =
            shell.ok(&format!("inspect small.toml {choice} --timeline t.json --requests r.csv"));
        assert!(said.out.ends_with("wrote r.csv\nwrote t.json\n"), "{}", said.out);
        let events = events(&shell.read("t.json"));
        let arrived: usize = printed(&said.out, "arrived").parse().expect("a number");
        for phase in ["b", "e"] {
            let ids: Vec<u64> = events
                .iter()
                .filter(|event| event["ph"] == phase && event["cat"] == "request")
                .map(|event| event["id"].as_u64().expect("a number"))
                .collect();
            assert_eq!((ids.len(), ids.iter().collect::<BTreeSet<_>>().len()), (arrived, arrived));
        }
        // Every event of a thread has a name for it; its slices do not overlap.
        let named: BTreeMap<(u64, u64), String> = events
            .iter()
            .filter(|event| event["name"] == "thread_name")
            .map(|event| {
                let number = |key: &str| event[key].as_u64().expect("a number");
                let name = event["args"]["name"].as_str().expect("a name").to_owned();
                ((number("pid"), number("tid")), name)
            })
            .collect();
        let slices = slices(&events);
        for (thread, own) in &slices {
            let after = own.windows(2).all(|pair| pair[0].end <= pair[1].start);
            assert!(after, "{} of {thread:?} overlap", named[thread]);
        }
        // By number: lane, requests, start and end of a batch.
        let lane = |thread: &(u64, u64)| named[thread].strip_prefix("lane ").map(str::to_owned);
        let mut batches = BTreeMap::new();
        for (thread, own) in &slices {
            let Some(lane) = lane(thread) else { continue };
            for Slice { name, args, start, end } in own {
                let number = args["batch"].as_u64().expect("a number");
                let requests = args["requests"].as_array().expect("requests").clone();
                let batch = (lane.clone(), name.clone(), requests, *start, *end);
                assert!(batches.insert(number, batch).is_none(), "batch {number} twice");
            }
        }
        let log = shell.read("r.csv");
        let names = ["request", "app", "variant", "lane", "batch", "batch_size"];
        let [requests, apps, variants, lanes, numbers, sizes] =
            names.map(|name| column(&log, name));
        let [starts, finishes] = ["start_s", "finish_s"].map(|name| column(&log, name));
        let mut used = BTreeSet::new();
        for at in 0..requests.len() {
            let number: u64 = numbers[at].parse().expect("a batch");
            let (lane, name, inside, start, end) = &batches[&number];
            used.insert(lane.clone());
            assert_eq!(*lane, lanes[at]);
            assert_eq!(*name, format!("{}/{}", apps[at], variants[at]));
            assert!(inside.iter().any(|id| id.as_u64() == requests[at].parse().ok()), "{number}");
            assert_eq!(inside.len().to_string(), sizes[at]);
            let time = |cell: &str| (cell.parse::<f64>().expect("s") * 1e9).round() as u64;
            assert_eq!((*start, *end), (time(&starts[at]), time(&finishes[at])), "{number}");
        }
        let sum: usize = batches.values().map(|(_, _, requests, ..)| requests.len()).sum();
        assert_eq!(sum, requests.len());
        assert_eq!(used.len(), 2, "{scheduler}: both lanes are used");
    }
}

#[test]
fn a_timeline_is_the_same_again_and_can_be_compressed() {
    let shell = Shell::small();
    let said = shell.ok("inspect small.toml --timeline t.json");
    assert!(said.out.ends_with("wrote t.json\n"), "{}", said.out);
    assert_eq!(said.out.replace("wrote t.json\n", ""), shell.ok("inspect small.toml").out);
    let first = shell.read("t.json");
    assert!(events(&first).len() > 1000);
    shell.ok("inspect small.toml --timeline t.json");
    assert!(shell.read("t.json") == first, "the timeline differs");
    shell.ok("inspect small.toml --timeline t.json.gz");
    let mut unpacked = String::new();
    let bytes = shell.bytes("t.json.gz");
    MultiGzDecoder::new(bytes.as_slice()).read_to_string(&mut unpacked).expect("gzip");
    assert!(unpacked == first && bytes.len() < first.len() / 4);
}

#[test]
fn a_timeline_replaces_no_input_and_leaves_nothing_behind() {
    let shell = Shell::small();
    shell.write("link/x", "");
    for path in ["small.toml", "./small.toml", "link/../small.toml"] {
        let said = shell.fails(2, &format!("inspect small.toml --timeline {path}"));
        let message = format!("--timeline: found `{path}`, which would replace small.toml");
        assert!(said.error().contains(&message), "{said:?}");
        assert_eq!(shell.read("small.toml"), shell::SMALL);
    }
    let said = shell.fails(2, "inspect small.toml --timeline t.json.bz2");
    assert!(said.error().contains("`.bz2` is not written"), "{said:?}");
    let said = shell.fails(1, "inspect small.toml --timeline nowhere/t.json");
    assert!(said.error().starts_with("error: cannot write nowhere/t.json: "), "{said:?}");
    let left = std::fs::read_dir(shell.path("")).expect("a folder").count();
    assert_eq!(left, 2, "small.toml and link");
}

#[test]
fn an_excerpt_is_drawn_in_three_formats() {
    let shell = Shell::small();
    shell.ok("inspect small.toml --gantt g.svg --from 100ms --until 400ms");
    let svg = shell.read("g.svg");
    for text in ["<svg", "time (ms)", "\n100\n", "\n400\n", "edge-cpu-0"] {
        assert!(svg.contains(text), "{text}: {svg}");
    }
    shell.ok("inspect small.toml --gantt again.svg --from 0.1s --until 0.4s");
    assert_eq!(shell.read("again.svg"), svg);
    shell.ok("inspect small.toml --gantt g.png");
    assert!(shell.bytes("g.png").starts_with(b"\x89PNG"));
    shell.ok("inspect small.toml --gantt g.pdf");
    assert!(shell.bytes("g.pdf").starts_with(b"%PDF-"));
    for (options, message) in [
        ("--gantt g.gif", "a file that ends in .svg, .png or .pdf"),
        ("--gantt g.svg --from 1h", "--from: found `1h`, expected a length of time"),
        ("--gantt g.svg --from 2s --until 1s", "expected a time before `--until`"),
        ("--gantt g.svg --from 1000s", "in which no worker is busy"),
        ("--gantt small.toml.svg --timeline small.toml.svg", "a file for each"),
        ("--from 1s", "--gantt <FILE>"),
    ] {
        let said = shell.fails(2, &format!("inspect small.toml {options}"));
        assert!(said.error().contains(message), "{options}: {said:?}");
    }
}
