//! The row of a run worked out again from what happened.

use super::Log;
use super::check::Verdict;
use super::draw::Case;
use super::ledger::{End, Ledger, Request, over, percentile};
use peeksim::metrics::{COLUMNS, Cell};

/// What a cell should hold.
#[derive(Clone, Debug, PartialEq)]
pub enum Want {
    Empty,
    Number(f64),
    Word(String),
}

impl From<Option<f64>> for Want {
    fn from(value: Option<f64>) -> Self {
        value.map_or(Self::Empty, Self::Number)
    }
}

impl From<f64> for Want {
    fn from(value: f64) -> Self {
        Self::Number(value)
    }
}

impl From<usize> for Want {
    fn from(value: usize) -> Self {
        Self::Number(value as f64)
    }
}

impl From<u64> for Want {
    fn from(value: u64) -> Self {
        Self::Number(value as f64)
    }
}

impl From<&str> for Want {
    fn from(value: &str) -> Self {
        Self::Word(value.to_owned())
    }
}

impl Want {
    /// Whether a cell, as text, holds it, up to rounding.
    pub fn is(&self, cell: &str) -> bool {
        match self {
            Self::Empty => cell.is_empty(),
            Self::Word(word) => cell == word,
            Self::Number(number) => cell
                .parse::<f64>()
                .is_ok_and(|found| (found - number).abs() <= 1e-9 * number.abs().max(1.0)),
        }
    }
}

