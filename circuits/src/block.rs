//! The block circuit: one or two consecutive lift or fold proofs become a [`BlockStatement`].
//!
//! It has [`Params::block_arity`] slots for children, which are chained as those of lift and fold
//! ([`crate::recursion`]): the first is live, and a dead one says nothing that the first does not say. A child's key is
//! one of the true list `L` of [`crate::fold`], lifts and fold, whose entries are constants here, and `set` of each child is
//! pinned to the true digest, a constant too. Then:
//!
//! 1. The counts of the shards before and after the block are opened. No shard has fewer leaves after it, and none has
//!    2^25 more: each difference has 25 bits.
//! 2. The state roots are the hashes of tree root and counts, before and after.
//! 3. Queue and exits are those of a block that L1 has no part in.
//! 4. The first child starts in the chain state of a new block ([`ChainState::start`]) with the counts *after* it.
//! 5. The last live child ends in a chain state with those counts, as many new leaves as the differences add up to, a
//!    LogUp sum of zero, and `E`, transactions and messages as stated.
//! 6. The children's context is that of chain id, number, time and the seed, which is recomputed.
//!
//! *Why only true circuits are below*, by induction from here down. A child is under the key of a true lift or of the
//! true fold circuit: block knows them all. *A lift proof* takes batch proofs of one family only, under keys that are
//! constants of the true lift circuit. It says nothing about other keys, so its `set`, which the lift circuit leaves to the prover, is worth
//! nothing, and nothing is concluded from it; it is pinned because every proof of a profile carries the true one. *A fold
//! proof* is made by the true fold circuit, but fold takes its list as a witness. Its `set` is the digest of that list and
//! is the true one here, so the list is `L`, and each of its children is under the key of a true lift or of the true fold circuit
//! and carries the same `set`: the argument applies to it in turn. Proofs are finite, so it ends at lift proofs.
//!
//! *Why the counts are true, if they were before*: batches create leaves only in positions that were empty, so at or
//! above the old count of the shard, and below its new count; each position is filled once; and as many are filled as the
//! counts grow. So none is left out. A window whose top bit is set creates none, so shards of contracts stay
//! as they are.
//!
//! | witness | constrained by |
//! |---|---|
//! | children's proofs | they verify |
//! | children's keys | the entry is the one-hot choice's, among the constants of `L` |
//! | choice | boolean, sums to one |
//! | live flags | boolean, never increasing |
//! | `set` of the children | it is the true one, a constant |
//! | public inputs but profile and version | they are in the opened chain states, the state roots, the seed or the context |
//! | tree roots | they are in the opened chain states and in the state roots |
//! | counts | their digests are in the state roots, those after the block in the chain states too |
//! | `C` and phase after the block | they are in the opened chain state. `C` is in the seed too; the phase is nobody's claim |
//!
//! Numbers are field elements here. The reader of the statement refuses those out of their range
//! ([`StatementField`]); the circuits count by at most a batch, so a count that wraps the field needs more
//! batches than anybody can prove.

use enfold_state::chain::{
    BlockId, ChainState, Commitments, context, empty_queue, no_exits, seed, state_root,
};
use enfold_state::field::{F as Native, ZERO};
use enfold_state::hash::Digest;
use enfold_state::leaf::SHARD_DEPTH;
use enfold_state::profile::ProfileId;
use enfold_state::shards::Counts;
use enfold_witness::witness::BlockWitness;
use plonky2::field::types::Field;
use plonky2::hash::hash_types::{HashOutTarget, NUM_HASH_OUT_ELTS};
use plonky2::iop::target::{BoolTarget, Target};
use plonky2::iop::witness::{PartialWitness, WitnessWrite};

use crate::backend::{Backend, Built, Prover, Stock};
use crate::config::{Builder, CircuitData, CommonCircuitData, F, Proof};
use crate::constraint::{Constrain, define};
use crate::convert::{from_digest, from_native};
use crate::fold::{Child, ChildKeys};
use crate::gadgets::chain::{self, BlockIdTargets, ChainStateTargets, CommitmentsTargets};
use crate::gadgets::counts::CountsTargets;
use crate::keys::entry_target;
use crate::params::Params;
use crate::recursion::{
    self, BuildError, Chain, ProveError, RecursionSize, Slot, SlotWitness, check_children, check_sets,
    choose_constant, fill_choice, fill_dead, fix_shape, prove,
};
use crate::statement::{BlockStatement, PROTOCOL_VERSION, StatementField};
use crate::verify::{CircuitKey, VerifierKey};

