//! Proves a block in memory and moves the state on.
//!
//! ```text
//! cargo run --release -p enfold-examples --example prove_block
//! ```
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;

use enfold_examples::payment;
use enfold_prover::cache::circuits;
use enfold_prover::events::ignore;
use enfold_prover::options::ProveOptions;
use enfold_prover::prove::prove_block;
use enfold_state::ledger::Ledger;
use enfold_state::profile::ProfileId;

/// Runs the example.
///
/// # Errors
/// If a step fails.
pub fn main() -> Result<(), Box<dyn Error>> {
    let (genesis, block) = payment();
    let mut ledger = Ledger::from_genesis(&genesis)?;

    // Built when a block needs them, once in a process. Proofs of the profile `test` can be forged: use `Standard` for anything real.
    let circuits = circuits(ProfileId::Test);

    // Executes, plans, proves and verifies. The ledger stays as it is.
    let proven = prove_block(circuits, &ledger, &block, &ProveOptions::default(), &ignore)?;
    assert_eq!(proven.statement.previous_root, ledger.root());

    // A transaction that breaks a rule is left out of the block, with the reason.
    assert!(proven.rejections().is_empty());

    // Publish `proven.proof` and `proven.data`; then the block is part of the state.
    let root = ledger.apply(&proven.execution)?;
    assert_eq!(proven.statement.new_root, root);

    println!("block {}: {} transaction", proven.statement.block_number, proven.statement.transactions);
    println!("proof of {} bytes, new state root {root}", proven.proof.len());
    Ok(())
}
