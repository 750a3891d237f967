//! The circuits with all named constraints out, and lies told to them.

use std::sync::LazyLock;

use enfold_state::kind::PerFamily;

use super::*;
use crate::block::BlockCircuit;
use crate::fold::FoldCircuit;
use crate::lift::LiftCircuit;
use crate::recursion::fill_dead;
use crate::recursion::toy;
use crate::removal::{Opened, opened};

pub static LIFT: LazyLock<Opened<'static>> = LazyLock::new(|| {
    let (params, common) = (toy::params(), &FAMILY.foreign.data.common);
    let (circuit, names) =
        opened(|| LiftCircuit::build(&params, FamilyId::Large, common, FAMILY.lift.batch_keys()));
    Opened::new(&Box::leak(Box::new(circuit.unwrap())).data, names)
});

pub static FOLD: LazyLock<Opened<'static>> = LazyLock::new(|| {
    let keys = FAMILY.lift_keys();
    let lifts = PerFamily::from_fn(|family| &keys[family]);
    let (circuit, names) = opened(|| FoldCircuit::build(&toy::params(), &lifts));
    Opened::new(&Box::leak(Box::new(circuit.unwrap())).data, names)
});

pub static BLOCK: LazyLock<Opened<'static>> = LazyLock::new(|| {
    let (circuit, names) =
        opened(|| BlockCircuit::build(&toy::params(), &FAMILY.lift.data.common, FAMILY.fold.keys()));
    Opened::new(&Box::leak(Box::new(circuit.unwrap())).data, names)
});

/// Two batches.
fn honest_lift() -> PartialWitness<F> {
    let slot = |(which, proof): &'static (usize, Proof)| SlotWitness {
        proof,
        key: &FAMILY.lift.batch_keys()[*which],
        live: F::ONE,
        which: *which,
    };
    let slots = HONEST.batches[..2].iter().map(slot).collect();
    FAMILY.lift.fill(&fill_dead(slots, 3), FAMILY.fold.set()).unwrap()
}

/// Both lifts.
fn honest_fold() -> PartialWitness<F> {
    let key = FAMILY.fold.key(FIRST);
    let slots = HONEST.lifts.iter().map(|proof| SlotWitness { proof, key, live: F::ONE, which: 0 }).collect();
    FAMILY.fold.fill(&fill_dead(slots, 3), FAMILY.fold.list()).unwrap()
}

fn honest_block() -> PartialWitness<F> {
    let opening = opening(&HONEST.states);
    FAMILY.block.fill(&whole(&HONEST.fold), &opening.statement(ProfileId::Test), &opening).unwrap()
}

/// Tells a lie to one of the family's circuits.
pub fn tell(data: &CircuitData, lie: &PartialWitness<F>) {
    let (opened, honest) = if std::ptr::eq(data, &FAMILY.lift.data) {
        (&*LIFT, honest_lift())
    } else if std::ptr::eq(data, &FAMILY.fold.data) {
        (&*FOLD, honest_fold())
    } else {
        assert!(std::ptr::eq(data, &FAMILY.block.data), "one of the family's circuits");
        (&*BLOCK, honest_block())
    };
    record::tell("recursion", opened, data, &honest, lie);
}

/// The table has the constraints that these circuits have.
#[test]
fn table_has_every_constraint() {
    let rows = record::table();
    for (name, circuit) in [("lift", &*LIFT), ("fold", &*FOLD), ("block", &*BLOCK)] {
        if record::enumerate(name, &circuit.names()) {
            continue;
        }
        let listed = rows.iter().filter(|row| row.circuits.iter().any(|circuit| circuit == name));
        let listed: std::collections::BTreeSet<_> = listed.map(|row| row.constraint.clone()).collect();
        assert_eq!(listed, circuit.names(), "{name}");
    }
}
