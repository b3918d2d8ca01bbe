//! What the examples in Rust print, line by line: results are read by the names of columns, so a
//! column that moves changes nothing.
//!
//! `UPDATE_GOLDEN=1 cargo test examples` accepts what they print now.

use crate::support::shell::{repository, updating};
use std::fs;

#[path = "../../examples/minimal.rs"]
#[expect(dead_code, reason = "what the example prints is tested, not that it prints")]
mod minimal;
#[path = "../../examples/own_arrivals.rs"]
#[expect(dead_code, reason = "as above")]
mod own_arrivals;
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

#[test]
fn own_arrivals_prints_the_row() {
    let printed = check("own_arrivals", own_arrivals::report());
    // Bursts of 1, 2, … 100 requests.
    assert!(printed.contains("arrived: 5050,"), "{printed}");
}

#[test]
fn own_scheduler_prints_shares() {
    let printed = check("own_scheduler", own_scheduler::report());
    for line in printed.lines() {
        let shares = line.split_whitespace().filter(|word| word.starts_with(['0', '1']));
        let shares: Vec<f64> = shares.filter_map(|word| word.parse().ok()).collect();
        assert!(shares.len() == 2 && shares.iter().all(|x| (0.0..=1.0).contains(x)), "{line}");
    }
    assert!(printed.lines().any(|line| line.starts_with("longest queue")), "{printed}");
}

/// An example that is not listed here would not be tested; those in Python and R that draw
/// figures, decide or learn are tested where they are used.
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
        "own_arrivals.rs",
        "own_scheduler.rs",
        "plot.R",
        "plot.py",
    ];
    assert_eq!(names, known);
}
