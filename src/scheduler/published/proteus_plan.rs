//! The plan of Proteus: which variant each worker hosts, so that the answers are as accurate as the
//! arrival rates allow.
//!
//! Every worker hosts one variant and serves its batches at a known rate. The authors solve a mixed
//! integer programme. Here hosts are enumerated, and for given hosts the best shares of requests
//! are found directly: workers of an application are filled by falling accuracy, and what the
//! headroom allows to be lost is moved to its most accurate worker where that gains most. Both give
//! the same optimum on all golden instances.
//!
//! ```text
//! max   sum of rate(app) · accuracy · share    over all requests
//! with  shares of an application sum to 1, served on a worker <= its rate,
//!       served in all >= beta · rate of all
//! beta  1.05 at first, lowered by 0.05 (0.1 above 1.5) while there is no plan; none at 0.2
//! rate  floor(1000 · b / L(b)) of the largest allowed batch with L(b) < half the budget
//! ```
//!
//! Source: UMass-LIDS/Proteus 6967c93, `algorithms/ilp.py`, `core/simulator.py`.
//! O(hosts per worker ^ workers · workers log workers).

/// A variant that a worker could host.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Host {
    /// The index of the application.
    pub app: usize,
    /// The probability of a right answer.
    pub accuracy: f64,
    /// Requests per second.
    pub rate: f64,
}

/// A plan.
#[derive(Clone, Debug, PartialEq)]
pub struct HostPlan {
    /// The headroom for which there is a plan.
    pub beta: f64,
    /// The mean accuracy over all requests.
    pub accuracy: f64,
    /// By worker, the index of what it hosts.
    pub hosts: Vec<usize>,
    /// By worker, the share of its application's requests.
    pub shares: Vec<f64>,
}

/// The rate of a variant in its largest allowed batch that takes less than half the budget; 0 if
/// none does. Latencies in milliseconds.
pub fn rate(batches: impl IntoIterator<Item = (usize, f64)>, budget: f64) -> f64 {
    let fits = batches.into_iter().filter(|(_, latency)| *latency < budget / 2.0).last();
    fits.map_or(0.0, |(size, latency)| (1000.0 * size as f64 / latency).floor())
}

/// The most accurate plan for these rates of arrivals by application, with what each worker can
/// host; `None` if there is none, or if more than `most` ways to host would have to be tried.
pub fn plan(workers: &[Vec<Host>], rates: &[f64], beta: f64, most: usize) -> Option<HostPlan> {
    let ways = workers.iter().try_fold(1usize, |ways, hosts| ways.checked_mul(hosts.len()))?;
    if ways == 0 || ways > most {
        return None;
    }
    let mut beta = beta;
    while beta > 0.2 + 1e-9 {
        let mut best: Option<HostPlan> = None;
        let mut hosts = vec![0; workers.len()];
        for _ in 0..ways {
            if let Some(found) = shares(workers, rates, beta, &hosts)
                && best.as_ref().is_none_or(|best| found.accuracy > best.accuracy + 1e-12)
            {
                best = Some(found);
            }
            advance(&mut hosts, workers);
        }
        if best.is_some() {
            return best;
        }
        let step = if beta > 1.5 { 0.1 } else { 0.05 };
        // Steps are counted in hundredths, so that they do not add up errors.
        beta = ((beta - step) * 100.0).round() / 100.0;
    }
    None
}

/// The next way to host, the last worker first.
fn advance(hosts: &mut [usize], workers: &[Vec<Host>]) {
    for (host, all) in hosts.iter_mut().zip(workers).rev() {
        *host += 1;
        if *host < all.len() {
            return;
        }
        *host = 0;
    }
}

/// The best shares for given hosts.
fn shares(workers: &[Vec<Host>], rates: &[f64], beta: f64, hosts: &[usize]) -> Option<HostPlan> {
    let all: f64 = rates.iter().sum();
    let demand = |app: usize| rates[app] * beta.max(1.0);
    let host = |worker: usize| workers[worker][hosts[worker]];
    // Requests per second of each worker, headroom included.
    let mut flows = vec![0.0; workers.len()];
    let (mut served, mut moves) = (0.0, Vec::new());
    for (app, rate) in rates.iter().enumerate() {
        let mut own: Vec<usize> = (0..workers.len()).filter(|w| host(*w).app == app).collect();
        own.sort_by(|a, b| {
            let (a, b) = (host(*a), host(*b));
            b.accuracy.total_cmp(&a.accuracy).then(b.rate.total_cmp(&a.rate))
        });
        let Some(first) = own.first().copied() else {
            if *rate > 0.0 {
                return None;
            }
            continue;
        };
        let mut left = demand(app);
        for worker in own {
            flows[worker] = host(worker).rate.min(left);
            left -= flows[worker];
            if worker != first && flows[worker] > 0.0 {
                moves.push((host(first).accuracy - host(worker).accuracy, worker, first));
            }
        }
        served += demand(app) - left;
        flows[first] += left;
    }
    let mut spare = served - beta * all;
    if spare < -1e-9 * all {
        return None;
    }
    moves.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    for (_, from, to) in moves {
        let moved = flows[from].min(spare.max(0.0));
        flows[from] -= moved;
        flows[to] += moved;
        spare -= moved;
    }
    let gained: f64 = (0..workers.len()).map(|w| host(w).accuracy * flows[w]).sum();
    let accuracy = if all > 0.0 { gained / beta.max(1.0) / all } else { 0.0 };
    let share = |w: usize| {
        let demand = demand(host(w).app);
        if demand > 0.0 { flows[w] / demand } else { 0.0 }
    };
    let shares = (0..workers.len()).map(share).collect();
    Some(HostPlan { beta, accuracy, hosts: hosts.to_vec(), shares })
}
