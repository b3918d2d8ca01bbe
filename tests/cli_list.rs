//! `peeksim list`

mod shell;

use peeksim::model::arrival::ARRIVALS;
use peeksim::model::penalty::PENALTIES;
use peeksim::sched::REGISTRY;
use shell::Shell;

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
            Some(other) => peeksim::sched::find(other).expect("a scheduler").params,
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
