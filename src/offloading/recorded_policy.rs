//! Decisions from a file, so that any source of decisions can be compared, for example a language
//! model.
//!
//! A CSV table `dialogue, turn, action`: the dialogue's name in the workload, the turn from 0, and
//! `local`, `cloud` or `cloud+0+2`. Every turn that is evaluated must have one row.

use super::policy::{OffloadPolicy, TurnContext};
use super::workload::Workload;
use crate::config::csv::Table;
use crate::config::source::Source;
use crate::config::{Location, Problem};

/// By dialogue and turn of a workload: the action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedPolicy(Vec<Vec<usize>>);

impl RecordedPolicy {
    /// Reads decisions for the dialogues `needed` of a workload; others are optional.
    ///
    /// # Errors
    /// Says which row is wrong, or which turn has none.
    pub fn parse(source: &Source, workload: &Workload, needed: &[usize]) -> Result<Self, Problem> {
        let table = Table::parse(source)?;
        let names = ["dialogue", "turn", "action"];
        if let Some(problem) = table.refuse_unknown(|name| names.contains(&name), &names) {
            return Err(problem);
        }
        let [dialogue, turn, action] = names.map(|name| table.column(name));
        let (dialogue, turn, action) = (dialogue?, turn?, action?);
        let ids: Vec<String> = workload.dialogues.iter().map(|d| d.id.clone()).collect();
        let mut actions: Vec<Vec<Option<usize>>> =
            workload.dialogues.iter().map(|d| vec![None; d.turns.len()]).collect();
        for row in table.rows() {
            let turns = &mut actions[row.name(dialogue, "dialogue", &ids)?];
            let at = row.integer(turn, 0..=turns.len() as u64 - 1)? as usize;
            let decided = workload
                .actions
                .parse(row.text(action))
                .ok_or_else(|| row.problem(action, workload.actions.expected()))?;
            if turns[at].replace(decided).is_some() {
                return Err(row.problem(turn, "one decision for a turn"));
            }
        }
        for at in needed {
            if let Some(turn) = actions[*at].iter().position(Option::is_none) {
                let missing = format!("no decision for turn {turn} of dialogue `{}`", ids[*at]);
                let place = Location::file(&source.path);
                return Err(Problem::new(place, missing, "one for every turn"));
            }
        }
        let complete =
            |turns: Vec<Option<usize>>| turns.into_iter().map(Option::unwrap_or_default).collect();
        Ok(Self(actions.into_iter().map(complete).collect()))
    }
}

impl OffloadPolicy for RecordedPolicy {
    fn choose(&mut self, context: &TurnContext<'_>) -> usize {
        self.0[context.dialogue][context.past.len()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::rng::Rng;
    use crate::offloading::generate::{SyntheticShape, synthetic};

    #[test]
    fn every_turn_needs_one_decision() {
        let shape = SyntheticShape { views: 3, tasks: 1, turns: 2 };
        let workload = synthetic(shape, 2, Rng::new(1, 0));
        let parse = |rows: &str, needed: &[usize]| {
            let text = format!("dialogue,turn,action\n{rows}");
            let source = Source { path: "d.csv".into(), text, sha256: String::new() };
            RecordedPolicy::parse(&source, &workload, needed)
        };
        let good = parse("0,0,cloud+2+0\n0,1,local\n", &[0]).unwrap();
        assert_eq!(good.0, [vec![6, 0], vec![0, 0]]);
        for (rows, said) in [
            ("2,0,local", "d.csv:2: `dialogue`: found unknown dialogue `2`, expected one of 0, 1"),
            ("0,2,local", "d.csv:2: `turn`: found `2`, expected a whole number from 0 to 1"),
            ("0,0,edge", "d.csv:2: `action`: found `edge`, expected `local`, `cloud`, or"),
            ("0,0,local\n0,0,local", "d.csv:3: `turn`: found `0`, expected one decision"),
            ("0,0,local", "d.csv: found no decision for turn 1 of dialogue `0`, expected one for"),
        ] {
            let problem = parse(rows, &[0]).unwrap_err().to_string();
            assert!(problem.starts_with(said), "{problem}");
        }
    }
}
