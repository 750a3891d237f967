//! Leaves of the state tree and the numbers in them.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::field::{F, ZERO, from_u32, reduce};
use crate::hash::batch::hashes_into;
use crate::hash::{Digest, Tag, hash};

/// Levels of the state tree: 2^30 leaves.
pub const TREE_DEPTH: usize = 30;

/// Amounts, fees, balances and each asset's supply stay below `2^AMOUNT_BITS`, so that no sum of a
/// balance, an amount and a fee wraps the field.
pub const AMOUNT_BITS: usize = 62;

/// The bound on amounts, exclusive.
pub const AMOUNT_LIMIT: u64 = 1 << AMOUNT_BITS;

/// Whose leaf it is: the hash of the public key, see [`crate::keys`].
pub type Address = Digest;

/// An asset's number.
pub type Asset = u32;

/// The position of a leaf in the state tree, below `2^TREE_DEPTH`. Positions are dense: the executor
/// gives a new leaf the next free one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LeafIndex(pub u32);

impl fmt::Display for LeafIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// An account leaf: one asset of one address.
/// Record: `[address (4), nonce, asset, balance, 0]`, tag [`Tag::AccountLeaf`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Leaf {
    /// Owner.
    pub address: Address,
    /// Count of the leaf's debits so far; the next transaction carries it.
    pub nonce: u32,
    /// Which asset the balance is in.
    pub asset: Asset,
    /// Balance in the asset's smallest unit, below `2^62`.
    #[serde(with = "crate::wide")]
    pub balance: u64,
}

impl Leaf {
    /// Elements of a leaf record.
    pub const LEN: usize = 8;

    /// The record that is hashed.
    pub fn elements(&self) -> [F; Self::LEN] {
        let [a0, a1, a2, a3] = self.address.0;
        [a0, a1, a2, a3, from_u32(self.nonce), from_u32(self.asset), reduce(self.balance), ZERO]
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
