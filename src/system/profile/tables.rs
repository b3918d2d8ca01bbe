//! The tables of a profile folder.

use super::cells::{COUNT, POINT, POWER_MODE, keep, point, power_mode, span};
use super::spread::{SPREAD, spread};
use super::{NAME, Profile, VariantCost, VariantProfile, is_name};
use crate::classifier::knn::Reference;
use crate::classifier::posterior::prior_of_counts;
use crate::config::csv::{Row, Table};
use crate::config::source::{self, Source};
use crate::config::{Location, Problem, Problems};
use crate::core::units::Span;
use crate::system::device::Spread;
use crate::system::latency::{LatencyPoint, LatencyPoints};
use std::collections::BTreeMap;
use std::sync::Arc;

const ROWS: &str = "one row for each batch, from batch 1 on";

/// By worker class and variant, the time of a load, and of one from storage.
type Loads = BTreeMap<(String, usize), (Span, Option<Span>)>;

/// The points of a variant on a class of workers in a power mode, and their spreads.
struct Measured {
    class: String,
    power_mode: String,
    variant: usize,
    points: Vec<LatencyPoint>,
    spread: Vec<(u64, Spread)>,
}

/// What a row of `variants.csv` says of shared weights.
struct Sharing {
    variant: usize,
    /// The variant that has the weights.
    named: String,
    /// Bytes of its own, if they are given.
    bytes: Option<u64>,
    place: Location,
}

/// Reads the files of one folder, collecting problems.
pub(super) struct Reader<'a> {
    pub folder: &'a str,
    /// (path, SHA-256) of every file read.
    pub files: Vec<(String, String)>,
    pub problems: Problems,
}

