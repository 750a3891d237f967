//! `enfold run`: proves the blocks of a folder, as they come.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use enfold_prover::bound::bind;
use enfold_prover::folders::Folders;
use enfold_prover::options::ProveOptions;
use enfold_prover::service::{LIST, Pace, Served, ServiceOptions, serve};
use enfold_state::hash::Digest;
use enfold_state::profile::ProfileId;
use enfold_state::store::Store;
use serde::Serialize;
use tracing::info;

use crate::commands::prove::BlockError;
use crate::error::{CliError, Failure};
use crate::exit::Exit;
use crate::interrupt::{self, Idle, STOP};
use crate::metrics::Address;
use crate::observe::Watch;
use crate::options::profile_parser;
use crate::output::Outcome;
use crate::text::count;

/// Options of `enfold run`.
#[derive(Debug, Args)]
#[command(after_help = "\
Blocks are files in the inbox, binary or JSON, under any name. They are proven in the order of the
block numbers in them, each on the state after the one before; while one is proven, the next is
executed. Write a block under a name that ends in .part or begins with a dot, and rename it when
it is complete.
A block is claimed once it is complete and unchanged for half a second. It then waits in the
folder queue of the data directory, as block-N-DIGEST.bin or .json, until it is proven.

The outbox gets block-N.proof, the data file block-N.proof.data, the block itself as block-N.bin
or .json, and a line of JSON per block in blocks.jsonl. Bad blocks go to the rejected folder, with
the reason in NAME.reason.json. Invalid transactions do not make a block bad, unless --strict is
given: they are left out and listed.

A block whose time is more than 60 seconds ahead of this machine's clock waits until it is not, and
the log says so; another block of its number need not wait for it.

Each folder has one purpose; only the data directory may hold the others. With --once, the exit
code is 5 if a block was rejected, waits for a missing one or for its time, or cannot be read;
files that keep changing are given thirty times as long.

Ctrl-C or SIGTERM waits for the running proofs and exits with code 0; a second one exits at once
with 130. After either, or after a crash, repeat the command to resume.

Examples:
  enfold run --data state --inbox blocks
  enfold run --data state --inbox in --outbox out --rejected bad --metrics 9464 --log-format json
  enfold run --data state --inbox blocks --once --profile test")]
pub struct RunArgs {
    /// The data directory.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Folder to take blocks from.
    #[arg(long, value_name = "DIR")]
    inbox: PathBuf,
    /// Folder for proofs [default: outbox in the data directory].
    #[arg(long, value_name = "DIR")]
    outbox: Option<PathBuf>,
    /// Folder for bad blocks [default: rejected in the data directory].
    #[arg(long, value_name = "DIR")]
    rejected: Option<PathBuf>,
    /// Create missing folders instead of refusing to start.
    #[arg(long)]
    create: bool,
    /// Exit when there is nothing left to prove, instead of waiting for blocks.
    #[arg(long)]
    once: bool,
    /// Seconds that a file must be unchanged before it is rejected as not a block [default: 10, or 2 with --once].
    #[arg(long, value_name = "SECONDS")]
    settle: Option<u32>,
    /// Profile to prove with; must be the data directory's [default: the data directory's].
    #[arg(long, value_parser = profile_parser())]
    profile: Option<ProfileId>,
    /// Reject a block that has an invalid transaction.
    #[arg(long)]
    strict: bool,
    /// Proofs to run concurrently [default: threads / 8 but at least 2 (1 on one thread), fewer if memory is short].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    in_flight: Option<u16>,
    /// Serve Prometheus metrics, /health and /ready on this port of 127.0.0.1, or at this address and port; port 0
    /// takes a free one.
    #[arg(long, value_name = "[ADDRESS:]PORT")]
    metrics: Option<Address>,
}

#[derive(Serialize)]
struct Report<'a> {
    data: &'a Path,
    outbox: &'a Path,
    list: PathBuf,
    height: u32,
    root: Digest,
    #[serde(flatten)]
    served: Served,
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Served { proven, rejected, repeated, waiting, missing, early, unreadable, stopped } = self.served;
        let (proven, files) = (count(proven, "block", "blocks"), |number| count(number, "file", "files"));
        writeln!(f, "{proven} proven, {} rejected", files(rejected))?;
        if let Some(missing) = missing {
            let waiting = count(waiting, "block waits", "blocks wait");
            writeln!(f, "{waiting} for block {missing}, which is missing")?;
        }
        if let Some(early) = early {
            writeln!(f, "block {early} waits for its time, more than 60 s ahead of the clock")?;
        }
        if unreadable > 0 {
            writeln!(f, "{} left unread in the inbox", files(unreadable))?;
        }
        if repeated > 0 {
            writeln!(f, "{} delivered before", files(repeated))?;
        }
        writeln!(f, "{} is at block {}, state root {}", self.data.display(), self.height, self.root)?;
        writeln!(f, "proofs are in {}, listed in {}", self.outbox.display(), self.list.display())?;
        if stopped {
            writeln!(f, "stopped by a signal: repeat the command to resume")?;
        }
        Ok(())
    }
}

