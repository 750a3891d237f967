//! The table of batch kinds.
//!
//! A block's work is split into legs. The kind of a leg says in which phase it runs, what it is given, which messages it
//! emits and consumes, and by which rule its leaf changes. A kind has two circuits or more, which differ in their shape
//! alone: a wide one opens many leaves, most of them for one leg each; a deep one opens few leaves, each for many legs.
//!
//! Circuits come in [families](FamilyId). All batch circuits of a family look alike to a verifier, so one lift circuit
//! takes the proofs of all of them.
//!
//! | to add | write |
//! |---|---|
//! | a kind | its line in [`for_each_kind!`](crate::for_each_kind), an implementation of [`Legs`](crate::legs::Legs), a twin and a circuit (`docs/contracts.md`) |
//! | an op | its line in the table of [`crate::message`] |
//!
//! A kind that lacks a part does not compile. For an op the compiler does not say what is missing: the circuits of the kinds
//! that emit and consume it.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Index, IndexMut};

use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::ser::SerializeStruct;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::chain::Phase;
use crate::named;

/// Calls a macro with all kinds. The order is that of the lift circuits' lists of keys: kinds are only appended.
///
/// A line is a kind, the module of its parts in each crate, its number, its phase, and its circuits with their names and
/// families.
#[macro_export]
macro_rules! for_each_kind {
    ($callback:ident) => {
        $crate::with_toy! { $callback
            /// Senders' legs: signed transactions.
            Debit(debit) = 2, Debit,
                /// Debits of many leaves, one leg a path.
                DebitWide("debit_wide", Large)
                /// Debits of few leaves, many legs a path.
                DebitDeep("debit_deep", Large)
                /// A few debits, one leg a path.
                DebitSmall("debit_small", Small);
            /// Receivers' legs: one message each.
            Credit(credit) = 4, Credit,
                /// Credits of many leaves, one message a path, and of some with more: collectors of fees, hot receivers.
                CreditWide("credit_wide", Large)
                /// Credits of few leaves, many messages a path.
                CreditDeep("credit_deep", Large)
                /// A few credits, one message a path, and of some leaves with more.
                CreditSmall("credit_small", Small);
        }
    };
}

/// The table as it is.
#[cfg(not(feature = "toy"))]
#[doc(hidden)]
#[macro_export]
macro_rules! with_toy {
    ($callback:ident $($table:tt)*) => {
        $callback! { $($table)* }
    };
}

/// The table and the contract for tests.
#[cfg(feature = "toy")]
#[doc(hidden)]
#[macro_export]
macro_rules! with_toy {
    ($callback:ident $($table:tt)*) => {
        $callback! {
            $($table)*
            /// The relay's legs: one message each.
            Relay(relay) = 17, Contract,
                /// Relays of many leaves, one leg a path.
                RelayWide("relay_wide", Large)
                /// Relays of few leaves, many legs a path.
                RelayDeep("relay_deep", Large);
        }
    };
}

