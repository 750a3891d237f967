//! Gates, gadgets, the enfold circuits and the verifier. No input or output, no threads, no printing.
//!
//! Verifying takes the proof and a key that is part of this crate:
//!
//! ```
//! use enfold_circuits::verify::{VerifierKey, verify_block};
//! use enfold_witness::profile::ProfileId;
//!
//! let proof = std::fs::read("../fixtures/golden/standard.proof")?;
//! let statement = verify_block(VerifierKey::pinned(ProfileId::Standard), &proof)?;
//!
//! // What the proof says, to be compared with roots that are known from elsewhere.
//! assert_eq!((statement.chain_id, statement.block_number, statement.transactions), (7, 1, 8));
//! assert_ne!(statement.previous_root, statement.new_root);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Proving is in [`circuit_set`], and, faster, in the crate `enfold-prover`.

// Tests that are compiled into this crate and into others name it as the others do.
#[cfg(test)]
extern crate self as enfold_circuits;

pub mod backend;
pub mod batch;
pub mod block;
pub mod check;
pub mod circuit_set;
pub mod config;
pub mod constraint;
pub mod convert;
pub mod credit;
pub mod debit;
pub mod fill;
pub mod fold;
pub mod gadgets;
pub mod gates;
pub mod hash;
pub mod keys;
pub mod kind;
pub mod lift;
pub mod mutate;
mod operations;
pub mod params;
pub mod public_inputs;
pub mod recursion;
#[cfg(feature = "removal")]
pub mod removal;
pub mod report;
pub mod rows;
pub mod security;
pub mod serialization;
mod session;
pub mod statement;
pub mod verify;
