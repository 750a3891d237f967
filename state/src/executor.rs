//! The executor: what a block does to a ledger.
//!
//! First every transaction is checked alone. Then the debits run, each lane (the transactions of one leaf)
//! in order of arrival, against the balance at the start of the block; new leaves get their indices in order of
//! arrival, in which contracts are called as well. Then the credits run, again lane by lane. What is received is spendable from the next block, so the
//! order of transactions of different senders changes no balance. All but the new indices is parallel, and
//! the result does not depend on the number of threads. Only the [signature stage](Signatures) hashes, but for the ids
//! of what is refused.
//!
//! Where a tree fills up, or a contract refuses a call, the debits run again, one after the other: a transaction that finds
//! no leaf or breaks a contract's rule is refused, and so changes what its sender's later ones meet.

use std::collections::BTreeMap;

use rayon::prelude::*;

use crate::block::{Block, FeePolicy};
use crate::chain::BlockId;
use crate::debit::{DebitLeg, check_contents, check_leaf};
pub use crate::execution::{Accepted, Call, CallAt, Execution};
use crate::leaf::{AMOUNT_LIMIT, Address, Asset, Leaf, LeafIndex};
use crate::ledger::{Ledger, MAX_ACCOUNTS};
use crate::message::Message;
pub use crate::rule::{Rejection, Rule};
use crate::transaction::SignedTransaction;
use crate::writes::{self, Entry};

mod lanes;
mod routes;
mod signatures;

use lanes::{MIN_LEGS, run_credits, run_debits};
use routes::{Router, Routes};
pub use signatures::Signatures;

/// A block that cannot be executed at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExecuteError {
    /// The block is for another chain.
    #[error("expected a block of chain {expected}, got chain {got}")]
    ChainId {
        /// The ledger's chain.
        expected: u64,
        /// The block's chain.
        got: u64,
    },
    /// A time before that of the last block.
    #[error("expected a time of {expected} or later, got {got}")]
    Time {
        /// The last block's time, or genesis's.
        expected: u32,
        /// The block's time.
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
    /// A receiver's leaf cannot take a credit. Cannot happen while the supply of each asset is below `2^62`, which
    /// genesis checks: the state is not one that a genesis led to.
    #[error("credit of leaf {index}: {rule}")]
    Credit {
        /// The receiver's leaf.
        index: LeafIndex,
        /// The rule that the credit breaks.
        rule: Box<Rule>,
    },
}

/// Executes a block on a ledger, which stays as it is; [`Ledger::apply`] then takes the result over.
///
/// Transactions that break a rule are left out and reported in [`Execution::rejections`].
///
/// # Errors
/// If the block as a whole cannot be executed.
pub fn execute(ledger: &Ledger, block: &Block) -> Result<Execution, ExecuteError> {
    execute_within(ledger, block, MAX_ACCOUNTS)
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
    run(ledger, block, &policies, signatures, MAX_ACCOUNTS)
}

