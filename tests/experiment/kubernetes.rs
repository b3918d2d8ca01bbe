//! `cluster/kubernetes.yaml`: every field is one that `batch/v1` has there, the numbers agree, and
//! its command, run once per index, does the whole sweep.

use crate::support::shell::{Said, Shell, assert_same, repository};
use std::collections::BTreeMap;

/// The scalars of a YAML text by path, items of lists by number. Of YAML just what the file uses:
/// blocks of mappings and lists, plain or double-quoted scalars, comments on lines of their own.
fn scalars(text: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    // Open blocks: how far they are indented, and their path.
    let mut open: Vec<(usize, String)> = Vec::new();
    let mut items: BTreeMap<String, usize> = BTreeMap::new();
    for line in text.lines().filter(|line| !line.trim_start().starts_with('#')) {
        let mut indent = line.len() - line.trim_start().len();
        let mut rest = line.trim();
        assert!(!rest.is_empty() && !line.contains('\t'), "{line:?}");
        let child = |open: &[(usize, String)], key: &str| {
            open.last().map_or(key.to_owned(), |(_, path)| format!("{path}.{key}"))
        };
        open.retain(|(at, _)| *at < indent);
        if let Some(item) = rest.strip_prefix("- ") {
            let list = child(&open, "");
            let number = items.entry(list).and_modify(|n| *n += 1).or_insert(0).to_string();
            open.push((indent, child(&open, &number)));
            (indent, rest) = (indent + 2, item);
        }
        let scalar = |text: &str| text.trim_matches('"').to_owned();
        match rest.split_once(": ").or_else(|| Some((rest.strip_suffix(':')?, ""))) {
            Some((key, "")) => open.push((indent, child(&open, key))),
            Some((key, value)) => {
                let before = found.insert(child(&open, key), scalar(value));
                assert!(before.is_none(), "{key} twice");
            }
            None => {
                found.insert(open.last().expect("a list").1.clone(), scalar(rest));
            }
        }
    }
    found
}

/// The manifest, and the words of its command.
fn manifest() -> (BTreeMap<String, String>, Vec<String>) {
    let text = std::fs::read_to_string(repository("cluster/kubernetes.yaml")).expect("a file");
    let found = scalars(&text);
    let words = (0..).map_while(|at| {
        found.get(&format!("spec.template.spec.containers.0.command.{at}")).cloned()
    });
    let words = words.collect();
    (found, words)
}

/// Whether a value has the form its field asks for.
type Fits = fn(&str) -> bool;

fn name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')
}

fn number(text: &str) -> bool {
    text.parse::<u32>().is_ok_and(|n| n > 0)
}

fn quantity(text: &str) -> bool {
    number(text) || text.strip_suffix("Gi").is_some_and(number)
}

#[test]
fn every_field_is_known_and_has_its_type() {
    let (found, words) = manifest();
    let pod = "spec.template.spec";
    let container = format!("{pod}.containers.0");
    let exact = [
        ("apiVersion".to_owned(), "batch/v1"),
        ("kind".to_owned(), "Job"),
        ("spec.completionMode".to_owned(), "Indexed"),
        (format!("{pod}.restartPolicy"), "OnFailure"),
        (format!("{container}.env.0.name"), "JOB_COMPLETIONS"),
        (format!("{container}.volumeMounts.0.mountPath"), "/results"),
    ];
    let typed: [(String, Fits); 13] = [
        ("metadata.name".to_owned(), name),
        ("spec.completions".to_owned(), number),
        ("spec.parallelism".to_owned(), number),
        ("spec.backoffLimit".to_owned(), number),
        (format!("{container}.name"), name),
        (format!("{container}.image"), |text| !text.is_empty()),
        (format!("{container}.env.0.value"), number),
        (format!("{container}.resources.requests.cpu"), quantity),
        (format!("{container}.resources.requests.memory"), quantity),
        (format!("{container}.resources.limits.memory"), quantity),
        (format!("{container}.volumeMounts.0.name"), name),
        (format!("{pod}.volumes.0.name"), name),
        (format!("{pod}.volumes.0.persistentVolumeClaim.claimName"), name),
    ];
    for (path, value) in &exact {
        assert_eq!(found.get(path).map(String::as_str), Some(*value), "{path}");
    }
    for (path, fits) in &typed {
        assert!(found.get(path).is_some_and(|value| fits(value)), "{path}: {:?}", found.get(path));
    }
    let known = exact.len() + typed.len() + words.len();
    assert_eq!(found.len(), known, "{:?}", found.keys());
    assert_eq!(found["spec.completions"], found[&format!("{container}.env.0.value")]);
    let volume = format!("{container}.volumeMounts.0.name");
    assert_eq!(found[&volume], found[&format!("{pod}.volumes.0.name")]);
}

#[test]
fn its_command_does_the_whole_sweep() {
    let (found, words) = manifest();
    let shell = Shell::small();
    shell.ok("sweep small.toml --out whole");
    shell.write("results/sweep.toml", shell.bytes("small.toml"));
    assert_eq!(words[0], "peeksim");
    let words: Vec<String> =
        words[1..].iter().map(|word| word.replace("/results", "results")).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let count = &found["spec.completions"];
    for index in 0..count.parse::<u32>().expect("a number") {
        let mut command = shell.command(&words);
        command.env("JOB_COMPLETION_INDEX", index.to_string()).env("JOB_COMPLETIONS", count);
        let said = Said::of(&mut command);
        assert_eq!(said.code, Some(0), "{said:?}");
    }
    shell.ok("merge results/out");
    let (whole, mut merged) = (shell.files("whole"), shell.files("results/out"));
    // It names another file.
    for file in ["manifest.toml", "datapackage.json"] {
        merged.insert(file, whole[file].clone());
    }
    assert_same(&whole, &merged, "pods");
}
