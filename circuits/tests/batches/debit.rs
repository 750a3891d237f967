//! What the debit circuits refuse. The numbers are those of the constraints in `enfold_circuits::debit`. Lies
//! are told in the last path of a full batch, so that no other path depends on them.

use enfold_circuits::config::F;
use enfold_circuits::convert::to_native;
use enfold_circuits::debit::DebitPathTargets;
use enfold_circuits::fill::FillError;
use enfold_circuits::kind::PathsTargets;
use enfold_state::chain::{Quadratic, logup_challenges, quadratic_mul};
use enfold_state::ecgfp5::Challenge;
use enfold_state::field::{F as NativeF, ONE, ORDER, ZERO, reduce, to_u64};
use enfold_state::hash::{Digest, Tag, hash};
use enfold_state::keys::{challenge, padding_key};
use enfold_state::leaf::{AMOUNT_LIMIT, Leaf, LeafIndex};
use enfold_state::message::{Message, Op};
use enfold_state::nonce::{Nonce, NonceKey};
use enfold_state::owner::{L1Owner, OWNER_BYTES};
use enfold_state::profile::{BatchId, ProfileId};
use enfold_state::transaction::Transaction;
use enfold_witness::batch::Paths;
use enfold_witness::logup::Challenges;
use enfold_witness::siblings::Siblings;
use plonky2::field::types::Field;

use crate::bank::{ASSET, BALANCE, Bank, CHAIN, leaf, only, profile, stranger};
use crate::honest::block;
use crate::lie::broken::{
    ARITHMETIC, BIT, BOOLEAN, GAMMA, HASH, INDEX, PATH_RANGE, RANGE, SELECT, SIGNATURE,
};
use crate::lie::{Lie, number};

/// The account of the last path of [`wide`].
pub const LAST: usize = ProfileId::Test.profile().shape(BatchId::DebitWide).paths();

/// The account of the last path of [`deep`].
const LAST_OF_DEEP: usize = ProfileId::Test.profile().shape(BatchId::DebitDeep).paths();

/// The last leg of a path of [`deep`].
const LAST_LEG: usize = ProfileId::Test.profile().shape(BatchId::DebitDeep).legs - 1;

/// One payment by each of the accounts from 1 on: a full batch with one leg a path.
pub fn wide() -> Lie {
    wide_of(Bank::new(LAST + 1))
}

pub fn wide_of(mut bank: Bank) -> Lie {
    let pay = |account| bank.pay(account, stranger(account as u32), 100, 1 + account as u64 % 3);
    let payments = (1..=LAST).map(pay).collect();
    let witness = only(&bank.witness(payments), BatchId::DebitWide);
    Lie::new(bank, witness)
}

/// The same without the last account's payment: the last path is padding.
fn padded() -> Lie {
    let mut bank = Bank::new(LAST + 1);
    let payments = (1..LAST).map(|account| bank.pay(account, stranger(1), 100, 1)).collect();
    let witness = only(&bank.witness(payments), BatchId::DebitWide);
    Lie::new(bank, witness)
}

/// As many payments as a path has legs by each of the accounts from 1 on: a full batch.
fn deep() -> Lie {
    let mut bank = Bank::new(LAST_OF_DEEP + 1);
    let count = LAST_OF_DEEP * (LAST_LEG + 1);
    let pay = |i| bank.pay(1 + i % LAST_OF_DEEP, stranger(i as u32), 100, 1);
    let payments = (0..count).map(pay).collect();
    let witness = only(&bank.witness(payments), BatchId::DebitDeep);
    Lie::new(bank, witness)
}

/// A payment by the last account that is rightly signed, but breaks a rule.
#[track_caller]
fn refuses_payment(change: impl FnOnce(&mut Transaction), expected: &[&str]) {
    let mut lie = wide();
    change(&mut lie.debit().legs[0].signed.transaction);
    lie.sign(0, LAST);
    lie.breaks(expected);
}

/// Another transaction than the one that the last account signed.
#[track_caller]
fn refuses_unsigned(change: impl FnOnce(&mut Transaction)) {
    let mut lie = wide();
    change(&mut lie.debit().legs[0].signed.transaction);
    lie.breaks(&[SIGNATURE]);
}

