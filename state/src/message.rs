//! Messages: what one leg emits and another consumes. The table of their ops is [`Op`].

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::field::{F, ZERO, from_canonical, from_u32, reduce, to_u64};
use crate::hash::RATE;
use crate::kind::KindId;
use crate::leaf::{AMOUNT_LIMIT, Address, Asset, LeafIndex, TREE_DEPTH};
use crate::named;
use crate::nonce::NonceKey;

macro_rules! ops {
    ($($(#[$doc:meta])* $op:ident($name:literal) = $number:literal, $emitter:ident => $consumer:ident
        $(, $signed:ident)?;)+) => {
        /// What a message or a transaction does.
        ///
        /// | op | number | emitted by | consumed by | |
        /// |---|---|---|---|---|
        $(#[doc = concat!(
            "| `", stringify!($op), "` | ", $number, " | ", stringify!($emitter), " | ", stringify!($consumer), " | ",
            $(stringify!($signed),)? " |"
        )])+
        ///
        /// In JSON it is its name, in binary files its number.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Op {
            $($(#[$doc])* $op = $number,)+
        }

        impl Op {
            /// All ops, by number.
            pub const ALL: [Self; [$($number),+].len()] = [$(Self::$op),+];

            /// The name in reports.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$op => $name,)+
                }
            }

            /// The kind of the legs that emit it.
            pub const fn emitter(self) -> KindId {
                match self {
                    $(Self::$op => KindId::$emitter,)+
                }
            }

            /// The kind of the legs that consume it.
            pub const fn consumer(self) -> KindId {
                match self {
                    $(Self::$op => KindId::$consumer,)+
                }
            }

            /// Whether people sign transactions with it. Such a message is the first of its debit leg, and counts the
            /// sender's nonce.
            pub const fn is_signed(self) -> bool {
                match self {
                    $(Self::$op => ops!(@signed $($signed)?),)+
                }
            }
        }
    };
    (@signed signed) => { true };
    (@signed) => { false };
}

#[cfg(not(feature = "toy"))]
macro_rules! with_toy {
    ($($table:tt)*) => {
        ops! { $($table)* }
    };
}

#[cfg(feature = "toy")]
macro_rules! with_toy {
    ($($table:tt)*) => {
        ops! {
            $($table)*
            /// An amount that the relay is to pass on.
            Put("put") = 240, Debit => Relay, signed;
            /// What the relay passes on.
            Payout("payout") = 241, Relay => Credit;
        }
    };
}

with_toy! {
    /// A payment, from a sender's leaf to a receiver's.
    Transfer("transfer") = 1, Debit => Credit, signed;
    /// The fee of a transaction, from the sender's leaf to the collector's.
    Fee("fee") = 2, Debit => Credit;
}

impl Op {
    /// The op with this number.
    pub fn from_number(number: u64) -> Option<Self> {
        Self::ALL.into_iter().find(|&op| op as u64 == number)
    }

    /// The ops that legs of this kind emit, in the order of the table.
    pub fn emitted_by(kind: KindId) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(move |op| op.emitter() == kind)
    }

    /// The ops that legs of this kind consume, in the order of the table.
    pub fn consumed_by(kind: KindId) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(move |op| op.consumer() == kind)
    }

    /// The ops that people sign, in the order of the table.
    pub fn signed() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|op| op.is_signed())
    }

    /// The op's field element.
    pub const fn element(self) -> F {
        from_u32(self as u32)
    }
}

impl Serialize for Op {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        named::serialize(serializer, self.name(), *self as u32)
    }
}

impl<'de> Deserialize<'de> for Op {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        named::deserialize(deserializer, "an op", &Self::ALL, Self::name, |op| op as u32)
    }
}

impl KindId {
    /// Whether its legs emit messages.
    pub fn emits(self) -> bool {
        Op::emitted_by(self).next().is_some()
    }

    /// Whether its legs consume messages.
    pub fn consumes(self) -> bool {
        Op::consumed_by(self).next().is_some()
    }
}

/// A message, packed into 8 elements: `[head, route, amount, memo, to_address (4)]` with
/// `head = op + 2^8 asset + 2^40 kind` (8, 32 and 22 bits; the kind of a payment's messages is 0) and
/// `route = from + 2^30 key + 2^32 to` (30 bits, a bit, 30 bits).
///
/// In JSON it is a record of its parts, in binary files its elements as eight canonical `u64`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Message {
    /// What it does.
    pub op: Op,
    /// The asset that moves.
    pub asset: Asset,
    /// The leaf that was debited, or the contract's that pays out.
    pub from: LeafIndex,
    /// Which of the leaf's nonces the debit counts; the first where it counts none.
    pub nonce_key: NonceKey,
    /// The leaf whose leg consumes it: a receiver's, existing or newly assigned by the executor, or that of the contract that
    /// is called.
    pub to: LeafIndex,
    /// How much, in the asset's smallest unit, 1 to `2^62 - 1`.
    pub amount: u64,
    /// The sender's memo (canonical element); 0 in a fee message.
    pub memo: u64,
    /// Whom it pays: owner of the leaf to be credited, by this message or by what a contract makes of it.
    pub to_address: Address,
}

