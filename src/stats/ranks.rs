//! Several treatments on the same blocks, compared by their ranks.
//!
//! Friedman, Journal of the American Statistical Association 32, 1937, asks whether any treatment
//! differs; Nemenyi, dissertation, Princeton 1963, how far two mean ranks must be apart. Demšar,
//! Journal of Machine Learning Research 7, 2006, recommends both for comparisons of many methods.
//! Blocks count as independent.

use statrs::distribution::{ChiSquared, ContinuousCDF};

/// Treatments over blocks.
#[derive(Clone, Debug, PartialEq)]
pub struct Friedman {
    /// By treatment, from 1, the mean over blocks; ties share their mean rank.
    pub mean_ranks: Vec<f64>,
    /// How many blocks there are.
    pub blocks: usize,
    /// Corrected for ties; χ² with one degree less than there are treatments.
    pub statistic: f64,
    /// The probability of a statistic as large if all treatments are alike.
    pub p: f64,
}

impl Friedman {
    /// Of blocks, each with a value for every treatment; the largest has rank 1. `None` for fewer
    /// than two treatments or two blocks, and where every block is one tie.
    pub fn of(blocks: &[Vec<f64>]) -> Option<Self> {
        let (count, treatments) = (blocks.len(), blocks.first()?.len());
        if count < 2 || treatments < 2 || blocks.iter().any(|block| block.len() != treatments) {
            return None;
        }
        let middle = f64::midpoint(treatments as f64, 1.0);
        let (mut sums, mut scatter) = (vec![0.0; treatments], 0.0);
        for block in blocks {
            for (sum, rank) in sums.iter_mut().zip(ranks(block)) {
                *sum += rank;
                scatter += (rank - middle) * (rank - middle);
            }
        }
        let away = |sum: &f64| sum - count as f64 * middle;
        let between: f64 = sums.iter().map(|sum| away(sum) * away(sum)).sum();
        let degrees = treatments as f64 - 1.0;
        let statistic = degrees * between / scatter;
        let p = ChiSquared::new(degrees).ok()?.sf(statistic);
        let mean_ranks = sums.iter().map(|sum| sum / count as f64).collect();
        (scatter > 0.0).then_some(Self { mean_ranks, blocks: count, statistic, p })
    }

    /// Two mean ranks that differ by less than this are not told apart at 5 % (Nemenyi).
    pub fn critical_difference(&self) -> f64 {
        let treatments = self.mean_ranks.len() as f64;
        let variance = treatments * (treatments + 1.0) / 12.0 / self.blocks as f64;
        studentised_range_95(self.mean_ranks.len()) * libm::sqrt(variance)
    }
}

/// Ranks from 1 for the largest; ties share their mean rank.
fn ranks(values: &[f64]) -> Vec<f64> {
    let count = |so: &dyn Fn(f64) -> bool| values.iter().filter(|other| so(**other)).count() as f64;
    let rank = |own: &f64| {
        count(&|other| other > *own) + f64::midpoint(count(&|other| other == *own), 1.0)
    };
    values.iter().map(rank).collect()
}

/// The 95 % quantile of the range of so many standard normal numbers.
fn studentised_range_95(count: usize) -> f64 {
    let (mut low, mut high) = (0.0, 20.0);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if range_below(middle, count) < 0.95 { low = middle } else { high = middle }
    }
    low
}

/// The probability that the range of so many standard normal numbers is at most `range`:
/// n ∫ φ(z) (Φ(z) − Φ(z − range))ⁿ⁻¹ dz over the largest, by the trapezoidal rule.
fn range_below(range: f64, count: usize) -> f64 {
    const STEP: f64 = 1.0 / 64.0;
    let phi = |z: f64| libm::exp(-z * z / 2.0) / libm::sqrt(std::f64::consts::TAU);
    let below = |z: f64| libm::erfc(-z / std::f64::consts::SQRT_2) / 2.0;
    let others = count as f64 - 1.0;
    let at = |step: i32| {
        let z = f64::from(step) * STEP;
        phi(z) * libm::pow(below(z) - below(z - range), others)
    };
    count as f64 * STEP * (-576..=576).map(at).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Demšar 2006, table 5: q of the studentised range divided by √2.
    #[test]
    fn quantiles_of_the_range_are_those_of_tables() {
        let printed = [1.960, 2.343, 2.569, 2.728, 2.850, 2.949, 3.031, 3.102, 3.164];
        for (count, expected) in (2..).zip(printed) {
            let found = studentised_range_95(count) / std::f64::consts::SQRT_2;
            // The table cuts the third place off in some rows.
            assert!((found - expected).abs() < 1.1e-3, "{count}: {found}, not {expected}");
        }
    }

    /// Two blocks of three by hand: ranks 1 2 3 and 1 3 2, sums 2 5 5 about 4, so
    /// 2 · (4 + 1 + 1) / (2 · 2) = 3, and of χ² with two degrees P = exp(−3/2).
    #[test]
    fn friedman_by_hand() {
        let found = Friedman::of(&[vec![9.0, 5.0, 1.0], vec![0.3, 0.1, 0.2]]).unwrap();
        assert_eq!((found.mean_ranks.as_slice(), found.statistic), (&[1.0, 2.5, 2.5][..], 3.0));
        assert!((found.p - libm::exp(-1.5)).abs() < 1e-12);
        // 3.314 √(3 · 4 / (12 · 2)).
        assert!((found.critical_difference() - 2.344).abs() < 1e-3);
    }

    #[test]
    fn ties_share_ranks_and_correct_the_statistic() {
        assert_eq!(ranks(&[2.0, 2.0, 3.0, 1.0, 2.0]), [3.0, 3.0, 1.0, 5.0, 3.0]);
        // Ranks 1.5 1.5 3 twice: 2 · (1 + 1 + 4) / (2 · 1.5) = 4.
        let found = Friedman::of(&[vec![1.0, 1.0, 0.0], vec![7.0, 7.0, 6.0]]).unwrap();
        assert_eq!(found.statistic, 4.0);
    }

    #[test]
    fn nothing_to_rank() {
        assert_eq!(Friedman::of(&[]), None);
        assert_eq!(Friedman::of(&[vec![1.0, 2.0]]), None, "one block");
        assert_eq!(Friedman::of(&[vec![1.0], vec![2.0]]), None, "one treatment");
        assert_eq!(Friedman::of(&[vec![1.0; 3], vec![2.0; 3]]), None, "all alike");
    }
}
