//! The system: applications, workers, and how they behave.

use super::faults::{read_belief_error, read_stalls};
use super::{BOUNDS, LOAD_TIMES, OVERHEAD, apps, workers};
use crate::classifier::model::ShortCircuit;
use crate::config::{Decoder, Problem, Value, decode};
use crate::core::units::Span;
use crate::experiment::input_cache::InputCache;
use crate::system::catalog::{DecisionOverhead, OutcomeModel, SystemSpec};
use crate::system::latency::LatencyFit;
use crate::system::penalty::Penalty;
use crate::system::profile::VariantCost;
use crate::workload::SourceSplit;

/// Reads everything that the catalog is made of, but for the sources of requests.
pub(in crate::experiment) fn read(read: &mut Decoder<'_>, inputs: &mut InputCache) -> SystemSpec {
    let apps = apps::read(read, inputs);
    let workers = workers::read(read, &apps, inputs);
    let penalty = read.take("penalty");
    SystemSpec {
        apps,
        workers,
        penalty: penalty.map_or_else(Penalty::sigmoid, |n| Penalty::read(n, read.problems())),
        outcome: read.choice("outcome", &OutcomeModel::ALL),
        sources: SourceSplit::All,
        cold_loads: read.choice("load_times", &LOAD_TIMES),
        latency_fit: read.choice("latency_fit", &LatencyFit::ALL),
        batch_scaling: read.optional_number("batch_scaling"),
        noise_cv: read.number("noise_cv"),
        stalls: read_stalls(read),
        belief_error: read_belief_error(read),
        outcome_correlation: read.number("outcome_correlation"),
        overhead: read_overhead(read),
        preemption: read.flag("preemption"),
        drop_late: read.flag("drop_late"),
    }
}

/// A number of milliseconds for every plan, or `{ constant, per_request }`.
fn read_overhead(read: &mut Decoder<'_>) -> DecisionOverhead {
    let Some(node) = read.take("overhead_ms") else { return DecisionOverhead::default() };
    if !matches!(node.value, Value::Table(_)) {
        let constant = read.number_at("overhead_ms", node).unwrap_or(0.0);
        return DecisionOverhead { constant: Span::from_ms(constant), per_request: Span::ZERO };
    }
    let mut parts = Decoder::new(node, &OVERHEAD, read.problems());
    let overhead = DecisionOverhead {
        constant: Span::from_ms(parts.number("constant")),
        per_request: Span::from_ms(parts.number("per_request")),
    };
    parts.finish();
    overhead
}

/// The setting `bound`. The bound holds for the service times of the tables, and if variants give
/// all answers.
pub(in crate::experiment) fn read_bound(read: &mut Decoder<'_>, system: &SystemSpec) -> bool {
    let Some(node) = read.take("bound") else { return false };
    let bound = decode::choice(node, &BOUNDS, read.problems()).unwrap_or(false);
    if bound && system.noise_cv > 0.0 {
        let found = format!("bound = \"fluid\" with noise_cv = {}", system.noise_cv);
        read.problems().push(Problem::new(node.place.clone(), found, "noise_cv = 0"));
    }
    let costs = || system.apps.iter().flat_map(|app| &app.profile.variants).flat_map(|v| &v.costs);
    let varies = |cost: &VariantCost| !cost.spread.is_empty() || cost.device.delay_cv > 0.0;
    let runs = |cost: &&VariantCost| {
        let mut workers = system.workers.iter();
        workers.any(|worker| {
            (&worker.class, &worker.power_mode) == (&cost.worker_class, &cost.power_mode)
        })
    };
    if bound && costs().filter(runs).any(varies) {
        let found = "bound = \"fluid\" on workers whose times spread (latency.csv, device.csv)";
        read.problems().push(Problem::new(node.place.clone(), found, "profiles without spread"));
    }
    if bound && system.apps.iter().any(|app| app.peek.short_circuit != ShortCircuit::Never) {
        let found = "bound = \"fluid\" with short_circuit";
        read.problems().push(Problem::new(node.place.clone(), found, "one of them"));
    }
    bound
}
