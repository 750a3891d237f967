//! Batch circuits: what debit and credit have in common. Twin of [`enfold_witness::step`].
//!
//! A batch proves one step of a block's chain state. Its public inputs are
//! [`BatchPublicInputs`]. Constrained here, in this order:
//!
//! 1. `ctx` is the context of chain id, block number, time and seed; the LogUp challenges come from the same seed.
//! 2. `before` is the digest of a chain state whose tree root is the climb from the window's root, under the
//!    window's number, to the top of the tree, and whose phase is that of the batch's kind or an earlier one.
//! 3. Each path's index is the window's number and the path's bits; its old leaf is under the window's
//!    current root, and its new leaf makes the next current root, by the same bits and siblings. All bits
//!    are boolean. So a leaf outside the window has no path.
//! 4. If the kind can create leaves: the counts of the shards after the block are opened from the chain state's digest,
//!    and the window is one of a shard of accounts, whose number are the window's top bits. Each path says by a boolean
//!    flag whether its position was empty; if so, it is below the count of its shard. The flags are counted.
//! 5. Every message slot is a LogUp row's, flagged or not, with a boolean flag; the batch's digest absorbs
//!    exactly the flagged messages, in order, from a start that is of the batch's kind and side alone.
//! 6. `after` is the digest of a chain state whose tree root is the climb from the last window root with the
//!    bits and siblings of 2. Of its other parts the batch's kind gives its phase; LogUp sum, transactions, messages and
//!    new leaves are those of `before` and what the slots and flags add; `E` has a link more if the kind can emit,
//!    and `C` if it can consume. All the rest, queue, exits and counts, is that of `before`: the very same targets.
//!
//! A sum or count that a kind adds nothing to is also the very same target: a debit batch has no wire for other
//! new leaves or another `C`.
//!
//! `set` is free: fold and block pin it. Roots are outputs: there is no wire for a root that would not be
//! computed from leaves, so a wrong root is a wrong `before`, which does not chain.
//!
//! All batch circuits of a family have one [`CommonCircuitData`]: the same
//! configuration, gate set and degree.

use enfold_state::chain::Phase;
use enfold_state::hash::Digest;
use enfold_state::profile::{BatchId, Profile};
use enfold_witness::batch::BatchWitness;
use plonky2::field::cosets::get_unique_coset_shifts;
use plonky2::field::types::Field;
use plonky2::gates::arithmetic_base::ArithmeticGate;
use plonky2::gates::constant::ConstantGate;
use plonky2::gates::gate::GateRef;
use plonky2::gates::noop::NoopGate;
use plonky2::gates::public_input::PublicInputGate;
use plonky2::hash::hash_types::HashOutTarget;
use plonky2::iop::target::Target;
use plonky2::iop::witness::PartialWitness;
use plonky2::plonk::circuit_data::CircuitConfig;
use plonky2::plonk::config::GenericConfig;

use crate::backend::{Backend, Built, Prover, Stock};
use crate::config::{Builder, CircuitData, CommonCircuitData, D, EnfoldConfig, F, Proof};
use crate::constraint::{Constrain, define};
use crate::convert::from_native;
use crate::fill::{Fill, FillError};
use crate::gadgets::chain::{
    BlockIdTargets, ChainStateTargets, context, link_consumed, link_emitted, logup_challenges,
};
use crate::gadgets::counts::CountsTargets;
use crate::gadgets::merkle::ClimbTargets;
use crate::gates::own_gates;
use crate::kind::PathsTargets;
use crate::public_inputs::{BatchPublicInputs, BatchPublicInputsTarget, PublicInputsLength};
use crate::recursion::BuildError;
use crate::rows::{Part, RowCount};
use crate::session::{Outcome, Session};

/// A batch circuit of a profile.
#[derive(Debug)]
pub struct BatchCircuit {
    /// Which one.
    pub batch: BatchId,
    /// The built circuit.
    pub data: CircuitData,
    targets: BatchTargets,
    rows: RowCount,
    prover: Box<dyn Prover>,
}

