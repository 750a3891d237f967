//! Gadgets, the enfold circuits and the row checker. No input or output, no printing. What circuits and verifier have in
//! common, gates among it, is in [`enfold_verifier`].
//!
//! A circuit says how many rows it takes without being built:
//!
//! ```
//! use enfold_circuits::report::batch_rows;
//! use enfold_state::profile::{BatchId, ProfileId};
//!
//! let rows = batch_rows(ProfileId::Test);
//! assert!(rows[BatchId::DebitWide].total() <= 1 << 10);
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
pub mod credit;
pub mod debit;
pub mod fill;
pub mod fold;
pub mod gadgets;
pub mod keys;
pub mod kind;
pub mod lift;
pub mod mutate;
mod operations;
pub mod params;
pub mod public_inputs;
pub mod recursion;
#[cfg(feature = "toy")]
pub mod relay;
#[cfg(feature = "removal")]
pub mod removal;
pub mod report;
pub mod rows;
pub mod security;
pub mod serialization;
mod session;

pub use enfold_verifier::{config, constraint, convert, field, for_each_gate, gates, hash, impl_gate};
use enfold_verifier::{statement, verify};
