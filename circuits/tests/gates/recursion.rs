//! A proof of a circuit with all gates of this crate, verified in a circuit, and circuits read back.

use enfold_circuits::check::check_witness;
use enfold_circuits::config::{Builder, CircuitData, D, EnfoldConfig, F};
use enfold_circuits::gates::logup::LogUpGate;
use enfold_circuits::gates::range::RangeGate;
use enfold_circuits::hash::Poseidon2Hash;
use enfold_circuits::mutate::{Outcome, prove_and_verify};
use enfold_circuits::serialization::{Gates, Generators};
use plonky2::field::types::{Field, Sample};
use plonky2::iop::generator::generate_partial_witness;
use plonky2::iop::target::Target;
use plonky2::iop::witness::{PartialWitness, WitnessWrite};

use crate::common::config;

fn inner() -> (CircuitData, PartialWitness<F>) {
    let mut builder = Builder::new(config(40));
    let values = builder.add_virtual_targets(5);
    let range = builder.add_gate(RangeGate, vec![]);
    for (i, &value) in values.iter().enumerate() {
        builder.connect(value, Target::wire(range, RangeGate::value(i)));
    }
    let logup = builder.add_gate(LogUpGate, vec![F::NEG_ONE]);
    let hash = builder.hash_n_to_hash_no_pad::<Poseidon2Hash>(values.clone());
    builder.register_public_inputs(&hash.elements);

    let mut inputs = PartialWitness::new();
    let numbers = [1u64 << 61, 7, 0, 1 << 31, 9].map(F::from_canonical_u64);
    inputs.set_target_arr(&values, &numbers).unwrap();
    for column in 0..LogUpGate::SUM_OUT {
        let is_flag = column == LogUpGate::flag(0) || column == LogUpGate::flag(1);
        let value = if is_flag { F::ONE } else { F::rand() };
        inputs.set_target(Target::wire(logup, column), value).unwrap();
    }
    (builder.build::<EnfoldConfig>(), inputs)
}

#[test]
fn proof_verifies_in_a_circuit() {
    let (data, inputs) = inner();
    let proof = data.prove(inputs).unwrap();
    data.verify(proof.clone()).unwrap();

    let mut builder = Builder::new(config(80));
    let target = builder.add_virtual_proof_with_pis(&data.common);
    let key = builder.constant_verifier_data::<EnfoldConfig>(&data.verifier_only);
    builder.verify_proof::<EnfoldConfig>(&target, &key, &data.common);
    builder.register_public_inputs(&target.public_inputs);
    let outer = builder.build::<EnfoldConfig>();

    let mut inputs = PartialWitness::new();
    inputs.set_proof_with_pis_target::<EnfoldConfig, D>(&target, &proof).unwrap();
    let witness = generate_partial_witness(inputs, &outer.prover_only, &outer.common).unwrap();
    check_witness(&outer, &witness).unwrap();
    let Outcome::Accepted(outer_proof) = prove_and_verify(&outer, witness) else {
        panic!("the outer proof was refused")
    };
    assert_eq!(outer_proof.public_inputs, proof.public_inputs);
}

#[test]
fn circuit_survives_serialization() {
    let (data, inputs) = inner();
    let bytes = data.to_bytes(&Gates, &Generators).unwrap();
    let read = CircuitData::from_bytes(&bytes, &Gates, &Generators).unwrap();
    assert_eq!(read, data);
    read.verify(read.prove(inputs).unwrap()).unwrap();
}
