//! Legs grouped into lanes.
//!
//! A leg touches one leaf; the legs of one leaf form a lane. Lanes stand in the order of their leaves. Within a
//! lane, debits stand in the order of their nonces and credits in the order of their arrival.

use std::ops::Range;

use enfold_state::executor::Debit;
use enfold_state::leaf::LeafIndex;
use enfold_state::message::Message;
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
    /// The lanes of the execution's debits, each by nonce.
    pub fn of_debits(debits: &[Debit]) -> Self {
        Self::group(debits.iter().map(|debit| {
            let transaction = &debit.signed.transaction;
            (transaction.from, transaction.nonce)
        }))
    }

    /// The lanes of the execution's credits, each by arrival.
    pub fn of_credits(credits: &[Message]) -> Self {
        Self::group(credits.iter().map(|message| (message.to, 0)))
    }

    /// Groups legs, given as leaf and rank. Legs of equal rank keep their order.
    fn group(legs: impl Iterator<Item = (LeafIndex, u32)>) -> Self {
        let mut sorted: Vec<_> = legs.enumerate().map(|(at, (index, rank))| (index, rank, at)).collect();
        sorted.par_sort_unstable();
        let mut start = 0;
        let lanes = sorted
            .chunk_by(|a, b| a.0 == b.0)
            .map(|lane| {
                let legs = start..start + lane.len();
                start = legs.end;
                Lane { index: lane[0].0, legs }
            })
            .collect();
        Self { order: sorted.into_iter().map(|(_, _, at)| at).collect(), lanes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_are_sorted_and_keep_arrival() {
        let legs = [(5, 0), (2, 1), (5, 0), (2, 0), (9, 0), (5, 0)].map(|(i, rank)| (LeafIndex(i), rank));
        let lanes = Lanes::group(legs.into_iter());
        assert_eq!(lanes.order, [3, 1, 0, 2, 5, 4]);
        let expected = [(2, 0..2), (5, 2..5), (9, 5..6)];
        assert_eq!(lanes.lanes, expected.map(|(i, legs)| Lane { index: LeafIndex(i), legs }));
    }

    #[test]
    fn no_legs_no_lanes() {
        assert_eq!(Lanes::of_credits(&[]), Lanes::default());
    }
}
