//! `enfold ids`: the ids of a block's transactions.

use std::fmt;
use std::path::PathBuf;

use clap::Args;
use enfold_state::block::{Block, BlockData};
use enfold_state::hash::Digest;
use enfold_state::leaf::{Address, Asset, LeafIndex};
use enfold_state::receipt::Search;
use enfold_state::store::{Check, Snapshot};
use enfold_state::transaction::Transaction;
use serde::Serialize;

use super::receipt::data_files;
use crate::error::CliError;
use crate::output::{Outcome, count, grouped};
use crate::{reading, records};

/// Options of `enfold ids`.
#[derive(Debug, Args)]
#[command(after_help = "\
Of a block file, all transactions are listed, valid or not. Of data files, those that were executed: messages carry no
nonce, so nonces are counted back from the data directory's state, for which the data files of all blocks from the
wanted one to the last are needed.

Examples:
  enfold ids chain/block-1.bin
  enfold ids --data state --data-file block-1.proof.data
  enfold ids --data state --data-file proofs --format json")]
pub struct IdsArgs {
    /// A block, binary or JSON.
    #[arg(value_name = "BLOCK", required_unless_present = "data")]
    block: Option<PathBuf>,
    /// The data directory, at a state after the blocks of the data files.
    #[arg(long, value_name = "DIR", conflicts_with = "block", requires = "data_file")]
    data: Option<PathBuf>,
    /// A data file, binary or JSON, or a folder of which all files in .data are taken; may be repeated.
    #[arg(long, value_name = "FILE|DIR", requires = "data")]
    data_file: Vec<PathBuf>,
}

#[derive(Serialize)]
struct Report {
    transactions: Vec<Entry>,
}

#[derive(Serialize)]
struct Entry {
    block: u32,
    id: Digest,
    from: LeafIndex,
    nonce: u32,
    to_address: Address,
    asset: Asset,
    amount: u64,
    fee: u64,
    memo: u64,
}

impl Entry {
    fn of(block: u32, transaction: &Transaction) -> Self {
        let &Transaction { from, nonce, to_address, asset, amount, fee, memo, .. } = transaction;
        Self { block, id: transaction.id(), from, nonce, to_address, asset, amount, fee, memo }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", count(self.transactions.len(), "transaction", "transactions"))?;
        for Entry { block, id, from, nonce, asset, amount, .. } in &self.transactions {
            let amount = grouped(*amount);
            writeln!(f, "{id}  block {block}, leaf {from}, nonce {nonce}: {amount} of asset {asset}")?;
        }
        Ok(())
    }
}

impl IdsArgs {
    /// Runs the command.
    ///
    /// # Errors
    /// If a file cannot be read, or the data are not those of the data directory's last blocks.
    pub fn run(&self) -> Result<Outcome, CliError> {
        let transactions = match (&self.block, &self.data) {
            (Some(path), _) => {
                let block: Block = records::read(path)?;
                let entry = |signed: &_| Entry::of(block.number, signed);
                block.transactions.iter().map(|signed| entry(&signed.transaction)).collect()
            }
            (None, Some(data)) => self.executed(&reading::open(data, Check::Sampled)?)?,
            (None, None) => {
                return Err(CliError::Usage { message: "expected BLOCK or --data DIR".to_owned() });
            }
        };
        Outcome::of(&Report { transactions })
    }

    /// The transactions of the data files, in the order of the blocks.
    fn executed(&self, state: &Snapshot) -> Result<Vec<Entry>, CliError> {
        let files = data_files(&self.data_file)?;
        let mut search = Search::new(state.ledger());
        let last = search.number();
        let mut blocks = Vec::new();
        while let Some(path) = files.get(&search.number()) {
            let data: BlockData = records::read(path)?;
            let found = search
                .transactions(&data)
                .map_err(|source| CliError::Search { path: path.clone(), source: Box::new(source) })?;
            blocks.push(found.iter().map(|(_, tx)| Entry::of(data.number, tx)).collect::<Vec<_>>());
        }
        let number = search.number();
        let older = files.range(..number).next().is_some();
        if blocks.is_empty() || older || files.keys().any(|&number| number > last) {
            let path = state.dir().to_owned();
            return Err(CliError::MissingBlockData { path, number, last });
        }
        Ok(blocks.into_iter().rev().flatten().collect())
    }
}
