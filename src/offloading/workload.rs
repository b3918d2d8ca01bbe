//! Dialogues with language models on a device and in the cloud: what was asked, where each turn was
//! answered, and how well.
//!
//! A workload is a CSV table with one row per turn, `dialogue, turn, task, action, subset,
//! score_raw, score, time_s, cost_usd, association_0, …`: `action` is `local` or `cloud`, `subset`
//! the uploaded views as `0+2`, `score` the raw score after the keyword rule of the data set's
//! authors (an answer with "sorry", "I don't have" or "can't" scores 0), `association_i` the
//! association of view i with the question. Turns of a dialogue are consecutive, numbered from 0.

use super::action::{Action, ActionList, Actions, set_of_views};
use super::true_responses::TrueResponses;
use crate::config::csv::{Row, Table};
use crate::config::source::Source;
use crate::config::{Location, Problem};
use crate::core::rng::{Label, Rng};
use rand::RngExt;
use std::collections::BTreeSet;

/// Largest number of tasks: the index of a task is a coordinate of 8 bits in the estimator.
pub const MAX_TASKS: usize = 128;
/// Largest number of turns of a dialogue.
pub const MAX_TURNS: usize = 1000;

/// One question and its answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Turn {
    /// Index into [`Workload::tasks`].
    pub task: usize,
    /// The recorded action, which policies may not be able to choose.
    pub action: Action,
    /// Score of the answer relative to a reference answer; above 1 is possible.
    pub raw: f64,
    /// The same after the keyword rule.
    pub score: f64,
    /// Time of the answer in seconds.
    pub time_s: f64,
    /// Cost of the answer in US dollars.
    pub cost_usd: f64,
    /// By view: its association with the question.
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

/// Dialogues with the same set of tasks and of views.
#[derive(Clone, Debug, PartialEq)]
pub struct Workload {
    /// Names of the tasks, sorted.
    pub tasks: Vec<String>,
    /// The views, and the actions that policies choose among.
    pub actions: Actions,
    /// The dialogues.
    pub dialogues: Vec<Dialogue>,
    /// The law by which they were scored, if they were generated.
    pub truth: Option<TrueResponses>,
}

/// Training and test dialogues, as indices into [`Workload::dialogues`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// Training dialogues, which also give the estimator its points.
    pub train: Vec<usize>,
    /// Test dialogues.
    pub test: Vec<usize>,
}

/// A dialogue by name, each turn with the name of its task.
pub type NamedDialogue = (String, Vec<(String, Turn)>);

impl Workload {
    /// Parses a table of turns; policies choose among all actions.
    ///
    /// # Errors
    /// Says which cell or column is wrong, or that there are too many views for all actions.
    pub fn parse(source: &Source) -> Result<Self, Problem> {
        Self::parse_with(source, None)
    }

    /// Parses a table of turns; policies choose among the actions of a list, if there is one.
    ///
    /// # Errors
    /// As [`Self::parse`] and [`Actions::of`].
    pub fn parse_with(source: &Source, list: Option<&ActionList>) -> Result<Self, Problem> {
        let table = Table::parse(source)?;
        let association = numbered(&table, "association_");
        let views = association.len();
        let place = Location::line(&source.path, 1).field("association_0");
        let actions = Actions::chosen(views, list, &place)?;
        let known = |name: &str| {
            let view = name.strip_prefix("association_").and_then(|view| view.parse().ok());
            NAMES[..9].contains(&name) || view.is_some_and(|view: usize| view < views)
        };
        if let Some(problem) = table.refuse_unknown(known, &NAMES) {
            return Err(problem);
        }
        let [dialogue, turn, task, action, subset, numbers @ ..] = NAMES;
        let (action, subset) = (table.column(action)?, table.column(subset)?);
        let [raw, score, time_s, cost_usd, _] = numbers;
        let names = [dialogue, turn, task, raw, score, time_s, cost_usd];
        read_turns(&table, actions, names, &association, |row| {
            let uploads = set_of_views(row.text(subset), views).ok_or_else(|| {
                row.problem(subset, format!("views below {views} as `0+2`, or nothing"))
            })?;
            match (row.text(action), uploads) {
                ("local", 0) => Ok(Action::Local),
                ("local", _) => Err(row.problem(subset, "no views for a local answer")),
                ("cloud", uploads) => Ok(Action::Cloud(uploads)),
                _ => Err(row.problem(action, "`local` or `cloud`")),
            }
        })
    }

    /// Dialogues of `file`; tasks are numbered in the order of their names.
    ///
    /// # Errors
    /// There are too many tasks.
    pub fn of(
        actions: Actions,
        dialogues: Vec<NamedDialogue>,
        file: &str,
    ) -> Result<Self, Problem> {
        let names = dialogues.iter().flat_map(|(_, turns)| turns.iter().map(|(task, _)| task));
        let tasks: BTreeSet<String> = names.cloned().collect();
        let tasks: Vec<String> = tasks.into_iter().collect();
        if tasks.len() > MAX_TASKS {
            let found = format!("{} tasks", tasks.len());
            let expected = format!("at most {MAX_TASKS}, whose indices the estimator compares");
            return Err(Problem::new(Location::file(file).field("task"), found, expected));
        }
        let index = |task: &String| tasks.binary_search(task).unwrap_or(0);
        let dialogue = |(id, turns): NamedDialogue| {
            let turns = turns.into_iter().map(|(task, turn)| Turn { task: index(&task), ..turn });
            Dialogue { id, turns: turns.collect() }
        };
        let dialogues = dialogues.into_iter().map(dialogue).collect();
        Ok(Self { tasks, actions, dialogues, truth: None })
    }

