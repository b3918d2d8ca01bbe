//! What is written is what `results/schema.json` says, cell by cell.

use crate::support::shell::{Shell, repository};
use peeksim::config::source::hash;
use peeksim::experiment::build_id;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;

/// The columns of a file by the schema.
fn fields(file: &str) -> Vec<Value> {
    let text = fs::read_to_string(repository("results/schema.json")).expect("a schema");
    let package: Value = serde_json::from_str(&text).expect("JSON");
    let resources = package["resources"].as_array().expect("resources");
    let own = resources.iter().find(|resource| resource["path"] == file);
    let own = own.unwrap_or_else(|| panic!("{file} is not in the schema"));
    own["schema"]["fields"].as_array().expect("fields").clone()
}

/// The fields of a header, those of axes as often as there are axes.
fn matched(file: &str, header: &csv::StringRecord) -> Vec<Value> {
    let fields = fields(file);
    let axes = (header.len() + 1).saturating_sub(fields.len());
    let mut matched = Vec::new();
    for field in fields {
        if field["name"] == "<axes>" {
            matched.extend(std::iter::repeat_n(field, axes));
        } else {
            matched.push(field);
        }
    }
    assert_eq!(matched.len(), header.len(), "{file}: {header:?}");
    for (field, name) in matched.iter().zip(header) {
        assert!(field["name"] == "<axes>" || field["name"] == name, "{file}: {name}: {field}");
    }
    matched
}

/// What is wrong with a cell.
fn wrong(field: &Value, cell: &str) -> Option<&'static str> {
    let constraints = &field["constraints"];
    if cell.is_empty() {
        return (constraints["required"] == true).then_some("empty");
    }
    if let Some(words) = constraints["enum"].as_array() {
        return (!words.iter().any(|word| word == cell)).then_some("another word");
    }
    let number = match field["type"].as_str().expect("a type") {
        "integer" => cell.parse().ok().map(|number: i64| number as f64),
        "number" => cell.parse::<f64>().ok().filter(|number| number.is_finite()),
        "string" | "any" => return None,
        "boolean" => return (!["true", "false"].contains(&cell)).then_some("no flag"),
        _ => None,
    };
    let Some(number) = number else { return Some("no number") };
    // Sums of shares may exceed 1 by their last digit.
    let slack = 1e-12;
    let low = constraints["minimum"].as_f64().unwrap_or(f64::NEG_INFINITY) - slack;
    let high = constraints["maximum"].as_f64().unwrap_or(f64::INFINITY) + slack;
    (number < low || number > high).then_some("out of range")
}

/// Holds a text against the schema of a file; how many cells it has.
fn check(file: &str, text: &str) -> usize {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let fields = matched(file, reader.headers().expect("a header"));
    let mut cells = 0;
    for record in reader.records() {
        for (field, cell) in fields.iter().zip(&record.expect("a row")) {
            let wrong = wrong(field, cell);
            assert!(wrong.is_none(), "{file}, {}: `{cell}`: {wrong:?}", field["name"]);
            cells += 1;
        }
    }
    assert!(cells > 0, "{file}: nothing to check");
    cells
}

const TABLES: [&str; 9] = [
    "apps",
    "batch_sizes",
    "batches",
    "late_because",
    "loads",
    "timeseries",
    "timeseries_variants",
    "variants",
    "workers",
];

#[test]
fn every_file_of_a_sweep_is_as_the_schema_says() {
    let shell = Shell::small();
    let golden = repository("tests/golden/golden.toml");
    shell.write("golden.toml", fs::read(golden).expect("an experiment"));
    let tables = "--tables apps,batch_sizes,batches,loads,late_because,variants,workers";
    shell.ok(&format!("sweep golden.toml --replicates 1 {tables} --timeseries 250ms --out g"));
    shell.ok(&format!("sweep small.toml {tables} --timeseries 1s --out s"));
    for folder in ["g", "s"] {
        for file in ["runs", "summary", "intervals", "compare", "timings"].iter().chain(&TABLES) {
            check(&format!("{file}.csv"), &shell.read(&format!("{folder}/{file}.csv")));
        }
    }
    check("quantiles.csv", &shell.read("s/quantiles.csv"));
    // With the column that only runs with sources have.
    shell.ok("inspect small.toml --requests r.csv --set workload.sources=3");
    check("requests (run --requests)", &shell.read("r.csv"));
    assert_eq!(check_package(&shell, "g"), 14);
    assert_eq!(check_package(&shell, "s"), 15);
    // What is not asked for does not stay.
    shell.ok("sweep small.toml --out s");
    assert!(TABLES.iter().all(|table| !shell.exists(&format!("s/{table}.csv"))));
    assert_eq!(check_package(&shell, "s"), 6);
}

