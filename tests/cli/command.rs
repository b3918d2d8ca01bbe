//! `peeksim` itself: help, version, no command, and what it does when nobody reads on.

use crate::support::shell::{self, Said, Shell};
use std::process::Stdio;
use std::time::{Duration, Instant};

#[test]
fn help_and_version_are_said_on_stdout() {
    let shell = Shell::new();
    let help = shell.ok("--help");
    for word in ["sweep", "check", "inspect", "list", "verify", "compare", "Without a command"] {
        assert!(help.out.contains(word), "no {word} in\n{}", help.out);
    }
    assert!(help.err.is_empty());
    for command in ["sweep", "check", "inspect", "list", "verify", "compare"] {
        assert!(shell.ok(&format!("{command} --help")).out.contains("Usage: peeksim"));
    }
    let version = shell.ok("--version").out;
    let build = version.trim().strip_prefix("peeksim ").expect("the name");
    let (number, hash) = build.split_once('+').expect("version+hash");
    assert_eq!(number, env!("CARGO_PKG_VERSION"));
    assert!(hash.len() == 12 && hash.bytes().all(|b| b.is_ascii_hexdigit()), "{hash}");
}

#[test]
fn bad_arguments_exit_with_2() {
    let shell = Shell::small();
    for arguments in [
        "swep",
        "sweep",
        "sweep small.toml --jobs many",
        "sweep small.toml --jobs -1",
        "sweep small.toml --fast",
        "sweep small.toml --replicates x",
        "sweep small.toml --shard 7/7",
        "sweep small.toml --shard",
        "sweep small.toml --shard 0/2 --engine slurm",
        "sweep small.toml --run-ids 0123456789abcdef",
        "sweep small.toml --engine slurm --runs-per-task 0",
        "merge nowhere",
        "inspect small.toml --run",
        "verify",
        "compare",
        "list everything",
    ] {
        let said = shell.fails(2, arguments);
        assert!(said.error().starts_with("error: "), "{arguments}: {said:?}");
    }
    assert!(!shell.exists("results"));
}

#[test]
fn without_a_command_the_quickstart_runs() {
    let shell = Shell::new();
    let mut child =
        shell.command(&[]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("a process");
    // The whole of it takes a minute; its first finished run shows that it is under way.
    let journal = shell.path("results/quickstart/runs.journal");
    let begun = Instant::now();
    while !journal.metadata().is_ok_and(|meta| meta.len() > 0) {
        assert!(child.try_wait().expect("a state").is_none(), "ended early");
        assert!(begun.elapsed() < Duration::from_secs(60), "no run finished");
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().expect("a running process");
    child.wait().expect("an ended process");
}

#[test]
fn the_quickstart_runs_in_an_empty_folder() {
    let shell = Shell::new();
    let said = shell.ok("sweep quickstart --replicates 1 --set workload.requests=200");
    let folder = "results/quickstart";
    for file in ["runs.csv", "summary.csv", "compare.csv", "manifest.toml", "timings.csv"] {
        assert!(!shell.bytes(&format!("{folder}/{file}")).is_empty(), "{file}");
        assert!(said.out.contains(&format!("wrote {folder}/{file}")), "{file}");
    }
    let svg = shell.read(&format!("{folder}/figures/utility.svg"));
    assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"));
    let png = shell.bytes(&format!("{folder}/figures/utility.png"));
    assert!(png.starts_with(b"\x89PNG\r\n\x1a\n"));
    let runs = shell.read(&format!("{folder}/runs.csv"));
    assert!(shell::column(&runs, "arrived").iter().all(|count| count == "200"));
    assert!(shell::column(&runs, "error").iter().all(String::is_empty));
}

#[test]
fn a_reader_that_leaves_is_no_failure() {
    let shell = Shell::small();
    for arguments in [&["list"][..], &["check", "small.toml"], &["sweep", "small.toml"]] {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let said = Said::of(shell.command(arguments).stdout(writer));
        assert_eq!(said.code, Some(0), "{arguments:?}: {said:?}");
        assert!(!said.err.contains("panicked"), "{arguments:?}: {said:?}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn output_that_cannot_be_written_is_a_failure() {
    let shell = Shell::small();
    for arguments in [&["list"][..], &["check", "small.toml"], &["sweep", "small.toml"]] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("/dev/full");
        let said = Said::of(shell.command(arguments).stdout(full));
        assert_eq!(said.code, Some(1), "{arguments:?}: {said:?}");
        assert!(said.error().contains("No space left"), "{arguments:?}: {said:?}");
    }
}
