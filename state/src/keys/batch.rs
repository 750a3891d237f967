//! Many signatures at once.
//!
//! A signature holds if `D = s G + c K - R` is neutral. For many of them one sum is computed, of `z_i D_i` with random
//! `z_i` of 128 bits:
//!
//! `(sum of z_i s_i) G = sum of (-z_i c_i) K_i + sum of z_i R_i`
//!
//! The doublings are shared by all, and the multiples of the keys and commitments go through buckets (`ecgfp5::msm`).
//! Legs of one key share its term. If the sum is not neutral, parts of the batch are tried, and signatures of small parts
//! one by one.
//!
//! **Why a batch that passes holds.** All elements are of the group, whose order n is a prime above 2^128: the type of a
//! key says so, a commitment that decodes is the one element that it encodes, and one that does not is not in the
//! batch. So there is no cofactor for two faults to cancel in. If D_i is not neutral, then for any choice of the other
//! coefficients at most one `z_i` below 2^128 makes the sum neutral. The coefficients are hashes of everything that the
//! sum depends on, so a signer learns them only when all of these are fixed, and each try to find a batch
//! that passes wrongly succeeds with probability 2^-128, the hash being taken for random.

use std::collections::HashMap;

use rayon::prelude::*;
use sha2::{Digest as _, Sha256};

use super::{PublicKey, SignatureError, Signed, challenge_record, verify};
use crate::ecgfp5::msm::{Terms, add, sum_of_multiples};
use crate::ecgfp5::point::{Normal, normalize};
use crate::ecgfp5::scalar::SCALAR_WORDS;
use crate::ecgfp5::{Challenge, Point, Scalar};
use crate::field::to_u64;
use crate::hash::batch::hashes_into;
use crate::hash::{Digest, Tag};

/// Most signatures of a batch: with more, the buckets leave the cache.
const MAX_BATCH: usize = 1 << 13;
/// Fewest signatures that are worth a batch.
const MIN_BATCH: usize = 24;
/// A batch that fails is tried in this many parts.
const PARTS: usize = 16;

/// First bytes of what the coefficients are hashed from.
const DOMAIN: &[u8] = b"enfold batch of signatures v1";

/// Checks the signature of each record, in parallel. The results are those of [`verify`].
pub fn verify_each<T: Signed + Sync>(signed: &[T]) -> Vec<Result<(), SignatureError>> {
    let mut challenges = vec![Digest::ZERO; signed.len()];
    hashes_into(Tag::Challenge, &mut challenges, |at| {
        let signed = &signed[at];
        challenge_record(signed.signature().r, signed.public_key(), &signed.record())
    });
    // A share for each thread, unless that is too little for a batch to pay.
    let share = signed.len().div_ceil(rayon::current_num_threads()).clamp(8 * MIN_BATCH, MAX_BATCH);
    let batches = signed.par_chunks(share).zip(challenges.par_chunks(share));
    batches.flat_map_iter(|(signed, challenges)| verify_batch(signed, challenges)).collect()
}

/// One batch, and its parts if it fails.
fn verify_batch<T: Signed>(all: &[T], challenges: &[Digest]) -> Vec<Result<(), SignatureError>> {
    // Commitments that encode nothing are named one by one.
    let commitments: Vec<Option<Point>> =
        all.iter().map(|signed| Point::decode(signed.signature().r).filter(|r| !r.is_neutral())).collect();
    let fine: Vec<Point> = commitments.iter().flatten().copied().collect();
    let mut normal = normalize(&fine).into_iter();
    let mut results = vec![Ok(()); all.len()];
    let mut items = Vec::with_capacity(fine.len());
    for (at, (signed, &challenge)) in all.iter().zip(challenges).enumerate() {
        match commitments[at].and_then(|_| normal.next()) {
            Some(commitment) => items.push(Item { at, signed, commitment, challenge }),
            None => results[at] = verify(signed.public_key(), &signed.record(), signed.signature()),
        }
    }
    settle(&items, &mut results);
    results
}

