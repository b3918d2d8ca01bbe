//! Results open with the right types in pandas and DuckDB, and the Python example draws them.
//!
//! `PEEKSIM_PYTHON` names a Python that has these packages, else `python3` is tried; what is not
//! there is skipped, and said so.

use crate::shell::{Shell, repository};
use std::process::Command;

/// A Python that can import these, if there is one.
fn python(packages: &str) -> Option<Command> {
    let name = std::env::var_os("PEEKSIM_PYTHON").unwrap_or_else(|| "python3".into());
    let tried = Command::new(&name).args(["-c", &format!("import {packages}")]).output();
    if tried.is_ok_and(|tried| tried.status.success()) {
        return Some(Command::new(name));
    }
    println!("skipped: no Python with {packages} (PEEKSIM_PYTHON may name one)");
    None
}

/// Runs it; what it printed.
fn output(command: &mut Command) -> String {
    let output = command.output().expect("Python starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
}

#[test]
fn columns_have_the_types_of_the_schema() {
    let shell = Shell::small();
    shell.ok("sweep small.toml --out o --tables apps,batches,variants,workers --timeseries 1s");
    let tables = ["apps", "batches", "timeseries", "timeseries_variants", "variants", "workers"];
    let files = ["runs", "summary", "compare", "quantiles", "timings"].iter().chain(&tables);
    for reader in ["pandas", "duckdb"] {
        let Some(mut python) = python(reader) else { continue };
        python.arg(repository("tests/dataframes/check.py")).arg(reader);
        python.arg(repository("results/schema.json")).arg(shell.path("o"));
        python.args(files.clone().map(|file| format!("{file}.csv")));
        let said = output(&mut python);
        let columns: u32 = said.split(' ').next().and_then(|n| n.parse().ok()).expect("a count");
        assert!(columns > 150, "{reader}: {said}");
    }
}

#[test]
fn the_example_draws_a_figure() {
    let Some(mut python) = python("pandas, matplotlib") else { return };
    let shell = Shell::small();
    shell.ok("sweep small.toml --out o");
    python.env("MPLBACKEND", "Agg").arg(repository("examples/plot.py"));
    output(python.arg(shell.path("o")).arg(shell.path("utility.png")));
    assert!(shell.bytes("utility.png").starts_with(b"\x89PNG"));
}
