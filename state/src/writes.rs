//! What a block writes: new contents of leaves.

use std::ops::Deref;
use std::sync::Arc;

use rayon::prelude::*;

use crate::leaf::{Leaf, LeafIndex};

/// New contents of leaves, by index, each leaf once. Clones share the entries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Writes(Arc<Vec<(LeafIndex, Leaf)>>);

impl Writes {
    /// What this writes to a leaf.
    pub fn get(&self, index: LeafIndex) -> Option<&Leaf> {
        let at = self.0.binary_search_by_key(&index, |&(index, _)| index).ok()?;
        Some(&self.0[at].1)
    }

    /// Both writes, each sorted by index and with each leaf once; for a leaf in both, what `later` says.
    pub fn merge(earlier: impl Iterator<Item = (LeafIndex, Leaf)>, later: Vec<(LeafIndex, Leaf)>) -> Self {
        let mut merged = Vec::with_capacity(later.len() + earlier.size_hint().1.unwrap_or(0));
        let mut later = later.into_iter().peekable();
        for (index, leaf) in earlier {
            while let Some(entry) = later.next_if(|&(other, _)| other < index) {
                merged.push(entry);
            }
            if later.peek().is_none_or(|&(other, _)| other != index) {
                merged.push((index, leaf));
            }
        }
        merged.extend(later);
        debug_assert!(merged.is_sorted_by(|a, b| a.0 < b.0), "both are sorted");
        Self(Arc::new(merged))
    }
}

/// The entries, by index.
impl Deref for Writes {
    type Target = [(LeafIndex, Leaf)];

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

/// In any order; of two entries for one leaf the later counts.
impl FromIterator<(LeafIndex, Leaf)> for Writes {
    fn from_iter<I: IntoIterator<Item = (LeafIndex, Leaf)>>(entries: I) -> Self {
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

    fn entry(index: u32, balance: u64) -> (LeafIndex, Leaf) {
        (LeafIndex(index), Leaf { address: Address::ZERO, nonce: 0, asset: 0, balance })
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
            prop_assert_eq!(Writes::merge(earlier.into_iter(), later), collected);
        }
    }
}
