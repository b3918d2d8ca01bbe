//! Data-aware scheduling of devices: sources are served in rounds, and those go first whose
//! requests are diverse, many, and were passed over for long.
//!
//! ```text
//! gini        1 - sum over classes of p²
//! importance  (gini + waiting / waiting of all + age / rounds) / 3
//! age         rounds since the source was chosen
//! choose      the set with the highest 1/2 · sum of importance / sources - 1/4 · T / T of all
//!             - 1/4 · E / E of all, with T within the round, of two sources at least
//! ```
//!
//! Source: Taïk et al., TCCN 2022; afaf-taik/Data-aware-FL 052196c, `optim_importance.py`,
//! `utils.py`. There devices are chosen to train a model together. Gini and importance are those of
//! the code; the choice is ours: it is exact for up to twelve sources, where the code rounds a
//! relaxed problem and may lose devices.
//!
//! Adapted, all of it: where requests have sources, these are chosen among, each with the classes,
//! requests and age of its own; of more than 32 that wait, the 32 of the highest importance can be
//! chosen. Elsewhere a source is an application. Its classes are the mean posterior of its waiting
//! requests, or the frequencies of the profile where there are no posteriors. T is the time that
//! its requests take in batches with the variant that is best for the first of them, as many
//! batches as fit into a round but one at least; E is that time times the power of the worker. If
//! no two sources fit into a round, the best two are served. Chosen sources are served by falling
//! importance, each batch with the variant of the highest utility. A worker that is idle begins a
//! round of its own.
//!
//! O(2^sources + sources · waiting · classes) per round.

use crate::config::{Decoder, Setting};
use crate::contract::{AccuracySource, Plan, Scheduler, Timeline, Trigger, View};
use crate::core::ids::{AppId, Request, RequestId, SourceId, VariantId, WorkerId};
use crate::core::units::{Span, Time};
use crate::scheduler::score::Score;
use crate::scheduler::{BuildContext, MAX_BATCH_SETTING, SchedulerEntry};
use std::collections::BTreeMap;

/// Its line in the registry.
pub const ENTRY: SchedulerEntry = SchedulerEntry {
    name: "das-like",
    summary: "rounds that serve diverse, long and neglected queues first",
    source: "Taïk et al., TCCN 2022; afaf-taik/Data-aware-FL 052196c",
    settings: &[
        &[
            Setting::number("round_ms", [0.0, 1e9], 20.0)
                .means("The time of a round, within which the chosen sources shall be served."),
            Setting::integer("rounds", [1, 1_000_000], 15).means(
                "By how many rounds of waiting the importance of a source grows by a third.",
            ),
        ],
        &[MAX_BATCH_SETTING],
    ],
    accuracy: Some(AccuracySource::Posterior),
    build: |fields, context| Box::new(DasLike::read(fields, context)),
};

/// How evenly classes are spread.
pub fn gini(shares: &[f64]) -> f64 {
    1.0 - shares.iter().map(|share| share * share).sum::<f64>()
}

/// How much a source counts, by its diversity, its share of the requests and its age.
pub fn importance(gini: f64, share: f64, age: f64, rounds: f64) -> f64 {
    (gini + share + age / rounds) / 3.0
}

/// A source that can be chosen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Candidate {
    /// How much it counts.
    pub importance: f64,
    /// The time it takes.
    pub time: f64,
    /// The energy it takes.
    pub energy: f64,
}

/// The value of a set of sources.
pub fn value(all: &[Candidate], chosen: &[bool]) -> f64 {
    let sum = |of: fn(&Candidate) -> f64| {
        let taken: f64 =
            all.iter().zip(chosen).filter(|(_, is_in)| **is_in).map(|(c, _)| of(c)).sum();
        (taken, all.iter().map(of).sum::<f64>())
    };
    let share = |(taken, all): (f64, f64)| if all > 0.0 { taken / all } else { 0.0 };
    let importance = sum(|c| c.importance).0 / all.len().max(1) as f64;
    0.5 * importance - 0.25 * share(sum(|c| c.time)) - 0.25 * share(sum(|c| c.energy))
}

/// Sources up to which all sets are tried.
const EXACT: usize = 12;

