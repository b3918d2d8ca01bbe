//! Where the transient of a run ends: the marginal standard error rule.
//!
//! MSER-5: White, Simulation 69, 1997; White, Cobb and Spratt, Winter Simulation Conference 2000.
//! Of means of five observations each, leave out the first d, where d minimises
//! `Σ_{j>d} (Y_j − Ȳ_d)² / (n − d)²`, the squared standard error of what is left if it were
//! independent. The rule trades bias for variance by itself and has no parameter.
//!
//! A few last means alone may agree by chance and would always win; so at least a quarter of the
//! run is left (our choice; others leave five means). Where the least lies beyond the middle, the
//! run is too short for its transient, which the result says.

/// What to leave out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Truncation {
    /// How many means from the front, half of them at most.
    pub means: usize,
    /// Whether the rule would have left out more than half.
    pub beyond_half: bool,
}

/// The rule on a series of batch means; O(n).
pub fn mser(series: &[f64]) -> Truncation {
    let n = series.len();
    let least = (n / 4).max(1);
    let (mut best, mut at) = (f64::INFINITY, 0);
    // Mean and sum of squares of what is left, from the end (Welford 1962).
    let (mut mean, mut squares) = (0.0, 0.0);
    for (place, value) in series.iter().enumerate().rev() {
        let left = (n - place) as f64;
        let from = value - mean;
        mean += from / left;
        squares += from * (value - mean);
        let error = squares / (left * left);
        // Of equals the first: nothing is left out without need.
        if n - place >= least && error <= best {
            (best, at) = (error, place);
        }
    }
    Truncation { means: at.min(n / 2), beyond_half: at > n / 2 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::rng::{Label, Rng, standard_normal};

    fn noise(replicate: u64, n: u64) -> Vec<f64> {
        let rng = Rng::new(5, replicate);
        let unit = |i, salt| rng.keyed_unit(Label::Noise, i, salt);
        (0..n).map(|i| standard_normal(unit(i, 0), unit(i, 1))).collect()
    }

    /// The definition, term by term.
    fn brute(series: &[f64]) -> Truncation {
        let n = series.len();
        let error = |d: usize| {
            let rest = &series[d..];
            let mean = rest.iter().sum::<f64>() / rest.len() as f64;
            let squares: f64 = rest.iter().map(|y| (y - mean) * (y - mean)).sum();
            squares / (rest.len() * rest.len()) as f64
        };
        let allowed = (0..n).filter(|d| n - d >= (n / 4).max(1));
        let at = allowed.min_by(|a, b| error(*a).total_cmp(&error(*b))).unwrap_or(0);
        Truncation { means: at.min(n / 2), beyond_half: at > n / 2 }
    }

    #[test]
    fn it_is_the_definition() {
        for replicate in 0..200 {
            let n = 1 + replicate % 60;
            let series: Vec<f64> =
                noise(replicate, n).iter().zip(1..).map(|(e, i)| e + 9.0 / f64::from(i)).collect();
            assert_eq!(mser(&series), brute(&series), "{series:?}");
        }
    }

    #[test]
    fn a_known_transient_is_left_out() {
        for replicate in 0..50 {
            // 40 means far off, then 360 of pure noise.
            let mut series = noise(replicate, 400);
            series[..40].iter_mut().for_each(|y| *y += 20.0);
            let found = mser(&series);
            assert!(!found.beyond_half && (40..100).contains(&found.means), "{found:?}");
        }
        // A ramp that never ends.
        let ramp: Vec<f64> = (0..400).map(f64::from).collect();
        assert_eq!(mser(&ramp), Truncation { means: 200, beyond_half: true });
    }

    #[test]
    fn nothing_is_left_out_without_need() {
        assert_eq!(mser(&[]), Truncation { means: 0, beyond_half: false });
        assert_eq!(mser(&[3.5; 100]), Truncation { means: 0, beyond_half: false });
    }
}
