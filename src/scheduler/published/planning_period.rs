//! When a planner plans: at the first request of an application, after a tenth of a period with
//! what has been seen by then, and at the first decision after each further period.
//!
//! It never asks to be woken: without requests there is nothing to plan for. If an application's
//! arrivals of the last bin are off the plan by a factor of two, and by ten requests at least, the
//! next plan is made at once. An application without requests so far is no part of a plan, and one
//! of which no bin is over counts with a request per bin.

use crate::config::{Decoder, Setting};
use crate::contract::View;
use crate::core::ids::AppId;
use crate::core::units::{Span, Time};
use crate::scheduler::published::arrival_rates::ArrivalRates;
use crate::system::catalog::Catalog;

/// How far arrivals may be off the plan: as a factor and in requests.
const OFF: (f64, f64) = (2.0, 10.0);

pub struct PlanningPeriod {
    period: Span,
    at_bursts: bool,
    next: Option<Time>,
    /// The bin in which rates were looked at last.
    looked: u64,
    /// Requests per second for which was planned, by application; nothing without requests.
    planned: Vec<Option<f64>>,
}

impl PlanningPeriod {
    /// Its settings, with the published period in seconds.
    pub const fn settings(period_s: f64) -> [Setting; 2] {
        [
            Setting::number("period_s", [1e-3, 1e6], period_s).means(
                "The time from plan to plan; arrivals are counted in tenths of it, and the first \
                 tenth ends with a plan.",
            ),
            Setting::flag("plan_at_bursts", true).means(
                "Whether arrivals that are off the plan by a factor of two lead to the next plan \
                 at once.",
            ),
        ]
    }

    pub fn read(fields: &mut Decoder<'_>) -> Self {
        Self {
            period: Span::from_s(fields.number("period_s")),
            at_bursts: fields.flag("plan_at_bursts"),
            next: None,
            looked: 0,
            planned: Vec::new(),
        }
    }

    /// Rates over at most so many tenths of a period.
    pub fn rates(&self, catalog: &Catalog, bins: u64) -> ArrivalRates {
        ArrivalRates::new(catalog, Span(self.tenth().0.max(1)), bins)
    }

    pub fn length(&self) -> Span {
        self.period
    }

    fn tenth(&self) -> Span {
        Span(self.period.0 / 10)
    }

    /// The rates to plan for by application if it is time to plan, as `rate` estimates them.
    pub fn due(
        &mut self,
        view: &View<'_>,
        rates: &ArrivalRates,
        rate: impl Fn(AppId) -> Option<f64>,
    ) -> Option<Vec<Option<f64>>> {
        let now = view.now();
        let apps = || view.catalog().app_ids();
        let is_off = self.is_off(view, rates);
        let is_known = |app: AppId| self.planned.get(app.index()).is_some_and(Option::is_some);
        if self.next.is_some_and(|next| now >= next) || is_off {
            self.next = Some(now + self.period);
        } else if apps().all(|app| is_known(app) || !rates.has_arrived(app)) {
            return None;
        }
        self.next = self.next.or(Some(now + self.tenth()));
        let least = 1.0 / rates.bin().as_s();
        let planned = |app| rates.has_arrived(app).then(|| rate(app).unwrap_or(least));
        self.planned = apps().map(planned).collect();
        Some(self.planned.clone())
    }

    /// Whether the arrivals of a bin that is over are off the plan.
    fn is_off(&mut self, view: &View<'_>, rates: &ArrivalRates) -> bool {
        let current = view.now().0 / rates.bin().0;
        if !self.at_bursts || current == self.looked {
            return false;
        }
        self.looked = current;
        let bin = rates.bin().as_s();
        view.catalog().app_ids().zip(&self.planned).any(|(app, planned)| {
            let seen = rates.recent_rps(app, view.now(), 1);
            seen.zip(*planned).is_some_and(|(seen, planned)| is_off(seen * bin, planned * bin))
        })
    }
}

/// Whether requests of a bin are off the expected number.
fn is_off(seen: f64, planned: f64) -> bool {
    let (low, high) = if seen < planned { (seen, planned) } else { (planned, seen) };
    high > OFF.0 * low && high - low >= OFF.1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrivals_are_off_by_a_factor_and_a_number() {
        assert!(is_off(30.0, 14.0) && is_off(14.0, 30.0));
        assert!(!is_off(30.0, 15.0) && !is_off(9.0, 0.0) && is_off(10.0, 0.0));
    }
}
