//! `plan`, `sweep --shard`, `sweep --run-ids` and `merge`: the same bytes as one machine makes, or
//! a refusal that says what is missing or does not fit.

use crate::support::shell::{self, SMALL, Shell, assert_same, column};
use peeksim::config::source::hex;
use sha2::{Digest, Sha256};
use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant, SystemTime};

/// A journal's line with another text for `old`, and the checksum for it.
fn forged(line: &str, old: &str, new: &str) -> String {
    let body = line.trim_end().split_once(',').expect("a checksum").1;
    assert!(body.contains(old), "{old} in {body}");
    let body = body.replacen(old, new, 1);
    format!("{},{body}\n", hex(&Sha256::digest(body.as_bytes())[..6]))
}

fn build(shell: &Shell) -> String {
    shell.ok("--version").out.trim().strip_prefix("peeksim ").expect("the name").to_owned()
}

#[test]
fn shards_make_the_bytes_of_one_machine() {
    let shell = Shell::small();
    shell.ok("sweep small.toml --replicates 5 --out whole");
    let whole = shell.files("whole");
    for count in [1, 2, 7] {
        let out = format!("o{count}");
        // The order in which they come must not matter.
        for index in (0..count).rev() {
            let shard = format!("--shard {index}/{count}");
            let said = shell.ok(&format!("sweep small.toml --replicates 5 --out {out} {shard}"));
            let journal = format!(" of 20 runs in {out}/shards/{index}-of-{count}.journal\n");
            assert!(said.out.ends_with(&journal), "{said:?}");
        }
        let said = shell.ok(&format!("merge {out}"));
        assert!(said.out.contains("20 runs: 6000 requests arrived = 6000 completed"), "{said:?}");
        assert_same(&whole, &shell.files(&out), &format!("{count} shards"));
        // Nothing is left to do, for whoever asks.
        let said = shell.ok(&format!("sweep small.toml --replicates 5 --out {out}"));
        assert!(said.err.contains("20 of 20 runs were finished before"), "{said:?}");
        let said = shell.ok(&format!("sweep small.toml --replicates 5 --out {out} --shard 1/3"));
        assert!(said.err.contains("7 of 7 runs were finished before"), "{said:?}");
        assert_same(&whole, &shell.files(&out), "once more");
    }
}

/// Six searches, two of which are one under two names, with a width that takes them some steps.
const SEARCH: &str = r#"
replicates = 2
[base]
apps = ["voice", "activity"]
workers = [{ class = "edge-cpu", memory_bytes = 5_000_000 }]
workload = { arrivals = "poisson", requests = 3_000 }
budget_ms = 20
[[axis]]
key = "scheduler"
values = [
  { name = "edf", label = "all" }, { name = "edf", label = "alone", max_batch = 1 },
  { name = "edf", label = "again" },
]
[search]
low = 200
high = 500_000
relative_width = 0.3
"#;

/// What they leave behind, but for what says how long it took.
const SEARCHED: [&str; 6] = [
    "runs.csv",
    "summary.csv",
    "intervals.csv",
    "capacity.csv",
    "capacity_summary.csv",
    "manifest.toml",
];

#[test]
fn shards_of_searches_make_the_bytes_of_one_machine() {
    let shell = Shell::new();
    shell.write("x.toml", SEARCH);
    shell.ok("sweep x.toml --out whole");
    for count in [1, 2, 7] {
        let out = format!("o{count}");
        let said = shell.ok(&format!("shard-plan x.toml --out {out}"));
        assert!(said.out.starts_with("x: 6 searches, 6 to be done: about "), "{said:?}");
        for index in (0..count).rev() {
            let said = shell.fails(1, &format!("merge {out}"));
            assert!(said.error().contains(" of 6 searches are not finished"), "{said:?}");
            shell.ok(&format!("sweep x.toml --out {out} --shard {index}/{count}"));
        }
        let said = shell.ok(&format!("shard-plan x.toml --out {out}"));
        assert!(said.out.starts_with("x: 6 searches, 0 to be done: about 0 s"), "{said:?}");
        shell.ok(&format!("merge {out}"));
        for file in SEARCHED {
            let [one, many] = ["whole", &out].map(|folder| shell.read(&format!("{folder}/{file}")));
            assert!(one == many, "{count} shards: {file} differs");
        }
    }
}

