//! The tree's nodes as they are stored: in tiles.
//!
//! A tile is a subtree of [`TILE_HEIGHT`] levels without its root: 32 + 16 + 8 + 4 + 2 nodes, level by level, each
//! level by position. Tile `number` of height `h` holds the nodes of levels `5 h` to `5 h + 4` below the node at
//! position `number` of level `5 h + 5`. A changed leaf changes one tile of each height, so six tiles. The root is in
//! no tile: it is in the table of roots.

use std::ops::Range;

use crate::hash::{DIGEST_LEN, Digest, DigestError};
use crate::leaf::TREE_DEPTH;
use crate::tree::{Tree, TreeUpdate, empty_subtree};

/// Levels of a tile.
pub(super) const TILE_HEIGHT: usize = 5;
/// Heights of tiles.
const HEIGHTS: usize = TREE_DEPTH / TILE_HEIGHT;
/// Nodes of a tile.
const TILE_NODES: usize = (2 << TILE_HEIGHT) - 2;
/// Bytes of a node: four integers, little-endian.
const NODE_BYTES: usize = 8 * DIGEST_LEN;
/// Bytes of a tile.
pub(super) const TILE_BYTES: usize = TILE_NODES * NODE_BYTES;
/// Bits of a tile's number.
const NUMBER_BITS: usize = TREE_DEPTH - TILE_HEIGHT;

/// A tile as it is stored.
pub(super) type Tile = [u8; TILE_BYTES];

/// Which tile: the height above [`NUMBER_BITS`] bits of the number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct TileKey(pub u32);

impl TileKey {
    fn new(height: usize, number: u32) -> Self {
        Self((height << NUMBER_BITS) as u32 | number)
    }

    fn height(self) -> usize {
        (self.0 >> NUMBER_BITS) as usize
    }

    fn number(self) -> u32 {
        self.0 & ((1 << NUMBER_BITS) - 1)
    }

    /// Height and number.
    pub(super) fn parts(self) -> (u32, u32) {
        (self.height() as u32, self.number())
    }

    /// The levels that the tile holds, lowest first, each with its first position and its place in the tile.
    fn levels(self) -> impl Iterator<Item = (usize, u32, Range<usize>)> + use<> {
        let mut place = 0;
        (0..TILE_HEIGHT).map(move |step| {
            let width = TILE_HEIGHT - step;
            let nodes = place..place + (1 << width);
            place = nodes.end;
            (self.height() * TILE_HEIGHT + step, self.number() << width, nodes)
        })
    }
}

/// The keys of all tiles of a tree with this many leaves, in their order.
pub(super) fn keys(leaves: usize) -> impl Iterator<Item = TileKey> {
    (0..HEIGHTS).flat_map(move |height| {
        let tiles = Tree::level_len(leaves, (height + 1) * TILE_HEIGHT);
        (0..tiles as u32).map(move |number| TileKey::new(height, number))
    })
}

fn put(tile: &mut Tile, at: usize, node: Digest) {
    let bytes = tile[at * NODE_BYTES..(at + 1) * NODE_BYTES].as_chunks_mut::<8>().0;
    for (bytes, integer) in bytes.iter_mut().zip(<[u64; DIGEST_LEN]>::from(node)) {
        *bytes = integer.to_le_bytes();
    }
}

fn get(tile: &Tile, at: usize) -> Result<Digest, DigestError> {
    let bytes = tile[at * NODE_BYTES..(at + 1) * NODE_BYTES].as_chunks::<8>().0;
    let mut integers = [0; DIGEST_LEN];
    for (integer, bytes) in integers.iter_mut().zip(bytes) {
        *integer = u64::from_le_bytes(*bytes);
    }
    Digest::try_from(integers)
}

/// A tile of empty nodes.
fn empty(key: TileKey) -> Tile {
    let mut tile = [0; TILE_BYTES];
    for (level, _, nodes) in key.levels() {
        nodes.for_each(|at| put(&mut tile, at, empty_subtree(level)));
    }
    tile
}

/// The tile of a tree.
pub(super) fn cut(tree: &Tree, key: TileKey) -> Tile {
    let mut tile = [0; TILE_BYTES];
    for (level, first, nodes) in key.levels() {
        for (at, position) in nodes.zip(first..) {
            put(&mut tile, at, tree.node(level, position));
        }
    }
    tile
}

/// The levels of a tree of `leaves` leaves, to be filled tile by tile.
pub(super) fn blank_levels(leaves: usize) -> Vec<Vec<Digest>> {
    (0..=TREE_DEPTH).map(|level| vec![Digest::ZERO; Tree::level_len(leaves, level)]).collect()
}

