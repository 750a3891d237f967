//! All circuits of a profile, built once: batches, lift, fold, block.

use std::borrow::Borrow;

use enfold_state::hash::Digest;
use enfold_witness::batch::BatchWitness;
use enfold_witness::profile::{BatchId, Profile, ProfileId};
use rayon::prelude::*;

use crate::backend::{Backend, Stock};
use crate::batch::{BatchCircuit, BatchProveError};
use crate::block::{BlockCircuit, BlockOpening};
use crate::config::{CircuitData, CommonCircuitData, Proof};
use crate::fold::{Child, FoldCircuit};
use crate::keys::entry;
use crate::lift::LiftCircuit;
use crate::params::Params;
use crate::recursion::{BuildError, ProveError};
use crate::verify::{CircuitKey, InnerCircuit, InnerKeys, PinnedCircuit, PinnedSet, VerifierKey};

/// The circuits of a profile. Proving takes `&self`: one set serves any number of threads.
#[derive(Debug)]
pub struct CircuitSet {
    params: Params,
    /// In the order of [`BatchId::ALL`], which is that of lift's list of keys.
    batches: Vec<BatchCircuit>,
    lift: LiftCircuit,
    fold: FoldCircuit,
    block: BlockCircuit,
    set: Digest,
}

/// A circuit's measures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CircuitInfo {
    /// Name: a batch's, `lift`, `fold` or `block`.
    pub name: &'static str,
    /// Rows in use.
    pub rows: usize,
    /// log2 of all rows.
    pub degree_bits: usize,
    /// Different gates.
    pub gates: usize,
    /// Wires of a row that can be connected.
    pub routed_wires: usize,
    /// Entry of its key, [`crate::keys::entry`].
    pub entry: Digest,
}

impl CircuitSet {
    /// [`Self::build_with`] plonky2: seconds in the test profile, a minute or two in the standard one.
    ///
    /// # Errors
    /// As [`Self::build_with`].
    ///
    /// # Panics
    /// As [`Self::build_with`].
    pub fn build(id: ProfileId) -> Result<Self, BuildError> {
        Self::build_with(&Stock, id)
    }

    /// Builds all circuits with this backend, which then makes their proofs. At most two batch circuits are
    /// built at a time, because each takes gigabytes.
    ///
    /// # Errors
    /// If the circuits do not fit the profile's degrees: a mistake in its constants.
    ///
    /// # Panics
    /// If a batch circuit does not fit.
    pub fn build_with(backend: &dyn Backend, id: ProfileId) -> Result<Self, BuildError> {
        let params = Params::of(id);
        let profile = id.profile();
        let (config, degree_bits) = (&params.batch, params.batch_degree_bits);
        let build = |batch| BatchCircuit::build_with(backend, profile, batch, config, degree_bits);
        let mut batches = Vec::with_capacity(BatchId::ALL.len());
        for pair in BatchId::ALL.chunks(2) {
            batches.par_extend(pair.par_iter().map(|&batch| build(batch)));
        }
        let common = same_common(&batches)?;
        let keys: Vec<_> = batches.iter().map(|circuit| circuit.data.verifier_only.clone()).collect();
        let lift = LiftCircuit::build_with(backend, &params, common, &keys)?;
        let fold = FoldCircuit::build_with(backend, &params, &lift)?;
        let block = BlockCircuit::build_with(backend, &params, &fold)?;
        let set = fold.set();
        Ok(Self { params, batches, lift, fold, block, set })
    }

    /// The profile's name.
    pub fn id(&self) -> ProfileId {
        self.params.id
    }

