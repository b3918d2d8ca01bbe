//! The same bytes from one thread and from sixteen, from one go and from several, killed or not;
//! and every scheduler meets the same requests.

use crate::support::shell::{SMALL, Shell, assert_same, column};
use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// A sweep that takes long enough to be killed: 60 runs of some 10 ms.
fn long() -> Shell {
    let shell = Shell::new();
    let text = SMALL.replace("requests = 300", "requests = 6_000");
    shell.write("long.toml", text.replace("replicates = 2", "replicates = 15"));
    shell
}

#[test]
fn threads_and_repetition_do_not_matter() {
    let shell = Shell::small();
    let sweep = |jobs: u32, out: &str| {
        shell.ok(&format!(
            "sweep small.toml --replicates 5 --set noise_cv=0.3 --jobs {jobs} --out {out}"
        ));
        shell.files(out)
    };
    let one = sweep(1, "a");
    assert_same(&one, &sweep(16, "b"), "16 threads");
    assert_same(&one, &sweep(1, "c"), "once more");
    // Again in the same folder: everything is reused.
    assert_same(&one, &sweep(16, "a"), "reused");
}

#[test]
fn killed_sweeps_go_on_where_they_were() {
    let shell = long();
    shell.ok("sweep long.toml --out whole");
    let whole = shell.files("whole");
    for least in [0, 1, 7, 20, 45] {
        let out = format!("o{least}");
        let journal = shell.path(&format!("{out}/runs.journal"));
        let lines = || fs::read_to_string(&journal).unwrap_or_default().matches('\n').count();
        let mut child = shell
            .command(&["sweep", "long.toml", "--jobs", "2", "--out", &out])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("a process");
        let begun = Instant::now();
        while !journal.exists() || lines() < least {
            assert!(begun.elapsed() < Duration::from_secs(60), "no progress");
            std::thread::sleep(Duration::from_millis(1));
        }
        // On Unix this is kill -9.
        child.kill().expect("a running process");
        child.wait().expect("an ended process");
        let finished = lines();
        assert!(finished >= least);
        let said = shell.ok(&format!("sweep long.toml --out {out}"));
        let reused = format!("{finished} of 60 runs were finished before");
        assert!(finished == 0 || said.err.contains(&reused), "{reused}: {}", said.err);
        assert_same(&whole, &shell.files(&out), &format!("killed after {finished}"));
    }
}

