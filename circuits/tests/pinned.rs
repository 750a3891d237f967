//! The real circuits of the test profile against what is pinned, and a block through all of them.

use std::sync::LazyLock;

use enfold_circuits::block::BlockOpening;
use enfold_circuits::circuit_set::CircuitSet;
use enfold_circuits::config::{F, Proof};
use enfold_circuits::fold::Child;
use enfold_circuits::params::{FamilyParams, Params};
use enfold_circuits::public_inputs::BatchPublicInputs;
use enfold_circuits::recursion::{ProveError, SlotWitness, fill_dead};
use enfold_fixtures::world::{World, WorldSpec};
use enfold_prover::plonk::{Engine, Kernels};
use enfold_state::executor::execute;
use enfold_state::field::reduce;
use enfold_state::hash::Digest;
use enfold_state::kind::FamilyId;
use enfold_state::profile::{BatchId, Profile, ProfileId};
use enfold_verifier::verify::{
    InnerCircuit, InnerKeys, PinnedSet, VerifierKey, VerifyError, encode, verify_block, verify_inner,
};
use enfold_witness::witness::{BlockWitness, witness_block};
use plonky2::field::types::Field;
use plonky2::fri::FriConfig;

static CIRCUITS: LazyLock<CircuitSet> =
    LazyLock::new(|| CircuitSet::build_with(Kernels::default(), ProfileId::Test).expect("the profile fits"));

const COMMAND: &str = "cargo run --release -p enfold-circuits --example pin -- --golden test";

#[test]
fn circuits_are_the_pinned_ones() {
    let pinned: PinnedSet =
        serde_json::from_str(include_str!("../../verifier/keys/test.json")).expect("a pinned set");
    assert_eq!(CIRCUITS.pinned().unwrap(), pinned, "the protocol changed; if that is meant: {COMMAND}");
    let key = VerifierKey::pinned(ProfileId::Test);
    assert_eq!(key.to_bytes(), CIRCUITS.verifier_key().unwrap().to_bytes(), "the key changed: {COMMAND}");
    assert_eq!(key.digest(), pinned.key);
    assert_eq!(key.proof_len(), pinned.proof_bytes);
    let (inner, built) = (InnerKeys::pinned(ProfileId::Test), CIRCUITS.inner_keys());
    assert_eq!(inner.to_bytes(), built.to_bytes(), "an inner key changed: {COMMAND}");
}

/// Rate, queries, grinding, caps, columns: what a key verifies by is what the profile says, and what the security table counts.
#[test]
fn pinned_keys_have_the_profiles_parameters() {
    for profile in ProfileId::ALL {
        let params = Params::of(profile);
        let (inner, block) = (InnerKeys::pinned(profile), VerifierKey::pinned(profile).circuit());
        let inner = InnerCircuit::all().map(|circuit| match circuit {
            InnerCircuit::Batch(batch) => {
                let FamilyParams { config, degree_bits, .. } = params.of_batch(batch);
                (inner.of(circuit), config, *degree_bits)
            }
            _ => (inner.of(circuit), &params.recursion, params.recursion_degree_bits),
        });
        for (key, config, degree_bits) in inner.chain([(block, &params.block, params.block_degree_bits)]) {
            let (common, fri) = (key.common(), &config.fri_config);
            let pinned = &common.fri_params.config;
            let numbers = |fri: &FriConfig| {
                [fri.rate_bits, fri.num_query_rounds, fri.proof_of_work_bits as usize, fri.cap_height]
            };
            assert_eq!(numbers(pinned), numbers(fri), "{profile}");
            assert_eq!(numbers(&common.config.fri_config), numbers(fri), "{profile}");
            assert_eq!(common.config, *config, "{profile}");
            assert_eq!(common.fri_params, fri.fri_params(degree_bits, false), "{profile}");
        }
    }
}

#[test]
fn pinned_keys_and_lists_belong_together() {
    for (profile, list) in [
        (ProfileId::Test, include_str!("../../verifier/keys/test.json")),
        (ProfileId::Standard, include_str!("../../verifier/keys/standard.json")),
        (ProfileId::Proven, include_str!("../../verifier/keys/proven.json")),
    ] {
        let pinned: PinnedSet = serde_json::from_str(list).expect("a pinned set");
        let key = VerifierKey::pinned(profile);
        assert_eq!((pinned.profile, pinned.key), (profile, key.digest()));
        assert_eq!(pinned.proof_bytes, key.proof_len());
        let block = pinned.circuits.last().expect("circuits");
        assert_eq!((block.name.as_str(), block.degree_bits), ("block", key.degree_bits()));
        // The inner keys are those of the list, and so of the lists of keys that lift and fold have.
        assert_eq!(InnerCircuit::all().count() + 1, pinned.circuits.len());
        for (circuit, listed) in InnerCircuit::all().zip(&pinned.circuits) {
            let key = InnerKeys::pinned(profile).of(circuit);
            let got = (circuit.name(), key.entry(), key.common().degree_bits());
            assert_eq!(got, (listed.name.as_str(), listed.entry, listed.degree_bits));
        }
    }
}

