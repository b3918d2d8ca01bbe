//! `peeksim train` and `peeksim offload`

use crate::support::shell::{Said, Shell, column};
use peeksim::core::rng::Rng;
use peeksim::offloading::generate::like_m4a1;
use std::process::{Command, Stdio};
use std::time::Duration;

const TRAIN: [&str; 9] =
    ["train", "--algorithm", "dqn", "--constraint", "mask", "--steps", "8000", "--out", "t"];

#[test]
fn a_training_killed_goes_on_to_the_same_bytes() {
    killed_and_resumed(&TRAIN);
}

/// The best network so far is in the checkpoint.
#[test]
fn a_training_that_validates_is_killed_and_goes_on_to_the_same_bytes() {
    let shell = killed_and_resumed(&[&TRAIN[..], &["--validate"]].concat());
    let curve = shell.read("t/curve.csv");
    // Every network, since a fifteenth of the steps is less than a segment.
    let validated = numbers(&curve, "reward_validation_mean");
    assert_eq!(validated.len(), 4);
    let first = |best: usize, at: usize| if validated[at] > validated[best] { at } else { best };
    let best = (0..4).fold(0, first);
    let policy = shell.read("t/policy.toml");
    let steps = format!("\nsteps = {}\n", column(&curve, "steps")[best]);
    assert!(policy.contains(&steps), "{curve}{}", &policy[..200]);
}

/// Runs a training in one go, and one that is killed after its first checkpoint and run again.
fn killed_and_resumed(arguments: &[&str]) -> Shell {
    let (whole, killed) = (Shell::new(), Shell::new());
    assert_eq!(Said::of(&mut whole.command(arguments)).code, Some(0));
    let mut command = killed.command(arguments);
    let mut child = command.stderr(Stdio::null()).stdout(Stdio::null()).spawn().expect("it starts");
    while !killed.exists("t/checkpoint.toml") && child.try_wait().expect("a child").is_none() {
        std::thread::sleep(Duration::from_millis(2));
    }
    child.kill().expect("it may be over already");
    child.wait().expect("it is over");
    let again = Said::of(&mut killed.command(arguments));
    assert_eq!(again.code, Some(0), "{again:?}");
    assert!(again.err.contains("resumed after "), "{again:?}");
    for file in LEFT.into_iter().chain(["t/curve.svg", "t/curve.png"]) {
        assert_eq!(killed.bytes(file), whole.bytes(file), "{file}");
    }
    assert_eq!(column(&whole.read("t/curve.csv"), "steps"), ["2000", "4000", "6000", "8000"]);
    whole
}

/// A column of numbers; an empty cell is not one.
fn numbers(table: &str, name: &str) -> Vec<f64> {
    column(table, name).iter().filter_map(|cell| cell.parse().ok()).collect()
}

/// The files of a training by DQN, but for the pictures.
const LEFT: [&str; 4] = ["t/policy.toml", "t/curve.csv", "t/checkpoint.toml", "t/replay.bin"];

/// Files may not grow beyond some size: the system ends the process in the midst of a write, at any
/// place in any segment, or the write fails.
#[cfg(unix)]
#[test]
fn a_training_stopped_within_a_write_goes_on_to_the_same_bytes() {
    let whole = Shell::new();
    assert_eq!(Said::of(&mut whole.command(&TRAIN)).code, Some(0));
    let stored = whole.bytes("t/replay.bin").len();
    for (at, share) in [0.9, 1.0, 1.7, 2.5, 3.999].into_iter().enumerate() {
        let stopped = Shell::new();
        let blocks = (share * stored as f64 / 4.0 / 512.0) as usize;
        let fails = at % 2 == 0;
        let ignored = if fails { "trap '' XFSZ; " } else { "" };
        let script = format!("{ignored}ulimit -f {blocks}; exec \"$0\" \"$@\"");
        let mut limited = Command::new("sh");
        limited.args(["-c", &script]).arg(stopped.command(&[]).get_program()).args(TRAIN);
        let said = Said::of(limited.current_dir(stopped.path("")));
        let expected = "error: cannot write t/replay.bin: File too large";
        assert_eq!(said.code, fails.then_some(1), "{share}: {said:?}");
        assert!(!fails || said.error().starts_with(expected), "{share}: {said:?}");
        let again = Said::of(&mut stopped.command(&TRAIN));
        assert_eq!(again.code, Some(0), "{share}: {again:?}");
        assert_eq!(again.err.contains("resumed after "), share > 1.0, "{share}: {again:?}");
        for file in LEFT {
            assert_eq!(stopped.bytes(file), whole.bytes(file), "{share}: {file}");
        }
    }
}

