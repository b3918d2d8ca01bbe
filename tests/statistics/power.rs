//! Do the replicates that are said to separate two rows find their difference as often as asked?
//!
//! The power of a paired t test is simulated; its critical values come from an integral of the
//! density of Student's t that shares no code with the program.

use peeksim::stats::{Estimate, replicates_to_separate};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use rand_distr::StandardNormal;

const TRIALS: u32 = 20_000;

/// The share of a t distribution between 0 and `t`, by Simpson's rule.
fn share(t: f64, freedom: f64) -> f64 {
    const STEPS: u32 = 2_000;
    let scale = libm::lgamma(f64::midpoint(freedom, 1.0)) - libm::lgamma(freedom / 2.0);
    let scale = libm::exp(scale) / (freedom * std::f64::consts::PI).sqrt();
    let density = |x: f64| scale * libm::pow(1.0 + x * x / freedom, -f64::midpoint(freedom, 1.0));
    let step = t / f64::from(STEPS);
    let weight = |at: u32| match at {
        0 | STEPS => 1.0,
        odd if odd % 2 == 1 => 4.0,
        _ => 2.0,
    };
    (0..=STEPS).map(|at| weight(at) * density(step * f64::from(at))).sum::<f64>() * step / 3.0
}

/// The value that |t| exceeds by chance with probability `level`.
fn critical(level: f64, freedom: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1_000.0);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if 2.0 * share(middle, freedom) < 1.0 - level { low = middle } else { high = middle }
    }
    low
}

/// How often a two-sided t test at `level` finds a mean of `effect` standard deviations in so many
/// differences.
fn power(effect: f64, count: u64, level: f64, rng: &mut ChaCha8Rng) -> f64 {
    let critical = critical(level, count as f64 - 1.0);
    let found = (0..TRIALS).filter(|_| {
        let values: Vec<f64> =
            (0..count).map(|_| effect + rng.sample::<f64, _>(StandardNormal)).collect();
        let mean = values.iter().sum::<f64>() / count as f64;
        let squares: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
        let error = (squares / (count as f64 - 1.0) / count as f64).sqrt();
        (mean / error).abs() > critical
    });
    found.count() as f64 / f64::from(TRIALS)
}

#[test]
fn critical_values_are_those_of_tables() {
    for (level, freedom, exact) in
        [(0.05, 4.0, 2.776_445), (0.05, 9.0, 2.262_157), (0.01, 29.0, 2.756_386)]
    {
        let found = critical(level, freedom);
        assert!((found - exact).abs() < 1e-5, "{found} {exact}");
    }
}

#[test]
fn the_replicates_that_are_needed_are_enough_and_fewer_are_not() {
    let mut rng = ChaCha8Rng::seed_from_u64(20);
    // Of a share of 0.8, three standard errors.
    let sampling = 3.0 * (0.8 * 0.2 / f64::from(TRIALS)).sqrt();
    let mut last = u64::MAX;
    for level in [0.05, 0.05 / 4.0] {
        for effect in [0.4, 0.8, 1.5] {
            // Power depends on the ratio alone, not on its sign or unit.
            let (mean, deviation) = (-7.0 * effect, Some(7.0));
            let estimate = Estimate { mean, deviation, half_width: Some(1.0), count: 5 };
            let needed = replicates_to_separate(&estimate, level).expect("a number");
            let fewer = (0.7 * needed as f64).floor() as u64;
            let [enough, short] =
                [needed, fewer].map(|count| power(effect, count, level, &mut rng));
            println!("{effect} at {level}: {needed} find {enough:.3}, {fewer} find {short:.3}");
            assert!(enough >= 0.78 - sampling, "{effect} at {level}: {needed} find {enough}");
            // One replicate of few is a large step.
            let most = if needed > 10 { 0.83 } else { 0.9 };
            assert!(enough <= most + sampling, "{effect} at {level}: {needed} find {enough}");
            assert!(short <= enough - 0.1, "{effect} at {level}: {fewer} find {short}");
            assert!(short <= 0.72, "{effect} at {level}: {fewer} find {short}");
            assert!(level < 0.05 || needed < last, "larger effects need fewer");
            last = needed;
        }
    }
}
