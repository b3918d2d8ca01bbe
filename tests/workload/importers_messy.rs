//! `peeksim import` on files as they are found: right, refused, or told.

use crate::support::shell::{Said, Shell, column};
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write;

/// Imports and gives the file and what was said.
fn imported(shell: &Shell, arguments: &str) -> (String, String) {
    let said = shell.ok(&format!("import {arguments} --out o.csv"));
    (shell.read("o.csv"), said.err)
}

/// The rows of a file of requests of one application.
fn arrivals(text: &str) -> Vec<String> {
    column(text, "arrival_s")
}

#[test]
fn a_quoted_cell_with_line_ends_is_one_row() {
    let shell = Shell::new();
    let table = "t,text\n0,\"a\nb, c\n\n\"\"d\"\"\"\n1,e\n2,\"f\n3,4\"\n";
    shell.write("c.csv", table);
    let (text, said) = imported(&shell, "csv c.csv --column arrival=t --app a");
    assert_eq!(text, "arrival_s,app\n0,a\n1,a\n2,a\n");
    assert_eq!(
        said,
        "3 requests over 2 s (1 rps), 1 keys, 0 bad rows skipped; arrival in s by default\n"
    );
    // A bad row behind it has its line, and may be skipped.
    shell.write("c.csv", format!("{table}x,g\n4,h\n"));
    let said = shell.fails(2, "import csv c.csv --column arrival=t --app a --out o.csv");
    assert!(said.err.starts_with("error: c.csv:9: `t`: found `x`"), "{said:?}");
    let (text, _) = imported(&shell, "csv c.csv --column arrival=t --app a --max-bad-rows 1");
    assert_eq!(arrivals(&text), ["0", "1", "2", "4"]);
    // What a quote without an end swallows is not one bad row.
    shell.write("c.csv", "t,text\n0,a\n1,\"b\n2,c\n3,d\n");
    let command = "import csv c.csv --column arrival=t --app a --max-bad-rows 9 --out n.csv";
    let said = shell.fails(2, command);
    assert!(said.err.starts_with("error: c.csv:3: found a quoted cell without an end"), "{said:?}");
    assert!(!shell.exists("n.csv"));
    let record = shell.read("o.csv.import.toml");
    assert!(record.contains("read_as = [\"arrival in s by default\"]"), "{record}");
}

#[test]
fn delimiters_are_given_or_recognised_and_told() {
    let shell = Shell::new();
    let csv = "csv c.csv --column arrival=t --unit arrival=s --app a";
    for (delimiter, name) in [(";", "semicolon"), ("\t", "tab"), ("|", "pipe")] {
        let table = "t,text\n0,\"x,y\"\n1.5,z\n".replace(',', delimiter);
        shell.write("c.csv", table);
        let (text, said) = imported(&shell, csv);
        assert_eq!(text, "arrival_s,app\n0,a\n1.5,a\n");
        let told = format!("bad rows skipped; cells delimited by {name}\n");
        assert!(said.ends_with(&told), "{said}");
        let (again, said) = imported(&shell, &format!("{csv} --delimiter {name}"));
        assert!(again == text && said.ends_with("bad rows skipped\n"), "{said}");
    }
    shell.write("c.csv", "a;b,c;t\n1;2,3;4\n");
    let (text, _) = imported(&shell, csv);
    assert_eq!(text.lines().count(), 2);
    let said = shell.fails(2, &format!("import {csv} --delimiter comma --out n.csv"));
    assert!(said.err.contains("no such column in `a;b,c;t`"), "{said:?}");
    // Old line ends would make one line of all.
    shell.write("c.csv", "t,text\r0,a\r1,b\r");
    let said = shell.fails(2, &format!("import {csv} --out n.csv"));
    assert!(said.err.contains("lines that end in a carriage return alone"), "{said:?}");
}

