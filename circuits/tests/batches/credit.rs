//! What the credit circuits refuse. The numbers are those of the constraints in `enfold_circuits::credit`. Lies
//! are told in the last path of a full batch, so that no other path depends on them.

use enfold_circuits::config::F;
use enfold_circuits::credit::CreditPathTargets;
use enfold_circuits::fill::FillError;
use enfold_circuits::kind::PathsTargets;
use enfold_state::chain::link_consumed;
use enfold_state::hash::{MessageSponge, Side};
use enfold_state::kind::KindId;
use enfold_state::leaf::{AMOUNT_LIMIT, Leaf, LeafIndex};
use enfold_state::message::{Message, Op};
use enfold_state::profile::{BatchId, ProfileId};
use enfold_witness::batch::{CreditPath, Paths};
use plonky2::field::types::Field;

use crate::bank::{ASSET, BALANCE, Bank, leaf, only, profile, stranger};
use crate::lie::broken::{ARITHMETIC, BOOLEAN, HASH, INDEX, PATH_RANGE, RANGE};
use crate::lie::{Lie, number};

/// Accounts in [`wide`]; the last path is another one's, whose leaf is new and so behind theirs.
const OLD: usize = 32;

/// Accounts that are credited in front of the last path.
const CREDITED: usize = ProfileId::Test.profile().shape(BatchId::CreditWide).paths() - 1;

/// What the last path is credited.
const LAST_AMOUNT: u64 = 100 + OLD as u64;

/// A message to each of the first accounts and to a stranger: a full batch with one message a path.
pub fn wide() -> Lie {
    wide_of(Bank::new(OLD))
}

/// The same with a last path that is an account's of the bank.
fn wide_old() -> Lie {
    wide_of(Bank::new(OLD + 1))
}

fn wide_of(mut bank: Bank) -> Lie {
    let accounts = bank.keys.len();
    let pay = |account: usize| {
        let to = if account == accounts { stranger(1) } else { bank.address(account) };
        bank.pay((account + 1) % OLD, to, 100 + account as u64, 0)
    };
    let payments = (0..CREDITED).chain([OLD]).map(pay).collect();
    let witness = only(&bank.witness(payments), BatchId::CreditWide);
    let mut lie = Lie::new(bank, witness);
    assert_eq!(lie.credit().index.0 as usize, OLD);
    lie
}

/// Forty messages to each of accounts 0, 1 and 2: a batch of three paths.
fn deep() -> Lie {
    let mut bank = Bank::new(60);
    let payments = (0..120).map(|i| {
        let to = bank.address(i % 3);
        bank.pay(i / 2, to, 100, 0)
    });
    let payments = payments.collect();
    let witness = only(&bank.witness(payments), BatchId::CreditDeep);
    Lie::new(bank, witness)
}

pub fn targets(lie: &Lie) -> &'static CreditPathTargets {
    match &lie.circuit().targets().paths {
        PathsTargets::Credit(paths) => paths.last().unwrap(),
        PathsTargets::Debit(_) => unreachable!("a credit circuit"),
    }
}

fn message(path: &mut CreditPath, slot: usize) -> &mut Message {
    path.messages[slot].as_mut().unwrap()
}

#[test]
fn without_a_lie_all_holds() {
    let mut lie = wide();
    assert_eq!(lie.credit().leaf, None);
    lie.holds();
    let mut lie = wide_old();
    assert!(lie.credit().leaf.is_some());
    lie.holds();
    let mut lie = deep();
    assert!(lie.credit().messages[39].is_some() && lie.credit().messages[40].is_none());
    lie.holds();
}

// Empty positions (1, 2, 3, 4).

#[test]
fn occupied_leaf_as_if_empty() {
    let mut lie = wide_old();
    lie.credit().leaf = None;
    lie.breaks(&[HASH]);
}

#[test]
fn empty_position_as_if_occupied() {
    let mut lie = wide();
    let address = stranger(1);
    lie.credit().leaf = Some(Leaf::new(address, ASSET));
    lie.breaks(&[HASH]);
}

#[test]
fn empty_position_with_a_balance() {
    let mut lie = wide();
    lie.set(targets(&lie).leaf.balance, number(1_000));
    lie.breaks(&[ARITHMETIC]);
}

#[test]
fn empty_position_with_a_nonce() {
    for nonce in 0..2 {
        let mut lie = wide();
        lie.set(targets(&lie).leaf.nonces[nonce], F::ONE);
        lie.breaks(&[ARITHMETIC]);
    }
}

#[test]
fn empty_flag_that_is_not_boolean() {
    for empty in [F::TWO, F::NEG_ONE] {
        let mut lie = wide();
        lie.set(targets(&lie).empty, empty);
        lie.breaks(&[ARITHMETIC, HASH]);
    }
}

