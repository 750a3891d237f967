//! Keys, addresses and Schnorr signatures over EcGFp5.
//!
//! A signature of the key `K = k G` over a record is `(R, s)`: `R = r G` for a nonce r that only the
//! signer can derive, `c` the challenge from R, K and the signed record, `s = r - c k mod n`. It is valid
//! if `s G + c K = R`.

#[cfg(feature = "node")]
pub mod batch;

use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use rand_core::{CryptoRng, RngCore};
use serde::{Deserialize, Serialize};
use zeroize::{ZeroizeOnDrop, Zeroizing};

use crate::ecgfp5::scalar::{SCALAR_BYTES, SCALAR_WORDS};
use crate::ecgfp5::{Challenge, DEGREE, Fp5, Fp5Error, Point, Scalar, ScalarError};
use crate::field::{F, ZERO, from_u32};
use crate::hash::{Tag, hash};
use crate::leaf::Address;
use crate::owner::L1Owner;

/// Elements of a record that people sign; see [`crate::transaction`].
pub const RECORD_LEN: usize = 14;

/// A record that people sign.
pub type Record = [F; RECORD_LEN];

/// A record, whose key signed it.
pub trait Signed {
    /// What was signed.
    fn record(&self) -> Record;

    /// The signer's key.
    fn public_key(&self) -> &PublicKey;

    /// The signature.
    fn signature(&self) -> &Signature;
}

/// A public key: the encoding `w` of a group element that is not neutral. Text form: 80 hex digits, as
/// [`Fp5`]; binary form: five canonical `u64`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Fp5", into = "Fp5")]
pub struct PublicKey {
    w: Fp5,
    /// The point's first coordinate, which takes a square root to find.
    x: Fp5,
}

/// A field element or its text is not a public key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PublicKeyError {
    /// The text or numbers are not a field element.
    #[error(transparent)]
    Element(#[from] Fp5Error),
    /// The element encodes no point of the curve.
    #[error("expected the encoding of a point, got {got}")]
    NotOnCurve {
        /// The element.
        got: Fp5,
    },
    /// The element is 0, which encodes the neutral point.
    #[error("expected a key, got the neutral point")]
    Neutral,
}

impl PublicKey {
    /// The key with this encoding.
    ///
    /// # Errors
    /// If it encodes no point, or the neutral one.
    pub fn decode(w: Fp5) -> Result<Self, PublicKeyError> {
        let point = Point::decode(w).ok_or(PublicKeyError::NotOnCurve { got: w })?;
        Self::from_point(&point).ok_or(PublicKeyError::Neutral)
    }

    /// The key that this point is; `None` for the neutral one.
    pub fn from_point(point: &Point) -> Option<Self> {
        let (x, y) = point.affine()?;
        let w = y * x.inverse()?;
        Some(Self { w, x })
    }

    /// The encoding `w`.
    pub const fn encoding(&self) -> Fp5 {
        self.w
    }

    /// The affine coordinates `(x, y)`.
    pub fn affine(&self) -> (Fp5, Fp5) {
        (self.x, self.w * self.x)
    }

    /// The group element.
    pub fn point(&self) -> Point {
        Point::from_decoded(self.w, self.x)
    }

    /// The address of the key and an L1 owner: the hash of `w (5), owner (3)`, tag [`Tag::Address`].
    pub fn address(&self, owner: L1Owner) -> Address {
        hash(Tag::Address, &self.address_record(owner))
    }

    /// What the address is hashed from.
    pub(crate) fn address_record(&self, owner: L1Owner) -> [F; DEGREE + 3] {
        let mut record = [ZERO; DEGREE + 3];
        record[..DEGREE].copy_from_slice(&self.w.0);
        record[DEGREE..].copy_from_slice(&owner.elements());
        record
    }
}

impl TryFrom<Fp5> for PublicKey {
    type Error = PublicKeyError;
    fn try_from(w: Fp5) -> Result<Self, PublicKeyError> {
        Self::decode(w)
    }
}

impl From<PublicKey> for Fp5 {
    fn from(key: PublicKey) -> Self {
        key.w
    }
}

