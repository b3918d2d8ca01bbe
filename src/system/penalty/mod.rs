//! The penalty of lateness: γ ∈ [0, 1], the share of a request's accuracy that is lost.
//!
//! A penalty is one file with a [`PenaltyShape`] and one line in [`PENALTIES`]. Shapes depend on
//! the relative lateness x = (finish − deadline) / scale alone; [`Penalty`] has the scale.

mod linear;
mod none;
mod sigmoid;
mod step;

use crate::config::settings::{EntrySettings, Lists, Registry, flattened, names};
use crate::config::{
    ConfigNode, Decoder, Entries, Group, Named, Problem, Problems, Setting, decode,
};
use crate::core::units::{Span, Time};
use std::fmt::{self, Debug, Formatter};
use std::sync::Arc;

/// γ as a function of relative lateness x > 0; within 0..=1, never decreasing.
#[derive(Clone)]
pub struct PenaltyShape {
    /// Its name and parameters, which policies of learned schedulers keep.
    signature: String,
    gamma: Arc<dyn Fn(f64) -> f64 + Send + Sync>,
}

impl PenaltyShape {
    /// A shape with a name and parameters.
    pub fn new(
        signature: impl Into<String>,
        gamma: impl Fn(f64) -> f64 + Send + Sync + 'static,
    ) -> Self {
        Self { signature: signature.into(), gamma: Arc::new(gamma) }
    }
}

impl Debug for PenaltyShape {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.signature)
    }
}

/// One line of the list of penalties.
pub struct PenaltyEntry {
    /// The name in experiments.
    pub name: &'static str,
    /// Its description in a line.
    pub summary: &'static str,
    /// Its source in the literature.
    pub source: &'static str,
    /// Its settings, besides those of every penalty.
    pub settings: Lists,
    /// Reads its settings.
    pub build: fn(&mut Decoder<'_>) -> PenaltyShape,
}

/// The penalties that ship.
pub const PENALTIES: &[PenaltyEntry] = &[none::ENTRY, step::ENTRY, linear::ENTRY, sigmoid::ENTRY];

/// Those that ship, and those of a program that has its own.
pub static ENTRIES: Entries<PenaltyEntry> = Entries::of("penalty", PENALTIES);

impl Named for PenaltyEntry {
    fn name(&self) -> &'static str {
        self.name
    }
}

impl PenaltyEntry {
    /// Its settings.
    pub fn described(&self) -> EntrySettings {
        let settings = flattened(self.settings);
        EntrySettings { name: self.name, summary: self.summary, settings }
    }
}

const BASES: [(&str, LatenessBase); 2] =
    [("budget", LatenessBase::Budget), ("remaining", LatenessBase::Remaining)];

/// The keys of every penalty.
pub const COMMON: Group = Group::named("penalty").of(&[&[
    Setting::text("name", "sigmoid").means("Which penalty."),
    Setting::choice("base", &names(&BASES)).means(
        "What schedulers divide lateness by: the whole budget, or what was left of it when they \
         decided. Results always use the budget.",
    ),
    Setting::number("tolerance_ms", [0.0, 1e9], 0.0)
        .means("An answer less than this after its deadline is on time."),
]]);

/// The penalties as tables of an experiment.
pub const SHAPES: Registry = Registry {
    name: "penalty",
    tag: "name",
    common: &COMMON,
    entries: || ENTRIES.iter().map(PenaltyEntry::described).collect(),
    optional: true,
};

/// Builds the penalty of an entry from its table.
pub fn build(entry: &PenaltyEntry, table: &ConfigNode, problems: &mut Problems) -> Penalty {
    let mut fields = Decoder::new(table, &COMMON, problems);
    fields.take("name");
    let base = fields.choice("base", &BASES);
    let tolerance = Span::from_ms(fields.number("tolerance_ms"));
    fields.describe(entry.name, entry.settings);
    let shape = (entry.build)(&mut fields);
    fields.finish();
    Penalty { shape, base, tolerance }
}

/// The divisor of lateness in beliefs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LatenessBase {
    /// The request's whole budget, as in results.
    Budget,
    /// The time to the deadline at the decision, as in the published windows.
    Remaining,
}

/// A shape with its scale.
#[derive(Clone, Debug)]
pub struct Penalty {
    shape: PenaltyShape,
    /// The scale of beliefs; results always use the budget.
    pub base: LatenessBase,
    /// An answer less than this after its deadline is on time.
    pub tolerance: Span,
}

impl Penalty {
    /// A penalty on the budget without tolerance.
    pub fn new(shape: PenaltyShape) -> Self {
        Self { shape, base: LatenessBase::Budget, tolerance: Span::ZERO }
    }

    /// The published sigmoid: exponent 3, nothing left beyond twice the budget.
    pub fn sigmoid() -> Self {
        Self::new(sigmoid::sigmoid(sigmoid::EXPONENT, sigmoid::CUTOFF))
    }

    /// Shape, base and tolerance as text, for comparison.
    pub fn signature(&self) -> String {
        let (shape, base) = (&self.shape, self.base);
        format!("{shape:?}, base {base:?}, tolerance {} ms", self.tolerance.as_ms())
    }