#[test]
fn columns_without_a_name_or_of_one_name_matter_where_they_are_asked_for() {
    let shell = Shell::new();
    shell.write("c.csv", ",t,x,x\n0,1,2,3\n1,4,5,6\n");
    let (text, _) = imported(&shell, "csv c.csv --column arrival=t --app a");
    assert_eq!(arrivals(&text), ["0", "3"]);
    let (text, _) = imported(&shell, "csv c.csv --column arrival=1 --app a");
    assert_eq!(arrivals(&text), ["0", "1"]);
    let said = shell.fails(2, "import csv c.csv --column arrival=x --app a --out n.csv");
    assert!(said.err.contains("`x`: found the same column twice"), "{said:?}");
    // Our own file of requests has each column once.
    shell.write("c.csv", "arrival_s,app,app\n0,a,b\n");
    shell.write("e.toml", RUN);
    let said = shell.fails(2, "check e.toml");
    assert!(said.err.contains("c.csv:1: `app`: found the same column twice"), "{said:?}");
}

/// An experiment over a file of requests.
const RUN: &str = r#"replicates = 1
[base]
apps = ["voice"]
workers = [{ class = "edge-cpu", count = 2 }]
workload = { arrivals = "file", file = "c.csv" }
scheduler = "edf"
"#;

#[test]
fn a_table_without_a_header_goes_by_numbers() {
    let shell = Shell::new();
    shell.write("c.csv", "a,10\nb,12\na,13\n");
    let columns = "--column arrival=2 --column app=1";
    let (text, _) = imported(&shell, &format!("csv c.csv {columns} --no-header"));
    assert_eq!(text, "arrival_s,app\n0,a\n2,b\n3,a\n");
    let said = shell.fails(2, &format!("import csv c.csv {columns} --out n.csv"));
    assert!(said.err.contains("no such column in `a,10`"), "{said:?}");
    let said = shell.fails(2, "import mooncake c.csv --app a --no-header --out n.csv");
    assert!(said.err.contains("--no-header: found unknown key `no_header`"), "{said:?}");
}

#[test]
fn counts_are_of_one_column_of_numbers_or_of_those_that_are_named() {
    let shell = Shell::new();
    // As pandas writes a series: 22 requests, not 32.
    shell.write("c.csv", ",count\n0,7\n1,0\n2,9\n3,1\n4,5\n");
    let said = shell.fails(2, "import counts c.csv --app a --out n.csv");
    assert!(said.err.contains("2 columns of numbers: `1`, `count`"), "{said:?}");
    assert!(said.err.contains("`--column count=NAME`"), "{said:?}");
    let (text, _) = imported(&shell, "counts c.csv --column count=count --app a");
    assert_eq!(text.lines().count() - 1, 22);
    // A column that is no number is in nobody's way.
    shell.write("c.csv", "zone,count\neu,2\nus,1\n");
    let (text, _) = imported(&shell, "counts c.csv --app a");
    assert_eq!(arrivals(&text), ["0", "0.5", "1"]);
    // Without a header, columns go by number, whatever the numbers are.
    shell.write("c.csv", "1,2\n3,1\n");
    let (text, _) = imported(&shell, "counts c.csv --column count=1 --app a");
    assert_eq!(text.lines().count() - 1, 4);
    shell.write("c.csv", "zone,text\neu,x\n");
    let said = shell.fails(2, "import counts c.csv --app a --out n.csv");
    assert!(said.err.contains("no column of numbers"), "{said:?}");
}

