//! Makes a receipt of a transaction, and checks it against the block's proof.
//!
//! ```text
//! cargo run --release -p enfold-examples --example receipt
//! ```
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;

use enfold_examples::payment;
use enfold_prover::cache::circuits;
use enfold_prover::events::ignore;
use enfold_prover::options::ProveOptions;
use enfold_prover::prove::prove_block;
use enfold_state::account_proof::AccountProof;
use enfold_state::block::Place;
use enfold_state::codec;
use enfold_state::ledger::Ledger;
use enfold_state::rebuild::rebuild;
use enfold_state::receipt::Receipt;
use enfold_verifier::account::check_account;
use enfold_verifier::receipt::check_receipt;
use enfold_verifier::statement::BlockStatement;
use enfold_verifier::verify::{VerifierKey, verify_block};
use enfold_witness::profile::ProfileId;

/// Runs the example.
///
/// # Errors
/// If a step fails.
pub fn main() -> Result<(), Box<dyn Error>> {
    let (genesis, block) = payment();
    let mut ledger = Ledger::from_genesis(&genesis)?;
    let circuits = circuits(ProfileId::Test, &ignore)?;
    let proven = prove_block(circuits, &ledger, &block, &ProveOptions::default(), &ignore)?;

    // The operator: the transfer is the first message of the first debit batch, and the leaf's nonce was 0. The account
    // proofs show its leaf before and after the block.
    let signed = &block.transactions[0];
    let place = Place { batch: 0, message: 0 };
    let receipt = Receipt::new(&proven.data, place, 0)?.with_signed(signed)?;
    let bytes = codec::encode(&receipt)?;
    println!("a receipt of {} bytes", bytes.len());
    let from = signed.transaction.from;
    let before = AccountProof::new(&ledger, from).ok_or("no such leaf")?;
    rebuild(&mut ledger, &proven.data, proven.statement.previous_root, proven.statement.new_root)?;
    let after = AccountProof::new(&ledger, from).ok_or("no such leaf")?;

    // Whoever gets it has the block's proof too, and trusts nothing else.
    let statement = verify_block(VerifierKey::pinned(ProfileId::Test), &proven.proof)?;
    let receipt: Receipt = codec::read(&bytes)?;
    let executed = check_receipt(&receipt, &statement)?;
    let transfer = executed.transfer;
    println!("leaf {} paid {} to {}", transfer.from, transfer.amount, transfer.to_address);

    // The messages have no nonce: it is what the receipt says, until the account proofs leave no other.
    for account in [&before, &after] {
        check_account(account, &statement)?;
    }
    assert_eq!((before.number, after.number), (statement.block_number - 1, statement.block_number));
    assert_eq!((before.index, after.index), (transfer.from, transfer.from));
    let nonces = receipt.nonces(Some(before.leaf.nonce), Some(after.leaf.nonce), None);
    assert_eq!(nonces, 0..=0);
    println!("by transaction {}", executed.transaction.id());

    // It fits no other block.
    let error = check_receipt(&receipt, &BlockStatement { block_number: 2, ..statement });
    println!("for block 2: {}", error.err().ok_or("a receipt fits another block")?);
    Ok(())
}
