//! Time and money of a call: tables and formulas of a file (`cost_file.rs`), or means of a data
//! set.
//!
//! Costs depend on whether a call is local and on the number of uploaded views alone; there is no
//! noise.

use super::action::Action;
use super::workload::Workload;
use crate::config::{Location, Problem};
use crate::system::link::{Link, at_rate};

/// Seconds and US dollars, spent or to spend.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cost {
    /// Seconds.
    pub latency_s: f64,
    /// US dollars.
    pub usage_usd: f64,
}

/// Totals that exceed a budget by this share of it are within it: a budget of one call's price, to
/// the last digit, is not exceeded by the price of a local call. The tolerance is ours.
const TOLERANCE: f64 = 1e-9;

impl Cost {
    /// The published budget of a dialogue.
    pub const PUBLISHED: Self = Self { latency_s: 30.0, usage_usd: 0.05 };

    /// `of` applied to seconds and to dollars.
    pub(super) fn zip(self, other: Self, of: impl Fn(f64, f64) -> f64) -> Self {
        Self {
            latency_s: of(self.latency_s, other.latency_s),
            usage_usd: of(self.usage_usd, other.usage_usd),
        }
    }

    /// The sum of both.
    pub fn plus(self, other: Self) -> Self {
        self.zip(other, |a, b| a + b)
    }

    /// The difference of both.
    pub fn minus(self, other: Self) -> Self {
        self.zip(other, |a, b| a - b)
    }

    /// Seconds and dollars times `factor`.
    pub fn times(self, factor: f64) -> Self {
        self.zip(self, |part, _| part * factor)
    }

    /// The excess over `budget`, 0 within the tolerance.
    pub fn beyond(self, budget: Self) -> Self {
        self.zip(budget, |spent, budget| {
            if spent > budget + TOLERANCE * budget.abs() { spent - budget } else { 0.0 }
        })
    }

    /// Whether both are within `budget`.
    pub fn within(self, budget: Self) -> bool {
        self.beyond(budget) == Self::default()
    }

    /// Seconds and dollars.
    pub fn parts(self) -> [f64; 2] {
        [self.latency_s, self.usage_usd]
    }

    /// Seconds and dollars as shares of `whole`; 0 where `whole` is 0.
    pub fn shares(self, whole: Self) -> [f64; 2] {
        self.zip(whole, |part, whole| if whole > 0.0 { part / whole } else { 0.0 }).parts()
    }
}

/// The link to the cloud and what is sent over it, so that a simulation can queue the bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct CallLink {
    /// Round-trip time and uplink.
    pub link: Link,
    /// By number of uploaded views: bytes that a call sends, text included.
    pub bytes: Vec<u64>,
    /// By number of uploaded views: seconds of computing in the cloud.
    pub compute_s: Vec<f64>,
}

impl CallLink {
    /// By number of uploaded views: seconds of a call that nothing waits for, at the mean rate of
    /// the uplink: the round trip, the bytes, the computing.
    pub fn latency_s(&self) -> Vec<f64> {
        let call = |(bytes, compute_s): (&u64, &f64)| {
            self.link.rtt.as_s() + at_rate(self.link.mean_bps(), *bytes).as_s() + compute_s
        };
        self.bytes.iter().zip(&self.compute_s).map(call).collect()
    }
}

/// Costs by kind of call ([`Action::call_kind`]).
#[derive(Clone, Debug, PartialEq)]
pub struct Costs {
    /// Seconds. Infinite for a kind of which nothing is known and that no action has.
    pub latency_s: Vec<f64>,
    /// US dollars, as above.
    pub usage_usd: Vec<f64>,
    /// The link that the seconds of cloud calls were computed from, if they were.
    pub link: Option<CallLink>,
}

impl Costs {
    /// Costs of a local call, and by number of uploaded views of cloud calls.
    pub fn of(local: Cost, cloud: impl IntoIterator<Item = Cost>) -> Self {
        let all = std::iter::once(local).chain(cloud);
        let (latency_s, usage_usd) = all.map(|cost| (cost.latency_s, cost.usage_usd)).unzip();
        Self { latency_s, usage_usd, link: None }
    }

    /// The published synthetic sweep: the cloud takes 0.5 + 1.5 k seconds and 0.0005 + 0.004 k
    /// dollars with k views; `local` is the cost of a call on the Jetson TX2.
    pub fn of_sweep(views: usize, local: Cost) -> Self {
        let cloud = |k: usize| Cost {
            latency_s: 0.5 + 1.5 * k as f64,
            usage_usd: 0.0005 + 0.004 * k as f64,
        };
        Self::of(local, (0..=views).map(cloud))
    }