const NAME: &str = "block";

/// What the block circuit opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockOpening {
    /// Which block.
    pub block: BlockId,
    /// How many leaves each shard had before the block.
    pub counts_before: Counts,
    /// How many it has after the block.
    pub counts: Counts,
    /// Chain state in which the block starts.
    pub before: ChainState,
    /// Chain state in which it ends.
    pub after: ChainState,
}

impl From<&BlockWitness> for BlockOpening {
    fn from(witness: &BlockWitness) -> Self {
        let &BlockWitness { block, counts_before, counts, before, after, .. } = witness;
        Self { block, counts_before, counts, before, after }
    }
}

impl BlockOpening {
    /// What the block circuit will say.
    pub fn statement(&self, profile: ProfileId) -> BlockStatement {
        let BlockId { chain_id, number, time } = self.block;
        BlockStatement {
            chain_id,
            block_number: number,
            time,
            previous_root: self.previous_root(),
            new_root: state_root(self.after.tree_root, self.counts.digest()),
            emitted: self.after.emitted,
            transactions: self.after.transactions,
            messages: self.after.messages,
            queue_before: self.before.queue,
            queue_after: self.after.queue,
            exits: self.after.exits,
            profile,
        }
    }

    /// State root before the block.
    fn previous_root(&self) -> Digest {
        state_root(self.before.tree_root, self.counts_before.digest())
    }

    /// The context of all the block's proofs.
    pub(crate) fn context(&self) -> Digest {
        let ChainState { emitted, consumed, queue, exits, .. } = self.after;
        let commitments =
            Commitments { previous_root: self.previous_root(), emitted, consumed, queue, exits };
        context(&self.block, seed(&self.block, &commitments))
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
    keys: ChildKeys,
    slots: Vec<Slot>,
    choices: Vec<Vec<BoolTarget>>,
    chain: Chain,
    public: Vec<Target>,
    opened: OpenedTargets,
}

/// What is opened besides the public inputs.
#[derive(Debug)]
struct OpenedTargets {
    tree_root_before: HashOutTarget,
    tree_root: HashOutTarget,
    counts_before: CountsTargets,
    counts: CountsTargets,
    consumed: HashOutTarget,
    phase: Target,
}

impl BlockCircuit {
    /// [`Self::build_with`] plonky2.
    ///
    /// # Errors
    /// As [`Self::build_with`].
    pub fn build(params: &Params, common: &CommonCircuitData, keys: &ChildKeys) -> Result<Self, BuildError> {
        Self::build_with(&Stock, params, common, keys)
    }

    /// Builds the circuit over the lift and fold circuits with these keys, which share `common`.
    ///
    /// # Errors
    /// If the rows do not fit the profile's degree.
    pub fn build_with(
        backend: &dyn Backend,
        params: &Params,
        common: &CommonCircuitData,
        keys: &ChildKeys,
    ) -> Result<Self, BuildError> {
        let mut builder = Builder::new(params.block.clone());
        let slots: Vec<Slot> = (0..params.block_arity).map(|_| Slot::new(&mut builder, common)).collect();
        let (list, set) = (keys.list(), builder.constant_hash(from_digest(keys.set())));
        let choices = slots
            .iter()
            .map(|slot| {
                builder.require_equal_hashes("block: set is the true one", slot.inputs().set, set);
                let entry = entry_target(&mut builder, slot.key());
                choose_constant(&mut builder, entry, &list)
            })
            .collect();
        let inputs: Vec<_> = slots.iter().map(Slot::inputs).collect();
        let chain = recursion::chain(&mut builder, &inputs);

        // The statement, in the order of BlockStatement::elements. Profile and version are constants.
        let mut public = builder.add_virtual_targets(StatementField::PROFILE.offset);
        let opened = constrain(&mut builder, &public, &chain);
        builder.register_public_inputs(&public);
        for number in [params.id as u32, PROTOCOL_VERSION] {
            let constant = builder.constant(F::from_canonical_u32(number));
            builder.register_public_input(constant);
            public.push(constant);
        }

        let (Built { data, prover }, size) =
            fix_shape(backend, builder, NAME, common, params.block_degree_bits)?;
        let keys = keys.clone();
        Ok(Self { data, size, prover, keys, slots, choices, chain, public, opened })
    }

