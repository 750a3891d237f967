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
//!    what [`debit`](crate::debit) or [`credit`](crate::credit) gives.
//!
//! `set` is free: fold and block pin it. Roots are outputs: there is no wire for a root that would not be
//! computed from leaves, so a wrong root is a wrong `before`, which does not chain.
//!
//! All batch circuits of a profile have one [`CommonCircuitData`]: the same
//! configuration, gate set and degree.

use enfold_state::chain::Phase;
use enfold_state::hash::Digest;
use enfold_state::leaf::{LeafIndex, TREE_DEPTH};
use enfold_witness::batch::{BatchWitness, Paths};
use enfold_witness::profile::{BatchId, Profile};
use plonky2::field::cosets::get_unique_coset_shifts;
use plonky2::field::types::Field;
use plonky2::gates::arithmetic_base::ArithmeticGate;
use plonky2::gates::constant::ConstantGate;
use plonky2::gates::gate::GateRef;
use plonky2::gates::noop::NoopGate;
use plonky2::gates::public_input::PublicInputGate;
use plonky2::hash::hash_types::HashOutTarget;
use plonky2::iop::target::{BoolTarget, Target};
use plonky2::iop::witness::PartialWitness;
use plonky2::plonk::circuit_data::CircuitConfig;
use plonky2::plonk::config::GenericConfig;

use crate::backend::{Backend, Built, Prover, Stock};
use crate::config::{Builder, CircuitData, CommonCircuitData, D, EnfoldConfig, F, Proof};
use crate::constraint::Constrain;
use crate::convert::from_native;
use crate::credit::CreditPathTargets;
use crate::debit::DebitPathTargets;
use crate::fill::{Fill, FillError, check_length};
use crate::gadgets::chain::{ChainStateTargets, context, link_consumed, link_emitted, logup_challenges};
use crate::gadgets::logup::LogUpTargets;
use crate::gadgets::merkle::ClimbTargets;
use crate::gadgets::message::{MessageSpongeTargets, MessageTargets};
use crate::gadgets::range::RangePool;
use crate::gadgets::schnorr::Signatures;
use crate::gadgets::select::Selects;
use crate::gates::curve::CurveGate;
use crate::gates::logup::LogUpGate;
use crate::gates::path::PathGate;
use crate::gates::poseidon2::Poseidon2Gate;
use crate::gates::range::RangeGate;
use crate::gates::select::SelectGate;
use crate::gates::signature::SignatureGate;
use crate::public_inputs::{BatchPublicInputs, BatchPublicInputsTarget, PublicInputsLength};
use crate::rows::{Part, RowCount};

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

/// Targets of [`Paths`].
#[derive(Debug)]
pub enum PathsTargets {
    /// Of a debit circuit.
    Debit(Vec<DebitPathTargets>),
    /// Of a credit circuit.
    Credit(Vec<CreditPathTargets>),
}

/// A leaf's position and the way from there to the window's root.
#[derive(Clone, Debug)]
pub struct PositionTargets {
    /// The leaf index.
    pub index: Target,
    /// The way up inside the window.
    pub climb: ClimbTargets,
}

impl PositionTargets {
    pub(crate) fn fill(
        &self,
        fill: &mut Fill,
        window: u32,
        index: LeafIndex,
        siblings: &[Digest],
    ) -> Result<(), FillError> {
        let got = index.0 >> self.climb.bits.len();
        if got != window {
            return Err(FillError::Window { expected: window, got });
        }
        fill.number(self.index, index.0);
        fill.climb(&self.climb, index.0, siblings)
    }
}

/// What a batch's paths share while they are constrained, one after the other.
pub(crate) struct Session<'b> {
    pub builder: &'b mut Builder,
    pub ranges: RangePool,
    pub selects: Selects,
    pub signatures: Signatures,
    pub rows: RowCount,
    top_bits: Vec<BoolTarget>,
    window_depth: usize,
    logup: LogUpTargets,
    sponge: MessageSpongeTargets,
    /// The window's root before the first path and after the last.
    roots: Option<(HashOutTarget, HashOutTarget)>,
}

impl Session<'_> {
    /// A position in the window: the index is bound to the path's bits and the window's.
    pub fn position(&mut self) -> PositionTargets {
        let index = self.builder.add_virtual_target();
        let climb = ClimbTargets::new(self.builder, self.window_depth);
        let mut bits = climb.bits.iter().chain(&self.top_bits);
        let bits: [BoolTarget; TREE_DEPTH] =
            std::array::from_fn(|_| *bits.next().expect("window and top have the tree's depth together"));
        let ranges = &mut self.ranges;
        self.rows.measure(Part::Indices, self.builder, |builder| ranges.path(builder, index, &bits));
        PositionTargets { index, climb }
    }

    /// Requires `old` at the position under the current window root, and puts `new` there.
    pub fn replace(&mut self, position: &PositionTargets, old: HashOutTarget, new: HashOutTarget) {
        let climb = &position.climb;
        let (old_root, new_root) = self.rows.measure(Part::Path, self.builder, |builder| {
            (climb.root(builder, old), climb.root(builder, new))
        });
        let first = match self.roots {
            None => old_root,
            Some((first, current)) => {
                let name = "batch: a path opens the root that the path before it left";
                self.builder.require_equal_hashes(name, old_root, current);
                first
            }
        };
        self.roots = Some((first, new_root));
    }

    /// A message slot: a LogUp row's, and absorbed if the flag, which becomes boolean, is 1.
    pub fn message(&mut self, message: MessageTargets, flag: Target) {
        let logup = &mut self.logup;
        self.rows.measure(Part::Logup, self.builder, |builder| logup.push(builder, message, flag));
        let sponge = &mut self.sponge;
        let absorbed =
            self.rows.measure(Part::Messages, self.builder, |builder| sponge.permuted(builder, message));
        sponge.absorb(self.builder, &mut self.selects, absorbed, flag);
    }
}

