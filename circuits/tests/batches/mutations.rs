//! Changes of honest witnesses, wire by wire and in pairs: all are refused, but of wires that are free by design.
//!
//! One kind of wire is: the inverse of a fee that is zero. `charged = fee inverse` is zero whatever it is, and
//! nothing else depends on it.

use std::collections::HashSet;

use enfold_circuits::batch::{BatchCircuit, PathsTargets};
use enfold_circuits::check::Checker;
use enfold_circuits::config::F;
use enfold_circuits::mutate::{Harness, Outcome, prove_and_verify};
use enfold_witness::batch::{BatchWitness, Paths};
use enfold_witness::profile::BatchId;
use plonky2::field::types::Field;
use plonky2::iop::target::Target;

use crate::bank::{SET, circuit, only};
use crate::honest::block;
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
    let witness = only(&block(), batch);
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
fn debit_many_accepts_nothing() {
    harness_accepts_nothing(BatchId::DebitMany, true, 20_000);
}

#[test]
fn debit_few_accepts_nothing() {
    harness_accepts_nothing(BatchId::DebitFew, false, 20_000);
}

/// Every wire, and pairs.
#[test]
fn credit_many_accepts_nothing() {
    harness_accepts_nothing(BatchId::CreditMany, true, 20_000);
}

#[test]
fn credit_few_accepts_nothing() {
    harness_accepts_nothing(BatchId::CreditFew, false, 20_000);
}

/// plonky2 and the checker agree: what the checker accepts is proven and says the same; what it refuses
/// is refused.
#[test]
fn stock_prover_agrees() {
    let circuit = circuit(BatchId::DebitMany);
    let witness = only(&block(), BatchId::DebitMany);
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
