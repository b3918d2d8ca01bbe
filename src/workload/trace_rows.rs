//! Which row of a trace, or which class, a request of an application has.

use super::{ClassFilter, Drift, DriftSchedule, SourceSplit, WorkloadSpec};
use crate::config::{Location, Problem};
use crate::core::ids::{AppId, Arrival, TrueClass};
use crate::core::rng::{Label, Rng, name_key, standard_normal, unit_of};
use crate::core::units::{Span, Time};
use crate::system::deadline_budget::DeadlineBudget;
use crate::system::ground_truth::GroundTruth;
use crate::traces::recorded::RecordedTrace;
use rand::{Rng as _, RngExt};
use rand_chacha::ChaCha8Rng;
use rand_distr::Distribution;
use rand_distr::weighted::WeightedAliasIndex;
use std::sync::Arc;

/// Draws requests one by one: the application by `mix`, then a row of its trace with replacement,
/// predictions and votes included. An application without a trace draws a class instead.
pub struct RequestSampler {
    mix: WeightedAliasIndex<f64>,
    marks: AppSampler,
    /// Shared with the gaps of the process: one stream for all that arrives.
    pub rng: ChaCha8Rng,
    /// Random bytes of a block of requests.
    block: Vec<u8>,
}

/// Random bytes that a gap and a request of the only class take.
const ONE_CLASS_BYTES: usize = 20;

/// What requests are, and when they are due.
struct AppSampler {
    /// By application.
    contents: Vec<ClassMixSampler>,
    course: Option<DriftSchedule>,
    sticky: f64,
    /// Whether mixes stay as they are and draws are independent.
    plain: bool,
    budgets: ChaCha8Rng,
}

impl RequestSampler {
    pub(super) fn new(
        plan: &WorkloadSpec,
        truth: &Arc<GroundTruth>,
        rng: Rng,
    ) -> Result<Self, Problem> {
        let contents =
            truth.catalog().app_ids().map(|app| ClassMixSampler::new(truth, app, plan, rng));
        let marks = AppSampler {
            contents: contents.collect::<Result<_, _>>()?,
            course: match &plan.drift {
                Some(Drift::To { course, .. }) => Some(*course),
                _ => None,
            },
            sticky: plan.sticky,
            plain: plan.drift.is_none() && plan.sticky == 0.0,
            budgets: rng.stream(Label::Budgets),
        };
        let rng = rng.stream(Label::Arrivals);
        Ok(Self { mix: weighted(&plan.mix, &plan.place)?, marks, rng, block: Vec::new() })
    }

    #[inline]
    pub(super) fn draw(&mut self, time: Time) -> Arrival {
        let app = match self.marks.contents.len() {
            1 => AppId(0),
            _ => AppId(self.mix.sample(&mut self.rng) as u16),
        };
        self.marks.draw(app, time, &mut self.rng)
    }

    /// Draws requests whose instants are not known yet, and before each a number in [0, 1) for its
    /// instant; false, and nothing, where what a request is depends on its instant.
    pub(super) fn draw_block(
        &mut self,
        count: usize,
        units: &mut Vec<f64>,
        into: &mut Vec<Arrival>,
    ) -> bool {
        if !self.marks.plain {
            return false;
        }
        if let [ClassMixSampler { usual: Rows::OneClass, budget, .. }] = &*self.marks.contents {
            // A number takes two words, and the draw of the class three.
            self.block.resize(count * ONE_CLASS_BYTES, 0);
            self.rng.fill_bytes(&mut self.block);
            for bytes in self.block.chunks_exact(ONE_CLASS_BYTES) {
                let mut unit = [0; 8];
                unit.copy_from_slice(&bytes[..8]);
                units.push(unit_of(u64::from_le_bytes(unit)));
            }
            let truth = TrueClass { class: 0, row: TrueClass::NO_ROW };
            budget.draw_block(count, &mut self.marks.budgets, |budget| {
                into.push(Arrival { time: Time::ZERO, app: AppId(0), client: 0, budget, truth });
            });
            return true;
        }
        for _ in 0..count {
            units.push(self.rng.random());
            into.push(self.draw(Time::ZERO));
        }
        true
    }

    /// The same for a request of this application.
    pub(super) fn draw_of(&mut self, app: AppId, time: Time) -> Arrival {
        self.marks.draw(app, time, &mut self.rng)
    }

    /// The same of any application, from streams of the caller's own.
    pub(super) fn draw_for(
        &mut self,
        time: Time,
        rng: &mut ChaCha8Rng,
        budgets: &mut ChaCha8Rng,
    ) -> Arrival {
        let app = match self.marks.contents.len() {
            1 => AppId(0),
            _ => AppId(self.mix.sample(rng) as u16),
        };
        std::mem::swap(&mut self.marks.budgets, budgets);
        let arrival = self.marks.draw(app, time, rng);
        std::mem::swap(&mut self.marks.budgets, budgets);
        arrival
    }

    /// The same from another stream.
    pub(super) fn draw_from(&mut self, app: AppId, time: Time, rng: &mut ChaCha8Rng) -> Arrival {
        self.marks.draw(app, time, rng)
    }
}

