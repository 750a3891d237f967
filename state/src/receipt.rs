//! Receipts: that a transaction's messages are under the `E` of a block.
//!
//! `E` chains the digests of the block's batches, and a batch's digest is that of its messages. So a receipt is the
//! messages of one batch and the digests of the others. What it proves, together with a block proof that states the
//! `E`: in this block, a leaf was debited by a transaction with these contents, signed by its owner, and the
//! messages were credited.
//!
//! A message has neither nonce nor transaction id. Of two transactions of one leaf that are alike but for the nonce,
//! a receipt does not tell which it is for: the nonce is the word of whoever made it. A signature narrows that down to
//! what a key signed; an [`AccountProof`](crate::account_proof::AccountProof) of the debited leaf says whose key it is, and
//! which nonces the block has used: [`Receipt::nonces`].

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use crate::block::{BlockData, Place};
use crate::chain::link_emitted;
use crate::debit::DebitLeg;
use crate::hash::batch::message_digests;
use crate::hash::{Digest, MessageSponge};
use crate::keys::{PublicKey, Signature, SignatureError, verify};
use crate::leaf::LeafIndex;
use crate::message::{Message, MessageError, Op};
use crate::transaction::{SignedTransaction, Transaction};

#[cfg(feature = "node")]
mod search;
#[cfg(feature = "node")]
pub use search::{Search, SearchError};

/// What opens a block's `E` at one transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// The chain.
    pub chain_id: u32,
    /// The block's number.
    pub number: u32,
    /// The transaction's nonce, as claimed by the maker of the receipt.
    pub nonce: u32,
    /// The transaction's batch among those that can emit, from 0.
    pub batch: u32,
    /// The transfer's place among the batch's messages, from 0. A fee message behind it is the same transaction's.
    pub position: u32,
    /// All messages of the batch.
    pub messages: Vec<Message>,
    /// The digests of the other batches' messages, in order.
    pub digests: Vec<Digest>,
    /// The signer of the transaction, nonce included. In JSON the field is always there: `null` for nobody.
    #[serde(deserialize_with = "Option::deserialize")]
    pub authorization: Option<Authorization>,
}

/// A key and its signature of the transaction that the rest of a receipt describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Authorization {
    /// The signer's key.
    pub public_key: PublicKey,
    /// The signature.
    pub signature: Signature,
}

/// What a receipt proves, but for the nonce.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Executed {
    /// The transaction, with the receipt's nonce.
    pub transaction: Transaction,
    /// The message to the receiver.
    pub transfer: Message,
    /// The message to the fee collector; `None` if the fee is 0.
    pub fee: Option<Message>,
}

/// A receipt does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// Of another chain.
    #[error("expected a receipt of chain {expected}, got chain {got}")]
    ChainId {
        /// The block's.
        expected: u32,
        /// The receipt's.
        got: u32,
    },
    /// Of another block.
    #[error("expected a receipt of block {expected}, got block {got}")]
    Number {
        /// The block's.
        expected: u32,
        /// The receipt's.
        got: u32,
    },
    /// A batch that is not there.
    #[error("expected a batch number of at most {expected}, got {got}")]
    Batch {
        /// One less than the count of batches.
        expected: usize,
        /// The receipt's.
        got: u32,
    },
    /// A message that is not there.
    #[error("expected a position below {expected}, the number of the batch's messages, got {got}")]
    Position {
        /// Count of the batch's messages.
        expected: usize,
        /// The receipt's.
        got: u32,
    },
    /// A message is not one that a circuit emits.
    #[error("message {at}: {source}")]
    Message {
        /// Its place in the batch.
        at: usize,
        /// What is wrong with it.
        source: MessageError,
    },
    /// The commitment to the messages is another.
    #[error("expected E {expected}, got {got}")]
    Emitted {
        /// The block's.
        expected: Digest,
        /// The receipt's.
        got: Digest,
    },
    /// The message is no transfer.
    #[error("expected a transfer at position {at}, got a {}", got.name())]
    Op {
        /// The position.
        at: u32,
        /// The message's op.
        got: Op,
    },
    /// The signature is not the key's, or of another transaction.
    #[error("signature: {0}")]
    Signature(#[from] SignatureError),
}

/// No receipt can be made for this place or transaction.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IssueError {
    /// The place has no message.
    #[error("expected a place of the block's data, got {got}")]
    Place {
        /// The place.
        got: Place,
    },
    /// What it would prove does not hold.
    #[error(transparent)]
    Receipt(#[from] ReceiptError),
    /// Another transaction was signed than the one that the messages tell of.
    #[error("expected the transaction {expected}, got {got}")]
    Transaction {
        /// The id that messages and nonce give.
        expected: Digest,
        /// The signed transaction's.
        got: Digest,
    },
}

/// How many transactions a leaf sent, by some of a block's messages.
fn sent(from: LeafIndex, messages: &[Message]) -> i64 {
    messages.iter().filter(|message| message.op.is_signed() && message.from == from).count() as i64
}

fn digest(messages: &[Message]) -> Digest {
    let mut sponge = MessageSponge::default();
    messages.iter().for_each(|message| sponge.absorb(message.elements()));
    sponge.digest()
}

/// The transaction at a position, and its messages; `None` if none begins there.
fn executed(chain_id: u32, nonce: u32, messages: &[Message], position: usize) -> Option<Executed> {
    let (leg, _) = DebitLeg::read(chain_id, nonce, messages.get(position..)?)?;
    let fee = Some(leg.fee()).filter(|fee| fee.amount != 0);
    Some(Executed { transaction: leg.transaction, transfer: leg.transfer(), fee })
}