/// Queries and grinding are no part of a circuit: a machine that has `standard`'s batch circuits has those of `proven`.
#[test]
fn batches_of_proven_are_those_of_standard() {
    let [standard, proven] = [ProfileId::Standard, ProfileId::Proven].map(InnerKeys::pinned);
    for batch in BatchId::ALL.map(InnerCircuit::Batch) {
        let (standard, proven) = (standard.of(batch), proven.of(batch));
        assert_eq!(standard.entry(), proven.entry(), "{}", batch.name());
        let mut config = proven.common().config.clone();
        let fri = &standard.common().config.fri_config;
        assert_ne!(config.fri_config.num_query_rounds, fri.num_query_rounds);
        config.security_bits = standard.common().config.security_bits;
        config.fri_config = fri.clone();
        assert_eq!(config, standard.common().config);
    }
}

/// Rows per child decide arity and degree. These are the real circuits'; a change is a change of cost.
#[test]
fn rows() {
    let rows: Vec<_> =
        CIRCUITS.info().unwrap().into_iter().map(|info| (info.name, info.rows, info.degree_bits)).collect();
    assert_eq!(
        rows[BatchId::ALL.len()..],
        [("lift", 6063, 13), ("lift_small", 7384, 13), ("fold", 6912, 13), ("block", 4707, 13)],
        "measured anew? look at the arities and degrees in params.rs too"
    );
    assert!(rows[..BatchId::ALL.len()].iter().all(|&(_, rows, degree_bits)| rows <= 1 << degree_bits));
}

fn witness(transactions: usize) -> (World, BlockWitness) {
    witness_in(ProfileId::Test.profile(), transactions)
}

/// The witness of a block that is planned for a profile of these circuits.
fn witness_in(profile: &Profile, transactions: usize) -> (World, BlockWitness) {
    let mut world = World::new(WorldSpec { accounts: 40, hot_share: 0.4, ..WorldSpec::default() });
    let block = world.block(transactions);
    let execution = execute(world.ledger(), &block).expect("a block");
    let witness = witness_block(profile, world.ledger(), &block, &execution).expect("a witness");
    (world, witness)
}

/// Proofs of a block's batches.
fn prove_batches(witness: &BlockWitness) -> Vec<(BatchId, Proof)> {
    witness.batches.iter().map(|batch| (batch.batch, CIRCUITS.prove_batch(batch).unwrap())).collect()
}

/// The lift proofs over batches.
fn prove_lifts(batches: &[(BatchId, Proof)]) -> Vec<(Child, Proof)> {
    let groups = CIRCUITS.params().lift_groups(batches);
    groups.map(|group| (Child::Lift(group[0].0.family()), CIRCUITS.prove_lift(group).unwrap())).collect()
}

/// A small batch between large ones. It is planned as if lift proofs cost nothing: so few batches of two families do not pay.
#[test]
fn a_block_of_both_families() {
    let mut profile = *ProfileId::Test.profile();
    profile.tree.recursion_cost = 0;
    let (_, witness) = witness_in(&profile, 20);
    let lifts = prove_lifts(&prove_batches(&witness));
    let families = [FamilyId::Large, FamilyId::Small, FamilyId::Large];
    assert!(lifts.iter().map(|lift| lift.0).eq(families.map(Child::Lift)));
    let opening = BlockOpening::from(&witness);
    let [all, first] = [&lifts[..], &lifts[..2]].map(|some| CIRCUITS.prove_fold(some).unwrap());
    for children in [vec![(Child::Fold, all)], vec![(Child::Fold, first), lifts[2].clone()]] {
        let proof = CIRCUITS.prove_block(&children, &opening).unwrap();
        let file = encode(ProfileId::Test, &proof);
        let statement = verify_block(VerifierKey::pinned(ProfileId::Test), &file).unwrap();
        assert_eq!(statement, opening.statement(ProfileId::Test));
    }
    assert!(matches!(
        CIRCUITS.prove_fold(&[lifts[0].clone(), lifts[2].clone()]),
        Err(ProveError::Gap { .. })
    ));
}

