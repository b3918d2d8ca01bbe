//! What is written in another way and means the same, comes out the same.

use crate::support::shell::{Shell, column, repository};
use std::fs;

/// What `run` prints with these options, without the id, which is a hash of the settings.
fn run(shell: &Shell, options: &[&str]) -> String {
    let arguments = [&["inspect", "small.toml"], options].concat();
    let said = crate::support::shell::Said::of(&mut shell.command(&arguments));
    assert_eq!(said.code, Some(0), "{options:?}: {said:?}");
    said.out.lines().filter(|line| !line.contains("run_id")).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_whole_number_may_have_a_point_or_an_exponent() {
    let shell = Shell::small();
    let with = |memory: &str| {
        let memory = format!("workers.0.memory_bytes={memory}");
        run(&shell, &["--set", "scheduler=maxacc-edf", "--set", &memory])
    };
    assert_eq!(with("3000000"), with("3e6"));
    assert_eq!(with("3000000"), with("3000000.0"));
    assert_ne!(with("3e6"), with("8e9"));
    shell.fails(2, "inspect small.toml --set workers.0.memory_bytes=8.5");
    assert_eq!(run(&shell, &["--set", "workload.requests=2e2"]), {
        run(&shell, &["--set", "workload.requests=200"])
    });
}

#[test]
fn a_bare_name_is_a_table_without_settings() {
    let shell = Shell::small();
    let tight = "budget_ms=0.5";
    let mut seen = Vec::new();
    for (bare, table) in [
        ("penalty=none", "penalty={name='none'}"),
        ("penalty=step", "penalty={name='step'}"),
        ("penalty=sigmoid", "seed=1"),
        ("workload.arrivals=gamma", "workload.arrivals={name='gamma'}"),
        ("workload.arrivals={voice='gamma',activity='poisson'}", {
            "workload.arrivals={voice={name='gamma'},activity={name='poisson'}}"
        }),
    ] {
        let own = run(&shell, &["--set", tight, "--set", bare]);
        assert_eq!(own, run(&shell, &["--set", tight, "--set", table]), "{bare}");
        seen.push(own);
    }
    assert!(seen[0] != seen[1] && seen[1] != seen[2] && seen[2] != seen[3], "all the same");
    // A setting that is put below the name does not replace it.
    let tolerant = ["--set", tight, "--set", "penalty=step", "--set", "penalty.tolerance_ms=1"];
    assert_eq!(run(&shell, &tolerant), {
        run(&shell, &["--set", tight, "--set", "penalty={name='step',tolerance_ms=1}"])
    });
    for (bare, table) in [
        ("peek=recorded", "peek={kind='recorded'}"),
        ("peek={voice='recorded'}", "peek={voice={kind='recorded'}}"),
    ] {
        let posterior = ["--set", "scheduler=sneakpeek", "--set"];
        let own = run(&shell, &[&posterior[..], &[bare]].concat());
        assert_eq!(own, run(&shell, &[&posterior[..], &[table]].concat()), "{bare}");
    }
    let all = ["--set", "axis=[{key='scheduler',values=['edf']}]", "--set", "figure=[]", "--set"];
    let own = run(&shell, &[&all[..], &["workload=recorded"]].concat());
    assert_eq!(own, run(&shell, &[&all[..], &["workload={arrivals='recorded'}"]].concat()));
    let said = shell.fails(2, "inspect small.toml --set penalty=stop");
    assert!(said.error().contains("unknown penalty `stop`"), "{said:?}");
    assert!(said.error().contains("did you mean `step`"), "{said:?}");
}

/// An application and a class of workers whose names have a point, and an axis of each.
const POINTS: &str = r#"replicates = 2
[base]
apps = ["llama-3.1-8B"]
scheduler = { name = "edf" }
workers = [{ class = "edge-cpu", name = "gpu-1.5", memory_bytes = 5_000_000 }]
workload = { arrivals = "poisson", rate_rps = 400, requests = 200 }
[[axis]]
key = "workers.'gpu-1.5'.count"
values = [1, 2]
[[axis]]
key = "scheduler"
values = [{ name = "edf", label = "v1.0" }, { name = "fcfs", label = "v2.0" }]
[[axis]]
key = "budget_ms.\"llama-3.1-8B\""
values = [20, 40]
[[figure]]
name = "utility"
x = "workers.'gpu-1.5'.count"
where = { "budget_ms.'llama-3.1-8B'" = 40 }
[[expect]]
claim = "v1.0 >= v2.0"
where = { 'budget_ms."llama-3.1-8B"' = 20 }
"#;

#[test]
fn names_with_points_are_quoted_in_keys() {
    let shell = Shell::new();
    for entry in fs::read_dir(repository("profiles/voice")).expect("a profile") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_str().expect("UTF-8");
        shell.write(&format!("profiles/llama-3.1-8B/{name}"), fs::read(&path).expect("a file"));
    }
    shell.write("points.toml", POINTS);
    let said = shell.ok("sweep points.toml --out o");
    let (count, budget) = ("workers.\"gpu-1.5\".count", "budget_ms.\"llama-3.1-8B\"");
    assert!(said.out.contains(&format!("{count} = 2, {budget} = 20")), "{}", said.out);
    let runs = shell.read("o/runs.csv");
    let cells = |name: &str| column(&runs, name);
    assert_eq!(cells(count).len(), 16);
    assert!(cells(count).contains(&"2".to_owned()) && cells(budget).contains(&"40".to_owned()));
    shell.ok("verify o");
    let said = shell.ok("compare o --axis workers.'gpu-1.5'.count --baseline 1");
    assert!(said.out.contains(budget), "{}", said.out);
    let figure = "plot o --x workers.'gpu-1.5'.count --where budget_ms.\"llama-3.1-8B\"=40";
    let said = shell.ok(figure);
    assert!(said.out.contains("o/figures/utility_mean-by-workers.-gpu-1.5-.count.svg"), "{said:?}");
    // Every spelling of a key finds its axis, and every name its setting.
    let set = "--set workers.\"gpu-1.5\".count=1 --set budget_ms.'llama-3.1-8B'=20";
    let said = shell.ok(&format!("sweep points.toml --out p {set}"));
    assert!(said.out.contains("4 runs"), "{}", said.out);
    let rows = |text: &str| column(text, "utility_mean");
    assert_eq!(rows(&shell.read("p/runs.csv"))[..2], rows(&runs)[..2]);
    let said = shell.fails(2, "check points.toml --set workers.gpu-1.5.lanes=2");
    assert!(said.error().contains("expected one of 0, \"gpu-1.5\""), "{said:?}");
    shell.ok("check points.toml --set workers.\"gpu-1.5\".lanes=2");
}

