//! The data set M4A1 of the TMO authors (`liangqiyuan/TMO`, MIT licence) as a [`Workload`]: their
//! JSON file, or a table of its numbers without texts.
//!
//! JSON: a list of dialogues with `interactions` (`task_cat`, `action` 0 local or 1 cloud,
//! `image_index` null or the uploaded views in order, `answer`, `score`, `interaction_time` in
//! seconds, `usage_cost` in US dollars) and `association_score` (turns × views).
//! Table: `episode, turn, task, action, mod0…, score, raw_score, interaction_time_s,
//! usage_cost_usd, assoc0…`; further columns are not read.

use super::action::{Action, ActionList, Actions, MAX_VIEWS, Views};
use super::workload::{MAX_TURNS, Turn, Workload, numbered, read_turns};
use crate::config::csv::Table;
use crate::config::source;
use crate::config::{ConfigNode, Location, Problem, Problems, decode, json};

/// An answer that contains one of these scores 0 (the authors' `tmo/data.py`; case matters).
const REFUSALS: [&str; 3] = ["sorry", "I don't have", "can't"];
/// Largest number of a measurement.
const MAX_NUMBER: f64 = 1e15;

/// Reads the authors' JSON, the table of its numbers, or a workload; policies choose among all
/// actions.
///
/// # Errors
/// Says what is wrong in the file, and where.
pub fn load(path: &str) -> Result<Workload, Problems> {
    load_with(path, None)
}

/// The same; policies choose among the actions of a list, if there is one.
///
/// # Errors
/// As [`load`] and [`Actions::of`].
pub fn load_with(path: &str, list: Option<&ActionList>) -> Result<Workload, Problems> {
    let source = source::read(path)?;
    if source.text.trim_start().starts_with(['[', '{']) {
        return from_json(&json::parse(&source)?, list);
    }
    let table = Table::parse(&source)?;
    if table.optional("episode").is_some() {
        return Ok(from_table(&table, list)?);
    }
    Ok(Workload::parse_with(&source, list)?)
}

/// A turn with the name of its task.
type NamedTurn = (String, Turn);

fn from_json(root: &ConfigNode, list: Option<&ActionList>) -> Result<Workload, Problems> {
    let mut problems = Problems::default();
    let dialogues = decode::array(root, &mut problems);
    if dialogues.is_empty() {
        problems.push(Problem::new(root.place.clone(), "no dialogues", "a list of dialogues"));
    }
    let mut views = None;
    let mut read = Vec::new();
    for (at, node) in dialogues.iter().enumerate() {
        if problems.is_full() {
            break;
        }
        let turns = dialogue(node, &mut views, &mut problems);
        read.extend(turns.map(|turns| (at.to_string(), turns)));
    }
    let read = problems.check(Some(read))?;
    let actions = Actions::chosen(views.unwrap_or(0), list, &root.place)?;
    Ok(Workload::of(actions, read, &root.place.file)?)
}

fn dialogue(
    node: &ConfigNode,
    views: &mut Option<usize>,
    problems: &mut Problems,
) -> Option<Vec<NamedTurn>> {
    let interactions = decode::array(need(node, "interactions", problems)?, problems);
    let rows = need(node, "association_score", problems)?;
    let association = decode::array(rows, problems);
    if !(1..=MAX_TURNS).contains(&interactions.len()) {
        let found = format!("{} interactions", interactions.len());
        return refuse(node, found, format!("1 to {MAX_TURNS}"), problems);
    }
    if association.len() != interactions.len() {
        let found = format!("{} rows", association.len());
        let expected = format!("{}, one for each interaction", interactions.len());
        return refuse(rows, found, expected, problems);
    }
    let turns: Vec<Option<NamedTurn>> = interactions
        .iter()
        .zip(association)
        .map(|(turn, row)| interaction(turn, row, views, problems))
        .collect();
    turns.into_iter().collect()
}

fn interaction(
    node: &ConfigNode,
    row: &ConfigNode,
    views: &mut Option<usize>,
    problems: &mut Problems,
) -> Option<NamedTurn> {
    let cells = decode::array(row, problems);
    if cells.is_empty() {
        return refuse(row, "no views", "a number for each view", problems);
    }
    let count = *views.get_or_insert(cells.len());
    if cells.len() != count || count > MAX_VIEWS {
        let found = format!("{} views", cells.len());
        return refuse(row, found, format!("{}, as before", count.min(MAX_VIEWS)), problems);
    }
    let number = |node: Option<&ConfigNode>, problems: &mut Problems| {
        decode::number(node?, &(0.0..=MAX_NUMBER), problems)
    };
    let association: Vec<Option<f64>> =
        cells.iter().map(|cell| number(Some(cell), problems)).collect();
    let name = need(node, "task_cat", problems)?;
    let task = decode::text(name, problems)?.trim();
    if task.is_empty() {
        problems.push(decode::mismatch(name, "the name of a task"));
        return None;
    }
    let cloud = decode::integer(need(node, "action", problems)?, &(0..=1), problems)? == 1;
    let uploaded = match node.get("image_index") {
        Some(list) if cloud => subset(list, count, problems)?,
        _ => 0,
    };
    let answer = decode::text(need(node, "answer", problems)?, problems)?;
    let raw = number(need(node, "score", problems), problems)?;
    let refused = REFUSALS.iter().any(|words| answer.contains(words));
    let turn = Turn {
        task: 0,
        action: if cloud { Action::Cloud(uploaded) } else { Action::Local },
        raw,
        score: if refused { 0.0 } else { raw },
        time_s: number(need(node, "interaction_time", problems), problems)?,
        cost_usd: number(need(node, "usage_cost", problems), problems)?,
        association: association.into_iter().collect::<Option<_>>()?,
    };
    Some((task.to_owned(), turn))
}

