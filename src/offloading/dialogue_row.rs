//! The numbers of a dialogue in the tables of an offloading study, and means over dialogues.

use super::action::Actions;
use super::cost::Cost;
use super::evaluate::DialogueResult;
use crate::metrics::DIALOGUE_COLUMNS;
use crate::stats::Estimate;

/// Number of columns that a dialogue has: all but the spread of trainings.
pub const NUMBERS: usize = DIALOGUE_COLUMNS.len() - 1;

/// A number for each column of a dialogue; `None` where there is none.
pub type Numbers = [Option<f64>; NUMBERS];

/// The numbers of a dialogue of `turns` turns within a budget, in the order of
/// [`DIALOGUE_COLUMNS`]. `None` stands for a dialogue whose budget no actions keep.
pub fn numbers(
    result: Option<&DialogueResult>,
    turns: usize,
    budget: Cost,
    actions: &Actions,
) -> Numbers {
    let Some(result) = result else {
        let mut numbers = [None; NUMBERS];
        numbers[NUMBERS - 1] = Some(1.0);
        return numbers;
    };
    let excess = result.spent.beyond(budget);
    let is_over = |excess: f64| f64::from(u8::from(excess > 0.0));
    let turns = turns as f64;
    let per_turn = |count: usize| count as f64 / turns.max(1.0);
    let local = result.actions.iter().filter(|action| **action == 0).count();
    let uploads = result.actions.iter().map(|action| actions.uploaded(*action)).sum();
    [
        result.reward,
        result.response,
        result.association,
        result.spent.latency_s,
        result.waited_s,
        result.spent.usage_usd,
        is_over(excess.latency_s),
        is_over(excess.usage_usd),
        is_over(excess.latency_s.max(excess.usage_usd)),
        excess.latency_s,
        excess.usage_usd,
        per_turn(local),
        per_turn(uploads),
        turns,
        per_turn(result.failed),
        0.0,
    ]
    .map(Some)
}

/// The means of each column over some dialogues; `None` where none has a number.
pub fn means<'a>(all: impl IntoIterator<Item = &'a Numbers>) -> Numbers {
    let (mut sums, mut counts) = ([0.0; NUMBERS], [0.0; NUMBERS]);
    for numbers in all {
        for (at, number) in numbers.iter().enumerate() {
            if let Some(number) = number {
                sums[at] += number;
                counts[at] += 1.0;
            }
        }
    }
    let mut means = [None; NUMBERS];
    for (at, mean) in means.iter_mut().enumerate() {
        *mean = (counts[at] > 0.0).then(|| sums[at] / counts[at]);
    }
    means
}

/// The standard deviation of the mean rewards of several trainings; `None` for fewer than two.
pub fn training_sd(rewards: &[f64]) -> Option<f64> {
    Estimate::of(rewards)?.deviation
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dialogue_by_hand() {
        let result = DialogueResult {
            response: 1.5,
            association: 0.25,
            reward: 0.75,
            spent: Cost { latency_s: 31.5, usage_usd: 0.02 },
            actions: vec![0, 8, 2, 0],
            ..DialogueResult::default()
        };
        let found = numbers(Some(&result), 4, Cost::PUBLISHED, &Actions::new(3));
        let at = |name: &str| {
            let place = DIALOGUE_COLUMNS.iter().position(|column| column.name == name);
            found[place.expect("a column")].expect("a number")
        };
        for (name, expected) in [
            ("reward_mean", 0.75),
            ("response_mean", 1.5),
            ("association_mean", 0.25),
            ("latency_s_mean", 31.5),
            ("wait_s_mean", 0.0),
            ("usage_usd_mean", 0.02),
            ("over_latency_ratio", 1.0),
            ("over_usage_ratio", 0.0),
            ("over_budget_ratio", 1.0),
            ("excess_latency_s_mean", 1.5),
            ("excess_usage_usd_mean", 0.0),
            ("local_ratio", 0.5),
            ("uploads_mean", 1.0),
            ("turns_mean", 4.0),
            ("failed_ratio", 0.0),
            ("infeasible_ratio", 0.0),
        ] {
            assert_eq!(at(name), expected, "{name}");
        }
        let none = numbers(None, 4, Cost::PUBLISHED, &Actions::new(3));
        let both = means([&found, &none]);
        assert_eq!((both[0], both[NUMBERS - 1]), (Some(0.75), Some(0.5)));
    }
}
