//! The row checker: every gate constraint on every row, natively, without a proof.
//!
//! It serves tests, the mutation harness ([`crate::mutate`]) and the messages of failing proofs. Lookup
//! arguments are not checked: no circuit here has any.

use std::fmt;

use plonky2::field::types::{Field, PrimeField64};
use plonky2::gates::gate::GateRef;
use plonky2::gates::public_input::PublicInputGate;
use plonky2::hash::hash_types::HashOut;
use plonky2::iop::target::Target;
use plonky2::iop::witness::{PartitionWitness, Witness};
use plonky2::plonk::circuit_data::ProverOnlyCircuitData;
use plonky2::plonk::config::Hasher;
use plonky2::plonk::vars::EvaluationVarsBaseBatch;

use crate::config::{CircuitData, CommonCircuitData, D, EnfoldConfig, F};
use crate::gates::constraint_names;
use crate::hash::Poseidon2Hash;
use crate::operations::operation;

/// What a selector polynomial holds on a row of another selector's gate.
const UNUSED_SELECTOR: u64 = u32::MAX as u64;

/// Rows that are evaluated at once.
const BATCH_ROWS: usize = 64;

/// Something that is wrong with a witness.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Violation {
    /// A gate constraint is not zero.
    Constraint {
        /// Row of the gate.
        row: usize,
        /// The gate's name.
        gate: String,
        /// The constraint's name; its index for plonky2's own gates.
        constraint: String,
        /// Its value.
        got: u64,
    },
    /// Two connected wires differ.
    Copy {
        /// Row and column of the first wire of the class.
        first: (usize, usize),
        /// Row and column of the wire that differs.
        second: (usize, usize),
        /// The first wire's value.
        expected: u64,
        /// The second wire's value.
        got: u64,
    },
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Constraint { row, gate, constraint, got } => {
                write!(f, "row {row}, gate {gate}: expected \"{constraint}\" to be 0, got {got}")
            }
            Self::Copy { first, second, expected, got } => write!(
                f,
                "row {}, column {} is connected to row {}, column {}: expected {expected}, got {got}",
                second.0, second.1, first.0, first.1
            ),
        }
    }
}

/// A witness that does not satisfy its circuit. The message lists the first few violations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violations(pub Vec<Violation>);

impl fmt::Display for Violations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 8;
        write!(f, "the witness breaks {} constraints", self.0.len())?;
        self.0.iter().take(SHOWN).try_for_each(|violation| write!(f, "; {violation}"))?;
        if self.0.len() > SHOWN { write!(f, "; ...") } else { Ok(()) }
    }
}

impl std::error::Error for Violations {}

/// Checks a witness; for many witnesses of a circuit, keep a [`Checker`].
///
/// # Errors
/// The violations, by gate and row.
pub fn check_witness(data: &CircuitData, witness: &PartitionWitness<F>) -> Result<(), Violations> {
    Checker::new(data).check(witness)
}

/// A gate of the circuit.
struct GateInfo {
    gate: GateRef<F, D>,
    name: String,
    wires: usize,
    /// Names of its constraints.
    constraints: Vec<String>,
}

/// A circuit laid out for checking: which gate and constants each row has.
pub struct Checker<'c> {
    prover: &'c ProverOnlyCircuitData<F, EnfoldConfig, D>,
    gates: Vec<GateInfo>,
    /// Index of each row's gate.
    rows: Vec<u32>,
    /// The constants of each row, `constants_per_row` of them.
    constants: Vec<F>,
    constants_per_row: usize,
    num_wires: usize,
    num_routed_wires: usize,
}

impl fmt::Debug for Checker<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.gates.iter().map(|gate| &gate.name).collect::<Vec<_>>();
        f.debug_struct("Checker").field("rows", &self.rows.len()).field("gates", &names).finish()
    }
}

impl<'c> Checker<'c> {
    /// Lays out a circuit.
    ///
    /// # Panics
    /// If the circuit was built without its constants (`mock_build`).
    pub fn new(data: &'c CircuitData) -> Self {
        Self::from_parts(&data.prover_only, &data.common)
    }