impl AppSampler {
    #[inline]
    fn draw(&mut self, app: AppId, time: Time, rng: &mut ChaCha8Rng) -> Arrival {
        let content = &mut self.contents[app.index()];
        let truth = if self.plain {
            content.usual.draw(rng)
        } else {
            let eta = self.course.map_or(0.0, |course| course.at(time));
            content.draw(time, eta, self.sticky, rng)
        };
        let budget = content.budget.draw(&mut self.budgets);
        Arrival { time, app, client: 0, budget, truth }
    }
}

/// What requests of an application are.
struct ClassMixSampler {
    usual: Rows,
    budget: DeadlineBudget,
    /// What they drift to.
    later: Option<Rows>,
    walk: Option<RandomWalk>,
    /// Rows by class, where classes stick.
    by_class: Vec<Vec<u32>>,
    last: Option<u16>,
}

impl ClassMixSampler {
    fn new(
        truth: &GroundTruth,
        app: AppId,
        plan: &WorkloadSpec,
        rng: Rng,
    ) -> Result<Self, Problem> {
        let name = &truth.catalog().app(app).name;
        let rows = |filter: &ClassFilter, salt: &str| {
            let mut rng = rng.stream_of(Label::Mixes, name_key(&[name, salt]));
            let weights = filter.weights(&truth.catalog().app(app).frequencies, &mut rng);
            Rows::new(truth, app, plan, filter, weights)
        };
        let (later, walk) = match &plan.drift {
            None => (None, None),
            Some(Drift::To { to, .. }) => (Some(rows(&to[app.index()], "to")?), None),
            Some(Drift::Walk { deviation, step }) => {
                let rng = rng.stream_of(Label::Mixes, name_key(&[name, "walk"]));
                let logs = vec![0.0; truth.catalog().app(app).classes.len()];
                let (deviation, step) = (*deviation, *step);
                (None, Some(RandomWalk { deviation, step, moved: 0, logs, rng }))
            }
        };
        let mut by_class = Vec::new();
        if let Some(trace) = truth.trace(app).filter(|_| plan.sticky > 0.0) {
            by_class.resize(truth.catalog().app(app).classes.len(), Vec::new());
            for row in kept_rows(truth, app, plan, &ClassFilter::All) {
                by_class[usize::from(trace.class[row as usize])].push(row);
            }
        }
        let usual = rows(&plan.classes[app.index()], "")?;
        let budget = truth.catalog().app(app).budget.clone();
        Ok(Self { usual, budget, later, walk, by_class, last: None })
    }

    /// With probability `class_autocorrelation` another request of the class before; otherwise from
    /// the later mix with probability `eta`.
    #[inline(never)]
    fn draw(&mut self, time: Time, eta: f64, sticky: f64, rng: &mut ChaCha8Rng) -> TrueClass {
        if let Some(walk) = &mut self.walk {
            walk.advance(time, &mut self.usual);
        }
        if let Some(class) = self.last.filter(|_| sticky > 0.0 && rng.random::<f64>() < sticky) {
            let rows = self.by_class.get(usize::from(class)).filter(|rows| !rows.is_empty());
            let row = rows.map_or(TrueClass::NO_ROW, |rows| rows[rng.random_range(0..rows.len())]);
            return TrueClass { class, row };
        }
        let rows = match &self.later {
            Some(later) if rng.random::<f64>() < eta => later,
            _ => &self.usual,
        };
        let truth = rows.draw(rng);
        self.last = Some(truth.class);
        truth
    }
}

/// How a mix wanders from its beginning.
struct RandomWalk {
    deviation: f64,
    step: Span,
    /// Steps so far.
    moved: u64,
    /// What was added to the logarithm of each class's weight.
    logs: Vec<f64>,
    rng: ChaCha8Rng,
}

impl RandomWalk {
    /// More steps at once than this are one of their summed variance.
    const LEAP: u64 = 1000;

    /// Goes on to an instant.
    fn advance(&mut self, time: Time, rows: &mut Rows) {
        let due = time.0 / self.step.0.max(1);
        if due <= self.moved {
            return;
        }
        while self.moved < due {
            let ahead = due - self.moved;
            let leap = if ahead > Self::LEAP { ahead } else { 1 };
            let deviation = self.deviation * libm::sqrt(leap as f64);
            for log in &mut self.logs {
                *log += deviation * standard_normal(self.rng.random(), self.rng.random());
            }
            self.moved += leap;
        }
        rows.tilt(&self.logs);
    }
}

/// Draws what is true of a request, with replacement.
enum Rows {
    /// Any of these rows of the trace with equal probability.
    Recorded(Vec<u32>, Arc<RecordedTrace>),
    /// A class by weight, then any of its rows; no rows means nothing is recorded.
    ByClass { classes: WeightedAliasIndex<f64>, weights: Vec<f64>, rows: Vec<Vec<u32>> },
    /// The only class, of which nothing is recorded. As many bits are drawn as for `ByClass`.
    OneClass,
}