pub fn targets(lie: &Lie) -> &'static DebitPathTargets {
    match &lie.circuit().targets().paths {
        PathsTargets::Debit(paths) => paths.last().unwrap(),
        PathsTargets::Credit(_) => unreachable!("a debit circuit"),
    }
}

#[test]
fn without_a_lie_all_holds() {
    wide().holds();
    deep().holds();
}

// The leaf (1) and its position.

#[test]
fn leaf_with_another_balance() {
    let mut lie = wide();
    lie.debit().leaf.balance += 1;
    lie.breaks(&[HASH]);
}

#[test]
fn leaf_with_another_owner() {
    let mut lie = wide();
    lie.debit().leaf.address = lie.bank.address(1);
    lie.sign(0, 1);
    lie.breaks(&[HASH]);
}

#[test]
fn leaf_with_another_asset() {
    let mut lie = wide();
    lie.debit().leaf.asset += 1;
    lie.debit().legs[0].signed.transaction.asset += 1;
    lie.sign(0, LAST);
    lie.breaks(&[HASH]);
}

/// The lowest node over the leaf, opened as if it were a leaf: its children in the leaf's elements. Its tag is another.
#[test]
fn node_as_leaf() {
    let mut lie = wide();
    let sibling = lie.siblings(LAST - 1)[0];
    let digest = lie.debit().leaf.digest();
    let leaf = targets(&lie).leaf;
    lie.set_digest(leaf.address, sibling);
    for (target, element) in
        [leaf.nonces[0], leaf.asset, leaf.balance, leaf.nonces[1]].into_iter().zip(digest.0)
    {
        lie.set(target, number(to_u64(element)));
    }
    let found = lie.violations();
    assert!(found.contains(HASH), "{found:?}");
}

#[test]
fn path_that_is_too_short() {
    let mut lie = wide();
    lie.witness.siblings = Siblings::new(9);
    (0..LAST).for_each(|_| lie.witness.siblings.push(&[Digest::ZERO; 9]));
    let error = lie.does_not_fit();
    assert!(matches!(error, FillError::Shape { what: "siblings", expected: 10, got: 9 }), "{error}");
}

#[test]
fn path_of_another_leaf() {
    let mut lie = wide();
    let other = lie.siblings(0);
    lie.witness.siblings.change(LAST - 1, |path| path.copy_from_slice(&other));
    lie.breaks(&[HASH]);
}

/// The owner signs for another index, and index and bits are that one.
#[test]
fn bits_of_another_leaf() {
    let mut lie = wide();
    let path = lie.debit();
    path.index.0 ^= 1;
    path.legs[0].signed.transaction.from.0 ^= 1;
    lie.sign(0, LAST);
    lie.breaks(&[HASH]);
}

/// The owner signs for another index than the one that is opened.
#[test]
fn index_other_than_the_bits() {
    let mut lie = wide();
    lie.debit().legs[0].signed.transaction.from.0 += 1;
    lie.sign(0, LAST);
    lie.set(targets(&lie).position.index, number(LAST as u64 + 1));
    lie.breaks(&[INDEX]);
}

/// The bits (a, b, ...) of the index as (a + 2, b - 1, ...).
#[test]
fn bits_that_are_not_boolean() {
    let mut lie = wide();
    let index = u64::from(lie.debit().index.0);
    let bits = &targets(&lie).position.climb.bits;
    lie.set(bits[0].target, number((index & 1) + 2));
    lie.set(bits[1].target, number(index >> 1 & 1) - F::ONE);
    let found = lie.violations();
    assert!(found.contains(BIT) && !found.contains(INDEX), "{found:?}");
}

#[test]
fn leaf_outside_the_window() {
    let mut lie = wide();
    let window = 1 << profile().window_depth;
    let outside = LeafIndex(lie.debit().index.0 + window);
    lie.debit().legs[0].signed.transaction.from = outside;
    lie.sign(0, LAST);
    lie.set(targets(&lie).position.index, number(outside.0.into()));
    lie.breaks(&[INDEX]);

    let mut lie = wide();
    lie.debit().index = outside;
    let error = lie.does_not_fit();
    assert!(matches!(error, FillError::Window { expected: 0, got: 1 }), "{error}");
}

// Live flags (2).

