//! The cells of recorded dialogues, by what they are: from a CSV table or from JSON objects.

use crate::config::csv::Header;
use crate::config::rows::{RowReader, TableLayout};
use crate::config::source::{self, Source};
use crate::config::{ConfigNode, Location, Problem, Problems, decode, json};
use crate::import::find;

/// Which column or key holds what.
pub(super) struct Fields {
    /// By the order of [`Self::WHAT`]; `None` if there is no such column.
    pub(super) names: [Option<String>; 9],
    /// The columns with associations, in the order of views, or the only one.
    pub(super) association: Vec<String>,
}

impl Fields {
    /// The names for `--column`, which are also those of the table of dialogues.
    pub(super) const WHAT: [&str; 9] = [
        "dialogue",
        "turn",
        "task",
        "action",
        "subset",
        "score",
        "score_raw",
        "time_s",
        "cost_usd",
    ];
    pub(super) const DIALOGUE: usize = 0;
    pub(super) const TURN: usize = 1;
    pub(super) const TASK: usize = 2;
    pub(super) const ACTION: usize = 3;
    pub(super) const SUBSET: usize = 4;
    pub(super) const SCORE: usize = 5;
    pub(super) const SCORE_RAW: usize = 6;
    pub(super) const TIME: usize = 7;
    pub(super) const COST: usize = 8;
    /// What must be there.
    const REQUIRED: [usize; 3] = [Self::DIALOGUE, Self::ACTION, Self::SCORE];

    /// Completes the names by columns that are called as in the table of dialogues.
    fn complete(self, exists: impl Fn(&str) -> bool) -> Self {
        let mut names = self.names;
        for (at, (name, what)) in names.iter_mut().zip(Self::WHAT).enumerate() {
            if name.is_none() && (exists(what) || Self::REQUIRED.contains(&at)) {
                *name = Some(what.to_owned());
            }
        }
        let mut association = self.association;
        if association.is_empty() {
            let own = (0..).map(|view: usize| format!("association_{view}"));
            association = own.take_while(|name| exists(name)).collect();
        }
        Self { names, association }
    }
}

/// The cells of a turn.
pub(super) struct TurnRow {
    /// The file, and the line from 1 on.
    place: Location,
    /// By the order of [`Fields::WHAT`]; `None` if there is no such column.
    pub(super) cells: [Option<String>; 9],
    /// By column of associations.
    pub(super) association: Vec<String>,
}

impl TurnRow {
    /// The cell of `what`; `None` if there is no such column.
    pub(super) fn cell(&self, what: usize) -> Option<&str> {
        self.cells[what].as_deref()
    }

    /// A problem with the cell of `what`.
    pub(super) fn problem(&self, fields: &Fields, what: usize, expected: &str) -> Problem {
        let name = fields.names[what].as_deref().unwrap_or(Fields::WHAT[what]);
        self.problem_at(name, self.cells[what].as_deref().unwrap_or(""), expected)
    }

    /// A problem with the cell of a column.
    pub(super) fn problem_at(&self, column: &str, cell: &str, expected: &str) -> Problem {
        let found = if cell.is_empty() { "an empty cell".into() } else { format!("`{cell}`") };
        Problem::new(self.place.clone().field(column), found, expected)
    }
}

/// All rows of a file, the completed fields, and what was recognised.
pub(super) fn rows(
    file: &str,
    layout: TableLayout,
    fields: Fields,
) -> Result<(Vec<TurnRow>, Fields, Vec<String>), Problems> {
    let source = source::read(file)?;
    let (rows, fields, facts) = match source.text.trim_start().chars().next() {
        Some('{') => objects(&lines(&source)?, fields),
        Some('[') => {
            let root = json::parse(&source)?;
            objects(decode::array(&root, &mut Problems::default()), fields)
        }
        _ => table(&source, layout, fields),
    }?;
    if rows.is_empty() {
        return Err(Problem::new(Location::file(file), "no turns", "a row for each turn").into());
    }
    Ok((rows, fields, facts))
}

fn table(
    source: &Source,
    layout: TableLayout,
    fields: Fields,
) -> Result<(Vec<TurnRow>, Fields, Vec<String>), Problems> {
    let mut reader = RowReader::of_text(source, layout)?;
    reader.head().distinct()?;
    let known: Vec<String> = reader.head().names().map(str::to_owned).collect();
    let fields = fields.complete(|name| known.iter().any(|known| known == name));
    let column = |head: &Header, name: &String| head.column(name);
    let mut places = [None; 9];
    for (place, name) in places.iter_mut().zip(&fields.names) {
        *place = name.as_ref().map(|name| column(reader.head(), name)).transpose()?;
    }
    let association = fields.association.iter().map(|name| column(reader.head(), name));
    let association = association.collect::<Result<Vec<usize>, Problem>>()?;
    let mut rows = Vec::new();
    reader.each(|row| {
        let text = |column: usize| row.text(column).to_owned();
        rows.push(TurnRow {
            place: Location::line(&source.path, row.line()),
            cells: places.map(|place| place.map(text)),
            association: association.iter().map(|column| text(*column)).collect(),
        });
        Ok(())
    })?;
    Ok((rows, fields, reader.recognised().into_iter().collect()))
}

/// A value for every line that is not empty.
fn lines(source: &Source) -> Result<Vec<ConfigNode>, Problems> {
    let mut problems = Problems::default();
    let mut nodes = Vec::new();
    for (at, text) in source.text.lines().enumerate().filter(|(_, text)| !text.trim().is_empty()) {
        let (path, text) = (source.path.clone(), text.to_owned());
        match json::parse(&Source { path, text, sha256: String::new() }) {
            Ok(mut node) => {
                node.place.line = at as u64 + 1;
                nodes.push(node);
            }
            Err(mut problem) => {
                problem.place.line = at as u64 + 1;
                problems.push(problem);
            }
        }
    }
    problems.check(Some(nodes))
}

fn objects(
    nodes: &[ConfigNode],
    fields: Fields,
) -> Result<(Vec<TurnRow>, Fields, Vec<String>), Problems> {
    // A key may be absent, or null, in some of the objects.
    let fields = fields.complete(|name| nodes.iter().any(|node| node.get(name).is_some()));
    let mut problems = Problems::default();
    let mut rows = Vec::new();
    for node in nodes {
        let place = Location { column: 0, field: String::new(), ..node.place.clone() };
        let mut cells = [const { None }; 9];
        for (at, name) in fields.names.iter().enumerate() {
            let Some(name) = name else { continue };
            match find(node, name) {
                Ok(found) => cells[at] = Some(found.cell()),
                // No subset is none of the views.
                Err(_) if at == Fields::SUBSET => cells[at] = Some(String::new()),
                Err(problem) => problems.push(at_line(problem, &place)),
            }
        }
        let mut association = Vec::new();
        for name in &fields.association {
            match find(node, name) {
                Ok(found) => association.push(found.cell()),
                Err(problem) => problems.push(at_line(problem, &place)),
            }
        }
        if association.len() == fields.association.len() {
            rows.push(TurnRow { place, cells, association });
        }
        if problems.is_full() {
            break;
        }
    }
    problems.check(Some((rows, fields, Vec::new())))
}

/// The same problem in the line of its object.
fn at_line(mut problem: Problem, place: &Location) -> Problem {
    (problem.place.line, problem.place.column) = (place.line, 0);
    problem
}
