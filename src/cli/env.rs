//! `peeksim env`: the environment of `peeksim train EXPERIMENT` for agents in other programs, over
//! standard input and output.

use super::train::to_learn;
use super::{CliError, Output};
use crate::experiment::SchedulingEnvironment;
use crate::rl::serve::{ServeError, serve};
use clap::Args;
use std::io;

/// Arguments of `env`.
#[derive(Debug, Args)]
pub(super) struct EnvArgs {
    /// A TOML file, or the name of an experiment that ships with peeksim. Its schedulers do not
    /// matter; episodes go through runs of all of its configurations.
    experiment: String,
    /// Change a setting of the experiment, as `workload.requests=500`.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Utility that a US dollar is worth, as for `train`.
    #[arg(long, default_value_t = 1000.0)]
    cost_weight: f64,
}

pub(super) fn main(args: &EnvArgs, out: &mut Output) -> Result<(), CliError> {
    let sweep = to_learn(&args.experiment, &args.set, args.cost_weight)?;
    let mut env = SchedulingEnvironment::new(&sweep, args.cost_weight)?;
    let about = env.catalogue();
    serve(&mut env, &about, &mut io::stdin().lock(), out.lines()).map_err(|error| match error {
        ServeError::Input(problem) => problem.into(),
        ServeError::Pipe(error) => error.into(),
    })
}
