//! The verifier: whether a block proof holds and what it says, and what follows for published data, receipts and
//! accounts. No input or output, no threads, no printing; it builds for wasm32.
//!
//! - [`verify::verify_block`] takes a proof file and the key that is pinned for its profile, and gives the
//!   [`statement::BlockStatement`] that the proof proves.
//! - [`statement::chain::link`] holds the statements of consecutive blocks against each other.
//! - [`data::check_data`] holds a block's published messages against its statement, [`receipt`] a transaction,
//!   [`account`] a leaf.
//!
//! ```
//! use enfold_verifier::profile::ProfileId;
//! use enfold_verifier::verify::{VerifierKey, verify_block};
//!
//! # let file = include_bytes!("../../fixtures/golden/test.proof");
//! let statement = verify_block(VerifierKey::pinned(ProfileId::Test), file)?;
//! assert_eq!((statement.chain_id, statement.block_number), (7, 1));
//! # Ok::<(), enfold_verifier::verify::VerifyError>(())
//! ```
//!
//! The other modules are what circuits and verifier have in common: field, hash, gates and the stored forms.

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

pub use enfold_state::profile;
