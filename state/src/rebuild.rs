//! The state from published data alone: applies a block's messages to the state before it.
//!
//! The messages need no signatures and no trust: a block proof says that they are the ones under its `E`
//! and that they lead from the previous root to the new one, and [`rebuild`] ends at that root or not at
//! all. Kinds come in the order of their phases, leg by leg as their messages tell of them.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use crate::block::{BlockData, Emitted, Place};
use crate::chain::BlockId;
use crate::hash::Digest;
use crate::kind::KindId;
use crate::leaf::{Leaf, LeafIndex};
use crate::ledger::{ApplyError, Ledger};
use crate::legs::Legs;
use crate::message::{Message, Op};
use crate::registry::{Visitor, visit};
use crate::rule::Rule;
use crate::writes::Writes;

/// Published data that do not lead from the ledger's state to the expected one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RebuildError {
    /// The data are of another chain.
    #[error("expected data of chain {expected}, got chain {got}")]
    ChainId {
        /// The ledger's chain.
        expected: u64,
        /// The data's chain.
        got: u64,
    },
    /// A batch of a kind that emits nothing.
    #[error("batch {batch}: expected a batch of a kind that emits messages, got kind {got}")]
    Kind {
        /// The batch.
        batch: usize,
        /// Its kind.
        got: KindId,
    },
    /// A message breaks a rule of the leg that emitted or consumes it.
    #[error("{place}: {rule}")]
    Rule {
        /// Which message; of a debit its first.
        place: Place,
        /// The rule.
        rule: Rule,
    },
    /// A message with which no leg begins, where one would have to begin.
    #[error("{place}: expected a message that a leg emits first, got a {}", got.name())]
    Stray {
        /// Which message.
        place: Place,
        /// What it does.
        got: Op,
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

/// Applies a block's messages to the state before it. `time`, `previous_root` and `root` are those of the block's
/// statement. On an error the ledger stays as it is.
///
/// # Errors
/// If the data do not fit the ledger, or do not lead to `root`.
pub fn rebuild(
    ledger: &mut Ledger,
    data: &BlockData,
    time: u32,
    previous_root: Digest,
    root: Digest,
) -> Result<(), RebuildError> {
    if data.chain_id != ledger.chain_id() {
        return Err(RebuildError::ChainId { expected: ledger.chain_id(), got: data.chain_id });
    }
    let prepared = ledger.prepare(data.number, time, previous_root, &replay(ledger, data, time)?)?;
    if prepared.root() != root {
        return Err(RebuildError::Root { expected: root, got: prepared.root() });
    }
    ledger.adopt(&prepared);
    Ok(())
}

/// The leaves after a block that emitted these messages.
///
/// # Errors
/// If a message does not fit the ledger. Whether new leaves leave gaps is checked by [`Ledger::prepare`].
pub fn replay(ledger: &Ledger, data: &BlockData, time: u32) -> Result<Writes, RebuildError> {
    let block = BlockId { chain_id: ledger.chain_id(), number: data.number, time };
    for (batch, &Emitted { kind, .. }) in data.emitted.iter().enumerate() {
        if !kind.emits() {
            return Err(RebuildError::Kind { batch, got: kind });
        }
    }
    let mut writes = Leaves { ledger, block, changed: BTreeMap::new() };
    for kind in KindId::in_order() {
        visit(kind, Replay { data, writes: &mut writes })?;
    }
    Ok(writes.changed.into_iter().collect())
}

/// Replays the legs of a kind.
struct Replay<'a, 'b> {
    data: &'a BlockData,
    writes: &'a mut Leaves<'b>,
}

impl Visitor for Replay<'_, '_> {
    type Output = Result<(), RebuildError>;

    fn visit<K: Legs>(self) -> Self::Output {
        let Self { data, writes } = self;
        for (batch, Emitted { kind, messages }) in data.emitted.iter().enumerate() {
            if !K::ID.emits() {
                // Each message that its legs consume is a leg's.
                for (message, consumed) in messages.iter().enumerate() {
                    if consumed.op.consumer() == K::ID {
                        writes.replay::<K>(std::slice::from_ref(consumed), Place { batch, message })?;
                    }
                }
            } else if *kind == K::ID {
                let mut message = 0;
                while message < messages.len() {
                    let own = writes.replay::<K>(&messages[message..], Place { batch, message })?;
                    message += own.get();
                }
            }
        }
        Ok(())
    }
}

/// Leaves that have changed so far, above those of the ledger.
struct Leaves<'a> {
    ledger: &'a Ledger,
    block: BlockId,
    changed: BTreeMap<LeafIndex, Leaf>,
}

impl Leaves<'_> {
    fn get(&self, index: LeafIndex) -> Option<&Leaf> {
        self.changed.get(&index).or_else(|| self.ledger.leaf(index))
    }

    /// Replays the leg that the first of these messages tells of. Gives how many are its own.
    fn replay<K: Legs>(&mut self, messages: &[Message], place: Place) -> Result<NonZeroUsize, RebuildError> {
        let read = K::read(&self.block, |index| self.get(index).copied(), messages);
        let (index, leg, count) = read.ok_or(RebuildError::Stray { place, got: messages[0].op })?;
        let leaf = K::apply(&self.block, index, self.get(index), &leg)
            .map_err(|rule| RebuildError::Rule { place, rule })?;
        self.changed.insert(index, leaf);
        Ok(count)
    }
}
