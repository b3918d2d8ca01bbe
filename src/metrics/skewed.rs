//! Which metrics are skewed over replicates by nature.

/// Percentiles, maxima and ratios: no sums of many small parts, or bounded at 0 and 1. Their
/// intervals come from the bootstrap. Said by name and beforehand, not by the values at hand.
pub fn is_skewed(metric: &str) -> bool {
    const RATIOS: [&str; 6] = [
        "accuracy_mean",
        "effective_accuracy",
        "slo_attainment",
        "calibration_brier",
        "calibration_ece",
        "fairness_jain",
    ];
    let percentile =
        |word: &str| word.strip_prefix('p').is_some_and(|digits| digits.parse::<u32>().is_ok());
    metric.split('_').any(|word| percentile(word) || word == "max" || word == "ratio")
        || RATIOS.contains(&metric)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_maxima_and_ratios_are() {
        for name in ["latency_ms_p50", "tardiness_ms_max", "deadline_miss_ratio", "accuracy_mean"] {
            assert!(is_skewed(name), "{name}");
        }
        for name in ["utility_mean", "latency_ms_mean", "swaps", "power_w", "cost_usd"] {
            assert!(!is_skewed(name), "{name}");
        }
    }
}
