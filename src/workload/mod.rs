//! Arrival processes.
//!
//! A process is one file with an [`ArrivalEntry`] and one line in [`ARRIVALS`]. Most give only
//! instants ([`InterarrivalProcess`]): then each request is a row of its application's trace drawn
//! with replacement, predictions and votes included, or a drawn class where there is no trace.
//! Others give whole [`Arrival`]s. Both give them in order of time, one by one: a run never holds
//! its whole trace.
//!
//! **Load** ρ has one definition for all profiles: ρ = Σ λₐ / Sₐ over applications with rate λₐ,
//! where Sₐ is the number of their requests per second that all workers together can answer if they
//! serve nothing else: each lane with the variant and batch size of least time per request
//! (without regard to accuracy, loads, noise and faults). On equal workers that is
//! Σ λₐ · E[time per request in the best batch] / lanes. Above 1 every queue grows.

mod batches;
mod bursts;
mod class_mix;
mod closed_loop;
mod diurnal;
mod file;
mod gamma;
mod hawkes;
mod listed;
mod lognormal;
mod modulated;
mod pareto;
mod periodic;
mod poisson;
mod ramp;
mod recorded;
mod refit;
mod request_sources;
mod resampled;
mod sources;
mod steps;
mod timed;
mod trace_rows;
mod weibull;

pub use class_mix::{ClassFilter, Drift, DriftSchedule, zipf};
pub use closed_loop::ClientPool;
pub use listed::Listed;
pub use request_sources::RequestSources;
pub use steps::Steps;
pub use timed::{InterarrivalProcess, StartProcess};

use crate::config::settings::{EntrySettings, Lists, Registry, flattened};
use crate::config::{
    ConfigNode, Decoder, Entries, Group, Kind, Location, Named, Problem, Problems, Setting,
};
use crate::core::ids::Arrival;
use crate::core::rng::Rng;
use crate::core::units::Time;
use crate::system::catalog::Catalog;
use crate::system::ground_truth::GroundTruth;
pub use crate::traces::recorded::SourceSplit;
use crate::traces::trace_file::TraceFile;
use rand_chacha::ChaCha8Rng;
use std::sync::Arc;
use timed::renewal;

/// The longest run in seconds, some 30 years: time has 64 bits of nanoseconds.
pub const MAX_TRACE_S: f64 = 1e9;
/// The most requests of a run: their numbers have 32 bits.
pub const MAX_REQUESTS: u64 = 4_000_000_000;

/// A source of requests in order of time.
///
/// ```
/// use peeksim::extensions::Arrivals;
/// use peeksim::prelude::*;
///
/// /// Three requests of the first application, 10 ms apart.
/// struct Three(u64);
///
/// impl Arrivals for Three {
///     fn next_arrival(&mut self) -> Option<Arrival> {
///         self.0 += 1;
///         let truth = TrueClass { class: 0, row: TrueClass::NO_ROW };
///         let (time, budget) = (Time(self.0 * 10_000_000), Span::from_ms(50.0));
///         (self.0 <= 3).then_some(Arrival { time, app: AppId(0), source: None, budget, truth })
///     }
/// }
/// let mut arrivals = Three(0);
/// let times = std::iter::from_fn(|| arrivals.next_arrival()).map(|arrival| arrival.time);
/// assert_eq!(times.last(), Some(Time(30_000_000)));
/// ```
pub trait Arrivals: Send {
    /// The next request, never earlier than the one before; `None` when there are no more.
    fn next_arrival(&mut self) -> Option<Arrival>;

    /// Appends the next requests, up to `most`, and at least one unless there are no more. More
    /// than one only where no request depends on what happens in the run.
    fn next_arrivals(&mut self, _most: usize, into: &mut Vec<Arrival>) {
        into.extend(self.next_arrival());
    }

    /// Why there are no more, if requests are missing.
    fn problem(&self) -> Option<&Problem> {
        None
    }

    /// Whether arrivals depend on the ends of requests.
    fn observes_completions(&self) -> bool {
        false
    }

    /// Called when a request ends, by its arrival number. `next` is the last arrival given, which
    /// is still in the future: an earlier one may replace it.
    fn request_ended(&mut self, _number: u32, _at: Time, _next: &mut Option<Arrival>) {}
}

/// The table `workload` of an experiment.
#[derive(Clone, Debug)]
pub struct WorkloadSpec {
    /// One process for all applications, or one for each.
    pub processes: Vec<Process>,
    /// The rate of requests over all applications.
    pub pace: RateSpec,
    /// The number of requests over all applications.
    pub requests: u64,
    /// Share of each application, summing to 1.
    pub mix: Vec<f64>,
    /// By application, its classes and their weights.
    pub classes: Vec<ClassFilter>,
    /// How class mixes change with time.
    pub drift: Option<Drift>,
    /// The probability that a request takes the class of the one before it of its application.
    pub sticky: f64,
    /// The sources whose recorded rows arrive.
    pub sources: SourceSplit,
    /// The sources that requests have.
    pub request_sources: RequestSources,
    /// The requests of `arrivals = "file"`.
    pub file: Option<Arc<TraceFile>>,
    /// Its place in the experiment, for messages.
    pub place: Location,
}

