//! `enfold gen`: generates a genesis and blocks from a seed.

use std::fmt;
use std::path::{Path, PathBuf};

use clap::Args;
use enfold_fixtures::world::{World, WorldSpec};
use enfold_state::leaf::{AMOUNT_LIMIT, TREE_DEPTH};
use serde::Serialize;

use crate::error::{CliError, at};
use crate::files::write_all;
use crate::options::{GenesisArgs, chain_id_parser};
use crate::output::Outcome;
use crate::records;
use crate::text::count;

/// Balance of each generated leaf, unless there are so many that it would not fit.
const BALANCE: u64 = 1_000_000_000_000;

/// Options of `enfold gen`.
#[derive(Debug, Args)]
#[command(after_help = "\
The same options always give the same files. `enfold keygen --gen-account I` with the same seed
gives the key of account I. Fees go to account 0.

Examples:
  enfold gen --accounts 1000 --txs 5000 --skew 1.0 --seed 7 --out chain
  enfold gen --accounts 50 --txs 100 --blocks 3 --invalid-share 0.1 --out chain")]
pub struct GenerateArgs {
    /// Accounts at genesis.
    #[arg(long, value_name = "A", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..1 << TREE_DEPTH))]
    accounts: u32,
    /// Transactions per block.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    txs: u32,
    /// How uneven accounts are as senders and receivers: 0 is uniform, 1 the classical Zipf law.
    #[arg(long, value_name = "S", default_value_t = 0.0, value_parser = skew)]
    skew: f64,
    /// Seed for keys and transactions.
    #[arg(long, value_name = "K", default_value_t = 1)]
    seed: u64,
    /// Number of blocks.
    #[arg(long, value_name = "B", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    blocks: u32,
    /// Chain id.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = chain_id_parser())]
    chain_id: u64,
    #[command(flatten)]
    genesis: GenesisArgs,
    /// Lowest fee; every third transaction offers a little more.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(..=1_000_000))]
    fee: u64,
    /// Share of transfers that go to account 0, from 0 to 1.
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share)]
    hot_share: f64,
    /// Share of transfers that go to a new address, from 0 to 1.
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share)]
    new_share: f64,
    /// Share of transactions that break a rule, from 0 to 1.
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share)]
    invalid_share: f64,
    /// Folder for genesis.bin, block-1.bin, block-2.bin, ...
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Replace existing files.
    #[arg(long)]
    force: bool,
}

/// A number of the command line is out of its range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a number from 0 to {limit}")]
struct NumberError {
    /// The greatest number.
    limit: u32,
}

fn number_up_to(limit: u32, text: &str) -> Result<f64, NumberError> {
    let number = text.parse().ok();
    number.filter(|number| (0.0..=f64::from(limit)).contains(number)).ok_or(NumberError { limit })
}

fn skew(text: &str) -> Result<f64, NumberError> {
    number_up_to(10, text)
}

fn share(text: &str) -> Result<f64, NumberError> {
    number_up_to(1, text)
}

#[derive(Serialize)]
struct Report<'a> {
    folder: &'a Path,
    #[serde(with = "enfold_state::wide")]
    chain_id: u64,
    genesis_time: u32,
    shards: u32,
    seed: u64,
    accounts: u32,
    blocks: Vec<BlockReport>,
}

#[derive(Serialize)]
struct BlockReport {
    number: u32,
    time: u32,
    transactions: usize,
    invalid: usize,
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "genesis.bin: {}", count(self.accounts as usize, "account", "accounts"))?;
        for BlockReport { number, transactions, invalid, .. } in &self.blocks {
            write!(f, "block-{number}.bin: {}", count(*transactions, "transaction", "transactions"))?;
            match invalid {
                0 => writeln!(f)?,
                _ => writeln!(f, ", {invalid} of them invalid")?,
            }
        }
        writeln!(f, "written to {}", self.folder.display())
    }
}

impl GenerateArgs {
    /// Runs the command.
    ///
    /// # Errors
    /// If a block comes out without a valid transaction, or the files cannot be written.
    pub fn run(&self) -> Result<Outcome, CliError> {
        let balance = BALANCE.min((AMOUNT_LIMIT - 1) / u64::from(self.accounts));
        let mut world = World::new(WorldSpec {
            seed: self.seed,
            chain_id: self.chain_id,
            time: self.genesis.genesis_time,
            shards: self.genesis.shards,
            accounts: self.accounts as usize,
            balance,
            skew: self.skew,
            hot_share: self.hot_share,
            new_share: self.new_share,
            fee_floor: self.fee,
            ..WorldSpec::default()
        });
        let mut files = vec![("genesis.bin".to_owned(), records::to_binary(world.genesis())?)];
        let mut blocks = Vec::new();
        for number in 1..=self.blocks {
            let (block, planted) = world.mixed_block(self.txs as usize, self.invalid_share);
            let name = format!("block-{number}.bin");
            world.advance(&block).map_err(at(name.as_ref()))?;
            blocks.push(BlockReport {
                number,
                time: block.time,
                transactions: block.transactions.len(),
                invalid: planted.len(),
            });
            files.push((name, records::to_binary(&block)?));
        }
        write_all(&self.out, &files, self.force)?;
        Outcome::of(&Report {
            folder: &self.out,
            chain_id: self.chain_id,
            genesis_time: self.genesis.genesis_time,
            shards: self.genesis.shards,
            seed: self.seed,
            accounts: self.accounts,
            blocks,
        })
    }
}
