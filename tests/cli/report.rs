//! `peeksim report`

use crate::support::shell::{Shell, column};
use peeksim::metrics::metric_shape;
use serde_json::Value;

/// The page in a folder of results.
fn page(shell: &Shell, folder: &str) -> String {
    shell.read(&format!("{folder}/report.html"))
}

/// The data of a page.
fn data(page: &str) -> Value {
    let begin = r#"<script type="application/json" id="data">"#;
    let (_, rest) = page.split_once(begin).expect("data");
    let (text, _) = rest.split_once("</script>").expect("an end");
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap_or_else(|| panic!("no list: {value}"))
}

/// The label at a place of an axis, as the page numbers them.
fn label(data: &Value, axis: usize, place: &Value) -> String {
    let place = place.as_u64().expect("a place") as usize;
    data["axes"][axis]["labels"][place].as_str().expect("a label").to_owned()
}

/// The number of a CSV cell; nothing where it is empty.
fn cell(text: &str) -> Option<f64> {
    (!text.is_empty()).then(|| text.parse().expect("a number"))
}

/// Whether two numbers are one, as far as a reader of JSON promises, or both are left out.
fn same(value: &Value, other: Option<f64>) -> bool {
    match (value.as_f64(), other) {
        (Some(a), Some(b)) => (a - b).abs() <= 1e-15 * b.abs(),
        (a, b) => value.is_null() && a == b,
    }
}

#[test]
fn a_page_is_made_again_from_the_files_of_its_folder() {
    let shell = Shell::small();
    let said = shell.ok("sweep small.toml");
    assert!(said.out.contains("wrote results/small/report.html\n"), "{}", said.out);
    let first = page(&shell, "results/small");
    std::fs::remove_file(shell.path("results/small/report.html")).expect("removed");
    assert_eq!(shell.ok("report results/small").out, "wrote results/small/report.html\n");
    assert!(page(&shell, "results/small") == first, "the page differs");
    // The shell is named that makes it, as long as its file says the same.
    assert_eq!(data(&first)["again"]["commands"][0], "peeksim sweep small.toml");
    shell.write("small.toml", shell.read("small.toml").replace("requests = 300", "requests = 9"));
    shell.ok("report results/small");
    let other = data(&page(&shell, "results/small"));
    assert_eq!(other["again"]["commands"][0], "peeksim verify results/small");
    assert_eq!(other["cells"], data(&first)["cells"]);
}

#[test]
fn pages_do_not_depend_on_the_number_of_threads() {
    let pages = [1, 2].map(|jobs| {
        let shell = Shell::small();
        shell.ok(&format!("sweep small.toml --jobs {jobs} --tables late_because"));
        page(&shell, "results/small")
    });
    assert!(pages[0] == pages[1], "the pages differ");
}

#[test]
fn means_are_those_of_summary_csv() {
    let shell = Shell::small();
    shell.ok("sweep small.toml");
    let summary = shell.read("results/small/summary.csv");
    let data = data(&page(&shell, "results/small"));
    let keys = ["scheduler", "workload.rate_rps"];
    let axes: Vec<&Value> = list(&data["axes"]).iter().map(|axis| &axis["key"]).collect();
    assert_eq!(axes, keys);
    let cells = list(&data["cells"]);
    assert_eq!(cells.len(), 4);
    let mut intervals = 0;
    for (row, own) in cells.iter().enumerate() {
        for (axis, key) in keys.iter().enumerate() {
            assert_eq!(label(&data, axis, &own["at"][axis]), column(&summary, key)[row]);
        }
        assert_eq!(own["n"].to_string(), column(&summary, "replicates")[row]);
        for (metric, value) in list(&data["metrics"]).iter().zip(list(&own["values"])) {
            let name = metric["name"].as_str().expect("a name");
            let of = |name: &str| cell(&column(&summary, name)[row]);
            let (mean, half) = (of(name), of(&format!("{name}_ci95")));
            assert!(same(&value[0], mean), "{name}: {value} {mean:?}");
            let Some((mean, half)) = mean.zip(half) else {
                assert!(value[1].is_null(), "{name}: an interval of {value}");
                continue;
            };
            let (least, most) = metric_shape(name).range;
            let ends = [(mean - half).max(least), (mean + half).min(most)];
            for (end, found) in ends.iter().zip([&value[1], &value[2]]) {
                let found = found.as_f64().expect("an end");
                assert!((found - end).abs() <= 1e-12 * end.abs().max(1.0), "{name}: {value}");
            }
            intervals += 1;
        }
    }
    assert!(intervals > 40, "{intervals}");
}