macro_rules! enums {
    ($($(#[$doc:meta])* $kind:ident($module:ident) = $number:literal, $phase:ident,
        $($(#[$circuit_doc:meta])* $circuit:ident($name:literal, $family:ident))+;)+) => {
        /// A kind of legs, and of the batches that hold them. In JSON it is its name, in binary files its number.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum KindId {
            $($(#[$doc])* $kind,)+
        }

        impl KindId {
            /// All kinds, in the order of the table.
            pub const ALL: [Self; [$(stringify!($kind)),+].len()] = [$(Self::$kind),+];

            /// The number that the protocol gives it.
            pub const fn number(self) -> u8 {
                match self {
                    $(Self::$kind => $number,)+
                }
            }

            /// The name in reports.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$kind => stringify!($module),)+
                }
            }

            /// The phase that its legs run in.
            pub const fn phase(self) -> Phase {
                match self {
                    $(Self::$kind => Phase::$phase,)+
                }
            }

            /// Its circuits. Of those of a [family](Self::of_family) the first is wide and the last, if there are two, is deep.
            pub const fn circuits(self) -> &'static [BatchId] {
                match self {
                    $(Self::$kind => &[$(BatchId::$circuit),+],)+
                }
            }
        }

        /// A batch circuit.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum BatchId {
            $($($(#[$circuit_doc])* $circuit,)+)+
        }

        impl BatchId {
            /// All batch circuits. Those of a family are in the order of its lift circuit's list of keys.
            pub const ALL: [Self; [$($(stringify!($circuit)),+),+].len()] = [$($(Self::$circuit),+),+];

            /// The name in reports.
            pub const fn name(self) -> &'static str {
                match self {
                    $($(Self::$circuit => $name,)+)+
                }
            }

            /// The kind of its legs.
            pub const fn kind(self) -> KindId {
                match self {
                    $($(Self::$circuit)|+ => KindId::$kind,)+
                }
            }

            /// The family that it belongs to.
            pub const fn family(self) -> FamilyId {
                match self {
                    $($(Self::$circuit => FamilyId::$family,)+)+
                }
            }
        }
    };
}

for_each_kind!(enums);

/// A family of batch circuits: those of one size and one set of gates, whose proofs one lift circuit takes. A lift proof
/// stands for batches of one family; fold and block take lift proofs of all families.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FamilyId {
    /// Circuits for throughput.
    Large,
    /// Circuits for blocks that would leave a large one nearly empty.
    Small,
}

impl FamilyId {
    /// All families.
    pub const ALL: [Self; 2] = [Self::Large, Self::Small];

    /// The family in which blocks are planned, before batches are given up for those of others. Every kind has circuits of it.
    pub const FIRST: Self = Self::ALL[0];

    /// The name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Large => "large",
            Self::Small => "small",
        }
    }

    /// The name of its lift circuit.
    pub const fn lift(self) -> &'static str {
        match self {
            Self::Large => "lift",
            Self::Small => "lift_small",
        }
    }

    /// Its batch circuits, in the order of its lift circuit's list of keys.
    pub fn batches(self) -> impl Iterator<Item = BatchId> {
        BatchId::ALL.into_iter().filter(move |batch| batch.family() == self)
    }
}

impl fmt::Display for FamilyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The batch circuits by their numbers in binary files: lines are only appended.
const NUMBERED: [BatchId; BatchId::ALL.len()] = [
    BatchId::DebitWide,
    BatchId::DebitDeep,
    BatchId::CreditWide,
    BatchId::CreditDeep,
    BatchId::DebitSmall,
    BatchId::CreditSmall,
    #[cfg(feature = "toy")]
    BatchId::RelayWide,
    #[cfg(feature = "toy")]
    BatchId::RelayDeep,
];

/// In JSON it is its name, in binary files its number.
impl Serialize for BatchId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        named::serialize(serializer, self.name(), self.number())
    }
}

impl<'de> Deserialize<'de> for BatchId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        named::deserialize(deserializer, "a batch circuit", &Self::ALL, Self::name, Self::number)
    }
}

impl BatchId {
    /// Its number in binary files.
    fn number(self) -> u32 {
        let number = (0..).zip(NUMBERED).find(|&(_, batch)| batch == self);
        number.expect("every circuit has a number").0
    }

    /// Its place in the list of keys of its family's lift circuit.
    pub fn place(self) -> usize {
        self.family().batches().take_while(|&batch| batch != self).count()
    }
}

impl KindId {
    /// Its circuits of one family. There need not be any.
    pub fn of_family(self, family: FamilyId) -> impl DoubleEndedIterator<Item = BatchId> {
        self.circuits().iter().copied().filter(move |batch| batch.family() == family)
    }

    /// All kinds in the order of their phases: that in which a block runs them. (The table's order is only appended to.)
    pub fn in_order() -> [Self; Self::ALL.len()] {
        let mut kinds = Self::ALL;
        kinds.sort_by_key(|kind| kind.phase());
        kinds
    }
}

