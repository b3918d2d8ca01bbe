//! `peeksim completions` and `peeksim man`: what a shell and a manual know of the commands.

use super::list::{names, shipped};
use super::{Cli, CliError, EXIT_CODES, Output, unknown};
use crate::output::atomic;
use clap::builder::PossibleValuesParser;
use clap::{Arg, Args, Command, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man;
use std::io::{self, Write};
use std::path::PathBuf;

/// Arguments of `completions`.
#[derive(Debug, Args)]
pub(super) struct CompletionsArgs {
    /// The shell.
    shell: Shell,
}

/// Arguments of `man`.
#[derive(Debug, Args)]
pub(super) struct ManArgs {
    /// The command, as `sweep`, `reproduce tmo` or `reproduce-tmo`; peeksim itself by default.
    #[arg(num_args = 0.., conflicts_with = "out")]
    command: Vec<String>,
    /// Write the pages of all commands into this folder.
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

pub(super) fn print(args: &CompletionsArgs, out: &mut Output) -> Result<(), CliError> {
    let mut script = Vec::new();
    let mut command = with_names(args.shell);
    clap_complete::generate(args.shell, &mut command, "peeksim", &mut script);
    if args.shell == Shell::Fish {
        script.extend(names_for_fish(&command).bytes());
    }
    out.write_all(&script)?;
    out.set("shell", args.shell.to_string());
    out.set("script", String::from_utf8_lossy(&script));
    Ok(())
}

/// The command line with the names that a shell may propose: of what `list` knows, and of
/// experiments. An experiment is often a file, which zsh would no longer propose beside names.
fn with_names(shell: Shell) -> Command {
    let mut command =
        Cli::command().mut_subcommand("list", |list| proposing(list, "name", names()));
    if shell == Shell::Zsh {
        return command;
    }
    let named = |own: &Command| {
        let takes_experiment = own.get_positionals().any(|arg| arg.get_id() == "experiment");
        takes_experiment.then(|| own.get_name().to_owned())
    };
    let commands: Vec<String> = command.get_subcommands().filter_map(named).collect();
    for name in commands {
        command = command.mut_subcommand(name, |own| proposing(own, "experiment", shipped()));
    }
    command
}

/// What fish is told of arguments without an option, of which its script has nothing.
fn names_for_fish(command: &Command) -> String {
    let mut lines = String::new();
    for inner in command.get_subcommands() {
        let first = inner.get_positionals().next();
        let names: Vec<String> = first
            .map_or(Vec::new(), Arg::get_possible_values)
            .iter()
            .map(|value| value.get_name().to_owned())
            .collect();
        if !names.is_empty() {
            let (name, names) = (inner.get_name(), names.join(" "));
            let when = format!("__fish_peeksim_using_subcommand {name}");
            lines.push_str(&format!("complete -c peeksim -n \"{when}\" -a \"{names}\"\n"));
        }
    }
    lines
}

fn proposing(command: Command, argument: &str, names: Vec<String>) -> Command {
    command.mut_arg(argument, |arg| arg.value_parser(PossibleValuesParser::new(names)))
}

pub(super) fn man(args: &ManArgs, out: &mut Output) -> Result<(), CliError> {
    let mut all = Cli::command();
    all.build();
    let mut pages = Vec::new();
    collect(&all, "peeksim", &mut pages);
    if let Some(folder) = &args.out {
        atomic::folder(folder)?;
        for (name, command) in pages {
            let path = folder.join(format!("{name}.1"));
            atomic::write(&path, &page(&name, command)?)?;
            out.wrote(&path)?;
        }
        return Ok(());
    }
    let wanted = args.command.join("-").replace(' ', "-");
    let is_wanted = |name: &str| match name.strip_prefix("peeksim-") {
        None => wanted.is_empty(),
        Some(inner) => inner == wanted,
    };
    let Some((name, command)) = pages.iter().find(|(name, _)| is_wanted(name)) else {
        let known = pages.iter().filter_map(|(name, _)| name.strip_prefix("peeksim-"));
        return Err(unknown("man", "command", &wanted, known).into());
    };
    let page = page(name, command)?;
    out.write_all(&page)?;
    out.set("name", name.as_str());
    out.set("page", String::from_utf8_lossy(&page));
    Ok(())
}

/// A command and those below it, each with the name of its page.
fn collect<'a>(command: &'a Command, name: &str, pages: &mut Vec<(String, &'a Command)>) {
    pages.push((name.to_owned(), command));
    for inner in command.get_subcommands().filter(|inner| inner.get_name() != "help") {
        collect(inner, &format!("{name}-{}", inner.get_name()), pages);
    }
}

/// The page of a command, with the exit codes of all commands.
fn page(name: &str, command: &Command) -> io::Result<Vec<u8>> {
    let mut page = Vec::new();
    Man::new(command.clone().display_name(name.to_owned())).render(&mut page)?;
    page.extend_from_slice(b".SH \"EXIT STATUS\"\n");
    for (code, meaning) in EXIT_CODES {
        page.extend_from_slice(format!(".TP\n{code}\n{meaning}\n").as_bytes());
    }
    Ok(page)
}
