//! Degrees of freedom: once a batch's inputs are fixed, no wire of its circuit can move, and an input moves
//! just as far as the rules let it.
//!
//! All constraints are linearised at an honest witness, over the field, exactly. A wire that could take another
//! value nearby is a direction in which all derivatives vanish. Mutations of one wire or of two do not find a
//! direction in which three must move together; this does, whatever their number. What it does not see are
//! values far from the honest one, such as another digit: the other tests are for those.

mod bank;
mod linear;

use std::collections::{BTreeSet, HashSet};

use enfold_circuits::batch::BatchCircuit;
use enfold_circuits::config::F;
use enfold_circuits::credit::CreditPathTargets;
use enfold_circuits::debit::DebitPathTargets;
use enfold_circuits::kind::PathsTargets;
use enfold_circuits::params::Params;
use enfold_state::kind::{FamilyId, PerBatch};
use enfold_state::profile::{BatchId, BatchShape, Profile, ProfileId};
use enfold_witness::batch::BatchWitness;
use plonky2::iop::generator::generate_partial_witness;
use plonky2::iop::target::Target;
use plonky2::iop::witness::PartialWitness;

use bank::{SET, block};
use linear::movable;

/// Small batches.
const PROFILE: Profile = Profile {
    id: ProfileId::Test,
    window_depth: 3,
    shapes: PerBatch::new([
        BatchShape::singles(2),
        BatchShape::long(1, 5),
        BatchShape::singles(3),
        BatchShape { long: 1, legs: 2, singles: 1 },
        BatchShape::long(1, 8),
        BatchShape { long: 1, legs: 3, singles: 1 },
    ]),
    tree: ProfileId::Test.profile().tree,
};

/// A batch with its circuit.
struct Batch {
    circuit: BatchCircuit,
    inputs: PartialWitness<F>,
}

impl Batch {
    fn new(witness: &BatchWitness) -> Self {
        let params = Params::of(ProfileId::Test);
        let config = &params.of_batch(witness.batch).config;
        let rows = BatchCircuit::count_rows(&PROFILE, witness.batch, config);
        let degree_bits = rows.total().next_power_of_two().ilog2() as usize;
        let circuit = BatchCircuit::build(&PROFILE, witness.batch, config, degree_bits).unwrap();
        let inputs = circuit.fill(witness, SET).unwrap();
        Self { circuit, inputs }
    }

    /// The first batch of a kind.
    fn first(kind: BatchId) -> Self {
        let block = block(&PROFILE.without(FamilyId::Small));
        Self::new(block.batches.iter().find(|witness| witness.batch == kind).expect("has one of each kind"))
    }

    /// What can move if all inputs but these are fixed. An index is never fixed, because the bits give it, and
    /// nor is a commitment R, which the walk's digits give.
    fn freed(&self, free: &[Target]) -> Vec<String> {
        let mut free: HashSet<Target> = free.iter().copied().collect();
        match &self.circuit.targets().paths {
            PathsTargets::Debit(paths) => {
                for path in paths {
                    free.insert(path.position.index);
                    free.extend(path.legs.iter().flat_map(|leg| leg.signature.commitment));
                }
            }
            PathsTargets::Credit(paths) => free.extend(paths.iter().map(|path| path.position.index)),
        }
        let inputs = self.inputs.target_values.keys().copied();
        let fixed: Vec<Target> = inputs.filter(|target| !free.contains(target)).collect();
        let data = &self.circuit.data;
        let witness = generate_partial_witness(self.inputs.clone(), &data.prover_only, &data.common).unwrap();
        movable(data, &witness, &fixed)
    }

    /// Requires each of these groups, freed alone, to have this many dimensions.
    fn assert_freedom(&self, groups: &[(&str, &[Target], usize)]) {
        for &(name, targets, expected) in groups {
            let found = self.freed(targets);
            assert_eq!(found.len(), expected, "{name}: {found:?}");
        }
    }

    fn debit_path(&self, path: usize) -> &DebitPathTargets {
        match &self.circuit.targets().paths {
            PathsTargets::Debit(paths) => &paths[path],
            PathsTargets::Credit(_) => unreachable!("a debit batch"),
        }
    }

    fn credit_path(&self, path: usize) -> &CreditPathTargets {
        match &self.circuit.targets().paths {
            PathsTargets::Credit(paths) => &paths[path],
            PathsTargets::Debit(_) => unreachable!("a credit batch"),
        }
    }
}

#[test]
fn nothing_moves_once_the_inputs_are_fixed() {
    let mut kinds = BTreeSet::new();
    for family in FamilyId::ALL {
        for witness in &block(&PROFILE.without(family)).batches {
            if kinds.insert(witness.batch) {
                let found = Batch::new(witness).freed(&[]);
                assert!(found.is_empty(), "{}: {found:?}", witness.batch.name());
            }
        }
    }
    assert_eq!(kinds, BTreeSet::from(BatchId::ALL));
}

