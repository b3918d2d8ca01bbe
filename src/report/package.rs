//! `datapackage.json`: every column of the tables in a folder with its type, as a Frictionless Data
//! Package (datapackage.org). Programs that would guess types from cells read empty columns as
//! text, and whole numbers among measured ones as integers.

use super::data_dictionary::{AXES, FieldDescription, FileDescription, files};
use super::results::Results;
use crate::config::source;
use crate::experiment::{Sweep, build_id};
use crate::metrics::column::text;
use crate::metrics::{ColumnKind, Study};
use crate::output::atomic::{self, WriteError};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;

/// The file's name.
pub const NAME: &str = "datapackage.json";

/// The files of an earlier package of this build.
#[derive(Debug, Default)]
pub struct Earlier(BTreeMap<String, String>);

impl Earlier {
    /// Those in a folder; none if there is no package, or one of another build.
    pub fn read(folder: &Path) -> Self {
        let path = folder.join(NAME).to_string_lossy().into_owned();
        let text = source::read_own(&path).map(|source| source.text).unwrap_or_default();
        let package: Value = serde_json::from_str(&text).unwrap_or_default();
        let resources = package["resources"].as_array().filter(|_| package["build"] == build_id());
        let hash = |own: &Value| Some((own["path"].as_str()?.into(), own["hash"].as_str()?.into()));
        Self(resources.into_iter().flatten().filter_map(hash).collect())
    }

    /// Whether these files are those that were made of the same runs.
    pub fn holds(&self, folder: &Path, runs: &str, files: &[&str]) -> bool {
        let is = |name: &str, sha256: &str| self.0.get(name).is_some_and(|h| *h == hash(sha256));
        let on_disk = |name: &&str| sha256(folder, name).is_some_and(|own| is(name, &own));
        is("runs.csv", runs) && files.iter().all(on_disk)
    }
}

/// A hash as data packages have it.
fn hash(sha256: &str) -> String {
    format!("sha256:{sha256}")
}

fn sha256(folder: &Path, name: &str) -> Option<String> {
    let path = folder.join(name).to_string_lossy().into_owned();
    Some(source::read_own(&path).ok()?.sha256)
}

/// The dictionary of all files that a folder may hold, with [`AXES`] for the keys that vary.
pub fn dictionary() -> Value {
    let resource = |file: FileDescription| {
        let fields: Vec<Value> = file.fields.iter().map(|own| field(own, kind_of(own))).collect();
        let rows = format!("a row: {}", file.rows);
        let mut resource =
            json!({ "path": file.name, "description": rows, "schema": schema(&fields) });
        if file.study == Some(Study::Offloading) {
            resource["study"] = json!("offloading");
        }
        resource
    };
    let resources: Vec<Value> = files().into_iter().map(resource).collect();
    json!({ "name": "peeksim-results", "resources": resources })
}

/// Removes an earlier package, until the new one is written.
///
/// # Errors
/// Says why it could not be removed.
pub fn remove(folder: &Path) -> Result<(), WriteError> {
    atomic::remove(&folder.join(NAME))
}

/// Describes the tables in the folder of a sweep, which have just been written.
///
/// # Errors
/// Says why the package could not be written.
pub fn write(sweep: &Sweep, results: &Results, folder: &Path) -> Result<(), WriteError> {
    let axes: Vec<Value> = results.axes_with_labels().iter().map(|(k, l)| axis(k, l)).collect();
    let study = sweep.experiment.study;
    let there = |file: &FileDescription| {
        file.study.is_none_or(|own| own == study) && folder.join(&file.name).is_file()
    };
    let searched = sweep.experiment.search.as_ref().map(|search| search.key.as_str());
    let resource = |file: FileDescription| {
        // The compared and the searched setting have no single label.
        let apart = match file.name.as_str() {
            "compare.csv" => Some(study.decider()),
            "capacity.csv" | "capacity_summary.csv" => searched,
            _ => None,
        };
        let own = axes.iter().filter(|axis| axis["name"].as_str() != apart);
        let mut resource = resource(&file, &own.cloned().collect::<Vec<_>>());
        // No two sweeps agree on times.
        if file.name != "timings.csv" {
            resource["hash"] = json!(sha256(folder, &file.name).map(|own| hash(&own)));
        }
        resource
    };
    let resources: Vec<Value> = files().into_iter().filter(there).map(resource).collect();
    save(&sweep.experiment.name, &sweep.experiment.title, &resources, folder)
}

/// Describes a folder that holds one table of the dictionary, without axes.
///
/// # Errors
/// Says why the package could not be written.
pub fn write_one(name: &str, table: &str, folder: &Path) -> Result<(), WriteError> {
    let own = files().into_iter().filter(|file| file.name == table);
    save(name, "", &own.map(|file| resource(&file, &[])).collect::<Vec<_>>(), folder)
}

