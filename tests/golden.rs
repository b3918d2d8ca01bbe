//! A small experiment over every scheduler, whose rows are compared byte for byte with
//! `tests/golden/runs.csv`: a change of behaviour cannot go unnoticed.
//!
//! `UPDATE_GOLDEN=1 cargo test --test golden` accepts what the program does now.

mod shell;

use peeksim::sched::REGISTRY;
use shell::{Shell, column, repository, updating};
use std::fs;

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
    let shell = Shell::new();
    let golden = repository("tests/golden");
    shell.write("golden.toml", fs::read(golden.join("golden.toml")).expect("the experiment"));
    shell.ok("sweep golden.toml");
    let new = shell.read("results/golden/runs.csv");
    assert!(column(&new, "error").iter().all(String::is_empty), "{new}");
    if updating() {
        fs::write(golden.join("runs.csv"), &new).expect("runs.csv can be written");
    }
    let old = fs::read_to_string(golden.join("runs.csv")).unwrap_or_default();
    assert!(
        old == new,
        "{}\nif that is meant, accept it: UPDATE_GOLDEN=1 cargo test --test golden",
        difference(&old, &new)
    );
}

#[test]
fn every_scheduler_is_in_it() {
    let text = fs::read_to_string(repository("tests/golden/golden.toml")).expect("golden.toml");
    for entry in REGISTRY {
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
