//! The block circuit: one fold proof becomes a [`BlockStatement`].
//!
//! It verifies the fold proof under fold's key, a constant, and pins `set` to the true digest, a constant
//! too. It opens the chain state before (a fresh one, see [`ChainState::start`]) and after (LogUp sum
//! zero), and recomputes seed and context.
//!
//! | witness | constrained by |
//! |---|---|
//! | fold proof | it verifies |
//! | public inputs but the profile | they are in the opened chain states, the seed or the context |
//! | `C` and phase after the block | they are in the opened chain state. `C` is in the seed too; the phase is nobody's claim |
//!
//! Chain id, block number and counts are field elements here. The reader of the statement refuses those of
//! more than 32 bits; the circuits count by at most a batch, so a count that wraps the field needs more
//! batches than anybody can prove.

use enfold_state::chain::{ChainState, context, seed};
use enfold_state::field::{F as Native, ZERO};
use enfold_state::hash::Digest;
use enfold_witness::profile::ProfileId;
use plonky2::field::types::Field;
use plonky2::hash::hash_types::{HashOutTarget, NUM_HASH_OUT_ELTS};
use plonky2::iop::target::Target;
use plonky2::iop::witness::{PartialWitness, WitnessWrite};
use plonky2::plonk::proof::ProofWithPublicInputsTarget;

use crate::backend::{Backend, Built, Prover, Stock};
use crate::config::{Builder, CircuitData, D, F, Proof};
use crate::constraint::Constrain;
use crate::convert::{from_digest, from_native};
use crate::fold::FoldCircuit;
use crate::gadgets::chain::{self, ChainStateTargets};
use crate::params::Params;
use crate::public_inputs::{BatchPublicInputs, BatchPublicInputsTarget};
use crate::recursion::{BuildError, ProveError, RecursionSize, check_sets, fix_shape, prove, verify_proof};
use crate::statement::{BlockStatement, StatementField};
use crate::verify::{CircuitKey, VerifierKey};

const NAME: &str = "block";

/// What the block circuit opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockOpening {
    /// The chain.
    pub chain_id: u32,
    /// The block's number.
    pub block_number: u32,
    /// Chain state in which the block starts.
    pub before: ChainState,
    /// Chain state in which it ends.
    pub after: ChainState,
}

impl BlockOpening {
    /// What the block circuit will say.
    pub fn statement(&self, profile: ProfileId) -> BlockStatement {
        BlockStatement {
            chain_id: self.chain_id,
            block_number: self.block_number,
            previous_root: self.before.root,
            new_root: self.after.root,
            emitted: self.after.emitted,
            transactions: self.after.transactions,
            messages: self.after.messages,
            deposit_queue_before: self.before.deposit_queue,
            deposit_queue_after: self.after.deposit_queue,
            exits: self.after.exits,
            profile,
        }
    }
}

/// The block circuit of a profile.
#[derive(Debug)]
pub struct BlockCircuit {
    /// The circuit.
    pub data: CircuitData,
    /// How full it is.
    pub size: RecursionSize,
    prover: Box<dyn Prover>,
    set: Digest,
    proof: ProofWithPublicInputsTarget<D>,
    public: Vec<Target>,
    consumed: HashOutTarget,
    phase: Target,
}

impl BlockCircuit {
    /// [`Self::build_with`] plonky2.
    ///
    /// # Errors
    /// As [`Self::build_with`].
    pub fn build(params: &Params, fold: &FoldCircuit) -> Result<Self, BuildError> {
        Self::build_with(&Stock, params, fold)
    }