/// Copies a tile's nodes into the levels; what is beyond their ends is left out.
///
/// # Errors
/// If a node is not canonical.
pub(super) fn paste(levels: &mut [Vec<Digest>], key: TileKey, tile: &Tile) -> Result<(), DigestError> {
    for (level, first, nodes) in key.levels() {
        let room = levels[level].get_mut(first as usize..).unwrap_or_default();
        for (at, node) in nodes.zip(room) {
            *node = get(tile, at)?;
        }
    }
    Ok(())
}

/// What an update changes in one tile.
pub(super) struct Patch<'a> {
    /// The tile.
    pub key: TileKey,
    /// The changed nodes of each of its levels, by position in the tree.
    changes: [&'a [(u32, Digest)]; TILE_HEIGHT],
}

impl Patch<'_> {
    /// The tile after the update; `before` is the one before it, `None` if there was none.
    pub(super) fn over(&self, before: Option<Tile>) -> Tile {
        let mut tile = before.unwrap_or_else(|| empty(self.key));
        for (changes, (_, first, nodes)) in self.changes.iter().zip(self.key.levels()) {
            for &(position, node) in *changes {
                put(&mut tile, nodes.start + (position - first) as usize, node);
            }
        }
        tile
    }
}

/// The tiles that an update changes, in the order of their keys.
pub(super) fn patches(update: &TreeUpdate) -> impl Iterator<Item = Patch<'_>> {
    (0..HEIGHTS).flat_map(move |height| {
        // What is left of each level's changes; the tiles come in the order of their positions.
        let mut rest: [&[(u32, Digest)]; TILE_HEIGHT] =
            std::array::from_fn(|step| update.level(height * TILE_HEIGHT + step));
        std::iter::from_fn(move || {
            let &(position, _) = rest[0].first()?;
            let key = TileKey::new(height, position >> TILE_HEIGHT);
            let mut levels = key.levels();
            let changes = rest.each_mut().map(|rest| {
                let (_, first, nodes) = levels.next().unwrap_or_default();
                let inside = rest.partition_point(|&(position, _)| position - first < nodes.len() as u32);
                let (changed, after) = rest.split_at(inside);
                *rest = after;
                changed
            });
            Some(Patch { key, changes })
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::from_u32;
    use crate::leaf::LeafIndex;

    fn digest(number: u32) -> Digest {
        Digest([1, 2, 3, number].map(from_u32))
    }

    fn tree(leaves: u32) -> Tree {
        Tree::from_digests((0..leaves).map(digest).collect())
    }

    fn pasted(leaves: usize, tiles: impl Iterator<Item = (TileKey, Tile)>, root: Digest) -> Tree {
        let mut levels = blank_levels(leaves);
        tiles.for_each(|(key, tile)| paste(&mut levels, key, &tile).expect("canonical"));
        levels[TREE_DEPTH] = if leaves == 0 { vec![] } else { vec![root] };
        Tree::from_levels(levels)
    }

    #[test]
    fn tiles_hold_every_node() {
        for leaves in [0, 1, 31, 32, 33, 64, 1000, 1024, 1025, 40_000] {
            let tree = tree(leaves);
            let tiles = keys(leaves as usize).map(|key| (key, cut(&tree, key)));
            assert_eq!(pasted(leaves as usize, tiles, tree.root()), tree, "{leaves} leaves");
        }
    }

    #[test]
    fn a_patch_makes_the_tiles_of_the_tree_after() {
        for (leaves, changes) in [(0, 0..3), (40, 3..4), (31, 20..33), (1000, 990..1100), (1024, 1024..1025)]
        {
            let mut tree = tree(leaves);
            let mut tiles: std::collections::BTreeMap<_, _> =
                keys(leaves as usize).map(|key| (key.0, cut(&tree, key))).collect();
            let changes: Vec<_> = changes.map(|at| (LeafIndex(at), digest(at + 7))).collect();
            let update = tree.update(&changes);
            let after: Vec<_> = patches(&update)
                .map(|patch| (patch.key.0, patch.over(tiles.get(&patch.key.0).copied())))
                .collect();
            assert!(after.is_sorted_by(|a, b| a.0 < b.0));
            tree.adopt(&update);
            tiles.extend(after);
            assert!(tiles.keys().copied().eq(keys(tree.len()).map(|key| key.0)));
            for (&key, tile) in &tiles {
                assert_eq!(*tile, cut(&tree, TileKey(key)), "{leaves} leaves, {:?}", TileKey(key).parts());
            }
        }
    }

    #[test]
    fn what_is_not_canonical_is_refused() {
        let tree = tree(3);
        let key = TileKey::new(0, 0);
        let mut tile = cut(&tree, key);
        tile[NODE_BYTES..NODE_BYTES + 8].fill(0xff);
        let error = paste(&mut blank_levels(3), key, &tile).expect_err("not canonical");
        assert_eq!(error, DigestError::NotCanonical { got: u64::MAX });
    }
}
