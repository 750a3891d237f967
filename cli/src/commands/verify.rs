//! `enfold verify`: checks a block proof.

use std::fmt;
use std::path::{Path, PathBuf};

use clap::Args;
use enfold_circuits::statement::BlockStatement;
use enfold_state::hash::Digest;
use enfold_witness::profile::ProfileId;
use serde::Serialize;

use crate::args::profile_parser;
use crate::error::CliError;
use crate::output::Outcome;
use crate::proofs::{StatementText, read_data, verify_file};

/// Options of `enfold verify`.
#[derive(Debug, Args)]
#[command(after_help = "\
The key that the proof is verified with is part of this program; nothing that the prover sends is trusted.
Without --expect-prev-root and --expect-root the proof says only that some state leads to some other.
Exit code 0: valid and as expected; 1: not valid, or not as expected; 3: not a proof of the profile.

Examples:
  enfold verify block-1.proof
  enfold verify block-1.proof --profile test --expect-prev-root 8c1f... --expect-root 77a0...
  enfold verify block-1.proof --data-file block-1.proof.data")]
pub struct VerifyArgs {
    /// The proof.
    #[arg(value_name = "PROOF")]
    proof: PathBuf,
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
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} is valid", self.proof.display())?;
        write!(f, "{}", StatementText(&self.statement))?;
        if self.data_checked {
            writeln!(f, "the data file holds exactly the messages under E")?;
        }
        Ok(())
    }
}

impl VerifyArgs {
    /// Runs the command.
    ///
    /// # Errors
    /// If the proof does not hold or is not what was expected.
    pub fn run(&self) -> Result<Outcome, CliError> {
        let statement = verify_file(&self.proof, self.profile)?;
        self.expect("chain id", self.expect_chain_id, statement.chain_id)?;
        self.expect("block number", self.expect_number, statement.block_number)?;
        self.expect("previous root", self.expect_prev_root, statement.previous_root)?;
        self.expect("new root", self.expect_root, statement.new_root)?;
        if let Some(path) = &self.data_file {
            read_data(path, &statement)?;
        }
        let data_checked = self.data_file.is_some();
        Outcome::of(&Report { proof: &self.proof, valid: true, statement, data_checked })
    }

    fn expect<T: PartialEq + fmt::Display>(
        &self,
        field: &'static str,
        expected: Option<T>,
        got: T,
    ) -> Result<(), CliError> {
        match expected {
            Some(expected) if expected != got => Err(CliError::Unexpected {
                path: self.proof.clone(),
                field,
                expected: expected.to_string(),
                got: got.to_string(),
            }),
            _ => Ok(()),
        }
    }
}
