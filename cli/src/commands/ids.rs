//! `enfold ids`: the ids of a block's transactions.

use std::fmt;
use std::path::PathBuf;

use clap::Args;
use enfold_state::block::Block;
use enfold_state::hash::Digest;
use enfold_state::leaf::{Address, Asset, LeafIndex};
use enfold_state::nonce::Nonce;
use enfold_state::store::{Check, Snapshot};
use enfold_state::transaction::Transaction;
use serde::Serialize;

use crate::error::CliError;
use crate::output::Outcome;
use crate::text::{count, grouped};
use crate::walk::{BesideArgs, Compared, DataFiles, Step, Walk, WalkError};
use crate::{reading, records};

/// Options of `enfold ids`.
#[derive(Debug, Args)]
#[command(after_help = "\
Of a block file, every transaction is listed, valid or not; of data files, those that were
executed. Messages carry no nonce, so nonces are counted back from the state in the data
directory: give the data files of all blocks from the wanted one to the last. If the proof is
beside its data file (block-1.proof beside block-1.proof.data), it is verified with --profile, and
must have the same E and the roots of the data directory. Blocks without a proof are listed as not
compared: if one of their data files is wrong, so are the nonces and ids. Data do not show how
long a transaction was valid: of one that was signed with an end, another id is listed than its own.

Examples:
  enfold ids chain/block-1.bin
  enfold ids --data state --data-file block-1.proof.data
  enfold ids --data state --data-file proofs --format json")]
pub struct IdsArgs {
    /// A block, binary or JSON.
    #[arg(value_name = "BLOCK", required_unless_present = "data")]
    block: Option<PathBuf>,
    /// The data directory, whose state is after the blocks of the data files.
    #[arg(long, value_name = "DIR", conflicts_with = "block", requires = "data_file")]
    data: Option<PathBuf>,
    /// A data file, binary or JSON, or a folder whose .data files are all read; may be repeated.
    #[arg(long, value_name = "FILE|DIR", requires = "data")]
    data_file: Vec<PathBuf>,
    #[command(flatten)]
    beside: BesideArgs,
}

#[derive(Serialize)]
struct Report {
    transactions: Vec<Entry>,
    /// What the data files were held against; nothing of a block file, whose transactions need not be executed.
    #[serde(flatten)]
    compared: Option<Compared>,
}

#[derive(Serialize)]
struct Entry {
    block: u32,
    id: Digest,
    from: LeafIndex,
    nonce: Nonce,
    to_address: Address,
    asset: Asset,
    amount: u64,
    fee: u64,
    memo: u64,
    /// Of transactions in data files it is not known: their id is that of one without an end.
    valid_until: u32,
}

impl Entry {
    fn of(block: u32, transaction: &Transaction) -> Self {
        let &Transaction { from, nonce, to_address, asset, amount, fee, memo, valid_until, .. } = transaction;
        Self { block, id: transaction.id(), from, nonce, to_address, asset, amount, fee, memo, valid_until }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", count(self.transactions.len(), "transaction", "transactions"))?;
        for Entry { block, id, from, nonce, asset, amount, .. } in &self.transactions {
            let amount = grouped(*amount);
            writeln!(f, "{id}  block {block}, leaf {from}, nonce {nonce}: {amount} of asset {asset}")?;
        }
        match &self.compared {
            Some(compared) => write!(f, "{compared}"),
            None => Ok(()),
        }
    }
}

impl IdsArgs {
    /// Runs the command.
    ///
    /// # Errors
    /// If a file cannot be read, or the data are not those of the data directory's last blocks.
    pub fn run(&self) -> Result<Outcome, CliError> {
        let report = match (&self.block, &self.data) {
            (Some(path), _) => {
                let block: Block = records::read(path)?;
                let entry = |signed: &_| Entry::of(block.number, signed);
                let transactions =
                    block.transactions.iter().map(|signed| entry(&signed.transaction)).collect();
                Report { transactions, compared: None }
            }
            (None, Some(data)) => self.executed(&reading::open(data, Check::Sampled)?)?,
            (None, None) => {
                return Err(CliError::usage("expected BLOCK or --data DIR"));
            }
        };
        Outcome::of(&report)
    }

    /// The transactions of the data files, in the order of the blocks.
    fn executed(&self, state: &Snapshot) -> Result<Report, CliError> {
        let files = DataFiles::read(&self.data_file)?;
        let mut walk = Walk::new(state, &files, self.beside.profile)?;
        let last = walk.number();
        let mut blocks = Vec::new();
        while let Some(Step { file, transactions, .. }) = walk.back()? {
            let number = file.data.number;
            blocks.push(transactions.iter().map(|(_, tx)| Entry::of(number, tx)).collect::<Vec<_>>());
        }
        let number = walk.number();
        if blocks.is_empty() || files.any_before(number) {
            let path = state.dir().to_owned();
            return Err(WalkError::Missing { path, number, last }.into());
        }
        let transactions = blocks.into_iter().rev().flatten().collect();
        Ok(Report { transactions, compared: Some(walk.compared()) })
    }
}
