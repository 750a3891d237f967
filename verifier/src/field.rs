//! The field of all circuits and proofs.

use plonky2::field::goldilocks_field::GoldilocksField;

/// The base field of all circuits, in plonky2's type.
pub type F = GoldilocksField;

/// Degree of the extension field that challenges are drawn from.
pub const D: usize = 2;
