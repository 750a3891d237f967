//! A key and an owner on L1: what signs for an address.

use crate::keys::{PublicKey, SecretKey};
use crate::leaf::Address;
use crate::owner::L1Owner;
use crate::transaction::{SignedTransaction, Transaction};

/// A key and an owner on L1, or none: together they are an address.
#[derive(Clone, Debug)]
pub struct Signer {
    /// The key.
    pub key: SecretKey,
    /// The owner.
    pub owner: L1Owner,
}

impl Signer {
    /// The key's public part.
    pub fn public_key(&self) -> PublicKey {
        self.key.public_key()
    }

    /// The address of key and owner.
    pub fn address(&self) -> Address {
        self.public_key().address(self.owner)
    }

    /// Signs.
    pub fn sign_transaction(&self, transaction: Transaction) -> SignedTransaction {
        self.key.sign_as(self.owner, transaction)
    }
}
