//! Help texts, manual pages and completions.

use crate::support::shell::{Said, Shell};
use std::process::Command;

/// Every command but `help`, as words: `reproduce tmo`.
fn commands(shell: &Shell) -> Vec<String> {
    let mut found = vec![String::new()];
    let mut at = 0;
    while at < found.len() {
        let help = shell.ok(&format!("{} -h", found[at])).out;
        let inner = help.split_once("Commands:\n").map_or("", |(_, rest)| rest);
        let inner = inner.lines().take_while(|line| !line.is_empty());
        let names = inner.filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
        let names = names.filter(|name| !name.is_empty() && *name != "help");
        let full: Vec<String> =
            names.map(|name| format!("{} {name}", found[at]).trim().to_owned()).collect();
        found.extend(full);
        at += 1;
    }
    assert!(found.len() > 24 && found.contains(&"reproduce tmo".to_owned()), "{found:?}");
    found
}

/// The command lines below `Example:` of a help text, without redirections.
fn examples(help: &str) -> Vec<String> {
    let (_, rest) = help.split_once("Example:\n").unwrap_or_else(|| panic!("none in {help}"));
    let block = rest.split("\n\n").next().unwrap_or(rest).replace("\\\n", " ");
    let lines = block.lines().map(|line| line.split(" > ").next().unwrap_or(line).trim());
    lines.map(|line| line.strip_prefix("peeksim ").expect("a command").to_owned()).collect()
}

/// Examples that need no file and take no time, in an order in which each finds what it reads.
const QUICK: [&str; 15] = [
    "",
    "check",
    "sweep",
    "compare",
    "league",
    "plot",
    "report",
    "verify",
    "shard-plan",
    "inspect",
    "explain",
    "list",
    "schema",
    "completions",
    "man",
];

#[test]
fn every_help_has_examples_that_work() {
    let shell = Shell::new();
    for command in commands(&shell) {
        for help in ["-h", "--help"] {
            for example in examples(&shell.ok(&format!("{command} {help}")).out) {
                assert!(
                    example.starts_with(&command) || command == "merge",
                    "{command}: {example}"
                );
                // Whatever stands before `--help` must be known.
                shell.ok(&format!("{example} --help"));
            }
        }
    }
    for command in QUICK {
        for example in examples(&shell.ok(&format!("{command} --help")).out) {
            shell.ok(&example);
        }
    }
}

#[test]
fn unknown_options_are_no_example() {
    let shell = Shell::new();
    shell.fails(2, "sweep quickstart --fast --help");
}

#[test]
fn exit_codes_are_documented_alike() {
    let shell = Shell::new();
    let (help, page) = (shell.ok("--help").out, shell.ok("man sweep").out);
    let book = std::fs::read_to_string("docs/src/command-line.md").expect("a page of the book");
    for code in ["0", "1", "2", "75", "130"] {
        assert!(help.contains(&format!("\n  {code:<4} ")), "{help}");
        assert!(page.contains(&format!("\n.TP\n{code}\n")), "{page}");
        assert!(book.contains(&format!("\n| {code} | ")), "{code} is not in the book");
    }
}

#[test]
fn there_is_a_page_for_every_command() {
    let shell = Shell::new();
    shell.ok("man --out pages");
    for command in commands(&shell) {
        let name = format!("peeksim {command}").trim().replace(' ', "-");
        let page = shell.read(&format!("pages/{name}.1"));
        assert!(page.contains(".SH \"EXIT STATUS\"") && page.contains("Example:"), "{name}");
        assert_eq!(page, shell.ok(&format!("man {command}")).out, "{command}");
        assert_eq!(page, shell.ok(&format!("man {}", command.replace(' ', "-"))).out);
    }
    assert!(shell.fails(2, "man swep").error().contains("sweep"));
}

#[test]
fn shells_load_their_completions() {
    let shell = Shell::new();
    for name in ["bash", "zsh", "fish"] {
        let script = shell.ok(&format!("completions {name}")).out;
        assert!(script.contains("shard-plan") && script.contains("grouped"), "{name}");
        shell.write(name, &script);
        let mut command = Command::new(name);
        match command.arg("-n").arg(shell.path(name)).output() {
            Ok(output) => assert!(output.status.success(), "{name}: {output:?}"),
            Err(_) => println!("no {name} here: its completions were not loaded"),
        }
    }
    // What bash proposes behind `peeksim list sne`, and behind `peeksim sweep quick`.
    let asked = |words: &str, last: &str| {
        let script = format!(
            ". {}; COMP_WORDS=({words} {last}); COMP_CWORD=2; _peeksim peeksim {last} {}; echo \
             ${{COMPREPLY[@]}}",
            shell.path("bash").display(),
            words.rsplit(' ').next().unwrap_or_default()
        );
        Said::of(Command::new("bash").args(["-c", &script])).out
    };
    if Command::new("bash").arg("--version").output().is_ok() {
        assert!(asked("peeksim list", "sneakp").contains("sneakpeek"), "a scheduler");
        assert_eq!(asked("peeksim sweep", "quicks").trim(), "quickstart");
    }
}
