//! Gates, the row checker and the mutation harness.

mod checker;
mod common;
mod logup;
mod path;
mod poseidon2;
mod range;
mod recursion;
mod select;
