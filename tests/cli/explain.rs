//! `peeksim explain`

use crate::support::shell::{Said, Shell, column};
use serde_json::Value;

/// Three schedulers on one worker: `edf` has time, `grouped` waits for its windows, `lo-edf`
/// cannot keep up.
const LATE: &str = r#"title = "late"
replicates = 2

[base]
apps = ["voice", "activity"]
budget_ms = 30
workers = [{ class = "edge-cpu", memory_bytes = 5_000_000 }]
workload = { arrivals = "poisson", rate_rps = 3000, requests = 300 }

[[axis]]
key = "scheduler"
values = ["edf", { name = "grouped", window_ms = 20 }, "lo-edf"]
"#;

/// A folder with [`LATE`] as `late.toml`, and the ids and labels of its runs in order.
fn late() -> (Shell, Vec<(String, String)>) {
    let shell = Shell::new();
    shell.write("late.toml", LATE);
    shell.ok("sweep late.toml");
    let runs = shell.read("results/late/runs.csv");
    let ids = column(&runs, "run_id").into_iter().zip(column(&runs, "scheduler")).collect();
    (shell, ids)
}

fn json(said: &Said) -> Value {
    serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {}", said.out))
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("no number: {value}"))
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap_or_else(|| panic!("no list: {value}"))
}

/// Whether two numbers are one, as far as a reader of JSON promises.
fn same(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-15 * b.abs()
}

/// Seconds in nanoseconds, exactly.
fn ns(seconds: f64) -> i64 {
    (seconds * 1e9).round() as i64
}

/// An answer in the request log.
#[derive(Debug)]
struct Answer {
    request: u64,
    app: String,
    late_ns: i64,
    latency_ns: i64,
}

/// The log of a run.
fn log(shell: &Shell, id: &str) -> String {
    shell.ok(&format!("inspect late.toml --run {id} --requests log.csv"));
    shell.read("log.csv")
}

/// The late answers of a log, the latest first, the earlier request first among equals.
fn late_answers(log: &str) -> Vec<Answer> {
    let [requests, apps, outcomes] = ["request", "app", "outcome"].map(|name| column(log, name));
    let [arrivals, deadlines, finishes] = ["arrival_s", "deadline_s", "finish_s"].map(|name| {
        column(log, name).iter().map(|cell| cell.parse::<f64>().map(ns).ok()).collect::<Vec<_>>()
    });
    let answer = |at: usize| {
        let finish = finishes[at].expect("a finish");
        Answer {
            request: requests[at].parse().expect("a number"),
            app: apps[at].clone(),
            late_ns: finish - deadlines[at].expect("a deadline"),
            latency_ns: finish - arrivals[at].expect("an arrival"),
        }
    };
    let completed = (0..requests.len()).filter(|at| outcomes[*at] == "completed");
    let mut late: Vec<Answer> = completed.map(answer).filter(|answer| answer.late_ns > 0).collect();
    late.sort_by_key(|answer| (-answer.late_ns, answer.request));
    late
}

#[test]
fn the_latest_answers_are_those_of_the_request_log() {
    let (shell, ids) = late();
    for (id, scheduler) in ids.iter().filter(|(_, scheduler)| scheduler != "edf") {
        let expected = late_answers(&log(&shell, id));
        assert!(expected.len() > 3, "{scheduler}: {}", expected.len());
        let call = format!("explain late.toml --run {id} --worst 3");
        let (text, found) = (shell.ok(&call).out, json(&shell.ok(&format!("{call} --json"))));
        assert_eq!(list(&found).len(), 3);
        let mut lines = text.lines();
        let head = format!("the latest 3 of {} late answers", expected.len());
        assert_eq!(lines.next(), Some(head.as_str()));
        let rows: Vec<&str> = lines.skip(1).collect();
        assert_eq!(rows.len(), 3, "{text}");
        for ((answer, own), row) in expected.iter().zip(list(&found)).zip(rows) {
            assert_eq!(own["request"], answer.request, "{scheduler}");
            assert_eq!(own["app"], answer.app.as_str());
            assert!((number(&own["late_ms"]) - answer.late_ns as f64 / 1e6).abs() < 1e-9);
            let cells: Vec<&str> = row.split_whitespace().collect();
            let shown = |ns: i64| format!("{:.3}", ns as f64 / 1e6);
            assert_eq!(cells[0], answer.request.to_string());
            assert_eq!(cells[1], answer.app);
            assert_eq!(cells[2], shown(answer.late_ns));
            assert_eq!(cells[3], shown(answer.latency_ns));
            let cause = &own["late_because"];
            assert_eq!(cells[4], format!("{:.3}", number(&cause["ms"])));
            assert!(row.ends_with(cause["text"].as_str().expect("a text")), "{row}");
        }
        // Without a number it is the latest one; a list holds no more than there is.
        let first = json(&shell.ok(&format!("explain late.toml --run {id} --json")));
        assert_eq!(first, found[0]);
        let all = json(&shell.ok(&format!("explain late.toml --run {id} --worst 999 --json")));
        let numbers: Vec<u64> =
            list(&all).iter().map(|own| own["request"].as_u64().expect("a number")).collect();
        assert_eq!(numbers, expected.iter().map(|answer| answer.request).collect::<Vec<_>>());
    }
}

