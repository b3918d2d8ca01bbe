//! Bad inputs beside their messages: `tests/bad/<case>/`.
//!
//! A case is run in a copy of `tests/bad/good`, over which its own files are laid; a file called
//! `x.gone` takes `x` away. `command.txt` holds the arguments, one a line, if they are not
//! `sweep experiment.toml`. The binary must exit with 2, say exactly `expected.txt` on stderr,
//! not panic, and leave no results behind. `<schedulers>`, `<arrivals>`, `<experiments>`,
//! `<applications>` and `<metrics>` stand for all names there are, so that a new one changes no
//! expectation.
//!
//! `UPDATE_GOLDEN=1 cargo test bad_input` writes every `expected.txt` anew.

use crate::support::shell::{self, Said, Shell, repository, updating};
use flate2::Compression;
use flate2::write::GzEncoder;
use peeksim::config::source::embedded_paths;
use peeksim::metrics::Study;
use peeksim::scheduler::REGISTRY;
use peeksim::workload::ARRIVALS;
use std::fs;
use std::io::Write;
use std::path::Path;

/// A copy of the inputs that are good.
fn good() -> Shell {
    let shell = Shell::new();
    lay(&repository("tests/bad/good"), &shell.path(""));
    shell
}

/// Lays the files of `from` over those of `to`.
fn lay(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_str().expect("UTF-8");
        if path.is_dir() {
            lay(&path, &to.join(name));
        } else if let Some(gone) = name.strip_suffix(".gone") {
            fs::remove_file(to.join(gone)).expect("a file to take away");
        } else {
            fs::copy(&path, to.join(name)).expect("a copy");
        }
    }
}

/// What was said, with the lists of all names there are by their own.
fn stable(said: &str) -> String {
    let shipped = |prefix: &str, suffix: &str| -> Vec<String> {
        let paths = embedded_paths(suffix).into_iter();
        let name = |path: String| Some(path.strip_prefix(prefix)?.strip_suffix(suffix)?.to_owned());
        paths.filter_map(name).collect()
    };
    let lists: [(&str, Vec<String>); 5] = [
        ("<schedulers>", REGISTRY.iter().map(|entry| entry.name.to_owned()).collect()),
        ("<arrivals>", ARRIVALS.iter().map(|entry| entry.name.to_owned()).collect()),
        ("<experiments>", shipped("experiments/", ".toml")),
        ("<applications>", shipped("profiles/", "/app.toml")),
        ("<metrics>", Study::Scheduling.numbers().map(str::to_owned).collect()),
    ];
    lists.iter().fold(said.to_owned(), |said, (by, names)| {
        // Long lists are cut.
        let cut = names[..names.len().min(24)].join(", ");
        said.replace(&names.join(", "), by)
            .replace(&format!("{cut}, … ({} in all)", names.len()), by)
    })
}

/// What is wrong with a case, if anything.
fn check(case: &Path) -> Result<(), String> {
    let shell = good();
    lay(case, &shell.path(""));
    let command = fs::read_to_string(case.join("command.txt"));
    let command = command.unwrap_or_else(|_| "sweep\nexperiment.toml\n".to_owned());
    let mut said = Said::of(&mut shell.command(&command.lines().collect::<Vec<_>>()));
    said.err = stable(&said.err);
    if said.code != Some(2) {
        return Err(format!("exit code {:?}, not 2: {}", said.code, said.err));
    }
    if said.err.contains("panicked") || !said.out.is_empty() || shell.exists("results") {
        return Err(format!("a panic, or output, or results: {said:?}"));
    }
    let file = case.join("expected.txt");
    if updating() {
        fs::write(&file, &said.err).expect("expected.txt can be written");
    }
    let expected = fs::read_to_string(&file).unwrap_or_default();
    if said.err == expected {
        Ok(())
    } else {
        Err(format!("says\n{}but expected was\n{expected}", said.err))
    }
}

#[test]
fn every_bad_input_has_its_message() {
    let folder = repository("tests/bad");
    let mut cases: Vec<_> = fs::read_dir(folder)
        .expect("tests/bad")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.is_dir() && !path.ends_with("good"))
        .collect();
    cases.sort();
    assert!(cases.len() > 150, "{} cases", cases.len());
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|case| check(case).err().map(|why| format!("{}: {why}", case.display())))
        .collect();
    assert!(
        wrong.is_empty(),
        "{}\nUPDATE_GOLDEN=1 cargo test bad_input accepts what is said now",
        wrong.join("\n")
    );
}

