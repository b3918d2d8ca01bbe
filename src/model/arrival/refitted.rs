//! Recorded arrivals refitted: all clocks of an application start together, its recording is cut
//! into intervals, and each interval's rate and coefficient of variation of gaps are kept, nothing
//! else of its times. Requests arrive by gamma gaps of that variation. The first gap of an interval
//! is what is left of a gap that someone meets who looks in at any time, so that the mean number in
//! each is as recorded however they vary. A
//! rate scales all intervals alike, `cv_factor` their variation. Requests are drawn with
//! replacement; an interval of less than three requests counts as Poisson.

use super::recorded::recorded;
use super::timed::{self, Start, Times, span_ns};
use super::{ArrivalPlan, Pace, Process};
use crate::domain::AppId;
use crate::input::{Fields, Problem};
use crate::model::catalog::Catalog;
use crate::rng::gamma;
use crate::units::{Span, Time};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::sync::Arc;

/// What an interval keeps of its requests.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Interval {
    count: u64,
    cv: f64,
}

pub(super) fn read(fields: &mut Fields<'_>) -> Process {
    let interval = Span::from_s(fields.number("interval_s", 1e-3..=1e9, 60.0));
    let cv_factor = fields.number("cv_factor", 0.01..=100.0, 1.0);
    Process::Whole(Arc::new(move |plan, catalog, rng| {
        let (mut starts, mut natural, mut mix) = (Vec::new(), Vec::new(), plan.mix.clone());
        for app in catalog.app_ids() {
            let intervals = match plan.mix[app.index()] {
                0.0 => vec![Interval { count: 1, cv: 1.0 }],
                _ => fit(&stamps(plan, catalog, app)?, interval),
            };
            let count: u64 = intervals.iter().map(|interval| interval.count).sum();
            natural.push(count as f64 / (interval.as_s() * intervals.len() as f64));
            starts.push(start(intervals, interval, cv_factor));
        }
        let mut plan = plan.clone();
        if plan.pace == Pace::Own {
            // As recorded, whatever the mix says of those that arrive at all.
            mix.iter_mut().zip(&natural).for_each(|(mix, natural)| {
                *mix = if *mix > 0.0 { *natural } else { 0.0 };
            });
            let total: f64 = mix.iter().sum();
            plan.mix = mix.iter().map(|rate| rate / total).collect();
            plan.pace = Pace::Rate(total);
        }
        timed::build(&starts, &plan, catalog, rng)
    }))
}

/// When requests of an application were recorded, all clocks starting together.
fn stamps(plan: &ArrivalPlan, catalog: &Catalog, app: AppId) -> Result<Vec<u64>, Problem> {
    let (trace, sources) = recorded(plan, catalog, app)?;
    let rows = sources.iter().flat_map(|source| source.rows.iter());
    let mut stamps: Vec<u64> = rows.map(|row| trace.offset_ns[*row as usize]).collect();
    stamps.sort_unstable();
    Ok(stamps)
}

/// Rate and variation interval by interval, from the first stamp's to the last's.
fn fit(stamps: &[u64], length: Span) -> Vec<Interval> {
    let of = |stamp: &u64| stamp / length.0;
    let (Some(first), Some(last)) = (stamps.first().map(of), stamps.last().map(of)) else {
        return vec![Interval { count: 1, cv: 1.0 }];
    };
    let inside = |at: u64| {
        let begin = stamps.partition_point(|stamp| of(stamp) < at);
        let end = stamps.partition_point(|stamp| of(stamp) <= at);
        &stamps[begin..end]
    };
    (first..=last).map(|at| Interval::of(inside(at))).collect()
}

impl Interval {
    fn of(stamps: &[u64]) -> Self {
        let gaps: Vec<f64> = stamps.windows(2).map(|pair| (pair[1] - pair[0]) as f64).collect();
        let count = stamps.len() as u64;
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        if gaps.len() < 2 || mean == 0.0 {
            return Self { count, cv: 1.0 };
        }
        let square = gaps.iter().map(|gap| (gap - mean) * (gap - mean)).sum::<f64>();
        let variance = square / (gaps.len() - 1) as f64;
        Self { count, cv: libm::sqrt(variance) / mean }
    }
}

