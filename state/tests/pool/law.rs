//! What the law keeps, on random records and blocks.

use enfold_state::contracts::clear::{Cleared, clear};
use enfold_state::contracts::native::{Native, run};
use enfold_state::contracts::pool::law::law;
use enfold_state::contracts::pool::tally::{LaneSums, ShareSums, Sums};
use enfold_state::contracts::pool::{HALVING, LEAST_RESERVE, LOCKED, Pool, ROOM, Touched};
use enfold_state::contracts::settle::{self, Merged};
use num_bigint::BigUint;
use proptest::prelude::*;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::probe::Probe;
use crate::random::{ASSETS, Block, SHARE, next, pool, usual};

fn product(numbers: &[u64]) -> BigUint {
    numbers.iter().map(|&number| BigUint::from(number)).product()
}

/// The block's swaps alone: R0' and R1'.
fn after_swaps(before: &Pool, cleared: &Cleared) -> [u64; 2] {
    let (reserves, lanes) = (before.reserves(), &cleared.sums.lanes);
    [0, 1].map(|j| reserves[j] + lanes[j].paid - lanes[1 - j].answered)
}

/// All that has to hold of a block.
fn check(before: &Pool, block: &Block, cleared: &Cleared) {
    let after = &cleared.pool;
    after.check(SHARE).expect("a pool that the law accepts");
    assert_eq!(Pool::from_elements(after.elements(), SHARE).as_ref(), Ok(after));

    // R0' R1' never falls.
    let swapped = after_swaps(before, cleared);
    assert!(product(&swapped) >= product(&before.reserves()), "{before:?} {block:?}", block = block.orders);
    assert!(swapped.into_iter().all(|reserve| reserve > 0));

    // A share never loses: after the swaps in neither asset, and over all in their product.
    for (j, &swapped) in swapped.iter().enumerate() {
        let reserve = swapped + cleared.sums.lanes[j].gifts;
        assert!(product(&[after.reserves()[j], before.supply()]) >= product(&[reserve, after.supply()]));
    }
    let worth = |of: &Pool, other: &Pool| {
        let [reserve0, reserve1] = of.reserves();
        product(&[reserve0, reserve1, other.supply(), other.supply()])
    };
    assert!(worth(after, before) >= worth(before, after));

    // Each asset, and the shares, from the requests alone.
    let mut reserves = before.reserves().map(i128::from);
    let mut supply = i128::from(before.supply());
    for (order, served) in block.orders.iter().zip(&cleared.orders) {
        if let Ok(served) = served {
            let lane = usize::from(order.asset == ASSETS[1]);
            reserves[lane] += i128::from(order.amount) - i128::from(served.result.change);
            reserves[1 - lane] -= i128::from(served.result.answer);
            assert_eq!(served.filled + served.result.change, order.amount);
            let (answer, filled) = (u128::from(served.result.answer), u128::from(served.filled));
            assert!(answer * u128::from(order.amount) >= u128::from(order.limit + 1) * filled && filled > 0);
            assert!(served.filled == order.amount || order.partial);
        }
    }
    for (gift, _) in block.gifts.iter().zip(&cleared.gifts).filter(|(_, given)| given.is_ok()) {
        reserves[usize::from(gift.asset == ASSETS[1])] += i128::from(gift.amount);
    }
    for (exit, got) in block.exits.iter().zip(&cleared.exits) {
        if let Ok(got) = got {
            (0..2).for_each(|j| reserves[j] -= i128::from(got[j]));
            supply -= i128::from(exit.shares);
        }
    }
    for (join, merged) in block.joins.iter().zip(&cleared.joins) {
        if let Ok(merged) = merged {
            supply += i128::from(join.shares);
            for (j, basket) in cleared.rates.baskets.iter().enumerate() {
                let due = (u128::from(join.shares) * u128::from(basket.n)).div_ceil(basket.d.into());
                assert_eq!(u128::from(merged.due[j]), due, "nobody pays more than what is due");
                assert_eq!(merged.due[j] + merged.change[j], join.paid[j]);
                reserves[j] += i128::from(merged.due[j]);
            }
        }
    }
    assert_eq!(after.reserves().map(i128::from), reserves);
    assert_eq!(i128::from(after.supply()), supply);
    assert!(after.supply() >= LOCKED);
}

#[test]
fn blocks_keep_what_the_law_promises() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut served = 0;
    for number in 0..20_000 {
        let before = if number % 2 == 0 { usual(&mut rng) } else { pool(&mut rng) };
        let block = Block::new(&mut rng, &before, 8);
        let cleared = clear(&before, &next(&before), &block.requests()).expect("the law has a result");
        served += cleared.orders.iter().filter(|order| order.is_ok()).count();
        check(&before, &block, &cleared);
    }
    assert!(served > 20_000, "{served} orders are enough to say something");
}