#[test]
fn gaps_in_the_time_of_counts_are_gaps() {
    let shell = Shell::new();
    // The minute from 60 on is not listed.
    shell.write("c.csv", "t,count\n0,2\n120,1\n180,3\n");
    let start = "--column time=t --set spread=start --app a";
    let (text, said) = imported(&shell, &format!("counts c.csv {start} --set interval_s=60"));
    assert_eq!(arrivals(&text), ["0", "0", "120", "180", "180", "180"]);
    assert!(said.ends_with("; time in s by default\n"), "{said}");
    // The first step is two minutes; the second is shorter.
    let said = shell.fails(2, &format!("import counts c.csv {start} --out n.csv"));
    assert!(said.err.contains("c.csv:4: `t`: found `180`, expected a time 120 s"), "{said:?}");
    shell.write(
        "c.csv",
        "when,count\n2024-01-01 00:00:00,1\n2024-01-01 00:01:00,0\n2024-01-01 01:00:00,2\n",
    );
    let (text, said) = imported(&shell, "counts c.csv --column time=when --app a");
    assert_eq!(arrivals(&text), ["0", "3600", "3630"]);
    let told = "; time as dates, recognised; intervals of 60 s, the first step\n";
    assert!(said.ends_with(told), "{said}");
    let (_, said) = imported(&shell, "counts c.csv --app a");
    assert!(said.contains("Notes:\n- c.csv: `when` holds dates, which are not read"), "{said}");
    shell.write("c.csv", "t,count\n0,2\n");
    let said = shell.fails(2, "import counts c.csv --column time=t --app a --out n.csv");
    assert!(said.err.contains("one row alone"), "{said:?}");
}

#[test]
fn seconds_and_milliseconds_are_given_or_doubted() {
    let shell = Shell::new();
    let line = |time: &str| {
        format!("{{\"timestamp\": {time}, \"input_length\": 512.0, \"output_length\": 5}}\n")
    };
    shell.write("m.jsonl", ["0", "0.2", "0.4", "0.6"].map(line).concat());
    let (text, said) = imported(&shell, "mooncake m.jsonl --unit arrival=s --app a");
    assert_eq!(arrivals(&text), ["0", "0.2", "0.4", "0.6"]);
    assert_eq!(said, "4 requests over 0.6 s (5 rps), 1 keys, 0 bad rows skipped\n");
    let (_, said) = imported(&shell, "mooncake m.jsonl --app a");
    assert!(said.contains("Notes:\n- m.jsonl: arrival was read in ms by default"), "{said}");
    assert!(said.contains("5000 requests a second: `--unit arrival=s`"), "{said}");
    assert!(
        said.contains("(5000 rps)") && said.contains("; arrival in ms by default\nNotes:\n"),
        "{said}"
    );
    shell.write("m.jsonl", ["0", "3053", "9000"].map(line).concat());
    let (_, said) = imported(&shell, "mooncake m.jsonl --app a");
    assert!(!said.contains("Notes"), "{said}");
}

#[test]
fn stamps_since_1970_are_recognised_in_every_unit() {
    let shell = Shell::new();
    for (unit, stamps) in [
        ("s", ["1700000000", "1700000000.5"]),
        ("ms", ["1700000000000", "1700000000500"]),
        ("us", ["1700000000000000", "1700000000500000"]),
        ("ns", ["1700000000000000000", "1700000000500000000"]),
    ] {
        let told = format!("; arrival in {unit} since 1970, recognised by magnitude\n");
        let end = |stamp: &str| format!("f,g,{stamp},0\n");
        let table = |head: &str, row: &dyn Fn(&str) -> String| {
            format!("{head}\n{}{}", row(stamps[0]), row(stamps[1]))
        };
        shell.write("c.csv", table("t", &|stamp| format!("{stamp}\n")));
        shell.write("f.csv", table("app,func,end_timestamp,duration", &end));
        shell.write(
            "b.csv",
            table("Timestamp,Model,Request tokens,Response tokens,Log Type", &|stamp| {
                format!("{stamp},m,1,1,l\n")
            }),
        );
        shell.write(
            "l.csv",
            table("TIMESTAMP,ContextTokens,GeneratedTokens", &|stamp| format!("{stamp},1,1\n")),
        );
        shell.write("j.jsonl", table("", &|stamp| format!("{{\"t\": {stamp}}}\n")));
        for kind in [
            "csv c.csv --column arrival=t",
            "azure-functions-2021 f.csv",
            "burstgpt b.csv",
            "azure-llm l.csv",
            "jsonl j.jsonl --column arrival=t",
        ] {
            let (text, said) = imported(&shell, &format!("{kind} --app a"));
            assert_eq!(arrivals(&text), ["0", "0.5"], "{kind} {unit}");
            assert!(said.ends_with(&told), "{kind}: {said}");
        }
    }
    // Under a unit that they cannot be in.
    let command = "import csv c.csv --column arrival=t --app a --out n.csv --unit arrival=";
    let said = shell.fails(2, &format!("{command}s"));
    let looks = "expected a time in s: it looks like ns since 1970, `--unit arrival=ns`";
    assert!(said.err.contains(looks), "{said:?}");
    shell.write("c.csv", "t\n1700000000\n1700000060\n");
    let said = shell.ok(&format!("{command}ms"));
    assert!(
        said.err.contains("Notes:\n- c.csv: arrival was read in ms, but looks like s"),
        "{said:?}"
    );
}

