//! The tree against its definition.

use std::collections::BTreeMap;

use enfold_state::field::from_u32;
use enfold_state::hash::{Digest, climb, node};
use enfold_state::leaf::{LeafIndex, TREE_DEPTH};
use enfold_state::tree::{Tree, empty_subtree};
use proptest::prelude::*;

/// The definition: an empty leaf is zero, and a node is the hash of its children, whatever they are.
fn naive(leaves: &BTreeMap<u32, Digest>, level: usize, index: u32) -> Digest {
    let first = u64::from(index) << level;
    let range = first as u32..=(first + (1 << level) - 1) as u32;
    if leaves.range(range).next().is_none() {
        let mut empty = Digest::ZERO;
        for _ in 0..level {
            empty = node(empty, empty);
        }
        return empty;
    }
    if level == 0 {
        return leaves[&index];
    }
    node(naive(leaves, level - 1, 2 * index), naive(leaves, level - 1, 2 * index + 1))
}

fn digest(value: u32) -> Digest {
    Digest([from_u32(value), from_u32(1), from_u32(2), from_u32(3)])
}

/// Batches of writes, most at small positions so that they meet, with gaps and repeats.
fn arb_batches() -> impl Strategy<Value = Vec<Vec<(u32, u32)>>> {
    let position = prop_oneof![8 => 0..40u32, 1 => 0..5_000u32];
    prop::collection::vec(prop::collection::vec((position, any::<u32>()), 0..60), 1..5)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn batch_updates_give_the_tree_of_the_definition(batches in arb_batches()) {
        let (mut tree, mut leaves) = (Tree::default(), BTreeMap::new());
        for batch in batches {
            let changes: Vec<_> = batch.iter().map(|&(i, value)| (LeafIndex(i), digest(value))).collect();
            let before = tree.root();
            let update = tree.update(&changes);
            prop_assert_eq!(tree.root(), before);
            leaves.extend(batch.iter().map(|&(i, value)| (i, digest(value))));
            tree.set(&changes);
            prop_assert_eq!(tree.root(), naive(&leaves, TREE_DEPTH, 0));
            prop_assert_eq!(update.root(), (!changes.is_empty()).then(|| tree.root()));
            for &(index, _) in &changes {
                let path = tree.path(index);
                prop_assert_eq!(path.len(), TREE_DEPTH);
                prop_assert_eq!(climb(tree.node(0, index.0), index.0, &path), tree.root());
            }
        }
    }

    #[test]
    fn an_update_over_some_leaves_is_theirs_if_the_others_stay(batches in arb_batches(), every in 1..4usize) {
        let mut tree = Tree::default();
        let leaves = |batch: &[(u32, u32)]| -> BTreeMap<LeafIndex, Digest> {
            batch.iter().map(|&(i, value)| (LeafIndex(i), digest(value))).collect()
        };
        for batch in batches {
            let changes: Vec<_> = leaves(&batch).into_iter().collect();
            let (others, changes): (Vec<_>, Vec<_>) =
                changes.into_iter().enumerate().partition(|(at, _)| at % every == 1);
            let others: BTreeMap<_, _> = others.into_iter().map(|(_, change)| change).collect();
            tree.set(&others.clone().into_iter().collect::<Vec<_>>());
            let changes: Vec<_> = changes.into_iter().map(|(_, change)| change).collect();
            let touched: BTreeMap<_, _> = changes.iter().copied().chain(others).collect();
            let touched = tree.update(&touched.into_iter().collect::<Vec<_>>());
            let expected = tree.update(&changes);
            prop_assert_eq!(touched.over(changes.iter().map(|&(index, _)| index)), expected);
            tree.set(&changes);
        }
    }

    #[test]
    fn one_batch_or_one_by_one_or_at_once(values in prop::collection::vec(any::<u32>(), 1..200)) {
        let digests: Vec<_> = values.iter().map(|&value| digest(value)).collect();
        let changes: Vec<_> = (0..).map(LeafIndex).zip(digests.iter().copied()).collect();
        let whole = Tree::from_digests(digests);
        let (mut batch, mut single) = (Tree::default(), Tree::default());
        batch.set(&changes);
        for change in changes {
            single.set(&[change]);
        }
        prop_assert_eq!(&batch, &whole);
        prop_assert_eq!(&single, &whole);
    }
}

#[test]
fn the_empty_tree_and_an_empty_batch() {
    let mut tree = Tree::default();
    assert_eq!(tree.root(), empty_subtree(TREE_DEPTH));
    assert_eq!(empty_subtree(0), Digest::ZERO);
    assert_eq!(empty_subtree(1), node(Digest::ZERO, Digest::ZERO));
    let last = LeafIndex((1 << TREE_DEPTH) - 1);
    assert_eq!(climb(Digest::ZERO, last.0, &tree.path(last)), tree.root());
    tree.set(&[]);
    assert_eq!(tree, Tree::default());
}

#[test]
fn a_path_is_of_its_leaf_alone() {
    let tree = Tree::from_digests((0..10).map(digest).collect());
    let path = tree.path(LeafIndex(3));
    assert_eq!(climb(digest(3), 3, &path), tree.root());
    assert_ne!(climb(digest(3), 2, &path), tree.root());
    assert_ne!(climb(digest(4), 3, &path), tree.root());
    assert_ne!(climb(digest(3), 3, &path[..TREE_DEPTH - 1]), tree.root());
    assert_ne!(climb(tree.node(1, 1), 3, &path), tree.root());
}

#[test]
#[should_panic(expected = "a leaf index is below 2^30")]
fn a_position_outside_the_tree() {
    Tree::default().update(&[(LeafIndex(1 << TREE_DEPTH), digest(1))]);
}
