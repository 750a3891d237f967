//! Windows other than the first: each bit of a window's number stands for the level of the tree that it should.

use std::collections::BTreeSet;

use enfold_circuits::kind::PathsTargets;
use enfold_state::hash::{Digest, climb};
use enfold_state::keys::padding_key;
use enfold_state::kind::KindId;
use enfold_state::leaf::{LeafIndex, SHARD_DEPTH, SHARDS};
use enfold_state::profile::BatchId;
use enfold_witness::batch::{BatchWitness, Paths};
use enfold_witness::step::{StepError, step};
use enfold_witness::witness::BlockWitness;
use plonky2::iop::target::Target;

use crate::bank::{Bank, profile, stranger};
use crate::honest::one;
use crate::lie::broken::{INDEX, PATH_RANGE};
use crate::lie::{Lie, number};

/// Leaves of a window.
const WINDOW: u32 = 1 << 10;

/// A block that works in windows 0 to 3, the last of which is empty before it.
fn block_of_windows() -> (Bank, BlockWitness) {
    let accounts = 3 * WINDOW as usize;
    let mut bank = Bank::new(accounts);
    let mut payments = Vec::new();
    for i in 0..10 {
        let to = bank.address((i * 911 + 1) % accounts);
        payments.push(bank.pay((i * 307 + 5) % accounts, to, 10, 1));
    }
    payments.push(bank.pay(2_900, stranger(1), 10, 1));
    let block = bank.witness(payments);
    (bank, block)
}

#[test]
fn batches_of_several_windows_pass() {
    assert_eq!(1 << profile().window_depth, WINDOW);
    let (_, block) = block_of_windows();
    let mut windows = BTreeSet::new();
    for witness in block.batches {
        windows.insert((witness.batch.kind(), witness.window));
        let (before, after) = (witness.before.digest(), witness.after.digest());
        let lie = Lie::new(Bank::new(1), witness);
        lie.holds();
        let published = lie.published();
        assert_eq!((published.before, published.after), (before, after));
    }
    let of_kind = |kind| windows.iter().filter(move |(of, _)| *of == kind).map(|&(_, window)| window);
    assert!(of_kind(KindId::Debit).eq([0, 1, 2]));
    assert!(of_kind(KindId::Credit).eq([0, 1, 2, 3]));
}

/// The batch in another window of some tree: its siblings above the window stay, so the roots are others.
fn moved(bank: &Bank, mut witness: BatchWitness, window: u32) -> BatchWitness {
    let place = |index: LeafIndex| LeafIndex(window * WINDOW + index.0 % WINDOW);
    let first = match &mut witness.paths {
        Paths::Debit(paths) => {
            for path in &mut *paths {
                let account = path.index.0 as usize;
                path.index = place(path.index);
                for leg in &mut path.legs {
                    let padding = padding_key();
                    let key = if leg.live { &bank.keys[account] } else { padding };
                    let mut transaction = leg.signed.transaction;
                    transaction.from = path.index;
                    leg.signed = key.sign_transaction(transaction);
                }
            }
            (paths[0].leaf.digest(), paths[0].index)
        }
        Paths::Credit(paths) => {
            for path in &mut *paths {
                path.index = place(path.index);
                path.messages.iter_mut().flatten().for_each(|message| message.to = path.index);
            }
            (paths[0].leaf.map_or(Digest::ZERO, |leaf| leaf.digest()), paths[0].index)
        }
    };
    witness.window = window;
    let siblings = witness.siblings.walk().step().unwrap().to_vec();
    let root = climb(first.0, first.1.0, &siblings);
    witness.before.tree_root = climb(root, window, &witness.top_siblings);
    // As many leaves as go up to the window's end.
    let first = LeafIndex(window * WINDOW);
    witness.counts.0[first.shard()] = first.position() + WINDOW;
    witness.before.counts = witness.counts.digest();
    witness.after = step(profile(), &witness).unwrap();
    witness
}

/// The accounts of [`block`].
fn accounts() -> Bank {
    Bank::new(20)
}

/// Each bit alone, so that no order of them but the right one passes, and all of them.
fn numbers() -> impl Iterator<Item = u32> {
    let bits = profile().top_depth() as u32;
    (0..bits).map(|bit| 1 << bit).chain([0x5_3a17, (1 << bits) - 1])
}

#[test]
fn every_bit_of_a_window_has_its_level() {
    for batch in BatchId::ALL {
        let witness = one(batch);
        // Leaves are created in the lower half of the tree.
        let accounts_only = |&window: &u32| batch.kind() == KindId::Debit || window >> 19 == 0;
        for window in numbers().filter(accounts_only) {
            let witness = moved(&accounts(), witness.clone(), window);
            let (before, after) = (witness.before.digest(), witness.after.digest());
            let lie = Lie::new(accounts(), witness);
            lie.holds();
            let published = lie.published();
            assert_eq!((published.before, published.after), (before, after), "{} {window}", batch.name());
        }
    }
}

