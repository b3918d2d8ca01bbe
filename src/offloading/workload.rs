//! Dialogues of a device-side and a cloud-side language model: what was asked, what was decided,
//! and what came of it.
//!
//! A workload is a CSV table with one row per turn, `dialogue, turn, task, action, subset,
//! score_raw, score, time_s, cost_usd, association_0, …`: `action` is `local` or `cloud`, `subset`
//! the uploaded views as `0+2`, `score` the raw score after the keyword rule of the data set's
//! authors (an answer with "sorry", "I don't have" or "can't" is worth 0), `association_i` how well
//! view i goes with the question. Turns of a dialogue stand together, numbered from 0.

use super::action::{Actions, MAX_VIEWS};
use crate::config::csv::{Row, Table};
use crate::config::source::{self, Source};
use crate::config::{Location, Problem};
use crate::core::rng::{Label, Rng};
use rand::RngExt;
use std::collections::BTreeSet;

/// More tasks than this are no vocabulary.
pub const MAX_TASKS: usize = 100;
/// More turns than this are no dialogue.
pub const MAX_TURNS: usize = 1000;

/// One question and its answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Turn {
    /// Index of its task in the vocabulary.
    pub task: usize,
    /// What was decided when the data were taken.
    pub action: usize,
    /// The judge's mark for the answer relative to a reference answer; above 1 is possible.
    pub raw: f64,
    /// The same after the keyword rule.
    pub score: f64,
    /// How long the answer took, in seconds.
    pub time_s: f64,
    /// What it cost, in US dollars.
    pub cost_usd: f64,
    /// How well each view goes with the question.
    pub association: Vec<f64>,
}

/// The turns of one user in order.
#[derive(Clone, Debug, PartialEq)]
pub struct Dialogue {
    /// Its name in the data.
    pub id: String,
    /// At least one turn.
    pub turns: Vec<Turn>,
}

/// Dialogues over one vocabulary of tasks and one set of views.
#[derive(Clone, Debug, PartialEq)]
pub struct Workload {
    /// Names of the tasks, sorted; a turn's task is its index here.
    pub tasks: Vec<String>,
    /// What can be decided.
    pub actions: Actions,
    /// The dialogues.
    pub dialogues: Vec<Dialogue>,
}

/// Indices of dialogues to learn from and to test on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// To learn from; the estimator's points come from here.
    pub train: Vec<usize>,
    /// To test on.
    pub test: Vec<usize>,
}

impl Workload {
    /// Reads a table of turns.
    pub fn load(path: &str) -> Result<Self, Problem> {
        Self::parse(&source::read(path)?)
    }

    /// Parses a table of turns.
    pub fn parse(source: &Source) -> Result<Self, Problem> {
        let table = Table::parse(source)?;
        let columns = Columns::find(&table, &source.path)?;
        let actions = Actions::new(columns.association.len());
        let mut tasks: Vec<String> =
            table.rows().map(|row| row.text(columns.task).to_owned()).collect();
        tasks.sort();
        tasks.dedup();
        if tasks.len() > MAX_TASKS {
            let found = format!("{} tasks", tasks.len());
            let expected = format!("at most {MAX_TASKS}");
            return Err(Problem::new(Location::file(&source.path).field("task"), found, expected));
        }
        let mut dialogues: Vec<Dialogue> = Vec::new();
        let mut known = BTreeSet::new();
        for row in table.rows() {
            let id = row.text(columns.dialogue);
            let turn = row.integer(columns.turn, 0..=MAX_TURNS as u64 - 1)? as usize;
            if dialogues.last().is_none_or(|dialogue| dialogue.id != id) {
                if id.is_empty() || !known.insert(id.to_owned()) {
                    return Err(
                        row.problem(columns.dialogue, "a dialogue whose turns are together")
                    );
                }
                dialogues.push(Dialogue { id: id.to_owned(), turns: Vec::new() });
            }
            let Some(dialogue) = dialogues.last_mut() else { continue };
            if turn != dialogue.turns.len() {
                return Err(row.problem(columns.turn, format!("turn {}", dialogue.turns.len())));
            }
            dialogue.turns.push(columns.turn(&row, &tasks, &actions)?);
        }
        Ok(Self { tasks, actions, dialogues })
    }

