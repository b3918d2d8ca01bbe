//! A profile folder: what was measured of an application's variants before any request came.
//!
//! | file | content |
//! |---|---|
//! | `app.toml` | classes, deadline budget, prior, where the numbers come from |
//! | `variants.csv` | `variant,bytes[,accuracy]` |
//! | `confusion.csv` | `variant,class,predicted_<class>…`: counts, rows are true classes |
//! | `latency.csv` | `worker_class,variant,batch,latency_ms[,count]` |
//! | `load.csv` | `worker_class,variant,load_ms[,load_cold_ms]` |
//! | `peek.csv` | `batch,latency_ms[,count]` of the `SneakPeek` model, if there is one |
//! | `peek_confusion.csv` | `class,predicted_<class>…`: its counts, rows are true classes |
//! | `reference.csv` | `class,<feature>…`: samples of a k-NN, if there is one |
//!
//! Without `confusion.csv`, the column `accuracy` is the recall of every class. `count` is on how
//! many timings a latency rests. Latencies are kept as measured; a catalog fits tables to them.

mod peek;

use super::deadline_budget::{BUDGET, DeadlineBudget};
use super::latency::{LatencyPoint, LatencyPoints, MAX_BATCH, MAX_COUNT, TableError};
use crate::classifier::knn::Reference;
use crate::classifier::posterior::prior_of_counts;
use crate::config::csv::{Row, Table};
use crate::config::settings::TEXTS;
use crate::config::source::{self, Source};
use crate::config::{
    ConfigNode, Decoder, Group, Kind, Location, Problem, Problems, Setting, decode,
};
use crate::core::units::Span;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The profile of an application.
#[derive(Clone, Debug)]
pub struct Profile {
    /// The folder's name.
    pub name: String,
    /// What it is, in a line.
    pub summary: String,
    /// Where the numbers come from.
    pub source: String,
    /// Class names.
    pub classes: Vec<String>,
    /// Deadline budget unless the experiment says otherwise.
    pub budget: DeadlineBudget,
    /// Class probabilities before looking at the data; sum as given, 1 by default.
    pub prior: Vec<f64>,
    /// The variants in file order.
    pub variants: Vec<VariantProfile>,
    /// Latency of the `SneakPeek` model, as measured.
    pub peek: Option<LatencyPoints>,
    /// Confusion counts of the `SneakPeek` model.
    pub peek_confusion: Option<Vec<Vec<f64>>>,
    /// Samples whose nearest neighbours vote.
    pub reference: Option<Arc<Reference>>,
    /// What a user should know about these numbers.
    pub warnings: Vec<String>,
    /// (path, SHA-256) of every file read.
    pub files: Vec<(String, String)>,
}

/// What is known of one variant.
#[derive(Clone, Debug)]
pub struct VariantProfile {
    /// Its name.
    pub name: String,
    /// Bytes of memory it takes.
    pub bytes: u64,
    /// Profiled accuracy: right answers over all, in the profile's class mix.
    pub accuracy: f64,
    /// Probability of a right answer by true class.
    pub recall: Vec<f64>,
    /// On how many profiled requests each recall was measured; empty if none was.
    pub samples: Vec<f64>,
    /// What it costs by worker class.
    pub costs: Vec<VariantCost>,
}

/// Time a variant takes on a class of workers.
#[derive(Clone, Debug)]
pub struct VariantCost {
    /// The class.
    pub worker_class: String,
    /// By batch, as measured.
    pub latency: LatencyPoints,
    /// Time to load it, its file in the page cache.
    pub load: Span,
    /// Time to load it from storage, if measured.
    pub load_cold: Option<Span>,
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
    pub fn read(folder: &str) -> Result<Self, Problems> {
        let name = folder.rsplit('/').next().unwrap_or(folder).to_owned();
        let mut reader = Reader { folder, files: Vec::new(), problems: Problems::default() };
        let Some(app) = reader.open("app.toml") else { return Err(reader.problems) };
        let node = ConfigNode::parse(&app)?;
        let mut profile = Self::read_app(name, &node, &mut reader.problems);
        reader.variants(&mut profile);
        if !reader.problems.is_empty() {
            return Err(reader.problems);
        }
        reader.confusion(&mut profile);
        reader.latency(&mut profile);
        reader.peek(&mut profile);
        reader.peek_confusion(&mut profile);
        reader.reference(&mut profile);
        profile.files = reader.files;
        reader.problems.check(Some(profile))
    }

