//! What an operator is given and gives: genesis, blocks, and the data that a block publishes.
//!
//! All of them have a JSON form and a binary form; see [`crate::codec`].

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::chain::link_emitted;
use crate::hash::Digest;
use crate::hash::batch::message_digests;
use crate::leaf::{Address, Asset};
use crate::message::Message;
use crate::transaction::SignedTransaction;

/// The balances that a chain starts with. Leaf `i` of the state is entry `i`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Genesis {
    /// The chain's number, which every transaction and block repeats.
    pub chain_id: u32,
    /// The first leaves, in the order of their indices.
    pub leaves: Vec<GenesisLeaf>,
}

/// One leaf of a genesis; its nonce is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GenesisLeaf {
    /// Owner.
    pub address: Address,
    /// Which asset the balance is in.
    pub asset: Asset,
    /// Balance in the asset's smallest unit, below `2^62`; 0 is allowed.
    #[serde(with = "crate::wide")]
    pub balance: u64,
}

/// What the operator asks as a fee in one asset. In an asset without a policy the fee must be 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeePolicy {
    /// The asset.
    pub asset: Asset,
    /// The least fee that is accepted, in the asset's smallest unit, below `2^62`; 0 is allowed.
    #[serde(with = "crate::wide")]
    pub floor: u64,
    /// The address that receives the fees. Nobody signs it: the operator names it.
    pub collector: Address,
}

/// A block: signed transactions in the order of their arrival, valid or not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Block {
    /// The chain it is for.
    pub chain_id: u32,
    /// Its number: one more than the number of the block before; the first block is 1.
    pub number: u32,
    /// The accepted fees, at most one policy for each asset.
    #[serde(default)]
    pub fees: Vec<FeePolicy>,
    /// The transactions.
    pub transactions: Vec<SignedTransaction>,
}

/// What a block publishes: every emitted message, batch by batch. It opens the statement's `E` and,
/// with the state before, gives the state after; see [`crate::rebuild`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlockData {
    /// The chain it is for.
    pub chain_id: u32,
    /// The block's number.
    pub number: u32,
    /// One list for each batch that can emit, in batch order.
    pub emitted: Vec<Vec<Message>>,
}

/// Where a message stands in a block's data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The batch, from 0.
    pub batch: usize,
    /// The message in the batch, from 0.
    pub message: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "message {} of batch {}", self.message, self.batch)
    }
}

/// `E` of a block: the chain over the digests of its batches' emitted messages.
pub fn emitted_chain(emitted: &[Vec<Message>]) -> Digest {
    let lists: Vec<_> = emitted.iter().map(Vec::as_slice).collect();
    message_digests(&lists, Message::elements).into_iter().fold(Digest::ZERO, link_emitted)
}
