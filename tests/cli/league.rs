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

/// Four schedulers, of which two rules have two variants each, at three loads.
const FOUR: &str = r#"title = "four"
replicates = 2

[base]
apps = ["voice", "activity"]
workers = [{ class = "edge-cpu", memory_bytes = 5_000_000 }]
workload = { arrivals = "poisson", load = 0.1, requests = 300 }

[[axis]]
key = "scheduler"
values = [
  { label = "edf best", name = "edf", variant = "best" },
  { label = "edf fastest", name = "edf" },
  { label = "symphony best", name = "symphony", variant = "best" },
  { label = "symphony fastest", name = "symphony" },
]

[[zip]]
keys = ["workload.load", "workload.requests"]
values = [[0.01, 100], [0.5, 300], [2.5, 600]]
"#;

#[test]
fn a_sweep_of_several_schedulers_ends_with_its_league() {
    let shell = Shell::new();
    shell.write("four.toml", FOUR);
    let swept = shell.ok("sweep four.toml --out four");
    assert!(swept.out.contains("league by effective_accuracy over 6 units: "), "{}", swept.out);
    assert!(swept.out.contains("wrote four/league/league.md"), "{}", swept.out);
    let own = shell.read("four/league/league.csv");
    let said = shell.ok("league four --out again");
    assert_eq!((shell.read("again/league.csv"), said.err.as_str()), (own, ""));
    for file in ["league.md", "league.tex", "knees.csv", "matrix.csv", "knees.svg", "matrix.svg"] {
        let [own, again] = ["four/league", "again"].map(|at| shell.read(&format!("{at}/{file}")));
        assert_eq!(own, again);
    }
    // Two schedulers have none, and that of the earlier sweep is gone.
    let two = "--set scheduler=[\"edf\",\"grouped\"] --overwrite";
    let swept = shell.ok(&format!("sweep four.toml --out four {two}"));
    assert!(!swept.out.contains("league"), "{}", swept.out);
    for file in ["league.md", "matrix-misses.png", "league-timings.csv"] {
        assert!(!shell.exists(&format!("four/league/{file}")), "{file}");
    }
}

#[test]
fn knees_are_where_misses_cross() {
    let shell = Shell::new();
    shell.write("four.toml", FOUR);
    shell.ok("sweep four.toml --out o");
    let (runs, table) = (shell.read("o/runs.csv"), shell.read("o/league/knees.csv"));
    let of = |name: &str| column(&runs, name);
    let (names, loads, replicates, missed) =
        (of("scheduler"), of("workload.load"), of("replicate"), of("deadline_miss_ratio"));
    let number = |text: &String| text.parse::<f64>().expect("a number");
    // By hand, for every scheduler and share.
    for (at, name) in column(&table, "scheduler").iter().enumerate() {
        let most = 1.0 - number(&column(&table, "attainment")[at]) + 1e-9;
        let (mut sum, mut bound) = (0.0, "");
        for replicate in ["0", "1"] {
            let own = (0..names.len()).filter(|&r| names[r] == *name && replicates[r] == replicate);
            let curve: Vec<(f64, f64)> =
                own.map(|row| (number(&loads[row]), number(&missed[row]))).collect();
            sum += match curve.iter().position(|(_, missed)| *missed > most) {
                None => {
                    bound = "above";
                    2.5
                }
                Some(0) => {
                    bound = "below";
                    0.01
                }
                Some(after) => {
                    let ((l, a), (h, b)) = (curve[after - 1], curve[after]);
                    l + (h - l) * (most - a) / (b - a)
                }
            };
        }
        let knee = number(&column(&table, "knee")[at]);
        assert!((knee - sum / 2.0).abs() < 1e-6, "{name}: {knee}, by hand {}", sum / 2.0);
        assert_eq!(column(&table, "bound")[at], bound, "{name}");
    }
    let markdown = shell.read("o/league/league.md");
    // The number of requests follows from the load and is no setting of a knee.
    assert!(markdown.contains("## four: knees\n\n| scheduler | 99 % in time up to "), "{markdown}");
    assert!(shell.read("o/league/league.tex").contains("in time up to workload.load"));
    let matrix = shell.read("o/league/matrix.csv");
    assert_eq!(matrix.lines().count(), 1 + 3 * 2 * 2 * 2, "{matrix}");
    assert!(markdown.contains("| rule | best | fastest | picked | best, missed |"), "{markdown}");
}

#[test]
fn times_to_decide_are_apart_and_may_be_missing() {
    let shell = swept();
    shell.ok("league results/small");
    let table = shell.read("results/small/league/league-timings.csv");
    // All settings and each of two; two schedulers; a decision and a request.
    assert_eq!(table.lines().count(), 1 + 3 * 2 * 2);
    assert!(column(&table, "median_us").iter().all(|cell| cell.parse::<f64>().is_ok()));
    assert!(shell.read("results/small/league/league-timings.md").contains("µs a decision"));
    let one = "league results/small --where workload.rate_rps=50";
    let note = "no knees of small: workload.load or workload.rate_rps has one value";
    let said = shell.ok(one);
    assert!(said.err.contains(note), "{said:?}");
    assert!(!shell.exists("results/small/league/knees.svg"));
    std::fs::remove_file(shell.path("results/small/timings.csv")).expect("a file");
    let said = shell.ok("league results/small");
    let note = "no times to decide of small: no timings.csv beside its runs.csv";
    assert!(said.err.contains(note), "{said:?}");
    assert!(!shell.exists("results/small/league/league-timings.csv"));
    shell.write("results/small/timings.csv", "run_id,wall_s\nother,1\n");
    let said = shell.ok("league results/small");
    assert!(said.err.contains("its timings.csv has none of these runs"), "{said:?}");
    shell.write("results/small/timings.csv", "run_id,wall_s\nother,soon\n");
    assert!(shell.fails(2, "league results/small").err.contains("soon"));
}
