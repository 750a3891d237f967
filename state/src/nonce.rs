//! Nonces: what lets a leaf be debited by a signature once.

use std::fmt;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A transaction's place among those of its leaf: a number and one of two keys, whose numbers count apart. Whoever signs
/// from two places uses a key for each.
///
/// It is `n + 2^32 k`, below `2^33`, in all forms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Nonce(u64);

impl Nonce {
    /// The nonce with this number and key, 0 or 1.
    pub const fn new(number: u32, key: NonceKey) -> Self {
        Self(number as u64 | (key as u64) << 32)
    }

    /// The nonce with this form; `None` if it is not below `2^33`.
    pub const fn from_u64(form: u64) -> Option<Self> {
        if form >> 33 == 0 { Some(Self(form)) } else { None }
    }

    /// Its form.
    pub const fn to_u64(self) -> u64 {
        self.0
    }

    /// How many transactions of its key came before.
    pub const fn number(self) -> u32 {
        self.0 as u32
    }

    /// Its key.
    pub const fn key(self) -> NonceKey {
        if self.0 >> 32 == 0 { NonceKey::First } else { NonceKey::Second }
    }
}

impl fmt::Display for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.key() {
            NonceKey::First => write!(f, "{}", self.number()),
            NonceKey::Second => write!(f, "{} of key 1", self.number()),
        }
    }
}

impl Serialize for Nonce {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Nonce {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let got = u64::deserialize(deserializer)?;
        Self::from_u64(got)
            .ok_or_else(|| D::Error::custom(format_args!("expected a nonce below 2^33, got {got}")))
    }
}

/// Which of a leaf's two nonces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
#[repr(u8)]
pub enum NonceKey {
    /// Key 0.
    #[default]
    First = 0,
    /// Key 1.
    Second = 1,
}

impl NonceKey {
    /// Both.
    pub const ALL: [Self; 2] = [Self::First, Self::Second];
}

impl From<NonceKey> for u8 {
    fn from(key: NonceKey) -> Self {
        key as Self
    }
}

/// A number is no nonce key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected nonce key 0 or 1, got {got}")]
pub struct UnknownNonceKey {
    /// The number.
    pub got: u8,
}

impl TryFrom<u8> for NonceKey {
    type Error = UnknownNonceKey;

    fn try_from(got: u8) -> Result<Self, UnknownNonceKey> {
        Self::ALL.get(usize::from(got)).copied().ok_or(UnknownNonceKey { got })
    }
}
