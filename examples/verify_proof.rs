//! Verifies a block proof that is part of the repository.
//!
//! ```text
//! cargo run --release -p enfold-examples --example verify_proof
//! ```
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;
use std::path::Path;

use enfold_state::profile::ProfileId;
use enfold_verifier::verify::{VerifierKey, verify_block};

/// Runs the example.
///
/// # Errors
/// If the file cannot be read, or the proof does not hold.
pub fn main() -> Result<(), Box<dyn Error>> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/golden/standard.proof");
    let mut proof = std::fs::read(file)?;

    // The key is part of the library. Never take one from whoever sends you proofs.
    let key = VerifierKey::pinned(ProfileId::Standard);
    let statement = verify_block(key, &proof)?;
    println!("chain {}, block {}", statement.chain_id, statement.block_number);
    println!("previous state root {}", statement.previous_root);
    println!("new state root      {}", statement.new_root);
    println!("A proof alone says that some state leads to some other: compare with roots you know.");

    // Any change is refused.
    let middle = proof.len() / 2;
    proof[middle] ^= 1;
    match verify_block(key, &proof) {
        Err(error) => println!("with one bit changed: {error}"),
        Ok(_) => return Err("a changed proof verifies".into()),
    }
    Ok(())
}