#[test]
fn a_search_is_one_unit_of_work_with_an_id() {
    let shell = Shell::new();
    shell.write("x.toml", SEARCH);
    shell.ok("shard-plan x.toml --out o");
    let plan = shell.read("o/plan.csv");
    let (ids, costs) = (column(&plan, "run_id"), column(&plan, "cost_s"));
    assert_eq!(column(&plan, "workload.rate_rps"), ["200"; 6]);
    assert!(costs.iter().all(|cell| cell.parse::<f64>().unwrap() > 0.0));
    assert!(ids[..2] == ids[4..] && ids[0] != ids[1] && !ids[..2].contains(&ids[2]));
    let said = shell.ok(&format!("sweep x.toml --out o --run-ids {}", ids[0]));
    assert!(said.out.starts_with("2 of 6 searches in o/shards/ids-"), "{said:?}");
    shell.ok("shard-plan x.toml --out o");
    let plan = shell.read("o/plan.csv");
    assert_eq!(column(&plan, "done"), ["1", "0", "0", "0", "1", "0"]);
    // Half of a search is none.
    let journal = said.out.trim().rsplit(' ').next().expect("a journal");
    let text = shell.read(journal);
    let key = |line: &str| line.split(',').nth(1).map(str::to_owned);
    let last = key(text.lines().last().expect("a run"));
    let kept = text.split_inclusive('\n').filter(|line| key(line) != last);
    shell.write(journal, kept.collect::<String>());
    shell.ok("shard-plan x.toml --out o");
    assert_eq!(column(&shell.read("o/plan.csv"), "done"), ["0"; 6]);
    let again = shell.ok(&format!("sweep x.toml --out o --run-ids {}", ids[0]));
    assert_eq!(again.out, said.out);
    let keys = |text: &str| text.lines().map(key).collect::<std::collections::BTreeSet<_>>();
    assert_eq!(keys(&shell.read(journal)), keys(&text));
}

#[test]
fn the_environment_says_which_shard() {
    let shell = Shell::small();
    let said = |set: &[(&str, &str)]| {
        let mut command = shell.command(&["sweep", "small.toml", "--out", "o", "--shard"]);
        shell::Said::of(command.envs(set.iter().copied()))
    };
    let pod = said(&[("JOB_COMPLETION_INDEX", "1"), ("JOB_COMPLETIONS", "2")]);
    assert!(pod.out.contains("o/shards/1-of-2.journal"), "{pod:?}");
    let task = ["ID", "MIN", "MAX", "COUNT"].map(|end| format!("SLURM_ARRAY_TASK_{end}"));
    let task: Vec<(&str, &str)> =
        task.iter().map(String::as_str).zip(["5", "5", "6", "2"]).collect();
    let task = said(&task);
    assert!(task.out.contains("o/shards/0-of-2.journal"), "{task:?}");
    shell.ok("merge o");
}

#[test]
fn a_plan_lists_every_run_and_shares_are_held_to_it() {
    let shell = Shell::small();
    let said = shell.ok("shard-plan small.toml --out o");
    assert!(said.out.starts_with("small: 8 runs, 8 to be done: about "), "{said:?}");
    let plan = shell.read("o/plan.csv");
    let ids = column(&plan, "run_id");
    assert_eq!(column(&plan, "requests"), ["300"; 8]);
    assert!(column(&plan, "cost_s").iter().all(|cell| cell.parse::<f64>().unwrap() > 0.0));
    // Every second run, then the rest.
    let some: Vec<&str> = ids.iter().step_by(2).map(String::as_str).collect();
    shell.ok(&format!("sweep small.toml --out o --run-ids {}", some.join(",")));
    let said = shell.ok("shard-plan small.toml --out o");
    assert!(said.out.starts_with("small: 8 runs, 4 to be done: about "), "{said:?}");
    assert_eq!(column(&shell.read("o/plan.csv"), "done"), ["1", "0"].repeat(4));
    shell.write("ids.txt", ids.join("\n"));
    shell.ok("sweep small.toml --out o --run-ids ids.txt");
    shell.ok("merge o");
    assert_eq!(column(&shell.read("o/runs.csv"), "run_id"), ids);
    // Other settings have no place here.
    let said = shell.fails(2, "sweep small.toml --out o --shard 0/2 --set seed=9");
    assert!(said.err.contains("o/manifest.toml: `resolved`: found other settings"), "{said:?}");
    let said = shell.fails(2, "sweep small.toml --out o --run-ids 0123456789abcdef");
    assert!(said.err.contains("found `0123456789abcdef`"), "{said:?}");
}

