//! `peeksim offload` on dialogues, devices and actions of one's own.

use crate::support::shell::{Shell, column};
use peeksim::config::source::Source;
use peeksim::core::rng::Rng;
use peeksim::offloading::Workload;
use peeksim::offloading::generate::{SyntheticShape, like_m4a1, synthetic};

fn parsed(text: String) -> Workload {
    Workload::parse(&Source { path: "d.csv".into(), text, sha256: String::new() }).expect("a table")
}

/// A table does not have the law by which its dialogues were generated.
fn recorded(workload: Workload) -> Workload {
    Workload { truth: None, ..workload }
}

#[test]
fn what_is_exported_is_what_was_used_and_gives_the_same_results() {
    let shell = Shell::new();
    let arguments = "offload --dialogues 30 --seed 3 --policy greedy-knn-guarded --policy local";
    let said = shell.ok(&format!("{arguments} --export d.csv"));
    assert_eq!(parsed(shell.read("d.csv")), recorded(like_m4a1(30, Rng::new(3, 0))));
    assert_eq!(shell.ok(&format!("{arguments} --workload d.csv")).out, said.out);
    let sweep = "offload --workload sweep:2,3,4 --dialogues 20 --policy local --export s.csv.gz";
    assert_eq!(shell.ok(sweep).err, "");
    shell.ok("offload --workload s.csv.gz --policy local --export s.csv");
    let shape = SyntheticShape { views: 2, tasks: 3, turns: 4 };
    assert_eq!(parsed(shell.read("s.csv")), recorded(synthetic(shape, 20, Rng::new(1, 0))));
    // Tasks are numbered by their names: one that does not occur moves the others.
    let few =
        shell.ok("offload --workload sweep:1,50,2 --dialogues 5 --policy local --export f.csv");
    assert!(few.err.starts_with("Notes:\n- ") && few.err.contains(" of 50 tasks occur in f.csv"));
}

/// Thirty views have a thousand million sets; ten of them are actions.
#[test]
fn thirty_views_with_ten_actions() {
    let shell = Shell::new();
    let sets = ["", "+0", "+1", "+29", "+0+29", "+3+4+5", "+10", "+11", "+28+29"];
    let list: Vec<String> = sets.iter().map(|set| format!("cloud{set}")).collect();
    let list = format!("local,{}", list.join(","));
    let generated = "offload --workload sweep:30,2,3 --dialogues 40";
    let said = shell.ok(&format!("{generated} --actions {list} --export d.csv"));
    assert!(said.out.contains("greedy-knn-guarded") && said.out.contains("optimum"), "{said:?}");
    // Turns recorded with other sets of views stay.
    let text = shell.read("d.csv");
    assert!(column(&text, "subset").iter().any(|set| set.matches('+').count() > 3));
    assert_eq!(column(&text, "association_29").len(), 120);
    // The published networks have costs for three views, as many as an action uploads.
    let read = format!("offload --workload d.csv --actions {list}");
    let said = shell.ok(&format!("{read} --policy uniform --policy greedy-knn"));
    assert_eq!(said.out.lines().count(), 3);
    let said = shell.fails(2, &format!("{read},cloud+1+2+3+4"));
    let expected = "error: profiles/offloading.toml: `Wired`: found 4 entries of seconds, expected \
                    5 or more: actions upload 0 to 4 of the views\n";
    assert_eq!(said.err, expected);
    let said = shell.fails(2, &format!("{read} --policy always:cloud+2"));
    assert!(said.err.starts_with("error: --policy: found `cloud+2`, expected one of"), "{said:?}");
    let train = format!("train --workload d.csv --actions {list} --steps 2048 --out t");
    shell.ok(&train);
    shell.ok(&format!("{read} --policy learned:t/policy.toml"));
    let other = shell
        .fails(2, "offload --workload d.csv --actions local,cloud --policy learned:t/policy.toml");
    assert!(other.err.contains("`catalogue.actions`: found"), "{other:?}");
}

/// A list of all actions is no list.
#[test]
fn all_actions_listed_in_any_order_give_the_same_results() {
    let shell = Shell::new();
    let all = "cloud+1+0+2,cloud+0,cloud+1,cloud+2,cloud+0+1,cloud+0+2,cloud+1+2,cloud,local";
    let given = shell.ok(&format!("offload --dialogues 30 --actions {all}"));
    assert_eq!(given.out, shell.ok("offload --dialogues 30").out);
}

#[test]
fn own_devices_and_links_change_seconds_and_prices() {
    let shell = Shell::new();
    let file = "[[device]]\nname = \"phone\"\nlatency_s = 2\nusage_usd = 0.25\n\
                [[network]]\nname = \"lte\"\nrtt_ms = 100\nuplink_mbps = \"rates.csv\"\n\
                text_bytes = 1000\nview_bytes = 100000\ncompute_s = [1, 1, 1, 1]\n\
                cloud_usd = [0.5, 1, 1.5, 2]\n";
    shell.write("own/d.toml", file);
    shell.write("own/rates.csv", "time_s,mbps\n0,0.5\n1,1.5\n");
    let shape = "offload --workload sweep:3,1,1 --dialogues 20 --export d.csv --policy local";
    shell.ok(shape);
    let said = shell.ok(
        "offload --workload d.csv --devices own/d.toml --policy local --policy always:cloud+0+1",
    );
    let rows: Vec<Vec<&str>> =
        said.out.lines().skip(1).map(|line| line.split_whitespace().collect()).collect();
    assert_eq!((rows[0][4], rows[0][5]), ("2.0000", "0.250000"));
    // 201,000 bytes at a mean of 1 Mbit/s are 1.608 s.
    assert_eq!((rows[1][4], rows[1][5]), ("2.7080", "1.500000"));
    let own =
        shell.ok("offload --workload d.csv --devices own/d.toml --device phone --network lte");
    let first = shell.ok("offload --workload d.csv --devices own/d.toml");
    assert_eq!(own.out, first.out);
    // A folder of one's own with other profiles hides no published device.
    shell.write("profiles/own/app.toml", "");
    shell.ok("offload --dialogues 20 --policy local --network 5G");
}

#[test]
fn the_shipped_dialogues_have_calls_of_every_kind() {
    let shell = Shell::new();
    let said = shell.ok("offload --workload traces/dialogues.csv --costs observed --policy local");
    assert_eq!(said.out.lines().count(), 2);
    shell.ok("import dialogues traces/dialogues.csv --out again.csv");
    let shipped =
        std::fs::read_to_string(crate::support::shell::repository("traces/dialogues.csv"));
    assert_eq!(parsed(shell.read("again.csv")), parsed(shipped.expect("a shipped file")));
}
