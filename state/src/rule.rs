//! The rules that a transaction can break, with what was expected and what was found.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::contracts::refusal::Refusal;
use crate::field::ORDER;
use crate::hash::Digest;
use crate::keys::SignatureError;
use crate::kind::KindId;
use crate::leaf::{AMOUNT_LIMIT, Address, Asset, LeafIndex};
use crate::message::{MessageError, Op};
use crate::nonce::Nonce;

/// What is wrong with the messages that a contract makes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PaidError {
    /// None goes to the leaf of the receiver whom the call names.
    #[error("no message to leaf {payee}")]
    Nothing {
        /// The leaf.
        payee: LeafIndex,
    },
    /// One is of an op that the contract does not emit.
    #[error("a {}", got.name())]
    Op {
        /// The op.
        got: Op,
    },
    /// One goes to a leaf that does not exist, or not with its address and asset.
    #[error("a message to leaf {got}, which is not of its address and asset")]
    Leaf {
        /// The leaf.
        got: LeafIndex,
    },
    /// One is out of the ranges of messages.
    #[error("a message out of range ({0})")]
    Range(#[from] MessageError),
}

/// A broken rule of a leg.
///
/// If a transaction breaks several, the first in this order is reported. All up to the signature need no more than the
/// transaction and the state at the start of the block; nonce and balance also need the accepted transactions of the
/// same leaf before this one, and room for a new leaf all accepted ones before this one. The executor keeps the rest by
/// itself: no transaction breaks them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Only some ops may be signed: [`Op::signed`].
    Op {
        /// What was signed.
        got: Op,
    },
    /// Signed for another chain.
    ChainId {
        /// The ledger's chain.
        expected: u64,
        /// The transaction's chain.
        got: u64,
    },
    /// A target, which a transfer has none of.
    Target {
        /// The target.
        got: u64,
    },
    /// No longer valid at the block's time.
    Expired {
        /// The block's time.
        expected: u32,
        /// The transaction's last second.
        got: u32,
    },
    /// The memo is not below the field's order.
    MemoRange {
        /// The memo.
        got: u64,
    },
    /// The amount is 0.
    AmountZero,
    /// The amount is not below `2^62`.
    AmountRange {
        /// The amount.
        got: u64,
    },
    /// The fee is not below `2^62`.
    FeeRange {
        /// The fee.
        got: u64,
    },
    /// A fee in an asset in which the operator takes none.
    FeeAsset {
        /// The asset.
        asset: Asset,
        /// The fee.
        got: u64,
    },
    /// The fee is below the operator's floor.
    FeeFloor {
        /// The floor.
        expected: u64,
        /// The fee.
        got: u64,
    },
    /// The sender's leaf does not exist at the start of the block.
    UnknownLeaf {
        /// The index.
        got: LeafIndex,
    },
    /// The key's address is not the leaf's.
    Owner {
        /// The leaf's address.
        expected: Address,
        /// The key's address.
        got: Address,
    },
    /// The asset is not the leaf's.
    Asset {
        /// The leaf's asset.
        expected: Asset,
        /// The transaction's asset.
        got: Asset,
    },
    /// The signature is not one of this key for this transaction.
    Signature {
        /// What is wrong with it.
        got: SignatureError,
    },
    /// Not the leaf's next nonce.
    Nonce {
        /// The leaf's nonce of the transaction's key, after the transactions before this one.
        expected: Nonce,
        /// The transaction's nonce.
        got: Nonce,
    },
    /// The leaf's nonce cannot grow any more: the nonce after a debit stays below `2^32`.
    NonceExhausted {
        /// The transaction's nonce, which is the leaf's too.
        got: Nonce,
    },
    /// Amount and fee are more than what the leaf had at the start of the block, less its debits since.
    Overdraft {
        /// What is left, in the asset's smallest unit.
        expected: u64,
        /// Amount plus fee.
        got: u64,
    },
    /// The receiver, or the fee's collector, has no leaf in this asset yet, and the tree has no position left for
    /// one.
    Full {
        /// How many leaves the tree takes.
        expected: usize,
    },
    /// The contract that a transaction calls has no leaf in its asset at the start of the block.
    NoContract {
        /// The contract.
        contract: KindId,
        /// The transaction's asset.
        asset: Asset,
    },
    /// A rule of a contract's own.
    Contract {
        /// The contract.
        contract: KindId,
        /// What it demands, up to the number.
        demand: &'static str,
        /// The number that it demands.
        expected: u64,
        /// The call's.
        got: u64,
    },
    /// A contract would emit what it must not, or not what it must.
    Paid {
        /// The contract.
        contract: KindId,
        /// What it would emit.
        got: PaidError,
    },
    /// A contract leaves the request out of the block.
    Refused {
        /// Why.
        refusal: Refusal,
    },
    /// A leg that needs a leaf has an empty position.
    Empty {
        /// The position.
        index: LeafIndex,
    },
    /// A leg for another leaf.
    Index {
        /// The leaf that the leg touches.
        expected: LeafIndex,
        /// The leaf that its transaction or message names.
        got: LeafIndex,
    },
    /// A message for another owner than the leaf's.
    Receiver {
        /// The leaf's address.
        expected: Address,
        /// The message's.
        got: Address,
    },
    /// A balance would leave its range, or be out of it still.
    BalanceRange {
        /// The balance after the leg.
        got: u64,
    },
}

