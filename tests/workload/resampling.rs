//! Replicates that are none: runs that are the same say nothing about how far they may be off. And
//! `resample_s`, which makes replicates of one recording.

use crate::support::shell::{SMALL, Shell, column};

/// [`SMALL`] with ten replicates, one rate and a claim.
fn experiment(trace: &str) -> String {
    let axis = "\n[[axis]]\nkey = \"workload.rate_rps\"\nvalues = [50, 2000]\n";
    let claim = "\n[[expect]]\nclaim = \"grouped >= edf\"\nmetric = \"latency_ms_mean\"\n\
                 [[expect]]\nclaim = \"grouped <= edf\"\nmetric = \"latency_ms_mean\"\n";
    SMALL
        .replace("replicates = 2", "replicates = 10")
        .replace("{ arrivals = \"poisson\", rate_rps = 100, requests = 300 }", trace)
        .replace(axis, "")
        .replace("[[figure]]\nname = \"utility\"\n", "")
        + claim
}

/// Bursts of ten requests every second for a minute, of two applications with their classes
/// left open.
fn requests() -> String {
    let mut text = "arrival_s,app\n".to_owned();
    for at in 0..600 {
        let (second, place) = (at / 10, at % 10);
        let app = if (second + place) % 3 == 0 { "voice" } else { "activity" };
        text.push_str(&format!("{}.{:03},{app}\n", second, place * (1 + second % 7)));
    }
    text
}

fn shell(trace: &str) -> Shell {
    let shell = Shell::new();
    shell.write("requests.csv", requests());
    shell.write("s.toml", experiment(trace));
    shell
}

/// The cells of one column of `intervals.csv` for a metric.
fn cells(shell: &Shell, metric: &str, name: &str) -> Vec<String> {
    let text = shell.read("o/intervals.csv");
    let (metrics, cells) = (column(&text, "metric"), column(&text, name));
    metrics.iter().zip(cells).filter(|(own, _)| *own == metric).map(|(_, cell)| cell).collect()
}

const SAME_TIMES: &str = "- every replicate arrives at the same instants";

#[test]
fn where_nothing_varies_nothing_is_concluded() {
    let shell = shell("{ arrivals = \"file\", file = \"requests.csv\" }");
    for said in [shell.ok("check s.toml"), shell.ok("sweep s.toml --out o --overwrite")] {
        assert!(said.err.contains(SAME_TIMES), "{said:?}");
        assert!(said.err.contains("`workload.resample_s` draws blocks"), "{said:?}");
    }
    // Requests, deadlines and batches are the same in every replicate.
    for metric in ["latency_ms_mean", "latency_ms_p99", "model_loads", "makespan_s"] {
        assert_eq!(cells(&shell, metric, "interval_note"), ["constant"; 2], "{metric}");
        for name in ["ci95_low", "ci95_high", "interval"] {
            assert_eq!(cells(&shell, metric, name), [""; 2], "{metric}");
        }
        let summary = shell.read("o/summary.csv");
        assert_eq!(column(&summary, &format!("{metric}_ci95")), [""; 2], "{metric}");
    }
    // Whether answers are right is drawn with their rows.
    assert!(cells(&shell, "accuracy_mean", "ci95_low").iter().all(|cell| !cell.is_empty()));
    let csv = shell.ok("compare o --metric latency_ms_mean --format csv").out;
    assert_ne!(column(&csv, "difference"), ["0"]);
    for name in ["ci95_low", "ci95_high", "p_t", "p_t_holm", "p_wilcoxon", "p_wilcoxon_holm"] {
        assert_eq!(column(&csv, name), [""], "{name}");
    }
    let text = shell.ok("compare o --metric latency_ms_mean").out;
    assert!(text.contains("no interval, where all replicates differ alike"), "{text}");
    let out = shell.ok("sweep s.toml --out o --overwrite").out;
    let verdicts: Vec<&str> = out.lines().filter(|line| line.contains("(no scatter)")).collect();
    assert_eq!(verdicts.len(), 2, "{out}");
    assert!(verdicts.iter().all(|line| line.trim_start().starts_with("undecided")), "{out}");
    // A single replicate promises nothing that it could not hold.
    let said = shell.ok("check s.toml --replicates 1");
    assert!(!said.err.contains("every replicate"), "{said:?}");
}

#[test]
fn replicates_that_are_the_same_run_are_said_to_be() {
    let exact = "{ arrivals = \"recorded\", replay = \"exact\", requests = 300 }";
    let shell = shell(exact);
    let said = shell.ok("sweep s.toml --out o --overwrite");
    assert!(said.err.contains("- every replicate has the same requests"), "{said:?}");
    let same = "- in 2 of 2 configurations all replicates came to the same numbers";
    assert!(said.err.contains(same), "{said:?}");
    let compare = shell.read("o/compare.csv");
    assert!(column(&compare, "ci95_low").iter().all(String::is_empty), "{compare}");
    assert!(!said.out.contains('±'), "{said:?}");
    // Blocks of the same recording.
    let resampled = exact.replace("requests", "resample_s = 20, requests");
    shell.write("s.toml", experiment(&resampled));
    let said = shell.ok("sweep s.toml --out o --overwrite");
    assert!(!said.err.contains("- every") && !said.err.contains(same), "{said:?}");
    let compare = shell.read("o/compare.csv");
    assert!(column(&compare, "ci95_low").iter().any(|cell| !cell.is_empty()), "{compare}");
}

#[test]
fn blocks_of_a_file_make_replicates() {
    let shell = shell("{ arrivals = \"file\", file = \"requests.csv\", resample_s = 7.5 }");
    for said in [shell.ok("check s.toml"), shell.ok("sweep s.toml --jobs 1 --out o --overwrite")] {
        assert!(!said.err.contains("every replicate"), "{said:?}");
    }
    let rows = shell.bytes("o/runs.csv");
    shell.ok("sweep s.toml --jobs 4 --out p");
    assert!(rows == shell.bytes("p/runs.csv"), "four threads");
    let text = shell.read("o/runs.csv");
    assert_eq!(column(&text, "arrived"), ["600"; 20]);
    // 600 requests in a minute, within what ten replicates of eight blocks say.
    let ends: Vec<f64> =
        column(&text, "makespan_s").iter().map(|cell| cell.parse().expect("seconds")).collect();
    let mean = ends.iter().sum::<f64>() / 20.0;
    assert!((mean - 60.0).abs() < 3.0, "{mean}");
    assert!(ends.iter().any(|end| (end - ends[0]).abs() > 1e-3));
    assert!(cells(&shell, "latency_ms_mean", "ci95_low").iter().all(|cell| !cell.is_empty()));
    let csv = shell.ok("compare o --metric latency_ms_mean --format csv").out;
    assert!(column(&csv, "p_t").iter().all(|p| !p.is_empty()), "{csv}");
    // With a rate, recorded seconds are scaled after they were drawn.
    shell.ok("sweep s.toml --set workload.rate_rps=20 --out q");
    let scaled: Vec<f64> = column(&shell.read("q/runs.csv"), "makespan_s")
        .iter()
        .map(|cell| cell.parse().expect("seconds"))
        .collect();
    let mean = scaled.iter().sum::<f64>() / 20.0;
    assert!((mean - 30.0).abs() < 2.0, "{mean}");
}