/// [`execute`] on a tree that takes no new leaf once it has `capacity` leaves of accounts; [`execute`] fills it to
/// [`MAX_ACCOUNTS`], beyond which no capacity leads.
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
    if block.time < ledger.time() {
        return Err(ExecuteError::Time { expected: ledger.time(), got: block.time });
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
    let id = block.id();
    assert_eq!(signatures.len(), transactions.len(), "each transaction's signature was checked");
    let alone = Alone { block: &id, ledger, policies, transactions, signatures };
    let router = || Router::new(ledger, id, policies, transactions, capacity.min(MAX_ACCOUNTS));
    let mut checks = alone.check_all();
    let mut debited = run_debits(ledger, transactions, &mut checks);
    let routes = match router().route_all(&checks) {
        Some(routes) => routes,
        None => {
            checks = alone.check_all();
            let (entries, routes) = router().run_debits(&mut checks);
            debited = entries;
            routes
        }
    };
    let Routes { debits, calls, emitted, paid, contracts } = routes;
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
    let message = |emitted: &Emitted| emitted.message(transactions, policies, &paid);
    let credits: Vec<Message> = emitted.par_iter().with_min_len(MIN_LEGS).map(message).collect();
    if !contracts.is_empty() {
        let contracts: Vec<Entry> = contracts.into_iter().collect();
        debited = writes::merge(&debited, &contracts).collect();
    }
    let writes = run_credits(ledger, &debited, &credits)?;
    Ok(Execution { block: id, previous_root: ledger.root(), debits, calls, credits, rejections, writes })
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

/// A message that is credited.
#[derive(Clone, Copy)]
enum Emitted {
    /// The transfer of the transaction at a position.
    Transfer { position: usize, to: LeafIndex },
    /// Its fee.
    Fee { position: usize, to: LeafIndex },
    /// What a contract pays out, by its place in [`Routes::paid`].
    Paid(usize),
}

impl Emitted {
    fn message(
        self,
        transactions: &[SignedTransaction],
        policies: &BTreeMap<Asset, FeePolicy>,
        paid: &[Message],
    ) -> Message {
        let leg = |position: usize, to| {
            let SignedTransaction { transaction, .. } = transactions[position];
            DebitLeg { transaction, to, fee_to: to, collector: Address::ZERO }
        };
        match self {
            Self::Transfer { position, to } => leg(position, to).transfer(),
            Self::Fee { position, to } => {
                let leg = leg(position, to);
                let policy = policies.get(&leg.transaction.asset).expect("a fee without a policy is refused");
                DebitLeg { collector: policy.collector, ..leg }.fee()
            }
            Self::Paid(at) => paid[at],
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
struct Alone<'a> {
    block: &'a BlockId,
    ledger: &'a Ledger,
    policies: &'a BTreeMap<Asset, FeePolicy>,
    transactions: &'a [SignedTransaction],
    signatures: &'a Signatures,
}

/// Transactions whose leaves are looked up at once ([`Ledger::find_each`]).
const GROUP: usize = 16;

impl Alone<'_> {
    /// Checks each transaction.
    fn check_all(&self) -> Vec<Check> {
        let count = self.transactions.len();
        let groups = (0..count.div_ceil(GROUP)).into_par_iter();
        let groups: Vec<_> = groups.map(|group| self.check_group(group * GROUP)).collect();
        let mut checks = groups.into_flattened();
        checks.truncate(count);
        checks
    }

    /// Checks the transactions from this position on; behind the last one, that one again.
    fn check_group(&self, first: usize) -> [Check; GROUP] {
        let last = self.transactions.len() - 1;
        let positions: [usize; GROUP] = std::array::from_fn(|at| last.min(first + at));
        let transactions = positions.map(|position| &self.transactions[position].transaction);
        let senders = transactions.map(|tx| self.ledger.leaf(tx.from).copied());
        let receivers = self.ledger.find_each(transactions.map(|tx| (&tx.to_address, tx.asset)));
        std::array::from_fn(|at| {
            self.check(positions[at], senders[at].as_ref(), receivers[at]).map_err(Box::new)
        })
    }

    /// Checks a transaction. `sender` and `to` are its leaves, if there are such.
    fn check(&self, position: usize, sender: Option<&Leaf>, to: Option<LeafIndex>) -> Result<Sound, Rule> {
        let tx = &self.transactions[position].transaction;
        check_contents(self.block, tx)?;
        match self.policies.get(&tx.asset) {
            None if tx.fee != 0 => return Err(Rule::FeeAsset { asset: tx.asset, got: tx.fee }),
            Some(policy) if tx.fee < policy.floor => {
                return Err(Rule::FeeFloor { expected: policy.floor, got: tx.fee });
            }
            _ => {}
        }
        let leaf = sender.ok_or(Rule::UnknownLeaf { got: tx.from })?;
        let signer = self.signatures.signer(position);
        if signer != leaf.address {
            return Err(Rule::Owner { expected: leaf.address, got: signer });
        }
        check_leaf(tx.from, leaf, tx)?;
        self.signatures.rule(position)?;
        Ok(Sound { from: tx.from, to, fee: Some(tx.asset).filter(|_| tx.fee != 0) })
    }
}
