//! Makes the proofs of a block with its circuits, and says what is wrong where one fails.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use enfold_circuits::block::BlockOpening;
use enfold_circuits::check::Violations;
use enfold_circuits::circuit_set::CircuitSet;
use enfold_circuits::config::Proof;
use enfold_circuits::fold::Child;
use enfold_state::profile::BatchId;
use enfold_verifier::verify::encode;
use enfold_witness::batch::BatchWitness;
use enfold_witness::step::check_batch;
use enfold_witness::witness::BlockWitness;

use crate::diagnose::violations;
use crate::error::ProveError;
use crate::events::{Event, Observer};
use crate::job::Job;
use crate::kept::KeptProofs;
use crate::scheduler::Runner;

/// Makes the proofs of one block.
pub(crate) struct BlockProver<'a> {
    pub circuits: &'a CircuitSet,
    pub witness: &'a BlockWitness,
    /// Whether batch witnesses are checked natively before they are proven.
    pub check: bool,
    /// Where finished proofs are kept.
    pub kept: Option<&'a KeptProofs>,
    /// Is told of proofs that could not be kept.
    pub observer: Observer<'a>,
}

impl Runner for BlockProver<'_> {
    type Proof = Proof;
    type Error = ProveError;

    fn run(&self, job: Job, children: Vec<(Job, Proof)>) -> Result<Proof, ProveError> {
        let proof = self.prove(job, &children)?;
        self.keep(job, &proof, &children);
        Ok(proof)
    }

    fn panicked(&self, job: Job, message: String) -> ProveError {
        ProveError::Panicked { job, message }
    }

    fn stopped(&self, left: usize) -> ProveError {
        ProveError::Stopped { left }
    }
}

impl BlockProver<'_> {
    fn prove(&self, job: Job, children: &[(Job, Proof)]) -> Result<Proof, ProveError> {
        let failed = |source| ProveError::Recursion { job, source: Box::new(source) };
        match job {
            Job::Batch { number, .. } => self.batch(number, &self.witness.batches[number]),
            Job::Lift { .. } => {
                let children = kinds(job, children, batch_kind)?;
                self.circuits.prove_lift(&children).map_err(failed)
            }
            Job::Fold { .. } => {
                let children = kinds(job, children, child_kind)?;
                self.circuits.prove_fold(&children).map_err(failed)
            }
            Job::Block => {
                let children = kinds(job, children, child_kind)?;
                let opening = BlockOpening::from(self.witness);
                self.circuits.prove_block(&children, &opening).map_err(failed)
            }
        }
    }

    /// Keeps a proof for a later run, should this one be interrupted. A failure to keep it is no reason to lose it.
    fn keep(&self, job: Job, proof: &Proof, children: &[(Job, Proof)]) {
        let Some(kept) = self.kept else { return };
        let bytes = match job {
            Job::Block => encode(self.circuits.id(), proof),
            _ => proof.to_bytes(),
        };
        let children: Vec<_> = children.iter().map(|(child, _)| *child).collect();
        if let Err(error) = kept.keep(job, &bytes, &children) {
            (self.observer)(&Event::NotKept { job, reason: error.to_string() });
        }
    }
}

fn batch_kind(job: Job) -> Option<BatchId> {
    if let Job::Batch { batch, .. } = job { Some(batch) } else { None }
}

fn child_kind(job: Job) -> Option<Child> {
    match job {
        Job::Lift { family, .. } => Some(Child::Lift(family)),
        Job::Fold { .. } => Some(Child::Fold),
        Job::Batch { .. } | Job::Block => None,
    }
}

/// The children with what the circuit calls them.
fn kinds<K>(
    job: Job,
    children: &[(Job, Proof)],
    kind: impl Fn(Job) -> Option<K>,
) -> Result<Vec<(K, &Proof)>, ProveError> {
    let known: Vec<_> = children.iter().filter_map(|(child, proof)| Some((kind(*child)?, proof))).collect();
    match children.len() - known.len() {
        0 => Ok(known),
        got => Err(ProveError::Children { job, got }),
    }
}

impl BlockProver<'_> {
    /// Proves a batch. If that fails, the witness is held against the rules and against the circuit, to say why.
    fn batch(&self, number: usize, witness: &BatchWitness) -> Result<Proof, ProveError> {
        let batch = witness.batch;
        let rule = |source| ProveError::Rule { number, batch, source: Box::new(source) };
        let profile = self.circuits.params().id.profile();
        if self.check {
            check_batch(profile, witness).map_err(rule)?;
        }
        // plonky2 panics where a witness does not satisfy the circuit.
        let result = catch_unwind(AssertUnwindSafe(|| self.circuits.prove_batch(witness)));
        if let Ok(Ok(proof)) = result {
            return Ok(proof);
        }
        check_batch(profile, witness).map_err(rule)?;
        if let Err(violations) = self.check_circuit(witness) {
            return Err(ProveError::Unsatisfied { number, batch, violations });
        }
        match result {
            Ok(proof) => {
                proof.map_err(|source| ProveError::Batch { number, batch, source: Box::new(source) })
            }
            Err(payload) => resume_unwind(payload),
        }
    }

    /// Checks every constraint of the circuit. A witness that cannot even be filled in is no business of this check.
    fn check_circuit(&self, witness: &BatchWitness) -> Result<(), Violations> {
        let Ok(circuit) = self.circuits.batch(witness.batch) else { return Ok(()) };
        match circuit.fill(witness, self.circuits.set()) {
            Ok(inputs) => violations(&circuit.data, inputs),
            Err(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use enfold_fixtures::world::{World, WorldSpec};
    use enfold_state::profile::ProfileId;
    use enfold_witness::batch::Paths;

    use super::*;
    use crate::cache::circuits;
    use crate::events::ignore;
    use crate::prove::prepare_block;

    /// What the rules would not say is said by gate and row.
    #[test]
    fn violations_name_gates() {
        let circuits = circuits(ProfileId::Test);
        let mut world = World::new(WorldSpec::default());
        let block = world.block(3);
        let options = Default::default();
        let prepared = prepare_block(ProfileId::Test, world.ledger(), &block, &options, &ignore).unwrap();
        let witness = &prepared.witness;
        let prover = BlockProver { circuits, witness, check: false, kept: None, observer: &ignore };
        let mut batch = prepared.witness.batches[0].clone();
        prover.check_circuit(&batch).unwrap();
        let Paths::Debit(paths) = &mut batch.paths else { panic!("debits come first") };
        // An amount of zero, rightly signed: out of its range, and the next path opens another root.
        let mut transaction = paths[0].legs[0].signed.transaction;
        transaction.amount = 0;
        paths[0].legs[0].signed = world.owner(paths[0].index).unwrap().sign_transaction(transaction);
        let text = prover.check_circuit(&batch).unwrap_err().to_string();
        assert!(text.contains("gate Range:") && text.contains("gate Poseidon2:"), "{text}");
    }
}
