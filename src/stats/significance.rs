//! Tests of paired differences, and the correction for many of them.

use super::estimate::{EQUAL, Estimate};
use statrs::distribution::{ContinuousCDF, StudentsT};

/// Up to this many differences the signed-rank test is exact.
const EXACT: usize = 50;

/// The two-sided p-value of Student's t test that the mean is zero; `None` for a single value, and
/// where nothing varies: the test divides by the scatter.
pub fn student(estimate: &Estimate) -> Option<f64> {
    estimate.half_width?;
    let error = estimate.deviation? / libm::sqrt(estimate.count as f64);
    let t = StudentsT::new(0.0, 1.0, (estimate.count - 1) as f64).ok()?;
    Some(2.0 * t.sf((estimate.mean / error).abs()))
}

/// The two-sided p-value of the signed-rank test (Wilcoxon, Biometrics Bulletin 1, 1945) that
/// differences are symmetric about zero.
///
/// Zeros are left out, ties share their ranks. Up to fifty differences the law of the sum is
/// counted, over all signs of the ranks as they are, ties included; beyond that it is normal, its
/// variance corrected for ties. 1 if nothing differs, `None` of no differences.
pub fn wilcoxon(differences: &[f64]) -> Option<f64> {
    if differences.is_empty() {
        return None;
    }
    let mut left: Vec<f64> = differences.iter().copied().filter(|d| *d != 0.0).collect();
    left.sort_by(|a, b| a.abs().total_cmp(&b.abs()));
    let ranks = doubled_ranks(&left);
    let total: usize = ranks.iter().sum();
    let positive: usize =
        left.iter().zip(&ranks).filter(|(d, _)| **d > 0.0).map(|(_, rank)| rank).sum();
    let smaller = positive.min(total - positive);
    let p = if left.len() <= EXACT { counted(&ranks, smaller) } else { normal(&ranks, smaller) };
    Some(p.min(1.0))
}

/// Twice the rank of each value by size, whole numbers even where ties share the mean rank.
fn doubled_ranks(sorted: &[f64]) -> Vec<usize> {
    // Subtraction leaves noise in the last digits, which is no order.
    let tied = |a: &f64, b: &f64| b.abs() - a.abs() <= EQUAL * b.abs();
    let mut ranks = Vec::with_capacity(sorted.len());
    for group in sorted.chunk_by(tied) {
        let before = ranks.len();
        ranks.extend(std::iter::repeat_n(2 * before + group.len() + 1, group.len()));
    }
    ranks
}

/// Twice the share of all signs whose positive ranks sum to `sum` or less.
fn counted(ranks: &[usize], sum: usize) -> f64 {
    let mut share = vec![0.0; sum + 1];
    share[0] = 1.0;
    for rank in ranks {
        for at in (0..=sum).rev() {
            let with = at.checked_sub(*rank).map_or(0.0, |rest| share[rest]);
            share[at] = f64::midpoint(share[at], with);
        }
    }
    2.0 * share.iter().sum::<f64>()
}

fn normal(ranks: &[usize], sum: usize) -> f64 {
    // Of doubled ranks r, each positive half of the time: mean Σr/2, variance Σr²/4.
    let mean = ranks.iter().sum::<usize>() as f64 / 2.0;
    let variance = ranks.iter().map(|r| r * r).sum::<usize>() as f64 / 4.0;
    libm::erfc((mean - sum as f64) / libm::sqrt(2.0 * variance))
}

