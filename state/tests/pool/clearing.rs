//! What a block serves: by hand, at the bounds, and under a flood.

use enfold_state::contracts::books::Books;
use enfold_state::contracts::clear::{Cleared, Exit, Gift, Join, Order, Requests, clear};
use enfold_state::contracts::pool::{HALVING, LEAST_RESERVE, LOCKED, Pool, ROOM, Touched};
use enfold_state::contracts::refusal::Refusal;
use enfold_state::rule::Rule;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::random::{ASSETS, Block, id, next, order, pool, usual};

fn market(reserves: [u64; 2], kept: u64, weight: u64) -> Pool {
    let books = Books::new(reserves, [reserves[0]]);
    let unit = (0..=20).map(|k| 1 << k).filter(|unit| reserves[0].max(reserves[1]) <= HALVING / unit).max();
    let touched = Touched { time: 1, number: 5 };
    Pool { assets: ASSETS.map(u64::from), kept, weight, books, unit: unit.unwrap_or(1), touched }
}

fn sell(number: u32, lane: usize, amount: u64, limit: u64) -> Order {
    Order { id: id(number), asset: ASSETS[lane], amount, limit, partial: false }
}

fn serve(pool: &Pool, orders: &[Order]) -> Cleared {
    clear(pool, &next(pool), &Requests { orders, ..Requests::default() }).expect("a result")
}

fn filled(cleared: &Cleared) -> Vec<u64> {
    cleared.orders.iter().map(|order| order.map_or(0, |served| served.filled)).collect()
}

const R: u64 = 1 << 34;

#[test]
fn crossing_orders_trade_with_each_other() {
    // Each more than twenty times the reserves, which take no part: the price is theirs.
    let pool = market([R, R], 10_000, 2);
    let amount = 20 * R;
    let orders = [sell(1, 0, amount, amount / 100 * 99), sell(2, 1, amount, amount / 100 * 99)];
    let cleared = serve(&pool, &orders);
    assert_eq!(filled(&cleared), [amount, amount]);
    assert_eq!(cleared.pool.reserves(), [R, R]);
    // Alone, none of them could be served.
    assert_eq!(filled(&serve(&pool, &orders[..1])), [0]);
}

#[test]
fn parts_of_crossing_orders_are_matched() {
    let pool = market([R, R], 10_000, 2);
    let partial = |order: Order| Order { partial: true, ..order };
    let orders = [sell(1, 0, 10 * R, 9 * R), sell(2, 1, 5 * R, 5 * R / 10 * 9)].map(partial);
    let cleared = serve(&pool, &orders);
    // (1 + 2 5) / (1 + 2 f) = 0.9
    let expected = (11.0 / 0.9 - 1.0) / 2.0 * R as f64;
    let got = filled(&cleared);
    assert_eq!(got[1], 5 * R);
    assert!((got[0] as f64 / expected - 1.0).abs() < 1e-6, "{got:?}");
}

#[test]
fn a_marginal_order_does_not_stand_in_the_way() {
    let pool = market([R, R], 9970, 2);
    // All at about the same threshold; the large one does not fit, the small ones behind it do.
    let small = |number| sell(number, 0, R / 1000, R / 1000 * 98 / 100);
    let large = sell(1, 0, R / 20, R / 20 / 1000 * 979);
    let orders = [large, small(2), small(3)];
    let cleared = serve(&pool, &orders);
    assert_eq!(filled(&cleared), [0, R / 1000, R / 1000]);
    let Err(Refusal::Limit { expected, got }) = cleared.orders[0] else { panic!("{:?}", cleared.orders[0]) };
    assert!(expected == large.limit && got <= expected);
    // In part, it fits as far as it goes.
    let cleared = serve(&pool, &[Order { partial: true, ..large }, orders[1], orders[2]]);
    assert!(filled(&cleared)[0] > 0 && filled(&cleared)[0] < large.amount);
}

