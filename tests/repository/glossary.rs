//! The glossary has every key, result column, command and option.
//!
//! `UPDATE_README=1 cargo test readme glossary` writes its generated parts.

use super::docs::read;
use super::readme::check;
use crate::support::shell::Shell;
use peeksim::report::data_dictionary::{AXES, files};
use peeksim::scheduler::{REGISTRY, SchedulerEntry};
use peeksim::workload::{ARRIVALS, ArrivalEntry};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

const GLOSSARY: &str = "docs/glossary.md";

/// What the papers call what a column holds.
const PAPER_TERMS: [(&str, &str); 18] = [
    ("utility_sum", "SP: total utility"),
    ("utility_mean", "SP: utility"),
    ("accuracy_mean", "SP: accuracy"),
    ("accuracy_predicted_mean", "SP: estimated accuracy"),
    ("estimation_error_mean", "SP: estimation error"),
    ("deadline_misses", "SP: deadline misses"),
    ("deadline_miss_ratio", "SP: deadline violation rate"),
    ("slo_attainment", "SP: deadlines met"),
    ("latency_ms_mean", "SP: latency"),
    ("tardiness_ms_mean", "SP: lateness"),
    ("model_loads", "SP: swaps"),
    ("model_load_ms_sum", "SP: swap time"),
    ("short_circuit_ratio", "SP: short-circuited requests"),
    ("utility_remaining_mean", "SP: utility, as the published code scores it"),
    ("offloaded_ratio", "TMO: offloading ratio"),
    ("cost_usd", "TMO: usage cost"),
    ("energy_j", "–"),
    ("batch_size_mean", "SP: batch size"),
];

/// Every column with its meanings and the files that have it. `summary.csv` has columns of other
/// files with endings that are explained once.
fn columns() -> String {
    type Known = BTreeMap<String, (Vec<String>, Vec<String>)>;
    let mut known = Known::new();
    for file in files().into_iter().filter(|file| file.name != "summary.csv") {
        for field in file.fields.into_iter().filter(|field| field.name != AXES) {
            let (files, meanings) = known.entry(field.name).or_default();
            files.push(format!("`{}`", file.name));
            if !meanings.contains(&field.meaning) {
                meanings.push(field.meaning);
            }
        }
    }
    let mut text = "| column | of | in the papers | meaning |\n|---|---|---|---|\n".to_owned();
    for (name, (files, meanings)) in known {
        let term = PAPER_TERMS.iter().find(|(column, _)| *column == name);
        let term = term.map_or("–", |(_, term)| *term);
        let (files, meaning) = (files.join(", "), meanings.join("; or "));
        text.push_str(&format!("| `{name}` | {files} | {term} | {meaning} |\n"));
    }
    for (ending, meaning) in ENDINGS {
        text.push_str(&format!("| `METRIC{ending}` | `summary.csv` | – | {meaning} |\n"));
    }
    text
}

/// What the endings of the columns of `summary.csv` mean.
const ENDINGS: [(&str, &str); 3] = [
    ("", "mean of the metric over replicates"),
    ("_sd", "standard deviation of the metric over replicates"),
    ("_ci95", "half width of the 95 % interval (Student's t) of the mean"),
];

#[test]
fn columns_are_in_the_glossary() {
    let begin = "<!-- glossary columns: generated, checked by tests/repository/glossary.rs -->\n";
    check(GLOSSARY, begin, "<!-- end of glossary columns -->", &columns());
    let known: BTreeSet<String> =
        files().into_iter().flat_map(|file| file.fields).map(|field| field.name).collect();
    let strange = PAPER_TERMS.iter().find(|(name, _)| !known.contains(*name));
    assert_eq!(strange, None, "no such column");
    let summary = files().into_iter().find(|file| file.name == "summary.csv").expect("the file");
    for field in summary.fields.into_iter().filter(|field| field.name != AXES) {
        let metric = ENDINGS.iter().find_map(|(ending, _)| {
            field.name.strip_suffix(ending).filter(|metric| known.contains(*metric))
        });
        assert!(metric.is_some(), "{} is explained nowhere", field.name);
    }
}

/// The paragraphs of a help text that begin with a command or an option, by their name.
fn entries(help: &str) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    for line in help.lines() {
        let words = line.trim();
        let indent = line.len() - line.trim_start().len();
        if words.starts_with('-') && indent < 10 {
            let (option, text) = words.split_once("  ").unwrap_or((words, ""));
            let at = option.find("--").unwrap_or(0);
            let end = |c: char| c != '-' && !c.is_ascii_alphanumeric();
            let name = option[at..].split(end).next().unwrap_or(option);
            // The long help of `--help` itself differs between commands.
            let text = if name == "--help" { "Print help" } else { text.trim() };
            found.push((name.to_owned(), text.to_owned()));
        } else if let Some((_, text)) = found.last_mut().filter(|_| indent >= 10) {
            text.push(' ');
            text.push_str(words);
        }
    }
    let tidy = |text: String| text.trim().replace('|', "\\|");
    found.into_iter().map(|(name, text)| (name, tidy(text))).collect()
}

/// The commands below a command, and what they do.
fn commands(help: &str) -> Vec<(String, String)> {
    let Some((_, rest)) = help.split_once("Commands:\n") else { return Vec::new() };
    let mut found: Vec<(String, String)> = Vec::new();
    for line in rest.lines().take_while(|line| !line.is_empty()) {
        match line.strip_prefix("  ").filter(|line| !line.starts_with(' ')) {
            Some(line) => {
                let (name, text) = line.split_once(' ').unwrap_or((line, ""));
                found.push((name.to_owned(), text.trim().to_owned()));
            }
            None => {
                if let Some((_, text)) = found.last_mut() {
                    text.push(' ');
                    text.push_str(line.trim());
                }
            }
        }
    }
    found.retain(|(name, _)| name != "help");
    found
}

