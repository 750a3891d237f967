//! What a kind of legs does.

use std::num::NonZeroUsize;

use crate::chain::BlockId;
use crate::kind::KindId;
use crate::leaf::{Address, Leaf, LeafIndex};
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
    ///
    /// A contract's leg pays at least one message to the payee of its [`call`](Self::call), whose leaf may have been opened
    /// for it; each message is in range ([`Message::check`]), of an op that the contract emits, and goes to a leaf of its
    /// address and asset. Otherwise the executor refuses the call with [`Rule::Paid`]. It does not panic: what a leg
    /// emits follows from what somebody signed, and nobody shall stop an operator by a transaction.
    fn emit(leg: &Self::Leg, messages: &mut Vec<Message>);

    /// Adds the messages that a leg consumes, in their order.
    fn consume(leg: &Self::Leg, messages: &mut Vec<Message>);

    /// Reads a leg back out of published messages: its leaf, the leg, and how many messages are its own; `None` if no leg
    /// begins with the first of them. The messages are those that the kind's legs emitted, in the order of the legs, and
    /// those that they consumed if the kind emits nothing. `leaf` is the state before the leg.
    ///
    /// What messages do not tell, a leg does not have: it is enough for [`Self::apply`], and no more.
    fn read(
        block: &BlockId,
        leaf: impl Fn(LeafIndex) -> Option<Leaf>,
        messages: &[Message],
    ) -> Option<(LeafIndex, Self::Leg, NonZeroUsize)>;

    /// For a contract, owner of its leaves, one for each asset. It must be the address of no key: a leaf that is debited too
    /// would change before and between the contract's legs. Other kinds have none.
    const ADDRESS: Option<Address> = None;

    /// For a contract, the leg that consumes the message of one transaction, which called it, and pays out to a leaf: that
    /// of the message's address in its asset. Other kinds are not called.
    fn call(_message: &Message, _payee: LeafIndex) -> Option<Self::Leg> {
        None
    }
}
