//! An environment for other programs: requests and answers are JSON lines, one answer to every
//! request. A request that cannot be met is answered by an error, and changes nothing.

use super::{Environment, Transition};
use crate::config::json_lines::{self, VERSION, greeting, parse, write_line};
use crate::config::{Location, Problem};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::{self, BufRead, Write};

/// Why an environment is served no longer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The other side speaks something else.
    #[error(transparent)]
    Input(#[from] Problem),
    /// A pipe is broken.
    #[error(transparent)]
    Pipe(#[from] io::Error),
}

/// The first message.
#[derive(Serialize)]
struct Hello<'a> {
    protocol: &'static str,
    version: u32,
    /// The length of an observation.
    observation: usize,
    actions: usize,
    action_features: usize,
    catalogue: BTreeMap<&'a str, &'a str>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Request {
    Reset {
        #[serde(default)]
        seed: Option<u64>,
    },
    Step {
        action: usize,
    },
}

/// What follows a request. Floats of single precision are written as the doubles that they are, so
/// that every reader has the same bits.
#[derive(Serialize)]
struct Answer<'a> {
    observation: Vec<f64>,
    mask: &'a [bool],
    #[serde(skip_serializing_if = "Option::is_none")]
    reward: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    discount: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    terminated: Option<bool>,
}

#[derive(Serialize)]
struct Refusal {
    error: String,
}

/// An environment and where it stands.
struct Server<'a> {
    env: &'a mut dyn Environment,
    rng: ChaCha8Rng,
    observation: Vec<f32>,
    /// Empty before the first episode.
    mask: Vec<bool>,
}

/// Serves an environment until the input ends; `about` is what a policy for it depends on.
///
/// # Errors
/// Another version of the messages, a line that is too long, and what the pipes report.
pub fn serve(
    env: &mut dyn Environment,
    about: &[(String, String)],
    input: &mut impl BufRead,
    out: &mut impl Write,
) -> Result<(), ServeError> {
    let hello = Hello {
        protocol: "peeksim-environment",
        version: VERSION,
        observation: env.observation_len(),
        actions: env.actions(),
        action_features: env.action_features(),
        catalogue: about.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect(),
    };
    let observation = vec![0.0; env.observation_len()];
    // What follows depends on the requests alone.
    let rng = ChaCha8Rng::seed_from_u64(0);
    let mut server = Server { env, rng, observation, mask: Vec::new() };
    let mut line = Vec::new();
    send(&hello, &mut line, out)?;
    if !next_line(input, &mut line)? {
        return Ok(());
    }
    json_lines::check_version(&line).map_err(|found| {
        Problem::new(Location::line(INPUT, 1), found, format!("`{}`", greeting()))
    })?;
    while next_line(input, &mut line)? {
        match parse(&line).and_then(|request| server.answer(&request)) {
            Ok(answer) => send(&answer, &mut line, out)?,
            Err(error) => send(&Refusal { error }, &mut line, out)?,
        }
    }
    Ok(())
}

/// The input, in messages.
const INPUT: &str = "standard input";

fn next_line(input: &mut impl BufRead, line: &mut Vec<u8>) -> Result<bool, ServeError> {
    json_lines::read_line(input, line).map_err(|error| match error.kind() {
        io::ErrorKind::Other => {
            Problem::new(Location::file(INPUT), error.to_string(), "shorter lines").into()
        }
        _ => error.into(),
    })
}

fn send(message: &impl Serialize, line: &mut Vec<u8>, out: &mut impl Write) -> io::Result<()> {
    write_line(message, line).map_err(io::Error::other)?;
    out.write_all(line)?;
    out.flush()
}

impl Server<'_> {
    /// Does what is asked for, or says why not.
    fn answer(&mut self, request: &Request) -> Result<Answer<'_>, String> {
        let step = match *request {
            Request::Reset { seed } => {
                if let Some(seed) = seed {
                    self.rng = ChaCha8Rng::seed_from_u64(seed);
                }
                self.env.reset(&mut self.rng);
                None
            }
            Request::Step { action } => Some(self.step(action)?),
        };
        self.env.observe(&mut self.observation);
        self.mask.resize(self.env.actions(), false);
        self.env.mask(&mut self.mask);
        Ok(Answer {
            observation: self.observation.iter().map(|input| f64::from(*input)).collect(),
            mask: &self.mask,
            reward: step.map(|step| f64::from(step.reward)),
            discount: step.map(|step| f64::from(step.discount)),
            terminated: step.map(|step| step.done),
        })
    }

    fn step(&mut self, action: usize) -> Result<Transition, String> {
        if self.mask.is_empty() {
            return Err("found a step, expected a reset before it".to_owned());
        }
        if self.mask.get(action) != Some(&true) {
            let allowed = (0..).zip(&self.mask).filter(|(_, is_allowed)| **is_allowed);
            let allowed: Vec<String> = allowed.map(|(at, _): (usize, _)| at.to_string()).collect();
            let allowed = allowed.join(", ");
            return Err(format!("found action {action}, expected one of those allowed: {allowed}"));
        }
        Ok(self.env.step(action))
    }
}