/// The set of the highest value that takes no more than `round`, of two sources at least; if there
/// is none, the two of the highest value.
pub fn choose(all: &[Candidate], round: f64) -> Vec<bool> {
    let least = all.len().min(2);
    let time = |chosen: &[bool]| -> f64 {
        all.iter().zip(chosen).filter(|(_, is_in)| **is_in).map(|(c, _)| c.time).sum()
    };
    let count = |chosen: &[bool]| chosen.iter().filter(|is_in| **is_in).count();
    // A set that fits beats one that does not, which has as few sources as possible.
    let rank = |chosen: &[bool]| {
        let fits = time(chosen) <= round;
        let is_valid = count(chosen) >= least && (fits || count(chosen) == least);
        is_valid.then(|| (fits, value(all, chosen)))
    };
    let is_better = |a: Option<(bool, f64)>, b: Option<(bool, f64)>| match (a, b) {
        (Some(a), Some(b)) => a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)).is_gt(),
        (a, b) => a.is_some() && b.is_none(),
    };
    if all.len() <= EXACT {
        let set =
            |bits: u32| -> Vec<bool> { (0..all.len()).map(|at| bits >> at & 1 == 1).collect() };
        let sets = (0..1_u32 << all.len()).map(set);
        return sets
            .reduce(|best, other| if is_better(rank(&other), rank(&best)) { other } else { best })
            .unwrap_or_default();
    }
    // By importance per time; then one round of exchanges.
    let mut order: Vec<usize> = (0..all.len()).collect();
    let each = |at: usize| all[at].importance / all[at].time.max(f64::MIN_POSITIVE);
    order.sort_by(|a, b| each(*b).total_cmp(&each(*a)).then(a.cmp(b)));
    let mut chosen = vec![false; all.len()];
    for at in order {
        let before = rank(&chosen);
        chosen[at] = true;
        chosen[at] = count(&chosen) <= least || is_better(rank(&chosen), before);
    }
    for out in 0..all.len() {
        for other in 0..all.len() {
            if chosen[out] && !chosen[other] {
                let before = rank(&chosen);
                chosen.swap(out, other);
                if !is_better(rank(&chosen), before) {
                    chosen.swap(out, other);
                }
            }
        }
    }
    chosen
}

/// Sources among which is chosen: exchanging them takes the cube of their number.
const MOST: usize = 32;

/// The source of requests: of an application, as far as they have one.
type Key = (AppId, Option<SourceId>);

struct DasLike {
    round: Span,
    rounds: f64,
    max_batch: usize,
    /// The waiting requests of each source by deadline.
    lines: BTreeMap<Key, BTreeMap<(Time, RequestId), Request>>,
    /// Rounds since each source was chosen.
    ages: BTreeMap<Key, u64>,
    timeline: Timeline,
    batch: Vec<Request>,
}

/// A source in a round.
struct Source {
    key: Key,
    batches: usize,
    candidate: Candidate,
}

impl DasLike {
    fn read(fields: &mut Decoder<'_>, _: &BuildContext<'_>) -> Self {
        Self {
            round: Span::from_ms(fields.number("round_ms")),
            rounds: fields.integer("rounds") as f64,
            max_batch: fields.integer("max_batch") as usize,
            lines: BTreeMap::new(),
            ages: BTreeMap::new(),
            timeline: Timeline::default(),
            batch: Vec::new(),
        }
    }

    fn waiting(&self, key: Key) -> usize {
        self.lines.get(&key).map_or(0, BTreeMap::len)
    }

    fn walk(&self, key: Key) -> impl Iterator<Item = &Request> {
        self.lines.get(&key).into_iter().flat_map(BTreeMap::values)
    }

    /// The variant with the highest utility of the next batch, and the size of that.
    fn best(&mut self, view: &View<'_>, worker: WorkerId, key: Key) -> Option<(VariantId, usize)> {
        let mut best: Option<((Score, std::cmp::Reverse<u64>), VariantId, usize)> = None;
        for variant in view.variants(worker, key.0) {
            let size = view.max_batch(worker, variant).min(self.max_batch).min(self.waiting(key));
            if size == 0 {
                continue;
            }
            let mut batch = std::mem::take(&mut self.batch);
            batch.clear();
            batch.extend(self.walk(key).take(size).copied());
            self.batch = batch;
            let finish = view.finish(&self.timeline, variant, size);
            let utility: f64 = view.utilities(&self.batch, variant, finish).sum();
            let score = (Score::of(utility / size as f64), std::cmp::Reverse(finish.0));
            if best.as_ref().is_none_or(|(other, ..)| score > *other) {
                best = Some((score, variant, size));
            }
        }
        best.map(|(_, variant, size)| (variant, size))
    }

    /// How diverse the waiting requests of a source are.
    fn diversity(&self, view: &View<'_>, key: Key) -> f64 {
        let known = &view.catalog().app(key.0).frequencies;
        let mut shares = vec![0.0; known.len()];
        for request in self.walk(key) {
            let posterior = view.posterior(request);
            let of = if posterior.is_empty() { known.as_slice() } else { posterior };
            shares.iter_mut().zip(of).for_each(|(share, p)| *share += p);
        }
        let waiting = self.waiting(key).max(1) as f64;
        shares.iter_mut().for_each(|share| *share /= waiting);
        gini(&shares)
    }

