//! What a batch circuit is given.
//!
//! Rows are complete: padding is filled in here, so that circuits only copy values into wires. A padding
//! path opens a leaf that exists at that moment and leaves it as it is; a padding leg carries a
//! transaction that is signed with the published padding key ([`enfold_state::keys::padding_key`]) and
//! whose live flag is off.

use enfold_state::chain::ChainState;
use enfold_state::hash::Digest;
use enfold_state::leaf::{Address, Leaf, LeafIndex};
use enfold_state::message::Message;
use enfold_state::transaction::SignedTransaction;

use crate::profile::BatchId;
use crate::siblings::Siblings;

/// Everything that one batch circuit needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchWitness {
    /// Which circuit it is for.
    pub batch: BatchId,
    /// Chain that the block is for.
    pub chain_id: u32,
    /// The block's seed.
    pub seed: Digest,
    /// Chain state before the batch.
    pub before: ChainState,
    /// Chain state after it.
    pub after: ChainState,
    /// Number of the window: leaf index divided by `2^window_depth`.
    pub window: u32,
    /// Siblings on the way from the window's root to the state root, lowest first
    /// (`top_depth` of them). They are the same before and after the batch.
    pub top_siblings: Vec<Digest>,
    /// Siblings of the paths inside the window (`window_depth` of each). They are the same before and after the path.
    pub siblings: Siblings,
    /// The paths, exactly as many as the circuit has.
    pub paths: Paths,
}

/// The paths of a batch, in the order in which they are applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Paths {
    /// For the debit circuits.
    Debit(Vec<DebitPath>),
    /// For the credit circuits.
    Credit(Vec<CreditPath>),
}

/// One leaf that is debited by one or more legs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DebitPath {
    /// The leaf's position in the state tree; inside the batch's window.
    pub index: LeafIndex,
    /// The leaf before its first leg here.
    pub leaf: Leaf,
    /// Exactly as many as the circuit has; live ones first.
    pub legs: Vec<DebitLeg>,
}

/// A signed leg: the transfer message and, if the fee is not zero, the fee message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DebitLeg {
    /// Off in padding.
    pub live: bool,
    /// The transaction; in padding, one of the padding key that fits the leaf.
    pub signed: SignedTransaction,
    /// The receiver's leaf, as the executor found or assigned it; 0 in padding.
    pub to: LeafIndex,
    /// The fee collector's leaf; 0 where there is no fee.
    pub fee_to: LeafIndex,
    /// The fee collector's address; zero where there is no fee.
    pub collector: Address,
}

/// One leaf that is credited by one or more messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreditPath {
    /// The leaf's position in the state tree; inside the batch's window.
    pub index: LeafIndex,
    /// The leaf before its first message here; `None` if the position was empty.
    pub leaf: Option<Leaf>,
    /// Exactly as many as the circuit has; live ones first, then `None`. The first is `None` only in a
    /// padding path, whose leaf is not empty.
    pub messages: Vec<Option<Message>>,
}