#[test]
fn numbers_in_filters_are_compared_as_numbers() {
    let shell = Shell::small();
    shell.ok("sweep small.toml --out o");
    shell.ok("plot o --kind pareto --where workload.rate_rps=2000 --name a");
    shell.ok("plot o --kind pareto --where workload.rate_rps=2e3 --name b");
    shell.ok("plot o --kind pareto --where workload.rate_rps=2000.0 --name c");
    assert_eq!(shell.read("o/figures/a.svg"), shell.read("o/figures/b.svg"));
    assert_eq!(shell.read("o/figures/a.svg"), shell.read("o/figures/c.svg"));
    let compared = |baseline: &str| {
        shell.ok(&format!("compare o --axis workload.rate_rps --baseline {baseline}")).out
    };
    assert_eq!(compared("2000"), compared("2e3"));
    let small = shell.read("small.toml");
    let claims = "\n[[expect]]\nclaim = '50.0 >= 2e3'\naxis = 'workload.rate_rps'\n\
                  [[expect]]\nclaim = 'edf >= grouped'\nwhere = { 'workload.rate_rps' = '5e1' }\n";
    shell.write("small.toml", small + claims);
    let said = shell.ok("sweep small.toml --out o --overwrite");
    assert!(said.out.contains("claim: 50.0 >= 2e3"), "{}", said.out);
    assert!(!said.out.contains("no runs"), "{}", said.out);
    assert_eq!(said.out.matches(" scheduler = ").count(), 2, "{}", said.out);
    assert_eq!(said.out.matches(" workload.rate_rps = 50\n").count(), 1, "{}", said.out);
    let said = shell.fails(2, "plot o --where workload.rate_rps=2000.5");
    assert!(said.error().contains("unknown value `2000.5`"), "{said:?}");
}

#[test]
fn figures_and_claims_without_a_scheduler_axis_take_another() {
    let shell = Shell::small();
    let small = shell.read("small.toml").replace("key = \"scheduler\"", "key = \"penalty\"");
    let small =
        small.replace("[\"edf\", { name = \"grouped\", window_ms = 20 }]", "['step', 'none']");
    let small = small.replace("[[axis]]\nkey = \"workload.rate_rps\"\nvalues = [50, 2000]", {
        "[[axis]]\nkey = \"workers.0.count\"\nvalues = [1, 2]"
    });
    let claim = "\n[[expect]]\nclaim = \"none >= step\"\n";
    shell.write("small.toml", small.replace("[base]", "[base]\nscheduler = \"edf\"") + claim);
    let said = shell.ok("sweep small.toml --out o");
    assert!(said.out.contains("workers.0.count = 1"), "{}", said.out);
    let svg = shell.read("o/figures/utility.svg");
    for word in ["number of workers", "step", "none"] {
        assert!(
            svg.contains(&format!("\n{word}\n")) || svg.contains(&format!(">{word}<")),
            "{svg}"
        );
    }
    assert!(shell.ok("compare o").out.contains("penalty"));
    // One line where nothing else varies.
    shell.ok("sweep small.toml --out p --set penalty=step --set expect=[]");
    shell.ok("sweep small.toml --out q --set axis=[{key=\"workers.0.count\",values=[1,2]}] \
              --set expect=[] --set figure=[{name=\"one\"}]");
    assert!(shell.exists("q/figures/one.svg"));
}

#[test]
fn the_beginning_of_a_name_is_near() {
    let said = Shell::small().fails(2, "check small.toml --set workload.rate=3");
    assert!(said.error().ends_with("did you mean `rate_rps`?"), "{said:?}");
}
