//! The row checker and the mutation harness themselves.

use enfold_circuits::check::{Checker, Matrix, Violation, check_witness};
use enfold_circuits::config::{Builder, CircuitData, EnfoldConfig, F};
use enfold_circuits::hash::Poseidon2Hash;
use enfold_circuits::mutate::{Harness, Outcome, prove_and_verify, regenerate};
use plonky2::field::types::Field;
use plonky2::iop::generator::generate_partial_witness;
use plonky2::iop::target::Target;
use plonky2::iop::witness::{PartialWitness, PartitionWitness, Witness, WitnessWrite};

use crate::common::config;

struct Circuit {
    data: CircuitData,
    inputs: PartialWitness<F>,
    preimage: [Target; 5],
    product: Target,
    quotient: Target,
}

/// A public hash of five elements, a public product of the first two and, if it is not forgotten, a check
/// of the quotient of the third by the fourth.
fn circuit(routed: usize, forget_quotient: bool) -> Circuit {
    let mut builder = Builder::new(config(routed));
    let preimage = builder.add_virtual_target_arr::<5>();
    let hash = builder.hash_n_to_hash_no_pad::<Poseidon2Hash>(preimage.to_vec());
    let product = builder.mul(preimage[0], preimage[1]);
    let quotient = builder.add_virtual_target();
    let back = builder.mul(quotient, preimage[3]);
    if !forget_quotient {
        builder.connect(back, preimage[2]);
    }
    builder.register_public_inputs(&hash.elements);
    builder.register_public_input(product);
    let mut inputs = PartialWitness::new();
    let values = [3, 5, 42, 6, 9].map(F::from_canonical_u64);
    inputs.set_target_arr(&preimage, &values).unwrap();
    inputs.set_target(quotient, F::from_canonical_u64(7)).unwrap();
    Circuit { data: builder.build::<EnfoldConfig>(), inputs, preimage, product, quotient }
}

impl Circuit {
    fn witness(&self) -> PartitionWitness<'_, F> {
        generate_partial_witness(self.inputs.clone(), &self.data.prover_only, &self.data.common).unwrap()
    }
}

#[test]
fn honest_witness_passes_and_proves() {
    for routed in [40, 80] {
        let circuit = circuit(routed, false);
        let witness = circuit.witness();
        check_witness(&circuit.data, &witness).unwrap();
        let checker = Checker::new(&circuit.data);
        checker.check_matrix(&Matrix::new(&checker, &witness)).unwrap();
        let Outcome::Accepted(proof) = prove_and_verify(&circuit.data, witness) else {
            panic!("an honest witness was refused")
        };
        assert_eq!(proof.public_inputs[4], F::from_canonical_u64(15));
    }
}

#[test]
fn gates_are_found_on_their_rows() {
    let circuit = circuit(40, false);
    let checker = Checker::new(&circuit.data);
    let count =
        |name| (0..checker.num_rows()).filter(|&row| checker.gate_name(row).starts_with(name)).count();
    // One permutation hashes the preimage, one the public inputs.
    assert_eq!([count("Poseidon2"), count("PublicInputGate")], [2, 1]);
}

#[test]
fn violation_names_row_gate_and_constraint() {
    let circuit = circuit(40, false);
    let checker = Checker::new(&circuit.data);
    let mut witness = circuit.witness();
    let row = (0..checker.num_rows()).find(|&row| checker.gate_name(row) == "Poseidon2").unwrap();
    witness.values[checker.class(row, 65)] = Some(F::from_canonical_u64(1));
    let error = checker.check(&witness).unwrap_err();
    let named = |violation: &Violation| match violation {
        Violation::Constraint { row: at, gate, constraint, .. } => {
            *at == row && gate == "Poseidon2" && constraint == "S-box input[36]"
        }
        Violation::Copy { .. } => false,
    };
    assert!(error.0.iter().any(named), "{error}");
}

