//! Rows with room for more than there is: what fills them up. The circuits of the profiles have few such rows or none.

use enfold_circuits::config::{CircuitData, EnfoldConfig, F};
use enfold_circuits::gates::logup::LogUpGate;
use enfold_circuits::removal::{Opened, opened};
use plonky2::field::types::Field;
use plonky2::iop::target::Target;
use plonky2::iop::witness::{PartialWitness, WitnessWrite};

use crate::record::{self, Excess};

fn build() -> (Excess, CircuitData) {
    let mut builder = enfold_circuits::config::Builder::new(crate::common::config(40));
    let excess = Excess::new(&mut builder);
    (excess, builder.build::<EnfoldConfig>())
}

/// A sum of one message, and a second one on its row that nobody sent.
#[test]
fn message_in_excess() {
    let (excess, full) = build();
    let ((_, open), names) = opened(build);
    let opened = Opened::new(&open, names);
    let mut honest = PartialWitness::new();
    for (i, &target) in excess.inputs.iter().enumerate() {
        honest.set_target(target, F::from_canonical_usize(3 + i)).unwrap();
    }
    honest.set_target(excess.flag, F::ONE).unwrap();
    assert!(opened.broken_in(&full, &honest).is_empty());
    let mut lie = honest.clone();
    lie.set_target(Target::wire(excess.logup_row, LogUpGate::flag(1)), F::ONE).unwrap();
    assert!(!opened.broken_in(&full, &lie).is_empty());
    record::tell("gates", &opened, &full, &honest, &lie);
}
