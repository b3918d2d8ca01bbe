//! INFaaS: the variant that serves a request.

use super::{list, number, same, whole};
use peeksim::scheduler::published::infaas_like::{Offer, Query, choose, remember};
use serde_json::Value;

fn offer(variant: &Value) -> Offer {
    let is = |key: &str| whole(&variant[key]) == 1;
    Offer {
        accuracy: number(&variant["accuracy"]),
        largest: whole(&variant["max_batch"]),
        slope: number(&variant["slope_ms"]),
        intercept: number(&variant["intercept_ms"]),
        load: number(&variant["load_ms"]),
        is_running: is("running"),
        is_unloading: is("unloading"),
        is_slow: is("blacklisted"),
    }
}

pub fn compare(case: &Value) -> Result<(), String> {
    let (input, expect) = (&case["input"], &case["expect"]);
    let offers: Vec<Offer> = list(&input["variants"]).iter().map(offer).collect();
    let query = Query {
        accuracy: number(&input["accuracy_at_least"]),
        target: number(&input["latency_at_most_ms"]),
        batch: whole(&input["batch"]),
        refuses_fast: true,
    };
    let mut recent: Vec<usize> = list(&input["recent"]).iter().map(whole).collect();
    let chosen = choose(&offers, &query, &recent);
    let variant = expect["variant"].as_u64().map(|variant| variant as usize);
    same("variant", &chosen.map(|choice| choice.variant), &variant)?;
    same("running", &chosen.map(|choice| choice.is_running), &expect["is_running"].as_bool())?;
    chosen.inspect(|choice| remember(&mut recent, choice.variant));
    let theirs: Vec<usize> = list(&expect["recent_after"]).iter().map(whole).collect();
    same("recent", &recent, &theirs)
}