    /// The key that verifies the block proofs of a profile.
    pub fn verifier_key(&self, profile: ProfileId) -> VerifierKey {
        VerifierKey::new(profile, CircuitKey::new(self.data.verifier_data()))
    }

    /// Proves the block from consecutive lift or fold proofs of all of its batches.
    ///
    /// # Errors
    /// If there are too many or too few children, if they do not chain or are for another set of keys, if the opening is
    /// not what they lead from and to, or if one does not verify.
    pub fn prove(
        &self,
        profile: ProfileId,
        children: &[(Child, &Proof)],
        opening: &BlockOpening,
    ) -> Result<Proof, ProveError> {
        let inputs = check_children(NAME, self.slots.len(), children.iter().map(|child| child.1))?;
        check_sets(NAME, &inputs, self.keys.set())?;
        let (first, last) = (&inputs[0], &inputs[inputs.len() - 1]);
        let BlockOpening { counts_before, counts, before, after, .. } = opening;
        let start = ChainState::start(before.tree_root, empty_queue(), counts.digest());
        if *before != start || first.before != start.digest() {
            return Err(ProveError::Before);
        }
        if last.after != after.digest() {
            return Err(ProveError::After);
        }
        if after.sum != [ZERO; 2] {
            return Err(ProveError::Sum { got: after.sum });
        }
        check_counts(counts_before, counts, after.created)?;
        if first.ctx != opening.context() {
            return Err(ProveError::Context { circuit: NAME, child: 0 });
        }
        let live = children.iter().map(|&(child, proof)| SlotWitness {
            proof,
            key: self.keys.of(child),
            live: F::ONE,
            which: child.place(),
        });
        let slots = fill_dead(live.collect(), self.slots.len());
        let witness = self
            .fill(&slots, &opening.statement(profile), opening)
            .map_err(|source| ProveError::Prove { circuit: NAME, source })?;
        prove(NAME, &*self.prover, &self.data, witness)
    }

