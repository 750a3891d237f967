//! `enfold bundle`: puts signed transactions into a block.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::Args;
use enfold_state::block::{Block, FeePolicy};
use enfold_state::leaf::{AMOUNT_LIMIT, LeafIndex};
use enfold_state::nonce::{Nonce, NonceKey};
use enfold_state::transaction::{SignedTransaction, Transaction};
use serde::Serialize;

use crate::error::{CliError, Failure, at};
use crate::options::{OutArgs, chain_id_parser, clock};
use crate::output::Outcome;
use crate::records;
use crate::text::{TimeText, count};

/// Options of `enfold bundle`.
#[derive(Debug, Args)]
#[command(after_help = "\
Transactions of the same leaf and nonce key are sorted by nonce; all others keep their place.
Refused are transactions of another chain or void at the block's time, duplicates, and two with
the same leaf and nonce.

Examples:
  enfold bundle --number 1 tx-1.json tx-2.json --out block-1.bin
  enfold bundle --number 2 --fee 0:1:5f3e... tx-3.json --out block-2.json")]
pub struct BundleArgs {
    /// Signed transactions, as `enfold sign` writes them, in the order of the block.
    #[arg(value_name = "TRANSACTION", required = true)]
    transactions: Vec<PathBuf>,
    /// The block's number: one more than that of the block before; the first block is 1.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    number: u32,
    /// The block's time, in seconds since 1970; not before the block in front [default: this machine's clock].
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..))]
    time: Option<u32>,
    /// The chain's number [default: the first transaction's].
    #[arg(long, value_name = "N", value_parser = chain_id_parser())]
    chain_id: Option<u64>,
    /// A fee policy: the asset, the lowest fee and the collector's address; at most one per asset.
    #[arg(long = "fee", value_name = "ASSET:FLOOR:COLLECTOR")]
    fees: Vec<FeeOption>,
    #[command(flatten)]
    out: OutArgs,
}

/// A fee policy on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FeeOption(FeePolicy);

/// Text that is not a fee policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected ASSET:FLOOR:COLLECTOR, a number below 2^32, one below 2^62 and 64 hex digits")]
struct FeeOptionError;

impl FromStr for FeeOption {
    type Err = FeeOptionError;

    fn from_str(text: &str) -> Result<Self, FeeOptionError> {
        let mut parts = text.splitn(3, ':');
        let mut part = || parts.next().ok_or(FeeOptionError);
        Ok(Self(FeePolicy {
            asset: part()?.parse().map_err(|_| FeeOptionError)?,
            floor: part()?.parse().ok().filter(|&floor| floor < AMOUNT_LIMIT).ok_or(FeeOptionError)?,
            collector: part()?.parse().map_err(|_| FeeOptionError)?,
        }))
    }
}

/// Transactions that cannot be in one block.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// One is of another chain.
    #[error("expected a transaction of chain {expected}, got chain {got}")]
    ChainId {
        /// The block's.
        expected: u64,
        /// The transaction's.
        got: u64,
    },
    /// One is void at the block's time.
    #[error(
        "expected a transaction that is valid until {expected}, the block's time, or later, got one until {got}"
    )]
    Expired {
        /// The block's time.
        expected: u32,
        /// The transaction's last second.
        got: u32,
    },
    /// One is there twice.
    #[error("the same transaction as in {}", other.display())]
    Twice {
        /// The other's file.
        other: PathBuf,
    },
    /// Two are of one leaf and nonce, of which one at most is valid.
    #[error("the same leaf {from} and nonce {nonce} as in {}", other.display())]
    Nonce {
        /// The other's file.
        other: PathBuf,
        /// The leaf.
        from: LeafIndex,
        /// The nonce.
        nonce: Nonce,
    },
}

impl Failure for BundleError {
    fn kind(&self) -> &'static str {
        match self {
            Self::ChainId { .. } => "wrong_chain_id",
            Self::Expired { .. } | Self::Twice { .. } | Self::Nonce { .. } => "bundle",
        }
    }
}

#[derive(Serialize)]
struct Report<'a> {
    file: &'a Path,
    #[serde(with = "enfold_state::wide")]
    chain_id: u64,
    number: u32,
    time: u32,
    transactions: usize,
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let transactions = count(self.transactions, "transaction", "transactions");
        let &Self { number, chain_id, time, file, .. } = self;
        writeln!(f, "block {number} of chain {chain_id}: {transactions}, written to {}", file.display())?;
        writeln!(f, "time {}", TimeText(time))
    }
}

