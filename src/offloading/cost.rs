//! Time and money of a call: published constants, means of a data set, or physics.
//!
//! Costs depend on whether a call is local and on the number of uploaded views alone; there is no
//! noise.

use super::action::Actions;
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

/// A device of the published tables.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Device {
    /// The published name.
    pub name: &'static str,
    /// Compute rate in 10⁹ operations per second.
    pub gflops: f64,
    /// Greatest power in watts.
    pub watts: f64,
}

/// A network of the published tables.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Network {
    /// The published name.
    pub name: &'static str,
    /// Seconds of a cloud call with 0 to 3 views.
    pub latency_s: [f64; 4],
}

const fn device(name: &'static str, gflops: f64, watts: f64) -> Device {
    Device { name, gflops, watts }
}

/// The published devices; the default is the Jetson TX2.
pub const DEVICES: [Device; 8] = [
    device("Raspberry Pi-4B", 13.5, 8.0),
    device("Raspberry Pi-5", 31.4, 12.0),
    device("Jetson Nano", 472.0, 10.0),
    device("Jetson TX2", 1330.0, 15.0),
    device("Jetson Xavier NX", 21e3, 20.0),
    device("Jetson Orin NX", 100e3, 25.0),
    device("Jetson AGX Orin", 275e3, 60.0),
    device("iPhone 15 Pro", 35e3, 15.0),
];
/// The published networks; the default is the wired one.
pub const NETWORKS: [Network; 4] = [
    Network { name: "Wired", latency_s: [6.46030, 4.76134, 6.24569, 6.98211] },
    Network { name: "WiFi", latency_s: [0.5, 1.898, 2.016, 2.238] },
    Network { name: "5G", latency_s: [0.5, 6.037, 6.412, 7.118] },
    Network { name: "4G", latency_s: [0.5, 16.603, 17.636, 19.573] },
];
/// US dollars of a cloud call with 0 to 3 views, on every network.
const CLOUD_USD: [f64; 4] = [0.00049, 0.00500, 0.00945, 0.01368];
/// Parameters of the local model.
const PARAMETERS: f64 = 3.8e9;
/// Tokens of a prompt and of a whole call.
const TOKENS_BASE: f64 = 1024.0;
const TOKENS_TOTAL: f64 = 2048.0;
/// US dollars of a kilowatt-hour, and joules in one.
const USD_PER_KWH: f64 = 0.1668;
const J_PER_KWH: f64 = 3.6e6;

/// A network that is a link: a call takes a round trip, the upload of its bytes, and computing.
#[derive(Clone, Debug, PartialEq)]
pub struct CallLink {
    /// The link to the cloud.
    pub link: Link,
    /// By number of uploaded views: the bytes of a call.
    pub bytes: Vec<u64>,
    /// By number of uploaded views: the seconds that the cloud computes.
    pub compute_s: Vec<f64>,
}

impl CallLink {
    /// By number of uploaded views: the seconds of a call that is alone on the link, at its mean
    /// rate.
    pub fn latency_s(&self) -> Vec<f64> {
        let call = |(bytes, compute_s): (&u64, &f64)| {
            self.link.rtt.as_s() + at_rate(self.link.mean_bps(), *bytes).as_s() + compute_s
        };
        self.bytes.iter().zip(&self.compute_s).map(call).collect()
    }
}

/// Costs by kind of call ([`Actions::call_kind`]).
#[derive(Clone, Debug, PartialEq)]
pub struct Costs {
    /// Seconds.
    pub latency_s: Vec<f64>,
    /// US dollars.
    pub usage_usd: Vec<f64>,
    /// The network, if it is a link: then `latency_s` of cloud calls is [`CallLink::latency_s`].
    pub link: Option<CallLink>,
}

impl Costs {
    /// The published constants: a local call is F = 2 N / `L_base` · `L_total` operations and costs
    /// its electricity; cloud calls are tables for up to three views.
    pub fn paper(device: Device, network: Network) -> Self {
        Self::tables(device, network, 2.0 * PARAMETERS / TOKENS_BASE * TOKENS_TOTAL)
    }

    /// The published device and network, the Jetson TX2 and the wired one, at published constants.
    pub fn published() -> Self {
        Self::paper(DEVICES[3], NETWORKS[0])
    }

    /// Ours: a local call is F = 2 N · `L_total` operations, two per parameter and token. That is
    /// 1,024 times the published number and near the measured seconds of the data set.
    pub fn physical(device: Device, network: Network) -> Self {
        Self::tables(device, network, 2.0 * PARAMETERS * TOKENS_TOTAL)
    }

    fn tables(device: Device, network: Network, operations: f64) -> Self {
        let seconds = operations / (device.gflops * 1e9);
        let usd = device.watts * seconds * USD_PER_KWH / J_PER_KWH;
        Self::of((seconds, usd), network.latency_s.into_iter().zip(CLOUD_USD))
    }

    /// The published synthetic sweep: the cloud takes 0.5 + 1.5 k seconds and 0.0005 + 0.004 k
    /// dollars, the device is the Jetson TX2.
    pub fn synthetic(views: usize) -> Self {
        let Self { latency_s, usage_usd, .. } = Self::published();
        let cloud = |k: usize| (0.5 + 1.5 * k as f64, 0.0005 + 0.004 * k as f64);
        Self::of((latency_s[0], usage_usd[0]), (0..=views).map(cloud))
    }

    /// Ours: mean time and cost of the calls of each kind in the data.
    ///
    /// # Errors
    /// Names a kind of call that does not occur.
    pub fn observed(workload: &Workload) -> Result<Self, Problem> {
        let mut sums = vec![(0.0, 0.0, 0.0); workload.actions.views() + 2];
        for turn in workload.dialogues.iter().flat_map(|dialogue| &dialogue.turns) {
            let sum = &mut sums[workload.actions.call_kind(turn.action)];
            *sum = (sum.0 + turn.time_s, sum.1 + turn.cost_usd, sum.2 + 1.0);
        }
        if let Some(kind) = sums.iter().position(|sum| sum.2 == 0.0) {
            let found = match kind {
                0 => "no local call".to_owned(),
                _ => format!("no cloud call with {} views", kind - 1),
            };
            let place = Location::file("observed costs");
            return Err(Problem::new(place, found, "calls of every kind"));
        }
        let mut means = sums.into_iter().map(|(time, cost, count)| (time / count, cost / count));
        let local = means.next().unwrap_or_default();
        Ok(Self::of(local, means))
    }

    fn of(local: (f64, f64), cloud: impl Iterator<Item = (f64, f64)>) -> Self {
        let (latency_s, usage_usd) = std::iter::once(local).chain(cloud).unzip();
        Self { latency_s, usage_usd, link: None }
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
    pub fn of_action(&self, actions: &Actions, action: usize) -> Cost {
        let kind = actions.call_kind(action);
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
            .filter(|t| t.action == 0)
            .map(|t| t.time_s)
            .collect();
        let mean = local.iter().sum::<f64>() / local.len() as f64;
        assert!((costs.latency_s[0] - mean).abs() < 1e-9);
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
