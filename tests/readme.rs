//! The README's scheduler table is generated from the registry.
//!
//! `UPDATE_README=1 cargo test --test readme` writes it anew.

use peeksim::sched::REGISTRY;

const BEGIN: &str =
    "<!-- schedulers: generated from the registry, checked by tests/readme.rs -->\n";
const END: &str = "<!-- end of schedulers -->";

fn table() -> String {
    let mut text =
        String::from("\n| name | what it does | accuracy | source |\n|---|---|---|---|\n");
    for entry in REGISTRY {
        let accuracy = entry.accuracy.map_or("none", peeksim::policy::Info::name);
        text.push_str(&format!(
            "| `{}` | {} | {accuracy} | {} |\n",
            entry.name, entry.summary, entry.source
        ));
    }
    text.push('\n');
    text
}

#[test]
fn scheduler_table_is_what_the_registry_says() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    let readme = std::fs::read_to_string(path).expect("README.md");
    let (before, rest) = readme.split_once(BEGIN).expect("the opening mark");
    let (found, after) = rest.split_once(END).expect("the closing mark");
    if std::env::var_os("UPDATE_README").is_some() {
        let text = format!("{before}{BEGIN}{}{END}{after}", table());
        std::fs::write(path, text).expect("README.md can be written");
        return;
    }
    assert_eq!(found, table(), "run UPDATE_README=1 cargo test --test readme");
}
