//! Why a block could not be proven.

use enfold_circuits::batch::BatchProveError;
use enfold_circuits::check::Violations;
use enfold_circuits::recursion::{BuildError, ProveError as RecursionError};
use enfold_state::executor::{ExecuteError, Rejection};
use enfold_state::profile::{BatchId, ProfileId};
use enfold_verifier::statement::BlockStatement;
use enfold_verifier::verify::VerifyError;
use enfold_witness::step::StepError;
use enfold_witness::witness::WitnessError;

use crate::job::Job;

/// Why a block could not be proven.
#[derive(Debug, thiserror::Error)]
pub enum ProveError {
    /// The block cannot be executed on this state.
    #[error(transparent)]
    Execute(#[from] ExecuteError),
    /// The block has invalid transactions, and they were not to be left out.
    #[error("expected no invalid transaction, got {}; the first: {}", .0.len(), first(.0))]
    Rejected(Vec<Rejection>),
    /// The execution does not fit the state.
    #[error(transparent)]
    Witness(#[from] WitnessError),
    /// The block was prepared for another profile than the circuits are of.
    #[error("expected a block prepared for profile {expected}, got one for {got}")]
    Profile {
        /// The circuits' profile.
        expected: ProfileId,
        /// The block's.
        got: ProfileId,
    },
    /// The circuits could not be built.
    #[error(transparent)]
    Circuits(#[from] BuildError),
    /// No thread pool of this size.
    #[error("cannot start {threads} threads: {source}")]
    Threads {
        /// How many were asked for.
        threads: usize,
        /// What the system says.
        source: rayon::ThreadPoolBuildError,
    },
    /// A batch's witness breaks a rule.
    #[error("batch {number} ({}): {source}", batch.name())]
    Rule {
        /// Number of the batch.
        number: usize,
        /// Which circuit.
        batch: BatchId,
        /// The rule.
        source: Box<StepError>,
    },
    /// A batch's witness does not satisfy the circuit.
    #[error("batch {number} ({}): {violations}", batch.name())]
    Unsatisfied {
        /// Number of the batch.
        number: usize,
        /// Which circuit.
        batch: BatchId,
        /// Gates, rows and constraints.
        violations: Violations,
    },
    /// A batch could not be proven, though its witness satisfies the circuit.
    #[error("batch {number} ({}): {source}", batch.name())]
    Batch {
        /// Number of the batch.
        number: usize,
        /// Which circuit.
        batch: BatchId,
        /// What the circuit says.
        source: Box<BatchProveError>,
    },
    /// A lift, fold or block proof could not be made.
    #[error("{job}: {source}")]
    Recursion {
        /// Which.
        job: Job,
        /// What the circuit says.
        source: Box<RecursionError>,
    },
    /// A proof got other proofs than the tree says.
    #[error("{job}: {got} of the proofs that it is made of are of a wrong kind")]
    Children {
        /// Which.
        job: Job,
        /// How many are wrong.
        got: usize,
    },
    /// The prover, or an observer of it, panicked.
    #[error("{job}: panicked: {message}")]
    Panicked {
        /// During which proof.
        job: Job,
        /// The panic's message.
        message: String,
    },
    /// The run was stopped. What was finished is kept.
    #[error("stopped{}", left_text(*left))]
    Stopped {
        /// Proofs that were not finished; 0 before they are planned.
        left: usize,
    },
    /// The finished proof does not verify.
    #[error("the finished proof does not verify: {0}")]
    Verify(#[from] VerifyError),
    /// The finished proof states something else.
    #[error("expected the statement {expected:?}, got {got:?}")]
    Statement {
        /// What the execution says.
        expected: Box<BlockStatement>,
        /// What the proof says.
        got: Box<BlockStatement>,
    },
}

fn left_text(left: usize) -> String {
    match left {
        0 => String::new(),
        1 => ", 1 proof left".to_owned(),
        left => format!(", {left} proofs left"),
    }
}

fn first(rejections: &[Rejection]) -> String {
    rejections.first().map_or_else(|| "none".to_owned(), ToString::to_string)
}