/// Holds every table of a folder against its `datapackage.json`, cell by cell; how many there are.
fn check_package(shell: &Shell, folder: &str) -> usize {
    let text = shell.read(&format!("{folder}/datapackage.json"));
    let package: Value = serde_json::from_str(&text).expect("JSON");
    let entries = fs::read_dir(shell.path(folder)).expect("a folder");
    let names = entries.map(|entry| entry.expect("an entry").file_name());
    let names = names.map(|name| name.into_string().expect("UTF-8"));
    let tables: BTreeSet<String> =
        names.filter(|name| name.strip_suffix(".csv").is_some()).collect();
    let resources = package["resources"].as_array().expect("resources");
    let paths = resources.iter().map(|own| own["path"].as_str().expect("a path").to_owned());
    assert_eq!(paths.collect::<BTreeSet<_>>(), tables, "{folder}");
    for resource in resources {
        let path = resource["path"].as_str().expect("a path");
        let fields = resource["schema"]["fields"].as_array().expect("fields");
        let table = shell.read(&format!("{folder}/{path}"));
        let mut reader = csv::Reader::from_reader(table.as_bytes());
        let header = reader.headers().expect("a header").clone();
        let names: Vec<&str> = fields.iter().filter_map(|field| field["name"].as_str()).collect();
        assert_eq!(names, header.iter().collect::<Vec<_>>(), "{folder}/{path}");
        for record in reader.records() {
            for (field, cell) in fields.iter().zip(&record.expect("a row")) {
                let wrong = wrong(field, cell);
                assert!(wrong.is_none(), "{folder}/{path}, {field}: `{cell}`: {wrong:?}");
            }
        }
    }
    tables.len()
}

#[test]
fn what_varies_has_the_type_of_its_labels() {
    let shell = Shell::small();
    let axes = "axis=[{key='scheduler',values=['edf','fcfs']},{key='noise_cv',values=[0,0.5]},\
                {key='workers.0.count',values=[1,2]},{key='peek',values=[{label='false',\
                kind='recorded'},{label='true',runs_on='free'}]}]";
    let set = format!("--set {axes} --set figure=[] --set workload.requests=20 --replicates 1");
    shell.ok(&format!("sweep small.toml --out o {set}"));
    check_package(&shell, "o");
    let text = shell.read("o/datapackage.json");
    let package: Value = serde_json::from_str(&text).expect("JSON");
    let resources = package["resources"].as_array().expect("resources");
    let runs = resources.iter().find(|own| own["path"] == "runs.csv").expect("runs.csv");
    let fields = runs["schema"]["fields"].as_array().expect("fields");
    let kind = |name: &str| &fields.iter().find(|own| own["name"] == name).expect(name)["type"];
    let kinds = ["scheduler", "noise_cv", "workers.0.count", "peek"].map(kind);
    assert_eq!(kinds, ["string", "number", "integer", "boolean"]);
    // Rows of a search have no label for what was searched.
    let search = "search={low=50,high=400,metric='utility_mean',at_least=0.3}";
    let set = format!("--set axis=[] --set {search} --set figure=[] --set scheduler=edf");
    shell.ok(&format!("sweep small.toml --out f --replicates 1 {set}"));
    assert_eq!(check_package(&shell, "f"), 6);
}

#[test]
fn intervals_of_the_same_rows_are_kept() {
    let shell = Shell::small();
    let sweep = |options: &str| {
        shell.ok(&format!("sweep small.toml --out o {options}"));
        shell.read("o/intervals.csv")
    };
    let made = sweep("");
    // Of rows that are not those of the package, and of a package of another build, too.
    let package = shell.read("o/datapackage.json");
    let known = package.replace(&hash(&made), &hash("kept\n"));
    let runs = hash(&shell.read("o/runs.csv"));
    let other = |from: &str, to: &str| {
        assert!(known.contains(from), "{from}");
        known.replace(from, to)
    };
    for (package, expected) in [
        (package.clone(), made.as_str()),
        (other(&runs, &hash("other rows")), &made),
        (other(build_id(), "another"), &made),
        (known.clone(), "kept\n"),
    ] {
        shell.write("o/intervals.csv", "kept\n");
        shell.write("o/datapackage.json", package);
        assert_eq!(sweep(""), expected);
    }
    assert_ne!(sweep("--replicates 1"), "kept\n");
}

#[test]
fn what_is_kept_is_as_the_schema_says() {
    for file in ["runs.csv", "summary.csv"] {
        let path = repository(&format!("results/quickstart/{file}"));
        let text = fs::read_to_string(path).expect("kept results");
        let header: Vec<&str> = text.lines().next().expect("a header").split(',').collect();
        let known = |field: &Value| {
            let name = field["name"].as_str().expect("a name");
            name == "<axes>" || header.contains(&name)
        };
        if fields(file).iter().all(known) {
            check(file, &text);
        } else {
            println!("skipped: {file} is of an older version");
        }
    }
}

#[test]
fn kept_claims_are_as_the_schema_says() {
    let text = fs::read_to_string(repository("results/sneakpeek/claims.csv"));
    check("claims.csv", &text.expect("kept claims"));
}

#[test]
fn cells_that_do_not_fit_are_found() {
    let field = |name: &str| {
        let fields = fields("runs.csv");
        fields.into_iter().find(|field| field["name"] == name).expect("a field")
    };
    assert_eq!(wrong(&field("run_id"), ""), Some("empty"));
    assert_eq!(wrong(&field("late"), "1.5"), Some("no number"));
    assert_eq!(wrong(&field("utility_mean"), "1.5"), Some("out of range"));
    assert_eq!(wrong(&field("utility_mean"), ""), None);
    assert_eq!(wrong(&field("accuracy_source"), "profile"), Some("another word"));
    assert_eq!(field("latency_ms_p99")["unit"], "ms");
}
