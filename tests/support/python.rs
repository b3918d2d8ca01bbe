//! A Python with packages, for tests of what reads results.
//!
//! `PEEKSIM_PYTHON` names it, else `python3` is tried; what is not there is skipped, and said so.

use super::shell::Said;
use std::process::Command;

/// A Python that can import these, if there is one.
pub fn python(packages: &str) -> Option<Command> {
    let name = std::env::var_os("PEEKSIM_PYTHON").unwrap_or_else(|| "python3".into());
    let tried = Command::new(&name).args(["-c", &format!("import {packages}")]).output();
    if tried.is_ok_and(|tried| tried.status.success()) {
        let mut python = Command::new(name);
        python.env("MPLBACKEND", "Agg");
        return Some(python);
    }
    println!("skipped: no Python with {packages} (PEEKSIM_PYTHON may name one)");
    None
}

/// Runs it; what it printed.
pub fn output(command: &mut Command) -> String {
    let said = Said::of(command);
    assert_eq!(said.code, Some(0), "{}", said.err);
    said.out
}
