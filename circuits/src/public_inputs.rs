//! Twin of [`BatchPublicInputs`].

use enfold_state::hash::DIGEST_LEN;
pub use enfold_verifier::public_inputs::{BATCH_PUBLIC_INPUTS_LEN, BatchPublicInputs, PublicInputsLength};
use plonky2::field::goldilocks_field::GoldilocksField;
use plonky2::hash::hash_types::HashOutTarget;
use plonky2::iop::target::Target;
use plonky2::plonk::circuit_builder::CircuitBuilder;

/// [`BatchPublicInputs`] in a circuit.
#[derive(Clone, Copy, Debug)]
pub struct BatchPublicInputsTarget {
    /// Digest of the keys that fold accepts.
    pub set: HashOutTarget,
    /// Context of the block.
    pub ctx: HashOutTarget,
    /// Digest of the chain state before.
    pub before: HashOutTarget,
    /// Digest of the chain state after.
    pub after: HashOutTarget,
}

impl BatchPublicInputsTarget {
    /// Splits the record.
    ///
    /// # Panics
    /// If the length is another: the circuit is built wrongly.
    pub fn from_targets(record: &[Target]) -> Self {
        assert_eq!(record.len(), BATCH_PUBLIC_INPUTS_LEN, "public inputs of a batch, lift or fold proof");
        let digest = |index: usize| HashOutTarget {
            elements: std::array::from_fn(|i| record[index * DIGEST_LEN + i]),
        };
        Self { set: digest(0), ctx: digest(1), before: digest(2), after: digest(3) }
    }

    /// Makes it the circuit's public inputs. A circuit calls it once and registers no others.
    pub fn register(&self, builder: &mut CircuitBuilder<GoldilocksField, 2>) {
        for digest in [self.set, self.ctx, self.before, self.after] {
            builder.register_public_inputs(&digest.elements);
        }
    }
}
