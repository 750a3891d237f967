//! The state that a genesis starts: what it may hold, and that no money of it is counted twice or not at all.

use std::collections::{HashMap, HashSet};

use crate::block::{Genesis, GenesisLeaf};
use crate::contents::Contents;
use crate::leaf::{
    ACCOUNT_SHARDS, AMOUNT_LIMIT, Address, Asset, Leaf, LeafIndex, MAX_ACCOUNTS, MAX_CONTRACTS, NATIVE_ASSETS,
};
use crate::ranges::{is_chain_id, is_shards};
use crate::record::{Amount, RecordError};
use crate::shards::Shards;

/// A genesis that no chain can start with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GenesisError {
    /// A chain id that is 0 or not below `2^63`.
    #[error("genesis: expected a chain id of 1 to 2^63 - 1, got {got}")]
    ChainId {
        /// The chain id.
        got: u64,
    },
    /// No time: with 0 a transaction of another protocol's version could be valid.
    #[error("genesis: expected a time of at least 1, got 0")]
    Time,
    /// Not a power of two up to 32.
    #[error("genesis: expected 1, 2, 4, 8, 16 or 32 shards, got {got}")]
    Shards {
        /// The number.
        got: u32,
    },
    /// An asset that only a contract issues, in a leaf or among what a contract holds.
    #[error(
        "genesis leaf {index}: expected an asset below 2^31, or one that a contract of the genesis issues, got {got}"
    )]
    Asset {
        /// The leaf, or the contract.
        index: LeafIndex,
        /// The asset.
        got: Asset,
    },
    /// More leaves than the tree holds of accounts.
    #[error("genesis: expected at most {expected} leaves, got {got}")]
    TooManyLeaves {
        /// The tree's size.
        expected: usize,
        /// Entries of the genesis.
        got: usize,
    },
    /// More contracts than the tree holds.
    #[error("genesis: expected at most {expected} contracts, got {got}")]
    TooManyContracts {
        /// The tree's size.
        expected: usize,
        /// Entries of the genesis.
        got: usize,
    },
    /// Two leaves of one owner and asset.
    #[error(
        "genesis leaf {got}: expected one leaf for each address and asset, but leaf {first} has {address} and asset {asset} too"
    )]
    DuplicateLeaf {
        /// The owner.
        address: Address,
        /// The asset.
        asset: Asset,
        /// The first of the two.
        first: LeafIndex,
        /// The second.
        got: LeafIndex,
    },
    /// The balances of an asset, with what contracts hold of it, sum to 2^62 or more. Below that no balance can ever leave its
    /// range.
    #[error("genesis leaf {index}: expected the supply of asset {asset} to stay below 2^62, got {got}")]
    Supply {
        /// The asset.
        asset: Asset,
        /// The leaf, or the contract, with which the sum leaves its range.
        index: LeafIndex,
        /// The sum up to and with that leaf.
        got: u64,
    },
    /// A record that cannot stand where it is to.
    #[error("genesis contract {index}: {source}")]
    Contract {
        /// The contract.
        index: LeafIndex,
        /// What is wrong.
        source: Box<RecordError>,
    },
    /// A contract that was changed after the genesis.
    #[error(
        "genesis contract {index}: expected to be changed by block 0 at a time of at most {expected}, got block {number} at {time}"
    )]
    Touched {
        /// The contract.
        index: LeafIndex,
        /// The time of the genesis.
        expected: u32,
        /// The number in the record.
        number: u32,
        /// The time in the record.
        time: u32,
    },
    /// There is more or less of what a contract issues than its record says.
    #[error(
        "genesis contract {index}: expected {expected} of its asset {asset} in leaves and holdings, by its record, got {got}"
    )]
    Issued {
        /// The contract.
        index: LeafIndex,
        /// The asset that it issues.
        asset: Asset,
        /// How much the contract has issued.
        expected: u64,
        /// How much there is.
        got: u64,
    },
}