/// The object of a request agrees with its row in the log, and its numbers with each other.
fn assert_consistent(own: &Value, log: &str) {
    let request = own["request"].to_string();
    let at = column(log, "request").iter().position(|number| *number == request).expect("a row");
    let cell = |name: &str| column(log, name)[at].clone();
    let logged = |name: &str| cell(name).parse::<f64>().expect("a number");
    let end = &own["end"];
    assert_eq!(end["outcome"], cell("outcome").as_str());
    for (value, name) in [
        (&own["arrival_s"], "arrival_s"),
        (&own["deadline_s"], "deadline_s"),
        (&own["queue_length"], "queue_length"),
        (&own["utility"], "utility"),
        (&end["batch_size"], "batch_size"),
        (&end["start_s"], "start_s"),
        (&end["finish_s"], "finish_s"),
    ] {
        assert!(same(number(value), logged(name)), "{request}: {name}: {value}");
    }
    assert_eq!(end["worker"], cell("worker").as_str());
    assert_eq!(end["correct"], cell("correct") == "1");
    let name = format!("{}/{}", cell("app"), cell("variant"));
    assert_eq!(end["variant"], name.as_str());

    // The parts of the latency.
    let parts = own["latency_ms"].as_object().expect("parts");
    let sum: f64 = parts.values().map(number).sum();
    let latency = (number(&end["finish_s"]) - number(&own["arrival_s"])) * 1e3;
    assert!((sum - latency).abs() < 1e-6, "{request}: {sum} {latency}");
    assert!(parts.values().all(|part| number(part) > 0.0));
    let late = (number(&end["finish_s"]) - number(&own["deadline_s"])) * 1e3;
    assert!((number(&own["late_ms"]) - late.max(0.0)).abs() < 1e-6);
    let cause = &own["late_because"];
    assert_eq!(cause.is_null(), ns(late / 1e3) <= 0, "{request}: {cause}");
    if !cause.is_null() {
        let waits = parts.iter().filter(|(name, _)| *name != "service");
        let longest = waits.map(|(_, part)| number(part)).fold(0.0, f64::max);
        assert_eq!(number(&cause["ms"]), longest, "{own:#}");
        assert_eq!(parts[cause["cause"].as_str().expect("a cause")], cause["ms"]);
    }

    // The decisions.
    let decisions = list(&own["decisions"]);
    for decision in decisions {
        let candidates = list(&decision["candidates"]);
        let chosen: Vec<&Value> =
            candidates.iter().filter(|candidate| candidate["chosen"] == true).collect();
        assert_eq!(chosen.len(), 1, "{decision:#}");
        let made = &decision["decision"];
        assert_eq!(chosen[0]["variant"], made["assigned"]);
        assert_eq!(chosen[0]["worker"], made["worker"]);
        assert_eq!(chosen[0]["batch_size"], made["batch_size"]);
    }
    let last = &decisions.last().expect("a decision");
    assert_eq!(last["decision"]["assigned"], end["variant"]);
    assert!(same(number(&last["at_s"]), logged("decision_s")));

    // In hindsight.
    let alternatives = list(&own["alternatives"]);
    let answered: Vec<&Value> = alternatives.iter().filter(|own| own["own"] == true).collect();
    assert_eq!(answered.len(), 1);
    for (name, of) in [("variant", end), ("correct", end), ("finish_s", end), ("utility", own)] {
        assert_eq!(answered[0][name], of[name], "{request}: {name}");
    }
    let best = alternatives.iter().map(|own| number(&own["utility"])).fold(0.0, f64::max);
    let regret = best - number(&own["utility"]);
    assert!((number(&own["regret"]) - regret).abs() < 1e-12, "{own:#}");
}

#[test]
fn numbers_of_a_request_agree_with_the_log_and_with_each_other() {
    let (shell, ids) = late();
    let (mut late, mut regrets) = (0, 0);
    for at in [0, 2, 4] {
        let log = log(&shell, &ids[at].0);
        let explain = format!("explain late.toml --run {} --json", ids[at].0);
        for request in [0, 1, 7, 100, 298] {
            let own = json(&shell.ok(&format!("{explain} --request {request}")));
            assert_eq!(own["request"], request);
            assert_consistent(&own, &log);
            regrets += usize::from(number(&own["regret"]) > 0.0);
        }
        if at > 0 {
            for own in list(&json(&shell.ok(&format!("{explain} --worst 5")))) {
                assert_consistent(own, &log);
                late += 1;
            }
        }
    }
    assert!(late == 10 && regrets > 1, "{late} late, {regrets} with a better variant");
}

