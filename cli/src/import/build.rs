//! From rows to a genesis and a chain of blocks in which every transfer is valid.
//!
//! All income of a block is spendable from the next block on, so each sender's leaf starts with the sum
//! of all its debits, fees included. Receivers' leaves come into being when they are first credited.

use std::collections::HashMap;

use enfold_state::block::{Block, FeePolicy, Genesis, GenesisLeaf};
use enfold_state::keys::SecretKey;
use enfold_state::leaf::{Address, Asset, LeafIndex};
use enfold_state::message::Op;
use enfold_state::nonce::{Nonce, NonceKey};
use enfold_state::transaction::{NO_END, Transaction};
use num_bigint::BigUint;
use rayon::prelude::*;
use serde::Serialize;

use super::keys::{Purpose, derive};
use super::rows::{Content, ForeignAddress, ForeignTransfer, Row};
use super::scale::{Rounding, ScaleError, scale};
use crate::error::Failure;
use crate::options::BLOCK_SECONDS;
use crate::text::count;

/// What the import is to make.
#[derive(Clone, Copy, Debug)]
pub struct Options<'a> {
    /// The foreign blocks, in the order in which they become blocks 1, 2, ...
    pub blocks: &'a [u64],
    /// Seed of the keys.
    pub seed: u64,
    /// Number of the new chain.
    pub chain_id: u64,
    /// Time of its genesis, in seconds since 1970.
    pub genesis_time: u32,
    /// How many shards its new accounts are spread over.
    pub shards: u32,
    /// Fee of each transfer, in units of its asset after scaling; also the floor.
    pub fee: u64,
}

/// The new chain.
#[derive(Clone, Debug)]
pub struct Import {
    /// Its genesis.
    pub genesis: Genesis,
    /// Its blocks, from number 1 on.
    pub blocks: Vec<Block>,
    /// What was done to get there.
    pub summary: Summary,
}

/// What was done to the foreign blocks.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// Number of the new chain.
    #[serde(with = "enfold_state::wide")]
    pub chain_id: u64,
    /// Time of its genesis, in seconds since 1970.
    pub genesis_time: u32,
    /// How many shards its new accounts are spread over.
    pub shards: u32,
    /// Seed of the keys.
    pub seed: u64,
    /// Fee of each transfer, in units of its asset after scaling.
    pub fee: u64,
    /// Who collects the fees.
    pub collector: Address,
    /// Foreign addresses that pay or are paid.
    pub addresses: usize,
    /// The assets, by their number.
    pub assets: Vec<AssetSummary>,
    /// The blocks, by their number.
    pub blocks: Vec<BlockSummary>,
}

/// What became of an asset.
#[derive(Clone, Debug, Serialize)]
pub struct AssetSummary {
    /// Its number on the new chain.
    pub asset: Asset,
    /// `ETH` or the token's address.
    pub source: String,
    /// One unit on the new chain is `10^exponent` base units.
    pub exponent: u32,
    /// Transfers of it.
    pub transfers: usize,
    /// Transfers whose amount was not a multiple of the unit, and was rounded down.
    pub rounded: usize,
    /// Transfers whose amount was less than one unit, and was raised to one.
    pub raised: Vec<Place>,
    /// Sum of the genesis balances.
    pub supply: u64,
}

/// A row of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The foreign block.
    pub block: u64,
    /// Position in it.
    pub index: u64,
}

/// What became of a block.
#[derive(Clone, Debug, Serialize)]
pub struct BlockSummary {
    /// The foreign block.
    pub source: u64,
    /// Its number on the new chain.
    pub number: u32,
    /// Its rows.
    pub rows: usize,
    /// Rows that became transfers.
    pub transfers: usize,
    /// The rows that could not be carried over.
    pub left_out: Vec<LeftOut>,
}

/// A row that could not be carried over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// Its line in the file, counted from 1.
    pub line: u64,
    /// Position in the foreign block.
    pub index: u64,
    /// Its kind.
    pub kind: String,
    /// Why.
    pub reason: &'static str,
}

