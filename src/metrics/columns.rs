//! The columns of a run's row: name and unit, meaning, and how each is computed.

use super::column::{
    ARRIVED, COMPLETED, Cell, Column, ColumnKind, LATE, TARDINESS, column, count, ratio, share,
};
use super::summary::Summary;
use crate::core::units::NS_PER_MS;

/// The measured columns of `runs.csv`, in order.
pub const COLUMNS: &[Column] = &{
    let mut columns = [METRICS[0].column; METRICS.len()];
    let mut at = 0;
    while at < METRICS.len() {
        columns[at] = METRICS[at].column;
        at += 1;
    }
    columns
};

/// A column and how its cell is computed.
struct Metric {
    column: Column,
    value: MetricValue,
}

/// How a cell is computed.
enum MetricValue {
    Count(fn(&Summary) -> u64),
    Number(fn(&Summary) -> f64),
    /// Divided by all requests that arrived.
    PerArrived(fn(&Summary) -> f64),
    /// Divided by the completed requests.
    PerCompleted(fn(&Summary) -> f64),
    Word(fn(&Summary) -> &'static str),
    /// A cell that may be empty.
    Cell(fn(&Summary) -> Cell),
}

impl Metric {
    fn cell(&self, summary: &Summary) -> Cell {
        match self.value {
            MetricValue::Count(value) => Cell::Count(value(summary)),
            MetricValue::Number(value) => Cell::Number(value(summary)),
            MetricValue::PerArrived(value) => ratio(value(summary), summary.arrived()),
            MetricValue::PerCompleted(value) => {
                ratio(value(summary), summary.totals.answers.completed)
            }
            MetricValue::Word(value) => Cell::Word(value(summary)),
            MetricValue::Cell(value) => value(summary),
        }
    }
}

impl Column {
    const fn value(self, value: MetricValue) -> Metric {
        Metric { column: self, value }
    }

    const fn count(self, value: fn(&Summary) -> u64) -> Metric {
        self.value(MetricValue::Count(value))
    }

    const fn number(self, value: fn(&Summary) -> f64) -> Metric {
        self.value(MetricValue::Number(value))
    }

    const fn per_arrived(self, value: fn(&Summary) -> f64) -> Metric {
        self.empty(ARRIVED).value(MetricValue::PerArrived(value))
    }

    const fn per_completed(self, value: fn(&Summary) -> f64) -> Metric {
        self.empty(COMPLETED).value(MetricValue::PerCompleted(value))
    }

    const fn word(
        self,
        words: &'static [&'static str],
        value: fn(&Summary) -> &'static str,
    ) -> Metric {
        self.of(ColumnKind::Word(words)).value(MetricValue::Word(value))
    }

    const fn cell(self, value: fn(&Summary) -> Cell) -> Metric {
        self.value(MetricValue::Cell(value))
    }
}

const NO_TIME: &str = "the run took no time";
const NO_LINK: &str = "there is no link";

