//! Debits: what a signed transaction does to its sender's leaf, and the messages that it emits.

use crate::field::from_canonical;
use crate::kind::KindId;
use crate::leaf::{AMOUNT_LIMIT, Address, Leaf, LeafIndex};
use crate::legs::Legs;
use crate::message::{Message, Op};
use crate::rule::Rule;
use crate::transaction::Transaction;

/// The kind of senders' legs.
#[derive(Clone, Copy, Debug)]
pub struct Debit;

/// A transaction and where its messages go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DebitLeg {
    /// The transaction.
    pub transaction: Transaction,
    /// The receiver's leaf, as the executor found or assigned it.
    pub to: LeafIndex,
    /// The fee collector's leaf; 0 where there is no fee.
    pub fee_to: LeafIndex,
    /// The fee collector; zero where there is no fee.
    pub collector: Address,
}

impl Legs for Debit {
    const ID: KindId = KindId::Debit;

    type Leg = DebitLeg;

    fn apply(chain_id: u32, index: LeafIndex, leaf: Option<&Leaf>, leg: &DebitLeg) -> Result<Leaf, Rule> {
        let transaction = &leg.transaction;
        check_contents(chain_id, transaction)?;
        let mut leaf = *leaf.ok_or(Rule::Empty { index })?;
        check_leaf(index, &leaf, transaction)?;
        spend(&mut leaf, transaction)?;
        Ok(leaf)
    }

    fn emit(leg: &DebitLeg, messages: &mut Vec<Message>) {
        messages.push(leg.transfer());
        messages.extend(Some(leg.fee()).filter(|fee| fee.amount != 0));
    }

    fn consume(_: &DebitLeg, _: &mut Vec<Message>) {}
}

impl DebitLeg {
    /// The message to the receiver.
    pub fn transfer(&self) -> Message {
        let Transaction { op, asset, from, amount, memo, to_address, .. } = self.transaction;
        Message { op, asset, from, to: self.to, amount, memo, to_address }
    }

    /// The message to the fee collector; it is emitted if its amount is not 0.
    pub fn fee(&self) -> Message {
        let Transaction { asset, from, fee, .. } = self.transaction;
        Message {
            op: Op::Fee,
            asset,
            from,
            to: self.fee_to,
            amount: fee,
            memo: 0,
            to_address: self.collector,
        }
    }

    /// The leg that emitted the first of a batch's messages, and how many it emitted; `None` if that message is not the
    /// first of a leg. The messages carry no nonce.
    pub fn read(chain_id: u32, nonce: u32, messages: &[Message]) -> Option<(Self, usize)> {
        let (&transfer, rest) = messages.split_first()?;
        if !transfer.op.is_signed() {
            return None;
        }
        let Message { op, asset, from, to, amount, memo, to_address } = transfer;
        let transaction = Transaction { op, chain_id, from, nonce, to_address, asset, amount, fee: 0, memo };
        let leg = Self { transaction, to, fee_to: LeafIndex::default(), collector: Address::ZERO };
        let with_fee = |&Message { amount: fee, to: fee_to, to_address: collector, .. }: &Message| Self {
            transaction: Transaction { fee, ..transaction },
            fee_to,
            collector,
            ..leg
        };
        let paid = rest.first().map(|second| (second, with_fee(second)));
        match paid.filter(|(second, leg)| second.amount != 0 && leg.fee() == **second) {
            Some((_, leg)) => Some((leg, 2)),
            None => Some((leg, 1)),
        }
    }
}

/// What a transaction says, whatever its leaf: op, chain, memo, amount and fee.
///
/// # Errors
/// If it breaks a rule.
pub(crate) fn check_contents(chain_id: u32, transaction: &Transaction) -> Result<(), Rule> {
    check_origin(chain_id, transaction)?;
    let &Transaction { amount, fee, memo, .. } = transaction;
    if from_canonical(memo).is_none() {
        return Err(Rule::MemoRange { got: memo });
    }
    if amount == 0 {
        return Err(Rule::AmountZero);
    }
    if amount >= AMOUNT_LIMIT {
        return Err(Rule::AmountRange { got: amount });
    }
    if fee >= AMOUNT_LIMIT {
        return Err(Rule::FeeRange { got: fee });
    }
    Ok(())
}

/// It can be signed, and is for this chain.
///
/// # Errors
/// If it is not.
pub fn check_origin(chain_id: u32, transaction: &Transaction) -> Result<(), Rule> {
    let &Transaction { op, chain_id: got, .. } = transaction;
    if !op.is_signed() {
        return Err(Rule::Op { got: op });
    }
    if got != chain_id {
        return Err(Rule::ChainId { expected: chain_id, got });
    }
    Ok(())
}

/// It is a transaction of this leaf and in its asset.
///
/// # Errors
/// If it is not.
pub fn check_leaf(index: LeafIndex, leaf: &Leaf, transaction: &Transaction) -> Result<(), Rule> {
    if transaction.from != index {
        return Err(Rule::Index { expected: index, got: transaction.from });
    }
    if transaction.asset != leaf.asset {
        return Err(Rule::Asset { expected: leaf.asset, got: transaction.asset });
    }
    Ok(())
}

/// Its nonce is the leaf's next.
///
/// # Errors
/// If it is not.
pub fn check_nonce(leaf: &Leaf, transaction: &Transaction) -> Result<(), Rule> {
    if transaction.nonce != leaf.nonce {
        return Err(Rule::Nonce { expected: leaf.nonce, got: transaction.nonce });
    }
    Ok(())
}

/// Takes amount and fee, which are in range, and counts the nonce up. On an error the leaf stays as it is.
///
/// # Errors
/// If the nonce is not the leaf's next, or the balance does not cover them.
pub(crate) fn spend(leaf: &mut Leaf, transaction: &Transaction) -> Result<(), Rule> {
    check_nonce(leaf, transaction)?;
    let nonce = leaf.nonce.checked_add(1).ok_or(Rule::NonceExhausted { got: leaf.nonce })?;
    let total = transaction.amount + transaction.fee;
    let overdraft = Rule::Overdraft { expected: leaf.balance, got: total };
    let balance = leaf.balance.checked_sub(total).ok_or(overdraft)?;
    // Only in a state that no genesis led to.
    if balance >= AMOUNT_LIMIT {
        return Err(Rule::BalanceRange { got: balance });
    }
    (leaf.nonce, leaf.balance) = (nonce, balance);
    Ok(())
}
