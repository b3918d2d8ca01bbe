//! `peeksim explain`: why requests ended as they did.

use super::inspect::find;
use super::{CliError, ExperimentArgs, Output, setting, wrong};
use crate::core::units::{Span, Time};
use crate::experiment::{RunSpec, Sweep, simulate, simulate_watched};
use crate::inspection::{Choice, End, Explanation, Latest, Record, Verdict, Work};
use crate::report::console::align;
use clap::Args;
use serde_json::Value;
use std::io::Write;

/// Arguments of `explain`.
#[derive(Debug, Args)]
pub(super) struct ExplainArgs {
    #[command(flatten)]
    experiment: ExperimentArgs,
    /// Which run, by its id or the beginning of it; the first by default.
    #[arg(long, value_name = "ID")]
    run: Option<String>,
    /// The number of the request in order of arrival, from 0; the latest answer by default.
    #[arg(long, value_name = "N")]
    request: Option<u32>,
    /// List the latest answers of the run, with the cause of each.
    #[arg(long, value_name = "COUNT", conflicts_with = "request", value_parser = count)]
    worst: Option<usize>,
}

/// A number of requests.
fn count(text: &str) -> Result<usize, String> {
    let count = text.parse().ok().filter(|count| *count > 0);
    count.ok_or_else(|| "a whole number from 1 on is expected".to_owned())
}

pub(super) fn main(args: &ExplainArgs, out: &mut Output) -> Result<(), CliError> {
    let sweep = args.experiment.load()?;
    let spec = find(&sweep, args.run.as_deref())?;
    let (numbers, late) = match (args.request, args.worst) {
        (Some(number), _) => (vec![number], 0),
        (None, most) => latest(&sweep, spec, most)?,
    };
    let explanations = explanations(&sweep, spec, &numbers)?;
    if out.is_json() {
        let all: Vec<Value> = explanations.iter().map(Explanation::json).collect();
        out.set_all(if args.worst.is_some() { Value::from(all) } else { all[0].clone() });
        return Ok(());
    }
    if args.worst.is_some() {
        return Ok(write!(out, "{}", worst(&explanations, late))?);
    }
    writeln!(out, "run {}: {}", sweep.run_id(spec), setting(&sweep, spec))?;
    Ok(write!(out, "{}", story(&explanations[0]))?)
}

/// The numbers of the latest answers, and how many answers were late. If none was, and no count is
/// asked for, the answer nearest to its deadline.
fn latest(
    sweep: &Sweep,
    spec: RunSpec,
    most: Option<usize>,
) -> Result<(Vec<u32>, usize), CliError> {
    let config = &sweep.scheduling()?[spec.configuration];
    let mut latest = Latest::new(&config.catalog);
    simulate(config, sweep.rng(spec), &mut latest).map_err(CliError::Failed)?;
    let (mut numbers, late) = latest.worst(most.unwrap_or(1));
    if most.is_none() && numbers.is_empty() {
        numbers.extend(latest.nearest());
        if numbers.is_empty() {
            let found = "a run in which no request was answered";
            return Err(wrong("--request", found, "the number of a request of it").into());
        }
    }
    Ok((numbers, late))
}

fn explanations(
    sweep: &Sweep,
    spec: RunSpec,
    numbers: &[u32],
) -> Result<Vec<Explanation>, CliError> {
    let (config, rng) = (&sweep.scheduling()?[spec.configuration], sweep.rng(spec));
    let mut record = Record::new(&config.catalog, numbers);
    simulate_watched(config, rng, &mut record, Record::decided).map_err(CliError::Failed)?;
    let explained = |number: &u32| {
        Explanation::new(&record, *number, &config.truth, rng).ok_or_else(|| {
            let expected = match record.arrived {
                0 => "a run with requests: in this one none arrives".to_owned(),
                arrived => format!("a number from 0 to {}", arrived - 1),
            };
            wrong("--request", format!("no request {number}"), expected).into()
        })
    };
    numbers.iter().map(explained).collect()
}

/// Milliseconds with three decimals.
fn ms(span: Span) -> String {
    format!("{:.3}", span.as_ms())
}

