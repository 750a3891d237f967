//! Batches hold exactly when each signature does, and errors are those of single verification.

use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;

use super::*;
use crate::ecgfp5::Fp5;
use crate::field::{ZERO, from_u32};
use crate::keys::{SecretKey, Signature};
use crate::leaf::LeafIndex;
use crate::message::Op;
use crate::nonce::{Nonce, NonceKey};
use crate::transaction::{NO_END, SignedTransaction, Transaction};

/// Valid signatures of a few keys, some of which sign more than once.
fn signed(count: usize) -> Vec<SignedTransaction> {
    let mut rng = ChaCha20Rng::seed_from_u64(5);
    let keys: Vec<_> = (0..count.div_ceil(2).max(1)).map(|_| SecretKey::random(&mut rng)).collect();
    let transaction = |nonce: usize| Transaction {
        op: Op::Transfer,
        chain_id: 7,
        from: LeafIndex(3),
        nonce: Nonce::new(nonce as u32, NonceKey::First),
        to_address: Digest([1, 2, 3, 4].map(from_u32)),
        asset: 5,
        amount: 6,
        fee: 0,
        memo: 8,
        target: 0,
        valid_until: NO_END,
    };
    (0..count).map(|at| keys[at * at % keys.len()].sign_transaction(transaction(at))).collect()
}

fn single(transactions: &[SignedTransaction]) -> Vec<Result<(), SignatureError>> {
    let verify = SignedTransaction::verify;
    transactions.iter().map(verify).collect()
}

/// An encoding of no point.
fn no_point() -> Fp5 {
    let mut candidates = (2..).map(|i| Fp5([i, 1, 0, 0, 0].map(from_u32)));
    candidates.find(|&w| Point::decode(w).is_none()).expect("every other one is no point")
}

/// Something that makes a valid signature invalid.
fn spoil(signed: &mut SignedTransaction, how: u8) {
    let Signature { r, s } = &mut signed.signature;
    match how % 7 {
        0 => *s = *s + Scalar::ONE,
        1 => *s = -*s,
        2 => *r = Fp5::ZERO,
        3 => *r = no_point(),
        4 => *r = Point::GENERATOR.encode(),
        5 => signed.transaction.amount += 1,
        _ => *r = -*r,
    }
}

#[test]
fn valid_signatures_hold_in_batches_of_any_size() {
    for count in [0, 1, 2, MIN_BATCH - 1, MIN_BATCH, MIN_BATCH + 1, 100, 300, 1000] {
        assert_eq!(verify_each(&signed(count)), vec![Ok(()); count]);
    }
}

#[test]
fn a_bad_one_is_found_at_any_position() {
    let fine = signed(90);
    for at in 0..fine.len() {
        let mut batch = fine.clone();
        spoil(&mut batch[at], at as u8);
        let results = verify_each(&batch);
        assert!(results[at].is_err());
        assert_eq!(results, single(&batch), "position {at}");
    }
}

#[test]
fn a_signature_twice_holds_twice() {
    let mut batch = signed(60);
    batch[7] = batch[40];
    assert_eq!(verify_each(&batch), vec![Ok(()); 60]);
    let bad = batch.iter_mut().step_by(2);
    bad.for_each(|signed| signed.signature.s = Scalar::ONE);
    assert_eq!(verify_each(&batch), single(&batch));
}

#[test]
fn faults_that_cancel_each_other_are_found() {
    let fine = signed(64);
    let sum_of_faults = |batch: &[SignedTransaction]| {
        batch.iter().fold(Point::NEUTRAL, |sum, signed| {
            let SignedTransaction { transaction, public_key, signature, .. } = signed;
            let challenge = crate::keys::challenge(signature.r, public_key, &transaction.elements());
            let r = Point::decode(signature.r).expect("it is a point");
            let got = Point::mul_generator_add(&signature.s, &challenge, &public_key.point());
            sum.add(&got).add(&r.neg())
        })
    };
    let delta = Scalar::from_u64(12_345);
    // Equal faults of opposite sign, then faults whose weighted sum is zero for small weights.
    let cases: [&[(usize, i64)]; 4] = [
        &[(3, 1), (50, -1)],
        &[(0, 2), (1, -1), (2, -1)],
        &[(10, 5), (20, -3), (63, -2)],
        &[(62, 1), (63, -1)],
    ];
    for case in cases {
        let mut batch = fine.clone();
        for &(at, weight) in case {
            let size = Scalar::from_u64(weight.unsigned_abs()) * delta;
            let s = &mut batch[at].signature.s;
            *s = if weight < 0 { *s - size } else { *s + size };
        }
        assert!(sum_of_faults(&batch).is_neutral(), "with equal coefficients the batch would pass");
        let results = verify_each(&batch);
        assert_eq!(results, single(&batch));
        assert_eq!(results.iter().filter(|result| result.is_err()).count(), case.len());
    }
}

#[test]
fn coefficients_depend_on_all_that_the_sum_does() {
    fn item(signed: &SignedTransaction) -> Item<'_, SignedTransaction> {
        let challenge =
            challenge_record(signed.signature.r, &signed.public_key, &signed.transaction.elements());
        let challenge = crate::hash::hash(Tag::Challenge, &challenge);
        Item { at: 0, signed, commitment: normalize(&[Point::GENERATOR])[0], challenge }
    }
    let batch = signed(30);
    let of = |batch: &[SignedTransaction]| coefficients(&batch.iter().map(item).collect::<Vec<_>>());
    let first = of(&batch);
    let mut sorted = first.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(sorted.len(), 30, "no two are the same");
    assert!(first.iter().all(|z| z >> 64 != 0), "all have more than 64 bits");
    for how in 0..7 {
        let mut other = batch.clone();
        spoil(&mut other[29], how);
        assert!(of(&other).iter().zip(&first).all(|(a, b)| a != b), "way {how}");
    }
    assert!(of(&batch[..29]).iter().zip(&first).all(|(a, b)| a != b));
}

#[test]
fn products_are_those_of_scalars() {
    let words = |[w0, w1, w2]: [u64; 3]| Scalar::from_words([w0, w1, w2, 0, 0]).expect("192 bits");
    for (a, b) in
        [(0, [5, 6, 7]), (u128::MAX, [u64::MAX, u64::MAX, 15]), (1 << 100, [1, 2, 15]), (9, [u64::MAX, 0, 3])]
    {
        let product = Scalar::from_words(product(a, b)).expect("below n");
        assert_eq!(product, scalar(a) * words(b));
    }
    for (h0, h1) in [(0, 0), (1, 2), (0xffff_ffff, 0xffff_ffff)] {
        let top = -from_u32(1);
        for challenge in [
            Challenge::new(from_u32(h0), from_u32(h1)),
            Challenge::new(top, from_u32(h1)),
            Challenge::new(top, top),
        ] {
            assert_eq!(words(challenge.negated()), -challenge.scalar());
        }
    }
    assert_eq!(words(Challenge::new(ZERO, ZERO).negated()), -Challenge::new(ZERO, ZERO).scalar());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn the_results_are_those_of_single_verification(
        count in 0..150_usize,
        spoilt in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..12),
        all in prop::bool::weighted(0.1),
    ) {
        let mut batch = signed(count);
        if count > 0 {
            spoilt.iter().for_each(|(at, how)| spoil(&mut batch[at.index(count)], *how));
        }
        if all {
            batch.iter_mut().zip(0..).for_each(|(signed, how)| spoil(signed, how));
        }
        prop_assert_eq!(verify_each(&batch), single(&batch));
    }
}
