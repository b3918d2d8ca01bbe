//! The row of a trace, or the class, of a request.

use super::request_sources::{SourceSampler, weighted};
use super::{ClassFilter, Drift, DriftSchedule, SourceSplit, WorkloadSpec};
use crate::config::Problem;
use crate::core::ids::{AppId, Arrival, SourceId, TrueClass};
use crate::core::rng::{Label, Rng, name_key, standard_normal, unit_of};
use crate::core::units::{Span, Time};
use crate::system::ground_truth::GroundTruth;
use rand::{Rng as _, RngExt};
use rand_chacha::ChaCha8Rng;
use rand_distr::Distribution;
use rand_distr::weighted::WeightedAliasIndex;
use std::sync::Arc;

/// Draws requests one by one: the application by `mix`, then a row of its trace with replacement,
/// predictions and votes included. An application without a trace draws a class instead.
pub struct RequestSampler {
    mix: WeightedAliasIndex<f64>,
    apps: AppSampler,
    /// Shared with the gaps of the process: one stream for all arrivals.
    pub rng: ChaCha8Rng,
    /// Random bytes of a block of requests.
    block: Vec<u8>,
}

/// Random bytes of a gap and a request of the only class.
const ONE_CLASS_BYTES: usize = 20;

struct AppSampler {
    classes: Vec<ClassMixSampler>,
    schedule: Option<DriftSchedule>,
    sticky: f64,
    /// Whether mixes are constant and draws are independent.
    plain: bool,
    truth: Arc<GroundTruth>,
    sources: SourceSampler,
    budgets: ChaCha8Rng,
}

impl RequestSampler {
    /// For a process without sources of its own.
    pub(super) fn new(
        spec: &WorkloadSpec,
        truth: &Arc<GroundTruth>,
        rng: Rng,
    ) -> Result<Self, Problem> {
        Self::with_sources(SourceSampler::new(spec, truth, rng)?, spec, truth, rng)
    }

    pub(super) fn with_sources(
        sources: SourceSampler,
        spec: &WorkloadSpec,
        truth: &Arc<GroundTruth>,
        rng: Rng,
    ) -> Result<Self, Problem> {
        let apps = truth.catalog().app_ids();
        let apps = AppSampler {
            classes: apps
                .map(|app| ClassMixSampler::new(truth, app, spec, rng))
                .collect::<Result<_, _>>()?,
            schedule: match &spec.drift {
                Some(Drift::To { schedule, .. }) => Some(*schedule),
                _ => None,
            },
            sticky: spec.sticky,
            plain: spec.drift.is_none() && spec.sticky == 0.0,
            truth: Arc::clone(truth),
            sources,
            budgets: rng.stream(Label::Budgets),
        };
        let rng = rng.stream(Label::Arrivals);
        Ok(Self { mix: weighted(spec, &spec.mix)?, apps, rng, block: Vec::new() })
    }

    #[inline]
    pub(super) fn draw(&mut self, time: Time) -> Arrival {
        let app = draw_app(&self.mix, &self.apps, &mut self.rng);
        self.draw_of(app, time)
    }

    /// Draws requests without their times, and before each a number in [0, 1) from which its time
    /// is drawn; false, and nothing, where a request depends on its time.
    pub(super) fn draw_block(
        &mut self,
        count: usize,
        units: &mut Vec<f64>,
        into: &mut Vec<Arrival>,
    ) -> bool {
        if !self.apps.plain {
            return false;
        }
        if let [ClassMixSampler { initial: Rows::OneClass, .. }] = self.apps.classes.as_slice()
            && self.apps.sources.is_empty()
        {
            // A number takes two words, and the draw of the class three.
            self.block.resize(count * ONE_CLASS_BYTES, 0);
            self.rng.fill_bytes(&mut self.block);
            for bytes in self.block.chunks_exact(ONE_CLASS_BYTES) {
                let mut unit = [0; 8];
                unit.copy_from_slice(&bytes[..8]);
                units.push(unit_of(u64::from_le_bytes(unit)));
            }
            let truth = TrueClass { class: 0, row: TrueClass::NO_ROW };
            let budget = &self.apps.truth.catalog().app(AppId(0)).budget;
            budget.draw_block(count, &mut self.apps.budgets, |budget| {
                into.push(Arrival { time: Time::ZERO, app: AppId(0), source: None, budget, truth });
            });
            return true;
        }
        for _ in 0..count {
            units.push(self.rng.random());
            into.push(self.draw(Time::ZERO));
        }
        true
    }

    pub(super) fn draw_of(&mut self, app: AppId, time: Time) -> Arrival {
        let source = self.apps.sources.draw(app);
        self.apps.draw(app, time, source, &mut self.rng)
    }

    pub(super) fn draw_from(&mut self, app: AppId, time: Time, rng: &mut ChaCha8Rng) -> Arrival {
        let source = self.apps.sources.draw(app);
        self.apps.draw(app, time, source, rng)
    }

