//! Recorded dialogues with a row per turn as the table of dialogues that `--workload` reads:
//! `--column` says which column is what, and columns with the names of that table need no option.
//! A file whose first character is `{` or `[` has JSON objects, one a line or in a list.

use super::action::{Action, ActionList, Actions, MAX_VIEWS, Views, expected_action};
use super::dialogue_rows::{Fields, TurnRow, rows};
use super::workload::{MAX_TURNS, NamedDialogue, Turn, Workload};
use crate::config::csv::whole;
use crate::config::rows::{LAYOUT, TableLayout};
use crate::config::settings::TEXTS;
use crate::config::{
    ConfigNode, Decoder, Group, Kind, Location, Problem, Problems, Setting, Value, decode,
};
use crate::import::{ImportKind, ImportNotes, ImportedProfile, ImporterEntry};
use std::collections::BTreeMap;

/// The task of turns without one.
const ONE_TASK: &str = "task";
/// The largest number of a measurement.
const MAX_NUMBER: f64 = 1e15;

const COLUMN: Group = Group::named("column").of(&[&[
    Setting::optional("dialogue", Kind::Text, "dialogue")
        .means("The column with the name of the dialogue."),
    Setting::optional("turn", Kind::Text, "turn, else the order of rows")
        .means("The column with the number of the turn, from 0 or 1 on."),
    Setting::optional("task", Kind::Text, "task, else one task").means("The column of the task."),
    Setting::optional("action", Kind::Text, "action")
        .means("The column with `local`, `cloud`, `cloud+0+2`, or 0 and 1."),
    Setting::optional("subset", Kind::Text, "subset, else as in the action")
        .means("The column with the uploaded views, as `0+2`."),
    Setting::optional("score", Kind::Text, "score")
        .means("The column with the score of the answer."),
    Setting::optional("score_raw", Kind::Text, "score_raw, else the score")
        .means("The column with the score before any rule."),
    Setting::optional("time_s", Kind::Text, "time_s, else 0")
        .means("The column with the seconds of the call."),
    Setting::optional("cost_usd", Kind::Text, "cost_usd, else 0")
        .means("The column with the price of the call."),
    Setting::optional(
        "association",
        Kind::OneOf(&[Kind::Text, TEXTS]),
        "association_0, …, else 0 for every view",
    )
    .means("The column of each view, or one column with the numbers of all views."),
]]);

/// The kind `dialogues` of `import`.
pub const ENTRY: ImporterEntry = ImporterEntry {
    name: "dialogues",
    summary: "recorded dialogues, a row or a JSON object a turn; columns by --column",
    settings: &[
        &[
            Setting::optional("views", Kind::Integer(0, MAX_VIEWS as u64), "those of associations")
                .means("The number of views."),
            Setting::optional("column", Kind::Table(&COLUMN), "as in the table of dialogues")
                .means("The columns (--column)."),
        ],
        LAYOUT,
    ],
    form: ImportKind::Table(import),
};

fn import(file: &str, settings: &mut Decoder<'_>) -> Option<ImportedProfile> {
    let views = settings.optional_integer("views").map(|views| views as usize);
    let mut columns = settings.inner("column", &COLUMN);
    let names = Fields::WHAT.map(|what| columns.optional_text(what).map(str::to_owned));
    let association = columns.take("association");
    let association = association.map(|node| texts(node, columns.problems())).unwrap_or_default();
    columns.finish();
    let layout = TableLayout::read(settings);
    if !settings.problems().is_empty() {
        return None;
    }
    let fields = Fields { names, association };
    table(file, layout, fields, views).map_err(|more| settings.problems().extend(more)).ok()
}

/// A string, or a list of strings.
fn texts(node: &ConfigNode, problems: &mut Problems) -> Vec<String> {
    match &node.value {
        Value::Text(text) => vec![text.clone()],
        _ => decode::texts(node, problems),
    }
}

fn table(
    file: &str,
    layout: TableLayout,
    fields: Fields,
    views: Option<usize>,
) -> Result<ImportedProfile, Problems> {
    let (rows, fields, facts) = rows(file, layout, fields)?;
    let mut reader = Reader::new(file, &fields, &rows, views)?;
    let mut problems = Problems::default();
    for row in &rows {
        reader.add(row).unwrap_or_else(|problem| problems.push(problem));
        if problems.is_full() {
            break;
        }
    }
    problems.check(Some(()))?;
    let timed = [(Fields::TIME, "time_s"), (Fields::COST, "cost_usd")];
    let absent = timed.into_iter().filter(|(what, _)| fields.names[*what].is_none());
    let notes = absent.map(|(_, name)| {
        format!("no column `{name}`: it is 0, and `--costs observed` cannot be used")
    });
    let notes = ImportNotes { facts, notes: notes.collect() };
    let list = ActionList::split("local,cloud", Location::file(file));
    let actions = Actions::of(reader.views, &list)?;
    let workload = Workload::of(actions, reader.finish()?, file)?;
    let summary = format!(
        "{} dialogues, {} turns, {} tasks, {} views",
        workload.dialogues.len(),
        workload.turns(),
        workload.tasks.len(),
        workload.actions.views()
    );
    Ok(ImportedProfile { text: workload.to_csv(), summary, notes })
}

