//! From a block to its proof.

use std::mem;
use std::time::{Duration, Instant};

use enfold_circuits::block::BlockOpening;
use enfold_circuits::circuit_set::CircuitSet;
use enfold_circuits::params::Params;
use enfold_state::block::{Block, BlockData};
use enfold_state::chain::BlockId;
use enfold_state::executor::{Execution, Rejection, execute};
use enfold_state::ledger::{Ledger, Prepared};
use enfold_state::profile::ProfileId;
use enfold_verifier::statement::BlockStatement;
use enfold_verifier::verify::{InnerKeys, VerifierKey, encode, verify_block};
use enfold_witness::plan::PlanReport;
use enfold_witness::witness::{BlockWitness, WitnessError, witness_block};

use crate::batch::BlockProver;
use crate::cache;
use crate::cost::{proof_memory, proofs_memory};
use crate::error::ProveError;
use crate::events::{Event, Observer};
use crate::graph::{Arities, Graph};
use crate::job::{Job, Reused, Stage};
use crate::kept::KeptProofs;
use crate::options::{ProveOptions, Workers, memory_short};
use crate::resume::{Resume, Resumed};
use crate::scheduler::{self, Limits};
use crate::spans;
use crate::stop::Stop;

/// A block that was executed and has its witnesses, but no proofs yet. Its seed is fixed.
#[derive(Clone, Debug)]
pub struct PreparedBlock {
    /// The profile that it was planned for.
    pub profile: ProfileId,
    /// What the block does.
    pub execution: Execution,
    /// The witnesses, and the plan.
    pub witness: BlockWitness,
    /// Figures of the plan.
    pub report: PlanReport,
    /// Time spent so far.
    pub timings: Timings,
}

/// A block with its proof, which has been verified.
#[derive(Clone, Debug)]
pub struct ProvenBlock {
    /// What the proof says.
    pub statement: BlockStatement,
    /// The proof file.
    pub proof: Vec<u8>,
    /// What the block publishes beside it.
    pub data: BlockData,
    /// What the block does; its writes lead to the new root.
    pub execution: Execution,
    /// What it writes, and the nodes over that: for a store, or [`Ledger::adopt`].
    pub prepared: Prepared,
    /// Figures of the plan.
    pub report: PlanReport,
    /// The kept proofs of an earlier run that were reused.
    pub reused: Reused,
    /// Time spent.
    pub timings: Timings,
}

impl ProvenBlock {
    /// The transactions that were left out.
    pub fn rejections(&self) -> &[Rejection] {
        &self.execution.rejections
    }
}

/// Time spent on a block.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Timings {
    /// Executing.
    pub execute: Duration,
    /// Planning and making witnesses.
    pub witness: Duration,
    /// Making all proofs, and before that verifying kept ones.
    pub prove: Duration,
    /// Verifying the block proof.
    pub verify: Duration,
    /// Each proof that was made, by itself, batches first; their sum is more than [`Timings::prove`], since they overlap.
    pub jobs: Vec<(Job, Duration)>,
}

impl Timings {
    /// All of it.
    pub fn total(&self) -> Duration {
        self.execute + self.witness + self.prove + self.verify
    }

    /// Number and summed time of the proofs of one stage.
    pub fn of_stage(&self, stage: Stage) -> (usize, Duration) {
        let of_stage = self.jobs.iter().filter(|(job, _)| job.stage() == stage);
        of_stage.fold((0, Duration::ZERO), |(count, sum), (_, elapsed)| (count + 1, sum + *elapsed))
    }
}

/// Executes a block on a state, plans it and makes its witnesses. The state stays as it is.
///
/// # Errors
/// If the block cannot be executed, or has invalid transactions and the options are strict, or a stop is requested.
pub fn prepare_block(
    profile: ProfileId,
    ledger: &Ledger,
    block: &Block,
    options: &ProveOptions,
    observer: Observer<'_>,
) -> Result<PreparedBlock, ProveError> {
    let _span = spans::prepare(block.chain_id, block.number).entered();
    let workers = Workers::new(options)?;
    let start = Instant::now();
    let executed = spans::execute().in_scope(|| workers.install(|| execute(ledger, block)));
    let execution = executed?;
    let execute = start.elapsed();
    observer(&Event::Executed {
        transactions: execution.debits.len(),
        rejected: execution.rejections.len(),
        messages: execution.emitted(),
        elapsed: execute,
    });
    if options.strict && !execution.rejections.is_empty() {
        return Err(ProveError::Rejected(execution.rejections));
    }

    if options.stop.is_some_and(Stop::requested) {
        // How many proofs are left only the plan says, which is not made any more.
        return Err(ProveError::Stopped { left: 0 });
    }

    let start = Instant::now();
    let sizes = profile.profile();
    let witness =
        spans::witness().in_scope(|| workers.install(|| witness_block(sizes, ledger, block, &execution)))?;
    // Found before the proofs, not after them.
    witness.prepared().map_err(WitnessError::from)?;
    let report = witness.plan.report(sizes);
    let timings = Timings { execute, witness: start.elapsed(), ..Timings::default() };
    observer(&Event::Witnessed { plan: report, elapsed: timings.witness });
    Ok(PreparedBlock { profile, execution, witness, report, timings })
}

impl PreparedBlock {
    /// What the proof of the block will say.
    pub fn statement(&self) -> BlockStatement {
        BlockOpening::from(&self.witness).statement(self.profile)
    }

    /// The proofs that the block takes; the last is its own.
    pub(crate) fn jobs(&self) -> Vec<Job> {
        self.graph().nodes.into_iter().map(|node| node.job).collect()
    }

