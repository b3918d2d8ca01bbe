//! Whether a queue is stationary, from means of its length over equal parts of a run.
//!
//! Two tests, on 32 to 64 means Y of equally many observations each, in order of time, with
//! D = Y(j+1) − Y(j):
//!
//! - **no**: the queue drifts. The mean of D, which is (last − first) / (k − 1), is compared with
//!   its standard error: |mean| > [`DRIFT`] · √(1.5 s² / (k − 1)). Where a queue grows without end
//!   its changes are about independent, and the drift is found. Where it is stationary its changes
//!   cancel, and their sum stays small: the test is hardly ever wrong there. The factor 1.5
//!   corrects for averaging: differences of means of a random walk have 2/3 of the variance of its
//!   changes over the same time, and overlap (Working, Econometrica 28, 1960).
//! - **yes**: not so, and the queue returns. The test of Dickey and Fuller (Journal of the American
//!   Statistical Association 74, 1979) of a unit root, with a constant: in the regression of D on
//!   Y the t of the slope is below [`UNIT_ROOT`], the 5 % point for 32 to 64 means. Only a run that
//!   is many times as long as the queue remembers passes.
//! - **undecided**: neither, or fewer than [`LEAST`] means.
//!
//! Measured on M/M/1 from empty, number in the system found by arrivals, 2,000 runs each (share of
//! yes / no in percent; the rest is undecided):
//!
//! | ρ | 300 arrivals | 1,000 | 5,000 | 20,000 |
//! |---|---|---|---|---|
//! | .5 | 95 / 0 | 100 / 0 | 100 / 0 | 100 / 0 |
//! | .8 | 35 / 0 | 75 / 0 | 99 / 0 | 100 / 0 |
//! | .9 | 14 / 0.2 | 34 / 0 | 78 / 0 | 98 / 0 |
//! | .95 | 8 / 0.5 | 14 / 0 | 31 / 0 | 74 / 0 |
//! | 1 | 5 / 2 | 5 / 1 | 5 / 1 | 5 / 1 |
//! | 1.05 | 4 / 7 | 3 / 12 | 2 / 46 | 0 / 98 |
//! | 1.2 | 2 / 44 | 0 / 92 | 0 / 100 | 0 / 100 |
//!
//! So a stable queue is called drifting in less than 1 % of runs, and one without end is called
//! stationary in at most 5 %, both at worst where runs are short or ρ is next to 1. Cost: O(k).

/// Fewer means than this say too little.
pub const LEAST: usize = 32;
/// The 99.5 % quantile of Student's t with some thirty degrees of freedom.
const DRIFT: f64 = 2.75;
/// The 5 % point of the t of a unit root with a constant: −3.00 for 25 means, −2.93 for 50.
const UNIT_ROOT: f64 = -3.0;

/// What a run says of its queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stationary {
    /// It returns to where it was.
    Yes,
    /// It drifts: what is measured depends on the length of the run.
    No,
    /// The run is too short to say.
    Undecided,
}

