//! Who makes the proofs of a circuit.

use std::fmt::Debug;

use plonky2::iop::witness::PartialWitness;

use crate::config::{CircuitData, F, Proof};

/// Makes plonky2 proofs.
pub trait Backend: Debug + Send + Sync {
    /// Proves the statement with these inputs.
    ///
    /// # Errors
    /// If the inputs break a rule of the circuit.
    fn prove(&self, data: &CircuitData, inputs: PartialWitness<F>) -> anyhow::Result<Proof>;
}

/// plonky2's own prover.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stock;

impl Backend for Stock {
    fn prove(&self, data: &CircuitData, inputs: PartialWitness<F>) -> anyhow::Result<Proof> {
        data.prove(inputs)
    }
}
