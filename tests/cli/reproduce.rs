//! `peeksim reproduce`: verdicts, what moved, exit codes.

use crate::support::shell::{SMALL, Shell, column};
use peeksim::experiment::{Experiment, Sweep};
use peeksim::report::Results;
use peeksim::report::reproduction::ExperimentReport;
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
    assert!(first.err.contains("- no results/suite/main/runs.csv to compare with"));
    assert!(first.err.contains("- no results/suite/claims.csv to compare with"));
    assert!(first.out.contains("grouped >= edf (accuracy_mean, gated): holds at all 2"));
    let report = shell.read("kept/REPORT.md");
    assert!(report.contains("## why") && report.contains("main/figures/"), "{report}");
    let tally = |compared: &str| {
        let claims = "4 held, 0 contradicted, 0 undecided";
        format!("\nclaims: {claims}\ngated claims: {claims}\n{compared}\n")
    };
    let nothing =
        "cells of claims.csv: 0 compared, 0 moved\ncells of runs.csv: 0 compared, 0 moved";
    assert!(first.out.ends_with(&tally(nothing)), "{}", first.out);
    let again = shell.ok("reproduce suite --out again --baseline kept");
    assert_eq!(shell.read("again/REPORT.md"), report);
    assert_eq!(shell.read("again/claims.csv"), shell.read("kept/claims.csv"));
    // A difference, two ends and a verdict at two settings of two experiments over two numbers of
    // replicates; two tables of twelve runs.
    let cells = column_names(&shell.read("kept/main/runs.csv")).len() - 2;
    let claims = "cells of claims.csv: 32 compared, 0 moved";
    let all = format!("{claims}\ncells of runs.csv: {} compared, 0 moved", 24 * cells);
    assert!(again.out.ends_with(&tally(&all)), "{}", again.out);
    // A quick look is held against the replicates it has.
    let quick = shell.ok("reproduce suite --out quick --baseline kept --quick");
    assert!(!quick.out.contains("moved:"), "{}", quick.out);
    assert!(quick.out.contains("cells of claims.csv: 16 compared, 0 moved"), "{}", quick.out);
    // It does not replace what it is held against.
    let said = shell.fails(2, "reproduce suite --out ./kept --baseline kept --quick");
    assert!(said.err.contains("--out: found `./kept`, the folder of the kept results"), "{said:?}");
}

#[test]
fn claims_that_cannot_be_asked_have_their_reason() {
    let shell = suite();
    let text = shell.read("suite/main.toml")
        + "\n[[expect]]\nclaim = 'Others: ten times the rate'\nnot_transposable = 'no cluster'\n\
           \n[[expect]]\nclaim = 'grouped >= edf'\nmetric = 'goodput_rps'\nfactor = 0.5\n";
    shell.write("suite/main.toml", text);
    let first = shell.ok("reproduce suite --out kept");
    let line = "  Others: ten times the rate: not transposable: no cluster\n";
    assert!(first.out.contains(line), "{}", first.out);
    assert!(first.out.contains("0 undecided, 1 not transposable\n"), "{}", first.out);
    assert!(first.out.contains(", the largest at workload.rate_rps = "), "{}", first.out);
    let report = shell.read("kept/REPORT.md");
    assert!(report.contains("| Others: ten times the rate | | | not transposable: no cluster |"));
    assert!(report.contains("**Others: ten times the rate**: not transposable: no cluster.\n"));
    let kept = shell.read("kept/claims.csv");
    let row = "main,Others: ten times the rate,,no cluster,,,,not transposable,no,3";
    assert!(kept.contains(row), "{kept}");
    for quick in ["", " --quick"] {
        let again = shell.ok(&format!("reproduce suite --out again --baseline kept{quick}"));
        assert!(!again.out.contains("moved:"), "{}", again.out);
    }
    let swept = shell.ok("sweep suite/main.toml --out o").out;
    assert!(swept.contains("claim: Others: ten times the rate\n  not transposable –"), "{swept}");
}

fn column_names(text: &str) -> Vec<String> {
    let head = text.lines().next().expect("a header");
    head.split(',').map(str::to_owned).collect()
}

