//! Copying a batch witness into wires.

use enfold_state::chain::{BlockId, Phase};
use enfold_state::hash::Digest;
use enfold_state::leaf::Leaf;
use enfold_state::profile::BatchId;
use plonky2::field::types::Field;
use plonky2::hash::hash_types::HashOutTarget;
use plonky2::iop::target::{BoolTarget, Target};
use plonky2::iop::witness::PartialWitness;

use crate::config::F;
use crate::convert::{from_digest, from_native};
use crate::gadgets::chain::BlockIdTargets;
use crate::gadgets::leaf::LeafTargets;
use crate::gadgets::merkle::ClimbTargets;

/// A batch witness did not fit the circuit. Values that break a rule are not found here: they fail
/// the circuit's constraints.
#[derive(Debug, thiserror::Error)]
pub enum FillError {
    /// The witness is for another circuit.
    #[error("expected a witness for {}, got one for {}", expected.name(), got.name())]
    Batch {
        /// The circuit's batch.
        expected: BatchId,
        /// The witness's.
        got: BatchId,
    },
    /// A debit circuit's paths were given to a credit circuit, or the reverse.
    #[error("expected the paths of {}, got those of another kind", expected.name())]
    Kind {
        /// The circuit's batch.
        expected: BatchId,
    },
    /// A list has the wrong length.
    #[error("expected {expected} {what}, got {got}")]
    Shape {
        /// What the list holds.
        what: &'static str,
        /// The circuit's number.
        expected: usize,
        /// The witness's.
        got: usize,
    },
    /// The chain state before is in a phase that the batch cannot follow.
    #[error("expected a batch after phase {expected:?} at most, got {got:?}")]
    Phase {
        /// The latest phase.
        expected: Phase,
        /// The witness's.
        got: Phase,
    },
    /// A path is outside the batch's window.
    #[error("expected a leaf in window {expected}, got one in {got}")]
    Window {
        /// The batch's window.
        expected: u32,
        /// The path's.
        got: u32,
    },
    /// An empty position has no message that would fill it.
    #[error("expected a message for the empty position {index}, got none")]
    EmptyPadding {
        /// The position.
        index: u32,
    },
    /// A signature's values have no place in the circuit.
    #[error("signature: {0}")]
    Signature(#[from] anyhow::Error),
}

/// Values on their way into wires. Each target is set once.
#[derive(Debug, Default)]
pub(crate) struct Fill {
    /// What was set.
    pub witness: PartialWitness<F>,
}

impl Fill {
    /// Sets an element.
    pub fn element(&mut self, target: Target, value: F) {
        let previous = self.witness.target_values.insert(target, value);
        debug_assert!(previous.is_none(), "a target is set once");
    }

    /// Sets a 32-bit number.
    pub fn number(&mut self, target: Target, value: u32) {
        self.wide(target, value.into());
    }

    /// Sets an integer below the field's order.
    pub fn wide(&mut self, target: Target, value: u64) {
        self.element(target, F::from_canonical_u64(value));
    }

    /// Sets 0 or 1.
    pub fn flag(&mut self, target: Target, value: bool) {
        self.number(target, value.into());
    }

    /// Sets a digest.
    pub fn digest(&mut self, target: HashOutTarget, value: Digest) {
        for (target, value) in target.elements.into_iter().zip(from_digest(value).elements) {
            self.element(target, value);
        }
    }

    /// Sets chain id, number and time.
    pub fn block(&mut self, targets: &BlockIdTargets, block: &BlockId) {
        for (target, element) in targets.elements().into_iter().zip(block.elements()) {
            self.element(target, from_native(element));
        }
    }

    /// Sets a leaf's elements.
    pub fn leaf(&mut self, targets: &LeafTargets, leaf: &Leaf) {
        self.digest(targets.address, leaf.address);
        for (target, nonce) in targets.nonces.into_iter().zip(leaf.nonces) {
            self.number(target, nonce);
        }
        self.number(targets.asset, leaf.asset);
        self.wide(targets.balance, leaf.balance);
    }

    /// Sets the bits, lowest first, and siblings of a way up.
    ///
    /// # Errors
    /// If the number of siblings is not the circuit's.
    pub fn climb(
        &mut self,
        targets: &ClimbTargets,
        index: u32,
        siblings: &[Digest],
    ) -> Result<(), FillError> {
        check_length("siblings", targets.siblings.len(), siblings.len())?;
        for (level, &BoolTarget { target, .. }) in targets.bits.iter().enumerate() {
            self.flag(target, (index >> level) & 1 == 1);
        }
        for (&target, &sibling) in targets.siblings.iter().zip(siblings) {
            self.digest(target, sibling);
        }
        Ok(())
    }
}

/// # Errors
/// If the lengths differ.
pub(crate) fn check_length(what: &'static str, expected: usize, got: usize) -> Result<(), FillError> {
    if expected == got { Ok(()) } else { Err(FillError::Shape { what, expected, got }) }
}