/// The rate of requests.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RateSpec {
    /// That of the process, as recorded.
    Own,
    /// Requests per second.
    Rate(f64),
    /// The load ρ of the module's definition.
    Load(f64),
}

/// An arrival process with its settings.
#[derive(Clone)]
pub enum Process {
    /// Times at a mean rate.
    Timed(StartProcess),
    /// Requests and their times.
    Whole(BuildArrivals),
}

/// Makes the arrivals of one run.
pub type BuildArrivals = Arc<
    dyn Fn(&WorkloadSpec, &Arc<GroundTruth>, Rng) -> Result<Box<dyn Arrivals>, Problem>
        + Send
        + Sync,
>;

/// One line of the list of arrival processes.
pub struct ArrivalEntry {
    /// The name in experiments.
    pub name: &'static str,
    /// Its description in a line.
    pub summary: &'static str,
    /// Its source in the literature.
    pub source: &'static str,
    /// Its settings.
    pub settings: Lists,
    /// Reads its settings.
    pub read: fn(&mut Decoder<'_>) -> Process,
}

impl std::fmt::Debug for ArrivalEntry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

impl std::fmt::Debug for Process {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Timed(_) => "Timed",
            Self::Whole(_) => "Whole",
        })
    }
}

/// The arrival processes that ship.
pub const ARRIVALS: &[ArrivalEntry] = &[
    poisson::ENTRY,
    recorded::ENTRY,
    bursts::ENTRY,
    file::ENTRY,
    periodic::ENTRY,
    gamma::ENTRY,
    weibull::ENTRY,
    lognormal::ENTRY,
    pareto::ENTRY,
    modulated::MMPP,
    modulated::ON_OFF,
    batches::ENTRY,
    hawkes::ENTRY,
    diurnal::ENTRY,
    ramp::ENTRY,
    closed_loop::ENTRY,
];

/// Those that ship, and those of a program that has its own.
pub static ENTRIES: Entries<ArrivalEntry> = Entries::of("arrival process", ARRIVALS);

impl Named for ArrivalEntry {
    fn name(&self) -> &'static str {
        self.name
    }
}

/// The coefficient of variation of gaps.
const CV: &[Setting] = &[Setting::number("cv", [0.01, 100.0], 1.0)
    .means("The coefficient of variation of the gaps between arrivals.")];

/// Where a recording begins.
const KEEP_OFFSET: &[Setting] = &[Setting::flag("keep_offset", false)
    .means("Whether the time before the first request of the recording is kept.")];

/// The keys of a process that is written as a table.
pub const PROCESS: Group = Group::named("process")
    .of(&[&[Setting::required("name", Kind::Text).means("Which arrival process.")]]);

/// The processes as tables of an experiment.
pub const PROCESSES: Registry = Registry {
    name: "arrival process",
    tag: "name",
    common: &PROCESS,
    entries: || ENTRIES.iter().map(ArrivalEntry::described).collect(),
    optional: false,
};

impl ArrivalEntry {
    /// Its settings.
    pub fn described(&self) -> EntrySettings {
        let settings = flattened(self.settings);
        EntrySettings { name: self.name, summary: self.summary, settings }
    }
}

impl WorkloadSpec {
    /// The arrivals of one run.
    ///
    /// # Errors
    /// Settings that do not fit the process, and recordings without the requests that are needed.
    pub fn build(&self, truth: &Arc<GroundTruth>, rng: Rng) -> Result<Box<dyn Arrivals>, Problems> {
        let starts: Option<Vec<StartProcess>> = self.processes.iter().map(Process::start).collect();
        let built = match (starts, self.processes.as_slice()) {
            (Some(starts), _) => timed::build(&starts, self, truth, rng),
            (None, [Process::Whole(build)]) => build(self, truth, rng),
            _ => {
                let found = "a process by application that says more than when requests arrive";
                Err(self.problem("", found, "one for all applications"))
            }
        };
        built.map_err(Problems::from)
    }

    /// Lets processes that give only instants go on for as long as a run may last, or for the most
    /// requests that a run may have. Other processes keep their number of requests.
    ///
    /// # Errors
    /// A load that is no possible rate.
    pub fn make_endless(&mut self, catalog: &Catalog) -> Result<(), Problem> {
        let is_timed = self.processes.iter().all(|process| process.start().is_some());
        if let Some(rate_rps) = self.rate_rps(catalog)?.filter(|_| is_timed) {
            self.requests = ((rate_rps * MAX_TRACE_S) as u64).clamp(1, MAX_REQUESTS);
        }
        Ok(())
    }

    /// A problem of a setting, or of the whole table if there is none.
    fn problem(
        &self,
        field: &str,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) -> Problem {
        let place = self.place.clone();
        let place = if field.is_empty() { place } else { place.field(field) };
        Problem::new(place, found, expected)
    }

