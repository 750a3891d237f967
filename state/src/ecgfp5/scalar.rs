//! Integers mod n, n the (prime, 319-bit) order of the group.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::{Add, Mul, Neg, Sub};
use std::str::FromStr;

use crypto_bigint::modular::ConstMontyForm;
use crypto_bigint::{U320, const_monty_params};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroize;

use super::fp5::words_from_hex;
use crate::field::{F, ORDER, to_u64};

const_monty_params!(
    Order,
    U320,
    "7ffffffd800000077ffffff1000000167fffffe6cfb80639e8885c39d724a09ce80fd996948bffe1",
    "The group's order n."
);

type Residue = ConstMontyForm<Order, { U320::LIMBS }>;

/// Bytes of a scalar.
pub const SCALAR_BYTES: usize = 40;

/// 64-bit words of a scalar.
pub const SCALAR_WORDS: usize = SCALAR_BYTES / 8;

/// An integer mod n. Arithmetic takes the same time for all values. Text form: 80 hex digits, the
/// integer below n, big-endian; binary form: five `u64`, least significant first.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Scalar(Residue);

impl Zeroize for Scalar {
    fn zeroize(&mut self) {
        self.0.zeroize();
    }
}

/// Text or numbers were not an integer below n.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScalarError {
    /// Not 80 hex digits (an optional `0x` in front is allowed). The text may be a secret: it is not shown.
    #[error("expected 80 hex digits, got {got} bytes of text")]
    NotHex {
        /// Bytes of the text.
        got: usize,
    },
    /// The integer is not below the group's order n.
    #[error("expected an integer below the group's order n, got one that is not")]
    NotReduced,
}

impl Scalar {
    /// 0.
    pub const ZERO: Self = Self(Residue::ZERO);
    /// 1.
    pub const ONE: Self = Self(Residue::ONE);

    /// The scalar of a 64-bit integer.
    pub fn from_u64(integer: u64) -> Self {
        Self(Residue::new(&U320::from(integer)))
    }

    /// The integer with these words, least significant first.
    ///
    /// # Errors
    /// If it is not below n.
    pub fn from_words(words: [u64; SCALAR_WORDS]) -> Result<Self, ScalarError> {
        let integer = integer(words);
        if integer < *Residue::MODULUS {
            Ok(Self(Residue::new(&integer)))
        } else {
            Err(ScalarError::NotReduced)
        }
    }

    /// The words of the integer below n, least significant first.
    pub fn to_words(&self) -> [u64; SCALAR_WORDS] {
        words(&self.0.retrieve())
    }

    /// The integer with these bytes, most significant first.
    ///
    /// # Errors
    /// If it is not below n.
    pub fn from_bytes(bytes: &[u8; SCALAR_BYTES]) -> Result<Self, ScalarError> {
        let mut words = [0; SCALAR_WORDS];
        for (word, chunk) in words.iter_mut().rev().zip(bytes.as_chunks::<8>().0) {
            *word = u64::from_be_bytes(*chunk);
        }
        Self::from_words(words)
    }

    /// The bytes of the integer below n, most significant first.
    pub fn to_bytes(&self) -> [u8; SCALAR_BYTES] {
        let mut bytes = [0; SCALAR_BYTES];
        for (chunk, word) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(self.to_words().iter().rev()) {
            *chunk = word.to_be_bytes();
        }
        bytes
    }

    /// `elements`, read as the digits of an integer in base p, most significant first, and reduced mod n.
    /// Near uniform if the elements are uniform and there are seven or more of them.
    pub fn from_elements(elements: &[F]) -> Self {
        let base = Self::from_u64(ORDER);
        elements.iter().fold(Self::ZERO, |sum, &digit| sum * base + Self::from_u64(to_u64(digit)))
    }

    /// The odd one of the two integers s and s + n, below 2^320, least significant word first.
    pub fn odd_words(&self) -> [u64; SCALAR_WORDS] {
        let integer = self.0.retrieve();
        if bool::from(integer.is_odd()) {
            words(&integer)
        } else {
            words(&integer.wrapping_add(Residue::MODULUS.as_ref()))
        }
    }

    /// Whether this is 0.
    pub fn is_zero(&self) -> bool {
        *self == Self::ZERO
    }
}

fn integer(words: [u64; SCALAR_WORDS]) -> U320 {
    let mut bytes = [0; SCALAR_BYTES];
    for (chunk, word) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(words) {
        *chunk = word.to_le_bytes();
    }
    U320::from_le_slice(&bytes)
}

fn words(integer: &U320) -> [u64; SCALAR_WORDS] {
    let bytes = integer.to_le_bytes();
    let mut words = [0; SCALAR_WORDS];
    for (word, chunk) in words.iter_mut().zip(bytes.as_slice().as_chunks::<8>().0) {
        *word = u64::from_le_bytes(*chunk);
    }
    words
}

/// `count <= 64` bits of a number from bit `start` on; bits past its end are 0.
pub(super) fn window(words: &[u64; SCALAR_WORDS], start: usize, count: usize) -> u64 {
    let (index, shift) = (start / 64, start % 64);
    let low = words.get(index).map_or(0, |word| word >> shift);
    let high = words.get(index + 1).map_or(0, |word| if shift == 0 { 0 } else { word << (64 - shift) });
    (low | high) & (u64::MAX >> (64 - count))
}

impl Add for Scalar {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl Sub for Scalar {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl Mul for Scalar {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        Self(self.0 * other.0)
    }
}

impl Neg for Scalar {
    type Output = Self;
    fn neg(self) -> Self {
        Self(-self.0)
    }
}

impl Hash for Scalar {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.to_words().hash(state);
    }
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_words().iter().rev().try_for_each(|word| write!(f, "{word:016x}"))
    }
}

impl fmt::Debug for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scalar({self})")
    }
}

impl FromStr for Scalar {
    type Err = ScalarError;

    fn from_str(text: &str) -> Result<Self, ScalarError> {
        let mut words = words_from_hex(text).ok_or(ScalarError::NotHex { got: text.len() })?;
        words.reverse();
        Self::from_words(words)
    }
}

impl Serialize for Scalar {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            self.to_words().serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
        } else {
            Self::from_words(<[u64; SCALAR_WORDS]>::deserialize(deserializer)?)
                .map_err(serde::de::Error::custom)
        }
    }
}
