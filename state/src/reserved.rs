//! Room in binary records for what is defined and not built yet, so that building it changes no layout: nothing may stand
//! in it. In JSON nothing shows.
//!
//! The modules are for `#[serde(with = "crate::reserved::...")]`, on the field in front.

use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Room of a form that is all zero: an empty list, or a number.
trait Room: Default + PartialEq + Serialize + DeserializeOwned {
    const EXPECTED: &'static str;
}

/// The length of a list: nothing is read of one that is longer.
impl Room for u64 {
    const EXPECTED: &'static str = "an empty list";
}

impl Room for u32 {
    const EXPECTED: &'static str = "0";
}

fn serialize<R: Room, T: Serialize, S: Serializer>(field: &T, serializer: S) -> Result<S::Ok, S::Error> {
    if serializer.is_human_readable() {
        field.serialize(serializer)
    } else {
        (field, R::default()).serialize(serializer)
    }
}

fn deserialize<'de, R: Room, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    if deserializer.is_human_readable() {
        return T::deserialize(deserializer);
    }
    let (field, room) = <(T, R)>::deserialize(deserializer)?;
    if room == R::default() {
        Ok(field)
    } else {
        Err(D::Error::custom(format_args!("expected {} in what is reserved", R::EXPECTED)))
    }
}

/// An empty list after the field.
pub mod list_after {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    /// Writes field and list.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<T: Serialize, S: Serializer>(field: &T, serializer: S) -> Result<S::Ok, S::Error> {
        super::serialize::<u64, _, _>(field, serializer)
    }

    /// Reads the field.
    ///
    /// # Errors
    /// If the field is malformed, or something is in the list.
    pub fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<T, D::Error> {
        super::deserialize::<u64, _, _>(deserializer)
    }
}

/// A `u32` of 0 after the field.
pub mod u32_after {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    /// Writes field and 0.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<T: Serialize, S: Serializer>(field: &T, serializer: S) -> Result<S::Ok, S::Error> {
        super::serialize::<u32, _, _>(field, serializer)
    }

    /// Reads the field.
    ///
    /// # Errors
    /// If the field is malformed, or the number is not 0.
    pub fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<T, D::Error> {
        super::deserialize::<u32, _, _>(deserializer)
    }
}
