//! The pool's law, judged by the bytecode of Uniswap v2 in an EVM.
//!
//! `enfold-judge-uniswap FOLDER BLOCKS`, FOLDER being the npm package `@uniswap/v2-core`.
//!
//! A pool with H = 1 and a fee of 0.3 % and a pair have the same reserves and the same shares, and walk on together: block
//! after block with one order, a join and an exit. What the pool answers, the pair accepts; the most that the pair would have
//! accepted is at most `1 + ceil((out + a) / d)` more; and the pair's own product of the reserves never falls.

mod evm;
mod uniswap;

use std::path::PathBuf;

use enfold_state::contracts::books::Books;
use enfold_state::contracts::native::{Fault, run};
use enfold_state::contracts::pool::create::{Founding, create};
use enfold_state::contracts::pool::law::{Rates, law};
use enfold_state::contracts::pool::tally::{LaneSums, ShareSums, Sums};
use enfold_state::contracts::pool::{LEAST_RESERVE, Pool, Touched};
use enfold_state::contracts::settle;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::uniswap::{Deployed, Pair};

/// Blocks of one pool.
const BLOCKS: usize = 10;

/// What was found.
#[derive(Debug, Default)]
struct Findings {
    /// Blocks with an order that was served.
    blocks: usize,
    /// Of them, those whose answer was the most that the pair accepts.
    equal: usize,
    /// The most that an answer was less.
    largest: u64,
    /// Joins and exits.
    shares: usize,
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let package = PathBuf::from(arguments.next().expect("the package's folder"));
    let blocks: usize = arguments.next().expect("how many blocks").parse().expect("a number");
    let deployed = Deployed::new(&package);
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut findings = Findings::default();
    while findings.blocks < blocks {
        walk(&mut rng, &deployed, &mut findings);
    }
    assert!(findings.equal * 2 >= findings.blocks, "most are equal: {findings:?}");
    println!("{findings:?}");
}

/// A pool and a pair, side by side.
fn walk(rng: &mut ChaCha8Rng, deployed: &Deployed, findings: &mut Findings) {
    let amounts = [0, 1].map(|_| {
        let bits = rng.gen_range(25..57);
        rng.gen_range(LEAST_RESERVE..=1 << bits)
    });
    let mut pair = deployed.pair(amounts);
    let touched = Touched { time: 1, number: 0 };
    let founding = Founding { share: 1 << 31, assets: [1, 2], amounts, kept: 9970, weight: 1, touched };
    let (new, _) = run(|native| create(native, &founding)).expect("a pool");
    let mut pool = Pool { books: Books::new(amounts, [pair.supply()]), ..new };
    for _ in 0..BLOCKS {
        let lane = rng.gen_range(0..2);
        let most = pool.reserves()[lane] >> rng.gen_range(1..20);
        let amount = rng.gen_range(1..=most.max(1));
        if let Some((after, rates, answer)) = swap(&pool, lane, amount) {
            judge_swap(&mut pair, &pool, lane, amount, answer, rates.swaps[lane].d, findings);
            pool = after;
        }
        assert_eq!(pair.reserves(), pool.reserves());
    }
    judge_shares(rng, &mut pair, &pool, findings);
}

fn apply(pool: &Pool, sums: &Sums<u64>) -> Result<(Pool, Rates<u64>), Fault> {
    let block = Touched { time: pool.touched.time, number: pool.touched.number + 1 };
    run(|native| law(native, pool, &block, sums))
}

/// A block with one order; none if there is no answer to it, or the law leaves it out.
fn swap(pool: &Pool, lane: usize, paid: u64) -> Option<(Pool, Rates<u64>, u64)> {
    let mut sums = Sums::default();
    sums.lanes[lane] = LaneSums { paid, ..LaneSums::default() };
    let rates = apply(pool, &sums).ok()?.1;
    let answered = run(|native| settle::exchange(native, &rates.swaps[lane], paid, 0)).ok()?;
    sums.lanes[lane].answered = answered;
    let (after, rates) = apply(pool, &sums).ok()?;
    Some((after, rates, answered))
}

fn judge_swap(
    pair: &mut Pair,
    pool: &Pool,
    lane: usize,
    paid: u64,
    answer: u64,
    d: u64,
    findings: &mut Findings,
) {
    let out = amount_out(paid, pool.reserves()[lane], pool.reserves()[1 - lane]);
    let product = |reserves: [u64; 2]| u128::from(reserves[0]) * u128::from(reserves[1]);
    let before = product(pair.reserves());
    pair.pay(lane, paid);
    assert!(pair.accepts(1 - lane, out) && !pair.accepts(1 - lane, out + 1), "{out} is the most for {paid}");
    let bound = 1 + (u128::from(out) + u128::from(paid)).div_ceil(d.into());
    assert!(answer <= out && u128::from(out - answer) <= bound, "{answer} of {out} for {paid} from {pool:?}");
    pair.swap(1 - lane, answer);
    assert!(product(pair.reserves()) >= before);
    findings.blocks += 1;
    findings.equal += usize::from(answer == out);
    findings.largest = findings.largest.max(out - answer);
}

/// `UniswapV2Library.getAmountOut`; that it is the most that the pair accepts, the pair says itself.
fn amount_out(amount: u64, reserve_in: u64, reserve_out: u64) -> u64 {
    use revm::primitives::U256;
    let after_fee = U256::from(amount) * U256::from(997);
    let out = after_fee * U256::from(reserve_out) / (U256::from(reserve_in) * U256::from(1000) + after_fee);
    out.to()
}

/// Shares bought by a join are at most those that the pair gives for the same, and an exit gets what the pair pays.
fn judge_shares(rng: &mut ChaCha8Rng, pair: &mut Pair, pool: &Pool, findings: &mut Findings) {
    let (_, rates) = apply(pool, &Sums::default()).expect("a block of nothing");
    let shares = rng.gen_range(1..=pool.supply() / 2);
    let amounts = run(|native| settle::split(native, &rates.baskets, shares)).unwrap_or_default();
    // The pair pays nothing unless it pays of both.
    if amounts.iter().all(|&amount| amount > 0) {
        assert_eq!(pair.burn(shares), amounts);
        let sums = Sums { exits: ShareSums { shares, amounts }, ..Sums::default() };
        let (after, rates) = apply(pool, &sums).expect("exits never close");
        assert_eq!((pair.reserves(), pair.supply()), (after.reserves(), after.supply()));
        let rates = apply(&after, &Sums::default()).map_or(rates, |(_, rates)| rates);
        let bought = rng.gen_range(1..=shares);
        let merged =
            run(|native| settle::merge(native, &rates.baskets, bought, [u64::MAX >> 2; 2])).expect("shares");
        (0..2).for_each(|j| pair.pay(j, merged.due[j]));
        assert!(pair.mint() >= bought, "{bought} shares for {:?}", merged.due);
        findings.shares += 2;
    }
}
