//! The commit of the git repository that holds an experiment.

use crate::config::{ConfigNode, Value, source};
use crate::experiment::Sweep;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A commit, and whether it has all of an experiment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision {
    /// Its hash.
    pub commit: String,
    /// Whether tracked files have changes, or an input of the experiment is not tracked.
    pub is_dirty: bool,
}

impl Revision {
    /// The commit of the repository in which the file of an experiment lies; none without a
    /// repository or without git. An experiment that ships is named by the build.
    pub fn of(sweep: &Sweep) -> Option<Self> {
        let path = Path::new(&sweep.experiment.path);
        let name = &sweep.experiment.path;
        let ships = source::is_shipped(name) && !source::differs_from_shipped(name, name);
        if ships || !path.is_file() {
            return None;
        }
        let path = std::path::absolute(path).ok()?;
        let folder = path.parent()?;
        let commit = git(folder, &["rev-parse", "HEAD"], &[])?;
        let inputs = sweep.inputs.on_disk().filter_map(|path| std::path::absolute(path).ok());
        let inputs: Vec<PathBuf> = inputs.chain([path.clone()]).collect();
        // Results that a sweep writes beside its experiment are no change of it.
        let changed = git(folder, &["status", "--porcelain", "--untracked-files=no"], &[])?;
        let tracked = git(folder, &["ls-files", "--error-unmatch", "--"], &inputs);
        Some(Self { commit, is_dirty: !changed.is_empty() || tracked.is_none() })
    }

    /// Of the table `[git]` of a manifest.
    pub(super) fn read(node: &ConfigNode) -> Option<Self> {
        let commit = node.get("commit")?.cell();
        let is_dirty = matches!(node.get("dirty")?.value, Value::Bool(true));
        Some(Self { commit, is_dirty })
    }
}

/// What git prints in a folder, if it succeeds.
fn git(folder: &Path, arguments: &[&str], paths: &[PathBuf]) -> Option<String> {
    let mut command = Command::new("git");
    // Without optional locks, asking changes nothing.
    command.arg("--no-optional-locks").arg("-C").arg(folder).args(arguments).args(paths);
    let output = command.output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
