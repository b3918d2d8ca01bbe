//! How long the runs that are left will take, from the seconds of those that are finished.
//!
//! Costs of runs differ by orders of magnitude, so runs are not counted. A run of a configuration
//! of which some run is finished is expected to take as long as these; any other as long per
//! request as finished runs do. Threads share what is left.

use std::collections::BTreeMap;

/// In this many seconds an estimate forgets most of what it was.
const MEMORY_S: f64 = 5.0;

/// What is known of the runs of a configuration.
#[derive(Clone, Copy, Debug, Default)]
struct Known {
    /// The size of a run.
    size: f64,
    /// Runs to be made.
    left: usize,
    /// Runs that this process finished, and their seconds.
    own: (usize, f64),
    /// Runs that earlier processes finished, whose machine may have been another.
    earlier: (usize, f64),
}

impl Known {
    /// The mean seconds of finished runs, of this process if there are some.
    fn seconds(&self) -> Option<f64> {
        let (count, seconds) = if self.own.0 > 0 { self.own } else { self.earlier };
        (count > 0).then(|| seconds / count as f64)
    }
}

/// An estimate of the time until all runs are finished.
#[derive(Clone, Debug)]
pub(super) struct RemainingTime {
    by_configuration: BTreeMap<usize, Known>,
    threads: f64,
    /// The estimate, and when it was made, in seconds.
    last: Option<(f64, f64)>,
}

impl RemainingTime {
    /// Of no run yet.
    pub fn new(threads: usize) -> Self {
        Self { by_configuration: BTreeMap::new(), threads: threads.max(1) as f64, last: None }
    }

    /// Adds a run of this size: one that took an earlier process so many seconds, or one that is
    /// to be made.
    pub fn add(&mut self, configuration: usize, size: f64, earlier_s: Option<f64>) {
        let known = self.by_configuration.entry(configuration).or_default();
        known.size = size;
        match earlier_s {
            Some(seconds) => add(&mut known.earlier, seconds),
            None => known.left += 1,
        }
    }

    /// Takes note of a run that this process finished; how many seconds the others will take,
    /// `now` seconds after the start.
    pub fn finished(&mut self, configuration: usize, seconds: f64, now: f64) -> f64 {
        if let Some(known) = self.by_configuration.get_mut(&configuration) {
            known.left = known.left.saturating_sub(1);
            add(&mut known.own, seconds);
        }
        let estimate = self.estimate();
        let smooth = match self.last {
            Some((before, at)) if estimate > 0.0 => {
                let passed = (now - at).max(0.0);
                let expected = (before - passed).max(0.0);
                expected + (estimate - expected) * (passed / MEMORY_S).min(1.0)
            }
            _ => estimate,
        };
        self.last = Some((smooth, now));
        smooth
    }

    /// The seconds until all runs are finished, by what is known now.
    fn estimate(&self) -> f64 {
        let all = || self.by_configuration.values();
        let known = || all().filter_map(|known| Some((known.seconds()?, known.size)));
        let (seconds, sizes) = known().fold((0.0, 0.0), |sum, own| (sum.0 + own.0, sum.1 + own.1));
        let by_size = seconds / sizes.max(f64::MIN_POSITIVE);
        let cost = |known: &Known| known.seconds().unwrap_or(by_size * known.size);
        all().map(|known| known.left as f64 * cost(known)).sum::<f64>() / self.threads
    }
}

fn add((count, sum): &mut (usize, f64), seconds: f64) {
    *count += 1;
    *sum += seconds;
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs of these configurations one after the other, each with a cost: what was estimated
    /// after each, and what was then left.
    fn course(remaining: &mut RemainingTime, runs: &[(usize, f64)]) -> Vec<(f64, f64)> {
        let total: f64 = runs.iter().map(|(_, cost)| cost).sum();
        let mut now = 0.0;
        let step = |(configuration, cost): &(usize, f64)| {
            now += cost;
            (remaining.finished(*configuration, *cost, now), total - now)
        };
        runs.iter().map(step).collect()
    }

    #[test]
    fn cheap_runs_before_expensive_ones_do_not_mislead() {
        // A request costs the same everywhere, and one configuration has a hundred times as many.
        let runs: Vec<(usize, f64)> = [vec![(0, 0.1); 50], vec![(1, 10.0); 50]].concat();
        let mut remaining = RemainingTime::new(1);
        runs.iter().for_each(|(at, _)| remaining.add(*at, [1e3, 1e5][*at], None));
        for (done, (estimate, left)) in course(&mut remaining, &runs).into_iter().enumerate() {
            assert!((estimate - left).abs() <= 1e-6 * left + 1e-6, "{done}: {estimate} of {left}");
        }
        // By counting runs, half of them would have promised as short a time as they took: 5 s.
    }

    #[test]
    fn an_unknown_scheduler_moves_the_estimate_by_degrees() {
        // Both configurations have as many requests, and one takes ten times as long.
        let runs: Vec<(usize, f64)> = [(0, 1.0), (1, 10.0)].repeat(20);
        let mut remaining = RemainingTime::new(1);
        runs.iter().for_each(|(at, _)| remaining.add(*at, 1e3, None));
        let course = course(&mut remaining, &runs);
        for (estimate, left) in &course[2..] {
            assert!((estimate - left).abs() <= 0.02 * left + 1e-6, "{estimate} of {left}");
        }
        // Two estimates differ by what passed in between: nothing jumps.
        for pair in course[2..].windows(2) {
            let [(before, was), (after, is)] = pair else { panic!("two") };
            assert!(((before - after) - (was - is)).abs() < 0.5, "{before} to {after}");
        }
    }

    #[test]
    fn runs_of_an_earlier_process_tell_costs_and_do_not_count_as_speed() {
        let mut remaining = RemainingTime::new(2);
        (0..90).for_each(|_| remaining.add(0, 1e3, Some(4.0)));
        (0..10).for_each(|_| remaining.add(0, 1e3, None));
        (0..10).for_each(|_| remaining.add(1, 1e3, None));
        // Nine of this configuration by its own speed, ten of the other by its size; two threads.
        let estimate = remaining.finished(0, 2.0, 2.0);
        assert!((estimate - 19.0).abs() < 1e-9, "{estimate}");
        assert_eq!(RemainingTime::new(1).finished(0, 1.0, 1.0), 0.0);
    }
}