/// The rows do not make a chain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// No row has this block number.
    #[error("no rows of block {block}")]
    NoSuchBlock {
        /// The foreign block.
        block: u64,
    },
    /// A block is named twice.
    #[error("block {block} is given twice")]
    RepeatedBlock {
        /// The foreign block.
        block: u64,
    },
    /// Nothing of a block can be carried over.
    #[error("block {block}: no transfer can be imported from its {}", count(*rows, "row", "rows"))]
    NothingToCarry {
        /// The foreign block.
        block: u64,
        /// Its rows.
        rows: usize,
    },
    /// The fees do not fit.
    #[error("asset {asset}: {source}")]
    Scale {
        /// `ETH` or the token's address.
        asset: String,
        /// Why.
        source: ScaleError,
    },
}

impl Failure for ImportError {
    fn kind(&self) -> &'static str {
        "import"
    }
}

/// A transfer with its place, its asset's number, and its amount after scaling.
struct Carried<'a> {
    place: Place,
    transfer: &'a ForeignTransfer,
    asset: Asset,
    units: u64,
}

/// Makes the chain.
///
/// # Errors
/// If a block has no rows, is named twice, or has nothing that can be carried over, or the fees do not
/// fit.
pub fn build(rows: &[Row], options: &Options<'_>) -> Result<Import, ImportError> {
    let mut carried = Vec::new();
    let mut blocks = Vec::new();
    for (number, &source) in (1..).zip(options.blocks) {
        if options.blocks[..blocks.len()].contains(&source) {
            return Err(ImportError::RepeatedBlock { block: source });
        }
        let (summary, transfers) = sort_out(rows, source, number)?;
        blocks.push(summary);
        carried.push(transfers);
    }
    let assets = scale_assets(&mut carried, options.fee)?;
    let keys = derive_keys(&carried, options.seed);
    let collector = derive(options.seed, Purpose::Collector).address();
    let (genesis, lanes) = fund(&carried, &keys, options);
    let blocks_made = sign(&carried, &keys, lanes, collector, options);
    let Options { seed, chain_id, genesis_time, shards, fee, .. } = *options;
    let addresses = keys.len();
    let summary = Summary { chain_id, genesis_time, shards, seed, fee, collector, addresses, assets, blocks };
    Ok(Import { genesis, blocks: blocks_made, summary })
}

/// Splits a foreign block's rows into transfers, in their order, and what is left out.
fn sort_out(rows: &[Row], source: u64, number: u32) -> Result<(BlockSummary, Vec<Carried<'_>>), ImportError> {
    let mut rows: Vec<&Row> = rows.iter().filter(|row| row.block == source).collect();
    if rows.is_empty() {
        return Err(ImportError::NoSuchBlock { block: source });
    }
    rows.sort_by_key(|row| row.index);
    let mut left_out = Vec::new();
    let mut leave_out = |row: &Row, kind: &str, reason| {
        left_out.push(LeftOut { line: row.line, index: row.index, kind: kind.to_owned(), reason });
    };
    let mut transfers = Vec::new();
    for row in &rows {
        let place = Place { block: source, index: row.index };
        match &row.content {
            Content::Transfer(transfer) if transfer.amount.bits() > 0 => {
                transfers.push(Carried { place, transfer, asset: 0, units: 0 });
            }
            Content::Transfer(_) => leave_out(row, "transfer", "a transaction's amount is at least 1"),
            Content::Other(kind) => leave_out(row, kind, "only rows of kind transfer are imported"),
        }
    }
    if transfers.is_empty() {
        return Err(ImportError::NothingToCarry { block: source, rows: rows.len() });
    }
    let (rows, transfers_count) = (rows.len(), transfers.len());
    Ok((BlockSummary { source, number, rows, transfers: transfers_count, left_out }, transfers))
}

