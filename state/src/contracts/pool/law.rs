//! The pool's law: what a block does to it.
//!
//! With `A_j` what the served orders of asset j give in, `g = G / 10^4`, and j' the other asset:
//!
//! ```text
//! 1. open  = R0 >= 2^24 and R1 >= 2^24
//!    E_j   = floor(A_j G U / 10^4)            X_j = ceil(A_j G U / 10^4)
//!    j → j':  n = open floor((R_j' U + H E_j') G / 10^4)      d = R_j U + H X_j
//! 2. Q_j'  <= floor(A_j n / d)                                what the lane answers
//! 3. R_j'  = R_j + A_j + gifts_j - Q_j                        at least 2^24 if open
//! 4. baskets:  n_j = R_j', d = S
//!    leavers with B shares get at most floor(B n_j / d), joiners of T shares pay at least ceil(T n_j / d)
//! 5. R_j'' = R_j' + paid_j - got_j,   S' = S + T - B          at least 1,024
//! 6. R_j'' U <= 2^60;   U' = U / 2 if some R_j'' U > 2^59 and U > 1, and U if not
//! ```
//!
//! **The price.** Crossing orders trade with each other at the block's price, what is left over trades with the reserves.
//! With H = 1 the price is `(R1 + gA1) / (R0 + gA0)`, the average over the way that the block moves it; a block with one order is
//! Uniswap v2's `getAmountOut`, never more, and at most `1 + ceil((out + a) / d)` less. Who sees the
//! orders can then trade beside one, and back in the next block, at its cost. With H = 2 it is the price that the block leaves
//! behind ([FM-AMM](https://arxiv.org/abs/2307.02074)), and going back gains nothing.
//!
//! **Theorem: `R0' R1' >= R0 R1`, and both stay positive.** Write r, a, q for reserves, inflows and answers times U. As `A U`
//! is an integer, `a >= X >= g a >= E`. By 2,
//!
//! ```text
//! q1 <= a0 g (r1 + H E1) / (r0 + H X0) <= X0 (r1 + H E1) / (r0 + H X0)
//! r1' = r1 + a1 - q1 >= [r1 (r0 + (H-1) X0) + a1 r0 + H X0 (a1 - E1)] / (r0 + H X0)
//!                    >= [r1 (r0 + (H-1) X0) + a1 r0] / (r0 + H X0)
//! ```
//!
//! and likewise r0'. *H = 1*: `r1' >= r0 (r1 + a1) / (r0 + X0)`, so `r0' r1' >= r0 r1 (r0 + a0)/(r0 + X0) (r1 + a1)/(r1 + X1) >=
//! r0 r1`. *H = 2*: with `α = X0/r0`, `β = X1/r1`, and `a >= X`, `r1' >= r1 (1 + α + β)/(1 + 2α)`, and the product is at least
//! `r0 r1 (1 + α + β)² / ((1 + 2α)(1 + 2β))`, which is at least `r0 r1` because `(1 + α + β)² - (1 + 2α)(1 + 2β) = (α - β)²`.
//! Gifts only add. No constraint says so; tests do.
//!
//! **A share never loses.** Joins and exits are at the reserves after the swaps, so leavers carry the block's move of
//! the price with those who stay. By 4 and 5, `R_j'' / S' >= R_j' / S` for each asset. A gift joins the reserves before
//! the baskets: who held shares gets it, and who joins in the same block pays for it.
//! Neither reserve can be emptied by exits: 1,024 shares stay, so something of `R_j'` does, and an integer above 0 is at least 1.
//!
//! **The law is total.** From each record that it accepts or writes ([`super::Pool::check`]), with sums of zero and at any
//! later block, it has a result, so no pool can be frozen. By the record's bounds `R_j U <= 2^60`: then in 1, `n, d <= 2^60`
//! and d is at least 1; in 3, R' is R; in 6, `R'' U = R U <= 2^60`. Exits alone have one too: they lower what is
//! bounded. What can fail is what requests bring: too much inflow (1, 5, 6), a reserve pushed below `2^24` (3), too many shares
//! (5). Such requests are left out.
//!
//! **One halving is enough.** The record's bound is `R U <= 2^59` unless U is 1. By 6, `R'' U <= 2^60`, so if U is even,
//! `R'' U / 2 <= 2^59`. If U is 1 it stays, and `R'' <= 2^60` is the record's bound.
//!
//! **Headroom.** Inflow of asset j in a block, from swaps, gifts and joins, is never too much as long as
//! `(R_j + inflow) U <= 2^60`, whatever else happens: `d <= R_j U + 2 A_j U = 2 (R_j + A_j) U - R_j U < 2^61`, the same for n, and
//! neither R' nor R'' is more than `R_j + inflow`. As `R U <= 2^59` a block may at least double the reserves, but
//! for U = 1.

use super::super::ints::{Ints, LIMBS_LIMIT, Round};
use super::super::settle::Rate;
use super::tally::{EXIT_ENTRIES, JOIN_ENTRIES, LANE_ENTRIES, Sums};
use super::{HALVING, LEAST_RESERVE, LOCKED, PARTS, Pool, ROOM, Touched};

/// What the pool says to a block's segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rates<L> {
    /// For orders, by the asset that comes in.
    pub swaps: [Rate<L>; 2],
    /// For joins and exits: what a share is worth of each asset.
    pub baskets: [Rate<L>; 2],
}

