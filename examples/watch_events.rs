//! Follows the progress of a block: what a progress bar, a log or a metric is made from.
//!
//! ```text
//! cargo run --release -p enfold-examples --example watch_events
//! ```
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;
use std::sync::atomic::{AtomicUsize, Ordering};

use enfold_examples::payment;
use enfold_prover::cache::circuits;
use enfold_prover::events::Event;
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
    let ledger = Ledger::from_genesis(&genesis)?;

    // Events come from any thread, several at a time. The enum is not exhaustive: new ones may be added.
    let (expected, finished) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let observe = |event: &Event| match event {
        Event::CircuitsReady { profile, elapsed, .. } => {
            println!("circuits of profile {profile} built in {elapsed:.1?}");
        }
        Event::Executed { transactions, elapsed, .. } => {
            println!("executed {transactions} transaction in {elapsed:.1?}");
        }
        &Event::Proving { batches, lifts, folds, .. } => {
            // And the block proof.
            let proofs = batches + lifts + folds + 1;
            expected.store(proofs, Ordering::Relaxed);
            println!("{proofs} proofs to make");
        }
        Event::Finished { job, elapsed } => {
            let done = finished.fetch_add(1, Ordering::Relaxed) + 1;
            println!("{done}/{}: {job} in {elapsed:.1?}", expected.load(Ordering::Relaxed));
        }
        Event::Verified { bytes, elapsed } => println!("proof of {bytes} bytes verified in {elapsed:.1?}"),
        _ => {}
    };

    let circuits = circuits(ProfileId::Test);
    prove_block(circuits, &ledger, &block, &ProveOptions::default(), &observe)?;

    let [expected, finished] = [expected, finished].map(AtomicUsize::into_inner);
    assert!(finished > 0 && finished == expected, "expected {expected} proofs, got {finished}");
    Ok(())
}