    /// The table that [`Self::parse`] reads.
    pub fn to_csv(&self) -> String {
        let views = 0..self.actions.views();
        let mut text =
            "dialogue,turn,task,action,subset,score_raw,score,time_s,cost_usd".to_owned();
        views.for_each(|view| text.push_str(&format!(",association_{view}")));
        text.push('\n');
        for dialogue in &self.dialogues {
            for (at, turn) in dialogue.turns.iter().enumerate() {
                let name = self.actions.name(turn.action);
                let (action, subset) = name.split_once('+').unwrap_or((&name, ""));
                let (id, task) = (quoted(&dialogue.id), quoted(&self.tasks[turn.task]));
                let Turn { raw, score, time_s, cost_usd, .. } = turn;
                text.push_str(&format!("{id},{at},{task},{action},{subset},"));
                text.push_str(&format!("{raw},{score},{time_s},{cost_usd}"));
                turn.association.iter().for_each(|value| text.push_str(&format!(",{value}")));
                text.push('\n');
            }
        }
        text
    }

    /// How many turns there are in all.
    pub fn turns(&self) -> usize {
        self.dialogues.iter().map(|dialogue| dialogue.turns.len()).sum()
    }

    /// A fifth of the dialogues to test on, at least one of two or more, and the rest to learn
    /// from, shuffled by `rng`. A dialogue that is alone is learned from.
    pub fn split(&self, rng: Rng) -> Split {
        let mut order: Vec<usize> = (0..self.dialogues.len()).collect();
        let mut coins = rng.stream(Label::Split);
        for at in (1..order.len()).rev() {
            order.swap(at, coins.random_range(0..=at));
        }
        let tested = (order.len() / 5).max(usize::from(order.len() > 1));
        let train = order.split_off(tested);
        Split { train, test: order }
    }

    /// Every dialogue both to learn from and to test on, as the published sweep has it.
    pub fn whole(&self) -> Split {
        let all: Vec<usize> = (0..self.dialogues.len()).collect();
        Split { train: all.clone(), test: all }
    }
}

/// A cell of a CSV table.
fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

/// Where the columns are.
struct Columns {
    dialogue: usize,
    turn: usize,
    task: usize,
    action: usize,
    subset: usize,
    raw: usize,
    score: usize,
    time_s: usize,
    cost_usd: usize,
    association: Vec<usize>,
}

impl Columns {
    fn find(table: &Table, file: &str) -> Result<Self, Problem> {
        const NAMES: [&str; 10] = [
            "dialogue",
            "turn",
            "task",
            "action",
            "subset",
            "score_raw",
            "score",
            "time_s",
            "cost_usd",
            "association_0",
        ];
        let mut association = Vec::new();
        while let Some(at) = table.optional(&format!("association_{}", association.len())) {
            association.push(at);
        }
        let views = association.len();
        if views > MAX_VIEWS {
            let place = Location::line(file, 1).field(&format!("association_{MAX_VIEWS}"));
            let found = format!("{views} views");
            return Err(Problem::new(place, found, format!("at most {MAX_VIEWS}")));
        }
        let known = |name: &str| {
            let view = name.strip_prefix("association_").and_then(|view| view.parse().ok());
            NAMES[..9].contains(&name) || view.is_some_and(|view: usize| view < views)
        };
        if let Some(problem) = table.refuse_unknown(known, &NAMES) {
            return Err(problem);
        }
        let at = |name| table.column(name);
        Ok(Self {
            dialogue: at("dialogue")?,
            turn: at("turn")?,
            task: at("task")?,
            action: at("action")?,
            subset: at("subset")?,
            raw: at("score_raw")?,
            score: at("score")?,
            time_s: at("time_s")?,
            cost_usd: at("cost_usd")?,
            association,
        })
    }

