//! Keys and signatures: what is accepted, what is refused and how, and the forms on the wire.

use enfold_state::codec::{from_body, to_body};
use enfold_state::ecgfp5::{Fp5, Fp5Error, Point, Scalar, ScalarError, Walk, walk};
use enfold_state::field::{ORDER, reduce};
use enfold_state::hash::{Digest, Tag, hash};
use enfold_state::keys::{
    PublicKey, PublicKeyError, SecretKey, SecretKeyError, Signature, SignatureError, challenge, padding_key,
    verify,
};
use enfold_state::leaf::LeafIndex;
use enfold_state::message::Op;
use enfold_state::nonce::{Nonce, NonceKey};
use enfold_state::owner::{L1Owner, OWNER_BYTES};
use enfold_state::transaction::{NO_END, SignedTransaction, Transaction};
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;

fn transaction() -> Transaction {
    Transaction {
        op: Op::Transfer,
        chain_id: 7,
        from: LeafIndex(3),
        nonce: Nonce::new(11, NonceKey::First),
        to_address: Digest([1, 2, 3, 4].map(reduce)),
        asset: 5,
        amount: 1_000_000,
        fee: 17,
        memo: 0xfeed,
        target: 0,
        valid_until: NO_END,
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
        let transaction =
            Transaction { nonce: Nonce::new(seed as u32, NonceKey::ALL[seed as usize % 2]), ..transaction() };
        assert_eq!(
            verify(&key.public_key(), &transaction.elements(), &key.sign(&transaction.elements())),
            Ok(())
        );
    }
    let signed = padding_key().sign_transaction(transaction());
    assert_eq!(signed.verify(), Ok(()));
    assert_eq!(signed.public_key, padding_key().public_key());
}

#[test]
fn signatures_are_deterministic() {
    let again = SecretKey::from_bytes(&key(1).to_bytes()).expect("a key");
    assert_eq!(key(1).sign(&transaction().elements()), again.sign(&transaction().elements()));
    let other = Transaction { memo: 1, ..transaction() };
    assert_ne!(
        key(1).sign(&transaction().elements()).r,
        key(1).sign(&other.elements()).r,
        "a nonce is used once"
    );
    assert_ne!(key(1).sign(&transaction().elements()).r, key(2).sign(&transaction().elements()).r);
}

#[test]
fn every_signed_field_counts() {
    let key = key(1);
    let signature = key.sign(&transaction().elements());
    let mut other_addresses = [transaction().to_address; 4];
    for (i, address) in other_addresses.iter_mut().enumerate() {
        address.0[i] += reduce(1);
    }
    let good = transaction();
    let mut changed = vec![
        Transaction { op: Op::Fee, ..good },
        Transaction { chain_id: 8, ..good },
        Transaction { from: LeafIndex(4), ..good },
        Transaction { nonce: Nonce::new(12, NonceKey::First), ..good },
        Transaction { asset: 6, ..good },
        Transaction { amount: 1_000_001, ..good },
        Transaction { fee: 18, ..good },
        Transaction { memo: 0xfeee, ..good },
        Transaction { target: 1, ..good },
        Transaction { valid_until: NO_END - 1, ..good },
    ];
    changed.extend(other_addresses.map(|to_address| Transaction { to_address, ..good }));
    assert_eq!(changed.len(), Transaction::LEN);
    // And the other half of the nonce.
    changed.push(Transaction { nonce: Nonce::new(11, NonceKey::Second), ..good });
    for transaction in changed {
        assert!(
            is_mismatch(verify(&key.public_key(), &transaction.elements(), &signature)),
            "{transaction:?}"
        );
    }
}

#[test]
fn every_part_of_a_signature_counts() {
    let (key, other) = (key(1).public_key(), key(2).public_key());
    let signature = self::key(1).sign(&transaction().elements());
    assert!(is_mismatch(verify(&other, &transaction().elements(), &signature)), "another key");
    let changed = Signature { s: signature.s + Scalar::ONE, ..signature };
    assert!(is_mismatch(verify(&key, &transaction().elements(), &changed)));
    let changed = Signature { s: -signature.s, ..signature };
    assert!(is_mismatch(verify(&key, &transaction().elements(), &changed)));
    let changed = Signature { s: Scalar::ZERO, ..signature };
    assert!(is_mismatch(verify(&key, &transaction().elements(), &changed)));
    let changed = Signature { r: -signature.r, ..signature };
    assert!(is_mismatch(verify(&key, &transaction().elements(), &changed)), "-w encodes -R");
    let neutral = Signature { r: Fp5::ZERO, ..signature };
    assert_eq!(verify(&key, &transaction().elements(), &neutral), Err(SignatureError::NeutralCommitment));
}