/// A new leaf without a message: anyone's address with a balance of zero.
#[test]
fn empty_position_without_a_message() {
    let mut lie = wide();
    lie.set(targets(&lie).messages[0].live, F::ZERO);
    lie.breaks(&[ARITHMETIC]);

    let mut lie = wide();
    let position = lie.credit().index;
    lie.credit().messages[0] = None;
    let error = lie.does_not_fit();
    assert!(matches!(error, FillError::EmptyPadding { index } if index == position.0), "{error}");
}

// New leaves (7).

/// The counts after the block say that the shard has no position for the new leaf.
#[test]
fn new_leaf_beyond_the_count() {
    for count in [0, 1, OLD as u32] {
        let mut lie = wide();
        assert_eq!(lie.witness.counts.0[0], OLD as u32 + 1);
        lie.witness.counts.0[0] = count;
        lie.witness.before.counts = lie.witness.counts.digest();
        lie.breaks(&[PATH_RANGE]);
    }
    // Room in other shards is none here.
    let mut lie = wide();
    lie.witness.counts.0 = [1 << 24; 64];
    lie.witness.counts.0[0] = OLD as u32;
    lie.witness.before.counts = lie.witness.counts.digest();
    lie.breaks(&[PATH_RANGE]);
    // More is for the block to refuse: its counts grow by as many leaves as it creates.
    let mut lie = wide();
    lie.witness.counts.0[0] += 1;
    lie.witness.before.counts = lie.witness.counts.digest();
    lie.holds();
}

/// An old leaf may be anywhere: its position was counted when it was created.
#[test]
fn old_leaf_beyond_the_count() {
    let mut lie = wide_old();
    lie.witness.counts.0[0] = 1;
    lie.witness.before.counts = lie.witness.counts.digest();
    lie.holds();
}

/// Counts that are not those under the digest, which all batches of the block and the block itself share.
#[test]
fn counts_of_ones_own() {
    for shard in [0, 5, 40] {
        let mut lie = wide();
        lie.witness.counts.0[shard] += 1;
        lie.breaks(&[HASH]);
    }
}

/// A bound, a shard or a count of another shard.
#[test]
fn bound_of_ones_own() {
    for (name, value) in [
        ("batch: shard of the window", 1),
        ("batch: end of the shard's leaves", 100),
        ("batch: last of the shard's leaves", 100),
        ("batch: positions that are taken behind a path's", 1),
        ("batch: of a new leaf's", 1),
    ] {
        let mut lie = wide();
        lie.witness.counts.0[0] = OLD as u32;
        lie.witness.before.counts = lie.witness.counts.digest();
        lie.tell_last(name, number(value));
        lie.breaks(&[ARITHMETIC]);
    }
}

/// One leaf more, or none: the block's counts grow by this.
#[test]
fn new_leaves_that_are_not_counted() {
    for value in [0, 2] {
        let mut lie = wide();
        assert_eq!((lie.witness.before.created, lie.witness.after.created), (0, 1));
        lie.tell_last("batch: new leaves", number(value));
        lie.breaks(&[ARITHMETIC]);
    }
}

// The old leaf (3) and its position.

#[test]
fn leaf_with_another_balance() {
    let mut lie = wide_old();
    lie.credit().leaf.as_mut().unwrap().balance += 1;
    lie.breaks(&[HASH]);
}

#[test]
fn leaf_with_another_owner() {
    let mut lie = wide_old();
    lie.credit().leaf.as_mut().unwrap().address = stranger(1);
    lie.breaks(&[HASH]);
}

#[test]
fn path_of_another_leaf() {
    let mut lie = wide_old();
    let other = lie.siblings(0);
    let last = lie.witness.siblings.len() - 1;
    lie.witness.siblings.change(last, |path| path.copy_from_slice(&other));
    lie.breaks(&[HASH]);
}

#[test]
fn bits_of_another_leaf() {
    let mut lie = wide_old();
    lie.credit().index.0 ^= 1;
    lie.breaks(&[HASH]);
}

#[test]
fn index_other_than_the_bits() {
    let mut lie = wide_old();
    lie.set(targets(&lie).position.index, F::ONE);
    lie.breaks(&[INDEX]);
}

#[test]
fn leaf_outside_the_window() {
    let mut lie = wide_old();
    let outside = LeafIndex(lie.credit().index.0 + (1 << profile().window_depth));
    lie.set(targets(&lie).position.index, number(outside.0.into()));
    lie.breaks(&[INDEX]);

    let mut lie = wide_old();
    lie.credit().index = outside;
    let error = lie.does_not_fit();
    assert!(matches!(error, FillError::Window { expected: 0, got: 1 }), "{error}");
}

// Live flags (5).

#[test]
fn live_flag_that_is_not_boolean() {
    for live in [F::TWO, F::NEG_ONE, F::TWO.inverse()] {
        let mut lie = wide_old();
        lie.set(targets(&lie).messages[0].live, live);
        let found = lie.violations();
        assert!(found.contains(BOOLEAN), "{live}: {found:?}");
    }
}

