//! Changes of honest witnesses, wire by wire and in pairs: all are refused, but of wires that are free by design.
//!
//! One kind of wire is: the inverse of a fee that is zero. `charged = fee inverse` is zero whatever it is, and
//! nothing else depends on it.

use std::collections::HashSet;

use enfold_circuits::batch::BatchCircuit;
use enfold_circuits::check::Checker;
use enfold_circuits::config::{Builder, EnfoldConfig, F};
use enfold_circuits::kind::PathsTargets;
use enfold_circuits::mutate::{Harness, Outcome, Site, prove_and_verify};
use enfold_circuits::params::{Params, stock};
use enfold_state::kind::{FamilyId, KindId};
use enfold_state::profile::{BatchId, ProfileId};
use enfold_witness::batch::{BatchWitness, Paths};
use plonky2::field::types::Field;
use plonky2::iop::target::Target;
use plonky2::iop::witness::{PartialWitness, WitnessWrite};

use crate::bank::{SET, circuit, only, profile};
use crate::honest::{block, one};
use crate::lie::{generate, number};

/// The wires that are free in this batch.
fn free(circuit: &BatchCircuit, witness: &BatchWitness) -> Vec<Target> {
    let (PathsTargets::Debit(targets), Paths::Debit(paths)) = (&circuit.targets().paths, &witness.paths)
    else {
        return Vec::new();
    };
    let targets = targets.iter().flat_map(|path| &path.legs);
    let legs = targets.zip(paths.iter().flat_map(|path| &path.legs));
    legs.filter(|(_, leg)| leg.signed.transaction.fee == 0).map(|(target, _)| target.fee_inverse).collect()
}

fn harness_accepts_nothing(batch: BatchId, everywhere: bool, sample: usize) {
    let circuit = circuit(batch);
    let witness = one(batch);
    let checker = Checker::new(&circuit.data);
    let free = free(circuit, &witness).into_iter().map(|target| checker.class_of(target));
    let free: HashSet<usize> = free.collect();
    let generated = generate(&circuit.data, circuit.fill(&witness, SET).unwrap());
    let mut harness = Harness::new(&checker, generated).unwrap();
    let mut reports = vec![harness.sample(sample, 1)];
    if everywhere {
        let classes = harness.classes().to_vec();
        reports.push(harness.each(&classes, 2));
    }
    for report in reports {
        assert!(report.tried >= sample);
        report.assert_only(|site| free.contains(&checker.class(site.row, site.column)));
    }
}

/// Every wire, and pairs.
#[test]
fn debit_wide_accepts_nothing() {
    harness_accepts_nothing(BatchId::DebitWide, true, 20_000);
}

#[test]
fn debit_deep_accepts_nothing() {
    harness_accepts_nothing(BatchId::DebitDeep, false, 20_000);
}

/// Every wire, and pairs.
#[test]
fn credit_wide_accepts_nothing() {
    harness_accepts_nothing(BatchId::CreditWide, true, 20_000);
}

#[test]
fn credit_deep_accepts_nothing() {
    harness_accepts_nothing(BatchId::CreditDeep, false, 20_000);
}

/// Every wire, and pairs.
#[test]
fn debit_small_accepts_nothing() {
    harness_accepts_nothing(BatchId::DebitSmall, true, 2_000);
}

/// Every wire, and pairs.
#[test]
fn credit_small_accepts_nothing() {
    harness_accepts_nothing(BatchId::CreditSmall, true, 2_000);
}

/// How many inputs no gate reads: the ten parts of each signature's response, which the rows of the walk have in digits.
fn unread(batch: BatchId) -> usize {
    if batch.kind() == KindId::Debit { 10 * profile().shape(batch).capacity() } else { 0 }
}

/// Every other input and all that is public is read by some gate. What none reads, and operations that are idle, change
/// nothing.
#[test]
fn wires_that_are_left_out_have_no_effect() {
    for batch in BatchId::ALL {
        let circuit = circuit(batch);
        let inputs = circuit.fill(&one(batch), SET).unwrap();
        let checker = Checker::new(&circuit.data);
        let classes: Vec<_> = inputs.target_values.keys().map(|&target| checker.class_of(target)).collect();
        let harness = Harness::new(&checker, generate(&circuit.data, inputs)).unwrap();
        let read: HashSet<_> = harness.classes().iter().copied().collect();
        let found = classes.iter().filter(|&class| !read.contains(class)).count();
        assert_eq!(found, unread(batch), "{}: inputs that nothing reads", batch.name());
        assert!(checker.public_classes().all(|class| read.contains(&class)), "{}", batch.name());
        assert!(!harness.idle().is_empty() && !harness.unread().is_empty());
        let changes: Vec<_> =
            (1..).map(number).zip(harness.unread()).map(|(value, class)| (class, value)).collect();
        assert!(checker.check(&harness.changed(&changes)).is_ok(), "{}", batch.name());
        for &class in harness.idle() {
            assert!(!harness.is_set(class));
        }
    }
}

/// A target without a constraint is found, though nothing sets it.
#[test]
fn a_wire_without_a_constraint_is_found() {
    let mut builder = Builder::new(stock(&Params::of(ProfileId::Test).families[FamilyId::FIRST].config));
    let [x, forgotten] = builder.add_virtual_target_arr();
    builder.mul(x, forgotten);
    builder.register_public_input(x);
    let data = builder.build::<EnfoldConfig>();
    let mut inputs = PartialWitness::new();
    inputs.set_target(x, F::ZERO).unwrap();
    let checker = Checker::new(&data);
    let mut harness = Harness::new(&checker, generate(&data, inputs)).unwrap();
    let class = checker.class_of(forgotten);
    assert!(!harness.is_set(class));
    let classes = harness.classes().to_vec();
    let report = harness.each(&classes, 1);
    let is_forgotten = |site: &Site| checker.class(site.row, site.column) == class;
    assert!(report.accepted.iter().any(|mutation| mutation.0[0].sites.iter().any(is_forgotten)));
    report.assert_only(is_forgotten);
}

/// plonky2 and the checker agree: what the checker accepts is proven and says the same; what it refuses
/// is refused.
#[test]
fn stock_prover_agrees() {
    let circuit = circuit(BatchId::DebitWide);
    let witness = only(&block(), BatchId::DebitWide);
    let generated = generate(&circuit.data, circuit.fill(&witness, SET).unwrap());
    let checker = Checker::new(&circuit.data);
    let harness = Harness::new(&checker, generated).unwrap();
    let PathsTargets::Debit(paths) = &circuit.targets().paths else { unreachable!("a debit circuit") };
    let honest = circuit.prove(&witness, SET).unwrap();

    let free = free(circuit, &witness);
    let changed = harness.changed(&[(checker.class_of(free[0]), number(5))]);
    let Outcome::Accepted(proof) = prove_and_verify(&circuit.data, changed) else {
        panic!("the inverse of a fee that is zero is free")
    };
    assert_eq!(proof.public_inputs, honest.public_inputs);

    let leg = &paths[0].legs[0];
    for target in [leg.live, leg.amount, leg.to, leg.fee_inverse, paths[0].position.index] {
        let class = checker.class_of(target);
        let changed = harness.changed(&[(class, harness.value(class) + F::ONE)]);
        let outcome = prove_and_verify(&circuit.data, changed);
        assert!(matches!(outcome, Outcome::Refused(_)), "{target:?}");
    }
}
