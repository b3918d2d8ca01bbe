//! `peeksim verify`

use crate::support::shell::{self, Shell, column};

/// A folder with the results of `small.toml`.
fn swept() -> Shell {
    let shell = Shell::small();
    shell.ok("sweep small.toml");
    shell
}

/// Puts `new` into the cell of `name` in row `row` of runs.csv.
fn change(shell: &Shell, row: usize, name: &str, new: &str) {
    let text = shell.read("results/small/runs.csv");
    let mut lines: Vec<Vec<String>> =
        text.lines().map(|line| line.split(',').map(str::to_owned).collect()).collect();
    let at = lines[0].iter().position(|cell| cell == name).expect("a column");
    new.clone_into(&mut lines[row + 1][at]);
    let lines: Vec<String> = lines.iter().map(|cells| cells.join(",")).collect();
    shell.write("results/small/runs.csv", format!("{}\n", lines.join("\n")));
}

#[test]
fn untouched_results_are_made_again() {
    let shell = swept();
    let id = &column(&shell.read("results/small/runs.csv"), "run_id")[3];
    let said = shell.ok(&format!("verify results/small --run {id}"));
    assert_eq!(said.out, "1 rows the same, 0 moved\n");
}

#[test]
fn a_changed_digit_is_named_with_its_row_and_column() {
    for name in [
        "schema_version",
        "config_hash",
        "replicate",
        "seed",
        "workload.rate_rps",
        "utility_mean",
        "latency_ms_p99",
        "decisions",
    ] {
        let shell = swept();
        let runs = shell.read("results/small/runs.csv");
        let old = column(&runs, name)[2].clone();
        // Another last digit.
        let (head, last) = old.split_at(old.len() - 1);
        let new = format!("{head}{}", if last == "1" { '2' } else { '1' });
        change(&shell, 2, name, &new);
        let said = shell.fails(1, "verify results/small");
        let id = &column(&runs, "run_id")[2];
        assert!(said.out.contains(&format!("{id}: edf, ")), "{name}: {said:?}");
        assert!(said.out.contains(&format!("\n  {name}: {new} became {old}\n")), "{said:?}");
        assert!(said.out.ends_with("7 rows the same, 1 moved\n"), "{name}: {said:?}");
        assert_eq!(said.error(), "error: 1 rows moved");
    }
}

#[test]
fn emptied_cells_and_invented_errors_are_found() {
    let shell = swept();
    change(&shell, 0, "model_loads", "");
    change(&shell, 1, "error", "it failed");
    let said = shell.fails(1, "verify results/small");
    assert!(said.out.contains("\n  model_loads: an empty cell became "), "{said:?}");
    assert!(said.out.contains("\n  error: it failed became an empty cell\n"), "{said:?}");
}

#[test]
fn lost_and_foreign_rows_are_found() {
    let shell = swept();
    let id = column(&shell.read("results/small/runs.csv"), "run_id")[7].clone();
    change(&shell, 7, "run_id", "0123456789ab");
    let said = shell.fails(1, "verify results/small");
    assert!(said.out.contains(&format!("{id}: grouped, 2000\n  not in runs.csv\n")), "{said:?}");
    assert!(said.out.contains("0123456789ab: no run of this experiment\n"), "{said:?}");
    assert!(said.out.ends_with("7 rows the same, 2 moved\n"), "{said:?}");
}

#[test]
fn changed_quantiles_are_found() {
    let shell = swept();
    let text = shell.read("results/small/quantiles.csv");
    let (start, last) = text.trim_end().rsplit_once(',').expect("a cell");
    let last = last.parse::<f64>().expect("a number") + 1.0;
    shell.write("results/small/quantiles.csv", format!("{start},{last}\n"));
    let said = shell.fails(1, "verify results/small");
    assert!(said.out.contains("\n  quantiles.csv: not the same latencies\n"), "{said:?}");
}

