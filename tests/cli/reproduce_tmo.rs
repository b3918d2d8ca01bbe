//! `peeksim reproduce tmo`

use crate::support::shell::{Said, Shell, column};

fn reproduce(shell: &Shell, arguments: &[&str]) -> Said {
    let mut command = shell.command(&[&["reproduce", "tmo", "--quick"], arguments].concat());
    Said::of(command.env_remove("PEEKSIM_DATA"))
}

#[test]
fn without_data_the_rest_is_made_again_and_holds() {
    let shell = Shell::new();
    let said = reproduce(&shell, &["--out", "r"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.out.contains(" held, 0 contradicted, "), "{}", said.out);
    let wide = column(&shell.read("r/tmo.csv"), "verdict");
    let wide = wide.iter().filter(|verdict| *verdict == "undecided").count();
    let tally = format!(" 0 contradicted, {wide} undecided, ");
    assert!(wide > 0 && said.out.contains(&tally), "{tally}: {}", said.out);
    let text = shell.read("r/tmo.csv");
    let lines: Vec<(String, String)> =
        column(&text, "section").into_iter().zip(column(&text, "verdict")).collect();
    for (section, verdict) in &lines {
        let expected = match section.as_str() {
            "devices" | "networks" | "normalised" | "rewards" => verdict == "holds",
            "sweep totals" => ["holds", "reported", "undecided"].contains(&verdict.as_str()),
            "sweep, compat" | "sweep, held out" | "generated" => verdict == "reported",
            _ => verdict == "no data",
        };
        assert!(expected, "{section}: {verdict}");
    }
    assert!(lines.iter().any(|(_, verdict)| verdict == "no data"));
    assert!(shell.read("r/REPORT.md").contains("\n## sweep, held out\n\n| | response | reward |"));
    // The same bytes on one thread.
    let again = ["reproduce", "tmo", "--quick", "--out", "again", "--baseline", "r"];
    let mut command = shell.command(&again);
    command.env_remove("PEEKSIM_DATA").env("RAYON_NUM_THREADS", "1");
    let said = Said::of(&mut command);
    assert_eq!(said.code, Some(0));
    assert!(said.out.contains(" compared, 0 moved\n"), "{}", said.out);
    assert_eq!(shell.read("again/tmo.csv"), text);
    // A changed digit is found.
    let changed = text.replacen("1.125925925925926", "1.125925925925927", 1);
    shell.write("kept/tmo.csv", &changed);
    let said = reproduce(&shell, &["--out", "again", "--baseline", "kept"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    let moved = "figure was 1.125925925925927, is 1.125925925925926\n";
    assert!(said.out.contains(moved), "{}", said.out);
}

#[test]
fn with_data_every_line_that_is_demanded_holds() {
    let shell = Shell::new();
    let Some(folder) = std::env::var_os("PEEKSIM_DATA") else {
        println!("skipped: PEEKSIM_DATA names no folder with tmo_m4a1/m4a1.csv");
        return;
    };
    let file = std::path::Path::new(&folder).join("tmo_m4a1/m4a1.csv");
    if !file.is_file() {
        println!("skipped: no {}", file.display());
        return;
    }
    let said = reproduce(&shell, &["--require-data", "--data", &file.to_string_lossy()]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.out.contains(" 0 contradicted, ") && said.out.ends_with(" 0 without data\n"));
    for figure in ["devices", "weights-association", "weights-latency", "weights-usage"] {
        assert!(shell.exists(&format!("reproduced/tmo/figures/{figure}.svg")), "{figure}");
    }
}

#[test]
fn data_that_must_be_there_and_are_not_are_said_so() {
    let said = reproduce(&Shell::new(), &["--require-data"]);
    assert_eq!(said.code, Some(2));
    let error = "error: --data: found nothing, expected the data set M4A1, or PEEKSIM_DATA\n";
    assert_eq!(said.err, error);
    let said = reproduce(&Shell::new(), &["--data", "m4a1.csv"]);
    assert_eq!(said.code, Some(2), "{said:?}");
}
