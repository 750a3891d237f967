//! The verifier: whether a block proof holds and what it says, and what follows for published data, receipts and
//! accounts. No input or output, no threads, no printing; it builds for wasm32.
//!
//! - [`verify::verify_block`] takes a proof file and the key that is pinned for its profile, and gives the
//!   [`statement::BlockStatement`] that the proof proves.
//! - [`statement::chain::link`] holds the statements of consecutive blocks against each other.
//! - [`data::check_data`] holds a block's published messages against its statement, [`receipt`] a transaction,
//!   [`account`] a leaf or a contract's record.
//!
//! ```
//! use enfold_state::profile::ProfileId;
//! use enfold_verifier::receipt::check_receipt;
//! use enfold_verifier::verify::{VerifierKey, verify_block};
//! use enfold_verifier::{Digest, codec};
//!
//! # let golden = |name: &str| std::fs::read(format!("../fixtures/golden/{name}"));
//! # let (proof, receipt) = (golden("standard.proof")?, golden("standard.receipt")?);
//! // The key is part of this crate. Never take one from whoever sends the proof.
//! let statement = verify_block(VerifierKey::pinned(ProfileId::Standard), &proof)?;
//!
//! // A proof says that some state leads to some other. That it is your chain's, you have to compare.
//! let known: Digest = "5addfed3f73839a271586278790de25df5141b3bf1dab36de8d3277fe7430bda".parse()?;
//! assert_eq!((statement.chain_id, statement.previous_root), (7, known));
//!
//! // What else you have of the block, in a binary or a JSON file, is checked against what the proof says, and never against
//! // a statement that was not verified.
//! let executed = check_receipt(&codec::read(&receipt)?, &statement)?;
//! assert_eq!(executed.transaction.chain_id, 7);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`verify::verify_inner`] verifies the proofs that a block proof is made of, for those who prove. The other modules are
//! what circuits and verifier have in common: field, hash, gates and the stored forms.

pub mod account;
pub mod config;
pub mod constraint;
pub mod convert;
pub mod data;
pub mod field;
pub mod gates;
pub mod hash;
pub mod keys;
pub mod public_inputs;
pub mod receipt;
#[cfg(feature = "removal")]
pub mod removal;
pub mod serialization;
pub mod statement;
pub mod verify;

pub use enfold_state::hash::Digest;
pub use enfold_state::{codec, profile};
