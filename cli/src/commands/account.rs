//! `enfold account`: makes a file that proves what a leaf holds.

use std::fmt;
use std::path::{Path, PathBuf};

use clap::Args;
use enfold_state::account_proof::AccountProof;
use enfold_state::hash::Digest;
use enfold_state::leaf::{Address, Asset, Leaf, LeafIndex, TREE_DEPTH};
use enfold_state::store::Check;
use serde::Serialize;

use crate::error::{CliError, Failure};
use crate::options::OutArgs;
use crate::output::Outcome;
use crate::reading;
use crate::text::{LeafText, grouped};

/// Options of `enfold account`.
#[derive(Debug, Args)]
#[command(after_help = "\
The account proof is for the data directory's current state. Verify it against the proof of the
last block, or of the next one.

Examples:
  enfold account --data state --index 7 --out leaf-7.account
  enfold account --data state --address 5f3e... --asset 0 --out alice.account
  enfold verify-account alice.account block-7.proof")]
pub struct AccountArgs {
    /// The data directory.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The leaf's index.
    #[arg(long, value_name = "INDEX", required_unless_present = "address",
          value_parser = clap::value_parser!(u32).range(..1 << TREE_DEPTH))]
    index: Option<u32>,
    /// The owner's address: 64 hex digits.
    #[arg(long, value_name = "ADDRESS", conflicts_with = "index")]
    address: Option<Address>,
    /// With --address: the asset's number.
    #[arg(long, value_name = "N", default_value_t = 0, conflicts_with = "index")]
    asset: Asset,
    #[command(flatten)]
    out: OutArgs,
}

#[derive(Serialize)]
struct Report<'a> {
    account: &'a Path,
    bytes: usize,
    #[serde(with = "enfold_state::wide")]
    chain_id: u64,
    number: u32,
    index: LeafIndex,
    leaf: Leaf,
    root: Digest,
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "leaf {} after block {} of chain {}", self.index, self.number, self.chain_id)?;
        write!(f, "{}", LeafText(&self.leaf))?;
        writeln!(f, "state root {}", self.root)?;
        let bytes = grouped(self.bytes as u64);
        writeln!(f, "proof of {bytes} bytes written to {}", self.account.display())
    }
}

/// A state has no such leaf.
#[derive(Debug, thiserror::Error)]
#[error("{}: expected the index of one of {expected} leaves, got {got}", path.display())]
struct UnknownLeafError {
    path: PathBuf,
    expected: usize,
    got: LeafIndex,
}

impl Failure for UnknownLeafError {
    fn kind(&self) -> &'static str {
        "unknown_account"
    }
}

impl AccountArgs {
    /// Runs the command.
    ///
    /// # Errors
    /// If the state has no such leaf, or the output cannot be written.
    pub fn run(&self) -> Result<Outcome, CliError> {
        let state = reading::open(&self.data, Check::Sampled)?;
        let ledger = state.ledger();
        let index = match (self.address, self.index) {
            (Some(address), _) => reading::find(&self.data, ledger, address, self.asset)?,
            // The parser has made sure that one of them is there.
            (None, index) => LeafIndex(index.unwrap_or_default()),
        };
        let unknown = || UnknownLeafError { path: self.data.clone(), expected: ledger.len(), got: index };
        let proof = AccountProof::new(ledger, index).ok_or_else(unknown)?;
        let bytes = self.out.write_record(&proof)?;
        Outcome::of(&Report {
            account: self.out.path(),
            bytes,
            chain_id: proof.chain_id,
            number: proof.number,
            index,
            leaf: proof.leaf,
            root: ledger.root(),
        })
    }
}