/// The record after the block, and the block's rates, from the record before and the sums of the requests.
///
/// The record is one that creation or the law wrote, and the sums are in range because those who emitted the tallies saw to it.
pub fn law<I: Ints>(
    i: &mut I,
    old: &Pool<I::V>,
    block: &Touched<I::V>,
    sums: &Sums<I::V>,
) -> (Pool<I::V>, Rates<I::Limbs>) {
    i.below("pool: once a block", old.touched.number, block.number);
    let unit = i.limbs("pool: unit has 61 bits", old.unit);

    // 1, 2. Swaps.
    let least = i.constant(LEAST_RESERVE);
    let short = old.reserves().map(|reserve| i.less("pool: whether a reserve is short", reserve, least));
    let short = i.or(short[0], short[1]);
    let paid = sums.lanes.map(|lane| lane.paid);
    let swaps = swap_rates(i, old, unit, short, paid);
    for (lane, rate) in sums.lanes.iter().zip(&swaps) {
        let most =
            i.mul_div("pool: most that a lane answers has 62 bits", Round::Down, lane.paid, rate.n, rate.d);
        i.at_most("pool: a lane answers at most its rate", lane.answered, most);
    }

    // 3. The reserves after swaps and gifts.
    let [lane0, lane1] = sums.lanes.map(|lane| lane.numbers());
    let books = old.books.post(i, [(&LANE_ENTRIES[0][..], &lane0[..]), (&LANE_ENTRIES[1], &lane1)]);
    let zero = i.constant(0);
    let floor = i.select(short, zero, least);
    for reserve in books.holdings() {
        i.at_most("pool: swaps leave the least reserve", floor, reserve);
    }

    // 4. Baskets.
    let d = i.limbs("pool: supply has 61 bits", old.supply());
    let baskets = books
        .holdings()
        .map(|reserve| Rate { n: i.limbs("pool: reserve after swaps has 61 bits", reserve), d });
    for (j, &Rate { n, d }) in baskets.iter().enumerate() {
        let most = i.mul_div("pool: most for exits has 62 bits", Round::Down, sums.exits.shares, n, d);
        i.at_most("pool: exits get at most their part", sums.exits.amounts[j], most);
        let due = i.mul_div("pool: least for joins has 62 bits", Round::Up, sums.joins.shares, n, d);
        i.at_most("pool: joins pay at least their part", due, sums.joins.amounts[j]);
    }

    // 5. Reserves and shares after the block.
    let (exits, joins) = (sums.exits.numbers(), sums.joins.numbers());
    let books = books.post(i, [(&EXIT_ENTRIES[..], &exits[..]), (&JOIN_ENTRIES, &joins)]);
    let [supply] = books.supplies();
    let locked = i.constant(LOCKED);
    i.at_most("pool: the first 1,024 shares stay", locked, supply);
    let limit = i.constant(LIMBS_LIMIT);
    i.below("pool: supply after the block has 61 bits", supply, limit);

    // 6. The unit.
    let unit = next_unit(i, old.unit, unit, books.holdings());
    (Pool { books, unit, touched: *block, ..*old }, Rates { swaps, baskets })
}

/// The rates of the two lanes, by the asset that comes in.
fn swap_rates<I: Ints>(
    i: &mut I,
    old: &Pool<I::V>,
    unit: I::Limbs,
    short: I::Flag,
    paid: [I::V; 2],
) -> [Rate<I::Limbs>; 2] {
    let (one, zero) = (i.constant(1), i.constant(0));
    let kept = i.limbs("pool: what the fee leaves has 61 bits", old.kept);
    let parts = i.constant_limbs(PARTS);
    let factor = i.mul("pool: fee in units has 62 bits", old.kept, unit);
    let factor = i.limbs("pool: fee in units has 61 bits", factor);
    let after = i.less("pool: whether H is 2", one, old.weight);

    let in_units = old.reserves().map(|reserve| i.mul("pool: reserve in units has 62 bits", reserve, unit));
    let mut weighed = |name, name_sum, round, j: usize| {
        let inflow = i.mul_div(name, round, paid[j], factor, parts);
        let again = i.select(after, inflow, zero);
        i.sum(name_sum, &[in_units[j], inflow, again])
    };
    let numerators = [0, 1].map(|j| {
        weighed(
            "pool: inflow rounded down has 62 bits",
            "pool: numerator with its fee has 62 bits",
            Round::Down,
            j,
        )
    });
    let divisors = [0, 1]
        .map(|j| weighed("pool: inflow rounded up has 62 bits", "pool: divisor has 62 bits", Round::Up, j));
    [0, 1].map(|j| {
        let n = i.mul_div("pool: numerator has 62 bits", Round::Down, numerators[1 - j], kept, parts);
        let n = i.select(short, zero, n);
        Rate {
            n: i.limbs("pool: numerator has 61 bits", n),
            d: i.limbs("pool: divisor has 61 bits", divisors[j]),
        }
    })
}

/// The unit after the block, and that there is room for the next one.
fn next_unit<I: Ints>(i: &mut I, unit: I::V, limbs: I::Limbs, reserves: [I::V; 2]) -> I::V {
    let (zero, room, halving) = (i.constant(0), i.constant(ROOM), i.constant(HALVING));
    let over = reserves.map(|reserve| {
        let in_units = i.mul("pool: reserve after the block in units has 62 bits", reserve, limbs);
        i.at_most("pool: reserves leave room", in_units, room);
        i.less("pool: whether a reserve halves the unit", halving, in_units)
    });
    let over = i.or(over[0], over[1]);
    let (one, two) = (i.constant_limbs(1), i.constant_limbs(2));
    let half = i.mul_div("pool: half of the unit has 62 bits", Round::Down, unit, one, two);
    let even = i.less("pool: whether the unit can be halved", zero, half);
    let halves = i.and(over, even);
    i.select(halves, half, unit)
}