#[test]
fn stored_steps_are_those_of_the_checkpoint_or_refused() {
    let shell = Shell::new();
    assert_eq!(Said::of(&mut shell.command(&TRAIN)).code, Some(0));
    let left = LEFT.map(|file| shell.bytes(file));
    let steps = shell.bytes("t/replay.bin");
    // What follows was written after the checkpoint.
    shell.write("t/replay.bin", [&steps[..], &[1, 2, 3]].concat());
    assert_eq!(Said::of(&mut shell.command(&TRAIN)).code, Some(0));
    assert_eq!(LEFT.map(|file| shell.bytes(file)), left);
    let length = steps.len();
    let mut changed = steps.clone();
    changed[length / 2] ^= 1;
    let short = format!("t/replay.bin: found {} bytes of {length}, expected the steps", length - 1);
    for (bytes, said) in [
        (Some(&steps[..length - 1]), short.as_str()),
        (Some(&changed), "t/replay.bin: found other numbers, expected the steps that"),
        (None, "t/replay.bin: found No such file or directory"),
    ] {
        match bytes {
            Some(bytes) => shell.write("t/replay.bin", bytes),
            None => std::fs::remove_file(shell.path("t/replay.bin")).expect("there was one"),
        }
        let found = Said::of(&mut shell.command(&TRAIN));
        assert!(found.code == Some(2) && found.err.contains(said), "{found:?}");
    }
}

#[test]
fn a_policy_decides_only_where_it_was_learned_for() {
    let shell = Shell::new();
    shell.ok("train --algorithm a2c --steps 2000 --out t");
    let said = shell.ok("offload --policy learned:t/policy.toml --policy local --policy optimum");
    assert_eq!(said.out.lines().count(), 4, "{}", said.out);
    let said = shell.fails(2, "offload --workload sweep:2,4,3 --policy learned:t/policy.toml");
    assert!(said.err.contains("t/policy.toml: `catalogue.actions`: found `local, cloud, cloud+0"));
    assert!(said.err.contains("t/policy.toml: `catalogue.tasks`: found `Assistive System, "));
    let said = shell.fails(2, "train --algorithm a2c --steps 2000 --seed 2 --out t");
    assert!(said.err.contains("t/checkpoint.toml: `catalogue.seed`: found `1`, expected `2`"));
    let text = shell.read("t/policy.toml").replacen("steps = 2000", "steps = 2001", 1);
    shell.write("t/policy.toml", text);
    let said = shell.fails(2, "offload --policy learned:t/policy.toml");
    assert!(said.err.contains("found a hash that is not that of the rest"), "{said:?}");
}

#[test]
fn decisions_of_others_are_compared() {
    let shell = Shell::new();
    let rows: String = (0..30)
        .flat_map(|dialogue| (0..2).map(move |turn| format!("{dialogue},{turn},cloud+1\n")))
        .collect();
    shell.write("d.csv", format!("dialogue,turn,action\n{rows}"));
    let arguments = "offload --workload sweep:2,2,2 --dialogues 30 --policy";
    let said = shell.ok(&format!("{arguments} decisions:d.csv --policy always:cloud+1"));
    let lines: Vec<&str> = said.out.lines().collect();
    let numbers =
        |line: &str| line.split_whitespace().skip(1).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(numbers(lines[1]), numbers(lines[2]));
    shell.write("d.csv", "dialogue,turn,action\n0,0,local\n");
    let said = shell.fails(2, &format!("{arguments} decisions:d.csv"));
    assert!(said.err.contains("d.csv: found no decision for turn "), "{said:?}");
    let said = shell.fails(2, &format!("{arguments} greedy-nkn"));
    assert!(said.err.ends_with("did you mean `greedy-knn`?\n"), "{said:?}");
    for (wrong, said) in [
        ("--workload sweep:3,4", "error: --workload: found `sweep:3,4`, expected X,Y,T with"),
        (
            "--workload sweep:3,4,1000 --dialogues 10000",
            "error: --workload: found 10000 dialogues of 1000 turns, expected at most 5000000",
        ),
        ("--budget 30", "error: --budget: found `30`, expected seconds and US dollars"),
        ("--device TX2", "error: --device: found unknown device `TX2`, expected one of"),
    ] {
        let found = shell.fails(2, &format!("offload {wrong}"));
        assert!(found.err.starts_with(said), "{found:?}");
    }
}

/// Everything that a policy was learned for is compared, and what differs is named.
#[test]
fn a_policy_is_refused_where_anything_that_it_was_learned_for_differs() {
    let shell = Shell::new();
    let made = shell.ok("train --algorithm a2c --steps 2000 --constraint mask --out t");
    assert!(made.out.contains("test reward"), "{made:?}");
    for (other, named) in [
        ("--metric hamming", &["metric"][..]),
        ("--costs physical", &["costs_s", "costs_usd"]),
        ("--costs observed", &["costs_s", "costs_usd"]),
        ("--device 'Raspberry Pi-5'", &["costs_s", "costs_usd"]),
        ("--network 5G", &["costs_s"]),
        ("--seed 2", &["split", "turns"]),
        ("--dialogues 101", &["split", "turns"]),
    ] {
        let said = offload(&shell, other);
        assert_eq!(said.code, Some(2), "{other}: {said:?}");
        for name in named {
            let problem = format!("t/policy.toml: `catalogue.{name}`: found `");
            assert!(said.err.contains(&problem), "{other}: {said:?}");
        }
        assert!(!said.err.contains("`catalogue.tasks`"), "{other}: {said:?}");
    }
    assert_eq!(offload(&shell, "--budget 10,0.01").code, Some(0));
}