/// The first encoding from `w = start` on that is of no point.
fn not_on_curve(start: u32) -> Fp5 {
    (start..).map(Fp5::from_u32).find(|w| Point::decode(*w).is_none()).expect("every other one")
}

#[test]
fn a_commitment_off_the_curve_is_named() {
    let key = key(1);
    let signature = Signature { r: not_on_curve(1), ..key.sign(&transaction().elements()) };
    let error = SignatureError::CommitmentNotOnCurve { got: signature.r };
    assert_eq!(verify(&key.public_key(), &transaction().elements(), &signature), Err(error));
}

/// The signature that cancels everything: `R = s G + c K` neutral.
#[test]
fn a_neutral_commitment_is_refused_even_if_the_equation_holds() {
    let key = key(1);
    let secret = Scalar::from_bytes(&key.to_bytes()).expect("below n");
    let c = challenge(Fp5::ZERO, &key.public_key(), &transaction().elements()).scalar();
    let signature = Signature { r: Fp5::ZERO, s: -(c * secret) };
    let sum = Point::mul_generator(&signature.s).add(&key.public_key().point().mul(&c));
    assert!(sum.is_neutral(), "s G + c K = R holds");
    assert_eq!(
        verify(&key.public_key(), &transaction().elements(), &signature),
        Err(SignatureError::NeutralCommitment)
    );
}

#[test]
fn the_equation_is_the_textbook_one() {
    let key = key(3);
    let Signature { r, s } = key.sign(&transaction().elements());
    let c = challenge(r, &key.public_key(), &transaction().elements());
    let sum = Point::mul_generator(&s).add(&key.public_key().point().mul(&c.scalar()));
    assert_eq!(Some(sum), Point::decode(r));

    let mut record = r.0.to_vec();
    record.extend(key.public_key().encoding().0);
    record.extend(transaction().elements());
    assert_eq!(record.len(), 24);
    let [h0, h1, ..] = <[u64; 4]>::from(hash(Tag::Challenge, &record));
    assert_eq!(c.halves(), [h0, h1]);
}

#[test]
fn signatures_walk_to_the_commitment() {
    for seed in 0..20 {
        let key = key(seed);
        let signature = key.sign(&transaction().elements());
        let c = challenge(signature.r, &key.public_key(), &transaction().elements());
        let walk = Walk::new(key.public_key().affine(), &signature.s, &c).expect("no exceptional case");
        let commitment = Point::decode(signature.r).expect("on the curve");
        assert_eq!(Some(walk.end()), commitment.add(&walk::end()).affine());
    }
}

#[test]
fn public_keys() {
    let key = key(1).public_key();
    let (x, y) = key.affine();
    assert_eq!(key.encoding() * x, y);
    assert_eq!(PublicKey::decode(key.encoding()), Ok(key));
    assert_eq!(PublicKey::from_point(&key.point()), Some(key));
    assert_eq!(key.point().encode(), key.encoding());
    let [none, owner] = [L1Owner::NONE, L1Owner::new([3; OWNER_BYTES])];
    for owner in [none, owner] {
        let record = [&key.encoding().0[..], &owner.elements()].concat();
        assert_eq!(key.address(owner), hash(Tag::Address, &record));
    }
    // Without an owner it is the hash of the key alone, as zeros fill it up.
    assert_eq!(key.address(none), hash(Tag::Address, &key.encoding().0));
    let secret = Scalar::from_bytes(&self::key(1).to_bytes()).expect("below n");
    assert_eq!(Point::mul_generator(&secret), key.point());

    assert_eq!(PublicKey::decode(Fp5::ZERO), Err(PublicKeyError::Neutral));
    let got = not_on_curve(1);
    assert_eq!(PublicKey::decode(got), Err(PublicKeyError::NotOnCurve { got }));
}

#[test]
fn public_keys_are_checked_when_read() {
    let key = key(1).public_key();
    let text = serde_json::to_string(&key).expect("serialises");
    assert_eq!(text, format!("\"{key}\""));
    assert_eq!(serde_json::from_str::<PublicKey>(&text).expect("reads back"), key);
    assert_eq!(key.to_string().parse(), Ok(key));
    let bytes = to_body(&key).expect("serialises");
    assert_eq!(bytes.len(), 40);
    assert_eq!(from_body::<PublicKey>(&bytes).expect("reads back"), key);

    let read = |words: [u64; 5]| {
        let text: String = words.iter().map(|word| format!("{word:016x}")).collect();
        let bytes = to_body(&words).expect("serialises");
        let in_json = serde_json::from_str::<PublicKey>(&format!("\"{text}\""));
        assert!(in_json.is_err() && from_body::<PublicKey>(&bytes).is_err());
        text.parse::<PublicKey>().expect_err("refused")
    };
    assert_eq!(read([0; 5]), PublicKeyError::Neutral);
    let got = not_on_curve(100);
    assert_eq!(read(got.to_u64s()), PublicKeyError::NotOnCurve { got });
    // 4 encodes the generator; 4 + p is the same element, but not canonical.
    assert!(PublicKey::decode(Fp5::from_u32(4)).is_ok());
    let error = Fp5Error::NotCanonical { index: 0, got: 4 + ORDER };
    assert_eq!(read([4 + ORDER, 0, 0, 0, 0]), PublicKeyError::Element(error));
}

