//! What a pool serves in a block, and what it leaves out: the executor's choice.
//!
//! Nothing here is trusted. The result is what the [law](super::pool::law) and the [settle functions](super::settle) give for the
//! requests that were chosen; a choice that they refuse is a [`Fault`], never a wrong answer.
//!
//! Orders come first ([`orders`]), because the price depends on them alone. Then gifts, then exits and joins, at the reserves
//! after both. Where room is short the least id comes first; so the result follows from the set of requests,
//! whatever their order.

pub mod orders;

use super::native::{Fault, Native, run};
use super::pool::law::{Rates, law};
use super::pool::tally::{LaneSums, ShareSums, Sums};
use super::pool::{LOCKED, Pool, ROOM, Touched};
use super::refusal::Refusal;
use super::settle::{self, Filled, Merged};
use crate::contracts::ints::{INT_BITS, LIMBS_LIMIT};
use crate::hash::Digest;
use crate::leaf::Asset;

/// An order: an amount of one of the pool's assets for the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// Its transaction.
    pub id: Digest,
    /// The asset that it gives.
    pub asset: Asset,
    /// How much of it.
    pub amount: u64,
    /// The largest answer that it refuses.
    pub limit: u64,
    /// Whether a part is enough.
    pub partial: bool,
}

/// A gift to those who hold shares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gift {
    /// Its transaction.
    pub id: Digest,
    /// In which of the pool's assets.
    pub asset: Asset,
    /// How much.
    pub amount: u64,
}

/// Shares for what they are worth of both assets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exit {
    /// Its transaction.
    pub id: Digest,
    /// How many.
    pub shares: u64,
}

/// Both assets for shares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Join {
    /// The first of its two transactions.
    pub id: Digest,
    /// How many shares.
    pub shares: u64,
    /// The most to pay of each asset.
    pub paid: [u64; 2],
}

/// All requests to a pool in a block.
#[derive(Clone, Copy, Debug, Default)]
pub struct Requests<'a> {
    /// Orders.
    pub orders: &'a [Order],
    /// Gifts.
    pub gifts: &'a [Gift],
    /// Exits.
    pub exits: &'a [Exit],
    /// Joins.
    pub joins: &'a [Join],
}

/// An order that is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Served {
    /// How much of it, all or a part.
    pub filled: u64,
    /// What it gets, and what goes back.
    pub result: Filled<u64>,
}

/// What a block does to a pool. Each answer stands where its request did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cleared {
    /// The record after the block.
    pub pool: Pool,
    /// The block's rates.
    pub rates: Rates<u64>,
    /// The sums of what is served.
    pub sums: Sums<u64>,
    /// Orders.
    pub orders: Vec<Result<Served, Refusal>>,
    /// Gifts; what is served gets nothing.
    pub gifts: Vec<Result<(), Refusal>>,
    /// Exits, with what each gets of the two assets.
    pub exits: Vec<Result<[u64; 2], Refusal>>,
    /// Joins.
    pub joins: Vec<Result<Merged<u64>, Refusal>>,
}

/// Chooses what to serve, and serves it.
///
/// # Errors
/// If the law does not accept it, which it does for every record that passes [`Pool::check`] and every later block.
pub fn clear(pool: &Pool, block: &Touched<u64>, requests: &Requests<'_>) -> Result<Cleared, Fault> {
    let mut sums = Sums::default();
    let chosen = orders::choose(pool, requests.orders);
    for (order, filled) in requests.orders.iter().zip(&chosen) {
        if let (Some(lane), Ok(filled)) = (lane(pool, order.asset), filled) {
            sums.lanes[lane].paid += filled;
        }
    }

    // The rates follow from what is given in; what is answered follows from the rates.
    let apply = |sums: &Sums<u64>| run(|native| law(native, pool, block, sums));
    let (_, rates) = apply(&sums)?;
    let mut served = Vec::with_capacity(chosen.len());
    for (order, filled) in requests.orders.iter().zip(chosen) {
        served.push(match (lane(pool, order.asset), filled) {
            (Some(lane), Ok(filled)) => {
                let result = run(|native| answer(native, &rates, lane, order, filled))?;
                sums.lanes[lane].answered += result.answer;
                Ok(Served { filled, result })
            }
            (_, Err(refusal)) => Err(refusal),
            (None, Ok(_)) => Err(wrong_lane(pool, order.asset)),
        });
    }

    let mut room = Room::new(pool, &sums.lanes);
    let gifts = give(pool, &mut room, &mut sums, requests.gifts);
    let (_, rates) = apply(&sums)?;
    let exits = leave(pool, &rates, &mut sums.exits, requests.exits);
    let joins = enter(pool, &rates, &mut room, &mut sums.joins, requests.joins);
    let (pool, rates) = apply(&sums)?;
    Ok(Cleared { pool, rates, sums, orders: served, gifts, exits, joins })
}