#[test]
fn best_rows_are_those_of_compare() {
    let shell = Shell::new();
    shell.write("best.toml", super::compare::FOUR);
    shell.ok("sweep best.toml");
    let data = data(&page(&shell, "results/best"));
    let decider = data["decider"].as_u64().expect("a decider") as usize;
    let (mut standings, mut needed) = (Vec::new(), 0);
    for of_metric in list(&data["best"]) {
        let metric = of_metric["metric"].as_str().expect("a metric");
        let call = format!("compare results/best --best --metric {metric} --format csv");
        let csv = shell.ok(&call).out;
        let mut rows = 0;
        for setting in list(&of_metric["settings"]) {
            assert!(setting["at"][decider].is_null());
            let rate = label(&data, 1 - decider, &setting["at"][1 - decider]);
            for other in list(&setting["others"]) {
                let of = |name: &str| column(&csv, name)[rows].clone();
                assert_eq!(of("metric"), metric);
                assert_eq!(of("workload.rate_rps"), rate);
                assert_eq!(of("best"), label(&data, decider, &setting["best"]));
                assert_eq!(of("other"), label(&data, decider, &other["label"]));
                assert_eq!(other["verdict"], of("standing").as_str());
                for (value, name) in [
                    (&setting["mean"], "mean"),
                    (&other["difference"], "difference"),
                    (&other["low"], "ci95_low"),
                    (&other["high"], "ci95_high"),
                    (&other["p_holm"], "p_t_holm"),
                    (&other["needed"], "replicates_needed"),
                ] {
                    assert!(same(value, cell(&of(name))), "{metric}: {name}: {value}");
                }
                standings.push(of("standing"));
                needed += usize::from(!other["needed"].is_null());
                rows += 1;
            }
        }
        assert_eq!(rows, column(&csv, "best").len(), "{metric}");
    }
    for standing in ["worse", "alike", "equal"] {
        assert!(standings.iter().any(|own| own == standing), "no row is {standing}");
    }
    assert!(needed > 0);
}

#[test]
fn hostile_texts_stay_texts() {
    let label = r#"</script><script>alert(1)</script>"'&<img src=x onerror=alert(2)>"#;
    let text = |label: &str| {
        let quoted = label.replace('"', "\\\"");
        format!(
            r#"title = "{quoted}"
note = "{quoted}"
replicates = 2
[base]
apps = ["voice"]
workers = [{{ class = "edge-cpu", memory_bytes = 5_000_000 }}]
workload = {{ arrivals = "poisson", rate_rps = 100, requests = 20 }}
[[axis]]
key = "scheduler"
values = [{{ label = "{quoted}", name = "edf" }}, "fcfs"]
"#
        )
    };
    let pages = [label, "plain"].map(|label| {
        let shell = Shell::new();
        shell.write("h.toml", text(label));
        shell.ok("sweep h.toml --out o");
        page(&shell, "o")
    });
    let [hostile, plain] = &pages;
    let lower = hostile.to_lowercase();
    assert!(!lower.contains("<script>alert") && !lower.contains("<img"));
    for tag in ["<script", "</script", "<style", "<!--"] {
        assert_eq!(hostile.matches(tag).count(), plain.matches(tag).count(), "{tag}");
    }
    let data = data(hostile);
    assert_eq!(data["axes"][0]["labels"][0], label);
    assert_eq!((&data["title"], &data["note"]), (&Value::from(label), &Value::from(label)));
    // It is shown, as text.
    assert!(hostile.contains("&lt;script&gt;alert(1)"));
}

#[test]
fn folders_without_results_are_refused() {
    let shell = Shell::small();
    shell.ok("sweep small.toml");
    let manifest = shell.read("results/small/manifest.toml");
    let first = page(&shell, "results/small");
    let refused = |folder: &str, message: &str| {
        let said = shell.fails(2, &format!("report {folder}"));
        assert!(said.error().contains(message), "{said:?}");
        assert_eq!(said.out, "");
    };
    std::fs::remove_file(shell.path("results/small/manifest.toml")).expect("removed");
    refused("results/small", "results/small/manifest.toml: found no such file");
    assert!(page(&shell, "results/small") == first, "the page was replaced");
    shell.write("results/small/manifest.toml", &manifest);
    let runs = shell.read("results/small/runs.csv");
    shell.write("results/small/runs.csv", runs.replacen("run_id", "identity", 1));
    let expected = "results/small/runs.csv:1: found columns of another version";
    refused("results/small", expected);
    shell.write("results/small/runs.csv", runs);
    shell.write("results/small/manifest.toml", "schema = [");
    refused("results/small", "results/small/manifest.toml");
    refused("nowhere", "nowhere/runs.csv: found no such file");
    assert!(!shell.exists("nowhere"));
    shell.write("empty/x", "");
    refused("empty", "empty/runs.csv: found no such file");
    assert!(!shell.exists("empty/report.html"));
}

#[test]
fn a_page_of_many_cells_is_small_and_needs_no_network() {
    let shell = Shell::new();
    let said = shell.ok("sweep quickstart --replicates 2 --set workload.requests=100 --out q");
    let page = page(&shell, "q");
    assert!(said.out.contains("wrote q/report.html\n"));
    assert_eq!(list(&data(&page)["cells"]).len(), 18 * 8);
    assert!(page.len() < 2_000_000, "{} bytes", page.len());
    for far in ["src=\"", "href=\"http", "url(http", "@import", "fetch(", "XMLHttpRequest"] {
        assert!(!page.contains(far), "{far}");
    }
}
