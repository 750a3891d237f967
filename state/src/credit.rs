//! Credits: what a message does to its receiver's leaf.

use std::num::NonZeroUsize;

use crate::chain::BlockId;
use crate::kind::KindId;
use crate::leaf::{AMOUNT_LIMIT, Leaf, LeafIndex};
use crate::legs::Legs;
use crate::message::Message;
use crate::rule::Rule;

/// The kind of receivers' legs.
#[derive(Clone, Copy, Debug)]
pub struct Credit;

impl Legs for Credit {
    const ID: KindId = KindId::Credit;

    type Leg = Message;

    fn apply(_: &BlockId, index: LeafIndex, leaf: Option<&Leaf>, message: &Message) -> Result<Leaf, Rule> {
        let mut leaf = leaf.copied().unwrap_or_else(|| opened(message));
        let &Message { op, asset, to, to_address, .. } = message;
        if op.consumer() != Self::ID {
            return Err(Rule::Op { got: op });
        }
        if to != index {
            return Err(Rule::Index { expected: index, got: to });
        }
        if asset != leaf.asset {
            return Err(Rule::Asset { expected: leaf.asset, got: asset });
        }
        if to_address != leaf.address {
            return Err(Rule::Receiver { expected: leaf.address, got: to_address });
        }
        receive(&mut leaf, message)?;
        Ok(leaf)
    }

    fn emit(_: &Message, _: &mut Vec<Message>) {}

    fn consume(message: &Message, messages: &mut Vec<Message>) {
        messages.push(*message);
    }

    fn read(
        _: &BlockId,
        _: impl Fn(LeafIndex) -> Option<Leaf>,
        messages: &[Message],
    ) -> Option<(LeafIndex, Message, NonZeroUsize)> {
        messages.first().map(|&message| (message.to, message, NonZeroUsize::MIN))
    }
}

/// What a first message makes of an empty position, before its amount.
pub fn opened(message: &Message) -> Leaf {
    Leaf::new(message.to_address, message.asset)
}

/// Adds the amount of a message that is this leaf's.
///
/// # Errors
/// If the balance leaves its range.
pub(crate) fn receive(leaf: &mut Leaf, message: &Message) -> Result<(), Rule> {
    let got = leaf.balance.saturating_add(message.amount);
    if got >= AMOUNT_LIMIT {
        return Err(Rule::BalanceRange { got });
    }
    leaf.balance = got;
    Ok(())
}
