//! Account and contract proofs: that a leaf or a contract's record is under a state root.
//!
//! An account's proof is of a position in the lower half of the tree and a contract's of one in the upper, and each hashes
//! what it shows with its own tag: neither passes for the other, nor a record for one of another kind.

use serde::{Deserialize, Serialize};

use crate::chain::state_root;
use crate::hash::{Digest, climb};
use crate::leaf::{AMOUNT_LIMIT, Leaf, LeafIndex, MAX_ACCOUNTS, TREE_DEPTH};
#[cfg(feature = "node")]
use crate::ledger::Ledger;
use crate::record::{ContractRecord, RecordError};

/// The siblings on the way from a position to the root, lowest first.
pub type Siblings = [Digest; TREE_DEPTH];

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
    pub siblings: Siblings,
    /// The digest of the shards' counts.
    pub counts: Digest,
}

/// A contract's record, or that of one of its objects, and its path to the root of the state after a block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContractProof {
    /// The chain.
    #[serde(with = "crate::ranges::chain_id")]
    pub chain_id: u64,
    /// The block after which the record is so; 0 is genesis.
    pub number: u32,
    /// The record's index.
    pub index: LeafIndex,
    /// The record.
    pub contract: ContractRecord,
    /// The siblings on the way to the root, lowest first.
    pub siblings: Siblings,
    /// The digest of the shards' counts.
    pub counts: Digest,
}

/// An account proof or a contract proof does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccountProofError {
    /// Of another chain.
    #[error("expected a proof of the state of chain {expected}, got chain {got}")]
    ChainId {
        /// The state's.
        expected: u64,
        /// The proof's.
        got: u64,
    },
    /// Of another state.
    #[error("expected a proof of the state after block {expected}, got block {got}")]
    Number {
        /// The state's block.
        expected: u32,
        /// The proof's.
        got: u32,
    },
    /// The index is not one of an account: not below `2^29`.
    #[error("expected the index of an account, below 2^29, got {got}")]
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
    /// The record cannot stand at the index, which may be none of a contract.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The path leads elsewhere.
    #[error("expected the root {expected}, got {got}")]
    Root {
        /// The state's.
        expected: Digest,
        /// The root that what is shown and its path lead to.
        got: Digest,
    },
}

/// The path of a position.
#[cfg(feature = "node")]
fn siblings(ledger: &Ledger, index: LeafIndex) -> Siblings {
    ledger.tree().path(index).try_into().expect("a path has a sibling on every level")
}

/// Checks that a proof is of this state.
fn check_state(expected: (u64, u32), got: (u64, u32)) -> Result<(), AccountProofError> {
    let ((expected, number), (got, block)) = (expected, got);
    if got != expected {
        return Err(AccountProofError::ChainId { expected, got });
    }
    if block != number {
        return Err(AccountProofError::Number { expected: number, got: block });
    }
    Ok(())
}

/// Checks the root that a proof leads to.
fn check_root(expected: Digest, got: Digest) -> Result<(), AccountProofError> {
    if got == expected { Ok(()) } else { Err(AccountProofError::Root { expected, got }) }
}

impl AccountProof {
    /// The proof of a leaf under the ledger's root; `None` if there is no such leaf of an account.
    #[cfg(feature = "node")]
    pub fn new(ledger: &Ledger, index: LeafIndex) -> Option<Self> {
        let leaf = *ledger.leaf(index)?;
        let (siblings, counts) = (siblings(ledger, index), ledger.counts().digest());
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
        check_state((chain_id, number), (self.chain_id, self.number))?;
        // Hashing takes numbers mod p and climbing takes the index mod 2^30, so both have one form only within
        // their ranges. Accounts have only half of the indices.
        if self.index.0 as usize >= MAX_ACCOUNTS {
            return Err(AccountProofError::IndexRange { got: self.index });
        }
        if self.leaf.balance >= AMOUNT_LIMIT {
            return Err(AccountProofError::BalanceRange { got: self.leaf.balance });
        }
        check_root(root, self.root())
    }
}

impl ContractProof {
    /// The proof of a record under the ledger's root; `None` if there is none at the index.
    #[cfg(feature = "node")]
    pub fn new(ledger: &Ledger, index: LeafIndex) -> Option<Self> {
        let contract = ledger.record(index)?.clone();
        let (siblings, counts) = (siblings(ledger, index), ledger.counts().digest());
        Some(Self { chain_id: ledger.chain_id(), number: ledger.height(), index, contract, siblings, counts })
    }

    /// The state root that record, path and counts lead to.
    pub fn root(&self) -> Digest {
        state_root(climb(self.contract.digest(), self.index.0, &self.siblings), self.counts)
    }

    /// Checks the proof against the root after block `number`, which is known from a block proof.
    ///
    /// # Errors
    /// If it is of another state, or its record cannot stand at its index, or it does not lead to `root`.
    pub fn check(&self, chain_id: u64, number: u32, root: Digest) -> Result<(), AccountProofError> {
        check_state((chain_id, number), (self.chain_id, self.number))?;
        self.contract.check_at(self.index)?;
        check_root(root, self.root())
    }
}
