//! The gadget: native signatures through its rows, and in a circuit.

use std::array::from_fn;

use enfold_circuits::check::{Checker, Violation};
use enfold_circuits::config::{Builder, CircuitData, EnfoldConfig, F};
use enfold_circuits::convert::{from_digest, from_native_array};
use enfold_circuits::gadgets::schnorr::{ROWS, SignatureTargets, Signatures, verify};
use enfold_circuits::gates::curve::{self, CurveGate};
use enfold_circuits::gates::row::RowGate;
use enfold_circuits::gates::signature::SignatureGate;
use enfold_circuits::mutate::{Harness, Outcome, prove_and_verify};
use enfold_circuits::params::{Params, stock};
use enfold_circuits::serialization::{Gates, Generators};
use enfold_state::ecgfp5::walk::{Walk, constants};
use enfold_state::ecgfp5::{Challenge, Fp5, Point, Scalar};
use enfold_state::field;
use enfold_state::keys::{self, PublicKey, SecretKey, Signature, padding_key};
use enfold_state::kind::FamilyId;
use enfold_state::leaf::LeafIndex;
use enfold_state::message::Op;
use enfold_state::nonce::{Nonce, NonceKey};
use enfold_state::owner::L1Owner;
use enfold_state::profile::ProfileId;
use enfold_state::transaction::Transaction;
use plonky2::field::types::Field;
use plonky2::iop::generator::generate_partial_witness;
use plonky2::iop::target::Target;
use plonky2::iop::witness::{PartialWitness, PartitionWitness, Witness, WitnessWrite};
use rand::Rng;
use rayon::prelude::*;

use crate::support::{broken, point, put, random_base, random_element, rng, signature_row};

/// The constraint that notices a signature that is not valid.
const MISMATCH: &str = "exit: w x_R = y_R";

