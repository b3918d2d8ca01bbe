//! The link between the host of requests and a remote worker.
//!
//! Payloads are sent one after another, in the order in which batches were assigned, each at the
//! full rate of the uplink; a batch arrives half a round trip after its last bit was sent, and its
//! answers are back half a round trip after it was computed. Answers are small: the downlink has no
//! queue. A link belongs to one worker.
//!
//! The rate is constant or a table over time, `time_s,mbps`: every row holds until the next, the
//! last as long as the one before it, and then the table repeats. Instants are found by bisection.
//! Schedulers do not know the future of a table: they see its current rate and expect it to stay.

use crate::config::Problem;
use crate::config::csv::Table;
use crate::config::source::Source;
use crate::core::units::{NS_PER_S, Span, Time};
use std::ops::RangeInclusive;
use std::sync::Arc;

/// The longest row of a table, a day.
const MAX_STEP_NS: u64 = 86_400 * NS_PER_S;

/// A link.
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    /// Round-trip time.
    pub rtt: Span,
    /// The rate at which payloads are sent.
    pub uplink: Uplink,
    /// Power of the sender while it sends, in watts.
    pub power_w: Option<f64>,
}

/// The rate at which payloads are sent.
#[derive(Clone, Debug, PartialEq)]
pub enum Uplink {
    /// Unlimited: sending takes no time.
    Endless,
    /// A constant number of bits per second, more than 0.
    Constant(u64),
    /// A table over time.
    Table(Arc<Bandwidth>),
}

/// Rates over time, repeated without end.
#[derive(Clone, Debug, PartialEq)]
pub struct Bandwidth {
    /// (end in ns since the beginning of the table, bits per second); rates are more than 0.
    steps: Vec<(u64, u64)>,
    /// Work done since the beginning of the table at the end of each step.
    sums: Vec<Work>,
    /// Work of the whole table.
    whole: Work,
}

/// Bits times nanoseconds per second: a rate of r bits per second does r · t of it in t ns.
type Work = u128;

fn work(bytes: u64) -> Work {
    u128::from(bytes) * 8 * u128::from(NS_PER_S)
}

/// The time that work takes at a rate, to the nearest ns.
fn span(work: Work, bps: u64) -> Span {
    let (bps, half) = (u128::from(bps.max(1)), u128::from(bps / 2));
    Span(u64::try_from((work + half) / bps).unwrap_or(u64::MAX))
}

/// Rates in Mbit/s that a link may have.
pub const MBPS: RangeInclusive<f64> = 1e-3..=1e9;

/// A rate in bits per second, at least 1.
pub fn bps(mbps: f64) -> u64 {
    ((mbps * 1e6).round() as u64).max(1)
}

impl Link {
    /// Propagation delay: half a round trip.
    #[inline]
    pub fn one_way(&self) -> Span {
        Span(self.rtt.0 / 2)
    }

    /// Whether the rate changes.
    pub fn varies(&self) -> bool {
        matches!(self.uplink, Uplink::Table(_))
    }

    /// The end of sending bytes that begins at `start`.
    pub fn sent(&self, start: Time, bytes: u64) -> Time {
        match &self.uplink {
            Uplink::Table(table) => table.sent(start, work(bytes)),
            _ => start + at_rate(self.rate_bps(start), bytes),
        }
    }

    /// Whole bytes that can be sent between two instants; 0 if sending takes no time.
    pub fn carries(&self, from: Time, to: Time) -> u64 {
        let sent = match &self.uplink {
            Uplink::Endless => 0,
            Uplink::Constant(bps) => u128::from(*bps) * u128::from(to.since(from).0),
            Uplink::Table(table) => table.between(from, to),
        };
        u64::try_from(sent / work(1)).unwrap_or(u64::MAX)
    }

    /// Bits per second at an instant; `None` if sending takes no time.
    pub fn rate_bps(&self, now: Time) -> Option<u64> {
        self.rate_by(|table| table.at(now).1)
    }

    /// Bits per second on average; `None` if sending takes no time.
    pub fn mean_bps(&self) -> Option<u64> {
        self.rate_by(Bandwidth::mean_bps)
    }

    fn rate_by(&self, of_table: impl FnOnce(&Bandwidth) -> u64) -> Option<u64> {
        match &self.uplink {
            Uplink::Endless => None,
            Uplink::Constant(bps) => Some(*bps),
            Uplink::Table(table) => Some(of_table(table)),
        }
    }

    /// The end, as expected at `now`, of sending bytes that will in fact be sent at `end`; the
    /// uplink is expected to be free for them at `free`.
    pub fn believed_sent(&self, now: Time, free: Time, end: Time, bytes: u64) -> Time {
        match &self.uplink {
            Uplink::Table(table) if end > now => {
                let left = work(bytes).min(table.between(now, end));
                free.max(now) + span(left, table.at(now).1)
            }
            _ => end,
        }
    }
}

