//! What a block writes: new contents of leaves, and of contracts' records.

use std::ops::Deref;
use std::sync::Arc;

use itertools::Itertools;
use rayon::prelude::*;

use crate::leaf::{Leaf, LeafIndex};
use crate::record::ContractRecord;

/// A leaf and its contents.
pub type Entry = (LeafIndex, Leaf);

/// New contents of positions of the tree. Clones share the entries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Writes {
    /// Of accounts.
    pub leaves: Entries<Leaf>,
    /// Of contracts and their objects.
    pub records: Entries<ContractRecord>,
}

impl Writes {
    /// The same, and these records.
    #[must_use]
    pub fn with_records(self, records: impl IntoIterator<Item = (LeafIndex, ContractRecord)>) -> Self {
        Self { records: records.into_iter().collect(), ..self }
    }

    /// The positions that are written: those of accounts, then those of contracts, each ascending.
    pub fn indices(&self) -> impl Iterator<Item = LeafIndex> {
        let leaves = self.leaves.iter().map(|&(index, _)| index);
        leaves.chain(self.records.iter().map(|&(index, _)| index))
    }

    /// How many positions are written.
    pub fn len(&self) -> usize {
        self.leaves.len() + self.records.len()
    }

    /// Whether nothing is written.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Of accounts alone.
impl FromIterator<Entry> for Writes {
    fn from_iter<I: IntoIterator<Item = Entry>>(entries: I) -> Self {
        Self { leaves: entries.into_iter().collect(), records: Entries::default() }
    }
}

/// New contents of one sort, by index, each position once. Clones share the entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entries<T>(Arc<Vec<(LeafIndex, T)>>);

impl<T> Default for Entries<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T> Entries<T> {
    /// What is written at a position.
    pub fn get(&self, index: LeafIndex) -> Option<&T> {
        let at = self.0.binary_search_by_key(&index, |&(index, _)| index).ok()?;
        Some(&self.0[at].1)
    }

    /// Entries sorted by index, one a position.
    pub(crate) fn sorted(entries: Vec<(LeafIndex, T)>) -> Self {
        debug_assert!(entries.is_sorted_by(|a, b| a.0 < b.0), "one entry a position, by position");
        Self(Arc::new(entries))
    }
}

/// Two lists sorted by leaf, merged. If both have a leaf, the later entry counts.
pub fn merge<'a>(earlier: &'a [Entry], later: &'a [Entry]) -> impl Iterator<Item = Entry> + 'a {
    let merged = earlier.iter().merge_join_by(later, |a, b| a.0.cmp(&b.0));
    merged.map(|entry| *entry.reduce(|_, later| later))
}

/// The entries, by index.
impl<T> Deref for Entries<T> {
    type Target = [(LeafIndex, T)];

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

/// In any order; of two entries for one position the later counts.
impl<T: Send> FromIterator<(LeafIndex, T)> for Entries<T> {
    fn from_iter<I: IntoIterator<Item = (LeafIndex, T)>>(entries: I) -> Self {
        let mut entries: Vec<_> = entries.into_iter().collect();
        // The sort is stable, so the last of a position's entries is the latest.
        entries.par_sort_by_key(|&(index, _)| index);
        entries.reverse();
        entries.dedup_by_key(|&mut (index, _)| index);
        entries.reverse();
        Self(Arc::new(entries))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::leaf::Address;

    fn entry(index: u32, balance: u64) -> Entry {
        (LeafIndex(index), Leaf { balance, ..Leaf::new(Address::ZERO, 0) })
    }

    #[test]
    fn later_entries_count() {
        let writes: Writes = [entry(5, 1), entry(2, 2), entry(5, 3)].into_iter().collect();
        assert_eq!(*writes.leaves, [entry(2, 2), entry(5, 3)]);
        assert_eq!(writes.leaves.get(LeafIndex(5)), Some(&entry(5, 3).1));
        assert_eq!(writes.leaves.get(LeafIndex(3)), None);
        assert_eq!(writes.indices().collect::<Vec<_>>(), [LeafIndex(2), LeafIndex(5)]);
        assert!(Writes::default().is_empty());
    }

    proptest! {
        #[test]
        fn merged_is_collected(earlier in prop::collection::btree_map(0..40u32, any::<u64>(), 0..30),
                               later in prop::collection::btree_map(0..40u32, any::<u64>(), 0..30)) {
            let entries = |map: std::collections::BTreeMap<u32, u64>| -> Vec<_> {
                map.into_iter().map(|(index, balance)| entry(index, balance)).collect()
            };
            let (earlier, later) = (entries(earlier), entries(later));
            let collected: Writes = earlier.iter().chain(&later).copied().collect();
            prop_assert_eq!(merge(&earlier, &later).collect::<Vec<_>>(), collected.leaves.to_vec());
        }
    }
}
