//! `peeksim sweep`: what it writes, and what happens when it cannot.

use crate::support::shell::{SMALL, Said, Shell, column, repository};
use std::fs;

#[test]
fn every_file_is_written_and_said_so() {
    let shell = Shell::small();
    let said = shell.ok("sweep small.toml --out o");
    assert!(
        said.out.starts_with("small\n\nutility (mean over all requests), by workload.rate_rps\n")
    );
    let conserved = "8 runs: 2400 requests arrived = 2400 completed + 0 rejected + 0 unfinished\n";
    assert!(said.out.contains(conserved), "{}", said.out);
    for file in ["runs.csv", "summary.csv", "compare.csv", "manifest.toml", "timings.csv"] {
        assert!(said.out.contains(&format!("\nwrote o/{file}")) && shell.exists("o"), "{file}");
    }
    for name in ["utility", "latency"] {
        assert!(shell.read(&format!("o/figures/{name}.svg")).starts_with("<svg"));
        assert!(shell.bytes(&format!("o/figures/{name}.png")).starts_with(b"\x89PNG"));
    }
    let runs = shell.read("o/runs.csv");
    assert_eq!(column(&runs, "scheduler")[..2], ["edf", "edf"]);
    assert_eq!(column(&runs, "replicate"), ["0", "1"].repeat(4));
    assert!(runs.is_ascii() && runs.ends_with('\n') && !runs.contains('\r'));
    let summary = shell.read("o/summary.csv");
    assert_eq!(column(&summary, "replicates"), ["2"; 4]);
    let (means, deviations) = (column(&summary, "model_loads"), column(&summary, "model_loads_sd"));
    assert!(means.iter().chain(&deviations).all(|cell| cell.parse::<f64>().is_ok()));
    let left: Vec<_> = fs::read_dir(shell.path("o")).expect("a folder").collect();
    assert_eq!(left.len(), 12, "eight files, quantiles, journal, lock, figures: {left:?}");
}

#[test]
fn the_same_command_again_reuses_every_run() {
    let shell = Shell::small();
    let first = shell.ok("sweep small.toml");
    assert!(first.err.contains("8/8 runs\n"), "{}", first.err);
    let again = shell.ok("sweep small.toml");
    let reused = "8 of 8 runs were finished before by this build; reused\n";
    assert!(again.err.contains(reused), "{}", again.err);
    assert_eq!(first.out, again.out);
    let more = shell.ok("sweep small.toml --replicates 3");
    assert!(more.err.contains("8 of 12 runs were finished before"), "{}", more.err);
    let less = shell.ok("sweep small.toml --replicates 1");
    assert!(less.err.contains("4 of 4 runs were finished before"), "{}", less.err);
    let back = shell.ok("sweep small.toml --replicates 3");
    assert!(back.err.contains("12 of 12 runs were finished before"), "{}", back.err);
    let other = shell.ok("sweep small.toml --overwrite --set workload.requests=301");
    assert!(!other.err.contains("finished before"), "{}", other.err);
}

#[test]
fn files_of_another_sweep_into_the_folder_do_not_stay() {
    let shell = Shell::small();
    shell.ok("sweep small.toml --out o");
    shell.ok("sweep small.toml --set figure=[] --set scheduler=edf --out o --overwrite");
    assert!(!shell.exists("o/quantiles.csv") && !shell.exists("o/compare.csv"));
    shell.ok("verify o");
}

