//! `peeksim league`

use crate::support::shell::{Shell, column};

/// A folder with the results of `small.toml`: two schedulers at two rates, two replicates.
fn swept() -> Shell {
    let shell = Shell::small();
    shell.ok("sweep small.toml");
    shell
}

#[test]
fn ranks_and_tables_are_those_of_the_rows() {
    let shell = swept();
    let out = shell.ok("league results/small").out;
    let runs = shell.read("results/small/runs.csv");
    let of = |name: &str| column(&runs, name);
    let (schedulers, rates, replicates) =
        (of("scheduler"), of("workload.rate_rps"), of("replicate"));
    let values: Vec<f64> =
        of("effective_accuracy").iter().map(|cell| cell.parse().expect("a number")).collect();
    // By hand: in each replicate of each rate the better of the two has rank 1.
    let (mut units, mut rank) = (0.0, 0.0);
    for (at, scheduler) in schedulers.iter().enumerate().filter(|(_, name)| *name == "edf") {
        let other = (0..schedulers.len()).find(|other| {
            schedulers[*other] != *scheduler
                && (&rates[*other], &replicates[*other]) == (&rates[at], &replicates[at])
        });
        let other = values[other.expect("the other scheduler")];
        units += 1.0;
        rank += match values[at].total_cmp(&other) {
            std::cmp::Ordering::Greater => 1.0,
            std::cmp::Ordering::Equal => 1.5,
            std::cmp::Ordering::Less => 2.0,
        };
    }
    let line = out.lines().find(|line| line.trim_start().starts_with("edf ")).expect("a rank");
    assert_eq!(line.split_whitespace().nth(1), Some(format!("{:.2}", rank / units).as_str()));
    assert!(out.contains(&format!("over {units} units")), "{out}");
    let table = shell.read("results/small/league/league.csv");
    assert_eq!(table.lines().count(), 1 + 2 * 2 * 6);
    let tops = column(&table, "not_worse_than_best");
    assert!(tops.iter().any(|top| top == "yes"));
    let markdown = shell.read("results/small/league/league.md");
    assert!(markdown.contains("## small, workload.rate_rps = 50\n\n| scheduler | right and in"));
    assert!(markdown.contains("**") && markdown.contains("![mean ranks](ranks.svg)"));
    let latex = shell.read("results/small/league/league.tex");
    assert!(latex.contains("\\textbf{") && latex.contains(" $\\pm$ "), "{latex}");
    assert!(shell.read("results/small/league/ranks.svg").contains("critical difference"));
}

#[test]
fn several_folders_a_filter_and_another_metric() {
    let shell = swept();
    shell.ok("sweep small.toml --set seed=9 --out results/other");
    let both = "league results/small results/other --out both --where workload.rate_rps=50";
    let out = shell.ok(&format!("{both} --metric latency_ms_p99")).out;
    assert!(out.starts_with("Ranks by `latency_ms_p99` over 4 units"), "{out}");
    let blocks = column(&shell.read("both/league.csv"), "block");
    assert!(blocks.contains(&"small".to_owned()) && blocks.contains(&"other".to_owned()));
    assert!(!shell.read("both/league.md").contains("= 200"));
}

#[test]
fn what_cannot_be_ranked_is_said() {
    let shell = swept();
    for (command, words) in [
        ("league results/small --metric speed", "unknown metric of a league"),
        ("league results/small results/small", "expected --out DIR"),
        ("league results/small --axis color", "unknown axis `color`"),
        ("league results/small --where workload.rate_rps=7", "a filter that some rows pass"),
        ("league results/small --where color=7", "unknown axis `color`"),
        ("league results/small --where rate", "expected column=value"),
        ("league nowhere", "nowhere"),
    ] {
        let message = shell.fails(2, command).err;
        assert!(message.contains(words), "{command}: {message}");
    }
    shell.ok("sweep small.toml --set scheduler=edf --out results/one");
    let out = shell.ok("league results/one").out;
    assert!(out.starts_with("There are no ranks"), "{out}");
}