    /// Ours: mean time and cost of the calls of each kind in the data.
    ///
    /// # Errors
    /// Names a kind of call that an action has and that does not occur, and says whether no time or
    /// no price was recorded.
    pub fn observed(workload: &Workload) -> Result<Self, Problem> {
        let place = || Location::file("observed costs");
        let kinds = workload.actions.call_kinds();
        let mut sums = vec![(0.0, 0.0, 0.0); workload.actions.most_uploaded() + 2];
        let turns = || workload.dialogues.iter().flat_map(|dialogue| &dialogue.turns);
        for turn in turns() {
            if let Some(sum) = sums.get_mut(turn.action.call_kind()) {
                *sum = (sum.0 + turn.time_s, sum.1 + turn.cost_usd, sum.2 + 1.0);
            }
        }
        if let Some(kind) = kinds.into_iter().find(|kind| sums[*kind].2 == 0.0) {
            let found = match kind {
                0 => "no local call".to_owned(),
                _ => format!("no cloud call with {} views", kind - 1),
            };
            return Err(Problem::new(place(), found, "calls of every kind"));
        }
        for (what, column) in [("time_s", 0), ("cost_usd", 1)] {
            if turns().all(|turn| [turn.time_s, turn.cost_usd][column] == 0.0) {
                let found = format!("a `{what}` of 0 in every turn");
                return Err(Problem::new(place(), found, "recorded times and prices"));
            }
        }
        // No action has a kind that did not occur.
        let mean = |(time, cost, count): (f64, f64, f64)| {
            let of = |sum: f64| if count > 0.0 { sum / count } else { f64::INFINITY };
            Cost { latency_s: of(time), usage_usd: of(cost) }
        };
        let mut means = sums.into_iter().map(mean);
        let local = means.next().unwrap_or_default();
        Ok(Self::of(local, means))
    }

    /// The same costs with a network that is a link.
    #[must_use]
    pub fn over(self, link: CallLink) -> Self {
        let latency_s = self.latency_s.into_iter().take(1).chain(link.latency_s()).collect();
        Self { latency_s, link: Some(link), ..self }
    }

    /// The largest number of views for which there are costs.
    pub fn views(&self) -> usize {
        self.latency_s.len().min(self.usage_usd.len()).saturating_sub(2)
    }

    /// The cost of an action.
    pub fn of_action(&self, action: Action) -> Cost {
        let kind = action.call_kind();
        Cost { latency_s: self.latency_s[kind], usage_usd: self.usage_usd[kind] }
    }
}

/// The lowest of some values, and the distance to the highest.
pub(super) fn range(values: &[f64]) -> (f64, f64) {
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    (low, high - low)
}

/// The values scaled to 0..=1; all 0 if they are equal.
pub fn normalised(values: &[f64]) -> Vec<f64> {
    let (low, range) = range(values);
    values.iter().map(|v| if range > 0.0 { (v - low) / range } else { 0.0 }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_of_one_price_is_not_exceeded_by_rounding() {
        let budget = Cost { latency_s: 30.0, usage_usd: 0.005 };
        let spent = |usage_usd| Cost { latency_s: 1.0, usage_usd };
        assert!(spent(0.005 * (1.0 + 5e-10)).within(budget));
        assert!(!spent(0.005 + 8e-9).within(budget));
        let over = Cost { latency_s: 31.5, usage_usd: 0.004 }.beyond(budget);
        assert_eq!(over, Cost { latency_s: 1.5, usage_usd: 0.0 });
    }

    #[test]
    fn observed_means_are_those_of_the_calls_and_need_every_kind() {
        use crate::core::rng::Rng;
        let workload = crate::offloading::generate::like_m4a1(500, Rng::new(1, 0));
        let costs = Costs::observed(&workload).unwrap();
        assert_eq!(costs.views(), 3);
        let local: Vec<f64> = workload
            .dialogues
            .iter()
            .flat_map(|d| &d.turns)
            .filter(|t| t.action == Action::Local)
            .map(|t| t.time_s)
            .collect();
        let mean = local.iter().sum::<f64>() / local.len() as f64;
        assert!((costs.latency_s[0] - mean).abs() < 1e-9);
        let mut free = workload.clone();
        free.dialogues.iter_mut().flat_map(|d| &mut d.turns).for_each(|t| t.cost_usd = 0.0);
        let said = Costs::observed(&free).unwrap_err().to_string();
        assert!(said.contains("found a `cost_usd` of 0 in every turn"), "{said}");
        let few = Workload { dialogues: workload.dialogues[..1].to_vec(), ..workload };
        let said = Costs::observed(&few).unwrap_err().to_string();
        assert!(said.contains("found no ") && said.contains("expected calls of every kind"));
    }

    #[test]
    fn a_constant_list_normalises_to_zero() {
        assert_eq!(normalised(&[2.0, 2.0]), [0.0, 0.0]);
        assert_eq!(normalised(&[1.0, 3.0, 2.0]), [0.0, 1.0, 0.5]);
    }
}