/// What stands in the tree of a genesis: entry `i` of its leaves is leaf `i`, and entry `i` of its contracts is contract `i`.
pub(super) fn contents(genesis: &Genesis) -> Result<Contents, GenesisError> {
    check_numbers(genesis)?;
    let mut money = Money::new(genesis)?;
    let mut seen = HashMap::with_capacity(genesis.leaves.len());
    let mut leaves = Vec::with_capacity(genesis.leaves.len());
    for (index, &GenesisLeaf { address, asset, balance }) in (0..).map(LeafIndex).zip(&genesis.leaves) {
        if let Some(first) = seen.insert((address, asset), index) {
            return Err(GenesisError::DuplicateLeaf { address, asset, first, got: index });
        }
        money.add(index, (asset, balance))?;
        leaves.push(Leaf { balance, ..Leaf::new(address, asset) });
    }
    for (number, record) in (0..).zip(&genesis.contracts) {
        let index = LeafIndex::of_contract(number);
        record.holdings().into_iter().try_for_each(|amount| money.add(index, amount))?;
    }
    money.check_issued()?;
    let records = Shards::dense_from(ACCOUNT_SHARDS, genesis.contracts.clone());
    Ok(Contents::new(Shards::dense(leaves), records))
}

fn check_numbers(genesis: &Genesis) -> Result<(), GenesisError> {
    if !is_chain_id(genesis.chain_id) {
        return Err(GenesisError::ChainId { got: genesis.chain_id });
    }
    if genesis.time == 0 {
        return Err(GenesisError::Time);
    }
    if !is_shards(genesis.shards) {
        return Err(GenesisError::Shards { got: genesis.shards });
    }
    if genesis.leaves.len() > MAX_ACCOUNTS {
        return Err(GenesisError::TooManyLeaves { expected: MAX_ACCOUNTS, got: genesis.leaves.len() });
    }
    if genesis.contracts.len() > MAX_CONTRACTS {
        return Err(GenesisError::TooManyContracts { expected: MAX_CONTRACTS, got: genesis.contracts.len() });
    }
    Ok(())
}

/// The money of a genesis.
#[derive(Default)]
struct Money {
    /// How much there is of each asset, in leaves and in what contracts hold.
    supplies: HashMap<Asset, u64>,
    /// What contracts say to have issued, in their order.
    issued: Vec<(LeafIndex, Amount)>,
    /// The assets among it.
    assets: HashSet<Asset>,
}

impl Money {
    /// What contracts issue, nothing counted yet. Checks the contracts' records.
    fn new(genesis: &Genesis) -> Result<Self, GenesisError> {
        let mut money = Self::default();
        for (contract, record) in (0..).zip(&genesis.contracts) {
            let index = LeafIndex::of_contract(contract);
            record
                .check_at(index)
                .map_err(|source| GenesisError::Contract { index, source: Box::new(source) })?;
            let (time, number) = record.touched();
            if number != 0 || time > genesis.time {
                return Err(GenesisError::Touched { index, expected: genesis.time, number, time });
            }
            if let Some(amount) = record.issued(contract) {
                money.issued.push((index, amount));
                money.assets.insert(amount.0);
            }
        }
        Ok(money)
    }

    /// Counts what a leaf or a contract holds.
    fn add(&mut self, index: LeafIndex, (asset, amount): Amount) -> Result<(), GenesisError> {
        if asset >= NATIVE_ASSETS && !self.assets.contains(&asset) {
            return Err(GenesisError::Asset { index, got: asset });
        }
        let supply = self.supplies.entry(asset).or_default();
        *supply = supply.saturating_add(amount);
        if *supply >= AMOUNT_LIMIT {
            return Err(GenesisError::Supply { asset, index, got: *supply });
        }
        Ok(())
    }

    /// There is as much of each issued asset as its contract has issued.
    fn check_issued(&self) -> Result<(), GenesisError> {
        for &(index, (asset, expected)) in &self.issued {
            let got = self.supplies.get(&asset).copied().unwrap_or_default();
            if got != expected {
                return Err(GenesisError::Issued { index, asset, expected, got });
            }
        }
        Ok(())
    }
}
