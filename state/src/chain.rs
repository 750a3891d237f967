//! The chain state that batches step through, and what is derived from a block's messages.

use p3_field::Algebra;

use crate::field::{F, ZERO, from_u32, reduce};
use crate::hash::{Digest, Tag, hash};

/// The phases of a block, in order. The phase never falls along the batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[repr(u8)]
pub enum Phase {
    /// What comes from L1: deposits, and forced exits.
    #[default]
    Inbound = 0,
    /// Senders' legs.
    Debit = 1,
    /// Contracts' legs.
    Contract = 2,
    /// Receivers' legs, and what leaves for L1.
    Credit = 3,
}

impl Phase {
    /// All phases, in order.
    pub const ALL: [Self; 4] = [Self::Inbound, Self::Debit, Self::Contract, Self::Credit];
}

/// An element `a + b X` of GF(p^2) = GF(p)\[X\] / (X^2 - 7).
///
/// With vectors of GF(p) elements as coefficients it is as many elements side by side.
pub type Quadratic<T = F> = [T; 2];

/// What is true between two batches of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainState {
    /// Root of the state tree.
    pub tree_root: Digest,
    /// Chain over the digests of the batches' emitted messages.
    pub emitted: Digest,
    /// Chain over the digests of the batches' consumed messages.
    pub consumed: Digest,
    /// Running LogUp sum.
    pub sum: Quadratic,
    /// Transactions so far.
    pub transactions: u32,
    /// Messages emitted so far.
    pub messages: u32,
    /// Phase of the last batch.
    pub phase: Phase,
    /// L1 queue, as far as it is consumed.
    pub queue: Digest,
    /// Digest of the exits so far.
    pub exits: Digest,
    /// Digest of the shards' counts after the block: the same in all of its chain states.
    pub counts: Digest,
    /// Leaves created so far.
    pub created: u32,
}

impl ChainState {
    /// Elements of the record.
    pub const LEN: usize = 30;

    /// The state in which a block starts. `counts` is the digest of the counts after the block.
    pub fn start(tree_root: Digest, queue: Digest, counts: Digest) -> Self {
        Self {
            tree_root,
            emitted: Digest::ZERO,
            consumed: Digest::ZERO,
            sum: [ZERO; 2],
            transactions: 0,
            messages: 0,
            phase: Phase::Inbound,
            queue,
            exits: no_exits(),
            counts,
            created: 0,
        }
    }

    /// The record: tree root (4), E (4), C (4), sum (2), transactions, messages, phase, queue (4), exits (4),
    /// counts (4), created.
    pub fn elements(&self) -> [F; Self::LEN] {
        let mut record = [ZERO; Self::LEN];
        record[..4].copy_from_slice(&self.tree_root.0);
        record[4..8].copy_from_slice(&self.emitted.0);
        record[8..12].copy_from_slice(&self.consumed.0);
        record[12..14].copy_from_slice(&self.sum);
        record[14] = from_u32(self.transactions);
        record[15] = from_u32(self.messages);
        record[16] = from_u32(self.phase as u32);
        record[17..21].copy_from_slice(&self.queue.0);
        record[21..25].copy_from_slice(&self.exits.0);
        record[25..29].copy_from_slice(&self.counts.0);
        record[29] = from_u32(self.created);
        record
    }

    /// The hash that batches take and give.
    pub fn digest(&self) -> Digest {
        hash(Tag::ChainState, &self.elements())
    }
}

fn pair(first: Digest, second: Digest) -> [F; 8] {
    let ([a, b, c, d], [e, f, g, h]) = (first.0, second.0);
    [a, b, c, d, e, f, g, h]
}

/// The next link of `E`: one for each batch that can emit, whether or not it does.
pub fn link_emitted(chain: Digest, batch: Digest) -> Digest {
    hash(Tag::EmittedChain, &pair(chain, batch))
}

/// The next link of `C`: one for each batch that can consume, whether or not it does.
pub fn link_consumed(chain: Digest, batch: Digest) -> Digest {
    hash(Tag::ConsumedChain, &pair(chain, batch))
}

/// The queue on L1 that nothing was put in: `[tag, 0, 0, 0]`, tag [`Tag::Queue`].
pub const fn empty_queue() -> Digest {
    Digest([Tag::Queue.element(), ZERO, ZERO, ZERO])
}

/// The digest of a block's exits where there are none: `[tag, 0, 0, 0]`, tag [`Tag::Exits`].
pub const fn no_exits() -> Digest {
    Digest([Tag::Exits.element(), ZERO, ZERO, ZERO])
}

/// The root that statements, receipts and account proofs mean: the hash of the tree's root and the digest of the
/// shards' counts.
pub fn state_root(tree_root: Digest, counts: Digest) -> Digest {
    hash(Tag::StateRoot, &pair(tree_root, counts))
}

/// Which block it is: what its seed and context hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockId {
    /// The chain.
    pub chain_id: u64,
    /// The block's number.
    pub number: u32,
    /// Its time, in seconds since 1970.
    pub time: u32,
}

impl BlockId {
    /// The record: chain id, number, time.
    pub fn elements(&self) -> [F; 3] {
        [reduce(self.chain_id), from_u32(self.number), from_u32(self.time)]
    }
}

/// What a block's seed commits to, besides the block itself: the LogUp challenges come from it, so all messages have to
/// be fixed by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Commitments {
    /// State root before the block.
    pub previous_root: Digest,
    /// The last link of `E`.
    pub emitted: Digest,
    /// The last link of `C`.
    pub consumed: Digest,
    /// L1 queue after the block.
    pub queue: Digest,
    /// Digest of the exits.
    pub exits: Digest,
}

/// The block's seed: the hash of `chain id, number, time, previous state root (4), E (4), C (4), queue after (4),
/// exits (4)`, tag [`Tag::Seed`].
pub fn seed(block: &BlockId, commitments: &Commitments) -> Digest {
    let &Commitments { previous_root, emitted, consumed, queue, exits } = commitments;
    let mut record = block.elements().to_vec();
    record.extend([previous_root, emitted, consumed, queue, exits].iter().flat_map(|digest| digest.0));
    hash(Tag::Seed, &record)
}

/// The context that all proofs of a block share: the hash of `chain id, number, time, seed (4)`, tag [`Tag::Context`].
pub fn context(block: &BlockId, seed: Digest) -> Digest {
    let ([id, number, time], [a, b, c, d]) = (block.elements(), seed.0);
    hash(Tag::Context, &[id, number, time, a, b, c, d])
}

/// The LogUp challenges `(alpha, gamma)`.
pub fn logup_challenges(seed: Digest) -> (Quadratic, Quadratic) {
    let [a, b, c, d] = hash(Tag::LogUp, &seed.0).0;
    ([a, b], [c, d])
}

/// Product in GF(p^2).
#[inline]
pub fn quadratic_mul<T: Algebra<F> + Copy>(a: Quadratic<T>, b: Quadratic<T>) -> Quadratic<T> {
    [a[0] * b[0] + b[1] * reduce(7) * a[1], a[0] * b[1] + a[1] * b[0]]
}