impl Rule {
    /// Names of the rules that any transaction can break, in the order in which they are checked. One that calls a contract
    /// can also break `no_contract`, `contract`, `paid`, and the contract's own: [`Refusal::name`].
    pub const NAMES: [&'static str; 18] = [
        "op",
        "chain_id",
        "target",
        "expired",
        "memo_range",
        "amount_zero",
        "amount_range",
        "fee_range",
        "fee_asset",
        "fee_floor",
        "unknown_leaf",
        "owner",
        "asset",
        "signature",
        "nonce",
        "nonce_exhausted",
        "overdraft",
        "full",
    ];

    /// The rule's name in reports; one of [`Rule::NAMES`] if any transaction can break it.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Op { .. } => "op",
            Self::ChainId { .. } => "chain_id",
            Self::Target { .. } => "target",
            Self::Expired { .. } => "expired",
            Self::MemoRange { .. } => "memo_range",
            Self::AmountZero => "amount_zero",
            Self::AmountRange { .. } => "amount_range",
            Self::FeeRange { .. } => "fee_range",
            Self::FeeAsset { .. } => "fee_asset",
            Self::FeeFloor { .. } => "fee_floor",
            Self::UnknownLeaf { .. } => "unknown_leaf",
            Self::Owner { .. } => "owner",
            Self::Asset { .. } => "asset",
            Self::Signature { .. } => "signature",
            Self::Nonce { .. } => "nonce",
            Self::NonceExhausted { .. } => "nonce_exhausted",
            Self::Overdraft { .. } => "overdraft",
            Self::Full { .. } => "full",
            Self::NoContract { .. } => "no_contract",
            Self::Contract { .. } => "contract",
            Self::Paid { .. } => "paid",
            Self::Refused { refusal } => refusal.name(),
            Self::Empty { .. } => "empty",
            Self::Index { .. } => "index",
            Self::Receiver { .. } => "receiver",
            Self::BalanceRange { .. } => "balance_range",
        }
    }

    /// What was expected, in words and numbers.
    pub fn expected(&self) -> String {
        match self {
            Self::Op { .. } => format!("op {}", Op::signed().map(Op::name).collect::<Vec<_>>().join(" or ")),
            Self::ChainId { expected, .. } => format!("chain id {expected}"),
            Self::Target { .. } => "no target".to_owned(),
            Self::Expired { expected, .. } => format!("a transaction that is valid at {expected} or later"),
            Self::MemoRange { .. } => format!("a memo below {ORDER}"),
            Self::AmountZero => "an amount of at least 1".to_owned(),
            Self::AmountRange { .. } => format!("an amount below {AMOUNT_LIMIT}"),
            Self::FeeRange { .. } => format!("a fee below {AMOUNT_LIMIT}"),
            Self::FeeAsset { asset, .. } => format!("no fee in asset {asset}"),
            Self::FeeFloor { expected, .. } => format!("a fee of at least {expected}"),
            Self::UnknownLeaf { .. } => "the index of a leaf".to_owned(),
            Self::Owner { expected, .. } => format!("a key with address {expected}"),
            Self::Asset { expected, .. } => format!("asset {expected}"),
            Self::Signature { .. } => "a signature of this key for this transaction".to_owned(),
            Self::Nonce { expected, .. } => format!("nonce {expected}"),
            Self::NonceExhausted { .. } => format!("a nonce below {}", u32::MAX),
            Self::Overdraft { expected, .. } => format!("amount plus fee of at most {expected}"),
            Self::Full { expected } => {
                format!("a receiver and a fee collector with leaves, as all {expected} are taken")
            }
            Self::NoContract { contract, asset } => format!("a leaf of contract {contract} in asset {asset}"),
            Self::Contract { contract, demand, expected, .. } => {
                format!("by {contract}, {demand} {expected}")
            }
            Self::Paid { contract, .. } => {
                format!("{contract} to pay the receiver, and everybody in range and at their own leaf")
            }
            Self::Refused { refusal } => refusal.expected(),
            Self::Empty { index } => format!("a leaf at {index}"),
            Self::Index { expected, .. } => format!("a leg of leaf {expected}"),
            Self::Receiver { expected, .. } => format!("the receiver {expected}"),
            Self::BalanceRange { .. } => format!("a balance below {AMOUNT_LIMIT}"),
        }
    }

    /// What was found, in words and numbers.
    pub fn got(&self) -> String {
        match self {
            Self::Op { got } => format!("op {}", got.name()),
            Self::AmountZero => "0".to_owned(),
            Self::Asset { got, .. } | Self::Expired { got, .. } => got.to_string(),
            Self::Nonce { got, .. } | Self::NonceExhausted { got } => got.to_string(),
            Self::ChainId { got, .. }
            | Self::Target { got }
            | Self::MemoRange { got }
            | Self::AmountRange { got }
            | Self::FeeRange { got }
            | Self::FeeAsset { got, .. }
            | Self::FeeFloor { got, .. }
            | Self::Overdraft { got, .. }
            | Self::Contract { got, .. } => got.to_string(),
            Self::UnknownLeaf { got } | Self::Index { got, .. } => got.to_string(),
            Self::Owner { got, .. } | Self::Receiver { got, .. } => got.to_string(),
            Self::BalanceRange { got } => got.to_string(),
            Self::Empty { .. } => "an empty position".to_owned(),
            Self::Signature { got } => got.to_string(),
            Self::Paid { got, .. } => got.to_string(),
            Self::Refused { refusal } => refusal.got(),
            Self::Full { .. } => "one without".to_owned(),
            Self::NoContract { .. } => "none".to_owned(),
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: expected {}, got {}", self.name(), self.expected(), self.got())
    }
}

impl std::error::Error for Rule {}

/// A transaction that was left out of its block.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("transaction {position} ({id}): {rule}")]
pub struct Rejection {
    /// Its place in the block, from 0.
    pub position: usize,
    /// Its id.
    pub id: Digest,
    /// The rule that it breaks.
    pub rule: Rule,
}

impl Serialize for Rejection {
    /// `{ position, id, rule, expected, got }`, the last three as text.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Report<'a> {
            position: usize,
            id: &'a Digest,
            rule: &'a str,
            expected: String,
            got: String,
        }
        let Self { position, id, rule } = self;
        let (expected, got) = (rule.expected(), rule.got());
        Report { position: *position, id, rule: rule.name(), expected, got }.serialize(serializer)
    }
}
