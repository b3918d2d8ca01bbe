//! The file of devices, networks and prices (`--devices`), a TOML file; `profiles/offloading.toml`
//! ships with the published ones.

use super::cost::{CallLink, Costs};
use super::devices::{CostFile, Device, LocalFormula, LocalModel, LocalPrice, LocalTime, Network};
use crate::config::source::{self, Source};
use crate::config::{
    ConfigNode, Decoder, Group, Kind, Location, Problem, Problems, Setting, Value, decode,
};
use crate::core::units::Span;
use crate::system::link::{self, Bandwidth, Link, Uplink};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

/// The file with the published devices, networks and prices.
pub const SHIPPED: &str = "profiles/offloading.toml";
/// The device and the network of the published results.
pub const PUBLISHED: [&str; 2] = ["Jetson TX2", "Wired"];

const SECONDS: Kind = Kind::Number(0.0, 1e5);
const USD: Kind = Kind::Number(0.0, 1e4);
const MBPS: Kind = Kind::Number(*link::MBPS.start(), *link::MBPS.end());
const BYTES: Kind = Kind::Integer(0, 1_000_000_000_000);
const TOKENS: Kind = Kind::Number(1.0, 1e9);

const LOCAL_MODEL: Group = Group::named("local model").of(&[&[
    Setting::required("parameters", Kind::Number(1.0, 1e13)).means("The number of parameters N."),
    Setting::required("tokens_base", TOKENS).means("The tokens of a prompt, `L_base`."),
    Setting::required("tokens_total", TOKENS).means(
        "The tokens of a whole call, `L_total`. A call has 2 N / `L_base` · `L_total` operations \
         as published, and 2 N · `L_total` with `--costs physical`.",
    ),
]]);

const PRICES: Group = Group::named("prices").of(&[&[
    Setting::optional("usd_per_kwh", Kind::Number(0.0, 100.0), "no device has `watts`")
        .means("The price of a kilowatt-hour, in US$."),
    Setting::optional("cloud_usd", Kind::List(&USD), "every network has its own")
        .means("The price of a cloud call with 0, 1, 2, … uploaded views."),
]]);

const DEVICE: Group = Group::named("device").of(&[&[
    Setting::required("name", Kind::Text).means("The name for `--device`."),
    Setting::optional("gflops", Kind::Number(1e-3, 1e9), "`latency_s` is given")
        .means("Operations per second, in 10⁹; a call has those of `local_model`."),
    Setting::optional("latency_s", SECONDS, "`gflops` is given")
        .means("The measured seconds of a local call."),
    Setting::optional("watts", Kind::Number(0.0, 1e5), "`usage_usd` is given")
        .means("The power while it computes; a call costs its electricity."),
    Setting::optional("usage_usd", USD, "`watts` is given").means("The price of a local call."),
]]);

const NETWORK: Group = Group::named("network").of(&[&[
    Setting::required("name", Kind::Text).means("The name for `--network`."),
    Setting::optional("latency_s", Kind::List(&SECONDS), "this is a link, see below")
        .means("The seconds of a cloud call with 0, 1, 2, … uploaded views."),
    Setting::optional("cloud_usd", Kind::List(&USD), "that of `prices`")
        .means("The price of a cloud call with 0, 1, 2, … uploaded views."),
    Setting::number("rtt_ms", [0.0, 3_600_000.0], 0.0).means("Of a link: the round-trip time."),
    Setting::optional("uplink_mbps", Kind::OneOf(&[MBPS, Kind::Text]), "sending takes no time")
        .means("Of a link: the rate of the uplink, or the file of a table `time_s,mbps`."),
    Setting::optional("text_bytes", BYTES, "0")
        .means("Of a link: the bytes of the text of a call."),
    Setting::optional("view_bytes", Kind::OneOf(&[BYTES, Kind::List(&BYTES)]), "0").means(
        "Of a link: the bytes of a view, or a list with those of each view, whose mean counts.",
    ),
    Setting::optional("compute_s", Kind::List(&SECONDS), "required of a link")
        .means("Of a link: the seconds of computing with 0, 1, 2, … uploaded views."),
]]);