    /// The profile's sizes.
    pub fn profile(&self) -> &'static Profile {
        self.params.id.profile()
    }

    /// The proof parameters.
    pub fn params(&self) -> &Params {
        &self.params
    }

    /// Digest of the keys that fold and block accept; every proof of the set carries it.
    pub fn set(&self) -> Digest {
        self.set
    }

    /// A batch circuit.
    pub fn batch(&self, batch: BatchId) -> &BatchCircuit {
        &self.batches[batch as usize]
    }

    /// The lift circuit.
    pub fn lift(&self) -> &LiftCircuit {
        &self.lift
    }

    /// The fold circuit.
    pub fn fold(&self) -> &FoldCircuit {
        &self.fold
    }

    /// The block circuit.
    pub fn block(&self) -> &BlockCircuit {
        &self.block
    }

    /// The key of this set's block circuit. Verifiers use [`VerifierKey::pinned`].
    pub fn verifier_key(&self) -> VerifierKey {
        self.block.verifier_key(self.id())
    }

    /// Proves a batch.
    ///
    /// # Errors
    /// If the witness does not fit the batch's circuit or breaks one of its rules.
    pub fn prove_batch(&self, witness: &BatchWitness) -> Result<Proof, BatchProveError> {
        self.batch(witness.batch).prove(witness, self.set)
    }

    /// Proves 1 to [`Params::lift_arity`] consecutive batches.
    ///
    /// # Errors
    /// If they are too many or too few, do not follow one another, or do not verify.
    pub fn prove_lift<P: Borrow<Proof>>(&self, children: &[(BatchId, P)]) -> Result<Proof, ProveError> {
        let children: Vec<_> =
            children.iter().map(|(batch, proof)| (*batch as usize, proof.borrow())).collect();
        self.lift.prove(&children, self.set)
    }

    /// Proves 1 to [`Params::fold_arity`] consecutive lift or fold proofs.
    ///
    /// # Errors
    /// If they are too many or too few, do not follow one another, or do not verify.
    pub fn prove_fold<P: Borrow<Proof>>(&self, children: &[(Child, P)]) -> Result<Proof, ProveError> {
        let children: Vec<_> = children.iter().map(|(child, proof)| (*child, proof.borrow())).collect();
        self.fold.prove(&children)
    }

    /// Proves a block from 1 to [`Params::block_arity`] consecutive lift or fold proofs of all of its batches.
    ///
    /// # Errors
    /// If they are too many or too few, do not follow one another or do not verify, or if the opening is not what they
    /// lead from and to.
    pub fn prove_block<P: Borrow<Proof>>(
        &self,
        children: &[(Child, P)],
        opening: &BlockOpening,
    ) -> Result<Proof, ProveError> {
        let children: Vec<_> = children.iter().map(|(child, proof)| (*child, proof.borrow())).collect();
        self.block.prove(self.id(), &children, opening)
    }

    /// Measures of all circuits: batches, lift, fold, block.
    pub fn info(&self) -> Vec<CircuitInfo> {
        let info = |name, rows, data: &CircuitData| CircuitInfo {
            name,
            rows,
            degree_bits: data.common.degree_bits(),
            gates: data.common.gates.len(),
            routed_wires: data.common.config.num_routed_wires,
            entry: entry(&data.verifier_only),
        };
        let batches = self.batches.iter();
        let mut all: Vec<_> =
            batches.map(|circuit| info(circuit.batch.name(), circuit.rows_used(), &circuit.data)).collect();
        all.push(info("lift", self.lift.size.rows, &self.lift.data));
        all.push(info("fold", self.fold.size.rows, &self.fold.data));
        all.push(info("block", self.block.size.rows, &self.block.data));
        all
    }

    /// The keys of batch, lift and fold circuits.
    pub fn inner_keys(&self) -> InnerKeys {
        InnerKeys::new(|circuit| {
            let data = match circuit {
                InnerCircuit::Batch(batch) => &self.batch(batch).data,
                InnerCircuit::Lift => &self.lift.data,
                InnerCircuit::Fold => &self.fold.data,
            };
            CircuitKey::new(data.verifier_data())
        })
    }

    /// What is pinned of this set besides the keys.
    pub fn pinned(&self) -> PinnedSet {
        let key = self.verifier_key();
        let circuits = self.info().into_iter().map(|info| PinnedCircuit {
            name: info.name.to_owned(),
            entry: info.entry,
            degree_bits: info.degree_bits,
        });
        PinnedSet {
            profile: self.id(),
            key: key.digest(),
            proof_bytes: key.proof_len(),
            circuits: circuits.collect(),
        }
    }
}

/// The common data of all batch circuits.
fn same_common(batches: &[BatchCircuit]) -> Result<&CommonCircuitData, BuildError> {
    let like = &batches[0];
    match batches.iter().find(|circuit| circuit.data.common != like.data.common) {
        Some(other) => Err(BuildError::CommonData { circuit: other.batch.name(), like: like.batch.name() }),
        None => Ok(&like.data.common),
    }
}
