//! What the executor makes of a block.

use std::ops::Range;

use crate::chain::BlockId;
use crate::hash::Digest;
use crate::kind::{KindId, PerKind};
use crate::leaf::LeafIndex;
use crate::message::Message;
use crate::rule::Rejection;
use crate::writes::Writes;

/// What a block does, and what it left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Execution {
    /// Which block.
    pub block: BlockId,
    /// The root of the state that it was executed on.
    pub previous_root: Digest,
    /// The accepted transactions, in order of arrival.
    pub debits: Vec<Accepted>,
    /// The legs of contracts, in order of arrival.
    pub calls: PerKind<Vec<Call>>,
    /// All messages that are credited, in order of arrival: each transaction's transfer, then its fee, then what a
    /// contract pays out.
    pub credits: Vec<Message>,
    /// The transactions that were left out, in order of arrival.
    pub rejections: Vec<Rejection>,
    /// The leaves and records that change, with their contents after the block. New ones follow those of their shard without
    /// a gap.
    pub writes: Writes,
}

/// An accepted transaction and what it emits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The transaction's place in the block, from 0.
    pub position: usize,
    /// The leaf that it debits.
    pub from: LeafIndex,
    /// Its messages that are credited, as a range of [`Execution::credits`]: its transfer if it calls no contract, then its
    /// fee if that is not 0.
    pub messages: Range<usize>,
    /// The leg of the contract that it calls.
    pub call: Option<CallAt>,
}

/// Where a leg of a contract is in [`Execution::calls`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallAt {
    /// The contract.
    pub kind: KindId,
    /// Its place in the contract's list.
    pub position: u32,
}

/// A leg of a contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The place in the block of the transaction that calls.
    pub position: usize,
    /// The contract's leaf.
    pub leaf: LeafIndex,
    /// The message that it consumes: that of an accepted transaction.
    pub message: Message,
    /// Where it pays out to.
    pub payee: LeafIndex,
    /// The messages that it emits, as a range of [`Execution::credits`].
    pub messages: Range<usize>,
}

impl Execution {
    /// The signed message of an accepted transaction, to the receiver or to a contract, and the one to the fee collector, if
    /// there is a fee. `None` if the debit is not of this execution.
    pub fn messages(&self, debit: &Accepted) -> Option<(&Message, Option<&Message>)> {
        let credited = self.credits.get(debit.messages.clone())?;
        let (signed, rest) = match debit.call {
            Some(CallAt { kind, position }) => (&self.calls[kind].get(position as usize)?.message, credited),
            None => credited.split_first()?,
        };
        match rest {
            [] => Some((signed, None)),
            [fee] => Some((signed, Some(fee))),
            _ => None,
        }
    }

    /// How many messages its legs emit.
    pub fn emitted(&self) -> usize {
        self.credits.len() + self.calls.values().iter().map(Vec::len).sum::<usize>()
    }
}
