//! Small experiments over every scheduler, whose rows are compared byte for byte with those in
//! `tests/golden`: a change of behaviour cannot go unnoticed.
//!
//! `UPDATE_GOLDEN=1 cargo test golden` accepts what the program does now.

use crate::support::shell::{Shell, column, repository, updating};
use peeksim::scheduler::REGISTRY;
use std::fs;

/// The experiments and their rows.
const EXPERIMENTS: [(&str, &str); 2] = [("golden", "runs.csv"), ("alone", "alone.csv")];

/// The first cell that differs: its row, its column, and both texts.
fn difference(old: &str, new: &str) -> String {
    let read = |text: &str| -> Vec<csv::StringRecord> {
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
        reader.records().map(|record| record.expect("a row")).collect()
    };
    let (old, new) = (read(old), read(new));
    let labels =
        |row: &csv::StringRecord| row.iter().skip(3).take(5).collect::<Vec<_>>().join(", ");
    for (at, (before, after)) in old.iter().zip(&new).enumerate() {
        for (column, (was, is)) in before.iter().zip(after).enumerate() {
            if was != is {
                let name = &new[0][column];
                return format!("row {at} ({}), column `{name}`: {was} became {is}", labels(after));
            }
        }
        if before.len() != after.len() {
            return format!("row {at}: {} cells became {}", before.len(), after.len());
        }
    }
    format!("{} rows became {}", old.len(), new.len())
}

#[test]
fn rows_are_as_they_were() {
    let golden = repository("tests/golden");
    for (name, rows) in EXPERIMENTS {
        let (shell, file) = (Shell::new(), format!("{name}.toml"));
        shell.write(&file, fs::read(golden.join(&file)).expect("the experiment"));
        shell.ok(&format!("sweep {file}"));
        let new = shell.read(&format!("results/{name}/runs.csv"));
        assert!(column(&new, "error").iter().all(String::is_empty), "{new}");
        if updating() {
            fs::write(golden.join(rows), &new).expect("rows can be written");
        }
        let old = fs::read_to_string(golden.join(rows)).unwrap_or_default();
        assert!(
            old == new,
            "{rows}: {}\nif that is meant, accept it: UPDATE_GOLDEN=1 cargo test golden",
            difference(&old, &new)
        );
    }
}

#[test]
fn every_scheduler_is_in_it() {
    let read = |(name, _)| fs::read_to_string(repository(&format!("tests/golden/{name}.toml")));
    let text: String = EXPERIMENTS.map(|of| read(of).expect("an experiment")).concat();
    // `external` is what its program is: tests/cli/external.rs.
    for entry in REGISTRY.iter().filter(|entry| entry.name != "external") {
        let name = format!("\"{}\"", entry.name);
        assert!(text.contains(&name), "add {name} to tests/golden/golden.toml");
    }
}

#[test]
fn the_first_difference_is_found() {
    let old = "a,b\n1,2\n3,4\n";
    assert_eq!(difference(old, "a,b\n1,2\n3,5\n"), "row 2 (), column `b`: 4 became 5");
    assert_eq!(difference(old, "a,b\n1,2\n"), "3 rows became 2");
}
