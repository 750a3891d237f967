//! Contracts in plain words.

use crate::text::count;

/// How many leaves and contracts: the latter only if there are any.
pub fn leaves_text(leaves: usize, contracts: usize) -> String {
    let leaves = count(leaves, "leaf", "leaves");
    match contracts {
        0 => leaves,
        contracts => format!("{leaves}, {}", count(contracts, "contract", "contracts")),
    }
}
