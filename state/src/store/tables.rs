//! The tables of the database, and the forms of what is in them.

use redb::TableDefinition;

use super::tiles::TILE_BYTES;
use crate::leaf::Leaf;

/// A digest as it is stored: canonical integers.
pub(super) type StoredDigest = [u64; 4];
/// A leaf as it is stored: address, nonces, asset, balance.
pub(super) type StoredLeaf = (StoredDigest, u32, u32, u32, u64);

pub(super) const META: TableDefinition<&str, u64> = TableDefinition::new("meta");
pub(super) const LEAVES: TableDefinition<u32, StoredLeaf> = TableDefinition::new("leaves");
pub(super) const NODES: TableDefinition<u32, &[u8; TILE_BYTES]> = TableDefinition::new("nodes");
pub(super) const ROOTS: TableDefinition<u32, StoredDigest> = TableDefinition::new("roots");
pub(super) const CIRCUITS: TableDefinition<u32, StoredDigest> = TableDefinition::new("circuits");
pub(super) const JOURNAL: TableDefinition<u32, &[u8]> = TableDefinition::new("journal");

/// A leaf as it is stored.
pub(super) fn stored(leaf: &Leaf) -> StoredLeaf {
    let [first, second] = leaf.nonces;
    (leaf.address.into(), first, second, leaf.asset, leaf.balance)
}
