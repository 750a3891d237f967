//! From a block to its proof.

use std::time::{Duration, Instant};

use enfold_circuits::block::BlockOpening;
use enfold_circuits::circuit_set::CircuitSet;
use enfold_circuits::statement::BlockStatement;
use enfold_circuits::verify::{VerifierKey, encode, verify_block};
use enfold_state::block::{Block, BlockData};
use enfold_state::executor::{Execution, Rejection, execute};
use enfold_state::ledger::Ledger;
use enfold_witness::plan::PlanReport;
use enfold_witness::profile::ProfileId;
use enfold_witness::witness::{BlockWitness, witness_block};
use tracing::{info_span, instrument};

use crate::batch::BlockEngine;
use crate::engine;
use crate::error::ProveError;
use crate::events::{Event, Job, Observer};
use crate::graph::Graph;
use crate::options::{ProveOptions, Workers, proof_memory};

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
    /// Figures of the plan.
    pub report: PlanReport,
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
    /// Making all proofs.
    pub prove: Duration,
    /// Verifying the block proof.
    pub verify: Duration,
    /// Each proof by itself, batches first; their sum is more than [`Timings::prove`], since they overlap.
    pub jobs: Vec<(Job, Duration)>,
}

impl Timings {
    /// All of it.
    pub fn total(&self) -> Duration {
        self.execute + self.witness + self.prove + self.verify
    }

    /// Number and summed time of the proofs of one kind: `batch`, `lift`, `fold` or `block`.
    pub fn of_kind(&self, kind: &str) -> (usize, Duration) {
        let of_kind = self.jobs.iter().filter(|(job, _)| job.kind() == kind);
        of_kind.fold((0, Duration::ZERO), |(count, sum), (_, elapsed)| (count + 1, sum + *elapsed))
    }
}

/// Executes a block on a state, plans it and makes its witnesses. The state stays as it is.
///
/// # Errors
/// If the block cannot be executed, or has invalid transactions and the options are strict.
#[instrument(name = "prepare", skip_all, fields(chain = block.chain_id, number = block.number))]
pub fn prepare_block(
    profile: ProfileId,
    ledger: &Ledger,
    block: &Block,
    options: &ProveOptions,
    observer: Observer<'_>,
) -> Result<PreparedBlock, ProveError> {
    let workers = Workers::new(options)?;
    let start = Instant::now();
    let executed = info_span!("execute").in_scope(|| workers.install(|| execute(ledger, block)));
    let execution = executed?;
    let execute = start.elapsed();
    observer(&Event::Executed {
        transactions: execution.debits.len(),
        rejected: execution.rejections.len(),
        messages: execution.credits.len(),
        elapsed: execute,
    });
    if options.strict && !execution.rejections.is_empty() {
        return Err(ProveError::Rejected(execution.rejections));
    }

    let start = Instant::now();
    let sizes = profile.profile();
    let witness = info_span!("witness")
        .in_scope(|| workers.install(|| witness_block(sizes, ledger, block, &execution)))?;
    let report = witness.plan.report(sizes);
    let timings = Timings { execute, witness: start.elapsed(), ..Timings::default() };
    observer(&Event::Witnessed { plan: report, elapsed: timings.witness });
    Ok(PreparedBlock { profile, execution, witness, report, timings })
}

/// Proves a prepared block and verifies the proof.
///
/// # Errors
/// If a witness breaks a rule, or the circuits are of another profile, or a proof fails.
#[instrument(name = "prove", skip_all, fields(
    chain = prepared.witness.chain_id, number = prepared.witness.number, batches = prepared.witness.batches.len(),
))]
pub fn prove_prepared(
    circuits: &CircuitSet,
    prepared: PreparedBlock,
    options: &ProveOptions,
    observer: Observer<'_>,
) -> Result<ProvenBlock, ProveError> {
    let PreparedBlock { profile, execution, witness, report, mut timings } = prepared;
    let params = circuits.params();
    if profile != params.id {
        return Err(ProveError::Profile { expected: params.id, got: profile });
    }
    let workers = Workers::new(options)?;
    let in_flight = workers.in_flight(options, proof_memory(params));
    let ids: Vec<_> = witness.batches.iter().map(|batch| batch.batch).collect();
    let graph = Graph::new(&ids, params.lift_arity, params.fold_arity);
    let (batches, lifts, folds) = (ids.len(), graph.lifts, graph.folds);
    observer(&Event::Proving { batches, lifts, folds, in_flight });

    let start = Instant::now();
    let engine = BlockEngine { circuits, witness: &witness, check: options.check_witness };
    let (proof, jobs) = engine::run(&graph, &engine, in_flight, workers.pool(), observer)?;
    (timings.prove, timings.jobs) = (start.elapsed(), jobs);
    let proof = encode(profile, &proof);

    let start = Instant::now();
    let expected = opening(&witness).statement(profile);
    let statement = info_span!("verify").in_scope(|| verify_own(&proof, expected))?;
    timings.verify = start.elapsed();
    observer(&Event::Verified { bytes: proof.len(), elapsed: timings.verify });

    let BlockWitness { chain_id, number, emitted, .. } = witness;
    let data = BlockData { chain_id, number, emitted };
    Ok(ProvenBlock { statement, proof, data, execution, report, timings })
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
fn verify_own(proof: &[u8], expected: BlockStatement) -> Result<BlockStatement, ProveError> {
    let got = verify_block(VerifierKey::pinned(expected.profile), proof)?;
    if got != expected {
        return Err(ProveError::Statement { expected: Box::new(expected), got: Box::new(got) });
    }
    Ok(got)
}

/// What the block circuit opens.
pub(crate) fn opening(witness: &BlockWitness) -> BlockOpening {
    let &BlockWitness { chain_id, number: block_number, before, after, .. } = witness;
    BlockOpening { chain_id, block_number, before, after }
}