    fn turn(&self, row: &Row<'_>, tasks: &[String], actions: &Actions) -> Result<Turn, Problem> {
        let views = actions.views();
        let subset = actions.subset_of(row.text(self.subset)).ok_or_else(|| {
            row.problem(self.subset, format!("views below {views} as `0+2`, or nothing"))
        })?;
        let action = match (row.text(self.action), subset) {
            ("local", 0) => 0,
            ("local", _) => return Err(row.problem(self.subset, "no views for a local answer")),
            ("cloud", subset) => actions.cloud(subset),
            _ => return Err(row.problem(self.action, "`local` or `cloud`")),
        };
        if row.text(self.task).is_empty() {
            return Err(row.problem(self.task, "the name of a task"));
        }
        Ok(Turn {
            task: row.name(self.task, "task", tasks)?,
            action,
            raw: row.number(self.raw)?,
            score: row.number(self.score)?,
            time_s: row.number(self.time_s)?,
            cost_usd: row.number(self.cost_usd)?,
            association: self
                .association
                .iter()
                .map(|column| row.number(*column))
                .collect::<Result<_, _>>()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(rows: &str) -> Result<Workload, Problem> {
        let header = "dialogue,turn,task,action,subset,score_raw,score,time_s,cost_usd";
        let text = format!("{header},association_0,association_1\n{rows}");
        Workload::parse(&Source { path: "d.csv".into(), text, sha256: String::new() })
    }

    #[test]
    fn what_is_written_is_what_was_read() {
        let rows = "a,0,Query,local,,1,0,7.5,5e-05,0.2,0.25\na,1,\"Edit, send\",cloud,0+1,1.25,\
                    1.25,6,0.009,0.1,0\nb,0,Query,cloud,,0.5,0.5,6,0.0005,0.2,0.2\n";
        let workload = parse(rows).unwrap();
        assert_eq!(workload.tasks, ["Edit, send", "Query"]);
        assert_eq!(workload.dialogues[0].turns[1].action, 4);
        let text = workload.to_csv();
        let source = Source { path: "d.csv".into(), text, sha256: String::new() };
        assert_eq!(Workload::parse(&source).unwrap(), workload);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_cell() {
        for (rows, said) in [
            ("a,1,Q,local,,1,1,1,1,0,0", "d.csv:2: `turn`: found `1`, expected turn 0"),
            ("a,0,Q,edge,,1,1,1,1,0,0", "d.csv:2: `action`: found `edge`, expected `local` or"),
            ("a,0,Q,local,1,1,1,1,1,0,0", "d.csv:2: `subset`: found `1`, expected no views"),
            ("a,0,Q,cloud,2,1,1,1,1,0,0", "d.csv:2: `subset`: found `2`, expected views below 2"),
            ("a,0,Q,cloud,,nan,1,1,1,0,0", "d.csv:2: `score_raw`: found `nan`, expected a number"),
            ("a,0,,cloud,,1,1,1,1,0,0", "d.csv:2: `task`: found an empty cell, expected the name"),
            (
                "a,0,Q,cloud,,1,1,1,1,0,0\nb,0,Q,cloud,,1,1,1,1,0,0\na,1,Q,cloud,,1,1,1,1,0,0",
                "d.csv:4: `dialogue`: found `a`, expected a dialogue whose turns are together",
            ),
        ] {
            let problem = parse(rows).unwrap_err().to_string();
            assert!(problem.starts_with(said), "{rows:?}: {problem}");
        }
    }

    #[test]
    fn a_split_has_every_dialogue_once_and_a_fifth_to_test() {
        let rows: String =
            (0..100).map(|d| format!("{d},0,Q,cloud,,1,1,1,1,0,0\n")).collect::<Vec<_>>().concat();
        let workload = parse(&rows).unwrap();
        let split = workload.split(Rng::new(1, 0));
        assert_eq!((split.train.len(), split.test.len()), (80, 20));
        let mut all: Vec<usize> = split.train.iter().chain(&split.test).copied().collect();
        all.sort_unstable();
        assert!(all.into_iter().eq(0..100));
        assert_ne!(split, workload.split(Rng::new(1, 1)));
        for (count, tested) in [(1, 0), (2, 1), (4, 1), (5, 1), (9, 1), (10, 2)] {
            let few =
                Workload { dialogues: workload.dialogues[..count].to_vec(), ..workload.clone() };
            let split = few.split(Rng::new(1, 0));
            assert_eq!((split.train.len(), split.test.len()), (count - tested, tested));
        }
    }
}
