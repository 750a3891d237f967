//! Credits: the native twin of the circuits `credit_many` and `credit_few`.

use enfold_state::chain::{ChainState, Phase, link_consumed};
use enfold_state::hash::Digest;
use enfold_state::leaf::{AMOUNT_LIMIT, Leaf, LeafIndex};
use enfold_state::message::{Message, Op};

use crate::batch::{BatchWitness, CreditPath, Paths};
use crate::profile::Profile;
use crate::step::{PathShape, Slots, StepError, Window, check_shape, consume};

/// The chain state after a credit batch, by the rules of its circuit.
///
/// # Errors
/// If the witness breaks a rule; the first one in the circuit's order is named.
pub fn step(profile: &Profile, witness: &BatchWitness) -> Result<ChainState, StepError> {
    let before = witness.before;
    let Paths::Credit(paths) = &witness.paths else {
        return Err(StepError::Kind { expected: witness.batch });
    };
    check_shape(profile, witness, paths.iter().map(shape))?;

    // Phase: credits may follow every phase, and nothing but credits may follow them.

    // Window: from its root, which all paths open, up to the state root.
    let first = paths.first().ok_or(StepError::Paths { expected: 1, got: 0 })?;
    let mut window = Window::enter(witness, old_digest(first), first.index)?;

    // Paths.
    let mut slots = Slots::new(witness.seed);
    for (number, path) in paths.iter().enumerate() {
        window.open(number, old_digest(path), path.index)?;
        let mut leaf = old_leaf(number, path)?;
        for (leg, message) in path.messages.iter().enumerate() {
            if message.is_some() && leg > 0 && path.messages[leg - 1].is_none() {
                return Err(StepError::LiveOrder { path: number, leg });
            }
            if let Some(message) = message {
                check_message(path.index, &leaf, message, number, leg)?;
                leaf.balance = new_balance(leaf.balance, message.amount, number, leg)?;
            }
            let padding = padding_message(path, &leaf);
            slots.push(message.as_ref().unwrap_or(&padding).elements(), message.is_some());
        }
        window.update(leaf.digest(), path.index);
    }

    // State after.
    let totals = slots.finish()?;
    Ok(ChainState {
        root: window.leave(),
        consumed: link_consumed(before.consumed, totals.digest),
        sum: consume(before.sum, &totals),
        phase: Phase::Credit,
        ..before
    })
}

fn shape(path: &CreditPath) -> PathShape {
    (path.index, path.messages.len())
}

/// Old digest: that of the leaf, or zero where the position was empty.
fn old_digest(path: &CreditPath) -> Digest {
    path.leaf.as_ref().map_or(Digest::ZERO, Leaf::digest)
}

/// Old leaf: an empty position takes owner and asset from its first message, with nonce and balance zero.
fn old_leaf(number: usize, path: &CreditPath) -> Result<Leaf, StepError> {
    match (path.leaf, path.messages.first()) {
        (Some(leaf), _) => Ok(leaf),
        (None, Some(Some(first))) => Ok(empty_leaf(first)),
        (None, _) => Err(StepError::EmptyPadding { path: number, index: path.index }),
    }
}

/// The leaf that a first message makes of an empty position, before its amount.
pub(crate) fn empty_leaf(first: &Message) -> Leaf {
    Leaf { address: first.to_address, nonce: 0, asset: first.asset, balance: 0 }
}

/// Message: a transfer or a fee, for this leaf, its owner and its asset.
pub(crate) fn check_message(
    index: LeafIndex,
    leaf: &Leaf,
    message: &Message,
    number: usize,
    leg: usize,
) -> Result<(), StepError> {
    match message.op {
        Op::Transfer | Op::Fee => (),
    }
    if message.to != index {
        return Err(StepError::Index { path: number, leg, expected: index, got: message.to });
    }
    if message.asset != leaf.asset {
        return Err(StepError::Asset { path: number, leg, expected: leaf.asset, got: message.asset });
    }
    if message.to_address != leaf.address {
        return Err(StepError::Address {
            path: number,
            leg,
            expected: leaf.address,
            got: message.to_address,
        });
    }
    Ok(())
}

/// Range: the balance after every single message.
pub(crate) fn new_balance(balance: u64, amount: u64, path: usize, leg: usize) -> Result<u64, StepError> {
    let sum = i128::from(balance) + i128::from(amount);
    u64::try_from(sum).ok().filter(|&balance| balance < AMOUNT_LIMIT).ok_or(StepError::Balance {
        path,
        leg,
        got: sum,
    })
}

/// Padding slot: a transfer of nothing, from leaf 0, to this leaf.
fn padding_message(path: &CreditPath, leaf: &Leaf) -> Message {
    Message {
        op: Op::Transfer,
        asset: leaf.asset,
        from: Default::default(),
        to: path.index,
        amount: 0,
        memo: 0,
        to_address: leaf.address,
    }
}
