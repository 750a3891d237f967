//! The executor: what a block does to a ledger.
//!
//! First every transaction is checked alone. Then the debits run, each lane (the transactions of one leaf)
//! in order of arrival, against the balance at the start of the block; new leaves get their indices in order of
//! arrival. Then the credits run, again lane by lane. What is received is spendable from the next block, so the
//! order of transactions of different senders changes no balance. All but the new indices is parallel, and
//! the result does not depend on the number of threads. Only the [signature stage](Signatures) hashes, but for the ids
//! of what is refused.
//!
//! Where a tree fills up, the debits run again, one after the other: a transaction that finds no leaf is refused and
//! so changes what its sender's later ones meet.

use std::collections::BTreeMap;
use std::ops::Range;

use rayon::prelude::*;

use crate::block::{Block, FeePolicy};
use crate::field::from_canonical;
use crate::hash::Digest;
use crate::leaf::{AMOUNT_LIMIT, Address, Asset, LeafIndex};
use crate::ledger::{Ledger, MAX_LEAVES};
use crate::message::{Message, Op};
pub use crate::rule::{Rejection, Rule};
use crate::transaction::{SignedTransaction, Transaction};
use crate::writes::Writes;

mod lanes;
mod routes;
mod signatures;

use lanes::{MIN_LEGS, run_credits, run_debits};
use routes::{Router, Routes};
pub use signatures::Signatures;

/// What a block does, and what it left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Execution {
    /// The block's number.
    pub number: u32,
    /// The root of the state that it was executed on.
    pub previous_root: Digest,
    /// The accepted transactions, in order of arrival.
    pub debits: Vec<Debit>,
    /// All messages, in order of arrival: each transaction's transfer, then its fee.
    pub credits: Vec<Message>,
    /// The transactions that were left out, in order of arrival.
    pub rejections: Vec<Rejection>,
    /// The leaves that change, with their contents after the block. New leaves follow the ledger's last
    /// without a gap.
    pub writes: Writes,
}

/// An accepted transaction and what it emits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Debit {
    /// The transaction's place in the block, from 0.
    pub position: usize,
    /// The leaf that it debits.
    pub from: LeafIndex,
    /// Its messages, as a range of [`Execution::credits`]: its transfer, then its fee if that is not 0.
    pub messages: Range<usize>,
}

impl Execution {
    /// The message to the receiver of an accepted transaction, and the one to the fee collector, if there is a fee.
    /// `None` if the debit is not of this execution.
    pub fn messages(&self, debit: &Debit) -> Option<(&Message, Option<&Message>)> {
        match self.credits.get(debit.messages.clone())? {
            [transfer] => Some((transfer, None)),
            [transfer, fee] => Some((transfer, Some(fee))),
            _ => None,
        }
    }
}

/// A block that cannot be executed at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExecuteError {
    /// The block is for another chain.
    #[error("expected a block of chain {expected}, got chain {got}")]
    ChainId {
        /// The ledger's chain.
        expected: u32,
        /// The block's chain.
        got: u32,
    },
    /// Not the next block.
    #[error("expected block {expected}, got block {got}")]
    Number {
        /// One more than the ledger's height.
        expected: u64,
        /// The block's number.
        got: u32,
    },
    /// Two fee policies for one asset.
    #[error(
        "fee policy {got}: expected one policy for each asset, but policy {first} is for asset {asset} too"
    )]
    DuplicateFeePolicy {
        /// The asset.
        asset: Asset,
        /// Place of the first policy.
        first: usize,
        /// Place of the second.
        got: usize,
    },
    /// A fee floor that no fee can reach.
    #[error("fee policy of asset {asset}: expected a floor below 2^62, got {got}")]
    FloorRange {
        /// The asset.
        asset: Asset,
        /// The floor.
        got: u64,
    },
    /// No transaction is left. A block without one has no proof.
    #[error("expected at least one valid transaction, got {} invalid and no valid one", rejections.len())]
    Empty {
        /// Why each was left out.
        rejections: Vec<Rejection>,
    },
    /// A receiver's balance would leave its range. Cannot happen while the supply of each asset is below
    /// `2^62`, which genesis checks: the state is not one that a genesis led to.
    #[error("leaf {index}: expected a balance below 2^62 after every credit, got {got}")]
    BalanceRange {
        /// The receiver's leaf.
        index: LeafIndex,
        /// The balance.
        got: u64,
    },
}

