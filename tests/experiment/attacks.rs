//! Small hostile inputs: each is refused with a message, in less than a gigabyte of address space.

#![cfg(unix)]

use crate::support::shell::{SMALL, Said, Shell};
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::process::Command;

/// Calls the binary with these arguments and a gigabyte of address space.
fn bounded(shell: &Shell, arguments: &[&str]) -> Said {
    let binary = shell.command(&[]).get_program().to_owned();
    let mut command = Command::new("sh");
    // Threads reserve address space for themselves: one is enough.
    command.args(["-c", "ulimit -v 1000000 && exec \"$0\" \"$@\""]).arg(binary).args(arguments);
    command.env("RAYON_NUM_THREADS", "1").current_dir(shell.path(""));
    Said::of(&mut command)
}

/// The command must end with exit code 2 and a message that holds these words.
fn refused(shell: &Shell, arguments: &[&str], words: &str) {
    let said = bounded(shell, arguments);
    assert!(said.code == Some(2) && said.error().contains(words), "{arguments:?}: {said:?}");
    assert!(!said.err.contains("panicked") && said.err.len() < 30_000, "{said:?}");
    assert!(!said.err.contains('\u{1b}') && !said.out.contains('\u{1b}'), "{said:?}");
}

/// Bytes compressed with gzip, piece by piece.
fn gzip(piece: &[u8], times: usize) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    (0..times).for_each(|_| encoder.write_all(piece).expect("a piece"));
    encoder.finish().expect("gzip")
}

#[test]
fn grids_that_multiply_long_lists_are_refused() {
    let shell = Shell::new();
    let list = vec!["1"; 5000].join(",");
    let ten = "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]";
    let axes: String =
        (0..5).map(|at| format!("[[axis]]\nkey = \"a{at}\"\nvalues = {ten}\n")).collect();
    let base = "apps = [\"voice\"]\nworkers = [{ class = \"edge-cpu\" }]\n";
    shell.write("x.toml", format!("replicates = 1\n[base]\n{base}x = [{list}]\n{axes}"));
    refused(&shell, &["check", "x.toml"], "values in the settings of all runs at most");
}

#[test]
fn long_settings_are_refused_and_long_lines_read_in_time() {
    let shell = Shell::new();
    let item = "1,\n".repeat(1_400_000);
    shell.write("x.toml", format!("{SMALL}\n[base.x]\ny = [{item}]\n"));
    refused(&shell, &["check", "x.toml"], "1024 KiB at most");
    // On one line, where a column is counted from the line's start for each value.
    let item = "1,".repeat(400_000);
    shell.write("x.toml", format!("x = [{item}]\n{SMALL}"));
    refused(&shell, &["check", "x.toml"], "unknown key `x`");
}

#[test]
fn compressed_lines_and_cells_are_bounded() {
    let shell = Shell::small();
    let lines = gzip(&b"\n".repeat(1 << 20), 256);
    assert!(lines.len() < 2_000_000, "{}", lines.len());
    shell.write("lines.toml", &lines);
    refused(&shell, &["check", "lines.toml"], "more than 4000000 lines");
    let cells = gzip(&[b",".repeat(1 << 19), b"\n".to_vec()].concat(), 400);
    shell.write("cells.toml", &cells);
    refused(&shell, &["check", "cells.toml"], "more than 32000000 cells");
    for (name, bytes) in [("voice.csv", &lines), ("voice.csv", &cells)] {
        shell.write(&format!("traces/{name}"), bytes);
        refused(&shell, &["check", "small.toml"], "more than ");
    }
}