#[test]
fn merge_says_what_is_missing_and_what_does_not_fit() {
    let shell = Shell::small();
    let shard = |index: u32| shell.ok(&format!("sweep small.toml --out o --shard {index}/2"));
    shard(0);
    let said = shell.fails(1, "merge o");
    assert!(said.error().contains("4 of 8 runs are not finished; the first is "), "{said:?}");
    assert!(!shell.exists("o/runs.csv"));
    shard(1);
    let (one, two) = ("o/shards/0-of-2.journal", "o/shards/1-of-2.journal");
    let (text, own) = (shell.read(two), build(&shell));
    // A share of another build.
    let line = text.lines().next().expect("a line");
    let rest = &text[line.len() + 1..];
    shell.write(two, forged(line, &own, "0.0.9+abcdef012345") + rest);
    let said = shell.fails(1, "merge o");
    let builds = format!("{two} has runs of 0.0.9+abcdef012345, this is {own}");
    assert!(said.error().contains("1 of 8 runs") && said.error().contains(&builds), "{said:?}");
    // The same run twice, with another result.
    shell.write(two, &text);
    let cell = line.split(',').nth(6).expect("a cell");
    let id = line.split(['/', ',']).nth(2).expect("an id");
    let other = forged(line, &format!(",{cell},"), ",\"7\",");
    shell.write(one, shell.read(one) + &other);
    let said = shell.fails(1, "merge o");
    let conflict = format!("run {id} came to something else in {two}");
    assert!(said.error().contains(&conflict), "{said:?}");
    // The same run twice, with the same result.
    let first = shell.read(one);
    shell.write(one, first.replace(&other, &format!("{line}\n")));
    shell.ok("merge o");
    assert_eq!(column(&shell.read("o/runs.csv"), "run_id").len(), 8);
    // A manifest of another build.
    let manifest = shell.read("o/manifest.toml");
    shell.write("o/manifest.toml", manifest.replace(&own, "0.0.9+abcdef012345"));
    for command in ["merge o", "sweep small.toml --out o --shard 0/2"] {
        let said = shell.fails(2, command);
        let found = "o/manifest.toml: `build`: found `0.0.9+abcdef012345`, expected";
        assert!(said.err.replace("found 0.", "found `0.").contains(&found[..50]), "{said:?}");
    }
    // Inputs that are not what they were.
    let place = manifest.find("app.toml\" = \"").expect("an input") + "app.toml\" = \"".len();
    let other = format!("{}0000{}", &manifest[..place], &manifest[place + 4..]);
    shell.write("o/manifest.toml", other);
    let said = shell.fails(2, "merge o");
    assert!(said.err.contains("app.toml`: found SHA-256 0000"), "{said:?}");
}