impl Serialize for KindId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        named::serialize(serializer, self.name(), self.number().into())
    }
}

impl<'de> Deserialize<'de> for KindId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        named::deserialize(deserializer, "a kind", &Self::ALL, Self::name, |kind| kind.number().into())
    }
}

impl fmt::Display for KindId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

macro_rules! per {
    ($(#[$doc:meta])* $name:ident, $key:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
        pub struct $name<T>([T; $key::ALL.len()]);

        impl<T> $name<T> {
            /// The value that a function gives for each, in the order of the table.
            pub fn from_fn(mut value: impl FnMut($key) -> T) -> Self {
                Self($key::ALL.map(|key| value(key)))
            }

            /// The values in the order of the table.
            pub const fn new(values: [T; $key::ALL.len()]) -> Self {
                Self(values)
            }

            /// The value of one; [`Index`] for constants.
            pub const fn of(&self, key: $key) -> &T {
                &self.0[key as usize]
            }

            /// The values with their keys, in the order of the table.
            pub fn iter(&self) -> impl Iterator<Item = ($key, &T)> {
                $key::ALL.into_iter().zip(&self.0)
            }

            /// The values, in the order of the table.
            pub const fn values(&self) -> &[T; $key::ALL.len()] {
                &self.0
            }

            /// The values, to be changed.
            pub const fn values_mut(&mut self) -> &mut [T; $key::ALL.len()] {
                &mut self.0
            }

            /// What a function makes of each value.
            pub fn map<U>(self, mut value: impl FnMut($key, T) -> U) -> $name<U> {
                let mut keys = $key::ALL.into_iter();
                $name(self.0.map(|own| value(keys.next().expect("as many keys as values"), own)))
            }
        }

        /// A record with a field for each, by name.
        impl<T: Serialize> Serialize for $name<T> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut record = serializer.serialize_struct(stringify!($name), $key::ALL.len())?;
                self.iter().try_for_each(|(key, value)| record.serialize_field(key.name(), value))?;
                record.end()
            }
        }

        impl<'de, T: Deserialize<'de>> Deserialize<'de> for $name<T> {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                const NAMES: [&str; $key::ALL.len()] = {
                    let mut names = [""; $key::ALL.len()];
                    let mut at = 0;
                    while at < names.len() {
                        names[at] = $key::ALL[at].name();
                        at += 1;
                    }
                    names
                };
                let mut values = deserializer.deserialize_struct(stringify!($name), &NAMES, Values(&NAMES, PhantomData))?;
                values.sort_by_key(|&(at, _)| at);
                let mut values = values.into_iter().map(|(_, value)| value);
                Ok(Self(std::array::from_fn(|_| values.next().expect("a value for each name"))))
            }
        }

        impl<T> Index<$key> for $name<T> {
            type Output = T;

            fn index(&self, key: $key) -> &T {
                &self.0[key as usize]
            }
        }

        impl<T> IndexMut<$key> for $name<T> {
            fn index_mut(&mut self, key: $key) -> &mut T {
                &mut self.0[key as usize]
            }
        }
    };
}

/// Reads a record of these fields: each once, with its number.
struct Values<T>(&'static [&'static str], PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Values<T> {
    type Value = Vec<(usize, T)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a record of {}", self.0.join(", "))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Self::Value, A::Error> {
        let value = |at| Ok((at, values.next_element()?.ok_or_else(|| A::Error::invalid_length(at, &self))?));
        (0..self.0.len()).map(value).collect()
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Self::Value, A::Error> {
        let mut values: Vec<(usize, T)> = Vec::with_capacity(self.0.len());
        while let Some(name) = fields.next_key::<String>()? {
            let at = self.0.iter().position(|&known| known == name);
            let at = at.ok_or_else(|| A::Error::unknown_field(&name, self.0))?;
            if values.iter().any(|&(other, _)| other == at) {
                return Err(A::Error::duplicate_field(self.0[at]));
            }
            values.push((at, fields.next_value()?));
        }
        match (0..self.0.len()).find(|at| values.iter().all(|(other, _)| other != at)) {
            Some(missing) => Err(A::Error::missing_field(self.0[missing])),
            None => Ok(values),
        }
    }
}

