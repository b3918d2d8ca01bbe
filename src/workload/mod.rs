//! When requests arrive, and which.
//!
//! An arrival process is one file with an [`ArrivalEntry`] and one line in [`ARRIVALS`]. Most say
//! only when requests arrive ([`InterarrivalProcess`]): then each is a row of its application's
//! trace drawn with replacement, predictions and votes included, or a drawn class where there is
//! no trace. Others yield whole [`Arrival`]s. Either way in order of time, one by one: a run
//! never holds its whole trace.
//!
//! **Load** ρ means the same on every profile: ρ = Σ λₐ / Sₐ over applications with rate λₐ, where
//! Sₐ is how many of their requests all workers together could answer in a second if they did
//! nothing else: each lane with the variant and batch size that take it the least time per request
//! (whatever the accuracy; loads, noise and faults apart). On equal workers that is
//! Σ λₐ · E[time per request in the best batch] / lanes. Above 1 no scheduler keeps up.

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
mod resampled;
mod sources;
mod steps;
mod timed;
mod trace_rows;
mod weibull;

pub use class_mix::{ClassFilter, Drift, DriftSchedule, zipf};
pub use closed_loop::ClientPool;
pub use listed::Listed;
pub use steps::Steps;
pub use timed::{InterarrivalProcess, StartProcess};

use crate::config::settings::{EntrySettings, Lists, Registry, flattened};
use crate::config::{Decoder, Group, Kind, Location, Problem, Problems, Setting};
use crate::core::ids::Arrival;
use crate::core::rng::Rng;
use crate::core::units::Time;
use crate::system::catalog::Catalog;
use crate::system::ground_truth::GroundTruth;
pub use crate::traces::recorded::SourceSplit;
use crate::traces::trace_file::TraceFile;
use std::sync::Arc;
use timed::renewal;

/// Arrivals end before this many seconds, some 30 years: time has 64 bits of nanoseconds.
pub const MAX_TRACE_S: f64 = 1e9;

/// A source of requests in order of time.
pub trait Arrivals: Send {
    /// The next request, never earlier than the one before; `None` when there are no more.
    fn next_arrival(&mut self) -> Option<Arrival>;

    /// Why there are no more, if not because all have arrived.
    fn problem(&self) -> Option<&Problem> {
        None
    }

    /// Whether it wants to hear how requests end: what arrives depends on that.
    fn observes_completions(&self) -> bool {
        false
    }

    /// Hears that the request of this number, counted in order of arrival, was answered or refused
    /// at `at`. `next` is what it gave last, which has not arrived yet: an earlier one may take its
    /// place.
    fn request_ended(&mut self, _number: u32, _at: Time, _next: &mut Option<Arrival>) {}
}

/// What an experiment asks for: the table `trace`.
#[derive(Clone, Debug)]
pub struct WorkloadSpec {
    /// One process for all applications, or one for each.
    pub processes: Vec<Process>,
    /// How many requests per second arrive over all applications.
    pub pace: RateSpec,
    /// How many requests in all.
    pub requests: u64,
    /// Share of each application, summing to 1.
    pub mix: Vec<f64>,
    /// By application: only these classes, and with which weights; empty for all as they come.
    pub classes: Vec<ClassFilter>,
    /// How class mixes change with time.
    pub drift: Option<Drift>,
    /// How likely a request has the class of the one before it of its application, anyhow.
    pub sticky: f64,
    /// Only recorded rows of these sources.
    pub sources: SourceSplit,
    /// The requests themselves, for `arrivals = "file"`.
    pub file: Option<Arc<TraceFile>>,
    /// Where it was written, for messages.
    pub place: Location,
}

/// How fast requests arrive.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RateSpec {
    /// As the process has it: as recorded, as the bursts say.
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

/// Makes the arrivals of one run, or says why it cannot.
pub type BuildArrivals = Arc<
    dyn Fn(&WorkloadSpec, &Arc<GroundTruth>, Rng) -> Result<Box<dyn Arrivals>, Problem>
        + Send
        + Sync,
>;

