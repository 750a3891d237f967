//! The `enfold` binary: parses the command line, runs one subcommand, prints its result.

use std::ffi::OsString;
use std::io::{self, Write};
use std::panic::{self, AssertUnwindSafe};
use std::process::ExitCode;
use std::thread;

use clap::{ArgMatches, CommandFactory, FromArgMatches};
use enfold_prover::cache::keep_circuits_in;
use tracing::warn;

use crate::args::{Cli, Command, Format};
use crate::error::CliError;
use crate::exit::Exit;
use crate::logging::Trace;
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
mod kernels;
mod key_file;
mod logging;
mod measures;
mod metrics;
mod observe;
mod output;
mod progress;
mod proofs;
mod reading;
mod records;
mod settings;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    kernels::check_processor();
    on_fit_processor().into()
}

/// All that comes after the check of the processor; apart from it, so that none of this is done before.
#[inline(never)]
fn on_fit_processor() -> Exit {
    let arguments: &[OsString] = &std::env::args_os().collect::<Vec<_>>();
    let slow = match kernels::start(arguments) {
        Ok(slow) => slow,
        Err(error) => {
            output::print_error(format_of(arguments), None, &error);
            return error.exit();
        }
    };
    let parsed = Settings::load(Cli::command(), arguments).map_err(Unparsed::Settings).and_then(|settings| {
        let matches = settings.command().try_get_matches_from(arguments).map_err(Unparsed::Usage)?;
        let cli = Cli::from_arg_matches(&matches).map_err(Unparsed::Usage)?;
        Ok((settings, matches, cli))
    });
    match parsed {
        Ok((settings, matches, cli)) => start(&settings, &matches, &cli, slow.as_deref()),
        Err(Unparsed::Usage(error)) => usage(&error, format_of(arguments)),
        Err(Unparsed::Settings(error)) => {
            output::print_error(format_of(arguments), None, &error);
            error.exit()
        }
    }
}

/// Why a command line does not say what to do.
enum Unparsed {
    Settings(CliError),
    Usage(clap::Error),
}

/// Runs the command and prints its result. `slow` says why faster kernels are not used.
fn start(settings: &Settings, matches: &ArgMatches, cli: &Cli, slow: Option<&str>) -> Exit {
    let format = cli.global.format;
    let command = cli.command.name();
    let mut failed_trace = None;
    let result = check_files(settings, cli).and_then(|()| logging::start(&cli.global)).and_then(|trace| {
        if let Some(reason) = slow {
            warn!("{reason}");
        }
        for name in &settings.unknown_variables {
            warn!(name, "{name} is set, but is no setting; see `enfold config`");
        }
        // A panic is a fault of the program; its own report is on stderr by now.
        let result = panic::catch_unwind(AssertUnwindSafe(|| {
            let outcome = run(settings, matches, cli)?;
            output::print_outcome(format, command, &outcome)?;
            Ok(outcome.exit())
        }));
        if let Some(Err(error)) = trace.map(Trace::finish) {
            // The result has been said already, and stands.
            output::print_error(Format::Human, Some(command), &error);
            failed_trace = Some(error.exit());
        }
        result.unwrap_or(Err(CliError::Panic))
    });
    match result {
        Ok(exit) => failed_trace.unwrap_or(exit),
        Err(error) => {
            output::print_error(format, Some(command), &error);
            error.exit()
        }
    }
}

/// Checks, before the first file is made, that none lies where a service takes files from.
fn check_files(settings: &Settings, cli: &Cli) -> Result<(), CliError> {
    let Command::Run(args) = &cli.command else { return Ok(()) };
    let cache = cli.cache.folder();
    let files = [
        ("cache folder", cache.as_deref()),
        ("trace", cli.global.trace.as_deref()),
        ("settings file", settings.path.as_deref()),
    ];
    let files: Vec<_> = files.into_iter().filter_map(|(what, path)| Some((what, path?))).collect();
    args.check(&files)
}

fn run(settings: &Settings, matches: &ArgMatches, cli: &Cli) -> Result<Outcome, CliError> {
    if let Some(threads) = cli.global.threads.map(usize::from).or_else(rayon_threads) {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(at_most(threads, cores()));
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
        Command::Status(args) => args.run(),
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

/// Cores that the process may use.
fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// Threads that the library for parallel work would take from its own variable.
fn rayon_threads() -> Option<usize> {
    std::env::var("RAYON_NUM_THREADS").ok()?.parse().ok().filter(|&threads| threads > 0)
}

/// Threads that are worth having on so many cores. Every one without work looks for some with all the others, so far
/// more than there are cores make each small parallel step a thousand times as long: a proof seems to hang.
fn at_most(threads: usize, cores: usize) -> usize {
    let most = (4 * cores).max(16);
    if threads > most {
        warn!(
            threads,
            cores,
            used = most,
            "{threads} threads are too many for {cores} cores; {most} are used"
        );
    }
    threads.min(most)
}

/// Help and version are results; anything else that clap stops at is wrong usage.
fn usage(error: &clap::Error, format: Format) -> Exit {
    if !error.use_stderr() {
        return match error.print().and_then(|()| io::stdout().flush()) {
            Err(source) if source.kind() != io::ErrorKind::BrokenPipe => {
                let error = CliError::Stdout { source };
                output::print_error(format, None, &error);
                error.exit()
            }
            // A reader that left has what it wanted.
            _ => Exit::Fine,
        };
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

#[cfg(test)]
mod tests {
    use super::at_most;

    #[test]
    fn threads_follow_the_cores() {
        assert_eq!([1, 2, 16, 17, 1024].map(|threads| at_most(threads, 2)), [1, 2, 16, 16, 16]);
        assert_eq!([64, 256, 1024].map(|threads| at_most(threads, 64)), [64, 256, 256]);
    }
}
