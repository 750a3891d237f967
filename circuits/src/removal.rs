//! Leaving named constraints out, for the test that does so one by one (`circuits/tests/removal`).
//!
//! A circuit that is built in [`opened`] has none of the copy constraints that [`crate::constraint`] names; its rows are
//! the same. [`Opened`] completes witnesses of it and lists the names of all constraints that one breaks: gates'
//! constraints, definitions, and copies that differ. A witness that breaks the constraints of one name and no others is
//! one that the circuit without them accepts.
//!
//! None of this is in a build without the feature `removal`.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::fmt;

use plonky2::field::types::Field;
use plonky2::iop::generator::GeneratedValues;
use plonky2::iop::target::Target;
use plonky2::iop::wire::Wire;
use plonky2::iop::witness::{PartialWitness, PartitionWitness};
use plonky2::plonk::circuit_data::VerifierCircuitTarget;
use plonky2::plonk::proof::ProofWithPublicInputsTarget;

use crate::check::{Checker, Violation, Violations};
use crate::config::{Builder, CircuitData, CommonCircuitData, D, F};
use crate::constraint::Constrain;

pub use enfold_verifier::removal::{Copy, Names, opened};

/// A proof and a key that are required to be the given ones, all of them virtual targets. So the circuit's rows
/// are the same.
pub(crate) fn twins(
    builder: &mut Builder,
    [proof_name, key_name]: [&'static str; 2],
    proof: &ProofWithPublicInputsTarget<D>,
    key: &VerifierCircuitTarget,
    common: &CommonCircuitData,
) -> (ProofWithPublicInputsTarget<D>, VerifierCircuitTarget) {
    let index = |target: &Target| match *target {
        Target::VirtualTarget { index } => index,
        Target::Wire(wire) => unreachable!("a proof's targets are virtual, got {wire:?}"),
    };
    let first = index(&builder.add_virtual_target()) + 1;
    let proof_twin = builder.add_virtual_proof_with_pis(common);
    // The targets of a proof are consecutive, the public inputs last.
    let last = |proof: &ProofWithPublicInputsTarget<D>| index(proof.public_inputs.last().expect("has some"));
    let (end, twin_end) = (last(proof), last(&proof_twin));
    for twin in first..=twin_end {
        let [value, place] = [twin + end - twin_end, twin].map(|index| Target::VirtualTarget { index });
        builder.require(proof_name, value, place);
    }
    let key_twin = builder.add_virtual_verifier_data(common.config.fri_config.cap_height);
    let hashes = |key: &VerifierCircuitTarget| {
        let cap = key.constants_sigmas_cap.0.iter().copied();
        cap.chain([key.circuit_digest]).flat_map(|hash| hash.elements).collect::<Vec<_>>()
    };
    builder.require_all(key_name, hashes(key), hashes(&key_twin));
    (proof_twin, key_twin)
}

/// A circuit that was built in [`opened`].
pub struct Opened<'c> {
    data: &'c CircuitData,
    checker: Checker<'c>,
    copies: Vec<Copy>,
    /// The definition that each operation, given by row and place on it, is.
    operations: HashMap<(usize, usize), &'static str>,
    /// Outputs of definitions.
    outputs: HashMap<&'static str, Vec<Target>>,
    /// Copies that fill their place, by the class of the value.
    copies_of: HashMap<usize, Vec<usize>>,
}

impl fmt::Debug for Opened<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened").field("copies", &self.copies.len()).finish_non_exhaustive()
    }
}

/// Wires of an operation of plonky2's arithmetic gate; the last is its result.
const OPERATION: usize = 4;