/// A row for each of the latest answers.
fn worst(explanations: &[Explanation], late: usize) -> String {
    if explanations.is_empty() {
        return "no answer was late\n".to_owned();
    }
    let head = ["request", "app", "late by (ms)", "latency (ms)", "cause", ""];
    let mut grid = vec![head.map(str::to_owned).to_vec()];
    for own in explanations {
        let request = &own.followed.request;
        let cause = own.cause.as_ref();
        grid.push(vec![
            request.id.number().to_string(),
            own.catalog.app(request.app).name.clone(),
            ms(own.tardiness),
            ms(own.tardiness + request.budget()),
            cause.map_or(String::new(), |cause| format!("{} ms", ms(cause.span))),
            cause.map_or(String::new(), |cause| cause.text.clone()),
        ]);
    }
    // The last column is text: it goes to the left.
    let texts: Vec<String> = grid.iter_mut().filter_map(Vec::pop).collect();
    let table = align(&grid);
    let lines = table.lines().zip(&texts);
    let lines: String =
        lines.map(|(line, text)| format!("{line}  {text}").trim_end().to_owned() + "\n").collect();
    format!("the latest {} of {late} late answers\n{lines}", explanations.len())
}

/// The story of a request in a screen of text.
fn story(own: &Explanation) -> String {
    let request = &own.followed.request;
    let app = own.catalog.app(request.app);
    let class = own.class.as_ref().map_or(String::new(), |class| format!(", true class {class}"));
    let budget = ms(request.budget());
    let mut text = format!(
        "request {}: {}{class}, due {budget} ms after its arrival\n\n",
        request.id.number(),
        app.name
    );
    text.push_str(&course(own));
    if let Some(choice) = own.choice() {
        text.push_str(&candidates(own, choice));
    }
    text.push_str(&waits(own));
    text.push_str(&alternatives(own));
    text
}

/// What happened, by time after its arrival.
fn course(own: &Explanation) -> String {
    let request = &own.followed.request;
    let since = |at: Time| format!("{:>12} ms", format!("+{}", ms(at.since(request.arrival))));
    let waited = own.breakdown().waiting;
    let mut lines = vec![format!(
        "{:>12} s   arrived; {waited} other requests were not yet computed",
        request.arrival.as_s()
    )];
    if let Some(ready) = own.followed.ready.filter(|ready| *ready > request.arrival) {
        lines.push(format!("{}  ready to be scheduled", since(ready)));
    }
    let classes = &own.catalog.app(request.app).classes;
    if own.votes.iter().any(|vote| *vote > 0.0) {
        lines.push(format!("{:>15}  votes: {}", "", shares(classes, &own.votes)));
    }
    for choice in &own.followed.choices {
        let verdict = match choice.verdict {
            Verdict::Assigned(worker, variant, batch) => format!(
                "assigned to {} on {}, in a batch of {batch}",
                own.name(variant),
                own.catalog.worker(worker).name
            ),
            Verdict::Rejected(reason) => format!("refused: {}", reason.name()),
        };
        let others = choice.waiting - 1;
        lines.push(format!("{}  {verdict}; {others} others waited", since(choice.at)));
        if let Some((start, end)) = choice.upload.filter(|(start, end)| end > start) {
            let end = ms(end.since(request.arrival));
            lines.push(format!("{}  its payload was sent, until +{end} ms", since(start)));
        }
        if !choice.posterior.is_empty() {
            let posterior = shares(classes, &choice.posterior);
            lines.push(format!("{:>15}  class probabilities: {posterior}", ""));
        }
        if let Some(lost) = choice.lost {
            let why = "its worker failed, or its batch was ended: it waits again";
            lines.push(format!("{}  {why}", since(lost)));
        }
    }
    match own.followed.end {
        Some(End::Completed { started, finished, is_correct, variant, .. }) => {
            if let Some((lane, batch)) = own.breakdown().batch {
                let started = since(started);
                lines.push(format!("{started}  batch {batch} began to compute on lane {lane}"));
            }
            let right = if is_correct { "right" } else { "wrong" };
            let name = own.name(variant);
            lines.push(format!(
                "{}  answered by {name}: {right}, {}",
                since(finished),
                due(own, finished)
            ));
        }
        Some(End::Rejected(at, reason)) => {
            lines.push(format!("{}  rejected: {}", since(at), reason.name()));
        }
        Some(End::Unfinished(at)) => {
            lines.push(format!("{}  the run ended without an answer", since(at)));
        }
        None => {}
    }
    lines.into_iter().map(|line| line + "\n").collect()
}

/// How the end of a request lies to its deadline.
fn due(own: &Explanation, finished: Time) -> String {
    let deadline = own.followed.request.deadline;
    if finished > deadline {
        format!("{} ms after its deadline", ms(finished.since(deadline)))
    } else {
        format!("{} ms before its deadline", ms(deadline.since(finished)))
    }
}

