//! What stands in the state tree: leaves of accounts in the lower half of its shards, records of contracts in the upper.
//!
//! Two stores, and not one of something that is either: there are many accounts and few contracts, and the executor looks up
//! accounts alone.

use rayon::prelude::*;

use crate::hash::Digest;
use crate::leaf::{ACCOUNT_SHARDS, Leaf, LeafIndex, SHARDS};
use crate::record::ContractRecord;
use crate::shards::{Counts, Shards};

/// What stands at the positions of a state tree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    pub(crate) leaves: Shards<Leaf>,
    pub(crate) records: Shards<ContractRecord>,
}

impl From<Shards<Leaf>> for Contents {
    /// Accounts and no contract.
    fn from(leaves: Shards<Leaf>) -> Self {
        Self::new(leaves, Shards::default())
    }
}

impl Contents {
    /// Accounts and contracts.
    ///
    /// # Panics
    /// If a leaf is in a shard of contracts or a record in one of accounts.
    pub fn new(leaves: Shards<Leaf>, records: Shards<ContractRecord>) -> Self {
        let (Counts(leaf_counts), Counts(record_counts)) = (leaves.counts(), records.counts());
        let empty = |counts: &[u32]| counts.iter().all(|&count| count == 0);
        assert!(empty(&leaf_counts[ACCOUNT_SHARDS..]), "leaves are in the shards of accounts");
        assert!(empty(&record_counts[..ACCOUNT_SHARDS]), "records are in the shards of contracts");
        Self { leaves, records }
    }

    /// The leaves of accounts.
    pub fn leaves(&self) -> &Shards<Leaf> {
        &self.leaves
    }

    /// The records of contracts and their objects.
    pub fn records(&self) -> &Shards<ContractRecord> {
        &self.records
    }

    /// How many positions of each shard are taken.
    pub fn counts(&self) -> Counts {
        let shard = |shard| match shard {
            0..ACCOUNT_SHARDS => self.leaves.shard(shard).len(),
            _ => self.records.shard(shard).len(),
        };
        Counts(std::array::from_fn(|at| shard(at) as u32))
    }

    /// The digest at a position that is taken.
    ///
    /// # Panics
    /// If it is not.
    pub fn digest(&self, index: LeafIndex) -> Digest {
        if index.shard() < ACCOUNT_SHARDS {
            self.leaves[index].digest()
        } else {
            self.records[index].digest()
        }
    }

    /// The digests at positions that are taken, ascending, at once.
    ///
    /// # Panics
    /// If one is not.
    #[cfg(feature = "store")]
    pub(crate) fn digests_at(&self, positions: &[u32]) -> Vec<Digest> {
        let accounts = positions.partition_point(|&position| LeafIndex(position).shard() < ACCOUNT_SHARDS);
        let (accounts, contracts) = positions.split_at(accounts);
        let mut digests = vec![Digest::ZERO; accounts.len()];
        Leaf::digests_into(&mut digests, |at| self.leaves[LeafIndex(accounts[at])]);
        digests.par_extend(contracts.par_iter().map(|&position| self.records[LeafIndex(position)].digest()));
        digests
    }

    /// All digests, by shard.
    pub(crate) fn digests(&self) -> Shards<Digest> {
        let mut digests = Shards::default();
        for shard in 0..ACCOUNT_SHARDS {
            let (leaves, digests) = (self.leaves.shard(shard), digests.shard_mut(shard));
            digests.resize(leaves.len(), Digest::ZERO);
            Leaf::digests_into(digests, |at| leaves[at]);
        }
        for shard in ACCOUNT_SHARDS..SHARDS {
            let records = self.records.shard(shard).par_iter();
            digests.shard_mut(shard).par_extend(records.map(ContractRecord::digest));
        }
        digests
    }

    /// Drops what is behind these counts.
    pub(crate) fn truncate(&mut self, counts: &Counts) {
        self.leaves.truncate(counts);
        self.records.truncate(counts);
    }

    /// Bytes of memory taken.
    pub fn memory(&self) -> usize {
        let elements: usize = self.records.iter().map(|record| size_of_val(record.integers())).sum();
        self.leaves.memory() + self.records.memory() + elements
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "leaves are in the shards of accounts")]
    fn a_leaf_is_in_no_shard_of_contracts() {
        let mut leaves = Shards::default();
        leaves.shard_mut(ACCOUNT_SHARDS).push(Leaf::new(Digest::ZERO, 0));
        let _ = Contents::from(leaves);
    }
}
