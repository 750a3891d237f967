//! Keys and signatures: what is accepted, what is refused and how, and the forms on the wire.

use enfold_state::ecgfp5::{Fp5, Scalar};
use enfold_state::field::reduce;
use enfold_state::hash::Digest;
use enfold_state::keys::{SecretKey, Signature, SignatureError, padding_key, verify};
use enfold_state::leaf::LeafIndex;
use enfold_state::message::Op;
use enfold_state::transaction::Transaction;
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;

fn transaction() -> Transaction {
    Transaction {
        op: Op::Transfer,
        chain_id: 7,
        from: LeafIndex(3),
        nonce: 11,
        to_address: Digest([1, 2, 3, 4].map(reduce)),
        asset: 5,
        amount: 1_000_000,
        fee: 17,
        memo: 0xfeed,
    }
}

fn key(seed: u64) -> SecretKey {
    SecretKey::random(&mut ChaCha20Rng::seed_from_u64(seed))
}

fn is_mismatch(result: Result<(), SignatureError>) -> bool {
    matches!(result, Err(SignatureError::Mismatch { .. }))
}

#[test]
fn what_is_signed_verifies() {
    for seed in 0..50 {
        let key = key(seed);
        let transaction = Transaction { nonce: seed as u32, ..transaction() };
        assert_eq!(verify(&key.public_key(), &transaction, &key.sign(&transaction)), Ok(()));
    }
    let signed = padding_key().sign_transaction(transaction());
    assert_eq!(verify(&signed.public_key, &signed.transaction, &signed.signature), Ok(()));
    assert_eq!(signed.public_key, padding_key().public_key());
}

#[test]
fn signatures_are_deterministic() {
    let again = SecretKey::from_bytes(&key(1).to_bytes()).expect("a key");
    assert_eq!(key(1).sign(&transaction()), again.sign(&transaction()));
    let other = Transaction { memo: 1, ..transaction() };
    assert_ne!(key(1).sign(&transaction()).r, key(1).sign(&other).r, "a nonce is used once");
    assert_ne!(key(1).sign(&transaction()).r, key(2).sign(&transaction()).r);
}

#[test]
fn every_signed_field_counts() {
    let key = key(1);
    let signature = key.sign(&transaction());
    let mut other_addresses = [transaction().to_address; 4];
    for (i, address) in other_addresses.iter_mut().enumerate() {
        address.0[i] += reduce(1);
    }
    let good = transaction();
    let mut changed = vec![
        Transaction { op: Op::Fee, ..good },
        Transaction { chain_id: 8, ..good },
        Transaction { from: LeafIndex(4), ..good },
        Transaction { nonce: 12, ..good },
        Transaction { asset: 6, ..good },
        Transaction { amount: 1_000_001, ..good },
        Transaction { fee: 18, ..good },
        Transaction { memo: 0xfeee, ..good },
    ];
    changed.extend(other_addresses.map(|to_address| Transaction { to_address, ..good }));
    assert_eq!(changed.len(), Transaction::LEN);
    for transaction in changed {
        assert!(is_mismatch(verify(&key.public_key(), &transaction, &signature)), "{transaction:?}");
    }
}

#[test]
fn every_part_of_a_signature_counts() {
    let (key, other) = (key(1).public_key(), key(2).public_key());
    let signature = self::key(1).sign(&transaction());
    assert!(is_mismatch(verify(&other, &transaction(), &signature)), "another key");
    let changed = Signature { s: signature.s + Scalar::ONE, ..signature };
    assert!(is_mismatch(verify(&key, &transaction(), &changed)));
    let changed = Signature { s: -signature.s, ..signature };
    assert!(is_mismatch(verify(&key, &transaction(), &changed)));
    let changed = Signature { s: Scalar::ZERO, ..signature };
    assert!(is_mismatch(verify(&key, &transaction(), &changed)));
    let changed = Signature { r: -signature.r, ..signature };
    assert!(is_mismatch(verify(&key, &transaction(), &changed)), "-w encodes -R");
    let neutral = Signature { r: Fp5::ZERO, ..signature };
    assert_eq!(verify(&key, &transaction(), &neutral), Err(SignatureError::NeutralCommitment));
}