impl<'c> Opened<'c> {
    /// A circuit and what it names.
    ///
    /// # Panics
    /// If one operation has two names.
    pub fn new(data: &'c CircuitData, names: Names) -> Self {
        let checker = Checker::new(data);
        let Names { copies, definitions } = names;
        let mut operations = HashMap::new();
        let mut outputs: HashMap<_, Vec<_>> = HashMap::new();
        for (name, target) in definitions {
            // An operation on constants does not count.
            let Target::Wire(Wire { row, column }) = target else { continue };
            let other = operations.insert((row, column / OPERATION), name);
            assert!(other.is_none_or(|other| other == name), "{other:?} is also {name}");
            outputs.entry(name).or_default().push(target);
        }
        let mut copies_of: HashMap<_, Vec<_>> = HashMap::new();
        for (i, copy) in copies.iter().enumerate().filter(|(_, copy)| copy.fills) {
            copies_of.entry(checker.class_of(copy.value)).or_default().push(i);
        }
        Self { data, checker, copies, operations, outputs, copies_of }
    }

    /// The names of all copy constraints and definitions.
    pub fn names(&self) -> BTreeSet<String> {
        let copies = self.copies.iter().map(|copy| copy.name.clone());
        copies.chain(self.outputs.keys().map(|&name| name.to_owned())).collect()
    }

    /// The copy constraints.
    pub fn copies(&self) -> &[Copy] {
        &self.copies
    }

    /// Where the constraints of a name leave the prover free once they are out: places of copies, results of
    /// operations.
    pub fn places(&self, name: &str) -> Vec<Target> {
        let copies = self.copies.iter().filter(|copy| copy.name == name).map(|copy| copy.place);
        copies.chain(self.outputs.get(name).into_iter().flatten().copied()).collect()
    }

    /// The value at a target.
    pub fn value(&self, witness: &PartitionWitness<'_, F>, target: Target) -> F {
        witness.values[self.checker.class_of(target)].unwrap_or(F::ZERO)
    }

    /// Whether this circuit, with all copy constraints that it names put back, connects just what another does.
    pub fn closes_to(&self, full: &Checker<'_>) -> bool {
        let wires = || {
            let routed = self.data.common.config.num_routed_wires;
            (0..full.num_rows()).flat_map(move |row| (0..routed).map(move |column| Target::wire(row, column)))
        };
        // Each class of the opened circuit with the classes that are joined to it.
        let mut joined: HashMap<usize, Vec<usize>> = HashMap::new();
        for copy in &self.copies {
            let [a, b] = [copy.value, copy.place].map(|side| self.checker.class_of(side));
            joined.entry(a).or_default().push(b);
            joined.entry(b).or_default().push(a);
        }
        let mut component: HashMap<usize, usize> = HashMap::new();
        let mut of = |class: usize| {
            let mut waiting = vec![class];
            while let Some(next) = waiting.pop() {
                if component.contains_key(&next) {
                    continue;
                }
                component.insert(next, class);
                waiting.extend(joined.get(&next).into_iter().flatten());
            }
            component[&class]
        };
        let pairs = wires().map(|wire| (of(self.checker.class_of(wire)), full.class_of(wire)));
        let pairs: BTreeSet<_> = pairs.collect();
        let count = |classes: BTreeSet<usize>| classes.len();
        count(pairs.iter().map(|pair| pair.0).collect()) == pairs.len()
            && count(pairs.iter().map(|pair| pair.1).collect()) == pairs.len()
    }

