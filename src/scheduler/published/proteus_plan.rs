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
//! Adapted: where there are too many ways to host, the plan begins with the fastest variants, and
//! the host of one worker after the other is exchanged while that helps; then it is not proved to
//! be the best.
//!
//! Source: UMass-LIDS/Proteus 6967c93, `algorithms/ilp.py`, `core/simulator.py`.
//! O(hosts per worker ^ workers · workers log workers), of workers that are alike only once.

use crate::scheduler::published::ways;

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
/// host; `None` if there is none. Not all are tried if there are more than `most` ways to host.
pub fn plan(workers: &[Vec<Host>], rates: &[f64], beta: f64, most: usize) -> Option<HostPlan> {
    if workers.is_empty() || workers.iter().any(Vec::is_empty) {
        return None;
    }
    let all: f64 = rates.iter().sum();
    let mut beta = beta;
    while beta > LEAST_BETA + 1e-9 {
        let mut search = Search { workers, rates, beta, best: None, served: 0.0 };
        if search.ways() <= most as f64 {
            search.try_all();
        } else {
            search.exchange();
        }
        if search.best.is_some() {
            return search.best;
        }
        // With less headroom no more is served.
        let bound = if all > 0.0 { search.served / all + 1e-6 } else { beta };
        beta = lowered(beta);
        while beta > bound && beta > LEAST_BETA {
            beta = lowered(beta);
        }
    }
    None
}

/// The headroom at which there is no plan any more.
pub const LEAST_BETA: f64 = 0.2;

/// The next headroom. Steps are counted in hundredths, so that they do not add up errors.
pub fn lowered(beta: f64) -> f64 {
    let step = if beta > 1.5 { 0.1 } else { 0.05 };
    ((beta - step) * 100.0).round() / 100.0
}
/// The search for the best way to host with some headroom.
struct Search<'a> {
    workers: &'a [Vec<Host>],
    rates: &'a [f64],
    beta: f64,
    best: Option<HostPlan>,
    /// The most requests per second that any way serves.
    served: f64,
}

impl Search<'_> {
    /// Looks at a way to host: what it serves, and its accuracy if that is enough.
    fn look(&mut self, hosts: &[usize]) -> (f64, f64) {
        let demand = |app: usize| self.rates[app] * self.beta.max(1.0);
        let mut left: Vec<f64> = (0..self.rates.len()).map(demand).collect();
        let mut served = 0.0;
        for (own, host) in self.workers.iter().zip(hosts) {
            let Host { app, rate, .. } = own[*host];
            let taken = rate.min(left[app]);
            left[app] -= taken;
            served += taken;
        }
        self.served = self.served.max(served);
        let Some(found) = shares(self.workers, self.rates, self.beta, hosts) else {
            return (served, 0.0);
        };
        let accuracy = found.accuracy;
        if self.best.as_ref().is_none_or(|best| accuracy > best.accuracy + 1e-12) {
            self.best = Some(found);
        }
        (f64::INFINITY, accuracy)
    }

    fn is_alike(&self, worker: usize) -> bool {
        self.workers[worker] == self.workers[worker - 1]
    }

    fn options(&self) -> Vec<usize> {
        self.workers.iter().map(Vec::len).collect()
    }

    /// How many ways there are to host.
    fn ways(&self) -> f64 {
        ways::count(&self.options(), |worker| self.is_alike(worker))
    }

    fn try_all(&mut self) {
        let options = self.options();
        let mut hosts = vec![0; options.len()];
        loop {
            self.look(&hosts);
            if !ways::next(&mut hosts, &options, |worker| self.is_alike(worker)) {
                return;
            }
        }
    }

    fn exchange(&mut self) {
        let mut hosts = vec![0; self.workers.len()];
        let mut score = self.look(&hosts);
        loop {
            let before = score;
            for worker in 0..hosts.len() {
                for host in 0..self.workers[worker].len() {
                    let was = std::mem::replace(&mut hosts[worker], host);
                    let own = self.look(&hosts);
                    let is_better = own.0.total_cmp(&score.0).then(own.1.total_cmp(&score.1));
                    if is_better.is_gt() { score = own } else { hosts[worker] = was }
                }
            }
            if score == before {
                return;
            }
        }
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

/// What a worker that hosts a variant of every application can choose from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Choice {
    /// The probability of a right answer.
    pub accuracy: f64,
    /// The share of the worker's time that the application's requests take.
    pub time: f64,
    /// Bytes of memory.
    pub bytes: u64,
}

/// A variant for every application of one worker: the highest sum of accuracies, weighted by
/// `weights`, that takes no more than 1 / beta of its time and no more than its memory. Beta is
/// lowered as for [`plan`]; without a plan it is the fastest of each. The sum may be lower than the
/// highest by a ten-thousandth, and by more if there are very many variants.
pub fn share_worker(
    apps: &[Vec<Choice>],
    weights: &[f64],
    memory: u64,
    beta: f64,
) -> Option<Vec<usize>> {
    if apps.iter().any(Vec::is_empty) {
        return None;
    }
    let least: u64 =
        apps.iter().filter_map(|own| own.iter().map(|choice| choice.bytes).min()).sum();
    // What can never fit is swapped.
    let memory = if least > memory { u64::MAX } else { memory };
    let mut beta = beta;
    while beta > LEAST_BETA + 1e-9 {
        let mut branches = Branches::new(apps, weights, memory, 1.0 / beta);
        branches.descend(0.0, 0.0, 0);
        if branches.best.is_some() {
            return branches.best.map(|(_, chosen)| chosen);
        }
        beta = lowered(beta);
    }
    let fastest = |own: &Vec<Choice>| {
        let times = (0..own.len()).min_by(|a, b| own[*a].time.total_cmp(&own[*b].time));
        times.unwrap_or(0)
    };
    Some(apps.iter().map(fastest).collect())
}