/// The whole file.
pub const FILE: Group = Group::named("devices file").of(&[&[
    Setting::optional("local_model", Kind::Table(&LOCAL_MODEL), "no device has `gflops`")
        .means("The model of devices whose seconds are computed."),
    Setting::optional("prices", Kind::Table(&PRICES), "devices and networks have their own")
        .means("Prices for all devices and networks."),
    Setting::required("device", Kind::List(&Kind::Table(&DEVICE))).means("The devices."),
    Setting::required("network", Kind::List(&Kind::Table(&NETWORK))).means("The networks."),
]]);

/// The keys of a network that is a link.
const LINK_KEYS: [&str; 5] = ["rtt_ms", "uplink_mbps", "text_bytes", "view_bytes", "compute_s"];

/// What devices and networks share.
struct Shared {
    model: Option<LocalModel>,
    usd_per_kwh: Option<f64>,
    cloud_usd: Option<Vec<f64>>,
}

impl CostFile {
    /// Reads a file, and the tables of rates that it names: beside it, else in the working
    /// directory.
    ///
    /// # Errors
    /// Lists what is wrong in it.
    pub fn read(path: &str) -> Result<Self, Problems> {
        Self::parse(&source::read(path)?)
    }

    /// The published devices and networks, inside the program.
    ///
    /// # Errors
    /// The program was built with a file that is wrong.
    pub fn shipped() -> Result<Self, Problem> {
        let first = |problems: Problems| {
            let unknown = || Problem::new(Location::file(SHIPPED), "a broken file", "a good one");
            problems.iter().next().cloned().unwrap_or_else(unknown)
        };
        Self::parse(&source::read_shipped(SHIPPED)?).map_err(first)
    }

    /// Parses a file.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn parse(source: &Source) -> Result<Self, Problems> {
        let root = ConfigNode::parse(source)?;
        let mut problems = Problems::default();
        let mut read = Decoder::new(&root, &FILE, &mut problems);
        let model = read.take("local_model").and_then(|node| read_model(node, read.problems()));
        let prices = read.take("prices").map(|node| read_prices(node, read.problems()));
        let (usd_per_kwh, cloud_usd) = prices.unwrap_or_default();
        let shared = Shared { model, usd_per_kwh, cloud_usd };
        let devices = list(&mut read, "device", |item, problems| device(item, &shared, problems));
        let networks = list(&mut read, "network", |item, problems| {
            network(item, &shared, &source.path, problems)
        });
        read.finish();
        let path = source.path.clone();
        problems.check(Some(Self { path, devices, networks }))
    }
}

/// Costs at published constants.
impl Costs {
    /// The Jetson TX2 and the wired network.
    ///
    /// # Errors
    /// As [`CostFile::shipped`].
    pub fn published() -> Result<Self, Problem> {
        let [device, network] = PUBLISHED;
        CostFile::shipped()?.costs(LocalFormula::Published, device, network, 0)
    }

    /// The published synthetic sweep, see [`Costs::of_sweep`].
    ///
    /// # Errors
    /// As [`CostFile::shipped`].
    pub fn synthetic(views: usize) -> Result<Self, Problem> {
        let file = CostFile::shipped()?;
        Ok(Self::of_sweep(views, file.device(PUBLISHED[0])?.call(LocalFormula::Published)))
    }
}

fn read_model(node: &ConfigNode, problems: &mut Problems) -> Option<LocalModel> {
    let mut read = Decoder::new(node, &LOCAL_MODEL, problems);
    let parameters = read.required_number("parameters", "the number of parameters");
    let tokens_base = read.required_number("tokens_base", "the tokens of a prompt");
    let tokens_total = read.required_number("tokens_total", "the tokens of a call");
    read.finish();
    let (parameters, tokens_base) = (parameters?, tokens_base?);
    Some(LocalModel { parameters, tokens_base, tokens_total: tokens_total? })
}

fn read_prices(node: &ConfigNode, problems: &mut Problems) -> (Option<f64>, Option<Vec<f64>>) {
    let mut read = Decoder::new(node, &PRICES, problems);
    let prices = (read.optional_number("usd_per_kwh"), numbers(&mut read, "cloud_usd"));
    read.finish();
    prices
}

