//! Gates, the row checker and the mutation harness.

mod alone;
mod checker;
mod common;
mod excess;
mod logup;
mod path;
mod poseidon2;
mod range;
#[path = "../removal/record.rs"]
mod record;
mod recursion;
mod select;
