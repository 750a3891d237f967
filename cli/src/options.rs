//! Options that several commands share.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use clap::builder::{OsStringValueParser, PossibleValuesParser, TypedValueParser};
use clap::{ArgAction, Args, ValueEnum};
use enfold_prover::files::{Access, check_writable};
use enfold_state::codec::Record;
use enfold_state::profile::ProfileId;
use enfold_state::ranges::is_shards;
use enfold_state::store::Check;
use tracing_subscriber::EnvFilter;

use crate::error::CliError;
use crate::settings::FILE_VARIABLE;
use crate::{files, records};

/// Options that every subcommand takes.
#[derive(Clone, Debug, Args)]
pub struct Global {
    /// Format of the result on stdout: text for people, or one JSON object.
    #[arg(long, global = true, value_enum, default_value_t = Format::Human, help_heading = "Global options")]
    pub format: Format,
    /// Worker threads [default: one per core].
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024),
          help_heading = "Global options")]
    pub threads: Option<u16>,
    /// Settings file [default: enfold.toml, if it exists]; see `enfold config`.
    #[arg(long, global = true, value_name = "FILE", env = FILE_VARIABLE, hide_env_values = true,
          help_heading = "Global options")]
    pub config: Option<PathBuf>,
    /// Log filter, such as "enfold_prover=debug".
    #[arg(long, global = true, value_name = "FILTER", value_parser = filter, help_heading = "Global options")]
    pub log: Option<String>,
    /// Format of the logs on stderr: text, or one JSON object per line.
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text, help_heading = "Global options")]
    pub log_format: LogFormat,
    /// Write a trace of the run to a new file, for chrome://tracing or ui.perfetto.dev.
    #[arg(long, global = true, value_name = "FILE", help_heading = "Global options")]
    pub trace: Option<PathBuf>,
    /// More logs on stderr; repeat for all of them.
    #[arg(short, long, global = true, action = ArgAction::Count, conflicts_with = "quiet",
          help_heading = "Global options")]
    pub verbose: u8,
    /// Only warnings and errors on stderr; no progress.
    #[arg(short, long, global = true, help_heading = "Global options")]
    pub quiet: bool,
}

/// Where set-ups of circuits are kept between runs.
#[derive(Clone, Debug, Args)]
pub struct Cache {
    /// Folder that caches circuit set-ups, so that the next run starts sooner; empty for no cache
    /// [default: enfold in the user's cache folder].
    #[arg(long, global = true, value_name = "DIR",
          value_parser = OsStringValueParser::new().map(PathBuf::from), help_heading = "Global options")]
    cache_dir: Option<PathBuf>,
    /// Use no cache.
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
    /// Rehash every leaf and node of the data directory when opening it, instead of a sample.
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
    /// Output file: JSON if its name ends in .json, else binary.
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

/// Format of the logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Text for people.
    Text,
    /// One JSON object per line.
    Json,
}

/// Format of the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Text for people.
    Human,
    /// One JSON object.
    Json,
}

/// Reads a chain id: 1 to `2^63 - 1`.
pub fn chain_id_parser() -> impl TypedValueParser<Value = u64> {
    clap::value_parser!(u64).range(1..1 << 63)
}

/// Time of a genesis whose time is not given: 14 November 2023, 22:13:20 UTC.
pub const GENESIS_TIME: u32 = 1_700_000_000;

/// Seconds from one generated block to the next.
pub const BLOCK_SECONDS: u32 = 12;

/// Times, and how many shards new accounts are spread over, of chains that are generated.
#[derive(Clone, Copy, Debug, Args)]
pub struct GenesisArgs {
    /// Time of the genesis, in seconds since 1970; block N is 12 N seconds later.
    #[arg(long, value_name = "SECONDS", default_value_t = GENESIS_TIME,
          value_parser = clap::value_parser!(u32).range(1..=4_000_000_000))]
    pub genesis_time: u32,
    /// Number of shards that new accounts are spread over: a power of two up to 32.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = shards)]
    pub shards: u32,
}

/// A number of the command line is none of shards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a power of two from 1 to 32")]
pub struct ShardsError;

fn shards(text: &str) -> Result<u32, ShardsError> {
    text.parse().ok().filter(|&shards| is_shards(shards)).ok_or(ShardsError)
}

/// This machine's clock, in seconds since 1970.
///
/// # Errors
/// If it is before 1970 or after 2105, where no block's time can be.
pub fn clock() -> Result<u32, CliError> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok();
    let now = now.and_then(|since| u32::try_from(since.as_secs()).ok()).filter(|&now| now > 0);
    now.ok_or_else(|| CliError::usage("expected a clock from 1970 to 2105, got another: give the time"))
}