/// A quiet block: one small batch a phase and the small family's lift.
#[test]
fn a_quiet_block() {
    let (_, witness) = witness(1);
    let batches = prove_batches(&witness);
    assert!(batches.iter().map(|batch| batch.0).eq([BatchId::DebitSmall, BatchId::CreditSmall]));
    let lift = CIRCUITS.prove_lift(&batches).unwrap();
    let opening = BlockOpening::from(&witness);
    let proof = CIRCUITS.prove_block(&[(Child::Lift(FamilyId::Small), &lift)], &opening).unwrap();
    let file = encode(ProfileId::Test, &proof);
    let statement = verify_block(VerifierKey::pinned(ProfileId::Test), &file).unwrap();
    assert_eq!(statement, opening.statement(ProfileId::Test));
    // Said to be of the other family, it is under another key.
    let other = [(Child::Lift(FamilyId::Large), &lift)];
    assert!(CIRCUITS.prove_block(&other, &opening).is_err());
    // A lift takes batches of one family.
    let other = [batches[0].clone(), (BatchId::CreditWide, batches[1].1.clone())];
    let error = CIRCUITS.prove_lift(&other);
    assert!(matches!(error, Err(ProveError::Family { family: FamilyId::Small, child: 1, .. })));
}

/// One block through all circuits; then its parts, put together wrongly.
#[test]
fn a_block() {
    let (world, witness) = witness(45);
    let batches = prove_batches(&witness);
    let lifts = prove_lifts(&batches);
    let fold = CIRCUITS.prove_fold(&lifts).unwrap();
    // A machine without the circuits can check what others have proven of a block.
    let keys = InnerKeys::pinned(ProfileId::Test);
    let proofs = batches.iter().map(|(batch, proof)| (InnerCircuit::Batch(*batch), proof));
    let proofs = proofs.chain(lifts.iter().map(|(lift, proof)| (InnerCircuit::from(*lift), proof)));
    for (circuit, proof) in proofs.chain([(InnerCircuit::Fold, &fold)]) {
        let says = BatchPublicInputs::from_elements(&proof.public_inputs).unwrap();
        assert_eq!(verify_inner(keys.of(circuit), &says, &proof.to_bytes()).unwrap(), *proof);
    }
    let opening = BlockOpening::from(&witness);
    // Both trees over the lifts say the same.
    let folded = (Child::Fold, CIRCUITS.prove_fold(&lifts[..1]).unwrap());
    assert_eq!(lifts.len(), 2);
    for children in [vec![(Child::Fold, fold.clone())], lifts.clone(), vec![folded, lifts[1].clone()]] {
        let proof = CIRCUITS.prove_block(&children, &opening).unwrap();
        let file = encode(ProfileId::Test, &proof);
        let statement = verify_block(VerifierKey::pinned(ProfileId::Test), &file).unwrap();
        assert_eq!(statement, opening.statement(ProfileId::Test));
    }
    let statement = opening.statement(ProfileId::Test);
    assert_eq!(statement.previous_root, world.ledger().root());

    let (first, second) = (&batches[0], &batches[1]);
    let swapped = CIRCUITS.prove_lift(&[(second.0, &second.1), (first.0, &first.1)]);
    assert!(matches!(swapped, Err(ProveError::Gap { child: 1, .. })));
    let twice = CIRCUITS.prove_lift(&[(first.0, &first.1), (first.0, &first.1)]);
    assert!(matches!(twice, Err(ProveError::Gap { child: 1, .. })));
    let part = CIRCUITS.prove_fold(&lifts[..1]).unwrap();
    assert!(matches!(CIRCUITS.prove_block(&[(Child::Fold, part)], &opening), Err(ProveError::After)));
    // A fold proof is no block proof.
    let file = encode(ProfileId::Test, &fold);
    let result = verify_block(VerifierKey::pinned(ProfileId::Test), &file);
    assert!(matches!(result, Err(VerifyError::StatedLength { .. })));
}

/// Batches carry the L1 queue along and leave its value to the prover. The block circuit knows the one that it has to be.
#[test]
fn a_block_with_a_queue_is_refused() {
    let (_, mut witness) = witness(4);
    let queue = Digest([0xdead, 0xbeef, 1, 2].map(reduce));
    let states = witness.batches.iter_mut().flat_map(|batch| [&mut batch.before, &mut batch.after]);
    for state in states.chain([&mut witness.before, &mut witness.after]) {
        state.queue = queue;
    }
    let batches = prove_batches(&witness);
    let lift = CIRCUITS.prove_lift(&batches).unwrap();
    let opening = BlockOpening::from(&witness);
    let child = Child::Lift(batches[0].0.family());
    assert!(matches!(CIRCUITS.prove_block(&[(child, &lift)], &opening), Err(ProveError::Before)));
    let circuit = CIRCUITS.block().unwrap();
    let key = CIRCUITS.fold().unwrap().key(child);
    let slot = SlotWitness { proof: &lift, key, live: F::ONE, which: child.place() };
    let inputs =
        circuit.fill(&fill_dead(vec![slot], 2), &opening.statement(ProfileId::Test), &opening).unwrap();
    let engine = Engine::new(&circuit.data).unwrap();
    assert!(engine.prove(inputs).is_err(), "a block with a queue is proven");
}
