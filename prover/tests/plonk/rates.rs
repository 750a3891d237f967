//! Circuits whose rate is above one over the quotient's degree: plonky2 cannot prove them, but builds their like and
//! verifies their proofs.

use enfold_circuits::backend::{BackendError, Stock};
use enfold_circuits::check::Checker;
use plonky2::fri::oracle::PolynomialBatch;
use plonky2::plonk::config::Hasher;

use super::*;

/// The same circuit at another rate, by as many query bits.
fn at_rate(mut config: CircuitConfig, rate_bits: usize) -> CircuitConfig {
    let fri = &mut config.fri_config;
    fri.num_query_rounds = (fri.num_query_rounds * fri.rate_bits).div_ceil(rate_bits);
    fri.rate_bits = rate_bits;
    config
}

/// Caps and foldings that other rates have room for.
fn low_rates() -> impl Iterator<Item = (CircuitConfig, u64)> {
    let configs = configurations().into_iter().filter(|config| config.fri_config.rate_bits == 3);
    configs.flat_map(|config| [1, 2].map(|rate_bits| at_rate(config.clone(), rate_bits))).zip(40..)
}

/// Key, common data and all that the prover knows are plonky2's but for the rate; the commitment to the constants is
/// the one that plonky2 makes of the same values at that rate.
#[test]
fn other_rates_have_stock_circuits() {
    for (config, seed) in low_rates() {
        let fri = config.fri_config.clone();
        let (twin, _) = random_circuit(at_rate(config.clone(), 3), seed, 40);
        let builder = || random_builder(config.clone(), seed, 40).0;
        let kernels = Kernels::default().build(builder()).unwrap().data;
        let stock = Stock.build(builder()).unwrap().data;

        let values = twin.prover_only.constants_sigmas_commitment.polynomials.iter().map(|p| p.clone().fft());
        let constants = PolynomialBatch::<F, EnfoldConfig, D>::from_values(
            values.collect(),
            fri.rate_bits,
            false,
            fri.cap_height,
            &mut TimingTree::default(),
            None,
        );
        let cap = &constants.merkle_tree.cap;
        let parts = [
            cap.flatten(),
            Poseidon2Hash::hash_pad(&[]).elements.to_vec(),
            vec![F::from_canonical_usize(twin.common.degree_bits())],
        ];
        let mut common = twin.common.clone();
        common.config = config.clone();
        common.fri_params = fri.fri_params(common.degree_bits(), false);
        for data in [&kernels, &stock] {
            assert_eq!(data.common, common);
            assert_eq!(&data.verifier_only.constants_sigmas_cap, cap);
            assert_eq!(data.verifier_only.circuit_digest, Poseidon2Hash::hash_no_pad(&parts.concat()));
            assert_ne!(data.verifier_only, twin.verifier_only);
            let (ours, theirs) = (&data.prover_only, &twin.prover_only);
            assert_eq!(ours.circuit_digest, data.verifier_only.circuit_digest);
            assert!(ours.sigmas == theirs.sigmas && ours.subgroup == theirs.subgroup);
            assert!(ours.representative_map == theirs.representative_map);
            let [ours, theirs] = [ours, theirs].map(|prover| &prover.constants_sigmas_commitment);
            assert!(ours.polynomials == theirs.polynomials);
            assert_eq!((ours.degree_log, ours.rate_bits), (theirs.degree_log, fri.rate_bits));
        }
        let leaves = &stock.prover_only.constants_sigmas_commitment.merkle_tree.leaves;
        assert!(*leaves == constants.merkle_tree.leaves);
    }
}