type Columns = Vec<(&'static str, Want)>;

/// Every measured column of a whole run is what its meaning says.
pub fn row(case: &Case, log: &mut Log) -> Verdict {
    let cells: Vec<String> = log.summary.cells(None).iter().map(Cell::to_string).collect();
    compare(&Ledger::new(case, log, 0), &cells)
}

/// Gaps per second between the first arrival and the last, a warm-up included.
fn realised(ledger: &Ledger<'_>) -> Option<f64> {
    let times = || ledger.requests.iter().map(|request| request.arrival);
    let span_s = (times().max()? - times().min()?) as f64 / 1e9;
    (span_s > 0.0).then(|| (ledger.requests.len() - 1) as f64 / span_s)
}

/// Runs of the checkers are too short for more; tests of queues look at the others.
fn stationary(ledger: &Ledger<'_>) -> &'static str {
    assert!(ledger.counted().count() < 256, "a run whose queue may be decided");
    "undecided"
}

/// Every measured column is what its meaning says.
pub fn compare(ledger: &Ledger<'_>, cells: &[String]) -> Verdict {
    let mut expected = counts(ledger);
    expected.extend(answers(ledger));
    expected.extend(times(ledger));
    expected.extend(work(ledger));
    for (column, cell) in COLUMNS.iter().zip(cells) {
        let want = expected.iter().find(|(name, _)| *name == column.name);
        let Some((_, want)) = want else { return Err(format!("{} is not recounted", column.name)) };
        if !want.is(cell) {
            return Err(format!("{} is `{cell}`, not {want:?}", column.name));
        }
    }
    Ok(())
}

fn counts(ledger: &Ledger<'_>) -> Columns {
    let is = |end: End| ledger.counted().filter(|r| r.end.is_some_and(|e| e.1 == end)).count();
    let total = ledger.counted().count();
    let completed = ledger.counted().filter(|r| r.answer().is_some()).count();
    let late = ledger.counted().filter(|r| r.is_late()).count();
    let misses = total - completed + late;
    let watched_s = (ledger.end - ledger.from) as f64 / 1e9;
    let per_s = |count: usize| (watched_s > 0.0).then(|| count as f64 / watched_s);
    let on_time = |r: &&Request| r.answer() == Some(true) && !r.is_late();
    let correct_on_time = ledger.counted().filter(on_time).count();
    vec![
        // Where answers come from is said by the settings; tests of outcomes look at it.
        ("outcome_source", ledger.case.world.catalog().outcome().into()),
        ("arrived", total.into()),
        ("completed", completed.into()),
        ("rejected", is(End::Rejected).into()),
        ("unfinished", is(End::Unfinished).into()),
        ("late", late.into()),
        ("deadline_misses", misses.into()),
        ("deadline_miss_ratio", over(misses as f64, total).into()),
        ("slo_attainment", over((total - misses) as f64, total).into()),
        ("effective_accuracy", over(correct_on_time as f64, total).into()),
        ("accuracy_on_time_mean", over(correct_on_time as f64, completed - late).into()),
        ("goodput_rps", per_s(completed - late).into()),
        ("goodput_correct_rps", per_s(correct_on_time).into()),
        ("makespan_s", (ledger.end as f64 / 1e9).into()),
        ("rate_rps_realised", realised(ledger).into()),
        ("stationary", stationary(ledger).into()),
        ("warmup_requests", ledger.skip.into()),
        ("warmup_rule", if ledger.skip > 0 { "fixed" } else { "none" }.into()),
        ("decisions", ledger.decisions.into()),
        ("windows_solved_exactly", Want::Empty),
        ("utility_bound_mean", Want::Empty),
        ("percentile_method", "exact".into()),
    ]
}

/// What answers were worth, and what schedulers thought of them.
fn answers(ledger: &Ledger<'_>) -> Columns {
    let total = ledger.counted().count();
    let utility: f64 = ledger.counted().map(|r| ledger.utility(r)).sum();
    let remaining: f64 = ledger.counted().map(|r| ledger.utility_remaining(r)).sum();
    let (mut brier, mut shown_sum, mut believed, mut error) = (0.0, 0.0, 0.0, 0.0);
    let (mut right, mut completed, mut served, mut remote) = (0, 0, 0, 0);
    let mut bins = [(0.0, 0.0); 10];
    for request in ledger.counted() {
        let Some((_, End::Completed { worker, variant, correct, class, shown, .. })) = request.end
        else {
            continue;
        };
        let hit = if correct { 1.0 } else { 0.0 };
        completed += 1;
        right += usize::from(correct);
        shown_sum += shown;
        believed += shown * ledger.worth(request);
        brier += (shown - hit) * (shown - hit);
        let bin = &mut bins[((shown * 10.0).floor() as usize).min(9)];
        (bin.0, bin.1) = (bin.0 + shown, bin.1 + hit);
        if let Some(at) = ledger.case.facts.workers.get(usize::from(worker)) {
            served += 1;
            remote += usize::from(at.link.is_some());
            let app = &ledger.case.world.setup.apps[request.app];
            let variant = &app.profile.variants[ledger.offset(usize::from(variant))];
            error += (shown - variant.recall[usize::from(class)]).abs();
        }
    }
    let gaps: f64 = bins.iter().map(|(shown, hits)| (shown - hits).abs()).sum();
    let linked = ledger.case.facts.workers.iter().any(|worker| worker.link.is_some());
    let means: Vec<f64> = (0..ledger.case.world.setup.apps.len())
        .filter_map(|app| {
            let own = || ledger.counted().filter(|r| r.app == app);
            over(own().map(|r| ledger.utility(r)).sum(), own().count())
        })
        .collect();
    let (sum, squares) = (means.iter().sum::<f64>(), means.iter().map(|x| x * x).sum::<f64>());
    let jain = (squares > 0.0).then(|| sum * sum / (means.len() as f64 * squares));
    vec![
        ("utility_sum", utility.into()),
        ("utility_mean", over(utility, total).into()),
        ("utility_remaining_mean", over(remaining, total).into()),
        ("accuracy_mean", over(right as f64, completed).into()),
        ("accuracy_predicted_mean", over(shown_sum, completed).into()),
        ("calibration_brier", over(brier, completed).into()),
        ("calibration_ece", over(gaps, completed).into()),
        ("utility_predicted_mean", over(believed, total).into()),
        ("estimation_error_mean", over(error, served).into()),
        ("short_circuit_ratio", over((completed - served) as f64, completed).into()),
        ("offloaded_ratio", over(remote as f64, completed).filter(|_| linked).into()),
        ("fairness_jain", jain.into()),
        ("utility_app_min", means.into_iter().reduce(f64::min).into()),
    ]
}

fn times(ledger: &Ledger<'_>) -> Columns {
    let answered = || ledger.counted().filter(|r| r.answer().is_some());
    let ms = |ns: u64| ns as f64 / 1e6;
    let latency: Vec<f64> = answered().map(|r| ms(r.finish() - r.arrival)).collect();
    let tardy = answered().map(|r| ms(r.late));
    let tardy: Vec<f64> = tardy.collect();
    let waits = answered().map(|r| match r.end {
        Some((_, End::Completed { started, .. })) => ms(started - r.arrival),
        _ => 0.0,
    });
    let count = latency.len();
    let largest = |values: &[f64]| values.iter().copied().reduce(f64::max);
    let at = |p| percentile(latency.clone(), p);
    vec![
        ("latency_ms_mean", over(latency.iter().sum(), count).into()),
        ("latency_ms_p50", at(0.5).into()),
        ("latency_ms_p95", at(0.95).into()),
        ("latency_ms_p99", at(0.99).into()),
        ("latency_ms_p999", at(0.999).into()),
        ("latency_ms_max", largest(&latency).into()),
        ("wait_ms_mean", over(waits.sum(), count).into()),
        ("tardiness_ms_mean", over(tardy.iter().sum(), count).into()),
        ("tardiness_ms_max", largest(&tardy).into()),
        ("tardiness_ms_p99", percentile(tardy, 0.99).into()),
    ]
}

/// What workers and links did.
fn work(ledger: &Ledger<'_>) -> Columns {
    let (mut available, mut busy, mut loading, mut swap_ms) = (0.0, 0.0, 0.0, 0.0);
    let (mut joules, mut usd, mut uploaded) = (None, None, 0);
    for (at, setup) in ledger.case.world.setup.workers.iter().enumerate() {
        let lanes = f64::from(setup.lanes);
        let (computes, loads) = ledger.busy(at);
        let (sends, bytes) = ledger.sent(at);
        let open = ledger.open(at) as f64;
        let (computes, loads) = (computes as f64, loads as f64);
        available += open * lanes;
        busy += computes;
        loading += loads * lanes;
        swap_ms += loads / 1e6;
        uploaded += bytes;
        let active = computes / lanes + loads;
        let sender = setup.link.as_ref().and_then(|link| link.power_w);
        for (power, ns) in
            [(setup.power_w, active), (setup.idle_w, open - active), (sender, sends as f64)]
        {
            if let Some(power) = power {
                *joules.get_or_insert(0.0) += power * ns / 1e9;
            }
        }
        if let Some(price) = setup.usd_per_request {
            let here = |r: &&Request| match r.end {
                Some((_, End::Completed { worker, .. })) => usize::from(worker) == at,
                _ => false,
            };
            *usd.get_or_insert(0.0) += price * ledger.counted().filter(here).count() as f64;
        }
    }
    let total = ledger.counted().count();
    let on_time = |r: &&Request| r.answer() == Some(true) && !r.is_late();
    let right = ledger.counted().filter(on_time).count() as f64;
    let per_joule = joules.filter(|joules| *joules > 1e-9).map(|joules: f64| right / joules);
    let share = |ns: f64| (available > 0.0).then(|| ns / available);
    let idle = share(busy).zip(share(loading)).map(|(busy, loading)| 1.0 - busy - loading);
    let batches = || ledger.ended().filter(|batch| !ledger.is_look(batch.variant));
    let size: usize = batches().map(|batch| batch.size).sum();
    let swaps = ledger.begun().count();
    let bytes: u64 = ledger.begun().map(|load| ledger.variant(usize::from(load.variant)).2).sum();
    let linked = ledger.case.facts.workers.iter().any(|worker| worker.link.is_some());
    vec![
        ("model_loads", swaps.into()),
        ("model_load_ms_sum", swap_ms.into()),
        ("model_load_bytes_sum", bytes.into()),
        ("model_loads_per_1000", over(1e3 * swaps as f64, total).into()),
        ("model_load_ms_per_1000", over(1e3 * swap_ms, total).into()),
        ("model_load_bytes_per_1000", over(1e3 * bytes as f64, total).into()),
        ("batch_size_mean", over(size as f64, batches().count()).into()),
        ("utilization_mean", share(busy).into()),
        ("loading_share", share(loading).into()),
        ("idle_share", idle.into()),
        ("energy_j", joules.into()),
        ("correct_on_time_per_joule", per_joule.into()),
        ("cost_usd", usd.into()),
        ("uploaded_bytes", if linked { uploaded.into() } else { Want::Empty }),
    ]
}
