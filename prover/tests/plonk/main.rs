//! The engine against stock plonky2: the same proofs up to the grinding nonce, accepted by its verifier.

mod rates;

use enfold_circuits::backend::{Backend, Built};
use enfold_circuits::batch::BatchCircuit;
use enfold_circuits::check::check_witness;
use enfold_circuits::config::{Builder, CircuitData, D, EnfoldConfig, F, Proof};
use enfold_circuits::hash::Poseidon2Hash;
use enfold_circuits::params::{FamilyParams, Params, stock as at_stock_rate};
use enfold_fixtures::world::{World, WorldSpec};
use enfold_prover::plonk::{Engine, EngineError, Feature, Kernels};
use enfold_state::executor::execute;
use enfold_state::hash::Digest;
use enfold_state::profile::{BatchId, ProfileId};
use enfold_witness::witness::witness_block;
use plonky2::field::types::{Field, Field64, PrimeField64, Sample};
use plonky2::fri::reduction_strategies::FriReductionStrategy;
use plonky2::iop::generator::{GeneratedValues, generate_partial_witness};
use plonky2::iop::target::{BoolTarget, Target};
use plonky2::iop::witness::{PartialWitness, PartitionWitness, WitnessWrite};
use plonky2::plonk::circuit_data::CircuitConfig;
use plonky2::plonk::prover::prove_with_partition_witness;
use plonky2::util::timing::TimingTree;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// The parameters of the test profile's recursion circuits, as plonky2's own prover can work with them.
fn config() -> CircuitConfig {
    at_stock_rate(&Params::of(ProfileId::Test).recursion)
}

fn witness(data: &CircuitData, inputs: PartialWitness<F>) -> PartitionWitness<'_, F> {
    generate_partial_witness(inputs, &data.prover_only, &data.common).unwrap()
}

fn stock(data: &CircuitData, witness: PartitionWitness<'_, F>) -> Proof {
    prove_with_partition_witness::<F, EnfoldConfig, D>(
        &data.prover_only,
        &data.common,
        witness,
        &mut TimingTree::default(),
    )
    .unwrap()
}

/// Proves with both; the proofs agree in all that does not follow from the nonce, and both verify.
fn assert_same_proof(data: &CircuitData, inputs: PartialWitness<F>) -> Proof {
    let witness = witness(data, inputs);
    let (proof, _) = Engine::new(data).unwrap().prove_witness(&witness).unwrap();
    let expected = stock(data, witness);
    assert_eq!(proof.public_inputs, expected.public_inputs);
    let (ours, theirs) = (&proof.proof, &expected.proof);
    assert_eq!(ours.wires_cap, theirs.wires_cap, "wires");
    assert_eq!(ours.plonk_zs_partial_products_cap, theirs.plonk_zs_partial_products_cap, "permutation");
    assert_eq!(ours.quotient_polys_cap, theirs.quotient_polys_cap, "quotient");
    assert_eq!(ours.openings, theirs.openings, "openings");
    let (ours, theirs) = (&ours.opening_proof, &theirs.opening_proof);
    assert_eq!(ours.commit_phase_merkle_caps, theirs.commit_phase_merkle_caps, "layers");
    assert_eq!(ours.final_poly, theirs.final_poly, "final polynomial");
    data.verify(proof.clone()).unwrap();
    data.verify(expected).unwrap();
    proof
}

/// Generators run in rounds give plonky2's witness, both when the rounds are recorded and when they are run again.
/// Cells that nothing reads hold random values in both.
fn assert_same_witness(data: &CircuitData, inputs: PartialWitness<F>) {
    let random: Vec<usize> = data
        .prover_only
        .generators
        .iter()
        .filter(|generator| generator.0.id() == "RandomValueGenerator")
        .flat_map(|generator| {
            let mut values = GeneratedValues::empty();
            let common = &data.common;
            let (wires, degree) = (common.config.num_wires, common.degree());
            let nothing = PartitionWitness::new(wires, degree, &data.prover_only.representative_map);
            generator.0.run(&nothing, &mut values);
            let class =
                |(target, _): (Target, F)| data.prover_only.representative_map[target.index(wires, degree)];
            values.target_values.into_iter().map(class).collect::<Vec<_>>()
        })
        .collect();
    let engine = Engine::new(data).unwrap();
    let two = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    let ours = [(); 3].map(|()| two.install(|| engine.witness(inputs.clone())).unwrap().values);
    let mut theirs = witness(data, inputs).values;
    for mut ours in ours {
        for &class in &random {
            (ours[class], theirs[class]) = (None, None);
        }
        assert!(ours == theirs, "the witnesses differ");
    }
}

