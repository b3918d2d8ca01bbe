//! A scheduler in any language: a process that is told what a scheduler sees and answers with a
//! plan, in JSON lines over its standard input and output.
//!
//! Each run has a process of its own, which is started at its first decision. What it answers is
//! validated as every plan is. An answer that is none ends the run with an error.
//!
//! O(waiting requests + workers) per decision, for the message.

mod message;
mod process;

use crate::config::json_lines::{check_version, greeting, parse, write_line};
use crate::config::settings::TEXTS;
use crate::config::{ConfigNode, Decoder, Kind, Problem, Problems, Setting, Value, decode};
use crate::contract::{AccuracySource, BatchCompletion, Plan, Scheduler, Trigger, View};
use crate::core::rng::Label;
use crate::scheduler::{BuildContext, SchedulerEntry};
use message::{Answer, Completed, Hello, Question};
use process::Process;
use std::path::Path;
use std::time::Duration;

pub const ENTRY: SchedulerEntry = SchedulerEntry {
    name: "external",
    summary: "a program of your own, in any language, decides; JSON lines over a pipe",
    source: "your program",
    settings: &[&[
        Setting::required("command", TEXTS).means(
            "The program and its arguments. Files among them are found as traces are, and runs \
             depend on their content.",
        ),
        Setting::number("timeout_s", [0.001, 86_400.0], 10.0)
            .means("The time that an answer may take, the start of the program included."),
        Setting::flag("only_when_idle", false).means(
            "Ask only while a worker is idle. Requests that arrive meanwhile are told of together.",
        ),
        Setting::optional("settings", Kind::Any, "an empty table")
            .means("A table of your own, which is passed to the program."),
    ]],
    accuracy: Some(AccuracySource::Profiled),
    build: |fields, context| Box::new(External::read(fields, context)),
};

/// What the setting `command` is.
const COMMAND: &str = "a list: a program and its arguments";

struct External {
    command: Vec<String>,
    timeout: Duration,
    only_when_idle: bool,
    settings: serde_json::Value,
    seed: u64,
    /// `None` before the first decision.
    process: Option<Process>,
    /// The number of the next decision.
    decision: u64,
    /// The batches that ended since the last one.
    completed: Vec<Completed>,
    line: Vec<u8>,
}

impl External {
    fn read(fields: &mut Decoder<'_>, context: &BuildContext<'_>) -> Self {
        let command = fields.require("command", COMMAND);
        let command = command.map(|node| read_command(node, fields.problems()));
        let command = command.unwrap_or_default();
        let timeout = Duration::from_secs_f64(fields.number("timeout_s"));
        let only_when_idle = fields.flag("only_when_idle");
        let settings = read_settings(fields);
        // Every reader of JSON has whole numbers of 53 bits.
        let seed = context.rng.keyed(Label::Scheduler, 0, 0) >> 11;
        Self {
            command,
            timeout,
            only_when_idle,
            settings,
            seed,
            process: None,
            decision: 0,
            completed: Vec::new(),
            line: Vec::new(),
        }
    }

    /// The plan of this instant.
    fn ask(
        &mut self,
        view: &View<'_>,
        trigger: Trigger<'_>,
        plan: &mut Plan,
    ) -> Result<(), String> {
        if self.process.is_none() {
            self.start(view)?;
        }
        let question = Question::new(view, trigger, self.decision, &self.completed);
        write_line(&question, &mut self.line)?;
        let expected = format!("an answer to decision {}", self.decision);
        self.exchange(&expected)?;
        let answer: Answer = parse(&self.line).map_err(|found| instead(&found, &expected))?;
        if answer.decision != self.decision {
            let found = format!("an answer to decision {}", answer.decision);
            return Err(instead(&found, &expected));
        }
        answer.add_to(view, plan);
        self.decision += 1;
        self.completed.clear();
        Ok(())
    }

    /// Starts the process and tells it of the system.
    fn start(&mut self, view: &View<'_>) -> Result<(), String> {
        let (program, arguments) = self.command.split_first().ok_or("found no command")?;
        self.process = Some(Process::start(program, arguments, self.timeout)?);
        write_line(&Hello::new(view, self.seed, &self.settings), &mut self.line)?;
        let expected = greeting();
        self.exchange(&expected)?;
        check_version(&self.line).map_err(|found| instead(&found, &expected))
    }

    /// Sends the line and replaces it by the answer.
    fn exchange(&mut self, expected: &str) -> Result<(), String> {
        let Some(process) = &mut self.process else { return Ok(()) };
        let answer = process.ask(std::mem::take(&mut self.line));
        self.line = answer.map_err(|found| instead(&found, expected) + &process.complaint())?;
        Ok(())
    }
}

fn instead(found: &str, expected: &str) -> String {
    format!("found {found}, expected {expected}")
}

impl Scheduler for External {
    fn decide(&mut self, view: &View<'_>, trigger: Trigger<'_>, plan: &mut Plan) {
        let asked = self.ask(view, trigger, plan);
        if let Err(why) = asked {
            plan.abort(format!("decision {}: {why}", self.decision));
        }
    }

    fn on_completion(&mut self, feedback: &BatchCompletion) {
        self.completed.push(feedback.into());
    }

    fn waits_for_idle_workers(&self) -> bool {
        self.only_when_idle
    }
}

/// A program that can be started, and its arguments.
fn read_command(node: &ConfigNode, problems: &mut Problems) -> Vec<String> {
    let command = decode::texts(node, problems);
    let Some(program) = command.first() else {
        if matches!(node.value, Value::Array(_)) {
            problems.push(decode::mismatch(node, COMMAND));
        }
        return command;
    };
    let expected = "a program of the search path PATH, or the path of a file";
    if !is_program(program) {
        problems.push(Problem::new(node.place.clone(), format!("`{program}`"), expected));
    }
    command
}

/// Whether there is a file of this path, or of this name in a folder of the search path.
fn is_program(program: &str) -> bool {
    if program.contains(std::path::is_separator) {
        return Path::new(program).is_file();
    }
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let whole = format!("{program}{}", std::env::consts::EXE_SUFFIX);
    std::env::split_paths(&folders)
        .any(|folder| [program, &whole].iter().any(|name| folder.join(name).is_file()))
}

/// The table of a user's own settings.
fn read_settings(fields: &mut Decoder<'_>) -> serde_json::Value {
    let node = fields.take("settings");
    if let Some(node) = node {
        decode::table(node, fields.problems());
    }
    node.map_or_else(|| serde_json::json!({}), to_json)
}

fn to_json(node: &ConfigNode) -> serde_json::Value {
    match &node.value {
        Value::Text(text) => text.as_str().into(),
        Value::Integer(number) => (*number).into(),
        Value::Float(number) => (*number).into(),
        Value::Bool(flag) => (*flag).into(),
        Value::Array(items) => items.iter().map(to_json).collect(),
        Value::Table(entries) => {
            entries.iter().map(|(key, node)| (key.clone(), to_json(node))).collect()
        }
    }
}
