//! A row for each dialogue that a run tested.

use super::TableEntry;
use crate::metrics::DIALOGUE_COLUMNS;
use crate::metrics::column::{Column, count, text};

pub(super) const ENTRY: TableEntry = TableEntry {
    name: "dialogues",
    summary: "a row for each dialogue, and training of the policy, of an offloading study",
    columns: COLUMNS,
    build: None,
};

const HEAD: [Column; 4] = [
    text("dialogue", "the name of the dialogue"),
    count("dialogue_index", "its place in the data, or among the generated ones, from 0"),
    count("fold", "the fold that was tested, from 0"),
    count("training", "the training of the policy, from 0"),
];
const TAIL: Column = text("actions", "the actions by turn, with spaces between them")
    .empty("no actions keep the budget");

/// The columns after those that name the run: the dialogue, its numbers, its actions.
const COLUMNS: &[Column] = &{
    let numbers = DIALOGUE_COLUMNS.len() - 1;
    let mut columns = [TAIL; HEAD.len() + DIALOGUE_COLUMNS.len()];
    let mut at = 0;
    while at < HEAD.len() {
        columns[at] = HEAD[at];
        at += 1;
    }
    let mut number = 0;
    while number < numbers {
        columns[at] = DIALOGUE_COLUMNS[number].empty("no actions keep the budget");
        (at, number) = (at + 1, number + 1);
    }
    columns
};