#[test]
fn other_builds_and_changed_inputs_are_noted() {
    let shell = Shell::small();
    // Inputs of the user's own, so that they can be changed.
    for file in ["app.toml", "variants.csv", "confusion.csv", "latency.csv", "load.csv"] {
        let path = format!("profiles/voice/{file}");
        shell.write(&path, std::fs::read(shell::repository(&path)).expect("a shipped file"));
    }
    shell.ok("sweep small.toml");
    let latency = shell.read("profiles/voice/latency.csv").replacen(".3", ".4", 1);
    shell.write("profiles/voice/latency.csv", latency);
    let manifest = shell.read("results/small/manifest.toml");
    let (before, rest) = manifest.split_once("build = \"").expect("the build");
    let (_, rest) = rest.split_once('"').expect("its end");
    shell.write("results/small/manifest.toml", format!("{before}build = \"0.0.1+old\"{rest}"));
    let said = shell.fails(1, "verify results/small");
    assert!(said.err.contains("- the results are of build 0.0.1+old, this is "), "{said:?}");
    assert!(said.err.contains("- profiles/voice/latency.csv is not what it was\n"), "{said:?}");
    // Other inputs, other ids.
    assert!(said.out.ends_with("0 rows the same, 16 moved\n"), "{said:?}");
}

#[test]
fn folders_without_results_are_refused() {
    let shell = swept();
    let said = shell.fails(2, "verify results");
    assert!(said.error().starts_with("error: results/manifest.toml: found no such file"));
    std::fs::remove_file(shell.path("results/small/runs.csv")).expect("a file");
    let said = shell.fails(2, "verify results/small");
    assert!(said.error().starts_with("error: results/small/runs.csv: found no such file"));
    shell.write("results/small/runs.csv", "a,b\n1,2\n");
    let said = shell.fails(2, "verify results/small");
    assert!(said.error().contains("expected a runs.csv written by this version"), "{said:?}");
    shell.write("results/small/manifest.toml", "build = 1\n");
    let said = shell.fails(2, "verify results/small");
    assert!(said.error().contains("found no [resolved]"), "{said:?}");
}

/// Tables that a sweep wrote beside its rows are made again, too.
#[test]
fn a_changed_table_is_named_with_its_row_and_column() {
    let shell = Shell::small();
    shell.ok("sweep small.toml --tables apps,batches --timeseries 1s");
    let same = "8 rows the same, 0 moved\n";
    assert_eq!(shell.ok("verify results/small").out, same);
    let (path, runs) = ("results/small/batches.csv", shell.read("results/small/runs.csv"));
    let text = shell.read(path);
    let id = &column(&runs, "run_id")[3];
    let at = text.lines().position(|line| line.starts_with(id.as_str())).expect("a row");
    let mut lines: Vec<&str> = text.lines().collect();
    let (head, old) = lines[at].rsplit_once(',').expect("cells");
    let name = lines[0].rsplit(',').next().expect("a column");
    let line = format!("{head},7{old}");
    lines[at] = &line;
    shell.write(path, format!("{}\n", lines.join("\n")));
    let said = shell.fails(1, "verify results/small");
    let moved =
        format!("  batches.csv: 1 of its rows moved; in row 1, {name}: 7{old} became {old}\n");
    assert!(said.out.starts_with(&format!("{id}: ")) && said.out.contains(&moved), "{said:?}");
    assert!(said.out.ends_with("7 rows the same, 1 moved\n"), "{said:?}");
    // A row is lost.
    lines.remove(at);
    shell.write(path, format!("{}\n", lines.join("\n")));
    let said = shell.fails(1, "verify results/small");
    assert!(said.out.contains("  batches.csv: ") && said.out.contains(" rows became "), "{said:?}");
    assert!(said.out.ends_with("7 rows the same, 1 moved\n"), "{said:?}");
    shell.write(path, &text);
    assert_eq!(shell.ok("verify results/small").out, same);
    std::fs::remove_file(shell.path("results/small/timeseries.csv")).expect("a table");
    let said = shell.fails(1, &format!("verify results/small --run {id}"));
    assert!(said.out.contains("  timeseries.csv: not there, or of another version\n"), "{said:?}");
}