fn answer(native: &mut Native, rates: &Rates<u64>, lane: usize, order: &Order, filled: u64) -> Filled<u64> {
    let &Order { amount, limit, partial, .. } = order;
    if filled == amount {
        let answer = settle::exchange(native, &rates.swaps[lane], amount, limit);
        Filled { answer, change: 0 }
    } else {
        settle::fill(native, &rates.swaps[lane], &settle::Order { amount, limit, partial }, filled)
    }
}

/// Which of the pool's assets it is.
fn lane(pool: &Pool, asset: Asset) -> Option<usize> {
    pool.assets.iter().position(|&own| own == u64::from(asset))
}

fn wrong_lane(pool: &Pool, got: Asset) -> Refusal {
    Refusal::Lane { expected: pool.assets.map(|asset| asset as Asset), got }
}

/// How much more of each asset may come in, see [`super::pool::law`].
struct Room([u64; 2]);

impl Room {
    fn new(pool: &Pool, lanes: &[LaneSums<u64>; 2]) -> Self {
        let reserves = pool.reserves();
        Self([0, 1].map(|j| (ROOM / pool.unit).saturating_sub(reserves[j]).saturating_sub(lanes[j].paid)))
    }

    fn take(&mut self, amounts: [u64; 2]) -> Result<(), Refusal> {
        for (expected, got) in self.0.into_iter().zip(amounts) {
            if got > expected {
                return Err(Refusal::Inflow { expected, got });
            }
        }
        self.0 = [0, 1].map(|j| self.0[j] - amounts[j]);
        Ok(())
    }
}

/// Numbers of the requests, by their ids.
fn by_id<T>(requests: &[T], id: impl Fn(&T) -> Digest) -> Vec<usize> {
    let mut order: Vec<_> = (0..requests.len()).collect();
    order.sort_by_key(|&at| id(&requests[at]));
    order
}

/// Serves requests by their ids; each answer stands where its request did.
fn serve<T, R>(
    requests: &[T],
    id: impl Fn(&T) -> Digest,
    mut one: impl FnMut(&T) -> Result<R, Refusal>,
) -> Vec<Result<R, Refusal>> {
    let mut answers: Vec<_> = by_id(requests, id).into_iter().map(|at| (at, one(&requests[at]))).collect();
    answers.sort_by_key(|&(at, _)| at);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

fn give(pool: &Pool, room: &mut Room, sums: &mut Sums<u64>, gifts: &[Gift]) -> Vec<Result<(), Refusal>> {
    serve(
        gifts,
        |gift| gift.id,
        |gift| {
            let lane = lane(pool, gift.asset).ok_or_else(|| wrong_lane(pool, gift.asset))?;
            let mut amounts = [0; 2];
            amounts[lane] = gift.amount;
            room.take(amounts)?;
            sums.lanes[lane].gifts += gift.amount;
            Ok(())
        },
    )
}

fn leave(
    pool: &Pool,
    rates: &Rates<u64>,
    sums: &mut ShareSums<u64>,
    exits: &[Exit],
) -> Vec<Result<[u64; 2], Refusal>> {
    serve(
        exits,
        |exit| exit.id,
        |&Exit { shares, .. }| {
            let expected = pool.supply() - LOCKED - sums.shares;
            if shares > expected {
                return Err(Refusal::Shares { expected, got: shares });
            }
            let amounts = run(|native| settle::split(native, &rates.baskets, shares));
            let amounts = amounts.map_err(|_| Refusal::Nothing { got: shares })?;
            sums.shares += shares;
            (0..2).for_each(|j| sums.amounts[j] += amounts[j]);
            Ok(amounts)
        },
    )
}

fn enter(
    pool: &Pool,
    rates: &Rates<u64>,
    room: &mut Room,
    sums: &mut ShareSums<u64>,
    joins: &[Join],
) -> Vec<Result<Merged<u64>, Refusal>> {
    serve(
        joins,
        |join| join.id,
        |&Join { shares, paid, .. }| {
            if shares >> INT_BITS != 0 {
                return Err(Refusal::Memo { got: shares });
            }
            if shares == 0 {
                return Err(Refusal::Nothing { got: shares });
            }
            for ((basket, got), asset) in rates.baskets.iter().zip(paid).zip(pool.assets) {
                let due = (u128::from(shares) * u128::from(basket.n)).div_ceil(basket.d.into());
                if due > got.into() {
                    return Err(Refusal::Paid { asset: asset as Asset, expected: due, got });
                }
            }
            let expected = LIMBS_LIMIT - 1 - pool.supply() - sums.shares;
            if shares > expected {
                return Err(Refusal::Shares { expected, got: shares });
            }
            let merged = run(|native| settle::merge(native, &rates.baskets, shares, paid));
            let merged = merged.map_err(|fault| Refusal::Law { fault })?;
            room.take(merged.due)?;
            sums.shares += shares;
            (0..2).for_each(|j| sums.amounts[j] += merged.due[j]);
            Ok(merged)
        },
    )
}
