//! Recorded arrivals refitted: all clocks of an application start together, its recording is cut
//! into intervals from its first row on, and only the rate and the coefficient of variation of gaps
//! of each are kept. Requests arrive with gamma gaps of that variation. The first gap of an
//! interval is the residual life of a gap at a random instant, so that the mean count of each
//! interval is as recorded. The last interval ends a mean gap after the last row, where the first
//! comes again: so n rows have the rate (n − 1) / (last − first). A rate scales all intervals,
//! `cv_factor` their variation. Requests are drawn with replacement; an interval of less than three
//! requests is Poisson.

use super::sources::recorded;
use super::steps::Steps;
use super::timed::{self, InterarrivalProcess, StartProcess};
use super::{Process, RateSpec, WorkloadSpec};
use crate::config::{Decoder, Problem, Setting};
use crate::core::ids::AppId;
use crate::core::rng::gamma;
use crate::core::units::{Span, Time};
use crate::system::ground_truth::GroundTruth;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::sync::Arc;

/// The most intervals of a recording: each takes memory.
const MAX_INTERVALS: u64 = 1_000_000;

#[derive(Clone, Copy, Debug, PartialEq)]
struct Interval {
    count: u64,
    cv: f64,
    length: Span,
}

pub(super) const REFIT: &[Setting] = &[
    Setting::number("interval_s", [1e-3, 1e9], 60.0).means(
        "The length of the intervals whose rate and variation are kept, for `replay = \
         \"refitted\"`.",
    ),
    Setting::number("cv_factor", [0.01, 100.0], 1.0).means(
        "What the coefficients of variation are multiplied by, for `replay = \"refitted\"`.",
    ),
];

pub(super) fn read(fields: &mut Decoder<'_>) -> Process {
    let interval = Span::from_s(fields.number("interval_s"));
    let cv_factor = fields.number("cv_factor");
    Process::Whole(Arc::new(move |spec, truth, rng| {
        let (mut starts, mut natural, mut mix) = (Vec::new(), Vec::new(), spec.mix.clone());
        for app in truth.catalog().app_ids() {
            let intervals = match spec.mix[app.index()] {
                0.0 => vec![Interval::of(&[0], interval)],
                _ => fit(&stamps(spec, truth, app, interval)?, interval),
            };
            natural.push(natural_rps(&intervals));
            starts.push(start(intervals, cv_factor));
        }
        let mut spec = spec.clone();
        if spec.pace == RateSpec::Own {
            // As recorded, without regard to the mix of those that arrive.
            mix.iter_mut().zip(&natural).for_each(|(mix, natural)| {
                *mix = if *mix > 0.0 { *natural } else { 0.0 };
            });
            let total: f64 = mix.iter().sum();
            spec.mix = mix.iter().map(|rate| rate / total).collect();
            spec.pace = RateSpec::Rate(total);
        }
        timed::build(&starts, &spec, truth, rng)
    }))
}

/// Recorded instants of an application's requests, all clocks starting together.
fn stamps(
    spec: &WorkloadSpec,
    truth: &GroundTruth,
    app: AppId,
    interval: Span,
) -> Result<Vec<u64>, Problem> {
    let (trace, sources) = recorded(spec, truth, app)?;
    let rows = sources.iter().flat_map(|source| source.rows.iter());
    let mut stamps: Vec<u64> = rows.map(|row| trace.offset_ns[*row as usize]).collect();
    stamps.sort_unstable();
    let (first, last) = (stamps.first().copied(), stamps.last().copied());
    let span = Span(last.unwrap_or(0) - first.unwrap_or(0));
    if span.0 / interval.0 >= MAX_INTERVALS {
        let (name, seconds) = (&truth.catalog().app(app).name, interval.as_s());
        let found = format!("{seconds} s, of which `{name}` has {}", span.0 / interval.0);
        let least = Span(span.0.div_ceil(MAX_INTERVALS)).as_s();
        let expected = format!("{MAX_INTERVALS} intervals at most: {least} s or more");
        return Err(spec.problem("workload.interval_s", found, expected));
    }
    Ok(stamps)
}

/// Rate and variation interval by interval, from the first stamp to a mean gap after the last; an
/// interval of this length where all come at once.
fn fit(stamps: &[u64], length: Span) -> Vec<Interval> {
    let (Some(first), Some(last)) = (stamps.first(), stamps.last()) else {
        return vec![Interval::of(&[0], length)];
    };
    let span = last - first;
    let period = match span {
        0 => length.0,
        // Longer than the span, so that the last stamp is inside.
        _ => span + (span / (stamps.len() as u64 - 1)).max(1),
    };
    let inside = |from: u64| {
        let until = (from + length.0).min(period);
        let place = |end: u64| stamps.partition_point(|stamp| stamp - first < end);
        Interval::of(&stamps[place(from)..place(until)], Span(until - from))
    };
    (0..period.div_ceil(length.0)).map(|at| inside(at * length.0)).collect()
}

