//! The two kinds of experiments: what a run is, and which columns its row has.

use super::column::{ANY_NUMBER, Column, ColumnKind, column, share, text};
use super::columns::COLUMNS;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// What the runs of an experiment simulate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Study {
    /// Requests that a scheduler assigns to workers.
    #[default]
    Scheduling,
    /// Dialogues, each turn of which a policy answers on a device or in the cloud.
    Offloading,
}

impl Study {
    /// All of them, by name.
    pub const ALL: [(&str, Self); 2] =
        [("scheduling", Self::Scheduling), ("offloading", Self::Offloading)];

    /// The measured columns of a run, in order.
    pub fn columns(self) -> &'static [Column] {
        match self {
            Self::Scheduling => COLUMNS,
            Self::Offloading => DIALOGUE_COLUMNS,
        }
    }

    /// The names of the columns that hold numbers.
    pub fn numbers(self) -> impl Iterator<Item = &'static str> {
        let columns = self.columns().iter();
        let numbers = columns.filter(|column| !matches!(column.kind, ColumnKind::Word(_)));
        numbers.map(|column| column.name)
    }

    /// The place of a column among those of a run, if it has one of this name.
    pub fn place_of(self, name: &str) -> Option<usize> {
        static PLACES: LazyLock<[BTreeMap<&str, usize>; 2]> = LazyLock::new(|| {
            Study::ALL.map(|(_, study)| {
                let columns = study.columns().iter().enumerate();
                columns.map(|(at, column)| (column.name, at)).collect()
            })
        });
        PLACES[self as usize].get(name).copied()
    }

    /// The column before the measured ones: on which knowledge the row rests.
    pub const fn source(self) -> Column {
        match self {
            Self::Scheduling => text(
                "accuracy_source",
                "where the accuracies come from that the scheduler was shown",
            )
            .of(ColumnKind::Word(&[
                "profiled",
                "posterior",
                "oracle-label",
                "oracle-outcome",
            ])),
            Self::Offloading => text(
                "scored_by",
                "who scored the answers: an estimator of dialogues that neither taught the policy \
                 nor were tested, the estimator that the policy decides by, or the law that \
                 generated the dialogues",
            )
            .of(ColumnKind::Word(&["cross-fitted", "self", "true"])),
        }
    }

    /// What statistics are over, in headers.
    pub fn samples(self) -> &'static str {
        match self {
            Self::Scheduling => "replicates",
            Self::Offloading => "samples",
        }
    }

    /// The axis whose values decide: schedulers, or policies.
    pub fn decider(self) -> &'static str {
        match self {
            Self::Scheduling => "scheduler",
            Self::Offloading => "policy",
        }
    }

    /// The metric that a claim or a comparison is about if it names none.
    pub fn usual_metric(self) -> &'static str {
        match self {
            Self::Scheduling => "utility_mean",
            Self::Offloading => "reward_mean",
        }
    }

    /// The two metrics of a Pareto figure that names none: that across and that up.
    pub fn usual_pareto(self) -> (&'static str, &'static str) {
        match self {
            Self::Scheduling => ("deadline_miss_ratio", "accuracy_mean"),
            Self::Offloading => ("usage_usd_mean", "reward_mean"),
        }
    }

    /// The metrics of the closing table of a sweep, with their headings.
    pub fn closing_table(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Scheduling => &[
                ("utility_mean", "utility (mean over all requests)"),
                ("accuracy_mean", "accuracy (of completed requests)"),
                ("accuracy_predicted_mean", "accuracy as the scheduler was shown it"),
                ("deadline_miss_ratio", "deadline-miss ratio (late, rejected, unfinished)"),
            ],
            Self::Offloading => &[
                ("reward_mean", "reward (mean over dialogues)"),
                ("response_mean", "score of the answers"),
                ("latency_s_mean", "seconds of a dialogue"),
                ("usage_usd_mean", "US dollars of a dialogue"),
                ("over_budget_ratio", "share of dialogues beyond a budget"),
            ],
        }
    }

    /// The metrics of `compare.csv`.
    pub fn compared(self) -> &'static [&'static str] {
        match self {
            Self::Scheduling => &["utility_mean", "accuracy_mean", "deadline_miss_ratio"],
            Self::Offloading => &["reward_mean", "response_mean", "over_budget_ratio"],
        }
    }
}

/// The measured column of this name of any study, if there is one.
pub fn column_named(name: &str) -> Option<&'static Column> {
    static COLUMNS_BY_NAME: LazyLock<BTreeMap<&str, &Column>> = LazyLock::new(|| {
        let columns = COLUMNS.iter().chain(DIALOGUE_COLUMNS);
        columns.map(|column| (column.name, column)).collect()
    });
    COLUMNS_BY_NAME.get(name).copied()
}

/// A column of numbers of either sign.
const fn signed(name: &'static str, meaning: &'static str) -> Column {
    column(name, meaning).of(ANY_NUMBER)
}

/// The measured columns of an offloading study, in order. All but the last are means over
/// dialogues, of numbers that each dialogue has.
pub const DIALOGUE_COLUMNS: &[Column] = &[
    signed(
        "reward_mean",
        "mean reward of a turn: response and association, less what time and money cost",
    ),
    signed("response_mean", "mean score of the answers"),
    column("association_mean", "mean association of the uploaded views with the question"),
    column("latency_s_mean", "seconds of all calls of a dialogue, waiting included"),
    column("wait_s_mean", "seconds that the turns of a dialogue waited before their calls began"),
    column("usage_usd_mean", "price of all calls of a dialogue"),
    share("over_latency_ratio", "share of dialogues beyond the budget of time"),
    share("over_usage_ratio", "share of dialogues beyond the budget of money"),
    share("over_budget_ratio", "share of dialogues beyond either budget"),
    column("excess_latency_s_mean", "seconds beyond the budget of time, 0 within it"),
    column("excess_usage_usd_mean", "US dollars beyond the budget of money, 0 within it"),
    share("local_ratio", "share of the turns of a dialogue that were answered on the device"),
    column("uploads_mean", "views that a turn uploaded"),
    column("turns_mean", "turns of a dialogue"),
    share("failed_ratio", "share of the turns of a dialogue that were not answered"),
    share(
        "infeasible_ratio",
        "share of dialogues whose budget cannot be kept by any actions: they are left out of the \
         row of `optimum`",
    ),
    column(
        "reward_training_sd",
        "standard deviation of the mean reward over the trainings of an agent",
    )
    .empty("the policy was not trained, or once"),
];