/// A circuit with random operations of every kind that this project's circuits take from plonky2, and its
/// inputs.
fn random_circuit(config: CircuitConfig, seed: u64, size: usize) -> (CircuitData, PartialWitness<F>) {
    let (builder, inputs) = random_builder(config, seed, size);
    (builder.build::<EnfoldConfig>(), inputs)
}

fn random_builder(config: CircuitConfig, seed: u64, size: usize) -> (Builder, PartialWitness<F>) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut builder = Builder::new(config);
    let inputs = builder.add_virtual_targets(8);
    let mut values: Vec<Target> = inputs.clone();
    for _ in 0..size {
        let mut pick = || values[rng.gen_range(0..values.len())];
        let (a, b, c, d) = (pick(), pick(), pick(), pick());
        let new = match rng.gen_range(0..8) {
            0 => builder.mul_add(a, b, c),
            1 => {
                let (x, y) = (plonky2::iop::ext_target::ExtensionTarget([a, b]), builder.one_extension());
                builder.mul_add_extension(x, x, y).0[1]
            }
            2 => builder.hash_n_to_hash_no_pad::<Poseidon2Hash>(vec![a, b, c, d]).elements[0],
            3 => {
                let bits = builder.split_le(a, 64);
                builder.le_sum(bits[..20].iter())
            }
            4 => {
                let bits: Vec<BoolTarget> = builder.split_le(a, 64);
                builder.exp_from_bits(b, bits[..7].iter())
            }
            5 => {
                let bits = builder.split_le(c, 64);
                let index = builder.le_sum(bits[..2].iter());
                builder.random_access(index, vec![a, b, c, d])
            }
            6 => {
                let base = plonky2::iop::ext_target::ExtensionTarget([c, d]);
                let mut factor = plonky2::util::reducing::ReducingFactorTarget::new(base);
                let reduced = factor.reduce_base(&[a, b, c, d, a, b], &mut builder);
                factor.reduce(&[reduced, base, base], &mut builder).0[0]
            }
            _ => builder.add_const(a, F::from_canonical_u64(rng.gen_range(0..F::ORDER))),
        };
        values.push(new);
    }
    builder.register_public_inputs(&values[values.len() - 5..]);
    let mut witness = PartialWitness::new();
    for input in inputs {
        witness.set_target(input, F::from_canonical_u64(rng.gen_range(0..F::ORDER))).unwrap();
    }
    (builder, witness)
}

#[test]
fn random_circuits_have_stock_proofs() {
    for (seed, size) in [(0, 3), (1, 20), (2, 60), (3, 60), (4, 200)] {
        let (data, inputs) = random_circuit(config(), seed, size);
        assert_same_proof(&data, inputs);
    }
}

/// Other widths, challenges, caps, foldings and rates.
fn configurations() -> [CircuitConfig; 5] {
    let mut configs = [(); 5].map(|()| config());
    configs[0].num_challenges = 3;
    configs[1].num_wires = 143;
    configs[1].num_routed_wires = 67;
    configs[2].fri_config.cap_height = 0;
    configs[2].fri_config.reduction_strategy = FriReductionStrategy::Fixed(vec![1, 2, 1]);
    configs[3].fri_config.rate_bits = 4;
    configs[4].fri_config.reduction_strategy = FriReductionStrategy::Fixed(vec![]);
    configs[4].fri_config.cap_height = 5;
    configs
}

#[test]
fn configurations_have_stock_proofs() {
    for (config, seed) in configurations().into_iter().zip(10..) {
        let (data, inputs) = random_circuit(config, seed, 40);
        assert_same_proof(&data, inputs);
    }
}

/// The kernels' set-up gives plonky2's circuits, and a prover for them.
#[test]
fn set_up_gives_stock_circuits() {
    for (config, seed) in configurations().into_iter().zip(20..) {
        let (stock, inputs) = random_circuit(config.clone(), seed, 40);
        let Built { data, prover } = Kernels::default().build(random_builder(config, seed, 40).0).unwrap();
        assert_eq!(data.common, stock.common);
        assert_eq!(data.verifier_only, stock.verifier_only);
        let (ours, theirs) = (&data.prover_only, &stock.prover_only);
        assert_eq!(ours.circuit_digest, theirs.circuit_digest);
        assert_eq!(ours.public_inputs, theirs.public_inputs);
        assert!(ours.generators == theirs.generators);
        assert!(ours.generator_indices_by_watches == theirs.generator_indices_by_watches);
        assert!(ours.representative_map == theirs.representative_map);
        assert!(ours.sigmas == theirs.sigmas && ours.subgroup == theirs.subgroup);
        let [ours, theirs] = [ours, theirs].map(|prover| &prover.constants_sigmas_commitment);
        assert!(ours.polynomials == theirs.polynomials);
        assert_eq!((ours.degree_log, ours.rate_bits), (theirs.degree_log, theirs.rate_bits));
        // From memory of the proof before, too.
        for inputs in [inputs.clone(), inputs] {
            stock.verify(prover.prove(&data, inputs).unwrap()).unwrap();
        }
    }
}

