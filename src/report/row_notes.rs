//! What a user should know about the rows of a sweep.

use super::results::Results;
use super::summary;

/// Notes about rows: sentences without their full stops.
pub fn row_notes(results: &Results) -> Vec<String> {
    [failed(results), transients(results), constant(results)].into_iter().flatten().collect()
}

/// Runs that failed, over which there are no means.
fn failed(results: &Results) -> Option<String> {
    let failed = results.rows.iter().filter(|row| !row.error().is_empty()).count();
    let all = results.rows.len();
    (failed > 0).then(|| {
        format!(
            "{failed} of {all} runs failed (`error` in runs.csv): means, intervals and figures are \
             over the other runs of each configuration, which may be the easier ones"
        )
    })
}

/// Runs in the first half of which MSER-5 found no end of the transient.
fn transients(results: &Results) -> Option<String> {
    let long = results.rows.iter().filter(|row| row.word("warmup_rule") == "not-converged").count();
    let all = results.rows.len();
    (long > 0).then(|| {
        format!(
            "in {long} of {all} runs the warm-up lasts beyond half of the run, where it was cut \
             (`warmup_rule` = not-converged): longer runs are needed, or the queue is not stable"
        )
    })
}

/// Configurations of which all runs have the same row.
fn constant(results: &Results) -> Option<String> {
    let all = summary::cells(&results.rows);
    let many = |cell: &&summary::Cell<'_>| cell.rows.len() > 1;
    let same = |cell: &&summary::Cell<'_>| {
        cell.rows.iter().all(|row| row.error().is_empty() && row.cells().eq(cell.rows[0].cells()))
    };
    let (count, all) = (all.iter().filter(many).filter(same).count(), all.len());
    (count > 0).then(|| {
        format!(
            "in {count} of {all} configurations all replicates came to the same numbers: there is \
             no interval and no p-value, and no claim is decided"
        )
    })
}
