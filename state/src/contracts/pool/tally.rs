//! What segments report to the pool: the sums of the requests that they answered, which are money.
//!
//! A segment carries in one tally of its lane, adds its own requests, and emits the sums. In a circuit one range at the end is
//! enough for sums of what was debited: of an asset there are less than `2^62` in all leaves together, so such a sum is over the
//! integers. It is enough for sums of answers too: by the inequality in [`settle`](super::super::settle) they are at most
//! what the law computes from the sums of what was paid, and the law keeps that below `2^62`.
//!
//! It is **not** enough for the shares of joins, which nobody was debited: five of `2^62 - 1` wrap p, and the tally would mint few
//! shares where payouts give many. They have a range each.

use super::super::books::{Effect, Entry};
use super::super::ints::Ints;

/// Sums of one swap lane: that of asset j is number j of [`Sums::lanes`]. A tally's numbers, in this order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LaneSums<V> {
    /// What the served orders give in: whole amounts, and of orders that are filled in part what is filled.
    pub paid: V,
    /// What they get, in the other asset.
    pub answered: V,
    /// Gifts of the asset.
    pub gifts: V,
}

/// Sums of exits or of joins. A tally's numbers, in this order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ShareSums<V> {
    /// Shares.
    pub shares: V,
    /// What they got, or paid, of each asset.
    pub amounts: [V; 2],
}

/// Sums of all requests to a pool in a block; 0 where there are none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums<V> {
    /// Swaps and gifts, by the asset that comes in.
    pub lanes: [LaneSums<V>; 2],
    /// Exits.
    pub exits: ShareSums<V>,
    /// Joins.
    pub joins: ShareSums<V>,
}

/// What each number of a lane's tally does, by the asset that comes in.
pub const LANE_ENTRIES: [[Entry; 3]; 2] = [lane_entries(0), lane_entries(1)];

/// What each number of the tally of exits does.
pub const EXIT_ENTRIES: [Entry; 3] = [
    Entry { name: "pool: burned shares are there", effect: Effect::Burn(0) },
    Entry { name: "pool: reserves cover exits", effect: Effect::Pay(0) },
    Entry { name: "pool: reserves cover exits", effect: Effect::Pay(1) },
];

/// What each number of the tally of joins does.
pub const JOIN_ENTRIES: [Entry; 3] = [
    Entry { name: "pool: supply with joins has 62 bits", effect: Effect::Mint(0) },
    Entry { name: "pool: reserve with joins has 62 bits", effect: Effect::Receive(0) },
    Entry { name: "pool: reserve with joins has 62 bits", effect: Effect::Receive(1) },
];

const fn lane_entries(asset: usize) -> [Entry; 3] {
    [
        Entry { name: "pool: reserve with inflow has 62 bits", effect: Effect::Receive(asset) },
        Entry { name: "pool: reserves cover answers", effect: Effect::Pay(1 - asset) },
        Entry { name: "pool: reserve with gifts has 62 bits", effect: Effect::Receive(asset) },
    ]
}

impl<V: Copy> LaneSums<V> {
    /// The tally's numbers, in their order.
    pub const fn numbers(&self) -> [V; 3] {
        [self.paid, self.answered, self.gifts]
    }

    /// The sums with those of more requests: whole orders and parts, and gifts.
    pub fn with<I: Ints<V = V>>(&self, i: &mut I, paid: &[V], answered: &[V], gifts: &[V]) -> Self {
        Self {
            paid: i.sum("tally: what is paid has 62 bits", &with(self.paid, paid)),
            answered: i.sum("tally: what is answered has 62 bits", &with(self.answered, answered)),
            gifts: i.sum("tally: gifts have 62 bits", &with(self.gifts, gifts)),
        }
    }
}

impl<V: Copy> ShareSums<V> {
    /// The tally's numbers, in their order.
    pub const fn numbers(&self) -> [V; 3] {
        [self.shares, self.amounts[0], self.amounts[1]]
    }

    /// The sums with those of more exits.
    pub fn with_exits<I: Ints<V = V>>(&self, i: &mut I, shares: &[V], amounts: [&[V]; 2]) -> Self {
        let shares = i.sum("tally: burned shares have 62 bits", &with(self.shares, shares));
        Self { shares, amounts: self.with_amounts(i, amounts) }
    }

    /// The sums with those of more joins. Their shares have a range each, see the [module](self).
    pub fn with_joins<I: Ints<V = V>>(&self, i: &mut I, shares: &[V], amounts: [&[V]; 2]) -> Self {
        let add = |sum, &shares| i.add("tally: minted shares have 62 bits", sum, shares);
        let shares = shares.iter().fold(self.shares, add);
        Self { shares, amounts: self.with_amounts(i, amounts) }
    }

    fn with_amounts<I: Ints<V = V>>(&self, i: &mut I, amounts: [&[V]; 2]) -> [V; 2] {
        [0, 1].map(|j| i.sum("tally: amounts for shares have 62 bits", &with(self.amounts[j], amounts[j])))
    }
}

fn with<V: Copy>(carried: V, more: &[V]) -> Vec<V> {
    std::iter::once(carried).chain(more.iter().copied()).collect()
}
