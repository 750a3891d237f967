//! The `enfold` binary: parses the command line, runs one subcommand, prints its result.

use std::ffi::OsString;
use std::panic::{self, AssertUnwindSafe};
use std::process::ExitCode;

use clap::{ArgMatches, CommandFactory, FromArgMatches};
use enfold_prover::cache::keep_circuits_in;
use tracing::warn;

use crate::args::{Cli, Command, Format};
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::Outcome;
use crate::settings::Settings;

mod anchor;
mod args;
mod circuits;
mod commands;
mod contents;
mod cost;
#[cfg(test)]
#[path = "../tests/cli/documents/lines.rs"]
mod documents;
mod error;
mod exit;
mod files;
mod import;
mod interrupt;
mod key_file;
mod logging;
mod measures;
mod metrics;
mod observe;
mod output;
mod progress;
mod proofs;
mod records;
mod settings;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let parsed =
        Settings::load(Cli::command(), &arguments).map_err(Unparsed::Settings).and_then(|settings| {
            let matches = settings.command().try_get_matches_from(&arguments).map_err(Unparsed::Usage)?;
            let cli = Cli::from_arg_matches(&matches).map_err(Unparsed::Usage)?;
            Ok((settings, matches, cli))
        });
    match parsed {
        Ok((settings, matches, cli)) => start(&settings, &matches, &cli),
        Err(Unparsed::Usage(error)) => usage(&error, format_of(&arguments)),
        Err(Unparsed::Settings(error)) => {
            output::print_error(format_of(&arguments), None, &error);
            error.exit()
        }
    }
    .into()
}

/// Why a command line does not say what to do.
enum Unparsed {
    Settings(CliError),
    Usage(clap::Error),
}

/// Runs the command and prints its result.
fn start(settings: &Settings, matches: &ArgMatches, cli: &Cli) -> Exit {
    let format = cli.global.format;
    let command = cli.command.name();
    let result = logging::start(&cli.global).and_then(|trace| {
        for name in &settings.unknown_variables {
            warn!("{name} is set, but is no setting; see `enfold config`");
        }
        // A panic is a fault of the program; its own report is on stderr by now.
        let result = panic::catch_unwind(AssertUnwindSafe(|| {
            run(settings, matches, cli).and_then(|outcome| output::print_outcome(format, command, &outcome))
        }));
        // Now the trace is whole.
        drop(trace);
        result.unwrap_or(Err(CliError::Panic))
    });
    match result {
        Ok(()) => Exit::Fine,
        Err(error) => {
            output::print_error(format, Some(command), &error);
            error.exit()
        }
    }
}

fn run(settings: &Settings, matches: &ArgMatches, cli: &Cli) -> Result<Outcome, CliError> {
    if let Some(threads) = cli.global.threads {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.into());
        pool.build_global().map_err(CliError::Threads)?;
    }
    if let Some(folder) = cli.cache.folder() {
        keep_circuits_in(folder);
    }
    match &cli.command {
        Command::Demo(args) => args.run(),
        Command::Keygen(args) => args.run(),
        Command::Sign(args) => args.run(),
        Command::Bundle(args) => args.run(),
        Command::Gen(args) => args.run(),
        Command::Import(args) => args.run(),
        Command::Init(args) => args.run(),
        Command::Prove(args) => args.run(),
        Command::Run(args) => args.run(),
        Command::Plan(args) => args.run(),
        Command::Verify(args) => args.run(),
        Command::Key(args) => args.run(),
        Command::Ids(args) => args.run(),
        Command::Receipt(args) => args.run(),
        Command::VerifyReceipt(args) => args.run(),
        Command::Account(args) => args.run(),
        Command::VerifyAccount(args) => args.run(),
        Command::Rebuild(args) => args.run(),
        Command::Inspect(args) => args.run(),
        Command::Bench(args) => args.run(),
        Command::Config(args) => args.run(settings, matches),
        Command::Completions(args) => args.run(Cli::command()),
        Command::Man(args) => args.run(Cli::command()),
    }
}

/// Help and version are results; anything else that clap stops at is wrong usage.
fn usage(error: &clap::Error, format: Format) -> Exit {
    if !error.use_stderr() {
        // Nothing to be done if the reader is gone.
        let _ = error.print();
        return Exit::Fine;
    }
    match format {
        Format::Human => {
            let _ = error.print();
        }
        Format::Json => {
            let text = error.to_string();
            let message = text.trim_start_matches("error: ").lines().next().unwrap_or_default();
            output::print_error(format, None, &CliError::Usage { message: message.to_owned() });
        }
    }
    Exit::Usage
}

/// The format that a command line asks for which does not parse.
fn format_of(arguments: &[OsString]) -> Format {
    let json = arguments.iter().any(|argument| argument == "--format=json")
        || arguments.windows(2).any(|pair| pair[0] == "--format" && pair[1] == "json");
    if json { Format::Json } else { Format::Human }
}