#[test]
fn an_hour_of_local_time_that_comes_twice_is_told() {
    let shell = Shell::new();
    let day = |time: &str| format!("2024-10-27 {time},1,1\n");
    let times = ["01:59:58", "01:00:03", "02:00:00"].map(day).concat();
    shell.write("l.csv", format!("TIMESTAMP,ContextTokens,GeneratedTokens\n{times}"));
    let (_, said) = imported(&shell, "azure-llm l.csv --app a");
    assert!(said.contains("Notes:\n- l.csv: line 3: arrival goes back by up to an hour"), "{said}");
}

#[test]
fn files_keep_their_names_and_two_of_one_name_are_not_one_model() {
    let shell = Shell::new();
    shell.write("llama-3.1-8B.csv", "1\n");
    shell.write("llama-3.2-3B.csv", "0\n1\n");
    let apps = "--app llama-3.1-8B=a --app llama-3.2-3B=b";
    let (text, said) =
        imported(&shell, &format!("counts llama-3.1-8B.csv llama-3.2-3B.csv {apps}"));
    assert_eq!(text, "arrival_s,app\n0,a\n1,b\n");
    assert!(said.contains("2 keys"), "{said}");
    shell.write("x/m.csv", "2\n");
    shell.write("y/m.csv", "2\n");
    let command = "counts x/m.csv y/m.csv --set spread=uniform --app a";
    let said = shell.fails(2, &format!("import {command} --out n.csv"));
    let told = "error: y/m.csv: found the key `m`, which is that of x/m.csv, too";
    assert!(said.err.starts_with(told), "{said:?}");
    let (text, _) = imported(&shell, &format!("{command} --merge-keys"));
    // Each file has draws of its own.
    let mut times = arrivals(&text);
    times.dedup();
    assert_eq!(times.len(), 4, "{text}");
}

#[test]
fn the_file_that_is_read_is_not_replaced() {
    let shell = Shell::new();
    let table = "arrival_s,app\n0,voice\n";
    shell.write("c.csv", table);
    shell.write("d.csv.import.toml", table);
    std::fs::hard_link(shell.path("c.csv"), shell.path("hard.csv")).unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(shell.path("c.csv"), shell.path("soft.csv")).unwrap();
    let columns = "--column arrival=arrival_s --column app=app";
    for out in ["c.csv", "./c.csv", "hard.csv", "soft.csv"] {
        let said = shell.fails(2, &format!("import csv c.csv {columns} --out {out}"));
        let told = format!("error: --out: found `{out}`, which would replace c.csv");
        assert!(said.err.starts_with(&told), "{said:?}");
        assert_eq!(shell.read("c.csv"), table);
        let said = shell.fails(2, &format!("import csv c.csv {out} {columns} --out n.csv"));
        let told = format!("error: {out}: found the same file as c.csv, expected each file once");
        assert_eq!(said.err.trim(), told);
    }
    let said = shell.fails(2, &format!("import csv d.csv.import.toml {columns} --out d.csv"));
    assert!(said.err.contains("d.csv.import.toml`, which would replace"), "{said:?}");
    shell.write("b.csv", "time_s,mbps\n0,5\n");
    shell.fails(2, "import bandwidth b.csv --out ./b.csv");
    assert_eq!(shell.read("b.csv"), "time_s,mbps\n0,5\n");
    assert!(!shell.exists("n.csv"));
    // So it is with the log of a run.
    shell.write("e.toml", RUN);
    for out in ["c.csv", "./soft.csv", "e.toml"] {
        let said = shell.fails(2, &format!("inspect e.toml --requests {out}"));
        assert!(said.err.contains(&format!("--requests: found `{out}`, which would")), "{said:?}");
    }
    assert_eq!(shell.read("c.csv"), table);
}

