//! How the interval of a metric over replicates is found, and the range of the metric.

use super::column::ColumnKind;
use super::study::column_named;
use crate::core::rng::name_key;
use crate::stats::MetricShape;

/// Whether a metric is skewed, and its range, as its column says it.
pub fn metric_shape(metric: &str) -> MetricShape {
    let range = column_named(metric).map_or(ColumnKind::Text.range(), |column| column.kind.range());
    MetricShape { skewed: is_skewed(metric), range }
}

/// Key of the random stream of the resamples of a metric of the configuration with these labels:
/// intervals of different metrics or configurations share no resamples.
pub fn interval_key(metric: &str, labels: &[String]) -> u64 {
    let labels = labels.iter().map(String::as_str);
    name_key(&std::iter::once(metric).chain(labels).collect::<Vec<_>>())
}

/// Whether a metric is a percentile, an extreme or a ratio: no sum of many small parts, or bounded
/// at 0 and 1. Their intervals come from the bootstrap. Decided by name, before values are known.
pub fn is_skewed(metric: &str) -> bool {
    const RATIOS: [&str; 7] = [
        "accuracy_mean",
        "accuracy_on_time_mean",
        "effective_accuracy",
        "slo_attainment",
        "calibration_brier",
        "calibration_ece",
        "fairness_jain",
    ];
    let percentile =
        |word: &str| word.strip_prefix('p').is_some_and(|digits| digits.parse::<u32>().is_ok());
    metric.split('_').any(|word| percentile(word) || ["min", "max", "ratio"].contains(&word))
        || RATIOS.contains(&metric)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_those_of_the_columns() {
        let share = MetricShape { skewed: true, range: (0.0, 1.0) };
        assert_eq!(metric_shape("fairness_jain"), share);
        assert_eq!(
            metric_shape("model_loads"),
            MetricShape { skewed: false, range: (0.0, f64::INFINITY) }
        );
    }

    #[test]
    fn percentiles_maxima_and_ratios_are() {
        let skewed =
            ["latency_ms_p50", "tardiness_ms_max", "utility_app_min", "deadline_miss_ratio"];
        for name in skewed.into_iter().chain(["accuracy_mean", "accuracy_on_time_mean"]) {
            assert!(is_skewed(name), "{name}");
        }
        for name in ["utility_mean", "latency_ms_mean", "model_loads", "power_w", "cost_usd"] {
            assert!(!is_skewed(name), "{name}");
        }
    }
}
