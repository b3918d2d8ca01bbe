//! `peeksim import`: look-alikes of every format become files that an experiment runs, and so do
//! the real files where `PEEKSIM_DATA` names a folder with them.

use crate::support::shell::{self, Said, Shell, column};
use flate2::Compression;
use flate2::write::GzEncoder;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use std::io::Write;
use std::path::{Path, PathBuf};

/// An experiment with three applications over a file of requests.
const RUN: &str = r#"replicates = 1
[base]
apps = ["voice", "activity", "heartbeat"]
workers = [{ class = "edge-cpu", count = 2 }]
workload = { arrivals = "file", file = "t.csv" }
scheduler = "edf"
"#;

fn import(shell: &Shell, arguments: &[&str]) -> Said {
    let said = Said::of(&mut shell.command(&[&["import"], arguments].concat()));
    assert_eq!(said.code, Some(0), "{arguments:?}: {said:?}");
    said
}

/// Imports, runs what came out, and gives the file and what was said.
fn imported(shell: &Shell, arguments: &[&str]) -> (String, String) {
    let said = import(shell, &[arguments, &["--out", "t.csv"]].concat());
    shell.write("run.toml", RUN);
    shell.ok("sweep run.toml --out r");
    let text = shell.read("t.csv");
    let arrived = column(&shell.read("r/runs.csv"), "arrived");
    assert_eq!(arrived, [(text.lines().count() - 1).to_string()]);
    (text, said.err)
}

/// A file under `PEEKSIM_DATA`, or nothing and a line that says so.
fn real(path: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("PEEKSIM_DATA").unwrap_or_default();
    let file = Path::new(&folder).join(path);
    if file.is_file() {
        return Some(file);
    }
    println!("skipped: PEEKSIM_DATA names no folder with {path}");
    None
}

#[test]
fn azure_llm() {
    let shell = Shell::new();
    shell.write(
        "code.csv",
        "TIMESTAMP,ContextTokens,GeneratedTokens\r\n\
         2023-11-16 18:15:46.6805900,374,44\r\n2023-11-16 18:15:50.9951690,396,109\r\n",
    );
    shell.write(
        "conv.csv",
        "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:47+00:00,1,2\n",
    );
    let apps = ["--app", "code=voice", "--app", "conv=activity"];
    let (text, said) =
        imported(&shell, &[&["azure-llm", "code.csv", "conv.csv"], &apps[..]].concat());
    assert_eq!(text, "arrival_s,app\n0,voice\n0.31941,activity\n4.314579,voice\n");
    assert_eq!(said, "3 requests over 4.314579 s (0.4635 rps), 2 keys, 0 bad rows skipped\n");
    let Some(file) = real("trace_azure_llm_2023/code.csv.gz") else { return };
    let (text, said) = imported(&shell, &["azure-llm", file.to_str().unwrap(), "--app", "voice"]);
    // Rows and seconds of its PROVENANCE.md.
    assert_eq!(text.lines().count(), 8820);
    assert!(said.starts_with("8819 requests over 3435.9"), "{said}");
}

#[test]
fn burstgpt() {
    let shell = Shell::new();
    shell.write(
        "b.csv",
        "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n\
         5,ChatGPT,472,18,490,Conversation log\n45,ChatGPT,1087,0,1087,API log\n\
         118,GPT-4,417,276,693,Conversation log\n",
    );
    let apps = ["--app", "GPT-4=activity", "--app", "voice"];
    let (text, _) = imported(&shell, &[&["burstgpt", "b.csv"], &apps[..]].concat());
    assert_eq!(text, "arrival_s,app\n0,voice\n40,voice\n113,activity\n");
    let record = shell.read("t.csv.import.toml");
    assert!(record.contains("\n\"ChatGPT\" = \"voice\"\n\"GPT-4\" = \"activity\"\n"), "{record}");
    let drop = ["--set", "failures=drop", "--set", "key=log-type", "--app", "voice"];
    let (text, _) = imported(&shell, &[&["burstgpt", "b.csv"], &drop[..]].concat());
    assert_eq!(text, "arrival_s,app\n0,voice\n113,voice\n");
    // Later releases have two columns more.
    shell.write(
        "b3.csv",
        "Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,Total tokens,\
         Log Type\n1.5,7,0.3,GPT-4,1,2,3,API log\n",
    );
    imported(&shell, &["burstgpt", "b3.csv", "--app", "voice"]);
}