#[test]
fn inputs_of_every_batch() {
    let batch = Batch::first(BatchId::CreditWide);
    let targets = batch.circuit.targets();
    let (top, before) = (&targets.top, &targets.before);
    let siblings: Vec<Target> = top.siblings.iter().flat_map(|sibling| sibling.elements).collect();
    let bits: Vec<Target> = top.bits.iter().map(|bit| bit.target).collect();
    batch.assert_freedom(&[
        // The public inputs move with these: they are what the proof is about.
        ("set", &targets.set.elements, 4),
        ("seed", &targets.seed.elements, 4),
        ("sum before", &before.sum, 2),
        ("exits", &before.exits.elements, 4),
        ("siblings above the window", &siblings, siblings.len()),
        // These are integers.
        ("bits of the window", &bits, 0),
        ("phase", &[before.phase], 0),
    ]);
}

#[test]
fn inputs_of_debits() {
    let batch = Batch::first(BatchId::DebitDeep);
    let block = batch.circuit.targets().block;
    let path = batch.debit_path(0);
    let (leaf, live, padding) = (path.leaf, &path.legs[0], &path.legs[4]);
    let key = live.signature.key;
    let siblings: Vec<Target> = path.position.climb.siblings.iter().flat_map(|s| s.elements).collect();
    let owner = [&key[..], &leaf.address.elements].concat();
    let text = [&live.to_address.elements[..], &[live.memo]].concat();
    let spending = [live.amount, live.fee, live.fee_inverse, leaf.balance, live.memo];
    batch.assert_freedom(&[
        ("chain id", &[block.chain_id], 0),
        // Only the context says which block it is.
        ("number", &[block.number], 1),
        ("time", &[block.time], 0),
        ("new leaves before", &[batch.circuit.targets().before.created], 1),
        ("counts", &batch.circuit.targets().before.counts.elements, 4),
        // One path: its siblings say which tree it is.
        ("siblings", &siblings, siblings.len()),
        ("address", &leaf.address.elements, 0),
        ("nonce 0", &leaf.nonces[..1], 0),
        // The other nonce is in the leaf alone: it says which tree it is.
        ("nonce 1", &leaf.nonces[1..], 1),
        ("nonce key", &[live.nonce_key], 0),
        ("last second", &[live.valid_until], 0),
        ("asset", &[leaf.asset], 0),
        ("balance", &[leaf.balance], 0),
        ("live flag", &[live.live], 0),
        ("key", &key, 0),
        ("owner on L1", &live.signature.owner, 0),
        // A key and its address have five dimensions. The challenges of the path's four live legs leave none.
        ("key and address", &owner, 0),
        // Two elements of the challenge are exact.
        ("receiver", &live.to_address.elements, 2),
        ("receiver and memo", &text, 3),
        ("memo", &[live.memo], 0),
        // Ranges and nothing else would stop these from moving together.
        ("amount, fee, balance and memo", &spending, 0),
        ("inverse of the fee", &[live.fee_inverse], 0),
        ("receiver's index", &[live.to], 0),
        ("collector's index", &[live.fee_to], 0),
        ("collector", &live.collector.elements, 4),
        // Padding needs a valid signature of some key, over the leaf's record: five dimensions less the challenge.
        ("padding's key", &padding.signature.key, 3),
        ("padding's owner on L1", &padding.signature.owner, 3),
        ("padding's flag", &[padding.live], 0),
        ("padding's collector", &padding.collector.elements, 4),
    ]);
}

#[test]
fn inputs_of_credits() {
    let batch = Batch::first(BatchId::CreditWide);
    let (path, other) = (batch.credit_path(0), batch.credit_path(1));
    let siblings: Vec<Target> = path.position.climb.siblings.iter().flat_map(|s| s.elements).collect();
    let message = &path.messages[0];
    let numbers = [message.amount, message.sender, message.op.bits().next().unwrap(), path.leaf.asset];
    let balances = [message.amount, path.leaf.balance];
    batch.assert_freedom(&[
        // The next path opens the same root.
        ("siblings", &siblings, siblings.len() - 4),
        ("address", &path.leaf.address.elements, 0),
        ("address in the last path", &other.leaf.address.elements, 0),
        ("nonces", &path.leaf.nonces, 0),
        ("numbers", &numbers, 0),
        // Only their sum has a range here; the tree says what the balance was, and the emitter what the amount is.
        ("amount and balance before", &balances, 1),
        ("empty flag", &[path.empty], 0),
        ("live flag", &[message.live], 0),
        // That the message was emitted is what the sum over the block says.
        ("memo", &[message.memo], 1),
    ]);
}
