//! A profile folder: measurements of an application's variants.
//!
//! | file | content |
//! |---|---|
//! | `app.toml` | classes, deadline budget, prior, where the numbers come from |
//! | `variants.csv` | `variant,bytes[,accuracy][,shares]` |
//! | `confusion.csv` | `variant,class,predicted_<class>…`: counts, rows are true classes |
//! | `latency.csv` | `worker_class,variant,batch,latency_ms[,count][,power_mode]` and the spread |
//! | `load.csv` | `worker_class,variant,load_ms[,load_cold_ms]` |
//! | `device.csv` | `worker_class,variant` and what the device does besides computing, if known |
//! | `peek.csv` | `batch,latency_ms[,count]` of the `SneakPeek` model, if there is one |
//! | `peek_confusion.csv` | `class,predicted_<class>…`: its counts, rows are true classes |
//! | `reference.csv` | `class,<feature>…`: samples of a k-NN, if there is one |
//!
//! `shares` names the variant whose weights a variant shares: an early exit, a subnet of a
//! supernet. Bytes and load times are those of the named variant; cells and rows of its own may be
//! left out.
//!
//! Without `confusion.csv`, the column `accuracy` is the recall of every class. `count` is the
//! number of timings of a latency. Latencies are kept as measured; a catalog fits tables to them.

mod cells;
mod device_table;
mod spread;
mod tables;

pub(crate) use cells::{COUNT, POINT, point, span};

use super::deadline_budget::{BUDGET, DeadlineBudget};
use super::device::{DeviceCost, Spread};
use super::latency::LatencyPoints;
use crate::classifier::knn::Reference;
use crate::config::settings::TEXTS;
use crate::config::{ConfigNode, Decoder, Group, Kind, Problem, Problems, Setting, decode};
use crate::core::units::Span;
use std::collections::BTreeSet;
use std::sync::Arc;
use tables::Reader;

/// The profile of an application.
#[derive(Clone, Debug)]
pub struct Profile {
    /// The folder's name.
    pub name: String,
    /// The application in a line.
    pub summary: String,
    /// Source of the measurements.
    pub source: String,
    /// Class names.
    pub classes: Vec<String>,
    /// Deadline budget unless the experiment has another.
    pub budget: DeadlineBudget,
    /// Class probabilities before a peek; sum as given, 1 by default.
    pub prior: Vec<f64>,
    /// The variants in file order.
    pub variants: Vec<VariantProfile>,
    /// Latency of the `SneakPeek` model, as measured.
    pub peek: Option<LatencyPoints>,
    /// Confusion counts of the `SneakPeek` model.
    pub peek_confusion: Option<Vec<Vec<f64>>>,
    /// Reference samples of a k-NN.
    pub reference: Option<Arc<Reference>>,
    /// Warnings about the measurements.
    pub warnings: Vec<String>,
    /// (path, SHA-256) of every file read.
    pub files: Vec<(String, String)>,
}

/// The measurements of a variant.
#[derive(Clone, Debug)]
pub struct VariantProfile {
    /// Its name.
    pub name: String,
    /// The variant whose weights it shares, by its index. Then both have the same bytes and load
    /// times.
    pub shares: Option<usize>,
    /// Bytes of memory it takes.
    pub bytes: u64,
    /// Bytes that it needs of a request behind a link; `None` for those of the application.
    pub payload_bytes: Option<u64>,
    /// Profiled accuracy: right answers over all, in the profile's class mix.
    pub accuracy: f64,
    /// Probability of a right answer by true class.
    pub recall: Vec<f64>,
    /// Profiled requests by true class; empty if recalls were not measured.
    pub samples: Vec<f64>,
    /// Latency and load time by worker class.
    pub costs: Vec<VariantCost>,
}

/// Latency and load time of a variant on a class of workers.
#[derive(Clone, Debug)]
pub struct VariantCost {
    /// The class.
    pub worker_class: String,
    /// The power mode; empty if the class has none.
    pub power_mode: String,
    /// By batch, as measured.
    pub latency: LatencyPoints,
    /// From this many requests in a batch on, the spread of its service time; by batch, the first
    /// from 1 on. Empty if there is none.
    pub spread: Vec<(u64, Spread)>,
    /// What the device does besides computing.
    pub device: DeviceCost,
    /// Time to load it from the page cache.
    pub load: Span,
    /// Time to load it from storage, if measured.
    pub load_cold: Option<Span>,
}

impl VariantCost {
    /// Of a class without power modes: service times without spread, and nothing besides.
    pub fn new(worker_class: &str, latency: LatencyPoints, load: Span) -> Self {
        Self {
            worker_class: worker_class.to_owned(),
            power_mode: String::new(),
            latency,
            spread: Vec::new(),
            device: DeviceCost::default(),
            load,
            load_cold: None,
        }
    }
}

/// `app.toml` of a profile.
pub const APP: Group = Group::named("app.toml").of(&[&[
    Setting::text("summary", "").means("What the application does."),
    Setting::text("source", "").means("Where the measurements come from."),
    Setting::required("classes", TEXTS).means("The names of the classes."),
    Setting::required("budget_ms", BUDGET).means("The deadline budget of its requests."),
    Setting::optional(
        "prior",
        Kind::List(&Kind::Number(0.0, 1e12)),
        "the class frequencies of confusion.csv",
    )
    .means("A weight for each class."),
]]);

