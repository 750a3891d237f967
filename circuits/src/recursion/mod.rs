//! What lift, fold and block share: child slots, live flags and the chain of children.
//!
//! Lifts verify batch proofs, fold and block verify lift and fold proofs. All have a fixed number of slots and
//! verify all of them, always:
//!
//! - slot 0 is live; the other slots' live flags are boolean and never increase;
//! - every slot's context is the output's;
//! - a live slot starts where the live slot before it ended;
//! - a dead slot has the public inputs of slot 0, so it says nothing that slot 0 does not say;
//! - the output starts where slot 0 starts and ends where the last live slot ends.
//!
//! A child's verifier key is a witness. It is safe because its entry ([`crate::keys::entry_target`]) must be
//! one of those allowed, and the entry binds all of the key. The rest of what a verifier must know, the
//! child's `CommonCircuitData`, is a constant of the circuit.

mod chain;
mod choice;
#[cfg(test)]
mod forge;
mod shape;
mod slot;
#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) mod toy;
mod verifier;

pub use chain::{Chain, chain, select};
pub use choice::{choose_constant, choose_listed, fill_choice};
pub use shape::{RecursionSize, fix_shape, recursion_gates};
pub use slot::{Slot, SlotWitness, fill_dead};

use enfold_state::chain::Quadratic;
use enfold_state::hash::Digest;
use enfold_state::kind::{BatchId, FamilyId};
use plonky2::iop::witness::PartialWitness;

use crate::backend::{BackendError, Prover};
use crate::config::{CircuitData, F, Proof};
use crate::public_inputs::{BatchPublicInputs, PublicInputsLength};

/// A circuit did not come out as its profile says. Parameters are constants, so this is a mistake in them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// Too many rows for the profile's degree.
    #[error("{circuit}: expected 2^{expected} rows, got 2^{got}")]
    Degree {
        /// Which circuit.
        circuit: &'static str,
        /// log2 of the rows, as the profile says.
        expected: usize,
        /// log2 of the rows it has.
        got: usize,
    },
    /// Two circuits that must look alike to a verifier do not.
    #[error("{circuit}: its common data differ from those of {like}")]
    CommonData {
        /// Which circuit.
        circuit: &'static str,
        /// The circuit it must be like.
        like: &'static str,
    },
    /// The backend refuses it.
    #[error("{circuit}: {source}")]
    Backend {
        /// Which circuit.
        circuit: &'static str,
        /// Why.
        source: BackendError,
    },
    /// A circuit is not the one whose key is pinned: it was changed, and the keys have to be pinned anew.
    #[error("{circuit}: expected the circuit of the pinned key {expected}, got one of key {got}")]
    Pinned {
        /// Which circuit.
        circuit: &'static str,
        /// The pinned key's entry.
        expected: Digest,
        /// The circuit's.
        got: Digest,
    },
    /// A circuit has the pinned key's entry, but other parameters of the proof: they have to be pinned anew.
    #[error("{circuit}: its gates or proof parameters are not those that are pinned")]
    PinnedParameters {
        /// Which circuit.
        circuit: &'static str,
    },
}

