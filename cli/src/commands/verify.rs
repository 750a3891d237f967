//! `enfold verify`: checks a block proof, or a chain of them.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Args;
use enfold_prover::pipeline::data_path;
use enfold_state::profile::ProfileId;
use enfold_verifier::statement::BlockStatement;
use enfold_verifier::statement::chain::ChainStatement;
use serde::Serialize;

use crate::anchor::{Anchor, ExpectArgs, Forgeable};
use crate::error::CliError;
use crate::options::profile_parser;
use crate::output::Outcome;
use crate::proofs::{ProfileText, StatementText, link_blocks, read_data, verify_file, verify_folder};
use crate::text::{TimeText, count, duration, grouped, milliseconds};

/// Options of `enfold verify`.
#[derive(Debug, Args)]
#[command(after_help = "\
The proof is verified with a key that is part of this program; nothing that the prover sends is
trusted. Without --expect-prev-root, --expect-root or --genesis, the proof says only that some
state leads to some other. Only --profile sets the profile: no variable does, and no enfold.toml
in the working directory is read.
Exit code 0: valid and as expected; 1: invalid, or not as expected; 3: not a proof of the profile.

With --chain, all .proof files of a folder are verified and must be of consecutive blocks: each
starts from the root and the L1 queue that the one before leads to, and no earlier than it. The expected previous
root is then that of the first block; the expected new root and number are those of the last.

Examples:
  enfold verify block-1.proof
  enfold verify block-1.proof --profile test --expect-prev-root 8c1f... --expect-root 77a0...
  enfold verify block-1.proof --data-file block-1.proof.data
  enfold verify --chain proofs --check-data --expect-prev-root 8c1f... --expect-root 77a0...
  enfold verify --chain proofs --genesis genesis.bin")]
pub struct VerifyArgs {
    /// The proof.
    #[arg(value_name = "PROOF", required_unless_present = "chain")]
    proof: Option<PathBuf>,
    /// A folder of proofs of consecutive blocks.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["proof", "data_file"])]
    chain: Option<PathBuf>,
    /// With --chain: also check the data file of each proof, PROOF.data.
    #[arg(long, requires = "chain", conflicts_with = "proof")]
    check_data: bool,
    /// The profile that the proof must be of.
    #[arg(long, default_value_t = ProfileId::Standard, value_parser = profile_parser())]
    profile: ProfileId,
    #[command(flatten)]
    expect: ExpectArgs,
    /// The block's data file, with the published messages; the proof must commit to them.
    #[arg(long, value_name = "FILE")]
    data_file: Option<PathBuf>,
}

#[derive(Serialize)]
struct Report<'a> {
    proof: &'a Path,
    valid: bool,
    forgeable: bool,
    #[serde(flatten)]
    anchor: Anchor,
    statement: BlockStatement,
    data_checked: bool,
    /// Reading, and the key's, included.
    elapsed_ms: f64,
    #[serde(skip)]
    elapsed: Duration,
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (profile, anchor) = (Forgeable(self.statement.profile), &self.anchor);
        write!(f, "{} is valid{profile} {anchor}", self.proof.display())?;
        writeln!(f, " (checked in {})", duration(self.elapsed))?;
        write!(f, "{}", StatementText(&self.statement))?;
        if self.data_checked {
            writeln!(f, "the data file holds exactly the messages that E commits to")?;
        }
        write!(f, "{}", anchor.advice())
    }
}

#[derive(Serialize)]
struct ChainReport<'a> {
    chain: &'a Path,
    valid: bool,
    forgeable: bool,
    #[serde(flatten)]
    anchor: Anchor,
    /// In the order of the blocks.
    proofs: Vec<PathBuf>,
    statement: ChainStatement,
    data_checked: bool,
    elapsed_ms: f64,
    #[serde(skip)]
    elapsed: Duration,
}

impl fmt::Display for ChainReport<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ChainStatement { chain_id, first_block, last_block, .. } = self.statement;
        let proofs = count(self.proofs.len(), "proof", "proofs");
        let (profile, anchor) = (Forgeable(self.statement.profile), &self.anchor);
        write!(f, "{proofs} in {} are valid{profile} {anchor}", self.chain.display())?;
        writeln!(f, " (checked in {})", duration(self.elapsed))?;
        writeln!(f, "chain id         {chain_id}")?;
        writeln!(f, "blocks           {first_block} to {last_block}, each from the root of the one before")?;
        let ChainStatement { first_time, last_time, .. } = self.statement;
        writeln!(f, "times            {} to {}", TimeText(first_time), TimeText(last_time))?;
        writeln!(f, "first state root {}", self.statement.first_root)?;
        writeln!(f, "last state root  {}", self.statement.last_root)?;
        writeln!(f, "transactions     {}", grouped(self.statement.transactions))?;
        writeln!(f, "messages         {}", grouped(self.statement.messages))?;
        writeln!(f, "first L1 queue   {}", self.statement.queue_before)?;
        writeln!(f, "last L1 queue    {}", self.statement.queue_after)?;
        writeln!(f, "profile          {}", ProfileText(self.statement.profile))?;
        if self.data_checked {
            writeln!(f, "the data files hold exactly the messages that each E commits to")?;
        }
        write!(f, "{}", anchor.advice())
    }
}

impl VerifyArgs {
    /// Runs the command.
    ///
    /// # Errors
    /// If a proof does not hold or is not what was expected.
    pub fn run(&self) -> Result<Outcome, CliError> {
        let start = Instant::now();
        match (&self.chain, &self.proof) {
            (Some(folder), _) => self.run_chain(folder, start),
            (None, Some(proof)) => self.run_one(proof, start),
            (None, None) => Err(CliError::usage("expected PROOF or --chain DIR")),
        }
    }

    fn run_one(&self, proof: &Path, start: Instant) -> Result<Outcome, CliError> {
        let statement = verify_file(proof, self.profile)?;
        let anchor = self.expect.check(proof, &statement)?;
        if let Some(path) = &self.data_file {
            read_data(path, &statement)?;
        }
        let (data_checked, elapsed) = (self.data_file.is_some(), start.elapsed());
        let elapsed_ms = milliseconds(elapsed);
        Outcome::of(&Report {
            proof,
            valid: true,
            forgeable: self.profile.forgeable(),
            anchor,
            statement,
            data_checked,
            elapsed_ms,
            elapsed,
        })
    }

    fn run_chain(&self, folder: &Path, start: Instant) -> Result<Outcome, CliError> {
        let blocks = verify_folder(folder, self.profile)?;
        let statement = link_blocks(folder, &blocks)?;
        let anchor = self.expect.check_chain(folder, &statement)?;
        if self.check_data {
            for (statement, proof) in &blocks {
                read_data(&data_path(proof), statement)?;
            }
        }
        let (data_checked, elapsed) = (self.check_data, start.elapsed());
        let elapsed_ms = milliseconds(elapsed);
        Outcome::of(&ChainReport {
            chain: folder,
            valid: true,
            forgeable: self.profile.forgeable(),
            anchor,
            proofs: blocks.into_iter().map(|(_, path)| path).collect(),
            statement,
            data_checked,
            elapsed_ms,
            elapsed,
        })
    }
}