/// Starts at the first interval, all scaled to a mean rate.
fn start(intervals: Vec<Interval>, length: Span, cv_factor: f64) -> Start {
    let intervals: Arc<[Interval]> = intervals.into();
    let count: u64 = intervals.iter().map(|interval| interval.count).sum();
    let natural = count as f64 / (length.as_s() * intervals.len() as f64);
    Arc::new(move |rate_rps, _| {
        // Gaps of mean 1 that an interval holds for each of its recorded requests.
        let factor = rate_rps / natural;
        let (intervals, length_ns) = (Arc::clone(&intervals), length.0 as f64);
        Box::new(Refitted {
            intervals,
            length_ns,
            factor,
            cv_factor,
            cycles: 0,
            at: 0,
            within: 0.0,
            fresh: true,
        })
    })
}

struct Refitted {
    intervals: Arc<[Interval]>,
    length_ns: f64,
    factor: f64,
    cv_factor: f64,
    /// Intervals of the rounds that are over.
    cycles: u64,
    at: usize,
    /// The part of the interval that is over, from 0 to 1.
    within: f64,
    /// Whether nothing has arrived in it yet.
    fresh: bool,
}

impl Times for Refitted {
    fn next_time(&mut self, rng: &mut ChaCha8Rng) -> Time {
        loop {
            let Interval { count, cv } = self.intervals[self.at];
            // Gaps below a hundredth of variation are as good as equal; shapes stay finite.
            let cv = (cv * self.cv_factor).clamp(0.01, 1e3);
            let shape = 1.0 / (cv * cv);
            // Long gaps are met more often, which for gamma gaps adds one to the shape.
            let gap = if self.fresh {
                rng.random::<f64>() * gamma(shape + 1.0, rng) / shape
            } else {
                gamma(shape, rng) / shape
            };
            let held = count as f64 * self.factor;
            if gap < held * (1.0 - self.within) {
                self.within += gap / held;
                self.fresh = false;
                let passed = (self.cycles + self.at as u64) as f64 + self.within;
                return Time::ZERO + span_ns(passed * self.length_ns);
            }
            (self.at, self.within, self.fresh) = (self.at + 1, 0.0, true);
            if self.at == self.intervals.len() {
                (self.at, self.cycles) = (0, self.cycles + self.intervals.len() as u64);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Label, Rng};
    use crate::units::NS_PER_S;

    #[test]
    fn intervals_are_fitted_by_hand() {
        // Ten-second intervals: gaps 1, 3; nothing; one lone request.
        let s = |s: u64| s * NS_PER_S;
        let fitted = fit(&[s(11), s(12), s(15), s(35)], Span(s(10)));
        let cv = 2f64.sqrt() / 2.0;
        let interval = |count, cv| Interval { count, cv };
        assert_eq!(fitted, [interval(3, cv), interval(0, 1.0), interval(1, 1.0)]);
    }

    #[test]
    fn counts_of_intervals_are_kept_on_average() {
        let intervals = vec![
            Interval { count: 30, cv: 3.0 },
            Interval { count: 0, cv: 1.0 },
            Interval { count: 10, cv: 0.3 },
        ];
        let mut rng = Rng::new(2, 0).stream(Label::Arrivals);
        // 40 requests in 3 s on average, twice as fast.
        let mut times = start(intervals, Span(NS_PER_S), 1.0)(80.0 / 3.0, &mut rng);
        let mut counts = [0u32; 3];
        let cycles = 4000.0;
        loop {
            let at = times.next_time(&mut rng).as_s();
            if at >= 3.0 * cycles {
                break;
            }
            counts[(at as usize) % 3] += 1;
        }
        assert_eq!(counts[1], 0);
        // A count has a variance of about cv² times its mean; five standard errors.
        for (at, mean, cv) in [(0, 60.0, 3.0), (2, 20.0, 1.0)] {
            let error = cv * f64::sqrt(mean / cycles);
            let found = f64::from(counts[at]) / cycles;
            assert!((found - mean).abs() < 5.0 * error, "{at}: {found}");
        }
    }
}
