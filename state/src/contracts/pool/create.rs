//! New pools: two `open` messages of one owner to one empty position, or an entry of the genesis.
//!
//! A message brings one of the two assets, and says in its memo the pool's terms and the leaf that brings the other asset:
//!
//! ```text
//! memo = G + 2^16 H + 2^24 leaf        16, 8 and 30 bits
//! ```
//!
//! So neither can be paired with a stranger's: both were signed by who signed the other. The kind that both name
//! is the pool's tag, with j = 0 for asset 0 and j = 1 for asset 1.
//!
//! The shares of a new pool are as many as its units of asset 0. Nobody gets [`LOCKED`] of them, the owner the rest.
//! The unit is the largest with `max(R0, R1) U <= 2^59`, up to `2^20`, or 1: nobody chooses it.

use super::super::books::Books;
use super::super::ints::Ints;
use super::super::refusal::Refusal;
use super::{ASSETS, HALVING, LEAST_RESERVE, LOCKED, PARTS, Pool, ROOM, Touched, UNIT_BITS};
use crate::leaf::{Address, Asset, LeafIndex, TREE_DEPTH};

/// What a pool is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Founding<V> {
    /// The pool's own share, `2^31 + 2 c`.
    pub share: V,
    /// Asset 0 and asset 1, of 32 bits.
    pub assets: [V; 2],
    /// How much of each is brought; was debited, or stands in the genesis.
    pub amounts: [V; 2],
    /// G, of 16 bits.
    pub kept: V,
    /// H, of 8 bits.
    pub weight: V,
    /// The block.
    pub touched: Touched<V>,
}

/// The new record, and the shares that its owner gets.
pub fn create<I: Ints>(i: &mut I, new: &Founding<I::V>) -> (Pool<I::V>, I::V) {
    let [asset0, asset1] = new.assets;
    let assets = i.constant(ASSETS);
    i.below("pool: asset 1 is not restricted", asset1, assets);
    i.below("pool: asset 0 is below asset 1", asset0, asset1);
    let one = i.constant(1);
    let other = i.add("pool: its second asset has 62 bits", new.share, one);
    for asset in new.assets {
        let before = i.less("pool: whether an asset is before its own", asset, new.share);
        let after = i.less("pool: whether an asset is after its own", other, asset);
        let foreign = i.or(before, after);
        i.require("pool: no asset is its own", foreign);
    }
    let (parts, two) = (i.constant(PARTS), i.constant(2));
    i.at_most("pool: the fee leaves at most all", new.kept, parts);
    i.at_most("pool: H is at least 1", one, new.weight);
    i.at_most("pool: H is at most 2", new.weight, two);
    let (least, room) = (i.constant(LEAST_RESERVE), i.constant(ROOM));
    for amount in new.amounts {
        i.at_most("pool: new reserves are at least the least", least, amount);
        i.at_most("pool: new reserves leave room", amount, room);
    }
    let unit = first_unit(i, new.amounts);
    let locked = i.constant(LOCKED);
    let shares = i.sub("pool: shares beyond the first 1,024", new.amounts[0], locked);
    let books = Books::new(new.amounts, [new.amounts[0]]);
    (
        Pool { assets: new.assets, kept: new.kept, weight: new.weight, books, unit, touched: new.touched },
        shares,
    )
}

/// The largest power of two up to `2^20` by which both reserves can be multiplied and stay at most `2^59`; 1 if there is
/// none.
fn first_unit<I: Ints>(i: &mut I, reserves: [I::V; 2]) -> I::V {
    let larger = i.less("pool: whether reserve 1 is the larger", reserves[0], reserves[1]);
    let mut reserve = i.select(larger, reserves[1], reserves[0]);
    let (mut unit, halving) = (i.constant(1), i.constant(HALVING));
    for _ in 0..UNIT_BITS {
        // Once it does not fit it never does again, because nothing changes any more.
        let twice = i.add("pool: twice the reserve has 62 bits", reserve, reserve);
        let over = i.less("pool: whether twice the unit is too much", halving, twice);
        let doubled = i.add("pool: twice the unit has 62 bits", unit, unit);
        reserve = i.select(over, reserve, twice);
        unit = i.select(over, unit, doubled);
    }
    unit
}

/// What the memo of an `open` message says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// G.
    pub kept: u16,
    /// H.
    pub weight: u8,
    /// The leaf that brings the other asset.
    pub other: LeafIndex,
}

impl Terms {
    /// The memo.
    pub const fn memo(&self) -> u64 {
        self.kept as u64 | (self.weight as u64) << 16 | (self.other.0 as u64) << 24
    }

    /// Reads a memo; `None` if it has bits that no terms have.
    pub const fn from_memo(memo: u64) -> Option<Self> {
        if memo >> (24 + TREE_DEPTH) != 0 {
            return None;
        }
        Some(Self { kept: memo as u16, weight: (memo >> 16) as u8, other: LeafIndex((memo >> 24) as u32) })
    }
}

/// What of an `open` message matters to the pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Open {
    /// The leaf that was debited.
    pub from: LeafIndex,
    /// Its asset.
    pub asset: Asset,
    /// How much it brings.
    pub amount: u64,
    /// The [`Terms`].
    pub memo: u64,
    /// Who gets the shares.
    pub to_address: Address,
}

/// Puts two messages together, that with j = 0 first.
///
/// # Errors
/// If they are not of one pool.
pub fn pair(opens: [&Open; 2], share: Asset, touched: Touched<u64>) -> Result<Founding<u64>, Refusal> {
    let [first, second] = opens;
    let read = |open: &Open| Terms::from_memo(open.memo).ok_or(Refusal::Terms { got: open.memo });
    let (terms, others) = (read(first)?, read(second)?);
    for (open, expected) in [(first, others.other), (second, terms.other)] {
        if open.from != expected {
            return Err(Refusal::Partner { expected, got: open.from });
        }
    }
    if (terms.kept, terms.weight) != (others.kept, others.weight) {
        let [expected, got] = [terms, others].map(|terms| Terms { other: LeafIndex(0), ..terms }.memo());
        return Err(Refusal::OtherTerms { expected, got });
    }
    if first.to_address != second.to_address {
        return Err(Refusal::Owner { expected: first.to_address, got: second.to_address });
    }
    Ok(Founding {
        share: share.into(),
        assets: opens.map(|open| open.asset.into()),
        amounts: opens.map(|open| open.amount),
        kept: terms.kept.into(),
        weight: terms.weight.into(),
        touched,
    })
}
