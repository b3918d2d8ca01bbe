//! How ties between equal plans, and between equal variants, are broken.

use crate::config::Decoder;
use crate::core::units::Time;
use crate::scheduler::score::Score;

/// How equal utilities are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::scheduler) enum TieBreak {
    /// Earlier finish, then listing order. An overloaded planner, all of whose utilities are
    /// zero, would otherwise take whatever is listed first.
    EarliestFinish,
    /// Listing order alone, as in the published windows.
    Listed,
}

impl TieBreak {
    pub fn read(fields: &mut Decoder<'_>) -> Self {
        fields.choice(
            "tie_break",
            &[("earliest-finish", Self::EarliestFinish), ("listed", Self::Listed)],
        )
    }

    /// Whether a candidate listed later beats the best so far.
    #[inline]
    pub fn beats(self, score: Score, finish: Time, best: Option<(Score, Time)>) -> bool {
        match best {
            None => true,
            Some((best, _)) if score != best => score > best,
            Some((_, best)) => self == Self::EarliestFinish && finish < best,
        }
    }
}
