//! `peeksim init`: studies run as they are, measured tables become profiles, and nothing is lost.

use crate::support::shell::{Shell, column};
use boon::{Compiler, Schemas};
use serde_json::Value;
use std::fs;

/// Timings of two applications on two devices; nothing lacks of `camera` but the budget.
const MEASURED: &str = "\
app,worker_class,variant,batch,latency_ms,load_ms,bytes,accuracy
camera,gpu,small,1,4.0,10,900000,0.71
camera,gpu,small,1,5.0,12,,
camera,gpu,small,4,9,,1000000,
camera,gpu,large,1,20,40,8000000,0.85
sorter,cpu,only,1,30,,,
sorter,gpu,only,1,7,,,
";

/// Whether the experiment of a folder is valid by the schema beside it.
fn check_schema(shell: &Shell, folder: &str) {
    let text = shell.read(&format!("{folder}/study.toml"));
    assert!(text.starts_with("#:schema schema.json\n"));
    let schema: Value =
        serde_json::from_str(&shell.read(&format!("{folder}/schema.json"))).expect("JSON");
    let url = "https://example.org/schema.json";
    let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
    compiler.add_resource(url, schema).expect("a schema");
    let root = compiler.compile(url, &mut schemas).expect("a schema");
    let table: toml::Table = text.parse().expect("TOML");
    let experiment = serde_json::to_value(table).expect("JSON");
    if let Err(error) = schemas.validate(&experiment, root) {
        panic!("{error}");
    }
}

/// The cells of a row that begins with `key`.
fn row<'a>(text: &'a str, key: &str) -> Vec<&'a str> {
    let line = text.lines().find(|line| line.starts_with(key)).unwrap_or_else(|| panic!("{text}"));
    line[key.len()..].split(',').collect()
}

#[test]
fn a_study_runs_as_it_is_from_inside_and_outside() {
    let shell = Shell::new();
    let said = shell.ok("init new/board");
    for file in said.out.lines().filter_map(|line| line.strip_prefix("wrote ")) {
        assert!(!shell.bytes(file).is_empty(), "{file}");
    }
    assert_eq!(said.out.lines().last(), Some("next: peeksim sweep new/board/study.toml"));
    assert_eq!(said.err, "");
    check_schema(&shell, "new/board");
    let said = shell.ok("sweep new/board/study.toml");
    assert_eq!(said.out.matches("\n  holds  ").count(), 3, "{}", said.out);
    let runs = shell.read("results/study/runs.csv");
    let mut schedulers = column(&runs, "scheduler");
    schedulers.dedup();
    assert_eq!(schedulers, ["edf", "lo-edf", "grouped", "sneakpeek"]);
    for figure in ["utility", "misses"] {
        assert!(shell.exists(&format!("results/study/figures/{figure}.svg")), "{figure}");
    }
    // The same in the folder itself, which is there and empty.
    let inside = Shell::new();
    inside.ok("init .");
    inside.ok("sweep study.toml");
    assert_eq!(inside.read("results/study/runs.csv"), runs);
    for command in inside.read("README.md").lines().filter(|line| line.starts_with("peeksim ")) {
        inside.ok(command.split(" # ").next().expect("a command").trim_start_matches("peeksim "));
    }
}

