//! `--json`: one document on stdout, whose numbers are those of the files and of the text; and
//! `--quiet`.

use crate::support::shell::{SMALL, Said, Shell, column};
use serde_json::{Value, json};

/// The document that a command prints.
fn document(said: &Said) -> Value {
    serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {said:?}"))
}

fn of(shell: &Shell, arguments: &str) -> Value {
    document(&shell.ok(&format!("{arguments} --json")))
}

/// The cells of a list of objects, numbers as they are printed.
fn cells(rows: &Value, name: &str) -> Vec<String> {
    let rows = rows.as_array().expect("a list").iter();
    let text = |value: &Value| match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        value => value.to_string(),
    };
    rows.map(|row| text(&row[name])).collect()
}

/// Whether two columns hold the same numbers or texts.
fn assert_cells(rows: &Value, csv: &str, name: &str) {
    let (kept, shown) = (column(csv, name), cells(rows, name));
    // The reader of JSON may miss the last digit.
    let same = |(a, b): (&String, &String)| match (a.parse::<f64>(), b.parse::<f64>()) {
        (Ok(a), Ok(b)) => (a - b).abs() <= 1e-12 * a.abs(),
        _ => a == b,
    };
    let same = kept.len() == shown.len() && kept.iter().zip(&shown).all(same);
    assert!(same && !kept.is_empty(), "{name}: {kept:?} and {shown:?}");
}

/// A CSV text with its first row alone.
fn first_row(csv: &str) -> String {
    csv.lines().take(2).map(|line| format!("{line}\n")).collect()
}

const TUNE: &str = "[tune]\nreplicates = 1\n[[tune.row]]\nlabel = 'edf'\ngrid = { max_batch = [1, \
                    4] }\n";

#[test]
fn a_sweep_and_what_reads_it_print_the_numbers_of_its_files() {
    let shell = Shell::new();
    let claim = "[[expect]]\nclaim = 'grouped >= edf'\nmetric = 'accuracy_mean'\n";
    shell.write("small.toml", format!("{SMALL}\n{TUNE}\n{claim}"));

    let found = of(&shell, "check small.toml");
    assert_eq!((&found["configurations"], &found["runs"]), (&4.into(), &8.into()), "{found}");
    assert!(found["processor_s"].is_number() && found["axes"][1]["values"] == 2, "{found}");
    let first = found["first_runs"][0]["run_id"].as_str().expect("an id").to_owned();

    let found = of(&shell, "sweep small.toml");
    let folder = "results/small";
    let summary = shell.read(&format!("{folder}/summary.csv"));
    for name in ["scheduler", "workload.rate_rps", "utility_mean", "arrived_ci95", "replicates"] {
        assert_cells(&found["summary"], &summary, name);
    }
    assert_eq!((&found["arrived"], &found["runs"]), (&2400.into(), &8.into()));
    let verdict = &found["claims"][0]["verdicts"][1];
    assert!(verdict["difference"].is_number() && verdict["verdict"].is_string(), "{verdict}");
    let written = found["written"].as_array().expect("paths");
    assert!(written.contains(&Value::from(format!("{folder}/runs.csv"))), "{written:?}");
    assert!(written.iter().all(|path| shell.exists(path.as_str().expect("a path"))));
    assert!(column(&shell.read(&format!("{folder}/runs.csv")), "run_id").contains(&first));

    // The same numbers as `--format csv`.
    let compare = format!("compare {folder} --metric utility_mean,latency_ms_p99");
    let found = of(&shell, &compare);
    let csv = shell.ok(&format!("{compare} --format csv")).out;
    for name in ["scheduler", "metric", "difference", "ci95_low", "replicates"] {
        assert_cells(&found["rows"], &csv, name);
    }
    let best = shell.ok(&format!("{compare} --best --format csv")).out;
    assert_cells(&found["best"], &best, "mean");
    assert_eq!(of(&shell, &format!("{compare} --best"))["best"], found["best"]);

    let found = of(&shell, &format!("league {folder}"));
    assert_cells(&found["rows"], &shell.read(&format!("{folder}/league/league.csv")), "scheduler");
    assert!(found["ranks"][0]["mean_rank"].is_number(), "{found}");

    let found = of(&shell, &format!("verify {folder}"));
    assert_eq!((&found["same"], &found["moved"]), (&8.into(), &0.into()));
    for command in ["report", "plot"] {
        let found = of(&shell, &format!("{command} {folder}"));
        assert!(shell.exists(found["written"][0].as_str().expect("a path")), "{found}");
    }

    let found = of(&shell, "inspect small.toml");
    let runs = shell.read(&format!("{folder}/runs.csv"));
    assert_eq!(found["run_id"], Value::from(first));
    assert_cells(&json!([found]), &first_row(&runs), "utility_mean");
    assert_eq!(of(&shell, "inspect small.toml --check-determinism")["deterministic"], true);
    assert!(of(&shell, "explain small.toml")["latency_ms"].is_object());

    let found = of(&shell, "tune small.toml --out t");
    assert_cells(&found["tuned"], &shell.read("t/tuned.csv"), "mean");

    let found = of(&shell, "shard-plan small.toml --out s");
    assert_cells(&found["rows"], &shell.read("s/plan.csv"), "run_id");
    assert_eq!(found["to_be_done"], 8);
    for shard in 0..2 {
        let found = of(&shell, &format!("sweep small.toml --out s --shard {shard}/2"));
        assert_eq!((&found["made"], &found["of"]), (&4.into(), &8.into()));
    }
    assert_cells(&of(&shell, "merge s")["summary"], &summary, "utility_mean");
}