/// One line of the list of arrival processes.
pub struct ArrivalEntry {
    /// The name in experiments.
    pub name: &'static str,
    /// What it is, in a line.
    pub summary: &'static str,
    /// Where it comes from.
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

/// Every arrival process.
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
    entries: || ARRIVALS.iter().map(ArrivalEntry::described).collect(),
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
    /// The process of one run.
    pub fn build(&self, truth: &Arc<GroundTruth>, rng: Rng) -> Result<Box<dyn Arrivals>, Problems> {
        let starts: Option<Vec<StartProcess>> = self.processes.iter().map(Process::start).collect();
        let built = match (starts, self.processes.as_slice()) {
            (Some(starts), _) => timed::build(&starts, self, truth, rng),
            (None, [Process::Whole(build)]) => build(self, truth, rng),
            _ => {
                let found = "a process by application that says more than when requests arrive";
                Err(Problem::new(self.place.clone(), found, "one for all applications"))
            }
        };
        built.map_err(Problems::from)
    }

    /// Requests per second over all applications, if that was said: as such, or by the load.
    pub fn rate_rps(&self, catalog: &Catalog) -> Result<Option<f64>, Problem> {
        let load = match self.pace {
            RateSpec::Own => return Ok(None),
            RateSpec::Rate(rate_rps) => return Ok(Some(rate_rps)),
            RateSpec::Load(load) => load,
        };
        let rate_rps = load / self.least_span_s(catalog);
        if !(1e-9..=1e9).contains(&rate_rps) {
            let place = self.place.clone().field("workload.load");
            let found = format!("a load of {load}, which is {rate_rps} requests per second");
            return Err(Problem::new(place, found, "from 1e-9 to 1e9 requests per second"));
        }
        Ok(Some(rate_rps))
    }
}

impl WorkloadSpec {
    /// Seconds of all workers that one request takes at least, on average.
    fn least_span_s(&self, catalog: &Catalog) -> f64 {
        let each = catalog.app_ids().map(|app| (self.mix[app.index()], catalog.capacity_rps(app)));
        each.filter(|(share, _)| *share > 0.0).map(|(share, most)| share / most).sum()
    }

    /// The load ρ of the module's definition at the rate that was asked for; `None` if there was no
    /// rate, or where a file has its own mix.
    pub fn load(&self, catalog: &Catalog) -> Option<f64> {
        let rate_rps = self.rate_rps(catalog).ok()??;
        self.file.is_none().then(|| rate_rps * self.least_span_s(catalog))
    }
}

/// What two replicates of an arrival process have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SharedByReplicates {
    /// Nothing that they must.
    Nothing,
    /// Instants and applications.
    Times,
    /// Every request.
    Requests,
}

/// How many arrivals of two replicates are compared.
const COMPARED: usize = 200;

impl WorkloadSpec {
    /// What the first arrivals of two replicates have in common. A process that says only when
    /// requests arrive draws that.
    pub fn repeats(&self, truth: &Arc<GroundTruth>) -> SharedByReplicates {
        if self.processes.iter().any(|process| process.start().is_some()) {
            return SharedByReplicates::Nothing;
        }
        let first = |replicate| {
            let mut arrivals = self.build(truth, Rng::new(0, replicate)).ok()?;
            let next = std::iter::from_fn(|| arrivals.next_arrival());
            Some(next.take(COMPARED).collect::<Vec<Arrival>>())
        };
        let (Some(one), Some(other)) = (first(0), first(1)) else {
            return SharedByReplicates::Nothing;
        };
        let both = || one.iter().zip(&other);
        if one.len() != other.len() || both().any(|(a, b)| (a.time, a.app) != (b.time, b.app)) {
            SharedByReplicates::Nothing
        } else if both().any(|(a, b)| (a.truth, a.budget) != (b.truth, b.budget)) {
            SharedByReplicates::Times
        } else {
            SharedByReplicates::Requests
        }
    }
}

impl Process {
    fn start(&self) -> Option<StartProcess> {
        match self {
            Self::Timed(start) => Some(Arc::clone(start)),
            Self::Whole(_) => None,
        }
    }
}
