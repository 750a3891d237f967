//! Honest proofs verify, and every forged witness breaks a constraint. Over toy batches.

use super::RecursionSize;
use super::toy::{FAMILY, HONEST};

/// Rows in use and degree. A change of the toys, the gates or the parameters shows here; measure before
/// the numbers are changed, because a degree is a doubling of all proving.
#[test]
fn sizes() {
    let family = &*FAMILY;
    assert_eq!(family.lift.size, RecursionSize { rows: 2226, degree_bits: 12 });
    assert_eq!(family.fold.size, RecursionSize { rows: 3444, degree_bits: 12 });
    assert_eq!(family.block.size, RecursionSize { rows: 1167, degree_bits: 11 });
}

#[test]
fn honest_proofs_verify() {
    let (family, honest) = (&*FAMILY, &*HONEST);
    for lift in &honest.lifts {
        family.lift.data.verify(lift.clone()).unwrap();
    }
    family.fold.data.verify(honest.fold.clone()).unwrap();
    family.block.data.verify(honest.block.clone()).unwrap();
}
