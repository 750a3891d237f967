//! Rows filled natively, and the names of the constraints that they break.

use enfold_circuits::config::F;
use enfold_circuits::convert::from_native_array;
use enfold_circuits::gates::arith::BaseArith;
use enfold_circuits::gates::row::{Constraints, RowGate, SliceRow};
use enfold_circuits::gates::signature::{EXIT, KEY, SPLIT, SignatureGate};
use enfold_circuits::gates::{exit, key, split};
use enfold_state::ecgfp5::walk::Affine;
use enfold_state::ecgfp5::{Fp5, Point, Scalar};
use enfold_state::field;
use plonky2::field::types::Field;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha20Rng;
use serde::Deserialize;

use crate::record;

/// `fixtures/ecgfp5.json`.
#[derive(Deserialize)]
pub struct Vectors {
    pub mulgen: Vec<Multiple>,
    pub add: Vec<Sum>,
    pub invalid_w: Vec<Fp5>,
}

/// `w` encodes `k G`.
#[derive(Deserialize)]
pub struct Multiple {
    pub k: Scalar,
    pub w: Fp5,
}

/// `w` encodes `a G + b G`.
#[derive(Deserialize)]
pub struct Sum {
    pub a: Scalar,
    pub b: Scalar,
    pub w: Fp5,
}

pub fn vectors() -> Vectors {
    serde_json::from_str(include_str!("../../../fixtures/ecgfp5.json")).unwrap()
}

pub fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

pub fn random_base(rng: &mut impl Rng) -> field::F {
    field::reduce(rng.r#gen())
}

pub fn random_element(rng: &mut impl Rng) -> Fp5 {
    Fp5(std::array::from_fn(|_| random_base(rng)))
}

pub fn random_point(rng: &mut impl Rng) -> Affine {
    let elements: [field::F; 7] = std::array::from_fn(|_| random_base(rng));
    Point::mul_generator(&Scalar::from_elements(&elements)).affine().unwrap()
}

pub fn point((x, y): Affine) -> Point {
    Point::from_affine(x, y).unwrap()
}

/// Sets an element's wires.
pub fn put(wires: &mut [F], first: usize, value: Fp5) {
    wires[first..first + 5].copy_from_slice(&from_native_array(value.0));
}

/// The names of the constraints that are not zero, each once.
pub fn broken<G: RowGate>(wires: &[F]) -> Vec<&'static str> {
    struct Broken(Vec<&'static str>);
    impl Constraints<F> for Broken {
        fn zero(&mut self, name: &'static str, value: F) {
            if value != F::ZERO && !self.0.contains(&name) {
                self.0.push(name);
            }
        }
    }
    let mut out = Broken(Vec::new());
    G::constraints(&mut BaseArith::<F>::default(), &SliceRow { wires, constants: &[] }, &mut out);
    if let [name] = out.0[..] {
        record::alone("signature", &format!("{}: {name}", G::NAME));
    }
    out.0
}

/// Every wire alone, plus one, times minus one and at random: something must break.
pub fn assert_every_wire_matters<G: RowGate>(wires: &[F], rng: &mut impl Rng) {
    assert_eq!(wires.len(), G::WIRES);
    assert_eq!(broken::<G>(wires), [""; 0]);
    for column in 0..G::WIRES {
        let value = wires[column];
        for other in [value + F::ONE, value.double() + F::ONE, F::from_noncanonical_u64(rng.r#gen())] {
            let mut wires = wires.to_vec();
            wires[column] = other;
            assert!(
                other == value || !broken::<G>(&wires).is_empty(),
                "column {column}: {other} for {value}"
            );
        }
    }
}

/// The row of the signature gate for a key, the challenge's elements, a last point and R.
pub fn signature_row(w: Fp5, (x, y): Affine, challenge: [u64; 2], last: Affine, r: Fp5) -> Vec<F> {
    let mut wires = vec![F::ZERO; SignatureGate::WIRES];
    for (integer, columns) in challenge.into_iter().zip(SPLIT) {
        put_split(&mut wires, columns, integer);
    }
    put(&mut wires, KEY.w, w);
    put(&mut wires, KEY.x, x);
    put(&mut wires, KEY.y, y);
    put(&mut wires, KEY.t, key::fill(x).unwrap());
    put(&mut wires, EXIT.point, last.0);
    put(&mut wires, EXIT.point + 5, last.1);
    put(&mut wires, EXIT.w, r);
    let [slope, inverse] = exit::fill(last).unwrap();
    put(&mut wires, EXIT.slope, slope);
    put(&mut wires, EXIT.inverse, inverse);
    wires
}

/// An element cut as the integer says, which need not be canonical.
pub fn put_split(wires: &mut [F], columns: split::Columns, integer: u64) {
    wires[columns.element] = F::from_noncanonical_u64(integer);
    let [lo, hi] = split::parts(integer);
    wires[columns.lo] = F::from_canonical_u64(lo);
    wires[columns.hi] = F::from_canonical_u64(hi);
    wires[columns.private..columns.private + split::PRIVATE].copy_from_slice(&split::fill(integer));
}
