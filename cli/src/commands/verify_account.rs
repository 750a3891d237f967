//! `enfold verify-account`: checks what a leaf or a contract holds against a block proof.

use std::fmt;
use std::path::{Path, PathBuf};

use clap::Args;
use enfold_state::account_proof::AccountProof;
use enfold_state::hash::Digest;
use enfold_state::leaf::LeafIndex;
use enfold_state::profile::ProfileId;
use enfold_verifier::statement::BlockStatement;
use serde::Serialize;

use crate::anchor::{Anchor, BackArgs, ExpectArgs, Forgeable, UNANCHORED};
use crate::error::{CliError, at};
use crate::options::profile_parser;
use crate::output::Outcome;
use crate::position::{Held, HeldText, PositionProof};
use crate::proofs::{StatementText, verify_file};

/// Options of `enfold verify-account`.
#[derive(Debug, Args)]
#[command(after_help = "\
A block proof states two roots: an account proof made after the block is checked against the new
root, one made before the block against the previous root.

A block proof says only that some state leads to some other. To be sure that it is your chain's,
expect one of the block's roots (--expect-prev-root, --expect-root), or give a folder of proofs
that lead back to the genesis (--chain).

Examples:
  enfold verify-account alice.account block-7.proof --expect-root 77a0...
  enfold verify-account alice.account block-7.proof --chain proofs --genesis genesis.bin
  enfold verify-account leaf-7.account block-7.proof --profile test --format json")]
pub struct VerifyAccountArgs {
    /// The account proof or contract proof, binary or JSON.
    #[arg(value_name = "ACCOUNT")]
    account: PathBuf,
    /// The proof of the block that the account proof was made after, or of the next one.
    #[arg(value_name = "PROOF")]
    proof: PathBuf,
    /// The profile that the proof must be of.
    #[arg(long, default_value_t = ProfileId::Standard, value_parser = profile_parser())]
    profile: ProfileId,
    #[command(flatten)]
    expect: ExpectArgs,
    #[command(flatten)]
    back: BackArgs,
}

#[derive(Serialize)]
struct Report<'a> {
    account: &'a Path,
    proof: &'a Path,
    valid: bool,
    forgeable: bool,
    #[serde(flatten)]
    anchor: Anchor,
    /// Whether that reaches the root that the leaf is under.
    root_anchored: bool,
    /// The block after which the leaf is so.
    number: u32,
    index: LeafIndex,
    #[serde(flatten)]
    held: Held,
    root: Digest,
    statement: BlockStatement,
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let profile = Forgeable(self.statement.profile);
        write!(f, "{} is valid{profile} for leaf {}", self.account.display(), self.index)?;
        writeln!(f, " after block {}, {}", self.number, self.root_text())?;
        write!(f, "{}", HeldText(self.index, &self.held))?;
        writeln!(f, "under the state root {}, as {} proves:", self.root, self.proof.display())?;
        write!(f, "{}", StatementText(&self.statement))?;
        f.write_str(if self.root_anchored { "" } else { UNANCHORED })
    }
}

impl Report<'_> {
    fn root_text(&self) -> String {
        match (self.root_anchored, self.number == self.statement.block_number) {
            (false, _) => format!("under a state root that is unchecked{}", self.anchor.chain()),
            (true, true) => format!("a block {}", self.anchor),
            (true, false) => format!("before a block {}", self.anchor),
        }
    }
}

impl VerifyAccountArgs {
    /// Runs the command.
    ///
    /// # Errors
    /// If the block proof or the account proof does not hold, or one is not of the other's block.
    pub fn run(&self) -> Result<Outcome, CliError> {
        let account = PositionProof::read(&self.account)?;
        let statement = verify_file(&self.proof, self.profile)?;
        let root = account.check(&statement).map_err(at(&self.account))?;
        let (number, index, held) = account.parts();
        let anchor = self.expect.check_back(&self.proof, &statement, &self.back)?;
        Outcome::of(&Report {
            account: &self.account,
            proof: &self.proof,
            valid: true,
            forgeable: self.profile.forgeable(),
            root_anchored: anchor.reaches(number == statement.block_number),
            anchor,
            number,
            index,
            held,
            root,
            statement,
        })
    }
}

/// Holds an account proof against the two roots of a block, and gives the one that it is under.
///
/// # Errors
/// If it is under neither.
pub fn check_account(
    path: &Path,
    account: &AccountProof,
    statement: &BlockStatement,
) -> Result<Digest, CliError> {
    enfold_verifier::account::check_account(account, statement).map_err(at(path))
}
