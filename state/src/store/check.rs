//! Whether the stored leaves, records and nodes fit together.

use std::path::Path;

use super::error::StoreError;
use crate::contents::Contents;
use crate::field::to_u64;
use crate::hash::Digest;
use crate::hash::batch::nodes_into;
use crate::leaf::TREE_DEPTH;
use crate::shards::Counts;
use crate::tree::Tree;

/// Leaves and records of a sampled check.
///
/// If a share f of the leaves, or of the nodes of a level, does not fit what is below, no sample meets one with a
/// probability of (1 - f)^1024: 3 in 10^5 for one in a hundred, 1 in 3 for one in a thousand. So the samples find a store
/// whose nodes as a whole are of another state; against single damaged bytes there are checksums, all of which are
/// read on open, and in the last instance the proof: its circuits open every leaf that they touch.
pub const SAMPLES: usize = 1024;

/// How much of a store is checked when it is opened. In both cases: the checksum of every page, and that no leaf and no
/// part of the tree is missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Check {
    /// [`SAMPLES`] leaves or records and every node above them are hashed again. Which follows from the root: the same at
    /// every opening, others after the next block.
    #[default]
    Sampled,
    /// All leaves, records and nodes are hashed again.
    Full,
}

/// A node that is not the hash of what is below it.
pub(super) struct Mismatch {
    level: usize,
    index: u32,
    expected: Digest,
    got: Digest,
}

impl Mismatch {
    pub(super) fn at(self, path: &Path) -> StoreError {
        let Self { level, index, expected, got } = self;
        if level == TREE_DEPTH {
            // The root is stored with the roots: there it is what is expected.
            return StoreError::StoredRoot { path: path.to_owned(), expected: Some(got), got: expected };
        }
        StoreError::Node { path: path.to_owned(), level, index, expected, got }
    }
}

/// Checks the tree over these contents.
pub(super) fn check(check: Check, contents: &Contents, tree: &Tree) -> Result<(), Mismatch> {
    let counts = contents.counts();
    match check {
        Check::Full => compare(contents, tree, |level| counts.level(level).collect()),
        Check::Sampled if counts.total() <= SAMPLES => self::check(Check::Full, contents, tree),
        Check::Sampled => {
            let positions = samples(tree.root(), &counts);
            compare(contents, tree, |level| {
                let mut positions: Vec<u32> = positions.iter().map(|position| position >> level).collect();
                positions.dedup();
                positions
            })
        }
    }
}

/// Hashes the chosen positions of every level and compares.
fn compare(contents: &Contents, tree: &Tree, chosen: impl Fn(usize) -> Vec<u32>) -> Result<(), Mismatch> {
    for level in 0..=TREE_DEPTH {
        let positions = chosen(level);
        let hashed = match level.checked_sub(1) {
            None => contents.digests_at(&positions),
            Some(below) => {
                let mut hashed = vec![Digest::ZERO; positions.len()];
                nodes_into(&mut hashed, |at| {
                    let left = positions[at] << 1;
                    [tree.node(below, left), tree.node(below, left | 1)]
                });
                hashed
            }
        };
        for (&index, expected) in positions.iter().zip(hashed) {
            let got = tree.node(level, index);
            if got != expected {
                return Err(Mismatch { level, index, expected, got });
            }
        }
    }
    Ok(())
}

/// The sampled positions, ascending, some perhaps twice.
fn samples(root: Digest, leaves: &Counts) -> Vec<u32> {
    // SplitMix64 (Steele, Lea, Flood, 2014). Nobody has to be kept from guessing the samples.
    let mut state = root.0.iter().fold(0_u64, |sum, &element| sum.rotate_left(16) ^ to_u64(element));
    let mut draw = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    };
    let total = leaves.total() as u128;
    let mut drawn: Vec<u32> =
        (0..SAMPLES).map(|_| ((u128::from(draw()) * total) >> u64::BITS) as u32).collect();
    drawn.sort_unstable();
    // The leaves are counted through, shard after shard.
    let mut ranges = leaves.ranges();
    let (mut range, mut before) = (ranges.next().unwrap_or_default(), 0);
    for number in &mut drawn {
        while *number - before >= range.len() as u32 {
            before += range.len() as u32;
            range = ranges.next().expect("the ranges hold as many as are drawn from");
        }
        *number = range.start + (*number - before);
    }
    drawn
}

/// Whether a sampled check looks at this leaf.
#[cfg(test)]
pub(super) fn is_sampled(root: Digest, leaves: &Counts, index: u32) -> bool {
    samples(root, leaves).binary_search(&index).is_ok()
}
