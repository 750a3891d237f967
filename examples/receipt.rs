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
use enfold_state::leaf::Leaf;
use enfold_state::ledger::Ledger;
use enfold_state::profile::ProfileId;
use enfold_state::rebuild::rebuild;
use enfold_state::receipt::{Authorization, Receipt};
use enfold_verifier::account::check_account;
use enfold_verifier::receipt::check_receipt;
use enfold_verifier::statement::BlockStatement;
use enfold_verifier::verify::{VerifierKey, verify_block};

/// Runs the example.
///
/// # Errors
/// If a step fails.
pub fn main() -> Result<(), Box<dyn Error>> {
    let (genesis, block) = payment();
    let mut ledger = Ledger::from_genesis(&genesis)?;
    let circuits = circuits(ProfileId::Test);
    let proven = prove_block(circuits, &ledger, &block, &ProveOptions::default(), &ignore)?;

    // The operator: the transfer is the first message of the first debit batch, and the leaf's nonce was 0. The account
    // proofs show its leaf before and after the block.
    let signed = &block.transactions[0];
    let place = Place { batch: 0, message: 0 };
    let transaction = &signed.transaction;
    let receipt = Receipt::new(&proven.data, place, transaction.nonce, transaction.valid_until)?;
    let receipt = receipt.with_signed(signed)?;
    let bytes = codec::encode(&receipt)?;
    println!("a receipt of {} bytes", bytes.len());
    let from = signed.transaction.from;
    let before = AccountProof::new(&ledger, from).ok_or("no such leaf")?;
    let BlockStatement { time, previous_root, new_root, .. } = proven.statement;
    rebuild(&mut ledger, &proven.data, time, previous_root, new_root)?;
    let after = AccountProof::new(&ledger, from).ok_or("no such leaf")?;

    // Whoever gets it has the block's proof too, and trusts nothing else.
    let statement = verify_block(VerifierKey::pinned(ProfileId::Test), &proven.proof)?;
    let receipt: Receipt = codec::read(&bytes)?;
    let executed = check_receipt(&receipt, &statement)?;
    let transfer = executed.transfer;
    println!("leaf {} paid {} to {}", transfer.from, transfer.amount, transfer.to_address);

    // Of a nonce the messages have the key alone: its number is what the receipt says, until the account proofs leave no
    // other. How long the transaction was valid they do not say either: the signature does, if it is the owner's.
    for account in [&before, &after] {
        check_account(account, &statement)?;
    }
    assert_eq!((before.number, after.number), (statement.block_number - 1, statement.block_number));
    assert_eq!((before.index, after.index), (transfer.from, transfer.from));
    let number = |leaf: &Leaf| leaf.nonces[receipt.nonce.key() as usize];
    assert_eq!(receipt.nonces(Some(number(&before.leaf)), Some(number(&after.leaf)), None), 0..=0);
    let signer = receipt.authorization.as_ref().map(Authorization::address);
    assert_eq!(signer, Some(before.leaf.address));
    println!("by transaction {}", executed.transaction.id());

    // It fits no other block.
    let error = check_receipt(&receipt, &BlockStatement { block_number: 2, ..statement });
    println!("for block 2: {}", error.err().ok_or("a receipt fits another block")?);
    Ok(())
}
