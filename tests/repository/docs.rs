//! The documents: this version accepts their experiments, runs their commands, and prints what
//! they show. Rust blocks are doctests, see `src/lib.rs`.
//!
//! - `toml`: an experiment, or a part of one, that `peeksim check` accepts.
//! - `sh`: commands that succeed, with fewer requests, replicates and steps than written.
//! - `console`: commands after `$`, and the standard output that follows them, to the letter.
//!   `UPDATE_README=1 cargo test readme docs` writes it.
//! - `python`: a program that succeeds, in the folder of the blocks before it.
//! - `csv` and `toml` after "in `PATH`": a file that later blocks of the page use.
//! - `text`: nothing is checked.

use crate::support::python::python;
use crate::support::shell::{SMALL, Said, Shell, repository};
use std::fmt::Write;
use std::fs;
use std::process::Command;

/// Every document that is read by users, by its path from the root.
pub fn documents() -> Vec<String> {
    fn walk(folder: &str, found: &mut Vec<String>) {
        let entries = fs::read_dir(repository(folder)).into_iter().flatten();
        for entry in entries.map(|entry| entry.expect("an entry")) {
            let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
            if entry.file_name() == "node_modules" {
                continue;
            }
            if entry.path().is_dir() {
                walk(&path, found);
            } else if entry.path().extension().is_some_and(|ending| ending == "md") {
                found.push(path);
            }
        }
    }
    let mut found: Vec<String> =
        ["README.md", "CONTRIBUTING.md", "results/README.md"].map(str::to_owned).into();
    for folder in ["docs", "experiments", "profiles", "traces", "tests"] {
        walk(folder, &mut found);
    }
    found.sort();
    found
}

pub fn read(document: &str) -> String {
    fs::read_to_string(repository(document)).unwrap_or_else(|error| panic!("{document}: {error}"))
}

/// A fenced block of a document.
struct Block {
    /// The line of the opening fence, from 1.
    line: usize,
    language: String,
    text: String,
    /// The file that the paragraph before says it is in.
    file: Option<String>,
}

/// What stands in the last backticks that follow "in", if it is a path.
fn file_named(paragraph: &str) -> Option<String> {
    let (_, rest) = paragraph.rsplit_once("n `")?;
    let (path, _) = rest.split_once('`')?;
    let table = [".toml", ".csv"].iter().any(|ending| path.ends_with(ending));
    table.then(|| path.to_owned())
}

fn blocks(text: &str) -> Vec<Block> {
    let mut found: Vec<Block> = Vec::new();
    let (mut open, mut paragraph, mut ended) = (false, String::new(), false);
    for (at, line) in text.lines().enumerate() {
        if let Some(fence) = line.trim_start().strip_prefix("```") {
            if !open {
                let (language, line) = (fence.to_owned(), at + 1);
                let file = file_named(&paragraph);
                found.push(Block { line, language, text: String::new(), file });
            }
            open = !open;
            paragraph.clear();
        } else if open {
            let text = &mut found.last_mut().expect("an open block").text;
            text.push_str(line);
            text.push('\n');
        } else {
            if ended && !line.is_empty() {
                paragraph.clear();
            }
            ended = line.is_empty();
            paragraph.push_str(line);
            paragraph.push('\n');
        }
    }
    found
}

/// The blocks of a document in this language, each behind the last heading before it.
pub fn headed_blocks(document: &str, language: &str) -> Vec<(String, String)> {
    let text = read(document);
    let found = blocks(&text).into_iter().filter(|block| block.language == language);
    let heading = |line: usize| {
        let before = text.lines().take(line).filter_map(|line| line.strip_prefix("## "));
        before.last().unwrap_or_default().to_owned()
    };
    found.map(|block| (heading(block.line), block.text)).collect()
}

/// Keys of an experiment that stand before its first table.
const TOP: [&str; 7] = ["name", "title", "note", "seed", "replicates", "stopping", "tables"];

/// A part of an experiment, made whole by the settings of [`SMALL`] that it does not have.
fn whole(part: &str) -> String {
    if part.contains("[base]") {
        return part.to_owned();
    }
    let headed = part.lines().position(|line| line.starts_with('[')).unwrap_or(usize::MAX);
    let (head, tables): (Vec<_>, Vec<_>) =
        part.lines().enumerate().partition(|(at, _)| *at < headed);
    let key = |line: &str| line.split([' ', '=']).next().unwrap_or("").to_owned();
    let (top, mut base): (Vec<&str>, Vec<&str>) =
        head.into_iter().map(|(_, line)| line).partition(|line| TOP.contains(&key(line).as_str()));
    let given: Vec<String> = base.iter().map(|line| key(line)).collect();
    let small = SMALL.lines().skip_while(|line| *line != "[base]").skip(1);
    base.extend(small.take_while(|line| !line.is_empty()).filter(|l| !given.contains(&key(l))));
    if !part.contains("\"scheduler\"") {
        base.push("scheduler = \"grouped\"");
    }
    let tables: Vec<&str> = tables.into_iter().map(|(_, line)| line).collect();
    [top, vec!["[base]"], base, tables].concat().join("\n")
}

