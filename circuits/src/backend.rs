//! What builds circuits and makes their proofs.
//!
//! plonky2's verifiers take proofs at any rate. Its builder and its prover want a rate of at most the quotient's
//! degree: they evaluate constraints on the committed points alone. Circuits of higher rates are [built](Bare) at
//! the quotient's, and then committed to at their own; proving them takes a backend that can.

mod bare;

use std::fmt::Debug;

use plonky2::iop::witness::PartialWitness;

use crate::config::{Builder, CircuitData, CommonCircuitData, EnfoldConfig, F, Proof};

pub use bare::{Bare, BareProverData};

/// Builds circuits that it can prove.
pub trait Backend: Debug + Send + Sync {
    /// Builds a circuit. Its common data and its key are those that plonky2 gives, or would give if its builder took
    /// the rate.
    fn build(&self, builder: Builder) -> Built;

    /// Circuits whose set-up was kept from an earlier run, until now.
    fn loaded(&self) -> usize {
        0
    }

    /// The same backend without what is kept of earlier runs, to build a circuit that did not come out as it should; `None`
    /// if nothing was used of that.
    fn anew(&self) -> Option<Box<dyn Backend>> {
        None
    }
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

/// Whether plonky2 itself can build and prove circuits with these data: its rate is not above one over the
/// quotient's degree.
pub fn is_stock(common: &CommonCircuitData) -> bool {
    common.quotient_degree_factor <= 1 << common.config.fri_config.rate_bits
}

/// plonky2 itself. Of circuits that it cannot prove it gives the keys.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stock;

impl Backend for Stock {
    fn build(&self, builder: Builder) -> Built {
        let config = &builder.config;
        let data = match config.max_quotient_degree_factor <= 1 << config.fri_config.rate_bits {
            true => builder.build::<EnfoldConfig>(),
            false => Bare::build(builder).hashed(),
        };
        Built { data, prover: Box::new(Self) }
    }
}

impl Prover for Stock {
    fn prove(&self, data: &CircuitData, inputs: PartialWitness<F>) -> anyhow::Result<Proof> {
        let (degree, rate) = (data.common.quotient_degree_factor, data.common.config.fri_config.rate_bits);
        anyhow::ensure!(
            is_stock(&data.common),
            "plonky2 has no proofs at a rate above 1/{degree}, the quotient's; this circuit's is 1/{}",
            1_usize << rate
        );
        data.prove(inputs)
    }
}
