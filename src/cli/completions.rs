//! `peeksim completions` and `peeksim man`: what a shell and a manual know of the commands.

use super::{Cli, CliError, unknown};
use clap::{Args, Command, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man;
use std::io::Write;

/// Arguments of `completions`.
#[derive(Debug, Args)]
pub(super) struct CompletionsArgs {
    /// The shell.
    shell: Shell,
}

/// Arguments of `man`.
#[derive(Debug, Args)]
pub(super) struct ManArgs {
    /// The command; peeksim itself by default.
    command: Option<String>,
}

pub(super) fn print(args: &CompletionsArgs, out: &mut impl Write) -> Result<(), CliError> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "peeksim", &mut script);
    Ok(out.write_all(&script)?)
}

pub(super) fn man(args: &ManArgs, out: &mut impl Write) -> Result<(), CliError> {
    let mut command = Cli::command();
    command.build();
    if let Some(name) = &args.command {
        let Some(found) = command.find_subcommand(name).cloned() else {
            let known: Vec<&str> = command.get_subcommands().map(Command::get_name).collect();
            return Err(unknown("man", "command", name, known).into());
        };
        command = found.display_name(format!("peeksim-{name}"));
    }
    Ok(Man::new(command).render(out)?)
}