/// Eight elements were not a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// No op has the number.
    #[error("expected a known op, got {got}")]
    UnknownOp {
        /// The number.
        got: u64,
    },
    /// The kind that is packed above the asset is not the op's.
    #[error("expected kind 0, got {got}")]
    Kind {
        /// The number.
        got: u64,
    },
    /// A nonce key where no nonce is counted.
    #[error("expected a message without a nonce key, got one with key 1")]
    NonceKey,
    /// A leaf index is not below `2^30`.
    #[error("expected a leaf index below 2^30, got {got}")]
    IndexRange {
        /// The number.
        got: u64,
    },
    /// The amount is 0 or not below `2^62`.
    #[error("expected an amount of 1 to 2^62 - 1, got {got}")]
    AmountRange {
        /// The number.
        got: u64,
    },
    /// The memo is not below the field's order.
    #[error("expected a memo below 2^64 - 2^32 + 1, got {got}")]
    MemoRange {
        /// The number.
        got: u64,
    },
}

impl Message {
    /// Elements of a packed message.
    pub const LEN: usize = RATE;

    /// The packed form.
    pub fn elements(&self) -> [F; Self::LEN] {
        let [a0, a1, a2, a3] = self.to_address.0;
        [
            reduce(self.op as u64 + (u64::from(self.asset) << 8)),
            reduce(u64::from(self.from.0) + ((self.nonce_key as u64) << 30) + (u64::from(self.to.0) << 32)),
            reduce(self.amount),
            reduce(self.memo),
            a0,
            a1,
            a2,
            a3,
        ]
    }

    /// Checks the ranges. Packing takes numbers mod p, so a message out of them can have the packed form of another.
    ///
    /// # Errors
    /// If a part is out of its range.
    pub fn check(&self) -> Result<(), MessageError> {
        if !self.op.is_signed() && self.nonce_key != NonceKey::First {
            return Err(MessageError::NonceKey);
        }
        for LeafIndex(index) in [self.from, self.to] {
            if index >> TREE_DEPTH != 0 {
                return Err(MessageError::IndexRange { got: index.into() });
            }
        }
        if self.amount == 0 || self.amount >= AMOUNT_LIMIT {
            return Err(MessageError::AmountRange { got: self.amount });
        }
        from_canonical(self.memo).map(drop).ok_or(MessageError::MemoRange { got: self.memo })
    }

    /// Reads the packed form back.
    ///
    /// # Errors
    /// If a part is out of its range.
    pub fn from_elements(elements: [F; Self::LEN]) -> Result<Self, MessageError> {
        let [head, route, amount, memo, a0, a1, a2, a3] = elements;
        let (head, route) = (to_u64(head), to_u64(route));
        let op = Op::from_number(head & 0xff).ok_or(MessageError::UnknownOp { got: head & 0xff })?;
        let asset = (head >> 8) as u32;
        if head >> 40 != 0 {
            return Err(MessageError::Kind { got: head >> 40 });
        }
        if route >> (32 + TREE_DEPTH) != 0 {
            return Err(MessageError::IndexRange { got: route >> 32 });
        }
        let lower = route as u32;
        if lower >> (TREE_DEPTH + 1) != 0 {
            return Err(MessageError::IndexRange { got: lower.into() });
        }
        let nonce_key = NonceKey::ALL[(lower >> TREE_DEPTH) as usize];
        let (from, to) = (LeafIndex(lower & ((1 << TREE_DEPTH) - 1)), LeafIndex((route >> 32) as u32));
        let message = Self {
            op,
            asset,
            from,
            nonce_key,
            to,
            amount: to_u64(amount),
            memo: to_u64(memo),
            to_address: crate::hash::Digest([a0, a1, a2, a3]),
        };
        message.check()?;
        Ok(message)
    }
}

/// The JSON form of a message.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Message", deny_unknown_fields)]
struct Parts {
    op: Op,
    asset: Asset,
    from: LeafIndex,
    nonce_key: NonceKey,
    to: LeafIndex,
    #[serde(with = "crate::wide")]
    amount: u64,
    #[serde(with = "crate::wide")]
    memo: u64,
    to_address: Address,
}

impl Serialize for Message {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            Parts::serialize(self, serializer)
        } else {
            self.elements().map(to_u64).serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for Message {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let message = Parts::deserialize(deserializer)?;
            return message.check().map_err(D::Error::custom).map(|()| message);
        }
        let integers = <[u64; Self::LEN]>::deserialize(deserializer)?;
        let mut elements = [ZERO; Self::LEN];
        for (element, got) in elements.iter_mut().zip(integers) {
            *element = from_canonical(got).ok_or_else(|| D::Error::custom("expected canonical elements"))?;
        }
        Self::from_elements(elements).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::Phase;

    #[test]
    fn tables_fit_together() {
        for kind in KindId::ALL {
            assert!(kind.emits() || kind.consumes(), "{kind} has messages");
        }
        for op in Op::ALL {
            assert_eq!(Op::from_number(op as u64), Some(op));
            let [emitter, consumer] = [op.emitter(), op.consumer()].map(KindId::phase);
            assert!(emitter <= consumer, "{} goes forward", op.name());
            // What executor and circuits take for granted.
            assert!(!op.is_signed() || emitter == Phase::Debit, "{} is debited", op.name());
            assert!(op.is_signed() || consumer == Phase::Credit, "only signed ops call contracts");
        }
    }
}
