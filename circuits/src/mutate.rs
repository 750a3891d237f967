//! The mutation harness: changes values of an honest witness and asks the row checker what it notices.
//!
//! A change is made to a class of connected wires, so copies always hold, and only the rows that the class
//! touches are checked again. Whatever is accepted must be a wire that is free by design; anything else is
//! a missing constraint.
//!
//! Wires that no generator set are changed as well: they count as zero until then, which is what a wire looks like
//! that should have a constraint and has none. Left out are the wires that have no effect by the layout alone:
//! those that no gate reads ([`Harness::unread`]), and idle operations ([`Harness::idle`]).

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use plonky2::field::types::{Field, Field64, PrimeField64};
use plonky2::hash::hash_types::HashOut;
use plonky2::iop::generator::generate_partial_witness;
use plonky2::iop::target::Target;
use plonky2::iop::witness::{PartialWitness, PartitionWitness};
use plonky2::plonk::prover::prove_with_partition_witness;
use plonky2::util::timing::TimingTree;

use crate::check::{Checker, Violation, Violations};
use crate::config::{CircuitData, F, Proof};

/// A wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// Its row.
    pub row: usize,
    /// Its column.
    pub column: usize,
    /// The name of the row's gate.
    pub gate: String,
}

/// A new value for a class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The class, as [`Checker::class`] gives it.
    pub class: usize,
    /// The honest value.
    pub from: u64,
    /// The new value.
    pub to: u64,
    /// The class's wires that gates use.
    pub sites: Vec<Site>,
}

/// Changes that were made together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mutation(pub Vec<Change>);

impl fmt::Display for Mutation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, Change { from, to, sites, .. }) in self.0.iter().enumerate() {
            let and = if i == 0 { "" } else { ", and " };
            write!(f, "{and}{from} to {to} in")?;
            for Site { row, column, gate } in sites.iter().take(4) {
                write!(f, " [row {row}, column {column}, gate {gate}]")?;
            }
            if sites.len() > 4 {
                write!(f, " and {} more", sites.len() - 4)?;
            }
        }
        Ok(())
    }
}

/// What became of a series of mutations.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// How many were tried.
    pub tried: usize,
    /// Those that the checker accepted.
    pub accepted: Vec<Mutation>,
}

impl Report {
    /// The accepted mutations that touch a wire which `free` does not allow.
    pub fn unexcused(&self, free: impl Fn(&Site) -> bool) -> Vec<&Mutation> {
        let excused = |mutation: &&Mutation| !mutation.0.iter().all(|change| change.sites.iter().all(&free));
        self.accepted.iter().filter(excused).collect()
    }

    /// Requires that all wires which accepted mutations touch are ones that `free` allows.
    ///
    /// # Panics
    /// With the first few that do not.
    pub fn assert_only(&self, free: impl Fn(&Site) -> bool) {
        let bad = self.unexcused(free);
        let shown = bad.iter().take(8).map(|mutation| format!("\n  {mutation}")).collect::<String>();
        assert!(bad.is_empty(), "{} of {} mutations were accepted:{shown}", bad.len(), self.tried);
    }
}

/// Whether stock plonky2 takes a witness.
#[derive(Debug)]
pub enum Outcome {
    /// It was proven, and the proof verifies.
    Accepted(Box<Proof>),
    /// The prover failed or panicked, or the verifier refused; with the message.
    Refused(String),
}

/// Proves a witness with stock plonky2 and verifies the proof; a panic counts as a refusal.
pub fn prove_and_verify(data: &CircuitData, witness: PartitionWitness<F>) -> Outcome {
    let run = || {
        let mut timing = TimingTree::default();
        let proof = prove_with_partition_witness(&data.prover_only, &data.common, witness, &mut timing)?;
        data.verify(proof.clone())?;
        anyhow::Ok(proof)
    };
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(proof)) => Outcome::Accepted(Box::new(proof)),
        Ok(Err(error)) => Outcome::Refused(error.to_string()),
        Err(_) => Outcome::Refused("panic".to_owned()),
    }
}

/// Generates the witness again with some inputs changed; `None` if that fails or panics.
pub fn regenerate<'c>(
    data: &'c CircuitData,
    inputs: &PartialWitness<F>,
    changes: &[(Target, F)],
) -> Option<PartitionWitness<'c, F>> {
    let mut inputs = inputs.clone();
    inputs.target_values.extend(changes.iter().copied());
    let run = || generate_partial_witness(inputs, &data.prover_only, &data.common);
    catch_unwind(AssertUnwindSafe(run)).ok()?.ok()
}