/// p-values adjusted for being a family, in the same order (Holm, Scandinavian Journal of
/// Statistics 6, 1979): the chance of any false rejection stays below the level.
pub fn holm(family: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..family.len()).collect();
    order.sort_by(|a, b| family[*a].total_cmp(&family[*b]));
    let (mut adjusted, mut largest) = (vec![0.0; family.len()], 0.0f64);
    for (place, at) in order.into_iter().enumerate() {
        largest = largest.max((family.len() - place) as f64 * family[at]).min(1.0);
        adjusted[at] = largest;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: Option<f64>, expected: f64) {
        assert!(found.is_some_and(|p| (p - expected).abs() < 1e-12), "{found:?}, not {expected}");
    }

    /// The definition: of all signs, twice the share whose positive ranks sum to no more.
    fn brute(differences: &[f64]) -> f64 {
        let left: Vec<f64> = differences.iter().copied().filter(|d| *d != 0.0).collect();
        let rank = |a: &f64| {
            let count = |so: &dyn Fn(f64) -> bool| left.iter().filter(|b| so(b.abs())).count();
            count(&|b| b < a.abs()) as f64 + f64::midpoint(count(&|b| b == a.abs()) as f64, 1.0)
        };
        let ranks: Vec<f64> = left.iter().map(rank).collect();
        let (total, n) = (ranks.iter().sum::<f64>(), left.len());
        let positive: f64 = left.iter().zip(&ranks).filter(|(d, _)| **d > 0.0).map(|p| p.1).sum();
        let extreme = positive.min(total - positive);
        let sum = |signs: u32| -> f64 {
            (0..n).filter(|at| (signs >> at) & 1 == 1).map(|at| ranks[at]).sum()
        };
        let below = (0..1u32 << n).filter(|signs| sum(*signs) <= extreme).count();
        (2.0 * below as f64 / f64::from(1u32 << n)).min(1.0)
    }

    #[test]
    fn wilcoxon_is_that_of_all_signs() {
        let cases: [&[f64]; 7] = [
            &[1.0],
            &[0.0, 0.0],
            &[1.0, 1.0, -1.0, 2.0, 2.0, -3.0, 4.0],
            &[0.0, 3.0, -3.0, 3.0, 3.0, 0.0, 1.0],
            &[-5.0, -4.0, -4.0, -4.0, -1.0],
            &[2.0, -1.0, 3.0, -1.0, 3.0, 3.0, -2.0, 4.0, 5.0, 5.0, -6.0, 7.0],
            &[0.5, 1.1, -0.3, 2.0, 0.7, -1.2, 0.9, 1.6],
        ];
        for case in cases {
            near(wilcoxon(case), brute(case));
        }
        assert_eq!(wilcoxon(&[]), None);
    }

    /// scipy 1.17.1: `wilcoxon(x, method="exact")`, with ties `PermutationMethod()`; beyond fifty
    /// `method="asymptotic", correction=False`; `ttest_1samp(x, 0)`.
    #[test]
    fn p_values_are_those_of_scipy() {
        let first = [0.5, 1.1, -0.3, 2.0, 0.7, -1.2, 0.9, 1.6];
        let up: Vec<f64> = (1..=10).map(f64::from).collect();
        let mixed = [3.1, -4.2, 0.7, 5.9, -1.3, 2.2, 8.4, -0.6, 7.7, 1.9, -2.8, 6.3];
        near(wilcoxon(&first), 0.148_437_5);
        near(wilcoxon(&up), 0.001_953_125);
        near(wilcoxon(&mixed), 0.109_863_281_25);
        near(wilcoxon(&[1.0, 1.0, -1.0, 2.0, 2.0, -3.0, 4.0]), 0.328_125);
        let many: Vec<f64> = (0..60).map(|i| f64::from(i * 37 % 101 - 40) / 7.0).collect();
        near(wilcoxon(&many), 0.022_633_208_936_007_52);
        let rounded: Vec<f64> = many.iter().map(|x| x.round_ties_even()).collect();
        near(wilcoxon(&rounded), 0.018_298_968_116_978_21);
        let t = |values: &[f64]| student(&Estimate::of(values).unwrap());
        near(t(&first), 0.109_933_293_353_519_76);
        near(t(&up), 0.000_278_196_011_048_185_7);
        near(t(&mixed), 0.083_290_862_944_227_94);
    }

    #[test]
    fn what_does_not_vary_has_no_p_value() {
        let t = |values: &[f64]| student(&Estimate::of(values).unwrap());
        assert_eq!(t(&[1.0]), None);
        assert_eq!(t(&[0.0, 0.0]), None);
        assert_eq!(t(&[0.5, 0.5]), None);
        assert_eq!(t(&[0.5, 0.5f64.next_up()]), None);
    }

    #[test]
    fn differences_that_agree_but_for_rounding_are_tied() {
        let noisy = [0.91 - 0.9, 0.9 - 0.91, 0.81 - 0.8, 0.71 - 0.7, 0.62 - 0.6];
        near(wilcoxon(&noisy), brute(&[1.0, -1.0, 1.0, 1.0, 2.0]));
    }

    /// All n differences positive: 2 / 2ⁿ where signs are counted; beyond fifty the normal law of
    /// the sum, whose mean is n (n + 1) / 4 and whose variance n (n + 1) (2n + 1) / 24.
    #[test]
    fn signs_are_counted_up_to_fifty_differences() {
        let found = |n: u32| wilcoxon(&(1..=n).map(f64::from).collect::<Vec<_>>()).unwrap();
        for n in [49, 50] {
            assert!((found(n) * libm::exp2(f64::from(n) - 1.0) - 1.0).abs() < 1e-9, "{n}");
        }
        let normal = libm::erfc(663.0 / libm::sqrt(2.0 * 11_381.5));
        assert!((found(51) / normal - 1.0).abs() < 1e-9, "{}", found(51));
    }

    /// 1e-12 of 1 is rounding and a tie; a millionth of 1 is an order, and so is 1e-12 of 2e-12.
    #[test]
    fn ties_are_relative() {
        let (up, down) = (1.0 + 1e-12, -1.0 - 1e-12);
        near(wilcoxon(&[1.0, -1.0 - 1e-12, up, 3.0]), brute(&[1.0, -1.0, 1.0, 3.0]));
        near(wilcoxon(&[1.0, 1.0, down, 1.0, 3.0]), brute(&[1.0, 1.0, -1.0, 1.0, 3.0]));
        let apart = [1.0, 1.000_001, -1.000_002, 1.000_003, 3.0];
        near(wilcoxon(&apart), brute(&[1.0, 2.0, -3.0, 4.0, 5.0]));
        let tiny = [1e-12, 2e-12, -3e-12, 4e-12, 5e-12];
        near(wilcoxon(&tiny), brute(&[1.0, 2.0, -3.0, 4.0, 5.0]));
    }

    /// statsmodels 0.15.0: `multipletests(p, method="holm")`.
    #[test]
    fn holm_is_that_of_statsmodels() {
        let adjusted = holm(&[0.01, 0.04, 0.03, 0.005, 0.3, 0.04]);
        let expected = [0.05, 0.12, 0.12, 0.03, 0.3, 0.12];
        adjusted.iter().zip(expected).for_each(|(a, e)| near(Some(*a), e));
        assert_eq!(holm(&[]), Vec::<f64>::new());
        assert_eq!(holm(&[0.7, 0.8]), [1.0, 1.0]);
    }

    /// Closed testing: a p-value adjusted by Holm is the largest, over all sets that contain its
    /// hypothesis, of the set's size times its least p-value.
    #[test]
    fn holm_is_closed_testing() {
        let family = [0.2, 0.011, 0.04, 0.012, 0.6];
        for (at, adjusted) in holm(&family).into_iter().enumerate() {
            let of = |set: u32| {
                let own: Vec<f64> =
                    (0..5).filter(|i| (set >> i) & 1 == 1).map(|i| family[i]).collect();
                own.len() as f64 * own.iter().copied().fold(1.0, f64::min)
            };
            let largest = (1..32).filter(|set| (set >> at) & 1 == 1).map(of).fold(0.0, f64::max);
            near(Some(adjusted), largest.min(1.0));
        }
    }
}