    /// Variants that were not read from a folder, of an application with one class.
    pub fn of_variants(name: &str, budget: DeadlineBudget, variants: Vec<VariantProfile>) -> Self {
        Self {
            name: name.to_owned(),
            summary: String::new(),
            source: String::new(),
            classes: vec!["any".to_owned()],
            budget,
            prior: vec![1.0],
            variants,
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

    fn read_app(name: String, node: &ConfigNode, problems: &mut Problems) -> Self {
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
        let given = node.get("classes").is_some();
        if given && classes.is_empty() || classes.len() > 1000 {
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
        Self {
            name,
            summary,
            source,
            classes,
            budget,
            prior: prior.unwrap_or_default(),
            variants: Vec::new(),
            peek: None,
            peek_confusion: None,
            reference: None,
            warnings: Vec::new(),
            files: Vec::new(),
        }
    }
}

/// What classes, variants and classes of workers may be called: names are written into tables.
const NAME: &str = "a name without blanks, commas and quotes";

fn is_name(text: &str) -> bool {
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

/// The columns of a measured point, and the one that it may have.
const POINT: [&str; 2] = ["batch", "latency_ms"];
const COUNT: [&str; 1] = ["count"];

/// Reads the files of one folder, collecting problems.
struct Reader<'a> {
    folder: &'a str,
    files: Vec<(String, String)>,
    problems: Problems,
}

impl Reader<'_> {
    fn path(&self, file: &str) -> String {
        format!("{}/{file}", self.folder)
    }

    fn open(&mut self, file: &str) -> Option<Source> {
        match source::read(&self.path(file)) {
            Ok(source) => {
                self.files.push((source.path.clone(), source.sha256.clone()));
                Some(source)
            }
            Err(problem) => {
                self.problems.push(problem);
                None
            }
        }
    }

    /// Calls `each` for every row of a table with the given columns (then the optional ones).
    fn table(
        &mut self,
        file: &str,
        required: &[&str],
        optional: &[&str],
        mut each: impl FnMut(Row<'_>, &[usize], &mut Problems),
    ) {
        let Some(source) = self.open(file) else { return };
        let problems = &mut self.problems;
        let parsed = Table::parse(&source).and_then(|table| {
            let known: Vec<&str> = required.iter().chain(optional).copied().collect();
            if let Some(problem) = table.refuse_unknown(|name| known.contains(&name), &known) {
                return Err(problem);
            }
            let mut columns =
                required.iter().map(|name| table.column(name)).collect::<Result<Vec<_>, _>>()?;
            columns.extend(optional.iter().filter_map(|name| table.optional(name)));
            Ok((table, columns))
        });
        match parsed {
            Ok((table, columns)) => table.rows().for_each(|row| each(row, &columns, problems)),
            Err(problem) => problems.push(problem),
        }
    }

    fn variants(&mut self, profile: &mut Profile) {
        let classes = profile.classes.len();
        let confusion = source::exists(&self.path("confusion.csv"));
        let file = self.path("variants.csv");
        let optional: &[&str] = if confusion { &[] } else { &["accuracy"] };
        self.table("variants.csv", &["variant", "bytes"], optional, |row, columns, problems| {
            let name = row.text(columns[0]).to_owned();
            let bytes = keep(row.integer(columns[1], 1..=u64::MAX / 2), problems).unwrap_or(1);
            let accuracy = match columns.get(2) {
                Some(column) => match keep(row.number(*column), problems) {
                    Some(accuracy) if accuracy > 1.0 => {
                        problems.push(row.problem(*column, "a probability from 0 to 1"));
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
            let variant = VariantProfile { name, bytes, accuracy, recall, samples, costs };
            profile.variants.push(variant);
        });
    }

    fn confusion(&mut self, profile: &mut Profile) {
        if !source::exists(&self.path("confusion.csv")) {
            if profile.prior.is_empty() {
                profile.prior = vec![1.0 / profile.classes.len() as f64; profile.classes.len()];
            }
            return;
        }
        let classes = profile.classes.clone();
        let names = profile.variant_names();
        let predicted: Vec<String> = classes.iter().map(|c| format!("predicted_{c}")).collect();
        let mut required = vec!["variant", "class"];
        required.extend(predicted.iter().map(String::as_str));
        let mut counts = vec![vec![Vec::<f64>::new(); classes.len()]; names.len()];
        self.table("confusion.csv", &required, &[], |row, columns, problems| {
            let variant = keep(row.name(columns[0], "variant", &names), problems);
            let class = keep(row.name(columns[1], "class", &classes), problems);
            let (Some(variant), Some(class)) = (variant, class) else { return };
            let cells: Vec<f64> =
                columns[2..].iter().filter_map(|c| keep(row.number(*c), problems)).collect();
            if !counts[variant][class].is_empty() {
                problems.push(row.problem(columns[1], "one row for each variant and class"));
            } else if cells.len() == classes.len() && cells.iter().sum::<f64>() <= 0.0 {
                problems.push(Problem::new(
                    row.place(columns[1]),
                    "a confusion row of zeros",
                    "at least one request of the class",
                ));
            }
            counts[variant][class] = cells;
        });
        if self.problems.is_empty() {
            let file = Location::file(&self.path("confusion.csv"));
            self.recalls(profile, &counts, &file);
        }
    }

    fn recalls(&mut self, profile: &mut Profile, counts: &[Vec<Vec<f64>>], file: &Location) {
        let mut totals: Vec<Vec<f64>> = Vec::new();
        for (variant, rows) in profile.variants.iter_mut().zip(counts) {
            if let Some(class) = rows.iter().position(Vec::is_empty) {
                let found = format!("no row for `{}`, `{}`", variant.name, profile.classes[class]);
                let expected = "one row for each variant and class";
                self.problems.push(Problem::new(file.clone(), found, expected));
                return;
            }
            let total: Vec<f64> = rows.iter().map(|row| row.iter().sum()).collect();
            let right: Vec<f64> = rows.iter().enumerate().map(|(c, row)| row[c]).collect();
            variant.accuracy = right.iter().sum::<f64>() / total.iter().sum::<f64>();
            variant.recall = right.iter().zip(&total).map(|(r, t)| r / t).collect();
            variant.samples.clone_from(&total);
            totals.push(total);
        }
        if totals.windows(2).any(|pair| pair[0] != pair[1]) {
            profile.warnings.push(format!(
                "{}: variants were measured on different class counts; accuracies of different \
                 variants are not strictly comparable",
                file.file
            ));
        }
        if profile.prior.is_empty() {
            profile.prior = prior_of_counts(&totals[0]);
        }
    }

    fn latency(&mut self, profile: &mut Profile) {
        let names = profile.variant_names();
        let mut points: Vec<(String, usize, Vec<LatencyPoint>)> = Vec::new();
        let columns = ["worker_class", "variant", POINT[0], POINT[1]];
        self.table("latency.csv", &columns, &COUNT, |row, columns, problems| {
            let class = row.text(columns[0]);
            let variant = keep(row.name(columns[1], "variant", &names), problems);
            let point = point(row, &columns[2..], problems);
            if !is_name(class) {
                problems.push(row.problem(columns[0], NAME));
            }
            let (Some(variant), Some(point)) = (variant, point) else { return };
            let at = points.iter().position(|(c, v, _)| c == class && *v == variant);
            let at = at.unwrap_or_else(|| {
                points.push((class.to_owned(), variant, Vec::new()));
                points.len() - 1
            });
            points[at].2.push(point);
        });
        let loads = self.loads(&names);
        // A row that could not be read leaves a hole that is no problem of its own.
        let whole = self.problems.is_empty();
        for (class, variant, points) in points {
            match LatencyPoints::counted(points) {
                Ok(latency) => {
                    let load = loads.iter().find(|l| l.0 == class && l.1 == variant);
                    if load.is_none() && self.problems.is_empty() {
                        let place = Location::file(&self.path("load.csv"));
                        let found = format!("no row for `{class}`, `{}`", names[variant]);
                        self.problems.push(Problem::new(place, found, "its load time"));
                    }
                    let (load, load_cold) = load.map_or((Span::ZERO, None), |l| (l.2, l.3));
                    let cost = VariantCost { worker_class: class, latency, load, load_cold };
                    profile.variants[variant].costs.push(cost);
                }
                Err(error) if whole => self.hole(&class, &names[variant], error),
                Err(_) => {}
            }
        }
    }

    fn hole(&mut self, class: &str, variant: &str, error: TableError) {
        let place = Location::file(&self.path("latency.csv"));
        let found = format!("{error} of `{variant}` on `{class}`");
        self.problems.push(Problem::new(place, found, "one row for each batch, from batch 1 on"));
    }

    fn loads(&mut self, names: &[String]) -> Vec<Load> {
        let mut loads = Vec::new();
        let columns = ["worker_class", "variant", "load_ms"];
        self.table("load.csv", &columns, &["load_cold_ms"], |row, columns, problems| {
            let variant = keep(row.name(columns[1], "variant", names), problems);
            let load = keep(span(row, columns[2]), problems);
            let cold = columns.get(3).filter(|column| !row.text(**column).is_empty());
            let cold = cold.and_then(|column| keep(span(row, *column), problems));
            let (Some(variant), Some(load)) = (variant, load) else { return };
            let class = row.text(columns[0]);
            if loads.iter().any(|known: &Load| known.0 == class && known.1 == variant) {
                problems.push(row.problem(columns[1], "one row for each worker class and variant"));
            }
            loads.push((class.to_owned(), variant, load, cold));
        });
        loads
    }
}

/// Worker class, variant, time to load, time to load from storage.
type Load = (String, usize, Span, Option<Span>);

/// No batch and no load takes longer, a day: sums of them must fit 64 bits of nanoseconds.
const MAX_SPAN: Span = Span(86_400_000_000_000);

/// A number of milliseconds ≥ 0.
fn span(row: Row<'_>, column: usize) -> Result<Span, Problem> {
    match row.decimal(column, 6).map(Span)? {
        span if span <= MAX_SPAN => Ok(span),
        _ => Err(row.problem(column, format!("at most {} ms, a day", MAX_SPAN.as_ms()))),
    }
}

/// A number of milliseconds > 0.
fn latency(row: Row<'_>, column: usize) -> Result<Span, Problem> {
    match span(row, column)? {
        Span::ZERO => Err(row.problem(column, "a number ≥ 0.000001")),
        span => Ok(span),
    }
}

/// A row of a latency table, its cells in the order of [`POINT`], then [`COUNT`].
fn point(row: Row<'_>, columns: &[usize], problems: &mut Problems) -> Option<LatencyPoint> {
    let batch = keep(row.integer(columns[0], 1..=MAX_BATCH), problems);
    let latency = keep(latency(row, columns[1]), problems);
    let count = columns.get(2).map(|column| row.integer(*column, 1..=MAX_COUNT));
    let count = count.map_or(Some(1), |count| keep(count, problems));
    Some(LatencyPoint { batch: batch?, latency: latency?, count: count? })
}

fn keep<T>(result: Result<T, Problem>, problems: &mut Problems) -> Option<T> {
    result.map_err(|problem| problems.push(problem)).ok()
}
