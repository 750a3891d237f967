//! New pools.

use std::collections::BTreeSet;

use enfold_state::contracts::native::run;
use enfold_state::contracts::pool::create::{Founding, Open, Terms, create, pair};
use enfold_state::contracts::pool::{
    ASSETS as UNRESTRICTED, HALVING, LEAST_RESERVE, LOCKED, Pool, ROOM, Touched,
};
use enfold_state::contracts::refusal::Refusal;
use enfold_state::contracts::{FIRST, issued};
use enfold_state::leaf::LeafIndex;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::probe::Probe;
use crate::random::{SHARE, id, size};

const TOUCHED: Touched<u64> = Touched { time: 1_700_000_000, number: 7 };

const FOUNDING: Founding<u64> = Founding {
    share: SHARE as u64,
    assets: [3, 8],
    amounts: [1 << 30, 1 << 31],
    kept: 9970,
    weight: 2,
    touched: TOUCHED,
};

fn opens() -> [Open; 2] {
    let open = |from, asset, amount, other| Open {
        from: LeafIndex(from),
        asset,
        amount,
        memo: Terms { kept: 9970, weight: 2, other: LeafIndex(other) }.memo(),
        to_address: id(1),
    };
    [open(11, 3, 1 << 30, 22), open(22, 8, 1 << 31, 11)]
}

