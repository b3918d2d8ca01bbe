//! The plan of Jellyfish: which model each worker hosts, which clients it serves, and its batch.
//!
//! For given hosts, workers choose clients in order of falling accuracy, each the clients with the
//! highest sum of rates that it can serve:
//!
//! ```text
//! clients    by falling budget
//! cap        the largest b with 2 L(b) <= budget, at most the first after which throughput falls,
//!            never rising along the clients
//! knapsack   weight and value of a client are its rate in cells; with a client as the last one
//!            there are as many cells as the throughput of its cap allows; the first maximum counts
//! batch      the smallest b with a throughput above the rate, then one more while it stays above
//!            the rate, below the largest, and within half the budget of every client
//! ```
//!
//! Among hosts, the highest accuracy per request counts that leaves no client out (or a share of
//! them, the threshold). The authors anneal, which finds what enumeration does on all golden
//! instances; here hosts are enumerated, and where there are too many ways, the host of one worker
//! after the other is exchanged while that helps.
//!
//! Source: Nigade et al., RTSS 2022; vuhpdc/jellyfish d3a5f3b, `mapping_algo.py`,
//! `selection_algo.py`. O(ways · workers · clients · cells).

use crate::scheduler::published::ways;

/// A model on a worker.
#[derive(Clone, Debug, PartialEq)]
pub struct Host {
    /// Which budget of a client counts for it.
    pub model: usize,
    /// The probability of a right answer.
    pub accuracy: f64,
    /// Milliseconds by batch size from 1.
    pub latencies: Vec<f64>,
    /// The share of the worker's time that it has.
    pub share: f64,
}

/// A client.
#[derive(Clone, Debug, PartialEq)]
pub struct Client {
    /// Requests per second.
    pub rate: f64,
    /// Milliseconds that are left to the worker, by model.
    pub budgets: Vec<f64>,
}

/// What a worker does.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Serving {
    /// Requests per second.
    pub rate: f64,
    /// The size of its batches; 0 without clients.
    pub batch: usize,
}

/// Who is served where.
#[derive(Clone, Debug, PartialEq)]
pub struct Mapping {
    /// By client, the worker.
    pub workers: Vec<Option<usize>>,
    /// By worker.
    pub serving: Vec<Serving>,
    /// The share of clients with a budget that are served.
    pub effectiveness: f64,
    /// The mean accuracy over their requests, 0 where they are not served.
    pub accuracy: f64,
}

impl Host {
    /// Requests per second in batches of this size.
    fn throughput(&self, batch: usize) -> f64 {
        self.share * 1000.0 * batch as f64 / self.latencies[batch - 1]
    }

    /// The size after which throughput falls.
    fn peak(&self) -> usize {
        let most = self.latencies.len();
        let falls = |batch: &usize| self.throughput(batch + 1) < self.throughput(*batch);
        (1..most).find(falls).unwrap_or(most)
    }

    /// The clients of those by falling budget that it serves, the last one first.
    fn choose(&self, clients: &[&Client], cell: f64) -> Vec<usize> {
        let mut cap = self.peak();
        let room = |client: &&Client| {
            let budget = client.budgets[self.model];
            let fits = |latency: &f64| 2.0 * latency <= budget;
            let most = self.latencies.iter().rposition(fits).map_or(0, |at| at + 1);
            cap = cap.min(most);
            if cap == 0 { 0 } else { (self.throughput(cap) / cell) as usize }
        };
        let weights: Vec<usize> =
            clients.iter().map(|client| (client.rate / cell - 1e-9).ceil() as usize).collect();
        let all = weights.iter().sum();
        let rooms: Vec<usize> = clients.iter().map(room).map(|room| room.min(all)).collect();
        let cells = rooms.iter().copied().max().unwrap_or(0);
        // By client and cells, the cells that are filled.
        let mut filled = vec![vec![0; cells + 1]];
        let mut taken = Vec::new();
        let mut best = (0, 0, 0);
        for (at, (room, weight)) in rooms.iter().zip(&weights).enumerate() {
            let before = &filled[at];
            let with = |cell: usize| {
                let fits = cell <= *room && *weight <= cell;
                fits.then(|| before[cell - weight] + weight).filter(|own| *own > before[cell])
            };
            let own: Vec<Option<usize>> = (0..=cells).map(with).collect();
            let after: Vec<usize> =
                own.iter().zip(before).map(|(own, before)| own.unwrap_or(*before)).collect();
            for (cell, value) in after.iter().enumerate() {
                if *value > best.0 {
                    best = (*value, at + 1, cell);
                }
            }
            taken.push(own.into_iter().map(|own| own.is_some()).collect::<Vec<bool>>());
            filled.push(after);
        }
        let (_, count, mut cell) = best;
        let mut chosen = Vec::new();
        for at in (0..count).rev() {
            if taken[at][cell] {
                chosen.push(at);
                cell -= weights[at];
            }
        }
        chosen
    }