#[test]
fn a_pool_lives_on() {
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    for _ in 0..100 {
        let mut state = usual(&mut rng);
        for _ in 0..100 {
            let block = Block::new(&mut rng, &state, 5);
            let cleared = clear(&state, &next(&state), &block.requests()).expect("the law has a result");
            check(&state, &block, &cleared);
            state = cleared.pool;
        }
    }
}

#[test]
fn every_record_has_a_next_block() {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    for _ in 0..100_000 {
        let before = pool(&mut rng);
        let number = rng.gen_range(before.touched.number + 1..1 << 31);
        let block = Touched { time: rng.gen_range(before.touched.time..=u32::MAX.into()), number };
        let (after, rates) = run(|native| law(native, &before, &block, &Sums::default())).expect("a result");
        assert_eq!(after.books, before.books);
        assert_eq!(after.check(SHARE), Ok(()));
        assert!(rates.swaps.iter().chain(&rates.baskets).all(|rate| rate.d > 0));
        let open = before.reserves().into_iter().all(|reserve| reserve >= LEAST_RESERVE);
        assert!(open || rates.swaps.iter().all(|rate| rate.n == 0), "a short reserve closes swaps");

        // So have all of its exits, together and alone.
        let shares = before.supply() - LOCKED;
        let amounts = run(|native| settle::split(native, &rates.baskets, shares)).unwrap_or_default();
        let exits = ShareSums { shares, amounts };
        let sums = Sums { exits, ..Sums::default() };
        let (after, _) = run(|native| law(native, &before, &block, &sums)).expect("exits never close");
        assert_eq!(after.check(SHARE), Ok(()));
        assert_eq!(after.supply(), LOCKED);
    }
}

#[test]
fn the_unit_is_halved_once() {
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    let mut halved = 0;
    for _ in 0..20_000 {
        let before = pool(&mut rng);
        let gifts = before.reserves().map(|reserve| ROOM / before.unit - reserve);
        let sums = Sums {
            lanes: gifts.map(|gifts| LaneSums { gifts: gifts / rng.gen_range(1..4), ..LaneSums::default() }),
            ..Sums::default()
        };
        let (after, _) = run(|native| law(native, &before, &next(&before), &sums)).expect("room");
        after.check(SHARE).expect("a pool that the law accepts");
        let over = after.reserves().into_iter().any(|reserve| reserve * before.unit > HALVING);
        let expected = if over && before.unit > 1 { before.unit / 2 } else { before.unit };
        assert_eq!(after.unit, expected);
        halved += u32::from(over && before.unit > 1);
    }
    assert!(halved > 1000);
}

#[test]
fn steps_do_not_depend_on_numbers() {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let mut expected = None;
    for _ in 0..200 {
        let before = pool(&mut rng);
        let mut any = || rng.gen_range(0..u64::MAX);
        let mut lane = || LaneSums { paid: any(), answered: any(), gifts: any() };
        let lanes = [lane(), lane()];
        let mut shares = || ShareSums { shares: any(), amounts: [any(), any()] };
        let sums = Sums { lanes, exits: shares(), joins: shares() };
        let mut probe = Probe::default();
        law(&mut probe, &before, &next(&before), &sums);
        let native = run(|native: &mut Native| law(native, &before, &next(&before), &sums));
        assert_eq!(native.err(), probe.fault, "and the first fault is the same");
        assert_eq!(*expected.get_or_insert(probe.steps.clone()), probe.steps);
    }
}

#[test]
fn the_order_of_requests_changes_nothing() {
    let mut rng = ChaCha8Rng::seed_from_u64(6);
    for _ in 0..2000 {
        let before = usual(&mut rng);
        let block = Block::new(&mut rng, &before, 30);
        let mut shuffled = block.clone();
        shuffled.orders.shuffle(&mut rng);
        shuffled.gifts.shuffle(&mut rng);
        shuffled.exits.shuffle(&mut rng);
        shuffled.joins.shuffle(&mut rng);
        let [one, other] = [&block, &shuffled]
            .map(|block| clear(&before, &next(&before), &block.requests()).expect("a result"));
        assert_eq!((one.pool, one.rates, one.sums), (other.pool, other.rates, other.sums));
        for (order, answer) in block.orders.iter().zip(&one.orders) {
            let at = shuffled.orders.iter().position(|other| other.id == order.id).expect("the same orders");
            assert_eq!(&other.orders[at], answer);
        }
    }
}