/// Executes a block on a ledger, which stays as it is; [`Ledger::apply`] then takes the result over.
///
/// Transactions that break a rule are left out and reported in [`Execution::rejections`].
///
/// # Errors
/// If the block as a whole cannot be executed.
pub fn execute(ledger: &Ledger, block: &Block) -> Result<Execution, ExecuteError> {
    execute_within(ledger, block, MAX_LEAVES)
}

/// [`execute`] with signatures that were checked before.
///
/// # Errors
/// If the block as a whole cannot be executed.
///
/// # Panics
/// If the signatures are not as many as the block's transactions. They must be those of the same transactions.
pub fn execute_checked(
    ledger: &Ledger,
    block: &Block,
    signatures: &Signatures,
) -> Result<Execution, ExecuteError> {
    let policies = check_header(ledger, block)?;
    run(ledger, block, &policies, signatures, MAX_LEAVES)
}

/// [`execute`] on a tree that takes no new leaf once it has `capacity` leaves; [`execute`] fills it to
/// [`MAX_LEAVES`], beyond which no capacity leads.
///
/// # Errors
/// If the block as a whole cannot be executed.
pub fn execute_within(ledger: &Ledger, block: &Block, capacity: usize) -> Result<Execution, ExecuteError> {
    let policies = check_header(ledger, block)?;
    run(ledger, block, &policies, &Signatures::check(&block.transactions), capacity)
}

/// Checks what concerns the block as a whole, and gives its fee policies by asset.
fn check_header(ledger: &Ledger, block: &Block) -> Result<BTreeMap<Asset, FeePolicy>, ExecuteError> {
    if block.chain_id != ledger.chain_id() {
        return Err(ExecuteError::ChainId { expected: ledger.chain_id(), got: block.chain_id });
    }
    let expected = u64::from(ledger.height()) + 1;
    if u64::from(block.number) != expected {
        return Err(ExecuteError::Number { expected, got: block.number });
    }
    policies(&block.fees)
}

/// Executes the transactions of a block.
fn run(
    ledger: &Ledger,
    block: &Block,
    policies: &BTreeMap<Asset, FeePolicy>,
    signatures: &Signatures,
    capacity: usize,
) -> Result<Execution, ExecuteError> {
    let transactions = &block.transactions;
    assert_eq!(signatures.len(), transactions.len(), "each transaction's signature was checked");
    let check_all = || -> Vec<Check> {
        let check = |(position, signed): (usize, &SignedTransaction)| {
            check_alone(ledger, policies, &signed.transaction, signatures, position).map_err(Box::new)
        };
        transactions.par_iter().enumerate().map(check).collect()
    };
    let router = || Router::new(ledger, policies, transactions, capacity.min(MAX_LEAVES));
    let mut checks = check_all();
    let mut debited = run_debits(ledger, transactions, &mut checks);
    let routes = match router().route_all(&checks) {
        Some(routes) => routes,
        None => {
            checks = check_all();
            let (entries, routes) = router().run_debits(&mut checks);
            debited = entries;
            routes
        }
    };
    let Routes { debits, emitted } = routes;
    let refused: Vec<_> =
        checks.into_iter().enumerate().filter_map(|(at, check)| Some((at, check.err()?))).collect();
    let reject = |(position, rule): (usize, Box<Rule>)| Rejection {
        position,
        id: transactions[position].transaction.id(),
        rule: *rule,
    };
    let rejections = refused.into_par_iter().map(reject).collect();
    if debits.is_empty() {
        return Err(ExecuteError::Empty { rejections });
    }
    let message = |emitted: &Emitted| emitted.message(transactions, policies);
    let credits: Vec<Message> = emitted.par_iter().with_min_len(MIN_LEGS).map(message).collect();
    let writes = run_credits(ledger, &debited, &credits)?;
    Ok(Execution { number: block.number, previous_root: ledger.root(), debits, credits, rejections, writes })
}

/// What a transaction alone says, or the rule that it breaks.
type Check = Result<Sound, Box<Rule>>;