/// A turn with the number that orders it, and its row.
struct NumberedTurn<'a> {
    number: u64,
    row: &'a TurnRow,
    task: String,
    turn: Turn,
}

/// The dialogues that were read so far.
struct Reader<'a> {
    fields: &'a Fields,
    views: usize,
    /// Names of dialogues in the order of their first rows.
    order: Vec<String>,
    turns: BTreeMap<String, Vec<NumberedTurn<'a>>>,
}

impl<'a> Reader<'a> {
    /// A reader of the rows of a file; the number of views is given, or that of associations.
    fn new(
        file: &str,
        fields: &'a Fields,
        rows: &[TurnRow],
        given: Option<usize>,
    ) -> Result<Self, Problem> {
        let counted = match (fields.association.len(), rows.first()) {
            (1, Some(row)) => parts(&row.association[0]).count(),
            (columns, _) => columns,
        };
        let views = given.unwrap_or(counted);
        if views > MAX_VIEWS || (counted > 0 && views != counted) {
            let found = format!("associations of {counted} views");
            let expected = match given {
                Some(given) => format!("{given}, as `--set views` says"),
                None => format!("at most {MAX_VIEWS}"),
            };
            return Err(Problem::new(Location::file(file), found, expected));
        }
        Ok(Self { fields, views, order: Vec::new(), turns: BTreeMap::new() })
    }

    fn add(&mut self, row: &'a TurnRow) -> Result<(), Problem> {
        let fields = self.fields;
        let wrong = |what: usize, expected: &str| row.problem(fields, what, expected);
        let dialogue = row.cell(Fields::DIALOGUE).unwrap_or("").to_owned();
        if dialogue.is_empty() {
            return Err(wrong(Fields::DIALOGUE, "the name of a dialogue"));
        }
        let task = row.cell(Fields::TASK).unwrap_or(ONE_TASK).to_owned();
        if task.is_empty() {
            return Err(wrong(Fields::TASK, "the name of a task"));
        }
        let number = |what: usize| match row.cell(what) {
            None => Ok(None),
            Some(cell) => measurement(cell).map(Some).ok_or_else(|| wrong(what, MEASUREMENT)),
        };
        let (action, score) = (self.action(row)?, number(Fields::SCORE)?.unwrap_or(0.0));
        let turn = Turn {
            task: 0,
            action,
            raw: number(Fields::SCORE_RAW)?.unwrap_or(score),
            score,
            time_s: number(Fields::TIME)?.unwrap_or(0.0),
            cost_usd: number(Fields::COST)?.unwrap_or(0.0),
            association: self.association(row)?,
        };
        let known = self.turns.entry(dialogue.clone()).or_default();
        let number = match row.cell(Fields::TURN) {
            None => known.len() as u64,
            Some(cell) => {
                whole(cell).ok_or_else(|| wrong(Fields::TURN, "a whole number from 0 or 1 on"))?
            }
        };
        if known.is_empty() {
            self.order.push(dialogue);
        }
        if known.len() == MAX_TURNS {
            let expected = format!("a dialogue of at most {MAX_TURNS} turns");
            return Err(wrong(Fields::DIALOGUE, &expected));
        }
        known.push(NumberedTurn { number, row, task, turn });
        Ok(())
    }

    /// What messages add where the number of views is not known.
    fn without_views(&self, expected: String) -> String {
        if self.views == 0 { expected + "; `--set views=N` says how many" } else { expected }
    }

    /// The action of a row, from one cell or from two.
    fn action(&self, row: &TurnRow) -> Result<Action, Problem> {
        let name = match row.cell(Fields::ACTION).unwrap_or("") {
            "0" => "local",
            "1" => "cloud",
            name => name,
        };
        let Some(action) = Action::parse(name, self.views) else {
            let expected = self.without_views(expected_action(self.views));
            return Err(row.problem(self.fields, Fields::ACTION, &expected));
        };
        let mut set: Views = action.views();
        for view in parts(row.cell(Fields::SUBSET).unwrap_or("")) {
            let view = view.parse().ok().filter(|view: &usize| *view < self.views);
            let Some(view) = view.filter(|_| action != Action::Local) else {
                let expected = match (action, self.views) {
                    (Action::Local, _) => "no views for a local answer".to_owned(),
                    (_, 0) => self.without_views("no views".to_owned()),
                    (_, views) => format!("views from 0 to {} as `0+2`, or nothing", views - 1),
                };
                return Err(row.problem(self.fields, Fields::SUBSET, &expected));
            };
            set |= 1 << view;
        }
        Ok(if action == Action::Local { action } else { Action::Cloud(set) })
    }