#[test]
fn every_other_command_prints_a_document() {
    let shell = Shell::small();
    assert_eq!(of(&shell, "schema"), document(&shell.ok("schema")));
    let found = of(&shell, "completions bash");
    assert_eq!(found["script"], Value::from(shell.ok("completions bash").out));
    assert_eq!(of(&shell, "man sweep")["page"], Value::from(shell.ok("man sweep").out));
    let found = of(&shell, "list");
    for list in ["schedulers", "penalties", "arrivals", "policies", "tables", "experiments"] {
        assert!(found[list][0]["name"].is_string(), "{list}");
    }
    assert!(found["experiments"][0]["question"].is_string());
    assert_eq!(of(&shell, "list grouped")["entries"][0]["settings"][0]["key"], "accuracy");
    assert_eq!(of(&shell, "list quickstart")["name"], "quickstart");

    let found = of(&shell, "offload --policy local --policy cloud --export d.csv");
    let text = shell.ok("offload --policy local --policy cloud").out;
    let reward = found["policies"][1]["reward_mean"].as_f64().expect("a number");
    assert!(text.lines().nth(2).expect("a row").contains(&format!("{reward:.4}")), "{text}");
    assert_eq!(found["written"][0], "d.csv");

    let train = "train --workload d.csv --steps 500 --evaluation self --out p";
    let found = of(&shell, train);
    assert!(found["trainings"][0]["reward_own_estimator_mean"].is_number(), "{found}");

    shell.write("r.csv", "t,app\n0,voice\n1,voice\n");
    let found = of(&shell, "import csv r.csv --column arrival=t --unit arrival=s --out i.csv");
    assert_eq!((&found["requests"], &found["written"][0]), (&2.into(), &"i.csv".into()));

    let found = of(&shell, "reproduce edge --quick --out e");
    assert!(found["goals"][0]["verdict"].is_string() && found["written"][0] == "e/REPORT.md");
    std::fs::create_dir(shell.path("suite")).expect("a folder");
    shell.write("suite/main.toml", SMALL);
    let found = of(&shell, "reproduce suite");
    assert_eq!(found["cells_of_runs"]["moved"], 0);
    assert_eq!(found["claims"]["holds"], 0);
}

#[test]
fn errors_stay_on_stderr_and_the_document_is_whole() {
    let shell = Shell::small();
    let said = shell.fails(2, "sweep small.toml --set scheduler=efd --json");
    assert!(said.out.is_empty() && said.error().contains("`edf`"), "{said:?}");
    let gate = "[[expect]]\nclaim = 'grouped <= edf'\nmetric = 'batch_size_mean'\ngate = true\n";
    shell.write("gate.toml", format!("{SMALL}\n{gate}"));
    let said = shell.fails(1, "sweep gate.toml --json");
    assert_eq!(document(&said)["claims"][0]["gated"], true, "{said:?}");
    assert!(said.error().contains("a gated claim is contradicted"), "{said:?}");
}

#[test]
fn quiet_commands_say_errors_alone() {
    let shell = Shell::small();
    let loud = shell.ok("sweep small.toml --out a");
    assert!(loud.err.contains("8/8 runs") && loud.err.contains("\nNotes:\n"), "{loud:?}");
    for (option, folder) in [("-q", "b"), ("--quiet", "c")] {
        let quiet = shell.ok(&format!("{option} sweep small.toml --out {folder}"));
        assert_eq!((quiet.err.as_str(), quiet.out.len()), ("", loud.out.len()), "{quiet:?}");
        assert_eq!(shell.ok(&format!("sweep small.toml --out {folder} {option}")).err, "");
    }
    let failed = shell.fails(2, "check small.toml --set scheduler=efd --quiet");
    assert!(failed.err.starts_with("error: "), "{failed:?}");
    assert_eq!(shell.ok("train --steps 500 --dialogues 10 --out t -q").err, "");
}
