//! What stands at the positions of the state tree: dense in each of its shards, nothing between them.

use std::ops::{Index, Range};

use crate::field::from_u32;
use crate::hash::{Digest, Tag, hash};
use crate::leaf::{ACCOUNT_SHARDS, LeafIndex, SHARD_DEPTH, SHARDS};

/// For each shard how many of its positions are taken: all below that number, none from there on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts(pub [u32; SHARDS]);

impl Default for Counts {
    fn default() -> Self {
        Self([0; SHARDS])
    }
}

impl Counts {
    /// The digest of the counts, tag [`Tag::Counts`].
    pub fn digest(&self) -> Digest {
        hash(Tag::Counts, &self.0.map(from_u32))
    }

    /// The counts of so many positions that fill one shard after the other.
    ///
    /// # Panics
    /// If there are not as many positions.
    pub fn dense(len: usize) -> Self {
        assert!(len <= SHARDS << SHARD_DEPTH, "a tree has {} positions, got {len}", SHARDS << SHARD_DEPTH);
        let of = |shard: usize| len.saturating_sub(shard << SHARD_DEPTH).min(1 << SHARD_DEPTH) as u32;
        Self(std::array::from_fn(of))
    }

    /// All positions that are taken.
    pub fn total(&self) -> usize {
        self.0.iter().map(|&count| count as usize).sum()
    }

    /// The positions that are taken by accounts.
    pub fn accounts(&self) -> usize {
        self.0[..ACCOUNT_SHARDS].iter().map(|&count| count as usize).sum()
    }

    /// Whether a position is taken.
    pub fn holds(&self, index: LeafIndex) -> bool {
        self.0.get(index.shard()).is_some_and(|&count| index.position() < count)
    }

    /// The positions that are taken, shard by shard.
    pub fn ranges(&self) -> impl Iterator<Item = Range<u32>> + use<> {
        let counts = self.0.into_iter().enumerate().filter(|&(_, count)| count > 0);
        counts.map(|(shard, count)| {
            let first = LeafIndex::new(shard, 0).0;
            first..first + count
        })
    }

    /// The nodes of a level that have something below them, ascending.
    pub fn level(&self, level: usize) -> impl Iterator<Item = u32> + use<> {
        let mut next = 0;
        self.ranges().flat_map(move |range| {
            // Above the shards two of them can have a node in common.
            let (first, last) = (next.max(range.start >> level), (range.end - 1) >> level);
            next = last + 1;
            first..next
        })
    }
}

/// A value at each position that is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shards<T>(Vec<Vec<T>>);

impl<T> Default for Shards<T> {
    fn default() -> Self {
        Self((0..SHARDS).map(|_| Vec::new()).collect())
    }
}

impl<T> Shards<T> {
    /// Values that fill one shard after the other.
    ///
    /// # Panics
    /// If there are more than positions.
    pub fn dense(mut values: Vec<T>) -> Self {
        let Counts(counts) = Counts::dense(values.len());
        let mut shards: Vec<_> =
            (1..SHARDS).rev().map(|shard| values.split_off(values.len() - counts[shard] as usize)).collect();
        if shards.iter().any(|shard: &Vec<T>| !shard.is_empty()) {
            values.shrink_to_fit();
        }
        shards.push(values);
        shards.reverse();
        Self(shards)
    }

    /// Values that fill one shard after the other, from this one on.
    ///
    /// # Panics
    /// If there are more than positions from there on.
    pub fn dense_from(first: usize, values: Vec<T>) -> Self {
        let mut shards = Self::dense(values);
        let spare = shards.0.split_off(SHARDS - first);
        assert!(spare.iter().all(Vec::is_empty), "a tree has no more positions from shard {first} on");
        shards.0.splice(0..0, spare);
        shards
    }

    /// How many there are in each shard.
    pub fn counts(&self) -> Counts {
        Counts(std::array::from_fn(|shard| self.0[shard].len() as u32))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.iter().map(Vec::len).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(Vec::is_empty)
    }

    /// The value at a position.
    pub fn get(&self, index: LeafIndex) -> Option<&T> {
        self.0.get(index.shard())?.get(index.position() as usize)
    }

    /// The value at a position, to be changed.
    pub fn get_mut(&mut self, index: LeafIndex) -> Option<&mut T> {
        self.0.get_mut(index.shard())?.get_mut(index.position() as usize)
    }

    /// The values of a shard.
    ///
    /// # Panics
    /// If there is no such shard.
    pub fn shard(&self, shard: usize) -> &[T] {
        &self.0[shard]
    }