#[test]
fn live_flag_that_is_not_boolean() {
    for live in [F::TWO, F::NEG_ONE, F::TWO.inverse()] {
        let mut lie = wide();
        lie.set(targets(&lie).legs[0].live, live);
        let found = lie.violations();
        assert!(found.contains(BOOLEAN), "{live}: {found:?}");
    }
}

/// The last leg but one is off, and the last is live and signed with that leg's nonce.
#[test]
fn live_leg_after_one_that_is_off() {
    let mut lie = deep();
    let legs = &mut lie.debit().legs;
    legs[LAST_LEG - 1].live = false;
    let nonce = &mut legs[LAST_LEG].signed.transaction.nonce;
    *nonce = Nonce::new(nonce.number() - 1, nonce.key());
    lie.sign(LAST_LEG, LAST_OF_DEEP);
    lie.breaks(&[ARITHMETIC]);
}

// Nonces (3, 9).

/// The last account's leaf with these nonces, and what it pays by the nonce of a key.
pub fn wide_with_nonces(nonces: [u32; 2], key: NonceKey) -> Lie {
    let mut bank = Bank::new(LAST + 1);
    bank.put_leaf(LAST, Leaf { nonces, ..leaf(bank.address(LAST), 0, BALANCE) });
    let mut pay = |account, key| bank.pay_by(key, account, stranger(account as u32), 100, 1);
    let mut payments: Vec<_> = (1..LAST).map(|account| pay(account, NonceKey::First)).collect();
    payments.push(pay(LAST, key));
    let witness = only(&bank.witness(payments), BatchId::DebitWide);
    let mut lie = Lie::new(bank, witness);
    assert_eq!(lie.debit().leaf.nonces, nonces);
    lie
}

#[test]
fn nonces_of_both_keys_are_taken() {
    for key in NonceKey::ALL {
        wide_with_nonces([5, 9], key).holds();
    }
}

/// The number of one key under the other, and a nonce of either key that is the last one, or the next but one.
#[test]
fn nonce_of_the_other_key() {
    for key in NonceKey::ALL {
        for (number, of) in
            [(9, NonceKey::First), (5, NonceKey::Second), (4, key), (6, key), (8, key), (10, key)]
        {
            let mut lie = wide_with_nonces([5, 9], key);
            lie.debit().legs[0].signed.transaction.nonce = Nonce::new(number, of);
            lie.sign(0, LAST);
            lie.breaks(&[SIGNATURE]);
        }
    }
}

/// The signature is by one key; the wire says the other.
#[test]
fn key_other_than_signed() {
    for key in NonceKey::ALL {
        let mut lie = wide_with_nonces([5, 9], key);
        lie.set(targets(&lie).legs[0].nonce_key, F::ONE - number(key as u64));
        lie.breaks(&[SIGNATURE]);
    }
}

/// A key of two, with a signature that fits it: the nonce is one that no leaf has.
#[test]
fn key_that_is_not_boolean() {
    for key in [2, ORDER - 1] {
        let mut lie = wide_with_nonces([5, 9], NonceKey::First);
        let leg = &mut lie.debit().legs[0];
        let mut record = leg.signed.transaction.elements();
        let (key, four) = (reduce(key), reduce(4));
        record[3] = reduce(5) + key * four + key * reduce(1 << 32);
        lie.debit().legs[0].signed.signature = lie.bank.keys[LAST].sign(&record);
        lie.set(targets(&lie).legs[0].nonce_key, number(to_u64(key)));
        lie.breaks(&[ARITHMETIC]);
    }
}

/// What grows is not the nonce that was signed, or none does.
#[test]
fn nonces_after_other_than_signed() {
    for (key, name, value) in [
        (NonceKey::First, "debit: nonce 0 after a leg", 5),
        (NonceKey::First, "debit: nonce 0 after a leg", 7),
        (NonceKey::First, "debit: nonce 0 and live", 5),
        (NonceKey::First, "debit: nonce 1 after a leg", 10),
        (NonceKey::Second, "debit: nonce 0 after a leg", 6),
        (NonceKey::Second, "debit: nonce 1 after a leg", 9),
    ] {
        let mut lie = wide_with_nonces([5, 9], key);
        lie.tell_last(name, number(value));
        lie.breaks(&[ARITHMETIC]);
    }
}

