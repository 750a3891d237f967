//! Twin of [`enfold_state::message`] and of [`enfold_state::hash::MessageSponge`]: packed messages and the
//! digest of a batch's.

use enfold_state::hash::{MessageSponge, RATE, Side};
use enfold_state::kind::KindId;
use enfold_state::leaf::TREE_DEPTH;
use enfold_state::message::{Message, Op};
use plonky2::field::types::Field;
use plonky2::hash::hash_types::HashOutTarget;
use plonky2::iop::target::Target;

use super::hash::{DigestTarget, absorb};
use super::select::Selects;
use crate::config::{Builder, F};
use crate::constraint::{define, named};
use crate::convert::{from_digest, from_native};

/// The elements of a packed message.
pub type MessageTargets = [Target; Message::LEN];

/// The first element of a message, `op + 2^8 asset` (its kind is 0). The caller sees to it that `asset < 2^32`.
pub fn head(builder: &mut Builder, op: Op, asset: Target) -> Target {
    let one = builder.one();
    let op = builder.constant(from_native(op.element()));
    let head = builder.arithmetic(F::from_canonical_u64(1 << 8), F::ONE, asset, one, op);
    define("message: first element is op + 2^8 asset", head)
}

/// The lower half of a message's second element, `from + 2^30 key`. The caller sees to it that `from < 2^30` and that
/// `key` is boolean.
pub fn sender(builder: &mut Builder, from: Target, key: Target) -> Target {
    let one = builder.one();
    let sender = builder.arithmetic(F::from_canonical_u64(1 << TREE_DEPTH), F::ONE, key, one, from);
    define("message: lower half is from + 2^30 key", sender)
}

/// The second element of a message, `sender + 2^32 to`. The caller sees to it that `sender < 2^32` and
/// `to < 2^30`, so that the element represents one pair only.
pub fn route(builder: &mut Builder, sender: Target, to: Target) -> Target {
    let one = builder.one();
    let route = builder.arithmetic(F::from_canonical_u64(1 << 32), F::ONE, to, one, sender);
    define("message: second element is sender + 2^32 to", route)
}

/// Twin of [`enfold_state::hash::MessageSponge`]: absorbs one message (8 elements) a permutation, and only
/// the flagged ones.
#[derive(Clone, Copy, Debug)]
pub struct MessageSpongeTargets(DigestTarget);

impl MessageSpongeTargets {
    /// The sponge before the first message of a side of a kind's batch.
    pub fn new(builder: &mut Builder, kind: KindId, side: Side) -> Self {
        let start = MessageSponge::new(kind.number(), side).digest();
        Self(builder.constant_hash(from_digest(start)).elements)
    }

    /// What the sponge holds once it has absorbed a message. One row.
    pub fn permuted(&self, builder: &mut Builder, message: MessageTargets) -> DigestTarget {
        let state = named("batch messages", || absorb(builder, message, self.0));
        std::array::from_fn(|i| state[RATE + i])
    }

    /// The sponge after a message: `absorbed` ([`Self::permuted`]) if the flag is 1, as it was if it is 0. The caller sees to
    /// it that the flag is boolean. A selection.
    #[must_use = "the sponge itself stays as it is"]
    pub fn absorb(
        self,
        builder: &mut Builder,
        selects: &mut Selects,
        absorbed: DigestTarget,
        flag: Target,
    ) -> Self {
        Self(selects.select(builder, flag, absorbed, self.0))
    }

    /// The digest of what was absorbed so far.
    pub fn digest(self) -> HashOutTarget {
        HashOutTarget { elements: self.0 }
    }
}
