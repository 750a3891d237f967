//! What a kind of legs does.

use crate::chain::BlockId;
use crate::kind::KindId;
use crate::leaf::{Leaf, LeafIndex};
use crate::message::Message;
use crate::rule::Rule;

/// The native rules of a kind: the only place where they are written. Executor, witness, rebuilding and receipts call
/// them; the kind's circuit is their twin.
pub trait Legs {
    /// Which one.
    const ID: KindId;

    /// What a leg is given besides its leaf.
    type Leg;

    /// The leaf after a leg, from the leaf before it; `None` means an empty position.
    ///
    /// # Errors
    /// If the leg breaks a rule.
    fn apply(block: &BlockId, index: LeafIndex, leaf: Option<&Leaf>, leg: &Self::Leg) -> Result<Leaf, Rule>;

    /// Adds the messages that a leg emits, in their order.
    fn emit(leg: &Self::Leg, messages: &mut Vec<Message>);

    /// Adds the messages that a leg consumes, in their order.
    fn consume(leg: &Self::Leg, messages: &mut Vec<Message>);
}
