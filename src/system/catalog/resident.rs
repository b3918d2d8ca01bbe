//! The content of workers' memories at the start of a run.
//!
//! It takes memory and no load. SneakPeek models on workers leave less memory: then less of
//! [`Resident::AllThatFit`] fits, and a list that does not fit is refused.

use super::{Catalog, Resident, ResidentVariant, SystemSpec, WorkerSpec};
use crate::config::{Problem, Problems};
use crate::core::ids::{VariantId, WorkerId};
use std::collections::BTreeSet;
use std::ops::Range;

impl Catalog {
    /// Sets what every worker holds at the start.
    pub(super) fn fill_memories(&mut self, spec: &SystemSpec, problems: &mut Problems) {
        for (worker, numbers) in workers_by_spec(spec) {
            let Some(first) = numbers.clone().next().map(WorkerId) else { continue };
            let held: Vec<VariantId> = match &worker.resident {
                Resident::Nothing => continue,
                Resident::AllThatFit => {
                    let all = self.app_ids().flat_map(|app| self.variants_of(app));
                    all.filter(|variant| self.usable(first, *variant)).collect()
                }
                Resident::Listed(list) => self.listed(first, list, problems),
            };
            for number in numbers {
                self.workers[usize::from(number)].resident.clone_from(&held);
            }
        }
        self.check_memories(spec, "", problems);
    }

    /// The variants of a list, each of which must be one that can run there.
    fn listed(
        &self,
        worker: WorkerId,
        list: &[ResidentVariant],
        problems: &mut Problems,
    ) -> Vec<VariantId> {
        let mut found = Vec::new();
        for ResidentVariant { app, variant, place } in list {
            let Some(app) = self.app_named(app) else {
                let known = self.apps.iter().map(|app| app.name.as_str());
                problems.push(Problem::unknown(place.clone(), "application", app, known));
                continue;
            };
            let Some(id) = self.variant_named(app, variant) else {
                let known = self.variants_of(app).map(|v| self.variant(v).name.as_str());
                problems.push(Problem::unknown(place.clone(), "variant", variant, known));
                continue;
            };
            let named = format!("`{}/{variant}`", self.app(app).name);
            if self.cost(worker, id).is_none() {
                let class = &self.worker(worker).class;
                let expected = format!(
                    "a variant that was profiled on `{class}` and is among the worker's `variants`"
                );
                problems.push(Problem::new(place.clone(), named, expected));
            } else if found.contains(&id) {
                problems.push(Problem::new(place.clone(), format!("{named} twice"), "each once"));
            } else {
                found.push(id);
            }
        }
        found
    }

    /// Refuses lists that do not fit; `suffix` ends the message.
    pub(super) fn check_memories(&self, spec: &SystemSpec, suffix: &str, problems: &mut Problems) {
        for (worker, mut numbers) in workers_by_spec(spec) {
            let (Resident::Listed(list), Some(first)) = (&worker.resident, numbers.next()) else {
                continue;
            };
            let at = &self.workers[usize::from(first)];
            let all: BTreeSet<VariantId> = at.resident.iter().map(|v| self.weights(*v)).collect();
            let bytes = |sum: u64, v: &VariantId| sum.saturating_add(self.variant(*v).bytes);
            let needed = all.iter().fold(0, bytes);
            if needed > at.memory_bytes {
                let place = list.first().map(|held| held.place.clone()).unwrap_or_default();
                let found = format!("variants of {needed} bytes");
                let expected = format!("variants that fit in {} bytes{suffix}", at.memory_bytes);
                problems.push(Problem::new(place, found, expected));
            }
        }
    }
}

fn workers_by_spec(spec: &SystemSpec) -> impl Iterator<Item = (&WorkerSpec, Range<u16>)> {
    let mut end = 0;
    spec.workers.iter().map(move |worker| {
        let first = end;
        end += worker.count;
        (worker, first..end)
    })
}
