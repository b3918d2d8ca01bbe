//! A profile folder from published measurements. Accuracy, load times and the budget, which they
//! do not tell, are given by the user, never invented.

use super::app_mapping::is_name;
use crate::config::settings::TEXTS;
use crate::config::toml::quote;
use crate::config::{
    ConfigNode, Decoder, Kind, Location, Problem, Problems, Setting, Value, decode,
};
use crate::core::units::{Span, decimal};
use crate::system::latency::{MAX_BATCH, MAX_COUNT};
use std::collections::BTreeMap;

/// The files of a profile folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    /// (name, content)
    pub files: Vec<(&'static str, String)>,
    /// What a user should know.
    pub notes: Vec<String>,
}

/// Measurements by variant, in order of appearance.
#[derive(Debug, Default)]
pub(crate) struct Measured {
    variants: Vec<Variant>,
    /// How many trials of larger batches than were asked for are left out.
    pub beyond: usize,
}

#[derive(Debug)]
struct Variant {
    name: String,
    bytes: u64,
    /// By worker class and batch, the trials in nanoseconds.
    trials: BTreeMap<String, BTreeMap<u64, Vec<u64>>>,
}

impl Measured {
    /// Reads files with `read_file`; `nothing` is what was found and expected if no file has a
    /// measurement.
    pub(super) fn read(
        files: &[String],
        settings: &mut Decoder<'_>,
        nothing: [&str; 2],
        mut read_file: impl FnMut(&str, &mut Self) -> Result<(), Problems>,
    ) -> Option<Self> {
        let mut measured = Self::default();
        for file in files {
            if let Err(more) = read_file(file, &mut measured) {
                settings.problems().extend(more);
            }
        }
        if settings.problems().is_empty() && measured.variants.is_empty() {
            let place = Location::file(files.first().map_or("", String::as_str));
            settings.problems().push(Problem::new(place, nothing[0], nothing[1]));
        }
        settings.problems().is_empty().then_some(measured)
    }

    /// Adds a trial; memory is the most that any batch took.
    pub(crate) fn add(&mut self, [class, variant]: [&str; 2], batch: u64, ns: u64, bytes: u64) {
        let at = self.variants.iter().position(|known| known.name == variant);
        let at = at.unwrap_or_else(|| {
            let (name, trials) = (variant.to_owned(), BTreeMap::new());
            self.variants.push(Variant { name, bytes: 0, trials });
            self.variants.len() - 1
        });
        let variant = &mut self.variants[at];
        variant.bytes = variant.bytes.max(bytes);
        let batches = variant.trials.entry(class.to_owned()).or_default();
        batches.entry(batch).or_default().push(ns);
    }

    /// Decodes what was not measured and makes the files; `about` is the summary, the source, and
    /// where latencies come from.
    pub(crate) fn folder(self, about: [&str; 3], settings: &mut Decoder<'_>) -> Option<Folder> {
        let names: Vec<&str> = self.variants.iter().map(|v| v.name.as_str()).collect();
        let budget = settings.required_number("budget_ms", "the deadline budget in milliseconds");
        let classes = settings.take("classes");
        let classes = classes.map(|node| decode::texts(node, settings.problems()));
        let mut by_variant = |key, expected: Option<&str>| {
            let node = match expected {
                Some(expected) => settings.require(key, expected),
                None => settings.take(key),
            };
            each(key, node?, &names, settings)
        };
        let accuracy = by_variant("accuracy", Some("a probability, or one for each variant"));
        let load = by_variant("load_ms", Some("milliseconds to load, or those of each variant"));
        let bytes = by_variant("bytes", None);
        let shares = settings.take("shares");
        let shares = shares.map(|node| shared(node, &names, settings.problems()));
        let (budget, accuracy, load) = (budget?, accuracy?, load?);
        let mut variants = String::from("variant,bytes,accuracy");
        variants.push_str(if shares.is_some() { ",shares\n" } else { "\n" });
        let trials = self.variants.iter().flat_map(|variant| variant.trials.values());
        let counted = trials.flat_map(BTreeMap::values).any(|trials| trials.len() > 1);
        let mut latency = String::from("worker_class,variant,batch,latency_ms");
        latency.push_str(if counted { ",count\n" } else { "\n" });
        let mut loads = String::from("worker_class,variant,load_ms\n");
        for (at, variant) in self.variants.iter().enumerate() {
            let given = bytes.as_ref().map(|bytes| bytes[at] as u64);
            let size = given.unwrap_or(variant.bytes).max(1).to_string();
            let named = shares.as_ref().map(|all| all.get(&variant.name).copied().unwrap_or(""));
            // What was measured of one exit are not the bytes of all.
            let is_shared = given.is_none() && named.is_some_and(|named| !named.is_empty());
            let size = if is_shared { "" } else { &size };
            let named = named.map_or(String::new(), |named| format!(",{named}"));
            variants.push_str(&format!("{},{size},{}{named}\n", variant.name, accuracy[at]));
            for (class, batches) in &variant.trials {
                loads.push_str(&format!("{class},{},{}\n", variant.name, load[at]));
                for (batch, trials) in batches {
                    let ms = decimal(median(trials), 6);
                    latency.push_str(&format!("{class},{},{batch},{ms}", variant.name));
                    let count = (trials.len() as u64).min(MAX_COUNT);
                    latency.push_str(&if counted { format!(",{count}\n") } else { "\n".into() });
                }
            }
        }
        let classes = classes.unwrap_or_else(|| vec!["any".to_owned()]);
        let list: Vec<String> = classes.iter().map(|class| quote(class)).collect();
        let app = format!(
            "# {} accuracy, load_ms\n# and budget_ms were given when this was imported{}.\n\
             summary = {}\nclasses = [{}]\nbudget_ms = {budget}\nsource = {}\n",
            about[2],
            if bytes.is_some() { ", and so were bytes" } else { "" },
            quote(about[0]),
            list.join(", "),
            quote(about[1]),
        );
        let files = vec![
            ("app.toml", app),
            ("variants.csv", variants),
            ("latency.csv", latency),
            ("load.csv", loads),
        ];
        let left_out = (self.beyond > 0)
            .then(|| format!("{} trials of batches beyond max_batch are left out", self.beyond));
        Some(Folder { files, notes: left_out.into_iter().collect() })
    }
}

