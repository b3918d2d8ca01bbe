//! The rows of every table worked out again from what happened.

use super::ledger::{End, Ledger, Request, over, percentile};
use super::recounted_row::Want;
use std::collections::BTreeMap;

/// A row: the name of each column and what should stand there.
pub type Row = Vec<(&'static str, Want)>;

/// The rows of a table called `name`; `step` is the length of an interval in ns.
pub fn rows(ledger: &Ledger<'_>, name: &str, step: u64) -> Vec<Row> {
    match name {
        "apps" => apps(ledger),
        "batch_sizes" => batch_sizes(ledger),
        "timeseries" => series(ledger, step),
        "timeseries_variants" => timeseries_variants(ledger, step),
        "variants" => variants(ledger),
        "workers" => workers(ledger),
        other => panic!("no recount of {other}"),
    }
}

fn app(ledger: &Ledger<'_>, at: usize) -> Want {
    ledger.case.world.setup.apps[at].profile.name.as_str().into()
}

fn apps(ledger: &Ledger<'_>) -> Vec<Row> {
    let row = |at: usize| -> Row {
        let own: Vec<&Request> = ledger.counted().filter(|r| r.app == at).collect();
        let total = own.len();
        let is = |end: End| own.iter().filter(|r| r.end.is_some_and(|e| e.1 == end)).count();
        let answered: Vec<&&Request> = own.iter().filter(|r| r.answer().is_some()).collect();
        let right = |r: &&&Request| r.answer() == Some(true);
        let late = own.iter().filter(|r| r.is_late()).count();
        let ms = |ns: u64| ns as f64 / 1e6;
        let latency: Vec<f64> = answered.iter().map(|r| ms(r.finish() - r.arrival)).collect();
        let tardy = answered.iter().map(|r| ms(r.late));
        let tardy: f64 = tardy.sum();
        let utility: f64 = own.iter().map(|r| ledger.utility(r)).sum();
        let correct = own.iter().filter(right).count() as f64;
        let both = own.iter().filter(right).filter(|r| !r.is_late()).count() as f64;
        let count = answered.len();
        vec![
            ("app", app(ledger, at)),
            ("arrived", total.into()),
            ("completed", count.into()),
            ("late", late.into()),
            ("rejected", is(End::Rejected).into()),
            ("unfinished", is(End::Unfinished).into()),
            ("utility_mean", over(utility, total).into()),
            ("accuracy_mean", over(correct, count).into()),
            ("effective_accuracy", over(both, total).into()),
            ("slo_attainment", over((count - late) as f64, total).into()),
            ("latency_ms_mean", over(latency.iter().sum(), count).into()),
            ("latency_ms_p50", percentile(latency.clone(), 0.5).into()),
            ("latency_ms_p95", percentile(latency.clone(), 0.95).into()),
            ("latency_ms_p99", percentile(latency, 0.99).into()),
            ("tardiness_ms_mean", over(tardy, count).into()),
        ]
    };
    (0..ledger.case.world.setup.apps.len()).map(row).collect()
}

fn batch_sizes(ledger: &Ledger<'_>) -> Vec<Row> {
    let mut sizes: BTreeMap<(u16, usize), usize> = BTreeMap::new();
    for batch in ledger.ended().filter(|batch| !ledger.is_look(batch.variant)) {
        *sizes.entry((batch.variant, batch.size)).or_default() += 1;
    }
    let row = |((variant, size), count): ((u16, usize), usize)| -> Row {
        let (own, name, _) = ledger.variant(usize::from(variant));
        vec![
            ("app", app(ledger, own)),
            ("variant", name.as_str().into()),
            ("batch_size", size.into()),
            ("batches", count.into()),
        ]
    };
    sizes.into_iter().map(row).collect()
}

/// The variant that answered a request.
fn answered_by(request: &Request) -> Option<usize> {
    match request.end {
        Some((_, End::Completed { variant, .. })) => Some(usize::from(variant)),
        _ => None,
    }
}

fn variants(ledger: &Ledger<'_>) -> Vec<Row> {
    let mut ids: Vec<usize> = (0..ledger.variants()).collect();
    // By application, its SneakPeek model last.
    ids.sort_by_key(|id| (ledger.variant(*id).0, *id));
    let row = |id: usize| -> Row {
        let (own, name, bytes) = ledger.variant(id);
        let here = |variant: u16| usize::from(variant) == id;
        let ran = || ledger.ended().filter(|b| here(b.variant) && !ledger.is_look(b.variant));
        let size: usize = ran().map(|batch| batch.size).sum();
        let most = |worker, variant| ledger.case.facts.cost(worker, variant).expect("it ran");
        let fill: f64 =
            ran().map(|b| b.size as f64 / most(b.worker, b.variant).max_batch() as f64).sum();
        let answers = || ledger.counted().filter(|r| answered_by(r) == Some(id));
        let correct = answers().filter(|r| r.answer() == Some(true)).count() as f64;
        let of_app = ledger.counted().filter(|r| r.app == own && r.answer().is_some()).count();
        let begun = || ledger.begun().filter(|load| here(load.variant));
        let loads = ledger.loads.iter().filter(|load| here(load.variant));
        let ns: u64 = loads.map(|load| ledger.overlap(load.span)).sum();
        vec![
            ("app", app(ledger, own)),
            ("variant", name.as_str().into()),
            ("batches", ran().count().into()),
            ("requests", answers().count().into()),
            ("batch_size_mean", over(size as f64, ran().count()).into()),
            ("fill_mean", over(fill, ran().count()).into()),
            ("share", over(answers().count() as f64, of_app).into()),
            ("accuracy_mean", over(correct, answers().count()).into()),
            ("model_loads", begun().count().into()),
            ("model_load_ms_sum", (ns as f64 / 1e6).into()),
            ("model_load_bytes_sum", (begun().count() as u64 * bytes).into()),
            ("thrashes", begun().filter(|load| load.again).count().into()),
        ]
    };
    ids.into_iter().map(row).collect()
}

fn workers(ledger: &Ledger<'_>) -> Vec<Row> {
    let row = |(at, setup): (usize, &peeksim::system::catalog::WorkerSpec)| -> Row {
        let here = |worker: u16| usize::from(worker) == at;
        let served = ledger
            .counted()
            .filter(|r| matches!(r.end, Some((_, End::Completed { worker, .. })) if here(worker)));
        let begun = || ledger.begun().filter(|load| here(load.worker));
        let bytes: u64 = begun().map(|load| ledger.variant(usize::from(load.variant)).2).sum();
        let (busy, loading) = ledger.busy(at);
        let open = ledger.open(at) as f64;
        let share = |ns: f64| (open > 0.0).then(|| ns / open);
        let busy = share(busy as f64 / f64::from(setup.lanes));
        let idle = busy.zip(share(loading as f64)).map(|(b, l)| 1.0 - b - l);
        vec![
            ("worker", format!("{}-{at}", setup.name).as_str().into()),
            ("class", setup.class.as_str().into()),
            ("lanes", u64::from(setup.lanes).into()),
            ("requests", served.count().into()),
            ("batches", ledger.ended().filter(|b| here(b.worker)).count().into()),
            ("model_loads", begun().count().into()),
            ("model_load_ms_sum", (loading as f64 / 1e6).into()),
            ("model_load_bytes_sum", bytes.into()),
            ("busy_share", busy.into()),
            ("loading_share", share(loading as f64).into()),
            ("idle_share", idle.into()),
        ]
    };
    ledger.case.world.setup.workers.iter().enumerate().map(row).collect()
}

/// The beginnings of the intervals, from the first to the last in which anything happened.
fn intervals(ledger: &Ledger<'_>, step: u64) -> Vec<u64> {
    let last = ledger.touched.iter().max().map(|at| at / step);
    last.map_or(Vec::new(), |last| (ledger.from / step..=last).map(|at| at * step).collect())
}

/// Requests that count and ended in an interval.
fn over_in<'a>(
    ledger: &'a Ledger<'_>,
    begin: u64,
    step: u64,
) -> impl Iterator<Item = &'a Request> + Clone {
    let within = move |r: &&Request| (begin..begin + step).contains(&r.finish());
    ledger.requests[ledger.skip.min(ledger.requests.len())..].iter().filter(within)
}