    /// Completes inputs to a witness: first come the `pins`, then the inputs, then what generators compute, and what
    /// all of this leaves of places without a value gets the value that it should have. The first value of a wire stays.
    pub fn complete(&self, pins: &[(Target, F)], inputs: &PartialWitness<F>) -> PartitionWitness<'c, F> {
        let mut inputs: Vec<_> =
            inputs.target_values.iter().map(|(&target, &value)| (target, value)).collect();
        inputs.sort_by_key(|&(target, _)| self.checker.class_of(target));
        let given = pins.iter().copied().chain(inputs);
        complete(self.data, &self.checker, given, |class| {
            let copies = self.copies_of.get(&class).into_iter().flatten();
            copies.map(|&i| self.copies[i].place).collect()
        })
    }

    /// The names of all constraints that a witness of the opened circuit breaks.
    pub fn broken(&self, witness: &PartitionWitness<'_, F>) -> BTreeSet<String> {
        let violations = self.checker.check(witness).err().map_or(Vec::new(), |violations| violations.0);
        let gates = violations.iter().map(|violation| self.name(violation));
        let differ = |copy: &&Copy| self.value(witness, copy.value) != self.value(witness, copy.place);
        gates.chain(self.copies.iter().filter(differ).map(|copy| copy.name.clone())).collect()
    }

    /// The names of all constraints that these inputs, completed as well as it goes, break in the circuit itself.
    pub fn broken_in(&self, full: &CircuitData, inputs: &PartialWitness<F>) -> BTreeSet<String> {
        let checker = Checker::new(full);
        let mut inputs: Vec<_> =
            inputs.target_values.iter().map(|(&target, &value)| (target, value)).collect();
        inputs.sort_by_key(|&(target, _)| self.checker.class_of(target));
        let witness = complete(full, &checker, inputs.into_iter(), |_| Vec::new());
        let Err(Violations(violations)) = checker.check(&witness) else { return BTreeSet::new() };
        violations.iter().map(|violation| self.name(violation)).collect()
    }

    /// Gate and constraint, without the index among constraints of one name; the name of a definition.
    fn name(&self, violation: &Violation) -> String {
        let Violation::Constraint { row, gate, constraint, .. } = violation else {
            unreachable!("connected wires share one value here")
        };
        let kind = gate.split([' ', '{', '<', '(']).next().unwrap_or(gate);
        match constraint.strip_prefix("constraint ").map(str::parse) {
            Some(Ok(place)) if kind == "ArithmeticGate" => match self.operations.get(&(*row, place)) {
                Some(&name) => name.to_owned(),
                None => "plonky2: arithmetic".to_owned(),
            },
            Some(_) => format!("plonky2: {kind}"),
            None => format!("{gate}: {}", constraint.split('[').next().unwrap_or_default()),
        }
    }
}

/// Runs a circuit's generators until nothing follows any more, then copies one value to a place that was disconnected, and
/// so on.
fn complete<'c>(
    data: &'c CircuitData,
    checker: &Checker<'_>,
    given: impl Iterator<Item = (Target, F)>,
    places_of: impl Fn(usize) -> Vec<Target>,
) -> PartitionWitness<'c, F> {
    let (prover, common) = (&data.prover_only, &data.common);
    let mut witness =
        PartitionWitness::new(common.config.num_wires, common.degree(), &prover.representative_map);
    let mut pending: Vec<usize> = (0..prover.generators.len()).collect();
    let mut done = vec![false; pending.len()];
    let mut waiting: VecDeque<(usize, Target)> = VecDeque::new();
    let mut buffer = GeneratedValues::empty();
    let set = |witness: &mut PartitionWitness<'c, F>, waiting: &mut VecDeque<_>, target, value| {
        let class = checker.class_of(target);
        if witness.values[class].is_some() {
            return Vec::new();
        }
        witness.values[class] = Some(value);
        waiting.extend(places_of(class).into_iter().map(|place| (class, place)));
        prover.generator_indices_by_watches.get(&class).cloned().unwrap_or_default()
    };
    for (target, value) in given {
        set(&mut witness, &mut waiting, target, value);
    }
    loop {
        while let Some(index) = pending.pop() {
            if done[index] {
                continue;
            }
            done[index] = prover.generators[index].0.run(&witness, &mut buffer);
            for (target, value) in buffer.target_values.drain(..) {
                pending.extend(set(&mut witness, &mut waiting, target, value));
            }
        }
        let Some((class, place)) = waiting.pop_front() else { return witness };
        let value = witness.values[class].expect("a class with a value waits");
        pending.extend(set(&mut witness, &mut waiting, place, value));
    }
}