    /// The values with their positions, ascending.
    pub fn entries(&self) -> impl Iterator<Item = (LeafIndex, &T)> {
        self.0.iter().enumerate().flat_map(|(shard, values)| {
            (0..).zip(values).map(move |(position, value)| (LeafIndex::new(shard, position), value))
        })
    }

    /// The values, by position.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter().flatten()
    }

    /// Bytes of memory taken for them.
    pub fn memory(&self) -> usize {
        self.0.iter().map(|values| values.capacity() * size_of::<T>()).sum()
    }
}

#[cfg(feature = "node")]
impl<T> Shards<T> {
    /// The values of a shard, to be added to and changed.
    pub(crate) fn shard_mut(&mut self, shard: usize) -> &mut Vec<T> {
        &mut self.0[shard]
    }

    /// Puts a value at a position that is taken or the next of its shard; says whether it was the next.
    pub(crate) fn put(&mut self, index: LeafIndex, value: T) -> bool {
        let values = &mut self.0[index.shard()];
        if let Some(place) = values.get_mut(index.position() as usize) {
            *place = value;
            return false;
        }
        make_room(values, index.position() as usize + 1);
        values.push(value);
        true
    }

    /// The values of all shards.
    pub(crate) fn into_shards(self) -> Vec<Vec<T>> {
        self.0
    }

    /// Drops all values behind these counts.
    pub(crate) fn truncate(&mut self, counts: &Counts) {
        for (values, &count) in self.0.iter_mut().zip(&counts.0) {
            values.truncate(count as usize);
        }
    }
}

/// Makes room for `len` entries, and for an eighth more if there was none: a large array that grows must not take
/// twice its size.
pub(crate) fn make_room<T>(entries: &mut Vec<T>, len: usize) {
    if len > entries.capacity() {
        entries.reserve_exact(len + len / 8 - entries.len());
    }
}

impl<T: Clone> Shards<T> {
    /// The values, by position.
    pub fn to_vec(&self) -> Vec<T> {
        self.0.concat()
    }
}

impl<T> Index<LeafIndex> for Shards<T> {
    type Output = T;

    fn index(&self, index: LeafIndex) -> &T {
        &self.0[index.shard()][index.position() as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHARD: usize = 1 << SHARD_DEPTH;

    fn counts(counts: &[(usize, u32)]) -> Counts {
        let mut all = Counts::default();
        counts.iter().for_each(|&(shard, count)| all.0[shard] = count);
        all
    }

    #[test]
    fn dense_positions_fill_shard_after_shard() {
        assert_eq!(Counts::dense(0), Counts::default());
        assert_eq!(Counts::dense(5), counts(&[(0, 5)]));
        assert_eq!(Counts::dense(SHARD), counts(&[(0, SHARD as u32)]));
        assert_eq!(Counts::dense(2 * SHARD + 1), counts(&[(0, SHARD as u32), (1, SHARD as u32), (2, 1)]));
        assert_eq!(Counts::dense(SHARDS * SHARD).total(), SHARDS * SHARD);
        let values = Shards::dense((0..SHARD as u32 + 3).collect());
        assert_eq!((values.len(), values.counts()), (SHARD + 3, Counts::dense(SHARD + 3)));
        assert!(values.entries().all(|(index, &value)| index.0 == value));
        assert_eq!(values[LeafIndex::new(1, 2)], SHARD as u32 + 2);
        assert_eq!(values.get(LeafIndex::new(1, 3)), None);
        let upper = Shards::dense_from(32, (0..SHARD as u32 + 3).collect());
        assert_eq!(upper.counts(), counts(&[(32, SHARD as u32), (33, 3)]));
        assert_eq!(upper[LeafIndex::new(33, 2)], SHARD as u32 + 2);
        assert_eq!(values.get(LeafIndex(u32::MAX)), None);
    }

    #[test]
    fn levels_have_what_is_above_a_position() {
        let counts = counts(&[(0, 3), (1, 1), (33, 6)]);
        let level = |level| counts.level(level).collect::<Vec<_>>();
        let first = |shard: u32, level: usize| shard << (SHARD_DEPTH - level);
        assert_eq!(level(0).len(), 10);
        assert_eq!(level(1), [0, 1, first(1, 1), first(33, 1), first(33, 1) + 1, first(33, 1) + 2]);
        assert_eq!(level(SHARD_DEPTH), [0, 1, 33]);
        assert_eq!(level(SHARD_DEPTH + 1), [0, 16]);
        assert_eq!(level(SHARD_DEPTH + 6), [0]);
        assert_eq!(Counts::default().level(3).count(), 0);
        assert!(counts.holds(LeafIndex::new(33, 5)) && !counts.holds(LeafIndex::new(33, 6)));
    }
}
