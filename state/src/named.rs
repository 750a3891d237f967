//! Values that are a name in JSON and a number in binary files.

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serializer};

/// Writes a value by its name or its number.
pub(crate) fn serialize<S: Serializer>(serializer: S, name: &str, number: u32) -> Result<S::Ok, S::Error> {
    if serializer.is_human_readable() {
        serializer.serialize_str(name)
    } else {
        serializer.serialize_u32(number)
    }
}

/// Reads the one of all values that has the name or the number. `what` says what is expected, with its article.
pub(crate) fn deserialize<'de, D: Deserializer<'de>, T: Copy>(
    deserializer: D,
    what: &str,
    all: &[T],
    name: impl Fn(T) -> &'static str,
    number: impl Fn(T) -> u32,
) -> Result<T, D::Error> {
    let mut all = all.iter().copied();
    if deserializer.is_human_readable() {
        let got = String::deserialize(deserializer)?;
        let known = all.find(|&value| name(value) == got);
        known.ok_or_else(|| D::Error::custom(format_args!("expected {what}, got {got:?}")))
    } else {
        let got = u32::deserialize(deserializer)?;
        let known = all.find(|&value| number(value) == got);
        known.ok_or_else(|| D::Error::custom(format_args!("expected the number of {what}, got {got}")))
    }
}
