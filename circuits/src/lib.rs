//! Gates, gadgets, the enfold circuits and the verifier. No input or output, no threads, no printing.

pub mod gates;