#[test]
fn a_shard_cut_short_at_any_byte_is_done_again() {
    let shell = Shell::small();
    shell.ok("sweep small.toml --out whole");
    let whole = shell.files("whole");
    (0..2).for_each(|i| drop(shell.ok(&format!("sweep small.toml --out o --shard {i}/2"))));
    let journal = "o/shards/0-of-2.journal";
    let bytes = shell.bytes(journal);
    // A step that shares no factor with a line's length meets all places of it.
    for cut in (0..bytes.len()).step_by((bytes.len() / 13) | 1) {
        shell.write(journal, &bytes[..cut]);
        let kept = bytes[..cut].iter().filter(|byte| **byte == b'\n').count();
        let missing = format!("{} of 8 runs are not finished", 4 - kept);
        let said = shell.fails(1, "merge o");
        assert!(said.error().contains(&missing), "cut at {cut}: {said:?}");
        let said = shell.ok("sweep small.toml --out o --shard 0/2");
        let reused = format!("{kept} of 4 runs were finished before");
        assert!(kept == 0 || said.err.contains(&reused), "cut at {cut}: {said:?}");
        assert_eq!(shell.read(journal).lines().count(), 4);
    }
    shell.ok("merge o");
    assert_same(&whole, &shell.files("o"), "cut many times");
}

#[test]
fn clocks_set_back_change_nothing() {
    let shell = Shell::small();
    shell.ok("sweep small.toml --out whole");
    let whole = shell.files("whole");
    shell.ok("sweep small.toml --out o --shard 0/2");
    for time in [SystemTime::UNIX_EPOCH, SystemTime::now() + Duration::from_secs(1 << 30)] {
        for file in ["small.toml", "o/manifest.toml", "o/shards/0-of-2.journal"] {
            let file = fs::OpenOptions::new().append(true).open(shell.path(file)).expect("a file");
            file.set_modified(time).expect("another time");
        }
        let said = shell.ok("sweep small.toml --out o --shard 0/2");
        assert!(said.err.contains("4 of 4 runs were finished before"), "{said:?}");
    }
    shell.ok("sweep small.toml --out o --shard 1/2");
    shell.ok("merge o");
    assert_same(&whole, &shell.files("o"), "times of files");
}

#[test]
fn a_folder_has_one_owner_and_a_dead_one_does_not_keep_it() {
    let shell = Shell::new();
    shell.write("long.toml", SMALL.replace("requests = 300", "requests = 1_000_000"));
    for part in ["", " --shard 0/2"] {
        let arguments = format!("sweep long.toml --jobs 1 --out o{part}");
        let words: Vec<&str> = arguments.split(' ').collect();
        let mut command = shell.command(&words);
        let mut owner =
            command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("a process");
        let journal = if part.is_empty() { "o/runs.journal" } else { "o/shards/0-of-2.journal" };
        let begun = Instant::now();
        while !shell.exists(journal) {
            assert!(begun.elapsed() < Duration::from_secs(60), "no journal");
            std::thread::sleep(Duration::from_millis(1));
        }
        let quick = "--set workload.requests=300 --set name=quick";
        let busy = if part.is_empty() { format!("{arguments} {quick}") } else { arguments };
        let said = shell.fails(75, &busy);
        assert!(said.error().ends_with("another process is at work here"), "{said:?}");
        owner.kill().expect("a running process");
        owner.wait().expect("an ended process");
        if part.is_empty() {
            shell.ok(&busy);
            fs::remove_dir_all(shell.path("o")).expect("a folder");
        }
    }
}

#[test]
fn failed_runs_are_merged_as_one_machine_has_them() {
    // A scheduler that picks a worker that is not there cannot be written; a trace that ends can.
    let shell = Shell::small();
    shell.ok("sweep small.toml --out whole");
    shell.ok("sweep small.toml --out o --shard 0/1");
    let journal = "o/shards/0-of-1.journal";
    let text = shell.read(journal);
    let line = text.lines().next().expect("a line");
    let mut cells: Vec<&str> = line.split(',').collect();
    cells[3] = "\"it broke\"";
    let failed = format!("x,{}", cells[1..].join(","));
    shell.write(journal, text.replace(&format!("{line}\n"), &forged(&failed, "broke", "fell")));
    let said = shell.fails(1, "merge o");
    assert!(said.error().contains("1 of 8 runs failed; the first, "), "{said:?}");
    assert_eq!(column(&shell.read("o/runs.csv"), "error").concat(), "it fell");
    // It is tried again, and succeeds.
    shell.ok("sweep small.toml --out o --shard 0/1");
    shell.ok("merge o");
    assert_same(&shell.files("whole"), &shell.files("o"), "tried again");
}

