//! The executor: what a block does to a ledger.
//!
//! First every transaction is checked alone, in parallel. Then the debits run, each lane (the
//! transactions of one leaf) in order of arrival, against the balance at the start of the block; new
//! leaves get their indices in order of arrival. Then the credits run. What is received is spendable from
//! the next block, so the order of transactions of different senders changes no balance.

use std::collections::{BTreeMap, HashMap};

use rayon::prelude::*;

use crate::block::{Block, FeePolicy};
use crate::field::from_canonical;
use crate::hash::Digest;
use crate::keys;
use crate::leaf::{AMOUNT_LIMIT, Address, Asset, Leaf, LeafIndex};
use crate::ledger::{Ledger, MAX_LEAVES, Writes};
use crate::message::{Message, Op};
pub use crate::rule::{Rejection, Rule};
use crate::transaction::{SignedTransaction, Transaction};

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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Debit {
    /// The transaction's place in the block, from 0.
    pub position: usize,
    /// The transaction.
    pub signed: SignedTransaction,
    /// The message to the receiver.
    pub transfer: Message,
    /// The message to the fee collector; `None` if the fee is 0.
    pub fee: Option<Message>,
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
    /// A new leaf is needed and no index is left.
    #[error("transaction {position}: expected a free leaf, but all {expected} are taken")]
    Full {
        /// The tree's size.
        expected: usize,
        /// Place of the transaction that needs a leaf.
        position: usize,
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

/// [`execute`] on a tree of `capacity` leaves.
fn execute_within(ledger: &Ledger, block: &Block, capacity: usize) -> Result<Execution, ExecuteError> {
    if block.chain_id != ledger.chain_id() {
        return Err(ExecuteError::ChainId { expected: ledger.chain_id(), got: block.chain_id });
    }
    let expected = u64::from(ledger.height()) + 1;
    if u64::from(block.number) != expected {
        return Err(ExecuteError::Number { expected, got: block.number });
    }
    let policies = policies(&block.fees)?;
    let checks: Vec<Result<Leaf, Rule>> =
        block.transactions.par_iter().map(|signed| check_alone(ledger, &policies, signed)).collect();

    let mut lanes = Writes::new();
    let mut book = AddressBook { ledger, added: HashMap::new(), len: ledger.len(), capacity };
    let (mut debits, mut credits, mut rejections) = (Vec::new(), Vec::new(), Vec::new());
    for (position, (signed, check)) in block.transactions.iter().zip(checks).enumerate() {
        let tx = &signed.transaction;
        if let Err(rule) = check.and_then(|leaf| debit(lanes.entry(tx.from).or_insert(leaf), tx)) {
            rejections.push(Rejection { position, id: tx.id(), rule });
            continue;
        }
        let full = ExecuteError::Full { expected: capacity, position };
        let to = book.find_or_add(tx.to_address, tx.asset).ok_or_else(|| full.clone())?;
        let transfer = transfer_message(tx, to);
        credits.push(transfer);
        let mut fee = None;
        if let Some(policy) = policies.get(&tx.asset)
            && tx.fee != 0
        {
            let to = book.find_or_add(policy.collector, tx.asset).ok_or(full)?;
            let message = fee_message(tx, to, policy.collector);
            credits.push(message);
            fee = Some(message);
        }
        debits.push(Debit { position, signed: *signed, transfer, fee });
    }
    if debits.is_empty() {
        return Err(ExecuteError::Empty { rejections });
    }
    let mut writes = lanes;
    for message in &credits {
        credit(ledger, &mut writes, message)?;
    }
    // A lane of which every transaction was refused has not changed.
    writes.retain(|&index, leaf| ledger.leaf(index) != Some(leaf));
    Ok(Execution { number: block.number, previous_root: ledger.root(), debits, credits, rejections, writes })
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

/// The rules that a transaction keeps or breaks whatever else is in its block. Gives the sender's leaf at
/// the start of the block.
fn check_alone(
    ledger: &Ledger,
    policies: &BTreeMap<Asset, FeePolicy>,
    signed: &SignedTransaction,
) -> Result<Leaf, Rule> {
    let tx = &signed.transaction;
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
    let signer = signed.public_key.address();
    if signer != leaf.address {
        return Err(Rule::Owner { expected: leaf.address, got: signer });
    }
    if tx.asset != leaf.asset {
        return Err(Rule::Asset { expected: leaf.asset, got: tx.asset });
    }
    keys::verify(&signed.public_key, tx, &signed.signature).map_err(|got| Rule::Signature { got })?;
    Ok(*leaf)
}

/// Debits a lane, or leaves it as it is. Amount and fee are in range.
fn debit(leaf: &mut Leaf, tx: &Transaction) -> Result<(), Rule> {
    if tx.nonce != leaf.nonce {
        return Err(Rule::Nonce { expected: leaf.nonce, got: tx.nonce });
    }
    let nonce = leaf.nonce.checked_add(1).ok_or(Rule::NonceExhausted { got: tx.nonce })?;
    let total = tx.amount + tx.fee;
    let balance =
        leaf.balance.checked_sub(total).ok_or(Rule::Overdraft { expected: leaf.balance, got: total })?;
    (leaf.nonce, leaf.balance) = (nonce, balance);
    Ok(())
}

/// Credits the receiver of a message.
fn credit(ledger: &Ledger, writes: &mut Writes, message: &Message) -> Result<(), ExecuteError> {
    let Message { to: index, to_address: address, asset, amount, .. } = *message;
    let fresh = Leaf { address, nonce: 0, asset, balance: 0 };
    let leaf = writes.entry(index).or_insert_with(|| ledger.leaf(index).copied().unwrap_or(fresh));
    leaf.balance = leaf.balance.saturating_add(amount);
    if leaf.balance >= AMOUNT_LIMIT {
        return Err(ExecuteError::BalanceRange { index, got: leaf.balance });
    }
    Ok(())
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

/// Finds receivers' leaves and gives new ones the next free index.
struct AddressBook<'a> {
    ledger: &'a Ledger,
    /// Only looked up, never iterated.
    added: HashMap<(Address, Asset), LeafIndex>,
    len: usize,
    capacity: usize,
}

impl AddressBook<'_> {
    /// `None` if no index is left.
    fn find_or_add(&mut self, address: Address, asset: Asset) -> Option<LeafIndex> {
        let known = self.ledger.find(&address, asset);
        if let Some(index) = known.or_else(|| self.added.get(&(address, asset)).copied()) {
            return Some(index);
        }
        let index = LeafIndex(u32::try_from(self.len).ok().filter(|_| self.len < self.capacity)?);
        self.added.insert((address, asset), index);
        self.len += 1;
        Some(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block::{Genesis, GenesisLeaf};
    use crate::keys::SecretKey;

    #[test]
    fn a_full_tree_takes_no_new_leaf() {
        let keys = [1, 2].map(|n| SecretKey::from_bytes(&[n; 40]).expect("below the order"));
        let [sender, receiver] = &keys;
        let address = sender.address();
        let genesis = Genesis { chain_id: 7, leaves: vec![GenesisLeaf { address, asset: 0, balance: 100 }] };
        let ledger = Ledger::from_genesis(&genesis).expect("it is valid");
        let pay = |to_address, fee| {
            let (op, from) = (Op::Transfer, LeafIndex(0));
            let transaction = Transaction {
                op,
                chain_id: 7,
                from,
                nonce: 0,
                to_address,
                asset: 0,
                amount: 1,
                fee,
                memo: 0,
            };
            let fees = vec![FeePolicy { asset: 0, floor: 0, collector: Address::ZERO }];
            Block { chain_id: 7, number: 1, fees, transactions: vec![sender.sign_transaction(transaction)] }
        };
        let full = |expected| Err(ExecuteError::Full { expected, position: 0 });
        let block = pay(receiver.address(), 1);
        assert_eq!(execute_within(&ledger, &block, 1), full(1));
        assert_eq!(execute_within(&ledger, &block, 2), full(2));
        assert!(execute_within(&ledger, &block, 3).is_ok());
        assert!(execute_within(&ledger, &pay(receiver.address(), 0), 2).is_ok());
        assert!(execute_within(&ledger, &pay(address, 0), 1).is_ok());
    }
}
