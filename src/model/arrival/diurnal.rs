//! Poisson arrivals whose rate follows the day: rate · (1 + A sin 2π(t / T + φ) + W sin 2πt / 7T).

use super::timed::thinned;
use super::{ArrivalEntry, Process};
use crate::input::Problem;
use crate::units::Time;
use std::f64::consts::TAU;

pub(super) const ENTRY: ArrivalEntry = ArrivalEntry {
    name: "diurnal",
    summary: "Poisson arrivals; the rate swings by `amplitude` in `period_s`, `weekly` in seven",
    params: "amplitude = 0.5, period_s = 86400, phase = 0 (periods), weekly = 0",
    source: "sinusoidal rate, sampled by thinning (Lewis and Shedler 1979)",
    read: |fields| {
        let amplitude = fields.number("amplitude", 0.0..=1.0, 0.5);
        let period_s = fields.number("period_s", 1e-3..=1e9, 86_400.0);
        let phase = fields.number("phase", 0.0..=1.0, 0.0);
        let weekly = fields.number("weekly", 0.0..=1.0, 0.0);
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
        Process::Timed(thinned(1.0 + amplitude + weekly, factor))
    },
};
