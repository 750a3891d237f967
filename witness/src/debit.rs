//! Debits: the native twin of the circuits `debit_wide` and `debit_deep`.

use enfold_state::chain::BlockId;
use enfold_state::debit::{Debit, DebitLeg, check_leaf, check_nonce, check_origin};
use enfold_state::executor::Execution;
use enfold_state::hash::Digest;
use enfold_state::keys::padding_key;
use enfold_state::leaf::{AMOUNT_LIMIT, Address, Leaf, LeafIndex};
use enfold_state::legs::Legs;
use enfold_state::message::{Message, Op};
use enfold_state::nonce::{Nonce, NonceKey};
use enfold_state::rule::Rule;
use enfold_state::transaction::{NO_END, SignedTransaction, Transaction};
use rayon::prelude::*;

use crate::error::{StepError, WitnessError};
use crate::kind::{At, BatchKind, Source};
use crate::slots::Slots;

/// One leaf that is debited by one or more legs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DebitPath {
    /// The leaf's position in the state tree; inside the batch's window.
    pub index: LeafIndex,
    /// The leaf before its first leg here.
    pub leaf: Leaf,
    /// Exactly as many as the circuit has; live ones first.
    pub legs: Vec<DebitSlot>,
}

/// A signed leg or padding: the signed message and, if the fee is not zero, the fee message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DebitSlot {
    /// Off in padding.
    pub live: bool,
    /// The transaction; in padding, one of the padding key that fits the leaf.
    pub signed: SignedTransaction,
    /// The leaf that consumes the signed message: the receiver's, as the executor found or assigned it, or a contract's; 0 in
    /// padding.
    pub to: LeafIndex,
    /// The fee collector's leaf; 0 where there is no fee.
    pub fee_to: LeafIndex,
    /// The fee collector's address; zero where there is no fee.
    pub collector: Address,
}

impl BatchKind for Debit {
    const CREATES: bool = false;

    type Slot = DebitSlot;
    type Path = DebitPath;

    fn leaves(execution: &Execution) -> impl IndexedParallelIterator<Item = LeafIndex> {
        execution.debits.par_iter().map(|debit| debit.from)
    }

    fn leg(source: &Source<'_>, position: usize) -> Result<DebitLeg, WitnessError> {
        let accepted = &source.execution.debits[position];
        let position = accepted.position;
        let signed = source.transactions.get(position).ok_or(WitnessError::Position { position })?;
        let messages = source.execution.messages(accepted);
        let (transfer, fee) = messages.ok_or(WitnessError::Messages { position })?;
        let (fee_to, collector) = fee.map_or_else(Default::default, |fee| (fee.to, fee.to_address));
        Ok(DebitLeg { transaction: signed.transaction, to: transfer.to, fee_to, collector })
    }

    fn check_emitted(source: &Source<'_>, position: usize, got: &[Message]) -> Result<(), WitnessError> {
        let accepted = &source.execution.debits[position];
        let expected = source.execution.messages(accepted);
        match expected.is_some_and(|(signed, fee)| [signed].into_iter().chain(fee).eq(got)) {
            true => Ok(()),
            false => Err(WitnessError::Messages { position: accepted.position }),
        }
    }

    fn slot(source: &Source<'_>, position: usize) -> Result<DebitSlot, WitnessError> {
        let DebitLeg { to, fee_to, collector, .. } = Self::leg(source, position)?;
        let signed = source.transactions[source.execution.debits[position].position];
        Ok(DebitSlot { live: true, signed, to, fee_to, collector })
    }

    fn padding(block: &BlockId, index: LeafIndex, leaf: &Leaf) -> DebitSlot {
        let signed = padding_transaction(block.chain_id, index, leaf);
        DebitSlot { live: false, signed, to: LeafIndex(0), fee_to: LeafIndex(0), collector: Digest::ZERO }
    }

    fn path(index: LeafIndex, before: Option<Leaf>, legs: Vec<DebitSlot>) -> Option<DebitPath> {
        Some(DebitPath { index, leaf: before?, legs })
    }

    fn index(path: &DebitPath) -> LeafIndex {
        path.index
    }

    fn slots(path: &DebitPath) -> &[DebitSlot] {
        &path.legs
    }

    fn is_live(slot: &DebitSlot) -> bool {
        slot.live
    }

    fn opened(path: &DebitPath) -> Digest {
        path.leaf.digest()
    }

    fn before(_: usize, path: &DebitPath) -> Result<Leaf, StepError> {
        Ok(path.leaf)
    }

    fn creates(_: &DebitPath) -> bool {
        false
    }

    fn step(
        block: &BlockId,
        at: At,
        leaf: &Leaf,
        slot: &DebitSlot,
        messages: &mut Slots,
    ) -> Result<Leaf, StepError> {
        let At { path, leg, index } = at;
        let &DebitSlot { live, ref signed, to, fee_to, collector } = slot;
        let transaction = &signed.transaction;
        let breaks = |rule| StepError::Rule { path, leg, rule };

        // Signed record: op, target, chain and leaf are the circuit's own, nonce and asset the leaf's; and the time.
        check_origin(block, transaction).map_err(breaks)?;
        check_leaf(index, leaf, transaction).map_err(breaks)?;
        check_nonce(leaf, transaction).map_err(breaks)?;

        // Signature: it holds in padding too; the key must be the owner's in a live leg only.
        check_signature(leaf, slot).map_err(breaks)?;

        // Ranges, in padding too. That of the amount holds amount - 1, so 2^62 passes here.
        let &Transaction { amount, fee, .. } = transaction;
        if amount == 0 || amount > AMOUNT_LIMIT {
            return Err(StepError::Amount { path, leg, got: amount });
        }
        if fee >= AMOUNT_LIMIT {
            return Err(StepError::Fee { path, leg, got: fee });
        }

        // Balance and nonce: in padding the leaf stays.
        let debit = DebitLeg { transaction: *transaction, to, fee_to, collector };
        let leaf = match live {
            true => Self::apply(block, index, Some(leaf), &debit).map_err(breaks)?,
            false if leaf.balance >= AMOUNT_LIMIT => {
                return Err(breaks(Rule::BalanceRange { got: leaf.balance }));
            }
            false => *leaf,
        };

        // Messages: the signed one, flagged if the leg is live; the fee, flagged if it is live and not zero.
        messages.emit(debit.transfer().elements(), live);
        messages.emit(debit.fee().elements(), live && fee != 0);
        messages.transactions += usize::from(live);
        Ok(leaf)
    }
}

fn check_signature(leaf: &Leaf, slot: &DebitSlot) -> Result<(), Rule> {
    let signed = &slot.signed;
    signed.verify().map_err(|got| Rule::Signature { got })?;
    let got = signed.address();
    if slot.live && got != leaf.address {
        return Err(Rule::Owner { expected: leaf.address, got });
    }
    Ok(())
}

/// The transaction of a padding leg. Its key owns nothing, so it debits nothing outside a padding leg either.
pub fn padding_transaction(chain_id: u64, from: LeafIndex, leaf: &Leaf) -> SignedTransaction {
    padding_key().sign_transaction(Transaction {
        op: Op::Transfer,
        chain_id,
        from,
        nonce: Nonce::new(leaf.nonces[0], NonceKey::First),
        to_address: Digest::ZERO,
        asset: leaf.asset,
        amount: 1,
        fee: 0,
        memo: 0,
        target: 0,
        valid_until: NO_END,
    })
}
