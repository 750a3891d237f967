//! What builds circuits and makes their proofs.
//!
//! plonky2's verifiers take proofs at any rate. Its builder and its prover want a rate of at most the quotient's
//! degree: they evaluate constraints on the committed points alone. Circuits of higher rates are [built](Bare) at
//! the quotient's, and then committed to at their own; proving them takes a backend that can.

mod bare;

use std::fmt::Debug;

use plonky2::iop::witness::PartialWitness;
use plonky2::plonk::circuit_data::CircuitConfig;

use crate::config::{Builder, CircuitData, CommonCircuitData, EnfoldConfig, F, Proof};

pub use bare::{Bare, BareProverData};

/// Builds circuits that it can prove.
pub trait Backend: Debug + Send + Sync {
    /// Builds a circuit. Its common data and its key are those that plonky2 gives, or would give if its builder took
    /// the rate.
    ///
    /// # Errors
    /// If proofs of the circuit would prove nothing, or if this backend, which promises proofs, has none of it.
    fn build(&self, builder: Builder) -> Result<Built, BackendError>;

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

/// A backend does not build a circuit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BackendError {
    /// Polynomials would be committed to on as many points as they have coefficients: any values are on one, and FRI shows
    /// nothing.
    #[error("expected a rate of 1/2 or lower, got 1")]
    Rate,
    /// The circuit is for plonky2's prover, which cannot make its proofs.
    #[error("expected a rate of 1/{expected} or lower, which plonky2's prover needs here, got 1/{got}")]
    Unprovable {
        /// The inverse of the highest rate that would do.
        expected: usize,
        /// The inverse of the circuit's.
        got: usize,
    },
}

/// Refuses a rate at which a proof shows nothing.
///
/// # Errors
/// If the rate is 1.
pub const fn check_rate(config: &CircuitConfig) -> Result<(), BackendError> {
    if config.fri_config.rate_bits == 0 { Err(BackendError::Rate) } else { Ok(()) }
}

/// Refuses circuits that plonky2 cannot prove.
///
/// # Errors
/// If the rate is above one over the quotient's degree.
pub const fn check_stock(common: &CommonCircuitData) -> Result<(), BackendError> {
    let (expected, got) = (common.quotient_degree_factor, 1 << common.config.fri_config.rate_bits);
    if is_stock(common) { Ok(()) } else { Err(BackendError::Unprovable { expected, got }) }
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
pub const fn is_stock(common: &CommonCircuitData) -> bool {
    common.quotient_degree_factor <= 1 << common.config.fri_config.rate_bits
}

/// plonky2 itself. Of circuits that it cannot prove it gives the keys.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stock;

impl Backend for Stock {
    fn build(&self, builder: Builder) -> Result<Built, BackendError> {
        let config = &builder.config;
        check_rate(config)?;
        let data = match config.max_quotient_degree_factor <= 1 << config.fri_config.rate_bits {
            true => builder.build::<EnfoldConfig>(),
            false => Bare::build(builder).hashed(),
        };
        Ok(Built { data, prover: Box::new(Self) })
    }
}

impl Prover for Stock {
    fn prove(&self, data: &CircuitData, inputs: PartialWitness<F>) -> anyhow::Result<Proof> {
        check_stock(&data.common)?;
        data.prove(inputs)
    }
}