    /// Refuses a run that lasts too long.
    fn check_duration(&self, field: &str, seconds: f64, what: &str) -> Result<(), Problem> {
        if seconds <= MAX_TRACE_S {
            return Ok(());
        }
        let found = format!("{what} over {seconds:.1e} s");
        Err(self.problem(field, found, format!("{MAX_TRACE_S:e} s at most")))
    }

    /// Requests per second over all applications, if the rate or the load is set.
    ///
    /// # Errors
    /// A load that is no possible rate.
    pub fn rate_rps(&self, catalog: &Catalog) -> Result<Option<f64>, Problem> {
        let load = match self.pace {
            RateSpec::Own => return Ok(None),
            RateSpec::Rate(rate_rps) => return Ok(Some(rate_rps)),
            RateSpec::Load(load) => load,
        };
        let rate_rps = load / self.least_span_s(catalog);
        if !(1e-9..=1e9).contains(&rate_rps) {
            let found = format!("a load of {load}, which is {rate_rps} requests per second");
            let expected = "from 1e-9 to 1e9 requests per second";
            return Err(self.problem("workload.load", found, expected));
        }
        Ok(Some(rate_rps))
    }

    /// The least mean time of all workers per request, in seconds.
    fn least_span_s(&self, catalog: &Catalog) -> f64 {
        let each = catalog.app_ids().map(|app| (self.mix[app.index()], catalog.capacity_rps(app)));
        each.filter(|(share, _)| *share > 0.0).map(|(share, most)| share / most).sum()
    }

    /// The load ρ of the module's definition; `None` without a rate, or where a file has its own
    /// mix.
    pub fn load(&self, catalog: &Catalog) -> Option<f64> {
        let rate_rps = self.rate_rps(catalog).ok()??;
        self.file.is_none().then(|| rate_rps * self.least_span_s(catalog))
    }

    /// What the first arrivals of two replicates have in common: nothing where the process gives
    /// only instants, since these are drawn.
    pub fn repeats(&self, truth: &Arc<GroundTruth>) -> SharedByReplicates {
        let first = |replicate| {
            let mut arrivals = self.build(truth, Rng::new(0, replicate)).ok()?;
            let next = std::iter::from_fn(|| arrivals.next_arrival());
            Some(next.take(200).collect::<Vec<Arrival>>())
        };
        let draws_times = self.processes.iter().any(|process| process.start().is_some());
        let pair = if draws_times { None } else { first(0).zip(first(1)) };
        let Some((one, other)) = pair else { return SharedByReplicates::Nothing };
        let both = || one.iter().zip(&other);
        let rest = |arrival: &Arrival| (arrival.truth, arrival.budget, arrival.source);
        if one.len() != other.len() || both().any(|(a, b)| (a.time, a.app) != (b.time, b.app)) {
            SharedByReplicates::Nothing
        } else if both().any(|(a, b)| rest(a) != rest(b)) {
            SharedByReplicates::Times
        } else {
            SharedByReplicates::Requests
        }
    }
}

/// Builds the process of an entry from its table.
pub fn build(entry: &ArrivalEntry, table: &ConfigNode, problems: &mut Problems) -> Process {
    let mut fields = Decoder::new(table, &PROCESS, problems);
    fields.take("name");
    fields.describe(entry.name, entry.settings);
    let process = (entry.read)(&mut fields);
    fields.finish();
    process
}

/// What all replicates of an arrival process have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SharedByReplicates {
    /// Nothing.
    Nothing,
    /// Instants and applications.
    Times,
    /// Every request.
    Requests,
}

impl<F: FnMut() -> Option<Arrival> + Send> Arrivals for F {
    fn next_arrival(&mut self) -> Option<Arrival> {
        self()
    }
}

impl Process {
    /// A process of instants; `start` makes one of a mean rate in requests per second.
    ///
    /// ```
    /// use peeksim::extensions::Process;
    /// use peeksim::prelude::{Span, Time};
    ///
    /// /// One request every 1 / rate seconds.
    /// fn regular() -> Process {
    ///     Process::timed(|rate_rps, _| {
    ///         let (gap, mut now) = (Span::from_ns(1e9 / rate_rps), Time::ZERO);
    ///         move |_: &mut _| {
    ///             now += gap;
    ///             now
    ///         }
    ///     })
    /// }
    /// # regular();
    /// ```
    pub fn timed<T: InterarrivalProcess + 'static>(
        start: impl Fn(f64, &mut ChaCha8Rng) -> T + Send + Sync + 'static,
    ) -> Self {
        Self::Timed(Arc::new(move |rate_rps, rng| Box::new(start(rate_rps, rng))))
    }

    fn start(&self) -> Option<StartProcess> {
        match self {
            Self::Timed(start) => Some(Arc::clone(start)),
            Self::Whole(_) => None,
        }
    }
}
