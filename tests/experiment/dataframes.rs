//! Results open with the right types in pandas and DuckDB, and the notebook reads them.

use crate::support::python::{output, python};
use crate::support::shell::{Shell, column, repository};
use serde_json::Value;
use std::path::PathBuf;

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
fn the_notebook_runs_and_draws() {
    let Some(mut python) = python("nbconvert, ipykernel, pandas, scipy, matplotlib, duckdb") else {
        return;
    };
    let shell = Shell::new();
    let notebook = repository("examples/results.ipynb");
    shell.write("results.ipynb", std::fs::read(notebook).expect("the notebook"));
    python.args(["-m", "nbconvert", "--execute", "--to", "notebook", "--output", "run.ipynb"]);
    python.arg("results.ipynb").env("PATH", shell.search_path()).env_remove("MPLBACKEND");
    output(python.current_dir(shell.path("")));
    let run: Value = serde_json::from_str(&shell.read("run.ipynb")).expect("JSON");
    let outputs = run["cells"].as_array().expect("cells").iter();
    let outputs = outputs.filter_map(|cell| cell["outputs"].as_array()).flatten();
    let pictures = outputs.filter(|output| output["data"].get("image/png").is_some());
    assert_eq!(pictures.count(), 2);
    for figure in ["utility.png", "difference.png"] {
        assert!(shell.bytes(figure).starts_with(b"\x89PNG"), "{figure}");
    }
}
