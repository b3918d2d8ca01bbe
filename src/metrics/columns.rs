//! The columns of a run's row.

use super::column::{
    ARRIVED, COMPLETED, Column, ColumnKind, LATE, TARDINESS, column, count, share,
};

const ANSWERS: ColumnKind = ColumnKind::Word(&["recorded", "drawn", "stream-recall", "mixed"]);

/// The measured columns of `runs.csv`, in order.
pub const COLUMNS: &[Column] = &[
    column("outcome_source", "where answers come from; mixed if that depends on the variant")
        .of(ANSWERS),
    count("arrived", "requests that arrived (after the warm-up, if there is one)"),
    count("completed", "requests answered, on time or late"),
    count("rejected", "requests refused by the scheduler"),
    count("unfinished", "requests never served"),
    column("utility_sum", "sum of correct × (1 − penalty) over completed requests"),
    share("utility_mean", "utility_sum over all arrived requests").empty(ARRIVED),
    share("accuracy_mean", "share of completed requests answered correctly").empty(COMPLETED),
    share("accuracy_predicted_mean", "mean accuracy the scheduler was shown, over completed")
        .empty(COMPLETED),
    share("calibration_brier", "mean of (accuracy shown − correct)² over completed")
        .empty(COMPLETED),
    share("calibration_ece", "expected calibration error over completed, ten equal bins")
        .empty(COMPLETED),
    share("effective_accuracy", "requests answered correctly and on time, over all arrived")
        .empty(ARRIVED),
    count("deadline_misses", "late, rejected and unfinished requests"),
    share("deadline_miss_ratio", "deadline_misses over all arrived requests").empty(ARRIVED),
    share("slo_attainment", "1 − deadline_miss_ratio").empty(ARRIVED),
    column("goodput_rps", PER_SECOND_ON_TIME).empty("the run took no time"),
    column("latency_ms_mean", "mean of finish − arrival over completed").empty(COMPLETED),
    column("latency_ms_p50", "median latency").empty(COMPLETED),
    column("latency_ms_p95", "95th percentile of latency").empty(COMPLETED),
    column("latency_ms_p99", "99th percentile of latency").empty(COMPLETED),
    column("latency_ms_max", "largest latency").empty(COMPLETED),
    column("percentile_method", "how percentiles were found; hdr3 keeps three digits")
        .of(ColumnKind::Word(&["exact", "hdr3"])),
    column("wait_ms_mean", "mean of start − arrival over completed (loading included)")
        .empty(COMPLETED),
    column("tardiness_ms_mean", TARDINESS).empty(COMPLETED),
    column("tardiness_ms_max", "largest tardiness").empty(COMPLETED),
    count("model_loads", "loads of a variant into memory"),
    column("model_load_ms_sum", "time spent loading"),
    column("batch_size_mean", "requests per batch that ended, looks apart").empty("no batch ran"),
    share("utilization_mean", "lane time spent computing over lane time until the end")
        .empty("the run took no time"),
    column("makespan_s", "instant of the last arrival, answer, or end of a batch or load"),
    share("fairness_jain", "Jain index of the applications' mean utilities")
        .empty("no application has any utility"),
    column(
        "energy_j",
        "power × (lane time computing / lanes + time loading) + idle power × all other time + \
         power of links × time sending",
    )
    .empty("no power is known"),
    column("cost_usd", "price of all requests together").empty("no price is known"),
    count("decisions", "decisions taken"),
    count("windows_solved_exactly", "windows searched exactly, warm-up included")
        .empty("the scheduler never searches exactly"),
    share(
        "utility_predicted_mean",
        "accuracy shown × (1 − penalty) of completed requests, over all arrived",
    )
    .empty(ARRIVED),
    share(
        "estimation_error_mean",
        "mean distance of accuracy shown from profiled recall of the true class, over served",
    )
    .empty("no request was served by a variant"),
    share("utility_bound_mean", "what no scheduler's utility_mean can exceed")
        .empty("`bound` is not `fluid`"),
    share("short_circuit_ratio", "share of completed requests answered by the SneakPeek model")
        .empty(COMPLETED),
    share("offloaded_ratio", "share of completed requests answered behind a link")
        .empty("there is no link"),
    count("uploaded_bytes", "bytes sent to workers behind a link").empty("there is no link"),
    count("warmup_requests", "arrivals at the beginning of the run that do not count"),
    column("warmup_rule", "how they were found; not-converged: mser-5 wanted more than half")
        .of(ColumnKind::Word(&["none", "fixed", "mser-5", "not-converged"])),
    count("late", LATE),
    share(
        "accuracy_on_time_mean",
        "share of requests completed on time that were answered correctly",
    )
    .empty("no request was completed on time"),
    column("goodput_correct_rps", PER_SECOND_CORRECT).empty("the run took no time"),
    column("latency_ms_p999", "99.9th percentile of latency").empty(COMPLETED),
    column("tardiness_ms_p99", "99th percentile of tardiness over completed").empty(COMPLETED),
    share("utility_app_min", "the least of the applications' mean utilities").empty(ARRIVED),
    share("loading_share", "time loading over time until the end, workers weighted by lanes")
        .empty("the run took no time"),
    share("idle_share", "1 − utilization_mean − loading_share").empty("the run took no time"),
    count("model_load_bytes_sum", "bytes of the variants that were loaded"),
    column("model_loads_per_1000", "loads per 1,000 requests that arrived").empty(ARRIVED),
    column("model_load_bytes_per_1000", "bytes loaded per 1,000 requests that arrived")
        .empty(ARRIVED),
    column("model_load_ms_per_1000", "time spent loading per 1,000 requests that arrived")
        .empty(ARRIVED),
    column(
        "rate_rps_realised",
        "(n − 1) / (last − first) over all n arrivals of the run, a warm-up included",
    )
    .empty("fewer than two arrived, or all at once"),
    column(
        "stationary",
        "whether the number of requests in the system returns (yes) or drifts over the run (no): \
         then what is measured depends on the length of the run",
    )
    .of(ColumnKind::Word(&["yes", "no", "undecided"])),
    share(
        "utility_remaining_mean",
        "as utility_mean, but lateness is divided by the time that was left to the deadline when \
         the request was last assigned, not by its budget, as the published windows are scored",
    )
    .empty(ARRIVED),
];

/// The duration by which goodput is divided is part of what it means.
const PER_SECOND_ON_TIME: &str = "requests answered on time per second from the start of the run, \
     or from the first request after a warm-up, to its last event";
const PER_SECOND_CORRECT: &str =
    "requests answered correctly and on time per second, as `goodput_rps`";

/// The names of the columns that hold numbers.
pub fn numbers() -> impl Iterator<Item = &'static str> {
    let numbers = COLUMNS.iter().filter(|column| !matches!(column.kind, ColumnKind::Word(_)));
    numbers.map(|column| column.name)
}
