//! Batch circuits: what debit and credit have in common. Twin of [`enfold_witness::step`].
//!
//! A batch proves one step of a block's chain state. Its public inputs are
//! [`BatchPublicInputs`]. Constrained here, in this order:
//!
//! 1. `ctx` is the context of chain id and seed; the LogUp challenges come from the same seed.
//! 2. `before` is the digest of a chain state whose root is the climb from the window's root, under the
//!    window's number, to the top of the tree.
//! 3. Each path's index is the window's number and the path's bits; its old leaf is under the window's
//!    current root, and its new leaf makes the next current root, by the same bits and siblings. All bits
//!    are boolean. So a leaf outside the window has no path.
//! 4. Every message slot is a LogUp row's, flagged or not, with a boolean flag; the batch's digest absorbs
//!    exactly the flagged messages, in order.
//! 5. `after` is the digest of a chain state whose root is the climb from the last window root with the
//!    bits and siblings of 2, whose deposit queue and exits are those of `before`, and whose other parts are
//!    what the batch's kind gives: its phase, its counters, its messages.
//!
//! `set` is free: fold and block pin it. Roots are outputs: there is no wire for a root that would not be
//! computed from leaves, so a wrong root is a wrong `before`, which does not chain.
//!
//! All batch circuits of a profile have one [`CommonCircuitData`]: the same
//! configuration, gate set and degree.

use enfold_state::chain::Phase;
use enfold_state::hash::Digest;
use enfold_witness::batch::BatchWitness;
use enfold_witness::profile::{BatchId, Profile};
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
use crate::gadgets::chain::{ChainStateTargets, context, link_consumed, link_emitted, logup_challenges};
use crate::gadgets::merkle::ClimbTargets;
use crate::gates::own_gates;
use crate::kind::PathsTargets;
use crate::public_inputs::{BatchPublicInputs, BatchPublicInputsTarget, PublicInputsLength};
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
    /// Chain that the block is for.
    pub chain_id: Target,
    /// The block's seed.
    pub seed: HashOutTarget,
    /// Chain state before. The root is computed; the phase is a constant in debit.
    pub before: ChainStateTargets,
    /// The way from the window's root to the state root; the bits are the window's number.
    pub top: ClimbTargets,
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
        let chain_id = builder.add_virtual_target();
        let seed = builder.add_virtual_hash();
        let mut rows = RowCount::default();
        let (ctx, challenges) = rows.measure(Part::State, builder, |builder| {
            (context(builder, chain_id, seed), logup_challenges(builder, seed))
        });

        // 3, 4. The paths and their messages.
        let mut before = ChainStateTargets::new(builder);
        let top = ClimbTargets::new(builder, profile.top_depth());
        require_phase(builder, kind.phase(), &mut before);
        let mut session = Session::new(builder, rows, kind, chain_id, challenges, &before, &top);
        let paths = PathsTargets::constrain(&mut session, kind, profile.shape(batch));
        let Outcome {
            mut rows,
            roots: [first_root, last_root],
            sum,
            transactions,
            messages,
            emitted,
            consumed,
        } = session.finish();

        // 2. Before.
        let before_digest = rows.measure(Part::State, builder, |builder| {
            before.root = top.root(builder, first_root);
            before.digest(builder)
        });

        // 5. After.
        let after_digest = rows.measure(Part::State, builder, |builder| {
            let emitted =
                if kind.emits() { link_emitted(builder, before.emitted, emitted) } else { before.emitted };
            let consumed = if kind.consumes() {
                link_consumed(builder, before.consumed, consumed)
            } else {
                before.consumed
            };
            let phase = builder.constant(F::from_canonical_u8(kind.phase() as u8));
            let root = top.root(builder, last_root);
            let after =
                ChainStateTargets { root, emitted, consumed, sum, transactions, messages, phase, ..before };
            after.digest(builder)
        });

        let set = builder.add_virtual_hash();
        let public_inputs = BatchPublicInputsTarget { set, ctx, before: before_digest, after: after_digest };
        public_inputs.register(builder);
        (Self { set, chain_id, seed, before, top, paths, public_inputs }, rows)
    }
}

/// Requires the phase before a batch to be that of its kind or an earlier one. In the first phase it is a constant.
fn require_phase(builder: &mut Builder, phase: Phase, before: &mut ChainStateTargets) {
    match phase {
        Phase::Debit => before.phase = builder.zero(),
        Phase::Contract => builder.require_bool("batch: phase is 0 or 1", before.phase),
        Phase::Credit => {
            let (phase, two) = (before.phase, builder.two());
            let low = define("batch: p (p - 1) of the phase", builder.mul_sub(phase, phase, phase));
            let high = define("batch: p - 2 of the phase", builder.sub(phase, two));
            let product = define("batch: p (p - 1) (p - 2) of the phase", builder.mul(low, high));
            builder.require_zero("batch: phase is 0, 1 or 2", product);
        }
    }
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
    /// # Panics
    /// As [`Self::build_with`].
    pub fn build(profile: &Profile, batch: BatchId, config: &CircuitConfig, degree_bits: usize) -> Self {
        Self::build_with(&Stock, profile, batch, config, degree_bits)
    }

    /// Builds the circuit with `2^degree_bits` rows.
    ///
    /// # Panics
    /// If it needs more rows: the profile's shapes and its degree do not fit.
    pub fn build_with(
        backend: &dyn Backend,
        profile: &Profile,
        batch: BatchId,
        config: &CircuitConfig,
        degree_bits: usize,
    ) -> Self {
        let (builder, targets, rows) = Self::constrain(profile, batch, config, degree_bits);
        let Built { data, prover } = backend.build(builder);
        assert_eq!(data.common.degree_bits(), degree_bits, "rows after padding");
        Self { batch, data, targets, rows, prover }
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
        fill.number(targets.chain_id, witness.chain_id);
        fill.digest(targets.seed, witness.seed);
        fill.climb(&targets.top, witness.window, &witness.top_siblings)?;
        let (before, state) = (&targets.before, &witness.before);
        fill.digest(before.emitted, state.emitted);
        fill.digest(before.consumed, state.consumed);
        fill.digest(before.deposit_queue, state.deposit_queue);
        fill.digest(before.exits, state.exits);
        fill.number(before.transactions, state.transactions);
        fill.number(before.messages, state.messages);
        for (target, element) in before.sum.into_iter().zip(state.sum) {
            fill.element(target, from_native(element));
        }
        // In the first phase it is a constant.
        if self.batch.kind().phase() != Phase::Debit {
            fill.number(before.phase, state.phase as u32);
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
            ctx: enfold_state::chain::context(witness.chain_id, witness.seed),
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
