//! What batches took lately: the last ten of each size, by worker and variant.
//!
//! Memory for ten spans of every size that ran; O(1) per batch, O(10) per question.

use crate::contract::BatchCompletion;
use crate::core::ids::{VariantId, WorkerId};
use crate::core::units::Span;
use std::collections::{BTreeMap, VecDeque};

/// How many spans count.
const LAST: usize = 10;

#[derive(Default)]
pub struct MeasuredSpans {
    /// By worker, variant and size; size 0 stands for all sizes.
    spans: BTreeMap<(WorkerId, VariantId, usize), VecDeque<Span>>,
}

impl MeasuredSpans {
    /// Adds a batch that ended.
    pub fn add(&mut self, ended: &BatchCompletion) {
        let span = ended.finished.since(ended.started);
        for size in [0, ended.batch] {
            let spans = self.spans.entry((ended.worker, ended.variant, size)).or_default();
            spans.push_back(span);
            if spans.len() > LAST {
                spans.pop_front();
            }
        }
    }

    /// The longest of the last batches of a size; nothing before the first.
    pub fn worst(&self, worker: WorkerId, variant: VariantId, batch: usize) -> Option<Span> {
        self.spans.get(&(worker, variant, batch))?.iter().max().copied()
    }

    /// The mean of the last batches of all sizes; nothing before the first.
    pub fn mean(&self, worker: WorkerId, variant: VariantId) -> Option<Span> {
        let spans = self.spans.get(&(worker, variant, 0))?;
        let all: u64 = spans.iter().map(|span| span.0).fold(0, u64::saturating_add);
        Some(Span(all / (spans.len() as u64).max(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::units::Time;

    #[test]
    fn the_last_ten_count() {
        let mut spans = MeasuredSpans::default();
        let ids = (WorkerId(0), VariantId(1));
        let mut add = |batch, span: u64| {
            let (worker, variant) = ids;
            let (started, finished) = (Time(100), Time(100 + span));
            let (lane, late) = (Some(0), 0);
            spans.add(&BatchCompletion { worker, lane, variant, batch, started, finished, late });
        };
        add(2, 900);
        (1..=10).for_each(|span| add(1, 10 * span));
        assert_eq!(spans.worst(ids.0, ids.1, 1), Some(Span(100)));
        assert_eq!(spans.worst(ids.0, ids.1, 2), Some(Span(900)));
        assert_eq!(spans.worst(ids.0, ids.1, 3), None);
        assert_eq!(spans.mean(ids.0, ids.1), Some(Span(55)));
    }
}
