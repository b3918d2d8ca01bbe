//! `peeksim compare`

use crate::support::shell::{Shell, column};
use std::collections::BTreeMap;

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
        .take_while(|line| line.starts_with(' '))
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
    let rows: Vec<&str> = out.lines().skip(2).take_while(|line| line.starts_with(' ')).collect();
    assert_eq!(rows.len(), 2);
    assert!(rows.iter().all(|line| line.contains(" – ") && line.ends_with('1')), "{out}");
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

/// Three schedulers and a twin of the first at two loads, five replicates.
pub const FOUR: &str = r#"title = "four"
replicates = 5

[base]
apps = ["voice", "activity"]
budget_ms = 30
workers = [{ class = "edge-cpu", memory_bytes = 5_000_000 }]
workload = { arrivals = "poisson", rate_rps = 100, requests = 200 }

[[axis]]
key = "scheduler"
values = [
  "edf",
  { label = "twin", name = "edf" },
  { name = "grouped", window_ms = 20 },
  "lo-edf",
  { label = "posterior", name = "grouped", window_ms = 20, accuracy = "posterior" },
]

[[axis]]
key = "workload.rate_rps"
values = [50, 2000]
"#;

/// A folder with the results of [`FOUR`].
fn four() -> Shell {
    let shell = Shell::new();
    shell.write("four.toml", FOUR);
    shell.ok("sweep four.toml");
    shell
}

/// Some columns of a CSV text, row by row.
fn rows<const N: usize>(text: &str, names: [&str; N]) -> Vec<[String; N]> {
    let columns = names.map(|name| column(text, name));
    (0..columns[0].len()).map(|at| columns.each_ref().map(|own| own[at].clone())).collect()
}

fn number(cell: &str) -> f64 {
    cell.parse().unwrap_or_else(|_| panic!("no number: `{cell}`"))
}

#[test]
fn rows_are_filtered_by_setting() {
    let shell = four();
    let all = shell.ok("compare results/four --format csv").out;
    let at = |rates: &[&str]| -> Vec<String> {
        let keeps = |line: &&str| rates.contains(&line.split(',').nth(1).expect("a rate"));
        all.lines().filter(keeps).map(str::to_owned).collect()
    };
    let filtered = |filter: &str| -> Vec<String> {
        let out = shell.ok(&format!("compare results/four --format csv {filter}")).out;
        assert_eq!(out.lines().next(), all.lines().next());
        out.lines().skip(1).map(str::to_owned).collect()
    };
    assert_eq!(all.lines().count(), 9);
    assert_eq!(filtered("--where workload.rate_rps=2000"), at(&["2000"]));
    // A number can be written in another way; several values of a setting are all kept.
    assert_eq!(filtered("--where workload.rate_rps=50.0"), at(&["50"]));
    let both = "--where workload.rate_rps=50 --where workload.rate_rps=2000";
    assert_eq!(filtered(both), at(&["50", "2000"]));
    // Fewer schedulers are another family: the differences stay, the adjustment does not.
    let two = "--where scheduler=edf --where scheduler=lo-edf --where workload.rate_rps=50";
    let out = shell.ok(&format!("compare results/four --format csv {two}")).out;
    let names = ["scheduler", "difference", "p_t"];
    let alone = rows(&all, names).into_iter().filter(|row| row[0] == "lo-edf").take(1);
    assert_eq!(rows(&out, names), alone.collect::<Vec<_>>());
    assert_eq!(column(&out, "p_t_holm"), column(&out, "p_t"));
    for (filter, message) in [
        ("nope=1", "unknown axis `nope`, expected one of scheduler, workload.rate_rps"),
        ("workload.rate_rps=51", "unknown value of workload.rate_rps `51`, expected one of 50"),
        ("scheduler=edff", "unknown value of scheduler `edff`"),
        ("scheduler", "found `scheduler`, expected column=value"),
    ] {
        let said = shell.fails(2, &format!("compare results/four --where {filter}"));
        assert!(said.error().starts_with("error: --where: found "), "{said:?}");
        assert!(said.error().contains(message), "{said:?}");
    }
}

#[test]
fn several_metrics_have_one_header() {
    let shell = four();
    let of = |metrics: &str, options: &str| {
        shell.ok(&format!("compare results/four --format csv --metric {metrics} {options}")).out
    };
    for options in ["", "--best"] {
        let [first, second] = ["utility_mean", "latency_ms_mean"].map(|metric| of(metric, options));
        let (head, rest) = second.split_once('\n').expect("a header");
        let both = of("utility_mean,latency_ms_mean", options);
        assert_eq!(both, format!("{first}{rest}"));
        assert_eq!(both.matches(head).count(), 1);
    }
    let said = shell.fails(2, "compare results/four --metric utility_mean,nope");
    assert!(said.error().contains("unknown metric `nope`"), "{said:?}");
}