/// A nonce that is signed and not the leaf's, by an operation that is told otherwise.
#[test]
fn nonce_that_is_not_the_leafs() {
    for (name, value, signed) in [
        ("debit: nonce 1 less nonce 0", 1, 6),
        ("debit: nonce of the key", 6, 6),
        ("debit: signed nonce is nonce + 2^32 key", 6 + (1 << 32), 6),
        // What is in its range is something else.
        ("debit: nonce after a leg", 5, 9),
    ] {
        let mut lie = wide_with_nonces([5, 9], NonceKey::Second);
        lie.debit().legs[0].signed.transaction.nonce = Nonce::new(signed, NonceKey::Second);
        lie.sign(0, LAST);
        lie.tell_last(name, number(value));
        lie.breaks(&[ARITHMETIC]);
    }
}

// Signatures and their record (4).

#[test]
fn op_other_than_signed() {
    refuses_payment(|transaction| transaction.op = Op::Fee, &[SIGNATURE]);
}

#[test]
fn signature_for_another_chain() {
    refuses_payment(|transaction| transaction.chain_id = CHAIN + 1, &[SIGNATURE]);
}

#[test]
fn signature_for_another_leaf() {
    refuses_payment(|transaction| transaction.from = LeafIndex(1), &[SIGNATURE]);
}

#[test]
fn signature_for_another_asset() {
    refuses_payment(|transaction| transaction.asset = ASSET + 1, &[SIGNATURE]);
}

#[test]
fn signature_for_a_contract() {
    for target in [1, 1 << 32, 1 << 53] {
        refuses_payment(|transaction| transaction.target = target, &[SIGNATURE]);
    }
}

/// Version 1 signed twelve elements, and zeros fill a sponge's blocks up: what it signed is, in this version, a record that
/// was valid until second 0.
#[test]
fn signature_of_version_1() {
    let mut lie = wide();
    let signed = &mut lie.debit().legs[0].signed;
    signed.transaction.valid_until = 0;
    let record = signed.transaction.elements();
    let (key, signature) = (signed.public_key, signed.signature);
    let hashed = [&signature.r.0[..], &key.encoding().0, &record[..12]].concat();
    let [h0, h1, ..] = hash(Tag::Challenge, &hashed).0;
    assert_eq!(challenge(signature.r, &key, &record), Challenge::new(h0, h1));
    lie.sign(0, LAST);
    lie.breaks(&[RANGE]);
}

// Validity (6).

#[test]
fn valid_in_its_last_second() {
    let mut lie = wide();
    lie.debit().legs[0].signed.transaction.valid_until = lie.witness.block.time;
    lie.sign(0, LAST);
    lie.holds();
}

#[test]
fn valid_until_before_the_block() {
    let time = wide().witness.block.time;
    refuses_payment(|transaction| transaction.valid_until = time - 1, &[RANGE]);
    refuses_payment(|transaction| transaction.valid_until = 1, &[RANGE]);
}

/// The same told by a range that is of something else, or by a time that is not the context's.
#[test]
fn expired_all_the_same() {
    let expired = || {
        let mut lie = wide();
        lie.debit().legs[0].signed.transaction.valid_until = lie.witness.block.time - 1;
        lie.sign(0, LAST);
        lie
    };
    let mut lie = expired();
    lie.tell_last("debit: time that is left", F::ZERO);
    lie.breaks(&[ARITHMETIC]);
    let mut lie = expired();
    let honest = lie.published();
    lie.witness.block.time -= 1;
    lie.holds();
    assert_ne!(lie.published().ctx, honest.ctx, "it is another block's");
    lie.set_digest(lie.circuit().targets().public_inputs.ctx, honest.ctx);
    lie.breaks(&[HASH]);
}

/// A record whose end is an element above 2^32, which no wallet signs, but its owner may: it is a later end and nothing else,
/// or none that comes.
#[test]
fn end_that_is_no_number_of_32_bits() {
    let time = u64::from(wide().witness.block.time);
    let (range, later): (&[&str], &[&str]) = (&[RANGE], &[]);
    for (end, expected) in [
        (number((1 << 32) + time - 1), later),
        (number(1 << 32), later),
        (number((1 << 32) + time), range),
        (number(1 << 33), range),
        (number(1 << 63), range),
        (F::NEG_ONE, range),
        (-number(1 << 32), range),
    ] {
        let mut lie = wide();
        let mut record = lie.debit().legs[0].signed.transaction.elements();
        let place = record.len() - 1;
        record[place] = to_native(end);
        lie.debit().legs[0].signed.signature = lie.bank.keys[LAST].sign(&record);
        lie.set(targets(&lie).legs[0].valid_until, end);
        match expected {
            [] => lie.holds(),
            _ => lie.breaks(expected),
        }
        // And not signed so.
        let mut lie = wide();
        lie.set(targets(&lie).legs[0].valid_until, end);
        assert!(lie.violations().contains(SIGNATURE), "{end}");
    }
}