#[test]
fn mooncake() {
    let shell = Shell::new();
    shell.write(
        "m.jsonl",
        "{\"timestamp\": 27482, \"input_length\": 6955, \"output_length\": 52, \
         \"hash_ids\": [46, 47]}\n\
         {\"timestamp\": 30535, \"input_length\": 6472, \"output_length\": 26, \"hash_ids\": []}\n",
    );
    let (text, _) = imported(&shell, &["mooncake", "m.jsonl", "--app", "voice"]);
    assert_eq!(text, "arrival_s,app\n0,voice\n3.053,voice\n");
    shell.write("m.jsonl", "{\"timestamp\": 1, \"input_length\": 1}\n{\"timestamp\"\n[1]\n");
    let said = shell.fails(2, "import mooncake m.jsonl --app voice --out n.csv");
    let lines: Vec<&str> = said.err.lines().collect();
    assert_eq!(lines.len(), 3, "{said:?}");
    for (line, place) in lines.iter().zip(["m.jsonl:1:1", "m.jsonl:2:1", "m.jsonl:3:1"]) {
        assert!(line.starts_with(&format!("error: {place}")), "{line}");
    }
    assert!(!shell.exists("n.csv") && !shell.exists("n.csv.import.toml"));
}

#[test]
fn azure_functions() {
    let shell = Shell::new();
    // In the order of their ends, as published; the second began first.
    shell.write(
        "f.txt",
        "app,func,end_timestamp,duration\na,f,10.5,0.25\na,g,11,5\nb,f,12.125,0.125\n\
         b,h,13,0\n",
    );
    let two = ["--app", "voice", "--app", "activity"];
    let (text, said) = imported(&shell, &[&["azure-functions-2021", "f.txt"], &two[..]].concat());
    assert_eq!(text, "arrival_s,app\n0,activity\n4.25,voice\n6,voice\n7,activity\n");
    assert!(said.contains("4 keys"), "{said}");
    let stripes = [&["azure-functions-2021", "f.txt", "--map", "stripes"], &two[..]].concat();
    let (text, _) = imported(&shell, &stripes);
    assert_eq!(text, "arrival_s,app\n0,voice\n4.25,voice\n6,activity\n7,activity\n");
    let by_app = [&["azure-functions-2021", "f.txt", "--set", "key=app"], &two[..]].concat();
    let (text, _) = imported(&shell, &by_app);
    assert_eq!(text, "arrival_s,app\n0,voice\n4.25,voice\n6,activity\n7,activity\n");
    let turns = [&["azure-functions-2021", "f.txt", "--map", "requests"], &two[..]].concat();
    let (text, _) = imported(&shell, &turns);
    assert_eq!(text, "arrival_s,app\n0,voice\n4.25,activity\n6,voice\n7,activity\n");
}

#[test]
fn counts() {
    let shell = Shell::new();
    shell.write("c.txt", "2\n0\n\n1\n");
    let (text, _) = imported(&shell, &["counts", "c.txt", "--app", "voice"]);
    assert_eq!(text, "arrival_s,app\n0,voice\n0.5,voice\n3,voice\n");
    shell.write("c.csv", "voice,activity\n1,2\n3,0\n");
    let both = ["--column", "count=voice", "--column", "count=activity"];
    let start = ["--set", "spread=start", "--set", "interval_s=60"];
    let (text, _) = imported(&shell, &[&["counts", "c.csv"], &both[..], &start[..]].concat());
    let minute = "60,voice\n".repeat(3);
    assert_eq!(text, format!("arrival_s,app\n0,voice\n0,activity\n0,activity\n{minute}"));
    let one = ["--column", "count=activity"];
    let (text, _) = imported(&shell, &[&["counts", "c.csv"], &one[..]].concat());
    assert_eq!(text, "arrival_s,app\n0,activity\n0.5,activity\n");
    let drawn = |seed: &str| {
        let seed = format!("seed={seed}");
        let drawn = ["counts", "c.csv", "--set", "spread=uniform", "--set", &seed];
        imported(&shell, &[&drawn, &both[..]].concat()).0
    };
    assert_eq!(drawn("1"), drawn("1"));
    assert_ne!(drawn("1"), drawn("2"));
}

