//! What a block writes: new contents of leaves.

use std::ops::Deref;
use std::sync::Arc;

use itertools::Itertools;
use rayon::prelude::*;

use crate::leaf::{Leaf, LeafIndex};

/// A leaf and its contents.
pub type Entry = (LeafIndex, Leaf);

/// New contents of leaves, by index, each leaf once. Clones share the entries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Writes(Arc<Vec<Entry>>);

impl Writes {
    /// What this writes to a leaf.
    pub fn get(&self, index: LeafIndex) -> Option<&Leaf> {
        let at = self.0.binary_search_by_key(&index, |&(index, _)| index).ok()?;
        Some(&self.0[at].1)
    }

    /// Entries sorted by leaf, one per leaf.
    pub(crate) fn sorted(entries: Vec<Entry>) -> Self {
        debug_assert!(entries.is_sorted_by(|a, b| a.0 < b.0), "one entry a leaf, by leaf");
        Self(Arc::new(entries))
    }
}

/// Two lists sorted by leaf, merged. If both have a leaf, the later entry counts.
pub fn merge<'a>(earlier: &'a [Entry], later: &'a [Entry]) -> impl Iterator<Item = Entry> + 'a {
    let merged = earlier.iter().merge_join_by(later, |a, b| a.0.cmp(&b.0));
    merged.map(|entry| *entry.reduce(|_, later| later))
}

/// The entries, by index.
impl Deref for Writes {
    type Target = [Entry];

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

/// In any order; of two entries for one leaf the later counts.
impl FromIterator<Entry> for Writes {
    fn from_iter<I: IntoIterator<Item = Entry>>(entries: I) -> Self {
        let mut entries: Vec<_> = entries.into_iter().collect();
        // The sort is stable, so the last of a leaf's entries is the latest.
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
        assert_eq!(*writes, [entry(2, 2), entry(5, 3)]);
        assert_eq!(writes.get(LeafIndex(5)), Some(&entry(5, 3).1));
        assert_eq!(writes.get(LeafIndex(3)), None);
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
            prop_assert_eq!(merge(&earlier, &later).collect::<Vec<_>>(), collected.to_vec());
        }
    }
}