/// A command of a document with so little to do that a test can run it.
fn small(command: &str) -> String {
    let command = command.split(" # ").next().unwrap_or(command).trim_end();
    let word = |at: usize| command.split(' ').nth(at).unwrap_or("");
    let mut words: Vec<&str> = command.split(' ').collect();
    if let Some(steps) = words.iter().position(|word| *word == "--steps") {
        words.drain(steps..steps + 2);
    }
    let mut command = words.join(" ");
    let shipped = !word(2).contains(".toml") && !word(2).starts_with('-');
    command.push_str(match word(1) {
        "sweep" if word(2).starts_with("offloading") => {
            " --set replicates=2 --set generated_dialogues=20"
        }
        "sweep" if shipped => {
            " --replicates 1 --set workload.rate_rps=100 --set workload.requests=50"
        }
        "train" if shipped => {
            " --steps 256 --set replicates=1 --set workload.rate_rps=100 --set workload.requests=50"
        }
        "train" => " --steps 2048 --dialogues 20",
        "offload" => " --dialogues 20",
        _ => "",
    });
    command
}

/// Runs a line of a shell script, with the binary among the commands.
fn run(shell: &Shell, line: &str) -> Said {
    let mut command = Command::new("sh");
    command.args(["-c", line]).env("PATH", shell.search_path());
    Said::of(command.current_dir(shell.path("")))
}

/// A line without what differs between two runs: how long something took.
fn steady(line: &str) -> &str {
    if line.starts_with("about ") && line.contains(" of processor time") { "about" } else { line }
}

/// The block as it should be: every command with what it prints.
fn console(shell: &Shell, place: &str, block: &Block) -> String {
    let mut text = String::new();
    let mut shown = block.text.lines().peekable();
    while let Some(line) = shown.next() {
        let command = line.strip_prefix("$ ").unwrap_or_else(|| panic!("{place}: {line}"));
        let said = run(shell, command);
        assert_eq!(said.code, Some(0), "{place}: {command}: {said:?}");
        let mut before = Vec::new();
        while let Some(line) = shown.next_if(|line| !line.starts_with("$ ")) {
            before.push(line);
        }
        let after: Vec<&str> = said.out.lines().map(str::trim_end).collect();
        let same = before.len() == after.len()
            && before.iter().zip(&after).all(|(a, b)| steady(a) == steady(b));
        let lines = if same { before } else { after };
        writeln!(text, "{line}").expect("a string");
        for line in lines {
            writeln!(text, "{line}").expect("a string");
        }
    }
    text
}

fn check_page(document: &str) {
    let mut text = read(document);
    let shell = Shell::new();
    shell.write("my.toml", SMALL);
    for block in blocks(&text.clone()) {
        let place = format!("{document}:{}", block.line);
        if let Some(file) = &block.file {
            shell.write(file, &block.text);
        }
        match block.language.as_str() {
            "toml" => {
                let mut file = "part.toml".to_owned();
                match block.file {
                    None => shell.write(&file, whole(&block.text)),
                    Some(named) if named.contains('/') => continue,
                    Some(named) => file = named,
                }
                let said = shell.run(&format!("check {file}"));
                assert_eq!(said.code, Some(0), "{place}: {}\n{}", said.err, shell.read(&file));
            }
            "sh" => {
                for line in block.text.lines().filter(|line| !line.trim().is_empty()) {
                    assert!(line.starts_with("peeksim "), "{place}: {line}");
                    let said = run(&shell, &small(line));
                    assert_eq!(said.code, Some(0), "{place}: {line}: {said:?}");
                }
            }
            "console" => {
                let printed = console(&shell, &place, &block);
                if std::env::var_os("UPDATE_README").is_some() {
                    text = text.replacen(&block.text, &printed, 1);
                    fs::write(repository(document), &text).expect("the file can be written");
                } else {
                    assert_eq!(block.text, printed, "{place}: UPDATE_README=1 cargo test docs");
                }
            }
            "python" => {
                let Some(mut python) = python("pandas, scipy, matplotlib, duckdb") else {
                    continue;
                };
                python.args(["-c", &block.text]).env("PATH", shell.search_path());
                let said = Said::of(python.current_dir(shell.path("")));
                assert_eq!(said.code, Some(0), "{place}: {}", said.err);
            }
            "rust" | "rust,ignore" | "csv" | "text" => {}
            other => panic!("{place}: the language of a block is `{other}`"),
        }
    }
}

#[test]
fn blocks_of_the_front_pages_are_accepted() {
    for document in documents().iter().filter(|name| !name.starts_with("docs/")) {
        check_page(document);
    }
}

#[test]
fn blocks_of_the_tutorial_are_accepted() {
    check_page("docs/src/tutorial.md");
}

#[test]
fn blocks_of_the_book_are_accepted() {
    let done = "docs/src/tutorial.md";
    for document in documents().iter().filter(|name| name.starts_with("docs/") && *name != done) {
        check_page(document);
    }
}

/// Each page with a Rust block is compiled by `cargo test --doc`.
#[test]
fn rust_blocks_are_doctests() {
    let library = read("src/lib.rs");
    for document in documents() {
        let rust = blocks(&read(&document)).iter().any(|block| block.language == "rust");
        let included = library.contains(&format!("include_str!(\"../{document}\")"));
        assert!(included || !rust, "{document} has Rust blocks that src/lib.rs does not include");
    }
}

/// The front page is short enough to be read.
#[test]
fn the_front_page_is_short() {
    let length = read("README.md").len();
    assert!(length <= 10_000, "README.md: {length} bytes, at most 10,000");
}
