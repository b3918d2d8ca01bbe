//! `peeksim calibrate device`

use crate::support::shell::{Said, Shell, column};

/// Runs of a device with a service time of 10 ms and an overhead of 5 ms that does not vary: 0.12
/// of it occupies the worker. Means and deviations are those of the steady state of an M/D/1 queue
/// with S = 10.6 ms and a delay of 4.4 ms, at 20, 40 and 60 requests/s.
const RUNS: &str = "\
device,model,power_mode,load_frac,repeat,duration_s,requests,achieved_rps,mean_ms,std_ms,\
warm_idle_w,serving_w
box,net,,0.25,0,60,1200,20,16.4259,3.4799,2,2.8
box,net,,0.25,1,60,1200,20,16.4259,3.4799,2,2.8
box,net,,0.5,0,60,2400,40,18.9014,6.4,2,3.6
box,net,,0.5,1,60,2400,40,18.9014,6.4,2,3.6
box,net,,0.75,0,60,3600,60,24.2604,12.0,2,4.4
box,net,,0.75,1,60,3600,60,24.2604,12.0,2,4.4
";
const ISOLATED: &str = "device,model,latency_ms_mean,latency_ms_std\nbox,net,10,0\n";
const GIVEN: [&str; 6] = ["--set", "budget_ms=100", "--set", "accuracy=0.7", "--set", "load_ms=0"];

fn calibrate(shell: &Shell, more: &[&str]) -> Said {
    let command = ["calibrate", "device", "loads.csv", "--out", "profiles/mine"];
    Said::of(&mut shell.command(&[&command[..], &GIVEN, more].concat()))
}

fn shell() -> Shell {
    let shell = Shell::new();
    shell.write("loads.csv", RUNS);
    shell.write("isolated.csv", ISOLATED);
    shell
}

#[test]
fn a_device_is_fitted_predicted_and_used() {
    let shell = shell();
    let said = calibrate(&shell, &["--isolated", "isolated.csv"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.err.contains("too few fitted loads to choose among models"), "{}", said.err);
    let fits = shell.read("profiles/mine/calibration/fits.csv");
    let number = |name: &str| column(&fits, name)[0].parse::<f64>().expect("a number");
    assert!((number("overhead_ms") - 5.0).abs() < 0.05, "{fits}");
    assert!((number("service_ms") - 10.6).abs() < 0.01, "{fits}");
    assert!(number("delay_ms_sd") < 0.2, "{fits}");
    let predictions = shell.read("profiles/mine/calibration/predictions.csv");
    for (load, error) in
        column(&predictions, "load").iter().zip(column(&predictions, "mean_ms_error"))
    {
        let error: f64 = error.parse().expect("a number");
        // Eight simulations of a minute.
        assert!(error.abs() < if load == "0.75" { 0.1 } else { 0.03 }, "{load}: {error}");
    }
    for watts in column(&predictions, "watts_error") {
        assert!(watts.parse::<f64>().expect("a number").abs() < 0.02, "{predictions}");
    }
    shell.write(
        "study.toml",
        "[base]\napps = [\"mine\"]\nworkers = [{ class = \"box\" }]\nworkload = { arrivals = \
         \"poisson\", rate_rps = 20, requests = 500 }\n[[axis]]\nkey = \"scheduler\"\nvalues = \
         [\"edf\"]\n",
    );
    let said = shell.run("sweep study.toml --out r");
    assert_eq!(said.code, Some(0), "{said:?}");
    let mean: f64 = column(&shell.read("r/runs.csv"), "latency_ms_mean")[0].parse().expect("ms");
    assert!((mean - 16.43).abs() < 1.0, "{mean}");
}

#[test]
fn a_model_is_chosen_by_loads_that_are_left_out() {
    let shell = shell();
    let said = calibrate(&shell, &["--isolated", "isolated.csv", "--fit", "0.25,0.5"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let chosen: Vec<&str> = said.out.lines().filter(|line| line.contains("chosen")).collect();
    assert!(chosen.len() == 1 && chosen[0].trim().starts_with("blocking"), "{}", said.out);
}

#[test]
fn runs_alone_give_a_fit_too() {
    let shell = shell();
    let said = calibrate(&shell, &[]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let fits = shell.read("profiles/mine/calibration/fits.csv");
    assert_eq!(column(&fits, "basis"), ["loads"]);
    // A run without requests is left out.
    let more = format!("{RUNS}box,net,,0.25,2,60,0,0,,,,\n");
    let again = Shell::new();
    again.write("loads.csv", more);
    let said = calibrate(&again, &[]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(again.read("profiles/mine/calibration/fits.csv"), fits);
}

#[test]
fn what_cannot_be_fitted_is_refused() {
    let refused = |loads: &str, isolated: &str, more: &[&str], message: &str| {
        let shell = Shell::new();
        shell.write("loads.csv", loads);
        shell.write("isolated.csv", isolated);
        let said = calibrate(&shell, &[&["--isolated", "isolated.csv"], more].concat());
        assert_eq!(said.code, Some(2), "{said:?}");
        assert!(said.err.contains(message), "{message}: {}", said.err);
        assert!(!shell.exists("profiles/mine"));
    };
    let one: String = RUNS.lines().take(3).map(|line| format!("{line}\n")).collect();
    refused(&one, ISOLATED, &[], "one load of `net` on `box`, expected at least two");
    let slow = ISOLATED.replace(",10,", ",60,");
    let message = "20.0 requests/s of `net` on `box` at load 0.25, expected less than the 16.7/s";
    refused(RUNS, &slow, &[], message);
    refused(RUNS, ISOLATED, &["--fit", "0.3"], "0.3, expected a load of the runs: 0.25, 0.5, 0.75");
    refused(RUNS, ISOLATED, &["--fit", "0.25,0.5,0.75"], "all loads: 0.25, 0.5, 0.75");
    refused(&RUNS.replace("mean_ms", "meanms"), ISOLATED, &[], "`mean_ms`");
    refused(&RUNS.replace("16.4259", "-1"), ISOLATED, &[], "loads.csv:2");
    refused(&RUNS.replace("16.4259", "0"), ISOLATED, &[], "a number above 0");
    refused(RUNS, &ISOLATED.replace("box", "other"), &[], "no device, model and power mode");
    let twice = format!("{ISOLATED}box,net,11,0\n");
    refused(RUNS, &twice, &[], "one row for each device, model and power mode");
    let shell = shell();
    shell.write("profiles/mine/app.toml", "");
    let said = calibrate(&shell, &[]);
    assert_eq!(said.code, Some(2));
    assert!(said.err.contains("which exists, expected a new folder"), "{}", said.err);
    let said = shell.run("calibrate device loads.csv --out p");
    assert_eq!(said.code, Some(2));
    assert!(said.err.contains("budget_ms") && said.err.contains("accuracy"), "{}", said.err);
}
