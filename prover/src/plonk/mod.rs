//! A proving engine for plonky2's proofs: the protocol and the proofs are plonky2's, accepted by its verifier;
//! commitments, quotient and folding run on packed kernels over row-major matrices.
//!
//! What stock proving spends most of its time on is hashing one leaf after another. Here as many leaves are
//! hashed at a time as the machine's vectors hold, and constraints are evaluated on as many points.
//! The engine's proofs are deterministic: the grinding nonce is the least one.

mod buffers;
mod cache;
mod combine;
mod commit;
mod domain;
mod error;
mod extend;
mod field;
mod floor;
mod fri;
mod gates;
pub mod measure;
mod merkle;
mod openings;
mod output;
mod permutation;
mod phases;
mod point;
mod prepared;
mod quotient;
mod recursive;
mod setup;
mod sums;
#[cfg(test)]
mod tests;
mod transcript;
mod transform;
mod witness;

use std::sync::Arc;

use enfold_circuits::config::{CircuitData, CommonCircuitData, D, F, Proof};
use enfold_circuits::hash::Poseidon2Hash;
use p3_field::PrimeCharacteristicRing;
use plonky2::field::types::Field;
use plonky2::iop::witness::{PartialWitness, PartitionWitness, Witness};
use plonky2::plonk::circuit_data::ProverOnlyCircuitData;
use plonky2::plonk::config::{GenericConfig, Hasher};
use plonky2::plonk::proof::OpeningSet;
use rayon::prelude::*;

pub use cache::CircuitCache;
pub use error::{BadChallenge, EngineError, Feature};
pub use floor::{Floor, Work};
pub use phases::{Phases, ProofPhase};

use buffers::{Buffer, Buffers};
use commit::{Commitment, stride};
use domain::{row_of_trace, trace_of_row};
use field::{E, G, to_kernel};
use fri::Claim;
use openings::{Opening, extension_generator};
use permutation::Challenges;
use phases::Clock;
use prepared::Prepared;
use quotient::Quotient;
use transcript::Transcript;

/// Rows of a task.
const TASK: usize = 1 << 8;

/// plonky2's builder with the engine's commitments and proofs. Circuits that the engine does not provide for are
/// proven by plonky2.
#[derive(Clone, Debug, Default)]
pub struct Kernels {
    buffers: Arc<Buffers>,
    cache: Option<Arc<CircuitCache>>,
}

impl Kernels {
    /// Kernels that keep set-ups of circuits between runs of the program.
    pub fn with_cache(cache: CircuitCache) -> Self {
        Self { buffers: Arc::default(), cache: Some(Arc::new(cache)) }
    }

    fn prepare<C: GenericConfig<D, F = F>>(
        &self,
        common: &CommonCircuitData,
        prover: &ProverOnlyCircuitData<F, C, D>,
    ) -> Result<Arc<Prepared>, EngineError> {
        Prepared::new(common, prover, self.buffers.clone(), self.cache.as_deref()).map(Arc::new)
    }
}

/// Proves the statements of one circuit.
#[derive(Debug)]
pub struct Engine<'a> {
    data: &'a CircuitData,
    prepared: Arc<Prepared>,
}

impl<'a> Engine<'a> {
    /// Prepares a circuit that plonky2 built; mostly, commits to its constants once more.
    ///
    /// # Errors
    /// If the circuit uses lookups or blinding, or a rate of 1, or if its key is not that of its constants.
    pub fn new(data: &'a CircuitData) -> Result<Self, EngineError> {
        let prepared = Kernels::default().prepare(&data.common, &data.prover_only)?;
        match prepared.cap() == data.verifier_only.constants_sigmas_cap {
            true => Ok(Self::with(data, prepared)),
            false => Err(EngineError::Key),
        }
    }

    /// The engine of a circuit that is prepared.
    fn with(data: &'a CircuitData, prepared: Arc<Prepared>) -> Self {
        Self { data, prepared }
    }

    /// Proves the statement with these inputs.
    ///
    /// # Errors
    /// If they break a rule of the circuit.
    pub fn prove(&self, inputs: PartialWitness<F>) -> Result<Proof, EngineError> {
        self.prove_timed(inputs).map(|(proof, _)| proof)
    }

