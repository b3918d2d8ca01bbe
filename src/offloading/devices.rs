//! Devices, networks and prices: what a call costs on each of them.

use super::cost::{CallLink, Cost, Costs};
use crate::config::{Location, Problem};

/// Joules in a kilowatt-hour.
const J_PER_KWH: f64 = 3.6e6;

/// The language model of devices whose seconds are computed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LocalModel {
    /// Number of parameters.
    pub parameters: f64,
    /// Tokens of a prompt.
    pub tokens_base: f64,
    /// Tokens of a whole call.
    pub tokens_total: f64,
}

/// How many operations a local call has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LocalFormula {
    /// As published: 2 N / `L_base` · `L_total`.
    Published,
    /// Ours: 2 N · `L_total`, two per parameter and token. That is `L_base` times the published
    /// number, and near the measured seconds of the published data set.
    Physical,
}

impl LocalModel {
    /// Operations of a local call.
    pub fn operations(&self, formula: LocalFormula) -> f64 {
        match formula {
            LocalFormula::Published => 2.0 * self.parameters / self.tokens_base * self.tokens_total,
            LocalFormula::Physical => 2.0 * self.parameters * self.tokens_total,
        }
    }
}

/// The seconds of a local call.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LocalTime {
    /// Computed from 10⁹ operations per second and the model that runs.
    Computed(f64, LocalModel),
    /// Measured seconds.
    Measured(f64),
}

/// The price of a local call.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LocalPrice {
    /// Its electricity: watts while it computes, and US dollars of a kilowatt-hour.
    Energy(f64, f64),
    /// US dollars.
    Fixed(f64),
}

/// A device.
#[derive(Clone, Debug, PartialEq)]
pub struct Device {
    /// Its name.
    pub name: String,
    /// The seconds of a local call.
    pub time: LocalTime,
    /// The price of a local call.
    pub price: LocalPrice,
}

impl Device {
    /// The cost of a local call.
    pub fn call(&self, formula: LocalFormula) -> Cost {
        let latency_s = match self.time {
            LocalTime::Computed(gflops, model) => model.operations(formula) / (gflops * 1e9),
            LocalTime::Measured(seconds) => seconds,
        };
        let usage_usd = match self.price {
            LocalPrice::Energy(watts, usd_per_kwh) => watts * latency_s * usd_per_kwh / J_PER_KWH,
            LocalPrice::Fixed(usd) => usd,
        };
        Cost { latency_s, usage_usd }
    }
}

/// A network.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    /// Its name.
    pub name: String,
    /// By number of uploaded views: seconds of a cloud call.
    pub latency_s: Vec<f64>,
    /// By number of uploaded views: US dollars of a cloud call.
    pub cloud_usd: Vec<f64>,
    /// What the seconds were computed from, if they were.
    pub link: Option<CallLink>,
}

/// Devices and networks to choose from, in the order of their file.
#[derive(Clone, Debug, PartialEq)]
pub struct CostFile {
    /// The path of the file, for messages.
    pub path: String,
    /// At least one, names are distinct.
    pub devices: Vec<Device>,
    /// At least one, names are distinct.
    pub networks: Vec<Network>,
}

impl CostFile {
    /// The device with this name.
    ///
    /// # Errors
    /// There is none.
    pub fn device(&self, name: &str) -> Result<&Device, Problem> {
        self.devices.iter().find(|device| device.name == name).ok_or_else(|| {
            let known = self.devices.iter().map(|device| device.name.as_str());
            Problem::unknown(Location::file("--device"), "device", name, known)
        })
    }

    /// The network with this name.
    ///
    /// # Errors
    /// There is none.
    pub fn network(&self, name: &str) -> Result<&Network, Problem> {
        self.networks.iter().find(|network| network.name == name).ok_or_else(|| {
            let known = self.networks.iter().map(|network| network.name.as_str());
            Problem::unknown(Location::file("--network"), "network", name, known)
        })
    }

    /// The costs of calls on a device and a network, for actions that upload up to `uploaded`
    /// views.
    ///
    /// # Errors
    /// There is no such device or network, or the network has no costs for so many views.
    pub fn costs(
        &self,
        formula: LocalFormula,
        device: &str,
        network: &str,
        uploaded: usize,
    ) -> Result<Costs, Problem> {
        let (device, network) = (self.device(device)?, self.network(network)?);
        let lists = [("seconds", &network.latency_s), ("cloud_usd", &network.cloud_usd)];
        for (what, list) in lists {
            if list.len() <= uploaded {
                let found = format!("{} entries of {what}", list.len());
                let expected = format!(
                    "{} or more: actions upload 0 to {uploaded} of the views",
                    uploaded + 1
                );
                let place = Location::file(&self.path).field(&network.name);
                return Err(Problem::new(place, found, expected));
            }
        }
        let calls = network.latency_s.iter().zip(&network.cloud_usd);
        let calls = calls.map(|(s, usd)| Cost { latency_s: *s, usage_usd: *usd });
        Ok(Costs { link: network.link.clone(), ..Costs::of(device.call(formula), calls) })
    }
}
