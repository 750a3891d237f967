//! How long a pool takes to choose what it serves of 10,000 orders at one limit, and of as many besides that nothing can fill.
//!
//! `cargo run --release -p enfold-state --example clear`

#![allow(clippy::print_stdout, reason = "a program that reports")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use enfold_state::contracts::books::Books;
use enfold_state::contracts::clear::{Order, Requests, clear};
use enfold_state::contracts::pool::{Pool, Touched};
use enfold_state::field::from_u32;
use enfold_state::hash::Digest;

const ASSETS: [u32; 2] = [3, 8];
const ORDERS: u32 = 10_000;
const RESERVE: u64 = 1 << 38;
const AMOUNT: u64 = RESERVE / 50_000;

fn main() {
    let books = Books::new([RESERVE; 2], [RESERVE]);
    let touched = Touched { time: 1_700_000_000, number: 1 };
    let pool = Pool { assets: ASSETS.map(u64::from), kept: 9970, weight: 2, books, unit: 1 << 20, touched };
    for (name, both, partial) in [
        ("one side", false, false),
        ("both sides", true, false),
        ("one side, in part", false, true),
        ("both sides, in part", true, true),
    ] {
        let limit = AMOUNT / 100 * 97;
        let fillable = (0..ORDERS).map(|number| order(number, both && number % 2 == 1, limit, partial));
        let unfillable =
            (ORDERS..2 * ORDERS).map(|number| order(number, number % 2 == 1, 2 * AMOUNT, partial));
        let alone: Vec<_> = fillable.collect();
        let with: Vec<_> = alone.iter().copied().chain(unfillable).collect();
        let [(served, alone), (also, with)] = [alone, with].map(|orders| measure(&pool, &orders));
        assert_eq!(served, also, "the others change nothing");
        println!(
            "{name}: {served} of {ORDERS} served; {alone:.2?}, and {with:.2?} with as many unfillable ones"
        );
    }
}

fn order(number: u32, second: bool, limit: u64, partial: bool) -> Order {
    // Ids as transactions have them, in no order.
    let id = Digest([number.wrapping_mul(0x9e37_79b9), number, 0, 0].map(from_u32));
    Order { id, asset: ASSETS[usize::from(second)], amount: AMOUNT, limit, partial }
}

/// How many orders are served, and the least time of ten.
fn measure(pool: &Pool, orders: &[Order]) -> (usize, Duration) {
    let block = Touched { time: pool.touched.time, number: pool.touched.number + 1 };
    let run = || {
        let start = Instant::now();
        let cleared = clear(pool, &block, &Requests { orders: black_box(orders), ..Requests::default() });
        let served = cleared.map_or(0, |cleared| cleared.orders.iter().filter(|order| order.is_ok()).count());
        (served, start.elapsed())
    };
    (0..10).map(|_| run()).min_by_key(|&(_, elapsed)| elapsed).expect("ten")
}
