//! Account proofs: that a leaf is under a state root.

use serde::{Deserialize, Serialize};

use crate::chain::state_root;
use crate::hash::{Digest, climb};
use crate::leaf::{AMOUNT_LIMIT, Leaf, LeafIndex, TREE_DEPTH};
#[cfg(feature = "node")]
use crate::ledger::Ledger;

/// A leaf and its path to the root of the state after a block. Anyone who knows the root, from a block proof, knows the
/// leaf.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountProof {
    /// The chain.
    #[serde(with = "crate::ranges::chain_id")]
    pub chain_id: u64,
    /// The block after which the leaf is so; 0 is genesis.
    pub number: u32,
    /// The leaf's index.
    pub index: LeafIndex,
    /// The leaf. In the binary form room for its guard is behind it.
    #[serde(with = "crate::reserved::u32_after")]
    pub leaf: Leaf,
    /// The siblings on the way to the root, lowest first.
    pub siblings: [Digest; TREE_DEPTH],
    /// The digest of the shards' counts.
    pub counts: Digest,
}

/// An account proof does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccountProofError {
    /// Of another chain.
    #[error("expected an account proof of chain {expected}, got chain {got}")]
    ChainId {
        /// The state's.
        expected: u64,
        /// The proof's.
        got: u64,
    },
    /// Of another state.
    #[error("expected an account proof of the state after block {expected}, got block {got}")]
    Number {
        /// The state's block.
        expected: u32,
        /// The proof's.
        got: u32,
    },
    /// The index is not below `2^30`.
    #[error("expected a leaf index below 2^30, got {got}")]
    IndexRange {
        /// The index.
        got: LeafIndex,
    },
    /// The balance is not below `2^62`.
    #[error("expected a balance below 2^62, got {got}")]
    BalanceRange {
        /// The balance.
        got: u64,
    },
    /// The path leads elsewhere.
    #[error("expected the root {expected}, got {got}")]
    Root {
        /// The state's.
        expected: Digest,
        /// The root that leaf and path lead to.
        got: Digest,
    },
}

impl AccountProof {
    /// The proof of a leaf under the ledger's root; `None` if there is no such leaf.
    #[cfg(feature = "node")]
    pub fn new(ledger: &Ledger, index: LeafIndex) -> Option<Self> {
        let leaf = *ledger.leaf(index)?;
        let path = ledger.tree().path(index);
        let siblings = path.try_into().expect("a path has a sibling on every level");
        let counts = ledger.counts().digest();
        Some(Self { chain_id: ledger.chain_id(), number: ledger.height(), index, leaf, siblings, counts })
    }

    /// The state root that leaf, path and counts lead to.
    pub fn root(&self) -> Digest {
        state_root(climb(self.leaf.digest(), self.index.0, &self.siblings), self.counts)
    }

    /// Checks the proof against the root after block `number`, which is known from a block proof.
    ///
    /// # Errors
    /// If it is of another state, is not in its one form, or does not lead to `root`.
    pub fn check(&self, chain_id: u64, number: u32, root: Digest) -> Result<(), AccountProofError> {
        let &Self { chain_id: chain, number: block, index, ref leaf, .. } = self;
        if chain != chain_id {
            return Err(AccountProofError::ChainId { expected: chain_id, got: chain });
        }
        if block != number {
            return Err(AccountProofError::Number { expected: number, got: block });
        }
        // Hashing takes numbers mod p and climbing takes the index mod 2^30, so both have one form only within
        // their ranges.
        if index.0 >> TREE_DEPTH != 0 {
            return Err(AccountProofError::IndexRange { got: index });
        }
        if leaf.balance >= AMOUNT_LIMIT {
            return Err(AccountProofError::BalanceRange { got: leaf.balance });
        }
        let got = self.root();
        if got != root {
            return Err(AccountProofError::Root { expected: root, got });
        }
        Ok(())
    }
}