    /// The associations of a row, by view.
    fn association(&self, row: &TurnRow) -> Result<Vec<f64>, Problem> {
        let columns = &self.fields.association;
        if columns.is_empty() {
            return Ok(vec![0.0; self.views]);
        }
        let own = if columns.len() == 1 { self.views } else { 1 };
        let mut read = Vec::with_capacity(self.views);
        for (column, cell) in columns.iter().zip(&row.association) {
            let values: Option<Vec<f64>> = parts(cell).map(measurement).collect();
            let values = values.filter(|values| values.len() == own).ok_or_else(|| {
                let expected = match own {
                    1 => MEASUREMENT.to_owned(),
                    own => format!("{own} numbers from 0 to 1e15, one for each view"),
                };
                row.problem_at(column, cell, &expected)
            })?;
            read.extend(values);
        }
        Ok(read)
    }

    /// The dialogues, their turns in order.
    fn finish(mut self) -> Result<Vec<NamedDialogue>, Problems> {
        let mut problems = Problems::default();
        let mut dialogues = Vec::new();
        for name in self.order {
            let mut turns = self.turns.remove(&name).unwrap_or_default();
            turns.sort_by_key(|turn| turn.number);
            // Turns are counted from 0 or from 1.
            let first = turns.first().map_or(0, |turn| turn.number.min(1));
            let gap = (first..).zip(&turns).find(|(expected, turn)| *expected != turn.number);
            if let Some((expected, turn)) = gap {
                let expected = if turn.number < expected {
                    format!("one row for turn {} of dialogue `{name}`", turn.number)
                } else {
                    format!("turn {expected} of dialogue `{name}` before it")
                };
                problems.push(turn.row.problem(self.fields, Fields::TURN, &expected));
            }
            let turns = turns.into_iter().map(|turn| (turn.task, turn.turn)).collect();
            dialogues.push((name, turns));
        }
        problems.check(Some(dialogues))
    }
}

/// The parts of a cell with several numbers, as `0.1 0.2`, `0+2` or `[1, 2]`.
fn parts(cell: &str) -> impl Iterator<Item = &str> {
    let apart = |c: char| c.is_whitespace() || "+,;|[]()".contains(c);
    cell.split(apart).filter(|part| !part.is_empty())
}

/// What [`measurement`] reads.
const MEASUREMENT: &str = "a number from 0 to 1e15";

