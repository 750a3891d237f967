//! One thing told in two ways: a value here and another there, where the circuit copies it; and results that are not
//! those of their operation. Rows are found by what an honest witness has on them.

use enfold_circuits::config::F;
use enfold_circuits::convert::{from_digest, from_native, from_native_array};
use enfold_circuits::gates::logup::LogUpGate;
use enfold_circuits::gates::path::PathGate;
use enfold_circuits::gates::poseidon2::Poseidon2Gate;
use enfold_circuits::gates::select::SelectGate;
use enfold_state::field::from_u32;
use enfold_state::hash::{Digest, Tag, climb};
use enfold_state::keys::padding_key;
use enfold_state::leaf::{Leaf, LeafIndex};
use enfold_state::message::Message;
use enfold_state::nonce::{Nonce, NonceKey};
use enfold_state::profile::BatchId;
use plonky2::field::types::Field;

use crate::bank::{Bank, only, stranger};
use crate::lie::{Lie, number};
use crate::{credit, debit};

/// The row of a permutation whose input begins with these elements; of a record with this tag, if it is the first.
fn hash_row(lie: &Lie, tag: Option<Tag>, record: &[F]) -> usize {
    let tag = tag.map(|tag| from_native(tag.element()));
    lie.row("Poseidon2", |wires| wires[..record.len()] == *record && tag.is_none_or(|tag| wires[8] == tag))
}

fn refused(lie: &Lie) {
    assert!(!lie.violations().is_empty(), "the lie is accepted");
}

/// The last message of a batch.
fn last_message(lie: &Lie) -> [F; 8] {
    let row = lie.row("LogUp", |wires| wires[LogUpGate::flag(1)] == F::ONE);
    lie.honest_row(row)[LogUpGate::message(1)..LogUpGate::flag(0)].try_into().unwrap()
}

/// The context's record of block and seed.
fn context(lie: &Lie) -> Vec<F> {
    let block = from_native_array(lie.witness.block.elements());
    [&block[..], &from_digest(lie.witness.seed).elements].concat()
}

/// Chain id, number, time or seed.
#[test]
fn context_of_another_block() {
    for column in 0..4 {
        let mut lie = debit::wide();
        let row = hash_row(&lie, Some(Tag::Context), &context(&lie));
        lie.add(row, column, F::ONE);
        refused(&lie);
    }
}

/// The halves of a record's first eight elements change places.
#[test]
fn record_that_is_swapped() {
    let mut lie = debit::wide();
    let row = hash_row(&lie, Some(Tag::Context), &context(&lie));
    lie.add(row, Poseidon2Gate::SWAP, F::ONE);
    refused(&lie);
}

#[test]
fn challenges_of_another_seed() {
    let mut lie = debit::wide();
    let row = hash_row(&lie, Some(Tag::LogUp), &from_digest(lie.witness.seed).elements);
    lie.add(row, 0, F::ONE);
    refused(&lie);
}

#[test]
fn state_other_than_hashed() {
    for after in [false, true] {
        let mut lie = debit::wide();
        let state = if after { lie.witness.after } else { lie.witness.before };
        let record = from_native_array(state.elements());
        let row = hash_row(&lie, Some(Tag::ChainState), &record[..8]);
        lie.add(row, 4, F::ONE);
        refused(&lie);
    }
}

#[test]
fn links_of_other_chains() {
    let mut lie = debit::wide();
    let row = hash_row(&lie, Some(Tag::EmittedChain), &from_digest(lie.witness.before.emitted).elements);
    lie.add(row, 0, F::ONE);
    refused(&lie);
    let mut lie = credit::wide();
    let row = hash_row(&lie, Some(Tag::ConsumedChain), &from_digest(lie.witness.before.consumed).elements);
    lie.add(row, 0, F::ONE);
    refused(&lie);
}

/// The digest absorbs an amount, the sum has another.
#[test]
fn message_absorbed_other_than_summed() {
    for mut lie in [debit::wide(), credit::wide()] {
        let row = hash_row(&lie, None, &last_message(&lie));
        lie.add(row, 2, F::ONE);
        refused(&lie);
    }
}

#[test]
fn message_summed_other_than_absorbed() {
    for mut lie in [debit::wide(), credit::wide()] {
        let row = lie.row("LogUp", |wires| wires[LogUpGate::flag(1)] == F::ONE);
        lie.add(row, LogUpGate::message(1) + 2, F::ONE);
        refused(&lie);
    }
}

/// A term by other challenges than the others', and a sum that does not go on from the one before.
#[test]
fn terms_and_sums_of_ones_own() {
    for column in [LogUpGate::ALPHA, LogUpGate::GAMMA, LogUpGate::SUM_IN] {
        let mut lie = debit::wide();
        let row = lie.row("LogUp", |_| true);
        lie.add(row, column, F::ONE);
        refused(&lie);
    }
}

/// Op and asset, then sender and receiver, of a message that is absorbed and summed alike, and not what they are
/// packed from.
#[test]
fn message_that_is_not_packed_from_its_parts() {
    // Another asset, another sender, another nonce key.
    for (element, difference) in [(0, 1 << 8), (1, 1 << 8), (1, 1 << 30)] {
        for mut lie in [debit::wide(), credit::wide()] {
            let row = lie.row("LogUp", |wires| wires[LogUpGate::flag(1)] == F::ONE);
            lie.add(row, LogUpGate::message(1) + element, number(difference));
            refused(&lie);
        }
    }
}

