//! `enfold import`: carries a real chain's transfers over.

use std::fmt;
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use crate::error::{CliError, at};
use crate::files::write_all;
use crate::import::build::{BlockSummary, Import, LeftOut, Options, Summary, build};
use crate::import::{keys, read_rows};
use crate::options::{GenesisArgs, chain_id_parser};
use crate::output::{Outcome, ReportError, to_value};
use crate::records;
use crate::text::{count, grouped};

/// Options of `enfold import`.
#[derive(Debug, Args)]
#[command(after_help = "\
The file has the columns block, index, kind, from, to, asset, amount. Each address gets a key
derived from the seed, so that the transfers can be signed again; anyone who knows the seed has
all the keys. Several --block options make a chain of blocks on one genesis, in the order given.

Examples:
  enfold import --csv transfers.csv --block 4369999 --out chain
  enfold import --csv transfers.csv --block 116525 --block 3356896 --fee 0 --out chain")]
pub struct ImportArgs {
    /// CSV file with the transfers.
    #[arg(long, value_name = "FILE")]
    csv: PathBuf,
    /// Number of a block in the file; may be repeated.
    #[arg(long = "block", value_name = "B", required = true)]
    blocks: Vec<u64>,
    /// Folder for genesis.bin, block-1.bin, block-2.bin, ... and report.json.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Replace existing files.
    #[arg(long)]
    force: bool,
    /// Seed for the keys.
    #[arg(long, value_name = "SEED", default_value_t = keys::DEFAULT_SEED)]
    seed: u64,
    /// Chain id of the new chain.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = chain_id_parser())]
    chain_id: u64,
    #[command(flatten)]
    genesis: GenesisArgs,
    /// Fee of each transfer, in units of its asset after scaling, and the operator's lowest fee; 0 for no fees.
    #[arg(long, value_name = "N", default_value_t = 1)]
    fee: u64,
}

#[derive(Serialize)]
struct Report<'a> {
    folder: &'a std::path::Path,
    leaves: usize,
    #[serde(flatten)]
    summary: &'a Summary,
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Summary { addresses, assets, blocks, fee, .. } = self.summary;
        let (leaves, addresses) =
            (count(self.leaves, "leaf", "leaves"), count(*addresses, "address", "addresses"));
        writeln!(f, "genesis.bin: {leaves} with balances, for {addresses}")?;
        for block in blocks {
            write_block(f, block)?;
        }
        for asset in assets {
            let transfers = count(asset.transfers, "transfer", "transfers");
            write!(f, "asset {} is {}: {transfers}, ", asset.asset, asset.source)?;
            write!(f, "1 unit = 10^{} base units, supply {}", asset.exponent, grouped(asset.supply))?;
            if asset.rounded > 0 {
                write!(f, ", {} rounded down", count(asset.rounded, "amount", "amounts"))?;
            }
            writeln!(f)?;
            for place in &asset.raised {
                writeln!(
                    f,
                    "  block {} index {}: less than one unit, raised to 1",
                    place.block, place.index
                )?;
            }
        }
        match fee {
            0 => writeln!(f, "no fees")?,
            fee => writeln!(
                f,
                "fee of each transfer: {} units of its asset, to {}",
                grouped(*fee),
                self.summary.collector
            )?,
        }
        writeln!(f, "written to {}", self.folder.display())
    }
}

fn write_block(f: &mut fmt::Formatter<'_>, block: &BlockSummary) -> fmt::Result {
    let BlockSummary { source, number, rows, transfers, left_out } = block;
    write!(f, "block-{number}.bin: {} of {} ", grouped(*transfers as u64), count(*rows, "row", "rows"))?;
    writeln!(f, "of block {source}")?;
    for LeftOut { line, index, kind, reason } in left_out {
        writeln!(f, "  left out: line {line}, index {index}, kind {kind}: {reason}")?;
    }
    Ok(())
}

impl ImportArgs {
    /// Runs the command.
    ///
    /// # Errors
    /// If the file cannot be read or holds no such blocks, or the outputs cannot be written.
    pub fn run(&self) -> Result<Outcome, CliError> {
        let rows = read_rows(&self.csv)?;
        let GenesisArgs { genesis_time, shards } = self.genesis;
        let &Self { ref blocks, seed, chain_id, fee, .. } = self;
        let options = Options { blocks, seed, chain_id, genesis_time, shards, fee };
        let Import { genesis, blocks, summary } = build(&rows, &options).map_err(at(&self.csv))?;
        let report = Report { folder: &self.out, leaves: genesis.leaves.len(), summary: &summary };
        let mut report_file = serde_json::to_vec_pretty(&to_value(&report)?).map_err(ReportError)?;
        report_file.push(b'\n');

        let mut files = vec![("genesis.bin".to_owned(), records::to_binary(&genesis)?)];
        for block in &blocks {
            files.push((format!("block-{}.bin", block.number), records::to_binary(block)?));
        }
        files.push(("report.json".to_owned(), report_file));
        write_all(&self.out, &files, self.force)?;
        Outcome::of(&report)
    }
}
