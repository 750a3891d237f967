//! What an operator who orders everything can gain. Valued exactly, over the integers.

use enfold_state::contracts::books::Books;
use enfold_state::contracts::clear::{Cleared, Exit, Gift, Join, Order, Requests, clear};
use enfold_state::contracts::native::run;
use enfold_state::contracts::pool::create::{Founding, create};
use enfold_state::contracts::pool::{HALVING, LEAST_RESERVE, LOCKED, PARTS, Pool, Touched};
use num_bigint::BigInt;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::random::{ASSETS, SHARE, id, next, spot, usual};

fn big(number: u64) -> BigInt {
    BigInt::from(number)
}

fn block(pool: &Pool, requests: &Requests<'_>) -> Cleared {
    clear(pool, &next(pool), requests).expect("a result")
}

fn trade(pool: &Pool, orders: &[Order]) -> Cleared {
    block(pool, &Requests { orders, ..Requests::default() })
}

fn sell(number: u32, lane: usize, amount: u64, limit: u64) -> Order {
    Order { id: id(number), asset: ASSETS[lane], amount, limit, partial: false }
}

fn answer(cleared: &Cleared, at: usize) -> u64 {
    cleared.orders[at].map_or(0, |served| served.result.answer)
}

/// In one block, an attacker on both sides of victims gains nothing, at the price of the block.
#[test]
fn no_sandwich_inside_a_block() {
    let mut rng = ChaCha8Rng::seed_from_u64(30);
    let mut tried = 0;
    for _ in 0..10_000 {
        let pool = usual(&mut rng);
        let amounts = pool.reserves().map(|reserve| rng.gen_range(1..reserve));
        let victim = rng.gen_range(0..2);
        let mine = [rng.gen_range(1..=amounts[0]), rng.gen_range(1..=amounts[1])];
        let orders = [sell(1, victim, amounts[victim], 0), sell(2, 0, mine[0], 0), sell(3, 1, mine[1], 0)];
        let cleared = trade(&pool, &orders);
        if cleared.orders.iter().any(Result::is_err) {
            continue;
        }
        tried += 1;
        // p = (R1 U 10^4 + H A1 U G) / (R0 U 10^4 + H A0 U G); profit in asset 1 times the divisor.
        let side = |j: usize| {
            let paid = cleared.sums.lanes[j].paid;
            big(pool.reserves()[j]) * PARTS + big(pool.weight) * paid * pool.kept
        };
        let profit =
            (big(answer(&cleared, 1)) - mine[1]) * side(0) + (big(answer(&cleared, 2)) - mine[0]) * side(1);
        assert!(profit <= BigInt::ZERO, "{pool:?} {orders:?}");
    }
    assert!(tried > 5000);
}

/// What an attacker gains who sells beside a victim in block n, and buys all of it back in n + 1, or half then and half in n + 2.
fn round_trip(pool: &Pool, victim: &Order, lane: usize, amount: u64, blocks: u64) -> Option<i128> {
    let beside = trade(pool, &[*victim, sell(2, lane, amount, 0)]);
    beside.orders[0].ok()?;
    let mut left = answer(&beside, 1);
    let (mut state, mut back) = (beside.pool, 0);
    for remaining in (1..=blocks).rev() {
        let part = left / remaining;
        if part == 0 {
            continue;
        }
        let order = sell(3, 1 - lane, part, 0);
        let cleared = trade(&state, &[order]);
        if cleared.orders[0].is_ok() {
            back += answer(&cleared, 0);
            left -= part;
        }
        state = cleared.pool;
    }
    Some(i128::from(back) - i128::from(amount))
}

/// With H = 2 a round trip gains nothing, whatever the victim signed: the price of block n is that which it leaves behind. With
/// H = 1 it gains, so the test would notice.
#[test]
fn a_round_trip_gains_nothing_with_the_price_after() {
    let mut best = [i128::MIN; 2];
    let mut rng = ChaCha8Rng::seed_from_u64(31);
    for number in 0..3000 {
        let reserves = [rng.gen_range(1 << 26..1 << 36), rng.gen_range(1 << 26..1u64 << 36)];
        let lane = rng.gen_range(0..2);
        let kept = [9970, 9995, 10_000][number % 3];
        let amount = reserves[lane] / [1000, 100, 33, 10][rng.gen_range(0..4)];
        let mine = rng.gen_range(1..=reserves[lane] / 50);
        for weight in [1, 2] {
            let books = Books::new(reserves, [reserves[0]]);
            let unit = (0..=20)
                .map(|k| 1 << k)
                .rfind(|unit| reserves[0].max(reserves[1]) <= HALVING / unit)
                .expect("1");
            let touched = Touched { time: 1, number: 5 };
            let pool = Pool { assets: ASSETS.map(u64::from), kept, weight, books, unit, touched };
            let alone = answer(&trade(&pool, &[sell(1, lane, amount, 0)]), 0);
            let victim = sell(1, lane, amount, alone / 100 * 98);
            for blocks in [1, 2] {
                let Some(gain) = round_trip(&pool, &victim, lane, mine, blocks) else { continue };
                let relative = gain * 1_000_000 / i128::from(amount);
                let best = &mut best[weight as usize - 1];
                *best = relative.max(*best);
                assert!(weight == 1 || gain <= 0, "{gain} of {amount}: {pool:?} {mine}");
            }
        }
    }
    assert!(best[0] > 1000, "with the average price it gains {} millionths", best[0]);
}