/// The targets of a batch circuit that a witness fills.
#[derive(Debug)]
pub struct BatchTargets {
    /// Public, otherwise free.
    pub set: HashOutTarget,
    /// The block.
    pub block: BlockIdTargets,
    /// The block's seed.
    pub seed: HashOutTarget,
    /// Chain state before. The tree root is computed.
    pub before: ChainStateTargets,
    /// The way from the window's root to the state root; the bits are the window's number.
    pub top: ClimbTargets,
    /// The shards' counts after the block, if the kind can create leaves.
    pub counts: Option<CountsTargets>,
    /// The paths.
    pub paths: PathsTargets,
    /// All public inputs.
    pub public_inputs: BatchPublicInputsTarget,
}

impl BatchTargets {
    /// Adds a batch circuit, public inputs included, to an empty builder.
    /// Counts all rows but those that are added when it is built.
    fn constrain(builder: &mut Builder, profile: &Profile, batch: BatchId) -> (Self, RowCount) {
        let kind = batch.kind();

        // 1. Context and challenges.
        let block = BlockIdTargets::new(builder);
        let seed = builder.add_virtual_hash();
        let mut rows = RowCount::default();
        let (ctx, challenges) = rows.measure(Part::State, builder, |builder| {
            (context(builder, &block, seed), logup_challenges(builder, seed))
        });

        // 3 to 5. The paths, the leaves that they create and their messages.
        let mut before = ChainStateTargets::new(builder);
        let top = ClimbTargets::new(builder, profile.top_depth());
        require_phase(builder, kind.phase(), before.phase);
        let mut session = Session::new(builder, rows, kind, block, challenges, &before, &top);
        let paths = PathsTargets::constrain(&mut session, kind, profile.shape(batch));
        let Outcome {
            mut rows,
            roots: [first_root, last_root],
            sum,
            transactions,
            messages,
            created,
            emitted,
            consumed,
            counts,
        } = session.finish();

        // 2. Before.
        let before_digest = rows.measure(Part::State, builder, |builder| {
            before.tree_root = top.root(builder, first_root);
            before.digest(builder)
        });

        // 6. After.
        let after_digest = rows.measure(Part::State, builder, |builder| {
            let emitted =
                if kind.emits() { link_emitted(builder, before.emitted, emitted) } else { before.emitted };
            let consumed = if kind.consumes() {
                link_consumed(builder, before.consumed, consumed)
            } else {
                before.consumed
            };
            let phase = builder.constant(F::from_canonical_u8(kind.phase() as u8));
            let tree_root = top.root(builder, last_root);
            let after = ChainStateTargets {
                tree_root,
                emitted,
                consumed,
                sum,
                transactions,
                messages,
                phase,
                created,
                ..before
            };
            after.digest(builder)
        });

        let set = builder.add_virtual_hash();
        let public_inputs = BatchPublicInputsTarget { set, ctx, before: before_digest, after: after_digest };
        public_inputs.register(builder);
        (Self { set, block, seed, before, top, counts, paths, public_inputs }, rows)
    }
}

/// Requires the phase before a batch to be its kind's or an earlier one.
fn require_phase(builder: &mut Builder, kinds: Phase, before: Target) {
    if kinds == Phase::Inbound {
        return builder.require_zero("batch: phase is 0", before);
    }
    if kinds == Phase::Debit {
        return builder.require_bool("batch: phase is 0 or 1", before);
    }
    let two = builder.two();
    let low = define("batch: p (p - 1) of the phase", builder.mul_sub(before, before, before));
    let high = define("batch: p - 2 of the phase", builder.sub(before, two));
    let (name, high) = match kinds {
        Phase::Credit => {
            let higher = define("batch: (p - 2) (p - 3) of the phase", builder.mul_sub(high, high, high));
            ("batch: phase is 0, 1, 2 or 3", higher)
        }
        _ => ("batch: phase is 0, 1 or 2", high),
    };
    let product = define("batch: product of the phase less each that may be", builder.mul(low, high));
    builder.require_zero(name, product);
}

/// Every gate that some batch circuit of a profile uses, and so the gate set of all of them.
fn gate_set(config: &CircuitConfig) -> Vec<GateRef<F, D>> {
    let mut gates = vec![
        GateRef::new(NoopGate),
        GateRef::new(PublicInputGate),
        GateRef::new(ConstantGate::new(config.num_constants)),
        GateRef::new(ArithmeticGate::new_from_config(config)),
    ];
    gates.extend(own_gates());
    gates
}

