//! Account and contract proofs against what a block proof says.

pub use enfold_state::account_proof::{AccountProof, AccountProofError, ContractProof};
use enfold_state::hash::Digest;

use crate::statement::BlockStatement;

/// Checks an account proof against the two roots that a proven block states, and gives the one that the leaf is under.
///
/// # Errors
/// If it is of another state, is not in its one form, or does not lead to the root.
pub fn check_account(proof: &AccountProof, statement: &BlockStatement) -> Result<Digest, AccountProofError> {
    let root = root_after(proof.number, statement)?;
    proof.check(statement.chain_id, proof.number, root)?;
    Ok(root)
}

/// Checks a contract proof against the two roots that a proven block states, and gives the one that the record is under.
///
/// # Errors
/// If it is of another state, or its record cannot stand at its index, or it does not lead to the root.
pub fn check_contract(
    proof: &ContractProof,
    statement: &BlockStatement,
) -> Result<Digest, AccountProofError> {
    let root = root_after(proof.number, statement)?;
    proof.check(statement.chain_id, proof.number, root)?;
    Ok(root)
}

/// The root after a block, if the statement has it.
fn root_after(number: u32, statement: &BlockStatement) -> Result<Digest, AccountProofError> {
    let other = AccountProofError::Number { expected: statement.block_number, got: number };
    statement.root_after(number).ok_or(other)
}
