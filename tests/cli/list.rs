//! `peeksim list`

use crate::support::shell::{self, Shell};
use peeksim::config::settings::in_a_line;
use peeksim::scheduler::REGISTRY;
use peeksim::system::penalty::PENALTIES;
use peeksim::workload::ARRIVALS;
use serde_json::Value;

#[test]
fn everything_is_listed_with_its_source() {
    let shell = Shell::new();
    let text = shell.ok("list").out;
    for entry in REGISTRY {
        let head = format!("  {}: {}\n      source: {}\n", entry.name, entry.summary, entry.source);
        assert!(text.contains(&head), "{}", entry.name);
        let settings = in_a_line(&entry.described().settings);
        assert!(text.contains(&settings), "{}", entry.name);
    }
    for (name, source) in PENALTIES
        .iter()
        .map(|entry| (entry.name, entry.source))
        .chain(ARRIVALS.iter().map(|entry| (entry.name, entry.source)))
    {
        assert!(text.contains(&format!("  {name}: ")) && text.contains(source), "{name}");
    }
    let asks =
        "\n  quickstart: What do 18 schedulers make of three measured applications on one edge";
    assert!(text.contains(asks), "{text}");
    for list in ["schedulers", "penalties", "arrivals", "policies", "figures", "tables"] {
        let own = shell.ok(&format!("list {list}")).out;
        let heading = own.lines().next().expect("a heading");
        assert!(text.contains(&own), "{list} alone is another list");
        assert!(heading.starts_with(&list[..3]) && !own.contains("\n\n"), "{own}");
    }
}

#[test]
fn experiments_are_listed_with_question_profiles_and_metrics() {
    let text = Shell::new().ok("list experiments").out;
    let lines: Vec<&str> = text.lines().skip(1).collect();
    for pair in lines.chunks(2) {
        let [name, more] = pair else { panic!("{pair:?}") };
        assert!(name.ends_with('?'), "{name}: no question");
        assert!(!more.contains("profiles: ;") && !more.ends_with("metrics: "), "{name}{more}");
    }
    let of = |name: &str| {
        let at = lines.iter().position(|line| line.starts_with(&format!("  {name}: ")));
        lines[at.expect("an experiment") + 1].trim()
    };
    assert!(of("quickstart").starts_with("profiles: activity, heartbeat, voice; metrics: "));
    assert!(of("quickstart").contains("utility_mean"));
    assert!(of("offloading").starts_with("profiles: profiles/offloading.toml; metrics: reward_"));
    assert!(of("knees").contains("utility_mean"), "what its searches limit");
}

/// Every setting that `list` shows has a sentence, common keys included.
#[test]
fn every_setting_has_a_sentence() {
    let shell = Shell::new();
    let all: Value = serde_json::from_str(&shell.ok("list --json").out).expect("JSON");
    let names: Vec<String> = ["schedulers", "penalties", "arrivals", "policies"]
        .iter()
        .flat_map(|list| all[*list].as_array().expect("a list"))
        .map(|entry| entry["name"].as_str().expect("a name").to_owned())
        .filter(|name| !name.contains(':') && name != "optimum")
        .chain(["knn", "quickstart", "offloading"].map(str::to_owned))
        .collect();
    for name in names {
        let found = shell.ok(&format!("list {name} --json")).out;
        let found: Value = serde_json::from_str(&found).expect("JSON");
        let entries = found["entries"].as_array().cloned().unwrap_or_else(|| vec![found]);
        for setting in entries.iter().filter_map(|entry| entry["settings"].as_array()).flatten() {
            let (key, meaning) = (&setting["key"], setting["meaning"].as_str().expect("a text"));
            let is_sentence = meaning.ends_with('.') && meaning.contains(' ');
            assert!(is_sentence && meaning.starts_with(char::is_uppercase), "{name}: {key}");
        }
    }
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
            let told = entry.described().settings.iter().any(|setting| setting.key == key);
            assert!(told, "{}: `list` does not tell `{key}`", entry.name);
        }
    }
}

#[test]
fn listed_settings_of_schedulers_are_the_ones_that_are_read() {
    let shell = Shell::small();
    for entry in REGISTRY {
        let scheduler = format!("scheduler={{name=\"{}\",no_such_parameter=1}}", entry.name);
        let arguments = ["check", "small.toml", "--set", &scheduler];
        let said = shell::Said::of(&mut shell.command(&arguments));
        assert_eq!(said.code, Some(2), "{said:?}");
        let known = said.err.split("expected one of ").nth(1).expect("the known keys");
        let known = known.split(['\n', ';']).next().expect("a list");
        let told = entry.described().settings;
        for key in known.split(", ").filter(|key| *key != "name") {
            let told = told.iter().any(|setting| setting.key == key);
            assert!(told, "{}: `list` does not tell `{key}`", entry.name);
        }
    }
}

#[test]
fn the_settings_of_one_are_a_table() {
    let shell = Shell::new();
    let said = shell.ok("list grouped").out;
    assert!(said.starts_with("scheduler grouped: one group and one variant per application"));
    for setting in REGISTRY.iter().find(|e| e.name == "grouped").expect("it").described().settings {
        let line = said.lines().find(|line| line.trim_start().starts_with(setting.key));
        let line = line.unwrap_or_else(|| panic!("{}", setting.key));
        assert!(line.contains(&setting.shown_default()) && line.ends_with(setting.meaning));
    }
    let said = shell.ok("list diurnal").out;
    assert!(said.contains("period_s") && said.contains("a number from 0.001 to 1000000000, s"));
    assert!(shell.ok("list sigmoid").out.contains("tolerance_ms"));
    assert!(shell.ok("list knn").out.contains("reference.csv"));
    let said = shell.ok("list quickstart").out;
    assert!(said.contains("varies: workload.rate_rps") && !said.contains("stalls"), "{said}");
}
