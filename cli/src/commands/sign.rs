//! `enfold sign`: signs a transfer.

use std::fmt;
use std::path::{Path, PathBuf};

use clap::Args;
use enfold_prover::files::Access;
use enfold_state::field::ORDER;
use enfold_state::hash::Digest;
use enfold_state::leaf::{AMOUNT_LIMIT, Address, Asset, LeafIndex, TREE_DEPTH};
use enfold_state::message::Op;
use enfold_state::store::Check;
use enfold_state::transaction::{SignedTransaction, Transaction};
use serde::Serialize;

use crate::error::CliError;
use crate::files::write;
use crate::output::Outcome;
use crate::{key_file, reading, records};

/// Options of `enfold sign`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  enfold sign --key alice.json --data state --to 5f3e... --asset 0 --amount 25 --fee 1 --out tx.json
  enfold sign --key alice.json --chain-id 1 --from 0 --nonce 3 --to 5f3e... --amount 25 > tx.json")]
pub struct SignArgs {
    /// The sender's key file, as `enfold keygen` writes it; must be readable by its owner only.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Data directory to take the chain id, leaf and nonce from.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["chain_id", "from", "nonce"])]
    data: Option<PathBuf>,
    /// The chain id.
    #[arg(long, value_name = "N", required_unless_present = "data")]
    chain_id: Option<u32>,
    /// Index of the sender's leaf.
    #[arg(long, value_name = "INDEX", required_unless_present = "data",
          value_parser = clap::value_parser!(u32).range(..1 << TREE_DEPTH))]
    from: Option<u32>,
    /// The leaf's nonce.
    #[arg(long, value_name = "N", required_unless_present = "data")]
    nonce: Option<u32>,
    /// Number of pending transactions of the same leaf; with --data, it is added to the nonce.
    #[arg(long, value_name = "COUNT", default_value_t = 0, requires = "data")]
    pending: u32,
    /// The receiver's address: 64 hex digits.
    #[arg(long, value_name = "ADDRESS")]
    to: Address,
    /// The asset's number.
    #[arg(long, value_name = "N", default_value_t = 0)]
    asset: Asset,
    /// The amount, in the asset's smallest unit.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..AMOUNT_LIMIT))]
    amount: u64,
    /// The fee, in the same asset.
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u64).range(..AMOUNT_LIMIT))]
    fee: u64,
    /// A number for the receiver to see.
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u64).range(..ORDER))]
    memo: u64,
    /// Output file: JSON if its name ends in .json, else binary. Without it, the transaction is printed.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Replace the file if it exists.
    #[arg(long, requires = "out")]
    force: bool,
}

#[derive(Serialize)]
struct Report<'a> {
    id: Digest,
    signed: &'a SignedTransaction,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a Path>,
    #[serde(skip)]
    text: String,
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.file {
            Some(file) => writeln!(f, "transaction {}\nwritten to  {}", self.id, file.display()),
            None => f.write_str(&self.text),
        }
    }
}

impl SignArgs {
    /// Runs the command.
    ///
    /// # Errors
    /// If the key or the data directory cannot be read, the state has no such leaf, or the output cannot
    /// be written.
    pub fn run(&self) -> Result<Outcome, CliError> {
        let key = key_file::read_private(&self.key)?;
        let address = key.public_key().address();
        let (chain_id, from, nonce) = match &self.data {
            Some(data) => self.look_up(data, address)?,
            // The parser has made sure that all three are there.
            None => (
                self.chain_id.unwrap_or_default(),
                self.from.unwrap_or_default(),
                self.nonce.unwrap_or_default(),
            ),
        };
        let signed = key.sign_transaction(Transaction {
            op: Op::Transfer,
            chain_id,
            from: LeafIndex(from),
            nonce,
            to_address: self.to,
            asset: self.asset,
            amount: self.amount,
            fee: self.fee,
            memo: self.memo,
        });
        if let Some(path) = &self.out {
            write(path, &records::encode_for(path, &signed)?, Access::Public, self.force)?;
        }
        Outcome::of(&Report {
            id: signed.transaction.id(),
            signed: &signed,
            file: self.out.as_deref(),
            text: records::to_json(&signed)?,
        })
    }

    fn look_up(&self, data: &Path, address: Address) -> Result<(u32, u32, u32), CliError> {
        let state = reading::open(data, Check::Sampled)?;
        let ledger = state.ledger();
        let index = reading::find(data, ledger, address, self.asset)?;
        let nonce = ledger.leaf(index).map_or(0, |leaf| leaf.nonce);
        Ok((ledger.chain_id(), index.0, nonce.saturating_add(self.pending)))
    }
}
