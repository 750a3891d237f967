//! The command line as a whole: global options and the list of subcommands.

use std::path::{Path, PathBuf};

use clap::builder::{OsStringValueParser, PossibleValuesParser, TypedValueParser};
use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use enfold_prover::files::{Access, check_writable};
use enfold_state::codec::Record;
use enfold_state::store::Check;
use enfold_witness::profile::ProfileId;
use tracing_subscriber::EnvFilter;

use crate::commands::{
    account, bench, bundle, completions, config, demo, generate, ids, import, init, inspect, key, keygen,
    plan, prove, rebuild, receipt, run, sign, status, verify, verify_account, verify_receipt,
};
use crate::error::CliError;
use crate::kernels::Kernels;
use crate::settings::FILE_VARIABLE;
use crate::{files, records};

/// A zk-rollup prover: blocks of signed transfers become one proof that anyone can check.
#[derive(Debug, Parser)]
#[command(name = "enfold", version = version(), max_term_width = 100, subcommand_required = true)]
#[command(after_help = "\
Results go to stdout, logs to stderr.
Exit codes: 0 fine, 1 proof invalid, 2 usage, 3 bad input, 4 internal, 5 blocks left, 130 stopped.

Start with: enfold demo")]
pub struct Cli {
    /// Options that every subcommand takes.
    #[command(flatten)]
    pub global: Global,
    /// Where circuits are kept.
    #[command(flatten)]
    pub cache: Cache,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The program's version and what it computes with.
fn version() -> String {
    format!("{} (kernels: {})", env!("CARGO_PKG_VERSION"), Kernels::IN_USE)
}

/// Options that every subcommand takes.
#[derive(Clone, Debug, Args)]
pub struct Global {
    /// Form of the result on stdout: plain words, or one JSON object.
    #[arg(long, global = true, value_enum, default_value_t = Format::Human, help_heading = "Global options")]
    pub format: Format,
    /// Worker threads [default: one for each core].
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024),
          help_heading = "Global options")]
    pub threads: Option<u16>,
    /// File with settings [default: enfold.toml, if there is one]; see `enfold config`.
    #[arg(long, global = true, value_name = "FILE", env = FILE_VARIABLE, hide_env_values = true,
          help_heading = "Global options")]
    pub config: Option<PathBuf>,
    /// Filter for logs, such as "enfold_prover=debug".
    #[arg(long, global = true, value_name = "FILTER", value_parser = filter, help_heading = "Global options")]
    pub log: Option<String>,
    /// Form of the logs on stderr: text, or one JSON object a line.
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text, help_heading = "Global options")]
    pub log_format: LogFormat,
    /// Write a trace of what was done when, for chrome://tracing or ui.perfetto.dev.
    /// The file must not exist.
    #[arg(long, global = true, value_name = "FILE", help_heading = "Global options")]
    pub trace: Option<PathBuf>,
    /// More logs on stderr; twice for all of them.
    #[arg(short, long, global = true, action = ArgAction::Count, conflicts_with = "quiet",
          help_heading = "Global options")]
    pub verbose: u8,
    /// Only warnings and errors on stderr, no progress.
    #[arg(short, long, global = true, help_heading = "Global options")]
    pub quiet: bool,
}

/// Where set-ups of circuits are kept between runs.
#[derive(Clone, Debug, Args)]
pub struct Cache {
    /// Folder for set-ups of circuits, with which the next run starts sooner; an empty name for none
    /// [default: enfold in the user's folder for caches].
    #[arg(long, global = true, value_name = "DIR",
          value_parser = OsStringValueParser::new().map(PathBuf::from), help_heading = "Global options")]
    cache_dir: Option<PathBuf>,
    /// Keep no set-ups and use none.
    #[arg(long, global = true, help_heading = "Global options")]
    no_cache: bool,
}

impl Cache {
    /// The folder, unless there is to be none or the system has no place for it.
    pub fn folder(&self) -> Option<PathBuf> {
        match (self.no_cache, &self.cache_dir) {
            (true, _) => None,
            (false, Some(folder)) => Some(folder.clone()).filter(|folder| !folder.as_os_str().is_empty()),
            (false, None) => Some(dirs::cache_dir()?.join("enfold")),
        }
    }
}