#[test]
fn segments_can_be_cut_anywhere() {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    for _ in 0..1000 {
        let before = usual(&mut rng);
        let block = Block::new(&mut rng, &before, 30);
        let cleared = clear(&before, &next(&before), &block.requests()).expect("a result");
        // Each segment carries in the tally of the one before.
        let mut sums = Sums::default();
        let mut requests: Vec<_> = block.orders.iter().zip(&cleared.orders).collect();
        requests.shuffle(&mut rng);
        for segment in requests.chunks(rng.gen_range(1..6)) {
            for (lane, asset) in ASSETS.into_iter().enumerate() {
                let (mut paid, mut answered) = (vec![], vec![]);
                let of_lane = segment.iter().filter(|(order, _)| order.asset == asset);
                for (order, served) in of_lane.filter_map(|(order, served)| Some((order, served.ok()?))) {
                    let (amount, limit, partial) = (order.amount, order.limit, order.partial);
                    let order = settle::Order { amount, limit, partial };
                    let rate = &cleared.rates.swaps[lane];
                    let filled =
                        run(|native| settle::fill(native, rate, &order, served.filled)).expect("served");
                    assert_eq!(filled, served.result, "in part or whole, an answer is the same");
                    paid.push(served.filled);
                    answered.push(filled.answer);
                }
                sums.lanes[lane] = run(|native| sums.lanes[lane].with(native, &paid, &answered, &[]))
                    .expect("numbers in range");
            }
        }
        for (gift, _) in block.gifts.iter().zip(&cleared.gifts).filter(|(_, given)| given.is_ok()) {
            let lane = &mut sums.lanes[usize::from(gift.asset == ASSETS[1])];
            *lane = run(|native| lane.with(native, &[], &[], &[gift.amount])).expect("numbers in range");
        }
        for (exit, got) in block.exits.iter().zip(&cleared.exits).rev() {
            let Ok([got0, got1]) = *got else { continue };
            sums.exits =
                run(|native| sums.exits.with_exits(native, &[exit.shares], [&[got0], &[got1]])).expect("few");
        }
        for (join, merged) in block.joins.iter().zip(&cleared.joins).rev() {
            let Ok(Merged { due: [due0, due1], .. }) = *merged else { continue };
            sums.joins =
                run(|native| sums.joins.with_joins(native, &[join.shares], [&[due0], &[due1]])).expect("few");
        }
        assert_eq!(sums, cleared.sums);
        let result = run(|native| law(native, &before, &next(&before), &sums));
        assert_eq!(result, Ok((cleared.pool, cleared.rates)));
    }
}

/// Uniswap v2's `getAmountOut`, with a fee of 0.3 %.
fn amount_out(amount: u64, [reserve_in, reserve_out]: [u64; 2]) -> u128 {
    let (amount, reserve_in, reserve_out) =
        (BigUint::from(amount), BigUint::from(reserve_in), BigUint::from(reserve_out));
    let after: BigUint = amount * 997u32;
    let out: BigUint = &after * reserve_out / (reserve_in * 1000u32 + after);
    out.try_into().expect("128 bits")
}

#[test]
fn one_order_gets_what_uniswap_gives() {
    let mut rng = ChaCha8Rng::seed_from_u64(8);
    let (mut equal, mut cases) = (0, 0);
    for _ in 0..20_000 {
        let before = Pool { kept: 9970, weight: 1, ..usual(&mut rng) };
        let [reserve0, reserve1] = before.reserves();
        let most = reserve0 / [1, 10, 1000, 100_000][rng.gen_range(0..4)];
        let paid = rng.gen_range(1..=most);
        let lane = LaneSums { paid, ..LaneSums::default() };
        let sums = Sums { lanes: [lane, LaneSums::default()], ..Sums::default() };
        let Ok((_, rates)) = run(|native| law(native, &before, &next(&before), &sums)) else { continue };
        let rate = rates.swaps[0];
        let answer = u128::from(paid) * u128::from(rate.n) / u128::from(rate.d);
        let out = amount_out(paid, [reserve0, reserve1]);
        assert!(answer <= out && out - answer <= 1 + (out + u128::from(paid)).div_ceil(rate.d.into()));
        equal += u32::from(answer == out);
        cases += 1;
    }
    assert!(cases > 15_000 && equal > cases * 9 / 10, "{equal} of {cases}");
}

proptest! {
    #[test]
    fn the_theorem_holds_for_all_sums(seed: u64, paid in [0u64..1 << 60, 0u64..1 << 60], shift in 0u32..60) {
        let before = pool(&mut ChaCha8Rng::seed_from_u64(seed));
        let mut sums = Sums::default();
        for ((lane, paid), reserve) in sums.lanes.iter_mut().zip(paid).zip(before.reserves()) {
            lane.paid = (paid >> shift).min(ROOM / before.unit - reserve);
        }
        // All that the rates allow is answered. What would leave less than the least reserve is refused; nothing else is.
        let (_, rates) = run(|native| law(native, &before, &next(&before), &sums)).expect("room");
        for (lane, rate) in sums.lanes.iter_mut().zip(&rates.swaps) {
            lane.answered = (u128::from(lane.paid) * u128::from(rate.n) / u128::from(rate.d)) as u64;
        }
        match run(|native| law(native, &before, &next(&before), &sums)) {
            Ok((after, _)) => prop_assert!(product(&after.reserves()) >= product(&before.reserves())),
            Err(fault) => prop_assert_eq!(fault.name, "pool: swaps leave the least reserve"),
        }
    }
}
