//! Receipts against what a block proof says.

pub use enfold_state::receipt::{Authorization, Executed, Receipt, ReceiptError};

use crate::statement::BlockStatement;

/// Checks a receipt against a proven block, and gives what the block executed.
///
/// # Errors
/// If it is of another block, is not in its one form, does not lead to the block's `E`, or is of a transaction that was void
/// at the block's time.
pub fn check_receipt(receipt: &Receipt, statement: &BlockStatement) -> Result<Executed, ReceiptError> {
    receipt.check(&statement.block(), statement.emitted)
}