/// A small generator of pseudorandom numbers (SplitMix64), so that a seed names a series of mutations.
#[derive(Clone, Debug)]
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`. (Its slight bias does not matter here.)
    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn element(&mut self) -> F {
        F::from_noncanonical_u64(self.next())
    }
}

/// Steps and factors that break packed and split values: digits, bits, halves, packed fields.
const STEPS: [u64; 10] = [1, 2, 3, 4, 16, 1 << 8, 1 << 32, 1 << 36, 1 << 62, F::ORDER >> 1];

/// New values that are tried for every class, given the old one.
fn singles(x: F, random: &mut Random) -> [F; 8] {
    let step = F::from_canonical_u64(STEPS[random.below(STEPS.len())]);
    [x + F::ONE, x - F::ONE, x + step, F::ZERO, F::ONE, F::TWO, -x, random.element()]
}

/// A circuit, an honest witness, and the rows that each class touches.
#[derive(Clone)]
pub struct Harness<'c> {
    checker: &'c Checker<'c>,
    witness: PartitionWitness<'c, F>,
    hash: HashOut<F>,
    /// Wires of each class that gates use, by wire index: those of class `c` are
    /// `wires[starts[c]..starts[c + 1]]`.
    wires: Vec<u32>,
    starts: Vec<u32>,
    /// Classes with at least one wire that a gate uses, but for those of idle operations.
    classes: Vec<usize>,
    idle: Vec<usize>,
    public: Vec<usize>,
    public_row: Option<usize>,
}

impl fmt::Debug for Harness<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Harness").field("classes", &self.classes.len()).finish()
    }
}

impl<'c> Harness<'c> {
    /// A harness for an honest witness.
    ///
    /// # Errors
    /// If the witness is not honest: its violations.
    pub fn new(checker: &'c Checker<'c>, witness: PartitionWitness<'c, F>) -> Result<Self, Violations> {
        checker.check(&witness)?;
        let mut starts = vec![0u32; witness.values.len() + 1];
        let used = |visit: &mut dyn FnMut(usize, u32)| {
            for row in 0..checker.num_rows() {
                for column in 0..checker.gate_wires(row) {
                    visit(checker.class(row, column), (row * checker.num_wires() + column) as u32);
                }
            }
        };
        used(&mut |class, _| starts[class + 1] += 1);
        for class in 0..witness.values.len() {
            starts[class + 1] += starts[class];
        }
        let mut wires = vec![0; starts[witness.values.len()] as usize];
        let mut next = starts.clone();
        used(&mut |class, wire| {
            wires[next[class] as usize] = wire;
            next[class] += 1;
        });
        let classes = (0..witness.values.len()).filter(|&class| starts[class] < starts[class + 1]).collect();
        let (hash, public) = (checker.public_inputs_hash(&witness), checker.public_classes().collect());
        let (idle, public_row) = (Vec::new(), checker.public_input_row());
        let mut harness = Self { checker, witness, hash, wires, starts, classes, idle, public, public_row };
        let classes = std::mem::take(&mut harness.classes);
        (harness.idle, harness.classes) = classes.into_iter().partition(|&class| harness.is_idle(class));
        Ok(harness)
    }

    fn is_idle(&self, class: usize) -> bool {
        let is_alone = |class: usize| {
            !self.is_set(class) && self.class_wires(class).len() == 1 && !self.public.contains(&class)
        };
        let &[wire] = self.class_wires(class) else { return false };
        let (row, column) =
            (wire as usize / self.checker.num_wires(), wire as usize % self.checker.num_wires());
        let operation = self.checker.operation(row, column);
        operation.is_some_and(|columns| {
            columns.into_iter().all(|column| is_alone(self.checker.class(row, column)))
        })
    }

    /// The classes that can be changed: those of wires that a gate uses, whether they have a value or not, but for
    /// [`Harness::idle`].
    pub fn classes(&self) -> &[usize] {
        &self.classes
    }

    /// Whether a generator or an input has set a class. One that is not set counts as zero.
    pub fn is_set(&self, class: usize) -> bool {
        self.witness.values[class].is_some()
    }

    /// The classes that no gate reads: columns beyond a row's gate, and targets that were never used. They have no
    /// effect, unless they are public or an input that should have one.
    pub fn unread(&self) -> Vec<usize> {
        let count = self.witness.values.len();
        let is_class = |&class: &usize| self.witness.representative_map[class] == class;
        (0..count).filter(is_class).filter(|&class| self.class_wires(class).is_empty()).collect()
    }

    /// The classes of idle operations: on a row of several operations, one of which nothing has set any wire and none
    /// of whose wires is connected or public. It constrains nothing but its own wires.
    pub fn idle(&self) -> &[usize] {
        &self.idle
    }

    /// The changeable classes on some rows, each once.
    pub fn classes_on(&self, rows: impl IntoIterator<Item = usize>) -> Vec<usize> {
        let on_row =
            |row| (0..self.checker.gate_wires(row)).map(move |column| self.checker.class(row, column));
        let mut classes = rows.into_iter().flat_map(on_row).collect::<Vec<_>>();
        classes.sort_unstable();
        classes.dedup();
        classes.retain(|class| self.idle.binary_search(class).is_err());
        classes
    }

    /// The value of a class.
    pub fn value(&self, class: usize) -> F {
        self.witness.values[class].unwrap_or(F::ZERO)
    }

    /// The witness with some classes changed.
    pub fn changed(&self, changes: &[(usize, F)]) -> PartitionWitness<'c, F> {
        let mut witness = self.witness.clone();
        for &(class, value) in changes {
            witness.values[class] = Some(value);
        }
        witness
    }

    /// The witness with a mutation applied.
    pub fn mutated(&self, mutation: &Mutation) -> PartitionWitness<'c, F> {
        let changes = mutation.0.iter().map(|change| (change.class, F::from_canonical_u64(change.to)));
        self.changed(&changes.collect::<Vec<_>>())
    }

    /// The first violation that some changes cause; `None` if they are accepted.
    pub fn attempt(&mut self, changes: &[(usize, F)]) -> Option<Violation> {
        let old = changes.iter().map(|&(class, value)| self.witness.values[class].replace(value));
        let old = old.collect::<Vec<_>>();
        let publishes = changes.iter().any(|(class, _)| self.public.contains(class));
        let hash = if publishes { self.checker.public_inputs_hash(&self.witness) } else { self.hash };
        let public_row = self.public_row.filter(|_| publishes);
        let touched = changes.iter().flat_map(|&(class, _)| self.rows(class));
        let violation = self.checker.first_violation(&self.witness, &hash, touched.chain(public_row));
        for (&(class, _), old) in changes.iter().zip(old).rev() {
            self.witness.values[class] = old;
        }
        violation
    }

    /// Tries every kind of change on each of these classes alone.
    pub fn each(&mut self, classes: &[usize], seed: u64) -> Report {
        let mut random = Random(seed);
        let mut report = Report::default();
        for &class in classes {
            for value in singles(self.value(class), &mut random) {
                self.record(&[(class, value)], &mut report);
            }
        }
        report
    }

    /// Tries random changes: half of them to one class, half to two classes of a row together (moved by
    /// opposite, equal or scaled steps, or swapped).
    pub fn sample(&mut self, count: usize, seed: u64) -> Report {
        let mut random = Random(seed);
        let mut report = Report::default();
        while report.tried < count {
            let class = self.classes[random.below(self.classes.len())];
            let x = self.value(class);
            if random.next().is_multiple_of(2) {
                let values = singles(x, &mut random);
                self.record(&[(class, values[random.below(values.len())])], &mut report);
                continue;
            }
            let rows = self.starts[class] as usize..self.starts[class + 1] as usize;
            let row = self.wires[rows.start + random.below(rows.len())] as usize / self.checker.num_wires();
            let column = random.below(self.checker.gate_wires(row));
            let other = self.checker.class(row, column);
            if other == class || self.idle.binary_search(&other).is_ok() {
                continue;
            }
            let y = self.value(other);
            let mut pick = || F::from_canonical_u64(STEPS[random.below(STEPS.len())]);
            let (step, factor) = (pick(), pick());
            let (x, y) = match random.below(5) {
                0 => (x + step, y - step),
                1 => (x + step, y + step),
                2 => (x + step, y - step * factor),
                3 => (x - step * factor, y + step),
                _ => (y, x),
            };
            self.record(&[(class, x), (other, y)], &mut report);
        }
        report
    }

    /// Attempts changes that all are changes, and writes down the outcome.
    fn record(&mut self, changes: &[(usize, F)], report: &mut Report) {
        if changes.iter().any(|&(class, value)| self.value(class) == value) {
            return;
        }
        report.tried += 1;
        if self.attempt(changes).is_none() {
            report
                .accepted
                .push(Mutation(changes.iter().map(|&(class, to)| self.describe(class, to)).collect()));
        }
    }

    fn describe(&self, class: usize, to: F) -> Change {
        let site = |&wire: &u32| {
            let wire = wire as usize;
            let (row, column) = (wire / self.checker.num_wires(), wire % self.checker.num_wires());
            Site { row, column, gate: self.checker.gate_name(row).to_owned() }
        };
        let sites = self.class_wires(class).iter().map(site).collect();
        let from = self.value(class).to_canonical_u64();
        Change { class, from, to: to.to_canonical_u64(), sites }
    }

    fn class_wires(&self, class: usize) -> &[u32] {
        &self.wires[self.starts[class] as usize..self.starts[class + 1] as usize]
    }

    /// The rows that a class touches; wires are in order, so that a row's wires are next to each other.
    fn rows(&self, class: usize) -> impl Iterator<Item = usize> {
        let mut last = None;
        let rows = self.class_wires(class).iter().map(|&wire| wire as usize / self.checker.num_wires());
        rows.filter(move |&row| last.replace(row) != Some(row))
    }
}
