//! Owners on L1: the account that a leaf's funds can leave to without the operator's help.

use std::fmt;
use std::str::FromStr;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::field::{F, reduce, to_u64};
use crate::hash::without_0x;

/// Bytes of an account on L1.
pub const OWNER_BYTES: usize = 20;

/// Bits of the lower two elements of an owner; the third has what is left, 52.
const LIMB_BITS: u32 = 54;

/// An account on L1, or none: 20 bytes, all zero where there is none. Text form: 40 hex digits, an optional `0x` in
/// front; `null` in JSON for none.
///
/// It is hashed into the address of a key, so an address has one owner for ever. A leaf whose address has none has no
/// forced exit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct L1Owner([u8; OWNER_BYTES]);

/// A text is no owner.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OwnerError {
    /// Not 40 hex digits.
    #[error("expected 40 hex digits, got {got:?}")]
    NotHex {
        /// The text.
        got: String,
    },
    /// All zero: that stands for no owner, and is not written.
    #[error("expected an owner that is not zero, got zero")]
    Zero,
}

impl L1Owner {
    /// No owner.
    pub const NONE: Self = Self([0; OWNER_BYTES]);

    /// The account with these bytes.
    pub const fn new(bytes: [u8; OWNER_BYTES]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub const fn bytes(self) -> [u8; OWNER_BYTES] {
        self.0
    }

    /// Whether there is none.
    pub fn is_none(self) -> bool {
        self == Self::NONE
    }

    /// The elements that are hashed: of the integer `o` that the bytes are, most significant first,
    /// `o mod 2^54, (o >> 54) mod 2^54, o >> 108`.
    pub fn elements(self) -> [F; 3] {
        let mut wide = [0; 32];
        wide[32 - OWNER_BYTES..].copy_from_slice(&self.0);
        let [high, low] = *wide.as_chunks::<16>().0 else { unreachable!("32 bytes are two chunks") };
        let (high, low) = (u128::from_be_bytes(high), u128::from_be_bytes(low));
        let mask = (1 << LIMB_BITS) - 1;
        [low & mask, (low >> LIMB_BITS) & mask, low >> (2 * LIMB_BITS) | high << (128 - 2 * LIMB_BITS)]
            .map(|limb| reduce(limb as u64))
    }

    /// The owner with these elements; `None` if they have another form.
    pub fn from_elements(elements: [F; 3]) -> Option<Self> {
        let [a, b, c] = elements.map(|element| u128::from(to_u64(element)));
        let limb = |limb: u128| limb >> LIMB_BITS == 0;
        if !limb(a) || !limb(b) || c >> (8 * OWNER_BYTES as u32 - 2 * LIMB_BITS) != 0 {
            return None;
        }
        let low = a | b << LIMB_BITS | (c & 0xf_ffff) << (2 * LIMB_BITS);
        let high = (c >> (128 - 2 * LIMB_BITS)) as u32;
        let mut bytes = [0; OWNER_BYTES];
        bytes[..4].copy_from_slice(&high.to_be_bytes());
        bytes[4..].copy_from_slice(&low.to_be_bytes());
        Some(Self(bytes))
    }
}

impl fmt::Display for L1Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{}", hex::encode(self.0))
    }
}

impl FromStr for L1Owner {
    type Err = OwnerError;

    fn from_str(text: &str) -> Result<Self, OwnerError> {
        let mut bytes = [0; OWNER_BYTES];
        hex::decode_to_slice(without_0x(text), &mut bytes)
            .map_err(|_| OwnerError::NotHex { got: text.chars().take(80).collect() })?;
        if bytes == [0; OWNER_BYTES] { Err(OwnerError::Zero) } else { Ok(Self(bytes)) }
    }
}

impl Serialize for L1Owner {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            Some(*self).filter(|owner| !owner.is_none()).map(|owner| owner.to_string()).serialize(serializer)
        } else {
            self.0.serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for L1Owner {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            // Not as an option, which a record may leave out.
            deserializer.deserialize_any(Text)
        } else {
            Ok(Self(<[u8; OWNER_BYTES]>::deserialize(deserializer)?))
        }
    }
}

/// Reads the JSON form.
struct Text;

impl Visitor<'_> for Text {
    type Value = L1Owner;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("40 hex digits, or null")
    }

    fn visit_unit<E: Error>(self) -> Result<L1Owner, E> {
        Ok(L1Owner::NONE)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<L1Owner, E> {
        text.parse().map_err(E::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn elements_are_the_integer_in_parts() {
        let text = "0x0123456789abcdef0123456789abcdef01234567";
        let owner: L1Owner = text.parse().unwrap();
        assert_eq!(owner.to_string(), text);
        // 0x0123456789abcdef0123456789abcdef01234567, cut at bits 54 and 108.
        let parts = [0x2b_cdef_0123_4567, 0x37_bc04_8d15_9e26, 0x1234_5678_9abc];
        assert_eq!(owner.elements().map(to_u64), parts);
        assert_eq!(L1Owner::NONE.elements().map(to_u64), [0; 3]);
        let all = L1Owner::new([0xff; OWNER_BYTES]);
        assert_eq!(all.elements().map(to_u64), [(1 << 54) - 1, (1 << 54) - 1, (1 << 52) - 1]);
    }

    #[test]
    fn other_forms_are_refused() {
        for elements in [[1 << 54, 0, 0], [0, 1 << 54, 0], [0, 0, 1 << 52]] {
            assert_eq!(L1Owner::from_elements(elements.map(reduce)), None);
        }
        assert_eq!("0x00".parse::<L1Owner>(), Err(OwnerError::NotHex { got: "0x00".to_owned() }));
        assert_eq!("0".repeat(40).parse::<L1Owner>(), Err(OwnerError::Zero));
        assert_eq!(serde_json::to_string(&L1Owner::NONE).unwrap(), "null");
        assert_eq!(serde_json::from_str::<L1Owner>("null").unwrap(), L1Owner::NONE);
    }

    proptest! {
        #[test]
        fn forms_round_trip(bytes in any::<[u8; OWNER_BYTES]>()) {
            let owner = L1Owner::new(bytes);
            prop_assert_eq!(L1Owner::from_elements(owner.elements()), Some(owner));
            if !owner.is_none() {
                let json = serde_json::to_string(&owner).unwrap();
                prop_assert_eq!(serde_json::from_str::<L1Owner>(&json).unwrap(), owner);
            }
        }
    }
}