impl FromStr for PublicKey {
    type Err = PublicKeyError;
    fn from_str(text: &str) -> Result<Self, PublicKeyError> {
        Self::decode(text.parse()?)
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.w.fmt(f)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

/// A Schnorr signature. Text form: an object of two hex texts; binary form: 5 canonical `u64` of r, then
/// 5 of s. Reading checks that coefficients are below p and s below n, and [`verify`] all else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// The encoding of the commitment R.
    pub r: Fp5,
    /// The response.
    pub s: Scalar,
}

/// A signature is not valid for a record and a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The commitment is 0, which encodes the neutral point.
    #[error("expected a commitment, got the neutral point")]
    NeutralCommitment,
    /// The commitment encodes no point of the curve.
    #[error("expected a commitment that encodes a point, got {got}")]
    CommitmentNotOnCurve {
        /// The commitment.
        got: Fp5,
    },
    /// `s G + c K` is another point than R.
    #[error("expected the commitment {expected}, got {got}")]
    Mismatch {
        /// The encoding of `s G + c K`.
        expected: Fp5,
        /// The signature's commitment.
        got: Fp5,
    },
}

/// What the challenge is hashed from: `R (5), key (5), signed record (14)`.
fn challenge_record(commitment: Fp5, key: &PublicKey, record: &Record) -> [F; CHALLENGE_LEN] {
    let mut hashed = [ZERO; CHALLENGE_LEN];
    hashed[..DEGREE].copy_from_slice(&commitment.0);
    hashed[DEGREE..2 * DEGREE].copy_from_slice(&key.w.0);
    hashed[2 * DEGREE..].copy_from_slice(record);
    hashed
}

/// Elements of the record of a challenge.
const CHALLENGE_LEN: usize = 2 * DEGREE + RECORD_LEN;

/// The challenge that binds the encoded commitment, the key and the signed record: the first two
/// elements of the hash of `R (5), key (5), signed record (14)`, tag [`Tag::Challenge`].
pub fn challenge(commitment: Fp5, key: &PublicKey, record: &Record) -> Challenge {
    let [h0, h1, ..] = hash(Tag::Challenge, &challenge_record(commitment, key, record)).0;
    Challenge::new(h0, h1)
}

/// Checks a signature. (What the signed fields mean, and their ranges, the executor checks.)
///
/// # Errors
/// If it is not valid.
pub fn verify(key: &PublicKey, record: &Record, signature: &Signature) -> Result<(), SignatureError> {
    let got = signature.r;
    if got.is_zero() {
        return Err(SignatureError::NeutralCommitment);
    }
    let challenge = challenge(got, key, record);
    let expected = Point::mul_generator_add(&signature.s, &challenge, &key.point()).encode();
    // Equal encodings are equal points, so a commitment that passes is on the curve.
    if expected == got {
        Ok(())
    } else if Point::decode(got).is_none() {
        Err(SignatureError::CommitmentNotOnCurve { got })
    } else {
        Err(SignatureError::Mismatch { expected, got })
    }
}

/// A secret key: a scalar that is not 0, with its public key. `Debug` does not show the secret, and its memory is
/// overwritten when it is dropped. (What the processor and the compiler keep of it on the way, in registers and on the
/// stack, is not.)
#[derive(Clone)]
pub struct SecretKey {
    scalar: Zeroizing<Scalar>,
    public: PublicKey,
}

/// Bytes or text are not a secret key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretKeyError {
    /// Not an integer below the group's order.
    #[error(transparent)]
    Scalar(#[from] ScalarError),
    /// The secret is 0.
    #[error("expected a secret above 0, got 0")]
    Zero,
}

// Its only secret part is.
impl ZeroizeOnDrop for SecretKey {}

impl SecretKey {
    /// A uniform key.
    pub fn random<R: RngCore + CryptoRng>(rng: &mut R) -> Self {
        loop {
            let mut bytes = Zeroizing::new([0; SCALAR_BYTES]);
            rng.fill_bytes(&mut bytes[..]);
            // The order has 319 bits and is close below 2^319: nearly every draw is a key.
            bytes[0] &= 0x7f;
            if let Ok(key) = Self::from_bytes(&bytes) {
                return key;
            }
        }
    }

    /// The key whose secret has these bytes, most significant first.
    ///
    /// # Errors
    /// If it is 0 or not below the group's order.
    pub fn from_bytes(bytes: &[u8; SCALAR_BYTES]) -> Result<Self, SecretKeyError> {
        Self::from_scalar(Scalar::from_bytes(bytes)?)
    }

    fn from_scalar(scalar: Scalar) -> Result<Self, SecretKeyError> {
        let public = PublicKey::from_point(&Point::mul_generator(&scalar)).ok_or(SecretKeyError::Zero)?;
        Ok(Self { scalar: Zeroizing::new(scalar), public })
    }

    /// The secret's bytes, most significant first.
    pub fn to_bytes(&self) -> Zeroizing<[u8; SCALAR_BYTES]> {
        Zeroizing::new(self.scalar.to_bytes())
    }

    /// The public key.
    pub const fn public_key(&self) -> PublicKey {
        self.public
    }