/// The record takes its name before the trace does. A process that is killed in between leaves the
/// record of the new trace beside the old trace, or beside none.
#[test]
fn an_import_that_was_killed_between_its_two_renames_is_recognised() {
    let shell = Shell::new();
    shell.write("e.toml", RUN);
    shell.write("old.csv", "arrival_s,app\n0,voice\n1,voice\n");
    shell.write("new.csv", "arrival_s,app\n0,voice\n2,voice\n3,voice\n");
    let columns = "--column arrival=arrival_s --column app=app --out c.csv";
    shell.ok(&format!("import csv old.csv {columns}"));
    let old = shell.read("c.csv");
    shell.ok(&format!("import csv new.csv {columns}"));
    shell.write("c.csv", &old);
    let said = shell.fails(2, "check e.toml");
    let told = "c.csv.import.toml: found the record of another file than c.csv, expected its own: \
                import again, or remove the record";
    assert!(said.err.contains(told), "{said:?}");
    std::fs::remove_file(shell.path("c.csv")).unwrap();
    shell.fails(2, "check e.toml");
    shell.ok(&format!("import csv new.csv {columns}"));
    shell.ok("check e.toml");
}

#[test]
fn what_is_written_is_compressed_as_its_name_says_and_runs() {
    let shell = Shell::new();
    shell.write("in.txt", "3\n".repeat(2000));
    shell.write("e.toml", RUN);
    let command = "import counts in.txt --app voice --out";
    shell.ok(&format!("{command} c.csv"));
    let plain = shell.read("c.csv");
    for (ending, magic) in [("gz", &[0x1f, 0x8b][..]), ("zst", &[0x28, 0xb5, 0x2f, 0xfd])] {
        let out = format!("c.csv.{ending}");
        shell.ok(&format!("{command} {out}"));
        let bytes = shell.bytes(&out);
        assert!(bytes.starts_with(magic) && bytes.len() < plain.len() / 2);
        shell.ok(&format!("{command} {out}"));
        assert_eq!(bytes, shell.bytes(&out), "the same bytes again");
        assert_eq!(
            peeksim::config::source::read(shell.path(&out).to_str().unwrap()).unwrap().text,
            plain
        );
        // A run holds the record beside it against the text.
        let said = shell.ok(&format!("sweep e.toml --set workload.file={out} --out r-{ending}"));
        assert!(said.out.contains("6000 requests"), "{said:?}");
        let manifest = shell.read(&format!("r-{ending}/manifest.toml"));
        assert!(manifest.contains(&format!("{out}.import.toml")), "{manifest}");
        shell.ok(&format!("inspect e.toml --requests q.csv.{ending}"));
        assert!(shell.bytes(&format!("q.csv.{ending}")).starts_with(magic));
    }
    // A trace that was compressed afterwards keeps the record of its import.
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(plain.as_bytes()).unwrap();
    std::fs::remove_file(shell.path("c.csv.gz.import.toml")).unwrap();
    shell.write("c.csv.gz", gzip.finish().unwrap());
    shell.ok("sweep e.toml --set workload.file=c.csv.gz --out r");
    assert!(shell.read("r/manifest.toml").contains("\"c.csv.import.toml\""));
    let said = shell.fails(2, &format!("{command} c.csv.xz"));
    assert!(said.err.contains("`.xz` is not written, expected `.gz`, `.zst`"), "{said:?}");
    shell.fails(2, "inspect e.toml --requests q.csv.zip");
}