    /// A request of any application, drawn from the caller's own streams.
    pub(super) fn draw_for(
        &mut self,
        time: Time,
        source: Option<SourceId>,
        rng: &mut ChaCha8Rng,
        budgets: &mut ChaCha8Rng,
    ) -> Arrival {
        let app = draw_app(&self.mix, &self.apps, rng);
        std::mem::swap(&mut self.apps.budgets, budgets);
        let arrival = self.apps.draw(app, time, source, rng);
        std::mem::swap(&mut self.apps.budgets, budgets);
        arrival
    }
}

/// An application by its share; without a draw if there is only one.
#[inline]
fn draw_app(mix: &WeightedAliasIndex<f64>, apps: &AppSampler, rng: &mut ChaCha8Rng) -> AppId {
    if apps.classes.len() == 1 { AppId(0) } else { AppId(mix.sample(rng) as u16) }
}

impl AppSampler {
    #[inline]
    fn draw(
        &mut self,
        app: AppId,
        time: Time,
        source: Option<SourceId>,
        rng: &mut ChaCha8Rng,
    ) -> Arrival {
        let recorded = self.truth.trace(app).map_or(&[][..], |trace| &trace.class);
        let sampler = &mut self.classes[app.index()];
        let truth = if self.plain {
            sampler.initial.draw(recorded, rng)
        } else {
            let eta = self.schedule.map_or(0.0, |schedule| schedule.at(time));
            sampler.draw(time, eta, self.sticky, recorded, rng)
        };
        let law = &self.truth.catalog().app(app).budget;
        let budget = law.of_source(source).draw(&mut self.budgets);
        Arrival { time, app, source, budget, truth }
    }
}

/// The classes of an application's requests.
struct ClassMixSampler {
    initial: Rows,
    /// The mix after a drift.
    drifted: Option<Rows>,
    walk: Option<RandomWalk>,
    /// Rows by class, where classes are autocorrelated.
    by_class: Vec<Vec<u32>>,
    last: Option<u16>,
}

impl ClassMixSampler {
    fn new(
        truth: &GroundTruth,
        app: AppId,
        spec: &WorkloadSpec,
        rng: Rng,
    ) -> Result<Self, Problem> {
        let info = truth.catalog().app(app);
        let mix_rng = |salt: &str| rng.stream_of(Label::Mixes, name_key(&[&info.name, salt]));
        let rows = |filter: &ClassFilter, salt: &str| {
            let weights = filter.weights(&info.frequencies, &mut mix_rng(salt));
            Rows::new(truth, app, spec, filter, weights)
        };
        let (drifted, walk) = match &spec.drift {
            None => (None, None),
            Some(Drift::To { to, .. }) => (Some(rows(&to[app.index()], "to")?), None),
            Some(Drift::Walk { deviation, step }) => {
                let (deviation, step, logs) = (*deviation, *step, vec![0.0; info.classes.len()]);
                let rng = mix_rng("walk");
                (None, Some(RandomWalk { deviation, step, moved: 0, logs, rng }))
            }
        };
        let by_class = if spec.sticky > 0.0 && truth.trace(app).is_some() {
            rows_by_class(truth, app, kept_rows(truth, app, spec, &ClassFilter::All))
        } else {
            Vec::new()
        };
        let initial = rows(&spec.classes[app.index()], "")?;
        Ok(Self { initial, drifted, walk, by_class, last: None })
    }

    /// With probability `sticky` another request of the class before; otherwise from the drifted
    /// mix with probability `eta`.
    #[inline(never)]
    fn draw(
        &mut self,
        time: Time,
        eta: f64,
        sticky: f64,
        recorded: &[u16],
        rng: &mut ChaCha8Rng,
    ) -> TrueClass {
        if let Some(walk) = &mut self.walk {
            walk.advance(time, &mut self.initial);
        }
        if let Some(class) = self.last.filter(|_| sticky > 0.0 && rng.random::<f64>() < sticky) {
            let rows = self.by_class.get(usize::from(class)).map_or(&[][..], Vec::as_slice);
            return TrueClass { class, row: draw_row(rows, rng) };
        }
        let rows = match &self.drifted {
            Some(drifted) if rng.random::<f64>() < eta => drifted,
            _ => &self.initial,
        };
        let truth = rows.draw(recorded, rng);
        self.last = Some(truth.class);
        truth
    }
}

/// A row with equal probability; no row and no draw where nothing was recorded.
#[inline]
pub(super) fn draw_row(rows: &[u32], rng: &mut ChaCha8Rng) -> u32 {
    if rows.is_empty() { TrueClass::NO_ROW } else { rows[rng.random_range(0..rows.len())] }
}

/// A random walk of the logarithms of weights.
struct RandomWalk {
    /// Standard deviation of a step.
    deviation: f64,
    step: Span,
    /// Steps so far.
    moved: u64,
    /// The sum of steps by class.
    logs: Vec<f64>,
    rng: ChaCha8Rng,
}