/// A row of `text` with more in one of its cells.
fn changed(text: &str, row: usize, column: usize) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let mut cells: Vec<String> = lines[row].split(',').map(str::to_owned).collect();
    cells[column].push('1');
    lines[row] = cells.join(",");
    lines.join("\n")
}

#[test]
fn a_changed_cell_fails() {
    let shell = suite();
    shell.ok("reproduce suite --out kept");
    let kept = shell.read("kept/main/runs.csv");
    let names = column_names(&kept);
    for (column, quick) in
        [("utility_mean", ""), ("utility_mean", " --quick"), ("seed", " --quick")]
    {
        let at = names.iter().position(|name| name == column).expect("a column");
        shell.write("kept/main/runs.csv", changed(&kept, 1, at));
        let said = shell.fails(1, &format!("reproduce suite --out o --baseline kept{quick}"));
        let told = format!("  moved: edf · 50 · replicate · 0: {column} was ");
        assert!(said.out.contains(&told), "{}", said.out);
        let told = "1 cells of runs.csv moved since they were kept\n";
        assert!(said.err.ends_with(told), "{}", said.err);
    }
    // A row of the last replicate is missed by the whole alone.
    let rows: Vec<&str> = kept.lines().collect();
    shell.write("kept/main/runs.csv", rows[..rows.len() - 1].join("\n"));
    let said = shell.fails(1, "reproduce suite --out o --baseline kept");
    assert!(said.out.contains("replicate · 2: row was missing, is there"), "{}", said.out);
    shell.ok("reproduce suite --out o --baseline kept --quick");
}

#[test]
fn a_changed_cell_of_any_column_is_found() {
    let shell = suite();
    shell.ok("sweep suite/main.toml --out made");
    let path = shell.path("suite/main.toml");
    let sweep = Experiment::load(&path.to_string_lossy(), &[]).and_then(Sweep::new);
    let sweep = sweep.expect("an experiment");
    let made = Results::load(&shell.path("made")).expect("results");
    let text = shell.read("made/runs.csv");
    for (column, name) in column_names(&text).iter().enumerate() {
        shell.write("kept/runs.csv", changed(&text, 1, column));
        let kept = Results::load(&shell.path("kept")).expect("results");
        for quick in [false, true] {
            let chapter = ExperimentReport::new(&sweep, "", made.clone(), Some(&kept), quick);
            let moved = chapter.compared.expect("a comparison").moved;
            // What names a row moves the row.
            let rows = ["replicate", "scheduler", "workload.rate_rps"].contains(&name.as_str());
            assert_eq!(moved.len(), if rows { 2 } else { 1 }, "{name}: {moved:?}");
            assert_eq!(moved[0].column, if rows { "row" } else { name });
        }
    }
}

#[test]
fn a_changed_claim_fails_without_rows_too() {
    let shell = suite();
    shell.ok("reproduce suite --out kept");
    let kept = shell.read("kept/claims.csv");
    fs::remove_dir_all(shell.path("kept/main")).expect("a folder");
    fs::remove_dir_all(shell.path("kept/deeper")).expect("a folder");
    let again = "reproduce suite --out o --baseline kept";
    shell.ok(again);
    for (row, column) in [(1, 0), (1, 3), (2, 4), (3, 5), (4, 6)] {
        shell.write("kept/claims.csv", changed(&kept, row, column));
        let said = shell.fails(1, again);
        assert!(said.err.contains(" cells of claims.csv moved since"), "{}", said.err);
    }
    // One that is not made any more.
    let last = kept.lines().last().expect("a row").replace("deeper", "deepest");
    shell.write("kept/claims.csv", format!("{kept}{last}\n"));
    let said = shell.fails(1, again);
    assert!(said.out.contains("deepest · ") && said.out.contains(": row was there, is missing"));
}