impl Interval {
    fn of(stamps: &[u64], length: Span) -> Self {
        let gaps: Vec<f64> = stamps.windows(2).map(|pair| (pair[1] - pair[0]) as f64).collect();
        let count = stamps.len() as u64;
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        if gaps.len() < 2 || mean == 0.0 {
            return Self { count, cv: 1.0, length };
        }
        let square = gaps.iter().map(|gap| (gap - mean) * (gap - mean)).sum::<f64>();
        let variance = square / (gaps.len() - 1) as f64;
        Self { count, cv: libm::sqrt(variance) / mean, length }
    }
}

fn natural_rps(intervals: &[Interval]) -> f64 {
    let count: u64 = intervals.iter().map(|interval| interval.count).sum();
    let length: f64 = intervals.iter().map(|interval| interval.length.as_s()).sum();
    count as f64 / length
}

/// Starts at the first interval, all scaled to a mean rate.
fn start(intervals: Vec<Interval>, cv_factor: f64) -> StartProcess {
    let intervals: Arc<[Interval]> = intervals.into();
    let natural = natural_rps(&intervals);
    Arc::new(move |rate_rps, _| {
        // Gaps of mean 1 per recorded request of an interval.
        let (factor, intervals) = (rate_rps / natural, Arc::clone(&intervals));
        Box::new(Refitted {
            intervals,
            factor,
            cv_factor,
            begun: Span::ZERO,
            at: 0,
            within: 0.0,
            fresh: true,
        })
    })
}

struct Refitted {
    intervals: Arc<[Interval]>,
    factor: f64,
    cv_factor: f64,
    begun: Span,
    at: usize,
    /// The share of the interval that is over.
    within: f64,
    /// Whether no request has arrived in it yet.
    fresh: bool,
}

impl InterarrivalProcess for Refitted {
    fn next_time(&mut self, rng: &mut ChaCha8Rng) -> Time {
        loop {
            let Interval { count, cv, length } = self.intervals[self.at];
            // Below a variation of 0.01 gaps are nearly equal; the limit keeps shapes finite.
            let cv = (cv * self.cv_factor).clamp(0.01, 1e3);
            let shape = 1.0 / (cv * cv);
            // Residual life: gaps are met in proportion to their length, which adds one to the
            // shape.
            let gap = if self.fresh {
                rng.random::<f64>() * gamma(shape + 1.0, rng) / shape
            } else {
                gamma(shape, rng) / shape
            };
            let held = count as f64 * self.factor;
            if gap < held * (1.0 - self.within) {
                self.within += gap / held;
                self.fresh = false;
                return Time::ZERO + self.begun + Span::from_ns(self.within * length.0 as f64);
            }
            self.begun += length;
            if self.begun == Span(u64::MAX) {
                return Time::MAX;
            }
            (self.at, self.within, self.fresh) = ((self.at + 1) % self.intervals.len(), 0.0, true);
        }
    }

    fn steps(&self, requests: f64) -> Option<Steps> {
        let recorded: u64 = self.intervals.iter().map(|interval| interval.count).sum();
        // The first request may come in the last interval of the recording.
        let cycles = requests / (recorded as f64 * self.factor) + 1.0;
        let count = requests + cycles * self.intervals.len() as f64;
        let fewer = "a longer `interval_s`";
        Some(Steps { count, what: "intervals", by_rate: true, fewer })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::rng::{Label, Rng};
    use crate::core::units::NS_PER_S;

    #[test]
    fn intervals_are_fitted_by_hand() {
        // Ten-second intervals from the first: gaps 1, 3; nothing; one lone request; what is left
        // of a mean gap of 8 s.
        let s = |s: u64| s * NS_PER_S;
        let fitted = fit(&[s(11), s(12), s(15), s(35)], Span(s(10)));
        let cv = 2f64.sqrt() / 2.0;
        let interval = |count, cv, length| Interval { count, cv, length: Span(s(length)) };
        let rest = [interval(0, 1.0, 10), interval(1, 1.0, 10), interval(0, 1.0, 2)];
        assert_eq!(fitted[0], interval(3, cv, 10));
        assert_eq!(fitted[1..], rest);
        // Three gaps in 24 s.
        assert!((natural_rps(&fitted) - 3.0 / 24.0).abs() < 1e-12);
        assert_eq!(fit(&[7, 7], Span(s(1))), [interval(2, 1.0, 1)]);
    }

    #[test]
    fn counts_of_intervals_are_kept_on_average() {
        let intervals = vec![
            Interval { count: 30, cv: 3.0, length: Span(NS_PER_S) },
            Interval { count: 0, cv: 1.0, length: Span(NS_PER_S) },
            Interval { count: 10, cv: 0.3, length: Span(NS_PER_S) },
        ];
        let mut rng = Rng::new(2, 0).stream(Label::Arrivals);
        // 40 requests in 3 s on average, twice as fast.
        let mut times = start(intervals, 1.0)(80.0 / 3.0, &mut rng);
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
