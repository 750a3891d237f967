//! `enfold verify-account`: checks what a leaf holds against a block proof.

use std::fmt;
use std::path::{Path, PathBuf};

use clap::Args;
use enfold_circuits::statement::BlockStatement;
use enfold_state::account_proof::{AccountProof, AccountProofError};
use enfold_state::hash::Digest;
use enfold_state::leaf::{Leaf, LeafIndex};
use enfold_witness::profile::ProfileId;
use serde::Serialize;

use super::account::LeafText;
use crate::args::profile_parser;
use crate::error::CliError;
use crate::output::Outcome;
use crate::proofs::{StatementText, verify_file};
use crate::records;

/// Options of `enfold verify-account`.
#[derive(Debug, Args)]
#[command(after_help = "\
The block proof states two roots: an account proof made after its block is held against the new one, an account
proof made before it against the previous one.

Examples:
  enfold verify-account alice.account block-7.proof
  enfold verify-account leaf-7.account block-7.proof --profile test --format json")]
pub struct VerifyAccountArgs {
    /// The account proof, binary or JSON.
    #[arg(value_name = "ACCOUNT")]
    account: PathBuf,
    /// The proof of the block after which the leaf was so, or of the next one.
    #[arg(value_name = "PROOF")]
    proof: PathBuf,
    /// The profile that the proof must be of.
    #[arg(long, default_value_t = ProfileId::Standard, value_parser = profile_parser())]
    profile: ProfileId,
}

#[derive(Serialize)]
struct Report<'a> {
    account: &'a Path,
    proof: &'a Path,
    valid: bool,
    /// The block after which the leaf is so.
    number: u32,
    index: LeafIndex,
    leaf: Leaf,
    root: Digest,
    statement: BlockStatement,
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} is valid: leaf {} after block {}", self.account.display(), self.index, self.number)?;
        write!(f, "{}", LeafText(&self.leaf))?;
        writeln!(f, "under the state root {}, as {} proves:", self.root, self.proof.display())?;
        write!(f, "{}", StatementText(&self.statement))
    }
}

impl VerifyAccountArgs {
    /// Runs the command.
    ///
    /// # Errors
    /// If the block proof or the account proof does not hold, or one is not of the other's block.
    pub fn run(&self) -> Result<Outcome, CliError> {
        let account: AccountProof = records::read(&self.account)?;
        let statement = verify_file(&self.proof, self.profile)?;
        let fail = |source| CliError::AccountProof { path: self.account.clone(), source: Box::new(source) };
        let number = account.number;
        let other = AccountProofError::Number { expected: statement.block_number, got: number };
        let root = statement.root_after(number).ok_or_else(|| fail(other))?;
        account.check(statement.chain_id, number, root).map_err(fail)?;
        Outcome::of(&Report {
            account: &self.account,
            proof: &self.proof,
            valid: true,
            number,
            index: account.index,
            leaf: account.leaf,
            root,
            statement,
        })
    }
}
