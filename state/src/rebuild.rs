//! The state from published data alone: applies a block's messages to the state before it.
//!
//! The messages need no signatures and no trust: a block proof says that they are the ones under its `E`
//! and that they lead from the previous root to the new one, and [`rebuild`] ends at that root or not at
//! all. Debits come first, message by message (a transfer takes its amount and counts the nonce up, a fee
//! takes its amount), then the credits.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use crate::block::BlockData;
use crate::field::from_canonical;
use crate::hash::Digest;
use crate::leaf::{AMOUNT_LIMIT, Address, Asset, Leaf, LeafIndex};
use crate::ledger::{ApplyError, Ledger};
use crate::message::{Message, Op};
use crate::writes::Writes;

/// Where a message stands in a block's data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The batch, from 0.
    pub batch: usize,
    /// The message in the batch, from 0.
    pub message: usize,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "message {} of batch {}", self.message, self.batch)
    }
}

/// Published data that do not lead from the ledger's state to the expected one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RebuildError {
    /// The data are of another chain.
    #[error("expected data of chain {expected}, got chain {got}")]
    ChainId {
        /// The ledger's chain.
        expected: u32,
        /// The data's chain.
        got: u32,
    },
    /// An amount is 0 or not below `2^62`.
    #[error("{place}: expected an amount of 1 to 2^62 - 1, got {got}")]
    AmountRange {
        /// Which message.
        place: Place,
        /// The amount.
        got: u64,
    },
    /// A memo is not below the field's order.
    #[error("{place}: expected a memo below 2^64 - 2^32 + 1, got {got}")]
    MemoRange {
        /// Which message.
        place: Place,
        /// The memo.
        got: u64,
    },
    /// The leaf to be debited does not exist.
    #[error("{place}: expected a sender's leaf below index {expected}, got {got}")]
    UnknownLeaf {
        /// Which message.
        place: Place,
        /// Count of leaves.
        expected: usize,
        /// The index.
        got: LeafIndex,
    },
    /// The message is in another asset than the leaf.
    #[error("{place}: expected asset {expected}, got {got}")]
    Asset {
        /// Which message.
        place: Place,
        /// The leaf's asset.
        expected: Asset,
        /// The message's asset.
        got: Asset,
    },
    /// The receiver's leaf belongs to another address.
    #[error("{place}: expected the receiver {expected}, got {got}")]
    Receiver {
        /// Which message.
        place: Place,
        /// The leaf's address.
        expected: Address,
        /// The message's address.
        got: Address,
    },
    /// The sender's balance does not cover the amount.
    #[error("{place}: expected an amount of at most {expected}, got {got}")]
    Overdraft {
        /// Which message.
        place: Place,
        /// What is left.
        expected: u64,
        /// The amount.
        got: u64,
    },
    /// The sender's nonce would reach `2^32`.
    #[error("{place}: expected a sender with a nonce below {}, got {}", u32::MAX, u32::MAX)]
    NonceExhausted {
        /// Which message.
        place: Place,
    },
    /// The receiver's balance would reach `2^62`.
    #[error("{place}: expected a receiver's balance below 2^62, got {got}")]
    BalanceRange {
        /// Which message.
        place: Place,
        /// The balance.
        got: u64,
    },
    /// Not the next block, or new leaves with gaps between them.
    #[error(transparent)]
    Apply(#[from] ApplyError),
    /// The data lead to another state.
    #[error("expected the root {expected}, got {got}")]
    Root {
        /// The root that the proof states.
        expected: Digest,
        /// The root that the messages lead to.
        got: Digest,
    },
}

/// Applies a block's messages to the state before it. `previous_root` and `root` are those of the block's
/// statement. On an error the ledger stays as it is.
///
/// # Errors
/// If the data do not fit the ledger, or do not lead to `root`.
pub fn rebuild(
    ledger: &mut Ledger,
    data: &BlockData,
    previous_root: Digest,
    root: Digest,
) -> Result<(), RebuildError> {
    if data.chain_id != ledger.chain_id() {
        return Err(RebuildError::ChainId { expected: ledger.chain_id(), got: data.chain_id });
    }
    let prepared = ledger.prepare(data.number, previous_root, &replay(ledger, &data.emitted)?)?;
    if prepared.root() != root {
        return Err(RebuildError::Root { expected: root, got: prepared.root() });
    }
    ledger.adopt(&prepared);
    Ok(())
}

/// Leaves that have changed so far.
type Leaves = BTreeMap<LeafIndex, Leaf>;

/// The leaves after a block that emitted these messages.
///
/// # Errors
/// If a message does not fit the ledger. Whether new leaves leave gaps is checked by [`Ledger::prepare`].
pub fn replay(ledger: &Ledger, emitted: &[Vec<Message>]) -> Result<Writes, RebuildError> {
    let places = || {
        emitted.iter().enumerate().flat_map(|(batch, messages)| {
            messages.iter().enumerate().map(move |(i, message)| (Place { batch, message: i }, message))
        })
    };
    let mut writes = BTreeMap::new();
    for (place, message) in places() {
        if message.amount == 0 || message.amount >= AMOUNT_LIMIT {
            return Err(RebuildError::AmountRange { place, got: message.amount });
        }
        if from_canonical(message.memo).is_none() {
            return Err(RebuildError::MemoRange { place, got: message.memo });
        }
        debit(ledger, &mut writes, place, message)?;
    }
    for (place, message) in places() {
        credit(ledger, &mut writes, place, message)?;
    }
    Ok(writes.into_iter().collect())
}

fn debit(ledger: &Ledger, writes: &mut Leaves, place: Place, message: &Message) -> Result<(), RebuildError> {
    let unknown = RebuildError::UnknownLeaf { place, expected: ledger.len(), got: message.from };
    let leaf = match writes.entry(message.from) {
        Entry::Occupied(entry) => entry.into_mut(),
        Entry::Vacant(entry) => entry.insert(*ledger.leaf(message.from).ok_or(unknown)?),
    };
    expect_asset(leaf, place, message)?;
    let overdraft = RebuildError::Overdraft { place, expected: leaf.balance, got: message.amount };
    leaf.balance = leaf.balance.checked_sub(message.amount).ok_or(overdraft)?;
    if message.op == Op::Transfer {
        leaf.nonce = leaf.nonce.checked_add(1).ok_or(RebuildError::NonceExhausted { place })?;
    }
    Ok(())
}

fn credit(ledger: &Ledger, writes: &mut Leaves, place: Place, message: &Message) -> Result<(), RebuildError> {
    let Message { to, to_address: address, asset, amount, .. } = *message;
    let fresh = Leaf { address, nonce: 0, asset, balance: 0 };
    let leaf = writes.entry(to).or_insert_with(|| ledger.leaf(to).copied().unwrap_or(fresh));
    expect_asset(leaf, place, message)?;
    if leaf.address != address {
        return Err(RebuildError::Receiver { place, expected: leaf.address, got: address });
    }
    leaf.balance = leaf.balance.saturating_add(amount);
    if leaf.balance >= AMOUNT_LIMIT {
        return Err(RebuildError::BalanceRange { place, got: leaf.balance });
    }
    Ok(())
}

fn expect_asset(leaf: &Leaf, place: Place, message: &Message) -> Result<(), RebuildError> {
    if message.asset == leaf.asset {
        Ok(())
    } else {
        Err(RebuildError::Asset { place, expected: leaf.asset, got: message.asset })
    }
}