/// Numbers the assets by their first appearance and scales all their amounts alike.
fn scale_assets(blocks: &mut [Vec<Carried<'_>>], fee: u64) -> Result<Vec<AssetSummary>, ImportError> {
    let mut numbers: HashMap<&str, usize> = HashMap::new();
    let mut by_asset: Vec<Vec<&mut Carried<'_>>> = Vec::new();
    for carried in blocks.iter_mut().flatten() {
        let number = *numbers.entry(&carried.transfer.asset).or_insert(by_asset.len());
        if number == by_asset.len() {
            by_asset.push(Vec::new());
        }
        by_asset[number].push(carried);
    }
    let mut summaries = Vec::with_capacity(by_asset.len());
    for (asset, members) in (0..).zip(by_asset) {
        let source = members[0].transfer.asset.clone();
        let amounts: Vec<&BigUint> = members.iter().map(|carried| &carried.transfer.amount).collect();
        let scaled = scale(&amounts, fee)
            .map_err(|error| ImportError::Scale { asset: source.clone(), source: error })?;
        let mut summary = AssetSummary {
            asset,
            source,
            exponent: scaled.exponent,
            transfers: members.len(),
            rounded: 0,
            raised: Vec::new(),
            supply: scaled.supply,
        };
        for ((carried, units), rounding) in members.into_iter().zip(scaled.amounts).zip(scaled.rounding) {
            (carried.asset, carried.units) = (asset, units);
            match rounding {
                Rounding::Exact => {}
                Rounding::Down => summary.rounded += 1,
                Rounding::Raised => summary.raised.push(carried.place),
            }
        }
        summaries.push(summary);
    }
    Ok(summaries)
}

/// The secret key and address of every foreign address.
fn derive_keys(blocks: &[Vec<Carried<'_>>], seed: u64) -> HashMap<ForeignAddress, (SecretKey, Address)> {
    let mut owners: Vec<ForeignAddress> =
        blocks.iter().flatten().flat_map(|carried| [carried.transfer.from, carried.transfer.to]).collect();
    owners.sort_unstable();
    owners.dedup();
    owners
        .into_par_iter()
        .map(|owner| {
            let key = derive(seed, Purpose::Owner(owner));
            let address = key.address();
            (owner, (key, address))
        })
        .collect()
}

/// A sender's leaf while its transactions are made.
struct Lane {
    index: LeafIndex,
    nonce: u32,
}

/// The leaves of all senders, funded, in the order of their first appearance.
fn fund(
    blocks: &[Vec<Carried<'_>>],
    keys: &HashMap<ForeignAddress, (SecretKey, Address)>,
    options: &Options<'_>,
) -> (Genesis, HashMap<(ForeignAddress, Asset), Lane>) {
    let mut lanes: HashMap<(ForeignAddress, Asset), Lane> = HashMap::new();
    let mut leaves: Vec<GenesisLeaf> = Vec::new();
    for carried in blocks.iter().flatten() {
        let owner = carried.transfer.from;
        let lane = lanes.entry((owner, carried.asset)).or_insert_with(|| {
            let index = LeafIndex(leaves.len() as u32);
            leaves.push(GenesisLeaf { address: keys[&owner].1, asset: carried.asset, balance: 0 });
            Lane { index, nonce: 0 }
        });
        // Scaling has made sure that the sum over all leaves of an asset stays below 2^62.
        leaves[lane.index.0 as usize].balance += carried.units + options.fee;
    }
    let Options { chain_id, genesis_time: time, shards, .. } = *options;
    (Genesis { chain_id, time, shards, leaves, contracts: vec![] }, lanes)
}

fn sign(
    blocks: &[Vec<Carried<'_>>],
    keys: &HashMap<ForeignAddress, (SecretKey, Address)>,
    mut lanes: HashMap<(ForeignAddress, Asset), Lane>,
    collector: Address,
    options: &Options<'_>,
) -> Vec<Block> {
    let chain_id = options.chain_id;
    let mut made = Vec::with_capacity(blocks.len());
    for (number, carried) in (1..).zip(blocks) {
        let mut assets: Vec<Asset> = carried.iter().map(|carried| carried.asset).collect();
        assets.sort_unstable();
        assets.dedup();
        let policy = |asset| FeePolicy { asset, floor: options.fee, collector };
        let fees = assets.into_iter().filter(|_| options.fee > 0).map(policy).collect();
        let mut unsigned = Vec::with_capacity(carried.len());
        for Carried { transfer, asset, units, .. } in carried {
            let Some(lane) = lanes.get_mut(&(transfer.from, *asset)) else {
                unreachable!("every sender was funded")
            };
            let transaction = Transaction {
                op: Op::Transfer,
                chain_id,
                from: lane.index,
                nonce: Nonce::new(lane.nonce, NonceKey::First),
                to_address: keys[&transfer.to].1,
                asset: *asset,
                amount: *units,
                fee: options.fee,
                memo: 0,
                target: 0,
                valid_until: NO_END,
            };
            lane.nonce += 1;
            unsigned.push((transaction, &keys[&transfer.from].0));
        }
        let transactions = unsigned.into_par_iter().map(|(tx, key)| key.sign_transaction(tx)).collect();
        let time = options.genesis_time + BLOCK_SECONDS * number;
        made.push(Block { chain_id, number, time, fees, transactions });
    }
    made
}
