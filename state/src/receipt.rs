//! Receipts: that a transaction's messages are under the `E` of a block.
//!
//! `E` chains the digests of the block's batches, and a batch's digest is that of its messages. So a receipt is the
//! messages of one batch and the digests of the others. What it proves, together with a block proof that states the
//! `E`: in this block, a leaf was debited by a transaction with these contents, signed by its owner, and the
//! messages were consumed: credited, or the first of them taken by the contract that it calls.
//!
//! A message has neither the number of a nonce nor a transaction id, and does not say how long its transaction was valid.
//! Of two transactions of one leaf that are alike but for these, a receipt does not tell which it is for: they are the word
//! of whoever made it. A signature narrows that down to what a key signed; an [`AccountProof`](crate::account_proof::AccountProof) of the debited leaf says whose key
//! it is, and which nonces the block has used: [`Receipt::nonces`].

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use crate::block::{BlockData, Emitted, Place, emitted_digests};
use crate::chain::{BlockId, link_emitted};
use crate::debit::DebitLeg;
use crate::hash::Digest;
use crate::keys::{PublicKey, Signature, SignatureError, verify};
use crate::kind::KindId;
use crate::leaf::Address;
use crate::message::{Message, MessageError, Op};
use crate::nonce::{Nonce, NonceKey};
use crate::owner::L1Owner;
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
    #[serde(with = "crate::ranges::chain_id")]
    pub chain_id: u64,
    /// The block's number.
    pub number: u32,
    /// The transaction's nonce; its number is as claimed by the maker of the receipt.
    pub nonce: Nonce,
    /// Until when the transaction was valid, as claimed by the maker of the receipt.
    #[serde(with = "crate::ranges::time")]
    pub valid_until: u32,
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
    /// The signer's owner on L1.
    pub owner: L1Owner,
    /// The signature.
    pub signature: Signature,
}