/// Reads a profile's name.
pub fn profile_parser() -> impl TypedValueParser<Value = ProfileId> {
    PossibleValuesParser::new(ProfileId::ALL.map(ProfileId::name)).try_map(|name| name.parse())
}

/// How much of a data directory is checked.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Hash all leaves and nodes of the data directory again when it is opened, instead of samples of them.
    #[arg(long)]
    full_check: bool,
}

impl CheckArgs {
    /// For the store.
    pub const fn check(&self) -> Check {
        if self.full_check { Check::Full } else { Check::Sampled }
    }
}

/// The one file that a command makes.
#[derive(Debug, Args)]
pub struct OutArgs {
    /// File for the result: JSON if it ends in .json, else binary.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Replace the file if it exists.
    #[arg(long)]
    force: bool,
}

impl OutArgs {
    /// The file.
    pub fn path(&self) -> &Path {
        &self.out
    }

    /// Checks, before any long work, that the file can be written.
    ///
    /// # Errors
    /// If it cannot.
    pub fn check(&self) -> Result<(), CliError> {
        Ok(check_writable(&self.out, self.force)?)
    }

    /// Writes the file: all of it or nothing.
    ///
    /// # Errors
    /// If something is there and is not to be replaced, or writing fails.
    pub fn write(&self, bytes: &[u8]) -> Result<(), CliError> {
        files::write(&self.out, bytes, Access::Public, self.force)
    }

    /// Writes a record in the form that the file's name asks for, and gives its bytes.
    ///
    /// # Errors
    /// As [`OutArgs::write`], or if the record is too long for a file.
    pub fn write_record<T: Record>(&self, record: &T) -> Result<usize, CliError> {
        let bytes = records::encode_for(&self.out, record)?;
        self.write(&bytes)?;
        Ok(bytes.len())
    }
}

/// Checks a filter for logs.
fn filter(text: &str) -> Result<String, tracing_subscriber::filter::ParseError> {
    EnvFilter::try_new(text).map(|_| text.to_owned())
}

/// Form of the logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Plain words.
    Text,
    /// One JSON object a line.
    Json,
}

/// Form of the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Plain words.
    Human,
    /// One JSON object.
    Json,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a state and a block, prove it, verify it, and say what happened.
    Demo(demo::DemoArgs),
    /// Make a key.
    Keygen(keygen::KeygenArgs),
    /// Sign a transaction.
    Sign(sign::SignArgs),
    /// Put signed transactions into a block file.
    Bundle(bundle::BundleArgs),
    /// Generate a genesis and blocks from a seed.
    Gen(generate::GenerateArgs),
    /// Carry over a real chain's transfers from a CSV file.
    Import(import::ImportArgs),
    /// Start a data directory from a genesis.
    Init(init::InitArgs),
    /// Prove a block and apply it to a data directory.
    Prove(prove::ProveArgs),
    /// Prove the blocks of a folder, as they come.
    Run(run::RunArgs),
    /// Say where a data directory is, and what its prover does.
    Status(status::StatusArgs),
    /// Say what a block will take: proofs, memory, time.
    Plan(plan::PlanArgs),
    /// Verify a block proof, or a chain of them.
    Verify(verify::VerifyArgs),
    /// Show the key that proofs are verified with, or derive it again.
    Key(key::KeyArgs),
    /// List the ids of a block's transactions.
    Ids(ids::IdsArgs),
    /// Make a receipt: a proof that a block executed a transaction.
    Receipt(receipt::ReceiptArgs),
    /// Verify a receipt against a block proof.
    VerifyReceipt(verify_receipt::VerifyReceiptArgs),
    /// Make an account proof: what a leaf holds.
    Account(account::AccountArgs),
    /// Verify an account proof against a block proof.
    VerifyAccount(verify_account::VerifyAccountArgs),
    /// Rebuild the state from a genesis and published data alone.
    Rebuild(rebuild::RebuildArgs),
    /// Show what a file or the circuits hold.
    Inspect(inspect::InspectArgs),
    /// Measure this machine.
    Bench(bench::BenchArgs),
    /// Print the settings that are in force, and where they come from.
    Config(config::ConfigArgs),
    /// Print a script that completes command lines, for a shell.
    Completions(completions::CompletionsArgs),
    /// Write manual pages.
    Man(completions::ManArgs),
}