    /// The proofs that the block takes.
    fn graph(&self) -> Graph {
        let params = Params::of(self.profile);
        let batches: Vec<_> = self.witness.batches.iter().map(|batch| batch.batch).collect();
        Graph::new(&batches, Arities::from(&params))
    }

    /// Reads the kept proofs of the block and verifies them, which takes no circuit.
    pub(crate) fn resume(&mut self, kept: &KeptProofs, workers: &Workers, observer: Observer<'_>) -> Resumed {
        let _span = spans::resume().entered();
        let start = Instant::now();
        let resume = Resume { keys: InnerKeys::pinned(self.profile), witness: &self.witness, kept };
        let resumed = workers.install(|| resume.read(self.graph(), observer));
        self.timings.prove += start.elapsed();
        let reused = resumed.reused;
        if reused.total() + reused.refused > 0 {
            observer(&Event::Resumed { reused, proofs: resumed.graph.nodes.len() });
        }
        resumed
    }

    /// What the block publishes beside its proof.
    pub fn data(&self) -> BlockData {
        let BlockWitness { block: BlockId { chain_id, number, .. }, ref emitted, .. } = self.witness;
        BlockData { chain_id, number, emitted: emitted.clone() }
    }

    /// The block with this proof file, which is verified.
    pub(crate) fn finish(
        self,
        proof: Vec<u8>,
        reused: Reused,
        observer: Observer<'_>,
    ) -> Result<ProvenBlock, ProveError> {
        let start = Instant::now();
        let expected = self.statement();
        let statement = spans::verify().in_scope(|| verify_own(&proof, expected))?;
        let Self { execution, mut witness, report, mut timings, .. } = self;
        timings.verify = start.elapsed();
        observer(&Event::Verified { bytes: proof.len(), elapsed: timings.verify });
        let BlockId { chain_id, number, .. } = witness.block;
        let data = BlockData { chain_id, number, emitted: mem::take(&mut witness.emitted) };
        let prepared = witness.into_prepared().map_err(WitnessError::from)?;
        Ok(ProvenBlock { statement, proof, data, execution, prepared, report, reused, timings })
    }
}

/// Proves a prepared block and verifies the proof. Circuits that it needs and that are not there are built first, which is
/// no part of the timings.
///
/// # Errors
/// If a witness breaks a rule, or the circuits are of another profile or cannot be built, or a proof fails, or a stop is
/// requested.
pub fn prove_prepared(
    circuits: &CircuitSet,
    prepared: PreparedBlock,
    options: &ProveOptions,
    observer: Observer<'_>,
) -> Result<ProvenBlock, ProveError> {
    if prepared.profile != circuits.id() {
        return Err(ProveError::Profile { expected: circuits.id(), got: prepared.profile });
    }
    let resumed = Resumed::nothing(prepared.graph());
    let workers = Workers::new(options)?;
    workers.install(|| cache::build_circuits(circuits, resumed.circuits(), observer))?;
    prove_missing(circuits, prepared, resumed, None, (options, &workers), observer)
}

/// Makes the proofs of a prepared block that are missing, with circuits that are built, and keeps them if it is said where.
///
/// # Errors
/// As [`prove_prepared`].
pub(crate) fn prove_missing(
    circuits: &CircuitSet,
    mut prepared: PreparedBlock,
    resumed: Resumed,
    kept: Option<&KeptProofs>,
    (options, workers): (&ProveOptions, &Workers),
    observer: Observer<'_>,
) -> Result<ProvenBlock, ProveError> {
    let params = circuits.params();
    let witness = &prepared.witness;
    let _span = spans::prove(witness.block.chain_id, witness.block.number, witness.batches.len()).entered();
    let in_flight = workers.in_flight(options, proof_memory(params));

    let start = Instant::now();
    let to_make = resumed.to_make();
    let Resumed { graph, proofs, reused } = resumed;
    let of_stage = |stage| to_make.iter().filter(|&&node| graph.nodes[node].job.stage() == stage).count();
    let [batches, lifts, folds, _] = Stage::ALL.map(of_stage);
    if let Some(short) = memory_short(proofs_memory(params, in_flight.min(to_make.len()))) {
        observer(&short);
    }
    observer(&Event::Proving { batches, lifts, folds, in_flight });

    let prover = BlockProver { circuits, witness, check: options.check_witness, kept, observer };
    let limits = Limits { in_flight, pool: workers.pool(), stop: options.stop };
    let (proof, jobs) = scheduler::run(&graph, &prover, proofs, limits, observer).inspect_err(|error| {
        if let &ProveError::Stopped { left } = error {
            observer(&Event::Stopped { left });
        }
    })?;
    prepared.timings.prove += start.elapsed();
    prepared.timings.jobs = jobs;
    let proof = encode(params.id, &proof);
    prepared.finish(proof, reused, observer)
}

/// Proves a block on a state, which stays as it is, and verifies the proof.
///
/// # Errors
/// If the block cannot be executed, or has invalid transactions and the options are strict, or if a proof fails.
pub fn prove_block(
    circuits: &CircuitSet,
    ledger: &Ledger,
    block: &Block,
    options: &ProveOptions,
    observer: Observer<'_>,
) -> Result<ProvenBlock, ProveError> {
    let prepared = prepare_block(circuits.params().id, ledger, block, options, observer)?;
    prove_prepared(circuits, prepared, options, observer)
}

/// Verifies a finished proof as anybody would, and that it says what the execution says.
pub(crate) fn verify_own(proof: &[u8], expected: BlockStatement) -> Result<BlockStatement, ProveError> {
    let got = verify_block(VerifierKey::pinned(expected.profile), proof)?;
    if got != expected {
        return Err(ProveError::Statement { expected: Box::new(expected), got: Box::new(got) });
    }
    Ok(got)
}