/// The claim, gated, that one variant is more accurate than another.
fn close(better: &str, worse: &str) -> Shell {
    let shell = Shell::new();
    let claim = "\n[[expect]]\nclaim = 'a > b'\nmetric = 'accuracy_mean'\ngate = true\n";
    let edf = |label: &str, variant: &str| {
        format!("{{ label = \"{label}\", name = \"edf\", variant = \"{variant}\" }}")
    };
    let schedulers = format!("[{}, {}]", edf("a", better), edf("b", worse));
    let text = SMALL
        .replace("replicates = 2", "replicates = 8")
        .replace("[\"edf\", { name = \"grouped\", window_ms = 20 }]", &schedulers)
        .replace("[50, 2000]", "[5]");
    shell.write("suite/close.toml", text + claim);
    shell
}

/// Replicates of the first experiment's rows.
fn replicates(text: &str) -> u64 {
    let cells = column(text, "replicate");
    cells.iter().map(|cell| cell.parse::<u64>().expect("a number")).max().expect("rows") + 1
}

#[test]
fn a_quick_look_has_the_fewest_replicates_that_decide() {
    let shell = close("logreg", "gnb");
    shell.ok("reproduce suite --out kept");
    let verdicts = |replicates: u64| {
        shell.ok(&format!("sweep suite/close.toml --replicates {replicates} --out s")).out
    };
    let fewest = column(&shell.read("kept/claims.csv"), "replicates");
    let fewest: Vec<u64> = fewest.iter().map(|cell| cell.parse().expect("a number")).collect();
    assert_eq!(fewest.len(), 2, "over some, and over all");
    assert!(fewest[0] > 2 && fewest[0] < 8 && fewest[1] == 8, "{fewest:?}");
    assert!(verdicts(fewest[0] - 1).contains("  undecided "), "one fewer does not decide");
    assert!(verdicts(fewest[0]).contains("  holds "));
    shell.ok("reproduce suite --out quick --baseline kept --quick");
    assert_eq!(replicates(&shell.read("quick/close/runs.csv")), fewest[0]);
    // Where nothing was kept, two; undecided is no failure then.
    shell.ok("reproduce suite --out two --quick");
    assert_eq!(replicates(&shell.read("two/close/runs.csv")), 2);
}

#[test]
fn a_gate_that_is_undecided_fails_where_the_kept_claims_decide_it() {
    let shell = close("mlp32", "rf20");
    let said = shell.fails(1, "reproduce suite --out kept");
    assert!(said.err.contains("close: a > b is undecided at"), "{}", said.err);
    shell.ok("reproduce suite --out quick --baseline kept --quick");
    let claims = shell.read("kept/claims.csv").replace(",undecided,", ",holds,");
    shell.write("kept/claims.csv", claims);
    fs::remove_dir_all(shell.path("kept/close")).expect("a folder");
    let said = shell.fails(1, "reproduce suite --out quick --baseline kept --quick");
    assert!(said.err.contains("close: a > b is undecided at"), "{}", said.err);
    assert!(said.out.contains("verdict was holds, is undecided"), "{}", said.out);
}

#[test]
fn a_gate_that_does_not_hold_fails() {
    let shell = suite();
    let path = shell.path("suite/main.toml");
    let text = fs::read_to_string(&path).expect("a file").replace(">=", "<");
    fs::write(&path, text).expect("a file");
    for quick in ["", " --quick"] {
        let said = shell.fails(1, &format!("reproduce suite --out o{quick}"));
        assert!(said.err.contains("grouped < edf is contradicted at workload.rate_rps = 50"));
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
fn claims_that_cannot_be_read_are_refused() {
    let shell = suite();
    shell.ok("reproduce suite --out kept");
    let kept = shell.read("kept/claims.csv").replacen(",yes,2", ",yes,none", 1);
    let cases = [
        ("experiment,claim\nmain,a > b\n".to_owned(), "claims.csv:1: `metric`: found no such"),
        (kept, "claims.csv:2: `replicates`: found `none`"),
    ];
    for (text, expected) in cases {
        shell.write("kept/claims.csv", text);
        let said = shell.fails(2, "reproduce suite --out o --baseline kept");
        assert!(said.err.contains(expected), "{}", said.err);
    }
}

#[test]
fn what_is_no_suite_is_said_so() {
    let said = Shell::small().fails(2, "reproduce sneakpeak");
    assert!(said.err.contains("did you mean `sneakpeek`?"), "{}", said.err);
}
