//! Poseidon2 in circuits against the native specification.

use enfold_circuits::config::{Builder, D, EnfoldConfig, F};
use enfold_circuits::convert::{from_digest, from_native_array, to_native_array};
use enfold_circuits::gates::poseidon2::Poseidon2Gate;
use enfold_circuits::gates::row::constraint_names;
use enfold_circuits::hash::{Poseidon2Hash, Poseidon2Permutation};
use enfold_state::hash::{Digest, node, permute};
use plonky2::field::types::{Field, Sample};
use plonky2::gates::gate::Gate;
use plonky2::gates::gate_testing::{test_eval_fns, test_low_degree};
use plonky2::hash::hash_types::HashOut;
use plonky2::hash::hashing::{PlonkyPermutation, hash_n_to_hash_no_pad};
use plonky2::iop::generator::generate_partial_witness;
use plonky2::iop::witness::{PartialWitness, Witness, WitnessWrite};
use plonky2::plonk::circuit_data::CircuitConfig;
use plonky2::plonk::config::{AlgebraicHasher, Hasher};
use plonky2::plonk::vars::EvaluationTargets;

use crate::common::{OneRow, assert_every_constraint_bites};

fn random_array<const N: usize>() -> [F; N] {
    F::rand_array()
}

#[test]
fn has_low_degree() {
    test_low_degree::<F, _, D>(Poseidon2Gate);
}

#[test]
fn evaluations_agree() {
    test_eval_fns::<F, EnfoldConfig, _, D>(Poseidon2Gate).unwrap();
}

#[test]
fn counts_are_right() {
    assert_eq!(Gate::<F, D>::num_wires(&Poseidon2Gate), 135);
    assert_eq!(constraint_names::<Poseidon2Gate>().len(), Gate::<F, D>::num_constraints(&Poseidon2Gate));
}

#[test]
fn permutation_is_the_native_one() {
    for _ in 0..50 {
        let state = random_array::<12>();
        let mut expected = to_native_array(state);
        permute(&mut expected);
        let mut permutation = Poseidon2Permutation::new(state);
        permutation.permute();
        assert_eq!(permutation.as_ref(), from_native_array(expected));
    }
}

#[test]
fn gate_computes_the_native_permutation_swapped_or_not() {
    let mut builder = Builder::new(CircuitConfig::standard_recursion_config());
    let inputs = builder.add_virtual_target_arr::<12>();
    let swap = builder.add_virtual_bool_target_safe();
    let outputs = Poseidon2Hash::permute_swapped(Poseidon2Permutation::new(inputs), swap, &mut builder);
    let data = builder.mock_build::<EnfoldConfig>();
    for swapped in [false, true] {
        let state = random_array::<12>();
        let mut witness = PartialWitness::new();
        witness.set_target_arr(&inputs, &state).unwrap();
        witness.set_bool_target(swap, swapped).unwrap();
        let witness = generate_partial_witness(witness, &data.prover_only, &data.common).unwrap();
        let mut expected = to_native_array(state);
        if swapped {
            expected[..8].rotate_left(4);
        }
        permute(&mut expected);
        assert_eq!(witness.get_targets(outputs.as_ref()), from_native_array(expected));
    }
}

#[test]
fn compression_is_the_native_node() {
    let (left, right) = (random_array::<4>(), random_array::<4>());
    let expected = node(Digest(to_native_array(left)), Digest(to_native_array(right)));
    let compressed = Poseidon2Hash::two_to_one(HashOut { elements: left }, HashOut { elements: right });
    assert_eq!(compressed, from_digest(expected));
}

#[test]
fn hashes_are_the_sponge_of_the_permutation() {
    for len in [0, 1, 4, 5, 8, 9, 16, 135] {
        let input = F::rand_vec(len);
        let expected = hash_n_to_hash_no_pad::<F, Poseidon2Permutation<F>>(&input);
        assert_eq!(Poseidon2Hash::hash_no_pad(&input), expected, "{len} elements");
        let short = HashOut { elements: std::array::from_fn(|i| input.get(i).copied().unwrap_or(F::ZERO)) };
        let expected = if len <= 4 { short } else { expected };
        assert_eq!(Poseidon2Hash::hash_or_noop(&input), expected, "{len} elements");
    }
}

/// What one evaluation of the constraints costs a recursive verifier. Constants are left out: a circuit
/// has them once, mostly in spare cells of its random access rows.
#[test]
fn rows_in_a_recursive_verifier() {
    let mut builder = Builder::new(CircuitConfig::standard_recursion_config());
    let wires = builder.add_virtual_extension_targets(135);
    let hash = builder.add_virtual_hash();
    let vars = EvaluationTargets { local_constants: &[], local_wires: &wires, public_inputs_hash: &hash };
    Poseidon2Gate.eval_unfiltered_circuit(&mut builder, vars);
    assert_eq!(builder.num_gates(), 157);
}

#[test]
fn every_constraint_bites() {
    let circuit = OneRow::new::<Poseidon2Gate>(&[]);
    for swap in [F::ZERO, F::ONE] {
        let mut inputs = F::rand_vec(12).into_iter().enumerate().collect::<Vec<_>>();
        inputs.push((Poseidon2Gate::SWAP, swap));
        assert_every_constraint_bites::<Poseidon2Gate>(&circuit, circuit.witness(&inputs).unwrap());
    }
    let two = [(Poseidon2Gate::SWAP, F::TWO)];
    let inputs = (0..12).map(|i| (i, F::ONE)).chain(two).collect::<Vec<_>>();
    assert!(circuit.witness(&inputs).is_none());
}
