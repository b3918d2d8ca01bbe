//! What a column or a setting is called on the axis of a figure: words, and the unit in brackets.
//!
//! Measured columns have words of their own, and so have settings whose key says too little. Every
//! other name becomes words by a rule: the unit moves into brackets, and qualifiers such as `mean`
//! and `p99` become the words that a reader expects.

use super::column::unit;
use crate::config::path;

/// The words of every measured column of runs, without the unit.
const COLUMNS: &[(&str, &str)] = &[
    ("accuracy_mean", "accuracy of completed requests"),
    ("accuracy_on_time_mean", "accuracy of requests completed on time"),
    ("accuracy_predicted_mean", "predicted accuracy of completed requests"),
    ("arrived", "requests arrived"),
    ("association_mean", "mean association of the uploaded views"),
    ("batch_size_mean", "mean batch size"),
    ("calibration_brier", "Brier score of the predicted accuracy"),
    ("calibration_ece", "expected calibration error"),
    ("completed", "requests completed"),
    ("correct_on_time_per_joule", "right answers in time per joule"),
    ("cost_usd", "cost"),
    ("deadline_miss_ratio", "deadline-miss ratio"),
    ("deadline_misses", "missed deadlines"),
    ("decisions", "scheduling decisions"),
    ("effective_accuracy", "share of requests answered right and in time"),
    ("energy_j", "energy"),
    ("estimation_error_mean", "mean estimation error of accuracy"),
    ("excess_latency_s_mean", "mean latency beyond the budget"),
    ("excess_usage_usd_mean", "mean cost beyond the budget"),
    ("failed_ratio", "share of turns not answered"),
    ("fairness_jain", "Jain's fairness index"),
    ("goodput_correct_rps", "goodput of right answers"),
    ("goodput_rps", "goodput"),
    ("idle_share", "share of time idle"),
    ("infeasible_ratio", "share of dialogues with an infeasible budget"),
    ("late", "late requests"),
    ("latency_ms_max", "largest latency"),
    ("latency_ms_mean", "mean latency"),
    ("latency_ms_p50", "median latency"),
    ("latency_ms_p95", "latency, 95th percentile"),
    ("latency_ms_p99", "latency, 99th percentile"),
    ("latency_ms_p999", "latency, 99.9th percentile"),
    ("latency_s_mean", "mean latency of a dialogue"),
    ("loading_share", "share of time loading models"),
    ("local_ratio", "share of turns answered on the device"),
    ("makespan_s", "makespan"),
    ("model_load_bytes_per_1000", "model weights loaded per 1,000 requests"),
    ("model_load_bytes_sum", "model weights loaded"),
    ("model_load_ms_per_1000", "time spent loading models per 1,000 requests"),
    ("model_load_ms_sum", "time spent loading models"),
    ("model_loads", "model loads"),
    ("model_loads_per_1000", "model loads per 1,000 requests"),
    ("offloaded_ratio", "share of requests answered behind a link"),
    ("outcome_source", "source of outcomes"),
    ("over_budget_ratio", "share of dialogues beyond a budget"),
    ("over_latency_ratio", "share of dialogues beyond the latency budget"),
    ("over_usage_ratio", "share of dialogues beyond the cost budget"),
    ("percentile_method", "method of percentiles"),
    ("rate_rps_realised", "realised rate"),
    ("rejected", "requests rejected"),
    ("response_mean", "mean score of the answers"),
    ("reward_mean", "mean reward of a turn"),
    ("reward_training_sd", "standard deviation of the reward over trainings"),
    ("short_circuit_ratio", "share of requests answered by the SneakPeek model"),
    ("slo_attainment", "SLO attainment"),
    ("stationary", "whether the queue is stationary"),
    ("tardiness_ms_max", "largest tardiness"),
    ("tardiness_ms_mean", "mean tardiness"),
    ("tardiness_ms_p99", "tardiness, 99th percentile"),
    ("turns_mean", "mean number of turns of a dialogue"),
    ("unfinished", "requests unfinished"),
    ("uploaded_bytes", "data uploaded"),
    ("uploads_mean", "mean number of views uploaded by a turn"),
    ("usage_usd_mean", "mean cost of a dialogue"),
    ("utility_app_min", "least mean utility of an application"),
    ("utility_bound_mean", "upper bound of mean utility"),
    ("utility_mean", "mean utility"),
    ("utility_predicted_mean", "mean predicted utility"),
    ("utility_remaining_mean", "mean utility by remaining time"),
    ("utility_sum", "sum of utility"),
    ("utilization_mean", "mean utilization of workers"),
    ("wait_ms_mean", "mean waiting time"),
    ("wait_s_mean", "mean waiting time of a dialogue"),
    ("warmup_requests", "requests of the warm-up"),
    ("warmup_rule", "rule of the warm-up"),
    ("windows_solved_exactly", "windows solved exactly"),
];