pub fn random_transaction(rng: &mut impl Rng) -> Transaction {
    Transaction {
        op: Op::Transfer,
        chain_id: rng.gen_range(1..1 << 63),
        from: LeafIndex(rng.gen_range(0..1 << 30)),
        nonce: Nonce::new(rng.r#gen(), NonceKey::ALL[rng.gen_range(0..2)]),
        to_address: enfold_state::hash::Digest(from_fn(|_| random_base(rng))),
        asset: rng.r#gen(),
        amount: rng.gen_range(1..1 << 62),
        fee: rng.gen_range(0..1 << 62),
        memo: rng.gen_range(0..field::ORDER),
        target: rng.gen_range(0..1 << 54),
        valid_until: rng.r#gen(),
    }
}

/// A key, a transaction and a signature, valid or not.
#[derive(Clone, Copy)]
pub struct Case {
    pub key: PublicKey,
    pub owner: L1Owner,
    pub transaction: Transaction,
    pub signature: Signature,
}

impl Case {
    pub fn random(rng: &mut impl Rng) -> Self {
        let secret = SecretKey::random(&mut crate::support::rng(rng.r#gen()));
        let transaction = random_transaction(rng);
        let signature = secret.sign(&transaction.elements());
        Self { key: secret.public_key(), owner: L1Owner::new(rng.r#gen()), transaction, signature }
    }

    pub fn is_valid(&self) -> bool {
        keys::verify(&self.key, &self.transaction.elements(), &self.signature).is_ok()
    }

    pub fn challenge(&self) -> Challenge {
        keys::challenge(self.signature.r, &self.key, &self.transaction.elements())
    }

    /// The same with one thing changed that the signature depends on.
    fn spoilt(&self, rng: &mut impl Rng) -> Self {
        let mut case = *self;
        let other = Self::random(rng);
        let (old, signature) = (self.transaction, &mut case.signature);
        let transaction = &mut case.transaction;
        match rng.gen_range(0..19) {
            0 => transaction.op = Op::Fee,
            1 => transaction.chain_id ^= 1,
            2 => transaction.from = LeafIndex(old.from.0 ^ 1),
            3 => transaction.nonce = Nonce::from_u64(old.nonce.to_u64() ^ 1).unwrap(),
            4 => transaction.to_address.0[rng.gen_range(0..4)] += field::ONE,
            5 => transaction.asset ^= 1 << 31,
            6 => transaction.amount ^= 1 << rng.gen_range(1..62),
            7 => transaction.fee ^= 1,
            8 => transaction.memo = (old.memo + 1) % field::ORDER,
            9 => signature.s = signature.s + Scalar::ONE,
            10 => signature.s = -signature.s,
            11 => signature.r = -signature.r,
            12 => signature.r = other.signature.r,
            13 => signature.r = Fp5::ZERO,
            14 => case.key = other.key,
            15 => transaction.nonce = Nonce::from_u64(old.nonce.to_u64() ^ 1 << 32).unwrap(),
            16 => transaction.target ^= 1 << rng.gen_range(0..54),
            17 => transaction.valid_until ^= 1 << rng.gen_range(0..32),
            _ => case.key = PublicKey::from_point(&self.key.point().neg()).unwrap(),
        }
        case
    }

    /// All rows of the two gates, filled natively; the names of what they break.
    fn broken(&self) -> Vec<&'static str> {
        let challenge = self.challenge();
        let key = self.key.affine();
        let walk = Walk::new(key, &self.signature.s, &challenge).unwrap();
        let mut names = broken::<SignatureGate>(&signature_row(
            self.key.encoding(),
            key,
            challenge.halves(),
            walk.end(),
            self.signature.r,
        ));
        let mut integer = 0u64;
        for (i, row) in walk.rows.iter().enumerate() {
            // Runs of 30 and 36 digits: 5 rows, 6 rows, and again.
            integer = if [0, 5, 11, 16].contains(&i) { 0 } else { integer };
            let mut wires = vec![F::ZERO; CurveGate::WIRES];
            for (first, (x, y)) in
                [(curve::POINT_IN, row.entry), (curve::POINT_OUT, row.exit), (curve::KEY, key)]
            {
                put(&mut wires, first, x);
                put(&mut wires, first + 5, y);
            }
            wires[curve::INTEGER_IN] = F::from_canonical_u64(integer);
            integer = row.steps.iter().fold(integer, |integer, step| 2 * integer + u64::from(step.key));
            wires[curve::INTEGER_OUT] = F::from_canonical_u64(integer);
            wires[curve::slope(0, 0)..].copy_from_slice(&curve::fill(row));
            names.extend(broken::<CurveGate>(&wires));
        }
        names
    }
}

#[test]
fn ten_thousand_signatures_hold() {
    (0..10_000u64).into_par_iter().for_each(|seed| {
        assert_eq!(Case::random(&mut rng(seed)).broken(), [""; 0], "seed {seed}");
    });
}

#[test]
fn a_thousand_mutated_signatures_do_not() {
    (0..1_000u64).into_par_iter().for_each(|seed| {
        let mut rng = rng(seed);
        let case = Case::random(&mut rng).spoilt(&mut rng);
        assert!(!case.is_valid(), "seed {seed}");
        assert_eq!(case.broken(), [MISMATCH], "seed {seed}");
    });
}

/// A circuit that checks one signature and publishes the address.
pub struct One {
    pub data: CircuitData,
    signature: SignatureTargets,
    record: [Target; Transaction::LEN],
}

impl One {
    pub fn new() -> Self {
        let mut builder = Builder::new(stock(&Params::of(ProfileId::Test).families[FamilyId::FIRST].config));
        let signature = SignatureTargets::new(&mut builder);
        let record = builder.add_virtual_target_arr();
        let mut signatures = Signatures::default();
        let address = verify(&mut builder, &mut signatures, &signature, record);
        assert_eq!(builder.num_gates(), ROWS);
        signatures.finish(&mut builder);
        builder.register_public_inputs(&address.elements);
        Self { data: builder.build::<EnfoldConfig>(), signature, record }
    }

    pub fn inputs(&self, case: &Case) -> PartialWitness<F> {
        let mut witness = PartialWitness::new();
        self.signature.set(&mut witness, &case.key, case.owner, &case.signature).unwrap();
        let record = from_native_array(case.transaction.elements());
        witness.set_target_arr(&self.record, &record).unwrap();
        witness
    }

    pub fn witness(&self, case: &Case) -> anyhow::Result<PartitionWitness<'_, F>> {
        generate_partial_witness(self.inputs(case), &self.data.prover_only, &self.data.common)
    }
}

fn name(violation: &Violation) -> &str {
    match violation {
        Violation::Constraint { constraint, .. } => constraint,
        Violation::Copy { .. } => "copy",
    }
}

#[test]
fn a_signature_is_proven() {
    let one = One::new();
    let case = Case::random(&mut rng(1));
    let proof = one.data.prove(one.inputs(&case)).unwrap();
    assert_eq!(proof.public_inputs, from_digest(case.key.address(case.owner)).elements);
    one.data.verify(proof).unwrap();
}

/// The address is that of key and owner: with another owner, it is another's.
#[test]
fn an_owner_is_part_of_the_address() {
    let one = One::new();
    let case = Case::random(&mut rng(8));
    let none = Case { owner: L1Owner::NONE, ..case };
    let published = |case: &Case| {
        let witness = one.witness(case).unwrap();
        witness.get_targets(&one.data.prover_only.public_inputs)
    };
    for case in [case, none] {
        assert!(case.is_valid());
        assert_eq!(published(&case), from_digest(case.key.address(case.owner)).elements);
    }
    assert_ne!(published(&case), published(&none));
}

#[test]
fn a_stored_circuit_proves_as_well() {
    let bytes = One::new().data.to_bytes(&Gates, &Generators).unwrap();
    let one = One { data: CircuitData::from_bytes(&bytes, &Gates, &Generators).unwrap(), ..One::new() };
    let case = Case::random(&mut rng(2));
    one.data.verify(one.data.prove(one.inputs(&case)).unwrap()).unwrap();
}

#[test]
fn circuit_and_native_agree() {
    let one = One::new();
    let checker = Checker::new(&one.data);
    let mut rng = rng(3);
    for i in 0..200 {
        let case = Case::random(&mut rng);
        assert!(checker.check(&one.witness(&case).unwrap()).is_ok(), "case {i}");
        let spoilt = case.spoilt(&mut rng);
        let violations = checker.check(&one.witness(&spoilt).unwrap()).unwrap_err().0;
        assert!(
            !violations.is_empty() && violations.iter().all(|v| name(v).starts_with(MISMATCH)),
            "case {i}"
        );
    }
    let transaction = random_transaction(&mut rng);
    let signature = padding_key().sign(&transaction.elements());
    let (key, owner) = (padding_key().public_key(), L1Owner::NONE);
    let padding = Case { key, owner, transaction, signature };
    assert!(checker.check(&one.witness(&padding).unwrap()).is_ok());
}

#[test]
fn extreme_challenges_and_responses_are_walked() {
    // These are no valid signatures, but the walk's rows, the split and the key must hold all the same.
    let key = padding_key().public_key().affine();
    let top = field::reduce(field::ORDER - 1);
    for s in [Scalar::ZERO, Scalar::ONE, -Scalar::ONE] {
        for (h0, h1) in [(field::ZERO, field::ZERO), (top, top), (field::ZERO, top)] {
            let challenge = Challenge::new(h0, h1);
            let walk = Walk::new(key, &s, &challenge).unwrap();
            let sum = point(walk.end()).add(&point(constants().end).neg());
            let row = signature_row(
                padding_key().public_key().encoding(),
                key,
                challenge.halves(),
                walk.end(),
                sum.encode(),
            );
            assert_eq!(broken::<SignatureGate>(&row), [""; 0]);
        }
    }
}

#[test]
fn false_signatures_have_no_proof() {
    let one = One::new();
    let mut rng = rng(4);
    let case = Case::random(&mut rng);
    let other = Case::random(&mut rng);
    let cases = [
        Case { transaction: other.transaction, ..case },
        Case { key: other.key, ..case },
        Case { signature: Signature { s: other.signature.s, ..case.signature }, ..case },
        Case { signature: Signature { r: other.signature.r, ..case.signature }, ..case },
    ];
    for (i, case) in cases.iter().enumerate() {
        let outcome = prove_and_verify(&one.data, one.witness(case).unwrap());
        assert!(matches!(outcome, Outcome::Refused(_)), "case {i}");
    }
}

#[test]
fn what_encodes_no_point_has_no_witness() {
    let one = One::new();
    let mut rng = rng(5);
    let case = Case::random(&mut rng);
    let mut invalid = std::iter::repeat_with(|| random_element(&mut rng));
    let w = invalid.find(|&w| Point::decode(w).is_none()).unwrap();
    for w in [w, Fp5::ZERO] {
        let mut inputs = one.inputs(&case);
        inputs.target_values.extend(one.signature.key.into_iter().zip(from_native_array(w.0)));
        assert!(generate_partial_witness(inputs, &one.data.prover_only, &one.data.common).is_err());
    }
}

/// A key that is made from the walk's start meets an exceptional addition, whatever is signed.
#[test]
fn a_key_along_a_relation_has_no_witness() {
    let one = One::new();
    let case = Case::random(&mut rng(6));
    for start in [point(constants().start), point(constants().start).neg()] {
        let key = PublicKey::from_point(&start).unwrap();
        assert!(one.witness(&Case { key, ..case }).is_err());
    }
}

#[test]
fn no_wire_is_free() {
    let one = One::new();
    let checker = Checker::new(&one.data);
    let case = Case::random(&mut rng(7));
    let mut harness = Harness::new(&checker, one.witness(&case).unwrap()).unwrap();
    let classes = harness.classes().to_vec();
    assert!(classes.len() > 3000, "{} classes", classes.len());
    let report = harness.each(&classes, 1);
    report.assert_only(|_| false);
    harness.sample(10_000, 2).assert_only(|_| false);
}