impl Receipt {
    /// The receipt for the transfer at a place of a block's data, without a signature.
    ///
    /// # Errors
    /// If there is no transfer, or a message of its batch has no canonical form.
    pub fn new(data: &BlockData, place: Place, nonce: u32) -> Result<Self, IssueError> {
        let missing = IssueError::Place { got: place };
        let (Some(messages), Ok(batch), Ok(position)) =
            (data.emitted.get(place.batch), u32::try_from(place.batch), u32::try_from(place.message))
        else {
            return Err(missing);
        };
        let lists: Vec<_> = data.emitted.iter().map(Vec::as_slice).collect();
        let digests = message_digests(&lists, Message::elements);
        let emitted = digests.iter().copied().fold(Digest::ZERO, link_emitted);
        let others = digests.iter().enumerate().filter(|&(at, _)| at != place.batch);
        let receipt = Self {
            chain_id: data.chain_id,
            number: data.number,
            nonce,
            batch,
            position,
            messages: messages.clone(),
            digests: others.map(|(_, &digest)| digest).collect(),
            authorization: None,
        };
        receipt.check(data.chain_id, data.number, emitted)?;
        Ok(receipt)
    }

    /// Adds the signer.
    ///
    /// # Errors
    /// If it is another transaction than the messages and the nonce give, or the signature is not valid.
    pub fn with_signed(self, signed: &SignedTransaction) -> Result<Self, IssueError> {
        let executed = executed(self.chain_id, self.nonce, &self.messages, self.position as usize);
        let expected = executed.map_or(Digest::ZERO, |executed| executed.transaction.id());
        let got = signed.transaction.id();
        if signed.transaction.id() != expected {
            return Err(IssueError::Transaction { expected, got });
        }
        let SignedTransaction { transaction, public_key, signature } = *signed;
        verify(&public_key, &transaction.elements(), &signature).map_err(ReceiptError::from)?;
        Ok(Self { authorization: Some(Authorization { public_key, signature }), ..self })
    }

    /// The `E` that the receipt leads to.
    ///
    /// # Errors
    /// If it names a batch that is not there.
    pub fn emitted(&self) -> Result<Digest, ReceiptError> {
        let wrong = ReceiptError::Batch { expected: self.digests.len(), got: self.batch };
        let (before, after) = self.digests.split_at_checked(self.batch as usize).ok_or(wrong)?;
        let own = digest(&self.messages);
        Ok(before.iter().chain([&own]).chain(after).copied().fold(Digest::ZERO, link_emitted))
    }

    /// Checks the receipt against a block that is known to have this `E`, from its proof.
    ///
    /// # Errors
    /// If it is of another block, is not in its one form, or does not lead to `E`.
    pub fn check(&self, chain_id: u32, number: u32, emitted: Digest) -> Result<Executed, ReceiptError> {
        if self.chain_id != chain_id {
            return Err(ReceiptError::ChainId { expected: chain_id, got: self.chain_id });
        }
        if self.number != number {
            return Err(ReceiptError::Number { expected: number, got: self.number });
        }
        for (at, message) in self.messages.iter().enumerate() {
            message.check().map_err(|source| ReceiptError::Message { at, source })?;
        }
        let position = ReceiptError::Position { expected: self.messages.len(), got: self.position };
        let first = self.messages.get(self.position as usize).ok_or(position)?;
        let got = self.emitted()?;
        if got != emitted {
            return Err(ReceiptError::Emitted { expected: emitted, got });
        }
        let executed = executed(chain_id, self.nonce, &self.messages, self.position as usize)
            .ok_or(ReceiptError::Op { at: self.position, got: first.op })?;
        if let Some(Authorization { public_key, signature }) = &self.authorization {
            verify(public_key, &executed.transaction.elements(), signature)?;
        }
        Ok(executed)
    }

    /// The nonces that the transaction of a checked receipt can have had, if `before` and `after` are the debited leaf's
    /// nonces before and after the block, as far as they are known. A leaf's transactions stand in the data in the order
    /// of their nonces, with none left out; so it depends on how many are before and behind this one. Of other batches
    /// that is known from the block's `data`, which must have been held against its `E`.
    pub fn nonces(
        &self,
        before: Option<u32>,
        after: Option<u32>,
        data: Option<&BlockData>,
    ) -> RangeInclusive<i64> {
        let (batch, position) = (self.batch as usize, self.position as usize);
        let Some(from) = self.messages.get(position).map(|message| message.from) else {
            return RangeInclusive::new(1, 0);
        };
        let mut earlier = sent(from, &self.messages[..position]);
        let mut later = sent(from, &self.messages[position + 1..]);
        let (mut first, mut last) = (batch == 0, batch == self.digests.len());
        if let Some(data) = data {
            let batches = |range: &[Vec<Message>]| range.iter().map(|batch| sent(from, batch)).sum::<i64>();
            earlier += batches(data.emitted.get(..batch).unwrap_or_default());
            later += batches(data.emitted.get(batch + 1..).unwrap_or_default());
            (first, last) = (true, true);
        }
        let (mut low, mut high) = (earlier, i64::from(u32::MAX));
        if let Some(before) = before.map(i64::from) {
            low = low.max(before + earlier);
            high = if first { high.min(before + earlier) } else { high };
        }
        if let Some(after) = after.map(i64::from) {
            high = high.min(after - 1 - later);
            low = if last { low.max(after - 1 - later) } else { low };
        }
        low..=high
    }
}