/// plonky2 verifies the proofs, natively and in a circuit; it does not make them, and says so.
#[test]
fn proofs_at_other_rates_are_verified_by_plonky2() {
    for (config, seed) in low_rates() {
        let (builder, inputs) = random_builder(config.clone(), seed, 30);
        let Built { data, prover } = Kernels::default().build(builder).unwrap();
        // From memory of the proof before, too.
        let proofs = [(); 2].map(|()| prover.prove(&data, inputs.clone()).unwrap());
        let same = Engine::new(&data).unwrap().witness(inputs.clone()).unwrap();
        let (proof, _) = Engine::new(&data).unwrap().prove_witness(&same).unwrap();
        for proof in proofs.iter().chain([&proof]) {
            data.verify(proof.clone()).unwrap();
        }

        let Built { data: stock, prover } = Stock.build(random_builder(config, seed, 30).0).unwrap();
        let error = prover.prove(&stock, inputs).unwrap_err().to_string();
        assert!(error.contains("expected a rate of 1/8 or lower, which plonky2's prover needs"), "{error}");
        stock.verify(proof).unwrap();
    }
}

/// What the engine does not provide for is plonky2's to prove, which has no proofs at half rate: that is said when the
/// circuit is built, not when the first proof is made.
#[test]
fn circuits_that_nobody_can_prove_are_refused_when_they_are_built() {
    let lookup = |rate_bits| {
        let mut builder = Builder::new(at_rate(config(), rate_bits));
        let table = builder.add_lookup_table_from_pairs(std::sync::Arc::new(vec![(1, 2), (3, 4)]));
        let input = builder.constant(F::ONE);
        builder.add_lookup_from_index(input, table);
        builder
    };
    let mut hiding = at_rate(config(), 2);
    hiding.zero_knowledge = true;
    for (builder, got) in [(lookup(1), 2), (lookup(2), 4), (random_builder(hiding, 62, 3).0, 4)] {
        let error = Kernels::default().build(builder).map(drop);
        assert_eq!(error, Err(BackendError::Unprovable { expected: 8, got }));
    }
    assert!(Kernels::default().build(lookup(3)).is_ok());
}

/// At a rate of 1 any values are those of a polynomial of as many coefficients: a proof would show nothing.
#[test]
fn a_rate_of_one_is_refused() {
    let mut none = config();
    none.fri_config.rate_bits = 0;
    // plonky2's builder would refuse it by its own count.
    none.security_bits = 0;
    let builder = || random_builder(none.clone(), 63, 10).0;
    assert_eq!(Stock.build(builder()).map(drop), Err(BackendError::Rate));
    assert_eq!(Kernels::default().build(builder()).map(drop), Err(BackendError::Rate));

    let (mut data, _) = random_circuit(config(), 63, 10);
    let refused = |data: &CircuitData| match Engine::new(data) {
        Err(EngineError::Unsupported { feature }) => Some(feature),
        _ => None,
    };
    assert_eq!(refused(&data), None);
    for factor in [0, 3, 6] {
        let honest = std::mem::replace(&mut data.common.quotient_degree_factor, factor);
        assert_eq!(refused(&data), Some(Feature::QuotientDegree), "{factor}");
        data.common.quotient_degree_factor = honest;
    }
    data.common.config.fri_config.rate_bits = 0;
    assert_eq!(refused(&data), Some(Feature::Rate));
}

/// A verifier in a circuit takes a proof at half rate, and is proven at half rate.
#[test]
fn verifiers_of_half_rate_proofs_are_proven_at_half_rate() {
    let config = at_rate(config(), 1);
    let (builder, inputs) = random_builder(config.clone(), 60, 10);
    let Built { data, prover } = Kernels::default().build(builder).unwrap();
    let proof = prover.prove(&data, inputs).unwrap();
    let mut builder = Builder::new(config);
    let target = builder.add_virtual_proof_with_pis(&data.common);
    let key = builder.constant_verifier_data::<EnfoldConfig>(&data.verifier_only);
    builder.verify_proof::<EnfoldConfig>(&target, &key, &data.common);
    builder.register_public_inputs(&target.public_inputs);
    let Built { data: outer, prover } = Kernels::default().build(builder).unwrap();
    let prove = |proof: &Proof| {
        let mut inputs = PartialWitness::new();
        inputs.set_proof_with_pis_target::<EnfoldConfig, D>(&target, proof).unwrap();
        prover.prove(&outer, inputs).map(|proof| outer.verify(proof))
    };
    prove(&proof).unwrap().unwrap();
    let mut wrong = proof;
    wrong.proof.openings.wires[3] += F::ONE.into();
    assert!(!matches!(prove(&wrong), Ok(Ok(()))));
}

