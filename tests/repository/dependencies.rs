//! What the program is built from: licences that allow it to be shipped, one source, and few
//! crates in two versions. A change of these lists is a decision, so each entry has a reason.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// Licences that ask for no more than their notice.
const LICENCES: [(&str, &str); 5] = [
    ("MIT", "asks for its notice"),
    ("MIT-0", "asks for nothing"),
    ("Apache-2.0", "asks for its notice"),
    ("Zlib", "asks for nothing in binaries"),
    ("Unicode-3.0", "asks for its notice; tables of unicode-ident, used while building"),
];

/// Crates that are there in more than one version.
const DUPLICATES: [(&str, &str); 3] = [
    ("getrandom", "ahash of the JSON Schema validator is behind rand's; used by tests"),
    ("miniz_oxide", "png inflates with an older one than flate2"),
    ("syn", "zerocopy's derive macro is behind clap's and thiserror's; used while building"),
];

/// Whether a licence expression (SPDX, or the older `A/B`) can be met by the list.
fn is_allowed(expression: &str) -> bool {
    let known = |name: &str| LICENCES.iter().any(|(licence, _)| *licence == name);
    let any = |part: &str| {
        let part = part.trim().trim_start_matches('(').trim_end_matches(')');
        part.replace('/', " OR ").split(" OR ").any(|name| known(name.trim()))
    };
    expression.split(" AND ").all(any)
}

/// The packages that this machine's build is made of.
fn packages() -> Vec<Value> {
    let rustc = Command::new("rustc").arg("-vV").output().expect("rustc");
    let rustc = String::from_utf8(rustc.stdout).expect("UTF-8");
    let host = rustc.lines().find_map(|line| line.strip_prefix("host: ")).expect("a host");
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--locked", "--filter-platform", host])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let used: BTreeSet<&str> = metadata["resolve"]["nodes"]
        .as_array()
        .expect("nodes")
        .iter()
        .filter_map(|node| node["id"].as_str())
        .collect();
    let packages = metadata["packages"].as_array().expect("packages").iter();
    packages
        .filter(|package| used.contains(package["id"].as_str().unwrap_or("")))
        .cloned()
        .collect()
}

#[test]
fn licences_sources_and_versions_are_those_on_the_lists() {
    let packages = packages();
    assert!(packages.len() > 50, "{} packages", packages.len());
    let mut versions = BTreeMap::<&str, BTreeSet<&str>>::new();
    let mut sources = BTreeSet::new();
    for package in &packages {
        let text = |key: &str| package[key].as_str().unwrap_or_default();
        let name = text("name");
        versions.entry(name).or_default().insert(text("version"));
        if name != "peeksim" {
            assert!(text("source").starts_with("registry+"), "{name} is from {:?}", text("source"));
            sources.insert(text("source"));
        }
        assert!(is_allowed(text("license")), "{name} has the licence {:?}", text("license"));
    }
    assert_eq!(sources.len(), 1, "{sources:?}");
    let twice: Vec<&str> =
        versions.iter().filter(|(_, known)| known.len() > 1).map(|(name, _)| *name).collect();
    let listed = DUPLICATES.map(|(name, _)| name);
    assert_eq!(twice, listed, "crates in two versions");
}

#[test]
fn expressions_of_licences_are_read() {
    for yes in ["MIT", "MIT/Apache-2.0", "(MIT OR GPL-3.0) AND Unicode-3.0", "LGPL-2.1 OR Zlib"] {
        assert!(is_allowed(yes), "{yes}");
    }
    for no in ["", "GPL-3.0", "MIT AND GPL-3.0", "(GPL-3.0 OR MPL-2.0) AND MIT"] {
        assert!(!is_allowed(no), "{no}");
    }
}
