//! The chain state that batches step through, and what is derived from a block's messages.

use p3_field::Algebra;

use crate::field::{F, ZERO, from_u32, reduce};
use crate::hash::{Digest, Tag, hash};

/// The phases of a block, in order. A phase may only grow along the batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[repr(u8)]
pub enum Phase {
    /// Senders' legs.
    #[default]
    Debit = 0,
    /// Contracts' legs.
    Contract = 1,
    /// Receivers' legs.
    Credit = 2,
}

/// An element `a + b X` of GF(p^2) = GF(p)\[X\] / (X^2 - 7).
///
/// With vectors of GF(p) elements as coefficients it is as many elements side by side.
pub type Quadratic<T = F> = [T; 2];

/// What is true between two batches of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainState {
    /// Root of the state tree.
    pub root: Digest,
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
    /// L1 deposit queue.
    pub deposit_queue: Digest,
    /// Digest of the exits so far.
    pub exits: Digest,
}

impl ChainState {
    /// Elements of the record.
    pub const LEN: usize = 25;

    /// The state in which a block starts.
    pub fn start(root: Digest, deposit_queue: Digest) -> Self {
        Self {
            root,
            emitted: Digest::ZERO,
            consumed: Digest::ZERO,
            sum: [ZERO; 2],
            transactions: 0,
            messages: 0,
            phase: Phase::Debit,
            deposit_queue,
            exits: Digest::ZERO,
        }
    }

    /// The record: root (4), E (4), C (4), sum (2), transactions, messages, phase, deposit queue (4),
    /// exits (4).
    pub fn elements(&self) -> [F; Self::LEN] {
        let mut record = [ZERO; Self::LEN];
        record[..4].copy_from_slice(&self.root.0);
        record[4..8].copy_from_slice(&self.emitted.0);
        record[8..12].copy_from_slice(&self.consumed.0);
        record[12..14].copy_from_slice(&self.sum);
        record[14] = from_u32(self.transactions);
        record[15] = from_u32(self.messages);
        record[16] = from_u32(self.phase as u32);
        record[17..21].copy_from_slice(&self.deposit_queue.0);
        record[21..25].copy_from_slice(&self.exits.0);
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

/// The block's seed, from which the LogUp challenges come. `emitted` and `consumed` are the final links.
pub fn seed(
    chain_id: u32,
    block_number: u32,
    previous_root: Digest,
    emitted: Digest,
    consumed: Digest,
) -> Digest {
    let mut record = vec![from_u32(chain_id), from_u32(block_number)];
    record.extend(previous_root.0);
    record.extend(emitted.0);
    record.extend(consumed.0);
    hash(Tag::Seed, &record)
}

/// The context that all proofs of a block share.
pub fn context(chain_id: u32, seed: Digest) -> Digest {
    let [a, b, c, d] = seed.0;
    hash(Tag::Context, &[from_u32(chain_id), a, b, c, d])
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