#[test]
fn live_message_after_one_that_is_off() {
    let mut lie = deep();
    lie.set(targets(&lie).messages[38].live, F::ZERO);
    lie.breaks(&[ARITHMETIC]);
}

// Assets (6, 8), ops (9), senders (10).

/// The new leaf's asset is `a + 2^-8`: then the transfer's first element is `2 + 2^8 a`, a fee's in asset a.
#[test]
fn fee_consumed_as_a_transfer_of_a_fractional_asset() {
    let mut lie = wide();
    message(lie.credit(), 0).op = Op::Fee;
    let honest = lie.published();
    message(lie.credit(), 0).op = Op::Transfer;
    let fraction = number(1 << 8).inverse();
    lie.set(targets(&lie).leaf.asset, number(ASSET.into()) + fraction);
    // The message is the same, only the leaf is another.
    assert_eq!(lie.published().ctx, honest.ctx);
    assert_ne!(lie.published().after, honest.after);
    lie.breaks(&[RANGE]);
}

/// `1 + 256 + 2^8 a` is the first element of a transfer of asset `a + 1`.
#[test]
fn transfer_consumed_in_another_asset() {
    let mut lie = wide_old();
    let bit = targets(&lie).messages[0].op.bits().next().unwrap();
    lie.set(bit, number(1 << 8));
    lie.breaks(&[ARITHMETIC]);
}

#[test]
fn op_that_is_neither_transfer_nor_fee() {
    for is_fee in [F::TWO, F::NEG_ONE] {
        let mut lie = wide_old();
        let bit = targets(&lie).messages[0].op.bits().next().unwrap();
        lie.set(bit, is_fee);
        lie.breaks(&[ARITHMETIC]);
    }
}

/// `sender + 2^32 index` is the same for `index - 1` and `from + 2^32`: a message to another leaf.
#[test]
fn message_to_another_index() {
    let mut lie = wide_old();
    let from = message(lie.credit(), 0).from.0;
    lie.set(targets(&lie).messages[0].sender, number(u64::from(from) + (1 << 32)));
    lie.breaks(&[RANGE]);
}

/// A message to another address, asset or leaf than the path's is not what the circuit absorbs: what it
/// proves is not a consumption of that message.
#[test]
fn message_of_another_leaf() {
    let changes: [fn(&mut Message); 3] = [
        |message| message.to_address = stranger(9),
        |message| message.asset += 1,
        |message| message.to.0 += 1,
    ];
    for change in changes {
        let mut lie = wide_old();
        let honest = lie.published();
        change(message(lie.credit(), 0));
        assert_eq!(lie.published(), honest);
        lie.holds();

        // The state after in which that message was consumed.
        let Paths::Credit(paths) = &lie.witness.paths else { unreachable!("a credit batch") };
        let mut sponge = MessageSponge::new(KindId::Credit.number(), Side::Consume);
        paths
            .iter()
            .flat_map(|path| path.messages.iter().flatten())
            .for_each(|m| sponge.absorb(m.elements()));
        let mut after = lie.witness.after;
        assert_eq!(after.digest(), honest.after);
        after.consumed = link_consumed(lie.witness.before.consumed, sponge.digest());
        lie.set_digest(lie.circuit().targets().public_inputs.after, after.digest());
        lie.breaks(&[HASH]);
    }
}

// Balances (11).

#[test]
fn balance_above_its_range() {
    let mut bank = Bank::new(OLD + 1);
    let leaf = leaf(bank.address(OLD), 0, AMOUNT_LIMIT - 1 - LAST_AMOUNT);
    bank.put_leaf(OLD, leaf);
    let mut lie = wide_of(bank);
    assert_eq!(message(lie.credit(), 0).amount, LAST_AMOUNT);
    lie.holds();
    message(lie.credit(), 0).amount += 1;
    lie.breaks(&[RANGE]);
}

#[test]
fn balance_below_zero() {
    let mut lie = wide_old();
    lie.set(targets(&lie).messages[0].amount, -number(BALANCE + 1));
    lie.breaks(&[RANGE]);
}

#[test]
fn balance_that_leaves_its_range_and_comes_back() {
    let mut lie = deep();
    let messages = &targets(&lie).messages;
    lie.set(messages[20].amount, number(AMOUNT_LIMIT));
    lie.set(messages[21].amount, -number(AMOUNT_LIMIT));
    lie.breaks(&[RANGE]);
}

/// An unflagged message adds nothing: the amount of a padding slot is free, and changes nothing that is
/// published but by its flag.
#[test]
fn padding_adds_nothing() {
    let mut lie = deep();
    let honest = lie.published();
    let slot = &targets(&lie).messages[40];
    lie.set(slot.amount, number(1_000_000));
    lie.set(slot.memo, number(9));
    assert_eq!(lie.published(), honest);
    lie.holds();
    lie.set(slot.live, F::ONE);
    assert_ne!(lie.published().after, honest.after);
}
