//! The tree's nodes as they are stored: in tiles.
//!
//! A tile is a subtree of [`TILE_HEIGHT`] levels without its root: 32 + 16 + 8 + 4 + 2 nodes, level by level, each
//! level by position. Tile `number` of height `h` holds the nodes of levels `5 h` to `5 h + 4` below the node at
//! position `number` of level `5 h + 5`. A changed leaf changes one tile of each height, so six tiles. The root is in
//! no tile: it is in the table of roots.

use std::ops::Range;

use crate::hash::{DIGEST_LEN, Digest, DigestError};
use crate::leaf::TREE_DEPTH;
use crate::shards::Counts;
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

/// The keys of all tiles of a tree with so many leaves, in their order.
pub(super) fn keys(leaves: &Counts) -> impl Iterator<Item = TileKey> + use<> {
    let leaves = *leaves;
    (0..HEIGHTS).flat_map(move |height| {
        leaves.level((height + 1) * TILE_HEIGHT).map(move |number| TileKey::new(height, number))
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

/// A tile that does not belong to a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PasteError {
    /// A node is not canonical.
    Digest(DigestError),
    /// A node that has no leaf below it is not that of an empty subtree.
    NotEmpty { level: usize, index: u32, got: Digest },
}

/// Copies a tile's nodes into a [blank](Tree::blank) tree.
///
/// # Errors
/// If a node is not canonical, or has no leaf below it and is not empty.
pub(super) fn paste(tree: &mut Tree, key: TileKey, tile: &Tile) -> Result<(), PasteError> {
    for (level, first, nodes) in key.levels() {
        for (at, index) in nodes.zip(first..) {
            let got = get(tile, at).map_err(PasteError::Digest)?;
            if !tree.fill(level, index, got) && got != empty_subtree(level) {
                return Err(PasteError::NotEmpty { level, index, got });
            }
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

    fn pasted(leaves: &Counts, tiles: impl Iterator<Item = (TileKey, Tile)>, root: Digest) -> Tree {
        let mut tree = Tree::blank(leaves);
        tiles.for_each(|(key, tile)| paste(&mut tree, key, &tile).expect("canonical"));
        tree.fill(TREE_DEPTH, 0, root);
        tree
    }

    /// Leaves in several shards.
    fn sharded() -> (Counts, Tree) {
        let mut tree = tree(70);
        let of = |shard, count| (0..count).map(move |at| LeafIndex::new(shard, at));
        let leaves = of(1, 3).chain(of(5, 40)).chain(of(33, 1)).chain(of(63, 33));
        let changes: Vec<_> = leaves.map(|index| (index, digest(index.0))).collect();
        tree.set(&changes);
        (tree.counts(), tree)
    }

    #[test]
    fn tiles_hold_every_node() {
        for leaves in [0, 1, 31, 32, 33, 64, 1000, 1024, 1025, 40_000] {
            let (counts, tree) = (Counts::dense(leaves as usize), tree(leaves));
            let tiles = keys(&counts).map(|key| (key, cut(&tree, key)));
            assert_eq!(pasted(&counts, tiles, tree.root()), tree, "{leaves} leaves");
        }
        let (counts, tree) = sharded();
        assert_eq!(counts.total(), 147);
        let tiles = keys(&counts).map(|key| (key, cut(&tree, key)));
        assert_eq!(pasted(&counts, tiles, tree.root()), tree);
    }

    #[test]
    fn a_patch_makes_the_tiles_of_the_tree_after() {
        for (leaves, changes) in [(0, 0..3), (40, 3..4), (31, 20..33), (1000, 990..1100), (1024, 1024..1025)]
        {
            let mut tree = tree(leaves);
            let mut tiles: std::collections::BTreeMap<_, _> =
                keys(&tree.counts()).map(|key| (key.0, cut(&tree, key))).collect();
            let changes: Vec<_> = changes.map(|at| (LeafIndex(at), digest(at + 7))).collect();
            let update = tree.update(&changes);
            let after: Vec<_> = patches(&update)
                .map(|patch| (patch.key.0, patch.over(tiles.get(&patch.key.0).copied())))
                .collect();
            assert!(after.is_sorted_by(|a, b| a.0 < b.0));
            tree.adopt(&update);
            tiles.extend(after);
            assert!(tiles.keys().copied().eq(keys(&tree.counts()).map(|key| key.0)));
            for (&key, tile) in &tiles {
                assert_eq!(*tile, cut(&tree, TileKey(key)), "{leaves} leaves, {:?}", TileKey(key).parts());
            }
        }
    }

    /// Every node of every tile counts: one that is above no leaf has to be empty, the others are compared later.
    #[test]
    fn nodes_above_no_leaf_are_empty() {
        let (counts, tree) = sharded();
        let mut refused = 0;
        for key in keys(&counts) {
            for at in 0..TILE_NODES {
                let mut tile = cut(&tree, key);
                tile[at * NODE_BYTES] ^= 1;
                match paste(&mut Tree::blank(&counts), key, &tile) {
                    Ok(()) => {
                        let (level, index) = key
                            .levels()
                            .find_map(|(level, first, nodes)| {
                                nodes.contains(&at).then(|| (level, first + (at - nodes.start) as u32))
                            })
                            .expect("a node of the tile");
                        assert!(counts.level(level).any(|populated| populated == index), "{level} {index}");
                    }
                    Err(_) => refused += 1,
                }
            }
        }
        assert!(refused > 100, "{refused}");
    }

    #[test]
    fn what_is_not_canonical_is_refused() {
        let tree = tree(3);
        let key = TileKey::new(0, 0);
        let mut tile = cut(&tree, key);
        tile[NODE_BYTES..NODE_BYTES + 8].fill(0xff);
        let error = paste(&mut Tree::blank(&Counts::dense(3)), key, &tile).expect_err("not canonical");
        assert_eq!(error, PasteError::Digest(DigestError::NotCanonical { got: u64::MAX }));
    }
}
