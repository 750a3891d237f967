//! Debits: the native twin of the circuits `debit_many` and `debit_few`.

use enfold_state::chain::{ChainState, Phase, link_emitted};
use enfold_state::leaf::{AMOUNT_LIMIT, Address, Leaf, LeafIndex};
use enfold_state::message::{Message, Op};
use enfold_state::transaction::Transaction;

use crate::batch::{BatchWitness, DebitLeg, DebitPath, Paths};
use crate::logup::add;
use crate::step::{PathShape, Slots, StepError, Window, advance, check_shape};

use crate::profile::Profile;

/// The chain state after a debit batch, by the rules of its circuit.
///
/// # Errors
/// If the witness breaks a rule; the first one in the circuit's order is named.
pub fn step(profile: &Profile, witness: &BatchWitness) -> Result<ChainState, StepError> {
    let before = witness.before;
    let Paths::Debit(paths) = &witness.paths else {
        return Err(StepError::Kind { expected: witness.batch });
    };
    check_shape(profile, witness, paths.iter().map(shape))?;

    // Phase: debits come first.
    if before.phase != Phase::Debit {
        return Err(StepError::Phase { expected: Phase::Debit, got: before.phase });
    }

    // Window: from its root, which all paths open, up to the state root.
    let first = paths.first().ok_or(StepError::Paths { expected: 1, got: 0 })?;
    let mut window = Window::enter(witness, first.leaf.digest(), first.index)?;

    // Paths.
    let mut slots = Slots::new(witness.seed);
    let mut transactions = 0;
    for (number, path) in paths.iter().enumerate() {
        window.open(number, path.leaf.digest(), path.index)?;
        let mut leaf = path.leaf;
        for (leg, debit) in path.legs.iter().enumerate() {
            if debit.live && leg > 0 && !path.legs[leg - 1].live {
                return Err(StepError::LiveOrder { path: number, leg });
            }
            let at = At { path: number, leg, index: path.index };
            check_record(witness.chain_id, &leaf, &debit.signed.transaction, at)?;
            check_signature(&leaf, debit, at)?;
            leaf = new_leaf(&leaf, &debit.signed.transaction, debit.live, at)?;
            push_messages(&mut slots, path.index, debit);
            transactions += usize::from(debit.live);
        }
        window.update(leaf.digest(), path.index);
    }

    // State after.
    let totals = slots.finish()?;
    Ok(ChainState {
        root: window.leave(),
        emitted: link_emitted(before.emitted, totals.digest),
        sum: add(before.sum, totals.sum),
        transactions: advance(before.transactions, transactions)?,
        messages: advance(before.messages, totals.count)?,
        phase: Phase::Debit,
        ..before
    })
}

fn shape(path: &DebitPath) -> PathShape {
    (path.index, path.legs.len())
}

/// Where a leg stands.
#[derive(Clone, Copy)]
pub(crate) struct At {
    pub path: usize,
    pub leg: usize,
    pub index: LeafIndex,
}

/// Signed record: op, chain and leaf are the circuit's own, nonce and asset the leaf's.
pub(crate) fn check_record(
    chain_id: u32,
    leaf: &Leaf,
    transaction: &Transaction,
    at: At,
) -> Result<(), StepError> {
    let At { path, leg, index } = at;
    if transaction.op != Op::Transfer {
        return Err(StepError::Op { path, leg, expected: Op::Transfer, got: transaction.op });
    }
    if transaction.chain_id != chain_id {
        return Err(StepError::ChainId { path, leg, expected: chain_id, got: transaction.chain_id });
    }
    if transaction.from != index {
        return Err(StepError::Index { path, leg, expected: index, got: transaction.from });
    }
    if transaction.nonce != leaf.nonce {
        return Err(StepError::Nonce { path, leg, expected: leaf.nonce, got: transaction.nonce });
    }
    if transaction.asset != leaf.asset {
        return Err(StepError::Asset { path, leg, expected: leaf.asset, got: transaction.asset });
    }
    Ok(())
}

/// Signature: it holds in padding too; the key must be the owner's in a live leg only.
fn check_signature(leaf: &Leaf, debit: &DebitLeg, at: At) -> Result<(), StepError> {
    let At { path, leg, .. } = at;
    let signed = &debit.signed;
    enfold_state::keys::verify(&signed.public_key, &signed.transaction, &signed.signature)
        .map_err(|source| StepError::Signature { path, leg, source })?;
    let address = signed.public_key.address();
    if debit.live && address != leaf.address {
        return Err(StepError::Address { path, leg, expected: leaf.address, got: address });
    }
    Ok(())
}

/// Ranges, and the leaf after the leg: in padding the same leaf.
pub(crate) fn new_leaf(
    leaf: &Leaf,
    transaction: &Transaction,
    live: bool,
    at: At,
) -> Result<Leaf, StepError> {
    let At { path, leg, .. } = at;
    let &Transaction { amount, fee, .. } = transaction;
    // The range holds amount - 1, so the amount 2^62 passes here; a live one then fails on the balance.
    if amount == 0 || amount > AMOUNT_LIMIT {
        return Err(StepError::Amount { path, leg, got: amount });
    }
    if fee >= AMOUNT_LIMIT {
        return Err(StepError::Fee { path, leg, got: fee });
    }
    let spent = if live { i128::from(amount) + i128::from(fee) } else { 0 };
    let rest = i128::from(leaf.balance) - spent;
    let balance = u64::try_from(rest)
        .ok()
        .filter(|&balance| balance < AMOUNT_LIMIT)
        .ok_or(StepError::Balance { path, leg, got: rest })?;
    let nonce = leaf.nonce.checked_add(u32::from(live)).ok_or(StepError::NonceRange {
        path,
        leg,
        got: leaf.nonce,
    })?;
    Ok(Leaf { nonce, balance, ..*leaf })
}

/// Messages: the transfer, flagged if the leg is live; the fee, flagged if it is live and not zero.
fn push_messages(slots: &mut Slots, from: LeafIndex, debit: &DebitLeg) {
    let transaction = &debit.signed.transaction;
    let [transfer, fee] = messages(from, transaction, debit.to, debit.fee_to, debit.collector);
    slots.push(transfer.elements(), debit.live);
    slots.push(fee.elements(), debit.live && transaction.fee != 0);
}

/// The messages of a leg: its transfer and its fee, which may be zero.
pub(crate) fn messages(
    from: LeafIndex,
    transaction: &Transaction,
    to: LeafIndex,
    fee_to: LeafIndex,
    collector: Address,
) -> [Message; 2] {
    let &Transaction { asset, amount, fee, memo, to_address, .. } = transaction;
    [
        Message { op: Op::Transfer, asset, from, to, amount, memo, to_address },
        Message { op: Op::Fee, asset, from, to: fee_to, amount: fee, memo: 0, to_address: collector },
    ]
}
