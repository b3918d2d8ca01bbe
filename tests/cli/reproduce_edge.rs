//! `peeksim reproduce edge`: on the cells of the shipped data that have an isolated latency. The
//! gate runs it on all of them.

use crate::support::shell::{Said, Shell, column, repository};

fn reproduce(shell: &Shell, threads: &str, out: &str) -> Said {
    let arguments = ["reproduce", "edge", "--quick", "--data", "data", "--out", out];
    let mut command = shell.command(&arguments);
    Said::of(command.env_remove("PEEKSIM_DATA").env("RAYON_NUM_THREADS", threads))
}

fn shipped(file: &str) -> String {
    std::fs::read_to_string(repository(&format!("traces/edge-devices/{file}"))).expect("data")
}

/// Writes both tables, with the rows of runs that `change` keeps, as it changes them. It gets the
/// load and the mean latency of a row.
fn write(shell: &Shell, device: &str, change: impl Fn(&str, f64) -> f64) {
    let isolated = shipped("isolated_profiles.csv");
    let kept = |line: &&str| line.starts_with("device,") || line.starts_with(device);
    let lines: Vec<&str> = isolated.lines().filter(kept).collect();
    shell.write("data/isolated_profiles.csv", lines.join("\n") + "\n");
    let names = ["device", "model", "dvfs_mode"].map(|name| column(&isolated, name));
    let key = |at: usize| [0, 1, 2].map(|name: usize| names[name][at].clone());
    let cells: Vec<[String; 3]> = (0..names[0].len()).map(key).collect();
    let loads = shipped("poisson_load_sweep.csv");
    let head = loads.lines().next().expect("a head").to_owned();
    let at = |name: &str| head.split(',').position(|column| column == name).expect("a column");
    let (load, mean, mode) = (at("load_frac"), at("mean_ms"), at("power_mode"));
    let mut text = head.clone() + "\n";
    for line in loads.lines().skip(1).filter(kept) {
        let mut row: Vec<String> = line.split(',').map(str::to_owned).collect();
        let key = [row[0].clone(), row[1].clone(), row[mode].clone()];
        if cells.contains(&key) {
            let ms = change(&row[load], row[mean].parse().expect("ms"));
            row[mean] = ms.to_string();
            text.push_str(&(row.join(",") + "\n"));
        }
    }
    shell.write("data/poisson_load_sweep.csv", text);
}

#[test]
fn six_devices_are_predicted_within_the_goals() {
    let shell = Shell::new();
    write(&shell, "", |_, ms| ms);
    let said = reproduce(&shell, "2", "r");
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(said.out.matches("\nmet: ").count(), 6, "{}", said.out);
    let predictions = shell.read("r/predictions.csv");
    assert_eq!(column(&predictions, "basis"), ["isolated"; 24 * 4]);
    // The tail is compared where a run has one.
    let rates = column(&predictions, "rate_rps");
    for (rate, p95) in rates.iter().zip(column(&predictions, "p95_ms_error")) {
        let requests = rate.parse::<f64>().expect("a rate") * 60.0;
        assert!(requests > 150.0 || p95.is_empty());
        assert!(requests < 250.0 || !p95.is_empty());
    }
    // The same bytes on one thread, of one device.
    write(&shell, "rasp5", |_, ms| ms);
    reproduce(&shell, "1", "one");
    let rows = shell.read("one/predictions.csv");
    let own: Vec<&str> = predictions.lines().filter(|line| line.contains(",rasp5,")).collect();
    assert_eq!(rows.lines().skip(1).collect::<Vec<_>>(), own);
}

#[test]
fn a_goal_that_is_missed_is_named() {
    let shell = Shell::new();
    write(&shell, "xavier", |load, ms| if load == "0.75" { 1.2 * ms } else { ms });
    let said = reproduce(&shell, "2", "r");
    assert_eq!(said.code, Some(1), "{said:?}");
    let message = "error: missed: mean latency at 75 % load: median error ";
    assert!(said.err.contains(message) && !said.err.contains("50 %"), "{}", said.err);
}
