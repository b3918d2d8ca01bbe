//! What is in the memories of workers when a run starts.
//!
//! It takes memory and no load. A scheduler that has requests looked at on workers leaves less
//! memory: then less of [`Resident::AllThatFit`] fits, and a list that does not is refused.

use super::{Catalog, Resident, ResidentVariant, SystemSpec, WorkerSpec};
use crate::config::{Problem, Problems};
use crate::core::ids::{VariantId, WorkerId};
use std::ops::Range;

impl Catalog {
    /// Says for every worker what it holds at the start.
    pub(super) fn fill_memories(&mut self, setup: &SystemSpec, problems: &mut Problems) {
        for (worker, numbers) in of_setups(setup) {
            let Some(first) = numbers.clone().next().map(WorkerId) else { continue };
            let held = match &worker.resident {
                Resident::Nothing => continue,
                Resident::AllThatFit => {
                    let known = (0..self.first_peek).map(VariantId);
                    known.filter(|variant| self.usable(first, *variant)).collect()
                }
                Resident::Listed(list) => self.listed(first, list, problems),
            };
            for at in numbers {
                self.workers[usize::from(at)].resident.clone_from(&held);
            }
        }
        self.check_memories(setup, "", problems);
    }

    /// The variants of a list, each of which must be one that can run there.
    fn listed(
        &self,
        worker: WorkerId,
        list: &[ResidentVariant],
        problems: &mut Problems,
    ) -> Vec<VariantId> {
        let mut found = Vec::new();
        for held in list {
            let ResidentVariant { app, variant, place } = held;
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
            let said = format!("`{}/{variant}`", self.app(app).name);
            if self.cost(worker, id).is_none() {
                let class = &self.worker(worker).class;
                let expected = format!(
                    "a variant that was profiled on `{class}` and is among the worker's `variants`"
                );
                problems.push(Problem::new(place.clone(), said, expected));
            } else if found.contains(&id) {
                let found = format!("{said} twice");
                problems.push(Problem::new(place.clone(), found, "each once"));
            } else {
                found.push(id);
            }
        }
        found
    }

    /// Says which lists do not fit.
    pub(super) fn check_memories(&self, setup: &SystemSpec, beside: &str, problems: &mut Problems) {
        for (worker, mut numbers) in of_setups(setup) {
            let (Resident::Listed(list), Some(first)) = (&worker.resident, numbers.next()) else {
                continue;
            };
            let at = &self.workers[usize::from(first)];
            let bytes = |sum: u64, v: &VariantId| sum.saturating_add(self.variant(*v).bytes);
            let needed = at.resident.iter().fold(0, bytes);
            if needed > at.memory_bytes {
                let place = list.first().map(|held| held.place.clone()).unwrap_or_default();
                let found = format!("variants of {needed} bytes");
                let expected = format!("variants that fit in {} bytes{beside}", at.memory_bytes);
                problems.push(Problem::new(place, found, expected));
            }
        }
    }
}

/// The numbers of the workers of each setup.
fn of_setups(setup: &SystemSpec) -> impl Iterator<Item = (&WorkerSpec, Range<u16>)> {
    let mut end = 0;
    setup.workers.iter().map(move |worker| {
        let first = end;
        end += worker.count;
        (worker, first..end)
    })
}