#[test]
fn signatures_are_checked_when_read() {
    let signed = key(1).sign_transaction(transaction());
    let bytes = to_body(&signed.signature).expect("serialises");
    assert_eq!(bytes.len(), 80);
    assert_eq!(from_body::<Signature>(&bytes).expect("reads back"), signed.signature);
    let bytes = to_body(&signed).expect("serialises");
    assert_eq!(from_body::<SignedTransaction>(&bytes).expect("reads back"), signed);
    let text = serde_json::to_string(&signed).expect("serialises");
    assert_eq!(serde_json::from_str::<SignedTransaction>(&text).expect("reads back"), signed);

    let Signature { r, s } = signed.signature;
    let read = |r: [u64; 5], s: [u64; 5]| {
        let bytes = to_body(&(r, s)).expect("serialises");
        from_body::<Signature>(&bytes).map_err(|error| error.to_string())
    };
    assert_eq!(read(r.to_u64s(), s.to_words()), Ok(signed.signature));

    // s + n is another integer of the same scalar: it fits 320 bits, and is refused.
    assert_eq!(Scalar::from_words(order_words()), Err(ScalarError::NotReduced));
    let sum = add_words(s.to_words(), order_words());
    assert!(read(r.to_u64s(), sum).expect_err("refused").contains("group's order"));
    assert!(read(r.to_u64s(), order_words()).is_err());
    assert!(read([u64::MAX; 5], s.to_words()).expect_err("refused").contains("coefficient 0"));
}

/// n = (n - 1) + 1, least significant word first.
fn order_words() -> [u64; 5] {
    add_words((-Scalar::ONE).to_words(), [1, 0, 0, 0, 0])
}

fn add_words(a: [u64; 5], b: [u64; 5]) -> [u64; 5] {
    let mut carry = 0;
    std::array::from_fn(|i| {
        let sum = u128::from(a[i]) + u128::from(b[i]) + carry;
        carry = sum >> 64;
        sum as u64
    })
}

#[test]
fn secret_keys() {
    let key = key(1);
    let text: String = key.to_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    let read: SecretKey = text.parse().expect("a key");
    assert_eq!((read.to_bytes(), read.public_key()), (key.to_bytes(), key.public_key()));
    assert_eq!(key.address(), key.public_key().address(L1Owner::NONE));

    let shown = format!("{key:?}");
    assert!(shown.contains(&key.public_key().to_string()));
    assert!(!shown.contains(&text[..16]) && !shown.contains(&text[64..]), "{shown}");

    assert_eq!(SecretKey::from_bytes(&[0; 40]).map(drop), Err(SecretKeyError::Zero));
    let not_reduced = SecretKeyError::Scalar(ScalarError::NotReduced);
    assert_eq!(SecretKey::from_bytes(&[0xff; 40]).map(drop), Err(not_reduced));
    let error = "secret".parse::<SecretKey>().map(drop).expect_err("refused");
    assert_eq!(error, SecretKeyError::Scalar(ScalarError::NotHex { got: 6 }));
    assert!(!error.to_string().contains("secret"), "a refused secret is not shown");
    assert_ne!(self::key(1).to_bytes(), self::key(2).to_bytes());
}

/// Signatures must not change: a nonce that is derived otherwise would still verify.
#[test]
fn signatures_are_pinned() {
    let key = padding_key();
    let Signature { r, s } = key.sign(&transaction().elements());
    let got = [key.public_key().to_string(), key.address().to_string(), r.to_string(), s.to_string()];
    let expected = [
        "eecc7147a01c125bff31943890225e9fd5ffb50cddcc97bcb676196caabb173e235f0a0ba45ce054",
        "38ba21168a288c7cffc753815b9ddf0cdbd1cba6f490c9f2bcb51db858950afc",
        "4a34dfb10b7c46d5c5d7b73fd723094082d816c61373984a042823448335d6e5ae46a21d2187de3f",
        "167a9964a599cd20f888072e8b710bb31659007ef9c77a30c8719bf0436e7bc56b3a4361f2f1e551",
    ];
    assert_eq!(got, expected);
}
