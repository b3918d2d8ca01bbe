//! Poisson arrivals whose rate follows the day: rate · (1 + A sin 2π(t / T + φ) + W sin 2πt / 7T),
//! times a log-normal factor of mean 1 that is drawn anew after every `noise_s`.

use super::ArrivalEntry;
use super::timed::{RateCurve, RateNoise, thinned};
use crate::config::{Problem, Setting};
use crate::core::units::{Span, Time};
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
        let interval = Span::from_s(fields.number("noise_s"));
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
        // Integrals of sines as products of sines: differences of cosines would lose digits at
        // short times.
        let integral = move |seconds: f64| {
            let wave = |period_s: f64, turn: f64| {
                let half = TAU / 2.0 * seconds / period_s;
                libm::sin(turn + half) * libm::sin(half) * period_s / (TAU / 2.0)
            };
            seconds + amplitude * wave(period_s, TAU * phase) + weekly * wave(7.0 * period_s, 0.0)
        };
        let highest = 1.0 + amplitude + weekly;
        let faster = "a shorter `period_s`, or more `requests`";
        let variance = libm::log1p(noise_cv * noise_cv);
        let noise = (noise_cv > 0.0).then_some(RateNoise { interval, variance });
        let integral = Arc::new(integral);
        thinned(RateCurve { factor, highest, integral, faster, noise })
    },
};