fn paper_term(command: &str) -> &'static str {
    match command {
        "offload" => "TMO: offloading",
        "train" => "TMO: training",
        _ => "–",
    }
}

/// Every command, and every option with the commands that have it.
fn command_line() -> String {
    let shell = Shell::new();
    let mut options: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    let mut text = "| command | in the papers | meaning |\n|---|---|---|\n".to_owned();
    let mut left: Vec<String> = vec![String::new()];
    while let Some(command) = left.pop() {
        let help = shell.ok(&format!("{command} -h")).out;
        for (name, meaning) in entries(&help) {
            options.entry((name, meaning)).or_default().push(command.clone());
        }
        for (name, meaning) in commands(&help) {
            let inner = format!("{command} {name}").trim().to_owned();
            let term = paper_term(&inner);
            text.push_str(&format!("| `peeksim {inner}` | {term} | {meaning} |\n"));
            left.push(inner);
        }
    }
    text.push_str("\n| option | of | meaning |\n|---|---|---|\n");
    for ((name, meaning), mut commands) in options {
        let every = ["--help", "--version", "--json", "--quiet"].contains(&name.as_str());
        commands.sort();
        let commands: Vec<String> = commands.iter().map(|name| format!("`{name}`")).collect();
        let of = if every { "every command".to_owned() } else { commands.join(", ") };
        text.push_str(&format!("| `{name}` | {of} | {meaning} |\n"));
    }
    text
}

#[test]
fn commands_and_options_are_in_the_glossary() {
    let begin = "<!-- glossary commands: generated, checked by tests/repository/glossary.rs -->\n";
    check(GLOSSARY, begin, "<!-- end of glossary commands -->", &command_line());
}

/// The functions that read a key, whose name is the first text behind the bracket.
const READERS: [&str; 29] = [
    "take",
    "require",
    "number",
    "integer",
    "flag",
    "text",
    "choice",
    "texts",
    "integer_up_to",
    "text_or",
    "optional_number",
    "optional_integer",
    "optional_text",
    "optional_choice",
    "required_number",
    "required_integer",
    "number_at",
    "integer_at",
    "optional",
    "required",
    "get",
    "second",
    "phase",
    "list",
    "amount",
    "bound",
    "end",
    "class",
    "read_cv",
];

/// The keys that a file of the decoders names.
fn keys_of(text: &str, found: &mut BTreeSet<String>) {
    let text = text.find("#[cfg(test)]\nmod tests").map_or(text, |at| &text[..at]);
    for reader in READERS {
        for (at, call) in text.match_indices(&format!("{reader}(")) {
            let inside = !text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
            let rest = &text[at + call.len()..];
            let Some((before, rest)) = rest.split_once('"') else { continue };
            let Some((key, _)) = rest.split_once('"') else { continue };
            let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
            let first = before.chars().all(|c| c.is_whitespace() || word(c) || ",&".contains(c));
            if inside && first && !key.is_empty() && key.chars().all(word) {
                found.insert(key.to_owned());
            }
        }
    }
}

fn walk(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry")) {
        let path = entry.path();
        if path.is_dir() {
            walk(&path, found);
        } else if path.file_name().is_some_and(|name| name != "tests.rs") {
            keys_of(&fs::read_to_string(path).expect("UTF-8"), found);
        }
    }
}

/// Keys of recorded traces and of messages, which are no settings.
const NO_KEYS: [&str; 3] = ["offset_s", "sha256", "skipped_rows"];

#[test]
fn keys_are_in_the_glossary() {
    let mut keys = BTreeSet::new();
    for folder in ["experiment", "scheduler", "system", "workload", "classifier"] {
        walk(&crate::support::shell::repository("src").join(folder), &mut keys);
    }
    let schedulers = REGISTRY.iter().map(SchedulerEntry::described);
    for entry in schedulers.chain(ARRIVALS.iter().map(ArrivalEntry::described)) {
        keys.extend(entry.settings.iter().map(|setting| setting.key.to_owned()));
    }
    assert!(keys.len() > 160, "the decoders name only {} keys", keys.len());
    let glossary = read(GLOSSARY);
    let section = glossary.split("\n## ").find(|part| part.starts_with("Keys")).expect("keys");
    let cells = section.lines().filter_map(|line| line.strip_prefix("| `")?.split(" | ").next());
    let known: BTreeSet<&str> = cells.flat_map(|cell| cell.split("`, `")).collect();
    let known: BTreeSet<&str> = known.into_iter().map(|key| key.trim_matches('`')).collect();
    let lacking: Vec<&String> = keys.iter().filter(|key| !known.contains(key.as_str())).collect();
    let lacking: Vec<_> =
        lacking.into_iter().filter(|key| !NO_KEYS.contains(&key.as_str())).collect();
    assert!(lacking.is_empty(), "{GLOSSARY} lacks the keys {lacking:?}");
    let strange: Vec<&&str> = known.iter().filter(|key| !read_anywhere(key)).collect();
    assert!(strange.is_empty(), "{GLOSSARY} has keys that no file of src names: {strange:?}");
}

/// Whether some source file holds this key in quotes.
fn read_anywhere(key: &str) -> bool {
    fn holds(path: &Path, quoted: &str) -> bool {
        match fs::read_dir(path) {
            Ok(entries) => {
                entries.map(|entry| entry.expect("an entry")).any(|e| holds(&e.path(), quoted))
            }
            Err(_) => fs::read_to_string(path).is_ok_and(|text| text.contains(quoted)),
        }
    }
    holds(&crate::support::shell::repository("src"), &format!("\"{key}\""))
}
