//! The claims that are kept for `peeksim reproduce sneakpeek`, and inside the binary, are what the
//! kept rows come to; every gated one holds.
//!
//! `UPDATE_GOLDEN=1 cargo test kept_claims` writes the table anew from the rows.

use crate::support::shell::{repository, updating};
use peeksim::config::source::below;
use peeksim::experiment::{Experiment, Sweep};
use peeksim::report::Results;
use peeksim::report::reproduction::{ClaimRow, Claims, ExperimentReport};
use std::fs;

#[test]
fn kept_claims_are_what_kept_rows_come_to() {
    claims_are_those_of_rows("sneakpeek", 4000);
    claims_are_those_of_rows("arena", 300);
}

fn claims_are_those_of_rows(suite: &str, cells: usize) {
    let folder = repository(&format!("results/{suite}"));
    let mut rows: Vec<(usize, String, Vec<ClaimRow>)> = Vec::new();
    for path in below(&repository(&format!("experiments/{suite}")).to_string_lossy(), ".toml") {
        let sweep = Experiment::load(&path, &[]).and_then(Sweep::new).expect("an experiment");
        let name = sweep.experiment.name.clone();
        let results = Results::load(&folder.join(&name)).expect("kept rows");
        let chapter = ExperimentReport::new(&sweep, "", results, None, false);
        assert_eq!(chapter.failed_gates(|_| true), Vec::<String>::new());
        rows.push((path.matches('/').count(), path.replace(".toml", ""), chapter.rows));
    }
    rows.sort();
    let made = Claims::new(rows.into_iter().flat_map(|(_, _, rows)| rows).collect());
    let path = folder.join("claims.csv");
    if updating() {
        made.write(&path).expect("the table can be written");
    }
    let kept = Claims::load(&path).expect("a table").expect("kept claims");
    let compared = made.compare(&kept);
    assert!(compared.moved.is_empty(), "UPDATE_GOLDEN=1 cargo test kept_claims: {compared:?}");
    assert!(compared.cells > cells, "{} cells", compared.cells);
    let bytes = fs::metadata(&path).expect("a file").len();
    assert!(bytes <= 300_000, "{bytes} bytes inside the binary");
}
