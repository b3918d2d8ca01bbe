//! Results open with the right types in pandas and DuckDB, and the Python example draws them.
//!
//! `PEEKSIM_PYTHON` names a Python that has these packages, else `python3` is tried; what is not
//! there is skipped, and said so.

use crate::support::shell::{Shell, column, python, repository};
use std::path::PathBuf;
use std::process::Command;

/// Runs it; what it printed.
fn output(command: &mut Command) -> String {
    let output = command.output().expect("Python starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
}

/// How many columns a reader found as their packages say, in these folders.
fn checked(reader: &str, folders: &[PathBuf]) -> Option<u32> {
    let mut python = python(reader)?;
    python.arg(repository("tests/dataframes/check.py")).arg(reader).args(folders);
    output(&mut python).split(' ').next().and_then(|n| n.parse().ok())
}

/// `a` without power, so that the energy is empty in all of its rows; `b` with it.
fn two_folders() -> Shell {
    let shell = Shell::small();
    let tables =
        "--tables apps,batch_sizes,batches,loads,late_because,variants,workers --timeseries 1s";
    shell.ok(&format!("sweep small.toml --out a {tables}"));
    shell.ok(&format!("sweep small.toml --out b {tables} --set workers.0.power_w=30"));
    let energy = |folder: &str| column(&shell.read(&format!("{folder}/runs.csv")), "energy_j");
    assert!(energy("a").iter().all(String::is_empty) && !energy("b").iter().any(String::is_empty));
    shell
}

#[test]
fn tables_open_with_the_types_of_their_package() {
    let shell = two_folders();
    let search = "search={low=50,high=400,metric='utility_mean',at_least=0.3}";
    let axes = "axis=[{key='bound',values=['none','fluid']}]";
    let set = format!("--set {axes} --set {search} --set figure=[] --set scheduler=edf");
    shell.ok(&format!("sweep small.toml --out c --replicates 1 {set}"));
    assert!(shell.exists("c/capacity.csv"));
    let folders = ["a", "b", "c"].map(|folder| shell.path(folder));
    for reader in ["pandas", "duckdb", "frictionless"] {
        let Some(columns) = checked(reader, &folders) else { continue };
        assert!(columns > 900, "{reader}: {columns} columns");
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
