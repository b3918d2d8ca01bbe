//! The commit in manifests.

use crate::support::shell::{Said, Shell};
use std::process::Command;

/// A repository with `small.toml` and a profile of its own, committed; none without git.
fn repository() -> Option<Shell> {
    if Command::new("git").arg("--version").output().is_err() {
        println!("no git here: commits in manifests were not tested");
        return None;
    }
    let shell = Shell::small();
    git(&shell, "init -q");
    git(&shell, "add small.toml");
    commit(&shell);
    Some(shell)
}

fn git(shell: &Shell, arguments: &str) -> String {
    let mut command = Command::new("git");
    command.current_dir(shell.path("")).args(arguments.split(' '));
    let said = Said::of(&mut command);
    assert_eq!(said.code, Some(0), "git {arguments}: {said:?}");
    said.out.trim().to_owned()
}

fn commit(shell: &Shell) {
    git(shell, "-c user.name=n -c user.email=e commit -q -m m");
}

/// The table `[git]` of a manifest: the commit, and whether it is dirty.
fn revision(shell: &Shell, folder: &str) -> Option<(String, bool)> {
    let manifest = shell.read(&format!("{folder}/manifest.toml"));
    let table: toml::Table = manifest.parse().expect("TOML");
    let git = table.get("git")?;
    let commit = git["commit"].as_str().expect("a text").to_owned();
    Some((commit, git["dirty"].as_bool().expect("a flag")))
}

#[test]
fn a_manifest_names_the_commit_and_what_it_lacks() {
    let Some(shell) = repository() else { return };
    let head = git(&shell, "rev-parse HEAD");
    let clean = Some((head.clone(), false));
    let dirty = Some((head.clone(), true));
    shell.ok("sweep small.toml");
    assert_eq!(revision(&shell, "results/small"), clean);
    // Its own results, untracked, and those of others are no change.
    shell.ok("sweep small.toml");
    shell.write("notes.txt", "x");
    let runs = shell.read("results/small/runs.csv");
    shell.ok("sweep small.toml --out a");
    assert_eq!(revision(&shell, "a"), clean);
    // A tracked file with a change, even one that changes no run.
    let text = shell.read("small.toml");
    shell.write("small.toml", format!("{text}\n# more\n"));
    shell.ok("sweep small.toml");
    assert_eq!(revision(&shell, "results/small"), dirty);
    assert_eq!(shell.read("results/small/runs.csv"), runs, "ids depend on the commit");
    git(&shell, "checkout -q small.toml");
    // An input that is not tracked.
    let shipped = std::fs::read_dir(crate::support::shell::repository("profiles/voice"));
    for file in shipped.expect("a profile").map(|file| file.expect("a file").path()) {
        let name = file.file_name().expect("a name").to_string_lossy().into_owned();
        shell.write(&format!("profiles/voice/{name}"), std::fs::read(&file).expect("a file"));
    }
    shell.ok("sweep small.toml --out b");
    assert_eq!(revision(&shell, "b"), dirty);
    git(&shell, "add profiles");
    commit(&shell);
    shell.ok("sweep small.toml --out b");
    assert_eq!(revision(&shell, "b"), Some((git(&shell, "rev-parse HEAD"), false)));
    // From elsewhere, the commit is that of the file.
    let other = Shell::new();
    let path = shell.path("small.toml").to_string_lossy().into_owned();
    let said = Said::of(&mut other.command(&["sweep", &path]));
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(revision(&other, "results/small").is_some());
}

#[test]
fn shards_are_merged_whatever_was_committed_in_between() {
    let Some(shell) = repository() else { return };
    let head = git(&shell, "rev-parse HEAD");
    shell.ok("sweep small.toml --out s --shard 0/2");
    shell.write("notes.txt", "x");
    git(&shell, "add notes.txt");
    commit(&shell);
    shell.ok("sweep small.toml --out s --shard 1/2");
    shell.ok("merge s");
    assert_eq!(revision(&shell, "s"), Some((head, false)), "that of the first shard");
}

#[test]
fn without_a_repository_and_of_what_ships_there_is_none() {
    let shell = Shell::small();
    shell.ok("sweep small.toml");
    assert_eq!(revision(&shell, "results/small"), None);
    let Some(shell) = repository() else { return };
    shell.ok("sweep quickstart --replicates 1 --set workload.requests=50 --out q");
    assert_eq!(revision(&shell, "q"), None);
}
