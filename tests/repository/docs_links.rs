//! Links between documents: every file and heading that a document points to exists, and the
//! summary of the book lists every page.

use super::docs::{documents, read};
use crate::support::shell::repository;
use peeksim::experiment::Experiment;
use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

/// A document without its fenced blocks and inline code.
fn prose(text: &str) -> String {
    let mut open = false;
    let mut prose = String::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            open = !open;
        } else if !open {
            let parts = line.split('`').enumerate();
            prose.extend(parts.map(|(at, part)| if at % 2 == 0 { part } else { "code" }));
            prose.push('\n');
        }
    }
    prose
}

/// The targets of links and pictures, in brackets or by reference.
fn targets(text: &str) -> Vec<String> {
    let prose = prose(text);
    let links = prose.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
    links.map(|(target, _)| target.replace('\n', "")).collect()
}

/// The anchor of a heading, as forges and mdBook make it.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.collect::<String>().trim().to_lowercase().replace(' ', "-")
}

fn anchors(text: &str) -> BTreeSet<String> {
    let mut open = false;
    let mut found = BTreeSet::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            open = !open;
        } else if !open && line.starts_with('#') {
            found.insert(anchor(line.trim_start_matches('#')));
        }
    }
    found
}

/// A path without `.` and `..`.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                plain.pop();
            }
            Component::CurDir => {}
            part => plain.push(part),
        }
    }
    plain
}

#[test]
fn links_lead_to_files_and_headings() {
    let mut wrong = Vec::new();
    let mut checked = 0;
    for document in documents() {
        for target in targets(&read(&document)) {
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            let (path, heading) = target.split_once('#').unwrap_or((&target, ""));
            let folder = Path::new(&document).parent().expect("a folder");
            let file = if path.is_empty() { document.clone().into() } else { folder.join(path) };
            let file = plain(&file);
            if !repository(&file.to_string_lossy()).exists() {
                wrong.push(format!("{document}: {target}: no such file"));
            } else if !heading.is_empty() {
                let text = read(&file.to_string_lossy());
                if !anchors(&text).contains(heading) {
                    wrong.push(format!("{document}: {target}: no such heading"));
                }
            }
            checked += 1;
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(checked > 100, "only {checked} links");
}

/// Source files that documents name, as `src/…` or `tests/…`, and what they are said to hold, as
/// in `src/experiment/shard.rs: select`.
#[test]
fn files_and_functions_that_are_named_exist() {
    let mut wrong = Vec::new();
    let mut checked = 0;
    for document in documents() {
        let text = read(&document);
        for code in text.split('`').skip(1).step_by(2) {
            let (path, name) = code.split_once(": ").unwrap_or((code, ""));
            let plain = !path.contains(['…', '*', ' ', '\n', '<']);
            let ended =
                path.ends_with('/') || path.rsplit('/').next().is_some_and(|f| f.contains('.'));
            if !plain || !ended || path.contains("mine.rs") {
                continue;
            }
            let folders = ["src/", "tests/", "examples/", "cluster/"];
            let path = if folders.iter().any(|folder| path.starts_with(folder)) {
                path.to_owned()
            } else if !name.is_empty() && Path::new(path).extension().is_some_and(|e| e == "rs") {
                format!("tests/{path}")
            } else {
                continue;
            };
            let found = repository(&path);
            checked += 1;
            if !found.exists() {
                wrong.push(format!("{document}: `{path}`: no such file"));
            } else if !name.is_empty() && !read(&path).contains(&format!("fn {name}")) {
                wrong.push(format!("{document}: `{path}` has no function `{name}`"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(checked > 50, "only {checked} names");
}

#[test]
fn the_summary_lists_every_page() {
    let listed: BTreeSet<String> = targets(&read("docs/src/SUMMARY.md")).into_iter().collect();
    let pages: BTreeSet<String> = documents()
        .iter()
        .filter_map(|name| name.strip_prefix("docs/src/"))
        .filter(|name| *name != "SUMMARY.md")
        .map(str::to_owned)
        .collect();
    assert_eq!(listed, pages);
}

/// Every experiment is listed with the question in its file; twins on measured applications share
/// a row, and so do those of one planner.
#[test]
fn experiments_are_listed_with_their_questions() {
    let lists = ["experiments/README.md", "experiments/sneakpeek/why/README.md"].map(read).concat();
    for path in peeksim::config::source::embedded_paths(".toml") {
        let Some(name) = path.strip_prefix("experiments/") else { continue };
        let name = name.trim_end_matches(".toml").trim_end_matches("-measured");
        let last = name.rsplit('/').next().unwrap_or(name);
        let shared = if name.starts_with("peek-plus/") { "peek-plus/…" } else { name };
        let experiment = Experiment::load(&path, &[]).expect("an experiment");
        let listed = [shared, last]
            .iter()
            .any(|name| lists.contains(&format!("| `{name}` | {} |", experiment.question)));
        assert!(listed, "no README lists {path} with its question");
    }
}

/// A reader who starts at the front page gets to every page of the book, and to the answers to
/// these questions with one more click.
#[test]
fn questions_are_answered_near_the_front_page() {
    const QUESTIONS: [(&str, &str, &str); 8] = [
        ("docs/src/profiles.md", "latency-of-a-batch", "interpolated linearly"),
        ("docs/src/profiles.md", "latency-of-a-batch", "is the largest batch"),
        ("docs/src/profiles.md", "peeks", "a peek takes no time"),
        ("docs/src/scheduling-rules.md", "planners-windows", "`window_ms = 0`"),
        ("docs/src/experiment-files.md", "figure", "`y_range`"),
        ("docs/src/experiment-files.md", "expect", "`gate`"),
        ("docs/src/scheduling-rules.md", "equal-plans", "earlier finish"),
        ("docs/src/statistics.md", "intervals", "half width"),
    ];
    let front = targets(&read("README.md"));
    for (page, heading, answer) in QUESTIONS {
        assert!(front.contains(&format!("{page}#{heading}")), "README.md: {page}#{heading}");
        let text = read(page);
        let section = text.split("\n## ").find(|part| anchor(first_line(part)) == heading);
        let section = section.unwrap_or_else(|| panic!("{page}: no section {heading}"));
        assert!(section.contains(answer), "{page}#{heading} does not say `{answer}`");
    }
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or("")
}
