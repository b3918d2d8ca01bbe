//! When requests arrive, and which.
//!
//! An arrival process is one file with an [`ArrivalEntry`] and one line in [`ARRIVALS`]. It yields
//! [`Arrival`]s in order of time, one by one: a run never holds its whole trace.

mod bursts;
mod closed;
mod listed;
mod poisson;
mod recorded;
mod rows;

pub use closed::{Clients, Loop};
pub use listed::Listed;

use super::catalog::Catalog;
use crate::domain::Arrival;
use crate::input::{Place, Problem, Problems};
use crate::rng::Rng;
use crate::units::{Span, Time};
use std::sync::Arc;

/// Arrivals end before this many seconds, some 30 years: time has 64 bits of nanoseconds.
pub const MAX_TRACE_S: f64 = 1e9;

/// A source of requests in order of time.
pub trait Arrivals: Send {
    /// The next request, never earlier than the one before; `None` when there are no more.
    fn next_arrival(&mut self) -> Option<Arrival>;

    /// Whether it wants to hear how requests end: what arrives depends on that.
    fn listens(&self) -> bool {
        false
    }

    /// Hears that the request of this number, counted in order of arrival, was answered or refused
    /// at `at`. `next` is what it gave last, which has not arrived yet: an earlier one may take its
    /// place.
    fn ended(&mut self, _number: u32, _at: Time, _next: &mut Option<Arrival>) {}
}

/// What an experiment asks for: the table `trace`.
#[derive(Clone, Debug)]
pub struct ArrivalPlan {
    /// The process.
    pub entry: &'static ArrivalEntry,
    /// Requests per second over all applications; `None` for the speed at which they were
    /// recorded.
    pub rate_rps: Option<f64>,
    /// Requests that arrive together, for processes of bursts.
    pub burst: Option<Burst>,
    /// Who sends requests, for closed loops.
    pub clients: Option<Clients>,
    /// How many requests in all.
    pub requests: u64,
    /// Share of each application, summing to 1.
    pub mix: Vec<f64>,
    /// By application: only these classes, and with which weights; empty for all as they come.
    pub classes: Vec<ClassFilter>,
    /// Only recorded rows of these sources.
    pub sources: Sources,
    /// Where it was written, for messages.
    pub place: Place,
}

/// Requests that arrive together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Burst {
    /// How many, at least 1.
    pub size: u64,
    /// From one burst to the next.
    pub period: Span,
}

/// Whose recorded requests arrive: users, patients, speakers by their place in the trace file,
/// counted from 1 and for each application apart. Odd and even are two halves without a person in
/// common: one to tune on, one to test on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Sources {
    /// Everybody's.
    All,
    /// Those of the first, third, fifth… source.
    Odd,
    /// Those of the second, fourth, sixth… source.
    Even,
    /// Those of sources whose class mix is at least this far from the profile's, in total
    /// variation: half the sum of the absolute differences of shares, between 0 and 1.
    Drifted(f64),
}

impl Sources {
    /// Every choice that is a word, with its name; the first is the default.
    pub const WORDS: [(&'static str, Self); 3] =
        [("all", Self::All), ("odd", Self::Odd), ("even", Self::Even)];

    /// Whether rows of the source at this index, counted from 0, arrive; `drift` tells how far its
    /// class mix is from the profile's.
    fn holds(self, index: usize, drift: impl FnOnce() -> f64) -> bool {
        match self {
            Self::All => true,
            Self::Odd => index.is_multiple_of(2),
            Self::Even => !index.is_multiple_of(2),
            Self::Drifted(least) => drift() >= least,
        }
    }
}

/// Which classes of an application arrive.
#[derive(Clone, Debug, PartialEq)]
pub enum ClassFilter {
    /// As recorded, or by the profile's prior where nothing is recorded.
    All,
    /// Only rows of these classes, as recorded.
    Only(Vec<bool>),
    /// Each class with this weight.
    Mix(Vec<f64>),
}

/// One line of the list of arrival processes.
pub struct ArrivalEntry {
    /// The name in experiments.
    pub name: &'static str,
    /// What it is, in a line.
    pub summary: &'static str,
    /// Where it comes from.
    pub source: &'static str,
    /// Makes the process of one run, or says why it cannot.
    pub build: Build,
}

/// Makes the process of one run.
pub type Build = fn(&ArrivalPlan, &Arc<Catalog>, Rng) -> Result<Box<dyn Arrivals>, Problem>;

impl std::fmt::Debug for ArrivalEntry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// Every arrival process.
pub const ARRIVALS: &[ArrivalEntry] =
    &[poisson::ENTRY, recorded::ENTRY, bursts::ENTRY, closed::ENTRY];

impl ArrivalPlan {
    /// For processes that have no bursts.
    fn without_burst(&self) -> Result<(), Problem> {
        let Some(_) = self.burst else { return Ok(()) };
        let found = format!("`burst` for `source = \"{}\"`", self.entry.name);
        let place = self.place.clone().field("trace.burst");
        Err(Problem::new(place, found, "`source = \"bursts\"`"))
    }

    /// The process of one run.
    pub fn build(&self, catalog: &Arc<Catalog>, rng: Rng) -> Result<Box<dyn Arrivals>, Problems> {
        if self.clients.is_some() && self.entry.name != closed::ENTRY.name {
            let found = format!("`clients` for `source = \"{}\"`", self.entry.name);
            let place = self.place.clone().field("trace.clients");
            return Err(Problem::new(place, found, "`source = \"closed\"`").into());
        }
        (self.entry.build)(self, catalog, rng).map_err(Problems::from)
    }
}
