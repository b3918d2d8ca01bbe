//! Programs with entries of their own: the examples, as `cargo test` builds them.

use crate::support::shell::{Shell, column};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// An example beside the program; `cargo test` builds it, `cargo test --test tests` does not.
fn example(name: &str) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_BIN_EXE_peeksim")).parent().expect("a folder");
    let path = folder.join("examples").join(name);
    if !path.is_file() {
        println!("skipped: {} is not built", path.display());
        return None;
    }
    Some(path)
}

fn run(program: &Path, folder: &Path, line: &str) -> Output {
    let words = shlex::split(line).expect("words");
    Command::new(program).args(words).current_dir(folder).output().expect("it starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_scheduler_of_ones_own_joins_sweeps_lists_and_figures() {
    let Some(program) = example("own_scheduler") else { return };
    let shell = Shell::new();
    let line = "sweep quickstart --replicates 2 --set workload.requests=300 \
                --set workload.rate_rps=[100,400] --out r \
                --set 'scheduler=[\"edf\", {name=\"own-scheduler\", max_batch=4}]'";
    let said = run(&program, &shell.path(""), line);
    assert!(said.status.success(), "{}", text(&said.stderr));
    let rows = shell.read("r/runs.csv");
    assert_eq!(rows.matches("own-scheduler").count(), 4, "{rows}");
    // The build names the executable, on which results depend as well.
    let build = |manifest: &str| {
        let line = manifest.lines().find(|line| line.starts_with("build = ")).expect("a build");
        line.to_owned()
    };
    let (own, plain) = (build(&shell.read("r/manifest.toml")), peeksim::experiment::build_id());
    assert!(own.contains(plain) && !own.contains(&format!("{plain}\"")), "{own}");
    // The program reuses its runs; peeksim itself knows no such scheduler.
    let again = run(&program, &shell.path(""), line);
    assert!(text(&again.stderr).contains("8 of 8 runs were finished before"), "{again:?}");
    let listed = text(&run(&program, &shell.path(""), "list own-scheduler").stdout);
    assert!(listed.contains("max_batch") && listed.contains("The most requests"), "{listed}");
    let refused = run(&program, &shell.path(""), "check quickstart --set scheduler=own-schedule");
    assert_eq!(refused.status.code(), Some(2));
    assert!(text(&refused.stderr).contains("did you mean `own-scheduler`?"), "{refused:?}");
}

/// The crate that `init` writes has the program of the example, under another name.
#[test]
fn the_experiment_of_a_new_crate_runs() {
    let Some(program) = example("own_scheduler") else { return };
    let shell = Shell::new();
    shell.ok("init --scheduler own-scheduler");
    let folder = shell.path("own-scheduler");
    let said = run(&program, &folder, "sweep experiment.toml --set workload.requests=100");
    assert!(said.status.success(), "{}", text(&said.stderr));
    let rows = shell.read("own-scheduler/results/experiment/runs.csv");
    assert_eq!(
        column(&rows, "scheduler").iter().filter(|name| *name == "own-scheduler").count(),
        20
    );
    assert!(shell.exists("own-scheduler/results/experiment/figures/misses.svg"));
}

#[test]
fn arrivals_penalties_and_importers_of_ones_own_are_used() {
    let Some(program) = example("own_entries") else { return };
    let shell = Shell::new();
    let line = "sweep quickstart --replicates 1 --out r --set workload.requests=240 \
                --set workload.rate_rps=100 --set scheduler=edf --tables apps \
                --set 'workload.arrivals={name=\"sensors\",sensors=6}' \
                --set 'penalty={name=\"grace\",share=1.5}'";
    let said = run(&program, &shell.path(""), line);
    assert!(said.status.success(), "{}", text(&said.stderr));
    // 240 requests of six at a time, 60 ms apart: the last at 39 * 60 ms.
    let log = "inspect quickstart --requests log.csv --set workload.requests=240 \
               --set workload.rate_rps=100 --set scheduler=edf \
               --set 'workload.arrivals={name=\"sensors\",sensors=6}'";
    let said = run(&program, &shell.path(""), log);
    assert!(said.status.success(), "{}", text(&said.stderr));
    let times = column(&shell.read("log.csv"), "arrival_s");
    let times: Vec<f64> = times.iter().map(|cell| cell.parse().expect("a time")).collect();
    assert_eq!(times.len(), 240);
    let expected = (0..240).map(|number| f64::from(number / 6) * 0.06);
    assert!(times.iter().zip(expected).all(|(is, was)| (is - was).abs() < 1e-9), "{times:?}");
    shell.write("access.log", "0.5 web\n0.75 mail\n2 web\n");
    let said = run(&program, &shell.path(""), "import access-log access.log --out trace.csv");
    assert!(said.status.success(), "{}", text(&said.stderr));
    let table = shell.read("trace.csv");
    assert!(table.contains("arrival_s,app") && table.lines().count() == 4, "{table}");
    shell.write("bad.log", "0.5 web\nnever mail\n");
    let said = run(&program, &shell.path(""), "import access-log bad.log --out bad.csv");
    assert_eq!(said.status.code(), Some(2));
    let expected = "bad.log:2: found `never mail`, expected <seconds> <application>";
    assert!(text(&said.stderr).contains(expected), "{said:?}");
}
