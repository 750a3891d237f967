//! Leaves stand at one depth. A leaf's fields are as many as a node's children, so that it could pass for a node,
//! were it not for the tag of its hash, and for the length of each path.

use enfold_state::field::{from_u32, reduce};
use enfold_state::hash::{Digest, node};
use enfold_state::leaf::{Leaf, LeafIndex};
use enfold_state::profile::{BatchId, ProfileId};
use enfold_witness::batch::Paths;

use crate::bank::{Bank, leaf, only, stranger};
use crate::lie::Lie;
use crate::lie::broken::HASH;

/// The account of the last path of [`debits`].
const LAST: usize = ProfileId::Test.profile().shape(BatchId::DebitWide).paths();

/// One payment by each of the accounts from 1 on.
fn debits(bank: Bank) -> Lie {
    let mut bank = bank;
    let payments = (1..=LAST).map(|account| bank.pay(account, stranger(1), 100, 0)).collect();
    let witness = only(&bank.witness(payments), BatchId::DebitWide);
    Lie::new(bank, witness)
}

/// The second half of a leaf's record, as the right child that it would be.
fn second_half(leaf: &Leaf) -> Digest {
    let [first, second] = leaf.nonces.map(from_u32);
    Digest([first, from_u32(leaf.asset), reduce(leaf.balance), second])
}

/// The siblings of the last path, one level more at the bottom and one less at the top.
fn deepen(lie: &mut Lie, lowest: Digest) {
    let last = lie.witness.siblings.len() - 1;
    lie.witness.siblings.change(last, |path| {
        path.rotate_right(1);
        path[0] = lowest;
    });
}

/// A leaf that does not exist, said to lie under one that does: whoever is paid chooses the address, so the first half
/// of a leaf's record may well be the digest of another leaf.
#[test]
fn leaf_as_node() {
    let mut bank = Bank::new(LAST + 2);
    let below = leaf(bank.address(LAST), 0, 1 << 61);
    let above = leaf(below.digest(), 0, 5);
    assert_ne!(node(below.digest(), second_half(&above)), above.digest(), "the tag tells them apart");

    // The last path, and no other, goes through the leaf above.
    let place = LAST;
    bank.put_leaf(place + 1, above);
    let mut lie = debits(bank);
    let index = lie.debit().index.0 ^ 1;
    assert_eq!(index as usize, place + 1, "the next leaf is the sibling");
    lie.debit().leaf = below;
    // The way up from the leaf above is that of its sibling, but for the lowest level.
    let sibling = lie.bank.ledger.leaf(LeafIndex(place as u32)).unwrap().digest();
    let last = lie.witness.siblings.len() - 1;
    lie.witness.siblings.change(last, |path| path[0] = sibling);
    deepen(&mut lie, second_half(&above));
    let path = lie.debit();
    path.index = LeafIndex(index << 1);
    path.legs[0].signed.transaction.from = path.index;
    path.legs[0].signed.transaction.amount = 1 << 60;
    lie.sign(0, LAST);
    lie.breaks(&[HASH]);
}

/// A node over two leaves in the place of a leaf: a path of one level less at the bottom.
#[test]
fn path_one_level_short() {
    let mut lie = debits(Bank::new(LAST + 1));
    let top = lie.witness.top_siblings[0];
    let last = lie.witness.siblings.len() - 1;
    lie.witness.siblings.change(last, |path| {
        path.rotate_left(1);
        path[path.len() - 1] = top;
    });
    lie.debit().index.0 >>= 1;
    let index = lie.debit().index;
    lie.debit().legs[0].signed.transaction.from = index;
    lie.sign(0, LAST);
    lie.breaks(&[HASH]);
}

#[test]
fn path_one_level_long() {
    let mut lie = debits(Bank::new(LAST + 1));
    deepen(&mut lie, Digest::ZERO);
    let path = lie.debit();
    path.index.0 <<= 1;
    path.legs[0].signed.transaction.from = path.index;
    lie.sign(0, LAST);
    lie.breaks(&[HASH]);
}

/// A node of the tree credited as a leaf, or an empty subtree as an empty position, one level up.
#[test]
fn credit_one_level_up() {
    let mut bank = Bank::new(LAST + 1);
    let payments = vec![bank.pay(1, stranger(1), 100, 0)];
    let block = bank.witness(payments);
    let mut lie = Lie::new(bank, only(&block, BatchId::CreditWide));
    lie.holds();
    let top = lie.witness.top_siblings[0];
    let last = lie.witness.siblings.len() - 1;
    lie.witness.siblings.change(last, |path| {
        path.rotate_left(1);
        path[path.len() - 1] = top;
    });
    let Paths::Credit(paths) = &mut lie.witness.paths else { unreachable!("a credit batch") };
    paths.last_mut().unwrap().index.0 >>= 1;
    lie.breaks(&[HASH]);
}

/// The state root's own depth: a window's siblings of one level less leave another root, which no block begins with.
#[test]
fn windows_one_level_up() {
    let mut lie = debits(Bank::new(LAST + 1));
    let honest = lie.published();
    lie.witness.top_siblings.rotate_left(1);
    assert_ne!(lie.published().before, honest.before);
    assert_ne!(lie.published().after, honest.after);
}
