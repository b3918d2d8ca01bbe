//! `peeksim plot`: pictures from the CSV files of a results folder, and nothing else.

use crate::support::shell::Shell;
use peeksim::report::Results;
use std::fs;

/// A results folder `o` with nothing but its CSV files.
fn results() -> Shell {
    let shell = Shell::small();
    shell.ok("sweep small.toml --out o");
    for file in ["manifest.toml", "runs.journal", "summary.csv", "timings.csv"] {
        fs::remove_file(shell.path(&format!("o/{file}"))).expect("a file");
    }
    fs::remove_file(shell.path("small.toml")).expect("the experiment");
    shell
}

#[test]
fn the_csv_is_enough() {
    let shell = results();
    // The experiment's own figure differs only in its words.
    shell.ok("plot o --title small --name again --out p");
    assert_eq!(shell.read("p/again.svg"), shell.read("o/figures/utility.svg"));
    shell.ok("plot o --kind cdf --log-x --where workload.rate_rps=50");
    shell.ok("plot o --kind pareto --x latency_ms_p99 --y accuracy_mean --log-y --name p");
    let svg = shell.read("o/figures/p.svg");
    assert!(svg.contains("latency p99 (ms)") && svg.contains("accuracy mean"));
    assert!(svg.contains("grouped") && !svg.contains("utility"));
    shell.ok("plot o --y model_loads --where scheduler=edf --name edf");
    assert!(!shell.read("o/figures/edf.svg").contains("grouped"));
}

#[test]
fn facets_are_panels_of_one_figure() {
    let shell = results();
    shell.ok("plot o --facet scheduler --out f");
    let svg = shell.read("f/utility_mean-by-workload.rate_rps-by-scheduler.svg");
    let says = |svg: &str, text: &str| {
        svg.contains(&format!(">{text}<")) || svg.contains(&format!("\n{text}\n"))
    };
    assert!(says(&svg, "edf") && says(&svg, "grouped"), "{svg}");
    // One legend.
    shell.ok("plot o --kind pareto --x latency_ms_p99 --y accuracy_mean --name p --out f \
              --series scheduler --facet workload.rate_rps");
    let svg = shell.read("f/p.svg");
    assert!(svg.contains("rate_rps = 50") && svg.contains("rate_rps = 200"), "{svg}");
    assert_eq!(svg.matches(">grouped<").count() + svg.matches("\ngrouped\n").count(), 1, "{svg}");
    shell.ok("plot o --facet scheduler --where scheduler=grouped --name one --out f");
    let svg = shell.read("f/one.svg");
    assert!(says(&svg, "grouped") && !says(&svg, "edf"), "{svg}");
}

#[test]
fn hulls_are_of_groups_of_lines() {
    let shell = results();
    let plot =
        "plot o --kind pareto --x latency_ms_p99 --y accuracy_mean --facet workload.rate_rps";
    shell.ok(&format!("{plot} --name hulls --hull ours=edf --hull others=grouped"));
    let svg = shell.read("o/figures/hulls.svg");
    assert!(svg.contains("hull: ours") && svg.contains("hull: others"), "{svg}");
    assert!(svg.contains("A hull joins the means of its group"));
    for (hull, words) in [
        ("ours=lifo", "unknown line `lifo` of `scheduler`"),
        ("ours", "expected column=value"),
        ("ours=grouped --where scheduler=edf", "unknown line `grouped`"),
    ] {
        let message = shell.fails(2, &format!("{plot} --hull {hull}")).err;
        assert!(message.contains(words), "{hull}: {message}");
    }
    let lines = shell.fails(2, "plot o --hull ours=edf").err;
    assert!(lines.contains("expected a figure with `kind = \"pareto\"`"), "{lines}");
}

#[test]
fn what_is_not_there_is_said_with_the_nearest_name() {
    let shell = results();
    let wrong = [
        ("--y utilty_mean", "did you mean `utility_mean`?"),
        ("--x workload.rate", "did you mean `workload.rate_rps`?"),
        ("--x scheduler", "found an axis with the value `edf`, expected an axis of numbers"),
        ("--kind line", "did you mean `lines`?"),
        ("--series schedulr", "did you mean `scheduler`?"),
        ("--facet schedulr", "did you mean `scheduler`?"),
        ("--where scheduler=groupd", "did you mean `grouped`?"),
        ("--where schedule=edf", "did you mean `scheduler`?"),
        ("--where scheduler", "--where: found `scheduler`, expected column=value"),
        ("--y outcome_source", "unknown metric `outcome_source`"),
        ("--name a/b", "expected a name for a file"),
    ];
    for (flags, expected) in wrong {
        let said = shell.fails(2, &format!("plot o {flags}"));
        assert!(said.err.contains(expected), "{flags}: {}", said.err);
    }
    fs::remove_file(shell.path("o/quantiles.csv")).expect("quantiles");
    let said = shell.fails(2, "plot o --kind cdf");
    assert!(said.err.contains("found no quantiles.csv"), "{}", said.err);
    shell.fails(2, "plot nowhere");
}

#[test]
fn columns_that_an_older_version_had_not_are_empty() {
    let shell = results();
    let runs = shell.read("o/runs.csv");
    let mut reader = csv::Reader::from_reader(runs.as_bytes());
    let header = reader.headers().expect("a header").clone();
    let gone = header.iter().position(|name| name == "model_loads").expect("model_loads");
    let mut writer = csv::Writer::from_writer(Vec::new());
    for record in [header].into_iter().chain(reader.records().map(|row| row.expect("a row"))) {
        let cells = record.iter().enumerate().filter(|(at, _)| *at != gone);
        writer.write_record(cells.map(|(_, cell)| cell)).expect("a row");
    }
    shell.write("o/runs.csv", writer.into_inner().expect("rows"));
    let results = Results::load(&shell.path("o")).expect("results");
    assert_eq!(results.rows[0].metric("model_loads"), None);
    assert!(results.rows[0].metric("utility_mean").is_some_and(|utility| utility > 0.0));
    assert!(shell.fails(2, "plot o --y model_loads").err.contains("unknown metric `model_loads`"));
}
