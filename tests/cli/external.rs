//! The scheduler `external`: a program decides, and what it does wrong ends its run alone.

use crate::support::python::python;
use crate::support::shell::{SMALL, Said, Shell, assert_same, column, repository};
use serde_json::{Value, json};
use std::process::Command;
use std::time::Duration;

/// Answers the hello; what follows is asked and answered.
const HELLO: &str = r#"read x; echo '{"version": 1}'; read x; "#;

/// Two schedulers of which the second is a shell script.
fn experiment(script: &str) -> String {
    format!(
        "replicates = 1\n[base]\napps = [\"voice\"]\n\
         workers = [{{ class = \"edge-cpu\", memory_bytes = 5_000_000 }}]\n\
         workload = {{ arrivals = \"poisson\", rate_rps = 100, requests = 40 }}\n\
         [[axis]]\nkey = \"scheduler\"\nvalues = [\"edf\", {{ name = \"external\", \
         timeout_s = 0.5, command = [\"sh\", \"-c\", '''{script}'''] }}]\n"
    )
}

/// What is said of a script that does something wrong; the other run is kept.
fn error_of(script: &str) -> String {
    let shell = Shell::new();
    shell.write("x.toml", experiment(script));
    let said = shell.fails(1, "sweep x.toml");
    let runs = shell.read("results/x/runs.csv");
    let errors = column(&runs, "error");
    assert_eq!(column(&runs, "completed"), ["40", ""], "{script}");
    assert!(errors[0].is_empty() && said.error().contains(&errors[1]), "{script}: {said:?}");
    let at = "scheduler `external` at 0.";
    assert!(errors[1].starts_with(at), "no instant: {}", errors[1]);
    errors[1].split_once(" s: ").expect("an instant").1.to_owned()
}

