//! Transactions as people sign them.

use serde::{Deserialize, Serialize};

use crate::field::{from_u32, reduce};
use crate::hash::{Digest, Tag, hash};
use crate::keys::{PublicKey, RECORD_LEN, Record, SecretKey, Signature, SignatureError, Signed, verify};
use crate::leaf::{Address, Asset, LeafIndex};
use crate::message::Op;
use crate::nonce::Nonce;
use crate::owner::L1Owner;
use crate::ranges::{CHAIN_IDS, TIMES, is_chain_id};

/// No end of a transaction's validity.
pub const NO_END: u32 = u32::MAX;

/// What a person signs. The receiver is an address, never an index.
///
/// Chain id, target and last second out of their ranges are refused in a file of one transaction ([`Self::check_ranges`]); in
/// a block the executor leaves the transaction out, by the rule that it breaks. What has no value in these types (an op that
/// nobody signs, a nonce of 2^33, an element of p) is malformed, in a block as by itself, so whoever makes blocks reads each
/// transaction by itself first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transaction {
    /// What it does; only a signed op, see [`Op::is_signed`].
    pub op: Op,
    /// The chain it is for, 1 to `2^63 - 1`.
    #[serde(with = "crate::wide")]
    pub chain_id: u64,
    /// The leaf to be debited.
    pub from: LeafIndex,
    /// The leaf's nonce at that moment.
    pub nonce: Nonce,
    /// The receiver.
    pub to_address: Address,
    /// The asset of amount and fee, which must be the leaf's.
    pub asset: Asset,
    /// How much, in the asset's smallest unit, 1 to `2^62 - 1`.
    #[serde(with = "crate::wide")]
    pub amount: u64,
    /// The fee in the same asset, below `2^62`.
    #[serde(with = "crate::wide")]
    pub fee: u64,
    /// Free for the sender; a canonical field element.
    #[serde(with = "crate::wide")]
    pub memo: u64,
    /// The contract that it is for: index (30 bits) and `2^32` times the kind of its message (22 bits). 0 in a transfer.
    #[serde(with = "crate::wide")]
    pub target: u64,
    /// The last second, since 1970, at which a block may have it, at least 1; [`NO_END`] if there is none.
    pub valid_until: u32,
}

impl Transaction {
    /// Elements of the signed record.
    pub const LEN: usize = RECORD_LEN;

    /// The signed record:
    /// `op, chain id, from, nonce, to_address (4), asset, amount, fee, memo, target, valid_until`.
    pub fn elements(&self) -> Record {
        let [a0, a1, a2, a3] = self.to_address.0;
        [
            self.op.element(),
            reduce(self.chain_id),
            from_u32(self.from.0),
            reduce(self.nonce.to_u64()),
            a0,
            a1,
            a2,
            a3,
            from_u32(self.asset),
            reduce(self.amount),
            reduce(self.fee),
            reduce(self.memo),
            reduce(self.target),
            from_u32(self.valid_until),
        ]
    }

    /// Checks the ranges of chain id, target and the last second, which no state can make good.
    ///
    /// # Errors
    /// If one is out of its range, in words.
    pub fn check_ranges(&self) -> Result<(), String> {
        let &Self { chain_id, target, valid_until, .. } = self;
        let fits = |fits: bool, expected: &str, got: u64| match fits {
            true => Ok(()),
            false => Err(format!("expected {expected}, got {got}")),
        };
        fits(is_chain_id(chain_id), CHAIN_IDS, chain_id)?;
        fits(target == 0, "target 0", target)?;
        fits(valid_until != 0, TIMES, valid_until.into())
    }

    /// The transaction's id, which leaves the signature out.
    pub fn id(&self) -> Digest {
        hash(Tag::TransactionId, &self.elements())
    }
}

/// A transaction with its signer's key and signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedTransaction {
    /// What was signed.
    pub transaction: Transaction,
    /// The signer's key.
    pub public_key: PublicKey,
    /// The owner on L1; the address of key and owner must be the debited leaf's.
    pub owner: L1Owner,
    /// Schnorr signature over the record.
    pub signature: Signature,
}

impl SignedTransaction {
    /// The signer's address.
    pub fn address(&self) -> Address {
        self.public_key.address(self.owner)
    }

    /// Checks the signature. (What the signed fields mean, and their ranges, the executor checks.)
    ///
    /// # Errors
    /// If it is not valid.
    pub fn verify(&self) -> Result<(), SignatureError> {
        verify(&self.public_key, &self.record(), &self.signature)
    }
}

impl Signed for SignedTransaction {
    fn record(&self) -> Record {
        self.transaction.elements()
    }

    fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }
}

impl SecretKey {
    /// Signs for an address without an L1 owner, and puts transaction, key and signature together.
    pub fn sign_transaction(&self, transaction: Transaction) -> SignedTransaction {
        self.sign_as(L1Owner::NONE, transaction)
    }

    /// Signs for the address of this key and an L1 owner.
    pub fn sign_as(&self, owner: L1Owner, transaction: Transaction) -> SignedTransaction {
        let signature = self.sign(&transaction.elements());
        SignedTransaction { transaction, public_key: self.public_key(), owner, signature }
    }
}