impl Reader<'_> {
    pub fn path(&self, file: &str) -> String {
        format!("{}/{file}", self.folder)
    }

    pub fn open(&mut self, file: &str) -> Option<Source> {
        let source = keep(source::read(&self.path(file)), &mut self.problems)?;
        self.files.push((source.path.clone(), source.sha256.clone()));
        Some(source)
    }

    pub fn refuse(&mut self, file: &str, found: impl Into<String>, expected: &str) {
        let place = Location::file(&self.path(file));
        self.problems.push(Problem::new(place, found, expected));
    }

    /// Calls `each` for every row of a table, with the required columns and the optional ones.
    pub fn table(
        &mut self,
        file: &str,
        required: &[&str],
        optional: &[&str],
        mut each: impl FnMut(Row<'_>, (&[usize], &[Option<usize>]), &mut Problems),
    ) {
        let Some(source) = self.open(file) else { return };
        let problems = &mut self.problems;
        let parsed = Table::parse(&source).and_then(|table| {
            let known: Vec<&str> = required.iter().chain(optional).copied().collect();
            if let Some(problem) = table.refuse_unknown(|name| known.contains(&name), &known) {
                return Err(problem);
            }
            let columns =
                required.iter().map(|name| table.column(name)).collect::<Result<Vec<_>, _>>()?;
            let more: Vec<_> = optional.iter().map(|name| table.optional(name)).collect();
            Ok((table, columns, more))
        });
        match parsed {
            Ok((table, columns, more)) => {
                table.rows().for_each(|row| each(row, (&columns, &more), problems));
            }
            Err(problem) => problems.push(problem),
        }
    }

    pub fn variants(&mut self, profile: &mut Profile) {
        let classes = profile.classes.len();
        let confusion = source::exists(&self.path("confusion.csv"));
        let file = self.path("variants.csv");
        let optional: &[&str] = if confusion { &["shares"] } else { &["shares", "accuracy"] };
        let mut sharing = Vec::new();
        self.table("variants.csv", &["variant", "bytes"], optional, |row, columns, problems| {
            let (columns, more) = columns;
            let name = row.text(columns[0]).to_owned();
            let shares = more[0].filter(|column| !row.text(*column).is_empty());
            let bytes = if shares.is_some() && row.text(columns[1]).is_empty() {
                None
            } else {
                keep(row.integer(columns[1], 1..=u64::MAX / 2), problems)
            };
            sharing.extend(shares.map(|column| Sharing {
                variant: profile.variants.len(),
                named: row.text(column).to_owned(),
                bytes,
                place: row.place(column),
            }));
            let bytes = bytes.unwrap_or(1);
            let accuracy = match more.get(1).copied().flatten() {
                Some(column) => match keep(row.number(column), problems) {
                    Some(accuracy) if accuracy > 1.0 => {
                        problems.push(row.problem(column, "a probability from 0 to 1"));
                        0.0
                    }
                    other => other.unwrap_or(0.0),
                },
                None if confusion || !profile.variants.is_empty() => 0.0,
                None => {
                    let place = Location::line(&file, 1).field("accuracy");
                    let expected = "a column `accuracy`, or a file confusion.csv";
                    problems.push(Problem::new(place, "no such column", expected));
                    0.0
                }
            };
            if !is_name(&name) {
                problems.push(row.problem(columns[0], NAME));
            } else if profile.variants.iter().any(|known| known.name == name) {
                problems.push(row.problem(columns[0], "a name that stands only once"));
            }
            let recall = vec![accuracy; classes];
            let (samples, costs) = (Vec::new(), Vec::new());
            let variant = VariantProfile {
                name,
                shares: None,
                bytes,
                payload_bytes: None,
                accuracy,
                recall,
                samples,
                costs,
            };
            profile.variants.push(variant);
        });
        share(&sharing, &mut profile.variants, &mut self.problems);
    }

    /// Recalls, accuracies and the prior, by the confusion counts if there are any.
    pub fn recalls(&mut self, profile: &mut Profile) {
        let file = "confusion.csv";
        if !source::exists(&self.path(file)) {
            if profile.prior.is_empty() {
                profile.prior = vec![1.0 / profile.classes.len() as f64; profile.classes.len()];
            }
            return;
        }
        let counts = self.confusion(file, &profile.variant_names(), &profile.classes);
        if !self.problems.is_empty() {
            return;
        }
        for (variant, rows) in profile.variants.iter_mut().zip(&counts) {
            let total: Vec<f64> = rows.iter().map(|row| row.iter().sum()).collect();
            let right: Vec<f64> = rows.iter().enumerate().map(|(c, row)| row[c]).collect();
            variant.accuracy = right.iter().sum::<f64>() / total.iter().sum::<f64>();
            variant.recall = right.iter().zip(&total).map(|(r, t)| r / t).collect();
            variant.samples = total;
        }
        if profile.variants.windows(2).any(|pair| pair[0].samples != pair[1].samples) {
            profile.warnings.push(format!(
                "{}: variants were measured on different class counts; accuracies of different \
                 variants are not strictly comparable",
                self.path(file)
            ));
        }
        if let Some(first) = profile.variants.first().filter(|_| profile.prior.is_empty()) {
            profile.prior = prior_of_counts(&first.samples);
        }
    }

    /// Confusion counts by variant and true class. A table without a column of variants has one.
    pub fn confusion(
        &mut self,
        file: &str,
        variants: &[String],
        classes: &[String],
    ) -> Vec<Vec<Vec<f64>>> {
        let predicted: Vec<String> = classes.iter().map(|c| format!("predicted_{c}")).collect();
        let (keys, expected): (&[&str], _) = match variants {
            [] => (&["class"], "one row for each class"),
            _ => (&["variant", "class"], "one row for each variant and class"),
        };
        let required: Vec<&str> =
            keys.iter().copied().chain(predicted.iter().map(String::as_str)).collect();
        let mut counts = vec![vec![Vec::<f64>::new(); classes.len()]; variants.len().max(1)];
        self.table(file, &required, &[], |row, (columns, _), problems| {
            let (keys, cells) = columns.split_at(keys.len());
            let variant = match keys {
                [column, _] => keep(row.name(*column, "variant", variants), problems),
                _ => Some(0),
            };
            let column = keys[keys.len() - 1];
            let class = keep(row.name(column, "class", classes), problems);
            let (Some(variant), Some(class)) = (variant, class) else { return };
            let cells: Vec<f64> =
                cells.iter().filter_map(|c| keep(row.number(*c), problems)).collect();
            if !counts[variant][class].is_empty() {
                problems.push(row.problem(column, expected));
            } else if cells.len() == classes.len() && cells.iter().sum::<f64>() <= 0.0 {
                let expected = "at least one request of the class";
                let place = row.place(column);
                problems.push(Problem::new(place, "a confusion row of zeros", expected));
            }
            counts[variant][class] = cells;
        });
        let missing = counts.iter().enumerate().find_map(|(variant, rows)| {
            let class = &classes[rows.iter().position(Vec::is_empty)?];
            let variant = variants.get(variant).map_or_else(String::new, |v| format!("`{v}`, "));
            Some(format!("no row for {variant}`{class}`"))
        });
        if let Some(found) = missing.filter(|_| self.problems.is_empty()) {
            self.refuse(file, found, expected);
        }
        counts
    }

    pub fn latency(&mut self, profile: &mut Profile) {
        let names = profile.variant_names();
        let mut tables: Vec<Measured> = Vec::new();
        let columns = ["worker_class", "variant", POINT[0], POINT[1]];
        let optional = [&COUNT[..], &[POWER_MODE], &SPREAD].concat();
        self.table("latency.csv", &columns, &optional, |row, columns, problems| {
            let (columns, more) = columns;
            let class = row.text(columns[0]);
            let variant = keep(row.name(columns[1], "variant", &names), problems);
            let point = point(row, (&columns[2..], more), problems);
            let power_mode = power_mode(row, more[1], problems);
            let spread = spread(row, columns[3], &more[2..], problems);
            if !is_name(class) {
                problems.push(row.problem(columns[0], NAME));
            }
            let (Some(variant), Some(point)) = (variant, point) else { return };
            let at = tables.iter().position(|known| {
                (known.class.as_str(), known.power_mode.as_str(), known.variant)
                    == (class, power_mode, variant)
            });
            let at = at.unwrap_or_else(|| {
                let (class, power_mode) = (class.to_owned(), power_mode.to_owned());
                let (points, spread) = (Vec::new(), Vec::new());
                tables.push(Measured { class, power_mode, variant, points, spread });
                tables.len() - 1
            });
            tables[at].spread.push((point.batch, spread));
            tables[at].points.push(point);
        });
        let loads = self.loads(&names);
        self.same_loads(&profile.variants, &loads);
        // Rows that could not be read leave holes that are not reported.
        let is_complete = self.problems.is_empty();
        for table in tables {
            let Measured { class: worker_class, power_mode, variant, points, mut spread } = table;
            spread.sort_by_key(|(batch, _)| *batch);
            if spread.iter().all(|(_, spread)| *spread == Spread::None) {
                spread.clear();
            }
            let name = &names[variant];
            match LatencyPoints::counted(points) {
                Ok(latency) => {
                    let weights = profile.variants[variant].shares.unwrap_or(variant);
                    let key = (worker_class, weights);
                    let load = loads.get(&key).copied();
                    let (worker_class, name) = (key.0, &names[weights]);
                    if load.is_none() && self.problems.is_empty() {
                        let found = format!("no row for `{worker_class}`, `{name}`");
                        self.refuse("load.csv", found, "its load time");
                    }
                    let (load, load_cold) = load.unwrap_or_default();
                    let cost = VariantCost::new(&worker_class, latency, load);
                    let cost = VariantCost { power_mode, spread, load_cold, ..cost };
                    profile.variants[variant].costs.push(cost);
                }
                Err(error) if is_complete => {
                    let found = format!("{error} of `{name}` on `{worker_class}`");
                    self.refuse("latency.csv", found, ROWS);
                }
                Err(_) => {}
            }
        }
    }

    /// Refuses loads of variants that differ from those of the weights that they share.
    fn same_loads(&mut self, variants: &[VariantProfile], loads: &Loads) {
        for ((class, variant), own) in loads {
            let Some(named) = variants[*variant].shares else { continue };
            let Some(shared) = loads.get(&(class.clone(), named)) else { continue };
            let (name, other) = (&variants[*variant].name, &variants[named].name);
            if own.0 != shared.0 || own.1.is_some_and(|cold| Some(cold) != shared.1) {
                let found = format!("another load of `{name}` on `{class}` than of `{other}`");
                let expected =
                    format!("no row for `{name}`, which shares the weights of `{other}`");
                self.refuse("load.csv", found, &expected);
            }
        }
    }

    /// By worker class and variant, the time of a load, and of one from storage.
    fn loads(&mut self, names: &[String]) -> Loads {
        let mut loads = BTreeMap::new();
        let columns = ["worker_class", "variant", "load_ms"];
        self.table("load.csv", &columns, &["load_cold_ms"], |row, (columns, more), problems| {
            let variant = keep(row.name(columns[1], "variant", names), problems);
            let load = keep(span(row, columns[2]), problems);
            let cold = more[0].filter(|column| !row.text(*column).is_empty());
            let cold = cold.and_then(|column| keep(span(row, column), problems));
            let (Some(variant), Some(load)) = (variant, load) else { return };
            let key = (row.text(columns[0]).to_owned(), variant);
            if loads.insert(key, (load, cold)).is_some() {
                problems.push(row.problem(columns[1], "one row for each worker class and variant"));
            }
        });
        loads
    }

    pub fn peek(&mut self, profile: &mut Profile) {
        let file = "peek.csv";
        if !source::exists(&self.path(file)) {
            return;
        }
        let mut points = Vec::new();
        self.table(file, &POINT, &COUNT, |row, columns, problems| {
            points.extend(point(row, columns, problems));
        });
        match LatencyPoints::counted(points) {
            Ok(points) => profile.peek = Some(points),
            Err(error) if self.problems.is_empty() => self.refuse(file, error.to_string(), ROWS),
            Err(_) => {}
        }
    }

    pub fn peek_confusion(&mut self, profile: &mut Profile) {
        let file = "peek_confusion.csv";
        if source::exists(&self.path(file)) {
            let counts = self.confusion(file, &[], &profile.classes);
            profile.peek_confusion = counts.into_iter().next();
        }
    }

    pub fn reference(&mut self, profile: &mut Profile) {
        if !source::exists(&self.path("reference.csv")) {
            return;
        }
        let Some(source) = self.open("reference.csv") else { return };
        match Reference::read(&source, &profile.classes) {
            Ok(reference) => profile.reference = Some(Arc::new(reference)),
            Err(problems) => self.problems.extend(problems),
        }
    }
}