/// The setting that chooses models.
pub(super) const MODELS: Setting =
    Setting::optional("models", TEXTS, "all").means("The models to import.");

const fn each_variant(number: &'static Kind) -> [Kind; 2] {
    [*number, Kind::ByName("variant", number)]
}

/// Where the latencies of importers come from.
pub(super) const TRIALS: &str = "Latencies were measured by the source, the median of its trials.";

/// The settings of what was not measured.
pub(crate) const GIVEN: &[Setting] = &[
    Setting::required("budget_ms", Kind::Number(1e-3, 1e9)).means("The deadline budget."),
    Setting::optional("classes", TEXTS, "[\"any\"]").means("The names of the classes."),
    Setting::required("accuracy", Kind::OneOf(&each_variant(&Kind::Number(0.0, 1.0))))
        .means("The accuracy of all variants, or of each."),
    Setting::required("load_ms", Kind::OneOf(&each_variant(&Kind::Number(0.0, 1e9))))
        .means("The time to load a variant."),
    Setting::optional(
        "bytes",
        Kind::OneOf(&each_variant(&Kind::Number(1.0, 1e15))),
        "as measured, or 1",
    )
    .means("The memory of a variant."),
    Setting::optional("shares", Kind::ByName("variant", &Kind::Text), "none")
        .means("The variant whose weights a variant shares, with its bytes and load times."),
];

/// The variants that share their weights, each with the one that has them.
fn shared<'a>(
    node: &'a ConfigNode,
    variants: &[&str],
    problems: &mut Problems,
) -> BTreeMap<String, &'a str> {
    let mut shared = BTreeMap::new();
    for (name, node) in decode::table(node, problems) {
        let Some(named) = decode::text(node, problems) else { continue };
        for odd in [name.as_str(), named].iter().filter(|name| !variants.contains(*name)) {
            let (place, known) = (node.place.clone(), variants.iter().copied());
            problems.push(Problem::unknown(place, "variant", odd, known));
        }
        shared.insert(name.clone(), named);
    }
    shared
}

/// One number for all variants, or a table with one for each.
fn each(
    key: &'static str,
    node: &ConfigNode,
    variants: &[&str],
    settings: &mut Decoder<'_>,
) -> Option<Vec<f64>> {
    let Value::Table(entries) = &node.value else {
        return Some(vec![settings.number_at(key, node)?; variants.len()]);
    };
    for (name, node) in entries.iter() {
        if !variants.contains(&name.as_str()) {
            let known = variants.iter().copied();
            settings.problems().push(Problem::unknown(node.place.clone(), "variant", name, known));
        }
    }
    let mut number = |name: &&str| {
        let Some(node) = node.get(name) else {
            let (place, found) = (node.place.clone(), format!("nothing for `{name}`"));
            settings.problems().push(Problem::new(place, found, "a number for each variant"));
            return None;
        };
        settings.number_at(key, node)
    };
    let numbers: Vec<Option<f64>> = variants.iter().map(&mut number).collect();
    numbers.into_iter().collect()
}

/// The median; of an even number of trials the mean of the two in the middle.
fn median(trials: &[u64]) -> u64 {
    let mut sorted = trials.to_vec();
    sorted.sort_unstable();
    let (low, high) = (sorted[(sorted.len() - 1) / 2], sorted[sorted.len() / 2]);
    low + (high - low) / 2
}

/// A latency in nanoseconds, more than none and at most some days.
pub(super) fn latency_ns(ms: f64) -> Option<u64> {
    let ns = Span::from_ms(ms).0;
    (ns > 0 && ms <= 1e9).then_some(ns)
}

/// The batch sizes that profiles may hold.
pub(super) fn batches() -> std::ops::RangeInclusive<u64> {
    1..=MAX_BATCH
}

/// Whether a model is among those to import, all if none are named.
pub(super) fn is_chosen(models: &[String], name: &str) -> bool {
    models.is_empty() || models.iter().any(|model| model == name)
}

/// A text as a name: what names must not hold becomes a hyphen.
pub(super) fn name(text: &str) -> String {
    let good = |c: char| c.is_ascii_alphanumeric() || ['_', '.', '-'].contains(&c);
    let parts: Vec<&str> = text.split(|c| !good(c)).filter(|part| !part.is_empty()).collect();
    let name = parts.join("-");
    if is_name(&name) { name } else { "unnamed".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_names() {
        assert_eq!(median(&[3]), 3);
        assert_eq!(median(&[9, 1, 5]), 5);
        assert_eq!(median(&[9, 1]), 5);
        assert_eq!(name("TITAN X (Pascal)"), "TITAN-X-Pascal");
        assert_eq!(name(" ()"), "unnamed");
    }
}