/// The rows of the application's trace that the plan lets through.
pub(super) fn kept_rows(
    truth: &GroundTruth,
    app: AppId,
    plan: &WorkloadSpec,
    filter: &ClassFilter,
) -> Vec<u32> {
    let Some(trace) = truth.trace(app) else { return Vec::new() };
    let keep = |row: &u32| {
        let class = usize::from(trace.class[*row as usize]);
        match filter {
            ClassFilter::All | ClassFilter::Dirichlet(_) => true,
            ClassFilter::Only(classes) => classes[class],
            ClassFilter::Mix(weights) => weights[class] > 0.0,
        }
    };
    trace.rows_of(plan.sources, &truth.catalog().app(app).frequencies).filter(keep).collect()
}

impl Rows {
    fn new(
        truth: &GroundTruth,
        app: AppId,
        plan: &WorkloadSpec,
        filter: &ClassFilter,
        weights: Option<Vec<f64>>,
    ) -> Result<Self, Problem> {
        let (info, place) = (truth.catalog().app(app), &plan.place);
        let kept = kept_rows(truth, app, plan, filter);
        let recorded = truth.trace(app).is_some();
        if !recorded && plan.sources != SourceSplit::All && plan.mix[app.index()] > 0.0 {
            let found = format!("no trace of `{}` whose sources could be chosen", info.name);
            return Err(Problem::new(place.clone().field("workload.source_split"), found, "`all`"));
        }
        if recorded && kept.is_empty() {
            let found =
                format!("no recorded request of `{}` in the chosen classes and sources", info.name);
            return Err(Problem::new(place.clone(), found, "a class that was recorded"));
        }
        let weights: Vec<f64> = match (weights, filter, truth.trace(app)) {
            (Some(weights), ..) => weights,
            (None, _, Some(trace)) => {
                let Some(Drift::Walk { .. }) = plan.drift else {
                    return Ok(Self::Recorded(kept, Arc::clone(trace)));
                };
                let mut counts = vec![0.0; info.classes.len()];
                kept.iter().for_each(|row| {
                    counts[usize::from(trace.class[*row as usize])] += 1.0;
                });
                counts
            }
            (None, ClassFilter::Only(keep), None) => info
                .frequencies
                .iter()
                .zip(keep)
                .map(|(weight, keep)| if *keep { *weight } else { 0.0 })
                .collect(),
            (None, ..) => info.frequencies.clone(),
        };
        let mut rows = vec![Vec::new(); info.classes.len()];
        if let Some(trace) = truth.trace(app) {
            for row in kept {
                rows[usize::from(trace.class[row as usize])].push(row);
            }
            let lost = weights.iter().zip(&rows).position(|(w, rows)| *w > 0.0 && rows.is_empty());
            if let Some(class) = lost {
                let found = format!("a weight for class `{}`, never recorded", info.classes[class]);
                return Err(Problem::new(place.clone(), found, "a class that was recorded"));
            }
        }
        let classes = weighted(&weights, place)?;
        if matches!(rows.as_slice(), [only] if only.is_empty()) {
            return Ok(Self::OneClass);
        }
        Ok(Self::ByClass { classes, weights, rows })
    }

    /// Multiplies the weights that the classes began with by the exponentials of `logs`.
    fn tilt(&mut self, logs: &[f64]) {
        let Self::ByClass { classes, weights, .. } = self else { return };
        let there = weights.iter().zip(logs).filter(|(weight, _)| **weight > 0.0);
        let most = there.map(|(_, log)| *log).fold(f64::NEG_INFINITY, f64::max);
        let tilted = weights
            .iter()
            .zip(logs)
            .map(|(weight, log)| if *weight > 0.0 { weight * libm::exp(log - most) } else { 0.0 });
        // One of them is above 0.
        if let Ok(tilted) = WeightedAliasIndex::new(tilted.collect()) {
            *classes = tilted;
        }
    }

    #[inline]
    fn draw(&self, rng: &mut ChaCha8Rng) -> TrueClass {
        match self {
            Self::Recorded(rows, trace) => {
                let row = rows[rng.random_range(0..rows.len())];
                TrueClass { class: trace.class[row as usize], row }
            }
            Self::ByClass { classes, rows, .. } => {
                let class = classes.sample(rng);
                let rows = &rows[class];
                let row = if rows.is_empty() {
                    TrueClass::NO_ROW
                } else {
                    rows[rng.random_range(0..rows.len())]
                };
                TrueClass { class: class as u16, row }
            }
            Self::OneClass => {
                // An alias draw takes an index and a weight.
                rng.next_u32();
                rng.next_u64();
                TrueClass { class: 0, row: TrueClass::NO_ROW }
            }
        }
    }
}

/// Draws an index with the probability its weight has.
fn weighted(weights: &[f64], place: &Location) -> Result<WeightedAliasIndex<f64>, Problem> {
    WeightedAliasIndex::new(weights.to_vec()).map_err(|error| {
        Problem::new(
            place.clone(),
            format!("weights that cannot be drawn from ({error})"),
            "weights ≥ 0",
        )
    })
}
