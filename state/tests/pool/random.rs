//! Pools and requests from seeds: numbers of all sizes, with the ends of their ranges.

use enfold_state::contracts::books::Books;
use enfold_state::contracts::clear::{Exit, Gift, Join, Order, Requests};
use enfold_state::contracts::pool::{HALVING, LOCKED, Pool, ROOM, Touched};
use enfold_state::field::from_u32;
use enfold_state::hash::Digest;
use rand::Rng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

/// The pool's own share.
pub const SHARE: u32 = (1 << 31) + 14;

/// Its assets.
pub const ASSETS: [u32; 2] = [3, 8];

/// A number from `least` to `most` whose length is random; the ends come up often.
pub fn size(rng: &mut ChaCha8Rng, least: u64, most: u64) -> u64 {
    match rng.gen_range(0..16) {
        0 => least,
        1 => most,
        _ => {
            let bits = rng.gen_range(0..=64 - most.leading_zeros());
            let number = rng.gen_range(0..=u64::MAX) >> (64 - bits.max(1));
            number.clamp(least, most)
        }
    }
}

pub fn id(number: u32) -> Digest {
    Digest([number, 0, 0, 0].map(from_u32))
}

/// Any pool that the law writes.
pub fn pool(rng: &mut ChaCha8Rng) -> Pool {
    let unit = 1 << rng.gen_range(0..=20);
    let most = if unit == 1 { ROOM } else { HALVING / unit };
    let reserves = [size(rng, 1, most), size(rng, 1, most)];
    let supply = size(rng, LOCKED, (1 << 61) - 1);
    let kept = *[9970, 9995, 10_000, 9000, 1, 0, rng.gen_range(0..=10_000)].choose(rng).expect("some");
    let touched = Touched { time: size(rng, 1, u32::MAX.into()), number: size(rng, 0, (1 << 31) - 2) };
    let books = Books::new(reserves, [supply]);
    let pool =
        Pool { assets: ASSETS.map(u64::from), kept, weight: rng.gen_range(1..=2), books, unit, touched };
    pool.check(SHARE).expect("a pool");
    pool
}

/// A pool as people make them: reserves within a factor of a million, low fees.
pub fn usual(rng: &mut ChaCha8Rng) -> Pool {
    let reserves = [0, 1].map(|_| rng.gen_range(1 << 24..1u64 << 44));
    let largest = reserves[0].max(reserves[1]);
    let unit = (0..=20).map(|k| 1 << k).filter(|unit| largest <= HALVING / unit).max().expect("1 fits");
    let kept = *[9970, 9995, 9999, 10_000].choose(rng).expect("some");
    let books = Books::new(reserves, [reserves[0].max(LOCKED)]);
    let touched = Touched { time: 1_700_000_000, number: 5 };
    Pool { assets: ASSETS.map(u64::from), kept, weight: rng.gen_range(1..=2), books, unit, touched }
}

/// The next block.
pub fn next(pool: &Pool) -> Touched<u64> {
    Touched { time: pool.touched.time, number: pool.touched.number + 1 }
}

/// What Uniswap v2 would answer, nearly: to choose limits by.
pub fn spot(pool: &Pool, lane: usize, amount: u64) -> u64 {
    let reserves = pool.reserves().map(u128::from);
    let amount = u128::from(amount);
    (amount * reserves[1 - lane] / (reserves[lane] + amount)).min((1 << 62) - 1) as u64
}

/// An order of up to `part` of the reserve, with a limit about what it would get alone.
pub fn order(rng: &mut ChaCha8Rng, pool: &Pool, number: u32, part: f64) -> Order {
    let lane = rng.gen_range(0..2);
    let most = (pool.reserves()[lane] as f64 * part) as u64;
    let amount = if rng.gen_bool(0.02) { rng.gen_range(1..1 << 61) } else { size(rng, 1, most.max(1)) };
    let factor = *[0.0, 0.5, 0.9, 0.97, 0.99, 0.999, 1.0, 1.02].choose(rng).expect("some");
    let limit = (spot(pool, lane, amount) as f64 * factor) as u64 + rng.gen_range(0..2);
    Order { id: id(number), asset: ASSETS[lane], amount, limit, partial: rng.gen_bool(0.4) }
}

/// Requests of all kinds.
#[derive(Clone)]
pub struct Block {
    pub orders: Vec<Order>,
    pub gifts: Vec<Gift>,
    pub exits: Vec<Exit>,
    pub joins: Vec<Join>,
}

impl Block {
    pub fn new(rng: &mut ChaCha8Rng, pool: &Pool, most: usize) -> Self {
        let part = *[0.001, 0.05, 0.5, 5.0].choose(rng).expect("some");
        let orders =
            (0..rng.gen_range(0..=most) as u32).map(|number| order(rng, pool, number, part)).collect();
        let gifts = (0..rng.gen_range(0..3u32))
            .map(|number| {
                let lane = rng.gen_range(0..2);
                let amount = size(rng, 1, pool.reserves()[lane]);
                Gift { id: id(1000 + number), asset: ASSETS[lane], amount }
            })
            .collect();
        let exits = (0..rng.gen_range(0..3u32))
            .map(|number| Exit {
                id: id(2000 + number),
                shares: size(rng, 0, (pool.supply() - LOCKED) / 3 + 1),
            })
            .collect();
        let joins = (0..rng.gen_range(0..3u32))
            .map(|number| {
                let shares = size(rng, 0, pool.supply());
                let paid = pool.reserves().map(|reserve| {
                    let fair = u128::from(shares) * u128::from(reserve) / u128::from(pool.supply());
                    (fair.min(1 << 60) as f64 * rng.gen_range(0.99..1.1)) as u64 + 1
                });
                Join { id: id(3000 + number), shares, paid }
            })
            .collect();
        Self { orders, gifts, exits, joins }
    }

    pub fn requests(&self) -> Requests<'_> {
        Requests { orders: &self.orders, gifts: &self.gifts, exits: &self.exits, joins: &self.joins }
    }
}