/// A batch whose last path is padding, by a transaction of the padding key with a fee.
fn padded() -> Lie {
    let mut bank = Bank::new(debit::LAST + 1);
    let payments = (1..debit::LAST).map(|account| bank.pay(account, stranger(1), 100, 1)).collect();
    let witness = only(&bank.witness(payments), BatchId::DebitWide);
    let mut lie = Lie::new(bank, witness);
    let leg = &mut lie.debit().legs[0];
    assert!(!leg.live);
    let mut transaction = leg.signed.transaction;
    (transaction.amount, transaction.fee) = (1 << 40, 1 << 40);
    leg.signed = padding_key().sign_transaction(transaction);
    lie
}

/// The fee of a padding leg is emitted: money from nothing.
#[test]
fn fee_message_of_padding() {
    let mut lie = padded();
    lie.holds();
    let row = lie.row("LogUp", |wires| wires[LogUpGate::flag(0)] == F::ZERO);
    lie.add(row, LogUpGate::flag(1), F::ONE);
    refused(&lie);
}

/// The state after counts one transaction more, or one message.
#[test]
fn counts_that_are_not_the_legs() {
    for column in [6, 7] {
        let mut lie = debit::wide();
        let record = from_native_array(lie.witness.after.elements());
        let row = hash_row(&lie, None, &record[8..16]);
        lie.add(row, column, F::ONE);
        refused(&lie);
    }
}

/// The state before has one message more, or the last leg emits no fee, and the state after counts as before.
#[test]
fn counts_that_stay() {
    for fewer in [false, true] {
        let mut lie = debit::wide();
        let record = from_native_array(lie.witness.after.elements());
        let row = hash_row(&lie, None, &record[8..16]);
        lie.add(row, 7, F::ZERO);
        if fewer {
            lie.debit().legs[0].signed.transaction.fee = 0;
            lie.sign(0, debit::LAST);
        } else {
            lie.witness.before.messages += 1;
        }
        refused(&lie);
    }
}

/// The new leaf has the nonce of the old one: the same transaction is valid again.
#[test]
fn nonce_that_stays() {
    let mut lie = debit::wide();
    let leaf = lie.debit().leaf;
    let address = from_digest(leaf.address).elements;
    let record = [&address[..], &[F::ONE, number(leaf.asset.into())]].concat();
    let row = hash_row(&lie, Some(Tag::AccountLeaf), &record);
    lie.add(row, 4, F::NEG_ONE);
    refused(&lie);
}

/// Another digest at the last path's position, in the tree that all paths open. The paths in front of it are those
/// of lower indices below `2^level`.
fn plant(lie: &mut Lie, level: usize, index: LeafIndex, digest: Digest) {
    let last = lie.witness.siblings.len() - 1;
    let below = climb(digest, index.0, &lie.siblings(last)[..level]);
    (0..last).for_each(|path| lie.witness.siblings.change(path, |siblings| siblings[level] = below));
}

/// A leaf that has the last of all nonces pays, and its nonce would be zero again in 32 bits. It takes a tree that
/// no block leads to.
#[test]
fn last_nonce_is_not_used() {
    for key in NonceKey::ALL {
        let mut nonces = [5; 2];
        nonces[key as usize] = u32::MAX - 1;
        let mut lie = debit::wide_with_nonces(nonces, key);
        lie.debit().leaf.nonces[key as usize] += 1;
        lie.debit().legs[0].signed.transaction.nonce = Nonce::new(u32::MAX, key);
        lie.sign(0, debit::LAST);
        let (index, digest) = (lie.debit().index, lie.debit().leaf.digest());
        plant(&mut lie, 4, index, digest);
        lie.breaks(&[crate::lie::broken::RANGE]);
    }
}

/// With `empty` two, the digest that is opened is the leaf's, negated.
#[test]
fn half_empty_position() {
    let mut lie = credit::wide();
    let index = lie.credit().index;
    let Message { to_address: address, asset, .. } = lie.credit().messages[0].unwrap();
    let leaf = Leaf::new(address, asset);
    let digest = Digest(leaf.digest().0.map(|element| from_u32(0) - element));
    plant(&mut lie, 5, index, digest);
    lie.set(credit::targets(&lie).empty, F::TWO);
    lie.breaks(&[crate::lie::broken::ARITHMETIC]);
}

/// The index and its bits are another leaf's, for which the owner signs; the path climbs by the true bits.
#[test]
fn bits_other_than_the_paths() {
    let mut lie = debit::wide();
    let row = lie.row("Path", |wires| wires[PathGate::INDEX] == number(debit::LAST as u64));
    lie.debit().legs[0].signed.transaction.from.0 += 1;
    lie.sign(0, debit::LAST);
    lie.set(debit::targets(&lie).position.index, number(debit::LAST as u64 + 1));
    lie.add(row, PathGate::bit(0), F::ONE);
    refused(&lie);
}

/// What is absorbed for a flagged message is not what its permutation gave; what stays for one that is not flagged is
/// not what was there.
#[test]
fn selections_of_other_digests() {
    let last = |lie: &Lie| lie.row("Select", |_| true);
    let mut lie = debit::wide();
    let row = last(&lie);
    lie.add(row, SelectGate::on(2).start, F::ONE);
    refused(&lie);
    let mut lie = padded();
    let row = last(&lie);
    lie.add(row, SelectGate::off(2).start, F::ONE);
    refused(&lie);
}

/// Phase 4, with factors that say otherwise.
#[test]
fn phase_with_false_factors() {
    for (name, value) in [
        ("batch: p (p - 1) of the phase", F::ZERO),
        ("batch: p - 2 of the phase", F::ONE),
        ("batch: (p - 2) (p - 3) of the phase", F::ZERO),
        ("batch: product of the phase less each that may be", F::ZERO),
    ] {
        let mut lie = credit::wide();
        lie.set(lie.circuit().targets().before.phase, number(4));
        lie.tell(name, value);
        refused(&lie);
    }
}
