//! Answers to single requests: what they are, and what each check refuses.

use std::collections::BTreeSet;

use enfold_state::contracts::native::run;
use enfold_state::contracts::pool::tally::{LaneSums, ShareSums};
use enfold_state::contracts::settle::{self, Filled, Merged, Order, Rate};
use proptest::prelude::*;

use crate::probe::Probe;

const RATE: Rate<u64> = Rate { n: 3, d: 2 };
const BASKETS: [Rate<u64>; 2] = [Rate { n: 7, d: 10 }, Rate { n: 3, d: 10 }];
const ORDER: Order<u64, bool> = Order { amount: 100, limit: 149, partial: true };

/// A run, and the only check that refuses it.
type Lie = (&'static str, fn(&mut Probe));

const LIES: [Lie; 12] = [
    ("exchange: limit has 62 bits", |i| {
        // In a circuit this limit is -1.
        settle::exchange(i, &RATE, 100, (1 << 62) + 7);
    }),
    ("exchange: answer has 62 bits", |i| {
        settle::exchange(i, &Rate { n: 1 << 60, d: 1 }, 4, 1);
    }),
    ("exchange: answer is above the limit", |i| {
        settle::exchange(i, &RATE, 100, 150);
    }),
    ("fill: limit has 62 bits", |i| {
        settle::fill(i, &RATE, &Order { limit: 1 << 62, ..ORDER }, 50);
    }),
    ("fill: at most the amount is filled", |i| {
        settle::fill(i, &RATE, &ORDER, 102);
    }),
    ("fill: in part only if that was signed", |i| {
        settle::fill(i, &RATE, &Order { partial: false, ..ORDER }, 50);
    }),
    ("fill: answer to the whole has 62 bits", |i| {
        settle::fill(i, &RATE, &ORDER, 0);
    }),
    ("fill: answer is above the limit", |i| {
        settle::fill(i, &RATE, &ORDER, 51);
    }),
    ("split: something is paid", |i| {
        settle::split(i, &BASKETS, 1);
    }),
    ("merge: shares have 62 bits", |i| {
        settle::merge(i, &[Rate { n: 1, d: 1 << 60 }; 2], 1 << 62, [100, 100]);
    }),
    ("merge: a share at least", |i| {
        settle::merge(i, &BASKETS, 0, [0, 0]);
    }),
    ("merge: at most what was paid is due", |i| {
        settle::merge(i, &BASKETS, 10, [7, 2]);
    }),
];

/// Ranges of results.
const BOUNDS: [Lie; 12] = [
    ("fill: answer has 62 bits", |i| {
        settle::fill(i, &Rate { n: 1 << 60, d: 1 }, &ORDER, 50);
    }),
    ("fill: answer has 61 bits", |i| {
        settle::fill(i, &Rate { n: 1 << 60, d: 1 }, &ORDER, 2);
    }),
    ("fill: what is filled has 61 bits", |i| {
        settle::fill(i, &Rate { n: 1, d: 2 }, &Order { amount: 1 << 61, ..ORDER }, 1 << 61);
    }),
    ("split: answer has 62 bits", |i| {
        settle::split(i, &[Rate { n: 1 << 60, d: 1 }; 2], 4);
    }),
    ("split: answers together have 62 bits", |i| {
        settle::split(i, &[Rate { n: 1 << 60, d: 1 }; 2], 3);
    }),
    ("merge: what is due has 62 bits", |i| {
        settle::merge(i, &[Rate { n: 1 << 60, d: 1 }; 2], 4, [0, 0]);
    }),
    ("tally: minted shares have 62 bits", |i| {
        // Over the integers it is too much; mod p it would be small.
        ShareSums::default().with_joins(i, &[(1 << 62) - 1; 5], [&[], &[]]);
    }),
    ("tally: burned shares have 62 bits", |i| {
        ShareSums::default().with_exits(i, &[1 << 61; 2], [&[], &[]]);
    }),
    ("tally: amounts for shares have 62 bits", |i| {
        ShareSums::default().with_exits(i, &[1], [&[1 << 61; 2], &[]]);
    }),
    ("tally: what is paid has 62 bits", |i| {
        LaneSums::default().with(i, &[1 << 61; 2], &[1], &[1]);
    }),
    ("tally: what is answered has 62 bits", |i| {
        LaneSums::default().with(i, &[1], &[1 << 61; 2], &[1]);
    }),
    ("tally: gifts have 62 bits", |i| {
        LaneSums::default().with(i, &[1], &[1], &[1 << 61; 2]);
    }),
];

#[test]
fn each_check_refuses_a_lie_that_passes_without_it() {
    for (name, lie) in LIES {
        let mut probe = Probe::default();
        lie(&mut probe);
        assert_eq!(probe.fault.map(|fault| fault.name), Some(name));
    }
    for (name, lie) in LIES.into_iter().filter(|(name, _)| !name.ends_with("62 bits")) {
        let mut probe = Probe::without(name);
        lie(&mut probe);
        assert_eq!(probe.fault, None, "{name}: nothing else refuses it");
    }
    for (name, lie) in BOUNDS {
        let mut probe = Probe::default();
        lie(&mut probe);
        assert_eq!(probe.fault.map(|fault| fault.name), Some(name));
    }
}

#[test]
fn no_check_is_forgotten() {
    let mut probe = Probe::default();
    settle::exchange(&mut probe, &RATE, 100, 149);
    settle::fill(&mut probe, &RATE, &ORDER, 50);
    settle::split(&mut probe, &BASKETS, 10);
    settle::merge(&mut probe, &BASKETS, 10, [8, 8]);
    ShareSums::default().with_joins(&mut probe, &[10], [&[7], &[3]]);
    ShareSums::default().with_exits(&mut probe, &[10], [&[7], &[3]]);
    LaneSums::default().with(&mut probe, &[100], &[150], &[1]);
    assert_eq!(probe.fault, None);
    let known = LIES.iter().chain(&BOUNDS).map(|(name, _)| *name);
    assert_eq!(probe.demands.into_iter().collect::<BTreeSet<_>>(), known.collect());
}

#[test]
fn answers_by_hand() {
    assert_eq!(run(|i| settle::exchange(i, &RATE, 101, 149)), Ok(151));
    assert_eq!(run(|i| settle::fill(i, &RATE, &ORDER, 50)), Ok(Filled { answer: 75, change: 50 }));
    assert_eq!(run(|i| settle::split(i, &BASKETS, 15)), Ok([10, 4]));
    assert_eq!(run(|i| settle::merge(i, &BASKETS, 11, [10, 4])), Ok(Merged { due: [8, 4], change: [2, 0] }));
    let fault = run(|i| settle::exchange(i, &RATE, 100, 150)).expect_err("at the limit");
    assert_eq!(fault.to_string(), "exchange: answer is above the limit: expected at most 149, got 150");
}

proptest! {
    #[test]
    fn a_whole_fill_is_an_exchange(n in 0u64..1 << 61, d in 1u64..1 << 61, amount in 1u64..1 << 61, limit: u64) {
        let rate = Rate { n, d };
        let order = Order { amount, limit: limit >> 3, partial: false };
        let exchanged = run(|i| settle::exchange(i, &rate, amount, order.limit));
        let filled = run(|i| settle::fill(i, &rate, &order, amount));
        // The slot of parts takes answers of 61 bits.
        if exchanged.is_ok_and(|answer| answer >> 61 == 0) {
            prop_assert_eq!(filled.ok().map(|filled| (filled.answer, filled.change)), exchanged.ok().map(|answer| (answer, 0)));
        } else {
            prop_assert!(filled.is_err());
        }
    }

    #[test]
    fn a_part_is_never_worse_than_the_whole_was_to_be(
        n in 1u64..1 << 40, d in 1u64..1 << 40, amount in 1u64..1 << 40, part in 0.0..1.0f64, slack in 0.0..1.2f64,
    ) {
        let whole = u128::from(amount) * u128::from(n) / u128::from(d);
        prop_assume!(whole < 1 << 60);
        let order = Order { amount, limit: (whole as f64 * slack) as u64, partial: true };
        let filled = (amount as f64 * part) as u64;
        let result = run(|i| settle::fill(i, &Rate { n, d }, &order, filled));
        let answer = u128::from(filled) * u128::from(n) / u128::from(d);
        let holds = filled > 0 && answer * u128::from(amount) >= u128::from(order.limit + 1) * u128::from(filled);
        prop_assert_eq!(result.is_ok(), holds);
    }
}
