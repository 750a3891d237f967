//! Leaves of the state tree and the numbers in them.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::field::{F, from_u32, reduce};
use crate::hash::batch::hashes_into;
use crate::hash::{Digest, Tag, hash};

/// Levels of the state tree: 2^30 leaves.
pub const TREE_DEPTH: usize = 30;

/// Levels of a shard: `2^24` leaves.
pub const SHARD_DEPTH: usize = 24;

/// Shards of the state tree.
pub const SHARDS: usize = 1 << (TREE_DEPTH - SHARD_DEPTH);

/// Amounts, fees, balances and each asset's supply stay below `2^AMOUNT_BITS`, so that no sum of a
/// balance, an amount and a fee wraps the field.
pub const AMOUNT_BITS: usize = 62;

/// The bound on amounts, exclusive.
pub const AMOUNT_LIMIT: u64 = 1 << AMOUNT_BITS;

/// Whose leaf it is: the hash of public key and L1 owner, see [`crate::keys`].
pub type Address = Digest;

/// An asset's number.
pub type Asset = u32;

/// Shards that account leaves are in: the lower half. The others are for contracts and their objects.
pub const ACCOUNT_SHARDS: usize = SHARDS / 2;

/// An asset's number that a genesis or a deposit may name is below this; those above are issued by contracts.
pub const NATIVE_ASSETS: Asset = 1 << 31;

/// Assets of contracts are below this; those from here on are restricted to their issuers' calls. Two assets below it in
/// one element have one reading.
pub const RESTRICTED_ASSETS: Asset = 3 << 30;

/// Leaves of accounts that a state can hold: the positions of the lower shards, below the contracts'.
pub const MAX_ACCOUNTS: usize = ACCOUNT_SHARDS << SHARD_DEPTH;

/// Contracts and objects that it can hold.
pub const MAX_CONTRACTS: usize = (SHARDS - ACCOUNT_SHARDS) << SHARD_DEPTH;

/// Asset 0 or 1 of those that the contract with this number, below [`MAX_CONTRACTS`], issues.
pub const fn issued_asset(contract: u32, which: u32) -> Asset {
    NATIVE_ASSETS + 2 * contract + which
}

/// The position of a leaf in the state tree, below `2^TREE_DEPTH`: the number of its shard above [`SHARD_DEPTH`] bits of
/// the position in the shard. Positions are dense in each shard: a new leaf gets the next free one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LeafIndex(pub u32);

impl LeafIndex {
    /// The leaf at a position of a shard.
    ///
    /// # Panics
    /// If there is no such shard or position.
    pub const fn new(shard: usize, position: u32) -> Self {
        assert!(shard < SHARDS && position >> SHARD_DEPTH == 0, "a shard and a position in it");
        Self((shard << SHARD_DEPTH) as u32 | position)
    }

    /// Its shard; not below [`SHARDS`] if the index is out of its range.
    pub const fn shard(self) -> usize {
        (self.0 >> SHARD_DEPTH) as usize
    }

    /// The leaf of a contract, or of an object, by its number below [`MAX_CONTRACTS`].
    pub const fn of_contract(number: u32) -> Self {
        Self(MAX_ACCOUNTS as u32 + number)
    }

    /// The number of the contract or object; `None` at an account's position, and out of range.
    pub const fn contract(self) -> Option<u32> {
        if self.0 >> TREE_DEPTH == 0 { self.0.checked_sub(MAX_ACCOUNTS as u32) } else { None }
    }

    /// Its position in the shard.
    pub const fn position(self) -> u32 {
        self.0 & ((1 << SHARD_DEPTH) - 1)
    }
}

impl fmt::Display for LeafIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// An account leaf: one asset of one address.
/// Record: `[address (4), nonce 0, asset, balance, nonce 1 + 2^32 guard]`, tag [`Tag::AccountLeaf`]. The guard is the
/// number of a contract that has a say in the leaf; it is 0, none, in every leaf so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Leaf {
    /// Owner.
    pub address: Address,
    /// Counts of the leaf's debits so far, one for each nonce key; the next transaction carries the one of its key.
    pub nonces: [u32; 2],
    /// Which asset the balance is in.
    pub asset: Asset,
    /// Balance in the asset's smallest unit, below `2^62`.
    #[serde(with = "crate::wide")]
    pub balance: u64,
}

impl Leaf {
    /// A new leaf of an owner, in an asset, with nothing in it.
    pub const fn new(address: Address, asset: Asset) -> Self {
        Self { address, nonces: [0; 2], asset, balance: 0 }
    }

    /// Whether it is of this owner and asset.
    pub fn is_of(&self, address: &Address, asset: Asset) -> bool {
        self.address == *address && self.asset == asset
    }

    /// Elements of a leaf record.
    pub const LEN: usize = 8;

    /// The record that is hashed.
    pub fn elements(&self) -> [F; Self::LEN] {
        let [a0, a1, a2, a3] = self.address.0;
        let [nonce, other] = self.nonces.map(from_u32);
        [a0, a1, a2, a3, nonce, from_u32(self.asset), reduce(self.balance), other]
    }

    /// The leaf's digest in the tree. (An empty position has [`Digest::ZERO`].)
    pub fn digest(&self) -> Digest {
        hash(Tag::AccountLeaf, &self.elements())
    }

    /// The digests of many leaves, by number, at once.
    pub fn digests_into(out: &mut [Digest], leaf: impl Fn(usize) -> Self + Sync) {
        hashes_into(Tag::AccountLeaf, out, |at| leaf(at).elements());
    }
}
