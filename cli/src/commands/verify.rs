//! `enfold verify`: checks a block proof, or a chain of them.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Args;
use enfold_circuits::statement::BlockStatement;
use enfold_circuits::statement::chain::{ChainStatement, link};
use enfold_prover::pipeline::data_path;
use enfold_state::hash::Digest;
use enfold_witness::profile::ProfileId;
use serde::Serialize;

use crate::args::profile_parser;
use crate::error::CliError;
use crate::files::files_in;
use crate::output::{Outcome, count, grouped};
use crate::progress::{duration, milliseconds};
use crate::proofs::{ProfileText, StatementText, read_data, verify_file};

/// Options of `enfold verify`.
#[derive(Debug, Args)]
#[command(after_help = "\
The key that the proof is verified with is part of this program; nothing that the prover sends is trusted.
Without --expect-prev-root and --expect-root the proof says only that some state leads to some other.
Exit code 0: valid and as expected; 1: not valid, or not as expected; 3: not a proof of the profile.

With --chain, all files in .proof of a folder are verified and must be of consecutive blocks: each starts from the
root and the deposit queue that the one before leads to. The expected previous root is then the first block's, the
new root and number the last one's.

Examples:
  enfold verify block-1.proof
  enfold verify block-1.proof --profile test --expect-prev-root 8c1f... --expect-root 77a0...
  enfold verify block-1.proof --data-file block-1.proof.data
  enfold verify --chain proofs --check-data --expect-prev-root 8c1f... --expect-root 77a0...")]
pub struct VerifyArgs {
    /// The proof.
    #[arg(value_name = "PROOF", required_unless_present = "chain")]
    proof: Option<PathBuf>,
    /// A folder of proofs of consecutive blocks.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["proof", "data_file"])]
    chain: Option<PathBuf>,
    /// With --chain: check PROOF.data of each proof, too.
    #[arg(long, requires = "chain", conflicts_with = "proof")]
    check_data: bool,
    /// The profile that the proof must be of.
    #[arg(long, default_value_t = ProfileId::Standard, value_parser = profile_parser())]
    profile: ProfileId,
    /// The state root that the block must start from.
    #[arg(long, value_name = "HEX")]
    expect_prev_root: Option<Digest>,
    /// The state root that the block must lead to.
    #[arg(long, value_name = "HEX")]
    expect_root: Option<Digest>,
    /// The chain that the block must be of.
    #[arg(long, value_name = "N")]
    expect_chain_id: Option<u32>,
    /// The number that the block must have.
    #[arg(long, value_name = "N")]
    expect_number: Option<u32>,
    /// The block's published messages; their commitment must be the proof's.
    #[arg(long, value_name = "FILE")]
    data_file: Option<PathBuf>,
}

#[derive(Serialize)]
struct Report<'a> {
    proof: &'a Path,
    valid: bool,
    statement: BlockStatement,
    data_checked: bool,
    /// Reading, and the key's, included.
    elapsed_ms: f64,
    #[serde(skip)]
    elapsed: Duration,
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} is valid (checked in {})", self.proof.display(), duration(self.elapsed))?;
        write!(f, "{}", StatementText(&self.statement))?;
        if self.data_checked {
            writeln!(f, "the data file holds exactly the messages under E")?;
        }
        Ok(())
    }
}

#[derive(Serialize)]
struct ChainReport<'a> {
    chain: &'a Path,
    valid: bool,
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
        writeln!(
            f,
            "{proofs} in {} are valid (checked in {})",
            self.chain.display(),
            duration(self.elapsed)
        )?;
        writeln!(f, "chain id         {chain_id}")?;
        writeln!(f, "blocks           {first_block} to {last_block}, each from the root of the one before")?;
        writeln!(f, "first state root {}", self.statement.first_root)?;
        writeln!(f, "last state root  {}", self.statement.last_root)?;
        writeln!(f, "transactions     {}", grouped(self.statement.transactions))?;
        writeln!(f, "messages         {}", grouped(self.statement.messages))?;
        writeln!(f, "profile          {}", ProfileText(self.statement.profile))?;
        if self.data_checked {
            writeln!(f, "the data files hold exactly the messages under each E")?;
        }
        Ok(())
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
            (None, None) => Err(CliError::Usage { message: "expected PROOF or --chain DIR".to_owned() }),
        }
    }

    fn run_one(&self, proof: &Path, start: Instant) -> Result<Outcome, CliError> {
        let statement = verify_file(proof, self.profile)?;
        let BlockStatement { chain_id, block_number, previous_root, new_root, .. } = statement;
        self.expect_all(proof, (chain_id, block_number), (previous_root, new_root))?;
        if let Some(path) = &self.data_file {
            read_data(path, &statement)?;
        }
        let (data_checked, elapsed) = (self.data_file.is_some(), start.elapsed());
        let elapsed_ms = milliseconds(elapsed);
        Outcome::of(&Report { proof, valid: true, statement, data_checked, elapsed_ms, elapsed })
    }

    fn run_chain(&self, folder: &Path, start: Instant) -> Result<Outcome, CliError> {
        let mut blocks = Vec::new();
        for path in files_in(folder, "proof")? {
            let statement = verify_file(&path, self.profile)?;
            blocks.push((statement, path));
        }
        blocks.sort_by_key(|(statement, _)| statement.block_number);
        let (statements, proofs): (Vec<_>, Vec<_>) = blocks.into_iter().unzip();
        let statement = link(&statements).map_err(|source| CliError::Chain {
            path: proofs.get(source.at()).map_or(folder, PathBuf::as_path).to_owned(),
            source: Box::new(source),
        })?;
        let ChainStatement { chain_id, last_block, first_root, last_root, .. } = statement;
        self.expect_all(folder, (chain_id, last_block), (first_root, last_root))?;
        if self.check_data {
            for (proof, statement) in proofs.iter().zip(&statements) {
                read_data(&data_path(proof), statement)?;
            }
        }
        let (data_checked, elapsed) = (self.check_data, start.elapsed());
        let elapsed_ms = milliseconds(elapsed);
        let chain = folder;
        Outcome::of(&ChainReport { chain, valid: true, proofs, statement, data_checked, elapsed_ms, elapsed })
    }

    /// Holds chain id, block number, previous and new root against what is expected.
    fn expect_all(
        &self,
        path: &Path,
        (chain_id, number): (u32, u32),
        (previous_root, new_root): (Digest, Digest),
    ) -> Result<(), CliError> {
        expect(path, "chain id", self.expect_chain_id, chain_id)?;
        expect(path, "block number", self.expect_number, number)?;
        expect(path, "previous root", self.expect_prev_root, previous_root)?;
        expect(path, "new root", self.expect_root, new_root)
    }
}

/// Holds one thing against what is expected of it, if anything is.
///
/// # Errors
/// If they are different.
pub fn expect<T: PartialEq + fmt::Display>(
    path: &Path,
    field: &'static str,
    expected: Option<T>,
    got: T,
) -> Result<(), CliError> {
    match expected {
        Some(expected) if expected != got => Err(CliError::Unexpected {
            path: path.to_owned(),
            field,
            expected: expected.to_string(),
            got: got.to_string(),
        }),
        _ => Ok(()),
    }
}
