//! Rates of arrivals by application, counted in bins of equal length.
//!
//! A request counts in the bin of its arrival, whenever it is seen, and once: not again when it
//! returns from a worker that failed. O(1) per arrival, O(bins) per question.

use crate::contract::{Trigger, View};
use crate::core::ids::AppId;
use crate::core::units::{Span, Time};
use crate::system::catalog::Catalog;
use std::collections::VecDeque;
use std::ops::Range;

pub struct ArrivalRates {
    bin: Span,
    bins: u64,
    /// The beginning of the first bin.
    origin: Origin,
    apps: Vec<Bins>,
}

/// Where bins begin.
#[derive(Clone, Copy)]
enum Origin {
    Zero,
    /// The first arrival that was seen, once there is one.
    FirstArrival(Option<Time>),
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
        let apps = vec![Bins::default(); catalog.app_ids().len()];
        Self { bin, bins, origin: Origin::Zero, apps }
    }

    /// The same with bins that begin at the first arrival.
    pub fn from_first_arrival(catalog: &Catalog, bin: Span, bins: u64) -> Self {
        Self { origin: Origin::FirstArrival(None), ..Self::new(catalog, bin, bins) }
    }

    /// The first arrival, if bins begin there.
    pub fn first_arrival(&self) -> Option<Time> {
        match self.origin {
            Origin::Zero => None,
            Origin::FirstArrival(first) => first,
        }
    }

    /// The bin of an instant.
    fn bin_at(&self, time: Time) -> u64 {
        let origin = self.first_arrival().unwrap_or(Time::ZERO);
        time.since(origin).0 / self.bin.0
    }

    pub fn take_in(&mut self, view: &View<'_>, trigger: Trigger<'_>) {
        for id in trigger.arrived {
            if let Some(request) = view.request(*id)
                && !view.is_returned(*id)
            {
                if let Origin::FirstArrival(first @ None) = &mut self.origin {
                    *first = Some(request.arrival);
                }
                let bin = self.bin_at(request.arrival);
                self.apps[request.app.index()].count(bin, self.bins);
            }
        }
    }

    /// The length of a bin.
    pub fn bin(&self) -> Span {
        self.bin
    }

    /// Whether a request of the application has arrived.
    pub fn has_arrived(&self, app: AppId) -> bool {
        self.apps[app.index()].first.is_some()
    }

    /// Arrivals per second over the bins that are over, at most the last ones; `None` as long as
    /// none is over since the first arrival.
    pub fn mean_rps(&self, app: AppId, now: Time) -> Option<f64> {
        self.recent_rps(app, now, self.bins)
    }

    /// The same over so many bins at most.
    pub fn recent_rps(&self, app: AppId, now: Time, bins: u64) -> Option<f64> {
        let over = self.over(app, now, bins)?;
        let counted = self.apps[app.index()].counts.iter().filter(|(bin, _)| over.contains(bin));
        let arrivals: u64 = counted.map(|(_, count)| count).sum();
        Some(arrivals as f64 / ((over.end - over.start) as f64 * self.bin.as_s()))
    }

    /// The same as a mean with weights that fall by c / (1 + c) from bin to bin into the past, for
    /// a centre of mass c.
    pub fn ewma_rps(&self, app: AppId, now: Time, centre: f64) -> Option<f64> {
        let over = self.over(app, now, self.bins)?;
        let mut counts = self.apps[app.index()].counts.iter().rev().peekable();
        let (mut weight, mut arrivals, mut bins) = (1.0, 0.0, 0.0);
        for bin in over.rev() {
            while counts.next_if(|(other, _)| *other > bin).is_some() {}
            let count = counts.next_if(|(other, _)| *other == bin).map_or(0, |(_, count)| *count);
            arrivals += weight * count as f64;
            bins += weight;
            weight *= centre / (1.0 + centre);
        }
        Some(arrivals / (bins * self.bin.as_s()))
    }

    /// The bins that are over, at most so many; `None` if there is none.
    fn over(&self, app: AppId, now: Time, bins: u64) -> Option<Range<u64>> {
        let (current, first) = (self.bin_at(now), self.apps[app.index()].first?);
        let over = first.max(current.saturating_sub(bins))..current;
        (!over.is_empty()).then_some(over)
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
        let mut rates = ArrivalRates {
            bin: Span(100),
            bins: 3,
            origin: Origin::Zero,
            apps: vec![Bins::default()],
        };
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

    #[test]
    fn recent_bins_weigh_more() {
        let mut rates = ArrivalRates {
            bin: Span(100),
            bins: 3,
            origin: Origin::Zero,
            apps: vec![Bins::default()],
        };
        for arrival in [10, 20, 210, 220, 230, 240, 310] {
            rates.apps[0].count(arrival / 100, 3);
        }
        // Of the bins with 4, 0 and 2 arrivals, newest first, the second counts half as much.
        let mean = (4.0 + 0.25 * 2.0) / 1.75 / 100.0 * 1e9;
        assert_eq!(rates.ewma_rps(AppId(0), Time(300), 1.0), Some(mean));
        assert_eq!(rates.recent_rps(AppId(0), Time(300), 1), Some(4.0 / 100.0 * 1e9));
        assert_eq!(rates.ewma_rps(AppId(0), Time(99), 1.0), None);
    }
}
