//! Records of contracts and of their objects: what stands in the upper half of the state tree's shards, as leaves of
//! accounts stand in the lower.
//!
//! A record is its [kind](RecordKind) and 8, 16 or 24 elements. Its digest in the tree is the hash of the elements under the
//! kind's tag, so no record passes for one of another kind, nor for an account's leaf. The last element of each is
//! `time + 2^32 number`: the time and the number of the last block that changed it.
//!
//! A [`ContractRecord`] is always well formed: whoever makes one goes through the check of its kind, whether it comes from a
//! file, a store or a law. What depends on where it stands is [`ContractRecord::check_at`].
//!
//! Binary form: the tag as `u32`, then the elements as `u64`. JSON form: an object of the kind's name under `contract`, and a
//! number for each field.
//!
//! | to add | write |
//! |---|---|
//! | a kind | its line in the table below, a tag of its number in [`crate::hash`], and a module with its fields, its check and its money |

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, SerializeTuple, Serializer};

use crate::field::{F, ORDER, reduce};
use crate::hash::{Digest, Tag, hash};
use crate::leaf::{Asset, LeafIndex};
use crate::wide::Wide;

pub mod pool;

/// Most elements of a record.
pub const MAX_LEN: usize = 24;

/// What a record holds or issues, in an asset's smallest unit.
pub type Amount = (Asset, u64);

macro_rules! record_kinds {
    ($($(#[$doc:meta])* $kind:ident($module:ident) = $name:literal, $len:literal;)+) => {
        /// What a record is of. The number is that of its hash tag.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u32)]
        pub enum RecordKind {
            $($(#[$doc])* $kind = Tag::$kind as u32,)+
        }

        impl RecordKind {
            /// All kinds, by number.
            pub const ALL: &[Self] = &[$(Self::$kind),+];

            /// The tag that its records are hashed with.
            pub const fn tag(self) -> Tag {
                match self {
                    $(Self::$kind => Tag::$kind,)+
                }
            }

            /// The name in reports and JSON.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$kind => $name,)+
                }
            }

            /// How many elements a record of it has: 8, 16 or 24.
            #[allow(clippy::len_without_is_empty, reason = "it has at least eight")]
            pub const fn len(self) -> usize {
                match self {
                    $(Self::$kind => $len,)+
                }
            }

            /// The fields of a record of it, in their order.
            pub const fn fields(self) -> &'static [Field] {
                match self {
                    $(Self::$kind => $module::FIELDS,)+
                }
            }

            fn check(self, record: &ContractRecord) -> Result<(), RecordError> {
                match self {
                    $(Self::$kind => $module::check(record),)+
                }
            }

            fn check_at(self, record: &ContractRecord, number: u32) -> Result<(), RecordError> {
                match self {
                    $(Self::$kind => $module::check_at(record, number),)+
                }
            }

            fn holdings(self, record: &ContractRecord) -> Vec<Amount> {
                match self {
                    $(Self::$kind => $module::holdings(record),)+
                }
            }

            fn issued(self, record: &ContractRecord, number: u32) -> Option<Amount> {
                match self {
                    $(Self::$kind => $module::issued(record, number),)+
                }
            }
        }
    };
}

record_kinds! {
    /// Two assets, each of which can be bought with the other.
    Pool(pool) = "pool", 8;
}

impl RecordKind {
    /// Its number.
    pub const fn number(self) -> u32 {
        self as u32
    }

    /// The kind with this number.
    pub fn from_number(number: u32) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.number() == number)
    }

    /// The kind with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name)
    }

    /// All of them, for errors: `18 (pool)`.
    fn list() -> String {
        let all = Self::ALL.iter().map(|kind| format!("{} ({kind})", kind.number()));
        all.collect::<Vec<_>>().join(", ")
    }
}

impl fmt::Display for RecordKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A number in a record: some bits of an element, or all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name in reports and JSON.
    pub name: &'static str,
    /// The element that it is in.
    pub element: usize,
    /// Its lowest bit there.
    pub shift: u32,
    /// How many bits it has.
    pub bits: u32,
}

impl Field {
    /// A whole element.
    pub const fn whole(name: &'static str, element: usize) -> Self {
        Self { name, element, shift: 0, bits: u64::BITS }
    }

    /// Bits `shift` to `shift + bits` of an element.
    pub const fn part(name: &'static str, element: usize, shift: u32, bits: u32) -> Self {
        Self { name, element, shift, bits }
    }

    /// The greatest number that has room.
    const fn max(self) -> u64 {
        u64::MAX >> (u64::BITS - self.bits)
    }

    const fn get(self, element: u64) -> u64 {
        (element >> self.shift) & self.max()
    }
}