/// What an attacker has more than before, both assets being worth the same outside, who sells beside a victim in block n and takes the
/// pool's price back to 1 in n + 1, at the best amount.
fn beside_and_back(pool: &Pool, victim: &Order, mine: u64) -> Option<i128> {
    let orders = [*victim, sell(2, 0, mine, 0)];
    let beside = trade(pool, &orders[..1 + usize::from(mine > 0)]);
    beside.orders[0].ok()?;
    let gained = if mine > 0 { i128::from(answer(&beside, 1)) - i128::from(mine) } else { 0 };
    // The best answer to x of asset 1 less x: where the derivative of g x R0 / (R1 + H g x) is 1.
    let [reserve0, reserve1] = beside.pool.reserves().map(|reserve| reserve as f64);
    let kept = pool.kept as f64 / PARTS as f64;
    let best = ((kept * reserve0 * reserve1).sqrt() - reserve1) / pool.weight as f64 / kept;
    let back = if best >= 1.0 {
        i128::from(answer(&trade(&beside.pool, &[sell(3, 1, best as u64, 0)]), 0))
    } else {
        0
    };
    Some(gained + if back > 0 { back - best as i128 } else { 0 })
}

/// With H = 2 an operator who sells beside a victim has no more, at the price outside and after going back, than one who lets the
/// victim trade alone. With H = 1 there is more.
#[test]
fn selling_beside_a_victim_adds_nothing() {
    const R: u64 = 1 << 40;
    let mut most = [0; 2];
    for kept in [9970, 9995] {
        for (part, slip) in [(100, 995), (33, 995), (33, 990), (10, 990)] {
            for weight in [1, 2] {
                let books = Books::new([R; 2], [R]);
                let touched = Touched { time: 1, number: 5 };
                let unit = HALVING / R;
                let pool = Pool { assets: ASSETS.map(u64::from), kept, weight, books, unit, touched };
                let amount = R / part;
                let alone = answer(&trade(&pool, &[sell(1, 0, amount, 0)]), 0);
                let victim = sell(1, 0, amount, alone / 1000 * slip);
                let nothing = beside_and_back(&pool, &victim, 0).expect("the victim's order alone");
                for step in 1..200 {
                    let Some(gain) = beside_and_back(&pool, &victim, R / 10_000 * step) else { break };
                    let more = (gain - nothing) * 1_000_000 / i128::from(amount);
                    most[weight as usize - 1] = more.max(most[weight as usize - 1]);
                }
            }
        }
    }
    assert!(most[0] > 5000 && most[1] == 0, "millionths of the victim's order: {most:?}");
}

/// Whoever gives loses what they give, but for their own part; everybody else gains.
#[test]
fn gifts_cannot_hurt() {
    let mut rng = ChaCha8Rng::seed_from_u64(32);
    for _ in 0..5000 {
        let pool = usual(&mut rng);
        let lane = rng.gen_range(0..2);
        let gift =
            Gift { id: id(1), asset: ASSETS[lane], amount: rng.gen_range(1..=pool.reserves()[lane] / 2) };
        let shares = rng.gen_range(1..=pool.supply() - LOCKED);
        let exit = [Exit { id: id(2), shares }];
        let join = [Join { id: id(3), shares: shares / 3 + 1, paid: [u64::MAX >> 2; 2] }];
        let with = |gifts| block(&pool, &Requests { orders: &[], gifts, exits: &exit, joins: &join });
        let [without, with] = [with(&[]), with(&[gift])];
        assert_eq!(with.gifts, [Ok(())]);
        let Ok(got) = with.exits[0] else { panic!("exits never close") };
        let before = without.exits[0].expect("exits never close");
        // Leavers get more, and at most their part of the gift more.
        let part = (u128::from(gift.amount) * u128::from(shares) / u128::from(pool.supply())) as u64 + 1;
        assert!(got[lane] >= before[lane] && got[lane] - before[lane] <= part && part <= gift.amount + 1);
        assert_eq!(got[1 - lane], before[1 - lane]);
        // Who joins pays for it.
        if let (Ok(with), Ok(without)) = (with.joins[0], without.joins[0]) {
            assert!(with.due[lane] >= without.due[lane]);
        }
        // The gift does not move the block's price.
        assert_eq!(with.rates.swaps, without.rates.swaps);
    }
}