    /// Reads `"sigmoid"` or `{ name = "sigmoid", … }`.
    pub fn read(node: &ConfigNode, problems: &mut Problems) -> Self {
        let node = &decode::named(node, "name");
        let name = Decoder::new(node, &COMMON, problems).text("name");
        let entry = ENTRIES.find(&name);
        let Some(entry) = entry else {
            let names = ENTRIES.names();
            let place = node.get("name").unwrap_or(node).place.clone();
            problems.push(Problem::unknown(place, "penalty", &name, names));
            return Self::sigmoid();
        };
        build(entry, node, problems)
    }

    /// The relative lateness from which on answers are worthless; `None` if there is none.
    pub fn worthless_from(&self) -> Option<f64> {
        let worthless = |x: f64| (self.shape.gamma)(x) >= 1.0;
        let (mut low, mut high) = (0.0, 1e9);
        if !worthless(high) {
            return None;
        }
        // No penalty ever decreases.
        for _ in 0..100 {
            let middle = f64::midpoint(low, high);
            (low, high) = if worthless(middle) { (low, middle) } else { (middle, high) };
        }
        Some(high)
    }

    /// The lateness of an answer at `finish`: the time since the deadline, or zero if that is less
    /// than the tolerance. γ, results and schedulers all use this definition.
    #[inline]
    pub fn tardiness(&self, finish: Time, deadline: Time) -> Span {
        let late = finish.since(deadline);
        // Strictly less, as published.
        if late < self.tolerance { Span::ZERO } else { late }
    }

    /// The first deadline that an answer at `finish` does not miss: those before it are missed, by
    /// [`Self::tardiness`].
    #[inline]
    pub fn missed_before(&self, finish: Time) -> Time {
        // Late by the tolerance is late, by less is not; without one, late at all.
        let least = self.tolerance.0.max(1) - 1;
        Time(finish.0.saturating_sub(least))
    }

    /// γ of an answer at `finish`. With a scale of zero every late answer is worthless.
    #[inline]
    pub fn gamma(&self, finish: Time, deadline: Time, scale: Span) -> f64 {
        let late = self.tardiness(finish, deadline);
        if late == Span::ZERO {
            return 0.0;
        }
        if scale.0 == 0 {
            return 1.0;
        }
        (self.shape.gamma)(late.0 as f64 / scale.0 as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_stays_within_0_and_1_and_never_decreases() {
        for entry in PENALTIES {
            let node = ConfigNode::parse_override("{}");
            let mut problems = Problems::default();
            let mut fields = Decoder::new(&node, &COMMON, &mut problems);
            fields.describe(entry.name, entry.settings);
            let shape = (entry.build)(&mut fields);
            let values: Vec<f64> = (1..=400).map(|i| (shape.gamma)(f64::from(i) / 100.0)).collect();
            assert!(values.iter().all(|g| (0.0..=1.0).contains(g)), "{}", entry.name);
            assert!(values.windows(2).all(|w| w[0] <= w[1]), "{}", entry.name);
        }
    }

    #[test]
    fn a_deadline_is_missed_where_there_is_tardiness() {
        for tolerance in [0, 1, 5, 200].map(Span) {
            let penalty = Penalty { tolerance, ..Penalty::sigmoid() };
            for (finish, deadline) in (0..40).flat_map(|f| (0..40).map(move |d| (Time(f), Time(d))))
            {
                let is_late = penalty.tardiness(finish, deadline) > Span::ZERO;
                assert_eq!(deadline < penalty.missed_before(finish), is_late);
            }
        }
    }

    #[test]
    fn the_base_is_read() {
        let read = |text: &str| {
            let mut problems = Problems::default();
            let penalty = Penalty::read(&ConfigNode::parse_override(text), &mut problems);
            problems.check(Some(penalty)).unwrap_or_else(|problems| panic!("{problems}"))
        };
        assert_eq!(read("{}").base, LatenessBase::Budget);
        assert_eq!(read("{ base = 'budget' }").base, LatenessBase::Budget);
        assert_eq!(read("{ base = 'remaining' }").base, LatenessBase::Remaining);
    }

    #[test]
    fn answers_are_late_from_the_tolerance_on() {
        let penalty = Penalty { tolerance: Span(3), ..Penalty::sigmoid() };
        let late = |finish| penalty.tardiness(Time(finish), Time(10));
        assert_eq!([9, 10, 12, 13].map(late), [0, 0, 0, 3].map(Span));
        assert_eq!(penalty.gamma(Time(12), Time(10), Span(4)), 0.0);
        assert!(penalty.gamma(Time(13), Time(10), Span(4)) > 0.9);
    }

    #[test]
    fn on_time_costs_nothing_and_without_scale_lateness_costs_all() {
        let penalty = Penalty::sigmoid();
        assert_eq!(penalty.gamma(Time(5), Time(5), Span(0)), 0.0);
        assert_eq!(penalty.gamma(Time(6), Time(5), Span(0)), 1.0);
        assert_eq!(penalty.gamma(Time(15), Time(10), Span(10)), 0.5);
    }
}
