//! `peeksim list`

use crate::support::shell::{self, Shell};
use peeksim::scheduler::REGISTRY;
use peeksim::system::penalty::PENALTIES;
use peeksim::workload::ARRIVALS;

#[test]
fn everything_is_listed_with_its_source() {
    let text = Shell::new().ok("list").out;
    for entry in REGISTRY {
        let head = format!("  {}: {}\n      source: {}\n", entry.name, entry.summary, entry.source);
        assert!(text.contains(&head), "{}", entry.name);
        assert!(text.contains(entry.params), "{}", entry.name);
    }
    for (name, source) in PENALTIES
        .iter()
        .map(|entry| (entry.name, entry.source))
        .chain(ARRIVALS.iter().map(|entry| (entry.name, entry.source)))
    {
        assert!(text.contains(&format!("  {name}: ")) && text.contains(source), "{name}");
    }
    assert!(text.contains("\n  quickstart\n"));
}

#[test]
fn listed_settings_of_arrivals_are_the_ones_that_are_read() {
    let shell = Shell::small();
    for entry in ARRIVALS {
        let source = format!("workload.arrivals={{name=\"{}\",no_such_setting=1}}", entry.name);
        let arguments = ["check", "small.toml", "--set", &source];
        let said = shell::Said::of(&mut shell.command(&arguments));
        assert_eq!(said.code, Some(2), "{said:?}");
        let line = said.err.lines().find(|line| line.contains("no_such_setting"));
        let known = line.expect("the setting").split("expected one of ").nth(1).unwrap_or("");
        let known = known.split(['\n', ';']).next().unwrap_or("");
        for key in known.split(", ").filter(|key| *key != "name") {
            assert!(entry.params.contains(key), "{}: `list` does not tell `{key}`", entry.name);
        }
    }
}

/// Parameters are told in words; the words must name those that are read.
#[test]
fn listed_parameters_are_the_ones_that_are_read() {
    let shell = Shell::small();
    for entry in REGISTRY {
        let scheduler = format!("scheduler={{name=\"{}\",no_such_parameter=1}}", entry.name);
        let arguments = ["check", "small.toml", "--set", &scheduler];
        let said = shell::Said::of(&mut shell.command(&arguments));
        assert_eq!(said.code, Some(2), "{said:?}");
        let known = said.err.split("expected one of ").nth(1).expect("the known keys");
        let known = known.split(['\n', ';']).next().expect("a list");
        let told = match entry.params.strip_prefix("as ") {
            Some(other) => peeksim::scheduler::find(other).expect("a scheduler").params,
            None => entry.params,
        };
        for key in known.split(", ").filter(|key| !["name", "accuracy"].contains(key)) {
            assert!(told.contains(key), "{}: `list` does not tell `{key}`", entry.name);
        }
        if known.split(", ").any(|key| key == "accuracy") {
            assert!(entry.accuracy.is_some(), "{}", entry.name);
        }
    }
}