/// The items of a list of tables with distinct names.
fn list<T>(
    read: &mut Decoder<'_>,
    key: &'static str,
    item: impl Fn(&ConfigNode, &mut Problems) -> Option<T>,
) -> Vec<T> {
    let expected = format!("one or more, each `[[{key}]]` with a `name`");
    let Some(node) = read.require(key, &expected) else { return Vec::new() };
    let nodes = decode::array(node, read.problems());
    if nodes.is_empty() && matches!(node.value, Value::Array(_)) {
        read.problems().push(decode::mismatch(node, expected));
    }
    let mut known = BTreeSet::new();
    for node in nodes.iter().filter_map(|item| item.get("name")) {
        if !known.insert(node.cell()) {
            let found = format!("a second {key} `{}`", node.cell());
            read.problems().push(Problem::new(node.place.clone(), found, "distinct names"));
        }
    }
    nodes.iter().filter_map(|node| item(node, read.problems())).collect()
}

/// A list of one number or more, if the key is there.
fn numbers(read: &mut Decoder<'_>, key: &'static str) -> Option<Vec<f64>> {
    let node = read.take(key)?;
    let items = decode::array(node, read.problems());
    if items.is_empty() && matches!(node.value, Value::Array(_)) {
        let expected = "a number for each number of uploaded views, from 0 on";
        read.problems().push(decode::mismatch(node, expected));
    }
    let values: Vec<Option<f64>> = items.iter().map(|item| read.number_at(key, item)).collect();
    values.into_iter().collect()
}

/// The name of an item, which must not be empty.
fn name(read: &mut Decoder<'_>) -> Option<String> {
    let node = read.require("name", "a name")?;
    let text = decode::text(node, read.problems())?;
    if text.trim().is_empty() {
        read.problems().push(decode::mismatch(node, "a name"));
        return None;
    }
    Some(text.to_owned())
}

fn device(item: &ConfigNode, shared: &Shared, problems: &mut Problems) -> Option<Device> {
    let mut read = Decoder::new(item, &DEVICE, problems);
    let name = name(&mut read);
    let [gflops, latency_s] = ["gflops", "latency_s"].map(|key| read.optional_number(key));
    let [watts, usage_usd] = ["watts", "usage_usd"].map(|key| read.optional_number(key));
    read.finish();
    let name = name?;
    // A value that is there and wrong is told already.
    let given = |keys: [&str; 2]| keys.iter().any(|key| item.get(key).is_some());
    let time = match (gflops, latency_s, shared.model) {
        (Some(_), Some(_), _) => {
            wrong(item, &name, problems, "`gflops` and `latency_s`", "one of them")
        }
        (None, Some(seconds), _) => Some(LocalTime::Measured(seconds)),
        (Some(gflops), None, Some(model)) => Some(LocalTime::Computed(gflops, model)),
        (Some(_), None, None) => wrong(
            item,
            &name,
            problems,
            "`gflops` and no model",
            "the table `local_model`, or `latency_s`",
        ),
        _ if given(["gflops", "latency_s"]) => None,
        _ => wrong(
            item,
            &name,
            problems,
            "no speed",
            "`gflops`, or the measured `latency_s` of a call",
        ),
    };
    let price = match (watts, usage_usd, shared.usd_per_kwh) {
        (Some(_), Some(_), _) => {
            wrong(item, &name, problems, "`watts` and `usage_usd`", "one of them")
        }
        (None, Some(usd), _) => Some(LocalPrice::Fixed(usd)),
        (Some(watts), None, Some(usd)) => Some(LocalPrice::Energy(watts, usd)),
        (Some(_), None, None) => wrong(
            item,
            &name,
            problems,
            "`watts` and no price of energy",
            "`prices.usd_per_kwh`, or `usage_usd`",
        ),
        _ if given(["watts", "usage_usd"]) => None,
        _ => wrong(
            item,
            &name,
            problems,
            "no price",
            "`watts`, or the `usage_usd` of a call; 0 if calls are free",
        ),
    };
    Some(Device { name, time: time?, price: price? })
}

/// Says what is wrong with a device.
fn wrong<T>(
    item: &ConfigNode,
    name: &str,
    problems: &mut Problems,
    found: &str,
    expected: &str,
) -> Option<T> {
    let found = format!("device `{name}` with {found}");
    problems.push(Problem::new(item.place.clone(), found, expected));
    None
}