impl Stationary {
    /// The word for it in result files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::Undecided => "undecided",
        }
    }

    /// Of means of the queue's length over equal parts of a run, in order.
    pub fn of(means: &[f64]) -> Self {
        if means.len() < LEAST {
            return Self::Undecided;
        }
        let changes: Vec<f64> = means.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let count = changes.len() as f64;
        let change = changes.iter().sum::<f64>() / count;
        let scatter: f64 = changes.iter().map(|d| (d - change) * (d - change)).sum();
        let error = libm::sqrt(1.5 * scatter / (count - 1.0) / count);
        if change.abs() > DRIFT * error {
            return Self::No;
        }
        let levels = &means[..changes.len()];
        let level = levels.iter().sum::<f64>() / count;
        let spread: f64 = levels.iter().map(|y| (y - level) * (y - level)).sum();
        let pairs = levels.iter().zip(&changes);
        let common: f64 = pairs.map(|(y, d)| (y - level) * (d - change)).sum();
        if spread == 0.0 {
            // Nothing ever changes.
            return Self::Yes;
        }
        let slope = common / spread;
        let rest = (scatter - slope * common).max(0.0);
        let error = libm::sqrt(rest / (count - 2.0) / spread);
        if slope < UNIT_ROOT * error { Self::Yes } else { Self::Undecided }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::rng::{Label, Rng};
    use rand::RngExt;

    /// Means of the number in an M/M/1 system found by arrivals, in 40 equal parts of a run.
    fn mm1(number: u64, rho: f64, arrivals: usize) -> Vec<f64> {
        let mut rng = Rng::new(71, number).stream(Label::Arrivals);
        let (mut present, mut found) = (0u32, Vec::with_capacity(arrivals));
        while found.len() < arrivals {
            if rng.random::<f64>() < rho / (1.0 + rho) {
                found.push(f64::from(present));
                present += 1;
            } else {
                present = present.saturating_sub(1);
            }
        }
        found.chunks_exact(arrivals / 40).map(|c| c.iter().sum::<f64>() / c.len() as f64).collect()
    }

    /// Shares of yes and no of M/M/1.
    fn shares(rho: f64, arrivals: usize) -> (f64, f64) {
        let runs = 500;
        let all: Vec<Stationary> =
            (0..runs).map(|number| Stationary::of(&mm1(number, rho, arrivals))).collect();
        let share = |of| all.iter().filter(|found| **found == of).count() as f64 / runs as f64;
        (share(Stationary::Yes), share(Stationary::No))
    }

    #[test]
    fn errors_are_as_stated() {
        // Stable queues; standard errors of the shares are below 1 %.
        assert!(shares(0.5, 1_000).0 > 0.97);
        assert!(shares(0.8, 8_000).0 > 0.97);
        for (rho, arrivals) in [(0.5, 400), (0.8, 400), (0.9, 1_000), (0.95, 4_000)] {
            let (_, no) = shares(rho, arrivals);
            assert!(no <= 0.012, "{rho}, {arrivals}: {no}");
        }
        // Queues that grow.
        assert!(shares(1.2, 4_000).1 > 0.97);
        assert!(shares(1.5, 1_000).1 > 0.97);
        for (rho, arrivals) in [(1.0, 4_000), (1.05, 1_000), (1.2, 400)] {
            let (yes, _) = shares(rho, arrivals);
            assert!(yes <= 0.08, "{rho}, {arrivals}: {yes}");
        }
        // At criticality neither is said, as a rule.
        let (yes, no) = shares(1.0, 4_000);
        assert!(yes + no < 0.12, "{yes} {no}");
    }

    #[test]
    fn lines_without_chance_are_decided() {
        let of = |mean: &dyn Fn(f64) -> f64| {
            Stationary::of(&(0..40).map(|at| mean(f64::from(at))).collect::<Vec<f64>>())
        };
        assert_eq!(of(&|_| 3.0), Stationary::Yes);
        assert_eq!(of(&|at| 5.0 * at), Stationary::No);
        assert_eq!(of(&|at| -5.0 * at), Stationary::No);
        // Only the beginning is different.
        assert_eq!(of(&|at| if at < 1.0 { 9.0 } else { 3.0 }), Stationary::Yes);
        // The last change counts: what ends where it began does not drift.
        assert_ne!(of(&|at| if at < 39.0 { 5.0 * at } else { 0.0 }), Stationary::No);
        // Stable for half of the run, then without end.
        assert_eq!(of(&|at| (at - 20.0).max(0.0)), Stationary::No);
        assert_eq!(Stationary::of(&[3.0; 32]), Stationary::Yes);
        assert_eq!(Stationary::of(&[3.0; 31]), Stationary::Undecided);
        assert_eq!(Stationary::of(&[]), Stationary::Undecided);
    }
}