impl BundleArgs {
    /// Runs the command. Whether the transactions are valid is not checked: that takes a state.
    ///
    /// # Errors
    /// If a transaction cannot be read, they cannot all be in one block, or the block cannot be written.
    pub fn run(&self) -> Result<Outcome, CliError> {
        let read = |path: &PathBuf| records::read::<SignedTransaction>(path);
        let mut transactions = self.transactions.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        let first = transactions.first().map(|signed| signed.transaction.chain_id);
        // The parser wants at least one transaction.
        let chain_id = self.chain_id.or(first).unwrap_or_default();
        let time = self.time.map_or_else(clock, Ok)?;
        self.check(chain_id, time, &transactions)?;
        sort_nonces(&mut transactions);
        let fees = self.fees()?;
        let block = Block { chain_id, number: self.number, time, fees, transactions };
        self.out.write_record(&block)?;
        let Block { chain_id, number, ref transactions, .. } = block;
        let transactions = transactions.len();
        Outcome::of(&Report { file: self.out.path(), chain_id, number, time, transactions })
    }
}

impl BundleArgs {
    /// Refuses transactions that cannot be in one block together.
    fn check(&self, chain_id: u64, time: u32, transactions: &[SignedTransaction]) -> Result<(), CliError> {
        let mut places = BTreeMap::new();
        for (path, signed) in self.transactions.iter().zip(transactions) {
            let tx = &signed.transaction;
            let refuse = at(path);
            if tx.chain_id != chain_id {
                return Err(refuse(BundleError::ChainId { expected: chain_id, got: tx.chain_id }));
            }
            if tx.valid_until < time {
                return Err(refuse(BundleError::Expired { expected: time, got: tx.valid_until }));
            }
            if let Some((other, id)) = places.insert((tx.from, tx.nonce), (path, tx.id())) {
                let other = other.clone();
                return Err(refuse(if id == tx.id() {
                    BundleError::Twice { other }
                } else {
                    BundleError::Nonce { other, from: tx.from, nonce: tx.nonce }
                }));
            }
        }
        Ok(())
    }

    fn fees(&self) -> Result<Vec<FeePolicy>, CliError> {
        let mut fees: Vec<FeePolicy> = Vec::new();
        for &FeeOption(policy) in &self.fees {
            if fees.iter().any(|other| other.asset == policy.asset) {
                let message = format!("expected one --fee per asset, got two for asset {}", policy.asset);
                return Err(CliError::usage(message));
            }
            fees.push(policy);
        }
        Ok(fees)
    }
}

/// Puts each leaf's transactions of one nonce key into the order of their nonces, in the places that they have.
fn sort_nonces(transactions: &mut [SignedTransaction]) {
    let mut places: BTreeMap<(LeafIndex, NonceKey), Vec<usize>> = BTreeMap::new();
    for (place, signed) in transactions.iter().enumerate() {
        let Transaction { from, nonce, .. } = signed.transaction;
        places.entry((from, nonce.key())).or_default().push(place);
    }
    for places in places.into_values() {
        let mut of_leaf: Vec<_> = places.iter().map(|&place| transactions[place]).collect();
        of_leaf.sort_by_key(|signed| signed.transaction.nonce);
        places.into_iter().zip(of_leaf).for_each(|(place, signed)| transactions[place] = signed);
    }
}

#[cfg(test)]
mod tests {
    use super::FeeOption;

    #[test]
    fn a_fee_policy_has_three_parts_in_range() {
        let collector = "0".repeat(63) + "7";
        let option: FeeOption = format!("3:10:{collector}").parse().unwrap();
        assert_eq!((option.0.asset, option.0.floor), (3, 10));
        assert_eq!(option.0.collector.to_string(), collector);
        for wrong in ["", "3", "3:10", "x:10:0", "3:-1:0", "3:4611686018427387904:0", "3:10:0:0"] {
            let text = wrong.replace(":0", &format!(":{collector}"));
            assert!(text.parse::<FeeOption>().is_err(), "{text}");
        }
    }
}
