//! What a profile knows of the `SneakPeek` model: its latency, its errors, its samples.

use super::{COUNT, POINT, Profile, Reader, keep, point};
use crate::classifier::knn::Reference;
use crate::config::{Location, Problem, source};
use crate::system::latency::LatencyPoints;
use std::sync::Arc;

impl Reader<'_> {
    pub fn peek(&mut self, profile: &mut Profile) {
        if !source::exists(&self.path("peek.csv")) {
            return;
        }
        let mut points = Vec::new();
        self.table("peek.csv", &POINT, &COUNT, |row, columns, problems| {
            points.extend(point(row, columns, problems));
        });
        match LatencyPoints::counted(points) {
            Ok(points) => profile.peek = Some(points),
            Err(error) if self.problems.is_empty() => {
                let place = Location::file(&self.path("peek.csv"));
                self.problems.push(Problem::new(
                    place,
                    error.to_string(),
                    "one row for each batch, from batch 1 on",
                ));
            }
            Err(_) => {}
        }
    }

    pub fn peek_confusion(&mut self, profile: &mut Profile) {
        if !source::exists(&self.path("peek_confusion.csv")) {
            return;
        }
        let classes = profile.classes.clone();
        let predicted: Vec<String> = classes.iter().map(|c| format!("predicted_{c}")).collect();
        let mut required = vec!["class"];
        required.extend(predicted.iter().map(String::as_str));
        let mut counts = vec![Vec::<f64>::new(); classes.len()];
        self.table("peek_confusion.csv", &required, &[], |row, columns, problems| {
            let Some(class) = keep(row.name(columns[0], "class", &classes), problems) else {
                return;
            };
            let cells = columns[1..].iter().filter_map(|c| keep(row.number(*c), problems));
            let cells: Vec<f64> = cells.collect();
            if !counts[class].is_empty() {
                problems.push(row.problem(columns[0], "one row for each class"));
            } else if cells.len() == classes.len() && cells.iter().sum::<f64>() <= 0.0 {
                problems.push(row.problem(columns[0], "at least one request of the class"));
            }
            counts[class] = cells;
        });
        if let (Some(class), true) =
            (counts.iter().position(Vec::is_empty), self.problems.is_empty())
        {
            let place = Location::file(&self.path("peek_confusion.csv"));
            let found = format!("no row for `{}`", classes[class]);
            self.problems.push(Problem::new(place, found, "one row for each class"));
        }
        profile.peek_confusion = Some(counts);
    }

    pub fn reference(&mut self, profile: &mut Profile) {
        if !source::exists(&self.path("reference.csv")) {
            return;
        }
        let Some(source) = self.open("reference.csv") else { return };
        match Reference::read(&source, &profile.classes) {
            Ok(reference) => profile.reference = Some(Arc::new(reference)),
            Err(problems) => self.problems.extend(problems),
        }
    }
}