#[test]
fn each_refusal_says_what_was_expected() {
    let pool = market([R, R], 9970, 2);
    let requests = |orders: &[Order]| serve(&pool, orders).orders[0].expect_err("left out");
    let foreign = Order { asset: 99, ..sell(1, 0, 1000, 1) };
    assert_eq!(requests(&[foreign]), Refusal::Lane { expected: ASSETS, got: 99 });
    assert_eq!(requests(&[sell(1, 0, 1000, 1 << 62)]), Refusal::Memo { got: 1 << 62 });
    assert_eq!(requests(&[sell(1, 0, 1000, 996)]), Refusal::Limit { expected: 996, got: 996 });
    assert_eq!(serve(&pool, &[sell(1, 0, 1000, 995)]).orders[0].map(|served| served.result.answer), Ok(996));
    // What would leave less than the least reserve.
    let most = (u128::from(R) * u128::from(R) / u128::from(LEAST_RESERVE)) as u64 - R;
    let most = most.min(ROOM / pool.unit - R);
    let inflow = Refusal::Inflow { expected: most, got: most + 1 };
    assert_eq!(requests(&[sell(1, 0, most + 1, 0)]), inflow);
    assert_eq!(inflow.to_string(), format!("inflow: expected an inflow of at most {most}, got {}", most + 1));

    let short = market([LEAST_RESERVE - 1, R], 9970, 2);
    assert_eq!(serve(&short, &[sell(1, 0, 9, 1)]).orders[0], Err(Refusal::Closed { got: LEAST_RESERVE - 1 }));
    assert!(serve(&market([LEAST_RESERVE, R], 9970, 2), &[sell(1, 0, 9, 1)]).orders[0].is_ok());
}

#[test]
fn a_swap_leaves_the_least_reserve() {
    let pool = market([LEAST_RESERVE + 100, LEAST_RESERVE + 100], 9970, 2);
    let cleared = serve(&pool, &[sell(1, 0, 40, 1), sell(2, 0, 50, 1), sell(3, 0, 60, 1)]);
    assert_eq!(filled(&cleared), [40, 0, 60], "the better price first");
    assert!(matches!(cleared.orders[1], Err(Refusal::Inflow { got: 50, .. })));
    let cleared = serve(&pool, &[Order { partial: true, ..sell(3, 0, 1 << 30, 1) }]);
    assert!(filled(&cleared)[0] > 0);
    assert!(cleared.pool.reserves().into_iter().all(|reserve| reserve >= LEAST_RESERVE));
}

#[test]
fn joins_exits_and_gifts() {
    let pool = market([R, 2 * R], 9970, 2);
    let join = |number, shares, paid| Join { id: id(number), shares, paid };
    let joins = [
        join(1, 1000, [1000, 2000]),
        join(2, 1000, [1000, 1999]),
        join(3, 0, [1, 1]),
        join(4, 1 << 62, [1, 1]),
        join(5, (1 << 61) - 1, [(1 << 62) - 1; 2]),
        join(6, 1 << 50, [1 << 50, 1 << 51]),
    ];
    let exits =
        [Exit { id: id(7), shares: 500 }, Exit { id: id(8), shares: R }, Exit { id: id(9), shares: 0 }];
    let gifts =
        [Gift { id: id(10), asset: 99, amount: 1 }, Gift { id: id(11), asset: ASSETS[0], amount: 1 << 61 }];
    let requests = Requests { orders: &[], gifts: &gifts, exits: &exits, joins: &joins };
    let cleared = clear(&pool, &next(&pool), &requests).expect("a result");
    assert_eq!(cleared.joins[0].map(|merged| (merged.due, merged.change)), Ok(([1000, 2000], [0, 0])));
    let refused = cleared.joins[1..].iter().map(|join| join.expect_err("left out")).collect::<Vec<_>>();
    assert_eq!(
        refused,
        [
            Refusal::Paid { asset: ASSETS[1], expected: 2000, got: 1999 },
            Refusal::Nothing { got: 0 },
            Refusal::Memo { got: 1 << 62 },
            Refusal::Shares { expected: (1 << 61) - 1 - R - 1000, got: (1 << 61) - 1 },
            Refusal::Inflow { expected: ROOM / pool.unit - R - 1000, got: 1 << 50 },
        ]
    );
    assert_eq!(cleared.exits[0], Ok([500, 1000]));
    assert_eq!(cleared.exits[1], Err(Refusal::Shares { expected: R - LOCKED - 500, got: R }));
    assert_eq!(cleared.exits[2], Err(Refusal::Nothing { got: 0 }));
    assert_eq!(cleared.gifts[0], Err(Refusal::Lane { expected: ASSETS, got: 99 }));
    assert_eq!(cleared.gifts[1], Err(Refusal::Inflow { expected: ROOM / pool.unit - R, got: 1 << 61 }));
}

