//! What the examples in Rust print, line by line: results are read by the names of columns, so a
//! column that moves changes nothing.
//!
//! `UPDATE_GOLDEN=1 cargo test examples` accepts what they print now.

use super::docs::headed_blocks;
use crate::support::shell::{repository, updating};
use serde_json::json;
use std::fs;

#[path = "../../examples/minimal.rs"]
#[expect(dead_code, reason = "what the example prints is tested, not that it prints")]
mod minimal;
#[path = "../../examples/own_entries.rs"]
#[expect(dead_code, reason = "its own tests run here, and the program in tests/cli/extensions.rs")]
mod own_entries;
#[path = "../../examples/own_scheduler.rs"]
#[expect(dead_code, reason = "as above")]
mod own_scheduler;

fn check(name: &str, printed: Result<String, Box<dyn std::error::Error>>) -> String {
    let printed = printed.unwrap_or_else(|error| panic!("{name}: {error}"));
    let path = repository("tests/golden").join(format!("example-{name}.txt"));
    if updating() {
        fs::write(&path, &printed).expect("the text can be written");
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    let lines = kept.lines().zip(printed.lines());
    for (was, is) in lines {
        assert_eq!(was, is, "{name}; if that is meant: UPDATE_GOLDEN=1 cargo test examples");
    }
    assert_eq!(kept.lines().count(), printed.lines().count(), "{name}");
    printed
}

#[test]
fn minimal_prints_the_row() {
    check("minimal", minimal::report());
}

/// The notebook has the Python blocks of the book, so that both say the same. It holds no outputs;
/// `tests/experiment/dataframes.rs` runs it. `UPDATE_README=1 cargo test examples` writes it.
#[test]
fn the_notebook_is_the_page_of_the_book() {
    let page = "docs/src/python.md";
    let text = |text: &str| -> Vec<String> {
        text.trim_end().split_inclusive('\n').map(str::to_owned).collect()
    };
    let mut cells = Vec::new();
    let mut add = |kind: &str, source: &str| {
        let mut cell = json!({
            "cell_type": kind,
            "id": format!("cell-{}", cells.len()),
            "metadata": {},
            "source": text(source),
        });
        if kind == "code" {
            (cell["execution_count"], cell["outputs"]) = (json!(null), json!([]));
        }
        cells.push(cell);
    };
    add("markdown", &format!("# Results of peeksim in Python\n\n`{page}` explains these cells."));
    let mut last = String::new();
    for (heading, block) in headed_blocks(page, "python") {
        if heading != last {
            add("markdown", &format!("## {heading}"));
        }
        add("code", &block);
        last = heading;
    }
    let kernel = json!({ "display_name": "Python 3", "language": "python", "name": "python3" });
    let metadata = json!({ "kernelspec": kernel, "language_info": { "name": "python" } });
    let notebook =
        json!({ "cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5 });
    let notebook = format!("{notebook:#}\n");
    let path = repository("examples/results.ipynb");
    if std::env::var_os("UPDATE_README").is_some() {
        fs::write(&path, &notebook).expect("the notebook can be written");
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(kept, notebook, "UPDATE_README=1 cargo test examples");
}

/// An example that is not listed here would not be tested; the one in R draws a figure, and
/// those in Python that decide or learn are tested where they are used.
#[test]
fn every_example_is_tested() {
    let folder = fs::read_dir(repository("examples")).expect("a folder");
    let names = folder.map(|entry| entry.expect("an entry").file_name());
    let mut names: Vec<String> = names.map(|name| name.to_string_lossy().into_owned()).collect();
    names.sort();
    let known = [
        "external_scheduler.py",
        "gymnasium_env.py",
        "minimal.rs",
        "own_entries.rs",
        "own_scheduler.rs",
        "plot.R",
        "results.ipynb",
    ];
    assert_eq!(names, known);
}