#[test]
fn matrix_check_finds_broken_copies_and_foreign_public_inputs() {
    let circuit = circuit(40, false);
    let checker = Checker::new(&circuit.data);
    let honest = Matrix::new(&checker, &circuit.witness());
    let row = (0..checker.num_rows()).find(|&row| checker.gate_name(row) == "Poseidon2").unwrap();

    // Input 1 is also an input of the product; a column past all gates is neither constrained nor routed.
    let mut matrix = honest.clone();
    matrix.columns[1][row] += F::ONE;
    let violations = checker.check_matrix(&matrix).unwrap_err().0;
    assert!(violations.iter().any(|violation| matches!(violation, Violation::Copy { .. })), "{violations:?}");

    let mut matrix = honest.clone();
    matrix.public_inputs[4] += F::ONE;
    let violations = checker.check_matrix(&matrix).unwrap_err().0;
    let is_hash = |violation: &Violation| matches!(violation, Violation::Constraint { gate, .. } if gate.starts_with("PublicInputGate"));
    assert!(!violations.is_empty() && violations.iter().all(is_hash), "{violations:?}");
}

#[test]
fn sound_circuit_accepts_no_mutation() {
    for routed in [40, 80] {
        let circuit = circuit(routed, false);
        let checker = Checker::new(&circuit.data);
        let mut harness = Harness::new(&checker, circuit.witness()).unwrap();
        let classes = harness.classes().to_vec();
        let report = harness.each(&classes, 1);
        assert!(report.tried > 1500, "{}", report.tried);
        report.assert_only(|_| false);
        let report = harness.sample(20_000, 2);
        assert_eq!(report.tried, 20_000);
        report.assert_only(|_| false);
        checker.check(&harness.changed(&[])).unwrap();
    }
}

#[test]
fn missing_constraint_is_found() {
    let circuit = circuit(40, true);
    let checker = Checker::new(&circuit.data);
    let mut harness = Harness::new(&checker, circuit.witness()).unwrap();
    // With the check forgotten, the quotient and its product can move together.
    let (quotient, back) = (checker.class_of(circuit.quotient), F::from_canonical_u64(8 * 6));
    let product = harness.classes().iter().copied().find(|&class| {
        harness.value(class) == F::from_canonical_u64(42) && class != checker.class_of(circuit.preimage[2])
    });
    let changes = [(quotient, F::from_canonical_u64(8)), (product.unwrap(), back)];
    assert_eq!(harness.attempt(&changes), None);
    let witness = harness.changed(&changes);
    assert!(matches!(prove_and_verify(&circuit.data, witness), Outcome::Accepted(_)));
}

/// What the checker refuses, stock plonky2 refuses.
#[test]
fn prover_agrees_with_the_checker() {
    let circuit = circuit(40, false);
    let checker = Checker::new(&circuit.data);
    let mut harness = Harness::new(&checker, circuit.witness()).unwrap();
    let classes = harness.classes().to_vec();
    for &class in classes.iter().step_by(classes.len() / 6) {
        let changes = [(class, harness.value(class) + F::ONE)];
        assert!(harness.attempt(&changes).is_some());
        let outcome = prove_and_verify(&circuit.data, harness.changed(&changes));
        assert!(matches!(outcome, Outcome::Refused(_)), "{outcome:?}");
    }
}

#[test]
fn regenerated_witness_follows_its_inputs() {
    let circuit = circuit(40, false);
    let checker = Checker::new(&circuit.data);
    let (two, six) = (F::TWO, F::from_canonical_u64(6));
    let witness = regenerate(&circuit.data, &circuit.inputs, &[(circuit.preimage[0], two)]).unwrap();
    assert_eq!(witness.get_target(circuit.product), F::from_canonical_u64(10));
    checker.check(&witness).unwrap();
    // A quotient that is wrong contradicts the value it is connected to.
    assert!(regenerate(&circuit.data, &circuit.inputs, &[(circuit.quotient, six)]).is_none());
}

#[test]
#[should_panic(expected = "mutations were accepted")]
fn unexcused_mutations_are_reported() {
    let mut builder = Builder::new(config(40));
    let a = builder.add_virtual_target();
    let square = builder.square(a);
    builder.connect(square, a);
    let mut inputs = PartialWitness::new();
    inputs.set_target(a, F::ONE).unwrap();
    let data = builder.build::<EnfoldConfig>();
    let checker = Checker::new(&data);
    let witness = generate_partial_witness(inputs, &data.prover_only, &data.common).unwrap();
    let mut harness = Harness::new(&checker, witness).unwrap();
    // a = a^2 leaves 0 and 1.
    harness.each(&[checker.class_of(a)], 3).assert_only(|_| false);
}