#[test]
fn the_text_says_the_same_as_the_object() {
    let (shell, ids) = late();
    for at in [2, 5] {
        let (id, scheduler) = &ids[at];
        let text = shell.ok(&format!("explain late.toml --run {id}")).out;
        let own = json(&shell.ok(&format!("explain late.toml --run {id} --json")));
        let head = format!("run {id}: scheduler {scheduler}, replicate {}\n", at % 2);
        assert!(text.starts_with(&head), "{text}");
        let (cause, ms) = (&own["late_because"]["text"], number(&own["late_because"]["ms"]));
        let said = format!("\nlate because: {} ({ms:.3} ms)\n", cause.as_str().expect("a cause"));
        assert!(text.contains(&said), "{said}{text}");
        assert!(text.contains(&format!("\nrequest {}: ", own["request"])), "{text}");
        let class = own["class"].as_str().expect("a class");
        assert!(text.contains(&format!(", true class {class}, due 30.000 ms after")), "{text}");
        let late = format!("{:.3} ms after its deadline", number(&own["late_ms"]));
        assert!(text.contains(&late), "{late}{text}");
        assert!(text.contains(&format!("\nregret: {:.4}\n", number(&own["regret"]))), "{text}");
        // The chosen candidate and the variant that answered are marked.
        let marked = text.lines().filter(|line| line.starts_with("  >  ")).count();
        assert_eq!(marked, 2, "{text}");
        assert_eq!(text, shell.ok(&format!("explain late.toml --run {id}")).out);
    }
}

#[test]
fn a_variant_that_takes_longer_than_the_budget_is_the_cause() {
    let (shell, _) = late();
    let slow = r#"--set scheduler={name="edf",variant="hgb",max_batch=1} --set budget_ms=5"#;
    let own = json(&shell.ok(&format!("explain late.toml {slow} --request 0 --json")));
    let service = number(&own["latency_ms"]["service"]);
    assert!(service > 5.0, "{own:#}");
    assert_eq!(own["late_because"]["cause"], "service");
    assert_eq!(number(&own["late_because"]["ms"]), service);
}

#[test]
fn the_answer_of_a_sneakpeek_model_is_shown() {
    let (shell, _) = late();
    let peeks = r#"--set scheduler={name="sneakpeek",window_ms=20} --request 5"#;
    let own = json(&shell.ok(&format!("explain late.toml {peeks} --json")));
    let votes = own["votes"].as_object().expect("votes");
    assert!(votes.values().map(number).sum::<f64>() > 0.0, "{own:#}");
    let posterior = list(&own["decisions"][0]["posterior"]);
    assert_eq!(posterior.len(), votes.len(), "one a class");
    assert!((posterior.iter().map(number).sum::<f64>() - 1.0).abs() < 1e-9);
    let text = shell.ok(&format!("explain late.toml {peeks}")).out;
    assert!(text.contains(" votes: ") && text.contains(" class probabilities: "), "{text}");
}

#[test]
fn what_cannot_be_explained_is_refused() {
    let (shell, ids) = late();
    let refused = |options: &str, message: &str| {
        let said = shell.fails(2, &format!("explain late.toml {options}"));
        assert!(said.error().contains(message), "{options}: {said:?}");
        assert_eq!(said.out, "", "{options}");
    };
    let expected = "expected an id as `peeksim check` or runs.csv gives it, with the same `--set`";
    refused("--run zzz", &format!("--run: found no run `zzz`, {expected}"));
    for request in [300, 4_000_000_000_u32] {
        let expected = "expected a number from 0 to 299";
        let message = format!("--request: found no request {request}, {expected}");
        refused(&format!("--request {request}"), &message);
    }
    // Where no answer was late, the nearest to its deadline is explained, and the list is empty.
    let run = format!("explain late.toml --run {}", ids[0].0);
    let nearest = shell.ok(&run).out;
    assert!(nearest.contains("before its deadline") && !nearest.contains("late because"));
    assert_eq!(shell.ok(&format!("{run} --worst 2")).out, "no answer was late\n");
    assert_eq!(shell.ok(&format!("{run} --worst 2 --json")).out, "[]\n");
    refused(&format!("--run {} --worst 0", ids[4].0), "a whole number from 1 on is expected");
    refused("--worst 2 --request 3", "cannot be used with");
    refused("--request x", "invalid value 'x'");
    refused("--worst=-1", "invalid value '-1'");
}

#[test]
fn a_run_without_answers_explains_its_refusals_alone() {
    let (shell, _) = late();
    let none = r#"--set scheduler={name="edf",drop_policy="late"} --set budget_ms=0.001"#;
    for options in ["", "--json"] {
        let said = shell.fails(2, &format!("explain late.toml {none} {options}"));
        let message = "--request: found a run in which no request was answered, expected ";
        assert!(said.error().contains(message), "{said:?}");
    }
    let said = shell.ok(&format!("explain late.toml {none} --worst 3"));
    assert_eq!(said.out, "no answer was late\n");
    let own = json(&shell.ok(&format!("explain late.toml {none} --request 4 --json")));
    assert_eq!(own["end"]["outcome"], "rejected");
    assert!(own["late_because"].is_null() && own["regret"].is_null(), "{own:#}");
    let text = shell.ok(&format!("explain late.toml {none} --request 4")).out;
    let reason = own["end"]["reason"].as_str().expect("a reason");
    assert!(text.contains(&format!("rejected: {reason}")), "{text}");
    assert!(!text.contains("late because") && !text.contains("regret"), "{text}");
}
