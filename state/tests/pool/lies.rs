//! A lie for each check of the law: the check refuses it, and without the check it passes.

use std::collections::BTreeSet;

use enfold_state::contracts::books::Books;
use enfold_state::contracts::pool::law::law;
use enfold_state::contracts::pool::tally::{LaneSums, ShareSums, Sums};
use enfold_state::contracts::pool::{LEAST_RESERVE, LOCKED, Pool, ROOM, Touched};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::probe::Probe;
use crate::random::{ASSETS, next, pool};

fn honest() -> (Pool, Sums<u64>) {
    let books = Books::new([1 << 30, 1 << 31], [1 << 30]);
    let touched = Touched { time: 1, number: 5 };
    let pool = Pool { assets: ASSETS.map(u64::from), kept: 9970, weight: 2, books, unit: 1 << 20, touched };
    (pool, Sums::default())
}

fn fault(probe: &mut Probe, pool: &Pool, sums: &Sums<u64>) -> Option<&'static str> {
    law(probe, pool, &Touched { time: 1, number: 6 }, sums);
    probe.fault.map(|fault| fault.name)
}

/// A change of what is honest, and the only check that refuses it.
type Lie = (&'static str, fn(&mut Pool, &mut Sums<u64>));

const LIES: [Lie; 8] = [
    ("pool: once a block", |pool, _| pool.touched.number = 6),
    ("pool: a lane answers at most its rate", |_, sums| {
        // 10^6 (2^51 0.997) / (2^50 + 2 10^6 0.997 2^20), and 1 more.
        sums.lanes[0] = LaneSums { paid: 1_000_000, answered: 1_990_303 + 1, gifts: 0 };
    }),
    ("pool: swaps leave the least reserve", |pool, sums| {
        pool.books = Books::new([LEAST_RESERVE; 2], [1 << 30]);
        sums.lanes[0] = LaneSums { paid: 1000, answered: 900, gifts: 0 };
    }),
    ("pool: exits get at most their part", |_, sums| {
        sums.exits = ShareSums { shares: 1000, amounts: [1001, 2000] };
    }),
    ("pool: joins pay at least their part", |_, sums| {
        sums.joins = ShareSums { shares: 1000, amounts: [1000, 1999] };
    }),
    ("pool: the first 1,024 shares stay", |pool, sums| {
        sums.exits = ShareSums { shares: pool.supply() - LOCKED + 1, amounts: [0, 0] };
    }),
    ("pool: supply after the block has 61 bits", |pool, sums| {
        pool.books = Books::new(pool.reserves(), [(1 << 61) - 1]);
        sums.joins = ShareSums { shares: 1, amounts: [1, 1] };
    }),
    ("pool: reserves leave room", |pool, sums| {
        sums.lanes[1].gifts = ROOM / pool.unit - pool.reserves()[1] + 1;
    }),
];

/// Ranges that numbers out of bounds break first, wherever else they may be refused after.
const BOUNDS: [Lie; 13] = [
    ("pool: inflow rounded down has 62 bits", |_, sums| sums.lanes[0].paid = 1 << 43),
    ("pool: numerator with its fee has 62 bits", |_, sums| sums.lanes[0].paid = 3 << 40),
    ("pool: divisor has 61 bits", |pool, sums| {
        pool.kept = 5000;
        sums.lanes[1].paid = 1 << 41;
    }),
    ("pool: numerator has 61 bits", |pool, sums| {
        pool.kept = 10_000;
        sums.lanes[1].paid = 1 << 40;
    }),
    ("pool: reserve with inflow has 62 bits", |pool, sums| {
        pool.kept = 0;
        sums.lanes[0].paid = (1 << 62) - 1;
    }),
    ("pool: reserve with gifts has 62 bits", |_, sums| sums.lanes[1].gifts = (1 << 62) - 1),
    ("pool: reserve after swaps has 61 bits", |_, sums| sums.lanes[1].gifts = 1 << 61),
    ("pool: most for exits has 62 bits", |pool, sums| {
        pool.books = Books::new(pool.reserves(), [LOCKED]);
        sums.exits.shares = 1 << 50;
    }),
    ("pool: least for joins has 62 bits", |pool, sums| {
        pool.books = Books::new(pool.reserves(), [LOCKED]);
        sums.joins.shares = 1 << 50;
    }),
    ("pool: supply with joins has 62 bits", |pool, sums| {
        pool.books = Books::new(pool.reserves(), [1 << 40]);
        sums.joins = ShareSums { shares: (1 << 62) - 1, amounts: [1 << 54; 2] };
    }),
    ("pool: reserve with joins has 62 bits", |_, sums| sums.joins.amounts[0] = (1 << 62) - 1),
    ("pool: burned shares are there", |pool, sums| sums.exits.shares = pool.supply() + 1),
    ("pool: reserve after the block in units has 62 bits", |_, sums| sums.lanes[0].gifts = 1 << 43),
];

/// What a law cannot break from a record that it accepts, and why. The circuit has the constraints all the same: a step has its
/// range wherever it stands.
const NEVER: [(&str, &str); 13] = [
    ("pool: unit has 61 bits", "at most 2^20"),
    (
        "pool: most that a lane answers has 62 bits",
        "less than the other reserve with its inflow, by the theorem",
    ),
    ("pool: what the fee leaves has 61 bits", "G is at most 10^4"),
    ("pool: fee in units has 62 bits", "10^4 2^20"),
    ("pool: fee in units has 61 bits", "10^4 2^20"),
    ("pool: reserve in units has 62 bits", "at most 2^60"),
    ("pool: inflow rounded up has 62 bits", "rounded down it had, and 2^62 is no quotient of these"),
    ("pool: divisor has 62 bits", "the other lane's numerator, rounded down, stands before it"),
    ("pool: numerator has 62 bits", "at most what it had with its fee"),
    ("pool: supply has 61 bits", "checked when it was written"),
    ("pool: reserves cover answers", "the theorem: answers are at most the rate's, and leave something"),
    ("pool: reserves cover exits", "the part of burned shares is at most all"),
    ("pool: half of the unit has 62 bits", "less than the unit"),
];

#[test]
fn each_check_refuses_a_lie_that_passes_without_it() {
    let (pool, sums) = honest();
    assert_eq!(fault(&mut Probe::default(), &pool, &sums), None);
    for (name, lie) in LIES {
        let (mut pool, mut sums) = honest();
        lie(&mut pool, &mut sums);
        assert_eq!(fault(&mut Probe::default(), &pool, &sums), Some(name));
        assert_eq!(fault(&mut Probe::without(name), &pool, &sums), None, "{name}: nothing else refuses it");
    }
}

#[test]
fn each_range_refuses_what_is_out_of_it() {
    for (name, lie) in BOUNDS {
        let (mut pool, mut sums) = honest();
        lie(&mut pool, &mut sums);
        assert_eq!(fault(&mut Probe::default(), &pool, &sums), Some(name));
    }
}

#[test]
fn no_check_is_forgotten() {
    let (pool, sums) = honest();
    let mut probe = Probe::default();
    fault(&mut probe, &pool, &sums);
    let known = LIES.iter().chain(&BOUNDS).map(|(name, _)| *name).chain(NEVER.iter().map(|(name, _)| *name));
    assert_eq!(probe.demands.into_iter().collect::<BTreeSet<_>>(), known.collect());
}

#[test]
fn what_never_breaks_does_not() {
    let mut rng = ChaCha8Rng::seed_from_u64(9);
    for _ in 0..100_000 {
        let before = pool(&mut rng);
        let mut any = || rng.gen_range(0..1u64 << 62) >> rng.gen_range(0..62);
        let mut lane = || LaneSums { paid: any(), answered: any(), gifts: any() };
        let lanes = [lane(), lane()];
        let mut shares = || ShareSums { shares: any(), amounts: [any(), any()] };
        let sums = Sums { lanes, exits: shares(), joins: shares() };
        let mut probe = Probe::default();
        law(&mut probe, &before, &next(&before), &sums);
        let name = probe.fault.map(|fault| fault.name);
        assert!(NEVER.iter().all(|&(never, _)| name != Some(never)), "{name:?} {before:?} {sums:?}");
    }
}
