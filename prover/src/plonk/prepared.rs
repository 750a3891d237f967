//! What all proofs of one circuit share.

use std::sync::Arc;

use enfold_circuits::config::{CommonCircuitData, D, F};
use enfold_circuits::hash::Poseidon2Hash;
use plonky2::hash::merkle_tree::MerkleCap;
use plonky2::plonk::circuit_data::ProverOnlyCircuitData;
use plonky2::plonk::config::GenericConfig;

use super::buffers::Buffers;
use super::cache::{CircuitCache, Key};
use super::commit::{Commitment, stride};
use super::domain::Domain;
use super::error::{EngineError, Feature};
use super::field::G;
use super::gates::Gates;
use super::witness::Generation;

/// Bytes of a circuit's constants on all blocks of the quotient, beyond which they are kept on the committed blocks alone
/// and evaluated on the others for each proof. Batch circuits, which make most proofs, are below.
const KEPT_CONSTANTS: usize = 1 << 28;

/// A circuit as the engine needs it, beside plonky2's data.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) domain: Domain,
    pub(super) gates: Gates,
    pub(super) generation: Generation,
    /// Selectors, constants and sigmas.
    pub(super) constants: Commitment,
    /// Memory of finished proofs.
    pub(super) buffers: Arc<Buffers>,
}

impl Prepared {
    /// # Errors
    /// If the circuit uses lookups or blinding, or a rate of 1.
    pub(super) fn new<C: GenericConfig<D, F = F>>(
        common: &CommonCircuitData,
        prover: &ProverOnlyCircuitData<F, C, D>,
        buffers: Arc<Buffers>,
        cache: Option<&CircuitCache>,
    ) -> Result<Self, EngineError> {
        let refuse = |feature| Err(EngineError::Unsupported { feature });
        if common.num_lookup_polys != 0 || common.num_lookup_selectors != 0 || !common.luts.is_empty() {
            return refuse(Feature::Lookups);
        }
        if common.config.zero_knowledge || common.fri_params.hiding {
            return refuse(Feature::ZeroKnowledge);
        }
        let fri = &common.config.fri_config;
        if fri.rate_bits == 0 {
            return refuse(Feature::Rate);
        }
        let factor = common.quotient_degree_factor;
        if !factor.is_power_of_two() {
            return refuse(Feature::QuotientDegree);
        }
        let quotient_bits = factor.ilog2() as usize;
        let domain = Domain::new(common.degree_bits(), fri.rate_bits, quotient_bits);
        let commitment = &prover.constants_sigmas_commitment;
        let gates = Gates::new(common, &commitment.polynomials, &domain)?;
        let cached = cache.map(|cache| (cache, Key::new(common, &commitment.polynomials)));
        let known = cached.as_ref().and_then(|(cache, key)| cache.load(key));
        let is_known = known.is_some();
        let bytes = size_of::<G>() * stride(commitment.polynomials.len()) * domain.rows();
        let blocks = match domain.block_shifts.len() {
            all if bytes * all <= KEPT_CONSTANTS => all,
            _ => domain.committed_blocks(),
        };
        let constants =
            Commitment::of_polynomials(&commitment.polynomials, &domain, blocks, fri.cap_height, known);
        if let Some((cache, key)) = cached.filter(|_| !is_known) {
            cache.save(&key, constants.tree());
        }
        let generation = Generation::new(prover, buffers.clone());
        Ok(Self { domain, gates, generation, constants, buffers })
    }

    pub(super) fn cap(&self) -> MerkleCap<F, Poseidon2Hash> {
        self.constants.cap()
    }
}