#[test]
fn the_good_input_is_good() {
    let shell = good();
    let said = shell.ok("sweep experiment.toml");
    assert_eq!(said.err.lines().last(), Some("2/2 runs"));
    assert!(said.out.contains("2 runs: 100 requests arrived = 100 completed"), "{}", said.out);
}

#[test]
fn windows_line_ends_and_byte_order_marks_are_accepted() {
    let (plain, windows) = (good(), good());
    for file in [
        "experiment.toml",
        "profiles/toy/app.toml",
        "profiles/toy/variants.csv",
        "profiles/toy/confusion.csv",
        "profiles/toy/latency.csv",
        "profiles/toy/load.csv",
        "profiles/toy/peek.csv",
        "traces/toy.csv",
    ] {
        windows.write(file, format!("\u{feff}{}", plain.read(file).replace('\n', "\r\n")));
    }
    let metrics = |shell: &Shell| {
        shell.ok("sweep experiment.toml");
        shell::column(&shell.read("results/experiment/runs.csv"), "utility_sum")
    };
    assert_eq!(metrics(&plain), metrics(&windows));
}

#[test]
fn gzipped_traces_are_accepted_and_broken_ones_are_not() {
    let shell = good();
    let trace = shell.read("traces/toy.csv");
    fs::remove_file(shell.path("traces/toy.csv")).expect("the trace");
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(trace.as_bytes()).expect("compression");
    let bytes = gzip.finish().expect("compression");
    shell.write("traces/toy.csv.gz", &bytes);
    shell.ok("sweep experiment.toml");
    shell.write("traces/toy.csv.gz", &bytes[..bytes.len() / 2]);
    let said = shell.fails(2, "check experiment.toml");
    assert!(said.err.starts_with("error: traces/toy.csv.gz: found a broken file"), "{}", said.err);
}

#[test]
fn lines_longer_than_a_mebibyte_are_refused_everywhere() {
    let long = "x".repeat(1 << 20);
    for file in ["experiment.toml", "profiles/toy/confusion.csv", "traces/toy.csv"] {
        let shell = good();
        shell.write(file, format!("{}#{long}\n", shell.read(file)));
        let said = shell.fails(2, "sweep experiment.toml");
        let line = shell.read(file).lines().count();
        let found = "found a line longer than 1 MiB, expected shorter lines";
        assert_eq!(said.err, format!("error: {file}:{line}: {found}\n"));
        assert!(!shell.exists("results"));
    }
}

#[test]
fn a_folder_in_place_of_a_file_is_said_so() {
    let shell = good();
    fs::remove_file(shell.path("profiles/toy/load.csv")).expect("a file");
    fs::create_dir(shell.path("profiles/toy/load.csv")).expect("a folder");
    let said = shell.fails(2, "check experiment.toml");
    assert_eq!(said.err, "error: profiles/toy/load.csv: found a folder, expected a file\n");
}

#[test]
fn a_billion_requests_are_an_experiment() {
    let said = good().ok("check experiment.toml --set workload.requests=1_000_000_000");
    assert!(said.out.contains("= 2 runs"), "{}", said.out);
}

#[test]
fn a_batch_larger_than_the_profile_is_capped() {
    let shell = good();
    let runs = |batch: u32| {
        let scheduler = format!("scheduler={{name=\"edf\",max_batch={batch}}}");
        let out = format!("--out=b{batch}");
        let rate = "workload.rate_rps=100000";
        let arguments = ["sweep", "experiment.toml", "--set", rate, "--set", &scheduler, &out];
        let said = Said::of(&mut shell.command(&arguments));
        assert_eq!(said.code, Some(0), "{said:?}");
        shell::column(&shell.read(&format!("b{batch}/runs.csv")), "batch_size_mean")
    };
    // The profile ends at batch 4.
    let sizes = runs(4096);
    assert!(sizes.iter().all(|size| size.parse::<f64>().is_ok_and(|s| s > 2.0 && s <= 4.0)));
    assert_eq!(sizes, runs(4));
}