    /// The witness with these inputs.
    ///
    /// # Errors
    /// If they break a rule of the circuit that its generators notice.
    pub fn witness(&self, inputs: PartialWitness<F>) -> Result<PartitionWitness<'a, F>, EngineError> {
        self.prepared.generation.witness(self.data, &inputs)
    }

    /// [`Self::prove`], and where the time went.
    ///
    /// # Errors
    /// As [`Self::prove`].
    pub fn prove_timed(&self, inputs: PartialWitness<F>) -> Result<(Proof, Phases), EngineError> {
        let mut clock = Clock::start();
        let witness = self.prepared.generation.witness(self.data, &inputs)?;
        clock.end(ProofPhase::Witness);
        let filled = self.filled(&witness)?;
        self.prepared.buffers.give_values(witness.values);
        self.prove_with(filled, clock)
    }

    /// Proves the statement of a witness. If it breaks a rule of the circuit, there is a proof all the same,
    /// which the verifier refuses.
    ///
    /// # Errors
    /// If the witness is not the circuit's, or has no value for a public input.
    pub fn prove_witness(&self, witness: &PartitionWitness<'_, F>) -> Result<(Proof, Phases), EngineError> {
        let clock = Clock::start();
        self.prove_with(self.filled(witness)?, clock)
    }

    fn prove_with(
        &self,
        (public_inputs, wires): (Vec<F>, Buffer),
        mut clock: Clock,
    ) -> Result<(Proof, Phases), EngineError> {
        let (data, prepared) = (self.data, &*self.prepared);
        let Prepared { domain, gates, constants, buffers, .. } = prepared;
        let common = &data.common;
        let count = common.config.num_challenges;
        let cap_height = common.config.fri_config.cap_height;
        let public_inputs_hash = Poseidon2Hash::hash_no_pad(&public_inputs);
        let routed = self.routed(&wires);
        clock.end(ProofPhase::Matrix);

        let wires = Commitment::new(wires, common.config.num_wires, domain, cap_height, buffers, |_| {});
        let mut transcript = Transcript::new();
        transcript.observe_params(&common.fri_params);
        transcript.observe_hash(data.prover_only.circuit_digest);
        transcript.observe_hash(public_inputs_hash);
        transcript.observe_cap(&wires.cap());
        clock.end(ProofPhase::CommitWires);

        let [betas, gammas] = [(); 2].map(|()| kernels(transcript.challenges(count)));
        let permutation = Challenges::new(data, betas, gammas);
        let zs = permutation::polynomials(data, &routed, &permutation, buffers)?;
        drop(routed);
        clock.end(ProofPhase::Permutation);
        let width = count * (1 + common.num_partial_products);
        let zs = Commitment::new(zs, width, domain, cap_height, buffers, |_| {});
        transcript.observe_cap(&zs.cap());
        clock.end(ProofPhase::CommitPermutation);

        let alphas = kernels(transcript.challenges(count));
        let quotient = Quotient {
            data,
            domain,
            gates,
            constants,
            wires: &wires,
            zs: &zs,
            permutation: &permutation,
            alphas: &alphas,
            public_inputs_hash: &public_inputs_hash,
        };
        let values = quotient.values(buffers);
        clock.end(ProofPhase::Quotient);
        let quotient = quotient::commit(&values, count, domain, cap_height, buffers);
        drop(values);
        transcript.observe_cap(&quotient.cap());
        clock.end(ProofPhase::CommitQuotient);

        let zeta = transcript.extension_challenge();
        let unlucky = EngineError::Challenge(BadChallenge::OpeningPoint);
        if zeta.exp_power_of_2(domain.degree_bits) == E::ONE {
            return Err(unlucky);
        }
        let zeta_next = extension_generator(domain.degree_bits) * zeta;
        let points = (Opening::new(zeta, domain), Opening::new(zeta_next, domain));
        let (Some(here), Some(next)) = points else { return Err(unlucky) };
        let oracles = [constants, &wires, &zs, &quotient];
        let all = oracles.map(|oracle| here.values(oracle));
        let next_values = next.values(oracles[2])[..count].to_vec();
        let here_values = all.concat();
        transcript.observe_extensions(&here_values);
        transcript.observe_extensions(&next_values);
        let openings = self.opening_set(all, next_values.clone());
        clock.end(ProofPhase::Openings);

        let claim = Claim {
            domain,
            params: &common.fri_params,
            oracles,
            here: (&here, here_values),
            next: (&next, next_values),
        };
        let opening_proof = claim.prove(&mut transcript, &mut clock);
        let proof = plonky2::plonk::proof::Proof {
            wires_cap: wires.cap(),
            plonk_zs_partial_products_cap: zs.cap(),
            quotient_polys_cap: quotient.cap(),
            openings,
            opening_proof,
        };
        Ok((Proof { proof, public_inputs }, clock.finish()))
    }

    /// What a proof needs of a witness: public inputs and wires.
    fn filled(&self, witness: &PartitionWitness<'_, F>) -> Result<(Vec<F>, Buffer), EngineError> {
        Ok((self.public_inputs(witness)?, self.wires(witness)))
    }

    fn public_inputs(&self, witness: &PartitionWitness<'_, F>) -> Result<Vec<F>, EngineError> {
        let representatives = &self.data.prover_only.representative_map;
        let (expected, got) = (representatives.len(), witness.values.len());
        if expected != got || witness.representative_map.len() != expected {
            return Err(EngineError::WitnessSize { expected, got });
        }
        let value =
            |(index, &target)| witness.try_get_target(target).ok_or(EngineError::PublicInput { index });
        self.data.prover_only.public_inputs.iter().enumerate().map(value).collect()
    }

    /// The wires, in matrix order; those without a value are zero.
    fn wires(&self, witness: &PartitionWitness<'_, F>) -> Buffer {
        let width = self.data.common.config.num_wires;
        let stride = stride(width);
        let domain = &self.prepared.domain;
        let (bits, length) = (domain.degree_bits, domain.rows() * stride);
        let mut out = self.prepared.buffers.take(length);
        out.par_chunks_exact_mut(stride).with_min_len(TASK).enumerate().for_each(|(row, cells)| {
            let start = trace_of_row(row, bits) * width;
            let (cells, padding) = cells.split_at_mut(width);
            padding.fill(G::ZERO);
            let representatives = &witness.representative_map[start..start + width];
            for (cell, &representative) in cells.iter_mut().zip(representatives) {
                *cell = witness.values[representative].map_or(G::ZERO, to_kernel);
            }
        });
        out
    }

    /// The routed wires, in the trace's order.
    fn routed(&self, wires: &[G]) -> Buffer {
        let config = &self.data.common.config;
        let (stride, routed) = (stride(config.num_wires), config.num_routed_wires);
        let domain = &self.prepared.domain;
        let bits = domain.degree_bits;
        let mut out = self.prepared.buffers.take(domain.rows() * routed);
        out.par_chunks_exact_mut(routed).with_min_len(TASK).enumerate().for_each(|(row, cells)| {
            cells.copy_from_slice(&wires[row_of_trace(row, bits) * stride..][..routed]);
        });
        out
    }

    fn opening_set(&self, all: [Vec<E>; 4], plonk_zs_next: Vec<E>) -> OpeningSet<F, D> {
        let common = &self.data.common;
        let [constants_sigmas, wires, zs, quotient_polys] = all;
        OpeningSet {
            constants: constants_sigmas[common.constants_range()].to_vec(),
            plonk_sigmas: constants_sigmas[common.sigmas_range()].to_vec(),
            wires,
            plonk_zs: zs[common.zs_range()].to_vec(),
            plonk_zs_next,
            partial_products: zs[common.partial_products_range()].to_vec(),
            quotient_polys,
            lookup_zs: Vec::new(),
            lookup_zs_next: Vec::new(),
        }
    }
}

fn kernels(elements: Vec<F>) -> Vec<G> {
    elements.into_iter().map(to_kernel).collect()
}
