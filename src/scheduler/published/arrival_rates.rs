//! Rates of arrivals by application, counted in bins of equal length.
//!
//! A request counts in the bin of its arrival, whenever it is seen, and once: not again when it
//! returns from a worker that failed. O(1) per arrival, O(bins) per question.

use crate::contract::{Trigger, View};
use crate::core::ids::AppId;
use crate::core::units::{Span, Time};
use crate::system::catalog::Catalog;
use std::collections::VecDeque;

pub struct ArrivalRates {
    bin: Span,
    bins: u64,
    apps: Vec<Bins>,
}

/// Counts of one application.
#[derive(Clone, Default)]
struct Bins {
    /// The bin of the first arrival of all.
    first: Option<u64>,
    /// (bin, arrivals) of bins that are not empty, oldest first.
    counts: VecDeque<(u64, u64)>,
}

impl ArrivalRates {
    /// Rates over the last `bins` bins of this length.
    pub fn new(catalog: &Catalog, bin: Span, bins: u64) -> Self {
        Self { bin, bins, apps: vec![Bins::default(); catalog.app_ids().len()] }
    }

    pub fn take_in(&mut self, view: &View<'_>, trigger: Trigger<'_>) {
        for id in trigger.arrived {
            if let Some(request) = view.request(*id)
                && !view.is_returned(*id)
            {
                let bin = request.arrival.0 / self.bin.0;
                self.apps[request.app.index()].count(bin, self.bins);
            }
        }
    }

    /// Arrivals per second over the bins that are over, at most the last ones; `None` as long as
    /// none is over since the first arrival.
    pub fn mean_rps(&self, app: AppId, now: Time) -> Option<f64> {
        let Bins { first, counts } = &self.apps[app.index()];
        let (current, first) = (now.0 / self.bin.0, (*first)?);
        let from = first.max(current.saturating_sub(self.bins));
        if from >= current {
            return None;
        }
        let counted = counts.iter().filter(|(bin, _)| (from..current).contains(bin));
        let arrivals: u64 = counted.map(|(_, count)| count).sum();
        Some(arrivals as f64 / ((current - from) as f64 * self.bin.as_s()))
    }
}

impl Bins {
    fn count(&mut self, bin: u64, bins: u64) {
        self.first = Some(self.first.map_or(bin, |first| first.min(bin)));
        match self.counts.iter_mut().rev().find(|(other, _)| *other <= bin) {
            Some((other, count)) if *other == bin => *count += 1,
            // Requests are seen in order of arrival, but for those whose peek took longer.
            _ => {
                let at = self.counts.partition_point(|(other, _)| *other < bin);
                self.counts.insert(at, (bin, 1));
            }
        }
        let newest = self.counts.back().map_or(bin, |(newest, _)| *newest);
        while self.counts.front().is_some_and(|(oldest, _)| oldest + bins < newest) {
            self.counts.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_that_are_over_count() {
        let mut rates = ArrivalRates { bin: Span(100), bins: 3, apps: vec![Bins::default()] };
        let at = |rates: &ArrivalRates, now| rates.mean_rps(AppId(0), Time(now));
        assert_eq!(at(&rates, 1_000), None);
        let second = 1e9;
        for arrival in [210, 220, 350, 305, 260, 410] {
            rates.apps[0].count(arrival / 100, 3);
        }
        // The bin of the first arrival is not over.
        assert_eq!(at(&rates, 299), None);
        assert_eq!(at(&rates, 300), Some(3.0 / 100.0 * second));
        assert_eq!(at(&rates, 400), Some(5.0 / 200.0 * second));
        assert_eq!(at(&rates, 599), Some(6.0 / 300.0 * second));
        // The oldest bin has left the window.
        assert_eq!(at(&rates, 600), Some(3.0 / 300.0 * second));
        assert_eq!(at(&rates, 900), Some(0.0));
    }
}