    /// The table that [`Self::parse`] reads.
    pub fn to_csv(&self) -> String {
        let mut text = NAMES[..9].join(",");
        (0..self.actions.views()).for_each(|view| text.push_str(&format!(",association_{view}")));
        text.push('\n');
        for dialogue in &self.dialogues {
            for (at, turn) in dialogue.turns.iter().enumerate() {
                let name = turn.action.to_string();
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

    /// The same dialogues, where policies choose among the actions of a list.
    ///
    /// # Errors
    /// As [`Actions::of`].
    pub fn with_actions(self, list: &ActionList) -> Result<Self, Problem> {
        let actions = Actions::of(self.actions.views(), list)?;
        Ok(Self { actions, ..self })
    }

    /// Number of turns of all dialogues.
    pub fn turns(&self) -> usize {
        self.dialogues.iter().map(|dialogue| dialogue.turns.len()).sum()
    }

    /// The dialogues in a random order.
    pub(super) fn shuffled(&self, rng: Rng) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.dialogues.len()).collect();
        let mut rng = rng.stream(Label::Split);
        for at in (1..order.len()).rev() {
            order.swap(at, rng.random_range(0..=at));
        }
        order
    }

    /// A random split: a share of the dialogues, at least one of two or more, are for testing, and
    /// at least one is for training.
    pub fn split(&self, rng: Rng, test_share: f64) -> Split {
        let mut order = self.shuffled(rng);
        // 0.2 of 5 is 1, though it is less in binary.
        let share = (order.len() as f64 * test_share + 1e-9) as usize;
        let tested = share.max(1).min(order.len().saturating_sub(1));
        let train = order.split_off(tested);
        Split { train, test: order }
    }

    /// Every dialogue both for training and for testing, as in the published sweep.
    pub fn whole(&self) -> Split {
        let all: Vec<usize> = (0..self.dialogues.len()).collect();
        Split { train: all.clone(), test: all }
    }
}

/// Columns of a table of turns; there is an association for every view.
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

/// A cell of a CSV table.
fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

/// The columns `prefix0`, `prefix1`, and so on.
pub(super) fn numbered(table: &Table, prefix: &str) -> Vec<usize> {
    (0..).map_while(|view: usize| table.optional(&format!("{prefix}{view}"))).collect()
}

/// Reads a table with a row per turn. `names` are the columns of dialogue, turn, task, raw score,
/// score, seconds and dollars; `action` reads the action of a row.
pub(super) fn read_turns(
    table: &Table,
    actions: Actions,
    names: [&str; 7],
    association: &[usize],
    action: impl Fn(&Row<'_>) -> Result<Action, Problem>,
) -> Result<Workload, Problem> {
    let mut columns = [0; 7];
    for (column, name) in columns.iter_mut().zip(names) {
        *column = table.column(name)?;
    }
    let [dialogue, number, task, raw, score, time_s, cost_usd] = columns;
    let mut dialogues: Vec<NamedDialogue> = Vec::new();
    let mut known = BTreeSet::new();
    for row in table.rows() {
        let id = row.text(dialogue);
        let turn = row.integer(number, 0..=MAX_TURNS as u64 - 1)? as usize;
        if dialogues.last().is_none_or(|(last, _)| last != id) {
            if id.is_empty() || !known.insert(id) {
                return Err(row.problem(dialogue, "a dialogue whose turns are together"));
            }
            dialogues.push((id.to_owned(), Vec::new()));
        }
        let Some((_, turns)) = dialogues.last_mut() else { continue };
        if turn != turns.len() {
            return Err(row.problem(number, format!("turn {}", turns.len())));
        }
        let action = action(&row)?;
        let task_name = row.text(task);
        if task_name.is_empty() {
            return Err(row.problem(task, "the name of a task"));
        }
        let association = association.iter().map(|column| row.number(*column));
        let turn = Turn {
            task: 0,
            action,
            raw: row.number(raw)?,
            score: row.number(score)?,
            time_s: row.number(time_s)?,
            cost_usd: row.number(cost_usd)?,
            association: association.collect::<Result<_, _>>()?,
        };
        turns.push((task_name.to_owned(), turn));
    }
    Workload::of(actions, dialogues, &table.place().file)
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
        assert_eq!(workload.dialogues[0].turns[1].action, Action::Cloud(0b11));
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
        let split = workload.split(Rng::new(1, 0), 0.2);
        assert_eq!((split.train.len(), split.test.len()), (80, 20));
        let mut all: Vec<usize> = split.train.iter().chain(&split.test).copied().collect();
        all.sort_unstable();
        assert!(all.into_iter().eq(0..100));
        assert_ne!(split, workload.split(Rng::new(1, 1), 0.2));
        for (count, tested) in [(1, 0), (2, 1), (4, 1), (5, 1), (9, 1), (10, 2)] {
            let few =
                Workload { dialogues: workload.dialogues[..count].to_vec(), ..workload.clone() };
            let split = few.split(Rng::new(1, 0), 0.2);
            assert_eq!((split.train.len(), split.test.len()), (count - tested, tested));
        }
    }
}