/// The classes with the largest numbers.
fn shares(classes: &[String], values: &[f64]) -> String {
    let mut all: Vec<(&String, f64)> = classes.iter().zip(values.iter().copied()).collect();
    all.sort_by(|a, b| b.1.total_cmp(&a.1));
    let shown = all.iter().take(4).map(|(class, value)| format!("{class} {value:.3}"));
    let rest = if all.len() > 4 { ", …" } else { "" };
    shown.collect::<Vec<_>>().join(", ") + rest
}

/// What there was to choose from at the last decision.
fn candidates(own: &Explanation, choice: &Choice) -> String {
    let head = ["", "worker", "variant", "batch", "expected finish", "accuracy", "utility"];
    let mut grid = vec![head.map(str::to_owned).to_vec()];
    for candidate in &choice.candidates {
        let finish = candidate.finish;
        let finish = if finish == Time::MAX {
            "never".to_owned()
        } else {
            format!("+{} ms", ms(finish.since(own.followed.request.arrival)))
        };
        grid.push(vec![
            if candidate.is_chosen { ">" } else { "" }.to_owned(),
            own.catalog.worker(candidate.worker).name.clone(),
            own.name(candidate.variant),
            candidate.batch.to_string(),
            finish,
            format!("{:.4}", candidate.accuracy),
            format!("{:.4}", candidate.utility),
        ]);
    }
    let which = if own.followed.choices.len() > 1 { "last " } else { "" };
    format!("\nat the {which}decision\n{}", align(&grid))
}

/// Rows about the time before a request that fit on a screen: the longest ones.
const MOST: usize = 12;

/// What its latency was spent on, and what came before it.
fn waits(own: &Explanation) -> String {
    let parts: Vec<String> = own
        .breakdown()
        .parts()
        .map(|(part, span)| format!("{} {} ms", part.name(), ms(span)))
        .collect();
    let mut text = String::new();
    if !parts.is_empty() {
        text.push_str(&format!("\nlatency: {}\n", parts.join(" + ")));
    }
    if let Some(cause) = &own.cause {
        text.push_str(&format!("late because: {} ({} ms)\n", cause.text, ms(cause.span)));
    }

    let left_out = own.before.len().saturating_sub(MOST);
    let mut longest: Vec<usize> = (0..own.before.len()).collect();
    longest.sort_by_key(|at| (std::cmp::Reverse(own.before[*at].1), *at));
    longest.truncate(MOST);
    longest.sort_unstable();
    let arrival = own.followed.request.arrival;
    let since = |at: Time| match at.since(arrival) {
        Span::ZERO => format!("-{}", ms(arrival.since(at))),
        later => format!("+{}", ms(later)),
    };
    let mut grid = vec![
        ["", "worker", "what", "from (ms)", "until (ms)", "during its wait (ms)"]
            .map(str::to_owned)
            .to_vec(),
    ];
    for (occupation, span) in longest.into_iter().map(|at| &own.before[at]) {
        let variant = occupation.variant.map_or(String::new(), |variant| own.name(variant));
        let what = match occupation.work {
            Work::Batch(number, size) => format!("batch {number}: {size} of {variant}"),
            Work::Peek(size) => format!("peek at {size}"),
            Work::Load => format!("load of {variant}"),
            Work::Outage => "down".to_owned(),
        };
        let what = if occupation.is_lost { what + ", lost" } else { what };
        grid.push(vec![
            String::new(),
            own.catalog.worker(occupation.worker).name.clone(),
            what,
            since(occupation.start),
            since(occupation.end),
            ms(*span),
        ]);
    }
    if grid.len() > 1 {
        let earlier = match left_out {
            0 => String::new(),
            count => format!(" ({count} shorter ones are left out)"),
        };
        text.push_str(&format!("\nwhile it waited{earlier}\n{}", align(&grid)));
    }
    text
}

/// What each variant would have given.
fn alternatives(own: &Explanation) -> String {
    let Some(regret) = own.regret() else { return String::new() };
    let head = ["", "variant", "answer", "finish", "utility"];
    let mut grid = vec![head.map(str::to_owned).to_vec()];
    for variant in &own.alternatives {
        let finish = ms(variant.finish.since(own.followed.request.arrival));
        grid.push(vec![
            if variant.is_own { ">" } else { "" }.to_owned(),
            own.name(variant.variant),
            if variant.is_correct { "right" } else { "wrong" }.to_owned(),
            format!("+{finish} ms"),
            format!("{:.4}", variant.utility),
        ]);
    }
    format!(
        "\nin hindsight, on the same worker from the same instant in a batch as large, without \
         loads\n{}\
         regret: {regret:.4}\n",
        align(&grid)
    )
}
