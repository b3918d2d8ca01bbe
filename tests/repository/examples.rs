//! What the examples in Rust print, line by line: results are read by the names of columns, so a
//! column that moves changes nothing.
//!
//! `UPDATE_GOLDEN=1 cargo test examples` accepts what they print now.

use crate::support::shell::{repository, updating};
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

/// An example that is not listed here would not be tested; those in Python and R draw figures.
#[test]
fn every_example_is_tested() {
    let folder = fs::read_dir(repository("examples")).expect("a folder");
    let names = folder.map(|entry| entry.expect("an entry").file_name());
    let mut names: Vec<String> = names.map(|name| name.to_string_lossy().into_owned()).collect();
    names.sort();
    let known = ["minimal.rs", "own_entries.rs", "own_scheduler.rs", "plot.R", "plot.py"];
    assert_eq!(names, known);
}
