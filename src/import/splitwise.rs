//! Splitwise's performance model: prefill and decode times of large models by prompt size, batch
//! size, output tokens, hardware and tensor parallelism. One prompt size and one number of tokens
//! make a profile: the latency of a batch is the median of `e2e_time`.
//!
//! `token_time` is a token's in milliseconds as published by Splitwise, or that of all tokens in
//! seconds as in `SageServe`; which it is, the sums tell. Source: Mutinifni/splitwise-sim; Patel
//! et al., ISCA 2024.

use super::profile::{
    Folder, GIVEN, MODELS, Measured, TRIALS, batches, is_chosen, latency_ns, name,
};
use super::{ImportKind, ImporterEntry};
use crate::config::csv::Row;
use crate::config::rows::{LAYOUT, RowReader, TableLayout};
use crate::config::{Decoder, Location, Problem, Problems, Setting};

pub(super) const ENTRY: ImporterEntry = ImporterEntry {
    name: "splitwise-profile",
    summary: "Splitwise performance model: time of a whole answer by batch size",
    settings: &[
        &[
            Setting::integer("prompt", [1, 1_000_000], 512).means("The tokens of the prompt."),
            Setting::integer("tokens", [1, 1_000_000], 128).means("The tokens of the answer."),
            MODELS,
        ],
        LAYOUT,
        GIVEN,
    ],
    form: ImportKind::Profile(import),
};

/// How far the sum of the parts may be from the whole.
const TOLERANCE: f64 = 0.2;

struct SplitwisePlan {
    prompt: u64,
    tokens: u64,
    models: Vec<String>,
    layout: TableLayout,
}

/// Points that were read.
#[derive(Default)]
struct Points {
    /// (worker class, variant, batch, time of all)
    all: Vec<(String, String, u64, f64)>,
    /// How many have parts that sum as Splitwise's, and as `SageServe`'s.
    per_token: usize,
    per_answer: usize,
}

fn import(files: &[String], settings: &mut Decoder<'_>) -> Option<Folder> {
    let (prompt, tokens) = (settings.integer("prompt"), settings.integer("tokens"));
    let (models, layout) = (settings.texts("models"), TableLayout::read(settings));
    let plan = SplitwisePlan { prompt, tokens, models, layout };
    let mut inconsistent = 0;
    let found = format!("no chosen model with prompts of {prompt} and {tokens} tokens");
    let measured =
        Measured::read(files, settings, [&found, "sizes that were measured"], |file, into| {
            inconsistent += points(file, &plan)?.add_to(into, file)?;
            Ok(())
        })?;
    let summary = format!("large language models, prompts of {prompt}, answers of {tokens} tokens");
    let source = "Mutinifni/splitwise-sim or shashwatj07/SageServe, MIT";
    let mut folder = measured.folder([&summary, source, TRIALS], settings)?;
    if inconsistent > 0 {
        folder.notes.push(format!(
            "{inconsistent} measurements whose prefill and decode times do not sum to their \
             e2e_time, which is taken"
        ));
    }
    Some(folder)
}

impl Points {
    /// Adds the points in the unit that most of them have; the number that do not sum up.
    fn add_to(self, measured: &mut Measured, file: &str) -> Result<usize, Problems> {
        let count = self.all.len();
        let (fit, to_ms) = if self.per_token >= self.per_answer {
            (self.per_token, 1.0)
        } else {
            (self.per_answer, 1000.0)
        };
        let mut problems = Problems::default();
        if fit * 2 < count {
            let found =
                format!("{} of {count} measurements whose parts sum to no whole", count - fit);
            let expected = "e2e_time near prompt_time and all of token_time";
            problems.push(Problem::new(Location::file(file), found, expected));
        }
        for (class, variant, batch, time) in self.all {
            match latency_ns(time * to_ms) {
                Some(ns) => measured.add([&class, &variant], batch, ns, 1),
                None => {
                    let (found, expected) =
                        (format!("an e2e_time of {time}"), "more than 0, at most days");
                    problems.push(Problem::new(Location::file(file), found, expected));
                }
            }
        }
        problems.check(Some(count - fit))
    }
}

fn points(file: &str, plan: &SplitwisePlan) -> Result<Points, Problems> {
    let mut rows = RowReader::with_layout(file, plan.layout)?;
    let head = rows.head();
    let names = head.columns(["model", "hardware", "tensor_parallel"])?;
    let sizes = head.columns(["prompt_size", "batch_size", "token_size"])?;
    let times = head.columns(["prompt_time", "token_time", "e2e_time"])?;
    let mut points = Points::default();
    rows.each(|row| point(row, [names, sizes, times], plan, &mut points))?;
    Ok(points)
}

fn point(
    row: Row<'_>,
    [names, sizes, times]: [[usize; 3]; 3],
    plan: &SplitwisePlan,
    points: &mut Points,
) -> Result<(), Problem> {
    let [model, hardware, parallel] = names.map(|column| row.text(column));
    let [prompt, batch, tokens] = sizes;
    let (prompt, tokens) = (row.integer(prompt, 0..=u64::MAX)?, row.integer(tokens, 0..=u64::MAX)?);
    let batch = row.integer(batch, batches())?;
    let [prefill, decode, whole] = times.map(|column| row.number(column));
    let (prefill, decode, whole) = (prefill?, decode?, whole?);
    row.integer(names[2], 1..=1_000_000)?;
    if prompt != plan.prompt || tokens != plan.tokens || !is_chosen(&plan.models, model) {
        return Ok(());
    }
    let near = |sum: f64| (sum - whole).abs() <= TOLERANCE * whole;
    points.per_token += usize::from(near(prefill + decode * (tokens - 1) as f64));
    points.per_answer += usize::from(near(prefill + decode));
    let variant = format!("{}-tp{parallel}", name(model));
    points.all.push((name(hardware), variant, batch, whole));
    Ok(())
}
