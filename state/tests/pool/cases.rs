//! The second implementation's cases (models/pool.py). `POOL_CASES` names another file of them than the pinned one.

use std::path::PathBuf;

use enfold_state::contracts::books::Books;
use enfold_state::contracts::clear::{Exit, Gift, Join, Order, Requests, clear};
use enfold_state::contracts::native::run;
use enfold_state::contracts::pool::create::{Founding, create};
use enfold_state::contracts::pool::law::law;
use enfold_state::contracts::pool::tally::{LaneSums, ShareSums, Sums};
use enfold_state::contracts::pool::{Pool, Touched};
use enfold_state::contracts::settle::{self, Rate};
use serde::Deserialize;

use crate::random::{ASSETS, id};

/// Assets, G, H, reserves, supply, unit, time, number.
type Record = [u64; 10];

/// Shares, and amounts of both assets.
type Shares = (u64, [u64; 2]);

/// The record after a block, and the rates of lanes and baskets.
type Result = (Record, [[u64; 2]; 4]);

/// Record, number, lanes (paid, answered, gifts), exits, joins, result.
type Law = (Record, u64, [[u64; 3]; 2], Shares, Shares, Option<Result>);

/// n, d, amount, limit, partial, filled, answer and change.
type Part = (u64, u64, u64, u64, bool, u64, Option<[u64; 2]>);

/// Share, assets, amounts, G, H, record.
type New = (u64, [u64; 2], [u64; 2], u64, u64, Option<Record>);

#[derive(Deserialize)]
struct Cases {
    law: Vec<Law>,
    parts: Vec<Part>,
    pools: Vec<New>,
    blocks: Vec<Block>,
}

/// Record, orders (lane, amount, limit, partial), gifts (lane, amount), exits, joins, and what comes of them.
type Block = (Record, Vec<(usize, u64, u64, bool)>, Vec<(usize, u64)>, Vec<u64>, Vec<Shares>, Outcome);

#[derive(Deserialize)]
struct Outcome {
    filled: Vec<u64>,
    answers: Vec<u64>,
    given: Vec<u8>,
    left: Vec<Option<[u64; 2]>>,
    entered: Vec<Option<[u64; 2]>>,
    after: Record,
}

fn cases() -> Cases {
    let pinned = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/pool.json");
    let path = std::env::var_os("POOL_CASES").map_or_else(|| pinned.into(), PathBuf::from);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).expect("cases")
}

fn pool([asset0, asset1, kept, weight, reserve0, reserve1, supply, unit, time, number]: Record) -> Pool {
    let books = Books::new([reserve0, reserve1], [supply]);
    Pool { assets: [asset0, asset1], kept, weight, books, unit, touched: Touched { time, number } }
}

fn shares((shares, amounts): Shares) -> ShareSums<u64> {
    ShareSums { shares, amounts }
}

#[test]
fn the_law() {
    let cases = cases().law;
    assert!(cases.len() >= 100 && cases.iter().any(|case| case.5.is_none()));
    for (before, number, lanes, exits, joins, expected) in cases {
        let lanes = lanes.map(|[paid, answered, gifts]| LaneSums { paid, answered, gifts });
        let sums = Sums { lanes, exits: shares(exits), joins: shares(joins) };
        let block = Touched { time: 9, number };
        let got = run(|native| law(native, &pool(before), &block, &sums));
        let expected = expected.map(|(after, rates)| (pool(after), rates));
        let got = got.map(|(after, rates)| {
            let [lane0, lane1] = rates.swaps;
            let [basket0, basket1] = rates.baskets;
            (after, [lane0, lane1, basket0, basket1].map(|Rate { n, d }| [n, d]))
        });
        assert_eq!(got.ok(), expected, "{before:?} {sums:?} in block {number}");
    }
}

#[test]
fn parts() {
    let cases = cases().parts;
    assert!(cases.len() >= 100 && cases.iter().any(|case| case.6.is_none()));
    for (n, d, amount, limit, partial, filled, expected) in cases {
        let order = settle::Order { amount, limit, partial };
        let got = run(|native| settle::fill(native, &Rate { n, d }, &order, filled));
        assert_eq!(
            got.ok().map(|filled| [filled.answer, filled.change]),
            expected,
            "{n}/{d} {order:?} {filled}"
        );
    }
}

#[test]
fn new_pools() {
    let cases = cases().pools;
    assert!(cases.len() >= 100 && cases.iter().any(|case| case.5.is_none()));
    for (share, assets, amounts, kept, weight, expected) in cases {
        let new = Founding { share, assets, amounts, kept, weight, touched: Touched { time: 1, number: 1 } };
        let got = run(|native| create(native, &new).0);
        assert_eq!(got.ok(), expected.map(pool), "{new:?}");
    }
}

#[test]
fn blocks() {
    let cases = cases().blocks;
    assert!(cases.len() >= 100);
    for (before, orders, gifts, exits, joins, expected) in cases {
        let before = pool(before);
        let mut ids = (0..).map(id);
        let mut id = || ids.next().expect("a number");
        let orders: Vec<_> = (orders.iter())
            .map(|&(lane, amount, limit, partial)| Order {
                id: id(),
                asset: ASSETS[lane],
                amount,
                limit,
                partial,
            })
            .collect();
        let gifts: Vec<_> =
            gifts.iter().map(|&(lane, amount)| Gift { id: id(), asset: ASSETS[lane], amount }).collect();
        let exits: Vec<_> = exits.iter().map(|&shares| Exit { id: id(), shares }).collect();
        let joins: Vec<_> = joins.iter().map(|&(shares, paid)| Join { id: id(), shares, paid }).collect();
        let requests = Requests { orders: &orders, gifts: &gifts, exits: &exits, joins: &joins };
        let block = Touched { time: before.touched.time, number: before.touched.number + 1 };
        let got = clear(&before, &block, &requests).expect("a result");

        let filled = got.orders.iter().map(|order| order.map_or(0, |served| served.filled));
        assert_eq!(filled.collect::<Vec<_>>(), expected.filled, "{before:?} {orders:?}");
        let answers = got.orders.iter().map(|order| order.map_or(0, |served| served.result.answer));
        assert_eq!(answers.collect::<Vec<_>>(), expected.answers);
        assert_eq!(got.gifts.iter().map(|gift| gift.is_ok().into()).collect::<Vec<u8>>(), expected.given);
        assert_eq!(
            got.exits.iter().map(|exit| exit.ok()).collect::<Vec<_>>(),
            expected.left,
            "{before:?} {exits:?}"
        );
        let due = got.joins.iter().map(|join| join.ok().map(|merged| merged.due));
        assert_eq!(due.collect::<Vec<_>>(), expected.entered, "{before:?} {joins:?}");
        assert_eq!(got.pool, pool(expected.after));
    }
}
