//! `peeksim import`

use crate::support::shell::{Shell, column};

const JSON: &str = r#"[
  {"id": 0, "interactions": [
    {"task_cat": "Query", "action": 1, "image_index": [1], "answer": "Sure.", "score": 1.5,
     "interaction_time": 3.25, "usage_cost": 0.005}],
   "association_score": [[0.2, 0.25]]}]
"#;

#[test]
fn dialogues_are_imported_and_read_again() {
    let shell = Shell::new();
    shell.write("m.json", JSON);
    shell.ok("import m4a1 m.json --out d.csv");
    let header = "dialogue,turn,task,action,subset,score_raw,score,time_s,cost_usd";
    let text = shell.read("d.csv");
    assert_eq!(
        text,
        format!(
            "{header},association_0,association_1\n0,0,Query,cloud,1,1.5,1.5,3.25,0.005,0.2,0.25\n"
        )
    );
    assert_eq!(shell.ok("import m4a1 d.csv").out, text);
}

#[test]
fn the_published_numbers_are_imported_whole() {
    let Some(folder) = std::env::var_os("PEEKSIM_DATA") else {
        println!("skipped: PEEKSIM_DATA names no folder with tmo_m4a1/m4a1.csv");
        return;
    };
    let file = std::path::Path::new(&folder).join("tmo_m4a1/m4a1.csv");
    if !file.is_file() {
        println!("skipped: no {}", file.display());
        return;
    }
    let shell = Shell::new();
    let said = shell.ok(&format!("import m4a1 {} --out d.csv", file.display()));
    assert_eq!(said.err, "100 dialogues, 352 turns, 4 tasks, 3 views\n");
    let text = shell.read("d.csv");
    let count =
        |name: &str, value: &str| column(&text, name).iter().filter(|c| *c == value).count();
    // Counts of the data set's description.
    assert_eq!((count("action", "local"), count("action", "cloud")), (170, 182));
    assert_eq!(count("task", "Assistive System"), 99);
    assert_eq!(count("subset", "0+1+2"), 47);
    let mean = |name: &str| {
        let cells = column(&text, name);
        cells.iter().map(|c| c.parse::<f64>().unwrap()).sum::<f64>() / cells.len() as f64
    };
    assert!((mean("score") - 0.967).abs() < 5e-4, "{}", mean("score"));
    assert!((mean("association_0") - 0.2172).abs() < 5e-5);
}

/// All published traces are read; the constant that stands before each measurement stays, unless it
/// is to be left out.
#[test]
fn bandwidth_traces_are_imported_with_or_without_the_constant_before_them() {
    let Some(folder) = std::env::var_os("PEEKSIM_DATA") else {
        println!("skipped: PEEKSIM_DATA names no folder with trace_octopinf_video");
        return;
    };
    let file = std::path::Path::new(&folder).join("trace_octopinf_video/bandwidth_mbps.csv");
    if !file.is_file() {
        println!("skipped: no {}", file.display());
        return;
    }
    let shell = Shell::new();
    let rows = |trace: usize, skip: u32| {
        let chosen = format!("--set trace={trace} --set skip_rows={skip}");
        let said = shell.ok(&format!("import bandwidth {} {chosen} --out b.csv", file.display()));
        assert!(said.err.contains(&format!("; trace {trace}")), "{said:?}");
        let text = shell.read("b.csv");
        assert!(text.starts_with("time_s,mbps\n0,"), "{text}");
        text.lines().count() - 1
    };
    // 1,484 rows in 21 traces, of which 20 begin with the constant.
    assert_eq!((0..21).map(|trace| rows(trace, 0)).sum::<usize>(), 1_484);
    assert_eq!((1..21).map(|trace| rows(trace, 1)).sum::<usize>(), 1_463);
    assert_eq!(shell.read("b.csv").lines().nth(1), Some("0,6.23"));
}