#[test]
fn an_open_file_is_written_to_and_not_replaced() {
    if !std::path::Path::new("/proc/self/fd/1").exists() {
        println!("skipped: no /proc/self/fd");
        return;
    }
    let shell = Shell::new();
    shell.write("in.txt", "1\n");
    shell.write("o.txt", "before\n");
    let binary = shell.command(&[]).get_program().to_owned();
    let script = "\"$1\" import counts in.txt --app a --out /proc/self/fd/1 >> o.txt";
    let mut command = std::process::Command::new("sh");
    command.args(["-c", script, "sh"]).arg(binary).current_dir(shell.path(""));
    let said = Said::of(&mut command);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(shell.read("o.txt"), "before\narrival_s,app\n0,a\n");
}

#[test]
fn json_lines_of_any_keys() {
    let shell = Shell::new();
    let lines = "{\"arrival_time\":2.5, \"meta\": {\"model\": \"m\", \"slo\": 0.25}, \"l\":\"x\"}\n\
                 {\"arrival_time\":\"2\", \"meta\": {\"model\": \"n\", \"slo\": 1}, \"l\":\"y\"}\n";
    shell.write("j.jsonl", lines);
    let columns = "--column arrival=arrival_time --column app=meta.model --column class=l \
                   --column budget=meta.slo --unit budget=s";
    let (text, said) = imported(&shell, &format!("jsonl j.jsonl {columns}"));
    assert_eq!(text, "arrival_s,app,class,budget_ms\n0,n,y,1000\n0.5,m,x,250\n");
    assert!(said.ends_with("arrival in s by default\n"), "{said}");
    shell
        .write("j.jsonl", format!("{lines}{{\"arrival\": 3}}\n{{\"arrival_time\": \"x\"}}\n[1]\n"));
    let command = "import jsonl j.jsonl --column arrival=arrival_time --app a --out n.csv";
    let said = shell.fails(2, command);
    assert_eq!(
        said.err,
        "error: j.jsonl:3:1: `arrival_time`: found nothing, expected a value of this key\n\
         error: j.jsonl:4:18: `arrival_time`: found `x`, expected a time ≥ 0\n\
         error: j.jsonl:5:1: `arrival_time`: found a list, expected an object a line\n"
    );
    let said = shell.ok(&format!("{command} --max-bad-rows 3"));
    assert!(said.err.contains("2 requests") && said.err.contains("3 bad rows"), "{said:?}");
}

#[test]
fn counts_with_minutes_in_columns() {
    let shell = Shell::new();
    let head = "HashOwner,HashApp,HashFunction,Trigger,1,2,3\n";
    let table = format!("{head}o,p,f,http,1,0,2\no,p,g,timer,0,1,0\no,q,f,http,0,0,1\n");
    shell.write("x.anon.d01.csv", &table);
    shell.write("x.anon.d02.csv", format!("{head}o,q,f,http,0,1,0\n"));
    let apps = "--app p/f=a --app p/g=b --app q/f=c";
    let both = "azure-functions-2019 x.anon.d01.csv x.anon.d02.csv";
    let (text, said) = imported(&shell, &format!("{both} {apps}"));
    assert_eq!(text, "arrival_s,app\n0,a\n60,b\n120,a\n120,c\n150,a\n86460,c\n");
    assert!(said.contains("3 keys") && said.contains("x.anon.d02.csv: day 2"), "{said}");
    let one = "azure-functions-2019 x.anon.d01.csv --set spread=start";
    let (text, _) = imported(&shell, &format!("{one} --set key=app --app p=a --app q=c"));
    assert_eq!(text, "arrival_s,app\n0,a\n60,a\n120,a\n120,a\n120,c\n");
    shell.write("x.csv", format!("{table}o,r,f,http,0,x,0\n"));
    let said = shell.fails(2, "import azure-functions-2019 x.csv --app a --out n.csv");
    assert!(said.err.starts_with("error: x.csv:5: `2`: found `x`"), "{said:?}");
    let (text, _) = imported(&shell, "azure-functions-2019 x.csv --app a --max-bad-rows 1");
    assert_eq!(text.lines().count(), 6);
}

