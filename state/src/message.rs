//! Messages: what one leg emits and another consumes. The table of their ops is [`Op`].

use serde::{Deserialize, Serialize};

use crate::field::{F, from_canonical, from_u32, reduce, to_u64};
use crate::hash::RATE;
use crate::kind::KindId;
use crate::leaf::{AMOUNT_LIMIT, Address, Asset, LeafIndex, TREE_DEPTH};

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
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
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

ops! {
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

    /// The op's field element.
    pub const fn element(self) -> F {
        from_u32(self as u32)
    }
}

impl KindId {
    /// Whether its legs emit messages.
    pub fn emits(self) -> bool {
        Op::ALL.into_iter().any(|op| op.emitter() == self)
    }

    /// Whether its legs consume messages.
    pub fn consumes(self) -> bool {
        Op::ALL.into_iter().any(|op| op.consumer() == self)
    }
}

/// A message, packed into 8 elements:
/// `[op + 2^8 asset, from + 2^32 to, amount, memo, to_address (4)]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Message {
    /// What it does.
    pub op: Op,
    /// The asset that moves.
    pub asset: Asset,
    /// The leaf that was debited.
    pub from: LeafIndex,
    /// The leaf to be credited: existing, or newly assigned by the executor.
    pub to: LeafIndex,
    /// How much, in the asset's smallest unit, 1 to `2^62 - 1`.
    #[serde(with = "crate::wide")]
    pub amount: u64,
    /// The sender's memo (canonical element); 0 in a fee message.
    #[serde(with = "crate::wide")]
    pub memo: u64,
    /// Owner of the leaf to be credited.
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
    /// The packed asset is above 32 bits.
    #[error("expected an asset below 2^32, got {got}")]
    AssetRange {
        /// The number.
        got: u64,
    },
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
            reduce(u64::from(self.from.0) + (u64::from(self.to.0) << 32)),
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
        let asset = u32::try_from(head >> 8).map_err(|_| MessageError::AssetRange { got: head >> 8 })?;
        let index = |got: u64| {
            u32::try_from(got)
                .ok()
                .filter(|i| i >> TREE_DEPTH == 0)
                .map(LeafIndex)
                .ok_or(MessageError::IndexRange { got })
        };
        let (from, to) = (index(route & 0xffff_ffff)?, index(route >> 32)?);
        let amount = to_u64(amount);
        if amount == 0 || amount >= AMOUNT_LIMIT {
            return Err(MessageError::AmountRange { got: amount });
        }
        let to_address = crate::hash::Digest([a0, a1, a2, a3]);
        Ok(Self { op, asset, from, to, amount, memo: to_u64(memo), to_address })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_fit_together() {
        for kind in KindId::ALL {
            assert!(kind.emits() || kind.consumes(), "{kind} has messages");
        }
        for op in Op::ALL {
            assert_eq!(Op::from_number(op as u64), Some(op));
            assert!(op.emitter().phase() <= op.consumer().phase(), "{} goes forward", op.name());
        }
    }
}
