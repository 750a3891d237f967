//! Small circuits in the place of batch circuits, for tests: they have a batch circuit's public inputs and
//! let the prover choose them, so that a test can make children that say anything.

use std::sync::LazyLock;

use enfold_state::chain::{BlockId, ChainState, empty_queue};
use enfold_state::field::reduce;
use enfold_state::hash::Digest;
use enfold_state::kind::{FamilyId, PerFamily};
use enfold_state::profile::ProfileId;
use enfold_state::shards::Counts;
use plonky2::field::types::Field;
use plonky2::gates::gate::GateRef;
use plonky2::iop::target::Target;
use plonky2::iop::witness::{PartialWitness, WitnessWrite};

use super::recursion_gates;
use crate::block::{BlockCircuit, BlockOpening};
use crate::config::{Builder, CircuitData, EnfoldConfig, F, Proof, VerifierCircuitData};
use crate::fold::{Child, FoldCircuit};
use crate::gates::range::RangeGate;
use crate::lift::LiftCircuit;
use crate::params::{FamilyParams, Params, stock};
use crate::public_inputs::{BATCH_PUBLIC_INPUTS_LEN, BatchPublicInputs};

/// A circuit whose 16 public inputs are free. `constant` tells one from another.
pub struct Toy {
    pub data: CircuitData,
    inputs: Vec<Target>,
}

impl Toy {
    pub fn build(params: &Params, family: FamilyId, constant: u64) -> Self {
        let FamilyParams { ref config, degree_bits, .. } = params.families[family];
        let mut builder = Builder::new(config.clone());
        let inputs = builder.add_virtual_targets(BATCH_PUBLIC_INPUTS_LEN);
        builder.register_public_inputs(&inputs);
        let constant = builder.constant(F::from_canonical_u64(constant));
        builder.mul(constant, inputs[0]);
        builder.add_gate_to_gate_set(GateRef::new(RangeGate));
        while builder.num_gates() <= 1 << (degree_bits - 1) {
            builder.add_gate(plonky2::gates::noop::NoopGate, vec![]);
        }
        let data = builder.build::<EnfoldConfig>();
        assert_eq!(data.common.degree_bits(), degree_bits);
        Self { data, inputs }
    }

    pub fn prove(&self, says: &BatchPublicInputs) -> Proof {
        let mut witness = PartialWitness::new();
        witness.set_target_arr(&self.inputs, &says.elements()).unwrap();
        self.data.prove(witness).unwrap()
    }
}

/// The test profile's parameters, as plonky2's own prover can work with them. Toys of the second family are larger, and its
/// lift takes fewer.
pub fn params() -> Params {
    let Params { id, families, recursion, block, .. } = Params::of(ProfileId::Test);
    let sizes = PerFamily::new([(6, 3), (7, 2)]);
    Params {
        id,
        families: families.map(|family, FamilyParams { config, .. }| {
            let (degree_bits, lift_arity) = sizes[family];
            FamilyParams { config: stock(&config), degree_bits, lift_arity }
        }),
        recursion: stock(&recursion),
        recursion_degree_bits: 12,
        fold_arity: 3,
        block_arity: 2,
        block: stock(&block),
        block_degree_bits: 12,
    }
}

/// All circuits over toys.
pub struct Family {
    pub toys: Vec<Toy>,
    /// Like the toys, but not in lift's list.
    pub foreign: Toy,
    pub lift: LiftCircuit,
    /// Those of the second family.
    pub seconds: Vec<Toy>,
    pub second_lift: LiftCircuit,
    pub fold: FoldCircuit,
    pub block: BlockCircuit,
}

impl Family {
    fn build(params: Params, first: u64) -> Self {
        let build = |family, count| -> Vec<Toy> {
            (first..first + count).map(|constant| Toy::build(&params, family, constant)).collect()
        };
        let (toys, seconds) = (build(FamilyId::Large, 4), build(FamilyId::Small, 2));
        let foreign = Toy::build(&params, FamilyId::Large, first + 99);
        assert!(toys.iter().all(|toy| toy.data.common == foreign.data.common));
        let lift = |family, toys: &[Toy]| {
            let keys: Vec<_> = toys.iter().map(|toy| toy.data.verifier_only.clone()).collect();
            LiftCircuit::build(&params, family, &toys[0].data.common, &keys).unwrap()
        };
        let (lift, second_lift) = (lift(FamilyId::Large, &toys), lift(FamilyId::Small, &seconds));
        let keys = PerFamily::new([lift.data.verifier_data(), second_lift.data.verifier_data()]);
        let fold = FoldCircuit::build(&params, &PerFamily::from_fn(|family| &keys[family])).unwrap();
        let block = BlockCircuit::build(&params, &lift.data.common, fold.keys()).unwrap();
        Self { toys, foreign, lift, seconds, second_lift, fold, block }
    }