    /// The address of the public key without an L1 owner.
    pub fn address(&self) -> Address {
        self.public.address(L1Owner::NONE)
    }

    /// Signs. The same record always gets the same signature.
    pub fn sign(&self, record: &Record) -> Signature {
        // Anyone who knows the nonce of a signature can compute the secret.
        let (nonce, commitment) = self.nonce(record);
        let challenge = challenge(commitment, &self.public, record);
        Signature { r: commitment, s: *nonce - challenge.scalar() * *self.scalar }
    }

    /// The nonce, and its encoded commitment. The nonce is eight elements, read in base p mod n: two hashes,
    /// tag [`Tag::Nonce`], of `counter, secret (10 parts of 32 bits, least significant first), signed
    /// record (14)`, counters 0 and 1. (Should the nonce be 0: 2 and 3, and so on.)
    fn nonce(&self, record: &Record) -> (Zeroizing<Scalar>, Fp5) {
        const PARTS: usize = 2 * SCALAR_WORDS;
        let mut hashed = [ZERO; 1 + PARTS + RECORD_LEN];
        for (parts, word) in hashed[1..].as_chunks_mut::<2>().0.iter_mut().zip(self.scalar.to_words()) {
            *parts = [from_u32(word as u32), from_u32((word >> 32) as u32)];
        }
        hashed[1 + PARTS..].copy_from_slice(record);
        let mut hash_with = |counter: u32| -> [F; 4] {
            hashed[0] = from_u32(counter);
            hash(Tag::Nonce, &hashed).0
        };
        let mut counter = 0;
        loop {
            let digits = [hash_with(counter), hash_with(counter + 1)];
            let nonce = Zeroizing::new(Scalar::from_elements(digits.as_flattened()));
            if !nonce.is_zero() {
                hashed.fill(ZERO);
                // So that the compiler does not leave that out.
                std::hint::black_box(&hashed);
                let commitment = Point::mul_generator(&nonce).encode();
                return (nonce, commitment);
            }
            counter += 2;
        }
    }
}

impl FromStr for SecretKey {
    type Err = SecretKeyError;
    /// Reads the secret as 80 hex digits.
    fn from_str(text: &str) -> Result<Self, SecretKeyError> {
        Self::from_scalar(text.parse()?)
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretKey").field("public", &self.public).finish_non_exhaustive()
    }
}

/// The secret of [`padding_key`]: 40 bytes of text.
const PADDING_SECRET: &[u8; SCALAR_BYTES] = b"The published secret of enfold's padding";

/// The key that signs padding legs. Its secret is published, so its address must hold nothing.
pub fn padding_key() -> &'static SecretKey {
    static KEY: LazyLock<SecretKey> =
        LazyLock::new(|| SecretKey::from_bytes(PADDING_SECRET).expect("a constant below the order"));
    &KEY
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroize;

    use super::*;

    /// Of a type that overwrites its memory when it is dropped; of no other does this compile.
    fn assert_zeroized<T: ZeroizeOnDrop>(_: &T) {}

    /// Memory that was given back is not looked at: that secrets are in types that overwrite it is for the compiler to say.
    #[test]
    fn secrets_are_in_types_that_are_overwritten() {
        let key = SecretKey::from_bytes(&[7; SCALAR_BYTES]).unwrap();
        assert_zeroized(&key);
        let SecretKey { scalar, public: _ } = &key;
        assert_zeroized(scalar);
        assert_zeroized(&key.clone().scalar);
        assert_zeroized(&key.to_bytes());
        assert_zeroized(&key.nonce(&[ZERO; RECORD_LEN]).0);
        // And what overwrites them leaves nothing.
        let mut scalar = **scalar;
        assert_ne!(scalar, Scalar::ZERO);
        scalar.zeroize();
        assert_eq!(scalar, Scalar::ZERO);
    }

    #[test]
    fn a_secret_is_not_shown() {
        let key = SecretKey::from_bytes(&[7; SCALAR_BYTES]).unwrap();
        let secret =
            [hex::encode(key.to_bytes()), format!("{:?}", *key.scalar), format!("{:?}", key.to_bytes())];
        for shown in [format!("{key:?}"), format!("{key:#?}"), format!("{:?}", Some(&key))] {
            assert!(shown.contains(&key.public_key().to_string()), "{shown}");
            for secret in &secret {
                let part = secret.trim_matches(|c: char| !c.is_ascii_alphanumeric());
                assert!(!shown.contains(part), "{shown}");
            }
            assert!(!shown.contains("0707"), "{shown}");
        }
    }
}