/// The time it takes to send bytes at a constant rate; none if there is no limit.
#[inline]
pub fn at_rate(bps: Option<u64>, bytes: u64) -> Span {
    bps.map_or(Span::ZERO, |bps| span(work(bytes), bps))
}

impl Bandwidth {
    /// Reads a table.
    ///
    /// # Errors
    /// Rates out of range, and times that do not increase from 0.
    pub fn parse(source: &Source) -> Result<Self, Problem> {
        let table = Table::parse(source)?;
        if let Some(problem) = table.refuse_unknown(|n| COLUMNS.contains(&n), &COLUMNS) {
            return Err(problem);
        }
        let (time, mbps) = (table.column(COLUMNS[0])?, table.column(COLUMNS[1])?);
        let mut steps: Vec<(u64, u64)> = Vec::new();
        let (mut start, mut last) = (0, NS_PER_S);
        for (at, row) in table.rows().enumerate() {
            let ns = row.decimal(time, 9)?;
            let rate = row.number(mbps)?;
            if !MBPS.contains(&rate) {
                return Err(row.problem(mbps, "a rate from 0.001 to 1e9"));
            }
            if at == 0 && ns != 0 {
                return Err(row.problem(time, "0 in the first row"));
            }
            if let Some(before) = steps.last_mut() {
                if ns <= start || ns - start > MAX_STEP_NS {
                    return Err(row.problem(time, "a later time, by a day at most"));
                }
                (before.0, last) = (ns, ns - start);
            }
            start = ns;
            steps.push((ns + last, bps(rate)));
        }
        let (mut whole, mut from) = (0, 0);
        let sums = steps.iter().map(|(end, rate)| {
            whole += Work::from(*rate) * Work::from(end - std::mem::replace(&mut from, *end));
            whole
        });
        let sums = sums.collect();
        Ok(Self { steps, sums, whole })
    }

    /// The end of the step at an instant, counted from there on, and its rate.
    fn at(&self, now: Time) -> (Span, u64) {
        let Some((period, _)) = self.steps.last().copied() else { return (Span(u64::MAX), 1) };
        let into = now.0 % period;
        let at = self.steps.partition_point(|(end, _)| *end <= into);
        let (end, rate) = self.steps[at];
        (Span(end - into), rate)
    }

    fn period(&self) -> u64 {
        self.steps.last().map_or(1, |(end, _)| *end)
    }

    fn mean_bps(&self) -> u64 {
        u64::try_from(self.whole / Work::from(self.period())).unwrap_or(u64::MAX).max(1)
    }

    fn sent(&self, start: Time, left: Work) -> Time {
        let period = self.period();
        let rounds = u64::try_from(left / self.whole.max(1)).unwrap_or(u64::MAX);
        let left = left - u128::from(rounds) * self.whole;
        let now = start + Span(rounds.saturating_mul(period));
        let (span_left, rate) = self.at(now);
        if u128::from(rate) * u128::from(span_left.0) >= left || now == Time::MAX {
            return now + span(left, rate);
        }
        // The end is in this round of the table or in the next.
        let mut wanted = self.total(Time(now.0 % period)) + left;
        let mut begun = Span(now.0 - now.0 % period);
        if wanted > self.whole {
            wanted -= self.whole;
            begun += Span(period);
        }
        let at = self.sums.partition_point(|sum| *sum < wanted);
        let Some((_, rate)) = self.steps.get(at) else { return Time::MAX };
        let (from, sum) = self.before(at);
        Time::ZERO + begun + Span(from) + span(wanted - sum, *rate)
    }

    /// Work between two instants.
    fn between(&self, from: Time, to: Time) -> Work {
        if from < to { self.total(to) - self.total(from) } else { 0 }
    }

    /// The beginning of a step, and the work before it, since the beginning of the table.
    fn before(&self, step: usize) -> (u64, Work) {
        step.checked_sub(1).map_or((0, 0), |before| (self.steps[before].0, self.sums[before]))
    }

    /// Work from the beginning of the clock to an instant.
    fn total(&self, to: Time) -> Work {
        let Some((period, _)) = self.steps.last().copied() else { return Work::from(to.0) };
        let into = to.0 % period;
        let at = self.steps.partition_point(|(end, _)| *end <= into);
        let (from, sum) = self.before(at);
        let step = Work::from(self.steps[at].1) * Work::from(into - from);
        Work::from(to.0 / period) * self.whole + sum + step
    }
}

