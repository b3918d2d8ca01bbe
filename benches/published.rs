//! Published schedulers and our own: how long a decision takes while 1,000 to 3,000 requests wait
//! and a worker is idle, and the longest decision, which is a plan of those that plan, every 20 ms.
//!
//! Eight applications of ten variants on four workers with memory for all of them, and requests a
//! microsecond apart. `cargo bench --bench published` prints a line for each.

use peeksim::classifier::model::{Classifier, ClassifierHost};
use peeksim::config::{ConfigNode, Problems};
use peeksim::contract::{BatchCompletion, Plan, Scheduler, Trigger, View};
use peeksim::core::ids::{AppId, Arrival, TrueClass};
use peeksim::core::rng::Rng;
use peeksim::core::units::{Span, Time};
use peeksim::engine::{self, Simulation};
use peeksim::scheduler::{self, BuildContext, REGISTRY};
use peeksim::system::catalog::{AppSpec, SystemSpec, WorkerSpec};
use peeksim::system::deadline_budget::DeadlineBudget;
use peeksim::system::ground_truth::GroundTruth;
use peeksim::system::latency::LatencyPoints;
use peeksim::system::profile::{Profile, VariantCost, VariantProfile};
use peeksim::workload::Listed;
use std::sync::Arc;
use std::time::{Duration, Instant};

const APPS: u64 = 8;
const VARIANTS: u64 = 10;
const WORKERS: u16 = 4;
const WAITING: usize = 1_000;
const REQUESTS: u64 = 3_000;

fn main() {
    println!("{:<22} {:>10} {:>12} {:>12}", "scheduler", "decisions", "median us", "longest ms");
    let truth = system();
    for entry in REGISTRY {
        if !entry.name.ends_with("-like") && !["symphony", "shadow-price"].contains(&entry.name) {
            continue;
        }
        let plans = entry.described().settings.iter().any(|setting| setting.key == "period_s");
        let accuracy = if entry.accuracy.is_some() { ", accuracy = 'profiled'" } else { "" };
        let period = if plans { ", period_s = 0.02" } else { "" };
        let spans = decisions(&truth, &format!("{{ name = '{}'{accuracy}{period} }}", entry.name));
        let mut long: Vec<Duration> = spans
            .iter()
            .filter(|(waiting, _)| *waiting >= WAITING)
            .map(|(_, span)| *span)
            .collect();
        long.sort_unstable();
        let median = long.get(long.len() / 2).map_or(0.0, |span| span.as_secs_f64() * 1e6);
        let longest = spans.iter().map(|(_, span)| *span).max().unwrap_or_default();
        let (name, longest) = (entry.name, longest.as_secs_f64() * 1e3);
        println!("{name:<22} {:>10} {median:>12.1} {longest:>12.2}", long.len());
    }
}

/// A scheduler, and how long it took to decide with so many waiting for an idle worker.
struct Timed {
    scheduler: Box<dyn Scheduler>,
    spans: Vec<(usize, Duration)>,
}

impl Scheduler for Timed {
    fn decide(&mut self, view: &View<'_>, trigger: Trigger<'_>, plan: &mut Plan) {
        let is_idle = view.idle_workers().next().is_some();
        let waiting = if is_idle { view.pending_len() } else { 0 };
        let began = Instant::now();
        self.scheduler.decide(view, trigger, plan);
        self.spans.push((waiting, began.elapsed()));
    }

    fn on_completion(&mut self, feedback: &BatchCompletion) {
        self.scheduler.on_completion(feedback);
    }
}

/// Every decision of a run.
fn decisions(truth: &Arc<GroundTruth>, scheduler: &str) -> Vec<(usize, Duration)> {
    let one = |i: u64| Arrival {
        time: Time(i * 1_000),
        app: AppId((i % APPS) as u16),
        source: None,
        budget: Span(2_000_000_000),
        truth: TrueClass { class: 0, row: TrueClass::NO_ROW },
    };
    let listed = Box::new(Listed::new((0..REQUESTS).map(one).collect()));
    let rng = Rng::new(1, 0);
    let context = BuildContext { catalog: truth.catalog(), rng };
    let mut problems = Problems::default();
    let chosen = scheduler::read(&ConfigNode::parse_override(scheduler), &context, &mut problems);
    let chosen = chosen.expect("a scheduler");
    let mut timed = Timed { scheduler: chosen.scheduler, spans: Vec::new() };
    let mut sim = Simulation::new(Arc::clone(truth), listed, chosen.info, rng, "bench");
    engine::run(&mut sim, &mut timed, &mut ()).expect("a run");
    timed.spans
}

fn system() -> Arc<GroundTruth> {
    let variant = |app: u64, at: u64| {
        let first_ms = (1.0 + at as f64 * at as f64 / 8.0) * (0.9 + 0.05 * app as f64);
        let latency = |batch: u64| Span::from_ms(first_ms * (0.75 + 0.25 * batch as f64));
        let points = [1, 32].map(|batch| (batch, latency(batch))).to_vec();
        let accuracy = 0.6 + 0.035 * at as f64 - 0.005 * app as f64;
        VariantProfile {
            name: at.to_string(),
            shares: None,
            bytes: 1,
            payload_bytes: None,
            accuracy,
            recall: vec![accuracy],
            samples: vec![1.0],
            costs: vec![VariantCost::new(
                "one",
                LatencyPoints::new(points).expect("a latency table"),
                Span::from_ms(1.0),
            )],
        }
    };
    let app = |app: u64| AppSpec {
        profile: Arc::new(Profile {
            name: app.to_string(),
            summary: String::new(),
            source: String::new(),
            classes: vec!["only".to_owned()],
            budget: DeadlineBudget::Fixed(Span::from_ms(100.0)),
            prior: vec![1.0],
            variants: (0..VARIANTS).map(|at| variant(app, at)).collect(),
            peek: None,
            peek_confusion: None,
            reference: None,
            warnings: Vec::new(),
            files: Vec::new(),
        }),
        trace: None,
        budget: None,
        variants: Vec::new(),
        peek: Classifier { runs_on: ClassifierHost::Free, ..Classifier::default() },
        payload_bytes: 0,
    };
    let worker = WorkerSpec { memory_bytes: 100, count: WORKERS, ..WorkerSpec::new("one") };
    let setup = SystemSpec::new((0..APPS).map(app).collect(), vec![worker]);
    Arc::new(GroundTruth::build(&setup).expect("a catalog"))
}
