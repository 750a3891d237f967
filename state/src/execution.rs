//! What the executor makes of a block.

use std::ops::Range;

use crate::chain::BlockId;
use crate::hash::Digest;
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
    /// All messages, in order of arrival: each transaction's transfer, then its fee.
    pub credits: Vec<Message>,
    /// The transactions that were left out, in order of arrival.
    pub rejections: Vec<Rejection>,
    /// The leaves that change, with their contents after the block. New leaves follow those of
    /// their shard without a gap.
    pub writes: Writes,
}

/// An accepted transaction and what it emits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The transaction's place in the block, from 0.
    pub position: usize,
    /// The leaf that it debits.
    pub from: LeafIndex,
    /// Its messages, as a range of [`Execution::credits`]: its transfer, then its fee if that is not 0.
    pub messages: Range<usize>,
}

impl Execution {
    /// The message to the receiver of an accepted transaction, and the one to the fee collector, if there is a fee.
    /// `None` if the debit is not of this execution.
    pub fn messages(&self, debit: &Accepted) -> Option<(&Message, Option<&Message>)> {
        match self.credits.get(debit.messages.clone())? {
            [transfer] => Some((transfer, None)),
            [transfer, fee] => Some((transfer, Some(fee))),
            _ => None,
        }
    }
}