fn save(name: &str, title: &str, resources: &[Value], folder: &Path) -> Result<(), WriteError> {
    let package = json!({
        "name": slug(name), "title": title, "profile": "tabular-data-package", "build": build_id(),
        "resources": resources,
    });
    atomic::write(&folder.join(NAME), format!("{:#}\n", dense(package)).as_bytes())
}

/// A file with these axes in the place of [`AXES`].
fn resource(file: &FileDescription, axes: &[Value]) -> Value {
    let of = |own: &FieldDescription| match own.name.as_str() {
        AXES => axes.to_vec(),
        _ => vec![field(own, kind_of(own))],
    };
    let fields: Vec<Value> = file.fields.iter().flat_map(of).collect();
    json!({
        "name": file.name.trim_end_matches(".csv"), "path": file.name,
        "profile": "tabular-data-resource", "format": "csv", "mediatype": "text/csv",
        "encoding": "utf-8", "description": format!("a row: {}", file.rows),
        "schema": schema(&fields),
    })
}

fn schema(fields: &[Value]) -> Value {
    json!({ "fields": fields, "missingValues": [""] })
}

fn kind_of(field: &FieldDescription) -> &'static str {
    let whole = |words: &[&str]| words.iter().all(|word| word.parse::<u64>().is_ok());
    match field.kind {
        _ if field.name == AXES => "any",
        ColumnKind::Count => "integer",
        ColumnKind::Number(..) => "number",
        ColumnKind::Word(words) if whole(words) => "integer",
        ColumnKind::Word(_) | ColumnKind::Text => "string",
    }
}

/// A column as a field of a table schema.
fn field(field: &FieldDescription, kind: &str) -> Value {
    let number = |value: f64| value.is_finite().then_some(value);
    let constraints = match field.kind {
        ColumnKind::Count => json!({ "minimum": 0 }),
        ColumnKind::Number(low, high) => json!({ "minimum": number(low), "maximum": number(high) }),
        ColumnKind::Word(words) => json!({ "enum": words }),
        ColumnKind::Text => json!({}),
    };
    let mut constraints = dense(constraints);
    constraints["required"] = json!(field.empty.is_empty());
    dense(json!({
        "name": field.name, "type": kind, "unit": field.unit(), "description": field.meaning,
        "empty": field.empty, "constraints": constraints,
    }))
}

/// The column of a key that varies.
fn axis(key: &str, labels: &[String]) -> Value {
    let meaning = "the label of the value of this setting";
    let own =
        FieldDescription { name: key.to_owned(), ..FieldDescription::from(&text("", meaning)) };
    field(&own, kind_of_labels(labels))
}

/// The type of labels that are all written as values of that type are: `007` is a text.
fn kind_of_labels(labels: &[String]) -> &'static str {
    let whole = |label: &String| label.parse().is_ok_and(|n: i64| n.to_string() == *label);
    let number = |label: &String| {
        let written = |n: f64| n.to_string() == *label || format!("{n:e}") == *label;
        label.parse().is_ok_and(|n: f64| n.is_finite() && written(n))
    };
    let flag = |label: &String| label == "true" || label == "false";
    let all = |is: &dyn Fn(&String) -> bool| !labels.is_empty() && labels.iter().all(is);
    match () {
        () if all(&whole) => "integer",
        () if all(&number) => "number",
        () if all(&flag) => "boolean",
        () => "string",
    }
}

/// Without empty members.
fn dense(mut value: Value) -> Value {
    if let Some(members) = value.as_object_mut() {
        members.retain(|_, member| !member.is_null() && member.as_str() != Some(""));
    }
    value
}

/// A name as data packages have them: small letters, digits, and `.`, `_`, `-`.
fn slug(name: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
    name.chars().map(|c| if fits(c) { c.to_ascii_lowercase() } else { '-' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_have_the_type_that_all_are_written_as() {
        for (labels, kind) in [
            (&["50", "2000"][..], "integer"),
            (&["-1", "0"], "integer"),
            (&["0.5", "2"], "number"),
            (&["1e15", "0.1"], "number"),
            (&["true", "false"], "boolean"),
            (&["edf", "2"], "string"),
            (&["007", "1"], "string"),
            (&["2.50"], "string"),
            (&["inf", "1"], "string"),
            (&["18446744073709552000"], "number"),
            (&[], "string"),
        ] {
            let labels: Vec<String> = labels.iter().map(|label| (*label).to_owned()).collect();
            assert_eq!(kind_of_labels(&labels), kind, "{labels:?}");
        }
    }

    #[test]
    fn names_of_packages_are_plain() {
        assert_eq!(slug("My µ experiment_2.1"), "my---experiment_2.1");
    }
}
