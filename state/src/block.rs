//! What an operator is given and gives: genesis, blocks, and the data that a block publishes.
//!
//! All of them have a JSON form and a binary form; see [`crate::codec`].

use std::fmt;

use serde::ser::SerializeStruct;
use serde::{Deserialize, Serialize, Serializer};

use crate::chain::{BlockId, link_emitted};
use crate::hash::batch::message_digests;
use crate::hash::{Digest, MessageSponge, Side};
use crate::kind::KindId;
use crate::leaf::{Address, Asset};
use crate::message::Message;
use crate::record::ContractRecord;
use crate::transaction::SignedTransaction;
use crate::wide::Wide;

/// What a chain starts with. Leaf `i` of the state is entry `i` of the leaves, contract `i` entry `i` of the contracts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Genesis {
    /// The chain's number, which every transaction and block repeats: 1 to `2^63 - 1`.
    #[serde(with = "crate::ranges::chain_id")]
    pub chain_id: u64,
    /// The time of the state before the first block, in seconds since 1970; at least 1.
    #[serde(with = "crate::ranges::time")]
    pub time: u32,
    /// Shards that new accounts are spread over, by the first element of their addresses: a power of two up to 32. It is
    /// the executor's policy; no proof says that it was kept.
    #[serde(with = "crate::ranges::shards")]
    pub shards: u32,
    /// The first leaves, in the order of their indices.
    pub leaves: Vec<GenesisLeaf>,
    /// The first records of contracts and their objects, likewise, from index `2^29` on. In JSON they may be missing, and are
    /// if there are none.
    #[serde(default)]
    pub contracts: Vec<ContractRecord>,
}

/// By hand, because the list of contracts is left out in JSON alone.
impl Serialize for Genesis {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { chain_id, time, shards, leaves, contracts } = self;
        let bare = serializer.is_human_readable() && contracts.is_empty();
        let mut fields = serializer.serialize_struct("Genesis", if bare { 4 } else { 5 })?;
        fields.serialize_field("chain_id", &Wide(*chain_id))?;
        fields.serialize_field("time", time)?;
        fields.serialize_field("shards", shards)?;
        fields.serialize_field("leaves", leaves)?;
        if !bare {
            fields.serialize_field("contracts", contracts)?;
        }
        fields.end()
    }
}

/// One leaf of a genesis; its nonces are 0.
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
    #[serde(with = "crate::ranges::chain_id")]
    pub chain_id: u64,
    /// Its number: one more than the number of the block before; the first block is 1.
    pub number: u32,
    /// Its time, in seconds since 1970: not before that of the block before.
    pub time: u32,
    /// The accepted fees, at most one policy for each asset.
    #[serde(default)]
    pub fees: Vec<FeePolicy>,
    /// The transactions.
    pub transactions: Vec<SignedTransaction>,
}

impl Block {
    /// Which block it is.
    pub fn id(&self) -> BlockId {
        BlockId { chain_id: self.chain_id, number: self.number, time: self.time }
    }
}

/// What a block publishes: every emitted message, batch by batch. It opens the statement's `E` and,
/// with the state before, gives the state after; see [`crate::rebuild`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlockData {
    /// The chain it is for.
    #[serde(with = "crate::ranges::chain_id")]
    pub chain_id: u64,
    /// The block's number.
    pub number: u32,
    /// One entry for each batch that can emit, in batch order.
    pub emitted: Vec<Emitted>,
}

/// What a batch emits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Emitted {
    /// The batch's kind.
    pub kind: KindId,
    /// Its messages, in the order of its digest. In the binary form room for multiplicities is behind them.
    #[serde(with = "crate::reserved::list_after")]
    pub messages: Vec<Message>,
}

impl Emitted {
    /// The sponge of the batch before its first message.
    fn sponge(&self) -> MessageSponge {
        MessageSponge::new(self.kind.number(), Side::Emit)
    }

    /// The digest of the messages: what `E` links.
    pub fn digest(&self) -> Digest {
        let mut sponge = self.sponge();
        self.messages.iter().for_each(|message| sponge.absorb(message.elements()));
        sponge.digest()
    }
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
pub fn emitted_chain(emitted: &[Emitted]) -> Digest {
    emitted_digests(emitted).into_iter().fold(Digest::ZERO, link_emitted)
}

/// The digest of each batch's emitted messages, side by side.
pub(crate) fn emitted_digests(emitted: &[Emitted]) -> Vec<Digest> {
    let lists: Vec<_> = emitted.iter().map(|batch| (batch.sponge(), batch.messages.as_slice())).collect();
    message_digests(&lists, Message::elements)
}