impl RandomWalk {
    /// More steps at once than this become one of their summed variance.
    const LEAP: u64 = 1000;

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

/// Draws rows or classes with replacement.
enum Rows {
    /// Every recorded row with equal probability: a list of them would be as long as the trace.
    Every,
    /// These rows with equal probability.
    Recorded(Vec<u32>),
    /// A class by weight, then one of its recorded rows, if there are any.
    ByClass { classes: WeightedAliasIndex<f64>, weights: Vec<f64>, rows: Vec<Vec<u32>> },
    /// The only class, of which nothing is recorded. As many bits are drawn as for `ByClass`.
    OneClass,
}

/// The rows of the application's trace of the chosen sources and classes.
pub(super) fn kept_rows(
    truth: &GroundTruth,
    app: AppId,
    spec: &WorkloadSpec,
    filter: &ClassFilter,
) -> Vec<u32> {
    let Some(trace) = truth.trace(app) else { return Vec::new() };
    let keep = |row: &u32| filter.keeps(usize::from(trace.class[*row as usize]));
    trace.rows_of(spec.sources, &truth.catalog().app(app).frequencies).filter(keep).collect()
}

/// Rows of an application's trace by class.
pub(super) fn rows_by_class(truth: &GroundTruth, app: AppId, rows: Vec<u32>) -> Vec<Vec<u32>> {
    let mut by_class = vec![Vec::new(); truth.catalog().app(app).classes.len()];
    if let Some(trace) = truth.trace(app) {
        for row in rows {
            by_class[usize::from(trace.class[row as usize])].push(row);
        }
    }
    by_class
}

impl Rows {
    fn new(
        truth: &GroundTruth,
        app: AppId,
        spec: &WorkloadSpec,
        filter: &ClassFilter,
        weights: Option<Vec<f64>>,
    ) -> Result<Self, Problem> {
        let info = truth.catalog().app(app);
        let trace = truth.trace(app);
        let walks = matches!(spec.drift, Some(Drift::Walk { .. }));
        let is_whole = spec.sources == SourceSplit::All && matches!(filter, ClassFilter::All);
        if is_whole && !walks && trace.is_some_and(|trace| !trace.is_empty()) {
            return Ok(Self::Every);
        }
        let kept = kept_rows(truth, app, spec, filter);
        let is_recorded = trace.is_some();
        if !is_recorded && spec.sources != SourceSplit::All && spec.mix[app.index()] > 0.0 {
            let found = format!("no trace of `{}` whose sources could be chosen", info.name);
            return Err(spec.problem("workload.source_split", found, "`all`"));
        }
        if is_recorded && kept.is_empty() {
            let found =
                format!("no recorded request of `{}` in the chosen classes and sources", info.name);
            return Err(spec.problem("", found, "a class that was recorded"));
        }
        if is_recorded && weights.is_none() && !walks {
            return Ok(Self::Recorded(kept));
        }
        let rows = rows_by_class(truth, app, kept);
        let weights: Vec<f64> = match (weights, filter) {
            (Some(weights), _) => weights,
            _ if is_recorded => rows.iter().map(|rows| rows.len() as f64).collect(),
            (None, ClassFilter::Only(keep)) => {
                let each = info.frequencies.iter().zip(keep);
                each.map(|(weight, keep)| if *keep { *weight } else { 0.0 }).collect()
            }
            (None, _) => info.frequencies.clone(),
        };
        let mut each = weights.iter().zip(&rows);
        if is_recorded && let Some(class) = each.position(|(w, rows)| *w > 0.0 && rows.is_empty()) {
            let found = format!("a weight for class `{}`, never recorded", info.classes[class]);
            return Err(spec.problem("", found, "a class that was recorded"));
        }
        let classes = weighted(spec, &weights)?;
        if matches!(rows.as_slice(), [only] if only.is_empty()) {
            return Ok(Self::OneClass);
        }
        Ok(Self::ByClass { classes, weights, rows })
    }

    /// Multiplies the initial weights by the exponentials of `logs`.
    fn tilt(&mut self, logs: &[f64]) {
        let Self::ByClass { classes, weights, .. } = self else { return };
        let each = || weights.iter().zip(logs);
        let positive = each().filter(|(weight, _)| **weight > 0.0);
        let most = positive.map(|(_, log)| *log).fold(f64::NEG_INFINITY, f64::max);
        let tilted = each()
            .map(|(weight, log)| if *weight > 0.0 { weight * libm::exp(log - most) } else { 0.0 });
        // One of them is above 0.
        if let Ok(tilted) = WeightedAliasIndex::new(tilted.collect()) {
            *classes = tilted;
        }
    }

    #[inline]
    fn draw(&self, classes: &[u16], rng: &mut ChaCha8Rng) -> TrueClass {
        match self {
            Self::Every => {
                let row = rng.random_range(0..classes.len());
                TrueClass { class: classes[row], row: row as u32 }
            }
            Self::Recorded(rows) => {
                let row = rows[rng.random_range(0..rows.len())];
                TrueClass { class: classes[row as usize], row }
            }
            Self::ByClass { classes, rows, .. } => {
                let class = classes.sample(rng);
                TrueClass { class: class as u16, row: draw_row(&rows[class], rng) }
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
