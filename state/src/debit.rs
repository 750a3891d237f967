//! Debits: what a signed transaction does to its sender's leaf, and the messages that it emits.

use std::num::NonZeroUsize;

use crate::chain::BlockId;
use crate::field::from_canonical;
use crate::kind::KindId;
use crate::leaf::{AMOUNT_LIMIT, Address, Leaf, LeafIndex};
use crate::legs::Legs;
use crate::message::{Message, Op};
use crate::nonce::{Nonce, NonceKey};
use crate::rule::Rule;
use crate::transaction::{NO_END, Transaction};

/// The kind of senders' legs.
#[derive(Clone, Copy, Debug)]
pub struct Debit;

/// A transaction and where its messages go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DebitLeg {
    /// The transaction.
    pub transaction: Transaction,
    /// The leaf that consumes the signed message: the receiver's, as the executor found or assigned it, or the contract's.
    pub to: LeafIndex,
    /// The fee collector's leaf; 0 where there is no fee.
    pub fee_to: LeafIndex,
    /// The fee collector; zero where there is no fee.
    pub collector: Address,
}

impl Legs for Debit {
    const ID: KindId = KindId::Debit;

    type Leg = DebitLeg;

    fn apply(block: &BlockId, index: LeafIndex, leaf: Option<&Leaf>, leg: &DebitLeg) -> Result<Leaf, Rule> {
        let transaction = &leg.transaction;
        check_contents(block, transaction)?;
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

    /// Messages carry no nonce: it was the leaf's next.
    fn read(
        block: &BlockId,
        leaf: impl Fn(LeafIndex) -> Option<Leaf>,
        messages: &[Message],
    ) -> Option<(LeafIndex, DebitLeg, NonZeroUsize)> {
        let first = messages.first()?;
        let nonce = leaf(first.from).map_or(0, |leaf| leaf.nonces[first.nonce_key as usize]);
        let (leg, emitted) = DebitLeg::read(block.chain_id, nonce, messages)?;
        Some((first.from, leg, NonZeroUsize::new(emitted)?))
    }
}

impl DebitLeg {
    /// The signed message: to the receiver, or to the contract that is called.
    pub fn transfer(&self) -> Message {
        let Transaction { op, asset, from, nonce, amount, memo, to_address, .. } = self.transaction;
        Message { op, asset, from, nonce_key: nonce.key(), to: self.to, amount, memo, to_address }
    }

    /// The message to the fee collector; it is emitted if its amount is not 0.
    pub fn fee(&self) -> Message {
        let Transaction { asset, from, fee, .. } = self.transaction;
        Message {
            op: Op::Fee,
            asset,
            from,
            nonce_key: NonceKey::First,
            to: self.fee_to,
            amount: fee,
            memo: 0,
            to_address: self.collector,
        }
    }

    /// The leg that emitted the first of a batch's messages, and how many it emitted; `None` if that message is not the
    /// first of a leg. The messages carry the nonce's key, not its number, and not how long the transaction was valid:
    /// that is [`NO_END`] here.
    pub fn read(chain_id: u64, nonce: u32, messages: &[Message]) -> Option<(Self, usize)> {
        let (&transfer, rest) = messages.split_first()?;
        if !transfer.op.is_signed() {
            return None;
        }
        let Message { op, asset, from, nonce_key, to, amount, memo, to_address } = transfer;
        let transaction = Transaction {
            op,
            chain_id,
            from,
            nonce: Nonce::new(nonce, nonce_key),
            to_address,
            asset,
            amount,
            fee: 0,
            memo,
            target: 0,
            valid_until: NO_END,
        };
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

/// What a transaction says, whatever its leaf: op, chain, target, validity, memo, amount and fee.
///
/// # Errors
/// If it breaks a rule.
pub(crate) fn check_contents(block: &BlockId, transaction: &Transaction) -> Result<(), Rule> {
    check_origin(block, transaction)?;
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

/// It can be signed, is for this chain, for no contract, and still valid.
///
/// # Errors
/// If it is not.
pub fn check_origin(block: &BlockId, transaction: &Transaction) -> Result<(), Rule> {
    let &Transaction { op, chain_id, target, valid_until, .. } = transaction;
    if !op.is_signed() {
        return Err(Rule::Op { got: op });
    }
    if chain_id != block.chain_id {
        return Err(Rule::ChainId { expected: block.chain_id, got: chain_id });
    }
    if target != 0 {
        return Err(Rule::Target { got: target });
    }
    if valid_until < block.time {
        return Err(Rule::Expired { expected: block.time, got: valid_until });
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

/// Its nonce is the leaf's next of its key.
///
/// # Errors
/// If it is not.
pub fn check_nonce(leaf: &Leaf, transaction: &Transaction) -> Result<(), Rule> {
    let got = transaction.nonce;
    let expected = Nonce::new(leaf.nonces[got.key() as usize], got.key());
    if got == expected { Ok(()) } else { Err(Rule::Nonce { expected, got }) }
}

/// Takes amount and fee, which are in range, and counts the nonce of its key up. On an error the leaf stays as it is.
///
/// # Errors
/// If the nonce is not the leaf's next, or the balance does not cover them.
pub(crate) fn spend(leaf: &mut Leaf, transaction: &Transaction) -> Result<(), Rule> {
    check_nonce(leaf, transaction)?;
    let got = transaction.nonce;
    let next = got.number().checked_add(1).ok_or(Rule::NonceExhausted { got })?;
    let total = transaction.amount + transaction.fee;
    let overdraft = Rule::Overdraft { expected: leaf.balance, got: total };
    let balance = leaf.balance.checked_sub(total).ok_or(overdraft)?;
    // Only in a state that no genesis led to.
    if balance >= AMOUNT_LIMIT {
        return Err(Rule::BalanceRange { got: balance });
    }
    leaf.balance = balance;
    leaf.nonces[got.key() as usize] = next;
    Ok(())
}