impl Profile {
    /// Reads `folder`, whose last component is the application's name.
    ///
    /// # Errors
    /// Files that cannot be read, values out of range, and holes in tables.
    pub fn read(folder: &str) -> Result<Self, Problems> {
        let name = folder.rsplit('/').next().unwrap_or(folder).to_owned();
        let mut reader = Reader { folder, files: Vec::new(), problems: Problems::default() };
        let Some(app) = reader.open("app.toml") else { return Err(reader.problems) };
        let node = ConfigNode::parse(&app)?;
        let mut profile = Self::read_app(&name, &node, &mut reader.problems);
        reader.variants(&mut profile);
        if !reader.problems.is_empty() {
            return Err(reader.problems);
        }
        reader.recalls(&mut profile);
        reader.latency(&mut profile);
        reader.device(&mut profile);
        reader.peek(&mut profile);
        reader.peek_confusion(&mut profile);
        reader.reference(&mut profile);
        profile.files = reader.files;
        reader.problems.check(Some(profile))
    }

    /// An application with one class and these variants.
    pub fn of_variants(name: &str, budget: DeadlineBudget, variants: Vec<VariantProfile>) -> Self {
        let classes = vec!["any".to_owned()];
        Self { prior: vec![1.0], variants, ..Self::empty(name, classes, budget) }
    }

    fn empty(name: &str, classes: Vec<String>, budget: DeadlineBudget) -> Self {
        Self {
            name: name.to_owned(),
            summary: String::new(),
            source: String::new(),
            classes,
            budget,
            prior: Vec::new(),
            variants: Vec::new(),
            peek: None,
            peek_confusion: None,
            reference: None,
            warnings: Vec::new(),
            files: Vec::new(),
        }
    }

    /// The names of the variants.
    pub fn variant_names(&self) -> Vec<String> {
        self.variants.iter().map(|variant| variant.name.clone()).collect()
    }

    /// The classes of workers that any variant was measured on.
    pub fn worker_classes(&self) -> BTreeSet<&str> {
        let costs = self.variants.iter().flat_map(|variant| &variant.costs);
        costs.map(|cost| cost.worker_class.as_str()).collect()
    }

    /// The power modes in which any variant was measured on a class of workers.
    pub fn power_modes(&self, worker_class: &str) -> BTreeSet<&str> {
        let costs = self.variants.iter().flat_map(|variant| &variant.costs);
        let own = costs.filter(|cost| cost.worker_class == worker_class);
        own.map(|cost| cost.power_mode.as_str()).collect()
    }

    fn read_app(name: &str, node: &ConfigNode, problems: &mut Problems) -> Self {
        let mut read = Decoder::new(node, &APP, problems);
        let summary = read.text("summary");
        let source = read.text("source");
        let classes = read
            .require("classes", "the list of class names")
            .map(|list| decode::texts(list, read.problems()))
            .unwrap_or_default();
        let place = node.get("classes").unwrap_or(node).place.clone();
        let mut refuse = |found: String, expected: &str| {
            read.problems().push(Problem::new(place.clone(), found, expected));
        };
        let is_given = node.get("classes").is_some();
        if is_given && classes.is_empty() || classes.len() > 1000 {
            refuse(format!("{} classes", classes.len()), "1 to 1000 classes");
        }
        if let Some(odd) = classes.iter().find(|class| !is_name(class)) {
            refuse(format!("`{odd}`"), NAME);
        }
        let mut seen = BTreeSet::new();
        if let Some(twice) = classes.iter().find(|class| !seen.insert(*class)) {
            refuse(format!("`{twice}` twice"), "each class once");
        }
        let budget = read
            .require("budget_ms", "the deadline budget in milliseconds")
            .and_then(|node| DeadlineBudget::read(node, read.problems()))
            .unwrap_or(DeadlineBudget::Fixed(Span::ZERO));
        let prior = read.take("prior").map(|node| prior(node, classes.len(), read.problems()));
        read.finish();
        let prior = prior.unwrap_or_default();
        Self { summary, source, prior, ..Self::empty(name, classes, budget) }
    }
}

/// Names of classes, variants and classes of workers, which are written into tables.
pub(crate) const NAME: &str = "a name without blanks, commas and quotes";

pub(crate) fn is_name(text: &str) -> bool {
    let odd = |c: char| c.is_whitespace() || c.is_control() || c == ',' || c == '"';
    !text.is_empty() && !text.contains(odd)
}

/// Class weights: as many as classes, not all zero.
pub fn prior(node: &ConfigNode, classes: usize, problems: &mut Problems) -> Vec<f64> {
    let items = decode::array(node, problems);
    let weights: Vec<f64> =
        items.iter().filter_map(|item| decode::number(item, &(0.0..=1e12), problems)).collect();
    let bad = weights.len() != items.len();
    if !bad && (weights.len() != classes || weights.iter().sum::<f64>() <= 0.0) {
        let expected = format!("{classes} numbers ≥ 0, not all zero");
        problems.push(Problem::new(node.place.clone(), node.canonical(), expected));
    }
    weights
}
