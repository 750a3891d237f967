//! The signature stage: the only costly part of executing a block, and the only one that hashes.
//!
//! It needs no ledger, so it can run as transactions arrive, or beside the block before.

use crate::hash::Tag;
use crate::hash::batch::hashes_into;
use crate::keys::SignatureError;
use crate::keys::batch::verify_each;
use crate::leaf::Address;
use crate::rule::Rule;
use crate::transaction::SignedTransaction;

/// The signer of each transaction of a block, and whether the signature is valid.
#[derive(Clone, Debug)]
pub struct Signatures {
    signers: Vec<Address>,
    checks: Vec<Result<(), SignatureError>>,
}

impl Signatures {
    /// Checks the signatures of these transactions, in parallel and in [batches](crate::keys::batch).
    pub fn check(transactions: &[SignedTransaction]) -> Self {
        let mut signers = vec![Address::ZERO; transactions.len()];
        hashes_into(Tag::Address, &mut signers, |at| {
            transactions[at].public_key.address_record(transactions[at].owner)
        });
        Self { signers, checks: verify_each(transactions) }
    }

    /// Number of transactions.
    pub fn len(&self) -> usize {
        self.checks.len()
    }

    /// Whether there is no transaction.
    pub fn is_empty(&self) -> bool {
        self.checks.is_empty()
    }

    /// The address of the key of the transaction at this position.
    pub(super) fn signer(&self, position: usize) -> Address {
        self.signers[position]
    }

    /// Whether the signature at this position holds.
    pub(super) fn rule(&self, position: usize) -> Result<(), Rule> {
        self.checks[position].map_err(|got| Rule::Signature { got })
    }
}