#[test]
fn video_counts() {
    let shell = Shell::new();
    let table = "video,class,index,count\nv,person,0,2\nv,person,3,1\nw,car,3,1\nw,car,4,0\n";
    shell.write("v.csv", table);
    let apps = ["--app", "person=voice", "--app", "car=activity"];
    let (text, _) = imported(&shell, &[&["video-counts", "v.csv"], &apps[..]].concat());
    assert_eq!(text, "arrival_s,app\n0,voice\n0,voice\n0.1,voice\n0.1,activity\n");
    let Some(file) = real("trace_octopinf_video/object_counts_nonzero.csv.gz") else { return };
    let path = file.to_str().unwrap();
    let (text, said) = imported(&shell, &[&["video-counts", path], &apps[..]].concat());
    // The sum of the counts; 1,800 frames of a thirtieth of a second.
    assert_eq!(text.lines().count(), 125_071);
    assert!(said.starts_with("125070 requests over 59.9"), "{said}");
}

#[test]
fn any_table() {
    let shell = Shell::new();
    shell.write(
        "x.csv",
        "who,t,label,left,\"not, read\"\nu,1500,walking,0.5,1\nv,1000,jogging,2,\n",
    );
    shell.write("classes.toml", RUN);
    let app = shell::repository("profiles/activity/app.toml");
    let app = std::fs::read_to_string(app).unwrap().to_lowercase();
    assert!(app.contains("walking") && app.contains("jogging"));
    let columns = "--column arrival=t --column class=label --column budget=left --column app=who";
    let units = "--unit arrival=ms --unit budget=s --app activity";
    let command = format!("import csv x.csv {columns} {units} --out t.csv");
    shell.ok(&command);
    let text = shell.read("t.csv");
    assert_eq!(
        text,
        "arrival_s,app,class,budget_ms\n0,activity,jogging,2000\n0.5,activity,walking,500\n"
    );
}

#[test]
fn classes_and_budgets_of_a_file_are_those_of_its_requests() {
    let shell = Shell::new();
    let header = "arrival_s,app,class,budget_ms";
    shell.write(
        "t.csv",
        format!("{header}\n0,heartbeat,N,250\n0.5,heartbeat,V,1e3\n2,voice,3,0.5\n"),
    );
    shell.write("run.toml", RUN);
    shell.ok("inspect run.toml --requests requests.csv");
    let log = shell.read("requests.csv");
    assert_eq!(column(&log, "arrival_s"), ["0", "0.5", "2"]);
    assert_eq!(column(&log, "class"), ["N", "V", "3"]);
    assert_eq!(column(&log, "deadline_s"), ["0.25", "1.5", "2.0005"]);
}

#[test]
fn time_is_scaled_and_requests_are_counted() {
    let shell = Shell::new();
    shell.write("t.csv", "arrival_s,app\n0,voice\n1,voice\n4,activity\n");
    shell.write("run.toml", RUN);
    shell.ok("inspect run.toml --set workload.rate_rps=1.5 --requests requests.csv");
    // Two gaps in 4/3 s.
    let scaled = column(&shell.read("requests.csv"), "arrival_s");
    assert_eq!(scaled, ["0", "0.333333333", "1.333333333"]);
    shell.ok("inspect run.toml --set workload.requests=2 --requests requests.csv");
    assert_eq!(column(&shell.read("requests.csv"), "arrival_s"), ["0", "1"]);
}

#[test]
fn bad_rows_are_refused_or_counted() {
    let shell = Shell::new();
    let table = "app,func,end_timestamp,duration\na,f,1,0\na,f,x,0\na,f,2\n,f,3,0\na,f,4,0\n";
    shell.write("f.csv", table);
    let said = shell.fails(2, "import azure-functions-2021 f.csv --app voice --out t.csv");
    assert_eq!(
        said.err,
        "error: f.csv:3: `end_timestamp`: found `x`, expected a time ≥ 0\n\
         error: f.csv:4: found 3 cells, expected 4, as in the header\n\
         error: f.csv:5: `app`: found an empty cell, expected an id\n"
    );
    let said = shell
        .fails(2, "import azure-functions-2021 f.csv --app voice --max-bad-rows 2 --out t.csv");
    assert!(
        said.err.starts_with("error: --max-bad-rows: found more than 2 rows that cannot be read"),
        "{said:?}"
    );
    assert_eq!(std::fs::read_dir(shell.path("")).unwrap().count(), 1, "nothing is left behind");
    let skip = ["azure-functions-2021", "f.csv", "--app", "voice", "--max-bad-rows", "3"];
    let (text, said) = imported(&shell, &skip);
    assert_eq!(text, "arrival_s,app\n0,voice\n3,voice\n");
    let told =
        "2 requests over 3 s (0.3333 rps), 1 keys, 3 bad rows skipped; arrival in s by default";
    assert!(said.starts_with(&format!("{told}\nNotes:\n- skipped: f.csv:3: ")), "{said}");
    // The manifest of the run tells.
    let manifest = shell.read("r/manifest.toml");
    let imports = manifest.split("[imports]").nth(1).expect("a table of imports");
    assert!(imports.contains("skipped_rows = 3"), "{manifest}");
    assert!(imports.contains("f.csv:4: found 3 cells"), "{manifest}");
    assert!(manifest.contains("\"t.csv.import.toml\" = "), "{manifest}");
    let said = shell.ok("check run.toml");
    let note = "t.csv was imported without 3 rows that could not be read";
    assert!(said.err.contains(note) || said.out.contains(note), "{said:?}");
    // A replay reads the manifest, imports and all.
    shell.ok("verify r");
    // Another file under the same name is not the one that was imported.
    shell.write("t.csv", "arrival_s,app\n0,voice\n");
    let said = shell.fails(2, "check run.toml");
    assert!(said.err.contains("t.csv.import.toml: found the record of another file"), "{said:?}");
}

