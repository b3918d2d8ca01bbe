//! Time and money of a call: published constants, means of a data set, or physics.
//!
//! Costs depend on where a call runs and how many views it uploads, on nothing else; no noise.

use super::action::Actions;
use super::workload::Workload;
use crate::config::{Location, Problem};

/// A device of the published tables.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Device {
    /// Its name.
    pub name: &'static str,
    /// Thousand million operations per second.
    pub gflops: f64,
    /// Largest power in watts.
    pub watts: f64,
}

/// A network of the published tables.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Network {
    /// Its name.
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

/// The device called `name`.
pub fn find_device(name: &str) -> Result<Device, Problem> {
    let known = || DEVICES.iter().map(|device| device.name);
    let found = DEVICES.iter().find(|device| device.name == name).copied();
    found.ok_or_else(|| Problem::unknown(Location::file("--device"), "device", name, known()))
}

/// The network called `name`.
pub fn find_network(name: &str) -> Result<Network, Problem> {
    let known = || NETWORKS.iter().map(|network| network.name);
    let found = NETWORKS.iter().find(|network| network.name == name).copied();
    found.ok_or_else(|| Problem::unknown(Location::file("--network"), "network", name, known()))
}

/// What calls take: entry 0 is local, entry 1 + k the cloud with k views.
#[derive(Clone, Debug, PartialEq)]
pub struct Costs {
    /// Seconds.
    pub latency_s: Vec<f64>,
    /// US dollars.
    pub usage_usd: Vec<f64>,
}

impl Costs {
    /// The published constants: a local call is F = 2 N / `L_base` · `L_total` operations and costs
    /// its electricity; cloud calls are tables for up to three views.
    pub fn paper(device: Device, network: Network) -> Self {
        Self::tables(device, network, 2.0 * PARAMETERS / TOKENS_BASE * TOKENS_TOTAL)
    }

    /// Ours: a local call is F = 2 N · `L_total` operations, two per parameter and token. That is
    /// 1,024 times the published count and near the measured seconds of the data set.
    pub fn physical(device: Device, network: Network) -> Self {
        Self::tables(device, network, 2.0 * PARAMETERS * TOKENS_TOTAL)
    }

    fn tables(device: Device, network: Network, operations: f64) -> Self {
        let seconds = operations / (device.gflops * 1e9);
        let usd = device.watts * seconds * USD_PER_KWH / J_PER_KWH;
        Self::of((seconds, usd), network.latency_s.into_iter().zip(CLOUD_USD))
    }

    /// The published sweep's: the cloud takes 0.5 + 1.5 k seconds and 0.0005 + 0.004 k dollars, the
    /// device is the Jetson TX2.
    pub fn synthetic(views: usize) -> Self {
        let paper = Self::paper(DEVICES[3], NETWORKS[0]);
        let local = (paper.latency_s[0], paper.usage_usd[0]);
        let cloud = |k: usize| (0.5 + 1.5 * k as f64, 0.0005 + 0.004 * k as f64);
        Self::of(local, (0..=views).map(cloud))
    }

    /// Ours: mean time and cost of the calls of each kind in the data. A kind that never occurs is
    /// a problem.
    pub fn observed(workload: &Workload) -> Result<Self, Problem> {
        let kinds = workload.actions.views() + 2;
        let mut sums = vec![(0.0, 0.0, 0.0); kinds];
        for turn in workload.dialogues.iter().flat_map(|dialogue| &dialogue.turns) {
            let sum = &mut sums[kind(&workload.actions, turn.action)];
            *sum = (sum.0 + turn.time_s, sum.1 + turn.cost_usd, sum.2 + 1.0);
        }
        if let Some(at) = sums.iter().position(|sum| sum.2 == 0.0) {
            let found = match at {
                0 => "no local call".to_owned(),
                at => format!("no cloud call with {} views", at - 1),
            };
            return Err(Problem::new(
                Location::file("observed costs"),
                found,
                "calls of every kind",
            ));
        }
        let mut means = sums.into_iter().map(|(time, cost, count)| (time / count, cost / count));
        let local = means.next().unwrap_or_default();
        Ok(Self::of(local, means))
    }

    fn of(local: (f64, f64), cloud: impl Iterator<Item = (f64, f64)>) -> Self {
        let (latency_s, usage_usd) = std::iter::once(local).chain(cloud).unzip();
        Self { latency_s, usage_usd }
    }

    /// How many views there are costs for.
    pub fn views(&self) -> usize {
        self.latency_s.len() - 2
    }

    /// Seconds and dollars of an action.
    pub fn of_action(&self, actions: &Actions, action: usize) -> (f64, f64) {
        let kind = kind(actions, action);
        (self.latency_s[kind], self.usage_usd[kind])
    }
}

/// 0 for local, 1 + k for the cloud with k views.
fn kind(actions: &Actions, action: usize) -> usize {
    if action == 0 { 0 } else { 1 + actions.uploaded(action) }
}

/// Numbers moved and stretched to 0..=1; all 0 if they are the same.
pub fn normalised(values: &[f64]) -> Vec<f64> {
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let range = high - low;
    values.iter().map(|v| if range > 0.0 { (v - low) / range } else { 0.0 }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

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
