//! A study that runs as it is: profiles, requests, an experiment and its schema. The texts are in
//! the folder `study`.

use crate::cli::CliError;
use crate::config::toml::quote;
use crate::core::units::{Span, decimal};
use crate::experiment::schema;
use crate::import::MeasuredLatencies;
use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, Value, context};

/// The experiment of a study.
pub(super) const EXPERIMENT: &str = "study.toml";

const STUDY: &str = include_str!("study/study.toml");
const README: &str = include_str!("study/README.md");
const APP: &str = include_str!("study/app.toml");

/// The applications and requests of a study without measurements, all invented.
const EXAMPLE: [(&str, &str); 13] = [
    ("profiles/belt/app.toml", include_str!("study/example/profiles/belt/app.toml")),
    ("profiles/belt/variants.csv", include_str!("study/example/profiles/belt/variants.csv")),
    ("profiles/belt/latency.csv", include_str!("study/example/profiles/belt/latency.csv")),
    ("profiles/belt/load.csv", include_str!("study/example/profiles/belt/load.csv")),
    ("profiles/belt/confusion.csv", include_str!("study/example/profiles/belt/confusion.csv")),
    ("profiles/belt/peek.csv", include_str!("study/example/profiles/belt/peek.csv")),
    ("profiles/door/app.toml", include_str!("study/example/profiles/door/app.toml")),
    ("profiles/door/variants.csv", include_str!("study/example/profiles/door/variants.csv")),
    ("profiles/door/latency.csv", include_str!("study/example/profiles/door/latency.csv")),
    ("profiles/door/load.csv", include_str!("study/example/profiles/door/load.csv")),
    ("profiles/door/confusion.csv", include_str!("study/example/profiles/door/confusion.csv")),
    ("profiles/door/peek.csv", include_str!("study/example/profiles/door/peek.csv")),
    ("requests.csv", include_str!("study/example/requests.csv")),
];

/// The files of a study.
#[derive(Debug)]
pub(super) struct Study {
    /// Their texts, by their paths in its folder.
    pub files: Vec<(String, String)>,
    /// What a user should know.
    pub notes: Vec<String>,
}

/// Makes a study of a table of latencies, or of invented numbers.
///
/// # Errors
/// Says what is wrong with the table.
pub(super) fn make(latencies: Option<&str>) -> Result<Study, CliError> {
    let (mut files, about, notes) = match latencies {
        Some(file) => measured(file)?,
        None => (example(), about_example(), Vec::new()),
    };
    files.push((EXPERIMENT.to_owned(), render(STUDY, &about)?));
    files.push(("schema.json".to_owned(), format!("{:#}\n", schema())));
    files.push(("README.md".to_owned(), render(README, &about)?));
    Ok(Study { files, notes })
}

/// Files, what the texts say about them, and notes.
type Parts = (Vec<(String, String)>, Value, Vec<String>);

fn example() -> Vec<(String, String)> {
    EXAMPLE.map(|(path, text)| (path.to_owned(), text.to_owned())).into()
}

fn about_example() -> Value {
    context! {
        heading => "Two applications on one board",
        title => quote("Two applications on one board"),
        note => quote("All numbers of the profiles and of requests.csv are invented."),
        apps => "\"belt\", \"door\"",
        window_ms => "20",
    }
}

fn measured(file: &str) -> Result<Parts, CliError> {
    let table = MeasuredLatencies::read(file)?;
    let (mut files, mut gaps) = (Vec::new(), Vec::new());
    for app in &table.apps {
        let own = app.gaps();
        let about = context! {
            name => quote(&app.name),
            source => quote(&format!("measured: {file}")),
            gaps => &own,
            budget_ms => decimal(app.budget().0, 6),
        };
        for (name, text) in [
            ("app.toml", render(APP, &about)?),
            ("variants.csv", app.variants_csv()),
            ("latency.csv", app.latency_csv()),
            ("load.csv", app.load_csv()),
        ] {
            files.push((format!("profiles/{}/{name}", app.name), text));
        }
        gaps.extend(own.into_iter().map(|gap| format!("{}: {gap}", app.name)));
    }
    let quoted = |names: &mut dyn Iterator<Item = &str>| names.map(quote).collect::<Vec<_>>();
    let apps = quoted(&mut table.apps.iter().map(|app| app.name.as_str()));
    let least = table.apps.iter().map(|app| app.budget().0).min().unwrap_or(1);
    let about = context! {
        measured => true,
        heading => "Measured latencies",
        title => quote("Measured latencies"),
        note => quote("What was not measured has placeholders; see README.md."),
        apps => apps.join(", "),
        classes => quoted(&mut table.worker_classes.iter().map(String::as_str)),
        window_ms => decimal(Span(least / 10).0.max(1), 6),
        gaps => &gaps,
    };
    Ok((files, about, gaps))
}

/// A text with what it says about these files.
fn render(text: &str, about: &Value) -> Result<String, CliError> {
    let mut syntax = SyntaxConfig::builder();
    syntax.trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true);
    let mut environment = Environment::new();
    let rendered = syntax.build().and_then(|syntax| {
        environment.set_syntax(syntax);
        environment.render_str(text, about)
    });
    rendered.map_err(|error| CliError::Failed(error.to_string()))
}
