//! The engine as the circuits' backend.

use enfold_circuits::backend::Backend;
use enfold_circuits::config::{CircuitData, F, Proof};
use plonky2::iop::witness::PartialWitness;

use super::{Engine, EngineError};

/// Proves with the engine; circuits that it does not provide for are proven by plonky2.
#[derive(Clone, Copy, Debug, Default)]
pub struct Kernels;

impl Backend for Kernels {
    fn prove(&self, data: &CircuitData, inputs: PartialWitness<F>) -> anyhow::Result<Proof> {
        match Engine::new(data) {
            Ok(engine) => Ok(engine.prove(inputs)?),
            Err(EngineError::Unsupported { .. }) => data.prove(inputs),
            Err(error) => Err(error.into()),
        }
    }
}
