//! Transcripts of commands: `tests/cli/transcripts/*.txt`.
//!
//! A line `$ peeksim …` is a command, `$ write FILE TEXT` makes a file; both work in a folder with
//! `small.toml`. What follows is what the command prints: stdout, stderr behind `! `, and the exit
//! code if it is not 0. `<build>` stands for the build, `<time>` for a time that was measured.
//!
//! `UPDATE_GOLDEN=1 cargo test transcripts` writes what the program prints now.

use crate::support::shell::{Said, Shell, repository, updating};
use peeksim::experiment::build_id;
use std::fmt::Write;
use std::fs;

/// A line without what differs between two runs.
fn stable(line: &str) -> String {
    let line = line.replace(build_id(), "<build>");
    if let Some((before, _)) = line.split_once(" runs, ").filter(|_| line.ends_with(" to go")) {
        return format!("{before} runs, <time> to go");
    }
    match line.split_once("about ") {
        Some((before, rest)) if rest.contains(" s of processor time") => {
            format!("{before}about <time>")
        }
        _ => line,
    }
}

/// The transcript with what its commands print now.
fn replay(text: &str) -> String {
    let shell = Shell::small();
    let mut replayed = String::new();
    for command in text.lines().filter_map(|line| line.strip_prefix("$ ")) {
        writeln!(replayed, "$ {command}").expect("a string");
        let words = shlex::split(command).expect("words of a shell");
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let said = match words.as_slice() {
            ["peeksim", arguments @ ..] => Said::of(&mut shell.command(arguments)),
            ["write", file, text] => {
                shell.write(file, text.replace("\\n", "\n"));
                continue;
            }
            _ => panic!("`{command}` is neither `peeksim …` nor `write FILE TEXT`"),
        };
        for line in said.out.lines() {
            writeln!(replayed, "{}", stable(line).trim_end()).expect("a string");
        }
        for line in said.err.lines() {
            writeln!(replayed, "! {}", stable(line)).expect("a string");
        }
        if said.code != Some(0) {
            writeln!(replayed, "exit code {}", said.code.expect("a code")).expect("a string");
        }
    }
    replayed
}

#[test]
fn commands_print_what_their_transcripts_hold() {
    let entries = fs::read_dir(repository("tests/cli/transcripts")).expect("a folder");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    assert!(paths.len() >= 8, "{paths:?}");
    for path in paths {
        let kept = fs::read_to_string(&path).expect("a transcript");
        let now = replay(&kept);
        if updating() {
            fs::write(&path, &now).expect("the file can be written");
        } else {
            let place = path.display();
            assert!(kept == now, "{place}: UPDATE_GOLDEN=1 accepts\n{now}\ninstead of\n{kept}");
        }
    }
}