/// Counts what is left to count of a circuit that is laid out.
fn finish_count(builder: &mut Builder, rows: &mut RowCount) {
    let Target::VirtualTarget { index: targets } = builder.add_virtual_target() else {
        unreachable!("a virtual target was asked for")
    };
    let is_constant = |&index: &usize| builder.target_as_constant(Target::VirtualTarget { index }).is_some();
    let constants = (0..targets).filter(is_constant).count();
    rows.finish(builder, constants);
}

impl BatchCircuit {
    /// [`Self::build_with`] plonky2.
    ///
    /// # Errors
    /// As [`Self::build_with`].
    ///
    /// # Panics
    /// As [`Self::build_with`].
    pub fn build(
        profile: &Profile,
        batch: BatchId,
        config: &CircuitConfig,
        degree_bits: usize,
    ) -> Result<Self, BuildError> {
        Self::build_with(&Stock, profile, batch, config, degree_bits)
    }

    /// Builds the circuit with `2^degree_bits` rows.
    ///
    /// # Errors
    /// If the backend refuses the circuit.
    ///
    /// # Panics
    /// If it needs more rows: the profile's shapes and its degree do not fit.
    pub fn build_with(
        backend: &dyn Backend,
        profile: &Profile,
        batch: BatchId,
        config: &CircuitConfig,
        degree_bits: usize,
    ) -> Result<Self, BuildError> {
        let circuit = batch.name();
        let (builder, targets, rows) = Self::constrain(profile, batch, config, degree_bits);
        let built = backend.build(builder).map_err(|source| BuildError::Backend { circuit, source })?;
        let Built { data, prover } = built;
        match data.common.degree_bits() {
            got if got == degree_bits => Ok(Self { batch, data, targets, rows, prover }),
            got => Err(BuildError::Degree { circuit, expected: degree_bits, got }),
        }
    }

    /// The same rows with another hash in commitments, for comparison. [`Self::fill`] of the circuit that
    /// [`Self::build`] gives makes inputs for both.
    ///
    /// # Panics
    /// As [`Self::build`].
    pub fn build_for<C: GenericConfig<D, F = F>>(
        profile: &Profile,
        batch: BatchId,
        config: &CircuitConfig,
        degree_bits: usize,
    ) -> plonky2::plonk::circuit_data::CircuitData<F, C, D> {
        Self::constrain(profile, batch, config, degree_bits).0.build::<C>()
    }

    /// A builder with the circuit and its padding.
    fn constrain(
        profile: &Profile,
        batch: BatchId,
        config: &CircuitConfig,
        degree_bits: usize,
    ) -> (Builder, BatchTargets, RowCount) {
        let mut builder = Builder::new(config.clone());
        let (targets, mut rows) = BatchTargets::constrain(&mut builder, profile, batch);
        finish_count(&mut builder, &mut rows);
        let (used, degree) = (rows.total(), 1 << degree_bits);
        assert!(used <= degree, "{} of {} needs {used} rows, has {degree}", batch.name(), profile.id);
        for gate in gate_set(config) {
            builder.add_gate_to_gate_set(gate);
        }
        // plonky2 fills up to the next power of two by itself.
        while builder.num_gates() <= degree / 2 {
            builder.add_gate(NoopGate, vec![]);
        }
        (builder, targets, rows)
    }

    /// What all batch circuits with this configuration and degree have in common, without building one.
    pub fn common(config: &CircuitConfig, degree_bits: usize) -> CommonCircuitData {
        let mut builder = Builder::new(config.clone());
        for gate in gate_set(config) {
            builder.add_gate_to_gate_set(gate);
        }
        let inputs = builder.add_virtual_targets(BatchPublicInputs::LEN);
        builder.register_public_inputs(&inputs);
        // Of the common data only these depend on the degree.
        let fri_params = config.fri_config.fri_params(degree_bits, config.zero_knowledge);
        let k_is = get_unique_coset_shifts(1 << degree_bits, config.num_routed_wires);
        CommonCircuitData { fri_params, k_is, ..builder.mock_build::<EnfoldConfig>().common }
    }