#[test]
fn a_bandwidth_table_comes_out_as_it_went_in() {
    let shell = Shell::new();
    let table = "time_s,mbps\n0,50\n60,188.46\n91.5,8.83\n";
    shell.write("b.csv", table);
    let said = shell.ok("import bandwidth b.csv");
    assert_eq!((said.out.as_str(), said.err.as_str()), (table, "3 rows; time in s by default\n"));
    let rows = table.lines().skip(1);
    let one =
        |trace: u32| rows.clone().map(move |row| format!("{trace},{row}\n")).collect::<String>();
    shell.write("b.csv", format!("trace,time_s,mbps\n{}{}", one(0), one(1)));
    let said = shell.fails(2, "import bandwidth b.csv");
    assert!(said.err.contains("2 traces, expected `--set trace=NAME`, one of 0, 1"), "{said:?}");
    assert_eq!(shell.ok("import bandwidth b.csv --set trace=1").out, table);
    // What one publisher puts before a measurement is left out where it is asked for.
    let said = shell.ok("import bandwidth b.csv --set trace=1 --set skip_rows=1");
    assert_eq!(said.out, "time_s,mbps\n0,188.46\n31.5,8.83\n");
    assert!(said.err.contains("60 s taken from every time; without the first 1 rows"), "{said:?}");
    shell.write("k.csv", "when;rate\n1700000000000;8830\n1700000001500;500\n");
    let columns = "--column time=when --column rate=rate --unit rate=kbps";
    let said = shell.ok(&format!("import bandwidth k.csv {columns}"));
    assert_eq!(said.out, "time_s,mbps\n0,8.83\n1.5,0.5\n");
    assert!(said.err.contains("time in ms since 1970"), "{said:?}");
    shell.write("k.csv", "time_s,mbps\n0,5\n2,0\n2,6\n1,7\n");
    let said = shell.fails(2, "import bandwidth k.csv");
    assert_eq!(
        said.err,
        "error: k.csv:3: `mbps`: found `0`, expected a rate from 0.001 to 1e9 Mbit/s\n\
         error: k.csv:5: `time_s`: found `1`, expected a later time, by a day at most\n"
    );
}

#[test]
fn a_bandwidth_list_has_a_rate_a_line() {
    let shell = Shell::new();
    shell.write("l.txt", "5\n6.5\n7\n");
    let said = shell.fails(2, "import bandwidth l.txt");
    assert!(said.err.starts_with("error: --set: `interval_s`: found nothing"), "{said:?}");
    let said = shell.ok("import bandwidth l.txt --set interval_s=0.5");
    assert_eq!(said.out, "time_s,mbps\n0,5\n0.5,6.5\n1,7\n");
    shell.write("l.txt", "rate\n5\n\n7\n");
    let said = shell.fails(2, "import bandwidth l.txt --set interval_s=1");
    assert!(said.err.contains("1 empty lines between rates"), "{said:?}");
}

#[test]
fn archives_and_encodings_are_named() {
    let shell = Shell::new();
    let utf16: Vec<u8> = "\u{feff}t\n1\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mut tar = vec![b'a'; 1024];
    tar[257..262].copy_from_slice(b"ustar");
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(&tar).unwrap();
    let cases: [(&[u8], &str); 5] = [
        (b"\xfd7zXZ\0\0\x04\xe6\xd6\xb4F", "a file compressed with xz"),
        (b"BZh91AY&SY\x10\x20", "a file compressed with bzip2"),
        (b"PK\x03\x04\x14\0\0\0", "a zip archive or a workbook"),
        (&utf16, "text in UTF-16"),
        (&gzip.finish().unwrap(), "a tar archive"),
    ];
    for (bytes, name) in cases {
        shell.write("c.csv", bytes);
        shell.write("e.toml", RUN);
        for command in ["import csv c.csv --column arrival=t --out o.csv", "check e.toml"] {
            let said = shell.fails(2, command);
            assert!(said.err.contains(&format!("c.csv: found {name}, expected")), "{said:?}");
        }
    }
}
