//! The real binary in a temporary folder.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// Two schedulers, two loads, two replicates, two kinds of figure: 8 runs in a blink.
pub const SMALL: &str = r#"title = "small"
replicates = 2

[base]
apps = ["voice", "activity"]
workers = [{ class = "edge-cpu", memory_bytes = 5_000_000 }]
workload = { arrivals = "poisson", rate_rps = 100, requests = 300 }

[[axis]]
key = "scheduler"
values = ["edf", { name = "grouped", window_ms = 20 }]

[[axis]]
key = "workload.rate_rps"
values = [50, 2000]

[[figure]]
name = "utility"

[[figure]]
name = "latency"
kind = "cdf"
"#;

/// The files of a sweep that must not depend on how it was carried out.
const FILES: [&str; 9] = [
    "runs.csv",
    "summary.csv",
    "compare.csv",
    "quantiles.csv",
    "manifest.toml",
    "datapackage.json",
    "figures/utility.svg",
    "figures/latency.svg",
    "figures/utility.png",
];

/// The content of those files.
pub type Files = BTreeMap<&'static str, Vec<u8>>;

pub fn assert_same(a: &Files, b: &Files, what: &str) {
    for file in FILES {
        assert!(a[file] == b[file], "{what}: {file} differs");
    }
}

/// Set this to write expected texts anew instead of comparing with them:
/// `UPDATE_GOLDEN=1 cargo test -- golden bad_input`.
pub fn updating() -> bool {
    std::env::var_os("UPDATE_GOLDEN").is_some()
}

/// A file of the repository.
pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A Python that can import these, if there is one: that of `PEEKSIM_PYTHON`, or `python3`.
pub fn python(packages: &str) -> Option<Command> {
    let name = std::env::var_os("PEEKSIM_PYTHON").unwrap_or_else(|| "python3".into());
    let tried = Command::new(&name).args(["-c", &format!("import {packages}")]).output();
    if tried.is_ok_and(|tried| tried.status.success()) {
        return Some(Command::new(name));
    }
    println!("skipped: no Python with {packages} (PEEKSIM_PYTHON may name one)");
    None
}

/// A temporary folder in which the binary is called.
pub struct Shell(TempDir);

/// What a call came to.
#[derive(Debug)]
pub struct Said {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Shell {
    /// An empty folder.
    pub fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    /// A folder with [`SMALL`] as `small.toml`.
    pub fn small() -> Self {
        let shell = Self::new();
        shell.write("small.toml", SMALL);
        shell
    }

    pub fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    pub fn exists(&self, path: &str) -> bool {
        self.path(path).exists()
    }

    pub fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, text).expect("a written file");
    }

    pub fn bytes(&self, path: &str) -> Vec<u8> {
        fs::read(self.path(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    pub fn read(&self, path: &str) -> String {
        String::from_utf8(self.bytes(path)).expect("UTF-8")
    }

    /// What a sweep of [`SMALL`] left in a folder.
    pub fn files(&self, folder: &str) -> Files {
        FILES.iter().map(|file| (*file, self.bytes(&format!("{folder}/{file}")))).collect()
    }

    /// The binary, to be called in this folder.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("peeksim"));
        command.current_dir(self.0.path()).args(arguments);
        command
    }

    /// Runs a shell script in a name space of its own, where it may mount; `$1` is the binary.
    /// Nothing if it did not say `mounted`.
    pub fn in_own_space(&self, script: &str) -> Option<Said> {
        let binary = self.command(&[]).get_program().to_owned();
        let mut command = Command::new("unshare");
        command.args(["-rm", "sh", "-c", script, "sh"]).arg(binary).current_dir(self.path(""));
        let said = Said::of(&mut command);
        said.out.contains("mounted").then_some(said)
    }

    /// Calls the binary with arguments separated by blanks.
    pub fn run(&self, arguments: &str) -> Said {
        let arguments: Vec<&str> = arguments.split_whitespace().collect();
        Said::of(&mut self.command(&arguments))
    }

    /// As [`Self::run`]; the call must succeed.
    pub fn ok(&self, arguments: &str) -> Said {
        let said = self.run(arguments);
        assert_eq!(said.code, Some(0), "peeksim {arguments}: {said:?}");
        said
    }

    /// As [`Self::run`]; the call must fail with this code, without a panic.
    pub fn fails(&self, code: i32, arguments: &str) -> Said {
        let said = self.run(arguments);
        assert_eq!(said.code, Some(code), "peeksim {arguments}: {said:?}");
        assert!(!said.err.contains("panicked"), "peeksim {arguments}: {said:?}");
        said
    }
}

impl Said {
    pub fn of(command: &mut Command) -> Self {
        let output = command.output().expect("the binary starts");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// The error, without notes and progress.
    pub fn error(&self) -> &str {
        self.err.find("error: ").map_or("", |at| self.err[at..].trim_end())
    }
}

/// The cells of one column of a CSV text.
pub fn column(text: &str, name: &str) -> Vec<String> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers().expect("a header").clone();
    let at = header.iter().position(|cell| cell == name);
    let at = at.unwrap_or_else(|| panic!("no column {name} in {header:?}"));
    reader.records().map(|record| record.expect("a row")[at].to_owned()).collect()
}
