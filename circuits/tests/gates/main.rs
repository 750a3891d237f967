//! Gates, the row checker and the mutation harness.

mod checker;
mod common;
mod logup;
mod poseidon2;
mod range;
mod recursion;