/// What is cut out of a proof, or belongs to another rate.
#[test]
fn proofs_of_other_rates_and_too_few_queries_are_refused() {
    let config = config();
    let proofs = [1, 2, 3].map(|rate_bits| {
        let (builder, inputs) = random_builder(at_rate(config.clone(), rate_bits), 61, 20);
        let Built { data, prover } = Kernels::default().build(builder).unwrap();
        let proof = prover.prove(&data, inputs).unwrap();
        (data, proof)
    });
    for (i, (data, _)) in proofs.iter().enumerate() {
        for (j, (_, proof)) in proofs.iter().enumerate() {
            assert_eq!(data.verify(proof.clone()).is_ok(), i == j, "key {i}, proof {j}");
        }
        let mut few = proofs[i].1.clone();
        few.proof.opening_proof.query_round_proofs.pop();
        assert!(data.verify(few).is_err());
    }
    // The same queries under a key that asks for one more.
    let mut more = at_rate(config, 1);
    more.fri_config.num_query_rounds += 1;
    let more = Kernels::default().build(random_builder(more, 61, 20).0).unwrap().data;
    assert_eq!(
        more.verifier_only, proofs[0].0.verifier_only,
        "the key does not bind the queries, the verifier does"
    );
    assert!(more.verify(proofs[0].1.clone()).is_err());
}

/// One wrong wire in one row, of each gate of batches: their constraints have degrees up to the quotient's.
#[test]
fn wrong_wires_at_half_rate_are_refused() {
    let mut world = World::new(WorldSpec::default());
    let block = world.block(30);
    let execution = execute(world.ledger(), &block).unwrap();
    let profile = ProfileId::Test.profile();
    let witness = witness_block(profile, world.ledger(), &block, &execution).unwrap();
    let params = Params::of(ProfileId::Test);
    let FamilyParams { config, degree_bits, .. } = params.of_batch(BatchId::DebitWide);
    assert_eq!(config.fri_config.rate_bits, 1, "batches are at half rate");
    let mut seen = std::collections::BTreeSet::new();
    for id in [BatchId::DebitWide, BatchId::CreditWide] {
        let kernels = Kernels::default();
        let circuit = BatchCircuit::build_with(&kernels, profile, id, config, *degree_bits).unwrap();
        let batch = witness.batches.iter().find(|batch| batch.batch == id).unwrap();
        let (data, inputs) = (&circuit.data, circuit.fill(batch, Digest::ZERO).unwrap());
        let engine = Engine::new(data).unwrap();
        let (checker, honest) = (Checker::new(data), engine.witness(inputs).unwrap());
        data.verify(engine.prove_witness(&honest).unwrap().0).unwrap();
        for row in 0..checker.num_rows() {
            if checker.gate_wires(row) == 0 || !seen.insert(checker.gate_name(row).to_owned()) {
                continue;
            }
            // The first wire of the row that its gate reads.
            let changed = (0..checker.gate_wires(row)).find_map(|column| {
                let mut changed = honest.clone();
                let value = &mut changed.values[checker.class(row, column)];
                *value = Some(value.unwrap_or(F::ZERO) + F::ONE);
                checker.check(&changed).is_err().then_some(changed)
            });
            let (proof, _) = engine.prove_witness(&changed.unwrap()).unwrap();
            assert!(data.verify(proof).is_err(), "{}", checker.gate_name(row));
        }
    }
    assert!(seen.len() >= 8, "{seen:?}");
}
