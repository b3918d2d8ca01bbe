//! SlackFit: variant and batch by slack, in our reading of the text.

use super::{close, list, number, numbers, same, whole};
use peeksim::scheduler::published::slackfit_like::{Buckets, Ladder, Rule};
use serde_json::Value;

pub fn compare(case: &Value) -> Result<(), String> {
    let (input, expect) = (&case["input"], &case["expect"]);
    let ladder = |variant: &Value| Ladder {
        accuracy: number(&variant["accuracy"]),
        latency: numbers(&variant["latency_ms"]),
    };
    let variants: Vec<Ladder> = list(&input["variants"]).iter().map(ladder).collect();
    let count = whole(&input["buckets"]);
    let buckets = Buckets::new(&variants, count, Rule::SlackFit).ok_or("no latencies")?;
    let slack = number(&input["slack_ms"]);
    let bucket = buckets.bucket(slack);
    same("bucket", &bucket, &expect["bucket"].as_u64().map(|bucket| bucket as usize))?;
    if let Some(bucket) = bucket {
        close("bound", buckets.bound(bucket), number(&expect["bound_ms"]), 2e-6)?;
    }
    let entry = buckets.choose(slack).unwrap_or_else(|| buckets.fastest());
    same("variant", &entry.variant, &whole(&expect["variant"]))?;
    same("batch", &entry.batch, &whole(&expect["batch"]))?;
    same("serve", &entry.batch.min(whole(&input["waiting"])), &whole(&expect["serve"]))
}
