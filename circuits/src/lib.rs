//! Gates, gadgets, the enfold circuits and the verifier. No input or output, no threads, no printing.

pub mod gates;
pub mod params;
pub mod public_inputs;
pub mod security;
pub mod statement;
