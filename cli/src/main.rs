//! The `enfold` binary: parses the command line, runs one subcommand, prints its result.

use std::ffi::OsString;
use std::io::{self, Write};
use std::panic::{self, AssertUnwindSafe};
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;

use clap::{ArgMatches, CommandFactory, FromArgMatches};
use enfold_prover::cache::keep_circuits_in;
use tracing::warn;

use crate::args::{Cli, Command};
use crate::error::{CliError, Failure, ThreadsError};
use crate::exit::Exit;
use crate::logging::Trace;
use crate::options::{Format, LogFormat};
use crate::output::{Outcome, StdoutError};
use crate::settings::Settings;

mod anchor;
mod args;
mod circuits;
mod commands;
mod contents;
mod contract;
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
mod options;
mod output;
mod position;
mod progress;
mod proofs;
mod reading;
mod records;
mod settings;
mod text;
mod usage;
mod walk;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The program has panicked. What the panic says is on stderr already.
#[derive(Debug, thiserror::Error)]
#[error("internal error; please report the lines above")]
struct PanicError;

impl Failure for PanicError {
    fn exit(&self) -> Exit {
        Exit::Internal
    }

    fn kind(&self) -> &'static str {
        "panic"
    }
}

fn main() -> ExitCode {
    kernels::check_processor();
    on_fit_processor().into()
}

/// All that comes after the check of the processor; apart from it, so that none of this is done before.
#[inline(never)]
fn on_fit_processor() -> Exit {
    let arguments: &[OsString] = &std::env::args_os().collect::<Vec<_>>();
    let early = |settings: Option<&Settings>, error: &CliError| {
        let format = Forms::before_parsing(arguments, settings).start();
        output::print_error(format, None, error);
        error.exit()
    };
    let slow = match kernels::start(arguments) {
        Ok(slow) => slow,
        Err(error) => return early(None, &error.into()),
    };
    let settings = match Settings::load(Cli::command(), arguments) {
        Ok(settings) => settings,
        Err(error) => return early(None, &error),
    };
    let command = settings.command();
    let parsed = command.clone().try_get_matches_from(arguments);
    let parsed = parsed.and_then(|matches| Ok((Cli::from_arg_matches(&matches)?, matches)));
    match parsed {
        Ok((cli, matches)) => start(&settings, &matches, &cli, slow.as_deref()),
        Err(error) => {
            let format = Forms::before_parsing(arguments, Some(&settings)).start();
            usage(&error, &command, arguments, format)
        }
    }
}

/// The forms of results and logs.
#[derive(Clone, Copy, Debug)]
struct Forms {
    format: Format,
    log_format: LogFormat,
}

impl Forms {
    /// Those that are asked for where the command line does not parse, or the settings are wrong.
    fn before_parsing(arguments: &[OsString], settings: Option<&Settings>) -> Self {
        let is_json = |name| match settings::before_parsing(name, arguments, settings) {
            Some(value) => value == "json",
            None => false,
        };
        Self {
            format: if is_json("format") { Format::Json } else { Format::Human },
            log_format: if is_json("log_format") { LogFormat::Json } else { LogFormat::Text },
        }
    }

    /// From now on errors on stderr are in the form of logs. Gives the form of the result.
    fn start(self) -> Format {
        logging::set_format(self.log_format);
        self.format
    }
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
            warn!(name, "{name} is set, but is not a setting; see `enfold config`");
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
        result.unwrap_or_else(|_| Err(PanicError.into()))
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
    match &cli.command {
        Command::Run(args) => args.check(&files(settings, cli)),
        _ => Ok(()),
    }
}

/// The files and folders that a command uses whatever it does: what each is, and where.
fn files(settings: &Settings, cli: &Cli) -> Vec<(&'static str, PathBuf)> {
    let files = [
        ("cache folder", cli.cache.folder()),
        ("trace", cli.global.trace.clone()),
        ("settings file", settings.path.clone()),
    ];
    files.into_iter().filter_map(|(what, path)| Some((what, path?))).collect()
}

fn run(settings: &Settings, matches: &ArgMatches, cli: &Cli) -> Result<Outcome, CliError> {
    if let Some(threads) = cli.global.threads.map(usize::from).or_else(rayon_threads) {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(at_most(threads, cores()));
        pool.build_global().map_err(ThreadsError)?;
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
        Command::Run(args) => args.run(files(settings, cli)),
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
        warn!(threads, cores, used = most, "{threads} threads are too many for {cores} cores; using {most}");
    }
    threads.min(most)
}

/// Help and version are results, unless files are named too; anything else that clap stops at is wrong usage.
fn usage(error: &clap::Error, command: &clap::Command, arguments: &[OsString], format: Format) -> Exit {
    if error.use_stderr() {
        return wrong_usage(error, format);
    }
    let beside = usage::check_help(command, arguments);
    if let (Err(wrong), Format::Json) = (&beside, format) {
        return wrong_usage(wrong, format);
    }
    let printed = error.print().and_then(|()| io::stdout().flush());
    match (printed, beside) {
        (Err(source), _) if source.kind() != io::ErrorKind::BrokenPipe => {
            let error = StdoutError(source).into();
            output::print_error(format, None, &error);
            Exit::Internal
        }
        // The help is of use, but nothing else that was asked for is done.
        (_, Err(wrong)) => wrong_usage(&wrong, format),
        // A reader that left has what it wanted.
        (_, Ok(())) => Exit::Fine,
    }
}

fn wrong_usage(error: &clap::Error, format: Format) -> Exit {
    if format == Format::Human && !logging::is_json() {
        let _ = error.print();
    } else {
        let text = error.to_string();
        let message = text.trim_start_matches("error: ").lines().next().unwrap_or_default();
        output::print_error(format, None, &CliError::usage(message));
    }
    Exit::Usage
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
