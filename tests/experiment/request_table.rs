//! The log of requests in Parquet, read by the crate's reader and compared with the CSV file.

use crate::support::shell::Shell;
use parquet::basic::Type;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use peeksim::metrics::REQUEST_COLUMNS;
use std::fs::File;

/// Some late, some given up, some answered by the look, several applications.
const EXPERIMENT: &str = r#"
[base]
apps = ["voice", "activity", "heartbeat"]
noise_cv = 0.3
budget_ms = 20
workload = { arrivals = "poisson", rate_rps = 3000, requests = 3_000 }
workers = [{ class = "edge-cpu", memory_bytes = 5_000_000 }]
peek = { short_circuit = { threshold = 0.9 } }
scheduler = { name = "sneakpeek", window_ms = 5 }
"#;

/// A cell as the CSV file writes it.
fn text(field: &Field) -> String {
    match field {
        Field::Null => String::new(),
        Field::Bool(flag) => u8::from(*flag).to_string(),
        Field::Long(count) => count.to_string(),
        Field::Double(number) => number.to_string(),
        Field::Str(text) => text.clone(),
        other => panic!("a cell of another type: {other:?}"),
    }
}

fn compare(set: &str, more: &str) -> Vec<Vec<String>> {
    let shell = Shell::new();
    shell.write("x.toml", EXPERIMENT);
    for file in ["r.csv", "r.parquet"] {
        shell.ok(&format!("inspect x.toml --requests {file} --set {set} {more}"));
    }
    let mut csv = csv::Reader::from_path(shell.path("r.csv")).expect("a CSV file");
    let file = File::open(shell.path("r.parquet")).expect("a file");
    let reader = SerializedFileReader::new(file).expect("a Parquet file");
    let schema = reader.metadata().file_metadata().schema().clone();
    let names: Vec<&str> = schema.get_fields().iter().map(|field| field.name()).collect();
    assert_eq!(names, csv.headers().expect("a header").iter().collect::<Vec<_>>());
    let type_of = |name: &str| {
        let field = schema.get_fields().iter().find(|field| field.name() == name);
        field.expect("a column").get_physical_type()
    };
    assert_eq!(type_of("request"), Type::INT64);
    assert_eq!(type_of("arrival_s"), Type::DOUBLE);
    assert_eq!(type_of("correct"), Type::BOOLEAN);
    assert_eq!(type_of("app"), Type::BYTE_ARRAY);
    for (field, column) in schema.get_fields().iter().zip(REQUEST_COLUMNS) {
        assert_eq!(field.is_optional(), !column.empty.is_empty(), "{}", column.name);
    }
    let rows = reader.get_row_iter(None).expect("rows").map(|row| row.expect("a row"));
    let rows: Vec<Vec<String>> =
        rows.map(|row| row.get_column_iter().map(|(_, field)| text(field)).collect()).collect();
    let expected: Vec<Vec<String>> =
        csv.records().map(|row| row.expect("a row").iter().map(str::to_owned).collect()).collect();
    assert_eq!(rows.len(), expected.len());
    for (row, expected) in rows.iter().zip(&expected) {
        assert_eq!(row, expected);
    }
    rows
}

#[test]
fn parquet_holds_what_the_csv_file_holds() {
    let at = |name: &str| REQUEST_COLUMNS.iter().position(|column| column.name == name);
    let [outcome, worker, variant, correct] =
        ["outcome", "worker", "variant", "correct"].map(|name| at(name).expect("a column"));
    let rows = compare("name=a", "");
    let ended = |name: &str| rows.iter().filter(|row| row[outcome] == name).count();
    let by_look =
        rows.iter().filter(|row| row[worker].is_empty() && !row[variant].is_empty()).count();
    println!("{} completed, {by_look} by a look", ended("completed"));
    assert!(rows.len() == 3_000 && ended("completed") == 3_000 && by_look > 0);
    let rows =
        compare("scheduler={name='edf',max_batch=1,drop_policy='hopeless',variant='rf20'}", "");
    let rejected = rows.iter().filter(|row| row[outcome] == "rejected").count();
    assert!(rejected > 0 && rows.iter().any(|row| row[correct] == "0"));
}

/// More than a group of rows, and the same bytes each time.
#[test]
fn a_long_run_has_several_groups_and_the_same_bytes() {
    let rows = compare("scheduler=fcfs", "--set workload.requests=140000");
    assert_eq!(rows.len(), 140_000);
    let shell = Shell::new();
    shell.write("x.toml", EXPERIMENT);
    let made = ["a.parquet", "b.parquet"].map(|file| {
        shell.ok(&format!("inspect x.toml --requests {file}"));
        shell.bytes(file)
    });
    assert!(made[0] == made[1]);
}

#[test]
fn a_table_of_requests_is_whole_or_absent_on_a_full_disk() {
    let shell = Shell::small();
    let script = r#"
        mkdir disk && mount -t tmpfs -o size=4k none disk && echo mounted || exit
        "$1" inspect small.toml --requests disk/r.parquet >out 2>err; echo "parquet $?"; ls disk
    "#;
    let Some(said) = shell.in_own_space(script) else {
        println!("skipped: no small disk can be mounted here");
        return;
    };
    assert!(said.out.ends_with("parquet 1\n"), "{said:?}");
    assert!(shell.read("err").starts_with("error: cannot write disk/r.parquet: "), "{said:?}");
}
