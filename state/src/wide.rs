//! 64-bit numbers in JSON: many readers keep numbers as doubles, which are exact up to 2^53. What is greater is written
//! as a text of decimal digits; both forms are read. The binary form is a `u64`.
//!
//! For `#[serde(with = "crate::wide")]`.

use std::fmt;

use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The greatest number that is written as one.
pub const EXACT: u64 = 1 << 53;

/// Such a number where there is no field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Wide(#[serde(with = "crate::wide")] pub u64);

/// Writes the number.
///
/// # Errors
/// Those of the serializer.
pub fn serialize<S: Serializer>(number: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    if serializer.is_human_readable() && *number > EXACT {
        serializer.collect_str(number)
    } else {
        serializer.serialize_u64(*number)
    }
}

/// Reads the number.
///
/// # Errors
/// If it is not one below 2^64.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    if deserializer.is_human_readable() {
        deserializer.deserialize_any(Either)
    } else {
        u64::deserialize(deserializer)
    }
}

/// Reads decimal digits: no sign, no zeros in front, nothing else.
pub fn parse(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    (digits && (text == "0" || !text.starts_with('0'))).then(|| text.parse().ok()).flatten()
}

struct Either;

impl Visitor<'_> for Either {
    type Value = u64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number below 2^64, or its decimal digits as a text")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<u64, E> {
        Ok(number)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<u64, E> {
        parse(text).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_doubles_lose_are_texts() {
        for (number, text) in [
            (0, "0"),
            (EXACT, "9007199254740992"),
            (EXACT + 1, "\"9007199254740993\""),
            (u64::MAX, "\"18446744073709551615\""),
        ] {
            assert_eq!(serde_json::to_string(&Wide(number)).unwrap(), text);
            for form in [format!("{number}"), format!("\"{number}\"")] {
                assert_eq!(serde_json::from_str::<Wide>(&form).unwrap().0, number);
            }
        }
    }

    #[test]
    fn other_texts_are_no_numbers() {
        for text in
            ["", "-1", "+1", " 1", "1 ", "01", "00", "1e3", "0x1", "1.0", "18446744073709551616", "1_0"]
        {
            assert!(serde_json::from_str::<Wide>(&format!("{text:?}")).is_err(), "{text:?}");
        }
        for json in ["-1", "1.5", "1e3", "18446744073709551616", "null", "true", "[1]", "{}"] {
            assert!(serde_json::from_str::<Wide>(json).is_err(), "{json}");
        }
    }
}
