//! Legs grouped into lanes.
//!
//! A leg touches one leaf; the legs of one leaf form a lane. Lanes are in the order of their leaves. Within a
//! lane, legs are in the order of their arrival, which for debits is that of their nonces too.

use std::ops::Range;

use enfold_state::by_leaf::{ByLeaf, LegsOf};
use enfold_state::leaf::LeafIndex;
use rayon::prelude::*;

/// The legs of one leaf in one phase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lane {
    /// The leaf.
    pub index: LeafIndex,
    /// Its legs, as a range of [`Lanes::order`].
    pub legs: Range<usize>,
}

/// The lanes of one phase.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lanes {
    /// Positions in the execution's list of legs, lane after lane.
    pub order: Vec<usize>,
    /// The lanes, by leaf.
    pub lanes: Vec<Lane>,
}

impl Lanes {
    /// The lanes of legs, which are given by their leaves, in the order of arrival.
    pub fn of(leaves: impl IndexedParallelIterator<Item = LeafIndex>) -> Self {
        let sorted = ByLeaf::new(leaves.enumerate().map(|(leg, index)| (index, leg)));
        let mut start = 0;
        let lane = |lane: LegsOf<'_>| {
            let legs = start..start + lane.len();
            start = legs.end;
            Lane { index: lane.index(), legs }
        };
        let lanes = sorted.lanes().map(lane).collect();
        Self { order: sorted.legs().collect(), lanes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_are_sorted_and_keep_arrival() {
        let lanes = Lanes::of([5, 2, 5, 2, 9, 5].map(LeafIndex).into_par_iter());
        assert_eq!(lanes.order, [1, 3, 0, 2, 5, 4]);
        let expected = [(2, 0..2), (5, 2..5), (9, 5..6)];
        assert_eq!(lanes.lanes, expected.map(|(i, legs)| Lane { index: LeafIndex(i), legs }));
    }

    #[test]
    fn no_legs_no_lanes() {
        assert_eq!(Lanes::of(rayon::iter::empty()), Lanes::default());
    }
}
