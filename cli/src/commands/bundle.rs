//! `enfold bundle`: puts signed transactions into a block.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::Args;
use enfold_state::block::{Block, FeePolicy};
use enfold_state::leaf::AMOUNT_LIMIT;
use enfold_state::transaction::SignedTransaction;
use serde::Serialize;

use crate::args::OutArgs;
use crate::error::CliError;
use crate::output::{Outcome, count};
use crate::records;

/// Options of `enfold bundle`.
#[derive(Debug, Args)]
#[command(after_help = "\
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
    /// The chain's number [default: the first transaction's].
    #[arg(long, value_name = "N")]
    chain_id: Option<u32>,
    /// A fee policy: asset, least fee, collector's address. Once for each asset in which fees are taken.
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

#[derive(Serialize)]
struct Report<'a> {
    file: &'a Path,
    chain_id: u32,
    number: u32,
    transactions: usize,
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let transactions = count(self.transactions, "transaction", "transactions");
        let Self { number, chain_id, file, .. } = self;
        writeln!(f, "block {number} of chain {chain_id}: {transactions}, written to {}", file.display())
    }
}

impl BundleArgs {
    /// Runs the command. Whether the transactions are valid is not checked: that takes a state.
    ///
    /// # Errors
    /// If a transaction cannot be read or the block cannot be written.
    pub fn run(&self) -> Result<Outcome, CliError> {
        let read = |path: &PathBuf| records::read::<SignedTransaction>(path);
        let transactions = self.transactions.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        let first = transactions.first().map(|signed| signed.transaction.chain_id);
        let block = Block {
            // The parser wants at least one transaction.
            chain_id: self.chain_id.or(first).unwrap_or_default(),
            number: self.number,
            fees: self.fees.iter().map(|fee| fee.0).collect(),
            transactions,
        };
        self.out.write_record(&block)?;
        let Block { chain_id, number, ref transactions, .. } = block;
        Outcome::of(&Report { file: self.out.path(), chain_id, number, transactions: transactions.len() })
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