#[test]
fn profiles_of_nexus() {
    let shell = Shell::new();
    shell.write(
        "vgg.txt",
        "caffe:vgg_s:1\nTITAN_X_(Pascal)\nForward latency\nbatch,latency(us),std(us),memory(B)\n\
         1,3069.5,12.394,645857280\n2,3641.4,12.6684,662634496\n64,9,9,9\n\
         Preprocess latency\nmean(us),std(us)\n3280.8,3454.05\n",
    );
    let given = "--set accuracy=0.87 --set load_ms=41 --set budget_ms=200";
    let said = shell.ok(&format!("import nexus-profile vgg.txt {given} --out profiles/vgg"));
    let note = "Notes:\n- 1 trials of batches beyond max_batch are left out\n";
    assert!(said.err.contains(note), "{said:?}");
    assert_eq!(
        shell.read("profiles/vgg/latency.csv"),
        "worker_class,variant,batch,latency_ms\n\
         titan-x-pascal,vgg_s,1,3.0695\ntitan-x-pascal,vgg_s,2,3.6414\n"
    );
    assert_eq!(
        shell.read("profiles/vgg/variants.csv"),
        "variant,bytes,accuracy\nvgg_s,662634496,0.87\n"
    );
    runs(&shell, "vgg", "titan-x-pascal");
    let said = shell.fails(1, &format!("import nexus-profile vgg.txt {given} --out profiles/vgg"));
    assert!(said.err.contains("profiles/vgg"), "{said:?}");
    let said = shell.fails(2, "import nexus-profile vgg.txt --out profiles/other");
    assert_eq!(said.err.lines().count(), 3, "budget, accuracy and load times: {said:?}");
    assert!(!shell.exists("profiles/other"));
    let Some(file) = real("profile_nexus_titanx/forward.csv") else { return };
    let given = "--set load_ms=41 --set budget_ms=200 --set worker_class=titan-x-pascal --set \
                 models=[\"vgg_s\",\"vgg16\"] --set accuracy={vgg_s=0.869,vgg16=0.912}";
    shell.ok(&format!("import nexus-profile {} {given} --out profiles/vision", file.display()));
    // The shipped profile was made of the same measurements.
    let shipped = shell::repository("profiles/vision/latency.csv");
    let ours = shell.read("profiles/vision/latency.csv").replace("vgg_s", "vgg-s");
    for line in std::fs::read_to_string(shipped).unwrap().lines() {
        assert!(ours.contains(&format!("{line}\n")), "{line}");
    }
    assert!(shell.read("profiles/vision/variants.csv").contains("vgg_s,1115619328,0.869"));
    runs(&shell, "vision", "titan-x-pascal");
}

/// Runs a few requests on an imported profile.
fn runs(shell: &Shell, app: &str, class: &str) {
    let trace = "workload = { rate_rps = 1, requests = 20 }";
    let workers = format!("workers = [{{ class = \"{class}\" }}]");
    let experiment = format!(
        "replicates = 1\n[base]\napps = [\"{app}\"]\n{workers}\n{trace}\nscheduler = \"edf\"\n"
    );
    shell.write("profile.toml", experiment);
    shell.ok("sweep profile.toml --out p --overwrite");
    assert_eq!(column(&shell.read("p/runs.csv"), "completed"), ["20"]);
}