/// The parts of the chain state that a kind of batch sets itself.
pub(crate) struct Outcome {
    pub paths: PathsTargets,
    pub transactions: Target,
    pub messages: Target,
    pub phase: Target,
}

impl BatchTargets {
    /// Adds a batch circuit, public inputs included, to an empty builder.
    /// Counts all rows but those that are added when it is built.
    fn constrain(builder: &mut Builder, profile: &Profile, batch: BatchId) -> (Self, RowCount) {
        let emits = batch.phase() == Phase::Debit;

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
        let sign = if emits { F::ONE } else { F::NEG_ONE };
        let sponge = MessageSpongeTargets::new(builder);
        let mut session = Session {
            builder: &mut *builder,
            ranges: RangePool::default(),
            selects: Selects::default(),
            signatures: Signatures::default(),
            rows,
            top_bits: top.bits.clone(),
            window_depth: profile.window_depth,
            logup: LogUpTargets::new(challenges, before.sum, sign),
            sponge,
            roots: None,
        };
        let shape = profile.shape(batch);
        let outcome = match batch {
            BatchId::DebitMany | BatchId::DebitFew => {
                crate::debit::constrain(&mut session, shape, chain_id, &mut before)
            }
            BatchId::CreditMany | BatchId::CreditFew => {
                crate::credit::constrain(&mut session, shape, &before)
            }
        };
        let Session { ranges, selects, signatures, mut rows, logup, sponge, roots, .. } = session;
        signatures.finish(builder);
        ranges.finish(builder, &mut rows);
        rows.add(Part::Selects, selects.finish(builder));
        let sum = rows.measure(Part::Logup, builder, |builder| logup.finish(builder));
        let digest = sponge.digest();
        let (first_root, last_root) = roots.expect("a batch has a path");

        // 2. Before.
        let before_digest = rows.measure(Part::State, builder, |builder| {
            before.root = top.root(builder, first_root);
            before.digest(builder)
        });

        // 5. After.
        let after_digest = rows.measure(Part::State, builder, |builder| {
            let emitted = if emits { link_emitted(builder, before.emitted, digest) } else { before.emitted };
            let consumed =
                if emits { before.consumed } else { link_consumed(builder, before.consumed, digest) };
            let after = ChainStateTargets {
                root: top.root(builder, last_root),
                emitted,
                consumed,
                sum,
                transactions: outcome.transactions,
                messages: outcome.messages,
                phase: outcome.phase,
                ..before
            };
            after.digest(builder)
        });

        let set = builder.add_virtual_hash();
        let public_inputs = BatchPublicInputsTarget { set, ctx, before: before_digest, after: after_digest };
        public_inputs.register(builder);
        (Self { set, chain_id, seed, before, top, paths: outcome.paths, public_inputs }, rows)
    }
}

/// Every gate that some batch circuit of a profile uses, and so the gate set of all of them.
fn gate_set(config: &CircuitConfig) -> Vec<GateRef<F, D>> {
    vec![
        GateRef::new(NoopGate),
        GateRef::new(PublicInputGate),
        GateRef::new(ConstantGate::new(config.num_constants)),
        GateRef::new(ArithmeticGate::new_from_config(config)),
        GateRef::new(CurveGate),
        GateRef::new(LogUpGate),
        GateRef::new(PathGate),
        GateRef::new(Poseidon2Gate),
        GateRef::new(RangeGate),
        GateRef::new(SelectGate),
        GateRef::new(SignatureGate),
    ]
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
        let (got, expected) = (witness.before.phase, self.batch.phase());
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
        let mut siblings = witness.siblings.walk();
        match (&targets.paths, &witness.paths) {
            (PathsTargets::Debit(targets), Paths::Debit(paths)) => {
                check_length("paths", targets.len(), paths.len())?;
                check_length("paths with siblings", targets.len(), witness.siblings.len())?;
                for (target, path) in targets.iter().zip(paths) {
                    target.fill(&mut fill, witness.window, path, siblings.step().unwrap_or_default())?;
                }
            }
            (PathsTargets::Credit(targets), Paths::Credit(paths)) => {
                check_length("paths", targets.len(), paths.len())?;
                check_length("paths with siblings", targets.len(), witness.siblings.len())?;
                fill.number(before.phase, state.phase as u32);
                for (target, path) in targets.iter().zip(paths) {
                    target.fill(&mut fill, witness.window, path, siblings.step().unwrap_or_default())?;
                }
            }
            _ => return Err(FillError::Kind { expected: self.batch }),
        }
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