/// Gives variants that share their weights those of the named ones. The named variant has weights
/// of its own: what a group of variants takes stands in one row, and no row leads to another.
fn share(sharing: &[Sharing], variants: &mut [VariantProfile], problems: &mut Problems) {
    for own in sharing {
        let chain = chain(own, sharing, variants);
        let names: Vec<&str> = variants.iter().map(|variant| variant.name.as_str()).collect();
        let mut refuse = |found: String, expected: String| {
            problems.push(Problem::new(own.place.clone(), found, expected));
        };
        let Some(named) = names.iter().position(|name| *name == own.named) else {
            let known = names.into_iter().filter(|name| *name != chain[0]);
            let name = &own.named;
            problems.push(Problem::unknown(own.place.clone(), "variant", name, known).of(chain[0]));
            continue;
        };
        let last = chain[chain.len() - 1];
        if chain.len() > 2 || last == chain[0] {
            let expected = if chain[1..chain.len() - 1].contains(&last) || last == chain[0] {
                "a variant with weights of its own".to_owned()
            } else {
                format!("`{last}`, which has the weights")
            };
            refuse(format!("`{}`", chain.join("` shares `")), expected);
            continue;
        }
        let bytes = variants[named].bytes;
        if let Some(given) = own.bytes.filter(|given| *given != bytes) {
            let found = format!("{given} bytes of `{}`, {bytes} of `{}`", chain[0], own.named);
            refuse(found, format!("{bytes} bytes of both, or an empty cell"));
        }
        let variant = &mut variants[own.variant];
        (variant.shares, variant.bytes) = (Some(named), bytes);
    }
}

/// The names of the variants to which a row leads, up to one that does not share or comes twice.
fn chain<'a>(
    from: &'a Sharing,
    sharing: &'a [Sharing],
    variants: &'a [VariantProfile],
) -> Vec<&'a str> {
    let mut chain = vec![variants[from.variant].name.as_str()];
    let mut next = Some(from);
    while let Some(own) = next {
        let is_known = chain.contains(&own.named.as_str());
        chain.push(&own.named);
        let leads = |other: &&Sharing| variants[other.variant].name == own.named;
        next = if is_known { None } else { sharing.iter().find(leads) };
    }
    chain
}
