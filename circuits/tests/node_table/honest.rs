//! Honest blocks pass, and lead to the root of tree and ledger.

use std::collections::BTreeSet;

use enfold_fixtures::world::{World, WorldSpec};
use enfold_state::field::{ONE, ZERO, from_u32};
use enfold_state::hash::{Digest, Tag, hash};
use enfold_state::leaf::{Leaf, LeafIndex, TREE_DEPTH};
use enfold_state::tree::Tree;
use rand::seq::index::sample;

use crate::bus::{Block, Lane};

/// Leaves of the tests' tree.
pub const LEAVES: u32 = 40;

/// A leaf with this balance.
pub fn leaf(owner: u32, balance: u64) -> Option<Leaf> {
    Some(Leaf { balance, ..Leaf::new(hash(Tag::Address, &[from_u32(owner)]), 0) })
}

/// A tree in which everybody has 100.
pub fn tree() -> Tree {
    Tree::from_digests((0..LEAVES).filter_map(|owner| leaf(owner, 100)).map(|leaf| leaf.digest()).collect())
}

/// A lane that gives a leaf this balance, also behind the tree's leaves, where it creates one.
pub fn lane(position: u32, balance: u64) -> Lane {
    Lane::new(position, [leaf(position, 100).filter(|_| position < LEAVES), leaf(position, balance)])
}

/// Requires that the block passes, leads from this tree to this root, and has one row for each touched node.
fn assert_exact(block: &Block, tree: &Tree, new_root: Digest) {
    assert_eq!(block.broken(&[]), BTreeSet::new());
    assert_eq!(block.roots, [tree.root().0, new_root.0]);
    let above = |level: usize| block.lanes.iter().map(move |lane| (level, lane.position >> level));
    let touched: BTreeSet<_> = (1..=TREE_DEPTH).flat_map(above).collect();
    assert_eq!(block.rows.len(), touched.len());
}

#[test]
fn sets_of_leaves() {
    const LAST: u32 = (1 << TREE_DEPTH) - 1;
    let tree = tree();
    let random = |of: u32, count| {
        sample(&mut rand::thread_rng(), of as usize, count).iter().map(|at| at as u32).collect()
    };
    let sets = [vec![0], vec![8], vec![LEAVES], vec![LAST], vec![8, 9], vec![7, 8], vec![0, LAST]];
    for positions in sets.into_iter().chain([random(LEAVES, 30), random(LAST, 20)]) {
        let block = Block::new(&tree, 0, positions.iter().map(|&position| lane(position, 7)).collect());
        let update = |lane: &Lane| (LeafIndex(lane.position), Digest(lane.digests[1]));
        let updates: Vec<_> = block.lanes.iter().map(update).collect();
        assert_exact(&block, &tree, tree.update(&updates).root().expect("leaves change"));
    }
}

#[test]
fn executed_blocks() {
    let mut world = World::new(WorldSpec { accounts: 60, new_share: 0.2, ..WorldSpec::default() });
    for _ in 0..3 {
        let (before, block) = (world.ledger().clone(), world.block(40));
        let execution = world.advance(&block).expect("the block is the ledger's");
        let lane =
            |&(index, new): &(LeafIndex, Leaf)| Lane::new(index.0, [before.leaf(index).copied(), Some(new)]);
        let block = Block::new(before.tree(), 0, execution.writes.leaves.iter().map(lane).collect());
        assert_exact(&block, before.tree(), world.ledger().tree().root());
    }
}

#[test]
fn padding_changes_nothing() {
    let mut block = Block::new(&tree(), 0, vec![lane(8, 7)]);
    let padding = Block::new(&tree(), 0, vec![lane(20, 7)]).rows;
    block.rows.extend(padding.iter().map(|&row| crate::table::NodeRow {
        live: ZERO,
        touched: [ONE; 2],
        ..row
    }));
    assert_eq!(block.broken(&[]), BTreeSet::new());
}