    /// The rows that the circuit would use, without building it.
    pub fn count_rows(profile: &Profile, batch: BatchId, config: &CircuitConfig) -> RowCount {
        let mut builder = Builder::new(config.clone());
        let (_, mut rows) = BatchTargets::constrain(&mut builder, profile, batch);
        finish_count(&mut builder, &mut rows);
        rows
    }

    /// Rows in use, before padding.
    pub fn rows_used(&self) -> usize {
        self.rows.total()
    }

    /// What the rows in use are for.
    pub fn rows(&self) -> &RowCount {
        &self.rows
    }

    /// The targets that a witness fills.
    pub fn targets(&self) -> &BatchTargets {
        &self.targets
    }

    /// The circuit's inputs for a batch. `set` becomes public and says nothing here.
    ///
    /// # Errors
    /// If the witness is for another circuit or of another shape. A witness that breaks a rule is not
    /// found: it fails in [`BatchCircuit::prove`].
    pub fn fill(&self, witness: &BatchWitness, set: Digest) -> Result<PartialWitness<F>, FillError> {
        if witness.batch != self.batch {
            return Err(FillError::Batch { expected: self.batch, got: witness.batch });
        }
        let (got, expected) = (witness.before.phase, self.batch.kind().phase());
        if got > expected {
            return Err(FillError::Phase { expected, got });
        }
        let targets = &self.targets;
        let mut fill = Fill::default();
        fill.digest(targets.set, set);
        fill.block(&targets.block, &witness.block);
        fill.digest(targets.seed, witness.seed);
        fill.climb(&targets.top, witness.window, &witness.top_siblings)?;
        let (before, state) = (&targets.before, &witness.before);
        fill.digest(before.emitted, state.emitted);
        fill.digest(before.consumed, state.consumed);
        fill.digest(before.queue, state.queue);
        fill.digest(before.exits, state.exits);
        fill.digest(before.counts, state.counts);
        fill.number(before.created, state.created);
        fill.number(before.transactions, state.transactions);
        fill.number(before.messages, state.messages);
        for (target, element) in before.sum.into_iter().zip(state.sum) {
            fill.element(target, from_native(element));
        }
        fill.number(before.phase, state.phase as u32);
        if let Some(CountsTargets(counts)) = &targets.counts {
            counts.iter().zip(witness.counts.0).for_each(|(&target, count)| fill.number(target, count));
        }
        targets.paths.fill(&mut fill, witness)?;
        Ok(fill.witness)
    }

    /// Proves a batch.
    ///
    /// # Errors
    /// If the witness does not fit the circuit, breaks one of its rules, or leads to another chain state
    /// than it says.
    pub fn prove(&self, witness: &BatchWitness, set: Digest) -> Result<Proof, BatchProveError> {
        let inputs = self.fill(witness, set)?;
        let proof = self.prover.prove(&self.data, inputs).map_err(BatchProveError::Prove)?;
        let got = BatchPublicInputs::from_elements(&proof.public_inputs)?;
        let expected = BatchPublicInputs {
            set,
            ctx: enfold_state::chain::context(&witness.block, witness.seed),
            before: witness.before.digest(),
            after: witness.after.digest(),
        };
        if got != expected {
            return Err(BatchProveError::PublicInputs { expected: Box::new(expected), got: Box::new(got) });
        }
        Ok(proof)
    }
}

/// A batch could not be proven.
#[derive(Debug, thiserror::Error)]
pub enum BatchProveError {
    /// The circuit could not be built.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The witness does not fit the circuit.
    #[error(transparent)]
    Fill(#[from] FillError),
    /// The witness breaks a rule of the circuit.
    #[error("batch cannot be proven: {0}")]
    Prove(#[source] anyhow::Error),
    /// The circuit computes other chain states than the witness says.
    #[error("expected public inputs {expected:?}, got {got:?}")]
    PublicInputs {
        /// What the witness says.
        expected: Box<BatchPublicInputs>,
        /// What the circuit computes.
        got: Box<BatchPublicInputs>,
    },
    /// The proof has another number of public inputs.
    #[error(transparent)]
    Length(#[from] PublicInputsLength),
}
