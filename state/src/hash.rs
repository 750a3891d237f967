//! Poseidon2 over Goldilocks, width 12, rate 8, with the parameters of `p3-goldilocks`
//! (<https://eprint.iacr.org/2023/323>), and the fixed-length hashes built on it.
//!
//! Every record is hashed with a [`Tag`] in the first element of the capacity, and each tag is for
//! records of one length, so no record can pass for another. A tree node is the untagged case.

pub mod batch;
pub mod permutation;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::field::{F, ZERO, from_canonical, from_u32, to_u64};

pub use permutation::permute;

/// Elements of a permutation's state.
pub const WIDTH: usize = 12;
/// Elements that one permutation absorbs.
pub const RATE: usize = 8;
/// Elements of a digest.
pub const DIGEST_LEN: usize = 4;

/// What a batch does with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Side {
    /// It emits it.
    Emit = 0,
    /// It consumes it.
    Consume = 1,
}

/// Domain tags. The number is the first capacity element; the comment gives the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Tag {
    /// Account leaf: 8 elements; see [`crate::leaf`].
    AccountLeaf = 1,
    /// Address: key `w` (5), L1 owner (3).
    Address = 2,
    /// Signature challenge: `R` (5), key `w` (5), signed record (14).
    Challenge = 3,
    /// Transaction id: signed record (14).
    TransactionId = 4,
    /// Link of the chain `E`: chain so far (4), batch digest (4).
    EmittedChain = 6,
    /// Link of the chain `C`: chain so far (4), batch digest (4).
    ConsumedChain = 7,
    /// Chain state: 30 elements; see [`crate::chain`].
    ChainState = 8,
    /// Context: chain id, block number, time, seed (4).
    Context = 9,
    /// Seed: chain id, block number, time, previous state root (4), E (4), C (4), queue after (4), exits (4).
    Seed = 10,
    /// LogUp challenges: seed (4); the digest is alpha (2), gamma (2).
    LogUp = 11,
    /// Verifier key: circuit digest (4), constants cap (4 each); one length per profile.
    VerifierKey = 12,
    /// Key set: the entries of lift, fold, a second lift and a third (4 each); zero for one that is not there.
    KeySet = 13,
    /// Deterministic signature nonce: counter, secret (10), signed record (14); see `keys`.
    Nonce = 14,
    /// A point from a published string: string (4), counter, half; see `ecgfp5::walk`.
    Point = 15,
    /// Stored verifier key: its length in bytes, then the bytes; one length per profile.
    KeyFile = 16,
    /// Counts of the shards: 64 elements; see [`crate::shards`].
    Counts = 17,
    /// A pool's record: 8 elements; see [`crate::contracts::pool`] and [`crate::record`].
    Pool = 18,
    /// Start of the L1 queue.
    Queue = 32,
    /// Start of a block's exits.
    Exits = 33,
    /// State root: tree root (4), digest of the counts (4).
    StateRoot = 37,
}

impl Tag {
    /// The tag as the field element in the capacity.
    pub const fn element(self) -> F {
        from_u32(self as u32)
    }
}

/// A hash: four field elements. Text form: 64 hex digits, each element as 8 bytes, big-endian,
/// canonical; binary form: four canonical `u64`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [F; DIGEST_LEN]);

impl Digest {
    /// The digest of the empty leaf, and the start of the chains `E` and `C`.
    pub const ZERO: Self = Self([ZERO; DIGEST_LEN]);
}

/// A digest's text or numbers were not four canonical elements.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DigestError {
    /// Not 64 hex digits (an optional `0x` in front is allowed).
    #[error("expected 64 hex digits, got {got:?}")]
    NotHex {
        /// The text.
        got: String,
    },
    /// An element is not below the field's order.
    #[error("expected an element below 2^64 - 2^32 + 1, got {got:#018x}")]
    NotCanonical {
        /// The element's integer.
        got: u64,
    },
}

impl TryFrom<[u64; DIGEST_LEN]> for Digest {
    type Error = DigestError;

    fn try_from(integers: [u64; DIGEST_LEN]) -> Result<Self, DigestError> {
        let mut elements = [ZERO; DIGEST_LEN];
        for (element, got) in elements.iter_mut().zip(integers) {
            *element = from_canonical(got).ok_or(DigestError::NotCanonical { got })?;
        }
        Ok(Self(elements))
    }
}