/// A transaction that breaks no rule on its own; what its leg needs, so that it is not read again.
#[derive(Clone, Copy)]
struct Sound {
    from: LeafIndex,
    /// The receiver's leaf, if there is one at the start of the block.
    to: Option<LeafIndex>,
    /// The asset of its fee, if that is not 0.
    fee: Option<Asset>,
}

/// A message that an accepted transaction emits.
#[derive(Clone, Copy)]
struct Emitted {
    position: usize,
    to: LeafIndex,
    /// Whether it carries the fee.
    fee: bool,
}

impl Emitted {
    fn message(&self, transactions: &[SignedTransaction], policies: &BTreeMap<Asset, FeePolicy>) -> Message {
        let tx = &transactions[self.position].transaction;
        if self.fee {
            let policy = policies.get(&tx.asset).expect("a fee without a policy is refused");
            fee_message(tx, self.to, policy.collector)
        } else {
            transfer_message(tx, self.to)
        }
    }
}

/// The fee policies by asset.
fn policies(fees: &[FeePolicy]) -> Result<BTreeMap<Asset, FeePolicy>, ExecuteError> {
    let mut policies = BTreeMap::new();
    for (got, &policy) in fees.iter().enumerate() {
        let asset = policy.asset;
        if policy.floor >= AMOUNT_LIMIT {
            return Err(ExecuteError::FloorRange { asset, got: policy.floor });
        }
        if policies.insert(asset, policy).is_some() {
            let first = fees.iter().position(|other| other.asset == asset).unwrap_or_default();
            return Err(ExecuteError::DuplicateFeePolicy { asset, first, got });
        }
    }
    Ok(policies)
}

/// The rules that a transaction keeps or breaks whatever else is in its block.
fn check_alone(
    ledger: &Ledger,
    policies: &BTreeMap<Asset, FeePolicy>,
    tx: &Transaction,
    signatures: &Signatures,
    position: usize,
) -> Result<Sound, Rule> {
    if tx.op != Op::Transfer {
        return Err(Rule::Op { got: tx.op });
    }
    if tx.chain_id != ledger.chain_id() {
        return Err(Rule::ChainId { expected: ledger.chain_id(), got: tx.chain_id });
    }
    if from_canonical(tx.memo).is_none() {
        return Err(Rule::MemoRange { got: tx.memo });
    }
    if tx.amount == 0 {
        return Err(Rule::AmountZero);
    }
    if tx.amount >= AMOUNT_LIMIT {
        return Err(Rule::AmountRange { got: tx.amount });
    }
    if tx.fee >= AMOUNT_LIMIT {
        return Err(Rule::FeeRange { got: tx.fee });
    }
    match policies.get(&tx.asset) {
        None if tx.fee != 0 => return Err(Rule::FeeAsset { asset: tx.asset, got: tx.fee }),
        Some(policy) if tx.fee < policy.floor => {
            return Err(Rule::FeeFloor { expected: policy.floor, got: tx.fee });
        }
        _ => {}
    }
    let leaf = ledger.leaf(tx.from).ok_or(Rule::UnknownLeaf { expected: ledger.len(), got: tx.from })?;
    let signer = signatures.signer(position);
    if signer != leaf.address {
        return Err(Rule::Owner { expected: leaf.address, got: signer });
    }
    if tx.asset != leaf.asset {
        return Err(Rule::Asset { expected: leaf.asset, got: tx.asset });
    }
    signatures.rule(position)?;
    let to = ledger.find(&tx.to_address, tx.asset);
    Ok(Sound { from: tx.from, to, fee: Some(tx.asset).filter(|_| tx.fee != 0) })
}

/// The message of a transfer to the leaf `to`.
fn transfer_message(tx: &Transaction, to: LeafIndex) -> Message {
    Message {
        op: Op::Transfer,
        asset: tx.asset,
        from: tx.from,
        to,
        amount: tx.amount,
        memo: tx.memo,
        to_address: tx.to_address,
    }
}

/// The message of a fee to the leaf `to` of the collector.
fn fee_message(tx: &Transaction, to: LeafIndex, collector: Address) -> Message {
    Message {
        op: Op::Fee,
        asset: tx.asset,
        from: tx.from,
        to,
        amount: tx.fee,
        memo: 0,
        to_address: collector,
    }
}