/// Not every block that was delivered is proven.
#[derive(Debug, thiserror::Error)]
#[error("not every delivered block is proven: {}", left_text(.0))]
struct BlocksLeftError(Served);

impl Failure for BlocksLeftError {
    fn exit(&self) -> Exit {
        Exit::BlocksLeft
    }

    fn kind(&self) -> &'static str {
        "blocks_left"
    }
}

/// What a service has left.
fn left_text(served: &Served) -> String {
    let Served { rejected, waiting, missing, early, unreadable, .. } = *served;
    let missing = missing.map(|missing| format!("{waiting} waiting for block {missing}"));
    let counted = |count: usize, what: &str| (count > 0).then(|| format!("{count} {what}"));
    let early = early.map(|early| format!("block {early} waiting for its time"));
    let parts = [counted(rejected, "rejected"), missing, early, counted(unreadable, "unreadable")];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

impl RunArgs {
    fn folders(&self) -> Folders {
        let within = |folder: &Option<PathBuf>, name| folder.clone().unwrap_or_else(|| self.data.join(name));
        Folders {
            inbox: self.inbox.clone(),
            outbox: within(&self.outbox, "outbox"),
            rejected: within(&self.rejected, "rejected"),
        }
    }

    /// Checks that each folder has one purpose, and that no other file or folder that the command uses is in one of
    /// them: what each is, and where.
    ///
    /// # Errors
    /// If two overlap.
    pub fn check(&self, files: &[(&'static str, PathBuf)]) -> Result<(), CliError> {
        Ok(self.folders().check(&self.data, files)?)
    }

    /// Runs the command, which uses these `files` and folders besides: what each is, and where.
    ///
    /// # Errors
    /// If the data directory or a folder cannot be used, or the prover fails.
    pub fn run(&self, files: Vec<(&'static str, PathBuf)>) -> Result<Outcome, CliError> {
        let mut store = Store::open(&self.data)?;
        let profile = bind(&mut store, self.profile)?;
        let folders = self.folders();
        if !self.create {
            folders.check_there(self.outbox.is_some(), self.rejected.is_some())?;
        }
        let in_flight = self.in_flight.map(usize::from);
        let prove =
            ProveOptions { strict: self.strict, in_flight, stop: Some(&STOP), ..ProveOptions::default() };
        let settle = self.settle.unwrap_or(if self.once { 2 } else { 10 });
        let pace = Pace { settle: Duration::from_secs(settle.into()), ..Pace::default() };
        let options = ServiceOptions { profile, folders, files, once: self.once, prove, pace };
        self.say_start(&store, &options.folders, profile);
        let watch = Watch::new(profile, self.metrics, &store)?;
        interrupt::watch(Idle::Return)?;
        let served = serve(&mut store, &options, &|event| watch.observe(event))
            .map_err(BlockError::of(&self.inbox))?;
        // Whoever stops it knows that blocks may be left.
        let short = !served.stopped && !served.is_all();
        let short = short.then(|| BlocksLeftError(served.clone()).into());
        let outcome = Outcome::of(&Report {
            data: &self.data,
            list: options.folders.outbox.join(LIST),
            outbox: &options.folders.outbox,
            height: store.ledger().height(),
            root: store.ledger().root(),
            served,
        })?;
        Ok(match short {
            Some(error) => outcome.short_of(&error),
            None => outcome,
        })
    }

    /// Says what runs, on what, and where its files are.
    fn say_start(&self, store: &Store, folders: &Folders, profile: ProfileId) {
        let (version, ledger) = (env!("CARGO_PKG_VERSION"), store.ledger());
        let (data, chain, height, root) =
            (self.data.display(), ledger.chain_id(), ledger.height(), ledger.root());
        info!(
            "enfold {version}, profile {profile}, chain {chain}, {data} at block {height}, state root {root}"
        );
        let Folders { inbox, outbox, rejected } = folders;
        let (inbox, outbox, rejected) = (inbox.display(), outbox.display(), rejected.display());
        info!("blocks come from {inbox}, proofs go to {outbox}, rejected blocks to {rejected}");
    }
}
