//! The pool: a market of two assets against the reserves of those who share it, at one price a block.
//!
//! Record of 8 elements, tag [`Tag::Pool`]:
//!
//! ```text
//! asset 0 + 2^32 asset 1,  G + 2^16 H,  R0,  R1,  S,  U,  0,  time + 2^32 number
//! ```
//!
//! | | | range |
//! |---|---|---|
//! | asset 0, asset 1 | what is traded; asset 0 < asset 1, neither is the pool's own share | below `3 2^30` |
//! | G | what the fee leaves of `10^4` parts that come in | 0 to `10^4` |
//! | H | whether a block trades at its average price (1) or at the price that it leaves behind (2), see [`law`] | 1, 2 |
//! | R0, R1 | the reserves | 1 to `2^60` |
//! | S | shares: asset `2^31 + 2 c` of contract c, of which [`LOCKED`] belong to nobody | 1,024 to `2^61 - 1` |
//! | U | unit of the rates, a power of two | 1 to `2^20` |
//! | touched | time and number of the last block that touched it | |
//!
//! and `max(R0, R1) U <= 2^59`, or U is 1.

pub mod create;
pub mod law;
pub mod tally;

use super::books::Books;
use super::ints::LIMBS_LIMIT;
use super::native::{Expected, Fault};
use crate::field::{F, ZERO, reduce, to_u64};
use crate::hash::{Digest, Tag, hash};
use crate::leaf::{Asset, RESTRICTED_ASSETS};

/// Parts of an input: G of them are left by the fee.
pub const PARTS: u64 = 10_000;

/// Swaps need reserves of at least this: below it, rounding is no longer small against a trade.
pub const LEAST_RESERVE: u64 = 1 << 24;

/// Shares that belong to nobody, so that a share cannot be made dear.
pub const LOCKED: u64 = 1024;

/// The largest unit: rates have at most 20 bits more than reserves.
pub const UNIT_BITS: usize = 20;

/// A reserve times the unit, at most: then a block may bring as much again, and rates stay below `2^61`.
pub const ROOM: u64 = 1 << 60;

/// A reserve times the unit, above which the unit is halved.
pub const HALVING: u64 = 1 << 59;

/// Assets of pools are below this; those from here up are restricted to their issuers' calls.
pub const ASSETS: u64 = RESTRICTED_ASSETS as u64;

/// When a leaf was touched last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Touched<V> {
    /// The block's time.
    pub time: V,
    /// The block's number.
    pub number: V,
}

/// A pool's record, see the [module](self).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pool<V = u64> {
    /// Asset 0 and asset 1.
    pub assets: [V; 2],
    /// G.
    pub kept: V,
    /// H.
    pub weight: V,
    /// R0 and R1, and S.
    pub books: Books<V, 2, 1>,
    /// U.
    pub unit: V,
    /// The last touch.
    pub touched: Touched<V>,
}

impl<V: Copy> Pool<V> {
    /// R0 and R1.
    pub const fn reserves(&self) -> [V; 2] {
        self.books.holdings()
    }

    /// S.
    pub const fn supply(&self) -> V {
        let [supply] = self.books.supplies();
        supply
    }
}

impl Pool {
    /// Elements of a record.
    pub const LEN: usize = 8;

    /// The record that is hashed.
    pub fn elements(&self) -> [F; Self::LEN] {
        let [asset0, asset1] = self.assets;
        let [reserve0, reserve1] = self.reserves();
        [
            reduce(asset0 + (asset1 << 32)),
            reduce(self.kept + (self.weight << 16)),
            reduce(reserve0),
            reduce(reserve1),
            reduce(self.supply()),
            reduce(self.unit),
            ZERO,
            reduce(self.touched.time + (self.touched.number << 32)),
        ]
    }

    /// The leaf's digest in the tree.
    pub fn digest(&self) -> Digest {
        hash(Tag::Pool, &self.elements())
    }

    /// Reads a record that is some pool's, whose share is the asset given.
    ///
    /// # Errors
    /// If no law writes it: see [`Self::check`].
    pub fn from_elements(elements: [F; Self::LEN], share: Asset) -> Result<Self, Fault> {
        let [assets, terms, reserve0, reserve1, supply, unit, zero, touched] = elements.map(to_u64);
        demand("pool: the seventh element is 0", zero == 0, Expected::AtMost(0), zero)?;
        let low = |packed: u64| packed & u64::from(u32::MAX);
        let pool = Self {
            assets: [low(assets), assets >> 32],
            kept: terms & 0xffff,
            weight: terms >> 16,
            books: Books::new([reserve0, reserve1], [supply]),
            unit,
            touched: Touched { time: low(touched), number: touched >> 32 },
        };
        pool.check(share)?;
        Ok(pool)
    }

    /// Checks that the record is one that creation and the law can write: from each of those, the law has a
    /// result at any later time.
    ///
    /// # Errors
    /// The first part that is out of its range.
    pub fn check(&self, share: Asset) -> Result<(), Fault> {
        let (share, [asset0, asset1]) = (u64::from(share), self.assets);
        let most = |name, most, got| demand(name, got <= most, Expected::AtMost(most), got);
        let least = |name, least, got| demand(name, got >= least, Expected::AtLeast(least), got);
        most("pool: asset 1 is not restricted", ASSETS - 1, asset1)?;
        least("pool: asset 0 is below asset 1", asset0.saturating_add(1), asset1)?;
        for asset in self.assets {
            demand("pool: no asset is its own", asset & !1 != share & !1, Expected::Condition, 0)?;
        }
        most("pool: the fee leaves at most all", PARTS, self.kept)?;
        least("pool: H is at least 1", 1, self.weight)?;
        most("pool: H is at most 2", 2, self.weight)?;
        demand("pool: the unit is a power of two", self.unit.is_power_of_two(), Expected::Condition, 0)?;
        most("pool: the unit has at most 20 bits above it", 1 << UNIT_BITS, self.unit)?;
        let room = if self.unit == 1 { ROOM } else { HALVING / self.unit };
        for reserve in self.reserves() {
            least("pool: no reserve is empty", 1, reserve)?;
            most("pool: a reserve has room in its unit", room, reserve)?;
        }
        least("pool: the first 1,024 shares stay", LOCKED, self.supply())?;
        most("pool: supply has 61 bits", LIMBS_LIMIT - 1, self.supply())?;
        least("pool: a time", 1, self.touched.time)?;
        most("pool: time has 32 bits", u32::MAX.into(), self.touched.time)?;
        most("pool: number has 31 bits", (1 << 31) - 1, self.touched.number)
    }
}

fn demand(name: &'static str, met: bool, expected: Expected, got: u64) -> Result<(), Fault> {
    if met { Ok(()) } else { Err(Fault { name, expected, got: got.into() }) }
}