    /// Lays out a circuit given in its parts.
    ///
    /// # Panics
    /// If the circuit was built without its constants (`mock_build`).
    pub fn from_parts(
        prover: &'c ProverOnlyCircuitData<F, EnfoldConfig, D>,
        common: &CommonCircuitData,
    ) -> Self {
        let polynomials = &prover.constants_sigmas_commitment.polynomials;
        assert!(!polynomials.is_empty(), "the circuit was built without its constants");
        let column = |index: usize| polynomials[index].clone().fft().values;
        let selectors = common.selectors_info.num_selectors();
        let mut rows = vec![None; common.degree()];
        for selector in 0..selectors {
            for (row, value) in rows.iter_mut().zip(column(selector)) {
                let value = value.to_canonical_u64();
                if selectors == 1 || value != UNUSED_SELECTOR {
                    *row = u32::try_from(value).ok();
                }
            }
        }
        let rows = rows.into_iter().map(|row| row.expect("every row has a gate")).collect();
        let first_constant = selectors + common.num_lookup_selectors;
        let constants_per_row = common.num_constants - first_constant;
        let mut constants = vec![F::ZERO; constants_per_row * common.degree()];
        for index in 0..constants_per_row {
            let values = column(first_constant + index);
            let cells = constants.iter_mut().skip(index).step_by(constants_per_row);
            cells.zip(values).for_each(|(cell, value)| *cell = value);
        }
        let gates = common.gates.iter().map(|gate| GateInfo {
            gate: gate.clone(),
            name: gate.0.id(),
            wires: gate.0.num_wires(),
            constraints: constraint_names(gate),
        });
        Self {
            prover,
            gates: gates.collect(),
            rows,
            constants,
            constants_per_row,
            num_wires: common.config.num_wires,
            num_routed_wires: common.config.num_routed_wires,
        }
    }

    /// Rows of the circuit.
    pub fn num_rows(&self) -> usize {
        self.rows.len()
    }

    /// Columns of the circuit.
    pub fn num_wires(&self) -> usize {
        self.num_wires
    }

    /// The name of the gate on a row.
    pub fn gate_name(&self, row: usize) -> &str {
        &self.gate(row).name
    }

    /// How many columns the gate on a row uses; the others are not constrained by it.
    pub fn gate_wires(&self, row: usize) -> usize {
        self.gate(row).wires
    }

    /// The columns of the operation that a wire belongs to, where the gate on its row has several.
    pub fn operation(&self, row: usize, column: usize) -> Option<Vec<usize>> {
        operation(&self.gate(row).gate, column)
    }

    /// The class (index of the representative) that a wire's value is kept under.
    pub fn class(&self, row: usize, column: usize) -> usize {
        self.prover.representative_map[row * self.num_wires + column]
    }

    /// The class of a target.
    pub fn class_of(&self, target: Target) -> usize {
        self.prover.representative_map[target.index(self.num_wires, self.rows.len())]
    }

    /// The classes of the public inputs.
    pub fn public_classes(&self) -> impl Iterator<Item = usize> {
        self.prover.public_inputs.iter().map(|&target| self.class_of(target))
    }

    /// The row that holds the hash of the public inputs.
    pub fn public_input_row(&self) -> Option<usize> {
        let is_public = |gate: &GateInfo| gate.gate.0.as_any().is::<PublicInputGate>();
        self.rows.iter().position(|&gate| is_public(&self.gates[gate as usize]))
    }

    fn gate(&self, row: usize) -> &GateInfo {
        &self.gates[self.rows[row] as usize]
    }

    /// The hash that the rows' public input gate is compared with. A value that is not set counts as zero,
    /// here and everywhere, as it does in the prover.
    pub fn public_inputs_hash(&self, witness: &PartitionWitness<F>) -> HashOut<F> {
        let inputs = self.prover.public_inputs.iter();
        let inputs = inputs.map(|&target| witness.try_get_target(target).unwrap_or(F::ZERO));
        Poseidon2Hash::hash_no_pad(&inputs.collect::<Vec<_>>())
    }

    /// Checks all rows. Connected wires share one value in this form, so there is no copy to check.
    ///
    /// # Errors
    /// The violations, by gate and row.
    pub fn check(&self, witness: &PartitionWitness<F>) -> Result<(), Violations> {
        let hash = self.public_inputs_hash(witness);
        let mut violations = Vec::new();
        self.check_all_rows(&|row, column| self.value(witness, row, column), &hash, &mut violations);
        if violations.is_empty() { Ok(()) } else { Err(Violations(violations)) }
    }