/// A leaf is created in a shard of accounts only: no window with the top bit has a credit.
#[test]
fn no_leaf_is_created_in_the_upper_half() {
    for batch in KindId::Credit.circuits().iter().copied() {
        for window in [1 << 19, (1 << 20) - 1] {
            let mut witness = moved(&accounts(), one(batch), window - (1 << 19));
            let Paths::Credit(paths) = &mut witness.paths else { unreachable!("a credit batch") };
            witness.window = window;
            for path in paths {
                path.index.0 += 1 << 29;
                path.messages.iter_mut().flatten().for_each(|message| message.to = path.index);
            }
            let native = step(profile(), &witness);
            assert!(matches!(native, Err(StepError::Shard { expected: 32, got: 32.. })), "{native:?}");
            let found = Lie::new(accounts(), witness).violations();
            // The bit is connected with a constant zero.
            assert!(found.iter().any(|name| name.starts_with("ConstantGate")), "{found:?}");
        }
    }
}

/// The count that bounds a new leaf is its own shard's, whatever room others have or lack.
#[test]
fn a_new_leaf_is_bounded_by_the_count_of_its_shard() {
    let mut tried = 0;
    for batch in KindId::Credit.circuits().iter().copied() {
        for shard in [0_usize, 3, 21, 31] {
            let window = (shard as u32) << SHARD_DEPTH >> WINDOW.ilog2();
            let mut witness = moved(&accounts(), one(batch), window);
            let Paths::Credit(paths) = &witness.paths else { unreachable!("a credit batch") };
            let new = paths.iter().filter(|path| path.leaf.is_none()).map(|path| path.index.position());
            let Some(newest) = new.max() else { continue };
            for (others, own, holds) in [(0, newest + 1, true), (1 << SHARD_DEPTH, newest, false)] {
                witness.counts.0 = [others; SHARDS];
                witness.counts.0[shard] = own;
                witness.before.counts = witness.counts.digest();
                let lie = Lie::new(accounts(), witness.clone());
                if holds {
                    lie.holds()
                } else {
                    lie.breaks(&[PATH_RANGE])
                }
                tried += 1;
            }
        }
    }
    assert!(tried >= 8, "{tried} batches");
}

fn last_index(lie: &Lie) -> Target {
    match &lie.circuit().targets().paths {
        PathsTargets::Debit(paths) => paths.last().unwrap().position.index,
        PathsTargets::Credit(paths) => paths.last().unwrap().position.index,
    }
}

/// The batch claims that its last path is at another index, which the leaf's owner signs for; its bits stay.
fn claims_index(bank: Bank, witness: &BatchWitness, claim: impl Fn(u32) -> u32) {
    let mut lie = Lie::new(bank, witness.clone());
    let index = match &lie.witness.paths {
        Paths::Debit(paths) => paths.last().unwrap().index.0,
        Paths::Credit(paths) => paths.last().unwrap().index.0,
    };
    let claimed = claim(index);
    assert_ne!(claimed, index);
    if let Paths::Debit(paths) = &mut lie.witness.paths {
        for leg in &mut paths.last_mut().unwrap().legs {
            let mut transaction = leg.signed.transaction;
            transaction.from = LeafIndex(claimed);
            let padding = padding_key();
            let key = if leg.live { &lie.bank.keys[index as usize] } else { padding };
            leg.signed = key.sign_transaction(transaction);
        }
    }
    lie.set(last_index(&lie), number(claimed.into()));
    lie.breaks(&[INDEX]);
}

#[test]
fn the_same_place_in_another_window() {
    let (bank, block) = block_of_windows();
    for witness in block.batches.iter().filter(|witness| witness.window != 0) {
        claims_index(bank.clone(), witness, |index| index % WINDOW);
        claims_index(bank.clone(), witness, |index| index ^ (1 << 29));
    }
    for batch in BatchId::ALL {
        claims_index(accounts(), &one(batch), |index| index + WINDOW);
    }
}

/// Window 2 said to be window 1, and the reverse: bits that change places.
#[test]
fn a_window_with_its_bits_in_another_order() {
    let (bank, block) = block_of_windows();
    let swap = |index: u32| (index & !(3 << 10)) | (index >> 1 & 1 << 10) | (index << 1 & 1 << 11);
    let mut tried = 0;
    for witness in block.batches.iter().filter(|witness| [1, 2].contains(&witness.window)) {
        claims_index(bank.clone(), witness, swap);
        tried += 1;
    }
    assert!(tried >= 4, "{tried} batches");
}

/// The bits of the window belong to all paths and to the way up: with others, the batch is about another root, and
/// its paths are at other indices.
#[test]
fn bits_of_another_window() {
    let (bank, block) = block_of_windows();
    let witness = block.batches.iter().find(|witness| witness.window == 2).unwrap();
    let mut lie = Lie::new(bank.clone(), witness.clone());
    let honest = lie.published();
    let bits = lie.circuit().targets().top.bits.clone();
    lie.set(bits[0].target, number(1));
    lie.set(bits[1].target, number(0));
    assert_ne!(lie.published().before, honest.before);
    let found = lie.violations();
    assert!(found.contains(INDEX), "{found:?}");
}
