//! `peeksim check`

use crate::support::shell::{self, SMALL, Shell};

#[test]
fn nothing_is_written() {
    let shell = Shell::small();
    shell.ok("check small.toml");
    assert!(!shell.exists("results"));
}

#[test]
fn its_ids_are_those_of_the_sweep() {
    let shell = Shell::small();
    let plan = shell.ok("check small.toml").out;
    shell.ok("sweep small.toml");
    let ids = shell::column(&shell.read("results/small/runs.csv"), "run_id");
    for id in &ids[..5] {
        assert!(plan.contains(id), "{id} is not in\n{plan}");
    }
}

#[test]
fn an_experiment_without_axes_is_one_configuration() {
    let shell = Shell::new();
    let (base, _) = SMALL.split_once("[[axis]]").expect("an axis");
    shell.write("one.toml", format!("{base}scheduler = \"random\"\n"));
    let said = shell.ok("check one.toml");
    assert!(said.out.starts_with("one: 1 configurations × 2 replicates = 2 runs"), "{said:?}");
    let said = shell.ok("sweep one.toml");
    assert!(said.out.contains("2 runs: 600 requests arrived"), "{said:?}");
    assert!(!shell.exists("results/one/compare.csv"));
}

#[test]
fn a_window_that_eats_the_budget_is_noted() {
    let shell = Shell::small();
    let notes = |window: u32| {
        let scheduler = format!("scheduler={{name=\"grouped\",window_ms={window}}}");
        let budget = "budget_ms={voice=100,activity={uniform=[40,90]}}";
        let arguments = ["check", "small.toml", "--set", &scheduler, "--set", budget];
        shell::Said::of(&mut shell.command(&arguments)).err
    };
    let note = "- window_ms = 21 is more than half of the budget of activity, 40 ms\n";
    assert!(notes(21).contains(note), "{}", notes(21));
    assert!(!notes(20).contains("window_ms"), "{}", notes(20));
}

/// A list is one value of an axis; a filter names it by its label.
#[test]
fn lists_are_values_of_axes() {
    let shell = Shell::small();
    let (base, _) = SMALL.split_once("[[axis]]").expect("an axis");
    let axis = "[[axis]]\nkey = \"apps\"\nvalues = [[\"activity\"], [\"activity\", \"voice\"]]\n";
    let text = |filter: &str| {
        format!(
            "{base}scheduler = \"edf\"\n{axis}[[expect]]\naxis = \"apps\"\n\
             claim = '[\"activity\"] >= [\"activity\", \"voice\"]'\nwhere = {{ apps = {filter} }}\n"
        )
    };
    shell.write("lists.toml", text("'[\"activity\"]'"));
    let said = shell.ok("check lists.toml");
    assert!(said.out.contains("  apps = [\"activity\", \"voice\"]\n"), "{}", said.out);
    let one = shell::Said::of(&mut shell.command(&[
        "check",
        "lists.toml",
        "--set",
        "apps=[[\"voice\"]]",
        "--set",
        "expect=[]",
    ]));
    assert!(one.out.contains("  apps takes 1 values\n"), "{one:?}");
    shell.write("lists.toml", text("[\"activity\"]"));
    assert!(shell.fails(2, "check lists.toml").err.contains("unknown value `activity`"));
}