/// Branch and bound over one choice after the other. The bound prices time such that the best
/// choices at that price just take all of it.
struct Branches<'a> {
    apps: &'a [Vec<Choice>],
    weights: &'a [f64],
    memory: u64,
    time: f64,
    price: f64,
    /// Of all applications from here on: the most value at that price, the least time, the fewest
    /// bytes.
    rest: Vec<(f64, f64, u64)>,
    chosen: Vec<usize>,
    best: Option<(f64, Vec<usize>)>,
    /// How many branches may still be looked at.
    left: usize,
}

impl<'a> Branches<'a> {
    const MOST: usize = 5_000;

    /// What is better by no more than this part is not looked for.
    const GAP: f64 = 1e-4;

    fn new(apps: &'a [Vec<Choice>], weights: &'a [f64], memory: u64, time: f64) -> Self {
        let value = |app: usize, at: usize, price: f64| {
            weights[app] * apps[app][at].accuracy - price * apps[app][at].time
        };
        let best = |app: usize, price: f64| {
            let values = (0..apps[app].len()).map(|at| (value(app, at, price), at));
            values.max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1))).unwrap_or((0.0, 0))
        };
        // The price at which the best choices take no more than the time, by halving.
        let taken = |price: f64| -> f64 {
            (0..apps.len()).map(|app| apps[app][best(app, price).1].time).sum()
        };
        let (mut low, mut high) = (0.0, 1.0);
        while taken(high) > time && high < 1e12 {
            high *= 2.0;
        }
        for _ in 0..60 {
            let middle = f64::midpoint(low, high);
            if taken(middle) > time { low = middle } else { high = middle }
        }
        let price = if taken(0.0) > time { high } else { 0.0 };
        let mut rest = vec![(0.0, 0.0, 0); apps.len() + 1];
        for app in (0..apps.len()).rev() {
            let times = apps[app].iter().map(|choice| choice.time);
            let bytes = apps[app].iter().map(|choice| choice.bytes).min().unwrap_or(0);
            let (value, least, fewest) = rest[app + 1];
            rest[app] = (
                value + best(app, price).0,
                least + times.fold(f64::INFINITY, f64::min),
                fewest + bytes,
            );
        }
        let chosen = Vec::new();
        Self { apps, weights, memory, time, price, rest, chosen, best: None, left: Self::MOST }
    }

    fn descend(&mut self, value: f64, time: f64, bytes: u64) {
        let app = self.chosen.len();
        let (most, least, fewest) = self.rest[app];
        let bound = value + most + self.price * (self.time - time);
        let is_beaten =
            self.best.as_ref().is_some_and(|(best, _)| bound <= best * (1.0 + Self::GAP));
        let is_too_much = time + least > self.time + 1e-12 || bytes + fewest > self.memory;
        if is_beaten || is_too_much || self.left == 0 {
            return;
        }
        self.left -= 1;
        if app == self.apps.len() {
            self.best = Some((value, self.chosen.clone()));
            return;
        }
        let own = &self.apps[app];
        let (weight, price) = (self.weights[app], self.price);
        let value_of = |at: usize| weight * own[at].accuracy - price * own[at].time;
        let mut order: Vec<usize> = (0..own.len()).collect();
        order.sort_by(|a, b| value_of(*b).total_cmp(&value_of(*a)));
        for at in order {
            let Choice { accuracy, time: own, bytes: size } = self.apps[app][at];
            self.chosen.push(at);
            self.descend(value + self.weights[app] * accuracy, time + own, bytes + size);
            self.chosen.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_worker_gives_accuracy_where_it_costs_least() {
        let of = |accuracy, time, bytes| Choice { accuracy, time, bytes };
        let apps = [
            vec![of(0.5, 0.1, 1), of(0.9, 0.6, 3)],
            vec![of(0.6, 0.2, 1), of(0.8, 0.3, 2), of(0.9, 0.8, 2)],
        ];
        let chosen = |memory, weights: [f64; 2]| share_worker(&apps, &weights, memory, 1.0);
        assert_eq!(chosen(9, [1.0, 1.0]), Some(vec![1, 1]));
        assert_eq!(chosen(9, [1.0, 9.0]), Some(vec![0, 2]));
        assert_eq!(chosen(4, [1.0, 1.0]), Some(vec![1, 0]));
        // Nothing fits into one byte: memory does not count.
        assert_eq!(chosen(1, [1.0, 1.0]), Some(vec![1, 1]));
        let late = vec![vec![of(0.9, 9.0, 1), of(0.5, 8.0, 1)]];
        assert_eq!(share_worker(&late, &[1.0], 9, 1.0), Some(vec![1]));
        assert_eq!(share_worker(&[vec![]], &[1.0], 9, 1.0), None);
    }

    #[test]
    fn exchanges_find_what_all_ways_have() {
        let host = |app, accuracy, rate| Host { app, accuracy, rate };
        let own = vec![host(0, 0.9, 10.0), host(0, 0.6, 50.0), host(1, 0.8, 20.0)];
        let workers = vec![own.clone(), own.clone(), own];
        let plans = [0, 1000].map(|most| plan(&workers, &[55.0, 15.0], 1.0, most));
        let accuracies = plans.map(|plan| plan.map(|plan| plan.accuracy));
        assert_eq!(accuracies[0], accuracies[1]);
        assert!(accuracies[0].is_some());
    }
}