#[test]
fn timings_become_profiles_and_gaps_are_said() {
    let shell = Shell::new();
    shell.write("measured.csv", MEASURED);
    let said = shell.ok("init mine --from-latencies measured.csv");
    let read = |file: &str| shell.read(&format!("mine/profiles/{file}"));
    let latency = read("camera/latency.csv");
    assert_eq!(
        row(&latency, "worker_class,variant,batch,"),
        ["latency_ms", "count", "latency_ms_sd"]
    );
    // Mean and standard deviation of 4 and 5.
    assert_eq!(row(&latency, "gpu,small,1,"), ["4.5", "2", "0.707107"]);
    assert_eq!(row(&latency, "gpu,small,4,"), ["9", "1", ""]);
    assert_eq!(row(&read("sorter/latency.csv"), "cpu,only,1,"), ["30"]);
    assert_eq!(row(&read("camera/load.csv"), "gpu,small,"), ["11"]);
    assert_eq!(row(&read("camera/variants.csv"), "small,"), ["1000000", "0.71"]);
    assert_eq!(row(&read("sorter/variants.csv"), "only,"), ["1", "1"]);
    // Whatever is not measured is a note, and stands in README.md and app.toml.
    let notes: Vec<&str> = said.err.lines().filter_map(|line| line.strip_prefix("- ")).collect();
    let about = |app: &str| notes.iter().filter(|note| note.starts_with(app)).count();
    assert_eq!((about("camera: "), about("sorter: "), notes.len()), (1, 4, 5), "{}", said.err);
    let readme = shell.read("mine/README.md");
    for note in notes {
        assert!(readme.contains(&format!("\n- {note}\n")), "{note}: {readme}");
        let (app, gap) = note.split_once(": ").expect("an application");
        assert!(read(&format!("{app}/app.toml")).contains(&format!("\n# - {gap}\n")), "{note}");
    }
    check_schema(&shell, "mine");
    shell.ok("sweep mine/study.toml");
    let runs = shell.read("results/study/runs.csv");
    assert!(column(&runs, "error").iter().all(String::is_empty));
    // All accuracies of `sorter` are placeholders, those of `camera` are not.
    assert!(column(&runs, "accuracy_mean").iter().any(|share| share != "1"));
}

#[test]
fn rows_may_be_means_and_devices_of_any_speed() {
    let shell = Shell::new();
    shell.write("d.csv", "variant;batch;latency_ms;count\na;1;2;3\na;1;4;1\na;8;5;2\n");
    shell.ok("init counted --from-latencies d.csv");
    let latency = shell.read("counted/profiles/d/latency.csv");
    assert_eq!(row(&latency, "device,a,1,"), ["2.5", "4"]);
    assert_eq!(row(&latency, "device,a,8,"), ["5", "2"]);
    for (name, ms) in [("nanosecond", "0.000001"), ("day", "86400000")] {
        shell.write(&format!("{name}.csv"), format!("variant,batch,latency_ms\na,1,{ms}\n"));
        shell.ok(&format!("init {name} --from-latencies {name}.csv"));
        shell.ok(&format!("sweep {name}/study.toml --replicates 2 --out results/{name}"));
        let runs = shell.read(&format!("results/{name}/runs.csv"));
        assert!(column(&runs, "error").iter().all(String::is_empty), "{name}");
    }
}

#[test]
fn files_that_are_there_are_named_and_kept() {
    let shell = Shell::new();
    shell.write("board/notes.txt", "mine");
    shell.ok("init board");
    shell.write("board/study.toml", "mine");
    fs::remove_file(shell.path("board/README.md")).expect("a file");
    let said = shell.fails(2, "init board");
    for file in ["study.toml", "schema.json", "requests.csv", "profiles/belt/load.csv"] {
        let found = format!("error: board/{file}: found an existing file, expected none");
        assert!(said.err.contains(&found), "{file}: {}", said.err);
    }
    assert!(!shell.exists("board/README.md"));
    assert_eq!(shell.read("board/study.toml"), "mine");
    assert_eq!(shell.read("board/notes.txt"), "mine");
}

#[test]
fn a_disk_without_room_leaves_nothing() {
    let shell = Shell::new();
    let script = r#"
        mkdir disk && mount -t tmpfs -o size=16k none disk && echo mounted || exit
        "$1" init disk/new/study 2>err; echo "full $?"; ls disk
        mount -o remount,ro disk
        "$1" init disk/study 2>>err; echo "read-only $?"
    "#;
    let Some(said) = shell.in_own_space(script) else {
        println!("skipped: no small disk can be mounted here");
        return;
    };
    assert!(said.out.contains("full 1\nread-only 1\n"), "{said:?}");
    let err = shell.read("err");
    assert!(err.contains("error: cannot write disk/new/study/"), "{err}");
    assert!(err.contains("No space left") && err.contains("Read-only"), "{err}");
}
