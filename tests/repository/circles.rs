//! No file imports another that imports it, directly or through others. The `mod.rs` of a folder is
//! left out: a registry and its entries know each other by nature.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// A module's path without `crate`, such as `scheduler::planners::grouped`, and its text.
type Sources = BTreeMap<String, String>;

fn sources(folder: &Path, module: &str, found: &mut Sources) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let inner = if module.is_empty() { name } else { format!("{module}::{name}") };
        if path.is_dir() {
            sources(&path, &inner, found);
        } else if path.extension().is_some_and(|end| end == "rs")
            && !["mod", "lib", "main"].contains(&inner.rsplit("::").next().unwrap_or_default())
        {
            let text = fs::read_to_string(&path).expect("UTF-8");
            let end = text.find("#[cfg(test)]\nmod tests {").unwrap_or(text.len());
            let code = text[..end].lines().filter(|line| !line.trim_start().starts_with("//"));
            found.insert(inner, code.collect::<Vec<_>>().join("\n"));
        }
    }
}

/// The paths that a text names behind `crate::`, `super::` or `self::`; lists in braces are spelled
/// out.
fn paths(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let starts = ["crate::", "super::", "self::"];
    for (at, _) in text.match_indices("::") {
        let head =
            text[..at].rfind(|c: char| !c.is_alphanumeric() && c != '_').map_or(0, |n| n + 1);
        let before = text[..head].chars().next_back();
        if before != Some(':') && starts.iter().any(|start| text[head..].starts_with(start)) {
            spell_out(&text[head..], "", &mut found);
        }
    }
    found
}

/// Reads one path or list from the beginning of `text`, behind `before`; where it ends.
fn spell_out(text: &str, before: &str, found: &mut Vec<String>) -> usize {
    let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    let end = text.find(|c: char| !is_part(c)).unwrap_or(text.len());
    let path = format!("{before}{}", &text[..end]);
    if !text[end..].starts_with('{') || !path.ends_with("::") {
        found.push(path);
        return end;
    }
    let mut at = end + 1;
    while let Some(next) = text[at..].chars().next().filter(|c| *c != '}') {
        at += if is_part(next) { spell_out(&text[at..], &path, found) } else { next.len_utf8() };
    }
    at + 1
}

/// The module that a path in `own` leads to, if it is a file of the project.
fn target(own: &str, path: &str, sources: &Sources) -> Option<String> {
    let mut parts: Vec<&str> = own.split("::").collect();
    let mut rest = path;
    if let Some(absolute) = rest.strip_prefix("crate::") {
        (parts, rest) = (Vec::new(), absolute);
    }
    while let Some(outer) = rest.strip_prefix("super::") {
        parts.pop();
        rest = outer;
    }
    parts.extend(rest.trim_start_matches("self::").split("::"));
    while !parts.is_empty() {
        let module = parts.join("::");
        if sources.contains_key(&module) {
            return Some(module).filter(|module| module != own);
        }
        parts.pop();
    }
    None
}

/// A way from `at` back to `start`.
fn way_back(
    start: &str,
    at: &str,
    edges: &BTreeMap<String, BTreeSet<String>>,
    seen: &mut BTreeSet<String>,
) -> Option<Vec<String>> {
    for next in edges.get(at).into_iter().flatten() {
        if next == start {
            return Some(vec![at.to_owned()]);
        }
        if seen.insert(next.clone())
            && let Some(mut way) = way_back(start, next, edges, seen)
        {
            way.insert(0, at.to_owned());
            return Some(way);
        }
    }
    None
}

fn circles(sources: &Sources) -> Vec<String> {
    let imported = |(own, text): (&String, &String)| {
        let to = paths(text).into_iter().filter_map(|path| target(own, &path, sources));
        (own.clone(), to.collect::<BTreeSet<_>>())
    };
    let edges: BTreeMap<_, _> = sources.iter().map(imported).collect();
    let mut named: BTreeSet<String> = BTreeSet::new();
    let mut found = Vec::new();
    for module in sources.keys() {
        let way = way_back(module, module, &edges, &mut BTreeSet::new());
        // A circle is told once, by the first of its files.
        if let Some(way) = way.filter(|way| !way.iter().any(|module| named.contains(module))) {
            found.push(format!("{} -> {module}", way.join(" -> ")));
            named.extend(way);
        }
    }
    found
}

#[test]
fn no_file_imports_another_in_a_circle() {
    let mut found = Sources::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), "", &mut found);
    assert!(found.len() > 200, "{} files", found.len());
    let circles = circles(&found);
    assert!(circles.is_empty(), "{}", circles.join("\n"));
}

#[test]
fn circles_are_found() {
    let files = [
        ("a::one", "use super::two::{Thing, other};"),
        ("a::two", "use crate::{b, a::{deeper::Item, missing}};"),
        ("a::deeper", "fn f() -> crate::a::one::Thing { super::one::f() }"),
        ("b", "use std::fmt; use crate::core::ids;"),
    ];
    let sources = files.map(|(name, text)| (name.to_owned(), text.to_owned())).into();
    assert_eq!(circles(&sources), ["a::deeper -> a::one -> a::two -> a::deeper"]);
}
