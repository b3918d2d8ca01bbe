//! `peeksim inspect`

use crate::support::shell::{self, Shell, column};
use flate2::read::MultiGzDecoder;
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
    let expected = "expected an id as `peeksim check` or runs.csv gives it";
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
