//! The tables of the database, and the forms of what is in them.

use redb::TableDefinition;

use super::tiles::TILE_BYTES;
use crate::codec::{Malformed, from_body, to_body};
use crate::leaf::Leaf;
use crate::record::ContractRecord;

/// A digest as it is stored: canonical integers.
pub(super) type StoredDigest = [u64; 4];
/// A leaf as it is stored: address, nonces, asset, balance.
pub(super) type StoredLeaf = (StoredDigest, u32, u32, u32, u64);

pub(super) const META: TableDefinition<&str, u64> = TableDefinition::new("meta");
pub(super) const LEAVES: TableDefinition<u32, StoredLeaf> = TableDefinition::new("leaves");
pub(super) const RECORDS: TableDefinition<u32, &[u8]> = TableDefinition::new("records");
pub(super) const NODES: TableDefinition<u32, &[u8; TILE_BYTES]> = TableDefinition::new("nodes");
pub(super) const ROOTS: TableDefinition<u32, StoredDigest> = TableDefinition::new("roots");
pub(super) const CIRCUITS: TableDefinition<u32, StoredDigest> = TableDefinition::new("circuits");
pub(super) const JOURNAL: TableDefinition<u32, &[u8]> = TableDefinition::new("journal");

/// A leaf as it is stored.
pub(super) fn stored(leaf: &Leaf) -> StoredLeaf {
    let [first, second] = leaf.nonces;
    (leaf.address.into(), first, second, leaf.asset, leaf.balance)
}

/// A record as it is stored: its form in binary files.
pub(super) fn stored_record(record: &ContractRecord) -> Vec<u8> {
    to_body(record).expect("a record has a binary form")
}

/// Reads [`stored_record`].
pub(super) fn read_record(bytes: &[u8]) -> Result<ContractRecord, Malformed> {
    from_body(bytes)
}