impl Command {
    /// The name on the command line, for reports.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Demo(_) => "demo",
            Self::Keygen(_) => "keygen",
            Self::Sign(_) => "sign",
            Self::Bundle(_) => "bundle",
            Self::Gen(_) => "gen",
            Self::Import(_) => "import",
            Self::Init(_) => "init",
            Self::Prove(_) => "prove",
            Self::Run(_) => "run",
            Self::Status(_) => "status",
            Self::Plan(_) => "plan",
            Self::Verify(_) => "verify",
            Self::Key(_) => "key",
            Self::Ids(_) => "ids",
            Self::Receipt(_) => "receipt",
            Self::VerifyReceipt(_) => "verify-receipt",
            Self::Account(_) => "account",
            Self::VerifyAccount(_) => "verify-account",
            Self::Rebuild(_) => "rebuild",
            Self::Inspect(_) => "inspect",
            Self::Bench(_) => "bench",
            Self::Config(_) => "config",
            Self::Completions(_) => "completions",
            Self::Man(_) => "man",
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;
    use clap::error::ErrorKind;

    use super::*;
    use crate::documents::{Document, documents};

    /// The examples in the help of a command and of those below it.
    fn examples(command: &clap::Command) -> Vec<String> {
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        let lines = help.split("Examples:").nth(1).unwrap_or_default().lines();
        let own = lines.filter_map(|line| line.find("enfold ").map(|at| line[at..].to_owned()));
        own.chain(command.get_subcommands().flat_map(examples)).collect()
    }

    /// A command line that a document or the help shows, with something for what it leaves open.
    fn assert_parses(line: &str) {
        for call in line.split(" && ").flat_map(|line| line.split(" > ").next()) {
            let filled = call.split_whitespace().map(|word| match word.strip_suffix("...") {
                // Digests are cut short in the help, to four digits.
                Some(cut) => format!("{}{}", &cut[..cut.len() - 4], "0".repeat(64)),
                None => match word {
                    "ID" => "0".repeat(64),
                    "N" => "1".to_owned(),
                    "NAME" => "test".to_owned(),
                    "COMMAND" => "verify".to_owned(),
                    _ => word.trim_matches('"').to_owned(),
                },
            });
            match Cli::try_parse_from(filled) {
                Err(error) if error.kind() != ErrorKind::DisplayHelp => panic!("{call}: {error}"),
                _ => {}
            }
        }
    }

    /// What the help shows is accepted by the parser, so it cannot rot.
    #[test]
    fn every_example_parses() {
        let all = examples(&Cli::command());
        assert!(all.len() > 30, "{all:?}");
        all.iter().for_each(|line| assert_parses(line));
    }

    /// So is what README and docs show; and what they name is there.
    #[test]
    fn every_documented_command_parses() {
        let mut cli = Cli::command();
        cli.build();
        for Document { name: document, lines, names } in documents() {
            lines.iter().filter(|line| line.starts_with("enfold ")).for_each(|line| assert_parses(line));
            for name in names {
                let mut command = &cli;
                for word in name.split(' ').skip(1) {
                    let found = match word.strip_prefix("--") {
                        Some(option) => {
                            command.get_arguments().any(|argument| argument.get_long() == Some(option))
                        }
                        None => match command.find_subcommand(word) {
                            Some(below) => {
                                command = below;
                                true
                            }
                            // As the circuits of `enfold inspect circuits`.
                            None => command.get_positionals().next().is_some(),
                        },
                    };
                    assert!(found, "{document}: {name}");
                }
            }
        }
    }
}