/// What holds of every choice: a refusal for a limit says an answer that the sender refuses, and a lane has one part at most.
#[test]
fn choices_explain_themselves() {
    let mut rng = ChaCha8Rng::seed_from_u64(20);
    let mut seen = [0; 2];
    for number in 0..20_000 {
        let before = if number % 4 == 0 { pool(&mut rng) } else { usual(&mut rng) };
        let block = Block::new(&mut rng, &before, 20);
        let cleared = clear(&before, &next(&before), &block.requests()).expect("a result");
        for lane in ASSETS {
            let of_lane = block.orders.iter().zip(&cleared.orders).filter(|(order, _)| order.asset == lane);
            let parts =
                of_lane.filter(|(order, served)| served.is_ok_and(|served| served.filled < order.amount));
            let parts = parts.count();
            assert!(parts <= 1);
            seen[0] += parts;
        }
        for (order, served) in block.orders.iter().zip(&cleared.orders) {
            if let Err(Refusal::Limit { expected, got }) = served {
                assert!(*expected == order.limit && got <= expected, "{order:?} {served:?}");
                seen[1] += 1;
            }
            if let Err(Refusal::Others { expected, got }) = served {
                assert!(got <= expected, "{order:?} {served:?}");
            }
        }
    }
    assert!(seen.into_iter().all(|count| count > 1000), "{seen:?}");
}

/// Nobody who is left out could have been served beside those who are, in the lane that was looked at last.
#[test]
fn nobody_is_forgotten() {
    let mut rng = ChaCha8Rng::seed_from_u64(21);
    let mut late = 0;
    for _ in 0..3000 {
        let before = usual(&mut rng);
        let orders: Vec<_> = (0..12).map(|number| order(&mut rng, &before, number, 0.05)).collect();
        let whole: Vec<_> = orders.into_iter().map(|order| Order { partial: false, ..order }).collect();
        let cleared = serve(&before, &whole);
        let served: Vec<_> = whole.iter().zip(&cleared.orders).filter(|(_, served)| served.is_ok()).collect();
        for (left, _) in whole.iter().zip(&cleared.orders).filter(|(_, served)| served.is_err()) {
            let mut with: Vec<_> = served.iter().map(|(order, _)| **order).collect();
            with.push(*left);
            late += u32::from(serve(&before, &with).orders.iter().all(Result::is_ok));
        }
    }
    assert!(late <= 3, "{late} orders would have fitted after all");
}

#[test]
fn a_flood_is_cleared() {
    let mut rng = ChaCha8Rng::seed_from_u64(22);
    let pool = market([1 << 40, 1 << 40], 9970, 2);
    for partial in [false, true] {
        // All at one limit, far more than the price allows, and as many that nothing could fill.
        let amount = (1 << 40) / 50_000;
        let mut orders: Vec<_> = (0..10_000)
            .map(|number| Order { partial, ..sell(number, number as usize % 2, amount, amount / 1000 * 990) })
            .collect();
        orders
            .extend((10_000..20_000).map(|number| Order { partial, ..sell(number, 0, amount, 2 * amount) }));
        orders.shuffle(&mut rng);
        let cleared = serve(&pool, &orders);
        let served = filled(&cleared).into_iter().filter(|&filled| filled > 0).count();
        assert_eq!(served, 10_000, "both sides meet");
        let one_side: Vec<_> = orders.iter().copied().filter(|order| order.asset == ASSETS[0]).collect();
        let served = filled(&serve(&pool, &one_side)).into_iter().filter(|&filled| filled > 0).count();
        assert!((100..1000).contains(&served), "{served} of one side, until the price is at the limit");
    }
}

#[test]
fn hostile_orders_do_not_stop_a_block() {
    let mut rng = ChaCha8Rng::seed_from_u64(23);
    for _ in 0..2000 {
        let before = pool(&mut rng);
        let orders: Vec<_> = (0..20)
            .map(|number| Order {
                id: id(number % 3),
                asset: ASSETS[rng.gen_range(0..2)],
                amount: rng.gen_range(0..u64::MAX) >> rng.gen_range(2..64),
                limit: rng.gen_range(0..u64::MAX) >> rng.gen_range(0..64),
                partial: rng.r#gen(),
            })
            .collect();
        let cleared = serve(&before, &orders);
        assert_eq!(cleared.orders.len(), orders.len());
    }
}

#[test]
fn a_report_says_the_refusal() {
    let pool = market([R, R], 9970, 2);
    let refusal = serve(&pool, &[sell(1, 0, 1000, 996)]).orders[0].expect_err("at the limit");
    let rule = Rule::Refused { refusal };
    assert_eq!(
        (rule.name(), rule.expected(), rule.got()),
        ("limit", "an answer above 996".into(), "996".into())
    );
    assert_eq!(rule.to_string(), "limit: expected an answer above 996, got 996");
}