    /// Checks all rows and all copies of a full matrix.
    ///
    /// # Errors
    /// The violations: gates by row, then copies.
    pub fn check_matrix(&self, matrix: &Matrix) -> Result<(), Violations> {
        let hash = Poseidon2Hash::hash_no_pad(&matrix.public_inputs);
        let mut violations = Vec::new();
        self.check_all_rows(&|row, column| matrix.columns[column][row], &hash, &mut violations);
        let mut first_of_class = vec![None; self.prover.representative_map.len()];
        for row in 0..self.num_rows() {
            for column in 0..self.num_routed_wires {
                let first = *first_of_class[self.class(row, column)].get_or_insert((row, column));
                let (expected, got) = (matrix.columns[first.1][first.0], matrix.columns[column][row]);
                if expected != got {
                    let (expected, got) = (expected.to_canonical_u64(), got.to_canonical_u64());
                    violations.push(Violation::Copy { first, second: (row, column), expected, got });
                }
            }
        }
        if violations.is_empty() { Ok(()) } else { Err(Violations(violations)) }
    }

    /// The first violation on some rows; `hash` is from [`Checker::public_inputs_hash`].
    pub fn first_violation(
        &self,
        witness: &PartitionWitness<F>,
        hash: &HashOut<F>,
        rows: impl IntoIterator<Item = usize>,
    ) -> Option<Violation> {
        let value = |row, column| self.value(witness, row, column);
        rows.into_iter().find_map(|row| {
            let results = self.evaluate(self.rows[row] as usize, &[row], &value, hash);
            let index = results.iter().position(|&result| result != F::ZERO)?;
            Some(self.violation(row, index, results[index]))
        })
    }

    fn value(&self, witness: &PartitionWitness<F>, row: usize, column: usize) -> F {
        witness.values[self.class(row, column)].unwrap_or(F::ZERO)
    }

    fn check_all_rows(
        &self,
        value: &impl Fn(usize, usize) -> F,
        hash: &HashOut<F>,
        violations: &mut Vec<Violation>,
    ) {
        for gate in 0..self.gates.len() {
            let rows = (0..self.num_rows()).filter(|&row| self.rows[row] as usize == gate);
            for batch in rows.collect::<Vec<_>>().chunks(BATCH_ROWS) {
                let results = self.evaluate(gate, batch, value, hash);
                for (i, &row) in batch.iter().enumerate() {
                    for (index, &got) in results.iter().skip(i).step_by(batch.len()).enumerate() {
                        if got != F::ZERO {
                            violations.push(self.violation(row, index, got));
                        }
                    }
                }
            }
        }
    }

    /// Values of a gate's constraints on some of its rows: constraint `j` on the row `rows[i]` is at
    /// `j * rows.len() + i`.
    fn evaluate(
        &self,
        gate: usize,
        rows: &[usize],
        value: &impl Fn(usize, usize) -> F,
        hash: &HashOut<F>,
    ) -> Vec<F> {
        let gate = &self.gates[gate];
        if gate.constraints.is_empty() {
            return Vec::new();
        }
        let mut wires = Vec::with_capacity(gate.wires * rows.len());
        for column in 0..gate.wires {
            wires.extend(rows.iter().map(|&row| value(row, column)));
        }
        let mut constants = Vec::with_capacity(self.constants_per_row * rows.len());
        for index in 0..self.constants_per_row {
            constants.extend(rows.iter().map(|&row| self.constants[row * self.constants_per_row + index]));
        }
        gate.gate.0.eval_unfiltered_base_batch(EvaluationVarsBaseBatch::new(
            rows.len(),
            &constants,
            &wires,
            hash,
        ))
    }

    fn violation(&self, row: usize, index: usize, got: F) -> Violation {
        let GateInfo { name, constraints, .. } = self.gate(row);
        Violation::Constraint {
            row,
            gate: name.clone(),
            constraint: constraints[index].clone(),
            got: got.to_canonical_u64(),
        }
    }
}

/// A witness as the prover commits to it, one value a wire, together with claimed public inputs.
#[derive(Clone, Debug)]
pub struct Matrix {
    /// Columns of the matrix, each with one value a row.
    pub columns: Vec<Vec<F>>,
    /// The public inputs that the proof would claim.
    pub public_inputs: Vec<F>,
}

impl Matrix {
    /// The matrix of a witness of this circuit.
    pub fn new(checker: &Checker<'_>, witness: &PartitionWitness<F>) -> Self {
        let column =
            |column| (0..checker.num_rows()).map(|row| checker.value(witness, row, column)).collect();
        let inputs = checker.prover.public_inputs.iter();
        let inputs = inputs.map(|&target| witness.try_get_target(target).unwrap_or(F::ZERO));
        Self { columns: (0..checker.num_wires).map(column).collect(), public_inputs: inputs.collect() }
    }
}
