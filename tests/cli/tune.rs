//! `peeksim tune`

use crate::support::shell::{SMALL, Shell, column};

/// `small.toml` with this table.
fn tuned(table: &str) -> Shell {
    let shell = Shell::new();
    shell.write("small.toml", format!("{SMALL}\n{table}"));
    shell
}

const TUNE: &str = r#"[tune]
replicates = 3
where = { "workload.rate_rps" = 2000 }

[[tune.row]]
label = "grouped"
grid = { window_ms = { from = 5, to = 80, points = 3 }, max_batch = [1, 16] }

[[tune.row]]
label = "edf"
grid = { variant = ["fastest", "best"] }
"#;

#[test]
fn the_point_with_the_best_mean_is_reported_on_the_other_half() {
    let shell = tuned(TUNE);
    let out = shell.ok("tune small.toml --out t").out;
    let table = shell.read("t/tuned.csv");
    let of = |name: &str| column(&table, name);
    let (schedulers, parameters) = (of("scheduler"), of("parameters"));
    assert_eq!(parameters[0], "max_batch = 1, window_ms = 5");
    assert_eq!(parameters[3], "max_batch = 16, window_ms = 5");
    assert_eq!((schedulers.len(), parameters[4].as_str()), (8, "max_batch = 16, window_ms = 42"));
    // The means are those of the runs, at the one rate, over three replicates.
    let runs = shell.read("t/grid/runs.csv");
    let (labels, values) = (column(&runs, "scheduler"), column(&runs, "effective_accuracy"));
    assert!(column(&runs, "workload.rate_rps").iter().all(|rate| rate == "2000"));
    for at in 0..schedulers.len() {
        let label = format!("{}: {}", schedulers[at], parameters[at]);
        let own: Vec<f64> = (0..labels.len())
            .filter(|row| labels[*row] == label)
            .map(|row| values[row].parse().expect("a number"))
            .collect();
        assert_eq!(own.len(), 3, "{label}");
        let mean: f64 = of("mean")[at].parse().expect("a number");
        assert!((mean - own.iter().sum::<f64>() / 3.0).abs() < 1e-12);
    }
    // Of each scheduler the largest is chosen, the first of equals.
    let means: Vec<f64> = of("mean").iter().map(|mean| mean.parse().expect("a number")).collect();
    for name in ["grouped", "edf"] {
        let own: Vec<usize> = (0..schedulers.len()).filter(|at| schedulers[*at] == name).collect();
        let best = own.iter().map(|at| means[*at]).fold(f64::MIN, f64::max);
        let first = own.iter().find(|at| means[**at] == best).expect("a best");
        let chosen: Vec<&usize> = own.iter().filter(|at| of("chosen")[**at] == "yes").collect();
        assert_eq!(chosen, [first], "{name}");
        assert!(out.contains(&format!("{name}: {}", parameters[*first])), "{out}");
    }
    let report = shell.read("t/report/runs.csv");
    let mut rows = column(&report, "scheduler");
    rows.dedup();
    rows.sort();
    rows.dedup();
    assert_eq!(rows, ["edf", "edf, tuned", "grouped", "grouped, tuned"]);
    let split = |folder: &str| {
        let manifest = shell.read(&format!("t/{folder}/manifest.toml"));
        ["odd", "even"].map(|half| manifest.contains(&format!("source_split = \"{half}\"")))
    };
    assert_eq!((split("grid"), split("report")), ([true, false], [false, true]));
}

/// Keys that move together can be chosen by, rows of an earlier tuning are replaced, and figures
/// and claims of the experiment stay in the report.
#[test]
fn what_the_experiment_has_stays_in_the_report() {
    let alone = "[[axis]]\nkey = \"workload.rate_rps\"\nvalues = [50, 2000]\n";
    let together = "[[zip]]\nkeys = [\"workload.rate_rps\", \"workload.requests\"]\n\
                    values = [[50, 100], [2000, 300]]\n";
    let schedulers = "values = [\"edf\", { name = \"grouped\", window_ms = 20 }";
    let stored = "{ label = \"edf, tuned\", name = \"edf\", max_batch = 1 }";
    let small = SMALL.replace(alone, together);
    let small = small.replace(schedulers, &format!("{schedulers}, {stored}"));
    assert!(small.contains("[[zip]]") && small.contains(stored));
    let shell = Shell::new();
    let figure =
        "where = { scheduler = [\"edf\", \"edf, tuned\"] }\n\n[[figure]]\nname = \"latency\"";
    let small = small.replace("\n[[figure]]\nname = \"latency\"", figure);
    let claim = "[[expect]]\nclaim = \"edf, tuned >= edf\"\n\n";
    shell.write("small.toml", format!("{small}\n{claim}{TUNE}"));
    let out = shell.ok("tune small.toml --out t").out;
    assert!(out.contains("edf, tuned >= edf"), "{out}");
    let grid = shell.read("t/grid/runs.csv");
    assert!(column(&grid, "workload.requests").iter().all(|requests| requests == "300"));
    let report = shell.read("t/report/runs.csv");
    let mut rows = column(&report, "scheduler");
    rows.sort();
    rows.dedup();
    assert_eq!(rows, ["edf", "edf, tuned", "grouped", "grouped, tuned"]);
    let figure = shell.read("t/report/figures/utility.svg");
    assert!(figure.contains("edf, tuned") && !figure.contains("grouped"), "{figure}");
}

#[test]
fn the_same_command_again_gives_the_same_bytes() {
    let shell = tuned(TUNE);
    let files = ["tuned.csv", "tuned.toml", "grid/runs.csv", "report/runs.csv"];
    let read = || files.map(|file| shell.bytes(&format!("t/{file}")));
    shell.ok("tune small.toml --out t --jobs 1");
    let first = read();
    shell.ok("tune small.toml --out t --jobs 2");
    assert!(first == read());
    shell.ok("tune small.toml --out other --jobs 2");
    assert!(first == files.map(|file| shell.bytes(&format!("other/{file}"))));
}

#[test]
fn without_sources_points_are_tried_on_other_replicates() {
    let shell = tuned("[tune]\n[[tune.row]]\nlabel = \"edf\"\ngrid = { max_batch = [1, 2] }\n");
    let drawn = "--set apps=[\"fall\"] --set workers=[{class=\"edge-gpu\",memory_bytes=1}]";
    shell.ok(&format!("tune small.toml --out t {drawn}"));
    let seeds = |folder: &str| column(&shell.read(&format!("t/{folder}/runs.csv")), "seed");
    assert!(seeds("grid").iter().all(|seed| seed != "1"));
    assert!(seeds("report").iter().all(|seed| seed == "1"));
}

#[test]
fn what_cannot_be_tuned_is_said() {
    let shell = Shell::small();
    assert!(shell.fails(2, "tune small.toml").err.contains("a table [tune]"));
    let shell = tuned(TUNE);
    let message = shell.fails(2, "tune small.toml --set workload.source_split=odd").err;
    assert!(message.contains("on which schedulers are tuned"), "{message}");
    assert!(shell.fails(2, "tune small.toml --set scheduler=edf").err.contains("a table [tune]"));
}