/// A finite number ≥ 0.
fn measurement(text: &str) -> Option<f64> {
    text.parse().ok().filter(|value: &f64| (0.0..=MAX_NUMBER).contains(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::source::Source;

    fn read(text: &str, set: &str) -> Result<(Workload, ImportedProfile), String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("d.csv").to_string_lossy().into_owned();
        std::fs::write(&path, text).unwrap();
        let settings = ConfigNode::parse_override(&format!("{{ {set} }}"));
        let made = crate::import::decoded(&ENTRY, &settings, |decoder| import(&path, decoder));
        let made = made.map_err(|problems| problems.to_string().replace(&path, "d.csv"))?;
        let source = Source { path, text: made.text.clone(), sha256: String::new() };
        Ok((Workload::parse(&source).unwrap(), made))
    }

    #[test]
    fn rows_in_any_order_with_two_columns_of_an_action() {
        let text = "who;step;category;where;sent;points;left;right\n\
                    b;1;ask;0;;0.5;0.1;0.2\n\
                    a;2;edit;1;1 0;1.5;0.3;0.4\n\
                    a;1;ask;1;;1;0.5;0.6\n";
        let columns = "column = { dialogue = \"who\", turn = \"step\", task = \"category\", \
                       action = \"where\", subset = \"sent\", score = \"points\", \
                       association = [\"left\", \"right\"] }";
        let (workload, made) = read(text, columns).unwrap();
        assert_eq!(made.summary, "2 dialogues, 3 turns, 2 tasks, 2 views");
        assert_eq!(made.notes.facts, ["cells delimited by semicolon"]);
        assert_eq!(made.notes.notes.len(), 2);
        let ids: Vec<&str> = workload.dialogues.iter().map(|d| d.id.as_str()).collect();
        assert_eq!((ids, workload.tasks.join(" ")), (vec!["b", "a"], "ask edit".to_owned()));
        let turns = &workload.dialogues[1].turns;
        let expected = Turn {
            task: 1,
            action: Action::Cloud(0b11),
            raw: 1.5,
            score: 1.5,
            time_s: 0.0,
            cost_usd: 0.0,
            association: vec![0.3, 0.4],
        };
        assert_eq!((turns[0].action, &turns[1]), (Action::Cloud(0), &expected));
    }

    #[test]
    fn json_objects_a_line_or_in_a_list_are_the_same() {
        let lines = [
            r#"{"d": 7, "a": "cloud+0+2", "s": 2, "raw": 3, "at": {"v": [0.1, 0.2, 0.3]}}"#,
            r#"{"d": 7, "a": "local", "s": 1e0, "raw": 1, "at": {"v": [0, 0, 0.5]}}"#,
        ];
        let columns = "column = { dialogue = \"d\", action = \"a\", score = \"s\", \
                       score_raw = \"raw\", association = \"at.v\" }";
        let one = read(&lines.join("\n"), columns).unwrap();
        assert_eq!(one, read(&format!("[{}]", lines.join(",\n")), columns).unwrap());
        let turns = &one.0.dialogues[0].turns;
        assert_eq!((turns[0].action, turns[0].raw, turns[0].score), (Action::Cloud(0b101), 3., 2.));
        assert_eq!(turns[1].association, [0.0, 0.0, 0.5]);
        assert_eq!(one.0.tasks, [ONE_TASK]);
    }

    #[test]
    fn the_table_of_dialogues_itself_needs_no_columns() {
        let workload = crate::offloading::generate::like_m4a1(8, crate::core::rng::Rng::new(4, 0));
        let (again, made) = read(&workload.to_csv(), "").unwrap();
        let recorded = Workload { truth: None, ..workload };
        assert_eq!((again, made.notes), (recorded, ImportNotes::default()));
    }

    #[test]
    fn what_is_wrong_is_said_with_line_and_column() {
        let head = "dialogue,turn,action,score\n";
        for (rows, set, said) in [
            ("a,0,cloud+3,1", "views = 3", "d.csv:2: `action`: found `cloud+3`, expected `local`,"),
            ("a,0,cloud+0,1", "", "expected `local` or `cloud`: there are no views; `--set views"),
            ("a,0,2,1", "views = 1", "d.csv:2: `action`: found `2`, expected `local`, `cloud`, or"),
            ("a,0,local,-1", "", "d.csv:2: `score`: found `-1`, expected a number from 0 to 1e15"),
            ("a,0,local,nan", "", "d.csv:2: `score`: found `nan`, expected a number from 0 to"),
            ("a,0,local,", "", "d.csv:2: `score`: found an empty cell, expected a number from 0"),
            (",0,local,1", "", "d.csv:2: `dialogue`: found an empty cell, expected the name of a"),
            (
                "a,0,local,1\na,2,local,1",
                "",
                "d.csv:3: `turn`: found `2`, expected turn 1 of dialogue `a` before it",
            ),
            ("a,2,local,1", "", "d.csv:2: `turn`: found `2`, expected turn 1 of dialogue `a`"),
            (
                "a,1,local,1\nb,0,local,1\na,1,local,2",
                "",
                "d.csv:4: `turn`: found `1`, expected one row for turn 1 of dialogue `a`",
            ),
            ("a,x,local,1", "", "d.csv:2: `turn`: found `x`, expected a whole number from 0 or 1"),
            (
                "a,0,local,1",
                "column = { score = \"scor\" }",
                "d.csv:1: `scor`: found no such column in `dialogue,turn,action,score`",
            ),
            ("a,0,local,1", "column = { points = \"score\" }", "found unknown key `points`"),
            ("a,0,local,1", "views = 65", "found 65, expected a whole number from 0 to 64"),
            (
                "a,0,local,1",
                "views = 2, column = { association = \"score\" }",
                "d.csv: found associations of 1 views, expected 2, as `--set views` says",
            ),
            (
                "a,0,cloud,1",
                "column = { association = [\"score\", \"turn\"], subset = \"score\" }",
                "",
            ),
            (
                "a,0,local,1",
                "column = { association = [\"score\", \"turn\"], subset = \"score\" }",
                "d.csv:2: `score`: found `1`, expected no views for a local answer",
            ),
        ] {
            let result = read(&format!("{head}{rows}\n"), set);
            match result {
                Ok(_) => assert_eq!(said, "", "{rows}"),
                Err(found) => assert!(!said.is_empty() && found.contains(said), "{rows}: {found}"),
            }
        }
    }
}
