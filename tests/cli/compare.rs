//! `peeksim compare`

use crate::support::shell::{Shell, column};

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
    let head = lines.next().expect("a head").split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(
        head,
        "scheduler workload.rate_rps difference 95 % interval % p (t) Holm p (ranks) Holm \
         replicates"
    );
    let compare = shell.read("results/small/compare.csv");
    let metrics = column(&compare, "metric");
    let expected: Vec<(String, f64)> = (0..metrics.len())
        .filter(|at| metrics[*at] == "utility_mean")
        .map(|at| {
            let rate = column(&compare, "workload.rate_rps")[at].clone();
            (rate, column(&compare, "difference")[at].parse().expect("a number"))
        })
        .collect();
    let printed: Vec<(String, f64)> = lines
        .filter(|line| line.starts_with(' '))
        .map(|line| {
            let cells: Vec<&str> = line.split_whitespace().collect();
            assert_eq!((cells[0], cells.len()), ("grouped", 11), "{line}");
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
    let out = shell.ok("compare results/small --axis workload.rate_rps").out;
    assert!(out.starts_with("utility_mean: difference to 50, paired"), "{out}");
}

#[test]
fn a_single_replicate_has_no_interval() {
    let shell = Shell::small();
    shell.ok("sweep small.toml --replicates 1");
    let out = shell.ok("compare results/small").out;
    let mut rows = out.lines().skip(2).filter(|line| line.starts_with(' '));
    assert!(rows.all(|line| line.contains(" – ") && line.ends_with('1')), "{out}");
}

#[test]
fn tables_for_papers_hold_the_same_numbers() {
    let shell = swept();
    let csv = shell.ok("compare results/small --format csv").out;
    let compare = shell.read("results/small/compare.csv");
    let of = |text: &str, name: &str| column(text, name);
    let utility = |name: &str| of(&compare, name)[..2].to_vec();
    for name in ["difference", "ci95_low", "ci95_high", "workload.rate_rps", "replicates"] {
        assert_eq!(of(&csv, name), utility(name), "{name}");
    }
    // One scheduler is compared with the baseline: nothing to adjust for.
    assert_eq!(of(&csv, "p_t"), of(&csv, "p_t_holm"));
    // Two differences alike, or not: 2 / 2² or 1.
    assert!(of(&csv, "p_wilcoxon").iter().all(|p| p == "0.5" || p == "1"), "{csv}");
    shell.ok("compare results/small --format latex --out table.tex");
    let latex = shell.read("table.tex");
    assert!(latex.contains("scheduler & workload.rate\\_rps & difference & 95 \\% interval &"));
    let markdown = shell.ok("compare results/small --format markdown").out;
    assert!(markdown.contains("\n| scheduler | workload.rate_rps | difference |"), "{markdown}");
    assert!(shell.fails(2, "compare results/small --format pdf").err.contains("latex"));
}