/// By (scheduler, rate, replicate): a metric of a runs.csv.
fn by_run(runs: &str, metric: &str) -> BTreeMap<[String; 3], f64> {
    let found = rows(runs, ["scheduler", "workload.rate_rps", "replicate", metric]);
    found.into_iter().map(|[a, b, c, value]| ([a, b, c], number(&value))).collect()
}

#[test]
fn two_folders_are_paired_by_replicate() {
    let shell = Shell::small();
    shell.ok("sweep small.toml --replicates 3 --out first");
    shell.ok("sweep small.toml --replicates 4 --set noise_cv=0.5 --out second");
    let metric = "latency_ms_mean";
    let [first, second] = ["first", "second"]
        .map(|folder| by_run(&shell.read(&format!("{folder}/runs.csv")), metric));
    for [base, other] in [["first", "second"], ["second", "first"]] {
        let call = format!("compare {base} {other} --metric {metric} --format csv");
        let out = shell.ok(&call).out;
        assert!(out.starts_with("folder,scheduler,workload.rate_rps,metric,baseline,"), "{out}");
        let names = ["folder", "baseline", "scheduler", "workload.rate_rps", "difference"];
        let found = rows(&out, names);
        assert_eq!(found.len(), 4);
        assert_eq!(column(&out, "replicates"), ["3"; 4], "the fourth has no partner");
        for [folder, baseline, scheduler, rate, difference] in found {
            assert_eq!([baseline.as_str(), folder.as_str()], [base, other]);
            let of = |replicate: u32| {
                let key = [scheduler.clone(), rate.clone(), replicate.to_string()];
                let difference = second[&key] - first[&key];
                if base == "first" { difference } else { -difference }
            };
            let expected = (0..3).map(of).sum::<f64>() / 3.0;
            assert!(expected != 0.0);
            let close = (number(&difference) - expected).abs() < 1e-9;
            assert!(close, "{scheduler} at {rate}: {difference} {expected}");
        }
    }
    // Another axis can be compared at each folder.
    let out = shell.ok("compare first second --axis scheduler --format csv").out;
    assert_eq!(column(&out, "folder"), ["first", "first", "second", "second"]);
    assert_eq!(column(&out, "replicates"), ["3", "3", "4", "4"]);
    let filtered = shell.ok("compare first second --axis scheduler --where folder=second");
    assert!(!filtered.out.contains("first"), "{}", filtered.out);
    // Folders of one name are told apart by their paths.
    shell.write("x/r/runs.csv", shell.bytes("first/runs.csv"));
    shell.write("y/r/runs.csv", shell.bytes("second/runs.csv"));
    let out = shell.ok("compare x/r y/r --format csv").out;
    assert_eq!((column(&out, "baseline"), column(&out, "folder")), twice("x/r", "y/r", 4));
}

/// Two lists of the same words.
fn twice(a: &str, b: &str, count: usize) -> (Vec<String>, Vec<String>) {
    (vec![a.to_owned(); count], vec![b.to_owned(); count])
}

#[test]
fn folders_that_do_not_fit_together_are_refused() {
    let shell = swept();
    let one_axis = shell.read("small.toml");
    let (one_axis, _) = one_axis.split_once("[[axis]]\nkey = \"workload").expect("two axes");
    shell.write("one.toml", one_axis);
    shell.ok("sweep one.toml --out one");
    let said = shell.fails(2, "compare results/small one");
    let expected = "expected results whose axes are scheduler, workload.rate_rps";
    let message =
        format!("error: FOLDER: found one with other axes or of another study, {expected}");
    assert_eq!(said.error(), message);
    let said = shell.fails(2, "compare results/small results/small");
    assert!(said.error().contains("found results/small twice, expected two folders"), "{said:?}");
    let said = shell.fails(2, "compare results/small nowhere");
    assert!(said.error().contains("nowhere/runs.csv: found no such file"), "{said:?}");
    assert!(shell.fails(2, "compare one one one").err.contains("no more were expected"));
}

