//! `enfold sign`: signs a transfer.

use std::fmt;
use std::path::{Path, PathBuf};

use clap::Args;
use enfold_prover::files::Access;
use enfold_state::field::ORDER;
use enfold_state::hash::Digest;
use enfold_state::leaf::{AMOUNT_LIMIT, Address, Asset, LeafIndex, TREE_DEPTH};
use enfold_state::message::Op;
use enfold_state::nonce::{Nonce, NonceKey};
use enfold_state::store::Check;
use enfold_state::transaction::{NO_END, SignedTransaction, Transaction};
use serde::Serialize;

use crate::error::CliError;
use crate::files::write;
use crate::options::{chain_id_parser, clock};
use crate::output::Outcome;
use crate::text::TimeText;
use crate::{key_file, reading, records};

/// Options of `enfold sign`.
#[derive(Debug, Args)]
#[command(after_help = "\
A leaf has two nonces, which count apart: sign with --nonce-key 1 what need not wait for what was
signed with key 0. A transaction with an end can still be executed until a block with a later time
is settled: do not count on its failure before. The id covers the end, and no published data show
it: keep the transaction, or note the end, for receipts.

Examples:
  enfold sign --key alice.json --data state --to 5f3e... --asset 0 --amount 25 --fee 1 --out tx.json
  enfold sign --key alice.json --data state --to 5f3e... --amount 25 --valid-for 600 --nonce-key 1 --out tx.json
  enfold sign --key alice.json --chain-id 1 --from 0 --nonce 3 --to 5f3e... --amount 25 > tx.json")]
pub struct SignArgs {
    /// The sender's key file, as `enfold keygen` writes it; must be readable by its owner only.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Data directory to take the chain id, leaf and nonce from.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["chain_id", "from", "nonce"])]
    data: Option<PathBuf>,
    /// The chain id.
    #[arg(long, value_name = "N", required_unless_present = "data", value_parser = chain_id_parser())]
    chain_id: Option<u64>,
    /// Index of the sender's leaf.
    #[arg(long, value_name = "INDEX", required_unless_present = "data",
          value_parser = clap::value_parser!(u32).range(..1 << TREE_DEPTH))]
    from: Option<u32>,
    /// The leaf's nonce of the nonce key.
    #[arg(long, value_name = "N", required_unless_present = "data")]
    nonce: Option<u32>,
    /// Which of the leaf's two nonces to use.
    #[arg(long, value_name = "0|1", default_value_t = 0, value_parser = clap::value_parser!(u8).range(..=1))]
    nonce_key: u8,
    /// Number of pending transactions of the same leaf and nonce key; with --data, it is added to the nonce.
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
    /// Seconds from now, by this machine's clock, after which the transaction is void [default: no end].
    #[arg(long, value_name = "SECONDS", conflicts_with = "valid_until",
          value_parser = clap::value_parser!(u32).range(1..))]
    valid_for: Option<u32>,
    /// Last second, since 1970, at which a block may have the transaction [default: no end].
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..))]
    valid_until: Option<u32>,
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
            Some(file) => {
                writeln!(f, "transaction {}", self.id)?;
                match self.signed.transaction.valid_until {
                    NO_END => {}
                    last => writeln!(f, "valid until {}", TimeText(last))?,
                }
                writeln!(f, "written to  {}", file.display())
            }
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
        let signer = key_file::read_private(&self.key)?;
        let key = NonceKey::try_from(self.nonce_key).unwrap_or_default();
        let (chain_id, from, nonce) = match &self.data {
            Some(data) => self.look_up(data, signer.address(), key)?,
            // The parser has made sure that all three are there.
            None => (
                self.chain_id.unwrap_or_default(),
                self.from.unwrap_or_default(),
                self.nonce.unwrap_or_default(),
            ),
        };
        let signed = signer.sign_transaction(Transaction {
            op: Op::Transfer,
            chain_id,
            from: LeafIndex(from),
            nonce: Nonce::new(nonce, key),
            to_address: self.to,
            asset: self.asset,
            amount: self.amount,
            fee: self.fee,
            memo: self.memo,
            target: 0,
            valid_until: self.last_second()?,
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

    /// The last second at which a block may have the transaction.
    fn last_second(&self) -> Result<u32, CliError> {
        let Some(seconds) = self.valid_for else { return Ok(self.valid_until.unwrap_or(NO_END)) };
        let last = clock()?.checked_add(seconds).filter(|&last| last != NO_END);
        last.ok_or_else(|| {
            CliError::usage(format!(
                "expected --valid-for to end before second {NO_END}, got {seconds} from now"
            ))
        })
    }

    fn look_up(&self, data: &Path, address: Address, key: NonceKey) -> Result<(u64, u32, u32), CliError> {
        let state = reading::open(data, Check::Sampled)?;
        let ledger = state.ledger();
        let index = reading::find(data, ledger, address, self.asset)?;
        let nonce = ledger.leaf(index).map_or(0, |leaf| leaf.nonces[key as usize]);
        Ok((ledger.chain_id(), index.0, nonce.saturating_add(self.pending)))
    }
}
