//! Account proofs against what a block proof says.

pub use enfold_state::account_proof::{AccountProof, AccountProofError};
use enfold_state::hash::Digest;

use crate::statement::BlockStatement;

/// Checks an account proof against the two roots that a proven block states, and gives the one that the leaf is under.
///
/// # Errors
/// If it is of another state, is not in its one form, or does not lead to the root.
pub fn check_account(proof: &AccountProof, statement: &BlockStatement) -> Result<Digest, AccountProofError> {
    let number = proof.number;
    let other = AccountProofError::Number { expected: statement.block_number, got: number };
    let root = statement.root_after(number).ok_or(other)?;
    proof.check(statement.chain_id, number, root)?;
    Ok(root)
}
