//! Lies: batch witnesses that break a rule, told as consistently as a prover could tell them. All wires that
//! follow from a changed one are computed anew by the circuit's own generators.

use std::collections::BTreeSet;

use enfold_circuits::batch::BatchCircuit;
use enfold_circuits::check::{Checker, Violation, check_witness};
use enfold_circuits::config::{CircuitData, F};
use enfold_circuits::fill::FillError;
use enfold_circuits::public_inputs::BatchPublicInputs;
use enfold_state::field::to_u64;
use enfold_state::hash::Digest;
use enfold_witness::batch::{BatchWitness, CreditPath, DebitPath, Paths};
use plonky2::field::types::Field;
use plonky2::hash::hash_types::HashOutTarget;
use plonky2::iop::generator::GeneratedValues;
use plonky2::iop::target::Target;
use plonky2::iop::witness::{PartialWitness, PartitionWitness, Witness};

use crate::bank::{Bank, SET, circuit, opened};
use crate::record;

/// Names of gates and their constraints that lies meet.
pub mod broken {
    pub const RANGE: &str = "Range: value is the sum of its digits";
    pub const PATH_RANGE: &str = "Path: value is the sum of its digits";
    pub const INDEX: &str = "Path: index is the sum of its bits";
    pub const SELECT: &str = "Select: result is off + flag (on - off)";
    pub const SIGNATURE: &str = "CurveSignature: exit: w x_R = y_R";
    pub const BOOLEAN: &str = "LogUp: flag is boolean";
    pub const GAMMA: &str = "LogUp: (gamma - f(m)) inverse is one";
    pub const HASH: &str = "Poseidon2: output";
    pub const BIT: &str = "Poseidon2: swap is boolean";
    /// A condition on the results of arithmetic operations.
    pub const ARITHMETIC: &str = "Arithmetic";
}

/// A batch of a bank, to be changed: natively first, then wire by wire.
pub struct Lie {
    pub bank: Bank,
    pub witness: BatchWitness,
    honest: BatchWitness,
    wires: Vec<(Target, F)>,
}

impl Lie {
    pub fn new(bank: Bank, witness: BatchWitness) -> Self {
        Self { bank, honest: witness.clone(), witness, wires: Vec::new() }
    }

