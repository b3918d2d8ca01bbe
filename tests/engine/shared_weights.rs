//! Variants that share their weights: early exits and the subnets of a supernet, by hand. All times
//! are in milliseconds; the format is described in `common/text.rs`.

use crate::support::common::text::check;
use crate::support::shell::{Shell, column};

/// Two exits of one network, whose weights fill the memory, and another application.
const WORLD: &str = "variant a deep 1:5 load=3 bytes=2
                     variant a exit 1:2 shares=deep
                     variant b other 1:1 load=4 bytes=1";

const REQUESTS: &str = "request a 0 100
                        request a 0 100
                        request b 1 100";

/// 3 to load, then deep and exit one after the other.
#[test]
fn one_load_serves_both_exits() {
    check(
        &format!(
            "{WORLD}
             worker memory=2
             {REQUESTS}
             at 0 assign 0 deep 0
             at 0 assign 0 exit 1
             at 1 reject 2"
        ),
        "0 load w0 deep until 3
         1 reject 2
         3 loaded w0 deep
         3 start w0.0 deep [0]
         8 end w0.0 [0]
         8 start w0.0 exit [1]
         10 end w0.0 [1]",
    );
}

/// Both exits run side by side. other needs one of the two bytes: the weights leave when neither
/// exit runs, once, and are loaded again for deep, whatever they were loaded for before.
#[test]
fn an_eviction_takes_both() {
    check(
        &format!(
            "{WORLD}
             worker lanes=2 memory=2
             {REQUESTS}
             request a 2 100
             at 0 assign 0 exit 0
             at 0 assign 0 deep 1
             at 1 assign 0 other 2
             at 2 assign 0 deep 3"
        ),
        "0 load w0 exit until 3
         3 loaded w0 exit
         3 start w0.0 exit [0]
         3 start w0.1 deep [1]
         5 end w0.0 [0]
         8 end w0.1 [1]
         8 evict w0 exit
         8 load w0 other until 12
         12 loaded w0 other
         12 start w0.0 other [2]
         13 end w0.0 [2]
         13 evict w0 other
         13 load w0 deep until 16
         16 loaded w0 deep
         16 start w0.0 deep [3]
         21 end w0.0 [3]",
    );
}

/// A load of no time makes room at once, but not of weights that another exit uses until 5.
#[test]
fn weights_in_use_do_not_leave() {
    check(
        "variant a deep 1:5 bytes=2
         variant a exit 1:2 shares=deep
         variant b other 1:1
         worker lanes=2 memory=2 resident=exit
         request a 0 100
         request b 0 100
         at 0 assign 0 deep 0
         at 0 assign 0 other 1",
        "0 start w0.0 deep [0]
         5 end w0.0 [0]
         5 evict w0 exit
         5 load w0 other until 5
         5 loaded w0 other
         5 start w0.0 other [1]
         6 end w0.0 [1]",
    );
    check(
        &format!(
            "{WORLD}
             worker memory=2 resident=exit
             {REQUESTS}
             at 0 assign 0 deep 0
             at 1 evict 0 exit"
        ),
        "0 start w0.0 deep [0]
         error scheduler `script` at 0.001 s: evict variant `exit` of `a` from worker `unit-0`: \
         it is running",
    );
}

/// The preload of exit at 4 finds the weights of deep and counts as a use of them: of the two
/// that are in memory, other leaves for more. An eviction may name either.
#[test]
fn a_preload_of_the_other_is_no_load() {
    check(
        "variant a deep 1:5 load=3 bytes=2
         variant a exit 1:2 shares=deep
         variant b other 1:1 load=4 bytes=1
         variant c more 1:1 load=1 bytes=1
         worker memory=3
         request a 0 100
         request c 9 100
         at 0 preload 0 deep
         at 0 preload 0 other
         at 0 preload 0 exit
         at 9 assign 0 more 1
         at 9 evict 0 exit
         last assign 0 exit 0",
        "0 load w0 deep until 3
         3 loaded w0 deep
         3 load w0 other until 7
         7 loaded w0 other
         9 evict w0 other
         9 load w0 more until 10
         9 evict w0 deep
         10 loaded w0 more
         10 start w0.0 more [1]
         11 end w0.0 [1]
         11 load w0 exit until 14
         14 loaded w0 exit
         14 start w0.0 exit [0]
         16 end w0.0 [0]",
    );
}

/// What a profile leaves out of the row of an exit is that of the network: 60 bytes and 4 ms are
/// counted once. Of a worker with 60 bytes both are residents.
#[test]
fn a_profile_says_it_in_a_column() {
    let shell = Shell::small();
    let app = "classes = ['any']
budget_ms = 20";
    shell.write("profiles/net/app.toml", app);
    let variants = "variant,bytes,accuracy,shares
exit,,0.7,deep
deep,60,0.9,";
    shell.write("profiles/net/variants.csv", variants);
    let latency = "worker_class,variant,batch,latency_ms
box,exit,1,1
box,deep,1,6";
    shell.write("profiles/net/latency.csv", latency);
    shell.write(
        "profiles/net/load.csv",
        "worker_class,variant,load_ms
box,deep,4",
    );
    let text = "replicates = 1
[base]
apps = ['net']
workload = { arrivals = 'poisson', rate_rps = 150, requests = 200 }
workers = [{ class = 'box', memory_bytes = 60 }]
scheduler = 'edgeserving-like'
[[axis]]
key = 'workers.0.resident'
values = [[], ['net/exit', 'net/deep'], 'all-that-fit']
";
    shell.write("x.toml", text);
    shell.ok("sweep x.toml --out o --tables variants");
    let runs = shell.read("o/runs.csv");
    assert_eq!(column(&runs, "model_loads"), ["1", "0", "0"]);
    assert_eq!(column(&runs, "model_load_bytes_sum"), ["60", "0", "0"]);
    assert_eq!(column(&runs, "model_load_ms_sum"), ["4", "0", "0"]);
    let batches = column(&shell.read("o/variants.csv"), "batches");
    assert!(batches.iter().all(|count| count != "0"), "{batches:?}");
}