/// A signature whose commitment decodes.
struct Item<'a, T> {
    at: usize,
    signed: &'a T,
    commitment: Normal,
    challenge: Digest,
}

/// Finds the signatures that do not hold.
fn settle<T: Signed>(items: &[Item<'_, T>], results: &mut [Result<(), SignatureError>]) {
    if items.len() < MIN_BATCH {
        for Item { at, signed, .. } in items {
            results[*at] = verify(signed.public_key(), &signed.record(), signed.signature());
        }
    } else if !holds(items) {
        items.chunks(items.len().div_ceil(PARTS)).for_each(|part| settle(part, results));
    }
}

/// Whether all of them hold, but for a probability of 2^-128.
fn holds<T: Signed>(items: &[Item<'_, T>]) -> bool {
    let coefficients = coefficients(items);
    let mut response = Scalar::ZERO;
    // Only looked up, never iterated.
    let mut places: HashMap<&PublicKey, usize> = HashMap::with_capacity(items.len());
    let (mut keys, mut key_factors) = (Vec::new(), Vec::<[u64; SCALAR_WORDS]>::new());
    for (item, &z) in items.iter().zip(&coefficients) {
        let public_key = item.signed.public_key();
        response = response + scalar(z) * item.signed.signature().s;
        let [h0, h1, ..] = item.challenge.0;
        let factor = product(z, Challenge::new(h0, h1).negated());
        let place = *places.entry(public_key).or_insert(keys.len());
        if place == keys.len() {
            keys.push(public_key.point());
            key_factors.push(factor);
        } else {
            // Below 2^273 for the most signatures of a batch.
            key_factors[place] = add(&key_factors[place], &factor);
        }
    }
    let commitments = items.iter().map(|item| item.commitment).collect();
    let words = |&z: &u128| [z as u64, (z >> 64) as u64, 0, 0, 0];
    let terms = [
        Terms::new(normalize(&keys), key_factors),
        Terms::new(commitments, coefficients.iter().map(words).collect()),
    ];
    sum_of_multiples(&terms) == Point::mul_generator(&response)
}

/// The coefficients of a batch: hashes of its number in the batch and a hash of the whole batch. A challenge's digest
/// represents commitment, key and signed fields.
fn coefficients<T: Signed>(items: &[Item<'_, T>]) -> Vec<u128> {
    let mut transcript = Sha256::new_with_prefix(DOMAIN);
    transcript.update((items.len() as u64).to_le_bytes());
    for item in items {
        item.challenge.0.iter().for_each(|&element| transcript.update(to_u64(element).to_le_bytes()));
        transcript.update(item.signed.signature().s.to_bytes());
    }
    let seeded = Sha256::new_with_prefix(transcript.finalize());
    let coefficient = |number: u64| {
        let digest: [u8; 32] = seeded.clone().chain_update(number.to_le_bytes()).finalize().into();
        digest.iter().take(16).fold(0, |integer, &byte| integer << 8 | u128::from(byte))
    };
    (0..items.len() as u64).map(coefficient).collect()
}

fn scalar(integer: u128) -> Scalar {
    let words = [integer as u64, (integer >> 64) as u64, 0, 0, 0];
    Scalar::from_words(words).expect("128 bits are below n")
}

/// The product of numbers of two and three words.
fn product(a: u128, b: [u64; 3]) -> [u64; SCALAR_WORDS] {
    let mut product = [0; SCALAR_WORDS];
    for (i, a) in [a as u64, (a >> 64) as u64].into_iter().enumerate() {
        let mut carry = 0;
        for (word, b) in product[i..].iter_mut().zip(b.into_iter().chain([0])) {
            let sum = u128::from(a) * u128::from(b) + u128::from(*word) + u128::from(carry);
            (*word, carry) = (sum as u64, (sum >> 64) as u64);
        }
    }
    product
}

#[cfg(test)]
mod tests;