    pub fn circuit(&self) -> &'static BatchCircuit {
        circuit(self.witness.batch)
    }

    /// The last path of a debit batch.
    pub fn debit(&mut self) -> &mut DebitPath {
        match &mut self.witness.paths {
            Paths::Debit(paths) => paths.last_mut().unwrap(),
            Paths::Credit(_) => unreachable!("a debit batch"),
        }
    }

    /// The last path of a credit batch.
    pub fn credit(&mut self) -> &mut CreditPath {
        match &mut self.witness.paths {
            Paths::Credit(paths) => paths.last_mut().unwrap(),
            Paths::Debit(_) => unreachable!("a credit batch"),
        }
    }

    /// The siblings of a path.
    pub fn siblings(&self, path: usize) -> Vec<Digest> {
        let mut walk = self.witness.siblings.walk();
        for _ in 0..path {
            walk.step();
        }
        walk.step().unwrap().to_vec()
    }

    /// Signs the transaction of a leg of the last path again, by an account's key.
    pub fn sign(&mut self, leg: usize, account: usize) {
        let transaction = self.debit().legs[leg].signed.transaction;
        self.debit().legs[leg].signed = self.bank.keys[account].sign_transaction(transaction);
    }

    /// Gives an input wire another value.
    pub fn set(&mut self, target: Target, value: F) {
        self.wires.push((target, value));
    }

    /// Gives four input wires another value.
    pub fn set_digest(&mut self, target: HashOutTarget, digest: Digest) {
        self.wires.extend(target.elements.into_iter().zip(digest.0.map(|e| number(to_u64(e)))));
    }

    /// The last row of a gate of which this holds, given the honest wires.
    pub fn row(&self, gate: &str, is: impl Fn(&[F]) -> bool) -> usize {
        let checker = Checker::new(&self.circuit().data);
        let witness = self.honest();
        let mut rows = (0..checker.num_rows()).rev().filter(|&row| checker.gate_name(row) == gate);
        let found = rows.find(|&row| is(&wires(&checker, &witness, row)));
        found.expect("the honest witness has such a row")
    }

    /// The honest wires of a row.
    pub fn honest_row(&self, row: usize) -> Vec<F> {
        wires(&Checker::new(&self.circuit().data), &self.honest(), row)
    }

    fn honest(&self) -> PartitionWitness<'static, F> {
        generate(
            &self.circuit().data,
            self.circuit().fill(&self.honest, SET).expect("the honest witness fits"),
        )
    }

    /// Adds to the honest value of a row's wire.
    pub fn add(&mut self, row: usize, column: usize, value: F) {
        let honest = self.honest_row(row)[column];
        self.set(Target::wire(row, column), honest + value);
    }

    /// Gives the result of a named operation another value.
    pub fn tell(&mut self, name: &str, value: F) {
        let places = opened(self.witness.batch).places(name);
        places.into_iter().for_each(|place| self.set(place, value));
    }

    /// The same for the last of the operations alone.
    pub fn tell_last(&mut self, name: &str, value: F) {
        let place = opened(self.witness.batch).places(name).pop().expect("the circuit has such an operation");
        self.set(place, value);
    }

    fn inputs(&self) -> Result<PartialWitness<F>, FillError> {
        let mut inputs = self.circuit().fill(&self.witness, SET)?;
        inputs.target_values.extend(self.wires.iter().copied());
        Ok(inputs)
    }

    /// Requires the witness not to fit the circuit at all.
    #[track_caller]
    pub fn does_not_fit(self) -> FillError {
        self.inputs().expect_err("the witness fits")
    }

    /// Gate and constraint of each violation that the row checker finds, each pair once.
    pub fn violations(&self) -> BTreeSet<String> {
        let data = &self.circuit().data;
        let inputs = self.inputs().expect("the witness fits");
        let found = if record::contradicts(data, &inputs) {
            BTreeSet::from([record::TWO_VALUES.to_owned()])
        } else {
            let violations = check_witness(data, &generate(data, inputs.clone())).err();
            violations.map_or(Vec::new(), |violations| violations.0).into_iter().map(name).collect()
        };
        if !found.is_empty() {
            let honest = self.circuit().fill(&self.honest, SET).expect("the honest witness fits");
            record::tell("batches", opened(self.witness.batch), data, &honest, &inputs);
        }
        found
    }

    /// What the proof would say, were it made.
    pub fn published(&self) -> BatchPublicInputs {
        let data = &self.circuit().data;
        let witness = generate(data, self.inputs().expect("the witness fits"));
        BatchPublicInputs::from_elements(&witness.get_targets(&data.prover_only.public_inputs)).unwrap()
    }

    /// Requires the row checker to find violations of exactly these constraints.
    #[track_caller]
    pub fn breaks(self, expected: &[&str]) {
        let found = self.violations();
        assert!(!found.is_empty(), "the lie is accepted");
        assert_eq!(found.iter().map(String::as_str).collect::<Vec<_>>(), expected);
    }

    /// Requires the row checker to find nothing.
    #[track_caller]
    pub fn holds(&self) {
        let found = self.violations();
        assert!(found.is_empty(), "{found:?}");
    }
}

fn wires(checker: &Checker<'_>, witness: &PartitionWitness<'_, F>, row: usize) -> Vec<F> {
    let value = |column| witness.values[checker.class(row, column)].unwrap_or(F::ZERO);
    (0..checker.num_wires()).map(value).collect()
}

pub fn number(integer: u64) -> F {
    F::from_canonical_u64(integer)
}

fn name(violation: Violation) -> String {
    let Violation::Constraint { gate, constraint, .. } = violation else {
        unreachable!("connected wires share one value here")
    };
    match gate.strip_prefix("ArithmeticGate") {
        // The number of the operation depends on the layout.
        Some(_) => broken::ARITHMETIC.to_owned(),
        None => format!("{gate}: {}", constraint.split('[').next().unwrap_or_default()),
    }
}

/// A witness from these inputs by the circuit's generators, right or wrong: where plonky2 would stop at a
/// conflict or at a generator that fails, the first value stays and the others go on. So a lie is told as
/// consistently as the circuit's own computation allows.
pub fn generate(data: &CircuitData, inputs: PartialWitness<F>) -> PartitionWitness<'_, F> {
    let (prover, common) = (&data.prover_only, &data.common);
    let (num_wires, degree) = (common.config.num_wires, common.degree());
    let mut witness = PartitionWitness::new(num_wires, degree, &prover.representative_map);
    for (target, value) in inputs.target_values {
        let class = witness.representative_map[target.index(num_wires, degree)];
        witness.values[class].get_or_insert(value);
    }
    let mut pending: Vec<usize> = (0..prover.generators.len()).collect();
    let mut done = vec![false; pending.len()];
    let mut buffer = GeneratedValues::empty();
    while !pending.is_empty() {
        let mut next = Vec::new();
        for index in pending {
            if done[index] {
                continue;
            }
            done[index] = prover.generators[index].0.run(&witness, &mut buffer);
            for (target, value) in buffer.target_values.drain(..) {
                let class = witness.representative_map[target.index(num_wires, degree)];
                if witness.values[class].is_none() {
                    witness.values[class] = Some(value);
                    next.extend(prover.generator_indices_by_watches.get(&class).into_iter().flatten());
                }
            }
        }
        pending = next;
    }
    witness
}
