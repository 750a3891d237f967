//! Credits: the native twin of the circuits `credit_wide` and `credit_deep`.

use enfold_state::chain::BlockId;
use enfold_state::credit::{Credit, opened};
use enfold_state::executor::Execution;
use enfold_state::hash::Digest;
use enfold_state::leaf::{Leaf, LeafIndex};
use enfold_state::legs::Legs;
use enfold_state::message::{Message, Op};
use enfold_state::nonce::NonceKey;
use rayon::prelude::*;

use crate::error::{StepError, WitnessError};
use crate::kind::{At, BatchKind, Source};
use crate::slots::Slots;

/// One leaf that is credited by one or more messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreditPath {
    /// The leaf's position in the state tree; inside the batch's window.
    pub index: LeafIndex,
    /// The leaf before its first message here; `None` if the position was empty.
    pub leaf: Option<Leaf>,
    /// Exactly as many as the circuit has; live ones first, then `None`. The first is `None` only in a
    /// padding path, whose leaf is not empty.
    pub messages: Vec<Option<Message>>,
}

impl BatchKind for Credit {
    const CREATES: bool = true;

    type Slot = Option<Message>;
    type Path = CreditPath;

    fn leaves(execution: &Execution) -> impl IndexedParallelIterator<Item = LeafIndex> {
        execution.credits.par_iter().map(|message| message.to)
    }

    fn leg(source: &Source<'_>, position: usize) -> Result<Message, WitnessError> {
        Ok(source.execution.credits[position])
    }

    fn check_emitted(_: &Source<'_>, _: usize, _: &[Message]) -> Result<(), WitnessError> {
        Ok(())
    }

    fn slot(source: &Source<'_>, position: usize) -> Result<Option<Message>, WitnessError> {
        Self::leg(source, position).map(Some)
    }

    fn padding(_: &BlockId, _: LeafIndex, _: &Leaf) -> Option<Message> {
        None
    }

    fn path(index: LeafIndex, leaf: Option<Leaf>, messages: Vec<Option<Message>>) -> Option<CreditPath> {
        Some(CreditPath { index, leaf, messages })
    }

    fn index(path: &CreditPath) -> LeafIndex {
        path.index
    }

    fn slots(path: &CreditPath) -> &[Option<Message>] {
        &path.messages
    }

    fn is_live(slot: &Option<Message>) -> bool {
        slot.is_some()
    }

    /// That of the leaf, or zero where the position was empty.
    fn opened(path: &CreditPath) -> Digest {
        path.leaf.as_ref().map_or(Digest::ZERO, Leaf::digest)
    }

    /// An empty position takes owner and asset from its first message, with nonce and balance zero.
    fn before(number: usize, path: &CreditPath) -> Result<Leaf, StepError> {
        match (path.leaf, path.messages.first()) {
            (Some(leaf), _) => Ok(leaf),
            (None, Some(Some(first))) => Ok(opened(first)),
            (None, _) => Err(StepError::EmptyPadding { path: number, index: path.index }),
        }
    }

    fn creates(path: &CreditPath) -> bool {
        path.leaf.is_none()
    }

    fn step(
        block: &BlockId,
        at: At,
        leaf: &Leaf,
        slot: &Option<Message>,
        messages: &mut Slots,
    ) -> Result<Leaf, StepError> {
        let At { path, leg, index } = at;
        let Some(message) = slot else {
            messages.consume(padding_message(index, leaf).elements(), false);
            return Ok(*leaf);
        };
        // Message, and range: the balance after every single one.
        let leaf = Self::apply(block, index, Some(leaf), message).map_err(|rule| StepError::Rule {
            path,
            leg,
            rule,
        })?;
        messages.consume(message.elements(), true);
        Ok(leaf)
    }
}

/// Padding slot: a transfer of nothing, from leaf 0, to this leaf.
fn padding_message(to: LeafIndex, leaf: &Leaf) -> Message {
    Message {
        op: Op::Transfer,
        asset: leaf.asset,
        from: LeafIndex(0),
        nonce_key: NonceKey::First,
        to,
        amount: 0,
        memo: 0,
        to_address: leaf.address,
    }
}