/// The words of settings, by the end of their path; of two that fit, the longer one.
const SETTINGS: &[(&str, &str)] = &[
    ("batch_scaling", "batch scaling"),
    ("belief_error.latency", "largest error of predicted latency"),
    ("budget", "budget of a dialogue"),
    ("budget.latency_s", "latency budget of a dialogue"),
    ("budget.usage_usd", "cost budget of a dialogue"),
    ("budget_ms", "deadline budget"),
    ("class_autocorrelation", "autocorrelation of classes"),
    ("class_mix", "class mix"),
    ("clients", "number of clients"),
    ("evaluation", "scored by"),
    ("link.rtt_ms", "round-trip time of the link"),
    ("link.uplink_mbps", "uplink"),
    ("load", "load (share of capacity)"),
    ("max_batch", "largest batch (requests)"),
    ("memory_bytes", "memory"),
    ("noise_cv", "coefficient of variation of latency"),
    ("overhead_ms", "overhead of a decision"),
    ("payload_bytes", "payload"),
    ("peek.prior_weight", "weight of the prior"),
    ("peek.quality", "quality of the SneakPeek model"),
    ("peek.recall", "recall of the SneakPeek model"),
    ("power_w", "power"),
    ("rate_rps", "rate"),
    ("speedup", "speed of the worker (times the profile)"),
    ("think_ms", "think time"),
    ("think_s", "think time"),
    ("usd_per_request", "price of a request (US$)"),
    ("users.count", "number of users"),
    ("window_max", "largest window (requests)"),
    ("window_requests", "window (requests)"),
    ("workers.count", "number of workers"),
    ("workload.burst", "requests per burst"),
    ("workload.requests", "number of requests"),
];

/// The title of the axis of a column or a setting, such as `latency, 99th percentile (ms)`.
pub fn axis_title(column: &str) -> String {
    let words = column_words(column);
    let unit = unit_of(column);
    if unit.is_empty() || words.ends_with(')') {
        return words;
    }
    format!("{words} ({unit})")
}

/// The words of a column or a setting without its unit, such as `latency, 99th percentile`.
pub fn column_words(column: &str) -> String {
    let name = column.replace('"', "");
    if let Ok(at) = COLUMNS.binary_search_by_key(&name.as_str(), |(name, _)| name) {
        return COLUMNS[at].1.to_owned();
    }
    let parts: Vec<String> = path::parts(column).unwrap_or_else(|| vec![name.clone()]);
    let own: Vec<&str> = parts.iter().map(String::as_str).collect();
    let found = SETTINGS.iter().filter(|(end, _)| has_end(&own, end));
    if let Some((_, words)) = found.max_by_key(|(end, _)| end.len()) {
        return (*words).to_owned();
    }
    match own.as_slice() {
        // `payload_bytes.voice` is the payload of voice.
        [.., table, of] if is_per_application(table) => format!("{}, {of}", column_words(table)),
        [.., of, "count"] => format!("number of {}", of.replace('_', " ")),
        [.., last] => derived(last),
        [] => String::new(),
    }
}

/// Tables of settings with a key for each application.
fn is_per_application(table: &str) -> bool {
    ["budget_ms", "payload_bytes", "overhead_ms", "rate_rps"].contains(&table)
}

/// Whether a path ends with these keys; the name or number of a worker between them is skipped.
fn has_end(path: &[&str], end: &str) -> bool {
    let mut rest = path.iter().rev().filter(|part| part.parse::<usize>().is_err());
    end.rsplit('.').all(|key| match rest.next() {
        Some(part) if *part == key => true,
        // `workers.gpu.count` is the number of workers, too.
        Some(_) if key == "workers" => rest.next().is_some_and(|part| *part == "workers"),
        _ => false,
    })
}

/// The unit of a column, from its name or that of the table with a key for each application.
fn unit_of(column: &str) -> &'static str {
    const MORE: [(&str, &str); 3] = [("_mbps", "Mbit/s"), ("_w", "W"), ("_mb", "MB")];
    let parts = path::parts(column).unwrap_or_default();
    let of_table = parts.iter().rev().nth(1).filter(|table| is_per_application(table));
    let name = of_table.cloned().unwrap_or_else(|| path::last(column));
    if let Some((_, unit)) = MORE.into_iter().find(|(end, _)| name.ends_with(end)) {
        return unit;
    }
    match unit(&name) {
        // The words of `…_per_s` say the unit.
        Some((word, unit)) if !word.is_empty() => unit,
        _ => "",
    }
}