const METRICS: &[Metric] = &[
    column("outcome_source", "where answers come from; mixed if that depends on the variant")
        .word(&["recorded", "drawn", "stream-recall", "mixed"], |s| s.catalog.outcome()),
    count("arrived", "requests that arrived (after the warm-up, if there is one)")
        .count(Summary::arrived),
    count("completed", "requests answered, on time or late").count(|s| s.totals.answers.completed),
    count("rejected", "requests refused by the scheduler").count(|s| s.totals.rejected),
    count("unfinished", "requests never served").count(|s| s.totals.unfinished),
    column("utility_sum", "sum of correct × (1 − penalty) over completed requests")
        .number(Summary::utility),
    share("utility_mean", "utility_sum over all arrived requests").per_arrived(Summary::utility),
    share("accuracy_mean", "share of completed requests answered correctly")
        .per_completed(|s| s.totals.answers.accuracy.correct as f64),
    share("accuracy_predicted_mean", "mean accuracy the scheduler was shown, over completed")
        .per_completed(|s| s.totals.answers.accuracy.predicted),
    share("calibration_brier", "mean of (accuracy shown − correct)² over completed")
        .per_completed(|s| s.totals.answers.accuracy.brier),
    share("calibration_ece", "expected calibration error over completed, ten equal bins")
        .per_completed(|s| s.totals.answers.calibration_gap()),
    share("effective_accuracy", "requests answered correctly and on time, over all arrived")
        .per_arrived(|s| s.totals.answers.correct_on_time() as f64),
    count("deadline_misses", "late, rejected and unfinished requests").count(Summary::misses),
    share("deadline_miss_ratio", "deadline_misses over all arrived requests")
        .per_arrived(|s| s.misses() as f64),
    share("slo_attainment", "1 − deadline_miss_ratio")
        .per_arrived(|s| (s.arrived() - s.misses()) as f64),
    column(
        "goodput_rps",
        "requests answered on time per second from the start of the run, or from the first request \
         after a warm-up, to its last event",
    )
    .empty(NO_TIME)
    .cell(|s| s.per_second(s.on_time())),
    column("latency_ms_mean", "mean of finish − arrival over completed")
        .per_completed(|s| ms(s.totals.answers.latency_ns)),
    column("latency_ms_p50", "median latency").empty(COMPLETED).cell(|s| s.latency_quantile(0.5)),
    column("latency_ms_p95", "95th percentile of latency")
        .empty(COMPLETED)
        .cell(|s| s.latency_quantile(0.95)),
    column("latency_ms_p99", "99th percentile of latency")
        .empty(COMPLETED)
        .cell(|s| s.latency_quantile(0.99)),
    column("latency_ms_max", "largest latency")
        .empty(COMPLETED)
        .cell(|s| s.largest_ms(s.totals.answers.latency_max)),
    column("percentile_method", "how percentiles were found; hdr3 keeps three digits")
        .word(&["exact", "hdr3"], |s| s.totals.answers.latencies.method()),
    column("wait_ms_mean", "mean of start − arrival over completed (loading included)")
        .per_completed(|s| ms(s.totals.answers.wait_ns)),
    column("tardiness_ms_mean", TARDINESS)
        .per_completed(|s| ms(s.totals.answers.late.tardiness_ns)),
    column("tardiness_ms_max", "largest tardiness")
        .empty(COMPLETED)
        .cell(|s| s.largest_ms(s.totals.answers.late.tardiness_max)),
    count("model_loads", "loads of a variant into memory").count(|s| s.totals.loads),
    column("model_load_ms_sum", "time spent loading").number(|s| ms(s.totals.load_ns)),
    column("batch_size_mean", "requests per batch that ended, peeks apart")
        .empty("no batch ran")
        .cell(|s| ratio(s.totals.batched as f64, s.totals.batches)),
    share("utilization_mean", "lane time spent computing over lane time until the end")
        .empty(NO_TIME)
        .cell(|s| s.lane_time_shares()[0].into()),
    column("makespan_s", "instant of the last arrival, answer, or end of a batch or load")
        .number(|s| s.totals.end.as_s()),
    share("fairness_jain", "Jain index of the applications' mean utilities")
        .empty("no application has any utility")
        .cell(Summary::fairness),
    column(
        "energy_j",
        "power × (lane time computing / lanes + time loading) + idle power × all other time + \
         power of links × time sending + power of hosts × their time on each batch",
    )
    .empty("no power is known")
    .cell(Summary::energy),
    column("cost_usd", "price of all requests together")
        .empty("no price is known")
        .cell(Summary::cost),
    count("decisions", "decisions taken").count(|s| s.totals.decisions),
    count("windows_solved_exactly", "windows searched exactly, warm-up included")
        .empty("the scheduler never searches exactly")
        .cell(|s| s.windows_solved_exactly.map_or(Cell::Empty, Cell::Count)),
    share(
        "utility_predicted_mean",
        "accuracy shown × (1 − penalty) of completed requests, over all arrived",
    )
    .per_arrived(|s| s.totals.answers.utility.predicted),
    share(
        "estimation_error_mean",
        "mean distance of accuracy shown from profiled recall of the true class, over served",
    )
    .empty("no request was served by a variant")
    .cell(|s| {
        ratio(
            s.totals.answers.accuracy.estimation_error,
            s.totals.answers.completed - s.totals.short_circuited,
        )
    }),
    share("utility_bound_mean", "what no scheduler's utility_mean can exceed")
        .empty("`bound` is not `fluid`")
        .cell(|s| s.bound.into()),
    share("short_circuit_ratio", "share of completed requests answered by the SneakPeek model")
        .per_completed(|s| s.totals.short_circuited as f64),
    share("offloaded_ratio", "share of completed requests answered behind a link")
        .empty(NO_LINK)
        .cell(Summary::offloaded_ratio),
    count("uploaded_bytes", "bytes sent to workers behind a link")
        .empty(NO_LINK)
        .cell(Summary::uploaded_bytes),
    count("warmup_requests", "arrivals at the beginning of the run that do not count")
        .count(|s| u64::from(s.window().skip)),
    column("warmup_rule", "how they were found; not-converged: mser-5 wanted more than half")
        .word(&["none", "fixed", "mser-5", "not-converged"], |s| s.window().rule),
    count("late", LATE).count(|s| s.totals.answers.late.count),
    share(
        "accuracy_on_time_mean",
        "share of requests completed on time that were answered correctly",
    )
    .empty("no request was completed on time")
    .cell(|s| ratio(s.totals.answers.correct_on_time() as f64, s.on_time())),
    column(
        "goodput_correct_rps",
        "requests answered correctly and on time per second, as `goodput_rps`",
    )
    .empty(NO_TIME)
    .cell(|s| s.per_second(s.totals.answers.correct_on_time())),
    column("latency_ms_p999", "99.9th percentile of latency")
        .empty(COMPLETED)
        .cell(|s| s.latency_quantile(0.999)),
    column("tardiness_ms_p99", "99th percentile of tardiness over completed")
        .empty(COMPLETED)
        .cell(|s| s.tardiness_quantile(0.99)),
    share("utility_app_min", "the least of the applications' mean utilities")
        .empty(ARRIVED)
        .cell(|s| s.app_utilities().reduce(f64::min).into()),
    share("loading_share", "time loading over time until the end, workers weighted by lanes")
        .empty(NO_TIME)
        .cell(|s| s.lane_time_shares()[1].into()),
    share("idle_share", "1 − utilization_mean − loading_share")
        .empty(NO_TIME)
        .cell(Summary::idle_share),
    count("model_load_bytes_sum", "bytes of the variants that were loaded")
        .count(|s| s.totals.load_bytes),
    column("model_loads_per_1000", "loads per 1,000 requests that arrived")
        .per_arrived(|s| 1000.0 * s.totals.loads as f64),
    column("model_load_bytes_per_1000", "bytes loaded per 1,000 requests that arrived")
        .per_arrived(|s| 1000.0 * s.totals.load_bytes as f64),
    column("model_load_ms_per_1000", "time spent loading per 1,000 requests that arrived")
        .per_arrived(|s| 1000.0 * ms(s.totals.load_ns)),
    column(
        "rate_rps_realised",
        "(n − 1) / (last − first) over all n arrivals of the run, a warm-up included",
    )
    .empty("fewer than two arrived, or all at once")
    .cell(Summary::realised_rate),
    column(
        "stationary",
        "whether the number of requests in the system returns (yes) or drifts over the run (no): \
         then what is measured depends on the length of the run",
    )
    .word(&["yes", "no", "undecided"], |s| s.totals.queue.stationary().name()),
    share(
        "utility_remaining_mean",
        "as utility_mean, but lateness is divided by the time that was left to the deadline when \
         the request was last assigned, not by its budget, as the published windows are scored",
    )
    .per_arrived(|s| s.totals.answers.utility.remaining),
    column("correct_on_time_per_joule", "requests answered correctly and on time, over energy_j")
        .empty("no power is known, or no energy was spent")
        .cell(Summary::correct_on_time_per_joule),
];

fn ms(ns: u128) -> f64 {
    ns as f64 / NS_PER_MS as f64
}

impl Summary {
    /// The cells of [`COLUMNS`], in order; the scheduler knows how many windows it searched
    /// exactly.
    pub fn cells(&mut self, windows_solved_exactly: Option<u64>) -> Vec<Cell> {
        self.windows_solved_exactly = windows_solved_exactly;
        self.sort();
        METRICS.iter().map(|metric| metric.cell(self)).collect()
    }

    /// The cell of a column of [`COLUMNS`] by its name; `None` if there is no such column.
    pub fn cell(&mut self, name: &str) -> Option<Cell> {
        self.sort();
        METRICS.iter().find(|metric| metric.column.name == name).map(|metric| metric.cell(self))
    }
}

/// The cell of the column of this name in a row with the cells of [`COLUMNS`].
pub fn named<'c>(cells: &'c [String], name: &str) -> Option<&'c str> {
    let place = COLUMNS.iter().position(|column| column.name == name)?;
    cells.get(place).map(String::as_str)
}
