//! Lies, each as consistent as can be, and the checks that refuse it: any one of them does, and without them it passes.

use enfold_circuits::gates::arith::RingArith;
use enfold_state::chain::quadratic_mul;
use enfold_state::field::{F, ONE, ZERO, from_u32};
use enfold_state::hash::Digest;
use enfold_state::leaf::LeafIndex;
use enfold_witness::logup::{inverse, subtract};

use crate::bus::{Block, Lane, challenges};
use crate::honest::{LEAVES, lane, leaf, tree};
use crate::table::{SBOXES, Version, permutation};

/// A balance that nobody has.
const RICH: u64 = 1 << 60;

/// An honest block: two leaves of one node are opened; 8 is read, 9 is given 7.
fn honest() -> Block {
    Block::new(&tree(), 0, vec![lane(8, 100), lane(9, 7)])
}

/// Requires that these checks, and no others, refuse what the change makes of an honest block.
fn refused(by: &[&'static str], change: impl FnOnce(&mut Block)) {
    let mut lie = honest();
    change(&mut lie);
    for kept in by {
        let off: Vec<_> = by.iter().copied().filter(|check| check != kept).collect();
        assert!(!lie.broken(&off).is_empty(), "{kept} refuses it");
    }
    assert!(lie.broken(by).is_empty(), "but for {by:?}: {:?}", lie.broken(by));
}

#[test]
fn of_flags() {
    // A leaf of nobody's is opened: one row takes it off the bus, another takes back that the first one is there.
    let island = Block::new(&tree(), 0, [34, 35].map(|at| Lane::new(at, [leaf(at, RICH); 2])).into());
    refused(&["live is boolean"], |block| {
        let (row, mut anti) = (island.rows[0], island.rows[0]);
        (anti.live, anti.touched) = (-ONE, [ZERO, ONE]);
        block.rows.extend([row, anti]);
        block.lanes.push(island.lanes[0].clone());
    });
    // A leaf is opened twice.
    refused(&["touched is boolean"], |block| {
        block.lanes.push(lane(8, 100));
        block.row(1, 4).touched[0] = from_u32(2);
    });
    // A leaf changes that nobody opens.
    refused(&["an untouched child stays"], |block| {
        block.lanes.truncate(1);
        block.row(1, 4).touched[1] = ZERO;
    });
    // A row is over nothing.
    refused(&["a live row has a touched child"], |block| {
        let mut row = Block::new(&tree(), 0, vec![lane(10, 100)]).rows[0];
        row.touched = [ZERO; 2];
        block.rows.push(row);
        block.row(2, 2).touched[1] = ONE;
    });
}

#[test]
fn of_digests() {
    // A leaf is opened that is not in the tree.
    refused(&["old parent"], |block| {
        block.lanes[1] = Lane::new(9, [leaf(9, RICH), leaf(9, 7)]);
        let opened = block.lanes[1].digests[0];
        let old = &mut block.row(1, 4).versions[0];
        *old = Version { parent: old.parent, ..Version::new([old.children[0], opened]) };
    });
    // The new root is any.
    refused(&["new parent"], |block| {
        block.roots[1] = lane(0, RICH).digests[1];
        block.row(30, 0).versions[1].parent = block.roots[1];
    });
    // A permutation is not the hash's.
    refused(&["S-box input"], |block| {
        let new = &mut block.row(30, 0).versions[1];
        new.sboxes[SBOXES - 1] += ONE;
        let lacks = permutation(&mut RingArith::<F>::default(), new).split_off(SBOXES);
        new.parent.iter_mut().zip(lacks).for_each(|(element, lack)| *element += lack);
        block.roots[1] = new.parent;
    });
    // A record is not what is hashed.
    refused(&["a lane hashes its records"], |block| block.lanes[0].records[0] = leaf(8, RICH));
}

#[test]
fn of_places() {
    // A leaf is opened under another position; a row says another position, or another level.
    refused(&["position"], |block| block.lanes[1].position = 20);
    refused(&["position"], |block| block.row(1, 4).position = from_u32(5));
    refused(&["level"], |block| block.row(1, 4).level = ZERO);
    // An inner node is opened as a leaf.
    refused(&["a lane hashes its records", "level"], |block| {
        let mut fake = lane(4, RICH);
        fake.digests[0] = tree().node(1, 4).0;
        *block = Block::new(&tree(), 1, vec![fake]);
    });
}

#[test]
fn of_balance() {
    let lie = |change: fn(&mut Block)| refused(&["balance"], change);
    // A row is dropped or doubled; a leaf is sent and not taken, taken and not sent, sent twice.
    lie(|block| block.rows.truncate(29));
    lie(|block| block.rows.push(block.rows[3]));
    lie(|block| block.lanes.push(lane(LEAVES, RICH)));
    lie(|block| block.lanes.truncate(1));
    lie(|block| block.lanes.push(lane(9, 7)));
    // Two leaves of one node change in a row each, which forgets the other's change.
    lie(|block| {
        let rows =
            [(8, 6), (9, 7)].map(|(at, balance)| Block::new(&tree(), 0, vec![lane(at, balance)]).rows[0]);
        block.lanes[0] = lane(8, 6);
        block.rows.splice(..1, rows);
    });
    // A second root: that of a tree of nobody's; that of the tree after the block, whose leaf 9 changes once more.
    let (mut after, read) = (tree(), |old, new| vec![Lane::new(9, [leaf(9, old), leaf(9, new)])]);
    after.set(&[(LeafIndex(9), Digest(honest().lanes[1].digests[1]))]);
    let again = Block::new(&after, 0, read(7, RICH));
    for (second, new_root) in
        [(Block::new(&tree(), 0, read(RICH, 7)), honest().roots[1]), (again.clone(), again.roots[1])]
    {
        refused(&["balance"], |block| {
            block.rows.extend(second.rows);
            block.lanes.extend(second.lanes);
            block.roots[1] = new_root;
        });
    }
}

#[test]
fn a_root_that_the_seed_does_not_bind_balances_anything() {
    let challenges = challenges();
    refused(&["balance"], |block| {
        block.lanes.push(lane(10, RICH));
        block.roots[1] = [ZERO; 4];
        // The root's denominator has to be the inverse of the sum of all else; it is linear in the root's elements.
        let root = Block { rows: vec![], lanes: vec![], roots: block.roots }.sum(&challenges, &[]);
        let rest = subtract(block.sum(&challenges, &[]), root);
        let inverses = [root, rest].map(|sum| inverse(sum).expect("not zero"));
        let [x, y] = subtract(subtract([ZERO; 2], inverses[0]), inverses[1]);
        let [a, b] = (0..6).fold([ONE, ZERO], |power, _| quadratic_mul(power, challenges.alpha));
        let [c, d] = quadratic_mul([a, b], challenges.alpha);
        let [scale, _] = inverse([a * d - b * c, ZERO]).expect("independent");
        block.roots[1][..2].copy_from_slice(&[(x * d - y * c) * scale, (y * a - x * b) * scale]);
        assert_eq!(block.sum(&challenges, &[]), [ZERO; 2]);
    });
}
