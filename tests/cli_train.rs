//! `peeksim train` and `peeksim offload`

use crate::shell::{Said, Shell, column};
use std::process::Stdio;
use std::time::Duration;

const TRAIN: [&str; 9] =
    ["train", "--algorithm", "dqn", "--constraint", "mask", "--steps", "8000", "--out", "t"];

#[test]
fn a_training_killed_goes_on_to_the_same_bytes() {
    let (whole, killed) = (Shell::new(), Shell::new());
    assert_eq!(Said::of(&mut whole.command(&TRAIN)).code, Some(0));
    let mut command = killed.command(&TRAIN);
    let mut child = command.stderr(Stdio::null()).stdout(Stdio::null()).spawn().expect("it starts");
    while !killed.exists("t/checkpoint.toml") && child.try_wait().expect("a child").is_none() {
        std::thread::sleep(Duration::from_millis(2));
    }
    child.kill().expect("it may be over already");
    child.wait().expect("it is over");
    let again = Said::of(&mut killed.command(&TRAIN));
    assert_eq!(again.code, Some(0), "{again:?}");
    assert!(again.err.contains("goes on after "), "{again:?}");
    for file in ["t/policy.toml", "t/curve.csv", "t/checkpoint.toml", "t/curve.svg", "t/curve.png"]
    {
        assert_eq!(killed.bytes(file), whole.bytes(file), "{file}");
    }
    assert_eq!(column(&whole.read("t/curve.csv"), "steps"), ["2000", "4000", "6000", "8000"]);
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
        ("--workload sweep:3,4", "error: --workload: found `3,4`, expected X,Y,T with"),
        (
            "--workload sweep:3,4,1000 --dialogues 10000",
            "error: --dialogues: found 10000 dialogues of 1000 turns, expected at most 5000000",
        ),
        ("--budget 30", "error: --budget: found `30`, expected seconds and US dollars"),
        ("--device TX2", "error: --device: found unknown device `TX2`, expected one of"),
    ] {
        let found = shell.fails(2, &format!("offload {wrong}"));
        assert!(found.err.starts_with(said), "{found:?}");
    }
}

#[test]
fn seeds_trained_at_once_are_those_trained_alone() {
    let shell = Shell::new();
    let said = shell.ok("train --algorithm a2c --steps 2000 --seed 4 --seeds 2 --out both");
    assert_eq!(said.out.lines().count(), 2, "{}", said.out);
    shell.ok("train --algorithm a2c --steps 2000 --seed 5 --out alone");
    for file in ["policy.toml", "curve.csv"] {
        let both = shell.bytes(&format!("both/seed-5/{file}"));
        assert_eq!(both, shell.bytes(&format!("alone/{file}")), "{file}");
        assert_ne!(both, shell.bytes(&format!("both/seed-4/{file}")), "{file}");
    }
    shell.fails(2, "train --steps 2000 --seeds 0 --out none");
}
