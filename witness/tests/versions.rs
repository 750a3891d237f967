//! The level-parallel versions against a tree that is updated leaf after leaf.

use enfold_state::field::from_u32;
use enfold_state::hash::{Digest, Tag, hash};
use enfold_state::leaf::{LeafIndex, TREE_DEPTH};
use enfold_state::tree::Tree;
use enfold_witness::versions::Versions;
use proptest::prelude::*;

fn digest(number: u32) -> Digest {
    hash(Tag::AccountLeaf, &[from_u32(number); 8])
}

fn check(leaves: u32, indices: &[u32]) {
    let mut tree = Tree::from_digests((0..leaves).map(digest).collect());
    let updates: Vec<_> = indices.iter().zip(1000..).map(|(&i, n)| (LeafIndex(i), digest(n))).collect();
    let versions = Versions::new(&tree, &updates);
    assert_eq!(versions.len(), updates.len());
    assert_eq!(versions.is_empty(), updates.is_empty());
    assert_eq!(versions.root_after(0), tree.root());
    for (t, &(index, leaf)) in updates.iter().enumerate() {
        assert_eq!(versions.siblings(t, 0, TREE_DEPTH), tree.path(index), "before update {t}");
        tree.set(&[(index, leaf)]);
        assert_eq!(versions.siblings(t, 0, TREE_DEPTH), tree.path(index), "after update {t}");
        assert_eq!(versions.siblings(t, 3, 7), tree.path(index)[3..7]);
        assert_eq!(versions.root_after(t + 1), tree.root());
    }
}

#[test]
fn no_update() {
    check(5, &[]);
    check(0, &[]);
}

#[test]
fn same_leaf_siblings_and_far_corners() {
    check(6, &[0, 0, 1, 0, 5, 6, 7, 1, 4095, 0, 4094, 2048]);
    check(0, &[0, 1]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn versions_are_those_of_the_tree(
        leaves in 0..20u32,
        indices in proptest::collection::vec(prop_oneof![3 => 0..24u32, 1 => 0..5000u32], 0..24),
    ) {
        check(leaves, &indices);
    }
}