#[test]
fn profiles_of_splitwise() {
    let header = "model,hardware,prompt_size,batch_size,token_size,prompt_time,token_time,\
                  e2e_time,tensor_parallel";
    let shell = Shell::new();
    // 196 + 127 × 55 = 7181; the median of 7169, 7165 and 7161 is 7165.
    let trial = |batch: u32, e2e: u32| format!("m,a100-80gb,512,{batch},128,196,55,{e2e},2\n");
    let other = "m,a100-80gb,1024,1,128,1,1,1,2\n";
    let rows = [trial(1, 7169), trial(1, 7165), trial(1, 7161), trial(2, 7200), other.into()];
    shell.write("ms.csv", format!("{header}\n{}", rows.concat()));
    let given = "--set accuracy=0.9 --set load_ms=1000 --set budget_ms=20000";
    shell.ok(&format!("import splitwise-profile ms.csv {given} --out profiles/ms"));
    assert_eq!(
        shell.read("profiles/ms/latency.csv"),
        "worker_class,variant,batch,latency_ms,count\na100-80gb,m-tp2,1,7165,3\n\
         a100-80gb,m-tp2,2,7200,1\n"
    );
    runs(&shell, "ms", "a100-80gb");
    // Seconds, and the time of all tokens.
    shell.write("s.csv", format!("{header}\nl,a100-80gb,512,1,128,0.02,0.7,0.72,4\n"));
    shell.ok(&format!("import splitwise-profile s.csv {given} --out profiles/s"));
    assert!(shell.read("profiles/s/latency.csv").ends_with("a100-80gb,l-tp4,1,720\n"));
    shell.write("odd.csv", format!("{header}\nl,a100-80gb,512,1,128,20,0.7,72,4\n"));
    let said =
        shell.fails(2, &format!("import splitwise-profile odd.csv {given} --out profiles/o"));
    assert!(said.err.contains("whose parts sum to no whole"), "{said:?}");
    for (file, classes) in [
        ("profile_llm_splitwise/perf_model.csv", "h100-80gb"),
        ("profile_llm_small/perf.csv", "a100-80gb"),
    ] {
        let Some(path) = real(file) else { continue };
        let out = file.split('/').next().unwrap();
        shell.ok(&format!(
            "import splitwise-profile {} {given} --out profiles/{out}",
            path.display()
        ));
        runs(&shell, out, classes);
    }
}

#[test]
fn compressed_files_are_known_by_their_bytes() {
    let shell = Shell::new();
    let text = "arrival_s,app\n".to_owned() + &"0.5,voice\n".repeat(5000);
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(text.as_bytes()).unwrap();
    let gzip = gzip.finish().unwrap();
    let zstd = compress_to_vec(text.as_bytes(), CompressionLevel::Fastest);
    let columns = "--column arrival=arrival_s --column app=app";
    let command = format!("import csv in.csv {columns} --out out.csv");
    let mut read = Vec::new();
    for bytes in [text.as_bytes(), &gzip, &zstd] {
        shell.write("in.csv", bytes);
        shell.ok(&command);
        read.push(shell.read("out.csv"));
        shell.write("t.csv", bytes);
        shell.write("run.toml", RUN);
        shell.ok("sweep run.toml --out r");
    }
    assert!(read.iter().all(|text| *text == read[0]));
    for bytes in [&gzip, &zstd] {
        for damaged in [&bytes[..bytes.len() / 2], &bytes[..bytes.len() - 2], &bytes[..9]] {
            for command in [&command, "check run.toml"] {
                shell.write("in.csv", damaged);
                shell.write("t.csv", damaged);
                // Rows that may be skipped do not make a file whole.
                let skip = if command.starts_with("import") { " --max-bad-rows 9" } else { "" };
                let said = shell.fails(2, &format!("{command}{skip}"));
                assert!(said.err.contains("csv: found a broken file ("), "{said:?}");
            }
        }
    }
}

#[test]
fn profiles_and_traces_may_be_compressed() {
    let shell = Shell::new();
    for file in ["app.toml", "variants.csv", "latency.csv", "load.csv", "confusion.csv"] {
        let text = std::fs::read(shell::repository(&format!("profiles/voice/{file}"))).unwrap();
        shell.write(
            &format!("profiles/voice/{file}"),
            compress_to_vec(&text[..], CompressionLevel::Fastest),
        );
    }
    let trace = std::fs::read(shell::repository("traces/voice.csv")).unwrap();
    shell.write("traces/voice.csv.zst", compress_to_vec(&trace[..], CompressionLevel::Fastest));
    shell.write("run.toml", RUN.replace(", \"activity\", \"heartbeat\"", ""));
    shell.ok("sweep run.toml --set workload={rate_rps=10,requests=50} --out r");
    assert_eq!(column(&shell.read("r/runs.csv"), "outcome_source"), ["recorded"]);
}

