//! What a device does besides the mean time of a batch: the spread of service times, the host's
//! work before and after a batch, service that depends on recent use, and power.
//!
//! All of it is data of a profile with defaults that change nothing. Schedulers know the means of
//! [`HostTimes`]; draws and the reaction to load are known to the engine alone.
//!
//! Log-normal factors have mean 1: exp(σz − σ²/2) with σ² = ln(1 + cv²).

use crate::core::rng::standard_normal;
use crate::core::units::Span;

/// How service times spread around their mean.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Spread {
    /// Every batch takes the mean.
    #[default]
    None,
    /// Log-normal: σ of the logarithm.
    LogNormal(f64),
    /// By quantiles.
    Quantiles(Quantiles),
}

/// A distribution by its quantiles: linear between them, and no value beyond the outer two.
#[derive(Clone, Debug, PartialEq)]
pub struct Quantiles {
    /// (probability, factor of the mean), by probability.
    points: Vec<(f64, f64)>,
}

impl Quantiles {
    /// Quantiles in any unit, by increasing probability, at least one above 0; scaled to a mean of
    /// 1.
    pub fn new(mut points: Vec<(f64, f64)>) -> Self {
        let mean = Self { points: points.clone() }.mean();
        points.iter_mut().for_each(|point| point.1 /= mean);
        Self { points }
    }

    fn mean(&self) -> f64 {
        let (Some(first), Some(last)) = (self.points.first(), self.points.last()) else {
            return 1.0;
        };
        let between = self.points.windows(2).map(|pair| {
            let [(low, a), (high, b)] = [pair[0], pair[1]];
            (high - low) * (a + b) / 2.0
        });
        first.0 * first.1 + between.sum::<f64>() + (1.0 - last.0) * last.1
    }

    /// The factor at a probability.
    pub fn factor(&self, probability: f64) -> f64 {
        let above = self.points.partition_point(|point| point.0 <= probability);
        let last = self.points.len() - 1;
        if above == 0 || above > last {
            return self.points[above.min(last)].1;
        }
        let [(low, a), (high, b)] = [self.points[above - 1], self.points[above]];
        a + (b - a) * (probability - low) / (high - low)
    }
}

/// σ of the logarithm of a log-normal factor with this coefficient of variation.
pub fn log_sigma(cv: f64) -> f64 {
    libm::sqrt(libm::log1p(cv * cv))
}

/// A log-normal factor of mean 1, by two uniform numbers.
pub(super) fn log_normal(sigma: f64, [u, v]: [f64; 2]) -> f64 {
    libm::exp(sigma * standard_normal(u, v) - sigma * sigma / 2.0)
}

impl Spread {
    /// Log-normal with this coefficient of variation.
    pub fn of_cv(cv: f64) -> Self {
        if cv == 0.0 { Self::None } else { Self::LogNormal(log_sigma(cv)) }
    }

    /// The factor of a service time, by two uniform numbers.
    pub(super) fn factor(&self, units: [f64; 2]) -> f64 {
        match self {
            Self::None => 1.0,
            Self::LogNormal(sigma) => log_normal(*sigma, units),
            Self::Quantiles(quantiles) => quantiles.factor(units[0]),
        }
    }
}

/// Means of the host's work for a variant on a class of workers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HostTimes {
    /// Of each request before its batch can start, one after another.
    pub before: Span,
    /// Of each request after its batch, one after another.
    pub after: Span,
    /// Of each batch after that, any number at once: a pure delay.
    pub delay: Span,
}

impl HostTimes {
    /// Whether the host does nothing.
    pub fn is_none(self) -> bool {
        self == Self::default()
    }

    /// The work before a batch.
    pub fn before(self, requests: usize) -> Span {
        Span(self.before.0.saturating_mul(requests as u64))
    }

    /// The work after a batch that is done one request after another.
    pub fn serial_after(self, requests: usize) -> Span {
        Span(self.after.0.saturating_mul(requests as u64))
    }

    /// All of the time after a batch.
    pub fn after(self, requests: usize) -> Span {
        self.serial_after(requests) + self.delay
    }
}

/// Service that depends on recent use, as under frequency scaling.
///
/// Use is the share of lanes that are busy, smoothed exponentially: a share u that lasts for t
/// moves the smoothed one by a share 1 − exp(−t / inertia) of the way to u. At a smoothed use of u
/// a time is its mean at full use, times 1 + slowdown · (1 − u).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Reaction {
    /// Slowdown of batches.
    pub service: f64,
    /// Slowdown of the host's work.
    pub host: f64,
    /// The time constant.
    pub inertia: Span,
}

impl Reaction {
    /// Whether nothing depends on use.
    pub fn is_none(self) -> bool {
        self.service == 0.0 && self.host == 0.0
    }
}

/// Power in watts.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Power {
    /// While nothing happens.
    pub idle_w: Option<f64>,
    /// While a batch of the variant is computed on all lanes, or the variant is loaded.
    pub busy_w: Option<f64>,
    /// In addition to that, for each batch on which the host works.
    pub host_w: Option<f64>,
}

/// What a class of workers does with a variant.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct DeviceCost {
    /// Means of the host's work.
    pub host: HostTimes,
    /// Coefficient of variation of the delay.
    pub delay_cv: f64,
    /// Dependence on recent use.
    pub reaction: Reaction,
    /// Power.
    pub power: Power,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_linear_between_and_flat_beyond() {
        // Mean: 0.1 · 1 + 0.4 · 1.5 + 0.4 · 3 + 0.1 · 4 = 2.3.
        let quantiles = Quantiles::new(vec![(0.1, 1.0), (0.5, 2.0), (0.9, 4.0)]);
        for (probability, value) in
            [(0.0, 1.0), (0.1, 1.0), (0.3, 1.5), (0.5, 2.0), (0.7, 3.0), (0.9, 4.0), (0.999, 4.0)]
        {
            assert!((quantiles.factor(probability) - value / 2.3).abs() < 1e-12);
        }
        let steps = 100_000;
        let mean: f64 =
            (0..steps).map(|at| quantiles.factor((f64::from(at) + 0.5) / f64::from(steps))).sum();
        assert!((mean / f64::from(steps) - 1.0).abs() < 1e-6);
        assert_eq!(Quantiles::new(vec![(0.5, 7.0)]).factor(0.2), 1.0);
    }

    #[test]
    fn a_spread_has_mean_one_and_its_variation() {
        let spread = Spread::of_cv(0.5);
        let steps = 400;
        let at = |step: i32| (f64::from(step) + 0.5) / f64::from(steps);
        let all = (0..steps).flat_map(|u| (0..steps).map(move |v| [at(u), at(v)]));
        let factors: Vec<f64> = all.map(|units| spread.factor(units)).collect();
        let mean = factors.iter().sum::<f64>() / factors.len() as f64;
        let variance =
            factors.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / factors.len() as f64;
        assert!((mean - 1.0).abs() < 2e-3 && (variance.sqrt() - 0.5).abs() < 1e-2, "{variance}");
        assert_eq!(Spread::of_cv(0.0), Spread::None);
    }

    #[test]
    fn the_host_works_request_by_request_then_once_a_batch() {
        let host = HostTimes { before: Span(3), after: Span(5), delay: Span(7) };
        assert_eq!(
            (host.before(4), host.serial_after(4), host.after(4)),
            (Span(12), Span(20), Span(27))
        );
        assert!(HostTimes::default().is_none() && !host.is_none());
    }
}
