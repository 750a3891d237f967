//! Gates, gadgets, the enfold circuits and the verifier. No input or output, no threads, no printing.

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
