//! Legs sorted by leaf, as executor and planner run and lay them down: lane after lane.

use rayon::prelude::*;

use crate::leaf::LeafIndex;

/// Legs by leaf, those of one leaf in order of arrival.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ByLeaf {
    /// The upper half of a number is the leaf, the lower the leg.
    legs: Vec<u64>,
}

impl ByLeaf {
    /// Sorts legs, which are given with their leaves and in order of arrival, by numbers below `2^32`.
    ///
    /// Arrival is an order already, so only the leaves' bits are sorted by, with a radix sort. Two threads that compare
    /// take three to five times as long.
    pub fn new(legs: impl ParallelIterator<Item = (LeafIndex, usize)>) -> Self {
        let number = |(index, leg): (LeafIndex, usize)| (u64::from(index.0) << 32) | leg as u64;
        let mut legs: Vec<u64> = legs.map(number).collect();
        radsort::sort_by_key(&mut legs, |&number| (number >> 32) as u32);
        debug_assert!(legs.is_sorted(), "legs come in order of arrival");
        Self { legs }
    }

    /// The lanes, by leaf.
    pub fn lanes(&self) -> impl Iterator<Item = LegsOf<'_>> {
        self.legs.chunk_by(|a, b| a >> 32 == b >> 32).map(LegsOf)
    }

    /// All legs, lane after lane.
    pub fn legs(&self) -> impl IndexedParallelIterator<Item = usize> {
        self.legs.par_iter().map(|&number| leg(number))
    }
}

/// The legs of one leaf, in order of arrival; at least one.
#[derive(Clone, Copy, Debug)]
pub struct LegsOf<'a>(&'a [u64]);

impl<'a> LegsOf<'a> {
    /// The leaf.
    pub fn index(self) -> LeafIndex {
        LeafIndex((self.0[0] >> 32) as u32)
    }

    /// How many there are.
    #[allow(clippy::len_without_is_empty, reason = "there is at least one")]
    pub fn len(self) -> usize {
        self.0.len()
    }

    /// The legs.
    pub fn legs(self) -> impl Iterator<Item = usize> + use<'a> {
        self.0.iter().map(|&number| leg(number))
    }
}

fn leg(number: u64) -> usize {
    (number & u64::from(u32::MAX)) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_are_by_leaf_and_legs_by_arrival() {
        let of = |leaves: &[u32]| {
            let legs = leaves.par_iter().enumerate();
            let sorted = ByLeaf::new(legs.map(|(leg, &index)| (LeafIndex(index), leg)));
            let lanes: Vec<_> =
                sorted.lanes().map(|lane| (lane.index().0, lane.legs().collect::<Vec<_>>())).collect();
            assert_eq!(
                sorted.legs().collect::<Vec<_>>(),
                lanes.iter().flat_map(|lane| lane.1.clone()).collect::<Vec<_>>()
            );
            assert!(sorted.lanes().all(|lane| lane.len() == lane.legs().count()));
            lanes
        };
        assert_eq!(of(&[]), []);
        let last = (1 << 30) - 1;
        let leaves = [5, last, 2, 5, 256, 2, last, 5, 1 << 24];
        let expected =
            [(2, vec![2, 5]), (5, vec![0, 3, 7]), (256, vec![4]), (1 << 24, vec![8]), (last, vec![1, 6])];
        assert_eq!(of(&leaves), expected);
        let many: Vec<u32> = (0..10_000).map(|leg: u32| leg.wrapping_mul(2_654_435_761) >> 20).collect();
        let lanes = of(&many);
        assert!(lanes.is_sorted_by(|a, b| a.0 < b.0) && lanes.iter().all(|lane| lane.1.is_sorted()));
        assert!(lanes.iter().all(|(index, legs)| legs.iter().all(|&leg| many[leg] == *index)));
    }
}