/// Elements that are no record, or a record that cannot stand where it is to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// No kind of records has the number.
    #[error("expected the tag of a contract's record, one of {}, got {got}", RecordKind::list())]
    Kind {
        /// The number.
        got: u32,
    },
    /// No kind of records has the name.
    #[error("expected the name of a contract, one of {}, got {got:?}", RecordKind::list())]
    Name {
        /// The name, its beginning if it is long.
        got: String,
    },
    /// A record of another length.
    #[error("{kind}: expected {} elements, got {got}", kind.len())]
    Len {
        /// The kind.
        kind: RecordKind,
        /// How many there are.
        got: usize,
    },
    /// An element that is not below the field's order.
    #[error("{kind}: expected element {element} below 2^64 - 2^32 + 1, got {got}")]
    NotCanonical {
        /// The kind.
        kind: RecordKind,
        /// The element's place.
        element: usize,
        /// What is there.
        got: u64,
    },
    /// Bits that no field has.
    #[error("{kind}: expected 0 in what is unused of element {element}, got {got}")]
    Unused {
        /// The kind.
        kind: RecordKind,
        /// The element's place.
        element: usize,
        /// The element without the bits of its fields.
        got: u64,
    },
    /// A number out of its range.
    #[error("{kind}: expected {field} {expected}, got {got}")]
    Range {
        /// The kind.
        kind: RecordKind,
        /// The field, or what is computed from fields.
        field: &'static str,
        /// What it may be.
        expected: String,
        /// What it is.
        got: u128,
    },
    /// A place where no record stands.
    #[error("{kind}: expected an index of 2^29 or above and below 2^30, where contracts are, got {got}")]
    Index {
        /// The kind.
        kind: RecordKind,
        /// The index.
        got: LeafIndex,
    },
}

/// A record of a contract or of one of its objects.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ContractRecord {
    kind: RecordKind,
    /// Canonical integers. In a box: most records are short, some long.
    elements: Box<[u64]>,
}

impl ContractRecord {
    /// The record of these elements, canonical integers.
    ///
    /// # Errors
    /// If they are not as many as the kind has, or one is out of its range.
    pub fn new(kind: RecordKind, elements: &[u64]) -> Result<Self, RecordError> {
        if elements.len() != kind.len() {
            return Err(RecordError::Len { kind, got: elements.len() });
        }
        if let Some((element, &got)) = elements.iter().enumerate().find(|&(_, &got)| got >= ORDER) {
            return Err(RecordError::NotCanonical { kind, element, got });
        }
        for (element, &value) in elements.iter().enumerate() {
            let fields = kind.fields().iter().filter(|field| field.element == element);
            let got = fields.fold(value, |rest, field| rest & !(field.max() << field.shift));
            if got != 0 {
                return Err(RecordError::Unused { kind, element, got });
            }
        }
        let record = Self { kind, elements: elements.into() };
        let (_, number) = record.touched();
        record.expect("number", number >> 31 == 0, "below 2^31", number)?;
        kind.check(&record)?;
        Ok(record)
    }

    /// The record with these numbers, one for each field of the kind, in their order.
    ///
    /// # Errors
    /// As [`Self::new`], or if a number has no room in its field.
    pub fn of_fields(kind: RecordKind, numbers: &[u64]) -> Result<Self, RecordError> {
        let fields = kind.fields();
        if numbers.len() != fields.len() {
            return Err(RecordError::Len { kind, got: numbers.len() });
        }
        let mut elements = vec![0; kind.len()];
        for (field, &number) in fields.iter().zip(numbers) {
            if number > field.max() {
                let (expected, got) = (format!("below 2^{}", field.bits), number.into());
                return Err(RecordError::Range { kind, field: field.name, expected, got });
            }
            elements[field.element] |= number << field.shift;
        }
        Self::new(kind, &elements)
    }

    /// What it is of.
    pub fn kind(&self) -> RecordKind {
        self.kind
    }

    /// The elements, as canonical integers.
    pub fn integers(&self) -> &[u64] {
        &self.elements
    }

    /// The elements that are hashed.
    pub fn elements(&self) -> Vec<F> {
        self.elements.iter().copied().map(reduce).collect()
    }

    /// The record's digest in the tree.
    pub fn digest(&self) -> Digest {
        hash(self.kind.tag(), &self.elements())
    }

    /// The number in a field of its kind.
    pub fn get(&self, field: Field) -> u64 {
        field.get(self.elements[field.element])
    }

    /// Its fields with their numbers, in their order.
    pub fn fields(&self) -> impl Iterator<Item = (Field, u64)> {
        self.kind.fields().iter().map(|&field| (field, self.get(field)))
    }

    /// Time and number of the last block that changed it; number 0 is genesis.
    pub fn touched(&self) -> (u32, u32) {
        let last = self.elements[self.elements.len() - 1];
        (last as u32, (last >> 32) as u32)
    }