/// The columns of a table of rates.
pub const COLUMNS: [&str; 2] = ["time_s", "mbps"];

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str) -> Result<Bandwidth, Problem> {
        let text = format!("time_s,mbps\n{text}");
        Bandwidth::parse(&Source { path: "b.csv".into(), text, sha256: String::new() })
    }

    fn link(uplink: Uplink) -> Link {
        Link { rtt: Span(7), uplink, power_w: None }
    }

    #[test]
    fn a_constant_rate_takes_bits_over_rate() {
        let link = link(Uplink::Constant(bps(20.0)));
        // 2,400 bytes are 19,200 bits: 0.96 ms at 20 Mbit/s.
        assert_eq!(link.sent(Time(5), 2_400), Time(960_005));
        assert_eq!(link.one_way(), Span(3));
        // A byte takes 400 ns.
        assert_eq!(link.carries(Time(5), Time(960_005)), 2_400);
        assert_eq!(link.carries(Time(5), Time(960_004)), 2_399);
        assert_eq!(link.carries(Time(5), Time(4)), 0);
    }

    #[test]
    fn a_table_repeats() {
        // 1 Mbit/s for a second, 2 for two, 4 for two: 13 Mbit in 5 s.
        let uplink = Uplink::Table(Arc::new(table("0,1\n1,2\n3,4\n").unwrap()));
        let link = link(uplink);
        let s = |s: f64| Time::ZERO + Span::from_s(s);
        let bytes = |mbit: f64| (mbit * 125_000.0) as u64;
        assert_eq!(link.sent(s(0.0), bytes(1.0)), s(1.0));
        assert_eq!(link.sent(s(0.5), bytes(2.5)), s(2.0));
        assert_eq!(link.sent(s(4.0), bytes(4.5)), s(5.5));
        assert_eq!(link.sent(s(0.0), bytes(13.0 * 7.0 + 3.0)), s(37.0));
        assert_eq!(link.rate_bps(s(12.5)), Some(2_000_000));
        assert_eq!(link.mean_bps(), Some(2_600_000));
        assert_eq!(link.carries(s(0.5), s(2.0)), bytes(2.5));
    }

    #[test]
    fn short_steps_are_summed_up() {
        // 5 bits a nanosecond, then 7, for a second of the clock and for all of it.
        let link = link(Uplink::Table(Arc::new(table("0,5000\n0.000000001,7000\n").unwrap())));
        assert_eq!(link.carries(Time::ZERO, Time(NS_PER_S)), 750_000_000);
        assert_eq!(link.carries(Time(1), Time(NS_PER_S)), 749_999_999);
        assert_eq!(link.sent(Time::ZERO, 750_000_000), Time(NS_PER_S));
        // 64 bits are left, at 5 a nanosecond.
        let seems = link.believed_sent(Time(NS_PER_S), Time::ZERO, Time::MAX, 8);
        assert_eq!(seems, Time(NS_PER_S + 13));
    }

    #[test]
    fn bisection_agrees_with_a_walk_through_the_steps() {
        let bandwidth = table("0,1\n0.000001,9\n0.0000035,2\n0.000004,1000\n").unwrap();
        let rate = |at: u64| bandwidth.at(Time(at)).1;
        for from in 0..40 {
            let (from, mut sent) = (from * 251, 0);
            for to in from..from + 9000 {
                assert_eq!(bandwidth.between(Time(from), Time(to)), sent, "{from} to {to}");
                if to % 97 == 0 {
                    assert!(bandwidth.sent(Time(from), sent) <= Time(to), "{from} to {to}");
                    assert!(bandwidth.sent(Time(from), sent + 1) >= Time(to), "{from} to {to}");
                }
                sent += Work::from(rate(to));
            }
        }
    }

    #[test]
    fn beliefs_keep_the_rate_of_the_moment() {
        let link = link(Uplink::Table(Arc::new(table("0,1\n1,2\n3,4\n").unwrap())));
        let s = |s: f64| Time::ZERO + Span::from_s(s);
        // 3 Mbit from 0.5 on: at 0.75 there are 2.75 left, which seem to take as many seconds.
        let end = link.sent(s(0.5), 375_000);
        assert_eq!(end, s(2.25));
        assert_eq!(link.believed_sent(s(0.75), s(0.0), end, 375_000), s(3.5));
        // Of what comes behind it nothing has been sent.
        let next = link.sent(end, 125_000);
        assert_eq!(link.believed_sent(s(0.75), s(3.5), next, 125_000), s(4.5));
        assert_eq!(link.believed_sent(s(2.5), s(0.0), end, 375_000), end);
    }

    #[test]
    fn bad_tables_are_refused() {
        for (text, said) in [
            ("1,5\n", "b.csv:2: `time_s`: found `1`, expected 0 in the first row"),
            ("0,5\n0,6\n", "b.csv:3: `time_s`: found `0`, expected a later time"),
            ("0,0\n", "b.csv:2: `mbps`: found `0`, expected a rate"),
            ("0,nan\n", "b.csv:2: `mbps`: found `nan`"),
        ] {
            let problem = table(text).unwrap_err().to_string();
            assert!(problem.starts_with(said), "{text:?}: {problem}");
        }
        assert_eq!(table("0,5\n").unwrap().steps, [(NS_PER_S, 5_000_000)]);
    }
}