#[test]
fn a_shard_on_a_full_disk_fails_and_its_finished_runs_stay() {
    let shell = Shell::small();
    let script = r#"
        mkdir disk && mount -t tmpfs -o size=24k none disk && echo mounted || exit
        shard() {
            "$1" sweep small.toml --replicates 40 --out disk/o --shard $2/2 >$3.out 2>$3.err
        }
        shard "$1" 0 first; echo "first $?"
        cp disk/o/shards/0-of-2.journal journal
        "$1" merge disk/o >merge.out 2>merge.err; echo "merge $?"
        mount -o remount,size=8m disk
        shard "$1" 0 second; echo "second $?"
        shard "$1" 1 third; echo "third $?"
        "$1" merge disk/o >merge.out 2>&1; echo "merged $?"
        cp disk/o/runs.csv runs.csv
    "#;
    let Some(said) = shell.in_own_space(script) else {
        println!("skipped: no small disk can be mounted here");
        return;
    };
    let codes = "first 1\nmerge 1\nsecond 0\nthird 0\nmerged 0\n";
    assert!(said.out.ends_with(codes), "{said:?}");
    let (first, second) = (shell.read("first.err"), shell.read("second.err"));
    let full = "error: cannot write disk/o/shards/0-of-2.journal: No space left";
    assert!(first.contains(full) && !first.contains("panicked"), "{first}");
    let kept = shell.read("journal").matches('\n').count();
    assert!((10..80).contains(&kept), "{kept} runs were kept");
    let missing = format!("error: {} of 160 runs are not finished", 160 - kept);
    assert!(shell.read("merge.err").contains(&missing), "{}", shell.read("merge.err"));
    assert!(second.contains(&format!("{kept} of 80 runs were finished before")), "{second}");
    shell.ok("sweep small.toml --replicates 40");
    assert_eq!(shell.read("runs.csv"), shell.read("results/small/runs.csv"));
}

#[test]
fn a_shard_in_a_read_only_folder_fails_and_changes_nothing() {
    let shell = Shell::small();
    let script = r#"
        mkdir disk && mount -t tmpfs none disk && echo mounted || exit
        "$1" sweep small.toml --out disk/o --shard 0/2 >out 2>&1; echo "first $?"
        mount -o remount,ro disk
        "$1" sweep small.toml --out disk/o --shard 1/2 2>&1 >/dev/null | grep error
        "$1" sweep small.toml --out disk/o --shard 0/2 2>&1 >/dev/null | grep error
        "$1" shard-plan small.toml --out disk/o 2>&1 >/dev/null | grep error
        mount -o remount,rw disk
        "$1" sweep small.toml --out disk/o --shard 1/2 >out 2>&1; echo "second $?"
        mount -o remount,ro disk
        "$1" merge disk/o 2>&1 >/dev/null | grep error
        mount -o remount,rw disk
        "$1" merge disk/o >out 2>&1; echo "merged $?"
        cp disk/o/runs.csv runs.csv
    "#;
    let Some(said) = shell.in_own_space(script) else {
        println!("skipped: no read-only disk can be mounted here");
        return;
    };
    let errors: Vec<&str> = said.out.lines().filter(|line| line.starts_with("error")).collect();
    let expected = [
        "error: cannot write disk/o/shards/1-of-2.lock: Read-only",
        "error: cannot write disk/o/shards/0-of-2.lock: Read-only",
        "error: cannot write disk/o/manifest.toml: Read-only",
        "error: cannot write disk/o/datapackage.json: Read-only",
    ];
    assert_eq!(errors.len(), expected.len(), "{said:?}");
    for (error, expected) in errors.iter().zip(expected) {
        assert!(error.starts_with(expected), "{said:?}");
    }
    assert!(said.out.contains("first 0\n") && said.out.contains("second 0\n"), "{said:?}");
    assert!(said.out.ends_with("merged 0\n"), "{said:?}");
    shell.ok("sweep small.toml");
    assert_eq!(shell.read("runs.csv"), shell.read("results/small/runs.csv"));
}