/// Proving failed.
#[derive(Debug, thiserror::Error)]
pub enum ProveError {
    /// The circuit could not be built.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// A lift, fold or block proof needs at least one child and has at most this many.
    #[error("{circuit}: expected 1 to {expected} children, got {got}")]
    Children {
        /// Which circuit.
        circuit: &'static str,
        /// The circuit's arity.
        expected: usize,
        /// Children given.
        got: usize,
    },
    /// A child names a key that is not in the list.
    #[error("{circuit}: expected a key below {expected}, got {got}")]
    UnknownKey {
        /// Which circuit.
        circuit: &'static str,
        /// Keys in the list.
        expected: usize,
        /// The child's.
        got: usize,
    },
    /// A lift proof takes batch proofs of one family.
    #[error("{}: expected batch proofs of family {family}, got {} as child {child}", family.lift(), got.name())]
    Family {
        /// The family of child 0.
        family: FamilyId,
        /// Which child is of another.
        child: usize,
        /// The child's circuit.
        got: BatchId,
    },
    /// A child does not have the public inputs of a batch, lift or fold proof.
    #[error("{circuit}: child {child}: {source}")]
    PublicInputs {
        /// Which circuit.
        circuit: &'static str,
        /// Which child.
        child: usize,
        /// What is wrong.
        source: PublicInputsLength,
    },
    /// Children belong to different blocks or chains.
    #[error("{circuit}: child {child} has another context than child 0")]
    Context {
        /// Which circuit.
        circuit: &'static str,
        /// Which child.
        child: usize,
    },
    /// A child does not start where the one before it ends.
    #[error("{circuit}: child {child} does not start where child {} ends", child - 1)]
    Gap {
        /// Which circuit.
        circuit: &'static str,
        /// Which child.
        child: usize,
    },
    /// A child of fold or block was made for another set of keys.
    #[error("{circuit}: child {child} is for another set of keys")]
    Set {
        /// Which circuit.
        circuit: &'static str,
        /// Which child.
        child: usize,
    },
    /// The first child of block does not start at a block's start with this tree root and these counts.
    #[error("block: its first child starts at another chain state")]
    Before,
    /// The last child of block does not end in this chain state.
    #[error("block: its last child ends in another chain state")]
    After,
    /// What the block emits is not what it consumes.
    #[error("block: expected a LogUp sum of zero, got {got:?}")]
    Sum {
        /// The sum after the last batch.
        got: Quadratic,
    },
    /// The shards do not grow by as many leaves as the batches create.
    #[error("block: expected shards that grow by {expected} leaves, got {}", growth(*got))]
    Created {
        /// By the batches.
        expected: u64,
        /// By the counts; `None` if a shard has fewer leaves than before.
        got: Option<u64>,
    },
    /// The witness does not satisfy the circuit, or plonky2 failed.
    #[error("{circuit}: {source}")]
    Prove {
        /// Which circuit.
        circuit: &'static str,
        /// plonky2's error.
        source: anyhow::Error,
    },
}

/// By how much shards grow together, in words.
fn growth(leaves: Option<u64>) -> String {
    leaves.map_or_else(|| "one that shrinks".to_owned(), |leaves| leaves.to_string())
}

/// Proves.
pub(crate) fn prove(
    circuit: &'static str,
    prover: &dyn Prover,
    data: &CircuitData,
    witness: PartialWitness<F>,
) -> Result<Proof, ProveError> {
    prover.prove(data, witness).map_err(|source| ProveError::Prove { circuit, source })
}

/// Checks natively that the children are as many as fit, of one context, and without gaps.
pub(crate) fn check_children<'a>(
    circuit: &'static str,
    arity: usize,
    children: impl ExactSizeIterator<Item = &'a Proof>,
) -> Result<Vec<BatchPublicInputs>, ProveError> {
    let got = children.len();
    if got == 0 || got > arity {
        return Err(ProveError::Children { circuit, expected: arity, got });
    }
    let mut all: Vec<BatchPublicInputs> = Vec::with_capacity(got);
    for (child, proof) in children.enumerate() {
        let inputs = BatchPublicInputs::from_elements(&proof.public_inputs)
            .map_err(|source| ProveError::PublicInputs { circuit, child, source })?;
        if let (Some(first), Some(last)) = (all.first(), all.last()) {
            if inputs.ctx != first.ctx {
                return Err(ProveError::Context { circuit, child });
            }
            if inputs.before != last.after {
                return Err(ProveError::Gap { circuit, child });
            }
        }
        all.push(inputs);
    }
    Ok(all)
}

/// Checks natively that the children carry this set.
pub(crate) fn check_sets(
    circuit: &'static str,
    children: &[BatchPublicInputs],
    set: Digest,
) -> Result<(), ProveError> {
    match children.iter().position(|inputs| inputs.set != set) {
        Some(child) => Err(ProveError::Set { circuit, child }),
        None => Ok(()),
    }
}
