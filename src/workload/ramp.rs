//! Poisson arrivals whose rate changes evenly from `from` times the rate to the rate itself, over
//! `over_s` seconds, and stays there.

use super::ArrivalEntry;
use super::timed::{RateCurve, thinned};
use crate::config::Setting;
use crate::core::units::Time;
use std::sync::Arc;

pub(super) const ENTRY: ArrivalEntry = ArrivalEntry {
    name: "ramp",
    summary: "Poisson arrivals from `from` times the rate to the rate, evenly over `over_s`",
    settings: &[&[
        Setting::number("from", [0.0, 1000.0], 0.1)
            .means("The rate at the beginning, as a multiple of the rate."),
        Setting::number("over_s", [1e-6, 1e9], 10.0).means("The time until the rate is reached."),
    ]],
    source: "the acceleration of SuperServe (Khare et al., NSDI 2025)",
    read: |fields| {
        let from = fields.number("from");
        let over_s = fields.number("over_s");
        let factor = move |at: Time| from + (1.0 - from) * (at.as_s() / over_s).min(1.0);
        let integral = move |seconds: f64| {
            let rising = seconds.min(over_s);
            from * rising + (1.0 - from) * rising * rising / (2.0 * over_s) + seconds - rising
        };
        let (highest, integral) = (from.max(1.0), Arc::new(integral));
        let faster = "`from` nearer to 1, a shorter `over_s`, or more `requests`";
        thinned(RateCurve { factor, highest, integral, faster, noise: None })
    },
};
