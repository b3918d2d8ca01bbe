//! `peeksim reproduce edge`

use crate::support::shell::{Said, Shell, column, repository};

fn reproduce(shell: &Shell, threads: &str, arguments: &[&str]) -> Said {
    let mut command = shell.command(&[&["reproduce", "edge", "--quick"], arguments].concat());
    Said::of(command.env_remove("PEEKSIM_DATA").env("RAYON_NUM_THREADS", threads))
}

#[test]
fn six_devices_are_predicted_within_the_goals() {
    let shell = Shell::new();
    let said = reproduce(&shell, "2", &["--out", "r"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(said.out.matches("\nmet: ").count(), 6, "{}", said.out);
    let predictions = shell.read("r/predictions.csv");
    let basis = column(&predictions, "basis");
    assert_eq!(basis.iter().filter(|basis| *basis == "isolated").count(), 24 * 4);
    assert_eq!(basis.len(), 83 * 4);
    // The tail is compared where a run has one.
    let requests_below = column(&predictions, "rate_rps")
        .into_iter()
        .map(|rate| rate.parse::<f64>().expect("a rate") * 60.0 < 150.0);
    for (is_short, p95) in requests_below.zip(column(&predictions, "p95_ms_error")) {
        assert!(!is_short || p95.is_empty());
    }
    // The same bytes on one thread, of one device.
    for file in ["isolated_profiles.csv", "poisson_load_sweep.csv"] {
        let text = data(file);
        let kept =
            text.lines().filter(|line| line.starts_with("device") || line.starts_with("rasp5"));
        let kept: String = kept.map(|line| format!("{line}\n")).collect();
        shell.write(&format!("data/{file}"), kept);
    }
    reproduce(&shell, "1", &["--out", "one", "--data", "data"]);
    let rows = shell.read("one/predictions.csv");
    let own: Vec<&str> = predictions.lines().filter(|line| line.contains(",rasp5,")).collect();
    assert_eq!(rows.lines().skip(1).collect::<Vec<_>>(), own);
}

fn data(file: &str) -> String {
    std::fs::read_to_string(repository(&format!("traces/edge-devices/{file}"))).expect("data")
}

#[test]
fn a_goal_that_is_missed_is_named() {
    let shell = Shell::new();
    shell.write("data/isolated_profiles.csv", data("isolated_profiles.csv"));
    let loads = data("poisson_load_sweep.csv");
    let head = loads.lines().next().expect("a head");
    let at = |name: &str| head.split(',').position(|column| column == name).expect("a column");
    let (load, mean) = (at("load_frac"), at("mean_ms"));
    let slower = loads.lines().map(|line| {
        let mut cells: Vec<String> = line.split(',').map(str::to_owned).collect();
        if cells[load] == "0.75" {
            cells[mean] = (1.2 * cells[mean].parse::<f64>().expect("ms")).to_string();
        }
        cells.join(",") + "\n"
    });
    shell.write("data/poisson_load_sweep.csv", slower.collect::<String>());
    let said = reproduce(&shell, "2", &["--out", "r", "--data", "data"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    let message = "error: missed: mean latency at 75 % load: median error ";
    assert!(said.err.contains(message) && !said.err.contains("50 %"), "{}", said.err);
}
