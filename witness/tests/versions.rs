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

fn check(leaves: u32, indices: &[u32], groups: &[usize]) {
    let before = Tree::from_digests((0..leaves).map(digest).collect());
    let mut tree = before.clone();
    let updates: Vec<_> = indices.iter().zip(1000..).map(|(&i, n)| (LeafIndex(i), digest(n))).collect();
    let versions = Versions::new(&tree, &updates, groups);
    assert_eq!(versions.len(), updates.len());
    assert_eq!(versions.is_empty(), updates.is_empty());
    assert!(versions.hashes() <= TREE_DEPTH * updates.len());
    assert_eq!(versions.root_after(0), tree.root());
    let mut rest = updates.iter();
    for (number, &length) in groups.iter().enumerate() {
        let mut walk = versions.paths(number);
        let mut last: Option<Vec<Digest>> = None;
        for &(index, leaf) in rest.by_ref().take(length) {
            let (path, fresh) = walk.step().expect("a path for each update");
            let path = path.to_vec();
            assert!(last.is_none_or(|last| last[fresh..] == path[fresh..]), "above level {fresh}");
            last = Some(path.clone());
            assert_eq!(path, tree.path(index), "before the update of {index} in group {number}");
            tree.set(&[(index, leaf)]);
            assert_eq!(path, tree.path(index), "after the update of {index} in group {number}");
        }
        assert_eq!(walk.step(), None);
        assert_eq!(versions.root_after(number + 1), tree.root());
    }
    assert!(rest.next().is_none());
    assert_eq!(*versions.update(), before.update(&updates), "the last version of each node");
    let leaves =
        before.update(&updates).level(0).iter().map(|&(index, _)| LeafIndex(index)).collect::<Vec<_>>();
    assert_eq!(versions.update().over(leaves.into_iter()), *versions.update());
}

/// Groups that hold `updates` updates, cut where the lengths say; the last takes the rest.
fn cut(updates: usize, lengths: &[usize]) -> Vec<usize> {
    let mut left = updates;
    let mut take = |&length: &usize| {
        let length = length.min(left);
        left -= length;
        length
    };
    let mut groups: Vec<_> = lengths.iter().map(&mut take).collect();
    groups.push(left);
    groups
}

#[test]
fn no_update() {
    check(5, &[], &[]);
    check(0, &[], &[0, 0]);
}

#[test]
fn same_leaf_siblings_and_far_corners() {
    let corners = [0, 0, 1, 0, 5, 6, 7, 1, 4095, 0, 4094, 2048];
    check(6, &corners, &[12]);
    check(6, &corners, &[1; 12]);
    check(6, &corners, &[0, 5, 0, 0, 2, 5, 0]);
    check(0, &[0, 1], &[2]);
}

#[test]
fn a_sorted_group_hashes_each_node_once() {
    let tree = Tree::from_digests((0..64).map(digest).collect());
    let updates: Vec<_> = (0..64).map(|i| (LeafIndex(i), digest(100 + i))).collect();
    assert_eq!(Versions::new(&tree, &updates, &[64]).hashes(), 63 + TREE_DEPTH - 6);
    assert_eq!(Versions::new(&tree, &updates, &[32, 32]).hashes(), 62 + 2 * (TREE_DEPTH - 5));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn versions_are_those_of_the_tree(
        leaves in 0..20u32,
        mut indices in proptest::collection::vec(prop_oneof![3 => 0..24u32, 1 => 0..5000u32], 0..24),
        lengths in proptest::collection::vec(0..12usize, 0..4),
        sorted: bool,
    ) {
        let groups = cut(indices.len(), &lengths);
        if sorted {
            let mut rest = &mut indices[..];
            for &length in &groups {
                let (group, behind) = rest.split_at_mut(length);
                group.sort_unstable();
                rest = behind;
            }
        }
        check(leaves, &indices, &groups);
    }
}
