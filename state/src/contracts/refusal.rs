//! Why a request to a pool is left out of its block, with what was expected and what was found.

use std::fmt;

use super::native::Fault;
use super::pool::LEAST_RESERVE;
use crate::leaf::{Address, Asset, LeafIndex};

/// Why a request is left out. It costs its sender nothing, and may stand in a later block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The pool does not trade the asset.
    Lane {
        /// What it trades.
        expected: [Asset; 2],
        /// The request's asset.
        got: Asset,
    },
    /// A reserve is below the least one: there are no swaps until a join or a gift lifts it.
    Closed {
        /// The smaller reserve.
        got: u64,
    },
    /// The memo is no limit, or no number of shares: it is not below `2^62`.
    Memo {
        /// The memo.
        got: u64,
    },
    /// The answer would not be above the limit.
    Limit {
        /// The largest answer that the sender refuses.
        expected: u64,
        /// What it would be, with this order served.
        got: u64,
    },
    /// The order would push another one, served before it, under its limit.
    Others {
        /// The other one's limit: the largest answer that its sender refuses.
        expected: u64,
        /// What it would be.
        got: u64,
    },
    /// The inflow would be more than the pool has room for, or push the other reserve under the least one.
    Inflow {
        /// How much more could come in.
        expected: u64,
        /// The amount.
        got: u64,
    },
    /// More shares than can be issued, or than there are to take back.
    Shares {
        /// How many could be issued, or taken back.
        expected: u64,
        /// How many were asked for.
        got: u64,
    },
    /// A join would cost more than what was paid.
    Paid {
        /// The asset.
        asset: Asset,
        /// What is due.
        expected: u128,
        /// What was paid.
        got: u64,
    },
    /// Rounding would leave nothing of an exit, or it is of no shares, or a join is.
    Nothing {
        /// The shares.
        got: u64,
    },
    /// A new pool's terms cannot be read from the memo.
    Terms {
        /// The memo.
        got: u64,
    },
    /// The two halves of a new pool do not name each other.
    Partner {
        /// The leaf that the other half names.
        expected: LeafIndex,
        /// The leaf that this half comes from.
        got: LeafIndex,
    },
    /// The two halves of a new pool have different terms.
    OtherTerms {
        /// `G + 2^16 H` of the first.
        expected: u64,
        /// That of the second.
        got: u64,
    },
    /// The two halves of a new pool have different owners.
    Owner {
        /// The first's.
        expected: Address,
        /// The second's.
        got: Address,
    },
    /// The law does not accept it.
    Law {
        /// The step that does not.
        fault: Fault,
    },
}

impl Refusal {
    /// The rule's name in reports.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Lane { .. } => "lane",
            Self::Closed { .. } => "closed",
            Self::Memo { .. } => "memo",
            Self::Limit { .. } => "limit",
            Self::Others { .. } => "others_limit",
            Self::Inflow { .. } => "inflow",
            Self::Shares { .. } => "shares",
            Self::Paid { .. } => "paid_in",
            Self::Nothing { .. } => "nothing",
            Self::Terms { .. } => "terms",
            Self::Partner { .. } => "partner",
            Self::OtherTerms { .. } => "other_terms",
            Self::Owner { .. } => "owners",
            Self::Law { .. } => "law",
        }
    }

    /// What was expected, in words and numbers.
    pub fn expected(&self) -> String {
        match self {
            Self::Lane { expected: [asset0, asset1], .. } => format!("asset {asset0} or {asset1}"),
            Self::Closed { .. } => format!("reserves of at least {LEAST_RESERVE}"),
            Self::Memo { .. } => "a memo below 2^62".to_owned(),
            Self::Limit { expected, .. } => format!("an answer above {expected}"),
            Self::Others { expected, .. } => format!("an answer to another order above {expected}"),
            Self::Inflow { expected, .. } => format!("an inflow of at most {expected}"),
            Self::Shares { expected, .. } => format!("at most {expected} shares"),
            Self::Paid { asset, expected, .. } => format!("at least {expected} of asset {asset}"),
            Self::Nothing { .. } => "shares that are worth something".to_owned(),
            Self::Terms { .. } => "G + 2^16 H + 2^24 leaf, of 16, 8 and 30 bits".to_owned(),
            Self::Partner { expected, .. } => {
                format!("two halves that name each other, one from leaf {expected}")
            }
            Self::OtherTerms { expected, .. } => format!("terms {expected} in both halves"),
            Self::Owner { expected, .. } => format!("owner {expected} in both halves"),
            Self::Law { fault } => format!("{}: {}", fault.name, fault.expected),
        }
    }

    /// What was found, in words and numbers.
    pub fn got(&self) -> String {
        match self {
            Self::Lane { got, .. } => got.to_string(),
            Self::Closed { got }
            | Self::Memo { got }
            | Self::Limit { got, .. }
            | Self::Others { got, .. }
            | Self::Inflow { got, .. }
            | Self::Shares { got, .. }
            | Self::Paid { got, .. }
            | Self::Nothing { got }
            | Self::Terms { got }
            | Self::OtherTerms { got, .. } => got.to_string(),
            Self::Partner { got, .. } => format!("one from leaf {got}"),
            Self::Owner { got, .. } => got.to_string(),
            Self::Law { fault } => fault.got.to_string(),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: expected {}, got {}", self.name(), self.expected(), self.got())
    }
}

impl std::error::Error for Refusal {}