/// A circuit whose key is of other constants is not taken.
#[test]
fn foreign_keys_are_refused() {
    let (mut data, _) = random_circuit(config(), 30, 20);
    data.verifier_only = random_circuit(config(), 31, 20).0.verifier_only;
    let error = Engine::new(&data).map(|_| ()).unwrap_err();
    assert!(matches!(error, EngineError::Key), "{error:?}");
}

/// A circuit that verifies a proof uses the other gates of plonky2.
#[test]
fn proof_of_a_verifier_is_a_stock_proof() {
    let (data, inputs) = random_circuit(config(), 5, 10);
    let proof = assert_same_proof(&data, inputs);
    let mut builder = Builder::new(config());
    let target = builder.add_virtual_proof_with_pis(&data.common);
    let key = builder.constant_verifier_data::<EnfoldConfig>(&data.verifier_only);
    builder.verify_proof::<EnfoldConfig>(&target, &key, &data.common);
    builder.register_public_inputs(&target.public_inputs);
    let outer = builder.build::<EnfoldConfig>();
    let mut inputs = PartialWitness::new();
    inputs.set_proof_with_pis_target::<EnfoldConfig, D>(&target, &proof).unwrap();
    assert_same_witness(&outer, inputs.clone());
    assert_same_proof(&outer, inputs);
}

/// A debit and a credit batch use this project's gates.
#[test]
fn batches_have_stock_proofs() {
    let mut world = World::new(WorldSpec::default());
    let block = world.block(30);
    let execution = execute(world.ledger(), &block).unwrap();
    let profile = ProfileId::Test.profile();
    let witness = witness_block(profile, world.ledger(), &block, &execution).unwrap();
    let params = Params::of(ProfileId::Test);
    for id in [BatchId::DebitWide, BatchId::CreditWide] {
        let FamilyParams { config, degree_bits, .. } = params.of_batch(id);
        let circuit = BatchCircuit::build(profile, id, &at_stock_rate(config), *degree_bits).unwrap();
        let batch = witness.batches.iter().find(|batch| batch.batch == id).unwrap();
        let inputs = circuit.fill(batch, Digest::ZERO).unwrap();
        assert_same_witness(&circuit.data, inputs.clone());
        assert_same_proof(&circuit.data, inputs.clone());
        assert_changed_inputs_are_refused(&circuit.data, &inputs);
    }
}

/// Inputs of which one is another: an error, or a proof that the verifier takes only if every constraint holds; never
/// a panic. Both for the first witness of an engine and for one in recorded rounds.
fn assert_changed_inputs_are_refused(data: &CircuitData, inputs: &PartialWitness<F>) {
    let (fresh, used) = (Engine::new(data).unwrap(), Engine::new(data).unwrap());
    used.witness(inputs.clone()).unwrap();
    let mut targets: Vec<Target> = inputs.target_values.keys().copied().collect();
    targets.sort_unstable_by_key(|target| target.index(data.common.config.num_wires, data.common.degree()));
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let mut refused = 0;
    for _ in 0..12 {
        let target = targets[rng.gen_range(0..targets.len())];
        let mut changed = inputs.clone();
        changed.target_values.insert(target, F::rand());
        for engine in [&fresh, &used] {
            let Ok(witness) = engine.witness(changed.clone()) else {
                refused += 1;
                continue;
            };
            let (proof, _) = engine.prove_witness(&witness).unwrap();
            let holds = check_witness(data, &witness).is_ok();
            assert_eq!(data.verify(proof).is_ok(), holds, "{target:?}");
            refused += usize::from(!holds);
        }
    }
    assert!(refused > 0, "no change was noticed");
}

