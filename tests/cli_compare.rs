//! `peeksim compare`

mod shell;

use shell::{Shell, column};

/// A folder with the results of `small.toml`.
fn swept() -> Shell {
    let shell = Shell::small();
    shell.ok("sweep small.toml");
    shell
}

#[test]
fn differences_are_those_of_compare_csv() {
    let shell = swept();
    let out = shell.ok("compare results/small").out;
    let mut lines = out.lines();
    assert_eq!(lines.next(), Some("utility_mean: difference to edf, paired over replicates"));
    let head: Vec<&str> = lines.next().expect("a head").split_whitespace().collect();
    assert_eq!(
        head,
        ["scheduler", "trace.rate_rps", "difference", "95", "%", "interval", "replicates"]
    );
    let compare = shell.read("results/small/compare.csv");
    let metrics = column(&compare, "metric");
    let expected: Vec<(String, f64)> = (0..metrics.len())
        .filter(|at| metrics[*at] == "utility_mean")
        .map(|at| {
            let rate = column(&compare, "trace.rate_rps")[at].clone();
            (rate, column(&compare, "difference")[at].parse().expect("a number"))
        })
        .collect();
    let printed: Vec<(String, f64)> = lines
        .map(|line| {
            let cells: Vec<&str> = line.split_whitespace().collect();
            assert_eq!((cells[0], cells.len()), ("grouped", 6), "{line}");
            (cells[1].to_owned(), cells[2].parse().expect("a number"))
        })
        .collect();
    assert_eq!(printed.len(), 2);
    for ((rate, difference), (other, exact)) in printed.iter().zip(&expected) {
        assert_eq!(rate, other);
        assert!((difference - exact).abs() <= 5.1e-6, "{difference} {exact}");
    }
}

#[test]
fn baseline_axis_and_metric_can_be_chosen() {
    let shell = swept();
    let there = shell.ok("compare results/small --metric latency_ms_mean").out;
    let back = shell.ok("compare results/small --metric latency_ms_mean --baseline grouped").out;
    let number = |text: &str| -> f64 {
        let line = text.lines().nth(2).expect("a row");
        line.split_whitespace().nth(2).expect("a cell").parse().expect("a number")
    };
    assert!(number(&there) != 0.0 && number(&there) == -number(&back), "{there}{back}");
    let out = shell.ok("compare results/small --axis trace.rate_rps").out;
    assert!(out.starts_with("utility_mean: difference to 50, paired"), "{out}");
}

#[test]
fn unknown_names_are_refused_with_the_nearest() {
    let shell = swept();
    for (arguments, expected) in [
        ("--metric utility_men", "did you mean `utility_mean`?"),
        ("--axis schedular", "did you mean `scheduler`?"),
        ("--baseline group", "did you mean `grouped`?"),
    ] {
        let said = shell.fails(2, &format!("compare results/small {arguments}"));
        assert!(said.error().ends_with(expected), "{said:?}");
    }
    let said = shell.fails(2, "compare elsewhere");
    assert!(said.error().starts_with("error: elsewhere/runs.csv: found no such file"), "{said:?}");
}

#[test]
fn a_single_replicate_has_no_interval() {
    let shell = Shell::small();
    shell.ok("sweep small.toml --replicates 1");
    let out = shell.ok("compare results/small").out;
    assert!(out.lines().skip(2).all(|line| line.contains(" – ") && line.ends_with('1')), "{out}");
}
