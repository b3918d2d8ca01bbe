//! Of which metrics more is better, and of which less.

/// Whether more of a metric is better; `None` where neither more nor less is.
pub fn more_is_better(metric: &str) -> Option<bool> {
    const MORE: [&str; 11] = [
        "accuracy_mean",
        "accuracy_on_time_mean",
        "correct_on_time_per_joule",
        "effective_accuracy",
        "fairness_jain",
        "goodput_rps",
        "response_mean",
        "reward_mean",
        "slo_attainment",
        "utility_app_min",
        "utility_mean",
    ];
    const LESS: [&str; 13] = [
        "calibration",
        "cost",
        "deadline",
        "energy",
        "excess",
        "failed",
        "latency",
        "late",
        "model",
        "over",
        "tardiness",
        "usage",
        "wait",
    ];
    let first = metric.split('_').next().unwrap_or(metric);
    match () {
        () if MORE.contains(&metric) => Some(true),
        () if LESS.contains(&first) => Some(false),
        () => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Study;

    #[test]
    fn every_metric_with_a_direction_exists() {
        let numbers = || Study::ALL.into_iter().flat_map(|(_, study)| study.numbers());
        for metric in
            ["reward_mean", "utility_mean", "utility_app_min", "goodput_rps", "fairness_jain"]
        {
            assert!(numbers().any(|name| name == metric));
            assert_eq!(more_is_better(metric), Some(true));
        }
        for metric in [
            "over_budget_ratio",
            "deadline_miss_ratio",
            "latency_ms_p99",
            "model_loads_per_1000",
            "late",
        ] {
            assert!(numbers().any(|name| name == metric));
            assert_eq!(more_is_better(metric), Some(false));
        }
        assert_eq!(more_is_better("batch_size_mean"), None);
    }
}
