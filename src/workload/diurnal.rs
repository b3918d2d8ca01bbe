//! Poisson arrivals whose rate follows the day: rate · (1 + A sin 2π(t / T + φ) + W sin 2πt / 7T),
//! times a factor of mean 1 that is drawn again after every `noise_s`, log-normal.

use super::steps::Steps;
use super::timed::{DriftSchedule, InterarrivalProcess, poisson_gap, thinned};
use super::{ArrivalEntry, Process};
use crate::config::{Problem, Setting};
use crate::core::rng::standard_normal;
use crate::core::units::{NS_PER_S, Span, Time};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::f64::consts::TAU;
use std::sync::Arc;

pub(super) const ENTRY: ArrivalEntry = ArrivalEntry {
    name: "diurnal",
    summary: "Poisson arrivals; the rate swings by `amplitude` in `period_s`, `weekly` in seven",
    settings: &[&[
        Setting::number("amplitude", [0.0, 1.0], 0.5)
            .means("The swing of the rate within a period, as a share of the mean rate."),
        Setting::number("period_s", [1e-3, 1e9], 86_400.0).means("The length of a period."),
        Setting::number("phase", [0.0, 1.0], 0.0)
            .means("Where in its period the rate begins, as a share of the period."),
        Setting::number("weekly", [0.0, 1.0], 0.0).means(
            "The swing of the rate within seven periods, as a share of the mean rate; with \
             `amplitude` 1 at most.",
        ),
        Setting::number("noise_cv", [0.0, 10.0], 0.0).means(
            "The coefficient of variation of log-normal factors of the rate, one for each \
             `noise_s`.",
        ),
        Setting::number("noise_s", [1e-3, 1e9], 3600.0)
            .means("The time for which a factor of the rate holds."),
    ]],
    source: "sinusoidal rate, sampled by thinning (Lewis and Shedler 1979); noise log-normal",
    read: |fields| {
        let amplitude = fields.number("amplitude");
        let period_s = fields.number("period_s");
        let phase = fields.number("phase");
        let weekly = fields.number("weekly");
        let noise_cv = fields.number("noise_cv");
        let noise = Span::from_s(fields.number("noise_s"));
        if amplitude + weekly > 1.0 {
            let place = fields.place().clone();
            let found = format!("amplitude + weekly = {}", amplitude + weekly);
            fields.problems().push(Problem::new(place, found, "1 at most: rates are not negative"));
        }
        let factor = move |at: Time| {
            let periods = at.as_s() / period_s;
            1.0 + amplitude * libm::sin(TAU * (periods + phase))
                + weekly * libm::sin(TAU * periods / 7.0)
        };
        // The integrals of the sines, as products of sines: differences of cosines would lose the
        // digits of short times.
        let integral = move |seconds: f64| {
            let wave = |period_s: f64, turn: f64| {
                let half = TAU / 2.0 * seconds / period_s;
                libm::sin(turn + half) * libm::sin(half) * period_s / (TAU / 2.0)
            };
            seconds + amplitude * wave(period_s, TAU * phase) + weekly * wave(7.0 * period_s, 0.0)
        };
        let highest = 1.0 + amplitude + weekly;
        let faster = "a shorter `period_s`, or more `requests`";
        let course = DriftSchedule { factor, highest, integral: Arc::new(integral), faster };
        if noise_cv == 0.0 {
            return Process::Timed(thinned(course));
        }
        Process::Timed(Arc::new(move |rate_rps, _| {
            Box::new(Noisy {
                now: Time::ZERO,
                until: Time::ZERO,
                noise,
                variance: libm::log1p(noise_cv * noise_cv),
                level: 1.0,
                least_gap_ns: NS_PER_S as f64 / (rate_rps * highest),
                rate_rps,
                course: course.clone(),
            })
        }))
    },
};

/// As [`thinned`], with a level that holds for an interval.
struct Noisy<F> {
    now: Time,
    /// When the next level is drawn.
    until: Time,
    noise: Span,
    /// Of the logarithm of levels.
    variance: f64,
    level: f64,
    least_gap_ns: f64,
    rate_rps: f64,
    course: DriftSchedule<F>,
}

impl<F: Fn(Time) -> f64 + Send> InterarrivalProcess for Noisy<F> {
    fn next_time(&mut self, rng: &mut ChaCha8Rng) -> Time {
        loop {
            if self.now >= self.until {
                let standard = standard_normal(rng.random(), rng.random());
                self.level = libm::exp(libm::sqrt(self.variance) * standard - self.variance / 2.0);
                self.until = self.now + self.noise;
            }
            let next = self.now + poisson_gap(self.least_gap_ns / self.level, rng);
            // Poisson arrivals forget: at a change of level a new gap is drawn.
            if next >= self.until {
                self.now = self.until;
                if self.now == Time::MAX {
                    return self.now;
                }
                continue;
            }
            self.now = next;
            if rng.random::<f64>() < self.course.share(next) {
                return next;
            }
        }
    }

    fn steps(&self, requests: f64) -> Option<Steps> {
        let candidates = self.course.steps(requests, self.rate_rps);
        let levels = self.course.seconds(requests, self.rate_rps) / self.noise.as_s();
        if levels < candidates.count {
            return Some(Steps { count: candidates.count + levels, ..candidates });
        }
        let (count, what) = (candidates.count + levels, "levels of noise");
        Some(Steps { count, what, by_rate: true, fewer: "a longer `noise_s`" })
    }
}
