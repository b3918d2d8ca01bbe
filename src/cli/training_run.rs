//! A training in a folder: its learning curve, its checkpoint, and the network that it ends with.

use super::CliError;
use super::progress::TrainingProgress;
use crate::config::source::{self, Source};
use crate::config::{Location, Problem};
use crate::offloading::agents::{BestNetwork, TrainedAgent};
use crate::output::atomic;
use crate::report::draw;
use crate::report::figure::{Chart, Point, Series};
use crate::reproduce_tmo::reward_chart;
use crate::rl::checkpoint::{PolicyFile, PolicyKind, PolicySignature};
use crate::rl::net::Mlp;
use crate::rl::replay_file::ReplayFile;
use crate::rl::{Algorithm, Environment, Training};
use std::path::Path;

/// What a learning curve shows after every segment.
pub(super) struct CurveLayout {
    /// The columns, steps first.
    pub columns: Vec<&'static str>,
    /// By column but for the steps: the words of its line in the figure.
    pub labels: Vec<&'static str>,
    /// The note of the figure.
    pub note: String,
}

/// A learning curve: its layout, and a row for every segment, NaN where a cell is empty.
struct Curve<'a> {
    layout: &'a CurveLayout,
    rows: Vec<Vec<f32>>,
}

/// Tests a network: a mean reward for every column that tests, none for an empty cell.
type NetworkTest<'a> = dyn Fn(&Mlp) -> Result<Vec<Option<f64>>, CliError> + 'a;

/// What is trained, how, and how it is tested.
pub(super) struct TrainingRun<'a> {
    /// The learning algorithm.
    pub algorithm: Algorithm,
    /// Steps to take, rounded up to a whole segment.
    pub steps: usize,
    /// The seed of the training.
    pub seed: u64,
    /// Where all files are.
    pub folder: &'a Path,
    /// What the agent acts in.
    pub env: &'a mut dyn Environment,
    /// What a policy depends on.
    pub policy: PolicySignature,
    /// What a checkpoint depends on in addition.
    pub settings: PolicySignature,
    /// What the curve shows.
    pub layout: &'a CurveLayout,
    /// The columns of the curve that test a network.
    pub test: &'a NetworkTest<'a>,
    /// The best network so far, if the training stops early; its reward is the last column.
    pub best: Option<BestNetwork<'a>>,
    /// Is told about every segment.
    pub progress: &'a TrainingProgress,
}

/// A training that took all of its steps.
pub(super) struct CompletedTraining {
    /// The network that it ended with.
    pub agent: TrainedAgent,
    /// Steps taken.
    pub steps: usize,
}