#[test]
fn end_other_than_signed() {
    refuses_unsigned(|transaction| transaction.valid_until -= 1);
}

#[test]
fn nonce_skipped() {
    refuses_payment(|transaction| transaction.nonce = Nonce::new(1, NonceKey::First), &[SIGNATURE]);
}

#[test]
fn nonce_old() {
    let mut bank = Bank::new(LAST + 1);
    let leaf = leaf(bank.address(LAST), 5, BALANCE);
    bank.put_leaf(LAST, leaf);
    let mut lie = wide_of(bank);
    lie.holds();
    lie.debit().legs[0].signed.transaction.nonce = Nonce::new(4, NonceKey::First);
    lie.sign(0, LAST);
    lie.breaks(&[SIGNATURE]);
}

/// The signed record of leg 10 once more in leg 11.
#[test]
fn nonce_reused() {
    let mut lie = deep();
    let legs = &mut lie.debit().legs;
    legs[11] = legs[10].clone();
    lie.breaks(&[SIGNATURE]);
}

#[test]
fn amount_other_than_signed() {
    refuses_unsigned(|transaction| transaction.amount += 1);
}

#[test]
fn fee_other_than_signed() {
    refuses_unsigned(|transaction| transaction.fee += 1);
}

#[test]
fn receiver_other_than_signed() {
    refuses_unsigned(|transaction| transaction.to_address = stranger(99));
}

#[test]
fn memo_other_than_signed() {
    refuses_unsigned(|transaction| transaction.memo += 1);
}

#[test]
fn signature_of_somebody_else_under_the_owners_key() {
    let mut lie = wide();
    let transaction = lie.debit().legs[0].signed.transaction;
    lie.debit().legs[0].signed.signature = lie.bank.keys[1].sign(&transaction.elements());
    lie.breaks(&[SIGNATURE]);
}

// Owners (5).

/// An account with an owner on L1 pays; with another owner, or none, the address is not the leaf's.
#[test]
fn owner_on_l1_of_somebody_else() {
    let owner = L1Owner::new([7; OWNER_BYTES]);
    let owned = || {
        let mut bank = Bank::new(LAST + 1);
        let address = bank.keys[LAST].public_key().address(owner);
        bank.put_leaf(LAST, leaf(address, 0, BALANCE));
        let mut payments: Vec<_> = (1..=LAST).map(|account| bank.pay(account, stranger(1), 100, 1)).collect();
        payments[LAST - 1].owner = owner;
        let witness = only(&bank.witness(payments), BatchId::DebitWide);
        Lie::new(bank, witness)
    };
    owned().holds();
    for other in [L1Owner::NONE, L1Owner::new([8; OWNER_BYTES])] {
        let mut lie = owned();
        lie.debit().legs[0].signed.owner = other;
        lie.breaks(&[SELECT]);
    }
    let mut lie = wide();
    lie.debit().legs[0].signed.owner = owner;
    lie.breaks(&[SELECT]);
}

#[test]
fn key_of_somebody_else() {
    let mut lie = wide();
    lie.sign(0, 1);
    lie.breaks(&[SELECT]);
}

/// Account 1 signs; the encoded key is the owner's.
#[test]
fn encoded_key_of_another_point() {
    let mut lie = wide();
    let owner = lie.debit().legs[0].signed.public_key;
    lie.sign(0, 1);
    lie.debit().legs[0].signed.public_key = owner;
    lie.breaks(&[SIGNATURE]);
}

/// A padding leg is signed by the padding key; it must not become live.
#[test]
fn padding_leg_that_is_live() {
    let mut lie = padded();
    lie.holds();
    let leg = &mut lie.debit().legs[0];
    assert!(!leg.live, "the batch has one path of padding");
    leg.live = true;
    lie.breaks(&[SELECT]);
}