fn network(
    item: &ConfigNode,
    shared: &Shared,
    file: &str,
    problems: &mut Problems,
) -> Option<Network> {
    let mut read = Decoder::new(item, &NETWORK, problems);
    let name = name(&mut read);
    let seconds = numbers(&mut read, "latency_s");
    let cloud_usd = numbers(&mut read, "cloud_usd");
    let link = call_link(&mut read, file);
    read.finish();
    let name = name?;
    let mut refuse = |found: &str, expected: &str| {
        let found = format!("network `{name}` with {found}");
        problems.push(Problem::new(item.place.clone(), found, expected));
    };
    let given = |key: &str| item.get(key).is_some();
    let linked = LINK_KEYS.into_iter().find(|key| given(key));
    match linked {
        Some(key) if given("latency_s") => {
            refuse(&format!("`latency_s` and `{key}` of a link"), "one of them");
        }
        Some(_) if !given("compute_s") => {
            refuse("a link and no `compute_s`", "seconds of computing by number of views");
        }
        None if !given("latency_s") => {
            refuse("no `latency_s`", "seconds by number of views, or a link: `compute_s`, …");
        }
        _ => {}
    }
    if !given("cloud_usd") && shared.cloud_usd.is_none() {
        refuse("no `cloud_usd`", "its own by number of views, or `prices.cloud_usd`");
    }
    let cloud_usd = if given("cloud_usd") { cloud_usd } else { shared.cloud_usd.clone() }?;
    let link = link.filter(|_| linked.is_some());
    let latency_s = if linked.is_some() { Some(link.as_ref()?.latency_s()) } else { seconds }?;
    Some(Network { name, latency_s, cloud_usd, link })
}

/// The link of a network, if it has all its keys.
fn call_link(read: &mut Decoder<'_>, file: &str) -> Option<CallLink> {
    let rtt = Span::from_ms(read.number("rtt_ms"));
    let uplink = match read.take("uplink_mbps") {
        None => Some(Uplink::Endless),
        Some(node) => read_uplink(node, file, read.problems()),
    };
    let text = read.optional_integer("text_bytes").unwrap_or(0);
    let views = match read.take("view_bytes") {
        None => vec![0],
        Some(node) => match &node.value {
            Value::Array(items) => {
                items.iter().filter_map(|item| read.integer_at("view_bytes", item)).collect()
            }
            _ => read.integer_at("view_bytes", node).into_iter().collect::<Vec<u64>>(),
        },
    };
    let compute_s = numbers(read, "compute_s")?;
    let listed = read.take("view_bytes").filter(|node| matches!(node.value, Value::Array(_)));
    if let Some(node) = listed.filter(|_| views.len() + 1 != compute_s.len()) {
        let found = format!("bytes of {} views", views.len());
        let expected = format!("{}, as in `compute_s`", compute_s.len() - 1);
        read.problems().push(Problem::new(node.place.clone(), found, expected));
        return None;
    }
    let mean = views.iter().sum::<u64>() as f64 / views.len().max(1) as f64;
    let bytes = (0..compute_s.len()).map(|count| text + (count as f64 * mean).round() as u64);
    let link = Link { rtt, uplink: uplink?, power_w: None };
    Some(CallLink { link, bytes: bytes.collect(), compute_s })
}

/// A rate, or the file of a table of rates.
fn read_uplink(node: &ConfigNode, file: &str, problems: &mut Problems) -> Option<Uplink> {
    if !matches!(node.value, Value::Text(_)) {
        let mbps = decode::number(node, &link::MBPS, problems)?;
        return Some(Uplink::Constant(link::bps(mbps)));
    }
    let name = decode::text(node, problems)?;
    let beside = Path::new(file).parent().map(|folder| folder.join(name));
    let beside = beside.map(|path| path.to_string_lossy().into_owned());
    let path = beside.filter(|path| source::exists(path)).unwrap_or_else(|| name.to_owned());
    match source::read(&path).and_then(|source| Bandwidth::parse(&source)) {
        Ok(table) => Some(Uplink::Table(Arc::new(table))),
        Err(problem) => {
            problems.push(problem);
            None
        }
    }
}