fn series(ledger: &Ledger<'_>, step: u64) -> Vec<Row> {
    let row = |begin: u64| -> Row {
        let within = |at: u64| (begin..begin + step).contains(&at);
        let over = over_in(ledger, begin, step);
        let answered = over.clone().filter(|r| r.answer().is_some());
        let missed = over.clone().filter(|r| r.answer().is_none() || r.is_late());
        let until = begin + step;
        let at_end =
            |(from, to): &(u64, Option<u64>)| *from < until && to.is_none_or(|t| t >= until);
        let waiting = ledger.counted().filter(|r| r.waits.iter().any(at_end));
        vec![
            ("start_s", (begin as f64 / 1e9).into()),
            ("arrived", ledger.counted().filter(|r| within(r.arrival)).count().into()),
            ("completed", answered.count().into()),
            ("deadline_misses", missed.count().into()),
            ("utility_sum", over.map(|r| ledger.utility(r)).sum::<f64>().into()),
            ("waiting", waiting.count().into()),
            ("model_loads", ledger.begun().filter(|load| within(load.span.0)).count().into()),
        ]
    };
    intervals(ledger, step).into_iter().map(row).collect()
}

fn timeseries_variants(ledger: &Ledger<'_>, step: u64) -> Vec<Row> {
    let rows = |begin: u64| -> Vec<Row> {
        let mut by: BTreeMap<usize, usize> = BTreeMap::new();
        for id in over_in(ledger, begin, step).filter_map(answered_by) {
            *by.entry(id).or_default() += 1;
        }
        let all: usize = by.values().sum();
        let row = |(id, count): (usize, usize)| -> Row {
            let (own, name, _) = ledger.variant(id);
            vec![
                ("start_s", (begin as f64 / 1e9).into()),
                ("app", app(ledger, own)),
                ("variant", name.as_str().into()),
                ("completed", count.into()),
                ("share", over(count as f64, all).into()),
            ]
        };
        by.into_iter().map(row).collect()
    };
    intervals(ledger, step).into_iter().flat_map(rows).collect()
}