#[test]
fn the_best_row_has_the_best_mean() {
    let shell = four();
    let summary = shell.read("results/four/summary.csv");
    for (metric, more) in [("utility_mean", true), ("latency_ms_mean", false)] {
        let call = format!("compare results/four --best --metric {metric} --format csv");
        let out = shell.ok(&call).out;
        let means = rows(&summary, ["workload.rate_rps", "scheduler", metric]);
        let found = rows(&out, ["workload.rate_rps", "best", "mean", "other", "difference"]);
        assert_eq!(found.len(), 8);
        for [rate, best, mean, other, difference] in found {
            let of = |label: &str| {
                let own = means.iter().find(|row| row[0] == rate && row[1] == label);
                number(&own.expect("a row")[2])
            };
            let sign = if more { 1.0 } else { -1.0 };
            let own = means.iter().filter(|row| row[0] == rate).map(|row| sign * number(&row[2]));
            let optimum = sign * own.fold(f64::NEG_INFINITY, f64::max);
            assert_eq!((number(&mean), of(&best)), (optimum, optimum), "{metric} at {rate}");
            let expected = of(&other) - optimum;
            assert!((number(&difference) - expected).abs() < 1e-9, "{metric}: {other} at {rate}");
            assert!(sign * number(&difference) <= 0.0);
        }
        let direction = if more { "more" } else { "less" };
        let text = shell.ok(&format!("compare results/four --best --metric {metric}")).out;
        let head = format!("best scheduler by {metric} ({direction} is better) at each setting");
        assert!(text.starts_with(&head), "{text}");
    }
    let said = shell.fails(2, "compare results/four --best --metric arrived");
    let expected = "expected a metric with a direction";
    let message = format!("`arrived`, of which neither more nor less is better, {expected}");
    assert!(said.error().contains(&message), "{said:?}");
    assert!(
        shell.fails(2, "compare results/four --best --baseline edf").err.contains("--baseline")
    );
}

#[test]
fn p_values_of_best_rows_are_those_against_that_baseline() {
    let shell = four();
    let (mut checked, mut standings) = (0, BTreeMap::<String, usize>::new());
    for metric in ["utility_mean", "latency_ms_mean", "deadline_miss_ratio"] {
        let best = shell.ok(&format!("compare results/four --best --metric {metric} --format csv"));
        let names = ["workload.rate_rps", "best", "other", "p_t_holm", "standing"];
        let ends = ["difference", "ci95_low", "ci95_high", "replicates"];
        for (own, own_ends) in rows(&best.out, names).into_iter().zip(rows(&best.out, ends)) {
            let [rate, label, other, p, standing] = own;
            let call = format!("compare results/four --metric {metric} --baseline {label}");
            let table = shell.ok(&format!("{call} --format csv")).out;
            let same = |row: &[String; 3]| row[0] == other && row[1] == rate;
            let names = ["scheduler", "workload.rate_rps", "p_t_holm"];
            let at = rows(&table, names).iter().position(same).expect("a row");
            assert_eq!(column(&table, "p_t_holm")[at], p, "{metric}: {other} at {rate}");
            assert_eq!(rows(&table, ends)[at], own_ends, "{metric}: {other} at {rate}");
            let expected = match p.parse::<f64>() {
                Ok(p) if p <= 0.05 => "worse",
                Ok(_) => "alike",
                Err(_) if number(&own_ends[0]) == 0.0 => "equal",
                Err(_) => "worse",
            };
            assert_eq!(standing, expected, "{metric}: {other} at {rate}");
            *standings.entry(standing).or_default() += 1;
            checked += 1;
        }
    }
    assert_eq!((checked, standings.len()), (24, 3), "{standings:?}");
}

#[test]
fn equal_rows_and_single_replicates_are_called_so() {
    let shell = four();
    let text = shell.ok("compare results/four --best --metric latency_ms_mean").out;
    let rows: Vec<&str> = text.lines().filter(|line| line.contains(" edf ")).collect();
    assert!(rows.iter().any(|line| line.contains("twin (equal)")), "{text}");
    let shell = Shell::small();
    let said = shell.ok("sweep small.toml --replicates 1");
    assert!(said.out.contains("best scheduler by utility_mean (more is better)"), "{}", said.out);
    let csv = shell.ok("compare results/small --best --format csv").out;
    assert_eq!(column(&csv, "standing"), ["unknown"; 2]);
    assert_eq!(column(&csv, "p_t_holm"), [""; 2]);
    assert!(shell.ok("compare results/small --best").out.contains("edf (?)"));
}

#[test]
fn a_sweep_ends_with_the_best_rows_that_compare_prints() {
    let shell = Shell::new();
    shell.write("four.toml", FOUR);
    let said = shell.ok("sweep four.toml");
    let best = shell.ok("compare results/four --best").out;
    assert!(best.starts_with("best scheduler by utility_mean") && said.out.contains(&best));
    let plain = shell.ok("compare results/four").out;
    assert!(plain.ends_with(&best), "{plain}");
}