impl TrainingRun<'_> {
    /// Trains from the last checkpoint to the end, and writes the policy.
    ///
    /// # Errors
    /// The checkpoint is of another training, or a file cannot be written.
    pub(super) fn complete(self) -> Result<CompletedTraining, CliError> {
        let Self { algorithm, steps, env, policy, layout, folder, progress, .. } = self;
        let mut best = self.best;
        let settings = [policy.clone(), self.settings].concat();
        let mut training = Training::new(algorithm, env, steps, self.seed);
        atomic::folder(folder)?;
        let checkpoint = folder.join("checkpoint.toml");
        let mut replay = ReplayFile::new(folder.join("replay.bin"));
        let mut curve = Curve { layout, rows: Vec::new() };
        if checkpoint.exists() {
            let source = source::read_own(&checkpoint.to_string_lossy())?;
            let stored = PolicyFile::parse(&source, PolicyKind::Checkpoint)?;
            stored.check(&settings, &source.path)?;
            restore(&stored, &source, &mut training, &mut replay)?;
            env.load_state(stored.array("environment"));
            let kept = stored.array(BEST);
            let restored = best.as_mut().is_none_or(|best| best.restore(&training, kept).is_some());
            if !(curve.restore(stored.array(CURVE)) && restored) {
                return Err(of_another(&source).into());
            }
            let resumed = training.done();
            progress.resumed(&format!("resumed after {resumed} steps"), resumed.min(steps));
        }
        let mut done = training.done();
        while let Some(point) = training.advance(env) {
            let mut row = vec![point.steps as f32, point.reward as f32];
            let tested = (self.test)(training.network())?;
            row.extend(tested.into_iter().map(|reward| reward.map_or(f32::NAN, |r| r as f32)));
            if let Some(best) = &mut best {
                row.push(best.check(&training).map_or(f32::NAN, |reward| reward as f32));
            }
            curve.rows.push(row);
            replay.append(training.stored())?;
            let mut file = PolicyFile::policy(training.network(), point.steps, settings.clone());
            file.kind = PolicyKind::Checkpoint;
            file.replay = replay.hash();
            file.numbers = training.state();
            file.numbers.push((CURVE.to_owned(), curve.rows.concat()));
            file.numbers.push(("environment".to_owned(), env.save_state()));
            file.numbers.extend(best.as_ref().map(|best| (BEST.to_owned(), best.state())));
            atomic::write(&checkpoint, file.to_toml().as_bytes())?;
            progress.step(point.steps.min(steps).saturating_sub(done));
            done = point.steps;
        }
        atomic::write(&folder.join("curve.csv"), curve.to_csv().as_bytes())?;
        draw(&curve.chart(algorithm.name()), folder, "curve")?;
        let agent = TrainedAgent::of(&training, best);
        let policy = PolicyFile::policy(&agent.network, agent.steps, policy);
        atomic::write(&folder.join("policy.toml"), policy.to_toml().as_bytes())?;
        Ok(CompletedTraining { agent, steps: training.done() })
    }
}

/// The array of a checkpoint with the rows of the curve.
const CURVE: &str = "curve";
/// The array of a checkpoint with the best network so far.
const BEST: &str = "best";

/// Continues a training from its checkpoint.
fn restore(
    stored: &PolicyFile,
    source: &Source,
    training: &mut Training,
    replay: &mut ReplayFile,
) -> Result<(), CliError> {
    let count = stored.steps.saturating_mul(training.stored_width());
    let steps = replay.restore(count, stored.replay.as_deref())?;
    let resumed = training.resume(stored.steps, &stored.numbers, &steps);
    Ok(resumed.ok_or_else(|| of_another(source))?)
}

fn of_another(source: &Source) -> Problem {
    let place = Location::file(&source.path).field("numbers");
    Problem::new(place, "numbers of another training", "those of this one")
}

impl Curve<'_> {
    /// Takes the rows of a checkpoint; whether they fit.
    fn restore(&mut self, numbers: &[f32]) -> bool {
        let width = self.layout.columns.len();
        self.rows = numbers.chunks_exact(width).map(<[f32]>::to_vec).collect();
        numbers.len().is_multiple_of(width)
    }

    /// The table; an empty cell where there is no number.
    fn to_csv(&self) -> String {
        let cell = |number: &f32| if number.is_nan() { String::new() } else { number.to_string() };
        let mut text = format!("{}\n", self.layout.columns.join(","));
        for row in &self.rows {
            text.push_str(&row.iter().map(cell).collect::<Vec<_>>().join(","));
            text.push('\n');
        }
        text
    }

    /// The figure: a line for every column that has a number.
    fn chart(&self, algorithm: &str) -> Chart {
        let series = |(column, label): (usize, &&str)| {
            let shown = self.rows.iter().filter(|row| !row[column + 1].is_nan());
            let point = |row: &Vec<f32>| {
                let (x, y) = (f64::from(row[0]), f64::from(row[column + 1]));
                Point { x, x_low: x, x_high: x, y, low: y, high: y, ringed: false }
            };
            Series { label: (*label).to_owned(), points: shown.map(point).collect() }
        };
        let series = self.layout.labels.iter().enumerate().map(series);
        let series = series.filter(|series| !series.points.is_empty()).collect();
        let title = format!("Learning curve of {algorithm}");
        reward_chart(&title, self.layout.note.clone(), ("steps", false), series)
    }
}
