//! `device.csv`: what a class of workers does besides computing a variant.

use super::cells::{POWER_MODE, keep, power_mode, span};
use super::tables::Reader;
use super::{Profile, VariantCost};
use crate::config::Problems;
use crate::config::csv::Row;
use crate::config::source;
use crate::core::units::Span;
use crate::system::device::{DeviceCost, HostTimes, Power, Reaction};

/// Columns of `device.csv`; an empty cell is as no column.
const COLUMNS: [&str; 10] = [
    "delay_ms",
    "delay_ms_sd",
    "host_before_ms",
    "host_after_ms",
    "idle_slowdown",
    "idle_host_slowdown",
    "inertia_ms",
    "idle_w",
    "busy_w",
    "host_w",
];

/// The most that a device may slow down when idle.
const MAX_SLOWDOWN: f64 = 1000.0;

/// The inertia of a row that has none, in milliseconds.
const INERTIA_MS: f64 = 1000.0;

impl Reader<'_> {
    /// Reads `device.csv`, if there is one.
    pub fn device(&mut self, profile: &mut Profile) {
        let file = "device.csv";
        if !source::exists(&self.path(file)) {
            return;
        }
        let names = profile.variant_names();
        let mut rows: Vec<([String; 2], usize)> = Vec::new();
        let optional = [&[POWER_MODE][..], &COLUMNS].concat();
        let required = ["worker_class", "variant"];
        self.table(file, &required, &optional, |row, (columns, more), problems| {
            let class = row.text(columns[0]);
            let mode = power_mode(row, more[0], problems);
            let Some(variant) = keep(row.name(columns[1], "variant", &names), problems) else {
                return;
            };
            let key = ([class.to_owned(), mode.to_owned()], variant);
            if rows.contains(&key) {
                let expected = "one row for each worker class, power mode and variant";
                problems.push(row.problem(columns[1], expected));
                return;
            }
            rows.push(key);
            let device = device(row, &more[1..], problems);
            let costs = &mut profile.variants[variant].costs;
            let is_own = |cost: &&mut VariantCost| {
                (cost.worker_class.as_str(), cost.power_mode.as_str()) == (class, mode)
            };
            match costs.iter_mut().find(is_own) {
                Some(cost) => cost.device = device,
                None => {
                    let expected = "a worker class and power mode with a row in latency.csv";
                    problems.push(row.problem(columns[0], expected));
                }
            }
        });
        if self.problems.is_empty() {
            self.same_idle(profile);
        }
    }

    /// Refuses classes of workers whose idle power depends on the variant.
    fn same_idle(&mut self, profile: &Profile) {
        let costs = || profile.variants.iter().flat_map(|variant| &variant.costs);
        for cost in costs() {
            let key = (&cost.worker_class, &cost.power_mode);
            let other = costs().find(|other| {
                (&other.worker_class, &other.power_mode) == key
                    && (other.device.power.idle_w.zip(cost.device.power.idle_w))
                        .is_some_and(|(one, other)| one != other)
            });
            if other.is_some() {
                let found = format!("several values of idle_w of `{}`", cost.worker_class);
                self.refuse("device.csv", found, "one for each worker class and power mode");
                return;
            }
        }
    }
}

/// A row of `device.csv`, its cells in the order of [`COLUMNS`].
fn device(row: Row<'_>, columns: &[Option<usize>], problems: &mut Problems) -> DeviceCost {
    let given = |at: usize| columns[at].filter(|column| !row.text(*column).is_empty());
    let mut time = |at: usize| {
        let time = given(at).and_then(|column| keep(span(row, column), problems));
        time.unwrap_or(Span::ZERO)
    };
    let [delay, delay_sd, before, after] = [0, 1, 2, 3].map(&mut time);
    let inertia = given(6).map_or(Span::from_ms(INERTIA_MS), |_| time(6));
    let mut number = |at: usize, most: f64| {
        let column = given(at)?;
        let number = keep(row.number(column), problems)?;
        if number > most {
            problems.push(row.problem(column, format!("a number from 0 to {most}")));
            return None;
        }
        Some(number)
    };
    let [service, host] = [4, 5].map(|at| number(at, MAX_SLOWDOWN).unwrap_or(0.0));
    let [idle_w, busy_w, host_w] = [7, 8, 9].map(|at| number(at, 1e12));
    let mut refuse = |at: usize, expected: &str| {
        if let Some(column) = given(at) {
            problems.push(row.problem(column, expected));
        }
    };
    let delay_cv = if delay_sd == Span::ZERO { 0.0 } else { delay_sd.as_ms() / delay.as_ms() };
    if delay_cv > 100.0 {
        refuse(1, "at most 100 times delay_ms");
    }
    if busy_w.zip(idle_w).is_some_and(|(busy, idle)| busy < idle) {
        refuse(8, "at least idle_w");
    }
    if inertia == Span::ZERO {
        refuse(6, "a time above 0");
    }
    DeviceCost {
        host: HostTimes { before, after, delay },
        delay_cv,
        reaction: Reaction { service, host, inertia },
        power: Power { idle_w, busy_w, host_w },
    }
}
