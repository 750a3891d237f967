//! Gates, gadgets, the enfold circuits and the verifier. No input or output, no threads, no printing.

pub mod check;
pub mod config;
pub mod convert;
pub mod gadgets;
pub mod gates;
pub mod hash;
pub mod params;
pub mod public_inputs;
pub mod security;
pub mod serialization;
pub mod statement;