    fn source(
        &mut self,
        view: &View<'_>,
        worker: WorkerId,
        key: Key,
        all: usize,
    ) -> Option<Source> {
        let (variant, size) = self.best(view, worker, key)?;
        let waiting = self.waiting(key);
        let mut left = waiting;
        let begin = self.timeline.all_free_at();
        let mut end = view.finish(&self.timeline, variant, size);
        let mut batches = 0;
        while left > 0 {
            let size = size.min(left);
            let after =
                if batches == 0 { end } else { end + view.expected_latency(worker, variant, size) };
            if batches > 0 && after.since(begin) > self.round {
                break;
            }
            (end, left, batches) = (after, left - size, batches + 1);
        }
        let time = end.since(begin).as_ms();
        let share = waiting as f64 / all as f64;
        let age = self.ages.get(&key).copied().unwrap_or(0) as f64;
        let importance = importance(self.diversity(view, key), share, age, self.rounds);
        let energy = time * view.catalog().worker(worker).power_w.unwrap_or(1.0);
        Some(Source { key, batches, candidate: Candidate { importance, time, energy } })
    }

    fn serve(&mut self, view: &View<'_>, worker: WorkerId, plan: &mut Plan) {
        view.backlog_end(worker, &mut self.timeline);
        let keys: Vec<Key> = self.lines.keys().copied().collect();
        let all: usize = self.lines.values().map(BTreeMap::len).sum();
        let sources = keys.into_iter().filter_map(|key| self.source(view, worker, key, all));
        let mut sources: Vec<Source> = sources.collect();
        for source in &sources {
            *self.ages.entry(source.key).or_insert(0) += 1;
        }
        let importance = |source: &Source| source.candidate.importance;
        if sources.len() > MOST {
            sources.sort_by(|a, b| importance(b).total_cmp(&importance(a)));
            sources.truncate(MOST);
            sources.sort_by_key(|source| source.key);
        }
        let candidates: Vec<Candidate> = sources.iter().map(|source| source.candidate).collect();
        let chosen = choose(&candidates, self.round.as_ms());
        for (source, _) in sources.iter().zip(&chosen).filter(|(_, is_in)| **is_in) {
            self.ages.insert(source.key, 0);
        }
        let mut served: Vec<&Source> = sources
            .iter()
            .zip(&chosen)
            .filter(|(_, is_in)| **is_in)
            .map(|(source, _)| source)
            .collect();
        served.sort_by(|a, b| importance(b).total_cmp(&importance(a)).then(a.key.cmp(&b.key)));
        for Source { key, batches, .. } in served {
            for _ in 0..*batches {
                let Some((variant, size)) = self.best(view, worker, *key) else { break };
                let Some(line) = self.lines.get_mut(key) else { break };
                let taken = std::iter::from_fn(|| line.pop_first().map(|((_, id), _)| id));
                plan.assign(worker, variant, taken.take(size));
                view.estimate_append(&mut self.timeline, variant, size);
            }
        }
        self.lines.retain(|_, line| !line.is_empty());
    }
}

impl Scheduler for DasLike {
    fn waits_for_idle_workers(&self) -> bool {
        true
    }

    fn decide(&mut self, view: &View<'_>, trigger: Trigger<'_>, plan: &mut Plan) {
        for request in trigger.dropped {
            if let Some(line) = self.lines.get_mut(&(request.app, request.source)) {
                line.remove(&(request.deadline, request.id));
            }
        }
        if !trigger.dropped.is_empty() {
            self.lines.retain(|_, line| !line.is_empty());
        }
        for request in trigger.arrived.iter().filter_map(|id| view.request(*id)) {
            let line = self.lines.entry((request.app, request.source)).or_default();
            line.insert((request.deadline, request.id), *request);
        }
        for worker in view.idle_workers() {
            self.serve(view, worker, plan);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_sources_at_least_and_more_if_they_are_worth_it() {
        let of = |importance, time| Candidate { importance, time, energy: time };
        let all = [of(0.9, 1.0), of(0.1, 8.0), of(0.5, 1.0)];
        assert_eq!(choose(&all, 20.0), [true, false, true]);
        // Nothing fits: the best two.
        assert_eq!(choose(&all, 0.5), [true, false, true]);
        assert_eq!(choose(&all[..1], 0.5), [true]);
        assert!(choose(&[], 1.0).is_empty());
        // Many: the greedy search does what enumeration would.
        let mut many: Vec<Candidate> =
            (0..12).map(|at| of(0.3 + 0.05 * f64::from(at), 1.0)).collect();
        many.push(of(0.1, 100.0));
        let chosen = choose(&many, 4.0);
        assert_eq!(chosen.iter().filter(|is_in| **is_in).count(), 4);
        assert!(chosen[8..12].iter().all(|is_in| *is_in));
        // Of sources that take as long, none is worth its time beyond the two.
        let alike = choose(&many[..12], 4.0);
        assert_eq!(alike.iter().filter(|is_in| **is_in).count(), 2);
    }
}