/// The padding key signs anything, an amount and a fee above all money too: as long as no flag is set, nothing is
/// emitted.
#[track_caller]
fn padding_emits_nothing(mut lie: Lie) {
    let honest = lie.published();
    let Paths::Debit(paths) = &mut lie.witness.paths else { unreachable!("a debit batch") };
    let legs = paths.iter_mut().flat_map(|path| &mut path.legs).filter(|leg| !leg.live);
    let mut changed = 0;
    for leg in legs {
        let mut transaction = leg.signed.transaction;
        (transaction.amount, transaction.fee) = (1 << 61, 1_000_000_000);
        leg.signed = padding_key().sign_transaction(transaction);
        changed += 1;
    }
    assert!(changed > 0, "the batch has padding");
    lie.holds();
    assert_eq!(lie.published(), honest);
}

#[test]
fn padding_path_with_a_fee() {
    padding_emits_nothing(padded());
}

#[test]
fn padding_legs_of_a_long_path_with_a_fee() {
    padding_emits_nothing(Lie::new(Bank::new(1), only(&block(), BatchId::DebitDeep)));
}

// Amounts, fees (7) and balances (8).

#[test]
fn amount_above_the_balance() {
    refuses_payment(|transaction| transaction.amount = BALANCE + 1, &[RANGE]);
}

#[test]
fn fee_above_the_rest_of_the_balance() {
    refuses_payment(|transaction| transaction.fee = BALANCE - 99, &[RANGE]);
}

#[test]
fn amount_zero() {
    refuses_payment(|transaction| transaction.amount = 0, &[RANGE]);
}

#[test]
fn amount_negative() {
    refuses_payment(|transaction| transaction.amount = ORDER - 1, &[RANGE]);
}

#[test]
fn fee_negative() {
    refuses_payment(|transaction| transaction.fee = ORDER - 1, &[RANGE]);
}

#[test]
fn amount_and_fee_of_2_to_the_62() {
    refuses_payment(|transaction| transaction.amount = AMOUNT_LIMIT, &[RANGE]);
    refuses_payment(|transaction| transaction.amount = AMOUNT_LIMIT + 1, &[RANGE]);
    refuses_payment(|transaction| transaction.fee = AMOUNT_LIMIT, &[RANGE]);
}

/// Amount and fee sum up to p: the balance stays, and two messages carry money.
#[test]
fn amount_and_fee_that_wrap() {
    refuses_payment(
        |transaction| {
            transaction.amount = ORDER / 2;
            transaction.fee = ORDER - transaction.amount;
        },
        &[RANGE],
    );
}

/// A lane whose balance falls below zero and is brought back by a negative fee.
#[test]
fn balance_that_leaves_its_range_and_comes_back() {
    let mut lie = deep();
    let legs = &mut lie.debit().legs;
    legs[LAST_LEG - 1].signed.transaction.amount = BALANCE;
    legs[LAST_LEG].signed.transaction.fee = ORDER - BALANCE;
    lie.sign(LAST_LEG - 1, LAST_OF_DEEP);
    lie.sign(LAST_LEG, LAST_OF_DEEP);
    lie.breaks(&[RANGE]);
}

// The nonce's range (9).

/// The last nonce that can be used is `2^32 - 2`. No block has the next one, so that it takes a leaf that
/// is not in the tree to show it.
#[test]
fn nonce_that_wraps() {
    let mut bank = Bank::new(LAST + 1);
    let leaf = leaf(bank.address(LAST), u32::MAX - 1, BALANCE);
    bank.put_leaf(LAST, leaf);
    let mut lie = wide_of(bank);
    lie.holds();
    lie.debit().leaf.nonces[0] += 1;
    lie.debit().legs[0].signed.transaction.nonce = Nonce::new(u32::MAX, NonceKey::First);
    lie.sign(0, LAST);
    lie.breaks(&[HASH, RANGE]);
}

// The receivers' positions (10).

/// `2^32 - 1` is the one that matters: with it, `index + 2^32 to` would read as a message from `index - 1`
/// to leaf 0.
#[test]
fn receivers_outside_the_tree() {
    for to in [number(1 << 30), number((1 << 32) - 1), F::NEG_ONE, F::TWO.inverse()] {
        let mut lie = wide();
        lie.set(targets(&lie).legs[0].to, to);
        lie.breaks(&[PATH_RANGE]);
        let mut lie = wide();
        lie.set(targets(&lie).legs[0].fee_to, to);
        lie.breaks(&[PATH_RANGE]);
    }
}

