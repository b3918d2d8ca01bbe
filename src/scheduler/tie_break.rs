//! Ties between plans, and between variants for a request. The order of requests is in
//! `planners/priority.rs`, that of groups in `planners/group_planner.rs`.
//!
//! 1. The higher utility wins. Utilities are compared in fixed point ([`Score`]), so that values
//!    that are equal in theory tie exactly.
//! 2. Of equal utilities the earlier finish wins, unless `tie_break = "listed"`.
//! 3. Of equal finishes the first in listing order wins: workers in order, then variants in profile
//!    order; a later candidate has to be better. A search in another order compares places in
//!    listing order (`Moves::listing_order` of `planners/search/label_setting.rs`).

use crate::config::settings::names;
use crate::config::{Decoder, Setting};
use crate::core::units::Time;
use crate::scheduler::score::Score;
use std::cmp::Ordering;

/// How equal utilities are ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TieBreak {
    /// Earlier finish, then listing order. Without it a planner in overload, all of whose utilities
    /// are zero, takes the first in the list.
    EarliestFinish,
    /// Listing order alone, as in the published windows.
    Listed,
}

/// The utility and the end of a plan or a choice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PlanValue {
    /// Summed utility.
    pub sum: Score,
    /// The end of the last batch.
    pub finish: Time,
}

const TIE_BREAKS: [(&str, TieBreak); 2] =
    [("earliest-finish", TieBreak::EarliestFinish), ("listed", TieBreak::Listed)];

/// The setting of [`TieBreak::read`].
pub const TIE_BREAK: &[Setting] = &[Setting::choice("tie_break", &names(&TIE_BREAKS)).means(
    "Which of two choices of equal utility wins: the one that finishes earlier and then the one \
     that is listed first, or the one that is listed first.",
)];

impl TieBreak {
    pub fn read(fields: &mut Decoder<'_>) -> Self {
        fields.choice("tie_break", &TIE_BREAKS)
    }

    /// Compares two values, the better one is greater; equal ones are left to listing order.
    #[inline]
    pub fn compare(self, a: PlanValue, b: PlanValue) -> Ordering {
        match a.sum.cmp(&b.sum) {
            Ordering::Equal if self == Self::EarliestFinish => b.finish.cmp(&a.finish),
            order => order,
        }
    }

    /// Whether a candidate beats the best of those listed before it.
    #[inline]
    pub fn beats(self, candidate: PlanValue, best: Option<PlanValue>) -> bool {
        best.is_none_or(|best| self.compare(candidate, best).is_gt())
    }
}
