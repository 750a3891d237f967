//! Which proof is which: its place in the block, its stage, and what was there before.

use std::fmt;

use enfold_circuits::circuit_set::Circuit;
use enfold_state::kind::FamilyId;
use enfold_state::profile::BatchId;
use enfold_verifier::verify::InnerCircuit;
use serde::{Deserialize, Serialize};

/// A proof to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Job {
    /// The proof of a batch.
    Batch {
        /// Its place in the block, from 0.
        number: usize,
        /// Which circuit.
        batch: BatchId,
    },
    /// A lift proof.
    Lift {
        /// Its place among the block's lift proofs, from 0.
        number: usize,
        /// The family of its batches.
        family: FamilyId,
    },
    /// A fold proof.
    Fold {
        /// Its place among the block's fold proofs, from 0. A small block has none.
        number: usize,
    },
    /// The block proof.
    Block,
}

impl Job {
    /// The stage that the proof belongs to.
    pub const fn stage(self) -> Stage {
        match self {
            Self::Batch { .. } => Stage::Batch,
            Self::Lift { .. } => Stage::Lift,
            Self::Fold { .. } => Stage::Fold,
            Self::Block => Stage::Block,
        }
    }

    /// The circuit of the proof.
    pub(crate) const fn circuit(self) -> Circuit {
        match self {
            Self::Batch { batch, .. } => Circuit::Inner(InnerCircuit::Batch(batch)),
            Self::Lift { family, .. } => Circuit::Inner(InnerCircuit::Lift(family)),
            Self::Fold { .. } => Circuit::Inner(InnerCircuit::Fold),
            Self::Block => Circuit::Block,
        }
    }
}

/// The stages of a block's proofs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Batch proofs.
    Batch,
    /// Lift proofs.
    Lift,
    /// Fold proofs.
    Fold,
    /// The block proof.
    Block,
}

impl Stage {
    /// All stages, in order.
    pub const ALL: [Self; 4] = [Self::Batch, Self::Lift, Self::Fold, Self::Block];

    /// The name, the same as that of its proofs' tracing spans.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Batch => "batch",
            Self::Lift => "lift",
            Self::Fold => "fold",
            Self::Block => "block",
        }
    }
}

impl fmt::Display for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Batch { number, batch } => write!(f, "batch {number} ({})", batch.name()),
            Self::Lift { number, .. } => write!(f, "lift {number}"),
            Self::Fold { number } => write!(f, "fold {number}"),
            Self::Block => write!(f, "block"),
        }
    }
}

/// The kept proofs that a resumed block reuses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Reused {
    /// Batch proofs.
    pub batches: usize,
    /// Lift proofs.
    pub lifts: usize,
    /// Fold proofs.
    pub folds: usize,
    /// 1 if the block proof was there.
    pub blocks: usize,
    /// Proofs below those, which need not be made again.
    pub below: usize,
    /// Files that were not what they should be; what they stood for is proven again.
    pub refused: usize,
}

impl Reused {
    /// Proofs that this run need not make.
    pub const fn total(&self) -> usize {
        self.batches + self.lifts + self.folds + self.blocks + self.below
    }

    /// The block proof was there, so all `proofs` of the block are.
    pub(crate) fn all(proofs: usize) -> Self {
        Self { blocks: 1, below: proofs - 1, ..Self::default() }
    }

    /// Counts a kept proof that is reused.
    pub(crate) fn count(&mut self, job: Job) {
        *match job {
            Job::Batch { .. } => &mut self.batches,
            Job::Lift { .. } => &mut self.lifts,
            Job::Fold { .. } => &mut self.folds,
            Job::Block => &mut self.blocks,
        } += 1;
    }
}