/// Reading the inputs, running, writing the tables, drawing: whatever it is at.
#[test]
fn sweeps_killed_at_any_of_fifty_moments_end_in_the_same_bytes() {
    let shell = Shell::small();
    // The shortest of some lives: one that the machine held up would be longer than most.
    let life = (0..5).map(|at| {
        let begun = Instant::now();
        shell.ok(&format!("sweep small.toml --replicates 4 --out whole{at}"));
        begun.elapsed()
    });
    let (life, whole) = (life.min().expect("five lives"), shell.files("whole0"));
    let mut unfinished = 0;
    for moment in 0..50 {
        let mut child = shell
            .command(&["sweep", "small.toml", "--replicates", "4", "--out", "o"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("a process");
        // Those are not the moments of one life only: the machine has other things to do.
        std::thread::sleep(life * moment / 50);
        child.kill().expect("a process");
        unfinished += u32::from(!child.wait().expect("an ended process").success());
        shell.ok("sweep small.toml --replicates 4 --out o");
        assert_same(&whole, &shell.files("o"), &format!("killed at moment {moment}"));
        fs::remove_dir_all(shell.path("o")).expect("a folder");
    }
    assert!(unfinished > 25, "{unfinished} of 50 were killed in time");
}

#[test]
fn damaged_journals_lose_the_damaged_runs_alone() {
    let shell = Shell::small();
    shell.ok("sweep small.toml");
    let (whole, journal) = (shell.files("results/small"), "results/small/runs.journal");
    let text = shell.read(journal);
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    // A digit of a metric, and the same of the checksum.
    let flip = |line: &str, at: usize| {
        let digit = line.as_bytes()[at];
        let other = if digit == b'1' { '2' } else { '1' };
        format!("{}{other}{}", &line[..at], &line[at + 1..])
    };
    let cell = lines[3].match_indices(',').nth(8).expect("a cell").0 + 1;
    let cases: [(&str, String, usize); 7] = [
        ("cut in a line", text[..text.len() - 40].to_owned(), 7),
        ("cut at its end", text[..text.len() - 1].to_owned(), 7),
        ("flipped digit", text.replace(lines[3], &flip(lines[3], cell)), 7),
        ("flipped checksum", text.replace(lines[3], &flip(lines[3], 0)), 7),
        ("line lost", text.replace(lines[5], ""), 7),
        ("line twice", format!("{text}{}", lines[2]), 8),
        ("foreign lines", format!("\n{}{text}\u{fffd},,\n", "x".repeat(5000)), 7),
    ];
    for (what, damaged, kept) in cases {
        shell.write(journal, damaged);
        let said = shell.ok("sweep small.toml");
        let reused = format!("{kept} of 8 runs were finished before");
        assert!(said.err.contains(&reused), "{what}: {}", said.err);
        assert_same(&whole, &shell.files("results/small"), what);
        // Mended, it is whole again.
        let said = shell.ok("sweep small.toml");
        assert!(said.err.contains("8 of 8 runs"), "{what}: {}", said.err);
    }
    shell.write(journal, [0xff, 0xfe, b'\n', 0x00]);
    assert!(!shell.ok("sweep small.toml").err.contains("finished before"));
    assert_same(&whole, &shell.files("results/small"), "no text");
}

#[test]
fn seeds_differ_and_schedulers_meet_the_same_requests() {
    let shell = Shell::small();
    shell.ok("sweep small.toml");
    shell.ok("sweep small.toml --set seed=2 --out other");
    let (runs, other) = (shell.read("results/small/runs.csv"), shell.read("other/runs.csv"));
    for name in ["run_id", "makespan_s", "latency_ms_mean"] {
        let pairs = column(&runs, name).into_iter().zip(column(&other, name));
        assert!(pairs.into_iter().all(|(a, b)| a != b), "{name}");
    }
    let (ids, totals) = (column(&runs, "run_id"), column(&runs, "arrived"));
    // Two schedulers, then two loads, then two replicates.
    for at in 0..4 {
        assert_eq!(totals[at], totals[at + 4]);
        assert_eq!(requests(&shell, &ids[at]), requests(&shell, &ids[at + 4]), "{at}");
    }
    assert_ne!(requests(&shell, &ids[0]), requests(&shell, &ids[1]), "replicates differ");
}

/// What is true of each request of a run: application, arrival, deadline and class.
fn requests(shell: &Shell, id: &str) -> Vec<(u32, [String; 4])> {
    shell.ok(&format!("inspect small.toml --run {id} --requests r.csv"));
    let text = shell.read("r.csv");
    let names = ["app", "arrival_s", "deadline_s", "class"];
    let columns = names.map(|name| column(&text, name));
    let numbers = column(&text, "request");
    let mut rows: Vec<_> = numbers
        .iter()
        .enumerate()
        .map(|(at, number)| {
            (number.parse().expect("a number"), columns.each_ref().map(|cells| cells[at].clone()))
        })
        .collect();
    rows.sort();
    rows
}

#[test]
fn outcomes_do_not_depend_on_who_serves() {
    // One variant each, so that every scheduler gives the same answers; drawn, not recorded.
    let shell = Shell::new();
    let keep = "variants = { voice = [\"rf20\"], activity = [\"rf20\"] }\noutcome = \"drawn\"\n";
    shell.write(
        "one.toml",
        SMALL.replace("\n[[axis]]\nkey = \"scheduler\"", &{
            format!("{keep}\n[[axis]]\nkey = \"scheduler\"")
        }),
    );
    shell.ok("sweep one.toml");
    let accuracy = column(&shell.read("results/one/runs.csv"), "accuracy_mean");
    assert_eq!(accuracy[..4], accuracy[4..]);
    assert_ne!(accuracy[0], accuracy[1]);
}