/// The first depositor's trick: a small pool, shares made dear by gifts, then a victim joins. Shares are exact, so the victim's are
/// worth what was paid, but for a unit of each asset.
#[test]
fn dear_shares_take_nothing() {
    let mut rng = ChaCha8Rng::seed_from_u64(33);
    let mut joined = 0;
    for _ in 0..5000 {
        let founding = Founding {
            share: SHARE.into(),
            assets: ASSETS.map(u64::from),
            amounts: [LEAST_RESERVE; 2],
            kept: 9970,
            weight: 2,
            touched: Touched { time: 1, number: 1 },
        };
        let (mut pool, creators) = run(|native| create(native, &founding)).expect("a pool");
        // The creator leaves with all but the first shares, so each of the others is dear.
        pool =
            block(&pool, &Requests { exits: &[Exit { id: id(1), shares: creators }], ..Requests::default() })
                .pool;
        assert_eq!(pool.supply(), LOCKED);
        let gifts = [0, 1].map(|j| Gift {
            id: id(2 + j),
            asset: ASSETS[j as usize],
            amount: rng.gen_range(1..1 << 36),
        });
        pool = block(&pool, &Requests { gifts: &gifts, ..Requests::default() }).pool;
        let shares = rng.gen_range(1..2000);
        let join = [Join { id: id(4), shares, paid: [1 << 40; 2] }];
        let cleared = block(&pool, &Requests { joins: &join, ..Requests::default() });
        let Ok(merged) = cleared.joins[0] else { continue };
        let exit = [Exit { id: id(5), shares }];
        let got =
            block(&cleared.pool, &Requests { exits: &exit, ..Requests::default() }).exits[0].expect("open");
        for (got, due) in got.into_iter().zip(merged.due) {
            assert!(got + 1 >= due && got <= due);
        }
        joined += 1;
    }
    assert!(joined > 4000);
}

/// Many tiny trades, joins and exits round in the pool's favour, always.
#[test]
fn dust_gains_nothing() {
    let mut rng = ChaCha8Rng::seed_from_u64(34);
    let mut pool = Pool { kept: 10_000, ..usual(&mut rng) };
    let (mut mine, mut shares) = ([0i128; 2], 0);
    let start = pool;
    for number in 0..10_000 {
        let lane = rng.gen_range(0..2);
        let amount = rng.gen_range(1..1000);
        let order = sell(number, lane, amount, 0);
        let exit = Exit { id: id(1), shares: rng.gen_range(0..=shares) };
        let join = Join { id: id(2), shares: rng.gen_range(1..100), paid: [1 << 60; 2] };
        let cleared =
            block(&pool, &Requests { orders: &[order], gifts: &[], exits: &[exit], joins: &[join] });
        if let Ok(served) = cleared.orders[0] {
            mine[lane] -= i128::from(amount);
            mine[1 - lane] += i128::from(served.result.answer);
        }
        if let Ok(got) = cleared.exits[0] {
            shares -= exit.shares;
            (0..2).for_each(|j| mine[j] += i128::from(got[j]));
        }
        if let Ok(merged) = cleared.joins[0] {
            shares += join.shares;
            (0..2).for_each(|j| mine[j] -= i128::from(merged.due[j]));
        }
        pool = cleared.pool;
    }
    let exit = [Exit { id: id(1), shares }];
    let cleared = block(&pool, &Requests { exits: &exit, ..Requests::default() });
    if let Ok(got) = cleared.exits[0] {
        (0..2).for_each(|j| mine[j] += i128::from(got[j]));
    }
    // At the price that is left, and with what the others' shares are worth not less than before.
    let [reserve0, reserve1] = cleared.pool.reserves().map(i128::from);
    assert!(mine[0] * reserve1 + mine[1] * reserve0 <= 0, "{mine:?}");
    assert_eq!(cleared.pool.supply(), start.supply());
}

/// A limit is kept whatever else is in the block.
#[test]
fn nobody_is_pushed_past_a_limit() {
    let mut rng = ChaCha8Rng::seed_from_u64(35);
    let mut refused = 0;
    for _ in 0..3000 {
        let pool = usual(&mut rng);
        let lane = rng.gen_range(0..2);
        let amount = rng.gen_range(1000..pool.reserves()[lane] / 10);
        let limit = spot(&pool, lane, amount) / 100 * 95;
        let attack = sell(2, lane, rng.gen_range(1..pool.reserves()[lane]), 0);
        let cleared = trade(&pool, &[sell(1, lane, amount, limit), attack]);
        match cleared.orders[0] {
            Ok(served) => assert!(served.result.answer > limit),
            Err(_) => refused += 1,
        }
    }
    assert!(refused > 0);
}