/// Words from the parts of a name.
fn derived(name: &str) -> String {
    let is_unit = |part: &&str| {
        let as_suffix = format!("x_{part}");
        ["mbps", "w"].contains(part) || unit(&as_suffix).is_some_and(|(word, _)| word == *part)
    };
    if let Some(counted) = name.strip_suffix("_per_s") {
        return format!("{} per second", counted.replace('_', " "));
    }
    let mut parts: Vec<&str> = name.split('_').collect();
    if parts.len() > 1 {
        let first = parts.remove(0);
        parts.retain(|part| !is_unit(part));
        parts.insert(0, first);
    }
    let mut take = |word: &str| {
        let at = parts.iter().skip(1).position(|part| *part == word)?;
        Some(parts.remove(at + 1))
    };
    let before = [
        ("mean", "mean "),
        ("sum", "total "),
        ("max", "largest "),
        ("min", "least "),
        ("p50", "median "),
        ("sd", "standard deviation of "),
    ];
    let before = before.into_iter().find_map(|(word, words)| take(word).map(|_| words));
    let after = [("p95", ", 95th percentile"), ("p99", ", 99th percentile"), ("ratio", " ratio")];
    let after = after.into_iter().find_map(|(word, words)| take(word).map(|_| words));
    format!("{}{}{}", before.unwrap_or(""), parts.join(" "), after.unwrap_or(""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Study;

    #[test]
    fn every_measured_column_has_words_and_no_other_name_has() {
        let mut known: Vec<&str> = Study::ALL
            .iter()
            .flat_map(|(_, study)| study.columns().iter().map(|column| column.name))
            .collect();
        known.sort_unstable();
        let own: Vec<&str> = COLUMNS.iter().map(|(name, _)| *name).collect();
        assert_eq!(own, known);
        for (name, words) in COLUMNS {
            assert!(!words.contains('_') && words.len() > 3, "{name}");
        }
    }

    #[test]
    fn columns_are_words_with_units() {
        for (column, title) in [
            ("utility_mean", "mean utility"),
            ("deadline_miss_ratio", "deadline-miss ratio"),
            ("latency_ms_p99", "latency, 99th percentile (ms)"),
            ("latency_ms_p999", "latency, 99.9th percentile (ms)"),
            ("accuracy_mean", "accuracy of completed requests"),
            ("goodput_rps", "goodput (requests/s)"),
            ("rate_rps_realised", "realised rate (requests/s)"),
            ("makespan_s", "makespan (s)"),
            ("energy_j", "energy (J)"),
            ("cost_usd", "cost (US$)"),
            ("uploaded_bytes", "data uploaded (bytes)"),
            ("correct_on_time_per_joule", "right answers in time per joule"),
            ("usage_usd_mean", "mean cost of a dialogue (US$)"),
            // Columns of tables, by the rule.
            ("fill_mean", "mean fill"),
            ("queue_ms_p99", "queue, 99th percentile (ms)"),
            ("decisions_per_s", "decisions per second"),
        ] {
            assert_eq!(axis_title(column), title);
        }
    }

    #[test]
    fn settings_are_words_with_units() {
        for (setting, title) in [
            ("workload.rate_rps", "rate (requests/s)"),
            ("workload.load", "load (share of capacity)"),
            ("workload.requests", "number of requests"),
            ("scheduler.window_ms", "window (ms)"),
            ("workers.0.count", "number of workers"),
            ("workers.\"gpu-1.5\".count", "number of workers"),
            ("users.count", "number of users"),
            ("workers.0.memory_bytes", "memory (bytes)"),
            ("workers.cloud.link.uplink_mbps", "uplink (Mbit/s)"),
            ("workers.cloud.link.rtt_ms", "round-trip time of the link (ms)"),
            ("workers.cloud.usd_per_request", "price of a request (US$)"),
            ("payload_bytes.voice", "payload, voice (bytes)"),
            ("budget_ms", "deadline budget (ms)"),
            ("budget_ms.voice", "deadline budget, voice (ms)"),
            ("peek.prior_weight", "weight of the prior"),
            ("peek.quality", "quality of the SneakPeek model"),
            ("scheduler.max_batch", "largest batch (requests)"),
            ("budget.usage_usd", "cost budget of a dialogue (US$)"),
        ] {
            assert_eq!(axis_title(setting), title);
        }
    }
}