    /// Fills in exactly these slots, this statement and, from the opening, what the statement does not say, right or wrong.
    ///
    /// # Errors
    /// If a target is filled twice with different values.
    pub fn fill(
        &self,
        slots: &[SlotWitness<'_>],
        statement: &BlockStatement,
        opening: &BlockOpening,
    ) -> anyhow::Result<PartialWitness<F>> {
        self.fill_elements(slots, &statement.elements(), opening)
    }

    /// [`Self::fill`] with a record of any elements.
    pub(crate) fn fill_elements(
        &self,
        slots: &[SlotWitness<'_>],
        statement: &[Native; BlockStatement::LEN],
        opening: &BlockOpening,
    ) -> anyhow::Result<PartialWitness<F>> {
        let mut witness = PartialWitness::new();
        self.chain.fill(&mut witness, slots)?;
        for ((slot, choice), with) in self.slots.iter().zip(&self.choices).zip(slots) {
            slot.fill(&mut witness, with)?;
            fill_choice(&mut witness, choice, with.which)?;
        }
        for (&target, &element) in self.public.iter().zip(statement) {
            witness.set_target(target, from_native(element))?;
        }
        self.opened.fill(&mut witness, opening)?;
        Ok(witness)
    }

    /// The choice of slot `slot`, one target an entry of the list.
    #[cfg(test)]
    pub(crate) fn choice_targets(&self, slot: usize) -> &[BoolTarget] {
        &self.choices[slot]
    }
}

/// Checks natively that the shards grow by the new leaves.
fn check_counts(before: &Counts, after: &Counts, created: u32) -> Result<(), ProveError> {
    let (pairs, expected) = (before.0.iter().zip(&after.0), u64::from(created));
    let got = pairs.map(|(&before, after)| after.checked_sub(before).map(u64::from)).sum();
    if got == Some(expected) { Ok(()) } else { Err(ProveError::Created { expected, got }) }
}

impl OpenedTargets {
    fn fill(&self, witness: &mut PartialWitness<F>, opening: &BlockOpening) -> anyhow::Result<()> {
        let BlockOpening { counts_before, counts, before, after, .. } = opening;
        witness.set_hash_target(self.tree_root_before, from_digest(before.tree_root))?;
        witness.set_hash_target(self.tree_root, from_digest(after.tree_root))?;
        for (targets, counts) in [(&self.counts_before, counts_before), (&self.counts, counts)] {
            witness.set_target_arr(&targets.0, &counts.0.map(F::from_canonical_u32))?;
        }
        witness.set_hash_target(self.consumed, from_digest(after.consumed))?;
        witness.set_target(self.phase, F::from_canonical_u32(after.phase as u32))
    }
}

/// Constrains the public inputs, in their order, by what the children say together.
fn constrain(builder: &mut Builder, public: &[Target], children: &Chain) -> OpenedTargets {
    let number = |field: StatementField| public[field.offset];
    let digest = |field: StatementField| HashOutTarget { elements: field.digest(public) };
    let [previous_root, new_root, emitted] =
        [StatementField::PREVIOUS_ROOT, StatementField::NEW_ROOT, StatementField::EMITTED].map(digest);
    let [queue_before, queue, exits] =
        [StatementField::QUEUE_BEFORE, StatementField::QUEUE_AFTER, StatementField::EXITS].map(digest);
    let opened = OpenedTargets {
        tree_root_before: builder.add_virtual_hash(),
        tree_root: builder.add_virtual_hash(),
        counts_before: CountsTargets::new(builder),
        counts: CountsTargets::new(builder),
        consumed: builder.add_virtual_hash(),
        phase: builder.add_virtual_target(),
    };
    let OpenedTargets { tree_root_before, tree_root, counts_before, counts, consumed, phase } = opened;

    // 1. Counts.
    let [counts_digest_before, counts_digest] = [counts_before, counts].map(|counts| counts.digest(builder));
    let created = created(builder, &counts_before, &counts);

    // 2. State roots.
    let root = chain::state_root(builder, tree_root_before, counts_digest_before);
    builder.require_equal_hashes("block: previous root is of tree and counts", root, previous_root);
    let root = chain::state_root(builder, tree_root, counts_digest);
    builder.require_equal_hashes("block: new root is of tree and counts", root, new_root);

    // 3. What L1 has no part in.
    let [empty, none] = [empty_queue(), no_exits()].map(|digest| builder.constant_hash(from_digest(digest)));
    builder.require_equal_hashes("block: the queue before is empty", empty, queue_before);
    builder.require_equal_hashes("block: the queue after is empty", empty, queue);
    builder.require_equal_hashes("block: there are no exits", none, exits);

    // 4. Start.
    let zero = builder.zero();
    let nothing = HashOutTarget { elements: [zero; NUM_HASH_OUT_ELTS] };
    let start = ChainStateTargets {
        tree_root: tree_root_before,
        emitted: nothing,
        consumed: nothing,
        sum: [zero; 2],
        transactions: zero,
        messages: zero,
        phase: zero,
        queue: queue_before,
        exits: none,
        counts: counts_digest,
        created: zero,
    };
    let before = start.digest(builder);
    builder.require_equal_hashes("block: starts where the first child starts", before, children.before);

    // 5. End.
    let end = ChainStateTargets {
        tree_root,
        emitted,
        consumed,
        sum: [zero; 2],
        transactions: number(StatementField::TRANSACTIONS),
        messages: number(StatementField::MESSAGES),
        phase,
        queue,
        exits,
        counts: counts_digest,
        created,
    };
    let after = end.digest(builder);
    builder.require_equal_hashes("block: ends where the last child ends", after, children.after);

    // 6. Context.
    let block = BlockIdTargets {
        chain_id: number(StatementField::CHAIN_ID),
        number: number(StatementField::BLOCK_NUMBER),
        time: number(StatementField::TIME),
    };
    let commitments = CommitmentsTargets { previous_root, emitted, consumed, queue, exits };
    let seed = chain::seed(builder, &block, &commitments);
    let ctx = chain::context(builder, &block, seed);
    builder.require_equal_hashes("block: context is the children's", ctx, children.ctx);
    opened
}

/// The leaves by which all shards grow together; each by less than 2^25.
fn created(builder: &mut Builder, before: &CountsTargets, after: &CountsTargets) -> Target {
    let mut of_shard = |(&before, &after): (&Target, &Target)| {
        let new = define("block: new leaves of a shard", builder.sub(after, before));
        // A virtual target, so that what is required of it has a name.
        let checked = builder.add_virtual_target();
        builder.range_check(checked, SHARD_DEPTH + 1);
        builder.require("block: new leaves of a shard have 25 bits", new, checked);
        new
    };
    let new: Vec<_> = before.0.iter().zip(&after.0).map(&mut of_shard).collect();
    let sum = |sum, &new| define("block: new leaves", builder.add(sum, new));
    new[1..].iter().fold(new[0], sum)
}