per! {
    /// A value for each kind.
    PerKind, KindId
}
per! {
    /// A value for each batch circuit.
    PerBatch, BatchId
}
per! {
    /// A value for each family of batch circuits.
    PerFamily, FamilyId
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_fit_together() {
        let circuits: Vec<_> = KindId::ALL.iter().flat_map(|kind| kind.circuits()).copied().collect();
        assert_eq!(circuits, BatchId::ALL, "circuits stand by kind");
        for (at, batch) in BatchId::ALL.into_iter().enumerate() {
            assert_eq!(batch as usize, at);
            assert!(batch.kind().circuits().contains(&batch));
        }
        for family in FamilyId::ALL {
            assert!(family.batches().enumerate().all(|(place, batch)| batch.place() == place));
            let kinds: Vec<_> = KindId::ALL.iter().flat_map(|kind| kind.of_family(family)).collect();
            assert_eq!(kinds, family.batches().collect::<Vec<_>>());
        }
        assert!(KindId::in_order().is_sorted_by_key(|kind| kind.phase()));
        for kind in KindId::ALL {
            assert!(kind.of_family(FamilyId::Large).count() >= 2, "one that is wide, one that is deep");
            assert!(KindId::ALL.iter().filter(|other| other.number() == kind.number()).count() == 1);
        }
    }

    #[test]
    fn every_circuit_has_a_number() {
        for batch in BatchId::ALL {
            assert_eq!(NUMBERED.iter().filter(|&&numbered| numbered == batch).count(), 1, "{}", batch.name());
            let text = serde_json::to_string(&batch).unwrap();
            assert_eq!(text, format!("{:?}", batch.name()));
            assert_eq!(serde_json::from_str::<BatchId>(&text).unwrap(), batch);
            let bytes = bincode::serialize(&batch).unwrap();
            assert_eq!(bytes, batch.number().to_le_bytes());
            assert_eq!(bincode::deserialize::<BatchId>(&bytes).unwrap(), batch);
        }
        // What files have cannot change.
        let names = NUMBERED.map(BatchId::name);
        let fixed = ["debit_wide", "debit_deep", "credit_wide", "credit_deep", "debit_small", "credit_small"];
        assert!(names.starts_with(&fixed), "{names:?}");
        assert!(bincode::deserialize::<BatchId>(&(NUMBERED.len() as u32).to_le_bytes()).is_err());
    }

    #[test]
    fn values_are_a_record_of_their_names() {
        let numbers = PerKind::from_fn(KindId::number);
        let text = serde_json::to_string(&numbers).unwrap();
        assert_eq!(text, r#"{"debit":2,"credit":4}"#);
        let read = |text: &str| serde_json::from_str::<PerKind<u8>>(text).map_err(|error| error.to_string());
        assert_eq!(read(&text), Ok(numbers));
        assert_eq!(read(r#"{"credit":4,"debit":2}"#), Ok(numbers));
        for (wrong, what) in [
            (r#"{"debit":2}"#, "missing field `credit`"),
            (r#"{"debit":2,"debit":2}"#, "duplicate field `debit`"),
            (r#"{"debit":2,"other":2}"#, "unknown field `other`"),
        ] {
            assert!(read(wrong).unwrap_err().starts_with(what), "{wrong}");
        }
    }

    #[test]
    fn values_stand_at_their_keys() {
        let mut numbers = PerKind::from_fn(KindId::number);
        assert!(numbers.iter().all(|(kind, &number)| number == kind.number()));
        numbers[KindId::Credit] = 9;
        assert_eq!((numbers[KindId::Debit], *numbers.of(KindId::Credit)), (2, 9));
        assert_eq!(numbers.map(|kind, number| (kind, number))[KindId::Credit], (KindId::Credit, 9));
    }
}