    /// Builds the circuit.
    ///
    /// # Errors
    /// If the rows do not fit the profile's degree.
    pub fn build_with(
        backend: &dyn Backend,
        params: &Params,
        fold: &FoldCircuit,
    ) -> Result<Self, BuildError> {
        let mut builder = Builder::new(params.recursion.clone());
        let proof = builder.add_virtual_proof_with_pis(&fold.data.common);
        let key = builder.constant_verifier_data(&fold.data.verifier_only);
        let names = ["block: the proof verifies", "block: it verifies under fold's key"];
        verify_proof(&mut builder, names, &proof, &key, &fold.data.common);
        let inputs = BatchPublicInputsTarget::from_targets(&proof.public_inputs);
        let set = builder.constant_hash(from_digest(fold.set()));
        builder.require_equal_hashes("block: set is the true one", inputs.set, set);

        // The statement, in the order of BlockStatement::elements.
        let mut public = builder.add_virtual_targets(StatementField::PROFILE.offset);
        let number = |field: StatementField| public[field.offset];
        let digest = |field: StatementField| HashOutTarget { elements: field.digest(&public) };
        let [chain_id, block_number] = [StatementField::CHAIN_ID, StatementField::BLOCK_NUMBER].map(number);
        let [transactions, messages] = [StatementField::TRANSACTIONS, StatementField::MESSAGES].map(number);
        let [previous_root, new_root, emitted] =
            [StatementField::PREVIOUS_ROOT, StatementField::NEW_ROOT, StatementField::EMITTED].map(digest);
        let [queue_before, queue_after, exits] = [
            StatementField::DEPOSIT_QUEUE_BEFORE,
            StatementField::DEPOSIT_QUEUE_AFTER,
            StatementField::EXITS,
        ]
        .map(digest);

        let zero = builder.zero();
        let none = HashOutTarget { elements: [zero; NUM_HASH_OUT_ELTS] };
        let start = ChainStateTargets {
            root: previous_root,
            emitted: none,
            consumed: none,
            sum: [zero; 2],
            transactions: zero,
            messages: zero,
            phase: zero,
            deposit_queue: queue_before,
            exits: none,
        };
        let before = start.digest(&mut builder);
        builder.require_equal_hashes("block: starts in the fold proof's start", before, inputs.before);

        let (consumed, phase) = (builder.add_virtual_hash(), builder.add_virtual_target());
        let end = ChainStateTargets {
            root: new_root,
            emitted,
            consumed,
            sum: [zero; 2],
            transactions,
            messages,
            phase,
            deposit_queue: queue_after,
            exits,
        };
        let after = end.digest(&mut builder);
        builder.require_equal_hashes("block: ends in the fold proof's end", after, inputs.after);

        let seed = chain::seed(&mut builder, chain_id, block_number, previous_root, emitted, consumed);
        let ctx = chain::context(&mut builder, chain_id, seed);
        builder.require_equal_hashes("block: context is the fold proof's", ctx, inputs.ctx);

        builder.register_public_inputs(&public);
        let profile = builder.constant(F::from_canonical_u32(params.id as u32));
        builder.register_public_input(profile);
        public.push(profile);

        let (Built { data, prover }, size) = fix_shape(backend, builder, NAME, params.block_degree_bits)?;
        Ok(Self { data, size, prover, set: fold.set(), proof, public, consumed, phase })
    }

    /// The key that verifies the block proofs of a profile.
    pub fn verifier_key(&self, profile: ProfileId) -> VerifierKey {
        VerifierKey::new(profile, CircuitKey::new(self.data.verifier_data()))
    }

    /// Proves the block.
    ///
    /// # Errors
    /// If the opening is not what the fold proof leads from and to, or if the fold proof does not verify.
    pub fn prove(
        &self,
        profile: ProfileId,
        fold: &Proof,
        opening: &BlockOpening,
    ) -> Result<Proof, ProveError> {
        let inputs = BatchPublicInputs::from_elements(&fold.public_inputs)
            .map_err(|source| ProveError::PublicInputs { circuit: NAME, child: 0, source })?;
        check_sets(NAME, &[inputs], self.set)?;
        let BlockOpening { chain_id, block_number, before, after } = opening;
        if inputs.before != ChainState::start(before.root, before.deposit_queue).digest() {
            return Err(ProveError::Before);
        }
        if inputs.after != after.digest() {
            return Err(ProveError::After);
        }
        if after.sum != [ZERO; 2] {
            return Err(ProveError::Sum { got: after.sum });
        }
        let seed = seed(*chain_id, *block_number, before.root, after.emitted, after.consumed);
        if inputs.ctx != context(*chain_id, seed) {
            return Err(ProveError::Context { circuit: NAME, child: 0 });
        }
        let witness = self
            .fill(fold, &opening.statement(profile), &opening.after)
            .map_err(|source| ProveError::Prove { circuit: NAME, source })?;
        prove(NAME, &*self.prover, &self.data, witness)
    }

    /// Fills in this proof, this statement and, from `after`, what the statement does not say, right or wrong.
    ///
    /// # Errors
    /// If a target is filled twice with different values.
    pub fn fill(
        &self,
        fold: &Proof,
        statement: &BlockStatement,
        after: &ChainState,
    ) -> anyhow::Result<PartialWitness<F>> {
        self.fill_elements(fold, &statement.elements(), after)
    }

    /// [`Self::fill`] with a record of any elements.
    pub(crate) fn fill_elements(
        &self,
        fold: &Proof,
        statement: &[Native; BlockStatement::LEN],
        after: &ChainState,
    ) -> anyhow::Result<PartialWitness<F>> {
        let mut witness = PartialWitness::new();
        witness.set_proof_with_pis_target(&self.proof, fold)?;
        for (&target, &element) in self.public.iter().zip(statement) {
            witness.set_target(target, from_native(element))?;
        }
        witness.set_hash_target(self.consumed, from_digest(after.consumed))?;
        witness.set_target(self.phase, F::from_canonical_u32(after.phase as u32))?;
        Ok(witness)
    }
}
