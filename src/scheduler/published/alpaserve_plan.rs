//! The placement of AlpaServe: replicas of models are added one by one, by simulating what was
//! asked last.
//!
//! ```text
//! simulate   first come, first served; to the holder that is free first, the first of equals;
//!            refused if the answer would be late
//! unserved   requests · (1 - good / (requests + 1e-6)), by model
//! add        groups by the requests that came to them, ascending; models by unserved, descending:
//!            the first that is not there and fits. Until nothing fits
//! ```
//!
//! Groups that are alike are sorted by their models after each step. Of equal ones the order is
//! that in which the authors' sort leaves them: a fixed network of comparisons for up to eight.
//! More are sorted stably.
//!
//! Source: Li et al., OSDI 2023; alpa-projects/mms dba47b1, `placement_policy/base_policy.py`,
//! `simulator/controller.py`. O(groups · models · (arrivals · groups)) at most.

/// What a group can serve.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// Its memory.
    pub memory: f64,
    /// The latency of a request by model, and what the model takes of the memory; nothing where it
    /// cannot run.
    pub models: Vec<Option<(f64, f64)>>,
}

/// The requests of a simulation, in order of arrival.
#[derive(Clone, Debug, PartialEq)]
pub struct Requests<'a> {
    /// The arrival and the model.
    pub arrivals: &'a [(f64, usize)],
    /// The budget by model.
    pub budgets: &'a [f64],
    /// What every answer takes besides.
    pub overhead: f64,
}

/// What became of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// By request, its end; nothing if it was refused.
    pub ends: Vec<Option<f64>>,
    /// By group, the requests that came to it.
    pub came: Vec<f64>,
    /// By model, the requests that were not served.
    pub unserved: Vec<f64>,
}

/// Serves requests with the models of each group.
pub fn simulate(groups: &[Group], held: &[Vec<usize>], requests: &Requests<'_>) -> Outcome {
    let mut free = vec![0.0_f64; groups.len()];
    let mut came = vec![0.0; groups.len()];
    let mut counts = vec![(0.0, 0.0); requests.budgets.len()];
    let mut ends = Vec::with_capacity(requests.arrivals.len());
    for (arrival, model) in requests.arrivals {
        counts[*model].0 += 1.0;
        let holders = (0..groups.len()).filter(|group| held[*group].contains(model));
        let holder =
            holders.reduce(|best, group| if free[group] < free[best] { group } else { best });
        let served = holder.and_then(|group| Some((group, groups[group].models[*model]?.0)));
        let end = served.and_then(|(group, latency)| {
            came[group] += 1.0;
            let end = free[group].max(*arrival) + latency;
            let is_late = end + requests.overhead > arrival + requests.budgets[*model];
            (!is_late).then(|| {
                free[group] = end;
                counts[*model].1 += 1.0;
                end + requests.overhead
            })
        });
        ends.push(end);
    }
    let unserved = counts.iter().map(|(all, good)| all * (1.0 - good / (all + 1e-6))).collect();
    Outcome { ends, came, unserved }
}

/// The models of each group.
pub fn place(groups: &[Group], requests: &Requests<'_>) -> Vec<Vec<usize>> {
    let are_alike = groups.windows(2).all(|pair| pair[0] == pair[1]);
    let mut held: Vec<Vec<usize>> = vec![Vec::new(); groups.len()];
    loop {
        let Outcome { came, unserved, .. } = simulate(groups, &held, requests);
        let models: Vec<usize> = ascending(&unserved).into_iter().rev().collect();
        let used = |group: usize| -> f64 {
            let own = held[group].iter().filter_map(|model| groups[group].models[*model]);
            own.map(|(_, bytes)| bytes).sum()
        };
        let fits = |group: usize, model: usize| {
            !held[group].contains(&model)
                && groups[group].models[model]
                    .is_some_and(|(_, bytes)| bytes + used(group) <= groups[group].memory)
        };
        let mut pairs = ascending(&came)
            .into_iter()
            .flat_map(|group| models.iter().map(move |model| (group, *model)));
        let Some((group, model)) = pairs.find(|(group, model)| fits(*group, *model)) else {
            return held;
        };
        held[group].push(model);
        held[group].sort_unstable();
        if are_alike {
            held.sort();
        }
    }
}

/// Up to so many are sorted by the network.
const NETWORK: usize = 8;

/// The comparisons of the network.
const COMPARISONS: [[(usize, usize); 4]; 6] = [
    [(0, 1), (2, 3), (4, 5), (6, 7)],
    [(0, 3), (1, 2), (4, 7), (5, 6)],
    [(0, 1), (2, 3), (4, 5), (6, 7)],
    [(0, 7), (1, 6), (2, 5), (3, 4)],
    [(0, 2), (1, 3), (4, 6), (5, 7)],
    [(0, 1), (2, 3), (4, 5), (6, 7)],
];

/// The indices in ascending order of values.
fn ascending(values: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    if values.len() > NETWORK {
        order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
        return order;
    }
    for (low, high) in COMPARISONS.into_iter().flatten().filter(|(_, high)| *high < values.len()) {
        if values[order[low]] > values[order[high]] {
            order.swap(low, high);
        }
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_network_sorts() {
        for bits in 0..256_u32 {
            let values: Vec<f64> = (0..8).map(|at| f64::from(bits >> at & 1)).collect();
            for some in 0..=8 {
                let order = ascending(&values[..some]);
                assert!(order.windows(2).all(|pair| values[pair[0]] <= values[pair[1]]));
            }
        }
        // Equal ones are not left in their order.
        assert_eq!(ascending(&[13.0, 0.0, 13.0, 19.0, 8.0]), [1, 4, 2, 0, 3]);
    }
}