impl From<Digest> for [u64; DIGEST_LEN] {
    fn from(digest: Digest) -> Self {
        digest.0.map(to_u64)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|&e| write!(f, "{:016x}", to_u64(e)))
    }
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        let not_hex = || DigestError::NotHex { got: text.chars().take(80).collect() };
        let mut bytes = [0; 8 * DIGEST_LEN];
        hex::decode_to_slice(without_0x(text), &mut bytes).map_err(|_| not_hex())?;
        let mut integers = [0; DIGEST_LEN];
        for (integer, chunk) in integers.iter_mut().zip(bytes.as_chunks::<8>().0) {
            *integer = u64::from_be_bytes(*chunk);
        }
        Self::try_from(integers)
    }
}

/// Hex digits without the optional `0x` or `0X` in front.
pub fn without_0x(text: &str) -> &str {
    text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text)
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            <[u64; DIGEST_LEN]>::from(*self).serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
        } else {
            Self::try_from(<[u64; DIGEST_LEN]>::deserialize(deserializer)?).map_err(serde::de::Error::custom)
        }
    }
}

/// Permutation of `[input | capacity]`.
fn absorb(input: [F; RATE], capacity: [F; WIDTH - RATE]) -> [F; WIDTH] {
    let mut state = [ZERO; WIDTH];
    state[..RATE].copy_from_slice(&input);
    state[RATE..].copy_from_slice(&capacity);
    permute(&mut state);
    state
}

fn first_four(state: [F; WIDTH]) -> Digest {
    Digest([state[0], state[1], state[2], state[3]])
}

/// The parent of two tree nodes: `permute [left, right | 0, 0, 0, 0]`, first four elements.
pub fn node(left: Digest, right: Digest) -> Digest {
    let mut input = [ZERO; RATE];
    input[..DIGEST_LEN].copy_from_slice(&left.0);
    input[DIGEST_LEN..].copy_from_slice(&right.0);
    first_four(absorb(input, [ZERO; WIDTH - RATE]))
}

/// Climbs from a node to the root over it: `siblings` lowest first; bit `i` of `index`, the node's
/// position on its level, is set where the node on the way is a right child.
pub fn climb(start: Digest, index: u32, siblings: &[Digest]) -> Digest {
    siblings.iter().enumerate().fold(start, |below, (i, &sibling)| {
        if (u64::from(index) >> i) & 1 == 0 { node(below, sibling) } else { node(sibling, below) }
    })
}

/// The hash of a record of the tag's fixed length: an overwrite-mode sponge from the capacity
/// `[tag, 0, 0, 0]`; the last block is filled up with zeros; the digest is the first four elements
/// after the last permutation.
///
/// # Panics
/// If `record` is empty.
pub fn hash(tag: Tag, record: &[F]) -> Digest {
    assert!(!record.is_empty(), "a record has at least one element");
    let mut state = [ZERO; WIDTH];
    state[RATE] = tag.element();
    for block in record.chunks(RATE) {
        let mut input = [ZERO; RATE];
        input[..block.len()].copy_from_slice(block);
        state = absorb(input, [state[8], state[9], state[10], state[11]]);
    }
    first_four(state)
}

/// The digest of a batch's messages: an overwrite-mode sponge that absorbs one message (8 elements) a
/// permutation, and only the flagged ones. Its state is the capacity, which is also the digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageSponge(Digest);

impl MessageSponge {
    /// The sponge before the first message of a side of a batch: `[64 + 2 kind + side, 0, 0, 0]`, with 0 for the messages
    /// that it emits and 1 for those that it consumes. So no list of messages stands for one of another kind or side.
    pub const fn new(kind: u8, side: Side) -> Self {
        Self(Digest([from_u32(64 + 2 * kind as u32 + side as u32), ZERO, ZERO, ZERO]))
    }

    /// Absorbs one message.
    pub fn absorb(&mut self, message: [F; RATE]) {
        let state = absorb(message, self.0.0);
        self.0 = Digest([state[8], state[9], state[10], state[11]]);
    }

    /// The digest of what was absorbed so far.
    pub fn digest(self) -> Digest {
        self.0
    }
}
