//! Why something could not be measured or drawn.

use enfold_circuits::batch::BatchProveError;
use enfold_circuits::recursion::BuildError;
use enfold_prover::error::ProveError;
use enfold_state::executor::ExecuteError;
use enfold_witness::witness::WitnessError;

/// Why there is no measurement, or no picture of it.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// A block could not be proven.
    #[error(transparent)]
    Prove(#[from] ProveError),
    /// A block could not be executed.
    #[error(transparent)]
    Execute(#[from] ExecuteError),
    /// An execution does not fit its state.
    #[error(transparent)]
    Witness(#[from] WitnessError),
    /// A circuit could not be built.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// A batch could not be proven.
    #[error(transparent)]
    Batch(#[from] BatchProveError),
    /// plonky2's verifier refuses a batch proof.
    #[error("the batch proof does not verify: {0}")]
    Refused(#[source] anyhow::Error),
    /// A block has no batch of the kind that is measured.
    #[error("the block has no full debit batch of {expected} legs")]
    NoBatch {
        /// Legs of the batch.
        expected: usize,
    },
    /// No thread pool of this size.
    #[error("cannot start {threads} threads: {source}")]
    Threads {
        /// How many were asked for.
        threads: usize,
        /// What the system says.
        source: rayon::ThreadPoolBuildError,
    },
    /// Results have another version than this program writes.
    #[error("expected results of version {expected}, got version {got}")]
    Version {
        /// This program's.
        expected: u32,
        /// The file's.
        got: u32,
    },
    /// Results are of another measurement than the one that is resumed.
    #[error("expected results with {field} {expected}, got {got}")]
    Settings {
        /// What differs.
        field: &'static str,
        /// What is measured now.
        expected: String,
        /// What the results say.
        got: String,
    },
    /// Results are not JSON of the expected form, or have no such form.
    #[error("results in JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// Results have no CSV form.
    #[error("results as CSV: {0}")]
    Csv(#[from] csv::Error),
    /// A plot could not be drawn.
    #[error("cannot draw: {0}")]
    Draw(#[source] Box<dyn std::error::Error + Send + Sync>),
}