    /// Checks that it can stand at this position of the tree.
    ///
    /// # Errors
    /// If the position is not one of contracts, or the record does not fit it, as a pool does not that deals in its own
    /// shares.
    pub fn check_at(&self, index: LeafIndex) -> Result<(), RecordError> {
        let kind = self.kind;
        let number = index.contract().ok_or(RecordError::Index { kind, got: index })?;
        kind.check_at(self, number)
    }

    /// What it holds: these amounts are in no account.
    pub fn holdings(&self) -> Vec<Amount> {
        self.kind.holdings(self)
    }

    /// What the contract with this number has issued to others: so much of the asset is in accounts and in holdings.
    pub fn issued(&self, number: u32) -> Option<Amount> {
        self.kind.issued(self, number)
    }

    /// An error unless a number is as expected.
    fn expect(
        &self,
        field: &'static str,
        fits: bool,
        expected: impl fmt::Display,
        got: impl Into<u128>,
    ) -> Result<(), RecordError> {
        if fits {
            return Ok(());
        }
        let expected = expected.to_string();
        Err(RecordError::Range { kind: self.kind, field, expected, got: got.into() })
    }
}

impl Serialize for ContractRecord {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            let mut map = serializer.serialize_map(Some(1 + self.kind.fields().len()))?;
            map.serialize_entry(CONTRACT, self.kind.name())?;
            for (field, number) in self.fields() {
                map.serialize_entry(field.name, &Wide(number))?;
            }
            return map.end();
        }
        let mut tuple = serializer.serialize_tuple(1 + self.elements.len())?;
        tuple.serialize_element(&self.kind.number())?;
        self.elements.iter().try_for_each(|element| tuple.serialize_element(element))?;
        tuple.end()
    }
}

/// The key of the kind's name in JSON.
const CONTRACT: &str = "contract";

impl<'de> Deserialize<'de> for ContractRecord {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            // A struct, so that a list in its place is refused; see `crate::json`.
            deserializer.deserialize_struct(CONTRACT, &[], Named)
        } else {
            deserializer.deserialize_tuple(1 + MAX_LEN, Numbered)
        }
    }
}

/// Reads the binary form.
struct Numbered;

impl<'de> Visitor<'de> for Numbered {
    type Value = ContractRecord;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("struct ContractRecord")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<ContractRecord, A::Error> {
        let end = |at: usize| A::Error::invalid_length(at, &self);
        let got: u32 = items.next_element()?.ok_or_else(|| end(0))?;
        let kind = RecordKind::from_number(got).ok_or(RecordError::Kind { got }).map_err(A::Error::custom)?;
        let mut elements = [0; MAX_LEN];
        let elements = &mut elements[..kind.len()];
        for (at, element) in elements.iter_mut().enumerate() {
            *element = items.next_element()?.ok_or_else(|| end(1 + at))?;
        }
        ContractRecord::new(kind, elements).map_err(A::Error::custom)
    }
}

/// Reads the JSON form.
struct Named;

impl<'de> Visitor<'de> for Named {
    type Value = ContractRecord;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("struct ContractRecord")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<ContractRecord, A::Error> {
        let mut kind = None;
        let mut numbers = BTreeMap::new();
        while let Some(key) = entries.next_key::<String>()? {
            let twice = if key == CONTRACT {
                let name: String = entries.next_value()?;
                let got = || RecordError::Name { got: name.chars().take(40).collect() };
                let named = RecordKind::from_name(&name).ok_or_else(got).map_err(A::Error::custom)?;
                kind.replace(named).is_some()
            } else if RecordKind::ALL.iter().any(|kind| field_of(*kind, &key).is_some()) {
                numbers.insert(key.clone(), entries.next_value::<Wide>()?.0).is_some()
            } else {
                return Err(A::Error::custom(format_args!("unknown field `{key}`")));
            };
            if twice {
                return Err(A::Error::custom(format_args!("duplicate field `{key}`")));
            }
        }
        let kind = kind.ok_or_else(|| A::Error::missing_field(CONTRACT))?;
        let missing = |field: &Field| A::Error::missing_field(field.name);
        let of = |field: &Field| numbers.remove(field.name).ok_or_else(|| missing(field));
        let ordered: Vec<u64> = kind.fields().iter().map(of).collect::<Result<_, _>>()?;
        if let Some(key) = numbers.keys().next() {
            return Err(A::Error::custom(format_args!("unknown field `{key}` of a {kind}")));
        }
        ContractRecord::of_fields(kind, &ordered).map_err(A::Error::custom)
    }
}

/// The field with this name.
fn field_of(kind: RecordKind, name: &str) -> Option<Field> {
    kind.fields().iter().copied().find(|field| field.name == name)
}
