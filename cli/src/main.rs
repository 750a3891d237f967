//! The `enfold` binary: parses the command line, runs one subcommand, prints its result.

use std::panic;
use std::process::ExitCode;

use clap::Parser;
use enfold_prover::cache::keep_circuits_in;

use crate::args::{Cli, Command, Format};
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::Outcome;

mod args;
mod circuits;
mod commands;
mod contents;
mod cost;
mod error;
mod exit;
mod files;
mod import;
mod interrupt;
mod key_file;
mod logging;
mod measures;
mod output;
mod progress;
mod proofs;
mod records;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error).into(),
    };
    logging::start(cli.global);
    let format = cli.global.format;
    let command = cli.command.name();
    // A panic is a fault of the program; its own report is on stderr by now.
    let result = panic::catch_unwind(|| {
        run(&cli).and_then(|outcome| output::print_outcome(format, command, &outcome))
    });
    match result.unwrap_or(Err(CliError::Panic)) {
        Ok(()) => Exit::Fine,
        Err(error) => {
            output::print_error(format, Some(command), &error);
            error.exit()
        }
    }
    .into()
}

fn run(cli: &Cli) -> Result<Outcome, CliError> {
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
        Command::Verify(args) => args.run(),
        Command::Key(args) => args.run(),
        Command::Receipt(args) => args.run(),
        Command::VerifyReceipt(args) => args.run(),
        Command::Account(args) => args.run(),
        Command::VerifyAccount(args) => args.run(),
        Command::Rebuild(args) => args.run(),
        Command::Inspect(args) => args.run(),
        Command::Bench(args) => args.run(),
    }
}

/// Help and version are results; anything else that clap stops at is wrong usage.
fn usage(error: &clap::Error) -> Exit {
    if !error.use_stderr() {
        // Nothing to be done if the reader is gone.
        let _ = error.print();
        return Exit::Fine;
    }
    let format = if asks_for_json(std::env::args_os()) { Format::Json } else { Format::Human };
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

/// Whether a command line that does not parse asks for JSON all the same.
fn asks_for_json(arguments: impl Iterator<Item = std::ffi::OsString>) -> bool {
    let arguments: Vec<_> = arguments.collect();
    arguments.iter().any(|argument| argument == "--format=json")
        || arguments.windows(2).any(|pair| pair[0] == "--format" && pair[1] == "json")
}
