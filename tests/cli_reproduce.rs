//! `peeksim reproduce`: verdicts, what moved, exit codes.

use crate::shell::{SMALL, Shell};
use std::fs;

/// A suite of two experiments, one in a folder of its own; a gated claim that holds.
fn suite() -> Shell {
    let shell = Shell::small();
    fs::create_dir_all(shell.path("suite/why")).expect("folders");
    let claim = "\n[[expect]]\nclaim = 'grouped >= edf'\nmetric = 'accuracy_mean'\ngate = true\n";
    let main = SMALL.replace("replicates = 2", "replicates = 3") + claim;
    fs::write(shell.path("suite/main.toml"), &main).expect("a file");
    fs::write(shell.path("suite/why/deeper.toml"), main).expect("a file");
    shell
}

#[test]
fn results_made_again_are_the_same() {
    let shell = suite();
    let first = shell.ok("reproduce suite --out kept");
    assert!(first.err.contains("note: no results/suite/main/runs.csv to compare with"));
    assert!(first.out.contains("grouped >= edf (accuracy_mean, gated): holds at all 2"));
    let report = shell.read("kept/REPORT.md");
    assert!(report.contains("## Why: the same decomposed") && report.contains("main/figures/"));
    let again = shell.ok("reproduce suite --out again --against kept");
    assert_eq!(again.out.replace("again/", "kept/"), first.out);
    assert_eq!(shell.read("again/REPORT.md"), report);
    // A quick look is held against the replicates it has.
    let quick = shell.ok("reproduce suite --out quick --against kept --quick");
    assert!(!quick.out.contains("moved"), "{}", quick.out);
}

#[test]
fn a_cell_that_moved_is_named_and_fails_the_whole_alone() {
    let shell = suite();
    shell.ok("reproduce suite --out kept");
    let kept = shell.read("kept/main/runs.csv");
    let moved = kept.replacen(",300,300,", ",300,299,", 1);
    assert_ne!(kept, moved);
    fs::write(shell.path("kept/main/runs.csv"), moved).expect("a file");
    let said = shell.fails(1, "reproduce suite --out again --against kept");
    assert!(said.out.contains("moved: edf · 50 · replicate 0: completed was 299, is 300"));
    assert!(said.err.contains("1 cells moved"), "{}", said.err);
    shell.ok("reproduce suite --out quick --against kept --quick");
}

#[test]
fn a_gate_that_does_not_hold_fails() {
    let shell = suite();
    let path = shell.path("suite/main.toml");
    let text = fs::read_to_string(&path).expect("a file").replace(">=", "<");
    fs::write(&path, text).expect("a file");
    for quick in ["", " --quick"] {
        let said = shell.fails(1, &format!("reproduce suite --out o{quick}"));
        assert!(said.err.contains("grouped < edf is contradicted at trace.rate_rps = 50"));
    }
}

/// Results lie in a folder by name: the second would be written over the first.
#[test]
fn two_experiments_of_one_name_are_refused() {
    let shell = suite();
    fs::copy(shell.path("suite/main.toml"), shell.path("suite/why/main.toml")).expect("a file");
    let said = shell.fails(2, "reproduce suite --out o");
    let expected = "suite/why/main.toml: `name`: found \"main\", the name of suite/main.toml, \
                    expected a name of its own in the suite";
    assert!(said.err.contains(expected), "{}", said.err);
    assert!(!shell.path("o").exists());
}

#[test]
fn what_is_no_suite_is_said_so() {
    let said = Shell::small().fails(2, "reproduce sneakpeak");
    assert!(said.err.contains("did you mean `sneakpeek`?"), "{}", said.err);
}
