//! What stands at a position of the tree, a leaf or a contract's record, and files that prove it.

use std::fmt;
use std::path::Path;

use enfold_state::account_proof::{AccountProof, ContractProof};
use enfold_state::codec::{self, CodecError, Kind, Record};
use enfold_state::hash::Digest;
use enfold_state::leaf::{Leaf, LeafIndex};
use enfold_state::record::ContractRecord;
use enfold_verifier::account::{AccountProofError, check_account, check_contract};
use enfold_verifier::statement::BlockStatement;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use crate::contract::ContractText;
use crate::error::{CliError, at};
use crate::files::{read_with, unreadable};
use crate::text::LeafText;

/// What stands at a position of the tree.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Held {
    /// A leaf of an account.
    Leaf(Leaf),
    /// A record of a contract or of one of its objects.
    Contract(ContractRecord),
}

/// It in plain words, at an index.
pub struct HeldText<'a>(pub LeafIndex, pub &'a Held);

impl fmt::Display for HeldText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.1 {
            Held::Leaf(leaf) => write!(f, "{}", LeafText(leaf)),
            Held::Contract(record) => write!(f, "{}", ContractText(self.0, record)),
        }
    }
}

/// A file that proves what stands at a position of the tree.
#[derive(Clone, Debug)]
pub enum PositionProof {
    /// An account proof.
    Account(AccountProof),
    /// A contract proof.
    Contract(ContractProof),
}

/// The keys by which JSON files of the two are told apart.
#[derive(Deserialize)]
struct Probe {
    contract: Option<IgnoredAny>,
}

impl PositionProof {
    /// Reads a file that is one of the two, in either form.
    ///
    /// # Errors
    /// If it is neither.
    pub fn read(path: &Path) -> Result<Self, CliError> {
        let limit = AccountProof::MAX_LEN.max(ContractProof::MAX_LEN);
        let bytes = read_with(path, limit, |reader| {
            let mut bytes = Vec::new();
            reader.read_to_end(&mut bytes).map_err(unreadable(path))?;
            Ok(bytes)
        })?;
        Self::decode(&bytes).map_err(at(path))
    }

    fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        let named = || serde_json::from_slice(bytes).is_ok_and(|probe: Probe| probe.contract.is_some());
        if codec::peek_kind(bytes) == Some(Kind::ContractProof) || named() {
            Ok(Self::Contract(codec::read(bytes)?))
        } else {
            Ok(Self::Account(codec::read(bytes)?))
        }
    }

    /// The block after which it is so, the index, and what it proves.
    pub fn parts(&self) -> (u32, LeafIndex, Held) {
        match self {
            Self::Account(proof) => (proof.number, proof.index, Held::Leaf(proof.leaf)),
            Self::Contract(proof) => (proof.number, proof.index, Held::Contract(proof.contract.clone())),
        }
    }

    /// Holds it against the two roots of a block, and gives the one that it is under.
    ///
    /// # Errors
    /// If it is under neither.
    pub fn check(&self, statement: &BlockStatement) -> Result<Digest, AccountProofError> {
        match self {
            Self::Account(proof) => check_account(proof, statement),
            Self::Contract(proof) => check_contract(proof, statement),
        }
    }
}
