//! Tables in Markdown that are generated: the README's schedulers and policies, the columns of the
//! results.
//!
//! `UPDATE_README=1 cargo test --test readme` writes them anew.

use peeksim::metrics::COLUMNS;
use peeksim::model::arrival::ARRIVALS;
use peeksim::policy::Info;
use peeksim::sched::REGISTRY;
use peeksim::tmo::POLICIES;

/// Compares what stands between two marks of a file, or writes it.
fn check(file: &str, begin: &str, end: &str, expected: &str) {
    let path = format!("{}/{file}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).expect("the file is there");
    let (before, rest) = text.split_once(begin).expect("the opening mark");
    let (found, after) = rest.split_once(end).expect("the closing mark");
    let expected = format!("\n{expected}\n");
    if std::env::var_os("UPDATE_README").is_some() {
        let text = format!("{before}{begin}{expected}{end}{after}");
        std::fs::write(&path, text).expect("the file can be written");
        return;
    }
    assert_eq!(found, expected, "{file}: run UPDATE_README=1 cargo test --test readme");
}

#[test]
fn schedulers_are_what_the_registry_says() {
    let mut table =
        String::from("| name | what it does | accuracy | source |\n|---|---|---|---|\n");
    for entry in REGISTRY {
        let accuracy = entry.accuracy.map_or("none", Info::name);
        let (name, summary, source) = (entry.name, entry.summary, entry.source);
        table.push_str(&format!("| `{name}` | {summary} | {accuracy} | {source} |\n"));
    }
    let begin = "<!-- schedulers: generated from the registry, checked by tests/readme.rs -->\n";
    check("README.md", begin, "<!-- end of schedulers -->", &table);
}

#[test]
fn arrival_processes_are_what_the_registry_says() {
    let mut table =
        String::from("| `trace.source` | what arrives | settings | from |\n|---|---|---|---|\n");
    for entry in ARRIVALS {
        let settings = match entry.params {
            "" => String::new(),
            params => format!("`{params}`"),
        };
        let (name, summary, source) = (entry.name, entry.summary, entry.source);
        table.push_str(&format!("| `{name}` | {summary} | {settings} | {source} |\n"));
    }
    let begin = "<!-- arrivals: generated from the registry, checked by tests/readme.rs -->\n";
    check("README.md", begin, "<!-- end of arrivals -->", &table);
}

#[test]
fn policies_are_what_the_list_says() {
    let mut table = String::from("| policy | what it does | source |\n|---|---|---|\n");
    for entry in POLICIES {
        let (name, summary, source) = (entry.name, entry.summary, entry.source);
        table.push_str(&format!("| `{name}` | {summary} | {source} |\n"));
    }
    let begin = "<!-- policies: generated from the list, checked by tests/readme.rs -->\n";
    check("README.md", begin, "<!-- end of policies -->", &table);
}

#[test]
fn columns_are_what_runs_have() {
    let mut table = String::from("| column | meaning |\n|---|---|\n");
    for column in COLUMNS {
        table.push_str(&format!("| `{}` | {} |\n", column.name, column.meaning));
    }
    let begin = "<!-- columns: generated, checked by tests/readme.rs -->\n";
    check("results/README.md", begin, "<!-- end of columns -->", &table);
}
