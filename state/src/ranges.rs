//! Ranges of the numbers in records: what is out of range is refused where a record is read.
//!
//! The modules are for `#[serde(with = "crate::ranges::...")]`.

use std::fmt;

use serde::de::Error;

use crate::leaf::ACCOUNT_SHARDS;

/// Numbers of chains, in words.
pub(crate) const CHAIN_IDS: &str = "a chain id of 1 to 2^63 - 1";

/// Times, in words.
pub(crate) const TIMES: &str = "a time of at least 1";

/// Whether it can be a chain's number: 1 to `2^63 - 1`, so that it is an element of its own.
pub const fn is_chain_id(id: u64) -> bool {
    id != 0 && id >> 63 == 0
}

/// Whether new accounts can be spread over so many shards: a power of two up to 32.
pub const fn is_shards(shards: u32) -> bool {
    shards.is_power_of_two() && shards as usize <= ACCOUNT_SHARDS
}

/// The number if it is in its range.
fn in_range<T: Copy + fmt::Display, E: Error>(got: T, fits: bool, expected: &str) -> Result<T, E> {
    if fits { Ok(got) } else { Err(E::custom(format_args!("expected {expected}, got {got}"))) }
}

/// A chain's number.
pub mod chain_id {
    use serde::Deserializer;

    pub use crate::wide::serialize;

    /// Reads the number.
    ///
    /// # Errors
    /// If it is not of 1 to `2^63 - 1`.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        let got = crate::wide::deserialize(deserializer)?;
        super::in_range(got, super::is_chain_id(got), super::CHAIN_IDS)
    }
}

/// How many shards new accounts are spread over.
pub mod shards {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    /// Writes the number.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(shards: &u32, serializer: S) -> Result<S::Ok, S::Error> {
        shards.serialize(serializer)
    }

    /// Reads the number.
    ///
    /// # Errors
    /// If it is no power of two up to 32.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
        let got = u32::deserialize(deserializer)?;
        super::in_range(got, super::is_shards(got), "1, 2, 4, 8, 16 or 32 shards")
    }
}

/// A second since 1970, other than 0: a chain's first, or the last one of a receipt's transaction.
pub mod time {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    /// Writes the number.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(time: &u32, serializer: S) -> Result<S::Ok, S::Error> {
        time.serialize(serializer)
    }

    /// Reads the number.
    ///
    /// # Errors
    /// If it is 0.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
        let got = u32::deserialize(deserializer)?;
        super::in_range(got, got != 0, super::TIMES)
    }
}
