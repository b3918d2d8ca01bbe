//! `warmup`: which of a run's first arrivals do not count.

use crate::config::settings::{Preset, names};
use crate::config::{ConfigNode, Decoder, Group, Kind, Problem, Problems, Setting, Value, decode};

/// Means of five of fewer requests than this do not show the end of a transient.
const LEAST: u64 = 100;

const WORDS: [(&str, Warmup); 2] = [("none", Warmup::None), ("mser-5", Warmup::Mser5)];

const REQUESTS: Group =
    Group::named("warmup").of(&[&[Setting::required("requests", Kind::Integer(0, u64::MAX))
        .means("The number of first arrivals that do not count.")]]);

/// The setting `warmup`.
pub(super) const WARMUP: Setting = Setting::new(
    "warmup",
    Kind::OneOf(&[Kind::Choice(&names(&WORDS)), Kind::Table(&REQUESTS)]),
    Preset::Text("none"),
)
.means(
    "Which first arrivals of a run do not count: none, a number of them, or as many as the rule \
     MSER-5 finds.",
);

/// Which first arrivals of a run do not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Warmup {
    /// All count.
    None,
    /// This number of arrivals.
    Requests(u32),
    /// As many as the rule MSER-5 finds in the times in the system of each run.
    Mser5,
}

impl Warmup {
    /// The setting `warmup` of a run of this many requests. A bound holds for all requests.
    pub(in crate::experiment) fn take(read: &mut Decoder<'_>, requests: u64, bound: bool) -> Self {
        let Some(node) = read.take("warmup") else { return Self::None };
        let warmup = Self::read(node, requests, read.problems());
        if bound && warmup != Self::None {
            let found = "bound = \"fluid\" with a warm-up";
            read.problems().push(Problem::new(node.place.clone(), found, "one of them"));
        }
        warmup
    }

    /// `"none"`, `"mser-5"` or `{ requests = N }`, in a run of this many requests.
    fn read(node: &ConfigNode, requests: u64, problems: &mut Problems) -> Self {
        let place = || node.place.clone();
        if !matches!(node.value, Value::Table(_)) {
            let warmup = decode::choice(node, &WORDS, problems).unwrap_or(Self::None);
            if warmup == Self::Mser5 && requests < LEAST {
                let found = format!("\"mser-5\" with {requests} requests");
                problems.push(Problem::new(place(), found, format!("{LEAST} requests at least")));
            }
            return warmup;
        }
        let mut read = Decoder::new(node, &REQUESTS, problems);
        let first = read.required_integer("requests", "how many arrivals do not count");
        read.finish();
        if let Some(first) = first.filter(|first| *first >= requests) {
            let found = format!("a warm-up of {first} in a run of {requests} requests");
            problems.push(Problem::new(place(), found, "requests after the warm-up"));
            return Self::None;
        }
        // Fewer than the requests of a run, whose numbers have 32 bits.
        first.map_or(Self::None, |first| Self::Requests(first as u32))
    }
}