    /// The batch for these clients.
    fn batch(&self, clients: &[&Client], rate: f64) -> usize {
        let most = self.latencies.len();
        let mut batch = (1..most).find(|batch| self.throughput(*batch) > rate).unwrap_or(most);
        let in_time = |batch: usize| {
            clients.iter().all(|c| 2.0 * self.latencies[batch - 1] <= c.budgets[self.model])
        };
        while batch + 1 < most && self.throughput(batch + 1) > rate && in_time(batch + 1) {
            batch += 1;
        }
        batch
    }
}

/// Maps clients to workers with these hosts; rates count in cells of so many requests per second.
pub fn map(hosts: &[&Host], clients: &[Client], cell: f64) -> Mapping {
    let mut workers = vec![None; clients.len()];
    let mut serving = vec![Serving::default(); hosts.len()];
    let mut order: Vec<usize> = (0..hosts.len()).collect();
    order.sort_by(|a, b| hosts[*b].accuracy.total_cmp(&hosts[*a].accuracy));
    for worker in order {
        let host = hosts[worker];
        let budget = |client: usize| clients[client].budgets[host.model];
        let mut left: Vec<usize> = (0..clients.len()).filter(|c| workers[*c].is_none()).collect();
        left.sort_by(|a, b| budget(*b).total_cmp(&budget(*a)));
        let candidates: Vec<&Client> = left.iter().map(|client| &clients[*client]).collect();
        let chosen = host.choose(&candidates, cell);
        if chosen.is_empty() {
            continue;
        }
        let members: Vec<&Client> = chosen.iter().map(|at| candidates[*at]).collect();
        let rate = members.iter().map(|client| client.rate).sum();
        serving[worker] = Serving { rate, batch: host.batch(&members, rate) };
        chosen.into_iter().for_each(|at| workers[left[at]] = Some(worker));
    }
    let counts = |client: &Client| client.budgets.first().is_some_and(|budget| *budget != 0.0);
    let counted = || workers.iter().zip(clients).filter(|(_, client)| counts(client));
    let all = counted().count();
    let served = counted().filter(|(worker, _)| worker.is_some()).count();
    let rate: f64 = counted().map(|(_, client)| client.rate).sum();
    let right = |(worker, client): (&Option<usize>, &Client)| {
        worker.map_or(0.0, |worker| hosts[worker].accuracy * client.rate)
    };
    let effectiveness = if all > 0 { 1.0 - (all - served) as f64 / all as f64 } else { 0.0 };
    let accuracy = if rate > 0.0 { counted().map(right).sum::<f64>() / rate } else { 0.0 };
    Mapping { workers, serving, effectiveness, accuracy }
}

/// A choice of hosts.
#[derive(Clone, Debug, PartialEq)]
pub struct Selection {
    /// By worker, the index of what it hosts.
    pub hosts: Vec<usize>,
    /// Who is served where.
    pub mapping: Mapping,
    /// Whether the threshold is kept.
    pub is_feasible: bool,
}

impl Selection {
    fn is_better(&self, than: &Self) -> bool {
        let (own, other) = (&self.mapping, &than.mapping);
        let accuracy = own.accuracy.total_cmp(&other.accuracy);
        let by = self.is_feasible.cmp(&than.is_feasible);
        if self.is_feasible && than.is_feasible {
            return accuracy.is_gt();
        }
        by.then(own.effectiveness.total_cmp(&other.effectiveness)).then(accuracy).is_gt()
    }
}

/// The best hosts for clients, with what each worker can host; `None` if one can host nothing. Not
/// all are tried if there are more than `most` ways to host.
pub fn select(
    workers: &[Vec<Host>],
    clients: &[Client],
    threshold: f64,
    cell: f64,
    most: usize,
) -> Option<Selection> {
    let options: Vec<usize> = workers.iter().map(Vec::len).collect();
    if options.contains(&0) {
        return None;
    }
    let is_alike = |worker: usize| workers[worker] == workers[worker - 1];
    let look = |hosts: &[usize]| {
        let own: Vec<&Host> = workers.iter().zip(hosts).map(|(own, host)| &own[*host]).collect();
        let mapping = map(&own, clients, cell);
        let is_feasible = mapping.effectiveness >= threshold;
        Selection { hosts: hosts.to_vec(), mapping, is_feasible }
    };
    let mut hosts = vec![0; workers.len()];
    let mut best = look(&hosts);
    if ways::count(&options, is_alike) <= most as f64 {
        while ways::next(&mut hosts, &options, is_alike) {
            let other = look(&hosts);
            if other.is_better(&best) {
                best = other;
            }
        }
        return Some(best);
    }
    loop {
        let before = best.hosts.clone();
        for worker in 0..workers.len() {
            for host in 0..options[worker] {
                hosts.clone_from(&best.hosts);
                hosts[worker] = host;
                let other = look(&hosts);
                if other.is_better(&best) {
                    best = other;
                }
            }
        }
        if best.hosts == before {
            return Some(best);
        }
    }
}
