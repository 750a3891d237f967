//! The tracing spans of the prover, named here and nowhere else.
//!
//! | span | fields | what it covers |
//! |---|---|---|
//! | `prepare` | `chain`, `number` | a block's way to its witnesses: `execute` and `witness` |
//! | `execute` | | execution on the state before it |
//! | `witness` | | plan, tree versions, seed, batch witnesses |
//! | `circuits` | `profile` | building a profile's circuits, once in a process |
//! | `restore` | | reading and verifying kept proofs of an earlier run |
//! | `prove` | `chain`, `number`, `batches` | all proofs of a block |
//! | `batch` | `number`, `circuit` | a batch proof, inside `prove`; so are the next three |
//! | `lift` | `number` | a lift proof |
//! | `fold` | `number` | a fold proof |
//! | `block` | | the block proof |
//! | `verify` | | verifying the block proof as anybody would |
//! | `write` | `number` | writing proof and data |
//! | `commit` | `number` | taking the block over |
//!
//! All are of level `INFO`. They go into logs, into the Chrome trace of `--trace`, and to whatever else listens.

use enfold_state::profile::ProfileId;
use tracing::{Span, info_span};

use crate::job::Job;

pub(crate) fn prepare(chain: u64, number: u32) -> Span {
    info_span!("prepare", chain, number)
}

pub(crate) fn execute() -> Span {
    info_span!("execute")
}

pub(crate) fn witness() -> Span {
    info_span!("witness")
}

pub(crate) fn circuits(profile: ProfileId) -> Span {
    info_span!("circuits", profile = profile.name())
}

pub(crate) fn resume() -> Span {
    info_span!("restore")
}

pub(crate) fn prove(chain: u64, number: u32, batches: usize) -> Span {
    info_span!("prove", chain, number, batches)
}

pub(crate) fn job(job: Job) -> Span {
    match job {
        Job::Batch { number, batch } => info_span!("batch", number, circuit = batch.name()),
        Job::Lift { number, .. } => info_span!("lift", number),
        Job::Fold { number } => info_span!("fold", number),
        Job::Block => info_span!("block"),
    }
}

pub(crate) fn verify() -> Span {
    info_span!("verify")
}

pub(crate) fn write(number: u32) -> Span {
    info_span!("write", number)
}

pub(crate) fn commit(number: u32) -> Span {
    info_span!("commit", number)
}