type Lie = (&'static str, fn(&mut Founding<u64>));

const LIES: [Lie; 8] = [
    ("pool: asset 1 is not restricted", |new| new.assets[1] = UNRESTRICTED),
    ("pool: asset 0 is below asset 1", |new| new.assets[0] = 8),
    ("pool: no asset is its own", |new| new.assets[1] = new.share + 1),
    ("pool: the fee leaves at most all", |new| new.kept = 10_001),
    ("pool: H is at least 1", |new| new.weight = 0),
    ("pool: H is at most 2", |new| new.weight = 3),
    ("pool: new reserves are at least the least", |new| new.amounts[1] = LEAST_RESERVE - 1),
    ("pool: new reserves leave room", |new| new.amounts[0] = ROOM + 1),
];

#[test]
fn each_check_refuses_a_lie_that_passes_without_it() {
    for (name, lie) in LIES {
        let mut new = FOUNDING;
        lie(&mut new);
        let mut probe = Probe::default();
        create(&mut probe, &new);
        assert_eq!(probe.fault.map(|fault| fault.name), Some(name));
        let mut probe = Probe::without(name);
        let (pool, _) = create(&mut probe, &new);
        assert_eq!(probe.fault, None, "{name}: nothing else refuses it");
        let refused = pool.check(SHARE).map_err(|fault| fault.name);
        assert!(
            refused.is_err() || name == "pool: new reserves are at least the least",
            "{name}: no law writes it"
        );
    }
}

#[test]
fn no_check_is_forgotten() {
    let mut probe = Probe::default();
    create(&mut probe, &FOUNDING);
    assert_eq!(probe.fault, None);
    // The rest cannot break once reserves have room: they bound what the unit is made of, and what is left of shares.
    let implied = [
        "pool: its second asset has 62 bits",
        "pool: twice the reserve has 62 bits",
        "pool: twice the unit has 62 bits",
        "pool: shares beyond the first 1,024",
    ];
    let known = LIES.iter().map(|(name, _)| *name).chain(implied);
    assert_eq!(probe.demands.into_iter().collect::<BTreeSet<_>>(), known.collect());
}

#[test]
fn the_unit_is_the_largest_that_fits() {
    let mut rng = ChaCha8Rng::seed_from_u64(10);
    for _ in 0..10_000 {
        let amounts = [size(&mut rng, LEAST_RESERVE, ROOM), size(&mut rng, LEAST_RESERVE, ROOM)];
        let (pool, shares) = run(|i| create(i, &Founding { amounts, ..FOUNDING })).expect("a pool");
        let largest = amounts[0].max(amounts[1]);
        let unit = (0..=20).rev().map(|k| 1 << k).find(|unit| largest <= HALVING / unit).unwrap_or(1);
        assert_eq!(pool.unit, unit);
        assert_eq!((pool.reserves(), pool.supply(), shares + LOCKED), (amounts, amounts[0], amounts[0]));
        pool.check(SHARE).expect("a pool that the law accepts");
    }
}

#[test]
fn both_halves_say_the_same() {
    let [first, second] = opens();
    let founding = pair([&first, &second], SHARE, TOUCHED);
    assert_eq!(founding, Ok(FOUNDING));
    let with = |change: fn(&mut Open)| {
        let mut second = second;
        change(&mut second);
        pair([&first, &second], SHARE, TOUCHED).expect_err("refused")
    };
    let memo = |kept, other| Terms { kept, weight: 2, other: LeafIndex(other) }.memo();
    assert_eq!(with(|open| open.memo |= 1 << 54), Refusal::Terms { got: second.memo | 1 << 54 });
    let partner = |expected, got| Refusal::Partner { expected: LeafIndex(expected), got: LeafIndex(got) };
    assert_eq!(with(|open| open.from = LeafIndex(23)), partner(22, 23));
    assert_eq!(
        pair([&first, &Open { memo: memo(9970, 12), ..second }], SHARE, TOUCHED),
        Err(partner(12, 11))
    );
    let other = pair([&first, &Open { memo: memo(9969, 11), ..second }], SHARE, TOUCHED);
    assert_eq!(other, Err(Refusal::OtherTerms { expected: 9970 + (2 << 16), got: 9969 + (2 << 16) }));
    assert_eq!(with(|open| open.to_address = id(2)), Refusal::Owner { expected: id(1), got: id(2) });
    assert_eq!(
        with(|open| open.to_address = id(2)).to_string(),
        format!("owners: expected owner {} in both halves, got {}", id(1), id(2))
    );
}

#[test]
fn terms_are_read_back() {
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    for _ in 0..1000 {
        let terms =
            Terms { kept: rng.r#gen(), weight: rng.r#gen(), other: LeafIndex(rng.gen_range(0..1 << 30)) };
        assert_eq!(Terms::from_memo(terms.memo()), Some(terms));
    }
    assert_eq!(Terms::from_memo(1 << 54), None);
}

#[test]
fn a_contract_issues_two_assets() {
    assert_eq!(issued(LeafIndex(FIRST), 0), 1 << 31);
    assert_eq!(issued(LeafIndex(FIRST + 7), 0), SHARE);
    assert_eq!(issued(LeafIndex((1 << 30) - 1), 1), (3 << 30) - 1);
}

#[test]
fn a_record_out_of_its_ranges_is_refused() {
    let (pool, _) = run(|i| create(i, &FOUNDING)).expect("a pool");
    assert_eq!(Pool::from_elements(pool.elements(), SHARE), Ok(pool));
    let lies: [(&str, usize, u64); 16] = [
        ("pool: asset 1 is not restricted", 0, 3 + (UNRESTRICTED << 32)),
        ("pool: asset 0 is below asset 1", 0, 8 + (8 << 32)),
        ("pool: no asset is its own", 0, 3 + (u64::from(SHARE) << 32)),
        ("pool: no asset is its own", 0, 3 + (u64::from(SHARE + 1) << 32)),
        ("pool: the fee leaves at most all", 1, 10_001 + (1 << 16)),
        ("pool: H is at least 1", 1, 9970),
        ("pool: H is at most 2", 1, 9970 + (3 << 16)),
        ("pool: no reserve is empty", 2, 0),
        ("pool: a reserve has room in its unit", 3, HALVING / pool.unit + 1),
        ("pool: the first 1,024 shares stay", 4, LOCKED - 1),
        ("pool: supply has 61 bits", 4, 1 << 61),
        ("pool: the unit is a power of two", 5, 3),
        ("pool: the unit has at most 20 bits above it", 5, 1 << 21),
        ("pool: the seventh element is 0", 6, 1),
        ("pool: a time", 7, 7 << 32),
        ("pool: number has 31 bits", 7, 1 + (1 << 63)),
    ];
    for (name, at, value) in lies {
        let mut elements = pool.elements();
        elements[at] = enfold_state::field::reduce(value);
        assert_eq!(Pool::from_elements(elements, SHARE).map_err(|fault| fault.name), Err(name));
        assert_ne!(elements, pool.elements());
    }
}

#[test]
fn other_records_have_other_digests() {
    let (pool, _) = run(|i| create(i, &FOUNDING)).expect("a pool");
    let (other, _) = run(|i| create(i, &Founding { weight: 1, ..FOUNDING })).expect("a pool");
    assert_ne!(pool.digest(), other.digest());
}
