//! An upper bound on the utility of a run, for a scheduler that knows every
//! arrival and every outcome beforehand.
//!
//! ```text
//! maximise Σ v_im x_im   subject to   Σ c_im x_im ≤ T,   Σ_m x_im ≤ 1 for every i,   x ≥ 0
//! ```
//!
//! - v: what the answer of variant m to request i would be worth, were it started at once in the
//!   quickest batch, which is of one unless a table falls: 0 if it is wrong, else 1 − penalty at
//!   the earliest finish on any worker, links included.
//! - c: the cheapest share of lane time, the least of L(b) / b over workers and batch sizes. Every
//!   request of a batch of b takes at least that of the batch's L(b), on whatever class of workers
//!   it runs; so the sum holds for workers of different classes too, and is loose for them.
//! - T: lane time of all workers, each from its own start (or the first arrival) to the last
//!   instant at which any answer is worth anything. Lanes are one resource, loads take no time.
//!
//! Service times must be those of the tables: noise could make them shorter. Linear relaxation of
//! the multiple-choice knapsack, solved by its hulls (Sinha and Zoltners, Operations Research 1979)
//! in O(n M log(n M)) for n requests and M variants.

use crate::core::ids::VariantId;
use crate::core::rng::Rng;
use crate::core::units::{Span, Time};
use crate::system::catalog::Catalog;
use crate::system::ground_truth::GroundTruth;
use crate::workload::Arrivals;

/// A share of lane time, and what is gained by spending it.
#[derive(Clone, Copy, Debug, PartialEq)]
struct HullStep {
    cost_ns: f64,
    worth: f64,
}

impl HullStep {
    /// Gain per cost.
    fn slope(self) -> f64 {
        if self.cost_ns > 0.0 { self.worth / self.cost_ns } else { f64::INFINITY }
    }
}

/// The bound on utility per request; `None` if nothing arrives. `rng` gives the outcomes, as in
/// the run.
pub fn fluid_bound(truth: &GroundTruth, arrivals: &mut dyn Arrivals, rng: Rng) -> Option<f64> {
    let catalog = truth.catalog();
    let shares: Vec<f64> =
        catalog.variant_ids().map(|variant| share_ns(catalog, variant)).collect();
    let worthless = catalog.penalty.worthless_from();
    let (mut gains, mut offers) = (Vec::new(), Vec::new());
    let (mut first, mut last) = (None, Time::ZERO);
    let mut count = 0u32;
    while let Some(arrival) = arrivals.next_arrival() {
        first = first.or(Some(arrival.time));
        let deadline = arrival.time + arrival.budget;
        let late = worthless.map_or(Span(u64::MAX), |x| arrival.budget.scale(x) + Span(1));
        last = last.max(deadline + late.max(catalog.penalty.tolerance));
        offers.clear();
        for variant in catalog.variants_of(arrival.app) {
            let correct = truth.correct(variant, arrival.truth, count, rng);
            let quickest = |worker| catalog.quickest_from(arrival.time, worker, variant);
            let earliest = catalog.worker_ids().filter_map(quickest);
            if let Some(finish) = earliest.min().filter(|_| correct) {
                let worth = 1.0 - catalog.penalty.gamma(finish, deadline, arrival.budget);
                offers.push(HullStep { cost_ns: shares[variant.index()], worth });
            }
        }
        hull(&mut offers, &mut gains);
        count += 1;
    }
    let lanes = catalog.worker_ids().map(|id| {
        let worker = catalog.worker(id);
        last.since(worker.ready.max(first.unwrap_or(last))).0 as f64 * f64::from(worker.lanes)
    });
    first.map(|_| fill(gains, lanes.sum()) / f64::from(count))
}

/// The least lane time that one answer of a variant takes, in ns.
fn share_ns(catalog: &Catalog, variant: VariantId) -> f64 {
    let shares = catalog.worker_ids().map(|worker| catalog.least_share_ns(worker, variant));
    shares.fold(f64::INFINITY, f64::min)
}

/// Appends to `gains` the steps of the upper hull of a request's offers, from nothing upwards.
fn hull(offers: &mut [HullStep], gains: &mut Vec<HullStep>) {
    offers.sort_by(|a, b| a.cost_ns.total_cmp(&b.cost_ns).then(b.worth.total_cmp(&a.worth)));
    let first = gains.len();
    let mut best = HullStep { cost_ns: 0.0, worth: 0.0 };
    for offer in offers.iter().filter(|offer| offer.cost_ns.is_finite()) {
        if offer.worth <= best.worth {
            continue;
        }
        let mut step =
            HullStep { cost_ns: offer.cost_ns - best.cost_ns, worth: offer.worth - best.worth };
        // A step that is steeper than the one before swallows it.
        while let Some(last) = gains[first..].last().copied() {
            if last.slope() > step.slope() {
                break;
            }
            gains.pop();
            step.cost_ns += last.cost_ns;
            step.worth += last.worth;
        }
        gains.push(step);
        best = *offer;
    }
}

/// The most that can be gained in `left_ns` of lane time: the steepest steps first, the last in
/// part.
fn fill(mut gains: Vec<HullStep>, mut left_ns: f64) -> f64 {
    gains.sort_by(|a, b| b.slope().total_cmp(&a.slope()));
    let mut worth = 0.0;
    for gain in gains {
        if gain.cost_ns > left_ns {
            return worth + gain.worth * (left_ns / gain.cost_ns);
        }
        left_ns -= gain.cost_ns;
        worth += gain.worth;
    }
    worth
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(cost_ns: f64, worth: f64) -> HullStep {
        HullStep { cost_ns, worth }
    }

    #[test]
    fn hulls_are_concave() {
        let mut gains = Vec::new();
        let mut offers =
            [offer(4.0, 0.9), offer(1.0, 0.1), offer(2.0, 0.8), offer(3.0, 0.8), offer(0.0, 0.05)];
        hull(&mut offers, &mut gains);
        let ends: Vec<f64> = gains.iter().map(|gain| gain.cost_ns).collect();
        assert_eq!(ends, [0.0, 2.0, 2.0]);
        assert!(gains.windows(2).all(|pair| pair[0].slope() > pair[1].slope()));
    }

    #[test]
    fn the_last_step_is_taken_in_part() {
        let gains = || vec![offer(4.0, 0.4), offer(2.0, 1.0), offer(0.0, 0.5)];
        assert_eq!(fill(gains(), 0.0), 0.5);
        assert_eq!(fill(gains(), 1.0), 1.0);
        assert_eq!(fill(gains(), 4.0), 1.7);
        assert_eq!(fill(gains(), f64::INFINITY), 1.9);
    }
}