#[test]
fn a_sweep_in_which_nothing_is_completed_has_results() {
    let shell = Shell::new();
    let hopeless =
        r#""edf", { name = "edf", label = "b", drop_policy = "hopeless", max_batch = 1 }"#;
    let text = SMALL.replace(r#""edf", { name = "grouped", window_ms = 20 }"#, hopeless);
    shell.write("none.toml", text.replace("[base]", "[base]\nbudget_ms = 0.00001"));
    let said = shell.ok("sweep none.toml --set scheduler={name=\"edf\",drop_policy=\"hopeless\"}");
    assert!(said.out.contains("1200 requests arrived = 0 completed + 1200 rejected"), "{said:?}");
    assert!(
        column(&shell.read("results/none/runs.csv"), "accuracy_mean").iter().all(String::is_empty)
    );
    shell.ok("verify results/none");
    // Beside one that completes something.
    shell.ok("sweep none.toml --overwrite");
    shell.ok("verify results/none");
}

#[test]
fn claims_are_judged_and_a_gated_one_fails_the_command() {
    let shell = Shell::small();
    let claim = |claim: &str, gate: bool| {
        let metric = "metric = \"accuracy_mean\"\nwhere = { \"workload.rate_rps\" = 2000 }\n";
        format!("{SMALL}\n[[expect]]\nclaim = \"{claim}\"\ngate = {gate}\n{metric}")
    };
    let replicates = "--replicates 4";
    shell.write("c.toml", claim("grouped > edf", true));
    let said = shell.ok(&format!("sweep c.toml {replicates}"));
    assert!(said.out.contains("claim: grouped > edf (accuracy_mean)\n  holds "), "{}", said.out);
    shell.write("c.toml", claim("grouped < edf", false));
    let said = shell.ok(&format!("sweep c.toml {replicates}"));
    assert!(said.out.contains("\n  contradicted "), "{}", said.out);
    shell.write("c.toml", claim("edf >= grouped", true));
    let said = shell.fails(1, &format!("sweep c.toml {replicates}"));
    assert_eq!(said.error(), "error: a gated claim is contradicted");
    let said = shell.ok("sweep c.toml --replicates 1");
    assert!(said.out.contains("\n  undecided "), "{}", said.out);
}

#[test]
fn a_folder_that_cannot_be_made_fails() {
    let shell = Shell::small();
    shell.write("file", "");
    for out in ["file", "file/below", "small.toml"] {
        let said = shell.fails(1, &format!("sweep small.toml --out {out}"));
        let expected = format!("error: cannot write {out}: ");
        assert!(said.error().starts_with(&expected), "{said:?}");
    }
    shell.write("o/runs.csv/x", "");
    let said = shell.fails(1, "sweep small.toml --out o");
    assert!(said.error().starts_with("error: cannot write o/runs.csv: "), "{said:?}");
    // The runs are finished and stay so.
    fs::remove_dir_all(shell.path("o/runs.csv")).expect("a folder");
    let said = shell.ok("sweep small.toml --out o");
    assert!(said.err.contains("8 of 8 runs were finished before"), "{}", said.err);
    let manifest = "o/manifest.toml";
    fs::remove_file(shell.path(manifest)).expect("a file");
    fs::remove_file(shell.path("o/runs.csv")).expect("a file");
    shell.write(&format!("{manifest}/x"), "");
    let said = shell.fails(1, "sweep small.toml --out o");
    assert!(said.error().starts_with("error: cannot write o/manifest.toml: "), "{said:?}");
}

#[test]
#[cfg(unix)]
fn a_folder_that_may_not_be_written_fails() {
    use std::os::unix::fs::PermissionsExt;
    let shell = Shell::small();
    fs::create_dir(shell.path("locked")).expect("a folder");
    let lock = |mode| {
        let mode = fs::Permissions::from_mode(mode);
        fs::set_permissions(shell.path("locked"), mode).expect("a mode");
    };
    lock(0o555);
    if fs::write(shell.path("locked/probe"), "").is_ok() {
        println!("skipped: this user may write into every folder");
        return;
    }
    let said = shell.fails(1, "sweep small.toml --out locked");
    assert!(said.error().contains("Permission denied"), "{said:?}");
    lock(0o755);
    shell.ok("sweep small.toml --out locked");
}

#[test]
fn a_read_only_disk_fails() {
    let shell = Shell::small();
    let script = r#"
        mkdir disk && mount -t tmpfs -o ro none disk && echo mounted || exit
        for out in disk disk/o; do
            "$1" sweep small.toml --out $out 2>&1 >/dev/null | grep error
        done
    "#;
    let Some(said) = shell.in_own_space(script) else {
        println!("skipped: no read-only disk can be mounted here");
        return;
    };
    assert!(said.out.contains("error: cannot write disk/runs.lock: Read-only"), "{said:?}");
    assert!(said.out.contains("error: cannot write disk/o: Read-only"), "{said:?}");
}

#[test]
fn a_full_disk_fails_and_finished_runs_stay() {
    let shell = Shell::small();
    let script = r#"
        mkdir disk && mount -t tmpfs -o size=16k none disk && echo mounted || exit
        "$1" sweep small.toml --replicates 40 --jobs 2 --out disk/o >first.out 2>first.err
        echo "first $?"
        cp disk/o/runs.journal journal
        mount -o remount,size=8m disk
        "$1" sweep small.toml --replicates 40 --out disk/o >second.out 2>second.err
        echo "second $?"
        cp disk/o/runs.csv runs.csv
    "#;
    let Some(said) = shell.in_own_space(script) else {
        println!("skipped: no small disk can be mounted here");
        return;
    };
    assert!(said.out.contains("first 1\n") && said.out.contains("second 0\n"), "{said:?}");
    let (first, second) = (shell.read("first.err"), shell.read("second.err"));
    assert!(first.contains("error: cannot write disk/o/runs.journal: No space left"), "{first}");
    assert!(!first.contains("panicked") && !first.contains("160/160"), "{first}");
    let kept = shell.read("journal").matches('\n').count();
    assert!(kept > 10, "{kept} runs were kept");
    let reused = format!("{kept} of 160 runs were finished before");
    assert!(second.contains(&reused), "{reused}: {second}");
    shell.ok("sweep small.toml --replicates 40");
    assert_eq!(shell.read("runs.csv"), shell.read("results/small/runs.csv"));
}

#[test]
fn a_log_of_requests_is_whole_or_absent_on_a_full_disk() {
    let shell = Shell::small();
    let script = r#"
        mkdir disk && mount -t tmpfs -o size=12k none disk && echo mounted || exit
        for file in r.csv r.csv.gz; do
            "$1" inspect small.toml --requests disk/$file >out 2>>err; echo "$file $?"
        done
        ls disk
    "#;
    let Some(said) = shell.in_own_space(script) else {
        println!("skipped: no small disk can be mounted here");
        return;
    };
    // 300 rows are some 25 kB, and 7 kB compressed.
    assert!(said.out.contains("r.csv 1\nr.csv.gz 0\nr.csv.gz\n"), "{said:?}");
}

/// No setting has the name of a result column, or its axis could not be told from it.
#[test]
fn the_source_of_answers_can_be_an_axis() {
    let shell = Shell::new();
    let axis =
        "[[axis]]\nkey = \"outcome\"\nvalues = [\"recorded\", \"drawn\", \"stream-recall\"]\n";
    let (base, _) = SMALL.split_once("[[axis]]").expect("an axis");
    shell.write("answers.toml", format!("{base}scheduler = \"grouped\"\n{axis}"));
    shell.ok("sweep answers.toml");
    let runs = shell.read("results/answers/runs.csv");
    assert_eq!(column(&runs, "outcome"), column(&runs, "outcome_source"));
    let shown = column(&runs, "utility_predicted_mean");
    // Beliefs and decisions are the same; what comes true is not.
    assert_eq!(shown[..2], shown[2..4]);
    let utility = column(&runs, "utility_mean");
    assert!(utility[0] != utility[2] && utility[2] != utility[4], "{utility:?}");
}

#[cfg(unix)]
#[test]
fn a_folder_whose_name_is_no_text_is_refused_at_once() {
    use std::os::unix::ffi::OsStrExt;
    let shell = Shell::small();
    let mut command = shell.command(&["sweep", "small.toml", "--out"]);
    let said = Said::of(command.arg(std::ffi::OsStr::from_bytes(b"r\xff")));
    assert!(said.code == Some(2) && said.err.contains("UTF-8"), "{said:?}");
    let left = fs::read_dir(shell.path("")).expect("a folder").count();
    assert_eq!(left, 1, "small.toml alone");
}

#[test]
fn results_of_other_settings_are_replaced_only_if_asked() {
    let shell = Shell::small();
    shell.ok("sweep small.toml --out o");
    let runs = shell.bytes("o/runs.csv");
    let said = shell.fails(2, "sweep small.toml --set seed=9 --out o");
    let found = "`seed`: found results of other settings, nothing where now 9, expected";
    assert!(said.error().contains(found), "{said:?}");
    let said = shell.fails(2, "sweep small.toml --set workload.requests=40 --out o");
    assert!(said.error().contains("`base.workload.requests`: found results of other"), "{said:?}");
    shell.write(
        "other.toml",
        SMALL.replace("\"edf\", ", "").replace("title", "name = \"o\"\ntitle"),
    );
    assert!(shell.fails(2, "sweep other.toml --out o").error().contains("`axis`"));
    assert_eq!(shell.bytes("o/runs.csv"), runs, "nothing was touched");
    // More replicates, other figures and tables are no other settings.
    let said = shell.ok("sweep small.toml --out o --replicates 3 --tables apps --set figure=[]");
    assert!(said.err.contains("8 of 12 runs were finished before") || shell.exists("o/apps.csv"));
    assert!(!shell.exists("o/figures/utility.svg"), "drawn by nobody now");
    shell.write("o/figures/mine.svg", "");
    shell.ok("sweep small.toml --set seed=9 --out o --overwrite");
    assert!(!shell.exists("o/figures/mine.svg") && shell.exists("o/figures/utility.svg"));
    shell.write("p/runs.csv", "a,b\n1,2\n");
    let said = shell.fails(2, "sweep small.toml --out p");
    assert!(said.error().contains("found a runs.csv without manifest"), "{said:?}");
}

#[test]
fn results_of_another_build_are_made_again_and_that_is_said() {
    let shell = Shell::small();
    shell.ok("sweep small.toml --out o");
    let manifest = shell.read("o/manifest.toml");
    let build = manifest.lines().find(|line| line.starts_with("build = ")).expect("a build");
    shell.write("o/manifest.toml", manifest.replace(build, "build = \"0.0.1+other\""));
    let said = shell.ok("sweep small.toml --out o");
    assert!(said.err.contains("- o held results of 0.0.1+other; they were made"), "{said:?}");
    assert_eq!(shell.read("o/manifest.toml"), manifest);
}

#[test]
fn own_profiles_come_first_and_names_that_exist_twice_are_told() {
    let shell = Shell::small();
    // Beside the experiment, though the command is given elsewhere.
    shell.write("study/small.toml", SMALL);
    for file in ["app.toml", "variants.csv", "confusion.csv", "latency.csv", "load.csv"] {
        let text = std::fs::read_to_string(repository(&format!("profiles/voice/{file}")));
        let text = text.expect("a file");
        shell.write(&format!("study/profiles/voice/{file}"), text);
    }
    let base = "sweep study/small.toml --set apps=[\"voice\"]";
    let said = shell.ok(&format!("{base} --out a"));
    let manifest = shell.read("a/manifest.toml");
    assert!(manifest.contains("\n\"profiles/voice\" = \"beside the experiment\"\n"), "{manifest}");
    assert!(!manifest.contains("traces/voice.csv"), "an own profile, a trace that ships");
    for words in ["profiles/voice exists more than once", "it goes without a trace"] {
        assert!(said.err.contains(words), "{said:?}");
    }
    assert_eq!(column(&shell.read("a/runs.csv"), "outcome_source")[0], "drawn");
    // The working directory gives the same ids: names count, not places.
    std::fs::rename(shell.path("study/profiles"), shell.path("profiles")).expect("a move");
    shell.ok(&format!("{base} --out b"));
    let ids = ["a", "b"].map(|folder| column(&shell.read(&format!("{folder}/runs.csv")), "run_id"));
    assert_eq!(ids[0], ids[1]);
    // A copy of what ships is what ships.
    std::fs::remove_dir_all(shell.path("profiles")).expect("a folder");
    let said = shell.ok(&format!("{base} --out c"));
    assert!(!said.err.contains("more than once"), "{said:?}");
    assert_eq!(column(&shell.read("c/runs.csv"), "outcome_source")[0], "recorded");
}
