//! Tables in Markdown that are generated: schedulers, arrival processes, policies, the columns of
//! the results; and their schema.
//!
//! `UPDATE_README=1 cargo test readme` writes them.

use peeksim::config::settings::in_a_line;
use peeksim::contract::AccuracySource;
use peeksim::metrics::ColumnKind;
use peeksim::offloading::POLICIES;
use peeksim::offloading::policy_spec::OTHER_POLICIES;
use peeksim::report::data_dictionary::{FieldDescription, files};
use peeksim::report::package::dictionary;
use peeksim::scheduler::REGISTRY;
use peeksim::system::latency::LatencyFit;
use peeksim::system::profile::Profile;
use peeksim::workload::ARRIVALS;
use std::sync::Mutex;

/// Compares what stands between two marks of a file, or writes it.
pub fn check(file: &str, begin: &str, end: &str, expected: &str) {
    // Two tables stand in one file.
    static WRITING: Mutex<()> = Mutex::new(());
    let _one = WRITING.lock();
    let path = format!("{}/{file}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).expect("the file is there");
    let (before, rest) = text.split_once(begin).expect("the opening mark");
    let (found, after) = rest.split_once(end).expect("the closing mark");
    let expected = format!("\n{expected}\n");
    if std::env::var_os("UPDATE_README").is_some() {
        let text = format!("{before}{begin}{expected}{end}{after}");
        std::fs::write(&path, text).expect("the file can be written");
        return;
    }
    assert_eq!(found, expected, "{file}: run UPDATE_README=1 cargo test readme");
}

#[test]
fn schedulers_are_what_the_registry_says() {
    let mut table =
        String::from("| name | what it does | accuracy | source |\n|---|---|---|---|\n");
    for entry in REGISTRY {
        let accuracy = entry.accuracy.map_or("none", AccuracySource::name);
        let (name, summary, source) = (entry.name, entry.summary, entry.source);
        table.push_str(&format!("| `{name}` | {summary} | {accuracy} | {source} |\n"));
    }
    let begin =
        "<!-- schedulers: generated from the registry, checked by tests/repository/readme.rs -->\n";
    check("docs/src/schedulers.md", begin, "<!-- end of schedulers -->", &table);
}

#[test]
fn arrival_processes_are_what_the_registry_says() {
    let mut table = String::from(
        "| `workload.arrivals` | what arrives | settings | from |\n|---|---|---|---|\n",
    );
    for entry in ARRIVALS {
        let settings = match in_a_line(&entry.described().settings) {
            settings if settings.is_empty() => settings,
            settings => format!("`{settings}`"),
        };
        let (name, summary, source) = (entry.name, entry.summary, entry.source);
        table.push_str(&format!("| `{name}` | {summary} | {settings} | {source} |\n"));
    }
    let begin =
        "<!-- arrivals: generated from the registry, checked by tests/repository/readme.rs -->\n";
    check("docs/src/workloads.md", begin, "<!-- end of arrivals -->", &table);
}

#[test]
fn policies_are_what_the_list_says() {
    let mut table = String::from("| policy | what it does | source |\n|---|---|---|\n");
    let listed = POLICIES.iter().map(|entry| (entry.name, entry.summary, entry.source));
    let other = OTHER_POLICIES.iter().map(|entry| (entry.name, entry.summary, entry.source));
    for (name, summary, source) in listed.chain(other) {
        table.push_str(&format!("| `{name}` | {summary} | {source} |\n"));
    }
    let begin =
        "<!-- policies: generated from the list, checked by tests/repository/readme.rs -->\n";
    check("docs/src/offloading.md", begin, "<!-- end of policies -->", &table);
}

/// The range of a column, or its words.
fn range(kind: ColumnKind) -> String {
    match kind {
        ColumnKind::Count => "whole, ≥ 0".to_owned(),
        ColumnKind::Number(low, high) if low.is_infinite() && high.is_infinite() => {
            "number".to_owned()
        }
        ColumnKind::Number(low, high) if high.is_infinite() => format!("number ≥ {low}"),
        ColumnKind::Number(low, high) => format!("number, {low} to {high}"),
        ColumnKind::Word(words) => words.join(", "),
        ColumnKind::Text => "text".to_owned(),
    }
}

#[test]
fn columns_are_what_results_have() {
    let mut text = String::new();
    for file in files() {
        text.push_str(&format!("\n## {}\n\nA row: {}.\n\n", file.title(), file.rows));
        if file.name == "summary.csv" {
            text.push_str(
                "The axes, `accuracy_source`, `replicates`; then for every metric of runs.csv ",
            );
            text.push_str(
                "that is a number its mean, `_sd` and\n`_ci95` (half width). Empty where too few ",
            );
            text.push_str("replicates have it.\n");
            continue;
        }
        text.push_str("| column | cells | unit | meaning | empty if |\n|---|---|---|---|---|\n");
        for field in file.fields {
            let (cells, unit) = (range(field.kind), field.unit());
            let FieldDescription { name, meaning, empty, .. } = field;
            text.push_str(&format!("| `{name}` | {cells} | {unit} | {meaning} | {empty} |\n"));
        }
    }
    let begin = "<!-- columns: generated, checked by tests/repository/readme.rs -->\n";
    check("docs/src/result-columns.md", begin, "<!-- end of columns -->", &text);
}

/// Every shipped latency that the default fit changes by more than a tenth.
#[test]
fn latencies_that_the_fit_changes_are_listed() {
    let head = "| profile | table | batch | measured, ms | fitted, ms | change |\n";
    let mut table = format!("{head}|---|---|---|---|---|---|\n");
    let folder = format!("{}/profiles", env!("CARGO_MANIFEST_DIR"));
    let entries = std::fs::read_dir(&folder).expect("a folder").map(|e| e.expect("an entry"));
    let mut apps: Vec<String> = entries
        .filter(|entry| entry.path().join("app.toml").exists())
        .map(|entry| entry.file_name().into_string().expect("UTF-8"))
        .collect();
    apps.sort();
    for app in &apps {
        let profile = Profile::read(&format!("{folder}/{app}")).expect("a shipped profile");
        let peek = profile.peek.iter().map(|points| ("`peek.csv`".to_owned(), points));
        let costs = profile.variants.iter().flat_map(|v| v.costs.iter().map(move |c| (v, c)));
        let costs = costs.map(|(v, c)| (format!("`{}`, `{}`", v.name, c.worker_class), &c.latency));
        for (name, points) in costs.chain(peek) {
            let moved = points.moved(LatencyFit::default());
            for cell in moved.filter(|cell| cell.ratio().abs() > 0.1) {
                let (batch, from, to) = (cell.batch, cell.from.as_ms(), cell.to.as_ms());
                let change = 100.0 * cell.ratio();
                table.push_str(&format!(
                    "| `{app}` | {name} | {batch} | {from} | {to:.5} | {change:+.0} % |\n"
                ));
            }
        }
    }
    let begin = "<!-- fitted latencies: generated, checked by tests/repository/readme.rs -->\n";
    check("profiles/README.md", begin, "<!-- end of fitted latencies -->", &table);
}

#[test]
fn the_schema_is_what_results_have() {
    let text = format!("{:#}\n", dictionary());
    let path = format!("{}/results/schema.json", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("UPDATE_README").is_some() {
        std::fs::write(&path, &text).expect("the file can be written");
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == text, "results/schema.json: run UPDATE_README=1 cargo test readme");
}

/// A line of `results/tmo/tmo.csv`.
struct Reproduced {
    section: String,
    name: String,
    /// Figure, half width, target, tolerance.
    numbers: [Option<f64>; 4],
    verdict: String,
}

fn reproduced() -> Vec<Reproduced> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/results/tmo/tmo.csv");
    let text = std::fs::read_to_string(path).expect("the file is there");
    let line = |line: &str| {
        let (section, rest) = line[1..].split_once("\",\"").expect("a section");
        let (name, rest) = rest.split_once("\",").expect("a name");
        let cells: Vec<&str> = rest.split(',').collect();
        Reproduced {
            section: section.to_owned(),
            name: name.to_owned(),
            numbers: [0, 1, 2, 3].map(|at| cells[at].parse().ok()),
            verdict: cells[4].to_owned(),
        }
    };
    text.lines().skip(1).map(line).collect()
}

/// `1.26 ± .04`, or the figure alone.
fn cell(lines: &[Reproduced], section: &str, name: &str, digits: usize, interval: bool) -> String {
    let line = lines.iter().find(|line| line.section == section && line.name == name);
    let line = line.unwrap_or_else(|| panic!("no line {section}: {name}"));
    let figure = line.numbers[0].expect("a figure");
    match line.numbers[1].filter(|_| interval) {
        Some(width) => format!("{figure:.digits$} ± {width:.digits$}"),
        None => format!("{figure:.digits$}"),
    }
}

const BUDGETS: [&str; 5] = [
    "30 s and 0.05 USD",
    "20 s and 0.03 USD",
    "15 s and 0.02 USD",
    "10 s and 0.01 USD",
    "7 s and 0.007 USD",
];

/// How many figures there are, and what their tolerances say.
fn counts(lines: &[Reproduced]) -> String {
    let count = |of: &dyn Fn(&Reproduced) -> bool| lines.iter().filter(|line| of(line)).count();
    let verdict =
        |name: &str| count(&|line: &Reproduced| line.verdict == name && line.numbers[3].is_some());
    format!(
        "Of its {} figures {} have a target, and {} of these a tolerance: {} hold, {} are \
         contradicted, and {} are undecided.\n",
        lines.len(),
        count(&|line| line.numbers[2].is_some()),
        count(&|line| line.numbers[3].is_some()),
        verdict("holds"),
        verdict("contradicted"),
        verdict("undecided"),
    )
}

/// Agents within the published budget, beside the reference.
fn agents(lines: &[Reproduced]) -> String {
    const AGENTS: [&str; 3] = ["PPO", "A2C", "DQN"];
    let mut text = "| agent | PPO | A2C | DQN | reference |\n|---|---|---|---|---|\n".to_owned();
    for (what, kind, prefix) in [
        ("as the authors train them", "compat", ""),
        ("the same, their own decisions entering the next state", "rolled", ""),
        ("the first, a budget in the state, over it is worth 0", "compat", "RC-"),
    ] {
        let name = |agent: &str| format!("{prefix}{agent}, {kind}, {}, reward", BUDGETS[0]);
        let ours = AGENTS.map(|agent| cell(lines, "learners", &name(agent), 2, true));
        let targets = AGENTS.map(|agent| {
            let own = |l: &&Reproduced| l.section == "learners" && l.name == name(agent);
            let line = lines.iter().find(own).expect("a line");
            format!("{:.2}", line.numbers[2].expect("a target"))
        });
        text.push_str(&format!("| {what} | {} | {} |\n", ours.join(" | "), targets.join(", ")));
    }
    text
}

/// Who keeps to tighter budgets, and what is reached there.
fn budgets(lines: &[Reproduced]) -> String {
    let mut text = "| budget | PPO, over is worth 0 | PPO with a mask | planner with a guard | \
                    `tmo-rl-plus` | optimum |\n|---|---|---|---|---|---|\n"
        .to_owned();
    for budget in BUDGETS {
        let agent = |name: &str| {
            let name = format!("{name}, {budget}");
            let share = |what: &str| {
                let name = format!("{name}, share over the {what} budget");
                let line = lines.iter().find(|line| line.name == name).expect("a line");
                format!("{:.0}", 100.0 * line.numbers[0].expect("a figure"))
            };
            let reward = cell(lines, "learners", &format!("{name}, reward"), 2, true);
            format!("{reward} ({} / {} %)", share("time"), share("usage"))
        };
        let bound =
            |name: &str, interval| cell(lines, "bounds", &format!("{name}, {budget}"), 3, interval);
        text.push_str(&format!(
            "| {budget} | {} | {} | {} | {} | {} |\n",
            agent("RC-PPO, compat"),
            agent("tmo-rl, PPO"),
            bound("greedy-knn-guarded", false),
            bound("tmo-rl-plus", false),
            bound("optimum", false),
        ));
    }
    text
}

/// Policies of the sections about independent rewards, with their names in documents.
const POLICIES_SCORED: [(&str, &str); 13] = [
    ("local", "`local`"),
    ("cloud", "`cloud`, views at random"),
    ("always:cloud", "`always:cloud`"),
    ("always:cloud+0", "`always:cloud+0`"),
    ("always:cloud+1", "`always:cloud+1`"),
    ("always:cloud+2", "`always:cloud+2`"),
    ("always:cloud+0+1", "`always:cloud+0+1`"),
    ("always:cloud+0+1+2", "`always:cloud+0+1+2`"),
    ("greedy-knn-guarded", "`greedy-knn-guarded`"),
    ("RC-PPO, compat", "PPO, over the budget is worth 0"),
    ("tmo-rl, PPO", "PPO with a mask"),
    ("tmo-rl, A2C", "A2C with a mask"),
    ("tmo-rl-plus", "`tmo-rl-plus`"),
];

/// Rewards scored by dialogues that neither taught nor were tested, with the share beyond a budget.
fn cross_fitted(lines: &[Reproduced]) -> String {
    let mut text = format!("| policy | {} |\n|---|---|---|---|---|---|\n", BUDGETS.join(" | "));
    for (policy, shown) in POLICIES_SCORED {
        let cells = BUDGETS.map(|budget| {
            let name = format!("{policy}, {budget}");
            let reward = cell(lines, CROSSED, &format!("{name}, reward"), 3, true);
            let over = format!("{name}, share beyond a budget");
            let line = lines.iter().find(|l| l.section == CROSSED && l.name == over);
            let over = 100.0 * line.expect("a line").numbers[0].expect("a figure");
            format!("{reward} ({over:.0} %)")
        });
        text.push_str(&format!("| {shown} | {} |\n", cells.join(" | ")));
    }
    text
}

const CROSSED: &str = "cross-fitted";

/// Our agent less others, by dialogue, with the share of dialogues that it wins.
fn differences(lines: &[Reproduced]) -> String {
    let mut text =
        format!("| `tmo-rl-plus` less | {} |\n|---|---|---|---|---|---|\n", BUDGETS.join(" | "));
    for (policy, shown) in POLICIES_SCORED.iter().filter(|(policy, _)| *policy != "tmo-rl-plus") {
        let cells = BUDGETS.map(|budget| {
            let pair = format!("tmo-rl-plus less {policy}, {budget}");
            let won = format!("{pair}, share of dialogues won");
            let line = lines.iter().find(|l| l.section == CROSSED && l.name == won);
            let won = 100.0 * line.expect("a line").numbers[0].expect("a figure");
            format!("{} ({won:.0} %)", cell(lines, CROSSED, &pair, 3, true))
        });
        text.push_str(&format!("| {shown} | {} |\n", cells.join(" | ")));
    }
    text
}

/// Rewards of generated dialogues by each way to score.
fn generated(lines: &[Reproduced]) -> String {
    let head = ["policy", "by the estimator that decided", "cross-fitted", "by the law"];
    let mut text = format!("| {} |\n|---|---|---|---|\n", head.join(" | "));
    for (policy, shown) in POLICIES_SCORED {
        let name = |scorer: &str| format!("{policy}, scored by {scorer}");
        if lines.iter().all(|line| line.name != name("self")) {
            continue;
        }
        let cells = ["self", "cross-fitted", "true"]
            .map(|scorer| cell(lines, "generated", &name(scorer), 3, true));
        text.push_str(&format!("| {shown} | {} |\n", cells.join(" | ")));
    }
    text
}

/// Makes a part of a table of the figures.
type TablePart = fn(&[Reproduced]) -> String;

#[test]
fn dialogues_are_what_the_reproduction_found() {
    let lines = reproduced();
    let tables: [(&str, &[TablePart]); 4] = [
        ("cross-fitted", &[cross_fitted]),
        ("differences", &[differences]),
        ("generated", &[generated]),
        ("published", &[counts, agents, budgets]),
    ];
    for (name, parts) in tables {
        let parts: Vec<String> = parts.iter().map(|part| part(&lines)).collect();
        let begin = format!(
            "<!-- {name}: generated from results/tmo/tmo.csv, checked by \
             tests/repository/readme.rs -->\n"
        );
        check("docs/src/tmo.md", &begin, &format!("<!-- end of {name} -->"), &parts.join("\n"));
    }
}