impl Authorization {
    /// The signer's address: that of the debited leaf, as an account proof of it says.
    pub fn address(&self) -> Address {
        self.public_key.address(self.owner)
    }
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
        expected: u64,
        /// The receipt's.
        got: u64,
    },
    /// The nonce is of another key than the transfer's.
    #[error("expected a nonce of key {}, got {got}", *expected as u8)]
    NonceKey {
        /// The transfer's.
        expected: NonceKey,
        /// The receipt's nonce.
        got: Nonce,
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
    /// A block executes no transaction that is void at its time.
    #[error(
        "expected a transaction that is valid until {expected}, the block's time, or later, got one until {got}"
    )]
    Expired {
        /// The block's time.
        expected: u32,
        /// The transaction's last second.
        got: u32,
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

/// How many of some messages are from the same leaf and of the same nonce key as a transfer.
fn sent(transfer: &Message, messages: &[Message]) -> i64 {
    let same = |message: &&Message| {
        message.op.is_signed() && message.from == transfer.from && message.nonce_key == transfer.nonce_key
    };
    messages.iter().filter(same).count() as i64
}

/// The transaction at a position, and its messages; `None` if none begins there.
fn executed(
    chain_id: u64,
    nonce: u32,
    valid_until: u32,
    messages: &[Message],
    position: usize,
) -> Option<Executed> {
    let (mut leg, _) = DebitLeg::read(chain_id, nonce, messages.get(position..)?)?;
    leg.transaction.valid_until = valid_until;
    let fee = Some(leg.fee()).filter(|fee| fee.amount != 0);
    Some(Executed { transaction: leg.transaction, transfer: leg.transfer(), fee })
}

impl Receipt {
    /// The receipt for the transfer at a place of a block's data, without a signature.
    ///
    /// # Errors
    /// If there is no transfer, or a message of its batch has no canonical form.
    pub fn new(data: &BlockData, place: Place, nonce: Nonce, valid_until: u32) -> Result<Self, IssueError> {
        let missing = IssueError::Place { got: place };
        let (Some(Emitted { messages, .. }), Ok(batch), Ok(position)) = (
            data.emitted.get(place.batch).filter(|batch| batch.kind == KindId::Debit),
            u32::try_from(place.batch),
            u32::try_from(place.message),
        ) else {
            return Err(missing);
        };
        let digests = emitted_digests(&data.emitted);
        let emitted = digests.iter().copied().fold(Digest::ZERO, link_emitted);
        let others = digests.iter().enumerate().filter(|&(at, _)| at != place.batch);
        let receipt = Self {
            chain_id: data.chain_id,
            number: data.number,
            nonce,
            valid_until,
            batch,
            position,
            messages: messages.clone(),
            digests: others.map(|(_, &digest)| digest).collect(),
            authorization: None,
        };
        receipt.open(data.chain_id, data.number, emitted)?;
        Ok(receipt)
    }

    /// Adds the signer.
    ///
    /// # Errors
    /// If it is another transaction than the messages and the nonce give, or the signature is not valid.
    pub fn with_signed(self, signed: &SignedTransaction) -> Result<Self, IssueError> {
        let executed = self.executed();
        let expected = executed.map_or(Digest::ZERO, |executed| executed.transaction.id());
        let got = signed.transaction.id();
        if signed.transaction.id() != expected {
            return Err(IssueError::Transaction { expected, got });
        }
        signed.verify().map_err(ReceiptError::from)?;
        let SignedTransaction { public_key, owner, signature, .. } = *signed;
        Ok(Self { authorization: Some(Authorization { public_key, owner, signature }), ..self })
    }

    fn executed(&self) -> Option<Executed> {
        let Self { chain_id, nonce, valid_until, ref messages, position, .. } = *self;
        executed(chain_id, nonce.number(), valid_until, messages, position as usize)
    }

    /// The `E` that the receipt leads to.
    ///
    /// # Errors
    /// If it names a batch that is not there.
    pub fn emitted(&self) -> Result<Digest, ReceiptError> {
        let wrong = ReceiptError::Batch { expected: self.digests.len(), got: self.batch };
        let (before, after) = self.digests.split_at_checked(self.batch as usize).ok_or(wrong)?;
        // Transactions are debits.
        let own = Emitted { kind: KindId::Debit, messages: self.messages.clone() }.digest();
        Ok(before.iter().chain([&own]).chain(after).copied().fold(Digest::ZERO, link_emitted))
    }

    /// Checks the receipt against a block that is known to have this `E`, from its proof.
    ///
    /// # Errors
    /// If it is of another block, is not in its one form, does not lead to `E`, or is of a transaction that had expired by the
    /// block's time.
    pub fn check(&self, block: &BlockId, emitted: Digest) -> Result<Executed, ReceiptError> {
        let BlockId { chain_id, number, time } = *block;
        let executed = self.open(chain_id, number, emitted)?;
        if self.valid_until < time {
            return Err(ReceiptError::Expired { expected: time, got: self.valid_until });
        }
        Ok(executed)
    }

    /// [`Self::check`], whatever the block's time: published data do not say that.
    fn open(&self, chain_id: u64, number: u32, emitted: Digest) -> Result<Executed, ReceiptError> {
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
        let executed = self.executed().ok_or(ReceiptError::Op { at: self.position, got: first.op })?;
        if self.nonce.key() != first.nonce_key {
            return Err(ReceiptError::NonceKey { expected: first.nonce_key, got: self.nonce });
        }
        if let Some(Authorization { public_key, signature, .. }) = &self.authorization {
            verify(public_key, &executed.transaction.elements(), signature)?;
        }
        Ok(executed)
    }

    /// The numbers that the nonce of a checked receipt can have had, if `before` and `after` are the debited leaf's nonces
    /// of the same key before and after the block, as far as they are known. A leaf's transactions of one key stand in the
    /// data in the order of their nonces, with none left out; so it depends on how many are before and behind this one. Of
    /// other batches that is known from the block's `data`, which must have been held against its `E`.
    pub fn nonces(
        &self,
        before: Option<u32>,
        after: Option<u32>,
        data: Option<&BlockData>,
    ) -> RangeInclusive<i64> {
        let (batch, position) = (self.batch as usize, self.position as usize);
        let Some(transfer) = self.messages.get(position) else {
            return RangeInclusive::new(1, 0);
        };
        let mut earlier = sent(transfer, &self.messages[..position]);
        let mut later = sent(transfer, &self.messages[position + 1..]);
        let (mut first, mut last) = (batch == 0, batch == self.digests.len());
        if let Some(data) = data {
            let batches =
                |range: &[Emitted]| range.iter().map(|batch| sent(transfer, &batch.messages)).sum::<i64>();
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
