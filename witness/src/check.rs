//! Checks a block witness natively, before any proof.

use enfold_state::block::emitted_chain;
use enfold_state::chain::{BlockId, ChainState, Commitments, Quadratic, empty_queue, seed, state_root};
use enfold_state::field::ZERO;
use enfold_state::hash::Digest;
use enfold_state::leaf::SHARD_DEPTH;
use rayon::prelude::*;

use crate::step::{StepError, step};
use crate::witness::BlockWitness;
use enfold_state::profile::Profile;

/// A block witness breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckError {
    /// A batch breaks a rule of its circuit.
    #[error("batch {batch}: {source}")]
    Batch {
        /// Number of the batch.
        batch: usize,
        /// The rule.
        source: StepError,
    },
    /// A batch does not start where the one before ended, or the last does not end where the block does.
    #[error("batch {batch}: expected the state {expected:?}, got {got:?}")]
    Link {
        /// Number of the batch; the number of batches for the end of the block.
        batch: usize,
        /// The state that the batches before lead to.
        expected: Box<ChainState>,
        /// The state that is there.
        got: Box<ChainState>,
    },
    /// A batch is for another block.
    #[error("batch {batch}: expected {expected:?}, got {got:?}")]
    Block {
        /// Number of the batch.
        batch: usize,
        /// The block.
        expected: BlockId,
        /// The batch's.
        got: BlockId,
    },
    /// The counts are not those that the chain states have the digest of.
    #[error("expected counts with the digest {expected}, got {got}")]
    Counts {
        /// The digest in the last chain state.
        expected: Digest,
        /// That of the counts.
        got: Digest,
    },
    /// A shard has fewer leaves after the block than before, or more than it takes.
    #[error("shard {shard}: expected {expected} to {} leaves, got {got}", 1 << SHARD_DEPTH)]
    Count {
        /// The shard.
        shard: usize,
        /// Its leaves before the block.
        expected: u32,
        /// Those after it.
        got: u32,
    },
    /// Not as many leaves are new as the counts grow by.
    #[error("expected {expected} new leaves, got {got}")]
    Created {
        /// By the counts.
        expected: usize,
        /// By the batches.
        got: u32,
    },
    /// The seed of a batch is not the block's, or the block's is not the hash of what it commits to.
    #[error("batch {batch}: expected the seed {expected}, got {got}")]
    Seed {
        /// Number of the batch; the number of batches for the block's own seed.
        batch: usize,
        /// The hash.
        expected: Digest,
        /// What is there.
        got: Digest,
    },
    /// The block does not start in the state that its tree root and counts give.
    #[error("start: expected {expected:?}, got {got:?}")]
    Start {
        /// The starting state.
        expected: Box<ChainState>,
        /// What is there.
        got: Box<ChainState>,
    },
    /// Emitted and consumed messages are not the same.
    #[error("expected a LogUp sum of zero, got {got:?}")]
    Sum {
        /// The sum.
        got: Quadratic,
    },
    /// The published messages are not the emitted ones.
    #[error("expected published messages with E {expected}, got {got}")]
    Emitted {
        /// E of the last state.
        expected: Digest,
        /// E of the messages.
        got: Digest,
    },
}

/// Checks a block witness against the rules of the batch circuits and of the block circuit.
///
/// # Errors
/// If it breaks one.
pub fn check_block(profile: &Profile, witness: &BlockWitness) -> Result<(), CheckError> {
    let &BlockWitness { block, counts_before, counts, seed: claimed, before, after, .. } = witness;
    // Batches: each on its own, in parallel.
    let stepped: Vec<_> = witness.batches.par_iter().map(|batch| step(profile, batch)).collect();
    // Links.
    let link = |batch, expected: ChainState, got: ChainState| match expected == got {
        true => Ok(()),
        false => Err(CheckError::Link { batch, expected: Box::new(expected), got: Box::new(got) }),
    };
    let mut state = before;
    for (number, (batch, stepped)) in witness.batches.iter().zip(stepped).enumerate() {
        if batch.block != block {
            return Err(CheckError::Block { batch: number, expected: block, got: batch.block });
        }
        if batch.seed != claimed {
            return Err(CheckError::Seed { batch: number, expected: claimed, got: batch.seed });
        }
        link(number, state, batch.before)?;
        state = stepped.map_err(|source| CheckError::Batch { batch: number, source })?;
        link(number + 1, state, batch.after)?;
    }
    link(witness.batches.len(), state, after)?;
    // Block.
    let (expected, got) = (after.counts, counts.digest());
    if got != expected {
        return Err(CheckError::Counts { expected, got });
    }
    let start = ChainState::start(before.tree_root, empty_queue(), counts.digest());
    if before != start {
        return Err(CheckError::Start { expected: Box::new(start), got: Box::new(before) });
    }
    for (shard, (&expected, &got)) in counts_before.0.iter().zip(&counts.0).enumerate() {
        if got < expected || got > 1 << SHARD_DEPTH {
            return Err(CheckError::Count { shard, expected, got });
        }
    }
    let expected = counts.total() - counts_before.total();
    if after.created as usize != expected {
        return Err(CheckError::Created { expected, got: after.created });
    }
    let previous_root = state_root(before.tree_root, counts_before.digest());
    let ChainState { emitted, consumed, queue, exits, .. } = after;
    let expected = seed(&block, &Commitments { previous_root, emitted, consumed, queue, exits });
    if claimed != expected {
        return Err(CheckError::Seed { batch: witness.batches.len(), expected, got: claimed });
    }
    if after.sum != [ZERO; 2] {
        return Err(CheckError::Sum { got: after.sum });
    }
    let got = emitted_chain(&witness.emitted);
    if got != after.emitted {
        return Err(CheckError::Emitted { expected: after.emitted, got });
    }
    Ok(())
}
