//! A crate with a scheduler of one's own: the example `own_scheduler` under another name.

use crate::cli::CliError;
use crate::config::toml::quote;
use crate::config::{Location, Problem, source};
use crate::experiment::schema;
use crate::scheduler::ENTRIES;
use std::path::{Path, PathBuf};

/// The name of the scheduler in the texts.
const NAME: &str = "own-scheduler";
/// Names that Cargo gives to folders beside a program, and crates of the compiler.
const RESERVED: [&str; 10] =
    ["alloc", "build", "core", "deps", "examples", "incremental", "peeksim", "self", "std", "test"];
/// How the texts depend on peeksim.
const DEPENDENCY: &str = "peeksim = \"*\"";

const PROGRAM: &str = include_str!("../../../examples/own_scheduler.rs");
/// The first lines of the example say how an example is run.
const PROGRAM_DOC: &str =
    "//! The scheduler `own-scheduler`, with the whole command line of peeksim:
//! `cargo run -- sweep experiment.toml`.
";

const TEXTS: [(&str, &str); 3] = [
    ("Cargo.toml", include_str!("crate/Cargo.toml.txt")),
    ("README.md", include_str!("crate/README.md")),
    ("experiment.toml", include_str!("crate/experiment.toml")),
];

/// The files of a crate with a scheduler called `name`, which depends on the checkout of peeksim.
///
/// # Errors
/// A name that is none of a crate or that a scheduler has, and a checkout that is none.
pub(super) fn make(name: &str, checkout: Option<&Path>) -> Result<Vec<(String, String)>, CliError> {
    check_name(name)?;
    let dependency = match checkout {
        Some(folder) => path_dependency(folder)?,
        None => match enclosing_checkout()? {
            Some(folder) => path_dependency(&folder)?,
            None => format!("peeksim = {}", quote(env!("CARGO_PKG_VERSION"))),
        },
    };
    let named = |text: &str| text.replace(DEPENDENCY, &dependency).replace(NAME, name);
    let mut files: Vec<(String, String)> =
        TEXTS.iter().map(|(path, text)| ((*path).to_owned(), named(text))).collect();
    let code: String = PROGRAM
        .lines()
        .skip_while(|line| line.is_empty() || line.starts_with("//!"))
        .map(|line| format!("{line}\n"))
        .collect();
    files.push(("src/main.rs".to_owned(), named(&format!("{PROGRAM_DOC}\n{code}"))));
    files.push(("schema.json".to_owned(), format!("{:#}\n", schema())));
    files.push((".gitignore".to_owned(), "/results\n/target\n".to_owned()));
    Ok(files)
}

fn check_name(name: &str) -> Result<(), Problem> {
    let place = || Location::file("--scheduler");
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let is_name = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(plain)
        && !name.ends_with('-')
        && !name.contains("--");
    if !is_name {
        let expected = "a letter, then lower-case letters, digits and single hyphens, as `my-edf`";
        return Err(Problem::new(place(), format!("`{name}`"), expected));
    }
    if ENTRIES.find(name).is_some() || RESERVED.contains(&name) {
        return Err(Problem::new(place(), format!("`{name}`, which is taken"), "another name"));
    }
    Ok(())
}

fn path_dependency(folder: &Path) -> Result<String, CliError> {
    if !is_checkout(folder) {
        let place = Location::file("--checkout");
        let found = format!("`{}`, without the Cargo.toml of peeksim", folder.display());
        return Err(Problem::new(place, found, "a folder with the sources of peeksim").into());
    }
    let folder = std::path::absolute(folder)?;
    Ok(format!("peeksim = {{ path = {} }}", quote(&folder.to_string_lossy())))
}

/// The checkout of peeksim in which the current folder is.
fn enclosing_checkout() -> Result<Option<PathBuf>, CliError> {
    let here = std::env::current_dir()?;
    Ok(here.ancestors().find(|folder| is_checkout(folder)).map(Path::to_owned))
}

fn is_checkout(folder: &Path) -> bool {
    let manifest = source::read_own(&folder.join("Cargo.toml").to_string_lossy());
    manifest.is_ok_and(|file| file.text.lines().any(|line| line == "name = \"peeksim\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_has_the_name_and_no_other() {
        let files = make("my-edf2", Some(Path::new(env!("CARGO_MANIFEST_DIR")))).unwrap();
        for (path, text) in &files {
            assert!(!text.contains(NAME), "{path}");
        }
        let text = |path| &files.iter().find(|(name, _)| name == path).unwrap().1;
        let program = text("src/main.rs");
        assert!(program.contains("name: \"my-edf2\""));
        assert!(!program.contains("--example"), "{program}");
        assert!(text("Cargo.toml").contains("peeksim = { path = "), "{}", text("Cargo.toml"));
        assert!(text("experiment.toml").contains("[\"my-edf2\", \"edf\""));
    }

    #[test]
    fn names_that_cargo_or_the_registry_refuse_are_refused() {
        for name in ["", "edf", "self", "My", "2nd", "a_b", "a--b", "a-", "-a", "a b"] {
            assert!(make(name, None).is_err(), "{name}");
        }
    }
}