fn offload(shell: &Shell, more: &str) -> Said {
    let mut arguments = vec!["offload", "--policy", "learned:t/policy.toml"];
    let (option, value) = more.split_once(' ').expect("an option and its value");
    arguments.extend([option, value.trim_matches('\'')]);
    Said::of(&mut shell.command(&arguments))
}

/// The dialogues of a file are split by the seed: with another one, some that were learned from
/// would be tested.
#[test]
fn a_policy_never_meets_the_dialogues_that_it_was_trained_on() {
    let shell = Shell::new();
    let text = like_m4a1(40, Rng::new(1, 0)).to_csv();
    shell.write("d.csv", &text);
    shell.ok("train --workload d.csv --algorithm a2c --steps 2000 --out t");
    let again = "offload --workload d.csv --policy learned:t/policy.toml";
    shell.ok(again);
    let said = shell.fails(2, &format!("{again} --seed 2"));
    let split = "t/policy.toml: `catalogue.split`: found `16 of 40 dialogues, ";
    assert!(said.err.contains(split), "{said:?}");
    assert!(!said.err.contains("`catalogue.turns`"), "the turns are the same: {said:?}");
    // The same turns with another score are other dialogues.
    shell.write("d.csv", text.replacen(",0.2", ",0.3", 1));
    let said = shell.fails(2, again);
    assert!(said.err.contains("`catalogue.turns`: found `"), "{said:?}");
}

#[test]
fn few_dialogues_are_split_and_one_is_refused() {
    let shell = Shell::new();
    let rows = |count: usize| {
        let said =
            shell.ok(&format!("offload --evaluation self --dialogues {count} --policy local"));
        let row: Vec<String> =
            said.out.lines().nth(1).expect("a row").split_whitespace().map(str::to_owned).collect();
        row
    };
    for count in 2..=5 {
        let row = rows(count);
        assert!(row[1].parse::<f64>().expect("a reward") != 0.0, "{row:?}");
        assert_eq!(row[10], "1", "{row:?}");
    }
    for command in ["offload", "train --steps 2000 --out t"] {
        let said = shell.fails(2, &format!("{command} --dialogues 1"));
        let expected = "error: --workload: found 1 dialogue, expected two or more, some to learn";
        assert!(said.err.starts_with(expected), "{said:?}");
    }
}

/// Every row says how many dialogues it is about; differences are taken dialogue by dialogue.
#[test]
fn the_optimum_is_found_at_seven_turns_and_counts_what_it_leaves_out() {
    let shell = Shell::new();
    let arguments = "offload --workload sweep:1,2,7 --policy local --policy greedy-knn-guarded \
                     --policy optimum";
    let said = shell.ok(&format!("{arguments} --dialogues 50"));
    let rows: Vec<Vec<&str>> =
        said.out.lines().skip(1).map(|line| line.split_whitespace().collect()).collect();
    let reward = |row: usize| rows[row][1].parse::<f64>().expect("a reward");
    assert!(reward(2) >= reward(1) && reward(1) > reward(0), "{}", said.out);
    let head = said.out.lines().next().expect("a head");
    assert!(head.contains("reward less local") && head.ends_with("scored by"), "{}", said.out);
    assert!(rows.iter().all(|row| row[10] == "50"), "{}", said.out);
    let less: f64 = rows[2][12].parse().expect("a difference");
    assert!((less - (reward(2) - reward(0))).abs() < 2e-4, "{}", said.out);
    // Not even local answers keep to this budget.
    let said = shell.ok(&format!("{arguments} --dialogues 50 --budget 0.01,0.05"));
    assert!(said.err.contains("- optimum: 50 of 50 dialogues cannot keep to the budget"));
    let last = said.out.lines().last().expect("a row");
    assert!(last.contains("–") && last.contains("0 of 50"), "{}", said.out);
    let said = shell.fails(2, "offload --workload sweep:6,6,6 --dialogues 10 --policy optimum");
    let expected = "error: --policy: found `optimum` of a dialogue with 6 turns of 65 actions";
    assert!(said.err.starts_with(expected), "{said:?}");
    let said = shell.ok("offload --workload sweep:6,6,6 --dialogues 10");
    assert!(said.err.contains("too long, or views too many, for the row `optimum`"), "{said:?}");
    assert!(!said.out.contains("optimum"), "{}", said.out);
}
