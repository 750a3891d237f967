//! What builds circuits and makes their proofs.

use std::fmt::Debug;

use plonky2::iop::witness::PartialWitness;

use crate::config::{Builder, CircuitData, EnfoldConfig, F, Proof};

/// Builds circuits that it can prove.
pub trait Backend: Debug + Send + Sync {
    /// Builds a circuit. Its common data and its key are those that plonky2 gives.
    fn build(&self, builder: Builder) -> Built;
}

/// Makes plonky2 proofs of the circuit that it was built with.
pub trait Prover: Debug + Send + Sync {
    /// Proves the statement with these inputs. `data` are the circuit's.
    ///
    /// # Errors
    /// If the inputs break a rule of the circuit.
    fn prove(&self, data: &CircuitData, inputs: PartialWitness<F>) -> anyhow::Result<Proof>;
}

/// A circuit and what proves it.
#[derive(Debug)]
pub struct Built {
    /// The circuit. Of the commitment to its constants, which only provers use, there may be only the
    /// polynomials.
    pub data: CircuitData,
    /// Its prover.
    pub prover: Box<dyn Prover>,
}

/// plonky2 itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stock;

impl Backend for Stock {
    fn build(&self, builder: Builder) -> Built {
        Built { data: builder.build::<EnfoldConfig>(), prover: Box::new(Self) }
    }
}

impl Prover for Stock {
    fn prove(&self, data: &CircuitData, inputs: PartialWitness<F>) -> anyhow::Result<Proof> {
        data.prove(inputs)
    }
}
