//! Searching blocks for a transaction, which no message names.

use std::collections::BTreeMap;

use super::executed;
use crate::block::{BlockData, Emitted, Place};
use crate::hash::Digest;
use crate::kind::KindId;
use crate::leaf::LeafIndex;
use crate::ledger::Ledger;
use crate::nonce::{Nonce, NonceKey};
use crate::transaction::{NO_END, Transaction};

/// Data that do not lead back from a state.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SearchError {
    /// Of another chain.
    #[error("expected data of chain {expected}, got chain {got}")]
    ChainId {
        /// The state's.
        expected: u64,
        /// The data's.
        got: u64,
    },
    /// Not the block before those that were searched.
    #[error("expected data of block {expected}, got block {got}")]
    Number {
        /// The block that is searched next.
        expected: u32,
        /// The data's.
        got: u32,
    },
    /// A leaf sends more often than its nonce allows, so the data are not this chain's.
    #[error("leaf {leaf}: expected at most {expected} transfers in block {number}, got {got}")]
    Nonce {
        /// The leaf.
        leaf: LeafIndex,
        /// The block.
        number: u32,
        /// Its nonce after the block; 0 where there is no such leaf.
        expected: u32,
        /// Its transfers in the block.
        got: u32,
    },
}

/// Looks for a transaction in blocks' data, from a state's last block backwards: the state's nonces say which nonce
/// each message's transaction had.
#[derive(Debug)]
pub struct Search<'a> {
    ledger: &'a Ledger,
    /// The block that is searched next.
    number: u32,
    /// Nonces after that block, of the leaves that sent in later ones.
    nonces: BTreeMap<(LeafIndex, NonceKey), u32>,
}

impl<'a> Search<'a> {
    /// A search that begins at the ledger's last block.
    pub fn new(ledger: &'a Ledger) -> Self {
        Self { ledger, number: ledger.height(), nonces: BTreeMap::new() }
    }

    /// The block whose data are searched next; 0 if there is none left.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Searches one block. Gives the place of the transaction's transfer and its nonce, if it is in this block.
    /// `valid_until` is the transaction's, which the data do not say.
    ///
    /// # Errors
    /// If the data are not those of the next block.
    pub fn block(
        &mut self,
        data: &BlockData,
        id: &Digest,
        valid_until: u32,
    ) -> Result<Option<(Place, Nonce)>, SearchError> {
        let is_it = |transaction: &Transaction| Transaction { valid_until, ..*transaction }.id() == *id;
        let found = self.transactions(data)?.into_iter().find(|(_, transaction)| is_it(transaction));
        Ok(found.map(|(place, transaction)| (place, transaction.nonce)))
    }

    /// The transactions of one block, in the order of its data, each with the place of its transfer. How long they were
    /// valid is not in the data: [`NO_END`] stands for it.
    ///
    /// # Errors
    /// If the data are not those of the next block.
    pub fn transactions(&mut self, data: &BlockData) -> Result<Vec<(Place, Transaction)>, SearchError> {
        let chain_id = self.ledger.chain_id();
        if data.chain_id != chain_id {
            return Err(SearchError::ChainId { expected: chain_id, got: data.chain_id });
        }
        let number = self.number;
        if data.number != number || number == 0 {
            return Err(SearchError::Number { expected: number, got: data.number });
        }
        let mut counts: BTreeMap<(LeafIndex, NonceKey), u32> = BTreeMap::new();
        let debits = || data.emitted.iter().enumerate().filter(|(_, batch)| batch.kind == KindId::Debit);
        let sent = debits().flat_map(|(_, batch)| &batch.messages).filter(|message| message.op.is_signed());
        for message in sent {
            *counts.entry((message.from, message.nonce_key)).or_default() += 1;
        }
        for ((leaf, key), got) in counts {
            let stored = self.ledger.leaf(leaf).map_or(0, |leaf| leaf.nonces[key as usize]);
            let after = self.nonces.entry((leaf, key)).or_insert(stored);
            let expected = *after;
            *after = expected.checked_sub(got).ok_or(SearchError::Nonce { leaf, number, expected, got })?;
        }
        self.number -= 1;
        // Now the nonces are those before the block; a copy counts up.
        let mut next = BTreeMap::new();
        let mut found = Vec::new();
        for (batch, Emitted { messages, .. }) in debits() {
            for (message, transfer) in messages.iter().enumerate() {
                if !transfer.op.is_signed() {
                    continue;
                }
                let key = (transfer.from, transfer.nonce_key);
                let nonce = next.entry(key).or_insert(self.nonces[&key]);
                let executed = executed(chain_id, *nonce, NO_END, messages, message);
                found.extend(executed.map(|executed| (Place { batch, message }, executed.transaction)));
                *nonce += 1;
            }
        }
        Ok(found)
    }
}