/// What a script is told that answers the first question with this plan.
fn refusal(plan: &str) -> String {
    error_of(&format!(r#"{HELLO} echo '{{"decision": 0, "plan": [{plan}]}}'; cat > /dev/null"#))
}

#[cfg(unix)]
#[test]
fn what_a_program_does_wrong_is_said_with_its_instant() {
    let version = "expected {\"version\": 1}";
    for (script, expected) in [
        (
            "echo one >&2; echo no licence >&2; exit 3",
            "decision 0: found the end of the process (exit status: 3), VERSION; its standard \
             error ends with: one | no licence",
        ),
        ("kill -9 $$", "decision 0: found the end of the process (signal: 9 (SIGKILL)), VERSION"),
        ("exec >&-; sleep 77", "decision 0: found the end of its output, VERSION"),
        ("sleep 77", "decision 0: found no answer within 0.5 s, VERSION"),
        ("yes", "decision 0: found `y`, which is no JSON object in a line, VERSION"),
        ("head -c 2000000 /dev/zero", "decision 0: found a line longer than 1 MiB, VERSION"),
        (r#"echo '{"version": 2}'; cat"#, "decision 0: found version 2, VERSION"),
    ] {
        assert_eq!(error_of(script), format!("abort: {}", expected.replace("VERSION", version)));
    }
    let answer = |rest: &str| error_of(&format!("{HELLO} {rest}"));
    let expected = "expected an answer to decision 0";
    assert_eq!(
        answer("sleep 77"),
        format!("abort: decision 0: found no answer within 0.5 s, {expected}")
    );
    assert_eq!(
        answer("echo '{\"decision\": 0}'"),
        format!(
            "abort: decision 0: found another message, `{{\"decision\": 0}}` (missing field \
             `plan`), {expected}"
        )
    );
    // One answer too many, or an answer again and again.
    let twice = answer(r#"while true; do echo '{"decision": 0, "plan": []}'; done"#);
    assert_eq!(
        twice,
        "abort: decision 1: found an answer to decision 0, expected an answer to decision 1"
    );
}

#[cfg(unix)]
#[test]
fn plans_that_break_a_rule_are_refused() {
    let assign = |worker: u32, variant: u32, request: u32| {
        refusal(&format!(
            r#"{{"assign": {{"worker": {worker}, "variant": {variant}, "requests": [{request}]}}}}"#
        ))
    };
    assert!(assign(9, 0, 0).ends_with("there is no such worker"));
    assert!(assign(0, 999, 0).ends_with("there is no such variant"));
    assert!(assign(0, 0, 77).starts_with("assign requests [77] to worker `edge-cpu-0`"));
    assert!(assign(0, 0, 77).ends_with("request 77 is not pending"));
    assert!(assign(70_000, 0, 0).contains("invalid value: integer `70000`, expected u16"));
    for (plan, expected) in [
        (r#"{"wake_at_ns": 0}"#, "wake at 0 s: a wake-up lies in the future"),
        (r#"{"reject": {"request": 5}}"#, "reject request 5: request 5 is not pending"),
        (
            r#"{"preempt": {"worker": 0, "lane": 0}}"#,
            "preempt the batch on lane 0 of worker `edge-cpu-0`: the experiment has no \
             `preemption = true`",
        ),
        (
            r#"{"evict": {"worker": 0, "variant": 0}}"#,
            "evict variant `gnb` of `voice` from worker `edge-cpu-0`: it is not in the worker's \
             memory",
        ),
    ] {
        assert_eq!(refusal(plan), expected, "{plan}");
    }
    assert!(refusal(r#"{"asign": {}}"#).contains("unknown name `asign`, expected one of `assign`"));
    let more = refusal(r#"{"preload": {"worker": 0, "variant": 0, "now": true}}"#);
    assert!(more.contains("unknown field `now`, expected `worker` or `variant`"), "{more}");
}

/// A program that never waits for its children, and one that has been killed.
#[cfg(unix)]
#[test]
fn no_process_is_left() {
    let shell = Shell::new();
    let script = "sleep 77 & echo $! >> pids; echo $$ >> pids; ";
    // All requests are rejected as they come.
    let rejects = r#"read x; echo '{"version": 1}'; n=0; while read x; do
        echo "{\"decision\": $n, \"plan\": [{\"reject\": {\"request\": $n}}]}"; n=$((n+1)); done"#;
    for (name, rest, code) in
        [("hangs", "sleep 78", 1), ("dies", "exit 1", 1), ("ends", rejects, 0)]
    {
        let text = experiment(&format!("{script} {rest}"));
        shell.write(&format!("{name}.toml"), text);
        let said = shell.run(&format!("sweep {name}.toml"));
        assert_eq!(said.code, Some(code), "{name}: {said:?}");
    }
    let pids = shell.read("pids");
    assert!(pids.lines().count() >= 6, "{pids}");
    for pid in pids.lines() {
        // A process that ended may take a moment to go.
        let alive =
            || Command::new("kill").args(["-0", pid]).output().expect("kill").status.success();
        let gone = (0..100).any(|_| {
            let gone = !alive();
            std::thread::sleep(Duration::from_millis(if gone { 0 } else { 10 }));
            gone
        });
        assert!(gone, "process {pid} is left");
    }
}

/// Twelve configurations on which the example is compared with `edf`.
fn compared(command: &str) -> String {
    let external = |more: &str| format!("{{ name = \"external\", command = [{command}]{more} }}");
    let values =
        ["\"edf\"".to_owned(), external(""), external(", only_when_idle = true")].join(", ");
    let (head, rest) = SMALL.split_once("[[axis]]").expect("an axis");
    let rest = rest.split_once("]\n").expect("its values").1;
    head.replace("memory_bytes", "count = 2, lanes = 2, memory_bytes")
        + &format!("[[axis]]\nkey = \"scheduler\"\nvalues = [{values}]\n")
        + &rest.replace("2000", "20000")
}

#[test]
fn the_example_in_python_decides_as_edf_does_on_any_number_of_threads() {
    let Some(python) = python("json") else { return };
    let shell = Shell::new();
    let example = std::fs::read(repository("examples/external_scheduler.py")).expect("the example");
    shell.write("mine/decide.py", &example);
    let program = python.get_program().to_str().expect("UTF-8").to_owned();
    // The script is found beside the experiment.
    shell.write("mine/small.toml", compared(&format!("\"{program}\", \"decide.py\"")));
    shell.ok("sweep mine/small.toml --jobs 1 --out one");
    shell.ok("sweep mine/small.toml --jobs 16 --out many");
    assert_same(&shell.files("one"), &shell.files("many"), "on 16 threads");
    let runs = shell.read("one/runs.csv");
    let header = runs.lines().next().expect("a header");
    let named = ["run_id", "config_hash", "scheduler", "accuracy_predicted_mean"];
    let rows = column(&runs, "run_id").len();
    assert_eq!(rows, 12);
    for name in header.split(',').filter(|name| !named.contains(name)) {
        let cells = column(&runs, name);
        let (edf, others) = cells.split_at(4);
        assert!(others.chunks(4).all(|other| other == edf), "{name}: {cells:?}");
    }
    assert!(shell.read("one/manifest.toml").contains("\"decide.py\" = \"beside the experiment\""));
    // Another script makes other runs; the same one makes none.
    let ids = |folder: &str| column(&shell.read(&format!("{folder}/runs.csv")), "run_id");
    let before = ids("one");
    shell.ok("sweep mine/small.toml --jobs 16 --out one");
    assert_eq!(ids("one"), before);
    let said = shell.ok("verify one");
    assert_eq!(said.out, "12 rows the same, 0 moved\n");
    shell.write("mine/decide.py", [&example[..], b"# changed\n"].concat());
    shell.ok("sweep mine/small.toml --out one");
    assert!(ids("one").iter().all(|id| !before.contains(id)));
    for command in ["inspect", "explain"] {
        let run = &ids("one")[4];
        let said = shell.ok(&format!("{command} mine/small.toml --run {run}"));
        assert!(!said.out.is_empty(), "{command}");
    }
}

/// The settings, the seed and what the run grants reach the program.
#[test]
fn the_hello_tells_of_the_system() {
    let Some(python) = python("json") else { return };
    let shell = Shell::new();
    let script = "import json, sys\n\
                  hello = json.loads(sys.stdin.readline())\n\
                  print(json.dumps({'version': 1}), flush=True)\n\
                  first = json.loads(sys.stdin.readline())\n\
                  json.dump([hello, first], open('told.json', 'w'))\n\
                  sys.exit('enough')\n";
    shell.write("tell.py", script);
    let program = python.get_program().to_str().expect("UTF-8");
    let scheduler = format!(
        "scheduler={{name='external',command=['{program}','tell.py'],accuracy='posterior',\
         settings={{a=1,b=[1.5,'x',true]}}}}"
    );
    shell.write("small.toml", SMALL);
    let rate = "workload.rate_rps=100";
    let arguments = ["sweep", "small.toml", "--set", &scheduler, "--set", rate];
    let said = Said::of(&mut shell.command(&arguments));
    assert!(said.err.contains("its standard error ends with: enough"), "{said:?}");
    let told: Value = serde_json::from_str(&shell.read("told.json")).expect("JSON");
    let [hello, first] = [&told[0], &told[1]];
    assert_eq!(hello["protocol"], "peeksim-scheduler");
    assert_eq!(hello["settings"], json!({"a": 1, "b": [1.5, "x", true]}));
    assert_eq!(hello["accuracy"], "posterior");
    assert!(hello["seed"].as_u64().is_some_and(|seed| seed < 1 << 53));
    let apps = hello["apps"].as_array().expect("applications");
    assert_eq!(apps[0]["name"], "voice");
    let request = &first["pending"][0];
    let app = &apps[request["app"].as_u64().expect("an index") as usize];
    let count = |list: &Value| list.as_array().map(Vec::len);
    assert_eq!(count(&request["accuracy"]), count(&app["variants"]));
    assert_eq!(count(&request["posterior"]), count(&app["classes"]));
    let sum: f64 =
        request["posterior"].as_array().expect("a list").iter().filter_map(Value::as_f64).sum();
    assert!((sum - 1.0).abs() < 1e-9);
    assert_eq!(first["trigger"]["arrived"], json!([request["id"]]));
    assert_eq!(first["workers"][0]["idle"], true);
    let cost = &hello["workers"][0]["variants"][0];
    assert!(cost["latency_ns"][0].as_u64() > Some(0) && cost["load_ns"].is_u64());
}