#[test]
fn what_is_no_file_or_another_file_is_not_shown() {
    let shell = Shell::small();
    let secret = "root:$6$salt$hash:19000:0:99999:7:::\ndaemon:*:19000:0:99999:7:::\n";
    shell.write("shadow", secret);
    let workers = |link: &str| {
        format!("--set=workers=[{{ class = \"edge-cpu\", link = {{ uplink_mbps = \"{link}\" }} }}]")
    };
    let [file, device] = ["shadow", "/dev/urandom"].map(workers);
    refused(&shell, &["check", "small.toml", &file], "none of which is looked for");
    refused(&shell, &["check", "small.toml", &device], "found a device, expected a file");
    let policy =
        |path: &str| format!("--set=scheduler={{ name = \"tmo-rl\", policy = \"{path}\" }}");
    let ids = "--run-ids=shadow";
    for arguments in [
        vec!["check", "small.toml", &file],
        vec!["check", "shadow"],
        vec!["check", "small.toml", &policy("shadow")],
        vec!["sweep", "small.toml", ids],
        vec!["import", "csv", "shadow", "--column", "arrival=t", "--app", "a", "--out", "o.csv"],
    ] {
        let said = bounded(&shell, &arguments);
        assert_eq!(said.code, Some(2), "{arguments:?}: {said:?}");
        assert!(!said.err.contains("hash") && !said.err.contains("daemon"), "{said:?}");
    }
    refused(&shell, &["check", "/dev/urandom"], "found a device, expected a file");
}

#[test]
fn control_characters_do_not_reach_the_terminal() {
    let shell = Shell::small();
    for text in ["title = \"\\u001b[2J\"", "name = \"\\u009b2J\"", "\"\\u001b\" = 1"] {
        shell.write("x.toml", format!("{text}\n{SMALL}"));
        refused(&shell, &["check", "x.toml"], "x.toml");
    }
    shell.write("traces/voice.csv", "\u{1b}[2Ja,b\n1,2\n");
    refused(&shell, &["check", "small.toml"], "traces/voice.csv");
    std::fs::remove_dir_all(shell.path("traces")).expect("a folder");
    refused(&shell, &["check", "small.toml", "--set=\u{1b}[2J=1"], "unknown key");
    refused(&shell, &["check", "\u{1b}[2J.toml"], "no such file");
    let long = format!("--set=scheduler={}", "x".repeat(100_000));
    refused(&shell, &["check", "small.toml", &long], "unknown scheduler");
}

#[test]
fn links_do_not_lead_out_of_the_folder() {
    let shell = Shell::small();
    shell.write("away/kept", "");
    for name in ["figures", "runs.lock", "runs.journal", "shards"] {
        let shard = if name == "shards" { "--shard=0/2" } else { "--jobs=1" };
        std::fs::create_dir_all(shell.path("o")).expect("a folder");
        symlink(shell.path("away"), shell.path(&format!("o/{name}"))).expect("a link");
        let said = Said::of(&mut shell.command(&["sweep", "small.toml", "--out=o", shard]));
        assert!(said.code == Some(1) && said.error().contains("a link"), "{name}: {said:?}");
        std::fs::remove_dir_all(shell.path("o")).expect("a folder");
    }
    let left = std::fs::read_dir(shell.path("away")).expect("a folder").count();
    assert_eq!(left, 1, "something was written there");
}

#[test]
fn a_folder_that_is_removed_while_runs_go_on_loses_nothing() {
    let shell = Shell::small();
    shell.ok("sweep small.toml --replicates 40 --out whole");
    let arguments = ["sweep", "small.toml", "--replicates", "40", "--out", "o", "--jobs", "1"];
    let mut child = shell.command(&arguments).spawn().expect("a start");
    let journal = shell.path("o/runs.journal");
    let runs = || std::fs::read_to_string(&journal).map_or(0, |text| text.lines().count());
    while runs() < 20 && child.try_wait().expect("a child").is_none() {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    std::fs::remove_dir_all(shell.path("o")).ok();
    assert!(child.wait().expect("an end").success());
    let (whole, again) = (shell.files("whole"), shell.files("o"));
    crate::support::shell::assert_same(&whole, &again, "removed");
    assert_eq!(runs(), 160);
}