/// One changed value anywhere in the witness: the proof is made, and the verifier refuses it.
#[test]
fn changed_witnesses_are_refused() {
    let (data, inputs) = random_circuit(config(), 6, 20);
    let engine = Engine::new(&data).unwrap();
    let honest = witness(&data, inputs);
    let used: Vec<usize> = (0..honest.values.len()).filter(|&i| honest.values[i].is_some()).collect();
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut refused = 0;
    for _ in 0..20 {
        let place = used[rng.gen_range(0..used.len())];
        let mut changed = honest.clone();
        changed.values[place] = Some(F::rand());
        let expected = stock(&data, changed.clone());
        let (proof, _) = engine.prove_witness(&changed).unwrap();
        assert_eq!(proof.proof.openings, expected.proof.openings);
        let verdict = data.verify(proof).is_ok();
        assert_eq!(verdict, data.verify(expected).is_ok());
        refused += usize::from(!verdict);
    }
    // A value that no gate reads may change.
    assert!(refused >= 15, "only {refused} of 20 changes were refused");
}

#[test]
fn bad_inputs_are_errors() {
    let mut builder = Builder::new(config());
    let (a, b) = (builder.add_virtual_target(), builder.add_virtual_target());
    let product = builder.mul(a, b);
    builder.assert_one(product);
    let public = builder.add_virtual_public_input();
    let same = builder.add_virtual_target();
    builder.connect(same, public);
    let data = builder.build::<EnfoldConfig>();
    let engine = Engine::new(&data).unwrap();

    let set = |values: &[(Target, u64)]| {
        let mut inputs = PartialWitness::new();
        for &(target, value) in values {
            inputs.set_target(target, F::from_canonical_u64(value)).unwrap();
        }
        inputs
    };
    // The first good proof records the order of generators; errors are the same before and after.
    for _ in 0..2 {
        let wrong = engine.prove(set(&[(a, 2), (b, 3), (public, 4)]));
        assert!(matches!(wrong, Err(EngineError::Witness(_))), "{wrong:?}");
        let two = engine.prove(set(&[(a, 1), (b, 1), (public, 4), (same, 5)]));
        assert!(matches!(two, Err(EngineError::Witness(_))), "{two:?}");
        let missing = engine.prove(set(&[(a, 1), (b, 1)]));
        assert!(
            matches!(missing, Err(EngineError::PublicInput { index: 0 } | EngineError::Unfinished { .. })),
            "{missing:?}"
        );
        let proof = engine.prove(set(&[(a, 1), (b, 1), (public, 4), (same, 4)])).unwrap();
        assert_eq!(proof.public_inputs[0].to_canonical_u64(), 4);
        data.verify(proof).unwrap();
    }

    let (other, inputs) = random_circuit(config(), 7, 300);
    let foreign = witness(&other, inputs);
    let error = engine.prove_witness(&foreign).map(|_| ()).unwrap_err();
    assert!(matches!(error, EngineError::WitnessSize { .. }), "{error:?}");
}

/// The kernels leave a circuit that the engine does not provide for to plonky2.
fn assert_stock_proves(builder: Builder, inputs: PartialWitness<F>) {
    let Built { data, prover } = Kernels::default().build(builder).unwrap();
    data.verify(prover.prove(&data, inputs).unwrap()).unwrap();
}

#[test]
fn unsupported_circuits_are_refused() {
    let mut hiding = config();
    hiding.zero_knowledge = true;
    let (data, inputs) = random_circuit(hiding.clone(), 8, 3);
    assert_stock_proves(random_builder(hiding, 8, 3).0, inputs);
    let error = Engine::new(&data).map(|_| ()).unwrap_err();
    assert!(matches!(error, EngineError::Unsupported { feature: Feature::ZeroKnowledge }), "{error:?}");

    let lookup = || {
        let mut builder = Builder::new(config());
        let table = builder.add_lookup_table_from_pairs(std::sync::Arc::new(vec![(1, 2), (3, 4)]));
        let input = builder.constant(F::ONE);
        builder.add_lookup_from_index(input, table);
        builder
    };
    assert_stock_proves(lookup(), PartialWitness::new());
    let data = lookup().build::<EnfoldConfig>();
    let error = Engine::new(&data).map(|_| ()).unwrap_err();
    assert!(matches!(error, EngineError::Unsupported { feature: Feature::Lookups }), "{error:?}");
}

/// Two runs give the same proof: the nonce is the least.
#[test]
fn proofs_are_deterministic() {
    let (data, inputs) = random_circuit(config(), 9, 20);
    let engine = Engine::new(&data).unwrap();
    // Not from the inputs: plonky2 fills cells that nothing reads with random values.
    let witness = witness(&data, inputs);
    let [first, second] = [(); 2].map(|()| engine.prove_witness(&witness).unwrap().0);
    assert!(first == second, "two proofs of one witness differ");
}