    /// The keys of the lifts.
    pub fn lift_keys(&self) -> PerFamily<VerifierCircuitData> {
        PerFamily::new([self.lift.data.verifier_data(), self.second_lift.data.verifier_data()])
    }
}

/// The family that the tests are about.
pub static FAMILY: LazyLock<Family> = LazyLock::new(|| Family::build(params(), 11));

/// Another family of the same shape: other constants, so other keys.
pub static OTHER: LazyLock<Family> = LazyLock::new(|| Family::build(params(), 51));

/// How many leaves the shards have before the block and after it: seven are new.
pub fn counts() -> [Counts; 2] {
    let of = |counts: [(usize, u32); 4]| {
        let mut all = Counts::default();
        counts.into_iter().for_each(|(shard, count)| all.0[shard] = count);
        all
    };
    [of([(0, 1 << 24), (1, 5), (2, 0), (33, 9)]), of([(0, 1 << 24), (1, 8), (2, 4), (33, 9)])]
}

/// A block's chain states: `steps + 1` of them, the first a fresh one, the last with LogUp sum zero.
pub fn states(steps: usize) -> Vec<ChainState> {
    let digest = |n: u64| Digest([n, n * n + 1, n + 2, n << 40].map(reduce));
    let [before, after] = counts();
    let start = ChainState::start(digest(1000), empty_queue(), after.digest());
    (0..=steps as u64)
        .map(|i| match i {
            0 => start,
            _ => ChainState {
                tree_root: digest(i),
                emitted: digest(10 + i),
                consumed: digest(20 + i),
                sum: if i == steps as u64 { start.sum } else { [reduce(i), reduce(i + 1)] },
                transactions: i as u32 * 3,
                messages: i as u32 * 5,
                phase: enfold_state::chain::Phase::Credit,
                // A block leaves these as it finds them.
                queue: if i == steps as u64 { start.queue } else { digest(30 + i) },
                exits: if i == steps as u64 { start.exits } else { digest(40 + i) },
                counts: if i == steps as u64 { start.counts } else { digest(50 + i) },
                created: if i == steps as u64 { (after.total() - before.total()) as u32 } else { i as u32 },
            },
        })
        .collect()
}

pub const BLOCK: BlockId = BlockId { chain_id: 7, number: 3, time: 1_700_000_000 };

/// The opening of a block over these states.
pub fn opening(states: &[ChainState]) -> BlockOpening {
    let (before, after) = (states[0], states[states.len() - 1]);
    let [counts_before, counts] = counts();
    BlockOpening { block: BLOCK, counts_before, counts, before, after }
}

/// The context of a block over these states.
pub fn ctx(states: &[ChainState]) -> Digest {
    opening(states).context()
}

/// What the batch from state `i` to state `i + 1` says.
pub fn step(states: &[ChainState], i: usize) -> BatchPublicInputs {
    BatchPublicInputs {
        set: Digest::ZERO,
        ctx: ctx(states),
        before: states[i].digest(),
        after: states[i + 1].digest(),
    }
}

/// An honest block of five batches: proofs of every stage.
pub struct Honest {
    pub states: Vec<ChainState>,
    pub batches: Vec<(usize, Proof)>,
    /// Over batches 0..3 and 3..5.
    pub lifts: Vec<Proof>,
    /// Over both lifts.
    pub fold: Proof,
    pub block: Proof,
}

pub static HONEST: LazyLock<Honest> = LazyLock::new(|| {
    let family = &*FAMILY;
    let states = states(5);
    let batches: Vec<(usize, Proof)> =
        (0..5).map(|i| (i % 4, family.toys[i % 4].prove(&step(&states, i)))).collect();
    let set = family.fold.set();
    let lift = |range: std::ops::Range<usize>| {
        let children: Vec<_> = batches[range].iter().map(|(which, proof)| (*which, proof)).collect();
        family.lift.prove(&children, set).unwrap()
    };
    let lifts = vec![lift(0..3), lift(3..5)];
    let fold = family.fold.prove(&[0, 1].map(|i| (Child::Lift(FamilyId::Large), &lifts[i]))).unwrap();
    let block = family.block.prove(ProfileId::Test, &[(Child::Fold, &fold)], &opening(&states)).unwrap();
    Honest { states, batches, lifts, fold, block }
});

/// The gates are all there: a circuit that uses a gate outside of the list would differ in shape.
#[test]
fn lift_and_fold_have_the_listed_gates_and_interpolation() {
    let common = &FAMILY.lift.data.common;
    let listed = recursion_gates(&common.config, common.config.fri_config.cap_height);
    assert_eq!(common.gates.len(), listed.len() + 1);
    assert!(listed.iter().all(|gate| common.gates.contains(gate)));
}
