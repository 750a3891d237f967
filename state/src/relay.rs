//! The relay: the smallest contract, for tests alone. `docs/contracts.md` counts what adding it took.
//!
//! Somebody signs a [`Put`](Op::Put): an amount, and who is to have it. The relay counts it and pays it out to them by a
//! [`Payout`](Op::Payout). It relays no more at once than its own balance, which anybody can raise by a transfer to
//! [`ADDRESS`] and nobody can lower.

use std::num::NonZeroUsize;

use crate::chain::BlockId;
use crate::field::{ZERO, from_u32};
use crate::hash::Digest;
use crate::kind::KindId;
use crate::leaf::{Address, Leaf, LeafIndex};
use crate::legs::Legs;
use crate::message::{Message, Op};
use crate::nonce::{Nonce, NonceKey};
use crate::rule::Rule;

/// The kind of the relay's legs.
#[derive(Clone, Copy, Debug)]
pub struct Relay;

/// Owner of the relay's leaves. It is no hash that anybody knows a key of.
pub const ADDRESS: Address = Digest([from_u32(17), ZERO, ZERO, ZERO]);

/// A message that is relayed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RelayLeg {
    /// The message that it consumes.
    pub put: Message,
    /// The receiver's leaf, as the executor found or assigned it.
    pub payee: LeafIndex,
}

impl RelayLeg {
    /// The message to the receiver.
    pub fn payout(&self) -> Message {
        let Message { to: from, .. } = self.put;
        Message { op: Op::Payout, from, nonce_key: NonceKey::First, to: self.payee, ..self.put }
    }
}

impl Legs for Relay {
    const ID: KindId = KindId::Relay;
    const ADDRESS: Option<Address> = Some(ADDRESS);

    type Leg = RelayLeg;

    fn apply(_: &BlockId, index: LeafIndex, leaf: Option<&Leaf>, leg: &RelayLeg) -> Result<Leaf, Rule> {
        let Message { op, asset, to, amount, .. } = leg.put;
        let mut leaf = *leaf.ok_or(Rule::Empty { index })?;
        if op.consumer() != Self::ID {
            return Err(Rule::Op { got: op });
        }
        if to != index {
            return Err(Rule::Index { expected: index, got: to });
        }
        if leaf.address != ADDRESS {
            return Err(Rule::Receiver { expected: leaf.address, got: ADDRESS });
        }
        if asset != leaf.asset {
            return Err(Rule::Asset { expected: leaf.asset, got: asset });
        }
        if amount > leaf.balance {
            let demand = "an amount of at most";
            return Err(Rule::Contract { contract: Self::ID, demand, expected: leaf.balance, got: amount });
        }
        let got = Nonce::new(leaf.nonces[0], NonceKey::First);
        leaf.nonces[0] = leaf.nonces[0].checked_add(1).ok_or(Rule::NonceExhausted { got })?;
        Ok(leaf)
    }

    fn emit(leg: &RelayLeg, messages: &mut Vec<Message>) {
        messages.push(leg.payout());
    }

    fn consume(leg: &RelayLeg, messages: &mut Vec<Message>) {
        messages.push(leg.put);
    }

    /// A payout does not say who put: leaf 0 stands for them.
    fn read(
        _: &BlockId,
        _: impl Fn(LeafIndex) -> Option<Leaf>,
        messages: &[Message],
    ) -> Option<(LeafIndex, RelayLeg, NonZeroUsize)> {
        let &payout = messages.first().filter(|first| first.op == Op::Payout)?;
        let put = Message { op: Op::Put, from: LeafIndex(0), to: payout.from, ..payout };
        Some((payout.from, RelayLeg { put, payee: payout.to }, NonZeroUsize::MIN))
    }

    fn call(&put: &Message, payee: LeafIndex) -> Option<RelayLeg> {
        Some(RelayLeg { put, payee })
    }
}