#[test]
fn what_cannot_be_written_leaves_nothing() {
    let shell = Shell::new();
    shell.write("c.txt", "2\n".repeat(50_000));
    if Path::new("/dev/full").exists() {
        let said = shell.fails(1, "import counts c.txt --app voice --out /dev/full");
        assert!(said.err.starts_with("error: cannot write /dev/full: No space left"), "{said:?}");
    }
    let said = shell.fails(1, "import counts c.txt --app voice --out no/such/folder.csv");
    assert!(said.err.starts_with("error: cannot write no/such/folder.csv"), "{said:?}");
    assert_eq!(std::fs::read_dir(shell.path("")).unwrap().count(), 1);
}

/// Look-alikes of the kinds of traces, by name, with settings that the kind needs.
const LOOK_ALIKES: [(&str, &str, &str); 10] = [
    ("azure-llm", "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46.68,374,44\n", "{}"),
    ("azure-functions-2021", "app,func,end_timestamp,duration\na,f,10.5,0.25\na,g,11,5\n", "{}"),
    (
        "burstgpt",
        "Timestamp,Model,Request tokens,Response tokens,Log Type\n5,GPT-4,472,18,API log\n",
        "{}",
    ),
    ("mooncake", "{\"timestamp\": 27482, \"input_length\": 6, \"output_length\": 5}\n", "{}"),
    ("counts", "3,1\n4,0\n", "{ column = { count = [\"1\", \"2\"] }, spread = \"uniform\" }"),
    ("counts", "t,n\n3,1\n4,0\n", "{ column = { time = \"t\" } }"),
    ("azure-functions-2019", "HashOwner,HashApp,HashFunction,Trigger,1,2\no,a,f,http,3,1\n", "{}"),
    (
        "jsonl",
        "{\"t\": 5, \"a\": {\"b\": \"x\"}}\n",
        "{ column = { arrival = \"t\", app = \"a.b\" } }",
    ),
    ("video-counts", "video,class,index,count\nv,person,3,2\n", "{ fps = 0.5 }"),
    (
        "csv",
        "t,c,d\n1.5,x,3\n2,y,4\n",
        "{ column = { arrival = \"t\", class = \"c\", budget = \"d\" } }",
    ),
];

#[test]
fn damaged_files_never_panic() {
    use peeksim::config::ConfigNode;
    use peeksim::import::{AppMapping, ImportPlan, KINDS};
    let folder = tempfile::tempdir().unwrap();
    let (path, out) = (folder.path().join("x"), folder.path().join("out.csv"));
    let extremes = ["-1", "1e300", "18446744073709551615", "9223372036", "", "nan", "\"", ",", "é"];
    let (mut good, mut bad) = (0, 0);
    for (kind, text, settings) in LOOK_ALIKES {
        let entry = KINDS.iter().find(|entry| entry.name == kind).unwrap();
        let settings = ConfigNode::parse_override(settings);
        let mut damaged = vec![text.as_bytes().to_vec()];
        for at in 0..text.len() {
            damaged.push(text.as_bytes()[..at].to_vec());
            damaged.push([&text.as_bytes()[..at], &[0xff], &text.as_bytes()[at + 1..]].concat());
        }
        let cells: Vec<&str> = text.split_inclusive([',', '\n', ' ']).collect();
        for at in 0..cells.len() {
            for extreme in extremes {
                let mut cells = cells.clone();
                let changed = format!("{extreme}{}", &cells[at][cells[at].len() - 1..]);
                cells[at] = &changed;
                damaged.push(cells.concat().into_bytes());
            }
        }
        for bytes in damaged {
            std::fs::write(&path, &bytes).unwrap();
            let files = [path.to_str().unwrap().to_owned()];
            let (settings, apps) = (&settings, &["voice".to_owned()][..]);
            let (files, out) = (&files[..], out.as_path());
            let map = AppMapping::Stripes;
            let plan =
                ImportPlan { files, settings, apps, map, max_bad_rows: 1, merge_keys: false, out };
            match peeksim::import::import(entry, &plan) {
                Ok(imported) => good += imported.requests,
                Err(error) => bad += u64::from(!error.to_string().is_empty()),
            }
        }
    }
    assert!(good > 100 && bad > 100, "{good} requests, {bad} refused");
}
