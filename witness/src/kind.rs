//! What the batches of a kind are made of: their legs, the slots of their circuits, and the rule of a slot.
//!
//! [`BatchKind`] is all that a kind adds to this crate. Plan, leaf values, witnesses and the native twin are written once
//! for all kinds.

use enfold_state::chain::BlockId;
use enfold_state::executor::Execution;
use enfold_state::hash::Digest;
use enfold_state::leaf::{Leaf, LeafIndex};
use enfold_state::legs::Legs;
use enfold_state::message::Message;
use enfold_state::transaction::SignedTransaction;
use rayon::prelude::*;

use crate::error::{StepError, WitnessError};
use crate::slots::Slots;

/// Where legs come from: a block's transactions and what the executor made of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Source<'a> {
    pub block: BlockId,
    pub transactions: &'a [SignedTransaction],
    pub execution: &'a Execution,
}

/// Where a slot is in its batch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct At {
    pub path: usize,
    pub leg: usize,
    pub index: LeafIndex,
}

/// A kind's batches.
pub(crate) trait BatchKind: Legs {
    /// Whether its paths can create leaves.
    const CREATES: bool;

    /// What the circuit is given for a leg, live or padding.
    type Slot: Clone + Send;

    /// A leaf and its slots.
    type Path: Clone + Send;

    /// The leaves of the execution's legs, in their order.
    fn leaves(execution: &Execution) -> impl IndexedParallelIterator<Item = LeafIndex>;

    /// The leg at a position of the execution.
    fn leg(source: &Source<'_>, position: usize) -> Result<Self::Leg, WitnessError>;

    /// The messages that a leg emitted are those that the execution has.
    fn check_emitted(source: &Source<'_>, position: usize, got: &[Message]) -> Result<(), WitnessError>;

    /// Its slot.
    fn slot(source: &Source<'_>, position: usize) -> Result<Self::Slot, WitnessError>;

    /// A slot that leaves a leaf as it is.
    fn padding(block: &BlockId, index: LeafIndex, leaf: &Leaf) -> Self::Slot;

    /// A path over the leaf as it is before its first slot; `None` if the kind has no path over an empty position.
    fn path(index: LeafIndex, before: Option<Leaf>, slots: Vec<Self::Slot>) -> Option<Self::Path>;

    /// The path's position.
    fn index(path: &Self::Path) -> LeafIndex;

    /// The path's slots.
    fn slots(path: &Self::Path) -> &[Self::Slot];

    /// Whether a slot has a leg.
    fn is_live(slot: &Self::Slot) -> bool;

    /// The digest that the path opens.
    fn opened(path: &Self::Path) -> Digest;

    /// The leaf before the first slot.
    fn before(number: usize, path: &Self::Path) -> Result<Leaf, StepError>;

    /// Whether the path's position was empty, so that it creates a leaf.
    fn creates(path: &Self::Path) -> bool;

    /// The leaf after a slot, by the rules of the circuit in its order, and the slot's messages.
    fn step(
        block: &BlockId,
        at: At,
        leaf: &Leaf,
        slot: &Self::Slot,
        messages: &mut Slots,
    ) -> Result<Leaf, StepError>;
}