// Messages (11, 12).

/// The message says the other key than the signature: who rebuilds the state counts another nonce.
#[test]
fn key_in_the_message_other_than_signed() {
    for key in NonceKey::ALL {
        let mut lie = wide_with_nonces([5, 9], key);
        let other = number(LAST as u64) + (F::ONE - number(key as u64)) * number(1 << 30);
        lie.tell_last("message: lower half is from + 2^30 key", other);
        lie.breaks(&[ARITHMETIC]);
    }
}

/// Without an inverse of the fee, the fee would not be charged, and its message not sent.
#[test]
fn fee_without_a_message() {
    for inverse in [F::ZERO, F::ONE, F::TWO] {
        let mut lie = wide();
        assert!(lie.debit().legs[0].live && lie.debit().legs[0].signed.transaction.fee != 0);
        lie.debit().legs[0].signed.transaction.fee = 3;
        lie.sign(0, LAST);
        lie.set(targets(&lie).legs[0].fee_inverse, inverse);
        let found = lie.violations();
        assert!(found.contains(ARITHMETIC), "{inverse}: {found:?}");
    }
}

/// A fee of zero has no message, whatever its inverse is said to be.
#[test]
fn message_without_a_fee() {
    for inverse in [F::ONE, F::TWO] {
        let mut lie = wide();
        lie.debit().legs[0].signed.transaction.fee = 0;
        lie.sign(0, LAST);
        lie.set(targets(&lie).legs[0].fee_inverse, inverse);
        let published = lie.published();
        lie.set(targets(&lie).legs[0].fee_inverse, F::ZERO);
        assert_eq!(published, lie.published());
        lie.holds();
    }
}

/// A padding leg's message for which `gamma - f(m)` is zero has no inverse. The padding key signs anything.
#[test]
fn padding_message_at_gamma() {
    let mut lie = wide();
    let seed = lie.witness.seed;
    let leg = &mut lie.debit().legs[0];
    let (to, transaction) = (leg.to, &mut leg.signed.transaction);
    let message = |address: Digest| {
        let Transaction { asset, from, nonce, amount, memo, .. } = *transaction;
        let nonce_key = nonce.key();
        Message { op: Op::Transfer, asset, from, nonce_key, to, amount, memo, to_address: address }.elements()
    };
    // f is linear in the first two elements of the address, which alpha^4 and alpha^5 go with.
    let (alpha, _) = logup_challenges(seed);
    let square = quadratic_mul(alpha, alpha);
    let fourth = quadratic_mul(square, square);
    let missing = Challenges::new(seed).denominator(message(Digest::ZERO));
    let [a, b] = solve(fourth, quadratic_mul(fourth, alpha), missing);
    let address = Digest([a, b, ZERO, ZERO]);
    assert_eq!(Challenges::new(seed).denominator(message(address)), [ZERO; 2]);
    transaction.to_address = address;
    leg.live = false;
    lie.sign(0, LAST);
    let found = lie.violations();
    assert!(found.contains(GAMMA), "{found:?}");
}

/// `x` and `y` with `x u + y v = w`.
fn solve(u: Quadratic, v: Quadratic, w: Quadratic) -> [NativeF; 2] {
    let determinant = u[0] * v[1] - u[1] * v[0];
    let inverse = power(determinant, ORDER - 2);
    [(w[0] * v[1] - w[1] * v[0]) * inverse, (u[0] * w[1] - u[1] * w[0]) * inverse]
}

fn power(base: NativeF, exponent: u64) -> NativeF {
    let square_and_multiply = |(result, base): (NativeF, NativeF), i: u32| {
        (if exponent >> i & 1 == 1 { result * base } else { result }, base * base)
    };
    (0..64).fold((ONE, base), square_and_multiply).0
}

#[test]
fn solve_solves() {
    let [u, v, w] = [[1, 2], [3, 5], [7, 11]].map(|[a, b]: [u64; 2]| [reduce(a), reduce(b)]);
    let [x, y] = solve(u, v, w);
    assert_eq!([x * u[0] + y * v[0], x * u[1] + y * v[1]], w);
}
