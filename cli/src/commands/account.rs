//! `enfold account`: makes a file that proves what a leaf or a contract holds.

use std::fmt;
use std::path::{Path, PathBuf};

use clap::Args;
use enfold_state::account_proof::{AccountProof, ContractProof};
use enfold_state::hash::Digest;
use enfold_state::leaf::{Address, Asset, LeafIndex, TREE_DEPTH};
use enfold_state::store::Check;
use serde::Serialize;

use crate::error::CliError;
use crate::options::OutArgs;
use crate::output::Outcome;
use crate::position::{Held, HeldText};
use crate::reading::{self, UnknownLeafError};
use crate::text::grouped;

/// Options of `enfold account`.
#[derive(Debug, Args)]
#[command(after_help = "\
The account proof is for the data directory's current state. Verify it against the proof of the
last block, or of the next one. At an index from 536870912 on there is a contract, and the file is a
contract proof, which is verified likewise.

Examples:
  enfold account --data state --index 7 --out leaf-7.account
  enfold account --data state --address 5f3e... --asset 0 --out alice.account
  enfold verify-account alice.account block-7.proof")]
pub struct AccountArgs {
    /// The data directory.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The index of the leaf, or of the contract.
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
    #[serde(flatten)]
    held: Held,
    root: Digest,
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "leaf {} after block {} of chain {}", self.index, self.number, self.chain_id)?;
        write!(f, "{}", HeldText(self.index, &self.held))?;
        writeln!(f, "state root {}", self.root)?;
        let bytes = grouped(self.bytes as u64);
        writeln!(f, "proof of {bytes} bytes written to {}", self.account.display())
    }
}

impl AccountArgs {
    /// Runs the command.
    ///
    /// # Errors
    /// If the state has no such leaf or contract, or the output cannot be written.
    pub fn run(&self) -> Result<Outcome, CliError> {
        let state = reading::open(&self.data, Check::Sampled)?;
        let ledger = state.ledger();
        let index = match (self.address, self.index) {
            (Some(address), _) => reading::find(&self.data, ledger, address, self.asset)?,
            // The parser has made sure that one of them is there.
            (None, index) => LeafIndex(index.unwrap_or_default()),
        };
        let unknown = || UnknownLeafError::leaf(&self.data, ledger, index);
        let (bytes, held) = match ContractProof::new(ledger, index) {
            Some(proof) => (self.out.write_record(&proof)?, Held::Contract(proof.contract)),
            None => {
                let proof = AccountProof::new(ledger, index).ok_or_else(unknown)?;
                (self.out.write_record(&proof)?, Held::Leaf(proof.leaf))
            }
        };
        Outcome::of(&Report {
            account: self.out.path(),
            bytes,
            chain_id: ledger.chain_id(),
            number: ledger.height(),
            index,
            held,
            root: ledger.root(),
        })
    }
}