/// The views of a list such as `[0, 2, 1]`.
fn subset(list: &ConfigNode, views: usize, problems: &mut Problems) -> Option<Views> {
    let last = (views as u64).checked_sub(1)?;
    let members = decode::array(list, problems).iter();
    let members: Vec<_> = members.map(|m| decode::integer(m, &(0..=last), problems)).collect();
    members.into_iter().try_fold(0, |set, member| Some(set | 1 << member?))
}

/// Adds a problem with a node.
fn refuse<T>(
    node: &ConfigNode,
    found: impl Into<String>,
    expected: impl Into<String>,
    problems: &mut Problems,
) -> Option<T> {
    problems.push(Problem::new(node.place.clone(), found, expected));
    None
}

/// The value of a required key.
fn need<'a>(
    node: &'a ConfigNode,
    key: &'static str,
    problems: &mut Problems,
) -> Option<&'a ConfigNode> {
    let found = node.get(key);
    if found.is_none() {
        let field = format!("{}.{key}", node.place.field);
        let place = Location { field, ..node.place.clone() };
        problems.push(Problem::new(place, "nothing", "a value"));
    }
    found
}

fn from_table(table: &Table, list: Option<&ActionList>) -> Result<Workload, Problem> {
    let (uploads, association) = (numbered(table, "mod"), numbered(table, "assoc"));
    if uploads.len() != association.len() || uploads.len() > MAX_VIEWS {
        let found = format!("{} columns mod… and {} assoc…", uploads.len(), association.len());
        let expected = format!("one of each for every view, at most {MAX_VIEWS}");
        return Err(Problem::new(table.place(), found, expected));
    }
    let actions = Actions::chosen(uploads.len(), list, &table.place())?;
    let action = table.column("action")?;
    let names =
        ["episode", "turn", "task", "raw_score", "score", "interaction_time_s", "usage_cost_usd"];
    read_turns(table, actions, names, &association, |row| {
        let cloud = row.integer(action, 0..=1)? == 1;
        let mut set: Views = 0;
        for (view, column) in uploads.iter().enumerate() {
            set |= (row.integer(*column, 0..=u64::from(cloud))? as Views) << view;
        }
        Ok(if cloud { Action::Cloud(set) } else { Action::Local })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::source::Source;

    const DIALOGUE: &str = r#"[{"id": 7, "interactions": [
        {"task_cat": "Query", "action": 0, "image_index": null, "answer": "I can't say.",
         "score": 0.5, "interaction_time": 2.0, "usage_cost": 6e-05},
        {"task_cat": "Edit", "action": 1, "image_index": [2, 0], "answer": "Sorry? No.",
         "score": 1.25, "interaction_time": 3.5, "usage_cost": 0.009}],
        "association_score": [[0.2, 0.2, 0.1], [0.25, 0.1, 0.1]]}]"#;
    const TABLE: &str = "episode,turn,task,action,mod0,mod1,mod2,modality_order,score,raw_score,\
        keyword_hit,interaction_time_s,usage_cost_usd,assoc0,assoc1,assoc2\n\
        0,0,Query,0,0,0,0,,0,0.5,1,2,6e-05,0.2,0.2,0.1\n\
        0,1,Edit,1,1,0,1,20,1.25,1.25,0,3.5,0.009,0.25,0.1,0.1\n";

    fn source(text: &str) -> Source {
        Source { path: "x".into(), text: text.into(), sha256: String::new() }
    }

    #[test]
    fn json_and_its_table_of_numbers_are_the_same_workload() {
        let one = from_json(&json::parse(&source(DIALOGUE)).unwrap(), None).unwrap();
        let other = from_table(&Table::parse(&source(TABLE)).unwrap(), None).unwrap();
        assert_eq!(one, other);
        let turns = &one.dialogues[0].turns;
        // The keyword rule minds the case: `can't` counts, `Sorry` does not.
        assert_eq!((turns[0].raw, turns[0].score, turns[1].score), (0.5, 0.0, 1.25));
        assert_eq!([turns[0].action, turns[1].action], [Action::Local, Action::Cloud(0b101)]);
    }

    #[test]
    fn what_is_missing_or_wrong_is_said_with_its_place() {
        for (from, to, said) in [
            ("\"score\": 0.5, ", "", "x:2:9: `[0].interactions[0].score`: found nothing"),
            ("[2, 0]", "[3]", "x:4:59: `[0].interactions[1].image_index[0]`: found 3, expected a"),
            ("\"action\": 1", "\"action\": 2", "x:4:40: `[0].interactions[1].action`: found 2"),
            (", [0.25, 0.1, 0.1]", "", "x:6:30: `[0].association_score`: found 1 rows, expected 2"),
            ("[0.25, 0.1, 0.1]", "[]", "x:6:48: `[0].association_score[1]`: found no views"),
            ("[0.25, 0.1, 0.1]", "[0.25]", "x:6:48: `[0].association_score[1]`: found 1 views"),
        ] {
            let text = DIALOGUE.replacen(from, to, 1);
            let problems = from_json(&json::parse(&source(&text)).unwrap(), None).unwrap_err();
            let first = problems.iter().next().unwrap().to_string();
            assert!(first.starts_with(said), "{first}");
        }
    }
}
